/** A supervisor looks at the past in a real browser; behind it the real reports on a real Postgres. */
import { mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Pool } from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { contactEvents } from '#src/db/events.ts';
import { createPool } from '#src/db/pool.ts';
import { readReports } from '#src/db/reports.ts';
import { reportDesk } from '#src/reports.ts';
import type { Directory } from '#src/routing/directory.ts';
import { createFakeBackend } from '../support/fake-backend.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type House, type Stage, startStage, until } from './stage.ts';

const person = (id: string, name: string, role: 'agent' | 'supervisor') => ({
  id,
  name,
  organisationId: 'maker',
  deskIds: ['desk-osaka'],
  queues: [],
  skills: [],
  role,
  language: 'ja' as const,
  deskPhone: null,
});
const DIRECTORY: Directory = {
  domainId: 'test',
  organisations: new Map([['maker', { id: 'maker', kind: 'maker', name: 'Maker', sellsFor: [], regions: [] }]]),
  desks: new Map(
    [
      ['desk-osaka', '大阪サービス窓口', 'Asia/Tokyo'],
      ['desk-london', 'London service desk', 'Europe/London'],
    ].map(([id = '', name = '', timeZone = '']) => [
      id,
      { id, organisationId: 'maker', name, timeZone, hours: [], holidays: [], nextUp: null, isReception: false },
    ]),
  ),
  entries: [],
  agents: new Map(
    [
      person('agent-tanaka', '田中 美咲', 'agent'),
      person('agent-suzuki', '鈴木 一郎', 'agent'),
      person('agent-sato', '佐藤 健', 'supervisor'),
    ].map((one) => [one.id, one]),
  ),
  sales: [],
  outgoingNumber: '+81312340000',
};
const DAY = '2024-11-20';
const at = (clock: string): string => `${DAY}T${clock}+09:00`;

let stage: Stage;
let fresh: FreshDatabase;
let pool: Pool;
let seq = 0;
const event = (
  clock: string,
  name: string,
  contact: string | null,
  agent: string | null,
  cause: string | null,
  offer: string | null,
  data: object,
) =>
  pool.query(
    `insert into event (domain_id, seq, n, at, name, contact_id, agent_id, cause, offer_id, data) values ('test', $1, 1, $2, $3, $4, $5, $6, $7, $8)`,
    [++seq, at(clock), name, contact, agent, cause, offer, data],
  );
const contact = (
  id: string,
  arrived: string,
  connected: string | null,
  ended: string,
  cause: string,
  more: { agent?: string; desk?: string } = {},
) =>
  pool.query(
    `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, desk_id, agent_id, arrived_at, queued_at,
       connected_at, ended_at, cause, disposition, doc)
     values ('test', $1, 'voice', 'call', 'ended', 'ja', '', 'unknown', $2, $3, $4, $4, $5, $6, $7, $8, '{"attempts": 0}')`,
    [
      id,
      more.desk ?? 'desk-osaka',
      more.agent ?? null,
      at(arrived),
      connected && at(connected),
      at(ended),
      cause,
      connected === null ? null : 'resolved',
    ],
  );
const offer = (id: string, contactId: string, agent: string, made: string, ended: string, outcome: string) =>
  pool.query(
    `insert into offer (domain_id, id, contact_id, agent_id, desk_id, state, created_at, ended_at, outcome, doc)
     values ('test', $1, $2, $3, 'desk-osaka', 'ended', $4, $5, $6, '{}')`,
    [id, contactId, agent, at(made), at(ended), outcome],
  );

