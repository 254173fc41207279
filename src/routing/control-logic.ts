/**
 * The control logic: preset rules, kept as a file, that choose the desk of a contact and how it is given out there. Rules are
 * tried in order; the first whose condition holds and that leads to a desk decides. A closed desk hands on to the next one up.
 */
import { type FileProblem, SourceFile } from '../base/checked-yaml.ts';
import type { DeskId, EpochMs, Language, OrganisationId } from '../base/ids.ts';
import { suggest } from '../base/nearest.ts';
import { type Condition, type ConditionFacts, compileCondition } from './conditions.ts';
import { NO_WISHES, type Wishes } from './desk-rules.ts';
import { checkDeskSections } from './desk-rules-file.ts';
import type { Desk, Directory, Entry, Organisation } from './directory.ts';
import { openingAt, wallClock } from './hours.ts';
import {
  type BestSales,
  ControlLogicFile,
  type DeskSection,
  durationMs,
  type LogicTest,
  type Needs,
  type Target,
  type TestCentre,
} from './logic-schema.ts';
import type { Requirement } from './matching/model.ts';
import type { CallingNumber, Party } from './party.ts';
import { regionOfNumber } from './region.ts';

export type LogicProblem = FileProblem;

export interface LogicRule {
  readonly name: string;
  /** Null: always. */
  readonly when: Condition | null;
  /** `to` and, after it, its fallbacks. */
  readonly targets: readonly Target[];
  /** One object, with the same arrays in it, for every contact that the rule sends. */
  readonly wishes: Wishes;
}

/** A file that was read and found right. */
export interface ControlLogic {
  readonly file: string;
  readonly timeZone: string;
  readonly rules: readonly LogicRule[];
  /** How desks give out, by desk id; `default` for all. */
  readonly desks: Readonly<Record<DeskId, DeskSection>>;
  readonly testCentre: TestCentre | null;
  readonly tests: readonly LogicTest[];
}

export interface DeskFacts {
  readonly party: Party;
  readonly entry: Entry;
  readonly channel: 'voice' | 'callback' | 'notice' | 'message';
  readonly callingNumber: CallingNumber;
}

/** One step of a decision, for whoever reads it: on a panel, in the log, in a terminal. */
export type Reason = Readonly<Record<Language, string>>;

/** Has the form of `Decision` in `src/contact/model.ts`, with what else was found on the way. */
export interface DeskDecision {
  readonly deskId: DeskId;
  /** Name of the rule that fired; `none` when no rule led anywhere and reception takes it. */
  readonly rule: string;
  /** Readable steps. */
  readonly why: readonly Reason[];
  /** Desks that were closed, in the order in which they were asked. */
  readonly closedDesks: readonly DeskId[];
  /** The desk is closed too, as was every desk above the first: the contact waits until it opens. */
  readonly closed: boolean;
  /** How the rule wants the contact given out. */
  readonly wishes: Wishes;
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
    return { name: rule.name, when, targets, wishes: wishesOf(source, at, rule) };
  });
  const timeZone = file.timeZone ?? 'Asia/Tokyo';
  if (!isTimeZone(timeZone)) {
    source.add(['timeZone'], `there is no time zone '${timeZone}'`, suggest(timeZone, Intl.supportedValuesOf('timeZone')));
  }
  const desks = file.desks ?? {};
  checkDeskSections(source, desks, directory);
  checkTests(source, file);
  if (source.problems.length > 0) return source.problems;
  return { file: fileName, timeZone, rules, desks, testCentre: file.testCentre ?? null, tests: file.tests ?? [] };
}

function conditionOf(source: SourceFile, path: (string | number)[], text: string | undefined): Condition | null {
  if (text === undefined || text.trim() === 'true') return null;
  const condition = compileCondition(text);
  if (typeof condition === 'function') return condition;
  source.addWithin(path, condition.start, condition.problem, condition.remedy);
  return () => false;
}

