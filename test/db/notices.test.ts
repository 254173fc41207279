/** Notices in Postgres: made once, launched by what stands in `contact`, counted from it. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NoticeRecipient } from '#src/base/notice.ts';
import {
  changeNotice,
  createNotice,
  findNotice,
  listNotices,
  type NewNotice,
  noticeOutcomes,
  PgNoticeStore,
  waitingInNotices,
} from '#src/db/notices.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

const NOW = Date.parse('2026-11-20T01:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.close());

const recipients = (count: number): NoticeRecipient[] =>
  Array.from({ length: count }, (_, i) => ({
    id: String(i + 1),
    number: `+8190${String(10_000_000 + i)}`,
    country: 'JP',
    name: `Recipient ${i + 1}`,
  }));
const create = (change: Partial<NewNotice> = {}, domainId = 'a', now = NOW): Promise<string> =>
  createNotice(
    database.pool,
    domainId,
    {
      requestId: randomUUID(),
      deskId: 'maker-desk',
      language: 'ja',
      text: '点検のお知らせ',
      pace: { atATime: 5, perMinute: 20 },
      recipients: recipients(5),
      by: 'tanaka',
      ...change,
    },
    now,
  );

let contacts = 0;
/** A contact as the floor would have committed it. */
async function contact(
  noticeId: string,
  recipientId: string,
  change: { state?: string; cause?: string; disposition?: string; at?: number; endedAt?: number; retryAt?: number } = {},
): Promise<void> {
  const { state = 'queued', cause = null, disposition = null, at = NOW, endedAt = at, retryAt } = change;
  contacts += 1;
  await database.pool.query(
    `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, ended_at, cause, disposition,
       notice_id, notice_recipient_id, doc)
     values ('a', $1, 'notice', 'notice', $2, 'ja', '', 'unknown', to_timestamp($3::float8 / 1000),
       case when $2 = 'ended' then to_timestamp($4::float8 / 1000) end, $5, $6, $7, $8, $9)`,
    [
      `c${contacts}`,
      state,
      at,
      endedAt,
      cause,
      disposition,
      noticeId,
      recipientId,
      { attempts: 1, timers: retryAt ? { retry: retryAt } : {} },
    ],
  );
}
const store = (domainId = 'a') => new PgNoticeStore(database.pool, domainId);
const progress = async (id: string, now = NOW) => (await findNotice(database.pool, 'a', id, now))?.progress;
const look = async (now = NOW) => (await store().open(now))[0];

describe('a notice', () => {
  it('is made whole, is numbered within its centre, and says who made it when', async () => {
    expect(await create()).toBe('1');
    expect(await create()).toBe('2');
    expect(await create({}, 'b')).toBe('1');
    const found = await findNotice(database.pool, 'a', '1', NOW);
    expect(found?.notice).toEqual({
      id: '1',
      domainId: 'a',
      deskId: 'maker-desk',
      language: 'ja',
      text: '点検のお知らせ',
      scenario: null,
      state: 'running',
      pace: { atATime: 5, perMinute: 20 },
      total: 5,
      createdAt: NOW,
      createdBy: 'tanaka',
    });
    expect(found?.actions).toEqual([{ at: NOW, by: 'tanaka', action: 'created', reason: null }]);
    expect(found?.progress).toMatchObject({ waiting: 5, underWay: 0, reached: 0, notReached: 0, stopped: 0, latest: null, overAt: null });
    expect((await store().next('1', 0, 10)).map(({ number }) => number)).toEqual(recipients(5).map(({ number }) => number));
  });

  it('that a scenario tells says which, and counts whom it reached by its words', async () => {
    const id = await create({ scenario: 'notice' });
    expect((await findNotice(database.pool, 'a', id, NOW))?.notice.scenario).toBe('notice');
    await contact(id, '1', { state: 'ended', cause: 'noticeTold', disposition: 'confirmed' });
    await contact(id, '2', { state: 'ended', cause: 'noticeTold', disposition: 'heard' });
    await contact(id, '3', { state: 'ended', cause: 'callbackFailed' });
    await contact(id, '4', { state: 'scenario' });
    await contact(id, '5', { state: 'ended', cause: 'handled', disposition: 'resolved' });
    expect(await progress(id)).toMatchObject({
      reached: 3,
      notReached: 1,
      underWay: 1,
      dispositions: { confirmed: 1, heard: 1, resolved: 1 },
      causes: { callbackFailed: 1 },
    });
    expect((await noticeOutcomes(database.pool, 'a', id)).map(({ state, outcome }) => `${state} ${outcome}`)).toEqual([
      'reached confirmed',
      'reached heard',
      'notReached callbackFailed',
      'underWay null',
      'reached resolved',
    ]);
    expect((await look())?.inQueue).toBe(0);
  });

  it('asked for twice at once by one request is one, with its recipients once', async () => {
    const requestId = randomUUID();
    expect(await Promise.all([create({ requestId }), create({ requestId }), create({ requestId })])).toEqual(['1', '1', '1']);
    expect(await noticeOutcomes(database.pool, 'a', '1')).toHaveLength(5);
  });

  it('two people at once get numbers of their own', async () => {
    expect((await Promise.all([create(), create(), create()])).sort()).toEqual(['1', '2', '3']);
  });

  it('is not made at all when a recipient cannot be', async () => {
    const [one, two] = recipients(2) as [NoticeRecipient, NoticeRecipient];
    await expect(create({ recipients: [one, { ...two, number: one.number }] })).rejects.toThrow('unique');
    expect(await findNotice(database.pool, 'a', '1', NOW)).toBeNull();
  });

  it('of twenty thousand recipients is made in one go, and its last ones are found as quickly as its first', async () => {
    const all = recipients(20_000);
    const id = await create({ recipients: all });
    expect((await store().next(id, 19_990, 100)).map((r) => r.id)).toEqual(all.slice(19_990).map((r) => r.id));
  });
});

