/**
 * Figures of the past, by the very files of `reports/` that anybody can run with psql: no figure has SQL of its own here. What a figure is
 * stands in each file's comment, in both languages, and is shown on the screen.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { DeskId, DomainId, EpochMs } from '../base/ids.ts';
import { transaction } from './pool.ts';

export type ReportName = 'service' | 'handling' | 'agents' | 'callbacks';
export type ReportInterval = '15 minutes' | '1 hour' | '1 day';
/** `share`: from 0 to 1. `seconds` and `share` are null where there is nothing to divide by. */
export type FigureKind = 'count' | 'seconds' | 'share';

export interface TextInBoth {
  readonly en: string;
  readonly ja: string;
}
export interface ReportFile {
  readonly about: TextInBoth;
  /** What each column is, by its name, in the order of the file. */
  readonly columns: ReadonlyMap<string, TextInBoth>;
  readonly text: string;
}
export interface FigureReport extends ReportFile {
  readonly name: ReportName;
  readonly by: readonly string[];
  readonly kinds: Readonly<Record<string, FigureKind>>;
}
export interface Reports {
  readonly figures: ReadonlyMap<ReportName, FigureReport>;
  readonly contacts: ReportFile;
}

export type Figures = Readonly<Record<string, number | null>>;
export interface FigureRow {
  readonly startsAt: EpochMs;
  readonly group: string | null;
  readonly figures: Figures;
}
export interface FigureRequest {
  readonly domainId: DomainId;
  readonly from: EpochMs;
  /** Not included. */
  readonly to: EpochMs;
  /** IANA. */
  readonly timeZone: string;
  readonly interval: ReportInterval;
  readonly by: string;
  /** Those that the one who asks may see. */
  readonly desks: readonly DeskId[];
  /** Of the service level. */
  readonly targetSeconds: number;
}

export interface ContactLine {
  readonly contactId: string;
  readonly arrivedAt: EpochMs;
  readonly channel: string;
  readonly origin: string;
  readonly desk: string | null;
  readonly agent: string | null;
  readonly waitedS: number | null;
  readonly talkedS: number | null;
  readonly cause: string | null;
  readonly disposition: string | null;
  readonly continues: string | null;
}

const [count, seconds, share] = ['count', 'seconds', 'share'] as const;
const FIGURES: Readonly<Record<ReportName, Pick<FigureReport, 'by' | 'kinds'>>> = {
  service: {
    by: ['none', 'desk', 'agent', 'disposition'],
    kinds: {
      offered: count,
      answered: count,
      answered_in_time: count,
      abandoned: count,
      abandoned_in_time: count,
      to_callback: count,
      to_message: count,
      other: count,
      waiting: count,
      service_level: share,
      service_level_all: share,
      abandonment: share,
      asa_s: seconds,
      abandoned_after_s: seconds,
      longest_s: seconds,
    },
  },
  handling: {
    by: ['none', 'desk', 'agent', 'channel', 'disposition'],
    kinds: {
      offers: count,
      no_answer: count,
      declined: count,
      unreachable: count,
      withdrawn: count,
      open: count,
      rona: share,
      segments: count,
      later_segments: count,
      handled: count,
      talk_s: seconds,
      wrap_up_s: seconds,
      mean_talk_s: seconds,
      mean_wrap_up_s: seconds,
      aht_s: seconds,
    },
  },
  agents: {
    by: ['none', 'agent'],
    kinds: {
      logged_on_s: seconds,
      ready_s: seconds,
      busy_s: seconds,
      wrap_up_s: seconds,
      not_ready_s: seconds,
      occupancy: share,
      utilisation: share,
    },
  },
  callbacks: {
    by: ['none', 'desk', 'agent', 'origin', 'disposition'],
    kinds: {
      requested: count,
      reached: count,
      not_reached: count,
      cancelled: count,
      called_again: count,
      other: count,
      open: count,
      attempts: count,
      reached_share: share,
      reached_after_s: seconds,
      agreed: count,
      agreed_kept: count,
    },
  },
};
const NAMES = ['service', 'handling', 'agents', 'callbacks'] as const satisfies readonly ReportName[];
const CONTACT_COLUMNS = [
  'contact_id',
  'arrived_at',
  'channel',
  'origin',
  'desk',
  'agent',
  'waited_s',
  'talked_s',
  'cause',
  'disposition',
  'continues',
];
/** More rows than anybody reads, and than a browser should be sent. */
const MOST_ROWS = 20_000;

