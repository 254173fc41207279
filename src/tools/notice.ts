/** npm run notice: one thing to be told by phone to many. Creates notices from a list, and shows, pauses, resumes and stops them. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import type { Language } from '../base/ids.ts';
import { suggest } from '../base/nearest.ts';
import { DEFAULT_NOTICE_PACE, NOTICE_LIMITS, type NoticePace } from '../base/notice.ts';
import { cleanText } from '../channels/call-me.ts';
import { loadDirectory } from '../db/directory.ts';
import { changeNotice, createNotice, findNotice, listNotices, type NoticeWithProgress, noticeOutcomes } from '../db/notices.ts';
import { checkList, outcomesCsv, recipientRules, tellersOf } from '../notices.ts';
import { readRelease } from '../scenario-release.ts';
import { type Centre, inCentre, requireDesk } from './database.ts';
import { scenarioFiles } from './scenario/files.ts';
import { configOf, type Env, noSuch, type Print, readFile, runTool, UsageError } from './tool.ts';

const help = `One thing to be told by phone to many: whoever is free of calls and callbacks tells the next one.

  npm run notice -- create --file FILE.csv --desk DESK --text TEXT [--dry-run] [--skip-bad]
  npm run notice -- list                           the latest, with how far they are
  npm run notice -- show N [--csv]                 one, and who did what to it; --csv: everybody with what came of it
  npm run notice -- pause N | resume N | stop N    stop is for good

The file has the columns number and name (or 電話番号 and 氏名), in UTF-8 or Shift_JIS. The whole list is checked first; if
anything in it is wrong, all of it is listed and nothing is created.

  --text TEXT          what the agent is to tell; --text-file FILE reads it from a file
  --desk DESK          id of the desk whose agents tell it
  --scenario NAME      a scenario tells it on the phone, without an agent: those that declare the variable text can
  --language ja|en     of the text (ja)
  --at-a-time N        how many may be under way at a time (${DEFAULT_NOTICE_PACE.atATime})
  --per-minute N       how many may be launched within any minute (${DEFAULT_NOTICE_PACE.perMinute})
  --dry-run            check the list, and say what would be done
  --skip-bad           leave out the lines that are wrong
  --domain NAME        the centre (DOMAIN, else demo)

The database is DATABASE_URL, else the one in DATA_DIR. A server that runs begins within two seconds.
Ends with 0 when all went well, 1 when something in the list is wrong or the notice is over, 2 when it was called wrongly.
`;

const CHANGES = { pause: 'paused', resume: 'resumed', stop: 'stopped' } as const;
const STATE_AFTER = { pause: 'paused', resume: 'running', stop: 'stopped' } as const;
const VERBS = ['create', 'list', 'show', 'pause', 'resume', 'stop'] as const;
type Verb = (typeof VERBS)[number];
const isVerb = (word: string | undefined): word is Verb => VERBS.some((verb) => verb === word);

/** @returns the exit code */
export function runNotice(argv: readonly string[], env: Env, print: Print): Promise<number> {
  return runTool({ print, hint: `\n${help}` }, async () => {
    const { values, positionals } = parse(argv);
    const [verb, id, ...more] = positionals;
    if (values.help || verb === undefined) {
      print(help);
      return values.help ? 0 : 2;
    }
    if (!isVerb(verb)) throw noSuch('command', verb, VERBS);
    const takesId = verb !== 'create' && verb !== 'list';
    if (more.length > 0 || (!takesId && id !== undefined)) throw new UsageError(`"${more[0] ?? id}" is too much`);
    if (takesId && !/^[0-9]{1,9}$/.test(id ?? '')) throw new UsageError(`write the number of the notice: npm run notice -- ${verb} 12`);
    const task = verb === 'create' ? readCreation(values) : null;
    const options = { name: 'madoguchi notice', max: 2, statementTimeoutMs: 60_000, migrates: print };
    return inCentre(configOf(env, values.domain), options, (centre) => {
      if (task) return create(centre, task, print);
      if (verb === 'list') return list(centre, print);
      if (verb === 'show') return show(centre, id ?? '', values.csv ?? false, print);
      return change(centre, id ?? '', verb as keyof typeof CHANGES, print);
    });
  });
}

