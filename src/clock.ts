/**
 * What goes by the clock. node-cron starts it; the database remembers when it ran last, so that a run which fell into a
 * time when nobody was there is made up for at the next start, and two servers do not both do it.
 */
import cron, { type ScheduledTask } from 'node-cron';
import type { Logger } from './base/log.ts';
import { ensureEventPartitions } from './db/events.ts';
import { forgetHooks } from './db/hooks.ts';
import { beginJobRun, endJobRun, lastJobRun } from './db/jobs.ts';
import { deleteExpiredSessions } from './db/people.ts';
import type { Queryable } from './db/pool.ts';
import { deleteOldRecordings } from './db/recordings.ts';
import { deleteOldReleases } from './db/releases.ts';

export interface Job {
  readonly name: string;
  /** Cron expression with seconds, in UTC. */
  readonly schedule: string;
  /** Whether a missed run is made up for. A job without this is not remembered either: it is this process's own. */
  readonly remembered: boolean;
  /** At the latest this long after the last one a remembered job runs at the start. */
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
}

const HOUR_MS = 3_600_000;
/** Whoever calls for longer goes on by newer scenarios, if the step is there. */
const RELEASES_KEPT_MS = 30 * 24 * HOUR_MS;
/** How long it can be seen what hooks sent, and what was given up. */
const HOOKS_KEPT_MS = 90 * 24 * HOUR_MS;

/** @param recordingsKeptDays 0: for ever */
export function houseJobs(db: Queryable, renewLegs: () => Promise<void>, recordingsKeptDays: number): Job[] {
  return [
    { name: 'renew the legs’ leases', schedule: '0 * * * * *', remembered: false, everyMs: 60_000, run: renewLegs },
    {
      name: 'make event partitions',
      schedule: '0 17 3 * * *',
      remembered: true,
      everyMs: 24 * HOUR_MS,
      run: () => ensureEventPartitions(db),
    },
    {
      name: 'forget old sessions',
      schedule: '0 7 * * * *',
      remembered: true,
      everyMs: HOUR_MS,
      run: () => deleteExpiredSessions(db, Date.now()),
    },
    {
      name: 'forget old releases of scenarios',
      schedule: '0 27 3 * * *',
      remembered: true,
      everyMs: 24 * HOUR_MS,
      run: () => deleteOldReleases(db, Date.now() - RELEASES_KEPT_MS),
    },
    {
      name: 'forget old hooks',
      schedule: '0 37 3 * * *',
      remembered: true,
      everyMs: 24 * HOUR_MS,
      run: () => forgetHooks(db, Date.now() - HOOKS_KEPT_MS),
    },
    {
      name: 'delete old recordings',
      schedule: '0 47 3 * * *',
      remembered: true,
      everyMs: 24 * HOUR_MS,
      run: async () => {
        if (recordingsKeptDays > 0) await deleteOldRecordings(db, Date.now() - recordingsKeptDays * 24 * HOUR_MS);
      },
    },
  ];
}

export interface RunningClock {
  /** Waits for what is running. */
  stop(): Promise<void>;
}

export async function startClock(jobs: readonly Job[], db: Queryable, log: Logger): Promise<RunningClock> {
  const running = new Set<Promise<void>>();
  const tasks: ScheduledTask[] = [];

  const run = async (job: Job, dueAt: number): Promise<void> => {
    try {
      if (job.remembered && !(await beginJobRun(db, job.name, dueAt, Date.now()))) return;
      await job.run();
      if (job.remembered) await endJobRun(db, job.name, dueAt, Date.now(), null);
    } catch (error) {
      log.error({ err: error, job: job.name }, 'a job failed; it runs again when it is due next');
      if (job.remembered)
        await endJobRun(db, job.name, dueAt, Date.now(), 'failed').catch((e: unknown) => log.warn({ err: e }, 'nor could that be noted'));
    }
  };
  const track = (job: Job, dueAt: number): void => {
    const done = run(job, dueAt).finally(() => running.delete(done));
    running.add(done);
  };

  for (const job of jobs) {
    const last = job.remembered ? await lastJobRun(db, job.name) : null;
    if (job.remembered && (!last || last.dueAt < Date.now() - job.everyMs)) track(job, Date.now());
    tasks.push(cron.schedule(job.schedule, (context) => track(job, context.date.getTime()), { timezone: 'UTC', noOverlap: true }));
  }
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()));
      await Promise.all(running);
    },
  };
}
