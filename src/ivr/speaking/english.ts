/** English, as one announces it: "one hundred and five", "Saturday, the twenty first of November", "ten oh five a.m.". */
import { at, type DateValue, type Decimal, listOf, type Speaker, type TimeValue, withCommas } from './spoken.ts';

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const ORDINAL_ONES =
  'zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth'.split(
    ' ',
  );
const ORDINAL_TENS = '- - twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth'.split(' ');
const SCALES = ['', 'thousand', 'million', 'billion'] as const;

/** 0 to 99. */
const small = (n: number): string => {
  if (n < 20) return at(ONES, n);
  const ten = at(TENS, Math.floor(n / 10));
  return n % 10 === 0 ? ten : `${ten} ${at(ONES, n % 10)}`;
};
/** Up to here it is one piece: the days of a month. */
const WHOLE_ORDINALS = 31;
/** 0 to 99. */
const smallOrdinal = (n: number): string[] => {
  const [ten, one] = [Math.floor(n / 10), n % 10];
  if (n < 20) return [at(ORDINAL_ONES, n)];
  if (one === 0) return [at(ORDINAL_TENS, ten)];
  const pieces = [at(TENS, ten), at(ORDINAL_ONES, one)];
  return n <= WHOLE_ORDINALS ? [pieces.join(' ')] : pieces;
};
const dayOf = (n: number): string => smallOrdinal(n).join(' ');

/** A whole number; "and" comes before what is below a hundred. */
export function number(n: number): string[] {
  if (n === 0) return [small(0)];
  const pieces: string[] = [];
  for (let scale = SCALES.length - 1; scale >= 0; scale--) {
    const unit = 1000 ** scale;
    const chunk = Math.floor(n / unit) % 1000;
    if (chunk === 0) continue;
    const [hundreds, rest] = [Math.floor(chunk / 100), chunk % 100];
    if (hundreds > 0) pieces.push(`${at(ONES, hundreds)} hundred${rest > 0 ? ' and' : ''}`);
    if (rest > 0) pieces.push(small(rest));
    if (scale > 0) pieces.push(`${at(SCALES, scale)}${n % unit > 0 && n % unit < 100 ? ' and' : ''}`);
  }
  return pieces;
}

const SMALL = listOf(100, small);
const HUNDREDS = listOf(9, (i) => `${at(ONES, i + 1)} hundred`);
const NUMBER = [...SMALL, ...[...HUNDREDS, ...SCALES.slice(1)].flatMap((piece) => [piece, `${piece} and`])];
export const numberWords: readonly string[] = NUMBER;

function ordinal(n: number): string[] {
  const pieces = number(n);
  const last = pieces.pop() ?? '';
  return [...pieces, ...(n % 100 > 0 || n === 0 ? smallOrdinal(n % 100) : [`${last}th`])];
}
const ordinalWords: readonly string[] = [
  ...NUMBER,
  ...new Set(listOf(100, smallOrdinal).flat()),
  ...[...HUNDREDS, ...SCALES.slice(1)].map((piece) => `${piece}th`),
];
/** `1st`, `22nd`, `113th`. */
function ordinalEnding(n: number): string {
  if (n % 100 > 10 && n % 100 < 14) return 'th';
  return ['th', 'st', 'nd', 'rd'][n % 10] ?? 'th';
}

export const MINUS = 'minus';
const POINT = 'point';

function decimal({ negative, whole, fraction }: Decimal): string[] {
  const after = fraction.replace(/0+$/, '');
  return [
    ...(negative ? [MINUS] : []),
    ...number(whole),
    ...(after === '' ? [] : [POINT, ...[...after].map((digit) => small(Number(digit)))]),
  ];
}
const decimalWords: readonly string[] = [...NUMBER, MINUS, POINT];

/** Each digit by itself, "zero" for 0; a comma ends a group: a voice takes a breath there. */
const digits = (groups: readonly string[]): string[] =>
  groups.flatMap((group, index) =>
    [...group].map((digit, place) => small(Number(digit)) + (place === group.length - 1 && index < groups.length - 1 ? ',' : '')),
  );
const digitWords: readonly string[] = listOf(10, small).flatMap((piece) => [piece, `${piece},`]);
const PLUS = 'plus';

