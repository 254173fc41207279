import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '#src/config.ts';
import { startPostgres } from '#src/db/postgres-server.ts';
import { NoDatabaseError, openDatabase } from '#src/tools/database.ts';

let dataDir: string;
let cluster: string;
const silent = (): void => undefined;
const start = () => startPostgres({ dataDir: cluster, port: 0, durability: 'off', log: silent });

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'mg-tools-'));
  cluster = join(dataDir, 'postgres');
  await (await start()).stop();
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

function config(env: Record<string, string> = {}): Config {
  const loaded = loadConfig({ DATA_DIR: dataDir, ...env }, [], () => '');
  if (loaded.kind !== 'config') throw new Error('these settings are wrong');
  return loaded.config;
}
function note(databaseUrl: string, pid: number): void {
  writeFileSync(join(dataDir, 'house.json'), JSON.stringify({ pid, url: '', databaseUrl, sipPort: 5060 }));
}
async function usesAndLeaves(open: Awaited<ReturnType<typeof openDatabase>>): Promise<void> {
  const { rows } = await open.pool.query('select 1 as one');
  expect(rows).toEqual([{ one: 1 }]);
  await open.close();
}
const isRunning = () => existsSync(join(cluster, 'postmaster.pid'));

describe('a tool', () => {
  it('uses the database of the house that runs, and leaves it running', async () => {
    const house = await start();
    try {
      note(house.url, process.pid);
      await usesAndLeaves(await openDatabase(config(), {}));
      expect(isRunning()).toBe(true);
      rmSync(join(dataDir, 'house.json'));
      // A house that is just opening has noted nothing yet.
      await usesAndLeaves(await openDatabase(config(), {}));
      expect(isRunning()).toBe(true);
    } finally {
      await house.stop();
    }
  });

  it('starts the database when no house runs, and stops it afterwards', async () => {
    await usesAndLeaves(await openDatabase(config(), {}));
    expect(isRunning()).toBe(false);
  });

  it.each([
    ['a process that is gone', 2 ** 22 + 1],
    ['another program that has its number by now', process.pid],
  ])('does not believe what a house noted that was killed: %s', async (_, pid) => {
    note('postgres://madoguchi:x@127.0.0.1:1/madoguchi', pid);
    await usesAndLeaves(await openDatabase(config(), {}));
    rmSync(join(dataDir, 'house.json'));
  });

  it('goes by DATABASE_URL before all', async () => {
    const other = await start();
    try {
      note('postgres://madoguchi:x@127.0.0.1:1/madoguchi', process.pid);
      const open = await openDatabase(config({ DATABASE_URL: other.url }), {});
      expect(open.url).toBe(other.url);
      await usesAndLeaves(open);
      expect(isRunning()).toBe(true);
    } finally {
      rmSync(join(dataDir, 'house.json'));
      await other.stop();
    }
  });

  it('says what to do when there is no centre yet', async () => {
    await expect(openDatabase(config({ DATA_DIR: join(dataDir, 'nothing') }), {})).rejects.toThrow(NoDatabaseError);
  });
});
