/** A CSV file as rows with line numbers, whatever wrote it: UTF-8 with or without a byte order mark, or Shift_JIS as Excel in Japan saves. */
import { CsvError, parse } from 'csv-parse/sync';
import { nearest } from './nearest.ts';

/** One thing that is wrong, where, and how it would be right. */
export interface Mistake {
  readonly line: number;
  readonly column: string | null;
  readonly reason: string;
  /** The right form; null where the reason says it. */
  readonly form: string | null;
}

export interface CsvRow {
  /** Of its beginning; a quoted cell may go over several. */
  readonly line: number;
  readonly cells: ReadonlyMap<string, string>;
}

export interface CsvFile {
  readonly encoding: 'UTF-8' | 'Shift_JIS';
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
  readonly mistakes: readonly Mistake[];
}

export interface ColumnName {
  readonly name: string;
  readonly required: boolean;
}

/** The file can't be read at all. */
export class UnreadableCsv extends Error {}

/** @throws UnreadableCsv when it is neither encoding, or quotes don't match, or the header is wrong */
export function readCsv(bytes: Uint8Array, known: readonly ColumnName[]): CsvFile {
  const { text, encoding } = decodeCsv(bytes);
  const [header, ...records] = splitCsv(text);
  if (header === undefined) throw new UnreadableCsv('the file is empty: the first line must name the columns');
  const columns = header.cells.map((cell) => cell.trim().toLowerCase());
  const problems = headerProblems(columns, known);
  if (problems.length > 0) throw new UnreadableCsv(problems.join('\n'));

  const rows: CsvRow[] = [];
  const mistakes: Mistake[] = [];
  for (const { line, cells } of records) {
    if (cells.every((cell) => cell.trim() === '')) continue;
    if (cells.length !== columns.length) {
      const reason = `has ${cells.length} cells, the header has ${columns.length}`;
      mistakes.push({ line, column: null, reason, form: 'a cell with a comma or a line break stands in "double quotes"' });
      continue;
    }
    rows.push({ line, cells: new Map(columns.map((column, i) => [column, (cells[i] ?? '').trim()])) });
  }
  return { encoding, columns, rows, mistakes };
}

/** @throws UnreadableCsv when it is neither encoding */
export function decodeCsv(bytes: Uint8Array): Pick<CsvFile, 'encoding'> & { text: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'UTF-8' }; // takes the mark off, too
  } catch {
    // not UTF-8: the next one is tried
  }
  try {
    return { text: new TextDecoder('shift_jis', { fatal: true }).decode(bytes), encoding: 'Shift_JIS' };
  } catch (cause) {
    throw new UnreadableCsv('the file is neither UTF-8 nor Shift_JIS: save it as "CSV UTF-8"', { cause });
  }
}

/**
 * The records of a text, each with the line on which it begins; empty lines are left out.
 * @throws UnreadableCsv when quotes don't match
 */
export function splitCsv(text: string, delimiter = ','): { line: number; cells: string[] }[] {
  try {
    const found = parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true, info: true, delimiter }) as unknown as {
      record: string[];
      info: { lines: number };
    }[];
    return found.map(({ record, info }) => ({
      // the parser counts to the end of the record
      line: info.lines - record.reduce((breaks, cell) => breaks + (cell.match(/\r\n|\n|\r/g)?.length ?? 0), 0),
      cells: record,
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error['lines'] === 'number' ? `line ${error['lines']}: ` : '';
    throw new UnreadableCsv(`${line}the quotes don't match: a quote inside a quoted cell is written twice`, { cause: error });
  }
}

/**
 * A file for a spreadsheet (RFC 4180): with a byte order mark, and no cell that it would take for a formula. A number (or a phone
 * number with its plus) is none; null is an empty cell.
 */
export function csvText(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null): string => {
    const text = String(value ?? '');
    const plain = typeof value === 'string' && /^[=@\t\r]|^[+-](?!\d+$)/u.test(text) ? `'${text}` : text;
    return /[",\r\n]/u.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  return `\ufeff${rows.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')}`;
}

function headerProblems(columns: readonly string[], known: readonly ColumnName[]): string[] {
  const names = known.map((column) => column.name);
  const unknown = columns.filter((column) => !names.includes(column));
  const missing = known.filter((column) => column.required && !columns.includes(column.name)).map((column) => column.name);
  const twice = columns.filter((column, i) => columns.indexOf(column) !== i);
  return [
    ...unknown.map((column) => {
      const near = nearest(
        column,
        names.filter((name) => !columns.includes(name)),
      );
      return `line 1: there is no column "${column}"${near ? `, did you mean "${near}"?` : ''} (columns: ${names.join(', ')})`;
    }),
    ...missing.map((column) => `line 1: the column "${column}" is missing`),
    ...twice.map((column) => `line 1: the column "${column}" is there twice`),
  ];
}
