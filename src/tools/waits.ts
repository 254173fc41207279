/** npm run waits: how honest the waits were that people were told. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nearest } from '../base/csv.ts';
import type { EpochMs } from '../base/ids.ts';
import { loadConfig } from '../config.ts';
import { hasCentre } from '../db/centre.ts';
import { loadDirectory } from '../db/directory.ts';
import { type WaitHonesty, waitHonesty } from '../db/wait-honesty.ts';
import { startOfDay } from '../routing/forecast.ts';
import { wallClock } from '../routing/hours.ts';
import { NoDatabaseError, openDatabase } from './database.ts';

const HELP = `Compares the waits that were predicted when people began to wait with the waits that followed, by desk.

  npm run waits                                         the last seven days
  npm run waits -- --from 2026-11-01 --to 2026-11-20 --desk tokyo-desk

  --from DATE --to DATE   first and last day of arrival, as 2026-11-01 (the seven days up to today)
  --desk ID               this desk only; its time zone holds
  --time-zone ZONE        IANA name, by which days begin (the desk's, else Asia/Tokyo)
  --json                  for programs

Columns: contacts for which a wait was predicted and is over; the mean of what was predicted and of what it was; the median of the
errors, whichever way; bias = mean of predicted less real (+: people were told too much); within = share whose wait was within a
quarter of the predicted, or 30 s where that is more; open = contacts with a prediction who gave up or still wait: what it would
have been, nobody knows. Whoever found an agent at once was told nothing and is not counted. A call's wait ends when an agent
answers, a callback's when it is first given to an agent.

The database is DATABASE_URL, else the one in DATA_DIR, whether or not the server is running.
Ends with 0, with 1 when nothing was predicted in that time, with 2 when it was called wrongly or there is no database.
`;

const DAYS = 7;

class UsageError extends Error {}

/** @returns the exit code */
export async function runWaits(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  print: (text: string) => void,
  now: EpochMs,
): Promise<number> {
  try {
    const task = readTask(argv);
    if (task === 'help') {
      print(HELP);
      return 0;
    }
    const answer = await read(task, env, now);
    if (task.json) print(`${JSON.stringify(answer, null, 2)}\n`);
    else if (answer.desks.length > 0) print(textOf(answer));
    if (answer.desks.length > 0) return 0;
    if (!task.json)
      print(`No wait was predicted from ${answer.from} to ${answer.to} (${answer.timeZone}): nobody had to wait, or nobody was there.\n`);
    return 1;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof NoDatabaseError)) throw error;
    print(`${error.message}\n`);
    return 2;
  }
}

interface Task {
  readonly from: string | null;
  readonly to: string | null;
  readonly desk: string | null;
  readonly timeZone: string | null;
  readonly json: boolean;
}

interface Answer {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly desks: readonly (WaitHonesty & { readonly name: string | null })[];
}

function readTask(argv: readonly string[]): Task | 'help' {
  const given = parse(argv);
  if (given.help) return 'help';
  const [from, to] = [day('--from', given.from), day('--to', given.to)];
  if (from !== null && to !== null && to < from) throw new UsageError(`--to ${to} is before --from ${from}`);
  return { from, to, desk: given.desk ?? null, timeZone: zone(given['time-zone']), json: given.json ?? false };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { help: { ...flag, short: 'h' }, json: flag, from: text, to: text, desk: text, 'time-zone': text } as const;
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : String(cause)}\nnpm run waits -- --help says what there is.`, {
      cause,
    });
  }
}

function day(option: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  const at = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(value)) return value;
  throw new UsageError(`${option}: "${value}" is no day; right: as 2026-11-23`);
}

function zone(value: string | undefined): string | null {
  try {
    return value === undefined ? null : new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new UsageError(`--time-zone: there is no zone "${value}"; right: an IANA name, as Asia/Tokyo or Europe/London`, { cause });
  }
}

const daysFrom = (date: string, days: number): string => new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10);

async function read(task: Task, env: Readonly<Record<string, string | undefined>>, now: EpochMs): Promise<Answer> {
  const loaded = loadConfig(env, [], (file) => readFileSync(file, 'utf8'));
  if (loaded.kind !== 'config') throw new UsageError(loaded.text);
  const { config } = loaded;
  const { pool, close } = await openDatabase(config, { name: 'madoguchi waits', max: 1, statementTimeoutMs: 120_000 });
  try {
    if (!(await hasCentre(pool, config.domain)))
      throw new UsageError(`the database has no centre "${config.domain}": start the server once, or set DOMAIN`);
    const { desks } = await loadDirectory(pool, config.domain, now);
    const desk = task.desk === null ? null : desks.get(task.desk);
    if (desk === undefined) {
      const near = nearest(task.desk ?? '', [...desks.keys()]);
      throw new UsageError(`there is no desk "${task.desk}"${near ? `, did you mean ${near}?` : ''} (${[...desks.keys()].join(', ')})`);
    }
    const timeZone = task.timeZone ?? desk?.timeZone ?? 'Asia/Tokyo';
    const to = task.to ?? wallClock(now, timeZone).date;
    const from = task.from ?? daysFrom(to, 1 - DAYS);
    if (to < from) throw new UsageError(`--from ${from} is after today; say --to as well`);
    const span = {
      domainId: config.domain,
      desk: task.desk,
      from: startOfDay(from, timeZone),
      until: startOfDay(daysFrom(to, 1), timeZone),
    };
    const rows = await waitHonesty(pool, span);
    return { from, to, timeZone, desks: rows.map((row) => ({ ...row, name: desks.get(row.deskId ?? '')?.name ?? null })) };
  } finally {
    await close();
  }
}

const secondsText = (ms: number | null): string => (ms === null ? '' : `${(ms / 1_000).toFixed(0)} s`);
const signedText = (ms: number | null): string => (ms !== null && ms >= 500 ? `+${secondsText(ms)}` : secondsText(ms));

function textOf({ from, to, timeZone, desks }: Answer): string {
  const header = ['desk', 'contacts', 'predicted', 'real', 'median error', 'bias', 'within', 'open'];
  const lines = desks.map((row) => [
    row.deskId ?? 'all',
    String(row.measured),
    secondsText(row.meanPredictedMs),
    secondsText(row.meanRealMs),
    secondsText(row.medianErrorMs),
    signedText(row.biasMs),
    row.withinShare === null ? '' : `${(row.withinShare * 100).toFixed(0)} %`,
    String(row.unanswered),
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  const pad = (cell: string, i: number): string => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0));
  const table = [header, ...lines].map((line) => `  ${line.map(pad).join('  ')}`.trimEnd());
  return `Predicted and real waits, ${from} to ${to}, ${timeZone}\n\n${table.join('\n')}\n`;
}

if (import.meta.main) {
  process.exitCode = await runWaits(process.argv.slice(2), process.env, (text) => process.stdout.write(text), Date.now());
}