function wishesOf(source: SourceFile, at: readonly (string | number)[], rule: ControlLogicFile['rules'][number]): Wishes {
  const { priority, needs, relax, preferLastAgent } = rule;
  if (priority === undefined && !needs && !relax && preferLastAgent === undefined) return NO_WISHES;
  const rings = (relax ?? []).map((ring) => ({ afterMs: durationMs(ring.after), requirements: requirementsOf(ring.needs) }));
  for (const [n, { afterMs }] of rings.entries()) {
    if (afterMs > (rings[n - 1]?.afterMs ?? 0)) continue;
    const remedy = 'put the shorter waits first, each longer than the one before';
    source.add([...at, 'relax', n, 'after'], n === 0 ? 'this is at once' : 'this is no later than the one before', remedy);
  }
  return {
    priorityClass: priority ?? NO_WISHES.priorityClass,
    requirements: needs ? requirementsOf(needs) : NO_WISHES.requirements,
    rings,
    preferLastAgentMs: preferLastAgent === undefined ? 0 : durationMs(preferLastAgent),
  };
}

/** In the order of the skills' names: the same needs are the same list. */
export const requirementsOf = (needs: Needs): readonly Requirement[] =>
  Object.entries(needs)
    .map(([skill, level]) => ({ skill, level }))
    .toSorted((a, b) => (a.skill < b.skill ? -1 : 1));

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
  const known = conditionFacts(logic.timeZone, facts, nowMs);
  const why: Reason[] = [partyStep(facts, known.caller.region)];
  for (const rule of logic.rules) {
    if (rule.when && !rule.when(known)) continue;
    for (const target of rule.targets) {
      const found = deskOf(target, facts, known.caller.region, directory);
      why.push({ en: `rule '${rule.name}': ${found.step.en}`, ja: `規則「${rule.name}」: ${found.step.ja}` });
      if (found.desk) return openDesk(found.desk, rule, why, directory, nowMs);
    }
  }
  const desk = receptionOf(facts.entry, directory);
  why.push({ en: `no rule led to a desk: the reception, ${quote(desk)}`, ja: `どの規則でも決まらないため、受付 ${quote(desk)}` });
  return openDesk(desk, { name: 'none', wishes: NO_WISHES }, why, directory, nowMs);
}

const quote = (thing: { readonly name: string; readonly id: string }): string => `${thing.name} (${thing.id})`;

const KNOWN_BY = {
  callingNumber: { en: ', known by the calling number', ja: '発信者番号で判明' },
  customerCode: { en: ', known by the customer code', ja: 'お客様番号で判明' },
  phone: { en: ', known by a phone number', ja: '電話番号で判明' },
  order: { en: ', known by an order', ja: 'ご注文番号で判明' },
  email: { en: ', known by e-mail', ja: 'メールアドレスで判明' },
} as const;
const KINDS = { customer: '既存のお客様', prospect: '見込みのお客様', dealer: '販売店', agency: '代理店' } as const;
const NUMBERS = { valid: '通知あり', withheld: '非通知', missing: 'なし', malformed: '読み取れない' } as const;

function partyStep({ party, callingNumber }: DeskFacts, region: string): Reason {
  const where = region === '' ? { en: '', ja: '' } : { en: ` in region ${region}`, ja: `(地域 ${region})` };
  switch (party.kind) {
    case 'new':
      return { en: `the party is new${where.en}`, ja: `新しいお客様です${where.ja}` };
    case 'unknown':
      return {
        en: `the party is unknown (number ${callingNumber.kind})${where.en}`,
        ja: `どなたか分かりません(発信者番号: ${NUMBERS[callingNumber.kind]})${where.ja}`,
      };
    default: {
      const by = party.foundBy ? KNOWN_BY[party.foundBy] : null;
      return {
        en: `the party is a known ${party.kind}${where.en}${by?.en ?? ''}`,
        ja: `${KINDS[party.kind]}です${where.ja}${by ? `。${by.ja}` : ''}`,
      };
    }
  }
}

/** What conditions can ask of a contact. `now` is read only when one does: a clock reading costs more than all the rest. */
export function conditionFacts(
  timeZone: string,
  {
    party,
    entry,
    channel,
    callingNumber,
  }: Omit<DeskFacts, 'entry'> & { readonly entry: Pick<Entry, 'id' | 'language' | 'country' | 'makerId'> },
  nowMs: EpochMs,
): ConditionFacts {
  const record = party.record;
  const number = callingNumber.kind === 'valid' ? callingNumber.e164 : '';
  return {
    party: {
      kind: party.kind,
      name: record?.name ?? '',
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
      const clock = wallClock(nowMs, timeZone);
      return { date: clock.date, weekday: BigInt(clock.weekday), hour: BigInt(clock.hour), minute: BigInt(clock.minute) };
    },
  };
}

