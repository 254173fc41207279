/** The whole house as its operator edits its scenarios: the process itself, its signals, figures and log, real calls, a supervisor's browser. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import type { FarSide } from '#test/support/far-side.ts';
import { type Office, Scene, type TestHouse, until } from './house.ts';

let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;
beforeAll(async () => {
  scene = await Scene.open();
  ({ house, far, office } = scene);
}, 240_000);
afterAll(() => scene?.close());

const file = (): string => join(scene.scenariosDir, 'identify.yaml');
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

it('a caller in a question stays on the old files, through the death of the controller too; the supervisor sees it', async () => {
  const patient = readFileSync(file(), 'utf8').replaceAll('firstDigit: 6s', 'firstDigit: 2m');
  const ask = async (): Promise<string> => {
    const before = await house.newestContact();
    await far.call({ from: DEMO_EXAMPLES.customer.number, withheld: true, to: DEMO_EXAMPLES.entries.ja });
    return until('the caller is asked', async () => {
      const { rows } = await house.db.query<{ id: string }>(
        `select id from contact where id is distinct from $1 and ended_at is null and doc #>> '{dialogue,step}' = 'askCode' order by arrived_at desc`,
        [before],
      );
      return rows[0]?.id;
    });
  };
  const versionOf = async (id: string): Promise<string> =>
    (await house.db.query<{ version: string }>(`select doc #>> '{dialogue,version}' as version from contact where id = $1`, [id])).rows[0]
      ?.version ?? '';

  const first = await release();
  writeFileSync(file(), patient);
  const patientRelease = await until('the patient question is in use', async () => (await release()) !== first && release());
  const early = await ask();

  const { page } = await office.seat(DEMO_EXAMPLES.logIns.supervisor);
  await page.getByRole('button', { name: 'Scenarios' }).click();
  await page.getByTestId('scenario-identify').click();
  const mark = page.locator('#step-askCode .mark.now');
  await mark.getByText('● 1').waitFor();

  writeFileSync(file(), patient.replace('Thank you for calling.', 'Thank you for calling us today.'));
  const newest = await until('the new wording is in use', async () => (await release()) !== patientRelease && release());
  const late = await ask();
  await mark.getByText('● 2').waitFor();
  await page.getByText('1 caller goes on by an older release').waitFor();
  expect([await versionOf(early), await versionOf(late)]).toEqual([patientRelease, newest]);

  await house.kill();
  await house.run();
  expect(await release()).toBe(newest);
  expect(house.log).not.toContain('go on by the newest');
  await page.reload();
  await page.getByTestId('scenario-identify').click();
  await page.getByText('1 caller goes on by an older release').waitFor();
  await mark.getByText('● 2').waitFor();
  expect([await versionOf(early), await versionOf(late)]).toEqual([patientRelease, newest]);
}, 240_000);