beforeAll(async () => {
  stage = await startStage();
  fresh = await freshDatabase();
  pool = createPool(fresh.url, { log: () => undefined, name: 'test' });
  for (const id of ['agent-tanaka', 'agent-suzuki', 'agent-sato']) {
    await pool.query(`insert into domain (id, name, outgoing_number) values ('test', 'Test', '+81312340000') on conflict do nothing`);
    await pool.query(
      `insert into organisation (domain_id, id, kind, name) values ('test', 'maker', 'maker', 'Maker') on conflict do nothing`,
    );
    await pool.query(
      `insert into desk (domain_id, id, organisation_id, name) values ('test', 'desk-osaka', 'maker', 'Osaka') on conflict do nothing`,
    );
    await pool.query(
      `insert into app_user (domain_id, id, user_name, name, organisation_id, role, language) values ('test', $1, $1, $1, 'maker', 'agent', 'ja')`,
      [id],
    );
    await pool.query(`insert into app_user_desk (domain_id, user_id, desk_id) values ('test', $1, 'desk-osaka')`, [id]);
  }
  // Rang at tanaka's in vain, then 90 s with suzuki.
  await contact('c1', '09:00:00', '09:00:40', '09:02:30', 'handled', { agent: 'agent-suzuki' });
  await event('09:00:00', 'contactArrived', 'c1', null, null, null, { channel: 'voice', origin: 'call' });
  await event('09:00:01', 'scenarioStarted', 'c1', null, null, null, { scenario: 'identify' });
  await event('09:00:12', 'scenarioEnded', 'c1', null, 'identified', null, {});
  await event('09:00:12', 'queued', 'c1', null, null, null, {});
  await event('09:00:15', 'offered', 'c1', 'agent-tanaka', null, 'o1', {});
  await event('09:00:30', 'diverted', 'c1', 'agent-tanaka', 'noAnswer', 'o1', {});
  await event('09:00:30', 'queued', 'c1', null, 'noAnswer', null, {});
  await event('09:00:30', 'offered', 'c1', 'agent-suzuki', null, 'o2', {});
  await event('09:00:40', 'established', 'c1', 'agent-suzuki', null, 'o2', { waitedMs: 40_000 });
  await event('09:02:10', 'connectionCleared', 'c1', 'agent-suzuki', 'party', 'o2', { talkedMs: 90_000 });
  await event('09:02:10', 'wrapUpStarted', 'c1', 'agent-suzuki', null, 'o2', {});
  await event('09:02:30', 'wrapUpCompleted', 'c1', 'agent-suzuki', 'agent', null, { disposition: 'resolved' });
  await event('09:02:30', 'contactEnded', 'c1', 'agent-suzuki', 'handled', null, {});
  await offer('o1', 'c1', 'agent-tanaka', '09:00:15', '09:00:30', 'noAnswer');
  await offer('o2', 'c1', 'agent-suzuki', '09:00:30', '09:02:10', 'completed');
  for (let i = 0; i < 40; i += 1) {
    const hour = String(9 + (i % 9)).padStart(2, '0');
    const minute = String(5 + Math.floor(i / 9) * 11).padStart(2, '0');
    const given = i % 5 === 0 ? (['handled', null] as const) : (['handled', `${hour}:${minute}:${i % 7 === 0 ? '45' : '08'}`] as const);
    if (given[1] === null)
      await contact(`x${i}`, `${hour}:${minute}:00`, null, `${hour}:${minute}:${i % 2 === 0 ? '10' : '50'}`, 'abandonedInQueue');
    else await contact(`x${i}`, `${hour}:${minute}:00`, given[1], `${hour}:${minute}:58`, 'handled', { agent: 'agent-tanaka' });
  }
  await contact('l1', '20:00:00', null, '20:00:30', 'abandonedInQueue', { desk: 'desk-london' });
  for (const [clock, name] of [
    ['09:00:00', 'agentReady'],
    ['12:00:00', 'agentNotReady'],
    ['13:00:00', 'agentBusy'],
    ['14:00:00', 'agentLoggedOff'],
  ] as const)
    await event(clock, name, null, 'agent-tanaka', null, null, {});
});
afterAll(async () => {
  await pool.end();
  await fresh.drop();
  await stage.close();
});

