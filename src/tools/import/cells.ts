/** How the cells of an import file are read. Each reader gives the value, or says what is wrong and what would be right. */

import type { ColumnName, CsvRow, Mistake } from '../../base/csv.ts';
import { nearest } from '../../base/nearest.ts';
import { readNumber } from '../../contact/identify.ts';
import type { OpeningHours } from '../../routing/directory.ts';

/** What is wrong with a cell. */
export class CellError extends Error {
  readonly form: string | null;
  constructor(reason: string, form: string | null = null) {
    super(reason);
    this.form = form;
  }
}

export type Reader<T> = (cell: string) => T;

export interface Column<T> extends ColumnName {
  readonly read: Reader<T>;
  /** For the template's second line. */
  readonly example: string;
  /** For `--help`. */
  readonly form: string;
}

export type Columns = Readonly<Record<string, Omit<Column<unknown>, 'name'>>>;
/** What a row gives: only the columns that the file has. A column that it has not is left alone in the database. */
export type Values<C extends Columns> = { readonly [K in keyof C]?: ReturnType<C[K]['read']> };

/** A row that can be read, with its line for what is found wrong later. */
export interface Parsed<C extends Columns> {
  readonly line: number;
  readonly values: Values<C>;
}

export function names(columns: Columns): ColumnName[] {
  return Object.entries(columns).map(([name, { required }]) => ({ name, required }));
}

/** Reads every cell of every row; a row with a mistake in it is only in `mistakes`. */
export function readRows<C extends Columns>(rows: readonly CsvRow[], columns: C): { rows: Parsed<C>[]; mistakes: Mistake[] } {
  const mistakes: Mistake[] = [];
  const parsed: Parsed<C>[] = [];
  for (const { line, cells } of rows) {
    const before = mistakes.length;
    const values: Record<string, unknown> = {};
    for (const [column, cell] of cells) {
      const { read, required = false, form = null } = columns[column] ?? {};
      try {
        if (cell === '' && required) throw new CellError('is empty');
        values[column] = read?.(cell);
      } catch (error) {
        if (!(error instanceof CellError)) throw error;
        mistakes.push({ line, column, reason: error.message, form: error.form ?? form });
      }
    }
    // Every value was made by the column's own reader above.
    if (mistakes.length === before) parsed.push({ line, values: values as Values<C> });
  }
  return { rows: parsed, mistakes };
}

const quoted = (cell: string): string => `"${cell.length > 40 ? `${cell.slice(0, 40)}…` : cell}"`;

export const text: Reader<string> = (cell) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(cell)) throw new CellError('has control characters in it');
  return cell;
};

export const matching =
  (pattern: RegExp): Reader<string> =>
  (cell) => {
    if (!pattern.test(cell)) throw new CellError(`${quoted(cell)} can't be one`);
    return cell;
  };

export const oneOf =
  <const T extends string>(...words: readonly T[]): Reader<T> =>
  (cell) => {
    const word = words.find((candidate) => candidate.toLowerCase() === cell.toLowerCase());
    if (word !== undefined) return word;
    const near = nearest(cell.toLowerCase(), words);
    throw new CellError(`${quoted(cell)} is none of ${words.join(', ')}${near ? `; did you mean ${near}?` : ''}`);
  };

/** An empty cell is null. */
export const optional =
  <T>(read: Reader<T>): Reader<T | null> =>
  (cell) =>
    cell === '' ? null : read(cell);

/** An empty cell is as if the column were not there. */
export const orDefault =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (cell) =>
    cell === '' ? undefined : read(cell);

/** Several in one cell, separated by semicolons. */
export const list =
  <T>(read: Reader<T>): Reader<readonly T[]> =>
  (cell) => {
    const items = cell
      .split(/[;；]/)
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map(read);
    const twice = items.find((item, i) => typeof item === 'string' && items.indexOf(item) !== i);
    if (twice !== undefined) throw new CellError(`${quoted(String(twice))} is there twice`);
    return items;
  };

/** A name with a whole number, as `english:3`. Without a number it is `standard`; null: it must have one. */
export const rated =
  (pattern: RegExp, least: number, most: number, standard: number | null): Reader<{ readonly name: string; readonly value: number }> =>
  (cell) => {
    const [, name = '', number] = /^([^:：]*?)(?:\s*[:：]\s*(\d{1,4}))?$/.exec(cell) ?? [];
    if (!pattern.test(name)) throw new CellError(`${quoted(cell)} can't be one`);
    if (number === undefined && standard === null) throw new CellError(`${quoted(cell)} has no number; write ${name}:${least}`);
    const value = number === undefined ? (standard ?? least) : Number(number);
    if (value < least || value > most) throw new CellError(`${quoted(cell)} has a number beyond ${least} to ${most}`);
    return { name, value };
  };

