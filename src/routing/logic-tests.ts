/** Runs the tests that a control logic file brings along, in the small centre that it brings along too. Pure. */
import type { ControlLogic, DeskDecision } from './control-logic.ts';
import { decideDesk } from './control-logic.ts';
import type { Desk, Directory, Entry, OpeningHours, Organisation, SalesResult } from './directory.ts';
import type { LogicTest, Needs, TestCentre } from './logic-schema.ts';
import type { CallingNumber, Party } from './party.ts';

export interface LogicTestResult {
  readonly name: string;
  readonly decision: DeskDecision;
  /** What was not as expected; empty when the test passes. */
  readonly failures: readonly string[];
}

/** When a test says nothing of time: a Friday morning in Japan. */
const AN_ORDINARY_MOMENT = '2026-11-20T10:00+09:00';

export function runLogicTests(logic: ControlLogic): LogicTestResult[] {
  if (!logic.testCentre) return [];
  const directory = directoryOf(logic.testCentre);
  return logic.tests.map((test) => runTest(logic, test, directory));
}

function runTest(logic: ControlLogic, { name, given, expect }: LogicTest, directory: Directory): LogicTestResult {
  const maker = [...directory.organisations.values()].find((o) => o.kind === 'maker');
  const entry: Entry = {
    id: 'test',
    numbers: [],
    domainId: directory.domainId,
    language: given.language ?? 'ja',
    country: 'JP',
    scenario: 'identify',
    makerId: maker?.id ?? '',
  };
  const callingNumber: CallingNumber = given.from
    ? { kind: 'valid', e164: given.from, country: given.from.startsWith('+81') ? 'JP' : null }
    : { kind: 'withheld' };
  const decision = decideDesk(
    logic,
    { party: partyOf(given), entry, channel: given.channel ?? 'voice', callingNumber },
    directory,
    Date.parse(given.at ?? AN_ORDINARY_MOMENT),
  );
  const failures: string[] = [];
  const compare = (what: string, expected: string | number | boolean | undefined, actual: string | number | boolean): void => {
    if (expected !== undefined && expected !== actual) failures.push(`${what}: expected ${expected}, got ${actual}`);
  };
  compare('desk', expect.desk, decision.deskId);
  compare('rule', expect.rule, decision.rule);
  compare('closed', expect.closed, decision.closed);
  compare('priority', expect.priority, decision.wishes.priorityClass);
  const needs = (all: Needs): string =>
    Object.entries(all)
      .map(([skill, level]) => `${skill} ${level}`)
      .sort()
      .join(', ') || 'nothing';
  const needed = Object.fromEntries(decision.wishes.requirements.map(({ skill, level }) => [skill, level]));
  compare('needs', expect.needs && needs(expect.needs), needs(needed));
  return { name, decision, failures };
}

function partyOf(given: LogicTest['given']): Party {
  const kind = given.party as Party['kind'];
  if (kind === 'new' || kind === 'unknown') return { kind, record: null, foundBy: null };
  return {
    kind,
    foundBy: given.from ? 'callingNumber' : 'customerCode',
    record: {
      kind,
      customerId: null,
      customerCode: null,
      organisationId: given.organisation ?? null,
      name: 'a party of a test',
      region: given.region ?? null,
      language: given.speaks ?? null,
      handlingDeskId: given.handlingDesk ?? null,
      lastDeskId: given.lastDesk ?? null,
      lastAgentId: null,
    },
  };
}

const WEEK = [1, 2, 3, 4, 5, 6, 7] as const;

/** The small centre as the directory that decisions read. */
export function directoryOf(centre: TestCentre): Directory {
  const organisations = centre.organisations.map(
    (o): Organisation => ({
      id: o.id,
      kind: o.kind,
      name: o.id,
      sellsFor: o.sellsFor ?? [],
      regions: Object.keys(o.sales ?? {}),
    }),
  );
  const sales = centre.organisations.flatMap((o) =>
    Object.entries(o.sales ?? {}).map(
      ([region, amountMinor]): SalesResult => ({ organisationId: o.id, region, amountMinor, currency: 'JPY' }),
    ),
  );
  const desks = centre.desks.map((d): Desk => {
    const [from = '00:00', to = '24:00'] = d.open?.split('-') ?? [];
    return {
      id: d.id,
      organisationId: d.organisation,
      name: d.id,
      timeZone: d.timeZone ?? 'Asia/Tokyo',
      hours: (d.open ? WEEK.slice(0, 5) : WEEK).map((weekday): OpeningHours => ({ weekday, from, to })),
      holidays: d.holidays ?? [],
      nextUp: d.nextUp ?? null,
      isReception: d.reception ?? false,
    };
  });
  return {
    domainId: 'test',
    organisations: new Map(organisations.map((o) => [o.id, o])),
    desks: new Map(desks.map((d) => [d.id, d])),
    entries: [],
    agents: new Map(),
    sales,
    outgoingNumber: '+81300000000',
  };
}