let house: House;
beforeEach(async () => {
  const backend = createFakeBackend();
  backend.contactEvents = async (_principal, id) => (await contactEvents(pool, 'test', id)).map((one) => ({ ...one }));
  const reports = reportDesk({ pool, domainId: 'test', reports: readReports(), directory: () => DIRECTORY });
  house = await stage.open({ backend, change: { reports } });
});
afterEach(() => house.close());

const open = async (): Promise<Page> => {
  const page = await house.panel('sato', { path: '/supervisor/history' });
  await page.getByRole('heading', { name: 'History', level: 1 }).waitFor();
  return page;
};
const field = (page: Page, label: string) =>
  page
    .locator('.history-choices label')
    .filter({ has: page.getByText(label, { exact: true }) })
    .locator('select, input');
const chooseDay = async (page: Page): Promise<void> => {
  await field(page, 'Period').selectOption('days');
  await field(page, 'From').fill(DAY);
  await field(page, 'To (included)').fill(DAY);
};
const cell = (page: Page, row: string, column: string): Promise<string | null> =>
  page
    .locator('tr', { has: page.getByRole('rowheader', { name: row, exact: true }) })
    .locator(`[data-column="${column}"]`)
    .textContent();
/** For whoever wants to look: `SCREENSHOTS=folder`. */
const picture = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['SCREENSHOTS'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
};
const inJapanese = (page: Page): Promise<void> => page.getByRole('button', { name: /日本語/u }).click();

