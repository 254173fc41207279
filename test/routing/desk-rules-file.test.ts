import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '#src/base/checked-yaml.ts';
import { type ControlLogic, decideDesk, parseControlLogic } from '#src/routing/control-logic.ts';
import { DEFAULT_DESK_RULES, type DeskRules, NO_WISHES } from '#src/routing/desk-rules.ts';
import { rulesOfDesks } from '#src/routing/desk-rules-file.ts';
import type { Desk, Directory } from '#src/routing/directory.ts';
import { durationMs } from '#src/routing/logic-schema.ts';
import { runLogicTests } from '#src/routing/logic-tests.ts';
import { checkPolicy, checkRequirements, checkTask } from '#src/routing/matching/model.ts';

const desk = (id: string, nextUp: string | null, isReception = false): Desk => ({
  id,
  organisationId: 'maker',
  name: id,
  timeZone: 'Asia/Tokyo',
  hours: ([1, 2, 3, 4, 5, 6, 7] as const).map((weekday) => ({ weekday, from: '00:00', to: '24:00' })),
  holidays: [],
  nextUp,
  isReception,
});
/** d-east and d-west lead up to the reception. */
const newDirectory = (): Directory => ({
  domainId: 'd',
  organisations: new Map([['maker', { id: 'maker', kind: 'maker', name: 'maker', sellsFor: [], regions: [] }]]),
  desks: new Map([desk('d-east', 'r'), desk('d-west', 'r'), desk('r', null, true)].map((d) => [d.id, d])),
  entries: [],
  agents: new Map(),
  sales: [],
  outgoingNumber: '+81300000000',
});
const directory = newDirectory();
const RULES = 'rules:\n  - { name: a, to: reception }\n';

const parsed = (text: string, where = directory): ControlLogic => unwrap(parseControlLogic(text, 'l.yaml', where));
const problems = (text: string): string[] => {
  const result = parseControlLogic(text, 'l.yaml', directory);
  return Array.isArray(result) ? result.map(formatProblem) : [];
};
const rulesAt = (deskId: string, desks: string, house: DeskRules = DEFAULT_DESK_RULES): DeskRules =>
  rulesOfDesks(parsed(`${RULES}${desks}`), house, directory)(deskId);

describe('scenarios of a desk', () => {
  it('are those of all desks, unless it has its own or none', () => {
    const desks = 'desks:\n  default: { survey: asked, callMe: call-me }\n  d-east: { survey: none }\n  d-west: { callMe: other }\n';
    expect(rulesAt('r', '')).toMatchObject({ survey: null, callMe: null });
    expect(rulesAt('r', desks)).toMatchObject({ survey: 'asked', callMe: 'call-me' });
    expect(rulesAt('d-east', desks)).toMatchObject({ survey: null, callMe: 'call-me' });
    expect(rulesAt('d-west', desks)).toMatchObject({ survey: 'asked', callMe: 'other' });
  });
});

describe('what a rule wishes for its contacts', () => {
  const decide = (logic: ControlLogic) =>
    decideDesk(
      logic,
      {
        party: { kind: 'unknown', record: null, foundBy: null },
        entry: { id: 'e', numbers: [], domainId: 'd', language: 'ja', country: 'JP', scenario: 's', makerId: 'maker' },
        channel: 'voice',
        callingNumber: { kind: 'withheld' },
      },
      directory,
      Date.parse('2026-11-20T12:00+09:00'),
    );

  it('goes with the decision: priority, needs, what is enough after a while, and the last agent', () => {
    const logic = parsed(
      `rules:
  - name: a
    to: reception
    priority: 20
    needs: { english: 3, billing: 1 }
    relax: [{ after: 30s, needs: { english: 1 } }, { after: 1.5m, needs: {} }]
    preferLastAgent: 20s
`,
    );
    const { wishes } = decide(logic);
    expect(wishes).toEqual({
      priorityClass: 20,
      requirements: [
        { skill: 'billing', level: 1 },
        { skill: 'english', level: 3 },
      ],
      rings: [
        { afterMs: 30_000, requirements: [{ skill: 'english', level: 1 }] },
        { afterMs: 90_000, requirements: [] },
      ],
      preferLastAgentMs: 20_000,
    });
    // The matching engine knows the same needs by the same list.
    expect(decide(logic).wishes.requirements).toBe(wishes.requirements);
    expect(decide(logic).wishes.rings).toBe(wishes.rings);
    checkRequirements(wishes.requirements);
  });

  it('is nothing where the rule says nothing, and where no rule led to a desk', () => {
    expect(decide(parsed(RULES)).wishes).toBe(NO_WISHES);
    const none = decide(parsed('rules:\n  - { name: a, to: lastDesk, priority: 3 }\n'));
    expect(none).toMatchObject({ rule: 'none' });
    expect(none.wishes).toBe(NO_WISHES);
  });

  it('is the firing rule’s when a closed desk hands on', () => {
    const shut = newDirectory();
    const east = { ...desk('d-east', 'r'), hours: [] };
    const closed = { ...shut, desks: new Map([...shut.desks, ['d-east', east]]) };
    const logic = parsed('rules:\n  - { name: a, to: { desk: d-east }, priority: 3 }\n');
    const facts = {
      party: { kind: 'unknown', record: null, foundBy: null },
      entry: { id: 'e', numbers: [], domainId: 'd', language: 'ja', country: 'JP', scenario: 's', makerId: 'maker' },
      channel: 'voice',
      callingNumber: { kind: 'withheld' },
    } as const;
    expect(decideDesk(logic, facts, closed, 0)).toMatchObject({ deskId: 'r', rule: 'a', wishes: { priorityClass: 3 } });
  });
});

