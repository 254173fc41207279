import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomNumbers } from '#src/base/random.ts';
import { DEFAULT_DESK_RULES, type DeskRules, NO_WISHES } from '#src/routing/desk-rules.ts';
import { erlangA, erlangC } from '#src/routing/erlang.ts';
import {
  type Attempts,
  type Demand,
  demandsOf,
  figuresOf,
  type LoggedContact,
  Patience,
  type Played,
  type PlaySettings,
  play,
  type StaffMember,
} from '#src/routing/what-if.ts';

/** A Friday, nine o'clock in Tokyo. */
const NINE = Date.parse('2026-11-20T00:00:00Z');
const s = (seconds: number): number => seconds * 1_000;
const min = (minutes: number): number => minutes * 60_000;
const HOUR = min(60);
const FIVE = NINE + 8 * HOUR;

let numbered = 0;
/** A call that was answered at once and took three minutes, but for what is said. `at`: seconds after nine. */
function call(at: number, given: Partial<LoggedContact> = {}): LoggedContact {
  numbered += 1;
  return {
    id: `c${numbered}`,
    kind: 'call',
    deskId: 'tokyo',
    wishes: NO_WISHES,
    lastAgentId: null,
    arrivedAt: NINE + s(at),
    queuedAt: NINE + s(at),
    promisedAt: null,
    ending: 'answered',
    waitMs: 0,
    rangMs: null,
    lapsesMs: [],
    handling: { answerMs: 0, talkMs: s(150), wrapUpMs: s(30) },
    attempts: null,
    hasNumber: true,
    ...given,
  };
}
const gaveUp = (at: number, after: number, given: Partial<LoggedContact> = {}): LoggedContact =>
  call(at, { ending: 'gaveUp', waitMs: s(after), handling: null, ...given });
const reachedAtOnce: Attempts = { failures: [], handling: { answerMs: s(10), talkMs: s(100), wrapUpMs: s(10) }, withdrawnAfterMs: null };
const callback = (at: number, given: Partial<LoggedContact> = {}): LoggedContact =>
  call(at, { kind: 'callback', handling: null, attempts: reachedAtOnce, ...given });

const agent = (id: string, given: Partial<StaffMember> = {}): StaffMember => ({
  id,
  queues: [{ queueId: 'tokyo', priority: 1 }],
  skills: [],
  shift: [{ at: NINE, attendance: 'ready' }],
  busyUntil: null,
  ...given,
});
const agents = (count: number): StaffMember[] => Array.from({ length: count }, (_, i) => agent(`a${i}`));
const at = (desk: string): Partial<StaffMember> => ({ queues: [{ queueId: desk, priority: 1 }] });

const settings = (rules: Partial<DeskRules> = {}, given: Partial<PlaySettings> = {}): PlaySettings => ({
  from: NINE,
  until: FIVE,
  deskIds: ['tokyo', 'osaka'],
  rulesOf: (desk) => (desk === 'tokyo' ? { ...DEFAULT_DESK_RULES, ...rules } : DEFAULT_DESK_RULES),
  decide: () => null,
  nextTimeToCall: (_desk, when) => when,
  ...given,
});
const draw = (contacts: readonly LoggedContact[], more = {}): Demand[] => demandsOf(contacts, { random: randomNumbers(1), ...more });
/** @param rules of the desk in Tokyo */
const played = (contacts: readonly LoggedContact[], staff: readonly StaffMember[], rules: Partial<DeskRules> = {}): Played =>
  play(draw(contacts), staff, settings(rules));
/** `id ending after seconds`, in the order in which they ended. */
const told = ({ contacts }: Played): string[] => contacts.map((c) => `${c.kind} ${c.ending} ${c.waitMs / 1_000}`);
const figures = (of: Played) => figuresOf(of, () => s(20)).all;

