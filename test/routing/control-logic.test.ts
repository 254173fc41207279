import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProblem, unwrap } from '../../src/base/checked-yaml.ts';
import { PromptsFile, ScenarioFile } from '../../src/ivr/scenario-schema.ts';
import { type DeskFacts, decideDesk, parseControlLogic } from '../../src/routing/control-logic.ts';
import type { Desk, Directory, Entry, Organisation, SalesResult } from '../../src/routing/directory.ts';
import { ControlLogicFile } from '../../src/routing/logic-schema.ts';
import { runLogicTests } from '../../src/routing/logic-tests.ts';
import type { CallingNumber, Party, PartyRecord } from '../../src/routing/party.ts';
import { schemaText } from '../../src/tools/logic.ts';

const scenarios = new URL('../../scenarios/', import.meta.url);
const shipped = readFileSync(new URL('control-logic.yaml', scenarios), 'utf8');
const logic = unwrap(parseControlLogic(shipped, 'control-logic.yaml'));

const NOON = Date.parse('2026-11-20T12:00+09:00'); // a Friday
const ALWAYS = ([1, 2, 3, 4, 5, 6, 7] as const).map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));

const organisation = (id: string, kind: Organisation['kind'], sellsFor: string[] = []): Organisation => ({
  id,
  kind,
  name: id,
  sellsFor,
  regions: [],
});
const desk = (id: string, organisationId: string, more: Partial<Desk> = {}): Desk => ({
  id,
  organisationId,
  name: id,
  timeZone: 'Asia/Tokyo',
  hours: ALWAYS,
  holidays: [],
  nextUp: null,
  isReception: false,
  ...more,
});
const sale = (organisationId: string, region: string, amountMinor: number): SalesResult => ({
  organisationId,
  region,
  amountMinor,
  currency: 'JPY',
});

function centre(organisations: Organisation[], desks: Desk[], sales: SalesResult[] = []): Directory {
  return {
    domainId: 'd',
    organisations: new Map(organisations.map((o) => [o.id, o])),
    desks: new Map(desks.map((d) => [d.id, d])),
    entries: [],
    agents: new Map(),
    sales,
    outgoingNumber: '+81300000000',
  };
}

const entry = (makerId = 'maker'): Entry => ({
  id: 'e',
  numbers: ['1000'],
  domainId: 'd',
  language: 'ja',
  country: 'JP',
  scenario: 'identify',
  makerId,
});
const valid = (e164: string): CallingNumber => ({ kind: 'valid', e164, country: 'JP' });
const record = (kind: PartyRecord['kind'], more: Partial<PartyRecord> = {}): Party => ({
  kind,
  foundBy: 'callingNumber',
  record: {
    kind,
    customerId: null,
    customerCode: null,
    organisationId: null,
    name: 'x',
    region: null,
    language: null,
    handlingDeskId: null,
    lastDeskId: null,
    lastAgentId: null,
    ...more,
  },
});
const facts = (party: Party, more: Partial<DeskFacts> = {}): DeskFacts => ({
  party,
  entry: entry(),
  channel: 'voice',
  callingNumber: { kind: 'withheld' },
  ...more,
});
const NEW: Party = { kind: 'new', record: null, foundBy: null };
const UNKNOWN: Party = { kind: 'unknown', record: null, foundBy: null };

const problems = (text: string, directory?: Directory): string[] => {
  const parsed = parseControlLogic(text, 'l.yaml', directory);
  return Array.isArray(parsed) ? parsed.map(formatProblem) : [];
};

describe('the shipped control logic', () => {
  it.each(runLogicTests(logic).map((r) => [r.name, r.failures] as const))('%s', (_, failures) => {
    expect(failures).toEqual([]);
  });

  it.each([
    ['control-logic.schema.json', ControlLogicFile],
    ['scenario.schema.json', ScenarioFile],
    ['prompts.schema.json', PromptsFile],
  ])('is edited with a schema, %s, that is the program’s own (npm run logic -- schema)', (name, schema) => {
    expect(readFileSync(new URL(`schema/${name}`, scenarios), 'utf8')).toBe(schemaText(schema));
  });
});