describe('how a desk gives out', () => {
  it('is as the house has it where the file says nothing', () => {
    expect(rulesAt('d-east', '')).toEqual(DEFAULT_DESK_RULES);
    expect(rulesAt('gone', '')).toEqual(DEFAULT_DESK_RULES);
  });

  it('can be said in full', () => {
    const text = `desks:
  d-east:
    discipline: { callsFirst: { idleForCallbacks: 60s } }
    tieBreak: leastOccupied
    weights: { call: 3, callback: 2, mail: 1, chat: 4, notice: 0 }
    promise: { lead: 10m, weight: 20 }
    overflow: [{ to: nextUp, after: 60s }, { to: d-west, estimatedWait: 5m }, { to: nextUp, nobody: true }]
    callbacks:
      first: agent
      offerFromWait: 3m
      afterAbandon: 30s
      hours: 09:00-20:00
      attempts: 5
      retry: { busy: { attempts: 4, pause: 2m }, noAnswer: { attempts: 2, pause: 1h }, failed: { attempts: 1, pause: 90s } }
    wrapUp: { limit: 5m, extension: 1m, most: 10m }
    survey: asked
    callMe: call-me
    serviceLevel: { share: 80, within: 20s }
    expectedHandling: 250s
`;
    expect(rulesAt('d-east', text)).toEqual({
      discipline: { name: 'calls-first', idleForCallbacksMs: 60_000 },
      tieBreak: 'leastOccupied',
      weights: { call: 3, callback: 2, mail: 1, chat: 4, notice: 0, message: 0 },
      promise: { leadMs: 600_000, weight: 20 },
      overflow: [
        { to: 'r', when: 'afterMs', afterMs: 60_000 },
        { to: 'd-west', when: 'estimatedWaitMs', estimatedWaitMs: 300_000 },
        { to: 'r', when: 'nobody' },
      ],
      callbacks: {
        first: 'agent',
        offerFromWaitMs: 180_000,
        afterAbandonMs: 30_000,
        hours: { from: '09:00', to: '20:00' },
        attempts: 5,
        retry: {
          busy: { attempts: 4, pauseMs: 120_000 },
          noAnswer: { attempts: 2, pauseMs: 3_600_000 },
          failed: { attempts: 1, pauseMs: 90_000 },
        },
      },
      wrapUp: { limitMs: 300_000, extensionMs: 60_000, mostMs: 600_000 },
      survey: 'asked',
      callMe: 'call-me',
      serviceLevel: { share: 0.8, withinMs: 20_000 },
      expectedHandlingMs: 250_000,
    });
    expect(rulesAt('d-west', text)).toEqual(DEFAULT_DESK_RULES);
  });

  it('is its own, over the default’s, over the house’s, field by field', () => {
    const text = `desks:
  default:
    tieBreak: roundRobin
    weights: { mail: 5 }
    callbacks: { attempts: 7, hours: 09:00-20:00, offerFromWait: 2m, afterAbandon: 1m, retry: { busy: { pause: 1m } } }
  d-east:
    discipline: one-queue
    weights: { chat: 6 }
    callbacks: { hours: whileOpen, offerFromWait: nobody, afterAbandon: never, retry: { busy: { attempts: 9 }, failed: { pause: 3m } } }
`;
    const house = { ...DEFAULT_DESK_RULES, discipline: { name: 'calls-first', idleForCallbacksMs: 5 } } as const;
    const base = DEFAULT_DESK_RULES.callbacks;
    const west = rulesAt('d-west', text, house);
    expect(west).toEqual({
      ...house,
      tieBreak: 'roundRobin',
      weights: { ...house.weights, mail: 5 },
      callbacks: {
        ...base,
        attempts: 7,
        hours: { from: '09:00', to: '20:00' },
        offerFromWaitMs: 120_000,
        afterAbandonMs: 60_000,
        retry: { ...base.retry, busy: { ...base.retry.busy, pauseMs: 60_000 } },
      },
    });
    expect(rulesAt('d-east', text, house)).toEqual({
      ...west,
      discipline: { name: 'one-queue' },
      weights: { ...west.weights, chat: 6 },
      callbacks: {
        ...west.callbacks,
        hours: null,
        offerFromWaitMs: null,
        afterAbandonMs: null,
        retry: {
          busy: { attempts: 9, pauseMs: 60_000 },
          noAnswer: base.retry.noAnswer,
          failed: { ...base.retry.failed, pauseMs: 180_000 },
        },
      },
    });
  });

  it('overflows to no desk that is not there, and not to itself', () => {
    const text = `${RULES}desks:\n  default: { overflow: [{ to: nextUp, after: 1s }, { to: d-west, nobody: true }, { to: gone, nobody: true }] }\n`;
    const rulesOf = rulesOfDesks(
      parsed(text, { ...directory, desks: new Map([...directory.desks, ['gone', desk('gone', null)]]) }),
      DEFAULT_DESK_RULES,
      directory,
    );
    const to = (id: string): string[] => rulesOf(id).overflow.map((rule) => rule.to);
    expect(to('d-east')).toEqual(['r', 'd-west']);
    expect(to('d-west')).toEqual(['r']);
    expect(to('r')).toEqual(['d-west']);
    expect(to('gone')).toEqual([]);
  });

  it('lets a wrap-up be as long as its limit, although the house has less in all', () => {
    expect(rulesAt('d-east', 'desks:\n  d-east: { wrapUp: { limit: 1h } }\n').wrapUp).toMatchObject({
      limitMs: 3_600_000,
      mostMs: 3_600_000,
    });
  });

  it('is the same object for the same desk, until the directory is another', () => {
    const logic = parsed(`${RULES}desks:\n  d-east: { tieBreak: roundRobin }\n`);
    const rulesOf = rulesOfDesks(logic, DEFAULT_DESK_RULES, directory);
    expect(rulesOfDesks(logic, DEFAULT_DESK_RULES, directory)('d-east')).toBe(rulesOf('d-east'));
    expect(rulesOf('gone')).toBe(rulesOf('gone'));
    expect(rulesOfDesks(logic, { ...DEFAULT_DESK_RULES, tieBreak: 'leastOccupied' }, directory)('d-west').tieBreak).toBe('leastOccupied');
    const other = { ...directory, desks: new Map([['d-east', desk('d-east', null)]]) };
    expect(rulesOfDesks(logic, DEFAULT_DESK_RULES, other)('d-east')).toMatchObject({ tieBreak: 'roundRobin' });
    expect(rulesOfDesks(logic, DEFAULT_DESK_RULES, other)('d-west')).toMatchObject({ tieBreak: 'longestIdle' });
  });

  it('whatever the file says, is something that the matching engine takes', () => {
    const duration = fc.tuple(fc.integer({ min: 0, max: 999_999 }), fc.constantFrom('ms', 's', 'm', 'h')).map(([n, unit]) => `${n}${unit}`);
    const weight = fc.integer({ min: 0, max: 1000 });
    const to = fc.constantFrom('nextUp', 'd-west', 'r');
    const overflow = fc.oneof(
      fc.record({ to, after: duration }),
      fc.record({ to, estimatedWait: duration }),
      fc.record({ to, nobody: fc.constant(true) }),
    );
    const section = fc.record(
      {
        discipline: fc.oneof(fc.constant('one-queue'), fc.record({ callsFirst: fc.record({ idleForCallbacks: duration }) })),
        weights: fc.record({ call: weight, mail: weight }, { requiredKeys: [] }),
        promise: fc.record({ lead: duration, weight }, { requiredKeys: [] }),
        overflow: fc.array(overflow, { maxLength: 16 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(section, section, (common, own) => {
        const text = `${RULES}desks: ${JSON.stringify({ default: common, 'd-east': own })}\n`;
        const rulesOf = rulesOfDesks(parsed(text), DEFAULT_DESK_RULES, directory);
        for (const queueId of ['d-east', 'd-west', 'r']) checkPolicy({ queueId, ...rulesOf(queueId) });
      }),
      { numRuns: 100 },
    );
  });
});

it('the examples in the shipped file say what they seem to, once their # is taken away', () => {
  const text = readFileSync(new URL('../../scenarios/control-logic.yaml', import.meta.url), 'utf8');
  const [before = '', rest = ''] = text.split(/^desks:$/m);
  const [desks = '', after = ''] = rest.split(/^# -{20,}/m);
  const logic = unwrap(parseControlLogic(`${before}desks:${desks.replaceAll(/^( +)# /gm, '$1')}# ${after}`, 'l.yaml'));
  const support = desk('support', 'r');
  const rulesOf = rulesOfDesks(logic, DEFAULT_DESK_RULES, { ...directory, desks: new Map([...directory.desks, ['support', support]]) });
  expect(rulesOf('d-east')).toMatchObject({
    discipline: { name: 'calls-first', idleForCallbacksMs: 60_000 },
    overflow: [
      { to: 'r', when: 'nobody' },
      { to: 'r', when: 'afterMs', afterMs: 60_000 },
    ],
    callbacks: { first: 'party', offerFromWaitMs: 180_000, afterAbandonMs: 30_000, hours: { from: '09:00', to: '20:00' } },
    wrapUp: DEFAULT_DESK_RULES.wrapUp,
  });
  expect(rulesOf('support')).toMatchObject({ expectedHandlingMs: 720_000, callbacks: { first: 'agent', offerFromWaitMs: 180_000 } });
  // As it is shipped it leaves the settings of the house in force.
  const shipped = rulesOfDesks(parsed(text), DEFAULT_DESK_RULES, newDirectory());
  expect(shipped('d-east')).toEqual(DEFAULT_DESK_RULES);
});

it('the example of the documentation is right, passes its own tests, and shows what holds where nothing is said', () => {
  const text = readFileSync(new URL('../../docs/control-logic.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => block);
  expect(blocks).toHaveLength(3);
  const logic = unwrap(parseControlLogic(blocks.join(''), 'control-logic.md'));
  expect(runLogicTests(logic).map((result) => result.failures)).toEqual([[]]);
  const shown = rulesOfDesks(logic, DEFAULT_DESK_RULES, directory)('d-east');
  const { overflow, callbacks, ...others } = DEFAULT_DESK_RULES;
  expect(shown).toMatchObject({ ...others, callbacks: { first: callbacks.first, attempts: callbacks.attempts, retry: callbacks.retry } });
  expect(overflow).toEqual([]);
});

it('a rule’s wishes make a task that the matching engine takes', () => {
  const logic = parsed(
    'rules:\n  - { name: a, to: reception, priority: 255, needs: { a: 255 }, relax: [{ after: 999999h, needs: {} }] }\n',
  );
  const { priorityClass, requirements, rings } = logic.rules[0]?.wishes ?? NO_WISHES;
  const arrived = { arrivedAt: 0, queuedAt: 0, serial: 1, promisedAt: null, preferred: null, notBefore: null, excluded: [] };
  checkTask({ id: 't', queueId: 'r', kind: 'call', channel: 'voice', priorityClass, requirements, rings, ...arrived });
});

it.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['0s', 0],
])('%s are %d milliseconds', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
it.each(['30', 's', '5d', '-1s', ''])('%j is no duration', (text) => {
  expect(() => durationMs(text)).toThrow(RangeError);
});

describe('a mistake is named with its place and with what is right', () => {
  const rule = (line: string): string => `rules:\n  - name: a\n    to: reception\n    ${line}\n`;
  const section = (line: string): string => `${RULES}desks:\n  d-east:\n    ${line}\n`;
  const DURATION = 'a duration, as 500ms, 30s, 5m or 1h';
  it.each<[string, string, string]>([
    [
      'a duration without a unit',
      rule('preferLastAgent: 20'),
      `l.yaml:4:22: 20 does not fit here; write how long the agent who handled the customer last is waited for: ${DURATION}`,
    ],
    ['an unknown unit', section('promise: { lead: 5min }'), `l.yaml:5:22: '5min' does not fit here; write ${DURATION}`],
    [
      'a priority beyond the last',
      rule('priority: 256'),
      'l.yaml:4:15: 256 is out of range; write a priority class from 0 (before all others) to 255; left out: 100',
    ],
    [
      'a level that is none',
      rule('needs: { english: 0 }'),
      'l.yaml:4:23: 0 is out of range; write a level from 1 to 255: the agent’s has to be at least this',
    ],
    [
      'a level that is a word',
      rule('needs: { english: good }'),
      "l.yaml:4:23: 'good' does not fit here; write a level from 1 to 255: the agent’s has to be at least this",
    ],
    [
      'a skill’s name that is none',
      rule('needs: { English: 1 }'),
      "l.yaml:4:14: 'English' is not a good name; write skills with the level that an agent must have, as { english: 3, billing: 1 } (small letters, digits, hyphens)",
    ],
    [
      'rings that do not ascend',
      rule('relax: [{ after: 30s, needs: {} }, { after: 30s, needs: {} }]'),
      'l.yaml:4:49: this is no later than the one before; put the shorter waits first, each longer than the one before',
    ],
    [
      'a first ring at once',
      rule('relax: [{ after: 0s, needs: {} }]'),
      'l.yaml:4:22: this is at once; put the shorter waits first, each longer than the one before',
    ],
    ['a desk that is not there', `${RULES}desks:\n  d-eats: {}\n`, "l.yaml:4:3: there is no desk 'd-eats'; did you mean 'd-east'?"],
    ['a misspelt default', `${RULES}desks:\n  defualt: {}\n`, "l.yaml:4:3: there is no desk 'defualt'; did you mean 'default'?"],
    ['an unknown field', section('tiebrake: longestIdle'), "l.yaml:5:5: there is no field 'tiebrake' here; did you mean 'tieBreak'?"],
    ['an unknown tie-break', section('tieBreak: longestIdel'), "l.yaml:5:15: 'longestIdel' is not known here; did you mean 'longestIdle'?"],
    ['an unknown discipline', section('discipline: one-queu'), "l.yaml:5:17: 'one-queu' is not known here; did you mean 'one-queue'?"],
    ['an unknown kind', section('weights: { calls: 1 }'), "l.yaml:5:16: there is no field 'calls' here; did you mean 'call'?"],
    [
      'a weight that is not whole',
      section('weights: { call: 1.5 }'),
      'l.yaml:5:22: 1.5 does not fit here; write a whole number from 0 to 1000',
    ],
    [
      'overflow to a desk that is not there',
      section('overflow: [{ to: nextup, after: 5s }]'),
      "l.yaml:5:22: there is no desk 'nextup'; did you mean 'nextUp'?",
    ],
    [
      'overflow to itself',
      section('overflow: [{ to: d-east, after: 5s }]'),
      "l.yaml:5:22: 'd-east' does not overflow to itself; name another desk, or nextUp",
    ],
    [
      'overflow without a case',
      section('overflow: [{ to: nextUp }]'),
      `l.yaml:5:16: the field 'after' is missing; add 'after: …', ${DURATION}`,
    ],
    [
      'overflow when nobody is not there',
      section('overflow: [{ to: nextUp, nobody: false }]'),
      'l.yaml:5:38: false is not known here; write true',
    ],
    [
      'too many overflow rules',
      section(`overflow: [${'{ to: r, after: 1s }, '.repeat(17)}]`),
      'l.yaml:5:15: these are 17; give at most 16',
    ],
    [
      'a wrap-up that ends before its limit',
      section('wrapUp: { limit: 5m, most: 299s }'),
      'l.yaml:5:32: 299s is shorter than the limit; write 5m or more',
    ],
    [
      'hours that are none',
      section('callbacks: { hours: 9-20 }'),
      "l.yaml:5:25: '9-20' does not fit here; write when people may be called, in the time zone of the desk: hours, as 09:00-20:00; or: whileOpen",
    ],
    [
      'hours of no length',
      section('callbacks: { hours: 09:00-09:00 }'),
      'l.yaml:5:25: these hours end when they begin; all day is 00:00-24:00',
    ],
    ['no attempt at all', section('callbacks: { attempts: 0 }'), 'l.yaml:5:28: 0 is out of range; write a number of attempts from 1 to 20'],
    [
      'an unknown outcome',
      section('callbacks: { retry: { noanswer: { pause: 1m } } }'),
      "l.yaml:5:27: there is no field 'noanswer' here; did you mean 'noAnswer'?",
    ],
    ['a share beyond all', section('serviceLevel: { share: 101 }'), 'l.yaml:5:28: 101 is out of range; write per cent, from 1 to 100'],
    [
      'handling that takes no time',
      section('expectedHandling: 0.0s'),
      `l.yaml:5:23: '0.0s' does not fit here; write ${DURATION}, longer than nothing`,
    ],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });
});