/** A report's rows are too many to be shown. */
export class TooManyRowsError extends Error {
  constructor() {
    super(`more than ${MOST_ROWS.toLocaleString('en')} rows`);
    this.name = 'TooManyRowsError';
  }
}

/** Of the product itself. @throws Error that names the file and what its comment lacks */
export function readReports(folder = join(import.meta.dirname, '..', '..', 'reports')): Reports {
  const read = (name: string, columns: readonly string[]): ReportFile => {
    const file = reportFile(readFileSync(join(folder, `${name}.sql`), 'utf8'), `reports/${name}.sql`);
    requireColumns([...file.columns.keys()], columns, `reports/${name}.sql: its comment`);
    return file;
  };
  return {
    figures: new Map(
      NAMES.map((name) => {
        const { by, kinds } = FIGURES[name];
        return [name, { name, by, kinds, ...read(name, ['starts_at', 'grp', ...Object.keys(kinds)]) }];
      }),
    ),
    contacts: read('contacts', CONTACT_COLUMNS),
  };
}

/** Has the database parse all of them, and compares what they give with what is expected. @throws Error that names the file */
export async function checkReports(pool: Pool, reports: Reports): Promise<void> {
  await transaction(pool, async (client) => {
    await client.query('set transaction read only');
    // Of no domain there is nothing, which takes no time.
    const request: FigureRequest = {
      domainId: '',
      from: 0,
      to: 900_000,
      timeZone: 'UTC',
      interval: '1 day',
      by: 'none',
      desks: [],
      targetSeconds: 0,
    };
    const check = async (name: string, text: string, values: unknown[], columns: readonly string[]): Promise<void> => {
      const { fields } = await client.query(text, values).catch((cause: unknown) => {
        throw new Error(`reports/${name}.sql is not understood by the database: ${String(cause)}`, { cause });
      });
      const given = fields.map((field) => field.name);
      requireColumns(given, columns, `reports/${name}.sql`);
    };
    for (const { name, text, columns } of reports.figures.values()) {
      await check(name, text, parameters(name, request, request.interval, 'none'), [...columns.keys()]);
    }
    await check('contacts', reports.contacts.text, ['', new Date(0), new Date(0), [], 0], [...reports.contacts.columns.keys()]);
  });
}

/**
 * By interval and group, and all of it together (null when there is nothing): the same file once more, as shares and means cannot be
 * added up, on the same state of the database.
 * @throws TooManyRowsError; DatabaseError 57014 when it takes longer than the pool allows
 */
export async function runReport(
  pool: Pool,
  { name, text, kinds }: FigureReport,
  request: FigureRequest,
): Promise<{ readonly rows: readonly FigureRow[]; readonly total: Figures | null }> {
  return await transaction(pool, async (client) => {
    await client.query('set transaction isolation level repeatable read, read only');
    const run = async (interval: ReportInterval | 'period', by: string): Promise<FigureRow[]> => {
      const { rows } = await client.query<Record<string, unknown>>(text, parameters(name, request, interval, by));
      return rows.map((row) => ({
        startsAt: row['starts_at'] instanceof Date ? row['starts_at'].getTime() : 0,
        group: typeof row['grp'] === 'string' ? row['grp'] : null,
        figures: Object.fromEntries(Object.keys(kinds).map((column) => [column, numberOf(row[column])])),
      }));
    };
    const rows = await run(request.interval, request.by);
    if (rows.length > MOST_ROWS) throw new TooManyRowsError();
    const [total] = await run('period', 'none');
    return { rows, total: total?.figures ?? null };
  });
}