describe('a period played again', () => {
  it('gives each call to whoever is free, first come first', () => {
    // 180 s each: with one agent the second waits 170, the third 330.
    const calls = [call(0), call(10), call(30)];
    expect(told(played(calls, agents(1)))).toEqual(['call answered 0', 'call answered 170', 'call answered 330']);
    expect(told(played(calls, agents(2)))).toEqual(['call answered 0', 'call answered 0', 'call answered 150']);
    expect(told(played(calls, agents(3)))).toEqual(['call answered 0', 'call answered 0', 'call answered 0']);
  });

  it('lets a caller wait for as long as he did, and hears him out where somebody is there in time', () => {
    const calls = [call(0), gaveUp(10, 60)];
    expect(told(played(calls, agents(1)))).toEqual(['call answered 0', 'call gaveUp 60']);
    expect(told(played(calls, agents(2)))).toEqual(['call answered 0', 'call answered 0']);
  });

  it('keeps an agent busy from the ring to the end of wrap-up, or until the caller gives up while it rings', () => {
    const slow = { answerMs: s(8), talkMs: s(100), wrapUpMs: s(20) };
    expect(told(played([call(0, { handling: slow }), call(1, { handling: slow })], agents(1)))).toEqual([
      'call answered 8',
      'call answered 135',
    ]);
    // It rang for six seconds, and nobody knows how much longer it would have: longer than that.
    const hangsUp = gaveUp(0, 6, { rangMs: s(6) });
    expect(told(played([hangsUp, call(1, { handling: slow, waitMs: s(13) })], agents(1)))).toEqual(['call gaveUp 6', 'call answered 13']);
  });

  it('lets offers lapse again that lapsed: the contact goes back to its place', () => {
    const lapsed = call(0, { lapsesMs: [s(20)] });
    expect(told(played([lapsed, call(1)], agents(1)))).toEqual(['call answered 20', 'call answered 199']);
    expect(told(played([lapsed, call(1)], agents(2)))).toEqual(['call answered 0', 'call answered 20']);
    // Who gives up while a phone rings that nobody answers frees that agent.
    expect(told(played([gaveUp(0, 9, { lapsesMs: [s(20)] }), call(1, { waitMs: s(8) })], agents(1)))).toEqual([
      'call gaveUp 9',
      'call answered 8',
    ]);
  });

  it('goes by the agents’ shifts: who is away is given nothing, and goes after the talk', () => {
    const shift = [
      { at: NINE, attendance: 'ready' },
      { at: NINE + s(60), attendance: 'away' },
      { at: NINE + s(600), attendance: 'ready' },
      { at: NINE + s(700), attendance: 'off' },
    ] as const;
    const result = played([call(0), call(100)], [agent('a', { shift })]);
    expect(told(result)).toEqual(['call answered 0', 'call answered 500']);
    // Three minutes of each, the first 60 s and 100 s of them while on duty: 180 busy, then 180 more, the last 80 s after the end.
    expect(result.agents).toEqual([{ id: 'a', deskIds: ['tokyo'], busyMs: s(360), staffedMs: s(360) }]);
  });

  it('begins with agents who are busy from before', () => {
    expect(told(played([call(0)], [agent('a', { busyUntil: NINE + s(45) })]))).toEqual(['call answered 45']);
  });

  it('lets an agent who is leaving take whoever waits already, and nobody else', () => {
    const shift = [
      { at: NINE, attendance: 'ready' },
      { at: NINE + s(60), attendance: 'leaving' },
    ] as const;
    expect(told(played([call(0), call(30), call(400)], [agent('a', { shift })]))).toEqual([
      'call answered 0',
      'call answered 150',
      'call open 0',
    ]);
  });

  it('counts the period only, though contacts from before and after stand in the way', () => {
    const calls = [call(-60, { queuedAt: NINE - s(60) }), call(5), call(8 * 3_600)];
    const result = played(calls, agents(1));
    expect(told(result)).toEqual(['call answered 175']);
    expect(result.agents[0]?.staffedMs).toBe(8 * HOUR);
    expect(figures(result)).toMatchObject({ calls: 1, occupancy: 360 / (8 * 3_600), longestWaitMs: s(175) });
  });
});

