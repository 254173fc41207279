/** npm run forecast: how many agents each interval of the week needs, from the log or a CSV of arrivals. */
import { parseArgs } from 'node:util';
import { type CsvRow, readCsv, UnreadableCsv } from '../base/csv.ts';
import type { EpochMs } from '../base/ids.ts';
import { arrivalsOf, recentCalls } from '../db/arrivals.ts';
import { loadDirectory } from '../db/directory.ts';
import type { Formula, Staffing, StaffingQuestion } from '../routing/erlang.ts';
import {
  type AhtEstimate,
  type Arrivals,
  estimateAht,
  estimatePatience,
  type Forecast,
  forecast,
  instantOf,
  type PatienceEstimate,
  type Slot,
  slotsOfDay,
  staff,
} from '../routing/forecast.ts';
import { wallClock } from '../routing/hours.ts';
import { type SimulatedFigures, simulateQueue } from '../routing/simulate-queue.ts';
import { inCentre } from './database.ts';
import { type DaysAsked, dayOption, daysAsked, offsetMs, zoneOption } from './days.ts';
import { tableText } from './table.ts';
import { configOf, type Env, NothingFoundError, type Print, readFile, runTool, UsageError } from './tool.ts';

const HELP = `Says how many agents each interval of the week needs, from the contacts in the log or from a CSV of arrivals.

  npm run forecast                                      the log of the last eight weeks, all desks as one pool
  npm run forecast -- --desk tokyo-desk --patience log
  npm run forecast -- --csv FILE --aht 240 --target 80/20

Which arrivals
  --from DATE --to DATE   first and last day, as 2026-10-01 (the log: the eight weeks up to yesterday; a CSV: all of it)
  --desk ID               contacts of this desk only; its time zone and its holidays hold
  --csv FILE              not the log but a file, with one of these headers:
                            at               a line for each arrival
                            interval,count   a line for each interval: its beginning, and how many arrived in it
                          Times are 2026-11-02 09:00, by the clock of --time-zone, or with a zone: 2026-11-02T09:00:00+09:00.
                          A day between the first and the last that is not in the file had no arrivals. UTF-8 or Shift_JIS.
  --time-zone ZONE        IANA name (the desk's, else Asia/Tokyo)
  --exclude DATE,DATE     days that say nothing of others: holidays, an outage. A day whose total is far from the usual of its
                          weekday is left out by itself, and named.
What is wanted
  --interval 30m          length of an interval: 15m, 30m, 1h …
  --target 80/20          80 % answered within 20 seconds
  --max-occupancy SHARE   agents are busy for at most this share of their time, as 0.85
  --aht SECONDS           average handling time, talk and wrap-up (the log's own; without one, 180)
  --patience SECONDS|log  how long callers wait on average before giving up; log: as the log shows. With it the formula is
                          Erlang A, without it Erlang C, by which nobody gives up
  --shrinkage SHARE       share of paid time away from the desk: breaks, training, illness (0.3 = 30 %; 0)
  --for DATE              the intervals of this day, as its clock will really show them (else: of each weekday)
How it is shown
  --simulate CALLS        how many calls to play through for each row, beside the formula (20000; 0: none)
  --seed N                of the simulation (1); the same gives the same
  --json                  for programs

Columns: calls and erlangs expected; agents needed at their places, and on the roster with shrinkage; service = share of all
calls answered in time; ASA = mean wait of those answered; busy = share of the agents' time; gone = share that gives up;
simulated = service and ASA of the same queue played through, ± two standard errors.
The formulas take each interval as if its calls came at the same rate for long, at random, with exponential handling times.
The log's contacts count once each, at their arrival, if they came as far as a queue; a callback that continues a call is none.

The database is DATABASE_URL, else the one in DATA_DIR, whether or not the server is running.
Ends with 0, with 1 when the file is wrong or there are no arrivals, with 2 when it was called wrongly or there is no database.
`;

const SOURCES: Readonly<Record<Formula, string>> = {
  'Erlang C': 'Erlang C (M/M/c, nobody gives up): Erlang 1917',
  'Erlang A': 'Erlang A (M/M/c+M, callers give up): Palm 1957; Garnett, Mandelbaum, Reiman 2002; Mandelbaum, Zeltyn 2007',
};
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const WEEKS = 8;
const ASSUMED_AHT_MS = 180_000;
const MAX_MISTAKES = 20;

