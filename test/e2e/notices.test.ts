/** A notice by real pages and real calls: made by a supervisor, told by an agent between the calls, across a server that is killed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import { runNotice } from '#src/tools/notice.ts';
import type { FarSide } from '#test/support/far-side.ts';
import { CALLBACKS_AT_ANY_HOUR, type Office, Scene, type TestHouse, until } from './house.ts';

const { customer, unknownInOsaka } = DEMO_EXAMPLES;
const TEXT = 'Your MS-100 is due for calibration in May.';

let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;

beforeAll(async () => {
  scene = await Scene.open({ desks: { default: CALLBACKS_AT_ANY_HOUR }, settings: { LEASE_TTL_MS: '3000' } });
  ({ house, far, office } = scene);
}, 180_000);
afterAll(() => scene?.close());
afterEach(() => scene.clear());

it('a supervisor has two customers told something: each is called once, though the server is killed between them', async () => {
  const yoshida = await office.seat('yoshida');
  const { page } = yoshida;
  await page.getByRole('button', { name: 'Notices' }).click();
  await page.getByRole('button', { name: 'New notice' }).click();
  await page.getByLabel('What is to be told').fill(TEXT);
  await page.getByLabel('Desk whose agents tell it').selectOption(customer.desk);
  await page.getByLabel('At a time').fill('1');
  await page
    .getByLabel('or paste from a spreadsheet')
    .fill(`${customer.number}\t${customer.name}\n110\tx\n${unknownInOsaka.number}\tSuzuki`);
  await page.getByRole('button', { name: 'Check the list' }).click();
  await page.getByText('is an emergency number').waitFor();
  await page.getByLabel('Leave out the wrong line').check();
  await page.getByRole('button', { name: 'Call 2 recipients' }).click();
  const card = page.getByTestId('notice-1');
  await card.getByText('0 of 2').waitFor();

  const [tanaka, first] = await Promise.all([office.ready('tanaka'), far.nextCall(customer.number, 30_000)]);
  await tanaka.contactIn('dialling');
  await tanaka.page.getByText(TEXT).waitFor();
  await first.answer();
  await tanaka.talk();
  await first.hangUp();
  // The server is gone while the agent notes what it was; the next one goes on from the tables.
  await tanaka.contactIn('wrapUp');
  await house.kill();
  await house.run();
  const secondRings = far.nextCall(unknownInOsaka.number, 60_000);
  await until('the panel is there again', async () => (await tanaka.page.getByText('Reconnecting').count()) === 0, 30_000);
  await tanaka.finish('resolved');
  const second = await secondRings;
  await second.answer();
  await tanaka.talk();
  await second.hangUp();
  await tanaka.finish('resolved');

  await card.getByText('2 of 2').waitFor({ timeout: 30_000 });
  await card.getByText('Done', { exact: true }).waitFor({ timeout: 30_000 });
  const { rows } = await house.db.query(
    `select notice_recipient_id as recipient, cause, agent_id as agent, disposition,
       (select count(*)::int from leg where contact_id = contact.id and role = 'party') as dialled
     from contact where notice_id is not null order by 1`,
  );
  expect(rows).toEqual([
    { recipient: '1', cause: 'handled', agent: 'tanaka', disposition: 'resolved', dialled: 1 },
    { recipient: '2', cause: 'handled', agent: 'tanaka', disposition: 'resolved', dialled: 1 },
  ]);
});

it('the command line sees it, and one that it makes is taken up by the server that runs', async () => {
  let printed = '';
  const run = (...argv: string[]) =>
    runNotice(argv, { ...house.env }, (text) => {
      printed += text;
    });
  expect(await run('list')).toBe(0);
  expect(printed).toMatch(/^ {3}1 {2}done +2\/2 {2}tokyo-desk: Your MS-100/);
  const file = join(house.dataDir, 'list.csv');
  writeFileSync(file, `number,name\n${customer.number},${customer.name}\n`);
  expect(await run('create', '--file', file, '--desk', customer.desk, '--text', 'Once more.')).toBe(0);
  await until('it is launched', async () => (await house.db.query(`select from contact where notice_id = '2'`)).rowCount === 1);
  expect(await run('stop', '2')).toBe(0);
  await until('it is over', async () => (await house.db.query(`select from notice where id = '2' and over_at is not null`)).rowCount === 1);
  expect(await run('show', '2')).toBe(0);
  expect(printed).toMatch(/stopped {5}1\n/);
});