describe('callbacks', () => {
  it('are tasks of their own: attempts that fail take an agent’s time, and rest as the desk’s rules say', () => {
    const attempts: Attempts = {
      failures: [
        { outcome: 'busy', occupiedMs: s(10) },
        { outcome: 'noAnswer', occupiedMs: s(30) },
      ],
      handling: { answerMs: s(15), talkMs: s(100), wrapUpMs: s(5) },
      withdrawnAfterMs: null,
    };
    const result = played([callback(0, { attempts })], agents(1));
    // 10 s, 5 minutes' rest, 30 s, half an hour's rest, and 15 s until somebody answers.
    expect(told(result)).toEqual([`callback answered ${10 + 300 + 30 + 1_800 + 15}`]);
    expect(result.agents[0]?.busyMs).toBe(s(10 + 30 + 120));
    expect(figures(result)).toMatchObject({ calls: 0, serviceLevel: null, callbacks: 1, reached: 1, reachedAfterMs: s(2_155) });
  });

  it('that were never reached are not reached again, and those that were cancelled go when they did', () => {
    const inVain: Attempts = { failures: [{ outcome: 'failed', occupiedMs: s(20) }], handling: null, withdrawnAfterMs: null };
    const never = callback(0, { attempts: inVain, ending: 'failed' });
    const attempts: Attempts = { failures: [], handling: null, withdrawnAfterMs: s(5) };
    const cancelled = callback(1, { ending: 'withdrawn', waitMs: s(5), attempts });
    expect(told(played([never, cancelled], agents(1)))).toEqual(['callback withdrawn 5', 'callback failed 20']);
    expect(told(played([cancelled], []))).toEqual(['callback withdrawn 5']);
  });

  it('are given up as the desk’s rules say', () => {
    const busy = { outcome: 'busy', occupiedMs: s(10) } as const;
    const attempts: Attempts = { failures: [busy, busy], handling: { answerMs: 0, talkMs: s(60), wrapUpMs: 0 }, withdrawnAfterMs: null };
    const { callbacks } = DEFAULT_DESK_RULES;
    expect(told(played([callback(0, { attempts })], agents(1)))).toEqual(['callback answered 620']);
    const once = { callbacks: { ...callbacks, retry: { ...callbacks.retry, busy: { attempts: 2, pauseMs: s(60) } } } };
    expect(told(played([callback(0, { attempts })], agents(1), once))).toEqual(['callback failed 80']);
    expect(told(played([callback(0, { attempts })], agents(1), { callbacks: { ...callbacks, attempts: 1 } }))).toEqual([
      'callback failed 10',
    ]);
  });

  it('wait until people may be called, and until the time that was agreed', () => {
    const rest = { nextTimeToCall: (_desk: string, when: number) => Math.max(when, NINE + s(60)) };
    expect(told(play(draw([callback(0)]), agents(1), settings({}, rest)))).toEqual(['callback answered 70']);
    // From the agreed time on it is late.
    expect(told(played([callback(0, { promisedAt: NINE + HOUR })], agents(1)))).toEqual(['callback answered 10']);
  });

  it('take the place of a call after the same wait, unless it is answered before', () => {
    const calls = [call(0), call(10, { ending: 'calledBack', waitMs: s(40), handling: null, attempts: reachedAtOnce })];
    expect(told(played(calls, agents(1)))).toEqual(['call answered 0', 'call calledBack 40', 'callback answered 140']);
    expect(told(played(calls, agents(2)))).toEqual(['call answered 0', 'call answered 0']);
  });

  it('are made of callers who gave up, where the desk’s rules want it', () => {
    const rules = { callbacks: { ...DEFAULT_DESK_RULES.callbacks, afterAbandonMs: s(30) } };
    const calls = [call(0), gaveUp(10, 29), gaveUp(10, 30), gaveUp(10, 31, { hasNumber: false }), callback(20_000)];
    expect(told(played(calls, agents(1), rules))).toEqual([
      'call answered 0',
      'call gaveUp 29',
      'call gaveUp 30',
      'call gaveUp 31',
      'callback answered 150', // from the moment at which he gave up, and with what the other callback took to answer
      'callback answered 10',
    ]);
  });

  it('wait for an agent who had no call for a while, where calls come first', () => {
    const rules = { discipline: { name: 'calls-first', idleForCallbacksMs: s(100) } } as const;
    expect(told(played([callback(0), call(30)], agents(1), rules))).toEqual(['call answered 0', 'callback answered 220']);
    expect(told(played([callback(0), call(30)], agents(1)))).toEqual(['callback answered 10', 'call answered 90']);
  });
});

