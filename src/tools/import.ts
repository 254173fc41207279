/** npm run import: customers, their orders, organisations and agents from CSV files. */
import { randomInt } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mistake, readCsv, UnreadableCsv } from '../base/csv.ts';
import { hashPassword } from '../db/password.ts';
import { transaction } from '../db/pool.ts';
import { inCentre } from './database.ts';
import { agents } from './import/agents.ts';
import { names } from './import/cells.ts';
import { customers } from './import/customers.ts';
import { orders } from './import/orders.ts';
import { organisations } from './import/organisations.ts';
import type { Importer } from './import/plan.ts';
import { configOf, type Env, noSuch, type Print, readFile, runTool, UsageError } from './tool.ts';

const KINDS = { customers, orders, organisations, agents } as const;
type Kind = keyof typeof KINDS;
const isKind = (word: string | undefined): word is Kind => word !== undefined && Object.hasOwn(KINDS, word);

const help = `Brings customers, their orders, organisations or agents from a CSV file into the database.

  npm run import -- customers|orders|organisations|agents FILE.csv [--dry-run] [--skip-bad]
  npm run import -- customers --template > customers.csv      a file to begin with
  npm run import -- customers --help                          the columns, and what stands in them

The whole file is checked first. If anything in it is wrong, all of it is listed and nothing is imported. The same file
twice changes nothing. A column that is not in the file is left alone; an empty cell empties. UTF-8 or Shift_JIS.

  --dry-run            check, and say what would be done
  --skip-bad           import the right rows and leave out the others
  --country CC         how numbers without a country code are read (JP)
  --domain NAME        the centre (DOMAIN, else demo)
  --passwords FILE     agents: where the new ones' passwords go (a new file in DATA_DIR/secrets, readable by you alone)
  --max-mistakes N     how many to list (100)

The database is DATABASE_URL, else the one in DATA_DIR, whether or not the server is running.
Ends with 0 when all went well, 1 when something in the file is wrong, 2 when it was called wrongly or there is no database.
`;

/** Where the tool says what it does; a terminal's progress line goes to `note`. */
export interface Output {
  readonly print: Print;
  readonly note: Print;
}

/** @returns the exit code */
export function runImport(argv: readonly string[], env: Env, out: Output): Promise<number> {
  return runTool({ print: out.print, hint: `\n${help}` }, async () => {
    const task = readTask(argv);
    if (task.what === 'help') return tell(out, task.kind ? helpOf(task.kind, task.importer) : help);
    if (task.what === 'template') return tell(out, templateOf(task.importer));
    return await importFile(task, env, out);
  });
}

const tell = (out: Output, text: string, code = 0): number => {
  out.print(text);
  return code;
};

function readTask(argv: readonly string[]) {
  const { values, positionals } = parse(argv);
  const [kind, file, ...more] = positionals;
  const country = (values.country ?? 'JP').toUpperCase();
  if (!isKind(kind)) {
    if (values.help || kind === undefined) return { what: 'help', kind: null } as const;
    throw noSuch('import of', kind, Object.keys(KINDS));
  }
  const importer = KINDS[kind](country);
  if (values.help) return { what: 'help', kind, importer } as const;
  if (values.template) return { what: 'template', importer } as const;
  if (file === undefined || more.length > 0) throw new UsageError(`write one file: npm run import -- ${kind} FILE.csv`);
  if (!/^[A-Z]{2}$/.test(country)) throw new UsageError('--country takes two letters, as JP');
  const maxMistakes = Number(values['max-mistakes'] ?? 100);
  if (!Number.isInteger(maxMistakes) || maxMistakes < 1) throw new UsageError('--max-mistakes takes a whole number, as 100');
  return {
    what: 'import',
    kind,
    importer,
    file,
    dryRun: values['dry-run'] ?? false,
    skipBad: values['skip-bad'] ?? false,
    domain: values.domain ?? null,
    passwords: values.passwords ?? null,
    maxMistakes,
  } as const;
}

const parse = (argv: readonly string[]) =>
  parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      template: { type: 'boolean' },
      'dry-run': { type: 'boolean' },
      'skip-bad': { type: 'boolean' },
      country: { type: 'string' },
      domain: { type: 'string' },
      passwords: { type: 'string' },
      'max-mistakes': { type: 'string' },
    },
  });

function helpOf(kind: Kind, { about, columns }: Importer): string {
  const lines = Object.entries(columns).map(([name, column]) => `  ${name.padEnd(15)}${column.required ? '* ' : '  '}${column.form}\n`);
  return `npm run import -- ${kind} FILE.csv: ${about}.\n\nColumns, in any order (* must be there):\n${lines.join('')}\n${help}`;
}