describe('which desk', () => {
  const house = centre(
    [
      organisation('maker', 'maker'),
      organisation('a1', 'agency', ['maker']),
      organisation('a2', 'agency', ['maker']),
      organisation('d1', 'dealer', ['a1', 'a2']),
    ],
    [
      desk('reception', 'maker', { isReception: true }),
      desk('a1-desk', 'a1'),
      desk('a1-second', 'a1'),
      desk('a2-desk', 'a2'),
      desk('d1-desk', 'd1'),
    ],
    [sale('d1', '13', 5), sale('a1', '13', 7), sale('a1', '14', 1), sale('a2', '14', 1), sale('a2', '27', 100)],
  );
  it.each<[string, DeskFacts, string]>([
    ['a customer: the desk that handles it', facts(record('customer', { handlingDeskId: 'd1-desk', lastDeskId: 'a1-desk' })), 'd1-desk'],
    ['a customer without one: the desk that dealt with it last', facts(record('customer', { lastDeskId: 'a2-desk' })), 'a2-desk'],
    [
      'a customer whose desk was closed down: the one that dealt with it last',
      facts(record('customer', { handlingDeskId: 'gone', lastDeskId: 'a2-desk' })),
      'a2-desk',
    ],
    ['a prospect: who dealt with it last', facts(record('prospect', { lastDeskId: 'd1-desk' })), 'd1-desk'],
    ['a customer without any desk: by region, as a new one', facts(record('customer', { region: '27' })), 'a2-desk'],
    ['a dealer: the first desk of its main agency', facts(record('dealer', { organisationId: 'd1' })), 'a1-desk'],
    ['an agency: the maker’s desk', facts(record('agency', { organisationId: 'a2' })), 'reception'],
    ['new in Tokyo: who sells most there', facts(NEW, { callingNumber: valid('+81312345678') }), 'a1-desk'],
    ['new in Yokohama, equal sales: the first by id', facts(NEW, { callingNumber: valid('+81451234567') }), 'a1-desk'],
    ['new in Okinawa, where nobody sells: the best of all', facts(NEW, { callingNumber: valid('+81981234567') }), 'a2-desk'],
    ['unknown: reception', facts(UNKNOWN), 'reception'],
  ])('%s', (_, given, expected) => {
    const decision = decideDesk(logic, given, house, NOON);
    expect(decision.deskId).toBe(expected);
    expect(decision).toMatchObject({ closed: false, closedDesks: [] });
    expect(decision.why.at(-1)?.en).toContain(expected);
    expect(decision.why.at(-1)?.ja).toContain(expected);
  });

  it('does not send a new customer of one maker to whoever sells most of another', () => {
    const two = centre(
      [
        organisation('m1', 'maker'),
        organisation('m2', 'maker'),
        organisation('a1', 'agency', ['m1']),
        organisation('a2', 'agency', ['m2']),
      ],
      [desk('r', 'm1', { isReception: true }), desk('a1-desk', 'a1'), desk('a2-desk', 'a2')],
      [sale('a1', '13', 1), sale('a2', '13', 1000)],
    );
    const given = facts(NEW, { callingNumber: valid('+81312345678') });
    expect(decideDesk(logic, { ...given, entry: entry('m1') }, two, NOON).deskId).toBe('a1-desk');
    expect(decideDesk(logic, { ...given, entry: entry('m2') }, two, NOON).deskId).toBe('a2-desk');
  });

  it('goes to the reception where nobody has sold anything', () => {
    const bare = centre(
      [organisation('maker', 'maker'), organisation('a1', 'agency', ['maker'])],
      [desk('a1-desk', 'a1'), desk('r', 'maker', { isReception: true })],
    );
    expect(decideDesk(logic, facts(NEW), bare, NOON).deskId).toBe('r');
  });

  it('ends although organisations sell for each other in a circle', () => {
    const circle = centre(
      [organisation('a1', 'agency', ['a2']), organisation('a2', 'agency', ['a1'])],
      [desk('a1-desk', 'a1', { isReception: true })],
    );
    expect(decideDesk(logic, facts(record('agency', { organisationId: 'a2' })), circle, NOON).deskId).toBe('a1-desk');
  });
});