interface Found {
  readonly desk: Desk | null;
  readonly step: Reason;
}

function deskOf(target: Target, facts: DeskFacts, region: string, directory: Directory): Found {
  const record = facts.party.record;
  if (typeof target === 'object') {
    if ('bestSales' in target) return bestSalesDesk(target, region, facts.entry, directory);
    const desk = directory.desks.get(target.desk);
    return desk
      ? { desk, step: { en: `the desk ${quote(desk)}`, ja: `窓口 ${quote(desk)}` } }
      : { desk: null, step: { en: `there is no desk ${target.desk}`, ja: `窓口 ${target.desk} はありません` } };
  }
  switch (target) {
    case 'handlingDesk':
      return knownDesk(record?.handlingDeskId ?? null, HANDLES, directory);
    case 'lastDesk':
      return knownDesk(record?.lastDeskId ?? null, DEALT_LAST, directory);
    case 'agencyOfDealer': {
      const dealer = organisationOf(facts.party, 'dealer', directory);
      return dealer
        ? sellsForDesk(dealer, 'agency', directory)
        : { desk: null, step: { en: 'the party is not a dealer that we know', ja: '登録された販売店ではありません' } };
    }
    case 'makerDesk': {
      const organisation = organisationOf(facts.party, null, directory);
      if (organisation) return makerOf(organisation, facts.entry, directory);
      return firstDeskOf(facts.entry.makerId, { en: 'maker of the entry', ja: '着信先のメーカー' }, directory);
    }
    case 'reception': {
      const desk = receptionOf(facts.entry, directory);
      return { desk, step: { en: `the reception, ${quote(desk)}`, ja: `受付 ${quote(desk)}` } };
    }
  }
}

interface Relation {
  readonly is: Reason;
  readonly none: Reason;
}
const HANDLES: Relation = {
  is: { en: 'handles this customer', ja: 'がこのお客様の担当です' },
  none: { en: 'no desk handles this party', ja: '担当の窓口がありません' },
};
const DEALT_LAST: Relation = {
  is: { en: 'dealt with this party last', ja: 'が前回応対しました' },
  none: { en: 'no desk dealt with this party before', ja: 'これまでに応対した窓口がありません' },
};

function knownDesk(id: DeskId | null, { is, none }: Relation, directory: Directory): Found {
  if (id === null) return { desk: null, step: none };
  const desk = directory.desks.get(id);
  return desk
    ? { desk, step: { en: `${quote(desk)} ${is.en}`, ja: `${quote(desk)} ${is.ja}` } }
    : { desk: null, step: { en: `the desk ${id} that ${is.en} is gone`, ja: `窓口 ${id} ${is.ja}が、今はありません` } };
}

function organisationOf(party: Party, kind: Organisation['kind'] | null, directory: Directory): Organisation | null {
  const organisation = directory.organisations.get(party.record?.organisationId ?? '');
  return organisation && (kind === null || organisation.kind === kind) ? organisation : null;
}

const ORGANISATIONS = { maker: 'メーカー', agency: '代理店', dealer: '販売店' } as const;
const soldFor = (kind: Organisation['kind'], from: Organisation): Reason => ({
  en: `the ${kind} that ${from.name} sells for`,
  ja: `${from.name} の取引先の${ORGANISATIONS[kind]}`,
});
const noneSoldFor = (kind: Organisation['kind'], from: Organisation): Reason => ({
  en: `${from.name} sells for no ${kind} with a desk`,
  ja: `${from.name} の取引先に、窓口のある${ORGANISATIONS[kind]}がありません`,
});

/** The desk of the first organisation of a kind that this one sells for. */
function sellsForDesk(from: Organisation, kind: Organisation['kind'], directory: Directory): Found {
  for (const id of from.sellsFor) {
    if (directory.organisations.get(id)?.kind !== kind) continue;
    const found = firstDeskOf(id, soldFor(kind, from), directory);
    if (found.desk) return found;
  }
  return { desk: null, step: noneSoldFor(kind, from) };
}