export interface Unit {
  readonly one: string;
  readonly many: string;
}
/** So many of something; "one dollar", "two dollars". */
export const counted = (n: number, { one, many }: Unit): string[] => [...number(n), n === 1 ? one : many];

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

const monthOf = (month: number): string => `of ${at(MONTHS, month - 1)}`;

const date = ({ month, day, weekday }: DateValue): string[] => [`${at(WEEKDAYS, weekday)}, the`, dayOf(day), monthOf(month)];
const dateWritten = ({ month, day, weekday }: DateValue): string => `${at(WEEKDAYS, weekday)}, ${day} ${at(MONTHS, month - 1)}`;

const DAY_WORDS = [...listOf(31, (i) => dayOf(i + 1)), ...listOf(12, (i) => monthOf(i + 1))];
const dateWords: readonly string[] = [...WEEKDAYS.map((day) => `${day}, the`), ...DAY_WORDS];

/** "nineteen seventy", "nineteen oh five", "two thousand and one". */
function year(n: number): string[] {
  const [century, rest] = [Math.floor(n / 100), n % 100];
  if (century === 0 || (century % 10 === 0 && rest < 10)) return number(n);
  if (rest === 0) return [small(century), 'hundred'];
  return [small(century), rest < 10 ? oh(rest) : small(rest)];
}
const oh = (n: number): string => `oh ${small(n)}`;
const OHS = listOf(9, (i) => oh(i + 1));

const fullDate = (date: DateValue): string[] => ['the', dayOf(date.day), monthOf(date.month), ...year(date.year)];
const fullDateWritten = ({ year: y, month, day }: DateValue): string => `${day} ${at(MONTHS, month - 1)} ${y}`;
const fullDateWords: readonly string[] = ['the', ...DAY_WORDS, ...SMALL, ...OHS, 'hundred', ...NUMBER];

/** "ten a.m.", "ten oh five a.m.", "noon". */
function time({ hour, minute }: TimeValue): string[] {
  if (minute === 0 && hour % 12 === 0) return [hour === 0 ? 'midnight' : 'noon'];
  const minutes = minute === 0 ? [] : [minute < 10 ? oh(minute) : small(minute)];
  return [small(hour % 12 || 12), ...minutes, hour < 12 ? 'a.m.' : 'p.m.'];
}
function timeWritten({ hour, minute }: TimeValue): string {
  if (minute === 0 && hour % 12 === 0) return hour === 0 ? 'midnight' : 'noon';
  return `${hour % 12 || 12}:${String(minute).padStart(2, '0')} ${hour < 12 ? 'a.m.' : 'p.m.'}`;
}
const timeWords: readonly string[] = [...listOf(59, (i) => small(i + 1)), ...OHS, 'midnight', 'noon', 'a.m.', 'p.m.'];

/** Between a date and a time. */
const AT = 'at';

/** "an hour and five minutes", "two hours", "one minute". */
function duration(minutes: number): string[] {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const and = rest > 0 ? ' and' : '';
  return [
    ...(hours === 0 ? [] : hours === 1 ? [`an hour${and}`] : [...number(hours), `hours${and}`]),
    ...(rest > 0 || hours === 0 ? counted(rest, MINUTES) : []),
  ];
}
const MINUTES: Unit = { one: 'minute', many: 'minutes' };
function durationWritten(minutes: number): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const parts = [];
  if (hours > 0) parts.push(`${hours} ${hours === 1 ? 'hour' : 'hours'}`);
  if (rest > 0 || hours === 0) parts.push(`${rest} ${rest === 1 ? 'minute' : 'minutes'}`);
  return parts.join(' ');
}
const durationWords: readonly string[] = [...NUMBER, 'an hour', 'an hour and', 'hours', 'hours and', 'minute', 'minutes'];

const dateTime: Speaker['dateTime'] = (day, clock) => [...date(day), AT, ...time(clock)];

export const english: Speaker = {
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
  ordinalWritten: (n) => withCommas(n) + ordinalEnding(n),
  dateTimeWritten: (day, clock) => `${dateWritten(day)} ${AT} ${timeWritten(clock)}`,
  dateTimeWords: [...dateWords, AT, ...timeWords],
  plus: PLUS,
};