/** Several `rated` ones in one cell, in the order of their names. */
export const ratings =
  (read: ReturnType<typeof rated>): Reader<readonly { readonly name: string; readonly value: number }[]> =>
  (cell) => {
    const items = list(read)(cell).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const twice = items.find((item, i) => item.name === items[i - 1]?.name);
    if (twice !== undefined) throw new CellError(`${quoted(twice.name)} is there twice`);
    return items;
  };

/** To E.164. */
export const phone =
  (country: string): Reader<string> =>
  (cell) => {
    const number = readNumber(cell, country);
    if (number === null)
      throw new CellError(`${quoted(cell)} is no valid telephone number`, `as +81312345678, or in the form usual in ${country}`);
    return number.e164;
  };

export const email: Reader<string> = (cell) => {
  if (!/^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>".]+$/.test(cell)) throw new CellError(`${quoted(cell)} is no e-mail address`);
  return cell.toLowerCase();
};

export const REGION_FORM = 'prefecture number 01 to 47 (13 = Tokyo), or ISO 3166-2 as GB-LND';
export const region: Reader<string> = (cell) => {
  const short = cell.normalize('NFKC').toUpperCase().replace(/^JP-/, '');
  if (/^(0[1-9]|[1-3]\d|4[0-7])$/.test(short) || /^(?!JP)[A-Z]{2}-[A-Z0-9]{1,3}$/.test(short)) return short;
  const padded = /^[1-9]$/.test(short) ? `; write 0${short}` : '';
  throw new CellError(`${quoted(cell)} is no region${padded}`, REGION_FORM);
};

export const yesNo: Reader<boolean> = (cell) => {
  const word = cell.toLowerCase();
  if (['yes', 'y', 'true', '1', 'はい'].includes(word)) return true;
  if (['no', 'n', 'false', '0', 'いいえ'].includes(word)) return false;
  throw new CellError(`${quoted(cell)} is neither yes nor no`);
};

export const date: Reader<string> = (cell) => {
  const [, year, month, day] = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(cell) ?? [];
  const iso = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  const time = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(time.getTime()) || time.toISOString().slice(0, 10) !== iso) {
    throw new CellError(`${quoted(cell)} is no date`, 'as 2026-11-23');
  }
  return iso;
};

export const timeZone: Reader<string> = (cell) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: cell }).resolvedOptions().timeZone;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CellError(`${quoted(cell)} is no time zone`);
  }
};

export const HOURS_FORM = 'always, or weekdays (1 = Monday … 7 = Sunday) and times: 1-5 09:00-17:30; 6 09:00-12:00';
export const hours: Reader<readonly OpeningHours[]> = (cell) => {
  if (cell === '') return [];
  if (cell.toLowerCase() === 'always') return weekdays(1, 7).map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
  const found = list(span)(cell).flat();
  const sorted = found.toSorted((a, b) => a.weekday - b.weekday || (a.from < b.from ? -1 : 1));
  for (const [i, next] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before?.weekday === next.weekday && before.to > next.from) {
      throw new CellError(`${before.from}-${before.to} and ${next.from}-${next.to} of weekday ${next.weekday} overlap`);
    }
  }
  return sorted;
};

const span: Reader<readonly OpeningHours[]> = (cell) => {
  const [, first, last, from, to] = /^([1-7])(?:-([1-7]))?\s+(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(cell) ?? [];
  if (first === undefined || from === undefined || to === undefined) throw new CellError(`${quoted(cell)} can't be read`, HOURS_FORM);
  const [opens, closes] = [from.padStart(5, '0'), to.padStart(5, '0')];
  const valid = (time: string): boolean => /^([01]\d|2[0-3]):[0-5]\d$/.test(time) || time === '24:00';
  if (!valid(opens) || !valid(closes) || opens >= closes || Number(last ?? first) < Number(first)) {
    throw new CellError(`${quoted(cell)} ends before it begins, or is no time`, HOURS_FORM);
  }
  return weekdays(Number(first), Number(last ?? first)).map((weekday) => ({ weekday, from: opens, to: closes }));
};

function weekdays(first: number, last: number): OpeningHours['weekday'][] {
  return ([1, 2, 3, 4, 5, 6, 7] as const).filter((day) => day >= first && day <= last);
}

/** Says of which lines a value is, where it may be there once only. */
export function duplicates<T>(rows: readonly { readonly line: number; readonly value: T }[], column: string): Mistake[] {
  const first = new Map<T, number>();
  const mistakes: Mistake[] = [];
  for (const { line, value } of rows) {
    const other = first.get(value);
    if (other === undefined) first.set(value, line);
    else mistakes.push({ line, column, reason: `${quoted(String(value))} is in line ${other}, too`, form: null });
  }
  return mistakes;
}

/** "There is no such …", with the likely one. */
export function unknown(what: string, value: string, known: Iterable<string>): string {
  const near = nearest(value, [...known]);
  return `there is no ${what} ${quoted(value)}${near ? `, did you mean "${near}"?` : ''}`;
}
