/** npm run waits: how honest the waits were that people were told. */
import { parseArgs } from 'node:util';
import type { EpochMs } from '../base/ids.ts';
import { loadDirectory } from '../db/directory.ts';
import { type WaitHonesty, waitHonesty } from '../db/wait-honesty.ts';
import { inCentre } from './database.ts';
import { type DaysAsked, dayOption, daysAsked, zoneOption } from './days.ts';
import { tableText } from './table.ts';
import { configOf, type Env, type Print, runTool, UsageError } from './tool.ts';

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

/** @returns the exit code */
export function runWaits(argv: readonly string[], env: Env, print: Print, now: EpochMs): Promise<number> {
  return runTool({ print, hint: 'npm run waits -- --help says what there is.\n' }, async () => {
    const task = readTask(argv);
    if (task === 'help') {
      print(HELP);
      return 0;
    }
    const answer = await read(task, env, now);
    if (task.json) print(`${JSON.stringify(answer, null, 2)}\n`);
    else print(textOf(answer));
    return answer.desks.length > 0 ? 0 : 1;
  });
}

interface Task extends DaysAsked {
  readonly json: boolean;
}

interface Answer {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly desks: readonly (WaitHonesty & { readonly name: string | null })[];
}

function readTask(argv: readonly string[]): Task | 'help' {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { help: { ...flag, short: 'h' }, json: flag, from: text, to: text, desk: text, 'time-zone': text } as const;
  const given = parseArgs({ args: [...argv], options }).values;
  if (given.help) return 'help';
  const from = given.from === undefined ? null : dayOption('--from', given.from);
  const to = given.to === undefined ? null : dayOption('--to', given.to);
  if (from !== null && to !== null && to < from) throw new UsageError(`--to ${to} is before --from ${from}`);
  const zone = given['time-zone'];
  return { from, to, desk: given.desk ?? null, timeZone: zone === undefined ? null : zoneOption(zone), json: given.json ?? false };
}

function read(task: Task, env: Env, now: EpochMs): Promise<Answer> {
  return inCentre(configOf(env), { name: 'madoguchi waits', max: 1, statementTimeoutMs: 120_000 }, async ({ pool, domainId }) => {
    const { desks } = await loadDirectory(pool, domainId, now);
    const { from, to, timeZone, span } = daysAsked(task, { desks, domainId, last: 'today', days: DAYS }, now);
    const rows = await waitHonesty(pool, span);
    return { from, to, timeZone, desks: rows.map((row) => ({ ...row, name: desks.get(row.deskId ?? '')?.name ?? null })) };
  });
}

const secondsText = (ms: number | null): string => (ms === null ? '' : `${(ms / 1_000).toFixed(0)} s`);
const signedText = (ms: number | null): string => (ms !== null && ms >= 500 ? `+${secondsText(ms)}` : secondsText(ms));

function textOf({ from, to, timeZone, desks }: Answer): string {
  if (desks.length === 0) return `No wait was predicted from ${from} to ${to} (${timeZone}): nobody had to wait, or nobody was there.\n`;
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
  return `Predicted and real waits, ${from} to ${to}, ${timeZone}\n\n${tableText([header, ...lines])}`;
}

if (import.meta.main) {
  process.exitCode = await runWaits(process.argv.slice(2), process.env, (text) => process.stdout.write(text), Date.now());
}
