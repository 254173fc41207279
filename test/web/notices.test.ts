/** Notices over HTTP: the web edge with the real notice desk behind it, on a real Postgres. */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '#src/db/pool.ts';
import { noticeDesk } from '#src/notices.ts';
import { DEFAULT_DESK_RULES } from '#src/routing/desk-rules.ts';
import type { AgentProfile, Desk, Directory } from '#src/routing/directory.ts';
import type { NoticeCheckView, NoticeDraft, NoticeHistoryView, NoticeListView, NoticeView } from '#src/web/notice-messages.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type Harness, startHarness } from './harness.ts';

const ALWAYS = ([1, 2, 3, 4, 5, 6, 7] as const).map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
/** At 10 in the morning they are to come. */
const AFTERNOON = ALWAYS.map(({ weekday }) => ({ weekday, from: '13:00', to: '17:00' }));
const desk = (id: string, organisationId: string, hours: Desk['hours'] = ALWAYS): Desk => ({
  id,
  organisationId,
  name: `Desk ${id}`,
  timeZone: 'Asia/Tokyo',
  hours,
  holidays: [],
  nextUp: null,
  isReception: false,
});
const person = (id: string, name: string, role: AgentProfile['role'], organisationId: string, deskIds: string[]): AgentProfile => ({
  id,
  name,
  organisationId,
  deskIds,
  queues: deskIds.map((queueId) => ({ queueId, priority: 1 })),
  skills: [],
  role,
  language: 'ja',
  deskPhone: null,
});
/** An agency with a dealer under it, and a firm that has nothing to do with them. */
const DIRECTORY: Directory = {
  domainId: 'test',
  organisations: new Map([
    ['agency', { id: 'agency', kind: 'agency', name: 'Agency', sellsFor: [], regions: [] }],
    ['dealer', { id: 'dealer', kind: 'dealer', name: 'Dealer', sellsFor: ['agency'], regions: [] }],
    ['other', { id: 'other', kind: 'agency', name: 'Other', sellsFor: [], regions: [] }],
  ]),
  desks: new Map(
    [
      desk('osaka', 'agency'),
      desk('dealer', 'dealer'),
      desk('other', 'other'),
      desk('closed', 'agency', []),
      desk('afternoon', 'agency', AFTERNOON),
    ].map((d) => [d.id, d]),
  ),
  entries: [
    {
      id: 'ja',
      numbers: ['1000', '+81312340001'],
      domainId: 'test',
      language: 'ja',
      country: 'JP',
      scenario: 'identify',
      makerId: 'agency',
    },
  ],
  agents: new Map(
    [
      person('agent-sato', '佐藤 健', 'supervisor', 'agency', ['osaka']),
      person('agent-tanaka', '田中 美咲', 'agent', 'agency', ['osaka']),
    ].map((a) => [a.id, a]),
  ),
  sales: [],
  outgoingNumber: '+81312340000',
};

let fresh: FreshDatabase;
let pool: Pool;
let web: Harness;
let changes: number;
let now: number;
beforeEach(async () => {
  fresh = await freshDatabase();
  pool = createPool(fresh.url, { log: () => undefined, name: 'test' });
  await pool.query(`insert into domain (id, name, outgoing_number) values ('test', 'Test', '+81312340000')`);
  changes = 0;
  now = Date.parse('2026-11-20T01:00:00Z');
  const parts = {
    pool,
    domainId: 'test',
    directory: () => DIRECTORY,
    rulesOf: () => DEFAULT_DESK_RULES,
    countries: [],
    scenarios: () => ['notice'],
    now: () => now,
    log: pino({ level: 'silent' }),
  };
  const notices = noticeDesk(parts, () => {
    changes += 1;
  });
  web = await startHarness({ notices });
});
afterEach(async () => {
  await pool.end();
  await fresh.drop();
});