describe('who is next', () => {
  it('are those without a contact, in the order of the list, however the contact ended', async () => {
    const id = await create();
    await contact(id, '1', { state: 'connected' });
    await contact(id, '3', { state: 'ended', cause: 'callbackFailed' });
    expect((await store().next(id, 0, 2)).map((r) => r.id)).toEqual(['2', '4']);
    expect((await store().next(id, 2, 9)).map((r) => r.id)).toEqual(['4', '5']);
  });

  it('is not told by contacts of another notice', async () => {
    const [one, two] = [await create(), await create()];
    await contact(one, '1');
    expect((await store().next(two, 0, 1)).map((r) => r.id)).toEqual(['1']);
  });
});

describe('what pace goes by', () => {
  it('counts who is under way without those who rest, who waits in the queue, and who was launched within a minute', async () => {
    const id = await create({ pace: { atATime: 5, perMinute: 3 } });
    await contact(id, '1', { state: 'connected', at: NOW - 2 * MINUTE });
    await contact(id, '2', { state: 'queued', at: NOW - 50 * SECOND, retryAt: NOW + MINUTE });
    await contact(id, '3', { state: 'queued', at: NOW - 40 * SECOND, retryAt: NOW - SECOND });
    await contact(id, '4', { state: 'ended', cause: 'handled', at: NOW - 30 * SECOND });
    expect(await look()).toMatchObject({ live: 3, active: 2, inQueue: 2, lastMinute: 3, roomAt: NOW - 50 * SECOND + MINUTE });
    expect(await look(NOW + 11 * SECOND)).toMatchObject({ lastMinute: 2 });
  });

  it('lets the first one go at once', async () => {
    await create();
    expect(await look()).toMatchObject({ live: 0, active: 0, inQueue: 0, lastMinute: 0, roomAt: 0 });
  });
});

describe('progress', () => {
  it('tells everybody once: waiting, under way, reached, not reached', async () => {
    const id = await create({ recipients: recipients(8) });
    await contact(id, '1', { state: 'ended', cause: 'handled', disposition: 'resolved' });
    await contact(id, '2', { state: 'ended', cause: 'handled', disposition: 'resolved' });
    await contact(id, '3', { state: 'ended', cause: 'handled' });
    await contact(id, '4', { state: 'ended', cause: 'callbackFailed' });
    await contact(id, '5', { state: 'offered' });
    await contact(id, '6', { retryAt: NOW + MINUTE });
    expect(await progress(id)).toMatchObject({
      waiting: 2,
      underWay: 2,
      resting: 1,
      reached: 3,
      notReached: 1,
      stopped: 0,
      dispositions: { resolved: 2, '': 1 },
      causes: { callbackFailed: 1 },
    });
    expect((await noticeOutcomes(database.pool, 'a', id)).map(({ state, outcome }) => `${state} ${outcome}`)).toEqual([
      'reached resolved',
      'reached resolved',
      'reached null',
      'notReached callbackFailed',
      'underWay null',
      'underWay null',
      'waiting null',
      'waiting null',
    ]);
  });

  it('counts as stopped whoever was not launched, and whoever was taken out of the queue', async () => {
    const id = await create();
    await contact(id, '1', { state: 'ended', cause: 'handled' });
    await contact(id, '2', { state: 'ended', cause: 'noticeStopped' });
    await contact(id, '3', { state: 'connected' });
    await changeNotice(database.pool, 'a', id, 'stopped', 'sato', NOW);
    expect(await progress(id)).toMatchObject({ waiting: 0, underWay: 1, reached: 1, notReached: 0, stopped: 3, causes: {} });
  });

  it('says how long the latest twenty took: from the one before them, or from the first launch', async () => {
    const id = await create({ recipients: recipients(30) });
    await contact(id, '1', { state: 'ended', cause: 'handled', at: NOW - MINUTE, endedAt: NOW });
    expect((await progress(id))?.latest).toEqual({ ended: 1, since: NOW - MINUTE });
    for (let i = 2; i <= 25; i += 1) await contact(id, String(i), { state: 'ended', cause: 'handled', endedAt: NOW + i * MINUTE });
    expect((await progress(id))?.latest).toEqual({ ended: 20, since: NOW + 5 * MINUTE });
  });
});

