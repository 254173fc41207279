/** A CSV file as rows with line numbers, whatever wrote it: UTF-8 with or without a byte order mark, or Shift_JIS as Excel in Japan saves. */
import { CsvError, parse } from 'csv-parse/sync';

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

/** The name with the fewest letters to change, if they are few. */
export function nearest(word: string, names: readonly string[]): string | null {
  const ranked = names.map((name) => ({ name, distance: distance(word, name) })).sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(word.length > 3 ? 2 : 1, Math.floor(word.length / 3)) ? best.name : null;
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