describe('other rules', () => {
  it('decide the desk again', () => {
    const calls = [call(0), call(10)];
    const elsewhere = settings({}, { decide: ({ contact }) => (contact === calls[1] ? { deskId: 'osaka', wishes: NO_WISHES } : null) });
    const result = play(draw(calls), [agent('a'), agent('b', at('osaka'))], elsewhere);
    expect(result.contacts.map((c) => [c.deskId, c.waitMs])).toEqual([
      ['tokyo', 0],
      ['osaka', 0],
    ]);
    const found = figuresOf(result, () => s(20));
    expect([...found.desks.keys()]).toEqual(['tokyo', 'osaka']);
    expect(found.desks.get('osaka')).toMatchObject({ calls: 1, serviceLevel: 1, occupancy: 180 / (8 * 3_600) });
    expect(found.all).toMatchObject({ calls: 2, occupancy: 180 / (8 * 3_600) });
  });

  it('let other desks help after a time, when nobody is there, or when the wait is estimated long', () => {
    const calls = [call(0), call(1), call(2)];
    const staff = [agent('a'), agent('b', at('osaka'))];
    expect(told(played(calls, staff))).toEqual(['call answered 0', 'call answered 179', 'call answered 358']);
    const after = { overflow: [{ to: 'osaka', when: 'afterMs', afterMs: s(30) }] } as const;
    expect(told(played(calls, staff, after))).toEqual(['call answered 0', 'call answered 30', 'call answered 178']);
    const nobody = { overflow: [{ to: 'osaka', when: 'nobody' }] } as const;
    expect(told(played(calls.slice(0, 1), [agent('b', at('osaka'))], nobody))).toEqual(['call answered 0']);
    // One agent, four minutes expected: whoever is first in line waits four minutes, the second eight.
    const long = { overflow: [{ to: 'osaka', when: 'estimatedWaitMs', estimatedWaitMs: min(5) }] } as const;
    expect(told(played(calls, staff, long))).toEqual(['call answered 0', 'call answered 1', 'call answered 178']);
  });

  it('end wrap-up earlier, but make it no longer', () => {
    const calls = [call(0), call(1)];
    expect(told(played(calls, agents(1), { wrapUp: { limitMs: s(10), extensionMs: 0, mostMs: min(15) } }))[1]).toBe('call answered 159');
    expect(told(played(calls, agents(1), { wrapUp: { limitMs: s(10), extensionMs: s(10), mostMs: s(20) } }))[1]).toBe('call answered 169');
    expect(told(played(calls, agents(1), { wrapUp: { limitMs: min(9), extensionMs: 0, mostMs: min(15) } }))[1]).toBe('call answered 179');
  });

  it('ask for skills, and for less after a while', () => {
    const wishes = {
      ...NO_WISHES,
      requirements: [{ skill: 'french', level: 5 }],
      rings: [{ afterMs: s(40), requirements: [{ skill: 'french', level: 2 }] }],
    };
    const some = agent('a', { skills: [{ skill: 'french', level: 3 }] });
    expect(told(played([call(0, { wishes })], [some]))).toEqual(['call answered 40']);
    expect(told(played([call(0, { wishes })], [agent('a', { skills: [{ skill: 'french', level: 5 }] })]))).toEqual(['call answered 0']);
  });

  it('wait for the agent whom the customer knows', () => {
    const known = { wishes: { ...NO_WISHES, preferLastAgentMs: s(60) }, lastAgentId: 'a1' };
    const busy = [agent('a0'), agent('a1', { busyUntil: NINE + s(20) })];
    expect(told(played([call(0, known)], busy))).toEqual(['call answered 20']);
    expect(told(played([call(0, { ...known, lastAgentId: 'gone' })], busy))).toEqual(['call answered 0']);
    const away = [{ at: NINE, attendance: 'away' }] as const;
    expect(told(played([call(0, known)], [agent('a0'), agent('a1', { shift: away })]))).toEqual(['call answered 0']);
  });
});