function templateOf({ columns }: Importer): string {
  const line = (cells: readonly string[]): string =>
    `${cells.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
  return line(Object.keys(columns)) + line(Object.values(columns).map((column) => column.example));
}

type ImportTask = Extract<ReturnType<typeof readTask>, { what: 'import' }>;

function importFile(task: ImportTask, env: Env, out: Output): Promise<number> {
  const file = readRows(task);
  const options = { name: 'madoguchi import', max: 3, statementTimeoutMs: 120_000, migrates: out.print };
  return inCentre(configOf(env, task.domain), options, async ({ config, domainId, pool }) => {
    const plan = await task.importer.plan(pool, domainId, file);
    const mistakes = [...file.mistakes, ...plan.mistakes].sort((a, b) => a.line - b.line);
    const rows = file.rows.length + file.mistakes.length;
    const badRows = new Set(mistakes.map((mistake) => mistake.line)).size;
    out.print(`${task.file}: ${rows} rows, ${file.encoding}\n${listOf(mistakes, task.maxMistakes)}`);
    if (badRows > 0 && !task.skipBad) {
      return tell(out, `${badRows} of ${rows} rows are wrong. Nothing was imported; --skip-bad imports the others.\n`, 1);
    }
    const { added, changed, unchanged } = plan.counts;
    const summary = `${added} new, ${changed} changed, ${unchanged} unchanged${badRows > 0 ? `, ${badRows} left out` : ''}`;
    if (task.dryRun) return tell(out, `Would import: ${summary}. Nothing was written (--dry-run).\n`);

    const passwords = await makePasswords(plan.needPassword, out);
    const passwordFile = passwords.length > 0 ? keepPasswords(passwords, task.passwords, join(config.dataDir, 'secrets')) : null;
    try {
      const hashes = new Map(passwords.map(({ id, hash }) => [id, hash]));
      await transaction(pool, (client) => plan.write(client, hashes, (done, all) => progress(out, 'written', done, all)));
    } catch (error) {
      // passwords of people who are not there
      if (passwordFile !== null) rmSync(passwordFile, { force: true });
      throw error;
    }
    out.print(`Imported: ${summary}.\n`);
    if (passwordFile !== null)
      out.print(`Passwords of the new ones: ${passwordFile} (readable by you alone; hand them out, then delete it)\n`);
    return 0;
  });
}

function readRows({ file, importer }: ImportTask) {
  const bytes = readFile(file);
  try {
    return readCsv(bytes, names(importer.columns));
  } catch (error) {
    if (!(error instanceof UnreadableCsv)) throw error;
    throw new UnreadableCsv(`${error.message}\nNothing was imported.`, { cause: error });
  }
}

function listOf(mistakes: readonly Mistake[], max: number): string {
  const lines = mistakes.slice(0, max).map(({ line, column, reason, form }) => {
    const where = column === null ? `line ${line}` : `line ${line}, ${column}`;
    return `  ${where}: ${reason}${form === null ? '' : `\n      right: ${form}`}\n`;
  });
  const more = mistakes.length - lines.length;
  return lines.join('') + (more > 0 ? `  … and ${more} more (--max-mistakes)\n` : '');
}

/** Worth showing only when it takes a while. */
function progress(out: Output, what: string, done: number, all: number): void {
  if (all > 1_000) out.note(`${what} ${done} of ${all}`);
}

interface NewPassword {
  readonly id: string;
  readonly userName: string;
  readonly name: string;
  readonly password: string;
  readonly hash: string;
}

/** Hashing is slow on purpose, so it happens before the transaction, some at a time. */
async function makePasswords(people: readonly { id: string; userName: string; name: string }[], out: Output): Promise<NewPassword[]> {
  const made: NewPassword[] = [];
  for (let from = 0; from < people.length; from += 4) {
    const some = people.slice(from, from + 4).map(async (person): Promise<NewPassword> => {
      const password = newPassword();
      return { ...person, password, hash: await hashPassword(password) };
    });
    made.push(...(await Promise.all(some)));
    if (people.length > 40) out.note(`passwords ${made.length} of ${people.length}`);
  }
  return made;
}

/** Twelve letters and digits in three groups: 58 bits, without those that look alike. */
function newPassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const group = (): string => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return `${group()}-${group()}-${group()}`;
}

function keepPasswords(passwords: readonly NewPassword[], chosen: string | null, folder: string): string {
  const file = resolve(chosen ?? join(folder, `passwords-${new Date().toISOString().replace(/[:.]/g, '-')}.csv`));
  const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;
  const lines = passwords.map(({ userName, name, password }) => `${userName},${quoted(name)},${password}\n`);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    // never over another file: it may hold somebody's only copy
    writeFileSync(file, `user_name,name,password\n${lines.join('')}`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new UsageError(`${file} can't be made: ${cause instanceof Error ? cause.message : String(cause)}. Nothing was imported.`, {
      cause,
    });
  }
  chmodSync(file, 0o600);
  return file;
}

if (import.meta.main) {
  const onTerminal = process.stderr.isTTY;
  process.exitCode = await runImport(process.argv.slice(2), process.env, {
    print: (text) => process.stdout.write(text),
    note: (text) => process.stderr.write(onTerminal ? `\r\u001b[K${text}` : `${text}\n`),
  }).catch((error: unknown) => {
    process.stderr.write(`the import failed, and nothing was written: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  });
}
