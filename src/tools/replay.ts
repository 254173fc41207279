/** npm run replay: a logged period played again by other rules, or with other agents. */
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { unwrap } from '../base/checked-yaml.ts';
import type { DeskId, EpochMs } from '../base/ids.ts';
import { randomNumbers } from '../base/random.ts';
import type { Config } from '../config.ts';
import { loadDirectory } from '../db/directory.ts';
import { loggedPeriod, PeriodTooLongError } from '../db/logged-period.ts';
import { nextTimeToCall } from '../routing/call-hours.ts';
import { type ControlLogic, decideDesk, parseControlLogic } from '../routing/control-logic.ts';
import type { RulesOfDesks } from '../routing/desk-rules.ts';
import { rulesOfDesks } from '../routing/desk-rules-file.ts';
import type { Directory } from '../routing/directory.ts';
import { instantOf, startOfDay } from '../routing/forecast.ts';
import { wallClock } from '../routing/hours.ts';
import { MAX_LEVEL, type Requirement } from '../routing/matching/model.ts';
import { type Demand, type DeskFigures, demandsOf, type Figures, figuresOf, type PlaySettings, play } from '../routing/what-if.ts';
import { inCentre } from './database.ts';
import { daysFrom, offsetMs } from './days.ts';
import { type Log, type NotPlayed, readLog } from './replay/log.ts';
import { type StaffQuestion, staffOf } from './replay/staff.ts';
import { tableText } from './table.ts';
import { configOf, type Env, NothingFoundError, noSuch, type Print, readFile, runTool, UsageError } from './tool.ts';

const HELP = `Plays a logged period again, by other rules or with other agents, and prints what was beside what would have been.

  npm run replay -- --from 2026-11-16 --to 2026-11-20 --logic other.yaml
  npm run replay -- --from '2026-11-20 09:00' --to '2026-11-20 18:00' --agents 12
  npm run replay -- --agents tokyo-desk=3,osaka-desk=2 --aht-factor 0.9

Which period
  --from WHEN --to WHEN     a day, as 2026-11-20 (--to: with this day), or a time, as '2026-11-20 09:00' by the clock of the control
                            logic's zone, or 2026-11-20T09:00+09:00. Without --to: the day of --from. Without both: yesterday.
  --domain ID               the centre (DOMAIN)
What if
  --logic FILE              another control logic: it decides each contact's desk again, as of the moment at which it came, and its
                            desks' rules hold
  --agents N                N agents who each serve every desk, ready whenever one is open, with every skill and without a break
  --agents DESK=N,DESK=N    so many at these desks alone; the others keep those whom they had
  --aht-factor X            talk and wrap-up take X times as long
  --arrivals-factor X       X times as many contacts: copies of some within a quarter of an hour, or some left out
How it is shown
  --within SECONDS          the target of the service level (else each desk's own, by the present rules)
  --seed N                  of what the log does not tell (1); the same gives the same
  --json                    for programs

Every contact that came to a queue comes again at its moment, and the engine that gives out calls gives them out again. Known are
arrivals, agents' shifts and breaks, how long ringing, talk and wrap-up took, which offers lapsed, and the patience of those who gave
up. Not known, and so drawn: how long those who were answered would have waited (longer than they did; by how others gave up in the
log), and how long talks with those who gave up would have taken (as others at the same desk). Who chose a callback while waiting
chooses it again after the same wait, whatever is announced. The first table shows how near the same rules with the same agents come
to the log, and so how far the second one can be trusted. Agents' skills and desks, opening hours and, without --logic, the desks'
rules are the present ones.

Columns: service = share of all calls that were answered in time; ASA = mean wait of those answered; gone = share that gave up;
busy = share of the staffed time of the agents who serve the desk; longest = longest wait of a call; back = callbacks and notices
that reached somebody, of how many, and after how many minutes on average.

The database is DATABASE_URL, else the one in DATA_DIR, whether or not the server is running.
Ends with 0, with 1 when a file is wrong or there were no contacts, with 2 when it was called wrongly or there is no database.
`;

const LOGIC_FILE = 'control-logic.yaml';

