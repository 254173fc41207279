/** Releases in a real Postgres: which one is used, which ones may go. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaseLostError } from '#src/contact/ports.ts';
import { deleteOldReleases, findReleases, useRelease } from '#src/db/releases.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';

const DAY = 86_400_000;
const NOON = Date.UTC(2026, 10, 20, 3);

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.close());

const owner = async (name: string) => {
  const lease = await new PgFloorStore(database.pool).claim('a', name, 60_000);
  if (!lease) throw new Error('no lease');
  return lease;
};
const versions = async (): Promise<string[]> => {
  const { rows } = await database.pool.query<{ version: string }>(
    `select version from scenario_release where domain_id = 'a' order by version`,
  );
  return rows.map((row) => row.version);
};

describe('releases in the database', () => {
  it('are found again as they were, and only those that there are', async () => {
    const files = { 'identify.yaml': 'name: identify\n# お電話', 'prompts.yaml': 'prompts: "{x}"' };
    await useRelease(database.pool, await owner('one'), { version: 'v1', files }, NOON);
    expect(await findReleases(database.pool, 'a', ['v1', 'v0'])).toEqual([{ version: 'v1', files }]);
    expect(await findReleases(database.pool, 'b', ['v1'])).toEqual([]);
    expect(await findReleases(database.pool, 'a', [])).toEqual([]);
  });

  it('a node that lost the domain cannot say which one is used', async () => {
    const first = await owner('one');
    await useRelease(database.pool, first, { version: 'v1', files: {} }, NOON);
    await new PgFloorStore(database.pool).release(first);
    await useRelease(database.pool, await owner('two'), { version: 'v2', files: {} }, NOON);
    await expect(useRelease(database.pool, first, { version: 'v1', files: {} }, NOON)).rejects.toThrow(LeaseLostError);
    const { rows } = await database.pool.query('select version, retired_at is null as used from scenario_release order by version');
    expect(rows).toEqual([
      { version: 'v1', used: false },
      { version: 'v2', used: true },
    ]);
  });

  it('go 30 days after their last use, but never the one in use, nor one that a caller is still in', async () => {
    const lease = await owner('one');
    for (const [day, version] of ['v1', 'v2', 'v3', 'v4'].entries()) {
      await useRelease(database.pool, lease, { version, files: {} }, NOON + day * DAY);
    }
    await database.pool.query(
      `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, ended_at, cause, doc) values
       ('a', 'c1', 'voice', 'call', 'scenario', 'ja', '', 'unknown', now(), null, null, '{"dialogue":{"version":"v1"}}'),
       ('a', 'c2', 'voice', 'call', 'ended', 'ja', '', 'unknown', now(), now(), 'abandonedInScenario', '{"dialogue":{"version":"v2"}}'),
       ('b', 'c1', 'voice', 'call', 'scenario', 'ja', '', 'unknown', now(), null, null, '{"dialogue":{"version":"v2"}}')`,
    );
    expect(await deleteOldReleases(database.pool, NOON + 2.5 * DAY)).toBe(1);
    expect(await versions()).toEqual(['v1', 'v3', 'v4']);
    expect(await deleteOldReleases(database.pool, NOON + 400 * DAY)).toBe(1);
    expect(await versions()).toEqual(['v1', 'v4']);
  });

  it('one that comes back into use stays, however long ago it was new', async () => {
    const lease = await owner('one');
    for (const [day, version] of ['v1', 'v2', 'v1'].entries()) {
      await useRelease(database.pool, lease, { version, files: {} }, NOON + day * DAY);
    }
    expect(await deleteOldReleases(database.pool, NOON + 400 * DAY)).toBe(1);
    expect(await versions()).toEqual(['v1']);
  });
});