const parse = (argv: readonly string[]) =>
  parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      file: { type: 'string' },
      text: { type: 'string' },
      'text-file': { type: 'string' },
      desk: { type: 'string' },
      scenario: { type: 'string' },
      language: { type: 'string' },
      'at-a-time': { type: 'string' },
      'per-minute': { type: 'string' },
      'dry-run': { type: 'boolean' },
      'skip-bad': { type: 'boolean' },
      csv: { type: 'boolean' },
      domain: { type: 'string' },
    },
  });

interface Creation {
  readonly file: string;
  readonly list: Uint8Array;
  readonly text: string;
  readonly deskId: string;
  readonly scenario: string | null;
  readonly language: Language;
  readonly pace: NoticePace;
  readonly dryRun: boolean;
  readonly skipBad: boolean;
}

function readCreation(values: ReturnType<typeof parse>['values']): Creation {
  const { file, desk: deskId, language = 'ja' } = values;
  const written = values['text-file'] === undefined ? values.text : readFile(values['text-file']).toString('utf8');
  const missing = [file === undefined && '--file', deskId === undefined && '--desk', written === undefined && '--text'].filter(Boolean);
  if (file === undefined || deskId === undefined || written === undefined) throw new UsageError(`${missing.join(', ')} must be given`);
  const text = cleanText(written);
  if (text === '' || text.length > NOTICE_LIMITS.text) throw new UsageError(`the text must have 1 to ${NOTICE_LIMITS.text} letters`);
  if (language !== 'ja' && language !== 'en') throw new UsageError('--language takes ja or en');
  const whole = (option: 'at-a-time' | 'per-minute', standard: number, most: number): number => {
    const value = Number(values[option] ?? standard);
    if (!Number.isInteger(value) || value < 1 || value > most) throw new UsageError(`--${option} takes a whole number from 1 to ${most}`);
    return value;
  };
  const pace = {
    atATime: whole('at-a-time', DEFAULT_NOTICE_PACE.atATime, NOTICE_LIMITS.atATime),
    perMinute: whole('per-minute', DEFAULT_NOTICE_PACE.perMinute, NOTICE_LIMITS.perMinute),
  };
  const dryRun = values['dry-run'] ?? false;
  return {
    file,
    list: readFile(file),
    text,
    deskId,
    scenario: values.scenario ?? null,
    language,
    pace,
    dryRun,
    skipBad: values['skip-bad'] ?? false,
  };
}

/** Who stands in the notice's history. */
const by = `${userInfo().username} (command line)`;

const SHOWN = 100;

async function create({ pool, domainId, config }: Centre, task: Creation, print: Print): Promise<number> {
  const directory = await loadDirectory(pool, domainId);
  requireDesk(directory.desks, task.deskId);
  if (task.scenario !== null) await requireTeller(config.scenariosDir, task.scenario);
  const rules = recipientRules(directory, config.callMe.policy.countries);
  const { recipients, problems, lines, alsoIn } = await checkList(pool, domainId, task.list, rules);
  print(`${task.file}: ${lines} recipients\n`);
  for (const { line, value, message } of problems.slice(0, SHOWN))
    print(`  line ${line}: ${value === '' ? '' : `"${value}" `}${message.en}\n`);
  if (problems.length > SHOWN) print(`  … and ${problems.length - SHOWN} more\n`);
  if (alsoIn.size > 0) {
    const notices = [...new Set(alsoIn.values())].join(', ');
    print(`${alsoIn.size} of them are still to be told in another notice, too (notice ${notices}).\n`);
  }
  if (recipients.length === 0 || (problems.length > 0 && !task.skipBad)) {
    const remedy = recipients.length === 0 ? '' : '; --skip-bad leaves these lines out';
    print(`${problems.length} of ${Math.max(lines, 1)} lines are wrong. Nothing was created${remedy}.\n`);
    return 1;
  }
  if (task.dryRun) {
    print(`Would be told: ${recipients.length}. Nothing was created (--dry-run).\n`);
    return 0;
  }
  const { deskId, language, text, scenario, pace } = task;
  const wanted = { requestId: randomUUID(), deskId, language, text, scenario, pace, recipients, by };
  const id = await createNotice(pool, domainId, wanted, Date.now());
  print(`Notice ${id}: ${recipients.length} are to be told${problems.length > 0 ? `, ${problems.length} left out` : ''}.\n`);
  return 0;
}