describe('more or less of it', () => {
  const calls = Array.from({ length: 2_000 }, (_, i) => call(14 * i));
  it('handling takes longer or shorter, ringing does not', () => {
    const [demand] = draw([call(0, { handling: { answerMs: s(9), talkMs: s(100), wrapUpMs: s(50) } })], { ahtFactor: 1.2 });
    expect(demand?.handling).toEqual({ answerMs: s(9), talkMs: s(120), wrapUpMs: s(60) });
  });

  it('more contacts come, as copies near by, or fewer', () => {
    const more = draw(calls, { arrivalsFactor: 1.25 });
    expect(more.length / calls.length).toBeCloseTo(1.25, 1);
    expect(new Set(more.map(({ id }) => id)).size).toBe(more.length);
    expect(more.map(({ arrivedAt }) => arrivedAt)).toEqual(more.map(({ arrivedAt }) => arrivedAt).sort((a, b) => a - b));
    for (const { arrivedAt, contact } of more) expect(Math.abs(arrivedAt - contact.arrivedAt)).toBeLessThanOrEqual(min(15));
    expect(draw(calls, { arrivalsFactor: 3 })).toHaveLength(6_000);
    expect(draw(calls, { arrivalsFactor: 0.5 }).length / calls.length).toBeCloseTo(0.5, 1);
  });
});

