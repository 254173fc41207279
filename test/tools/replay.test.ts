import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lease } from '#src/contact/ports.ts';
import { loadDemo } from '#src/db/demo.ts';
import { createPool } from '#src/db/pool.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { UNKNOWN_PARTY } from '#src/routing/party.ts';
import { runReplay } from '#src/tools/replay.ts';
import { contact, event, offer } from '../db/floor-records.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type Records, workedDay, write } from './logged-day.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mg-replay-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOW = Date.parse('2026-11-21T12:00:00+09:00');
const FRIDAY = ['--from', '2026-11-20', '--to', '2026-11-20'];

async function run(argv: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; printed: string }> {
  let printed = '';
  const print = (text: string): void => {
    printed += text;
  };
  const code = await runReplay(argv, { DATA_DIR: folder, ...env }, print, NOW);
  return { code, printed };
}
function file(content: string): string {
  const path = join(folder, 'other.yaml');
  writeFileSync(path, content);
  return path;
}

/** A centre with desks, agents and customers, and nothing in its log yet. */
interface Centre {
  readonly database: FreshDatabase;
  readonly pool: Pool;
  readonly store: PgFloorStore;
  readonly lease: Lease;
  readonly replay: (...argv: string[]) => Promise<{ code: number; printed: string }>;
  close(): Promise<void>;
}
async function demoCentre(): Promise<Centre> {
  const database = await freshDatabase();
  const pool = createPool(database.url, { log: () => undefined, name: 'test' });
  await loadDemo(pool, { domainId: 'demo', password: 'a password for tests', now: NOW });
  const store = new PgFloorStore(pool);
  const lease = await store.claim('demo', 'test', 60_000);
  if (!lease) throw new Error('the domain is somebody else’s');
  return {
    database,
    pool,
    store,
    lease,
    replay: (...argv) => run(argv, { DATABASE_URL: database.url, DOMAIN: 'demo' }),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

describe('npm run replay of a busy Friday', () => {
  let centre: Centre;
  beforeAll(async () => {
    centre = await demoCentre();
    const day = workedDay(
      'demo',
      [
        { deskId: 'tokyo-desk', agents: ['tanaka', 'suzuki'], calls: 220, talkMs: 150_000, wrapUpMs: 40_000, patienceMs: 150_000 },
        { deskId: 'osaka-desk', agents: ['ito', 'takahashi'], calls: 90, talkMs: 180_000, wrapUpMs: 30_000, patienceMs: 120_000 },
      ],
      Date.parse('2026-11-20T09:00:00+09:00'),
      Date.parse('2026-11-20T18:00:00+09:00'),
      7,
    );
    await write(centre.store, centre.lease, day, 0);
  });
  afterAll(() => centre.close());
  const answer = async (...argv: string[]) => {
    const { code, printed } = await centre.replay(...FRIDAY, '--json', ...argv);
    expect(code, printed).toBe(0);
    return JSON.parse(printed);
  };

  it('finds again what the log says, to the call, as long as nothing is changed', async () => {
    const { logged, replayed, wouldBe, notPlayed, changes } = await answer();
    expect(logged.all.calls).toBe(310);
    expect(logged.desks['tokyo-desk']).toMatchObject({ calls: 220, callbacks: 0 });
    // A busy desk: otherwise this would prove little.
    expect(logged.desks['tokyo-desk'].serviceLevel).toBeLessThan(0.7);
    expect(logged.desks['tokyo-desk'].abandoned).toBeGreaterThan(0.05);
    expect(replayed).toEqual(logged);
    expect(wouldBe).toEqual(logged);
    expect(changes).toEqual([]);
    expect(notPlayed).toEqual({ neverQueued: 0, deskGone: 0, open: 0 });
  });

  it('prints both side by side', async () => {
    const { code, printed } = await centre.replay(...FRIDAY, '--agents', 'tokyo-desk=5', '--within', '20');
    expect(code).toBe(0);
    expect(printed).toContain('310 calls and 0 callbacks and notices from 2026-11-20 00:00 to 2026-11-21 00:00 (Asia/Tokyo)');
    expect(printed).toContain('answered in time: within 20 s; seed 1');
    expect(printed).toContain('The log → the same played again: how far to trust what follows');
    expect(printed).toContain('As it was → with 5 agents at tokyo-desk');
    const rows = printed.split('\n').filter((line) => line.startsWith('  tokyo-desk'));
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(row.trim().split(/ {2,}/)).toHaveLength(7);
    expect(rows[0]).toMatch(/220 → 220 {2}(65\.9) → \1 /);
    expect(rows[1]).toMatch(/220 → 220 {2}65\.9 → 9\d\.\d /);
    const { printed: plain } = await centre.replay(...FRIDAY);
    expect(plain).toContain('Nothing was changed: see --logic, --agents');
  });

  it('says what fewer or more agents at a desk would have meant, and leaves the others as they were', async () => {
    const one = await answer('--agents', 'tokyo-desk=1');
    const tokyo = one.wouldBe.desks['tokyo-desk'];
    expect(tokyo.serviceLevel).toBeLessThan(one.replayed.desks['tokyo-desk'].serviceLevel);
    expect(tokyo.abandoned).toBeGreaterThan(0.4);
    expect(one.wouldBe.desks['osaka-desk']).toEqual(one.replayed.desks['osaka-desk']);
    const nobody = await answer('--agents', 'tokyo-desk=0');
    expect(nobody.wouldBe.desks['tokyo-desk']).toMatchObject({ serviceLevel: 0, abandoned: 1, asaMs: null, occupancy: null });
    const pool = await answer('--agents', '12');
    expect(pool.wouldBe.all).toMatchObject({ calls: 310, callbacks: 0 });
    // A few hang up while the phone rings.
    expect(pool.wouldBe.all.serviceLevel).toBeGreaterThan(0.95);
    expect(pool.wouldBe.all.longestWaitMs).toBeLessThanOrEqual(7_000);
    // Open day and night, so 12 agents for 24 hours: the same work as two shifts of two did.
    expect(pool.wouldBe.all.occupancy).toBeLessThan(0.1);
    expect(pool.changes).toEqual(['12 agents for all desks']);
  });

  it('plays a part of a day, which begins with agents who are busy', async () => {
    const morning = await centre.replay('--from', '2026-11-20 11:30', '--to', '2026-11-20T13:00:00+09:00', '--json');
    const { logged, replayed, from, until } = JSON.parse(morning.printed);
    expect([from, until]).toEqual(['2026-11-20T02:30:00.000Z', '2026-11-20T04:00:00.000Z']);
    expect(logged.all.calls).toBeGreaterThan(30);
    for (const desk of ['tokyo-desk', 'osaka-desk']) {
      const [was, again] = [logged.desks[desk], replayed.desks[desk]];
      expect(again.calls).toBe(was.calls);
      expect(Math.abs(again.serviceLevel - was.serviceLevel)).toBeLessThan(0.03);
      expect(Math.abs(again.occupancy - was.occupancy)).toBeLessThan(0.01);
    }
  });

  it('decides the desk of every contact again by other rules, each at its moment', async () => {
    const rules = [
      'rules:',
      '  - { name: afternoon, when: now.hour >= 13 && party.kind == "customer", to: { desk: osaka-desk } }',
      '  - { name: customers, when: party.kind == "customer", to: handlingDesk }',
      '  - { name: others, to: reception }',
    ];
    const path = file(rules.join('\n'));
    const { replayed, wouldBe, moved, undecided, changes } = await answer('--logic', path);
    expect(undecided).toBe(0);
    expect(changes).toEqual([`rules of ${path}`]);
    expect(moved).toBeGreaterThan(80);
    expect(wouldBe.desks['osaka-desk'].calls).toBe(replayed.desks['osaka-desk'].calls + moved);
    expect(wouldBe.desks['osaka-desk'].serviceLevel).toBeLessThan(replayed.desks['osaka-desk'].serviceLevel);
    const { printed } = await centre.replay(...FRIDAY, '--logic', path);
    expect(printed).toContain(`As it was → with rules of ${path} (${moved} contacts go to another desk)`);
  });

  it('lets other rules of a desk hold: overflow helps the busy one', async () => {
    const rules = [
      'rules:',
      '  - { name: customers, when: party.kind == "customer", to: handlingDesk }',
      '  - { name: others, to: reception }',
      'desks:',
      '  tokyo-desk: { overflow: [{ to: osaka-desk, after: 10s }] }',
    ];
    const { replayed, wouldBe, moved } = await answer('--logic', file(rules.join('\n')));
    expect(moved).toBe(0);
    expect(wouldBe.desks['tokyo-desk'].serviceLevel).toBeGreaterThan(replayed.desks['tokyo-desk'].serviceLevel + 0.1);
    expect(wouldBe.desks['osaka-desk'].occupancy).toBeGreaterThan(replayed.desks['osaka-desk'].occupancy + 0.03);
  });

  it('makes handling longer or shorter, and contacts more or fewer', async () => {
    const shorter = await answer('--aht-factor', '0.7');
    expect(shorter.wouldBe.all.serviceLevel).toBeGreaterThan(shorter.replayed.all.serviceLevel);
    expect(shorter.wouldBe.all.occupancy).toBeLessThan(shorter.replayed.all.occupancy);
    const more = await answer('--arrivals-factor', '1.5');
    expect(more.wouldBe.all.calls / 310).toBeCloseTo(1.5, 0);
    expect(more.wouldBe.all.abandoned).toBeGreaterThan(more.replayed.all.abandoned);
    expect(more.replayed).toEqual(shorter.replayed);
    expect(await answer('--arrivals-factor', '1.5')).toEqual(more);
    expect((await answer('--arrivals-factor', '1.5', '--seed', '2')).wouldBe).not.toEqual(more.wouldBe);
  });

  it('measures by the target that is given', async () => {
    const { logged: strict } = await answer('--within', '5');
    const { logged: mild } = await answer('--within', '120');
    expect(strict.all.serviceLevel).toBeLessThan(mild.all.serviceLevel);
    expect(mild.all.serviceLevel + mild.all.abandoned).toBeGreaterThan(0.9);
  });

  it('takes yesterday where no day is named', async () => {
    const { printed } = await centre.replay('--json');
    expect(JSON.parse(printed)).toMatchObject({ from: '2026-11-19T15:00:00.000Z', until: '2026-11-20T15:00:00.000Z' });
  });

  it('says so when there was nothing', async () => {
    const { code, printed } = await centre.replay('--from', '2026-11-10', '--to', '2026-11-12');
    expect(printed).toBe('there were no contacts from 2026-11-10 00:00 to 2026-11-13 00:00 (Asia/Tokyo)\n');
    expect(code).toBe(1);
  });

  it.each([
    [['--agents', 'tokio-desk=3'], /--agents: there is no desk "tokio-desk", did you mean tokyo-desk\? \(/],
    [['--domain', 'nowhere'], /the database has no centre "nowhere": start the server once, or set DOMAIN/],
    [['--logic', '/does/not/exist.yaml'], /exist.yaml can't be read: ENOENT/],
  ])('says what is wrong: %j', async (argv, message) => {
    const { code, printed } = await centre.replay(...FRIDAY, ...argv);
    expect(printed).toMatch(message);
    expect(code).toBe(2);
  });

  it('says where a control logic is wrong', async () => {
    const { code, printed } = await centre.replay(...FRIDAY, '--logic', file('rules:\n  - { name: a, to: { desk: tokio-desk } }\n'));
    expect(printed).toMatch(/other\.yaml:2:\d+.*no desk 'tokio-desk'/);
    expect(code).toBe(1);
  });

  it('says that nobody would be at work at a desk that is not open', async () => {
    // The dealer in Kyoto has office hours.
    const night = ['--from', '2026-11-20 18:00', '--to', '2026-11-20 19:00', '--agents', 'kyoto-desk=2'];
    await write(centre.store, centre.lease, oneCall('2026-11-20T18:10:00+09:00'), await lastCommit(centre));
    const { code, printed } = await centre.replay(...night);
    expect(printed).toContain('--agents: no such desk is open from 2026-11-20 18:00 to 2026-11-20 19:00');
    expect(code).toBe(2);
  });
});

const lastCommit = async ({ pool }: Centre): Promise<number> => {
  const { rows } = await pool.query<{ seq: number }>(`select seq::float8 as seq from domain where id = 'demo'`);
  return rows[0]?.seq ?? 0;
};

function oneCall(when: string): Records {
  const at = Date.parse(when);
  const base = { domainId: 'demo', deskId: 'reception', state: 'ended', arrivedAt: at, queuedAt: at } as const;
  return {
    contacts: [contact('demo-late', { ...base, endedAt: at + 20_000, cause: 'abandonedInQueue' })],
    offers: [],
    events: [],
  };
}

describe('npm run replay of what is no ordinary call', () => {
  let centre: Centre;
  const NINE = Date.parse('2026-11-20T09:00:00+09:00');
  const s = (seconds: number): number => NINE + seconds * 1_000;
  const AGENT = 'kobayashi'; // at the reception
  const records: Records = { contacts: [], offers: [], events: [] };
  const state = (at: number, name: Parameters<typeof event>[0], more = {}) =>
    records.events.push(event(name, { at: s(at), agentId: AGENT, ...more }));
  const base = { domainId: 'demo', deskId: 'reception', state: 'ended' } as const;
  const handled = (id: string, at: number, more: object) =>
    records.contacts.push(
      contact(id, { ...base, arrivedAt: s(at), queuedAt: s(at), agentId: AGENT, cause: 'handled', party: UNKNOWN_PARTY, ...more }),
    );
  const offered = (contactId: string, n: number, from: number, to: number, outcome: 'completed' | 'partyNotReached' | 'noAnswer') =>
    records.offers.push(
      offer(`${contactId}.${n}`, {
        domainId: 'demo',
        deskId: 'reception',
        contactId,
        agentId: AGENT,
        state: 'ended',
        createdAt: s(from),
        endedAt: s(to),
        outcome,
      }),
    );
  const busy = (from: number, wrapUp: number | null, to: number, contactId: string) => {
    state(from, 'agentBusy', { contactId });
    if (wrapUp !== null) {
      records.events.push(event('wrapUpStarted', { at: s(wrapUp), agentId: AGENT, contactId }));
      state(wrapUp, 'agentWorkingAfterCall', { contactId });
    }
    state(to, 'agentReady');
  };

  beforeAll(async () => {
    centre = await demoCentre();
    // Ready since seven, and with a call from before nine until 30 s past.
    state(-7_200, 'agentReady');
    busy(-60, 10, 30, 'before');
    handled('before', -62, { connectedAt: s(-55), endedAt: s(30) });
    offered('before', 1, -60, 10, 'completed');
    // A caller waits from 5 s on, and chooses a callback after 15 s; it is made at 30 s, in vain, and once more after half an hour.
    handled('line', 5, { endedAt: s(20), cause: 'callbackPromised', agentId: null });
    const back = { channel: 'callback', origin: 'queueCallback', continues: 'line', arrivedAt: s(5), queuedAt: s(20) } as const;
    handled('back', 20, { ...back, connectedAt: s(1_880), endedAt: s(2_000) });
    offered('back', 1, 30, 60, 'partyNotReached');
    records.events.push(event('failed', { at: s(60), agentId: AGENT, contactId: 'back', offerId: 'back.1', cause: 'noAnswer' }));
    offered('back', 2, 1_860, 1_990, 'completed');
    busy(30, null, 60, 'back');
    busy(1_860, 1_990, 2_000, 'back');
    // A call-me that nobody could be reached at, one that was cancelled, and a notice.
    const callMe = { channel: 'callback', origin: 'callMe' } as const;
    handled('vain', 2_100, { ...callMe, endedAt: s(2_130), cause: 'callbackFailed', agentId: null });
    offered('vain', 1, 2_100, 2_130, 'partyNotReached');
    records.events.push(event('failed', { at: s(2_130), agentId: AGENT, contactId: 'vain', offerId: 'vain.1', cause: 'rejected' }));
    busy(2_100, null, 2_130, 'vain');
    handled('cancelled', 2_110, { ...callMe, endedAt: s(2_120), cause: 'callbackCancelled', agentId: null });
    handled('notice', 2_200, { channel: 'notice', origin: 'notice', connectedAt: s(2_210), endedAt: s(2_240) });
    offered('notice', 1, 2_200, 2_240, 'completed');
    busy(2_200, null, 2_240, 'notice');
    // An agent does not hear the phone, comes back after a minute, and takes the call then.
    handled('lapsed', 2_320, { connectedAt: s(2_405), endedAt: s(2_435) });
    offered('lapsed', 1, 2_320, 2_340, 'noAnswer');
    state(2_320, 'agentBusy', { contactId: 'lapsed' });
    state(2_340, 'agentNotReady', { cause: 'noAnswer' });
    state(2_400, 'agentReady');
    offered('lapsed', 2, 2_400, 2_435, 'completed');
    busy(2_400, 2_425, 2_435, 'lapsed');
    // Who never came to a queue, and whose desk is gone.
    handled('scenario', 2_300, { queuedAt: null, deskId: null, endedAt: s(2_310), cause: 'abandonedInScenario', agentId: null });
    handled('gone', 2_300, { deskId: 'closed-down', endedAt: s(2_310), cause: 'abandonedInQueue', agentId: null });
    await write(centre.store, centre.lease, records, 0);
  });
  afterAll(() => centre.close());

  it('plays callbacks as callbacks, in the place of the call that they continue', async () => {
    const { code, printed } = await centre.replay('--from', '2026-11-20 09:00', '--to', '2026-11-20 10:00', '--json');
    expect(code, printed).toBe(0);
    const { logged, replayed, notPlayed } = JSON.parse(printed);
    const waits = [(1_880 - 20) * 1_000, 10_000];
    expect(logged.all).toMatchObject({ calls: 2, serviceLevel: 0, asaMs: 85_000, abandoned: 0, callbacks: 4, reached: 2 });
    expect(logged.all.reachedAfterMs).toBe((waits[0]! + waits[1]!) / 2);
    expect(logged.all.occupancy).toBeCloseTo((30 + 30 + 140 + 30 + 40 + 20 + 35) / 3_540);
    expect(replayed).toEqual(logged);
    expect(notPlayed).toEqual({ neverQueued: 1, deskGone: 1, open: 0 });
    const text = (await centre.replay('--from', '2026-11-20 09:00', '--to', '2026-11-20 10:00')).printed;
    expect(text).toContain('not played again: 1 contacts that ended before they came to a queue, 1 contacts of desks that are gone');
    expect(text).toMatch(/reception .* 2\/4 16 min → 2\/4 16 min/);
  });

  it('answers the caller in time, where somebody is there, and reaches the visitor before the request is cancelled', async () => {
    const { printed } = await centre.replay('--from', '2026-11-20 09:00', '--to', '2026-11-20 10:00', '--agents', '2', '--json');
    expect(JSON.parse(printed).wouldBe.all).toMatchObject({ calls: 2, serviceLevel: 0.5, callbacks: 3, reached: 2 });
  });

  it('leaves contacts where they were of whom the log does not say what rules ask for', async () => {
    await centre.pool.query(`update contact set doc = '{}' where id = 'line'`);
    const path = file('rules:\n  - { name: all, to: { desk: support } }\n');
    const { printed } = await centre.replay('--from', '2026-11-20 09:00', '--to', '2026-11-20 10:00', '--logic', path);
    expect(printed).toContain('(3 contacts go to another desk; 1 stay where they were, as the log does not say who they are)');
  });
});

describe('npm run replay, called wrongly', () => {
  it.each([
    [['--from', '2026-02-30'], /--from: "2026-02-30" is no time; right: a day, as 2026-11-20, or a time/],
    [['--from', '2026-11-20T25:00'], /--from: "2026-11-20T25:00" is no time/],
    [['--to', 'tomorrow'], /--to: "tomorrow" is no time/],
    [['--from', '2026-11-20', '--to', '2026-11-19'], /--to 2026-11-19 is before --from 2026-11-20/],
    [['--from', '2026-12-01'], /2026-12-01 is yet to come/],
    [['--agents', '0'], /--agents: "0"; right: a number up to 10000, as 12, or desks, as tokyo-desk=3,osaka-desk=2/],
    [['--agents', 'tokyo-desk'], /--agents: "tokyo-desk"; right/],
    [['--agents', 'a=1,a=2'], /--agents: "a=1,a=2"; right/],
    [['--aht-factor', '-1'], /'--aht-factor'/],
    [['--aht-factor', '0'], /--aht-factor: "0"; right: a number from 0\.01 to 100, as 1\.1/],
    [['--arrivals-factor', 'double'], /--arrivals-factor: "double"; right: a number from 0\.01 to 20/],
    [['--within', '20s'], /--within: "20s"; right: a number/],
    [['--seed', '1.5'], /--seed: "1\.5"; right/],
    [['--desk', 'x'], /Unknown option '--desk'/],
    [['yesterday'], /Unexpected argument 'yesterday'/],
    [[], /there is no centre yet in .*: run 'npm start' once, or set DATABASE_URL/],
  ])('%j', async (argv, message) => {
    const { code, printed } = await run(argv);
    expect(printed).toMatch(message);
    expect(code).toBe(2);
  });

  it('explains itself', async () => {
    const { code, printed } = await run(['--help']);
    expect(code).toBe(0);
    const options = ['from', 'to', 'domain', 'logic', 'agents', 'aht-factor', 'arrivals-factor', 'within', 'seed', 'json'];
    for (const option of options) expect(printed).toContain(`--${option}`);
  });
});
