/** Releases of scenarios: the files as dialogues began on them, kept for as long as one may go on by them. */
import type { DomainId, EpochMs } from '../base/ids.ts';
import type { Lease } from '../contact/ports.ts';
import { LeaseLostError } from '../contact/ports.ts';
import type { Queryable } from './pool.ts';

/** All files of one release: their names with their texts. */
export interface StoredRelease {
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
}

const at = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`;

/**
 * Notes that new dialogues begin on this release from now on, and no more on any other. To be done before the first one does.
 * @throws LeaseLostError when the domain is another owner's: it decides
 */
export async function useRelease(db: Queryable, lease: Lease, { version, files }: StoredRelease, now: EpochMs): Promise<void> {
  const { rowCount } = await db.query(
    `with owned as (select id from domain where id = $1 and fence = $2),
     retired as (
       update scenario_release r set retired_at = ${at('$5')} from owned
       where r.domain_id = owned.id and r.version <> $3 and r.retired_at is null)
     insert into scenario_release (domain_id, version, files, first_used_at) select id, $3, $4, ${at('$5')} from owned
     on conflict (domain_id, version) do update set retired_at = null`,
    [lease.domainId, lease.fence, version, JSON.stringify(files), now],
  );
  if (rowCount !== 1) throw new LeaseLostError(lease.domainId);
}

/** Those of these releases that there are. */
export async function findReleases(db: Queryable, domainId: DomainId, versions: readonly string[]): Promise<StoredRelease[]> {
  if (versions.length === 0) return [];
  const { rows } = await db.query<{ version: string; files: Record<string, string> }>(
    'select version, files from scenario_release where domain_id = $1 and version = any($2)',
    [domainId, [...versions]],
  );
  return rows;
}

/**
 * Forgets the releases, of all domains, on which nobody has begun since `before` and nobody is any more.
 * @returns how many
 */
export async function deleteOldReleases(db: Queryable, before: EpochMs): Promise<number> {
  const { rowCount } = await db.query(
    `delete from scenario_release r
     where r.retired_at < ${at('$1')}
       and not exists (
         select from contact c
         where c.domain_id = r.domain_id and c.ended_at is null and c.doc #>> '{dialogue,version}' = r.version)`,
    [before],
  );
  return rowCount ?? 0;
}
