/**
 * Japanese, as one announces it. Every piece is written so that Open JTalk (and a speaker) reads it right when it stands alone:
 * kana where the kanji has several readings (十分 would be じゅうぶん, 一日 いちにち), kanji where it is plain, because that gets
 * the accent right, too.
 *
 * What is counted (円, 時間, 番目) is one piece with the last digit, since that is where the sound changes: よえん, くじかん, じゅってん.
 */
import { at, type DateValue, type Decimal, listOf, type Speaker, type TimeValue, withCommas } from './spoken.ts';

const KANJI = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九', '十'] as const;
const ZERO = 'ゼロ';

/** 0 to 99. 九十九 would be read つくも, a name. */
const small = (n: number): string => {
  if (n === 0) return ZERO;
  if (n === 99) return '九十きゅう';
  const [ten, one] = [Math.floor(n / 10), n % 10];
  return `${ten > 1 ? at(KANJI, ten) : ''}${ten > 0 ? '十' : ''}${one > 0 ? at(KANJI, one) : ''}`;
};
const hundred = (n: number): string => `${n > 1 ? at(KANJI, n) : ''}百`;
const thousand = (n: number): string => `${n > 1 ? at(KANJI, n) : ''}千`;
/** 千万 is いっせんまん. */
const ONE_THOUSAND = '一千';
const SCALES = ['', '万', '億'] as const;

/** A whole number. */
export function number(n: number): string[] {
  return n === 0 ? [ZERO] : upTo(n);
}
/** Nothing for 0. */
function upTo(n: number): string[] {
  const pieces: string[] = [];
  for (let scale = SCALES.length - 1; scale >= 0; scale--) {
    const group = Math.floor(n / 10_000 ** scale) % 10_000;
    if (group === 0) continue;
    const [thousands, hundreds, rest] = [Math.floor(group / 1000), Math.floor(group / 100) % 10, group % 100];
    if (thousands > 0) pieces.push(thousands === 1 && scale > 0 ? ONE_THOUSAND : thousand(thousands));
    if (hundreds > 0) pieces.push(hundred(hundreds));
    if (rest > 0) pieces.push(small(rest));
    if (scale > 0) pieces.push(at(SCALES, scale));
  }
  return pieces;
}

const NUMBER = [
  ...listOf(100, small),
  ...listOf(9, (i) => hundred(i + 1)),
  ...listOf(9, (i) => thousand(i + 1)),
  ONE_THOUSAND,
  ...SCALES.slice(1),
];
export const numberWords: readonly string[] = NUMBER;

/** How something is counted. */
export interface Counter {
  readonly zero: string;
  /** One to ten. */
  readonly each: readonly string[];
  /** After a hundred, a thousand … */
  readonly after: string;
}
/** A counter whose kanji are read right, but for some numbers. */
export const counter = (unit: string, odd: Readonly<Record<number, string>> = {}, after = unit): Counter => ({
  zero: odd[0] ?? `${ZERO}${unit}`,
  each: listOf(10, (i) => odd[i + 1] ?? `${at(KANJI, i + 1)}${unit}`),
  after,
});
export const counterWords = ({ zero, each, after }: Counter): string[] => [zero, ...each, after];

/** So many of something. */
export function counted(n: number, { zero, each, after }: Counter): string[] {
  if (n === 0) return [zero];
  const [rest, one] = [n % 100, n % 10];
  if (rest === 0) return [...upTo(n), after];
  if (one > 0) return [...upTo(n - one), at(each, one - 1)];
  return [...upTo(n - rest), ...(rest > 10 ? [small(rest / 10)] : []), at(each, 9)];
}

const ORDINAL = counter('番目');
const ordinal = (n: number): string[] => counted(n, ORDINAL);
const ordinalWords: readonly string[] = [...NUMBER, ...counterWords(ORDINAL)];

export const MINUS = 'マイナス';
const POINT = counter('点', { 0: 'れいてん', 1: 'いってん', 8: 'はってん', 10: 'じゅってん' });

/** Two and five alone are too short to be heard: にー, ごー. */
const digit = (n: number): string => ({ 2: 'にー', 5: 'ごー' })[n] ?? small(n);