describe('history on the supervisor’s screen', () => {
  it('an agent has no such tab; an empty day says so', async () => {
    const page = await open();
    await page.getByText('Nothing in this period.').waitFor();
    const agent = await house.panel('tanaka');
    await agent.getByRole('button', { name: 'Start my shift' }).waitFor();
    expect(await agent.getByRole('button', { name: 'History' }).count()).toBe(0);
  });

  it('the day by the hour, with sums, a drawing, and how each figure is computed; the file has the same', async () => {
    const page = await open();
    await chooseDay(page);
    await page.getByTestId('history-table').waitFor();
    expect(await cell(page, '09:00', 'offered')).toBe('6');
    expect(await cell(page, 'Total', 'offered')).toBe('42');
    expect(await page.locator('.history-chart .chart-bar').count()).toBe(10);
    await picture(page, 'history-en');
    // By keyboard: the question mark, and back by Escape.
    const why = page.getByRole('button', { name: 'How is this computed? Service level, short abandons excluded' });
    await why.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('answered in time ÷ (answered + abandoned after more than T)').waitFor();
    await dialog.getByText('reports/service.sql').waitFor();
    await picture(page, 'history-how-en');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    // Another target is another service level.
    const before = await cell(page, 'Total', 'service_level');
    await field(page, 'Target T (s)').fill('60');
    await field(page, 'Target T (s)').press('Tab');
    await until('the service level is another', async () => (await cell(page, 'Total', 'service_level')) !== before);
    const href = await page.getByRole('link', { name: 'CSV file' }).getAttribute('href');
    const csv = await (await page.request.get(new URL(href ?? '', page.url()).href)).text();
    expect(csv.trim().split('\r\n').at(-1)).toMatch(/^total,42,/u);
    await inJapanese(page);
    await page.getByRole('heading', { name: '履歴', level: 1 }).waitFor();
    await page.getByText('待ち行列に入った電話').waitFor();
    await picture(page, 'history-ja');
  });

  it('by desk, in another zone, and the other reports', async () => {
    const page = await open();
    await chooseDay(page);
    await field(page, 'By').selectOption('desk');
    await page.getByRole('cell', { name: 'London service desk' }).waitFor();
    await field(page, 'Time zone').fill('Europe/London');
    await field(page, 'Time zone').press('Tab');
    // 20:00 in Tokyo
    await page.getByRole('row', { name: /^11:00 London service desk/u }).waitFor();
    await field(page, 'Time zone').fill('Europe/Atlantis');
    await field(page, 'Time zone').press('Tab');
    await page.getByText('There is no such time zone.').waitFor();
    await field(page, 'Time zone').fill('Asia/Tokyo');
    await field(page, 'Time zone').press('Tab');
    await page.getByRole('button', { name: 'Handling' }).click();
    await field(page, 'By').selectOption('agent');
    await page.getByRole('cell', { name: '鈴木 一郎' }).waitFor();
    expect(await cell(page, 'Total', 'aht_s')).toBe('1:50');
    expect(await cell(page, 'Total', 'no_answer')).toBe('1');
    await picture(page, 'handling-en');
    await page.getByRole('button', { name: 'Agents’ time' }).click();
    await until('tanaka’s time is shown', async () => (await cell(page, 'Total', 'logged_on_s')) === '5:00:00');
    expect(await cell(page, 'Total', 'occupancy')).toBe('25.0 %');
    await picture(page, 'agents-en');
  });

  it('what is being typed is not lost when figures come in meanwhile', async () => {
    const page = await open();
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/api/reports/handling?*', async (route) => {
      await asked;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Handling' }).click();
    const zone = field(page, 'Time zone');
    await zone.fill('Europe/Lon');
    answer();
    await page.getByText('Nothing in this period.').waitFor();
    expect(await zone.inputValue()).toBe('Europe/Lon');
  });

  it('a contact is opened as a drawn life with every event, by keyboard, and closed again', async () => {
    const page = await open();
    await chooseDay(page);
    await page.getByRole('button', { name: 'Contacts', exact: true }).click();
    await page.getByTestId('history-contacts').waitFor();
    await picture(page, 'contacts-en');
    const link = page.getByRole('button', { name: 'Time line of c1', exact: true });
    await link.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'The life of contact c1' }).waitFor();
    const drawn = await page.getByTestId('life').getAttribute('aria-label');
    expect(drawn).toContain('Caller: IVR 0:11, Caller: Waiting 0:28, Caller: Talk 1:30');
    expect(drawn).toContain('田中 美咲: Ringing 0:15');
    expect(drawn).toContain('鈴木 一郎: Ringing 0:10, 鈴木 一郎: Talk 1:30, 鈴木 一郎: Wrap-up 0:20');
    expect(await page.getByTestId('life-events').locator('tbody tr').count()).toBe(13);
    const moved = page.locator('tr', { has: page.getByRole('rowheader', { name: 'Moved on' }) });
    expect(await moved.textContent()).toMatch(/09:00:30.*田中 美咲no answer/u);
    await picture(page, 'life-en');
    await inJapanese(page);
    await page.getByRole('button', { name: '一覧に戻る' }).focus();
    await page.getByRole('heading', { name: '応対 c1 の経過' }).waitFor();
    await picture(page, 'life-ja');
    await page.keyboard.press('Enter'); // the way back has the focus
    await page.getByTestId('history-contacts').waitFor();
    await until('the keyboard is where it was', () => page.evaluate(() => document.activeElement?.textContent === 'c1'));
  });

  it('what the centre refuses, or a centre that is away, is said', async () => {
    const page = await open();
    await field(page, 'Period').selectOption('days');
    await field(page, 'From').fill('2024-01-01');
    await page.getByText('The period is too long for this interval.').waitFor();
    await page.route('**/api/reports/**', (route) => route.abort());
    await field(page, 'Interval').selectOption('1 day');
    await page.getByText('The centre does not answer.').waitFor();
  });

  it('whoever answers calls does not load it, and what they load is 150 KB at most, compressed', async () => {
    const page = await house.panel('tanaka');
    await page.getByRole('button', { name: 'Start my shift' }).waitFor();
    const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    const scripts = loaded.filter((name) => name.endsWith('.js')).map((name) => new URL(name).pathname.split('/').at(-1) ?? '');
    expect(scripts.some((name) => name.startsWith('history'))).toBe(false);
    expect((await readdir(join(stage.staticDir, 'assets'))).some((name) => name.startsWith('history'))).toBe(true);
    let bytes = 0;
    for (const name of scripts) bytes += gzipSync(await readFile(join(stage.staticDir, 'assets', name))).length;
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(150 * 1024);
  });
});