/** @returns the exit code */
export function runForecast(argv: readonly string[], env: Env, print: Print, now: EpochMs): Promise<number> {
  return runTool({ print, hint: 'npm run forecast -- --help says what there is.\n' }, async () => {
    const task = readTask(argv);
    if (task === 'help') {
      print(HELP);
      return 0;
    }
    const answer = answerOf(task, task.csv === null ? await readLog(task, env, now) : readArrivals(task.csv, task));
    print(task.json ? `${JSON.stringify(answer, null, 2)}\n` : textOf(answer));
    return 0;
  });
}

// ---------------------------------------------------------------- the question

interface Task extends DaysAsked {
  readonly csv: string | null;
  readonly excluded: readonly string[];
  readonly intervalMs: number;
  readonly target: StaffingQuestion['target'];
  readonly maxOccupancy: number | null;
  readonly ahtMs: number | null;
  readonly patience: { readonly ms: number } | 'log' | null;
  readonly shrinkage: number;
  readonly forDate: string | null;
  readonly simulatedCalls: number;
  readonly seed: number;
  readonly json: boolean;
}

function readTask(argv: readonly string[]): Task | 'help' {
  const given = parse(argv);
  if (given.help) return 'help';
  const task: Task = {
    from: given.from === undefined ? null : dayOption('--from', given.from),
    to: given.to === undefined ? null : dayOption('--to', given.to),
    csv: given.csv ?? null,
    desk: given.desk ?? null,
    timeZone: given['time-zone'] === undefined ? null : zoneOption(given['time-zone']),
    excluded: (given.exclude ?? '').split(/[,\s]+/).flatMap((day) => (day === '' ? [] : [dayOption('--exclude', day)])),
    intervalMs: interval(given.interval ?? '30m'),
    target: target(given.target ?? '80/20'),
    maxOccupancy: given['max-occupancy'] === undefined ? null : number('--max-occupancy', given['max-occupancy'], 0.01, 1, '0.85'),
    ahtMs: given.aht === undefined ? null : seconds('--aht', given.aht, '180'),
    patience: patience(given.patience),
    shrinkage: number('--shrinkage', given.shrinkage ?? '0', 0, 0.95, '0.3'),
    forDate: given.for === undefined ? null : dayOption('--for', given.for),
    simulatedCalls: whole('--simulate', given.simulate ?? '20000'),
    seed: whole('--seed', given.seed ?? '1'),
    json: given.json ?? false,
  };
  if (task.from !== null && task.to !== null && task.to < task.from) throw new UsageError(`--to ${task.to} is before --from ${task.from}`);
  if (task.csv !== null && task.desk !== null) throw new UsageError('--desk is for the log; a CSV file has no desks');
  if (task.csv !== null && task.patience === 'log') throw new UsageError('--patience log is for the log; for a CSV write seconds, as 120');
  if (task.simulatedCalls > 0 && task.simulatedCalls < 1_000) throw new UsageError('--simulate takes 1000 or more, or 0 for none');
  return task;
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
      csv: text,
      desk: text,
      'time-zone': text,
      exclude: text,
      interval: text,
      target: text,
      'max-occupancy': text,
      aht: text,
      patience: text,
      shrinkage: text,
      for: text,
      simulate: text,
      seed: text,
    },
  }).values;
}

function interval(value: string): number {
  const [, digits = '', unit] = /^(\d{1,4})(m|min|h)$/.exec(value) ?? [];
  const minutes = Number(digits) * (unit === 'h' ? 60 : 1);
  if (minutes >= 1 && 1_440 % minutes === 0) return minutes * 60_000;
  throw new UsageError(`--interval: "${value}"; right: minutes or hours of which a day is a multiple, as 15m, 30m, 1h`);
}

function target(value: string): StaffingQuestion['target'] {
  const [, percent = '', within = ''] = /^(\d{1,2}(?:\.\d+)?)\/(\d{1,5})$/.exec(value) ?? [];
  if (Number(percent) > 0 && within !== '') return { share: Number(percent) / 100, withinMs: Number(within) * 1_000 };
  throw new UsageError(`--target: "${value}"; right: percent/seconds, as 80/20`);
}

function number(option: string, value: string, least: number, most: number, example: string): number {
  const read = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (read >= least && read <= most) return read;
  throw new UsageError(`${option}: "${value}"; right: a number from ${least} to ${most}, as ${example}`);
}

const seconds = (option: string, value: string, example: string): number => number(option, value, 1, 1_000_000, example) * 1_000;

function whole(option: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new UsageError(`${option}: "${value}"; right: a whole number`);
}

function patience(value: string | undefined): Task['patience'] {
  if (value === undefined || value === 'log') return value ?? null;
  return { ms: seconds('--patience', value, '120, or the word log') };
}

// ---------------------------------------------------------------- arrivals