describe('a closed desk', () => {
  const shut = { hours: [] };
  it('hands on to the next one up, again and again', () => {
    const house = centre(
      [organisation('maker', 'maker')],
      [
        desk('one', 'maker', { ...shut, nextUp: 'two' }),
        desk('two', 'maker', { ...shut, nextUp: 'three' }),
        desk('three', 'maker', { isReception: true }),
      ],
    );
    const decision = decideDesk(logic, facts(record('customer', { handlingDeskId: 'one' })), house, NOON);
    expect(decision).toMatchObject({ deskId: 'three', closedDesks: ['one', 'two'], closed: false });
    expect(decision.why.map((step) => step.en).join('\n')).toMatch(
      /one \(one\) is closed \(it is outside its hours\): the next one up, two/,
    );
  });

  it('when all are closed, the last one keeps the contact, and the decision says so', () => {
    const house = centre(
      [organisation('maker', 'maker')],
      [desk('one', 'maker', { ...shut, nextUp: 'two' }), desk('two', 'maker', { ...shut, isReception: true })],
    );
    const decision = decideDesk(logic, facts(record('customer', { handlingDeskId: 'one' })), house, NOON);
    expect(decision).toMatchObject({ deskId: 'two', closed: true, closedDesks: ['one', 'two'] });
  });

  it('ends in a circle of closed desks, and where the next one up is gone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ nextUp: fc.option(fc.integer({ min: 0, max: 7 })), open: fc.boolean() }), { minLength: 1, maxLength: 6 }),
        (desks) => {
          const house = centre(
            [organisation('maker', 'maker')],
            desks.map((d, i) =>
              desk(`${i}`, 'maker', {
                nextUp: d.nextUp === null ? null : `${d.nextUp}`,
                hours: d.open ? ALWAYS : [],
                isReception: i === 0,
              }),
            ),
          );
          const { deskId, closed, closedDesks } = decideDesk(logic, facts(record('customer', { handlingDeskId: '0' })), house, NOON);
          expect(new Set(closedDesks).size).toBe(closedDesks.length);
          expect(closed).toBe(!desks[Number(deskId)]?.open);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('conditions', () => {
  const house = centre([organisation('maker', 'maker')], [desk('r', 'maker', { isReception: true }), desk('x', 'maker')]);
  const when = (condition: string): ReturnType<typeof parseControlLogic> =>
    parseControlLogic(`rules:\n  - name: special\n    when: ${JSON.stringify(condition)}\n    to: { desk: x }\n`, 'l.yaml', house);
  it.each<[string, DeskFacts, boolean]>([
    ['now.weekday == 5 && now.hour == 12', facts(UNKNOWN), true],
    ['now.date == "2026-11-21"', facts(UNKNOWN), false],
    ['caller.number.startsWith("+8190")', facts(NEW, { callingNumber: valid('+819012345678') }), true],
    ['caller.region in ["13", "14"]', facts(NEW, { callingNumber: valid('+81312345678') }), true],
    ['channel == "callback"', facts(NEW, { channel: 'callback' }), true],
    ['caller.numberKind == "withheld" && party.kind == "unknown"', facts(UNKNOWN), true],
    ['entry.language == "en"', facts(UNKNOWN), false],
    ['party.customerCode == "10023"', facts(record('customer', { customerCode: '10023' })), true],
  ])('%s', (condition, given, holds) => {
    expect(decideDesk(unwrap(when(condition)), given, house, NOON)).toMatchObject(
      holds ? { deskId: 'x', rule: 'special' } : { deskId: 'r', rule: 'none' },
    );
  });

  it('see the clock of the logic’s own time zone', () => {
    const text = "timeZone: America/New_York\nrules:\n  - { name: n, when: now.hour == 22 && now.date == '2026-11-19', to: { desk: x } }\n";
    expect(decideDesk(unwrap(parseControlLogic(text, 'l.yaml')), facts(UNKNOWN), house, NOON).rule).toBe('n');
  });
});

describe('a wrong file', () => {
  const house = centre([organisation('maker', 'maker')], [desk('osaka-desk', 'maker'), desk('r', 'maker', { isReception: true })]);
  const rule = (line: string): string => `rules:\n  - name: a\n    ${line}\n    to: reception\n`;
  it.each<[string, string, string]>([
    ['an unknown field', 'rules:\n  - name: a\n    too: reception\n', "l.yaml:3:5: there is no field 'too' here; did you mean 'to'?"],
    [
      'an unknown target',
      'rules:\n  - name: a\n    to: handlingDesc\n',
      "l.yaml:3:9: 'handlingDesc' is not known here; did you mean 'handlingDesk'?",
    ],
    [
      'an unknown target within a group',
      'rules:\n  - name: a\n    to: { bestSales: { among: dealer, in: callerRegion } }\n',
      "l.yaml:3:31: 'dealer' is not known here; did you mean 'dealers'?",
    ],
    [
      'a desk that is not there',
      'rules:\n  - name: a\n    to: { desk: osaka-dsk }\n',
      "l.yaml:3:17: there is no desk 'osaka-dsk'; did you mean 'osaka-desk'?",
    ],
    ['an unknown variable', rule('when: partey.kind == "new"'), "l.yaml:3:11: there is no variable 'partey'; did you mean 'party'?"],
    [
      'an unknown field of a variable',
      rule('when: channel == "voice" && party.knd == "new"'),
      "l.yaml:3:39: 'party' has no field 'knd'; did you mean 'kind'?",
    ],
    [
      'a number compared with a text',
      rule('when: \'now.hour > "9"\''),
      'l.yaml:3:12: the condition is not right: no such overload: int > string; compare texts with texts in quotes ("13") and numbers with numbers (13)',
    ],
    [
      'a condition that is none',
      rule('when: party.kind'),
      'l.yaml:3:11: the condition gives string and not bool; compare it with something, as \'party.kind == "dealer"\'',
    ],
    [
      'a kind of party that does not exist',
      rule('when: party.kind == "custmer"'),
      'l.yaml:3:25: party.kind is never "custmer"; did you mean "customer"?',
    ],
    [
      'a condition in several lines',
      'rules:\n  - name: a\n    when: |\n      channel == "voice" &&\n        chanel == "x"\n    to: reception\n',
      "l.yaml:5:9: there is no variable 'chanel'; did you mean 'channel'?",
    ],
    [
      'a rule after one that always applies',
      'rules:\n  - { name: a, to: reception }\n  - { name: b, to: lastDesk }\n',
      "l.yaml:3:13: the rule 'b' is never reached: 'a' always applies; put it before that one",
    ],
    [
      'two rules of one name',
      'rules:\n  - { name: a, to: lastDesk }\n  - { name: a, to: reception }\n',
      "l.yaml:3:13: there are two rules 'a'; give each a name of its own",
    ],
    [
      'a time zone that does not exist',
      'timeZone: Asia/Tokio\nrules:\n  - { name: a, to: reception }\n',
      "l.yaml:1:11: there is no time zone 'Asia/Tokio'; did you mean 'Asia/Tokyo'?",
    ],
    ['no rules', 'rules: []\n', 'l.yaml:1:8: the list is empty; give at least 1'],
    [
      'a missing target',
      'rules:\n  - name: a\n',
      "l.yaml:2:5: the field 'to' is missing; add 'to: …', one of: handlingDesk, lastDesk, agencyOfDealer, makerDesk, reception; or { bestSales: { among: both, in: callerRegion } }; or { desk: ID }",
    ],
  ])('%s is named with its place and with what is right', (_, text, expected) => {
    expect(problems(text, house)).toEqual([expected]);
  });

  it('that is no YAML at all is told so, with its place', () => {
    expect(problems('rules:\n  - name: "a\n')).toEqual([expect.stringMatching(/^l\.yaml:\d+:\d+: /)]);
    expect(problems('')).toEqual([expect.stringMatching(/^l\.yaml:1:1: /)]);
    expect(problems('rules:\n  - { name: *a, to: reception }\n')).toEqual([
      "l.yaml:2:13: there is nothing named '&a' before this; put a text that begins with * in quotes",
    ]);
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [one, two] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh']) bomb.push(`${two}: &${two} [${`*${one}, `.repeat(9)}]`);
    expect(problems(bomb.join('\n'))).toEqual([expect.stringMatching(/^l\.yaml:\d+:\d+: a reference cannot be followed/)]);
  });

  it('has all its mistakes told at once', () => {
    expect(problems('rules:\n  - { nam: a, to: reception }\n  - { name: b, to: nowhere }\n')).toHaveLength(2);
  });

  it('whose own tests fail shows how', () => {
    const text = `rules:\n  - { name: a, to: reception }\ntestCentre:\n  organisations: [{ id: m, kind: maker }]\n  desks: [{ id: r, organisation: m, reception: true }, { id: x, organisation: m }]\ntests:\n  - { name: t, given: { party: unknown }, expect: { desk: x } }\n`;
    expect(runLogicTests(unwrap(parseControlLogic(text, 'l.yaml')))[0]?.failures).toEqual(['desk: expected x, got r']);
  });

  it('can have tests of what a rule wishes', () => {
    const text = (expected: string): string =>
      `rules:\n  - { name: a, to: reception, priority: 9, needs: { b: 2, a: 1 } }\ntestCentre:\n  organisations: [{ id: m, kind: maker }]\n  desks: [{ id: r, organisation: m, reception: true }]\ntests:\n  - { name: t, given: { party: unknown }, expect: { desk: r, ${expected} } }\n`;
    const failures = (expected: string) => runLogicTests(unwrap(parseControlLogic(text(expected), 'l.yaml')))[0]?.failures;
    expect(failures('priority: 9, needs: { a: 1, b: 2 }')).toEqual([]);
    expect(failures('priority: 8')).toEqual(['priority: expected 8, got 9']);
    expect(failures('needs: { a: 1 }')).toEqual(['needs: expected a 1, got a 1, b 2']);
    expect(failures('needs: {}')).toEqual(['needs: expected nothing, got a 1, b 2']);
  });
});

it('decides fast enough for any centre: far more than 20 000 contacts a second, even while the machine does other work', () => {
  const house = centre(
    [organisation('maker', 'maker'), organisation('a1', 'agency', ['maker'])],
    [desk('r', 'maker', { isReception: true }), desk('a1-desk', 'a1')],
    [sale('a1', '14', 1)],
  );
  const given = facts(NEW, { callingNumber: valid('+81451234567') });
  const rounds = 20_000;
  for (let i = 0; i < 2000; i++) decideDesk(logic, given, house, NOON + i);
  // The time of this thread, not of the wall: other tests run beside it.
  const start = process.threadCpuUsage();
  for (let i = 0; i < rounds; i++) decideDesk(logic, given, house, NOON + i * 20);
  const { user, system } = process.threadCpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(1000);
});