/** @returns the exit code */
export function runReplay(argv: readonly string[], env: Env, print: Print, now: EpochMs): Promise<number> {
  return runTool({ print, hint: 'npm run replay -- --help says what there is.\n' }, async () => {
    const task = readTask(argv);
    if (task === 'help') {
      print(HELP);
      return 0;
    }
    const answer = await answerOf(task, env, now);
    print(task.json ? `${JSON.stringify(plain(answer), null, 2)}\n` : textOf(answer));
    return 0;
  });
}

// ---------------------------------------------------------------- the question

interface Task {
  readonly from: string | null;
  readonly to: string | null;
  readonly domain: string | null;
  readonly logic: string | null;
  readonly agents: StaffQuestion | null;
  readonly ahtFactor: number;
  readonly arrivalsFactor: number;
  readonly withinMs: number | null;
  readonly seed: number;
  readonly json: boolean;
}

function readTask(argv: readonly string[]): Task | 'help' {
  const given = parse(argv);
  if (given.help) return 'help';
  return {
    from: given.from ?? null,
    to: given.to ?? null,
    domain: given.domain ?? null,
    logic: given.logic ?? null,
    agents: given.agents === undefined ? null : staffQuestion(given.agents),
    ahtFactor: number('--aht-factor', given['aht-factor'] ?? '1', 0.01, 100, '1.1'),
    arrivalsFactor: number('--arrivals-factor', given['arrivals-factor'] ?? '1', 0.01, 20, '1.2'),
    withinMs: given.within === undefined ? null : number('--within', given.within, 0, 86_400, '20') * 1_000,
    seed: number('--seed', given.seed ?? '1', 0, 999_999_999, '1'),
    json: given.json ?? false,
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      from: text,
      to: text,
      domain: text,
      logic: text,
      agents: text,
      'aht-factor': text,
      'arrivals-factor': text,
      within: text,
      seed: text,
    },
  }).values;
}

const MOST_AGENTS = 10_000;
const COUNT = /^\d{1,5}$/;

function staffQuestion(value: string): StaffQuestion {
  const wrong = new UsageError(`--agents: "${value}"; right: a number up to ${MOST_AGENTS}, as 12, or desks, as tokyo-desk=3,osaka-desk=2`);
  if (COUNT.test(value) && Number(value) >= 1 && Number(value) <= MOST_AGENTS) return { all: Number(value) };
  const byDesk = new Map<DeskId, number>();
  for (const part of value.split(',')) {
    const [, desk, count] = /^\s*([^=\s]+)\s*=\s*(\d{1,5})\s*$/.exec(part) ?? [];
    if (desk === undefined || byDesk.has(desk) || Number(count) > MOST_AGENTS) throw wrong;
    byDesk.set(desk, Number(count));
  }
  return { byDesk };
}

function number(option: string, value: string, least: number, most: number, example: string): number {
  const read = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (read >= least && read <= most && (option !== '--seed' || Number.isInteger(read))) return read;
  throw new UsageError(`${option}: "${value}"; right: a number from ${least} to ${most}, as ${example}`);
}

// ---------------------------------------------------------------- the period

interface Period {
  readonly from: EpochMs;
  readonly until: EpochMs;
  readonly timeZone: string;
}

const WHEN_FORM = "a day, as 2026-11-20, or a time, as '2026-11-20 09:00' or 2026-11-20T09:00+09:00";

function periodOf({ from, to }: Task, timeZone: string, now: EpochMs): Period {
  const dayAt = (at: EpochMs): string => wallClock(at, timeZone).date;
  const end = to === null ? null : instant('--to', to, timeZone, 'end');
  const day = end === null ? daysFrom(dayAt(now), -1) : dayAt(end - 1);
  const begin = instant('--from', from ?? day, timeZone, 'begin');
  const until = end ?? startOfDay(daysFrom(dayAt(begin), 1), timeZone);
  if (until <= begin) throw new UsageError(`--to ${to} is before --from ${from}`);
  if (begin >= now) throw new UsageError(`${from ?? day} is yet to come: only what was can be played again`);
  return { from: begin, until: Math.min(until, now), timeZone };
}

/** Of a day its beginning, or its end. */
function instant(option: string, value: string, timeZone: string, edge: 'begin' | 'end'): EpochMs {
  const [, day = '', time, offset] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(value) ?? [];
  const wrong = (cause?: unknown): UsageError => new UsageError(`${option}: "${value}" is no time; right: ${WHEN_FORM}`, { cause });
  try {
    if (time === undefined) {
      if (offset !== undefined) throw wrong();
      return startOfDay(edge === 'end' ? daysFrom(day, 1) : day, timeZone);
    }
    const at = instantOf(day, time, offset === undefined ? timeZone : 'UTC');
    if (at === null) throw new UsageError(`${option}: ${value} never was: the clock of ${timeZone} is put forward over it`);
    return at - offsetMs(offset);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw wrong(error);
  }
}

