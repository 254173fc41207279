/** Last runs of what goes by the clock. The clock itself only reports what it missed; this table knows. */
import type { EpochMs } from '../base/ids.ts';
import type { Queryable } from './pool.ts';

export interface JobRun {
  readonly name: string;
  readonly dueAt: EpochMs;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs | null;
  readonly error: string | null;
}

const COLUMNS = `name, round(extract(epoch from due_at) * 1000)::float8 as "dueAt",
  round(extract(epoch from started_at) * 1000)::float8 as "startedAt",
  round(extract(epoch from finished_at) * 1000)::float8 as "finishedAt", error`;

/** Takes the run that is due at `dueAt`. @returns false when this or a later one was taken already, by whichever server */
export async function beginJobRun(db: Queryable, name: string, dueAt: EpochMs, now: EpochMs): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into job_run (name, due_at, started_at) values ($1, to_timestamp($2::float8 / 1000), to_timestamp($3::float8 / 1000))
     on conflict (name) do update
       set due_at = excluded.due_at, started_at = excluded.started_at, finished_at = null, error = null
       where job_run.due_at < excluded.due_at
     returning name`,
    [name, dueAt, now],
  );
  return rowCount === 1;
}

/** @param error what went wrong, in words without callers' data; null when it went well */
export async function endJobRun(db: Queryable, name: string, dueAt: EpochMs, now: EpochMs, error: string | null): Promise<void> {
  await db.query(
    `update job_run set finished_at = to_timestamp($3::float8 / 1000), error = $4
     where name = $1 and due_at = to_timestamp($2::float8 / 1000)`,
    [name, dueAt, now, error],
  );
}

/** The last run of a job; null when it never ran. */
export async function lastJobRun(db: Queryable, name: string): Promise<JobRun | null> {
  const { rows } = await db.query<JobRun>(`select ${COLUMNS} from job_run where name = $1`, [name]);
  return rows[0] ?? null;
}
