/** The whole house as its operator edits its scenarios: the process itself, its signals, figures and log. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestHouse, until } from '../e2e/house.ts';

const ROOT = join(import.meta.dirname, '../..');
let folder: string;
let house: TestHouse;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mg-scenarios-'));
  cpSync(join(ROOT, 'scenarios'), folder, { recursive: true });
  house = await TestHouse.start({ SCENARIOS_DIR: folder });
});
afterAll(async () => {
  await house.remove();
  rmSync(folder, { recursive: true, force: true });
});

const file = (): string => join(folder, 'identify.yaml');
const metrics = async (): Promise<string> => (await fetch(`${house.url}/metrics`)).text();
const problems = async (): Promise<number> => Number(/^madoguchi_scenario_problems (\d+)$/m.exec(await metrics())?.[1] ?? -1);
const release = async (): Promise<string> => /^madoguchi_scenario_release_seconds\{version="(\w+)"\}/m.exec(await metrics())?.[1] ?? '';
const pid = (): number => (JSON.parse(readFileSync(join(house.dataDir, 'house.json'), 'utf8')) as { pid: number }).pid;

it('a mistake is in the figures and in the log, and leaves the house ready; SIGHUP has the files read, and ends nothing', async () => {
  const good = readFileSync(file(), 'utf8');
  const before = await release();
  expect(before).toMatch(/^\w{12}$/);
  expect(await problems()).toBe(0);
  writeFileSync(file(), good.replace(/^start: .*$/m, 'start: nowhere'));
  await until('the mistake is counted', async () => (await problems()) === 1);
  expect(house.log).toMatch(/identify\.yaml:\d+:8: there is no step 'nowhere'/);
  expect(await house.isReady()).toBe(true);
  expect(await release()).toBe(before);

  writeFileSync(file(), `${good}\n# put right\n`);
  process.kill(pid(), 'SIGHUP');
  await until('the new files are in use', async () => (await release()) !== before && (await problems()) === 0);
  expect(house.log).toMatch(/SIGHUP/);
  expect(await house.isReady()).toBe(true);
  const { rows } = await house.db.query<{ version: string; used: boolean }>(
    'select version, retired_at is null as used from scenario_release order by first_used_at',
  );
  expect(rows).toEqual([
    { version: before, used: false },
    { version: await release(), used: true },
  ]);
});
