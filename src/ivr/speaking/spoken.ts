/** A value, read out: what every format gives, and what every language needs to know of numbers. */
import type { Language } from '../../base/ids.ts';
import type { Value } from '../scenario.ts';

export interface Spoken {
  /** As one writes it in that language: `11月21日土曜日`, `10:15 a.m.`. */
  readonly written: string;
  /** What is said, one sound file after another. */
  readonly pieces: readonly string[];
}

export interface Format {
  /** Null: the value does not have this form, and is read as text. */
  readonly read: (value: Value, language: Language) => Spoken | null;
  /** Every piece that `read` can give in a language, each once. */
  readonly vocabulary: (language: Language) => readonly string[];
}

/** `count` things made from 0, 1, 2 … by a function. */
export const listOf = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** The entry of a table at an index that is known to be within it. */
export function at<T>(table: readonly T[], index: number): T {
  const entry = table[index];
  if (entry === undefined) throw new RangeError(`no entry ${index} in a table of ${table.length}`);
  return entry;
}

export interface Decimal {
  readonly negative: boolean;
  /** Below `NUMBER_LIMIT`. */
  readonly whole: number;
  /** Digits after the point. */
  readonly fraction: string;
}

/** Numbers from here on are read as text: whole billions in English, whole 兆 in Japanese have no words here. */
export const NUMBER_LIMIT = 1_000_000_000_000;

/**
 * A number as it is written, rounded (half up) to so many places. Null for what is no decimal number, or one that is too great.
 * Exact: `1.005` with two places is `1.01`.
 */
export function decimalOf(value: Value, places: number): Decimal | null {
  if (typeof value === 'boolean') return null;
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(String(value).trim()) ?? [];
  if (whole === '') return null;
  const scaled = BigInt(whole + fraction.slice(0, places).padEnd(places, '0')) + (Number(fraction[places] ?? 0) >= 5 ? 1n : 0n);
  const digits = scaled.toString().padStart(places + 1, '0');
  const rounded = { whole: Number(digits.slice(0, digits.length - places)), fraction: places === 0 ? '' : digits.slice(-places) };
  if (rounded.whole >= NUMBER_LIMIT) return null;
  return { negative: sign === '-' && scaled > 0n, ...rounded };
}

/** `1234567` → `1,234,567`. */
export const withCommas = (whole: number): string => String(whole).replaceAll(/\B(?=(\d{3})+$)/g, ',');

export interface DateValue {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** `YYYY-MM-DD`; null for what is no day of the calendar. */
export function dateOf(value: Value): DateValue | null {
  const [, y, m, d] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(String(value)) ?? [];
  const [year, month, day] = [Number(y), Number(m), Number(d)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (y === undefined || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return { year, month, day, weekday: date.getUTCDay() };
}

export interface TimeValue {
  /** 0 to 23. */
  readonly hour: number;
  readonly minute: number;
}

/** `HH:MM`, seconds may follow; null for what is no time of day. */
export function timeOf(value: Value): TimeValue | null {
  const [, h, m] = /^(\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?$/.exec(String(value)) ?? [];
  const [hour, minute] = [Number(h), Number(m)];
  return h === undefined || hour > 23 || minute > 59 ? null : { hour, minute };
}

/**
 * Digits in groups that an ear can hold: as the hyphens or spaces have them, else up to five together and longer ones in
 * even groups of three and four. Null for what is not digits.
 */
export function digitGroups(text: string): string[] | null {
  if (!/^\d+(?:[- ]\d+)*$/.test(text) || text.length > 40) return null;
  return text.split(/[- ]/).flatMap((run) => {
    if (run.length <= 5) return [run];
    const count = Math.ceil(run.length / 4);
    const short = count - (run.length % count || count); // so many groups have one digit less; they come first
    const most = Math.ceil(run.length / count);
    const groups: string[] = [];
    for (let from = 0; from < run.length; ) {
      const length = groups.length < short ? most - 1 : most;
      groups.push(run.slice(from, from + length));
      from += length;
    }
    return groups;
  });
}

/** A language: how it says and writes what is read out. `…Words`: every piece that the function of that name can give. */
export interface Speaker {
  decimal(n: Decimal): string[];
  readonly decimalWords: readonly string[];
  ordinal(n: number): string[];
  ordinalWritten(n: number): string;
  readonly ordinalWords: readonly string[];
  /** Group by group, with a breath between. */
  digits(groups: readonly string[]): string[];
  readonly digitWords: readonly string[];
  /** Before the country of a phone number. */
  readonly plus: string;
  date(d: DateValue): string[];
  dateWritten(d: DateValue): string;
  readonly dateWords: readonly string[];
  fullDate(d: DateValue): string[];
  fullDateWritten(d: DateValue): string;
  readonly fullDateWords: readonly string[];
  time(t: TimeValue): string[];
  timeWritten(t: TimeValue): string;
  readonly timeWords: readonly string[];
  dateTime(d: DateValue, t: TimeValue): string[];
  dateTimeWritten(d: DateValue, t: TimeValue): string;
  readonly dateTimeWords: readonly string[];
  duration(minutes: number): string[];
  durationWritten(minutes: number): string;
  readonly durationWords: readonly string[];
}