describe('patience', () => {
  const random = randomNumbers(7);
  const exponential = (mean: number): number => -mean * Math.log1p(-random());
  /** Callers who give up unless they are answered before. */
  const censored = (count: number, patience: () => number, answered: () => number) =>
    Array.from({ length: count }, () => {
      const [gives, gets] = [patience(), answered()];
      return { waitMs: Math.round(Math.min(gives, gets)), gaveUp: gives < gets };
    });
  const mean = (of: Patience, beyond: number): number => {
    let sum = 0;
    for (let i = 0; i < 20_000; i += 1) sum += of.beyond(beyond, (i + 0.5) / 20_000) - beyond;
    return sum / 20_000;
  };

  it('is longer than the waits of those who gave up: most of the patient were answered', () => {
    const waits = censored(
      60_000,
      () => exponential(min(3)),
      () => exponential(s(45)),
    );
    const gone = waits.filter(({ gaveUp: gave }) => gave).map(({ waitMs }) => waitMs);
    expect(gone.reduce((sum, ms) => sum + ms, 0) / gone.length).toBeLessThan(s(40));
    const patience = new Patience(waits);
    expect(Math.abs(mean(patience, 0) / min(3) - 1)).toBeLessThan(0.1);
    expect(Math.abs(mean(patience, min(2)) / min(3) - 1)).toBeLessThan(0.1);
  });

  it('is not supposed to be exponential where the log shows otherwise', () => {
    // Half of them hang up within the first ten seconds, when they hear music; the rest waits for about five minutes.
    const waits = censored(
      20_000,
      () => (random() < 0.5 ? random() * s(10) : s(250) + random() * s(100)),
      () => exponential(min(4)),
    );
    const patience = new Patience(waits);
    const shareBelow = (ms: number): number =>
      Array.from({ length: 1_000 }, (_, i) => patience.beyond(0, i / 1_000)).filter((p) => p < ms).length / 1_000;
    expect(shareBelow(s(10))).toBeCloseTo(0.5, 1);
    expect(shareBelow(s(240))).toBeCloseTo(0.5, 1);
    expect(shareBelow(s(300))).toBeCloseTo(0.75, 1);
    expect(patience.beyond(s(100), 0.01)).toBeGreaterThan(s(249));
  });

  it('has no end where nobody gave up', () => {
    expect(new Patience([{ waitMs: 5, gaveUp: false }]).beyond(0, 0.5)).toBe(Number.POSITIVE_INFINITY);
    expect(new Patience([]).beyond(0, 0.5)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is always longer than what was waited', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 500 }), gaveUp: fc.boolean() }), { maxLength: 80 }),
        fc.integer({ min: 0, max: 1_000 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (waits, waited, chance) => {
          expect(new Patience(waits).beyond(waited, chance)).toBeGreaterThan(waited);
        },
      ),
    );
  });
});

/** The log of a play: what an outsider saw of it, and no more. */
function logOf(demands: readonly Demand[], { contacts }: Played): LoggedContact[] {
  const calls = new Map(contacts.filter((c) => c.kind === 'call').map((c) => [c.id, c]));
  const rest = new Map(contacts.filter((c) => c.kind !== 'call').map((c) => [c.id, c]));
  return demands.map(({ contact, id, handling, attempts, lapsesMs }): LoggedContact => {
    const back = rest.get(id);
    const seen = calls.get(id) ?? back;
    if (!seen) throw new Error(`${id} is not in the log`);
    const isCall = seen.kind === 'call';
    const since = isCall ? 0 : Math.max(0, (contact.promisedAt ?? 0) - contact.queuedAt);
    return {
      ...contact,
      ending: seen.ending,
      waitMs: seen.waitMs + since,
      lapsesMs,
      handling: isCall && seen.ending === 'answered' ? handling : null,
      // An agent's phone that had not been answered yet: nobody saw how much longer it would have rung.
      rangMs: isCall && seen.ending !== 'answered' ? Math.max(0, handling.answerMs - 1) : null,
      attempts:
        back === undefined ? null : back.ending === 'withdrawn' ? { ...attempts, handling: null } : { ...attempts, withdrawnAfterMs: null },
    };
  });
}

describe('agreement with theory', () => {
  /** A steady stream of calls, with all that they are like. */
  function stream(seed: number, hours: number, callsPerHour: number, ahtMs: number, patienceMs: number): Demand[] {
    const random = randomNumbers(seed);
    const exponential = (mean: number): number => Math.round(-mean * Math.log1p(-random()));
    const demands: Demand[] = [];
    for (let when = 0; when < hours * HOUR; when += exponential(HOUR / callsPerHour)) {
      const contact = call(when / 1_000, { queuedAt: NINE + when, arrivedAt: NINE + when });
      const handling = { answerMs: 0, talkMs: exponential(ahtMs), wrapUpMs: 0 };
      const gives = patienceMs === Number.POSITIVE_INFINITY ? patienceMs : exponential(patienceMs);
      const rest = { calledBackAfterMs: Number.POSITIVE_INFINITY };
      const { id, arrivedAt, queuedAt } = contact;
      const attempts = { failures: [], handling, withdrawnAfterMs: null };
      demands.push({ contact, id, arrivedAt, queuedAt, patienceMs: gives, lapsesMs: [], handling, attempts, ...rest });
    }
    return demands;
  }
  const during = (hours: number): PlaySettings => settings({}, { until: NINE + hours * HOUR });

  it('where nobody gives up, with another number of agents: Erlang C', () => {
    const load = { callsPerHour: 60, ahtMs: min(4), withinMs: s(20) };
    const demands = stream(3, 800, load.callsPerHour, load.ahtMs, Number.POSITIVE_INFINITY);
    const log = logOf(demands, play(demands, agents(6), during(800)));
    const found = figures(play(draw(log), agents(5), during(800)));
    const right = erlangC({ ...load, agents: 5 });
    expect(Math.abs((found.serviceLevel ?? 0) - right.serviceLevel)).toBeLessThan(0.02);
    expect(Math.abs((found.asaMs ?? 0) / right.asaMs - 1)).toBeLessThan(0.1);
    expect(Math.abs((found.occupancy ?? 0) - right.occupancy)).toBeLessThan(0.02);
    expect(found.abandoned).toBe(0);
  });

  it.each([
    ['fewer agents', 10, 7],
    ['more agents', 7, 10],
    ['the same', 8, 8],
  ])('where callers give up, with %s than the log had: Erlang A', (_what, had, wouldHave) => {
    const load = { callsPerHour: 120, ahtMs: min(4), withinMs: s(20), patienceMs: min(2) };
    const demands = stream(5, 500, load.callsPerHour, load.ahtMs, load.patienceMs);
    const before = play(demands, agents(had), during(500));
    for (const [name, found, count] of [
      ['log', figures(before), had],
      ['what-if', figures(play(draw(logOf(demands, before)), agents(wouldHave), during(500))), wouldHave],
    ] as const) {
      const right = erlangA({ ...load, agents: count });
      // 60,000 calls, and what they are like is random, too.
      expect(Math.abs((found.serviceLevel ?? 0) - right.serviceLevel), `${name}: service level`).toBeLessThan(0.015);
      expect(Math.abs((found.abandoned ?? 0) - right.abandonProbability), `${name}: abandoned`).toBeLessThan(0.01);
      expect(Math.abs((found.asaMs ?? 0) - right.asaMs), `${name}: ASA`).toBeLessThan(0.06 * right.asaMs + 200);
      expect(Math.abs((found.occupancy ?? 0) - right.occupancy), `${name}: occupancy`).toBeLessThan(0.015);
    }
  });
});

describe('the log of a play, played again by the same rules', () => {
  const DESKS = ['tokyo', 'osaka', 'kyoto'] as const;
  const seconds = (most: number) => fc.integer({ min: 1, max: most }).map(s);
  const handling = fc.record({ answerMs: fc.integer({ min: 0, max: 20_000 }), talkMs: seconds(400), wrapUpMs: seconds(60) });
  const attempts = fc.record({
    failures: fc.array(fc.record({ outcome: fc.constantFrom('busy', 'noAnswer', 'failed'), occupiedMs: seconds(40) }), { maxLength: 2 }),
    handling,
    withdrawnAfterMs: fc.constantFrom(null, null, s(100)),
  });
  const wishes = fc.constantFrom(
    NO_WISHES,
    { ...NO_WISHES, priorityClass: 20 },
    { ...NO_WISHES, preferLastAgentMs: s(60) },
    { ...NO_WISHES, requirements: [{ skill: 'french', level: 2 }], rings: [{ afterMs: s(60), requirements: [] }] },
  );
  const demand = fc
    .record({
      at: fc.integer({ min: 0, max: 3 * 3_600 }),
      kind: fc.constantFrom('call', 'call', 'call', 'callback', 'notice'),
      deskId: fc.constantFrom(...DESKS),
      wishes,
      lastAgentId: fc.constantFrom(null, 'a0', 'a3'),
      patienceMs: seconds(300),
      leavesBy: fc.constantFrom('patience', 'patience', 'callback'),
      handling,
      attempts,
      lapsesMs: fc.array(seconds(20), { maxLength: 2 }),
      agreedMs: fc.constantFrom(null, HOUR),
    })
    .map((given): Demand => {
      const { kind, patienceMs, leavesBy } = given;
      const isCall = kind === 'call';
      const when = NINE + s(given.at);
      const promisedAt = isCall || given.agreedMs === null ? null : when + given.agreedMs;
      const contact = call(given.at, { kind, deskId: given.deskId, wishes: given.wishes, lastAgentId: given.lastAgentId, promisedAt });
      return {
        contact,
        id: contact.id,
        arrivedAt: when,
        queuedAt: when,
        patienceMs: isCall && leavesBy === 'patience' ? patienceMs : Number.POSITIVE_INFINITY,
        calledBackAfterMs: isCall && leavesBy === 'callback' ? patienceMs : Number.POSITIVE_INFINITY,
        lapsesMs: given.lapsesMs,
        handling: given.handling,
        attempts: given.attempts,
      };
    });
  const shift = fc.array(fc.record({ at: seconds(3 * 3_600), attendance: fc.constantFrom('ready', 'away', 'off') }), { maxLength: 6 });
  const staff = fc
    .array(fc.record({ desks: fc.subarray([...DESKS], { minLength: 1 }), shift, level: fc.integer({ min: 1, max: 4 }) }), {
      minLength: 1,
      maxLength: 8,
    })
    .map((members) =>
      members.map((member, i) =>
        agent(`a${i}`, {
          queues: member.desks.map((queueId, n) => ({ queueId, priority: n })),
          skills: [{ skill: 'french', level: member.level }],
          // In the end everybody comes, so that nobody is left waiting.
          shift: [
            ...member.shift.map((change) => ({ ...change, at: NINE + change.at })).sort((a, b) => a.at - b.at),
            { at: NINE + 4 * HOUR, attendance: 'ready' },
          ],
        }),
      ),
    );
  const rules = fc.record({
    discipline: fc.constantFrom({ name: 'one-queue' } as const, { name: 'calls-first', idleForCallbacksMs: s(90) } as const),
    tieBreak: fc.constantFrom('longestIdle', 'leastOccupied', 'roundRobin'),
  });
  const overflow: Readonly<Record<string, DeskRules['overflow']>> = {
    tokyo: [{ to: 'osaka', when: 'afterMs', afterMs: s(50) }],
    osaka: [{ to: 'kyoto', when: 'nobody' }],
    kyoto: [{ to: 'tokyo', when: 'estimatedWaitMs', estimatedWaitMs: min(6) }],
  };
  const again = (given: Partial<DeskRules>): PlaySettings =>
    settings(
      {},
      {
        deskIds: [...DESKS, 'elsewhere'],
        rulesOf: (deskId) => ({
          ...DEFAULT_DESK_RULES,
          ...given,
          overflow: overflow[deskId] ?? [],
        }),
      },
    );

  it('is the same: who was served by whom, after which wait, and what every agent did', () => {
    const endings = new Set<string>();
    fc.assert(
      fc.property(fc.array(demand, { minLength: 1, maxLength: 60 }), staff, rules, (unsorted, members, given) => {
        const demands = unsorted.toSorted((a, b) => a.arrivedAt - b.arrivedAt || (a.id < b.id ? -1 : 1));
        // Not those whom nobody can ever serve.
        const served = new Set(members.flatMap(({ queues }) => queues.map(({ queueId }) => queueId)));
        const those = demands.filter(({ contact }) => served.has(contact.deskId));
        const before = play(those, members, again(given));
        for (const { kind, ending } of before.contacts) endings.add(`${kind} ${ending}`);
        const after = play(draw(logOf(those, before)), members, again(given));
        expect(after.agents).toEqual(before.agents);
        expect(after.contacts).toEqual(before.contacts);
      }),
      { numRuns: 300 },
    );
    for (const seen of ['call answered', 'call gaveUp', 'call calledBack', 'callback answered', 'callback withdrawn', 'notice answered']) {
      expect(endings).toContain(seen);
    }
  });
});