/** The latest first, at most so many. */
export async function listContacts(
  pool: Pool,
  reports: Reports,
  { domainId, from, to, desks }: Pick<FigureRequest, 'domainId' | 'from' | 'to' | 'desks'>,
  most: number,
): Promise<ContactLine[]> {
  const { rows } = await pool.query<{
    contact_id: string;
    arrived_at: Date;
    channel: string;
    origin: string;
    desk: string | null;
    agent: string | null;
    waited_s: number | null;
    talked_s: number | null;
    cause: string | null;
    disposition: string | null;
    continues: string | null;
  }>(reports.contacts.text, [domainId, new Date(from), new Date(to), desks, most]);
  return rows.map(({ contact_id, arrived_at, waited_s, talked_s, ...rest }) => ({
    ...rest,
    contactId: contact_id,
    arrivedAt: arrived_at.getTime(),
    waitedS: waited_s,
    talkedS: talked_s,
  }));
}

/**
 * A period by the clock of a zone. A time that comes twice is the later one, one that is left out the hour after it.
 * @throws DatabaseError 22023 for a zone that there is not, 22008 for a day that there is not
 */
export async function instantsOf(pool: Pool, from: string, to: string, timeZone: string): Promise<{ from: EpochMs; to: EpochMs }> {
  const { rows } = await pool.query<{ from: number; to: number }>(
    `select (extract(epoch from $1::timestamp at time zone $3) * 1000)::float8 as from, (extract(epoch from $2::timestamp at time zone $3) * 1000)::float8 as to`,
    [from, to, timeZone],
  );
  return rows[0] ?? { from: 0, to: 0 };
}

const numberOf = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));

function parameters(name: ReportName, request: FigureRequest, interval: ReportInterval | 'period', by: string): unknown[] {
  const { domainId, from, to, timeZone, desks, targetSeconds } = request;
  const all = [domainId, new Date(from), new Date(to), timeZone, interval, by, desks];
  return name === 'service' ? [...all, targetSeconds] : all;
}

function requireColumns(given: readonly string[], wanted: readonly string[], where: string): void {
  if (given.join() !== wanted.join()) throw new Error(`${where} has the columns ${given.join(', ')}; right: ${wanted.join(', ')}`);
}

/**
 * The comment at a file's head: a title; `en:` and `ja:` of the whole; after the line `Columns` each column's name, with `en:` and
 * `ja:` beneath. What goes on in the next line stands further in.
 */
export function reportFile(text: string, where: string): ReportFile {
  const about: Words = { en: '', ja: '' };
  const columns = new Map<string, Words>();
  let words: Words | null = about;
  let language: 'en' | 'ja' | null = null;
  let inColumns = false;
  for (const line of text.split('\n').slice(1)) {
    if (!line.startsWith('--')) break;
    const said = /^-- +(en|ja): (.+)$/u.exec(line);
    const more = /^-- {5,}(.+)$/u.exec(line);
    const column = /^-- {3}([a-z_]+)$/u.exec(line);
    if (line === '-- Columns') inColumns = true;
    if (words !== null && said !== null) {
      language = said[1] === 'ja' ? 'ja' : 'en';
      words[language] = said[2] ?? '';
    } else if (words !== null && language !== null && more !== null) words[language] = `${words[language]} ${more[1]}`;
    else {
      words = inColumns && column !== null ? { en: '', ja: '' } : null;
      language = null;
      if (words !== null && column?.[1] !== undefined) columns.set(column[1], words);
    }
  }
  for (const [name, { en, ja }] of [['the whole', about] as const, ...columns]) {
    if (en === '' || ja === '') throw new Error(`${where}: its comment does not say in both languages what ${name} is`);
  }
  return { about, columns, text };
}
type Words = { en: string; ja: string };