interface History {
  readonly arrivals: readonly Arrivals[];
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly holidays: readonly string[];
  readonly where: string;
  readonly aht: AhtEstimate | null;
  readonly patience: PatienceEstimate | null;
}

function readLog(task: Task, env: Env, now: EpochMs): Promise<History> {
  return inCentre(configOf(env), { name: 'madoguchi forecast', max: 1, statementTimeoutMs: 120_000 }, async ({ pool, domainId }) => {
    const { desks } = await loadDirectory(pool, domainId, now);
    const { desk, from, to, timeZone, span } = daysAsked(task, { desks, domainId, last: 'yesterday', days: 7 * WEEKS }, now);
    const calls = await recentCalls(pool, span);
    return {
      arrivals: await arrivalsOf(pool, span),
      from,
      to,
      timeZone,
      holidays: desk?.holidays ?? [],
      where: desk ? `of ${desk.name} (${desk.id})` : 'of all desks as one pool',
      aht: estimateAht(calls.flatMap(({ handlingMs }) => (handlingMs === null ? [] : [handlingMs]))),
      // Nobody hangs up while waiting for a callback.
      patience: estimatePatience(calls.filter((call) => call.channel === 'voice')),
    };
  });
}

// ---------------------------------------------------------------- a CSV file

function readArrivals(file: string, task: Task): History {
  const timeZone = task.timeZone ?? 'Asia/Tokyo';
  const arrivals = arrivalsFromCsv(file, readFile(file), timeZone, task.intervalMs);
  if (arrivals.length === 0) throw new NothingFoundError(`${file}: there are no arrivals in it`);
  let [earliest, latest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { at } of arrivals) [earliest, latest] = [Math.min(earliest, at), Math.max(latest, at)];
  const [first, last] = [wallClock(earliest, timeZone).date, wallClock(latest, timeZone).date];
  const [from, to] = [task.from ?? first, task.to ?? last];
  if (to < from) throw new UsageError(`the file's days are ${first} to ${last}, not from ${from} to ${to}`);
  return { arrivals, from, to, timeZone, holidays: [], where: `in ${file}`, aht: null, patience: null };
}

const TIME_FORM = 'as 2026-11-02 09:00, or with a zone 2026-11-02T09:00:00+09:00';

/** @throws UnreadableCsv that lists what is wrong, with file, line and column */
export function arrivalsFromCsv(file: string, bytes: Uint8Array, timeZone: string, intervalMs: number): Arrivals[] {
  const csv = readCsvOf(file, bytes);
  const counted = csv.columns.includes('interval');
  const mistakes = csv.mistakes.map(({ line, reason, form }) => ({ line, text: `${reason}; right: ${form ?? 'as the header'}` }));
  const timeColumn = counted ? 'interval' : 'at';
  const arrivals: Arrivals[] = [];
  // A minute of the wall clock is looked up once: a file may have a million lines.
  const known = new Map<string, EpochMs | null>();
  for (const row of csv.rows) {
    const at = read(row, timeColumn, (cell) => timeIn(cell, timeZone, known), mistakes);
    const count = counted ? read(row, 'count', countIn, mistakes) : 1;
    if (at !== null && count !== null) arrivals.push({ at, count });
  }
  if (mistakes.length > 0) {
    const lines = mistakes.sort((a, b) => a.line - b.line).map(({ line, text }) => `${file}:${line}: ${text}`);
    const more = lines.length > MAX_MISTAKES ? [`… and ${lines.length - MAX_MISTAKES} more`] : [];
    throw new UnreadableCsv([...lines.slice(0, MAX_MISTAKES), ...more].join('\n'));
  }
  if (counted) checkLengths(file, arrivals, intervalMs);
  return arrivals;
}

function readCsvOf(file: string, bytes: Uint8Array) {
  const optional = (name: string) => ({ name, required: false });
  try {
    const csv = readCsv(bytes, ['at', 'interval', 'count'].map(optional));
    if (csv.columns.toSorted().join() === 'at' || csv.columns.toSorted().join() === 'count,interval') return csv;
    throw new UnreadableCsv(`line 1: the columns are ${csv.columns.join(', ')}; right: at, or interval,count`);
  } catch (error) {
    if (!(error instanceof UnreadableCsv)) throw error;
    const lines = error.message.split('\n').map((text) => `${file}:${text.replace(/^line (\d+)/, '$1')}`);
    throw new UnreadableCsv(lines.join('\n'), { cause: error });
  }
}

function read<T>(row: CsvRow, column: string, reader: (cell: string) => T, mistakes: { line: number; text: string }[]): T | null {
  const cell = row.cells.get(column) ?? '';
  try {
    return reader(cell);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    mistakes.push({ line: row.line, text: `column ${column}: "${cell.slice(0, 40)}" ${error.message}` });
    return null;
  }
}

