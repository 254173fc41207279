/** A supervisor makes, watches, pauses and stops a notice in a real browser; behind it the real notice desk on a real Postgres. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNotice } from '#src/db/notices.ts';
import { createPool } from '#src/db/pool.ts';
import { noticeDesk } from '#src/notices.ts';
import { DEFAULT_DESK_RULES } from '#src/routing/desk-rules.ts';
import type { Directory } from '#src/routing/directory.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type House, type Stage, startStage, until } from './stage.ts';

const DIRECTORY: Directory = {
  domainId: 'test',
  organisations: new Map([['maker', { id: 'maker', kind: 'maker', name: 'Maker', sellsFor: [], regions: [] }]]),
  desks: new Map(
    [
      ['desk-osaka', '大阪サービス窓口'],
      ['desk-london', 'London service desk'],
    ].map(([id = '', name = '']) => [
      id,
      {
        id,
        organisationId: 'maker',
        name,
        timeZone: 'Asia/Tokyo',
        hours: ([1, 2, 3, 4, 5, 6, 7] as const).map((weekday) => ({ weekday, from: '00:00', to: '24:00' })),
        holidays: [],
        nextUp: null,
        isReception: false,
      },
    ]),
  ),
  entries: [],
  agents: new Map(
    (['supervisor', 'agent'] as const).map((role) => {
      const id = role === 'agent' ? 'agent-tanaka' : 'agent-sato';
      const name = role === 'agent' ? '田中 美咲' : '佐藤 健';
      return [
        id,
        { id, name, organisationId: 'maker', deskIds: ['desk-osaka'], queues: [], skills: [], role, language: 'ja', deskPhone: null },
      ];
    }),
  ),
  sales: [],
  outgoingNumber: '+81312340000',
};

let stage: Stage;
let folder: string;
beforeAll(async () => {
  stage = await startStage();
  folder = mkdtempSync(join(tmpdir(), 'madoguchi-notices-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stage.close();
});

let fresh: FreshDatabase;
let pool: Pool;
let house: House;
beforeEach(async () => {
  fresh = await freshDatabase();
  pool = createPool(fresh.url, { log: () => undefined, name: 'test' });
  await pool.query(`insert into domain (id, name, outgoing_number) values ('test', 'Test', '+81312340000')`);
  const parts = {
    pool,
    domainId: 'test',
    directory: () => DIRECTORY,
    rulesOf: () => DEFAULT_DESK_RULES,
    countries: [],
    scenarios: () => ['notice'],
    now: Date.now,
    log: pino({ level: 'silent' }),
  };
  house = await stage.open({ change: { notices: noticeDesk(parts, () => undefined) } });
});
afterEach(async () => {
  await house.close();
  await pool.end();
  await fresh.drop();
});

const open = async (): Promise<Page> => {
  const page = await house.panel('sato', { path: '/supervisor/notices' });
  await page.getByRole('heading', { name: 'Notices', level: 1 }).waitFor();
  return page;
};
const existing = (): Promise<string> =>
  createNotice(
    pool,
    'test',
    {
      requestId: 'made-before-this-test',
      deskId: 'desk-osaka',
      language: 'en',
      text: 'Your device is to be inspected in May.',
      pace: { atATime: 5, perMinute: 20 },
      recipients: Array.from({ length: 10 }, (_, i) => ({
        id: String(i + 1),
        number: `+8190${12_345_670 + i}`,
        country: 'JP',
        name: `N${i}`,
      })),
      by: 'agent-sato',
    },
    Date.now(),
  );
let contacts = 0;
const ended = (recipient: number, cause: string, disposition: string | null = null) =>
  pool.query(
    `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, ended_at, cause, disposition,
       notice_id, notice_recipient_id, doc)
     values ('test', $1, 'notice', 'notice', 'ended', 'ja', '', 'unknown', now() - interval '5 minutes', now() - interval '4 minutes', $2, $3, '1', $4, '{}')`,
    [`c${++contacts}`, cause, disposition, String(recipient)],
  );

describe('notices on the supervisor’s screen', () => {
  it('an empty list says what notices are for; an agent has no such tab', async () => {
    const page = await open();
    await page.getByText('No notices yet.').waitFor();
    const agent = await house.panel('tanaka');
    await agent.getByRole('button', { name: 'Start my shift' }).waitFor();
    expect(await agent.getByRole('button', { name: 'Notices' }).count()).toBe(0);
  });

  it('a list is checked before anything is created: what is wrong is shown by line, and changing the list asks for a new check', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'New notice' }).click();
    await page.getByLabel('What is to be told').fill('Your device is to be inspected in May.');
    await page
      .getByLabel('or paste from a spreadsheet')
      .fill('03-1234-5678\tSato\n110\tPolice\n090-1234-5678\tSuzuki\n03 1234 5678\tagain');
    await page.getByRole('button', { name: 'Check the list' }).click();
    const check = page.getByTestId('notice-check');
    await check.getByText('2 can be called').waitFor();
    await check.getByText('2 lines are wrong').waitFor();
    expect(await check.innerText()).toMatch(/Line 2\s+110\s+is an emergency number/);
    expect(await check.innerText()).toMatch(/Line 4\s+03 1234 5678\s+is in line 1, too/);
    const call = page.getByRole('button', { name: 'Call 2 recipients' });
    expect(await call.isDisabled()).toBe(true);

    await page.getByLabel('or paste from a spreadsheet').fill('03-1234-5678\tSato\n090-1234-5678\tSuzuki\nnobody\tx');
    await page.getByRole('button', { name: 'Check the list' }).click();
    await check.getByText('1 line is wrong').waitFor();
    await page.getByLabel('Leave out the wrong line').check();
    await page.getByRole('button', { name: 'Call 2 recipients' }).dblclick();
    const card = page.getByTestId('notice-1');
    await card.getByText('0 of 2').waitFor();
    expect(await card.innerText()).toContain('大阪サービス窓口 · 5 at a time, at most 20 a minute · 佐藤 健');
    expect((await pool.query('select number, name from notice_recipient order by position')).rows).toEqual([
      { number: '+81312345678', name: 'Sato' },
      { number: '+819012345678', name: 'Suzuki' },
    ]);
    expect((await pool.query('select language, created_by from notice')).rows).toEqual([{ language: 'en', created_by: 'agent-sato' }]);
  });

  it('a file goes as it is, whatever it is written in; in Japanese all of it reads Japanese', async () => {
    const file = join(folder, 'list.csv');
    // 電話番号,氏名 and 佐藤 in Shift_JIS
    writeFileSync(
      file,
      Buffer.concat([
        Buffer.from([0x93, 0x64, 0x98, 0x62, 0x94, 0xd4, 0x8d, 0x86, 0x2c, 0x8e, 0x81, 0x96, 0xbc, 0x0d, 0x0a]),
        Buffer.from('03-1234-5678,'),
        Buffer.from([0x8d, 0xb2, 0x93, 0xa1]),
        Buffer.from('\r\n119,x\r\n'),
      ]),
    );
    const page = await open();
    await page.getByRole('button', { name: '日本語' }).click();
    await page.getByRole('button', { name: '新しいお知らせ' }).click();
    await page.getByLabel('お伝えする内容').fill('五月に点検があります。');
    await page.getByLabel('宛先リスト(CSV)').setInputFiles(file);
    await page.getByRole('button', { name: 'リストを確認' }).click();
    const check = page.getByTestId('notice-check');
    await check.getByText('発信できる宛先 1件').waitFor();
    expect(await check.innerText()).toMatch(/佐藤[\s\S]*3行目\s+119\s+緊急通報用の番号です/);
  });

  it('progress goes on by itself, and details tell what came of it', async () => {
    await existing();
    const page = await open();
    const card = page.getByTestId('notice-1');
    await card.getByText('0 of 10').waitFor();
    await ended(1, 'handled', 'resolved');
    await ended(2, 'callbackFailed');
    await card.getByText('2 of 10').waitFor();
    expect(await card.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('2');
    expect(await card.innerText()).toMatch(/Probably done at/);
    await card.getByRole('button', { name: 'Details' }).click();
    await card.getByText('佐藤 健', { exact: false }).first().waitFor();
    expect(await card.locator('.notice-outcomes').innerText()).toMatch(/Answered 1[\s\S]*Not reached 1/);
    const download = page.waitForEvent('download');
    await card.getByRole('link', { name: 'Everybody as a file' }).click();
    expect((await download).suggestedFilename()).toBe('notice-1.csv');
  });

  it('is paused and resumed at once, and stopped only after a question', async () => {
    await existing();
    const page = await open();
    const card = page.getByTestId('notice-1');
    const state = async (): Promise<unknown> => (await pool.query('select state from notice')).rows[0]?.state;
    await card.getByRole('button', { name: 'Pause' }).click();
    await card.getByText('Nobody new is called.', { exact: false }).waitFor();
    expect(await state()).toBe('paused');
    await card.getByRole('button', { name: 'Resume' }).click();
    await card.getByRole('button', { name: 'Pause' }).waitFor();
    await card.getByRole('button', { name: 'Stop…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('10 recipients will not be told.', { exact: false }).waitFor();
    await dialog.getByRole('button', { name: 'Go on' }).last().click();
    expect(await state()).toBe('running');
    await card.getByRole('button', { name: 'Stop…' }).click();
    await dialog.getByRole('button', { name: 'Stop for good' }).click();
    await card.getByText('10 of 10').waitFor();
    expect(await state()).toBe('stopped');
    expect(await card.getByRole('button', { name: 'Pause' }).count()).toBe(0);
  });

  it('says that the centre does not answer, and goes on when it does', async () => {
    await existing();
    const page = await open();
    await page.getByTestId('notice-1').waitFor();
    await page.route('**/api/notices', (route) => route.abort());
    await page.getByText('The centre does not answer. Please try again in a moment.').waitFor();
    await page.unroute('**/api/notices');
    await until('the problem is gone', async () => (await page.getByText('The centre does not answer.').count()) === 0);
  });
});