/** @throws UsageError when no scenario of this name can tell a notice */
async function requireTeller(folder: string, name: string): Promise<void> {
  const release = readRelease(await scenarioFiles(folder), `${folder}/`);
  if (Array.isArray(release)) throw new UsageError('the scenarios are not right: npm run scenario -- check');
  const tellers = tellersOf(release.set);
  if (tellers.includes(name)) return;
  throw new UsageError(`no scenario "${name}" can tell a notice; ${suggest(name, tellers)}`);
}

async function list({ pool, domainId }: Centre, print: Print): Promise<number> {
  const notices = await listNotices(pool, domainId, null, SHOWN, Date.now());
  if (notices.length === 0) print('There are no notices yet.\n');
  for (const notice of notices) print(`${line(notice)}\n`);
  return 0;
}

const first = (text: string): string => {
  const [one = ''] = text.split('\n', 1);
  return one.length > 50 ? `${one.slice(0, 50)}…` : one;
};

function line({ notice, progress }: NoticeWithProgress): string {
  const over = progress.reached + progress.notReached + progress.stopped;
  return `${notice.id.padStart(4)}  ${notice.state.padEnd(8)} ${`${over}/${notice.total}`.padStart(11)}  ${notice.deskId}: ${first(notice.text)}`;
}

async function show({ pool, domainId }: Centre, id: string, csv: boolean, print: Print): Promise<number> {
  const found = await findNotice(pool, domainId, id, Date.now());
  if (!found) throw new UsageError(`there is no notice ${id}`);
  if (csv) {
    print(outcomesCsv(await noticeOutcomes(pool, domainId, id)));
    return 0;
  }
  const { notice, progress, actions } = found;
  const some = (counts: Readonly<Record<string, number>>): string => {
    const list = Object.entries(counts).map(([word, count]) => `${word === '' ? 'nothing noted' : word} ${count}`);
    return list.length > 0 ? ` (${list.join(', ')})` : '';
  };
  const { reached, notReached, stopped, waiting, underWay, resting } = progress;
  print(`Notice ${id}, ${notice.state}: ${notice.total} recipients of ${notice.deskId}, ${notice.pace.atATime} at a time, at most `);
  print(
    `${notice.pace.perMinute} a minute${notice.scenario === null ? '' : `, told by the scenario ${notice.scenario}`}\n\n${notice.text.replace(/^/gm, '  ')}\n\n`,
  );
  print(`  waiting     ${waiting}\n  under way   ${underWay}${resting > 0 ? ` (${resting} to be tried again later)` : ''}\n`);
  print(
    `  reached     ${reached}${some(progress.dispositions)}\n  not reached ${notReached}${some(progress.causes)}\n  stopped     ${stopped}\n\n`,
  );
  for (const { at, by, action, reason } of actions) {
    print(`  ${new Date(at).toISOString()}  ${action}${by === null ? '' : ` by ${by}`}${reason === null ? '' : ` (${reason})`}\n`);
  }
  return 0;
}

async function change({ pool, domainId }: Centre, id: string, verb: keyof typeof CHANGES, print: Print): Promise<number> {
  const state = await changeNotice(pool, domainId, id, CHANGES[verb], by, Date.now());
  if (state === null) throw new UsageError(`there is no notice ${id}`);
  const done = state === STATE_AFTER[verb];
  print(`Notice ${id} is ${state}${done ? '' : ', and over'}.\n`);
  return done ? 0 : 1;
}

if (import.meta.main) {
  process.exitCode = await runNotice(process.argv.slice(2), process.env, (text) => process.stdout.write(text)).catch((error: unknown) => {
    process.stderr.write(`this could not be done: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  });
}