// ---------------------------------------------------------------- the answer

interface Answer extends Period {
  readonly seed: number;
  readonly desks: Directory['desks'];
  /** What was changed, in words; empty: nothing. */
  readonly changes: readonly string[];
  readonly withinMs: readonly number[];
  readonly logged: Figures;
  readonly replayed: Figures;
  readonly wouldBe: Figures;
  readonly notPlayed: NotPlayed;
  /** By --logic: contacts that go to another desk, and those whose desk it could not decide, as the log does not say by what. */
  readonly moved: number;
  readonly undecided: number;
}

async function answerOf(task: Task, env: Env, now: EpochMs): Promise<Answer> {
  const config = configOf(env, task.domain);
  const present = readLogic(join(config.scenariosDir, LOGIC_FILE));
  const period = periodOf(task, present.timeZone, now);
  const { directory, log } = await readCentre(config, period);
  // Only now, so that desks in it are looked up, too.
  const other = task.logic === null ? null : readLogic(task.logic, directory);
  checkDesks(task.agents, directory);
  return compare(task, { period, directory, log, present, other, config });
}

function readLogic(path: string, directory?: Directory): ControlLogic {
  return unwrap(parseControlLogic(readFile(path).toString('utf8'), relative(process.cwd(), path), directory));
}

interface Played {
  readonly directory: Directory;
  readonly log: Log;
}

function readCentre(config: Config, period: Period): Promise<Played> {
  const options = { name: 'madoguchi replay', max: 1, statementTimeoutMs: 120_000 };
  return inCentre(config, options, async ({ pool, domainId }) => {
    // Sales results as they were then.
    const directory = await loadDirectory(pool, domainId, period.from);
    const log = readLog(await loggedPeriod(pool, { domainId, ...period }).catch(tooLong), directory, period);
    if (log.facts.contacts.length > 0) return { directory, log };
    const left = [
      ...(log.notPlayed.neverQueued === 0 ? [] : [`${log.notPlayed.neverQueued} ended before they came to a queue`]),
      ...(log.notPlayed.deskGone === 0 ? [] : [`${log.notPlayed.deskGone} were at desks that are gone`]),
    ];
    throw new NothingFoundError(`there were no contacts ${spanText(period)}${left.length === 0 ? '' : ` (${left.join(', ')})`}`);
  });
}

function tooLong(error: unknown): never {
  if (!(error instanceof PeriodTooLongError)) throw error;
  throw new UsageError(`${error.message}; right: a shorter one`, { cause: error });
}

function checkDesks(agents: StaffQuestion | null, { desks }: Directory): void {
  if (agents === null || 'all' in agents) return;
  const unknown = [...agents.byDesk.keys()].find((id) => !desks.has(id));
  if (unknown !== undefined) throw noSuch('desk', unknown, [...desks.keys()], '--agents');
}

interface Material {
  readonly period: Period;
  readonly directory: Directory;
  readonly log: Log;
  readonly present: ControlLogic;
  readonly other: ControlLogic | null;
  readonly config: Config;
}