function decimal({ negative, whole, fraction }: Decimal): string[] {
  const after = fraction.replace(/0+$/, '');
  const pieces = after === '' ? number(whole) : [...counted(whole, POINT), ...[...after].map((d) => digit(Number(d)))];
  return negative ? [MINUS, ...pieces] : pieces;
}
const decimalWords: readonly string[] = [...NUMBER, MINUS, ...counterWords(POINT), digit(2), digit(5)];

/** Each digit by itself; a comma ends a group: a voice takes a breath there. */
const digits = (groups: readonly string[]): string[] =>
  groups.flatMap((group, index) =>
    [...group].map((d, place) => digit(Number(d)) + (place === group.length - 1 && index < groups.length - 1 ? '、' : '')),
  );
const digitWords: readonly string[] = listOf(10, digit).flatMap((piece) => [piece, `${piece}、`]);
const PLUS = 'プラス';

const WEEKDAYS = ['日', '月', '火', '水', '木', '金', '土'] as const;
const month = (n: number): string => `${small(n)}月`;
const day = (n: number): string => (n === 1 ? 'ついたち' : `${small(n)}日`);
const weekday = (n: number): string => `${at(WEEKDAYS, n)}曜日`;
/** 年 alone is とし. */
const YEAR = counter('年', {}, 'ねん');

const date = (d: DateValue): string[] => [month(d.month), day(d.day), weekday(d.weekday)];
const dateWritten = (d: DateValue): string => `${d.month}月${d.day}日${weekday(d.weekday)}`;
const DAY_WORDS = [...listOf(12, (i) => month(i + 1)), ...listOf(31, (i) => day(i + 1))];
const dateWords: readonly string[] = [...DAY_WORDS, ...listOf(7, weekday)];

const fullDate = (d: DateValue): string[] => [...counted(d.year, YEAR), month(d.month), day(d.day)];
const fullDateWritten = (d: DateValue): string => `${d.year}年${d.month}月${d.day}日`;
const fullDateWords: readonly string[] = [...NUMBER, ...counterWords(YEAR), ...DAY_WORDS];

const NOON = '正午';
/** 午後零時 is what follows noon. */
const hour = (n: number): string => `${n < 12 ? '午前' : '午後'}${n % 12 === 0 ? '零' : small(n % 12)}時`;
/** Alone, 十分 is じゅうぶん (enough), 二分 にぶん (halves), 九分 くぶ (nearly). */
const minute = (n: number): string => {
  const odd = { 2: 'にふん', 9: 'きゅうふん' }[n];
  if (odd !== undefined) return odd;
  return n > 0 && n % 10 === 0 ? `${n > 10 ? at(KANJI, n / 10) : ''}じゅっぷん` : `${small(n)}分`;
};
const MINUTES = listOf(60, minute);

const time = (t: TimeValue): string[] => {
  if (t.hour === 12 && t.minute === 0) return [NOON];
  return [hour(t.hour), ...(t.minute === 0 ? [] : [minute(t.minute)])];
};
const timeWritten = (t: TimeValue): string => {
  if (t.hour === 12 && t.minute === 0) return NOON;
  return `${t.hour < 12 ? '午前' : '午後'}${t.hour % 12}時${t.minute === 0 ? '' : `${t.minute}分`}`;
};
const timeWords: readonly string[] = [NOON, ...listOf(24, hour), ...MINUTES.slice(1)];

const HOURS = counter('時間');
function duration(minutes: number): string[] {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [...(hours > 0 ? counted(hours, HOURS) : []), ...(rest > 0 || hours === 0 ? [minute(rest)] : [])];
}
function durationWritten(minutes: number): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return `${hours > 0 ? `${hours}時間` : ''}${rest > 0 || hours === 0 ? `${rest}分` : ''}`;
}
const durationWords: readonly string[] = [...NUMBER, ...counterWords(HOURS), ...MINUTES];

const dateTime: Speaker['dateTime'] = (day, clock) => [...date(day), ...time(clock)];

export const japanese: Speaker = {
  ordinal,
  ordinalWords,
  decimal,
  decimalWords,
  digits,
  digitWords,
  date,
  dateWritten,
  dateWords,
  fullDate,
  fullDateWritten,
  fullDateWords,
  time,
  timeWritten,
  timeWords,
  duration,
  durationWritten,
  durationWords,
  dateTime,
  ordinalWritten: (n) => `${withCommas(n)}番目`,
  dateTimeWritten: (day, clock) => dateWritten(day) + timeWritten(clock),
  dateTimeWords: [...dateWords, ...timeWords],
  plus: PLUS,
};
