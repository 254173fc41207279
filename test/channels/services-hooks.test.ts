import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import { HookSender, type HookSenderOptions } from '#src/channels/hooks.ts';
import { forgetHooks, PgHookStore } from '#src/db/hooks.ts';
import { NO_SERVICES, parseServices, type Services } from '#src/ivr/services.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';
import { FarServer } from './far-server.ts';

let database: TestDatabase;
let far: FarServer;
let store: PgHookStore;
let services: Services;
let log: string[];
let outcomes: string[];
let now: number;
const senders: HookSender[] = [];

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('delete from hook_job');
  far = await FarServer.start();
  store = new PgHookStore(database.pool, 'a');
  log = [];
  outcomes = [];
  now = Date.parse('2026-11-20T01:00:00Z');
  services = unwrap(
    parseServices(
      `hooks:\n  sms: { url: '${far.url}/sms', body: { to: '{to}', text: '{text}' }, timeout: 5s, tries: 3 }\n  mail: { url: '${far.url}/mail', form: { to: '{to}' } }\n`,
      's.yaml',
    ),
  );
});
afterEach(async () => {
  for (const sender of senders.splice(0)) await sender.stop();
  await far.stop();
});

/** One that has just been started; its clock stands still until a test moves it. */
function started(options: Partial<HookSenderOptions> = {}): HookSender {
  const sender = new HookSender({
    store,
    services: () => services,
    env: {},
    now: () => now,
    log: pino({ level: 'debug' }, { write: (line) => void log.push(line) }),
    onTried: (hook, outcome) => outcomes.push(`${hook} ${outcome}`),
    pollMs: 20,
    ...options,
  });
  senders.push(sender);
  sender.start();
  return sender;
}

const job = (key: string) => ({ key, contactId: 'c1', hook: 'sms', values: { to: '+819012345678', text: 'ご注文を発送しました' } });
const keys = () => new Set(far.asked.map(({ headers }) => headers['idempotency-key']));
const rows = async () =>
  (await database.pool.query('select key, state, tries, failure, fields, due_at as due, over_at as over from hook_job order by key')).rows;

describe('what a scenario has sent by a hook', () => {
  it('reaches the receiver once, and is forgotten but for that it was', async () => {
    await started().add(job('c1.1'));
    await expect.poll(rows).toMatchObject([{ key: 'c1.1', state: 'sent', tries: 1, failure: null, fields: null }]);
    expect(far.asked).toMatchObject([
      {
        method: 'POST',
        url: '/sms',
        headers: { 'idempotency-key': expect.stringMatching(/^[0-9a-f-]{36}$/), 'content-type': 'application/json' },
      },
    ]);
    expect(JSON.parse(Buffer.from(far.asked[0]?.body ?? '', 'latin1').toString())).toEqual({
      to: '+819012345678',
      text: 'ご注文を発送しました',
    });
    expect(outcomes).toEqual(['sms sent']);
  });

  it('is one however often it is decided', async () => {
    const sender = started();
    await Promise.all([sender.add(job('c1.1')), sender.add(job('c1.1'))]);
    await expect.poll(() => outcomes).toEqual(['sms sent']);
    await sender.add(job('c1.1'));
    await sender.add(job('c1.2'));
    await expect.poll(() => outcomes).toEqual(['sms sent', 'sms sent']);
    expect(keys().size).toBe(2);
    expect(far.asked).toHaveLength(2);
  });

  it('is sent by the next house, when one died with it in hand', async () => {
    await store.add(job('c1.1'), now);
    await store.take(now, now + 60_000, 1);
    expect(await store.take(now + 59_999, now + 60_000, 1)).toEqual([]);
    now += 60_000;
    started();
    await expect.poll(rows).toMatchObject([{ state: 'sent', tries: 2 }]);
    expect(far.asked).toHaveLength(1);
  });

  it('is sent by one of two houses', async () => {
    for (let n = 0; n < 30; n++) await store.add(job(`c1.${n}`), now);
    started();
    started({ store: new PgHookStore(database.pool, 'a') });
    await expect.poll(() => outcomes.length).toBe(30);
    expect(keys().size).toBe(30);
    expect(far.asked).toHaveLength(30);
  });

  it('belongs to its centre', async () => {
    await store.add(job('c1.1'), now);
    expect(await new PgHookStore(database.pool, 'b').take(now, now + 1, 10)).toEqual([]);
  });
});