function compare(task: Task, { period, directory, log, present, other, config }: Material): Answer {
  const { ahtFactor, arrivalsFactor, seed, agents } = task;
  const rulesOf = rulesOfDesks(present, config.deskRules, directory);
  const target = (deskId: DeskId): number => task.withinMs ?? rulesOf(deskId).serviceLevel.withinMs;
  const asWas = settingsOf(period, directory, rulesOf);
  const demands = demandsOf(log.contacts, { random: randomNumbers(seed) });
  const replayed = play(demands, log.staff, asWas);

  let [moved, undecided] = [0, 0];
  const decide = (logic: ControlLogic): PlaySettings['decide'] => {
    return ({ contact, queuedAt }: Demand) => {
      const counts = queuedAt >= period.from && queuedAt < period.until;
      const facts = log.factsOf.get(contact.id);
      if (counts && !facts && contact.kind !== 'notice' && contact.kind !== 'message') undecided += 1;
      if (!facts) return null;
      const { deskId, wishes } = decideDesk(logic, facts, directory, queuedAt);
      if (counts && deskId !== contact.deskId) moved += 1;
      return { deskId, wishes };
    };
  };
  const staff =
    agents === null ? log.staff : staffOf(agents, log.staff, { directory, ...period, skills: allSkills(log, directory, [present, other]) });
  if (staff === null) throw new UsageError(`--agents: no such desk is open ${spanText(period)}, so nobody would be at work`);
  const isOther = other !== null || agents !== null || ahtFactor !== 1 || arrivalsFactor !== 1;
  const otherSettings: PlaySettings =
    other === null ? asWas : { ...settingsOf(period, directory, rulesOfDesks(other, config.deskRules, directory)), decide: decide(other) };
  const otherDemands = demandsOf(log.contacts, { random: randomNumbers(seed), ahtFactor, arrivalsFactor });
  const wouldBe = isOther ? play(otherDemands, staff, otherSettings) : replayed;
  const figures = { logged: figuresOf(log.facts, target), replayed: figuresOf(replayed, target), wouldBe: figuresOf(wouldBe, target) };
  return {
    ...period,
    ...figures,
    seed,
    desks: directory.desks,
    changes: changesOf(task),
    withinMs: [...new Set([...figures.logged.desks.keys(), ...figures.wouldBe.desks.keys()].map(target))].sort((a, b) => a - b),
    notPlayed: log.notPlayed,
    moved,
    undecided,
  };
}

function settingsOf({ from, until }: Period, directory: Directory, rulesOf: RulesOfDesks): PlaySettings {
  return {
    from,
    until,
    deskIds: directory.desks.keys(),
    rulesOf,
    decide: () => null,
    nextTimeToCall: (deskId, at) => {
      const desk = directory.desks.get(deskId);
      // A desk that nobody may be called from: better as it was than never.
      return (desk && nextTimeToCall(desk, rulesOf(deskId).callbacks.hours, at)) ?? at;
    },
  };
}

/** Whatever anybody has, or is asked for. */
function allSkills(log: Log, directory: Directory, logics: readonly (ControlLogic | null)[]): Requirement[] {
  const wishes = [
    ...log.contacts.map((contact) => contact.wishes),
    ...logics.flatMap((logic) => logic?.rules.map((rule) => rule.wishes) ?? []),
  ];
  const asked = wishes.flatMap(({ requirements, rings }) => [requirements, ...rings.map((ring) => ring.requirements)]);
  const had = [...directory.agents.values()].map(({ skills }) => skills);
  const names = new Set([...asked, ...had].flatMap((requirements) => requirements.map(({ skill }) => skill)));
  return [...names].map((skill) => ({ skill, level: MAX_LEVEL }));
}

function changesOf({ logic, agents, ahtFactor, arrivalsFactor }: Task): string[] {
  const staff =
    agents === null
      ? []
      : 'all' in agents
        ? [`${agents.all} agents for all desks`]
        : [...agents.byDesk].map(([desk, count]) => `${count} agents at ${desk}`);
  return [
    ...(logic === null ? [] : [`rules of ${logic}`]),
    ...staff,
    ...(ahtFactor === 1 ? [] : [`handling × ${ahtFactor}`]),
    ...(arrivalsFactor === 1 ? [] : [`arrivals × ${arrivalsFactor}`]),
  ];
}

/** For programs: maps as objects. */
function plain({ desks, from, until, ...answer }: Answer): object {
  const figures = (of: Figures): object => ({ all: of.all, desks: Object.fromEntries(of.desks) });
  const { logged, replayed, wouldBe, ...rest } = answer;
  return {
    from: new Date(from).toISOString(),
    until: new Date(until).toISOString(),
    ...rest,
    logged: figures(logged),
    replayed: figures(replayed),
    wouldBe: figures(wouldBe),
  };
}

// ---------------------------------------------------------------- text

