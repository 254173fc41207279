/**
 * The control logic: preset rules, kept as a file, that choose the desk of a contact. Rules are tried in order; the first
 * whose condition holds and that leads to a desk decides. A closed desk hands on to the next one up.
 */
import { type FileProblem, SourceFile, suggest } from '../base/checked-yaml.ts';
import type { DeskId, EpochMs, OrganisationId } from '../base/ids.ts';
import { type Condition, type ConditionFacts, compileCondition } from './conditions.ts';
import type { Desk, Directory, Entry, Organisation } from './directory.ts';
import { openingAt, wallClock } from './hours.ts';
import { type BestSales, ControlLogicFile, type LogicTest, type Target, type TestCentre } from './logic-schema.ts';
import type { CallingNumber, Party } from './party.ts';
import { regionOfNumber } from './region.ts';

export type LogicProblem = FileProblem;

export interface LogicRule {
  readonly name: string;
  /** Null: always. */
  readonly when: Condition | null;
  /** `to` and, after it, its fallbacks. */
  readonly targets: readonly Target[];
}

/** A file that was read and found right. */
export interface ControlLogic {
  readonly file: string;
  readonly timeZone: string;
  readonly rules: readonly LogicRule[];
  readonly testCentre: TestCentre | null;
  readonly tests: readonly LogicTest[];
}

export interface DeskFacts {
  readonly party: Party;
  readonly entry: Entry;
  readonly channel: 'voice' | 'callback';
  readonly callingNumber: CallingNumber;
}

/** Has the form of `Decision` in `src/contact/model.ts`, with what else was found on the way. */
export interface DeskDecision {
  readonly deskId: DeskId;
  /** Name of the rule that fired; `none` when no rule led anywhere and reception takes it. */
  readonly rule: string;
  /** Readable steps, in English. */
  readonly why: readonly string[];
  /** Desks that were closed, in the order in which they were asked. */
  readonly closedDesks: readonly DeskId[];
  /** The desk is closed too, as was every desk above the first: the contact waits until it opens. */
  readonly closed: boolean;
}

/**
 * Reads a control logic file. With a directory, desks named in rules are looked up in it too.
 * @returns the logic, or everything that is wrong with the file
 */
export function parseControlLogic(text: string, fileName: string, directory?: Directory): ControlLogic | LogicProblem[] {
  const source = new SourceFile(text, fileName);
  const file = source.check(ControlLogicFile);
  if (!file) return source.problems;

  const names = new Map<string, number>();
  let always: string | null = null;
  const rules = file.rules.map((rule, index): LogicRule => {
    const at = ['rules', index] as const;
    if (names.has(rule.name)) source.add([...at, 'name'], `there are two rules '${rule.name}'`, 'give each a name of its own');
    names.set(rule.name, index);
    if (always !== null) {
      source.add([...at, 'name'], `the rule '${rule.name}' is never reached: '${always}' always applies`, 'put it before that one');
    }
    const when = conditionOf(source, [...at, 'when'], rule.when);
    const targets: Target[] = [rule.to, ...(rule.otherwise ?? [])];
    if (when === null && targets.includes('reception')) always = rule.name;
    for (const [n, target] of targets.entries()) {
      const path = n === 0 ? [...at, 'to'] : [...at, 'otherwise', n - 1];
      if (n > 0 && targets.slice(0, n).includes('reception')) {
        source.add(path, 'this is never reached: there is always a reception', 'leave it out, or put it before reception');
      }
      if (directory && typeof target === 'object' && 'desk' in target && !directory.desks.has(target.desk)) {
        source.add([...path, 'desk'], `there is no desk '${target.desk}'`, suggest(target.desk, [...directory.desks.keys()]));
      }
    }
    return { name: rule.name, when, targets };
  });
  const timeZone = file.timeZone ?? 'Asia/Tokyo';
  if (!isTimeZone(timeZone)) {
    source.add(['timeZone'], `there is no time zone '${timeZone}'`, suggest(timeZone, Intl.supportedValuesOf('timeZone')));
  }
  checkTests(source, file);
  if (source.problems.length > 0) return source.problems;
  return { file: fileName, timeZone, rules, testCentre: file.testCentre ?? null, tests: file.tests ?? [] };
}

function conditionOf(source: SourceFile, path: (string | number)[], text: string | undefined): Condition | null {
  if (text === undefined || text.trim() === 'true') return null;
  const condition = compileCondition(text);
  if (typeof condition === 'function') return condition;
  source.addWithin(path, condition.start, condition.problem, condition.remedy);
  return () => false;
}