describe('a hook that fails', () => {
  it('is tried again under the same key until the receiver has taken it', async () => {
    far.answer = (response) => response.writeHead(503).end();
    await started({ pauseMs: 1_000 }).add(job('c1.1'));
    await expect.poll(rows).toMatchObject([{ state: 'waiting', tries: 1, failure: 'status', due: new Date(now + 1_000) }]);
    far.answer = (response) => response.destroy();
    now += 1_000;
    await expect.poll(rows).toMatchObject([{ state: 'waiting', tries: 2, failure: 'unreachable', due: new Date(now + 2_000) }]);
    far.answer = (response) => response.end('taken');
    now += 2_000;
    await expect.poll(rows).toMatchObject([{ state: 'sent', tries: 3, failure: null }]);
    expect(keys().size).toBe(1);
    expect(far.asked).toHaveLength(3);
    expect(outcomes).toEqual(['sms again', 'sms again', 'sms sent']);
  });

  it('waits as long as the receiver asks for, but not for ever', async () => {
    far.answer = (response) => response.writeHead(429, { 'retry-after': '120' }).end();
    const sender = started();
    await sender.add(job('c1.1'));
    await expect.poll(rows).toMatchObject([{ tries: 1, due: new Date(now + 120_000) }]);
    far.answer = (response) => response.writeHead(429, { 'retry-after': '999999' }).end();
    now += 120_000;
    await expect.poll(rows).toMatchObject([{ tries: 2, due: new Date(now + 86_400_000) }]);
  });

  it('is given up after its last try, visibly, with all that is needed to see to it', async () => {
    far.answer = (response) => response.writeHead(500).end();
    const sender = started({ pauseMs: 1 });
    await sender.add(job('c1.1'));
    for (const tries of [1, 2]) {
      await expect.poll(rows).toMatchObject([{ tries, due: new Date(now + 2 ** (tries - 1)) }]);
      now += 10;
    }
    await expect.poll(rows).toMatchObject([{ state: 'givenUp', tries: 3, failure: 'status', fields: job('').values, due: null }]);
    expect(outcomes).toEqual(['sms again', 'sms again', 'sms givenUp']);
    expect(await store.counts()).toEqual([{ hook: 'sms', state: 'givenUp', count: 1 }]);
    const last = JSON.parse(log.at(-1) ?? '{}') as object;
    expect(last).toMatchObject({ level: 50, hook: 'sms', contactId: 'c1', reason: 'status', status: 500, tries: 3 });
    expect(log.join('')).not.toMatch(/8190|発送/);
  });

  it('is given up at once when the receiver says that it is wrong', async () => {
    far.answer = (response) => response.writeHead(422).end();
    await started().add(job('c1.1'));
    await expect.poll(rows).toMatchObject([{ state: 'givenUp', tries: 1, failure: 'status' }]);
  });

  it('can be tried again as the manual says, when the receiver has been put right', async () => {
    far.answer = (response) => response.writeHead(400).end();
    await started({ now: Date.now }).add(job('c1.1'));
    await expect.poll(rows).toMatchObject([{ state: 'givenUp' }]);
    far.answer = (response) => response.end();
    const manual = readFileSync(new URL('../../docs/services.md', import.meta.url), 'utf8');
    const again = /^update hook_job .*;$/m.exec(manual)?.[0] ?? '';
    await database.pool.query(again.replace("'demo'", "'a'").replace("'…'", "'c1.1'"));
    await expect.poll(rows).toMatchObject([{ state: 'sent', failure: null }]);
  });

  it('is not led elsewhere', async () => {
    far.answer = (response) => response.writeHead(308, { location: '/mail' }).end();
    await started().add(job('c1.1'));
    await expect.poll(rows).toMatchObject([{ state: 'waiting', failure: 'redirect' }]);
    expect(far.asked).toHaveLength(1);
  });

  it('waits for its place in the file to be put back', async () => {
    const known = services;
    services = NO_SERVICES;
    await started({ pauseMs: 1_000 }).add(job('c1.1'));
    await expect.poll(rows).toMatchObject([{ state: 'waiting', failure: 'noSuchHook' }]);
    services = known;
    now += 1_000;
    await expect.poll(rows).toMatchObject([{ state: 'sent' }]);
  });

  it('keeps nobody else from sending', async () => {
    far.answer = (response, { url }) => {
      if (url === '/mail') response.end();
    };
    const sender = started();
    for (let n = 0; n < 10; n++) await sender.add(job(`c1.${n}`));
    await expect.poll(() => far.asked.length).toBe(10);
    await sender.add({ ...job('c2.1'), hook: 'mail' });
    await expect.poll(() => outcomes).toEqual(['mail sent']);
  });

  it('is tried as soon as the database is back', async () => {
    const away = new PgHookStore(database.pool, 'a');
    let isAway = true;
    const take: PgHookStore['take'] = (...about) => (isAway ? Promise.reject(new Error('away')) : away.take(...about));
    await store.add(job('c1.1'), now);
    started({
      store: Object.assign(Object.create(away) as PgHookStore, { take, again: away.again.bind(away), finish: away.finish.bind(away) }),
    });
    await expect.poll(() => log.length).toBeGreaterThan(0);
    isAway = false;
    await expect.poll(rows).toMatchObject([{ state: 'sent' }]);
  });
});

describe('hooks that are over', () => {
  it('are forgotten after a while', async () => {
    await store.add(job('c1.1'), now);
    await store.add(job('c1.2'), now);
    const [first] = await store.take(now, now, 1);
    if (first) await store.finish(first, now, null);
    await forgetHooks(database.pool, now + 1);
    expect((await rows()).map(({ key }) => key)).toEqual(['c1.2']);
  });
});