function whenText(at: EpochMs, timeZone: string): string {
  const { date, hour, minute } = wallClock(at, timeZone);
  return `${date} ${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
const spanText = ({ from, until, timeZone }: Period): string =>
  `from ${whenText(from, timeZone)} to ${whenText(until, timeZone)} (${timeZone})`;

function textOf(answer: Answer): string {
  const { logged, replayed, wouldBe, changes, moved, undecided, seed } = answer;
  const { calls, callbacks } = logged.all;
  const head = [
    `${calls} calls and ${callbacks} callbacks and notices ${spanText(answer)}`,
    `answered in time: within ${answer.withinMs.map((ms) => `${ms / 1_000} s`).join(' or ')}; seed ${seed}`,
    ...notPlayedText(answer.notPlayed),
  ];
  const calibration = `The log → the same played again: how far to trust what follows\n${table(logged, replayed, answer)}`;
  if (changes.length === 0) {
    return `${head.join('\n')}\n\n${calibration}\nNothing was changed: see --logic, --agents, --aht-factor, --arrivals-factor.\n`;
  }
  const byRules = [
    ...(moved === 0 ? [] : [`${moved} contacts go to another desk`]),
    ...(undecided === 0 ? [] : [`${undecided} stay where they were, as the log does not say who they are`]),
  ];
  const title = `As it was → with ${changes.join(', ')}${byRules.length === 0 ? '' : ` (${byRules.join('; ')})`}`;
  return `${head.join('\n')}\n\n${calibration}\n${title}\n${table(replayed, wouldBe, answer)}`;
}

function notPlayedText({ neverQueued, deskGone, open }: NotPlayed): string[] {
  const parts = [
    ...(neverQueued === 0 ? [] : [`${neverQueued} contacts that ended before they came to a queue`]),
    ...(deskGone === 0 ? [] : [`${deskGone} contacts of desks that are gone`]),
    ...(open === 0 ? [] : [`the end of ${open} contacts that were cut off or are not over`]),
  ];
  return parts.length === 0 ? [] : [`not played again: ${parts.join(', ')}`];
}

const NOTHING: DeskFigures = {
  calls: 0,
  serviceLevel: null,
  asaMs: null,
  abandoned: null,
  longestWaitMs: 0,
  occupancy: null,
  callbacks: 0,
  reached: 0,
  reachedAfterMs: null,
};

/** Pairs of columns: of the one, and of the other. */
function table(was: Figures, wouldBe: Figures, { desks }: Answer): string {
  const ids = [...desks.keys()].filter((id) => was.desks.has(id) || wouldBe.desks.has(id));
  const row = (name: string, a: DeskFigures, b: DeskFigures): string[] => [name, ...COLUMNS.map(({ cell }) => `${cell(a)} → ${cell(b)}`)];
  const rows = [
    ['desk', ...COLUMNS.map(({ title }) => title)],
    ...ids.map((id) => row(id, was.desks.get(id) ?? NOTHING, wouldBe.desks.get(id) ?? NOTHING)),
    ...(ids.length < 2 ? [] : [row('all', was.all, wouldBe.all)]),
  ];
  const columns = was.all.callbacks + wouldBe.all.callbacks > 0 ? COLUMNS.length + 1 : COLUMNS.length;
  return tableText(rows.map((cells) => cells.slice(0, columns)));
}

const percent = (value: number | null): string => (value === null ? '–' : (value * 100).toFixed(1));
const seconds = (ms: number | null, digits: number): string => (ms === null ? '–' : (ms / 1_000).toFixed(digits));

/** Callbacks last: where there are none, that column is left out. */
const COLUMNS: readonly { readonly title: string; readonly cell: (figures: DeskFigures) => string }[] = [
  { title: 'calls', cell: ({ calls }) => String(calls) },
  { title: 'service %', cell: ({ serviceLevel }) => percent(serviceLevel) },
  { title: 'ASA s', cell: ({ asaMs }) => seconds(asaMs, 1) },
  { title: 'gone %', cell: ({ abandoned }) => percent(abandoned) },
  { title: 'busy %', cell: ({ occupancy }) => percent(occupancy) },
  { title: 'longest s', cell: ({ calls, longestWaitMs }) => seconds(calls === 0 ? null : longestWaitMs, 0) },
  {
    title: 'back',
    cell: ({ callbacks, reached, reachedAfterMs }) =>
      callbacks === 0 ? '–' : `${reached}/${callbacks}${reachedAfterMs === null ? '' : ` ${(reachedAfterMs / 60_000).toFixed(0)} min`}`,
  },
];

if (import.meta.main) {
  process.exitCode = await runReplay(process.argv.slice(2), process.env, (text) => process.stdout.write(text), Date.now());
}