describe('pausing, resuming, stopping', () => {
  it('is noted with who did it; what changes nothing is not', async () => {
    const id = await create();
    expect(await changeNotice(database.pool, 'a', id, 'paused', 'sato', NOW + 1)).toBe('paused');
    expect(await changeNotice(database.pool, 'a', id, 'paused', 'sato', NOW + 2)).toBe('paused');
    expect(await changeNotice(database.pool, 'a', id, 'resumed', 'kato', NOW + 3)).toBe('running');
    expect(await changeNotice(database.pool, 'a', id, 'stopped', 'sato', NOW + 4)).toBe('stopped');
    expect(await changeNotice(database.pool, 'a', id, 'resumed', 'sato', NOW + 5)).toBe('stopped');
    expect(await changeNotice(database.pool, 'a', '99', 'paused', 'sato', NOW)).toBeNull();
    expect(await changeNotice(database.pool, 'b', id, 'paused', 'sato', NOW)).toBeNull();
    expect((await findNotice(database.pool, 'a', id, NOW))?.actions.map(({ at, by, action }) => [at - NOW, by, action])).toEqual([
      [0, 'tanaka', 'created'],
      [1, 'sato', 'paused'],
      [3, 'kato', 'resumed'],
      [4, 'sato', 'stopped'],
    ]);
  });
});

describe('the end', () => {
  it('comes when everybody has a contact and none of them lives, and keeps how it went', async () => {
    const id = await create({ recipients: recipients(2) });
    await contact(id, '1', { state: 'ended', cause: 'handled', disposition: 'resolved' });
    await store().finish(id, NOW);
    expect(await look()).toMatchObject({ notice: { state: 'running' } });
    await contact(id, '2', { state: 'wrapUp' });
    await store().finish(id, NOW);
    expect(await look()).toMatchObject({ notice: { state: 'running' } });
    await database.pool.query(`update contact set state = 'ended', ended_at = arrived_at, cause = 'callbackFailed' where state = 'wrapUp'`);
    await store().finish(id, NOW + MINUTE);
    await store().finish(id, NOW + 2 * MINUTE);
    expect(await look()).toBeUndefined();
    const done = await findNotice(database.pool, 'a', id, NOW + MINUTE);
    expect(done?.notice.state).toBe('done');
    expect(done?.progress).toMatchObject({ reached: 1, notReached: 1, overAt: NOW + MINUTE, dispositions: { resolved: 1 } });
    expect(done?.actions.filter(({ action }) => action === 'done')).toEqual([{ at: NOW + MINUTE, by: null, action: 'done', reason: null }]);
  });

  it('of a stopped one comes when nobody is under way any more; it stays stopped', async () => {
    const id = await create();
    await contact(id, '1', { state: 'connected' });
    await changeNotice(database.pool, 'a', id, 'stopped', 'sato', NOW);
    await store().finish(id, NOW);
    expect(await look()).toMatchObject({ notice: { state: 'stopped' }, live: 1, inQueue: 0 });
    await database.pool.query(`update contact set state = 'ended', ended_at = arrived_at, cause = 'handled'`);
    await store().finish(id, NOW);
    expect(await look()).toBeUndefined();
    expect(await findNotice(database.pool, 'a', id, NOW)).toMatchObject({
      notice: { state: 'stopped' },
      progress: { reached: 1, stopped: 4, overAt: NOW },
    });
  });
});

describe('the list', () => {
  it('shows the notices of the desks asked for, those that are not over first, then the latest', async () => {
    for (let i = 0; i < 3; i += 1) await create({}, 'a', NOW + i);
    await create({ deskId: 'dealer-desk' }, 'a', NOW + 10);
    await changeNotice(database.pool, 'a', '3', 'stopped', 'sato', NOW);
    await store().finish('3', NOW);
    const ids = async (desks: string[] | null, limit = 10) =>
      (await listNotices(database.pool, 'a', desks, limit, NOW)).map(({ notice }) => notice.id);
    expect(await ids(['maker-desk'])).toEqual(['2', '1', '3']);
    expect(await ids(['maker-desk', 'dealer-desk'])).toEqual(['4', '2', '1', '3']);
    expect(await ids(['maker-desk'], 1)).toEqual(['2']);
    expect(await ids(null)).toEqual(['4', '2', '1', '3']);
    expect(await ids([])).toEqual([]);
  });
});

describe('somebody who is on another list', () => {
  it('is found as long as it is not over with them there', async () => {
    const id = await create();
    const [one, two, three] = recipients(3).map(({ number }) => number) as [string, string, string];
    await contact(id, '1', { state: 'ended', cause: 'handled' });
    await contact(id, '2', { state: 'queued' });
    const found = () => waitingInNotices(database.pool, 'a', [one, two, three, '+815011112222']);
    expect([...(await found())]).toEqual([
      [two, id],
      [three, id],
    ]);
    expect((await waitingInNotices(database.pool, 'b', [two])).size).toBe(0);
    await changeNotice(database.pool, 'a', id, 'stopped', 'sato', NOW);
    expect((await found()).size).toBe(0);
  });
});