/** The maker that an organisation sells for, through its agencies too; the entry's maker when it is among them. */
function makerOf(from: Organisation, entry: Entry, directory: Directory): Found {
  const makers = [...walkUp(from, new Set([from.id]), directory)].filter((o) => o.kind === 'maker');
  const chosen = [...makers.filter((m) => m.id === entry.makerId), ...makers];
  for (const maker of chosen) {
    const found = firstDeskOf(maker.id, soldFor('maker', from), directory);
    if (found.desk) return found;
  }
  return { desk: null, step: noneSoldFor('maker', from) };
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

function firstDeskOf(id: OrganisationId, reason: Reason, directory: Directory): Found {
  const desk = indexOf(directory).firstDesk.get(id);
  const name = directory.organisations.get(id)?.name ?? id;
  return desk
    ? { desk, step: { en: `${quote(desk)}, desk of ${name}, ${reason.en}`, ja: `${reason.ja} ${name} の窓口 ${quote(desk)}` } }
    : { desk: null, step: { en: `${name}, ${reason.en}, has no desk`, ja: `${reason.ja} ${name} には窓口がありません` } };
}

const AMONG = {
  dealers: { en: 'dealer', ja: '販売店' },
  agencies: { en: 'agency', ja: '代理店' },
  both: { en: 'dealer or agency', ja: '販売店・代理店' },
} as const;

function bestSalesDesk({ bestSales }: BestSales, region: string, { makerId }: Entry, directory: Directory): Found {
  const { best } = indexOf(directory);
  const among = AMONG[bestSales.among];
  const here = region === '' ? undefined : best.get(`${makerId}/${bestSales.among}/${region}`);
  const anywhere = best.get(`${makerId}/${bestSales.among}/`);
  const winner = here ?? anywhere;
  if (!winner) {
    const en = `no ${among.en} of the entry’s maker has sales results and a desk`;
    return { desk: null, step: { en, ja: `販売実績と窓口のある${among.ja}がありません` } };
  }
  const name = quote(winner.organisation);
  const where: Reason = here
    ? { en: `in region ${region}`, ja: `地域 ${region} ` }
    : region === ''
      ? { en: 'over all regions (the region of the caller is not known)', ja: '全地域(発信地域は不明)' }
      : { en: `over all regions (nobody sells in region ${region})`, ja: `全地域(地域 ${region} に販売実績なし)` };
  return {
    desk: winner.desk,
    step: {
      en: `${name} is the ${among.en} with the best sales ${where.en}: ${quote(winner.desk)}`,
      ja: `${where.ja}で販売実績が最も良い${among.ja}は ${name}: ${quote(winner.desk)}`,
    },
  };
}

/** The reception of the entry's maker; else any; else, in a centre without one, the maker's first desk, or the first of all. */
function receptionOf(entry: Entry, directory: Directory): Desk {
  const { receptions, firstDesk, first } = indexOf(directory);
  const desk = receptions.find((d) => d.organisationId === entry.makerId) ?? receptions[0] ?? firstDesk.get(entry.makerId) ?? first;
  if (!desk) throw new Error(`the domain ${directory.domainId} has no desk at all`);
  return desk;
}

const HOLIDAY: Reason = { en: 'it has a holiday', ja: '休業日' };
const OUTSIDE_HOURS: Reason = { en: 'it is outside its hours', ja: '営業時間外' };

/** From a closed desk to the next one up, until one is open. All closed: the last one keeps the contact. */
function openDesk(
  from: Desk,
  { name: rule, wishes }: Pick<LogicRule, 'name' | 'wishes'>,
  why: Reason[],
  directory: Directory,
  nowMs: EpochMs,
): DeskDecision {
  const closedDesks: DeskId[] = [];
  let desk = from;
  for (;;) {
    const opening = openingAt(desk, nowMs);
    if (opening.open) return { deskId: desk.id, rule, why, closedDesks, closed: false, wishes };
    closedDesks.push(desk.id);
    const because = opening.because === 'holiday' ? HOLIDAY : OUTSIDE_HOURS;
    const next = desk.nextUp === null ? undefined : directory.desks.get(desk.nextUp);
    if (!next || closedDesks.includes(next.id)) {
      why.push({
        en: `${quote(desk)} is closed (${because.en}) and there is no other one up: the contact waits there until it opens`,
        ja: `${quote(desk)} は受付時間外です(${because.ja})。上位の窓口がないため、開くまでそこで待ちます`,
      });
      return { deskId: desk.id, rule, why, closedDesks, closed: true, wishes };
    }
    why.push({
      en: `${quote(desk)} is closed (${because.en}): the next one up, ${quote(next)}`,
      ja: `${quote(desk)} は受付時間外です(${because.ja})。上位の窓口 ${quote(next)} へ`,
    });
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