function isTimeZone(name: string): boolean {
  try {
    wallClock(0, name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function checkTests(source: SourceFile, file: ControlLogicFile): void {
  const centre = file.testCentre;
  const tests = file.tests ?? [];
  if (tests.length > 0 && !centre) {
    return source.add(['tests'], 'there are tests and no centre to try them with', "add 'testCentre:' with organisations and desks", 'key');
  }
  const organisations = (centre?.organisations ?? []).map((o) => o.id);
  const desks = (centre?.desks ?? []).map((d) => d.id);
  const known = (path: (string | number)[], what: string, id: string | undefined, ids: readonly string[]): void => {
    if (id !== undefined && !ids.includes(id)) source.add(path, `there is no ${what} '${id}' in testCentre`, suggest(id, ids));
  };
  for (const [i, o] of (centre?.organisations ?? []).entries()) {
    for (const [n, id] of (o.sellsFor ?? []).entries()) {
      known(['testCentre', 'organisations', i, 'sellsFor', n], 'organisation', id, organisations);
    }
  }
  for (const [i, desk] of (centre?.desks ?? []).entries()) {
    known(['testCentre', 'desks', i, 'organisation'], 'organisation', desk.organisation, organisations);
    known(['testCentre', 'desks', i, 'nextUp'], 'desk', desk.nextUp, desks);
    if (desk.timeZone !== undefined && !isTimeZone(desk.timeZone)) {
      const remedy = suggest(desk.timeZone, Intl.supportedValuesOf('timeZone'));
      source.add(['testCentre', 'desks', i, 'timeZone'], `there is no time zone '${desk.timeZone}'`, remedy);
    }
  }
  const rules = [...file.rules.map((r) => r.name), 'none'];
  for (const [i, { given, expect }] of tests.entries()) {
    known(['tests', i, 'given', 'handlingDesk'], 'desk', given.handlingDesk, desks);
    known(['tests', i, 'given', 'lastDesk'], 'desk', given.lastDesk, desks);
    known(['tests', i, 'given', 'organisation'], 'organisation', given.organisation, organisations);
    known(['tests', i, 'expect', 'desk'], 'desk', expect.desk, desks);
    if (expect.rule !== undefined && !rules.includes(expect.rule)) {
      source.add(['tests', i, 'expect', 'rule'], `there is no rule '${expect.rule}'`, suggest(expect.rule, rules));
    }
    if (given.at !== undefined && Number.isNaN(Date.parse(given.at))) {
      source.add(['tests', i, 'given', 'at'], `'${given.at}' is not a time`, 'write a time with its zone, as 2026-11-20T10:00+09:00');
    }
  }
}

/**
 * Names the desk of a contact. Always gives one while the directory has any.
 * @throws Error when the directory has no desk at all
 */
export function decideDesk(logic: ControlLogic, facts: DeskFacts, directory: Directory, nowMs: EpochMs): DeskDecision {
  const known = contextOf(logic, facts, nowMs);
  const why: string[] = [partyStep(facts, known.caller.region)];
  for (const rule of logic.rules) {
    if (rule.when && !rule.when(known)) continue;
    for (const target of rule.targets) {
      const found = deskOf(target, facts, known.caller.region, directory);
      why.push(`rule '${rule.name}': ${found.step}`);
      if (found.desk) return openDesk(found.desk, rule.name, why, directory, nowMs);
    }
  }
  const desk = receptionOf(facts.entry, directory);
  why.push(`no rule led to a desk: the reception, ${quote(desk)}`);
  return openDesk(desk, 'none', why, directory, nowMs);
}

const quote = (thing: { readonly name: string; readonly id: string }): string => `${thing.name} (${thing.id})`;

function partyStep({ party, callingNumber }: DeskFacts, region: string): string {
  const where = region === '' ? '' : ` in region ${region}`;
  const by = { callingNumber: ', known by the calling number', customerCode: ', known by the customer code', email: ', known by e-mail' };
  switch (party.kind) {
    case 'new':
      return `the party is new${where}`;
    case 'unknown':
      return `the party is unknown (number ${callingNumber.kind})${where}`;
    default:
      return `the party is a known ${party.kind}${where}${party.foundBy ? by[party.foundBy] : ''}`;
  }
}

/** `now` is read only when a condition asks for it: a clock reading costs more than all the rest. */
function contextOf(logic: ControlLogic, { party, entry, channel, callingNumber }: DeskFacts, nowMs: EpochMs): ConditionFacts {
  const record = party.record;
  const number = callingNumber.kind === 'valid' ? callingNumber.e164 : '';
  return {
    party: {
      kind: party.kind,
      language: record?.language ?? '',
      region: record?.region ?? '',
      customerCode: record?.customerCode ?? '',
      organisation: record?.organisationId ?? '',
      handlingDesk: record?.handlingDeskId ?? '',
      lastDesk: record?.lastDeskId ?? '',
    },
    caller: {
      number,
      numberKind: callingNumber.kind,
      country: callingNumber.kind === 'valid' ? (callingNumber.country ?? '') : '',
      region: record?.region ?? regionOfNumber(number) ?? '',
    },
    entry: { id: entry.id, language: entry.language, country: entry.country, maker: entry.makerId },
    channel,
    get now() {
      const clock = wallClock(nowMs, logic.timeZone);
      return { date: clock.date, weekday: BigInt(clock.weekday), hour: BigInt(clock.hour), minute: BigInt(clock.minute) };
    },
  };
}

interface Found {
  readonly desk: Desk | null;
  readonly step: string;
}

function deskOf(target: Target, facts: DeskFacts, region: string, directory: Directory): Found {
  const record = facts.party.record;
  if (typeof target === 'object') {
    if ('bestSales' in target) return bestSalesDesk(target, region, facts.entry, directory);
    const desk = directory.desks.get(target.desk);
    return desk ? { desk, step: `the desk ${quote(desk)}` } : { desk: null, step: `there is no desk ${target.desk}` };
  }
  switch (target) {
    case 'handlingDesk':
      return knownDesk(record?.handlingDeskId ?? null, 'handles this customer', 'no desk handles this party', directory);
    case 'lastDesk':
      return knownDesk(record?.lastDeskId ?? null, 'dealt with this party last', 'no desk dealt with this party before', directory);
    case 'agencyOfDealer': {
      const dealer = organisationOf(facts.party, 'dealer', directory);
      return dealer ? sellsForDesk(dealer, 'agency', directory) : { desk: null, step: 'the party is not a dealer that we know' };
    }
    case 'makerDesk': {
      const organisation = organisationOf(facts.party, null, directory);
      if (organisation) return makerOf(organisation, facts.entry, directory);
      return firstDeskOf(facts.entry.makerId, 'of the entry’s maker', directory);
    }
    case 'reception': {
      const desk = receptionOf(facts.entry, directory);
      return { desk, step: `the reception, ${quote(desk)}` };
    }
  }
}

function knownDesk(id: DeskId | null, reason: string, none: string, directory: Directory): Found {
  if (id === null) return { desk: null, step: none };
  const desk = directory.desks.get(id);
  return desk ? { desk, step: `${quote(desk)} ${reason}` } : { desk: null, step: `the desk ${id} that ${reason} is gone` };
}

function organisationOf(party: Party, kind: Organisation['kind'] | null, directory: Directory): Organisation | null {
  const organisation = directory.organisations.get(party.record?.organisationId ?? '');
  return organisation && (kind === null || organisation.kind === kind) ? organisation : null;
}

/** The desk of the first organisation of a kind that this one sells for. */
function sellsForDesk(from: Organisation, kind: Organisation['kind'], directory: Directory): Found {
  for (const id of from.sellsFor) {
    if (directory.organisations.get(id)?.kind !== kind) continue;
    const found = firstDeskOf(id, `the ${kind} that ${from.name} sells for`, directory);
    if (found.desk) return found;
  }
  return { desk: null, step: `${from.name} sells for no ${kind} with a desk` };
}

/** The maker that an organisation sells for, through its agencies too; the entry's maker when it is among them. */
function makerOf(from: Organisation, entry: Entry, directory: Directory): Found {
  const makers = [...walkUp(from, new Set([from.id]), directory)].filter((o) => o.kind === 'maker');
  const chosen = [...makers.filter((m) => m.id === entry.makerId), ...makers];
  for (const maker of chosen) {
    const found = firstDeskOf(maker.id, `the maker that ${from.name} sells for`, directory);
    if (found.desk) return found;
  }
  return { desk: null, step: `${from.name} sells for no maker with a desk` };
}

/** Breadth first: the direct ones before those behind them. `seen` keeps a circle from going round for ever. */
function* walkUp(from: Organisation, seen: Set<OrganisationId>, directory: Directory): Generator<Organisation> {
  const queue = [from];
  for (let organisation = queue.shift(); organisation; organisation = queue.shift()) {
    for (const id of organisation.sellsFor) {
      const above = directory.organisations.get(id);
      if (!above || seen.has(id)) continue;
      seen.add(id);
      yield above;
      queue.push(above);
    }
  }
}

function firstDeskOf(id: OrganisationId, reason: string, directory: Directory): Found {
  const desk = indexOf(directory).firstDesk.get(id);
  const name = directory.organisations.get(id)?.name ?? id;
  return desk ? { desk, step: `${quote(desk)}, desk of ${name}, ${reason}` } : { desk: null, step: `${name}, ${reason}, has no desk` };
}

function bestSalesDesk({ bestSales }: BestSales, region: string, { makerId }: Entry, directory: Directory): Found {
  const { best } = indexOf(directory);
  const among = { dealers: 'dealer', agencies: 'agency', both: 'dealer or agency' }[bestSales.among];
  const here = region === '' ? undefined : best.get(`${makerId}/${bestSales.among}/${region}`);
  const anywhere = best.get(`${makerId}/${bestSales.among}/`);
  const winner = here ?? anywhere;
  if (!winner) return { desk: null, step: `no ${among} of the entry’s maker has sales results and a desk` };
  const name = quote(winner.organisation);
  const where = here
    ? `in region ${region}`
    : `over all regions (${region === '' ? 'the region of the caller is not known' : `nobody sells in region ${region}`})`;
  return { desk: winner.desk, step: `${name} is the ${among} with the best sales ${where}: ${quote(winner.desk)}` };
}

/** The reception of the entry's maker; else any; else, in a centre without one, the maker's first desk, or the first of all. */
function receptionOf(entry: Entry, directory: Directory): Desk {
  const { receptions, firstDesk, first } = indexOf(directory);
  const desk = receptions.find((d) => d.organisationId === entry.makerId) ?? receptions[0] ?? firstDesk.get(entry.makerId) ?? first;
  if (!desk) throw new Error(`the domain ${directory.domainId} has no desk at all`);
  return desk;
}

/** From a closed desk to the next one up, until one is open. All closed: the last one keeps the contact. */
function openDesk(from: Desk, rule: string, why: string[], directory: Directory, nowMs: EpochMs): DeskDecision {
  const closedDesks: DeskId[] = [];
  let desk = from;
  for (;;) {
    const opening = openingAt(desk, nowMs);
    if (opening.open) return { deskId: desk.id, rule, why, closedDesks, closed: false };
    closedDesks.push(desk.id);
    const reason = opening.because === 'holiday' ? 'it has a holiday' : 'it is outside its hours';
    const next = desk.nextUp === null ? undefined : directory.desks.get(desk.nextUp);
    if (!next || closedDesks.includes(next.id)) {
      why.push(`${quote(desk)} is closed (${reason}) and there is no other one up: the contact waits there until it opens`);
      return { deskId: desk.id, rule, why, closedDesks, closed: true };
    }
    why.push(`${quote(desk)} is closed (${reason}): the next one up, ${quote(next)}`);
    desk = next;
  }
}

interface DirectoryIndex {
  /** The first desk of each organisation, in the directory's order. */
  readonly firstDesk: ReadonlyMap<OrganisationId, Desk>;
  readonly receptions: readonly Desk[];
  readonly first: Desk | undefined;
  /** `maker/among/region` (no region: all of them) → who sells for that maker, sold most there and has a desk. Ties by id. */
  readonly best: ReadonlyMap<string, { readonly organisation: Organisation; readonly desk: Desk }>;
}

/** A directory is replaced whole and never changed, so what is drawn from it is kept with it. A pure memo. */
const indexes = new WeakMap<Directory, DirectoryIndex>();

function indexOf(directory: Directory): DirectoryIndex {
  const known = indexes.get(directory);
  if (known) return known;
  const index = buildIndex(directory);
  indexes.set(directory, index);
  return index;
}

function buildIndex(directory: Directory): DirectoryIndex {
  const desks = [...directory.desks.values()];
  const firstDesk = new Map<OrganisationId, Desk>();
  for (const desk of desks) if (!firstDesk.has(desk.organisationId)) firstDesk.set(desk.organisationId, desk);

  const makersOf = (id: OrganisationId): OrganisationId[] => {
    const from = directory.organisations.get(id);
    if (!from) return [];
    return [...walkUp(from, new Set([id]), directory)].filter((o) => o.kind === 'maker').map((o) => o.id);
  };
  const sums = new Map<string, Map<OrganisationId, number>>();
  for (const { organisationId, region, amountMinor } of directory.sales) {
    const kind = directory.organisations.get(organisationId)?.kind;
    if ((kind !== 'dealer' && kind !== 'agency') || !firstDesk.has(organisationId)) continue;
    const among = [kind === 'dealer' ? 'dealers' : 'agencies', 'both'];
    for (const key of makersOf(organisationId).flatMap((m) => among.flatMap((a) => [`${m}/${a}/${region}`, `${m}/${a}/`]))) {
      const sum = sums.get(key) ?? new Map<OrganisationId, number>();
      sums.set(key, sum.set(organisationId, (sum.get(organisationId) ?? 0) + amountMinor));
    }
  }
  const best = new Map<string, { organisation: Organisation; desk: Desk }>();
  for (const [key, sum] of sums) {
    const [winner] = [...sum].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    const organisation = winner && directory.organisations.get(winner[0]);
    const desk = winner && firstDesk.get(winner[0]);
    if (organisation && desk) best.set(key, { organisation, desk });
  }
  const receptions = desks.filter((d) => d.isReception).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { firstDesk, receptions, first: desks[0], best };
}