/** @throws RangeError in words that follow the cell */
function timeIn(cell: string, timeZone: string, known: Map<string, EpochMs | null>): EpochMs {
  const [, day = '', minute = '', second = '00', offset] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::([0-5]\d))?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(cell.replaceAll('/', '-')) ?? [];
  const key = `${day} ${minute}${offset === undefined ? '' : 'Z'}`;
  let at = known.get(key);
  try {
    at ??= instantOf(day, minute, offset === undefined ? timeZone : 'UTC');
  } catch (cause) {
    throw new RangeError(`is no time; right: ${TIME_FORM}`, { cause });
  }
  known.set(key, at);
  if (at === null) throw new RangeError(`never was: the clock of ${timeZone} is put forward over it; right: a time with its zone`);
  return at + Number(second) * 1_000 - offsetMs(offset);
}

function countIn(cell: string): number {
  if (/^\d{1,9}$/.test(cell)) return Number(cell);
  throw new RangeError('is no count; right: a whole number, 0 or more');
}

/** Counts of hours say nothing about half hours. */
function checkLengths(file: string, arrivals: readonly Arrivals[], intervalMs: number): void {
  const starts = [...new Set(arrivals.map(({ at }) => at))].sort((a, b) => a - b);
  const steps = starts.slice(1).map((at, i) => at - (starts[i] ?? at));
  const shortest = steps.reduce((least, step) => Math.min(least, step), Number.POSITIVE_INFINITY);
  if (!Number.isFinite(shortest) || intervalMs % shortest === 0) return;
  const minutes = shortest / 60_000;
  throw new UnreadableCsv(
    `${file}: column interval: its intervals are ${minutes} minutes apart, which don't fill --interval ${intervalMs / 60_000}m; ` +
      `right: --interval ${minutes}m or a multiple of it`,
  );
}

// ---------------------------------------------------------------- the answer

interface Row extends Slot {
  /** On a day that was asked for. */
  readonly start?: EpochMs;
  readonly staffing: Staffing;
  readonly simulated: SimulatedFigures | null;
}

interface Answer {
  readonly where: string;
  readonly from: string;
  readonly to: string;
  readonly forDate: string | null;
  readonly forecast: Omit<Forecast, 'slots'>;
  readonly formula: Formula;
  readonly source: string;
  readonly target: StaffingQuestion['target'];
  readonly maxOccupancy: number | null;
  readonly shrinkage: number;
  readonly aht: { readonly ms: number; readonly from: string };
  readonly patience: { readonly ms: number; readonly from: string } | null;
  readonly simulation: { readonly calls: number; readonly seed: number } | null;
  /** Of intervals for which calls are expected. */
  readonly rows: readonly Row[];
}

function answerOf(task: Task, history: History): Answer {
  const { timeZone, from, to } = history;
  const { intervalMs, target, simulatedCalls, seed } = task;
  const { slots, ...about } = forecast(history.arrivals, {
    timeZone,
    intervalMs,
    from,
    to,
    excluded: [...task.excluded, ...history.holidays],
  });
  if (about.arrivals === 0) {
    const left = about.leftOut.length === 0 ? '' : `; ${about.leftOut.length} days were left out`;
    throw new NothingFoundError(`there are no arrivals ${history.where} from ${from} to ${to}${left}`);
  }
  const aht = ahtOf(task, history);
  const patience = patienceOf(task, history);
  const chosen: readonly Slot[] = task.forDate === null ? slots : slotsOfDay({ ...about, slots }, task.forDate);
  if (chosen.length === 0) throw new NothingFoundError(`nothing is known of the weekday of ${task.forDate}`);
  const staffed = staff(
    chosen.filter((slot) => slot.calls > 0),
    {
      intervalMs,
      ahtMs: aht.ms,
      target,
      shrinkage: task.shrinkage,
      ...(patience === null ? {} : { patienceMs: patience.ms }),
      ...(task.maxOccupancy === null ? {} : { maxOccupancy: task.maxOccupancy }),
    },
  );
  const simulate = ({ calls, staffing }: Slot & { staffing: Staffing }, row: number): SimulatedFigures =>
    simulateQueue({
      callsPerHour: (calls * 3_600_000) / intervalMs,
      ahtMs: aht.ms,
      agents: staffing.agents,
      withinMs: target.withinMs,
      ...(patience === null ? {} : { patienceMs: patience.ms }),
      calls: simulatedCalls,
      seed: seed + row, // with one for all, every row would err to the same side
    });
  const formula: Formula = patience === null ? 'Erlang C' : 'Erlang A';
  return {
    where: history.where,
    from,
    to,
    forDate: task.forDate,
    forecast: about,
    formula,
    source: SOURCES[formula],
    target,
    maxOccupancy: task.maxOccupancy,
    shrinkage: task.shrinkage,
    aht,
    patience,
    simulation: simulatedCalls === 0 ? null : { calls: simulatedCalls, seed },
    rows: staffed.map((slot, row) => ({ ...slot, simulated: simulatedCalls === 0 ? null : simulate(slot, row) })),
  };
}