const LIST = 'number,name\n03-1234-5678,佐藤\n090-1234-5678,鈴木\n';
const draft = (change: Partial<Omit<NoticeDraft, 'list'>> & { list?: string } = {}): NoticeDraft => {
  const { list = LIST, ...others } = change;
  return {
    requestId: randomUUID(),
    deskId: 'osaka',
    language: 'ja',
    text: '点検のお知らせです。',
    pace: { atATime: 3, perMinute: 10 },
    skipBad: false,
    ...others,
    list: Buffer.from(list).toString('base64'),
  };
};
const as = async (userName: string) => {
  const cookie = await web.cookieOf(userName);
  const answer = async (response: Response) => ({ status: response.status, body: JSON.parse(await response.text()) });
  return {
    get: async (path: string) => answer(await web.request(path, { headers: { cookie } })),
    text: async (path: string) => (await web.request(path, { headers: { cookie } })).text(),
    post: async (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
      answer(await web.post(path, body, { cookie, ...headers })),
  };
};
const create = async (change: Parameters<typeof draft>[0] = {}): Promise<NoticeView> => {
  const { status, body } = await (await as('sato')).post('/api/notices', draft(change));
  expect({ status, body }).toMatchObject({ status: 201 });
  return body as NoticeView;
};
const count = async (table: string): Promise<number> => (await pool.query(`select from ${table}`)).rowCount ?? -1;

describe('who may', () => {
  it('nobody without a session, and no agent', async () => {
    await create();
    const tanaka = await as('tanaka');
    for (const path of ['/api/notices', '/api/notices/1', '/api/notices/1/outcomes.csv']) {
      expect((await web.request(path)).status).toBe(401);
      expect(await tanaka.get(path)).toMatchObject({ status: 403, body: { code: 'notAllowed' } });
    }
    for (const [path, body] of [
      ['/api/notices', draft()],
      ['/api/notices/check', draft()],
      ['/api/notices/1/pause', {}],
      ['/api/notices/1/resume', {}],
      ['/api/notices/1/stop', {}],
    ] as const) {
      expect((await web.post(path, body)).status).toBe(401);
      expect(await tanaka.post(path, body)).toMatchObject({ status: 403, body: { code: 'notAllowed' } });
    }
    expect(await count('notice')).toBe(1);
    expect((await pool.query('select state from notice')).rows).toEqual([{ state: 'running' }]);
  });

  it('a supervisor for the desks of the own organisation and of those below it, for no others', async () => {
    const sato = await as('sato');
    const { body } = await sato.get('/api/notices');
    expect((body as NoticeListView).desks.map(({ id }) => id).sort()).toEqual(['afternoon', 'closed', 'dealer', 'osaka']);
    await create({ deskId: 'dealer' });
    expect(await sato.post('/api/notices', draft({ deskId: 'other' }))).toMatchObject({ status: 404, body: { code: 'noSuchDesk' } });
    expect(await sato.post('/api/notices/check', draft({ deskId: 'other' }))).toMatchObject({ status: 404 });
    await pool.query(`update notice set desk_id = 'other'`);
    expect((await sato.get('/api/notices')).body).toMatchObject({ notices: [] });
    expect(await sato.get('/api/notices/1')).toMatchObject({ status: 404, body: { code: 'noSuchNotice' } });
    expect(await sato.post('/api/notices/1/stop')).toMatchObject({ status: 404 });
    expect(await sato.get('/api/notices/1/outcomes.csv')).toMatchObject({ status: 404 });
  });

  it('no page of another site', async () => {
    const sato = await as('sato');
    const headers = { origin: 'https://shop.example.jp' };
    for (const path of ['/api/notices', '/api/notices/check', '/api/notices/1/stop'])
      expect(await sato.post(path, draft(), headers)).toMatchObject({ status: 403, body: { code: 'originNotAllowed' } });
    expect(await count('notice')).toBe(0);
  });
});

describe('before anything is created', () => {
  it('the supervisor sees the first of them, all that is wrong, and who waits in another notice', async () => {
    const other = await create();
    const list = `${LIST}0570-012-345,ナビダイヤル\n03 1234 5678,また\n03-5555-0001,高橋\n`;
    const { status, body } = await (await as('sato')).post('/api/notices/check', draft({ list }));
    expect(status).toBe(200);
    expect(body as NoticeCheckView).toMatchObject({
      lines: 5,
      good: 3,
      bad: 2,
      first: [
        { line: 2, number: '+81312345678', name: '佐藤' },
        { line: 3, number: '+819012345678', name: '鈴木' },
        { line: 6, number: '+81355550001', name: '高橋' },
      ],
      problems: [
        { line: 4, code: 'premiumNumber', value: '0570-012-345' },
        { line: 5, code: 'duplicate', message: { en: 'is in line 2, too' } },
      ],
      alsoInCount: 2,
      alsoIn: [
        { line: 2, notice: other.id },
        { line: 3, notice: other.id },
      ],
      callsFrom: null,
    });
    expect(await count('notice')).toBe(1);
  });

  it('nothing is when a line is wrong, unless wrong lines are to be left out; nor when none is right', async () => {
    const sato = await as('sato');
    const list = `${LIST}110,x\n`;
    expect(await sato.post('/api/notices', draft({ list }))).toMatchObject({ status: 422, body: { good: 2, bad: 1 } });
    expect(await sato.post('/api/notices', draft({ list: 'number\n110', skipBad: true }))).toMatchObject({
      status: 422,
      body: { good: 0 },
    });
    expect(await count('notice')).toBe(0);
    expect(changes).toBe(0);
    expect(await create({ list, skipBad: true })).toMatchObject({ total: 2 });
    expect(await count('notice_recipient')).toBe(2);
  });

  it.each([
    ['a text of blanks', { text: ' \n ' }, 422, 'noText'],
    ['no pace', { pace: { atATime: 0, perMinute: 10 } }, 400, 'malformed'],
    ['too quick a pace', { pace: { atATime: 1, perMinute: 601 } }, 400, 'malformed'],
    ['another language', { language: 'fr' as 'ja' }, 400, 'malformed'],
    ['a scenario that cannot tell it', { scenario: 'identify' }, 404, 'noSuchScenario'],
    ['a request without a name', { requestId: 'x' }, 400, 'malformed'],
  ])('%s is refused', async (_what, change, status, code) => {
    expect(await (await as('sato')).post('/api/notices', draft(change))).toMatchObject({ status, body: { code } });
    expect(await count('notice')).toBe(0);
  });

  it('is told by a scenario where that was chosen', async () => {
    expect((await (await as('sato')).get('/api/notices')).body).toMatchObject({ scenarios: ['notice'] });
    expect(await create({ scenario: 'notice' })).toMatchObject({ scenario: 'notice' });
    expect(await create()).toMatchObject({ scenario: null });
  });

  it('is told when the desk may call, if that is later; for a desk that never may, none is created', async () => {
    const sato = await as('sato');
    expect((await sato.post('/api/notices/check', draft({ deskId: 'afternoon' }))).body).toMatchObject({ callsFrom: now + 3 * 3_600_000 });
    expect(await create({ deskId: 'afternoon' })).toMatchObject({ callsFrom: now + 3 * 3_600_000 });
    for (const path of ['/api/notices/check', '/api/notices'])
      expect(await sato.post(path, draft({ deskId: 'closed' }))).toMatchObject({ status: 422, body: { code: 'neverOpen' } });
    expect(await count('notice')).toBe(1);
  });
});

describe('a notice', () => {
  it('is created, is listed with its progress, and the feeder is told', async () => {
    const created = await create();
    expect(created).toMatchObject({
      id: '1',
      desk: { id: 'osaka', name: 'Desk osaka' },
      text: '点検のお知らせです。',
      state: 'running',
      createdBy: '佐藤 健',
      total: 2,
      waiting: 2,
      underWay: 0,
      reached: 0,
      estimatedEndAt: null,
      callsFrom: null,
      overAt: null,
    });
    expect(changes).toBe(1);
    const { body } = await (await as('sato')).get('/api/notices');
    expect(body).toMatchObject({ serverTime: now, notices: [created] });
  });

  it('asked for twice by one request is one', async () => {
    const sato = await as('sato');
    const wanted = draft();
    const answers = await Promise.all([sato.post('/api/notices', wanted), sato.post('/api/notices', wanted)]);
    expect(answers.map(({ status, body }) => [status, body.id])).toEqual([
      [201, '1'],
      [201, '1'],
    ]);
    expect(await count('notice_recipient')).toBe(2);
  });

  it('of thousands of recipients fits', async () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `090${String(10_000_000 + i)},お客様 ${i}`);
    expect(await create({ list: `number,name\n${lines.join('\n')}` })).toMatchObject({ total: 10_000, waiting: 10_000 });
  });

  it('is paused, resumed and stopped; who did it, and when, is told', async () => {
    const sato = await as('sato');
    await create();
    now += 1_000;
    expect(await sato.post('/api/notices/1/pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    expect(await sato.post('/api/notices/1/pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    now += 1_000;
    expect(await sato.post('/api/notices/1/resume')).toMatchObject({ status: 200, body: { state: 'running' } });
    now += 1_000;
    expect(await sato.post('/api/notices/1/stop')).toMatchObject({ status: 200, body: { state: 'stopped', stopped: 2, waiting: 0 } });
    expect(await sato.post('/api/notices/1/resume')).toMatchObject({ status: 409, body: { code: 'noticeOver' } });
    expect(changes).toBe(6);
    const { history } = (await sato.get('/api/notices/1')).body as NoticeHistoryView;
    expect(history.map(({ at, by, action }) => [now - at, by, action])).toEqual([
      [3_000, '佐藤 健', 'created'],
      [2_000, '佐藤 健', 'paused'],
      [1_000, '佐藤 健', 'resumed'],
      [0, '佐藤 健', 'stopped'],
    ]);
    expect(await sato.post('/api/notices/2/stop')).toMatchObject({ status: 404 });
  });

  it('tells when it will be over, by the pace so far', async () => {
    await create({
      list: Array.from({ length: 12 }, (_, i) => `0901234567${i % 10}${i < 10 ? '' : 'x'}`)
        .slice(0, 10)
        .join('\n'),
    });
    for (const [i, minute] of [1, 2, 3, 4].entries())
      await pool.query(
        `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, ended_at, cause, notice_id,
           notice_recipient_id, doc)
         values ('test', $1, 'notice', 'notice', 'ended', 'ja', '', 'unknown', to_timestamp($2), to_timestamp($3), 'handled', '1', $4, '{}')`,
        [`c${i}`, now / 1_000, now / 1_000 + minute * 60, String(i + 1)],
      );
    now += 4 * 60_000;
    const { body } = await (await as('sato')).get('/api/notices/1');
    expect((body as NoticeHistoryView).notice).toMatchObject({ reached: 4, waiting: 6, estimatedEndAt: now + 6 * 60_000 });
  });

  it('gives everybody with what came of it as a file for a spreadsheet, which takes nothing in it for a formula', async () => {
    await create({ list: 'number,name\n03-1234-5678,"=HYPERLINK(""x"")"\n090-1234-5678,"Sato, Ken"\n' });
    const text = await (await as('sato')).text('/api/notices/1/outcomes.csv');
    expect(text.split('\r\n')).toEqual([
      'number,name,state,outcome,attempts,ended_at',
      `+81312345678,"'=HYPERLINK(""x"")",waiting,,0,`,
      '+819012345678,"Sato, Ken",waiting,,0,',
      '',
    ]);
  });

  it('puts no number and no name in the log', async () => {
    await create({ list: `${LIST}110,山田\n`, skipBad: true });
    await (await as('sato')).post('/api/notices', draft({ list: '110,山田' }));
    expect(web.logged.join('\n')).not.toMatch(/12345678|佐藤|山田/);
  });
});