function ahtOf({ ahtMs }: Task, { aht }: History): Answer['aht'] {
  if (ahtMs !== null) return { ms: ahtMs, from: '--aht' };
  if (aht === null) return { ms: ASSUMED_AHT_MS, from: 'assumed; --aht says better' };
  const left = aht.leftOut === 0 ? '' : `, without ${aht.leftOut} that were never ended`;
  return { ms: aht.ahtMs, from: `mean of ${aht.calls} in the log${left}` };
}

function patienceOf({ patience: asked }: Task, { patience: found }: History): Answer['patience'] {
  if (asked === null) return null;
  if (asked !== 'log') return { ms: asked.ms, from: '--patience' };
  if (found === null) throw new UsageError('--patience log: nobody in the log gave up; write seconds, as 120, or leave it out');
  return { ms: found.patienceMs, from: `by ${found.abandoned} who gave up in the log` };
}

// ---------------------------------------------------------------- text

const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;
const secondsText = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const clockText = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

function textOf(answer: Answer): string {
  const { target, aht, patience, simulation, forDate, rows } = answer;
  const { arrivals, outside, leftOut, timeZone } = answer.forecast;
  const wishes = [
    `target ${percent(target.share, 0)} in ${target.withinMs / 1_000} s`,
    ...(answer.maxOccupancy === null ? [] : [`busy at most ${percent(answer.maxOccupancy, 0)}`]),
    `AHT ${secondsText(aht.ms)} (${aht.from})`,
    ...(patience === null ? [] : [`patience ${secondsText(patience.ms)} (${patience.from})`]),
    `shrinkage ${percent(answer.shrinkage, 0)}`,
  ];
  const head = [
    `${arrivals} arrivals ${answer.where}, ${answer.from} to ${answer.to}, ${timeZone}: the mean of each weekday`,
    ...(outside === 0 ? [] : [`not counted: ${outside} before or after these days`]),
    ...leftOut.map((day) => `left out: ${day.date}, ${day.arrivals} arrivals, ${day.usual === null ? 'excluded' : `usually ${day.usual}`}`),
    wishes.join(', '),
    answer.source,
    ...(simulation === null ? [] : [`simulated: ${simulation.calls} calls for each row, seed ${simulation.seed}, ± two standard errors`]),
  ];
  const days = [...new Set(rows.map((row) => row.weekday))].map((weekday) => {
    const ofDay = rows.filter((row) => row.weekday === weekday);
    const known = ofDay[0]?.days ?? 0;
    const title = `${WEEKDAYS[weekday - 1]}${forDate === null ? '' : ` ${forDate}`} (from ${known} ${known === 1 ? 'day' : 'days'})`;
    return `${title}\n${table(ofDay, answer.formula)}`;
  });
  return `${head.join('\n')}\n\n${days.join('\n')}`;
}

function table(rows: readonly Row[], formula: Formula): string {
  const header = ['from', 'calls', 'erlangs', 'agents', 'roster', 'service', 'ASA', 'busy', 'gone', 'simulated', '', 'formula'];
  const lines = rows.map(({ startMinute, calls, staffing, simulated }) => [
    clockText(startMinute),
    calls.toFixed(1),
    staffing.loadErlangs.toFixed(2),
    String(staffing.agents),
    String(staffing.scheduled),
    percent(staffing.serviceLevel),
    secondsText(staffing.asaMs),
    percent(staffing.occupancy),
    percent(staffing.abandonProbability),
    simulated === null ? '' : `${(simulated.serviceLevel.value * 100).toFixed(1)} ± ${percent(2 * simulated.serviceLevel.standardError)}`,
    simulated === null ? '' : `${(simulated.asaMs.value / 1_000).toFixed(1)} ± ${secondsText(2 * simulated.asaMs.standardError)}`,
    formula,
  ]);
  return tableText([header, ...lines], 0);
}

if (import.meta.main) {
  process.exitCode = await runForecast(process.argv.slice(2), process.env, (text) => process.stdout.write(text), Date.now());
}
