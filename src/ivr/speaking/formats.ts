/** What `{name:FORMAT}` can ask for. */
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Language } from '../../base/ids.ts';
import type { Value } from '../scenario.ts';
import { english } from './english.ts';
import { japanese } from './japanese.ts';
import { MONEY } from './money.ts';
import { type Decimal, dateOf, decimalOf, digitGroups, type Format, type Speaker, type Spoken, timeOf, withCommas } from './spoken.ts';

const SPEAKERS: Readonly<Record<Language, Speaker>> = { ja: japanese, en: english };

/** A format of which both languages have the words. */
const format = (
  read: (value: Value, speaker: Speaker, language: Language) => Spoken | null,
  words: (speaker: Speaker) => readonly string[],
): Format => ({
  read: (value, language) => read(value, SPEAKERS[language], language),
  vocabulary: (language) => [...new Set(words(SPEAKERS[language]))],
});

/** Six places are more than anybody can keep in mind, and few enough to hide 0.1 + 0.2. */
const PLACES = 6;
/** Fifty years. */
const MOST_MINUTES = 50 * 366 * 24 * 60;

const numberFormat = format(
  (value, speaker) => {
    const decimal = decimalOf(value, PLACES);
    return decimal && { written: decimalWritten(decimal), pieces: speaker.decimal(decimal) };
  },
  (speaker) => speaker.decimalWords,
);
function decimalWritten({ negative, whole, fraction }: Decimal): string {
  const after = fraction.replace(/0+$/, '');
  return `${negative ? '-' : ''}${withCommas(whole)}${after === '' ? '' : `.${after}`}`;
}

const ordinalFormat = format(
  (value, speaker) => {
    const decimal = decimalOf(value, 0);
    if (!decimal || decimal.negative || Number(value) !== decimal.whole) return null;
    return { written: speaker.ordinalWritten(decimal.whole), pieces: speaker.ordinal(decimal.whole) };
  },
  (speaker) => speaker.ordinalWords,
);

const digitsFormat = format(
  (value, speaker) => {
    const groups = typeof value === 'boolean' ? null : digitGroups(String(value));
    return groups && { written: String(value), pieces: speaker.digits(groups) };
  },
  (speaker) => speaker.digitWords,
);

/** Calling codes of the countries whose callers we take for being at home: they hear a number as they would dial it. */
const HOME: Readonly<Record<Language, readonly string[]>> = { ja: ['81'], en: ['81', '1', '44'] };

const phoneFormat = format(
  (value, speaker, language) => {
    if (typeof value === 'boolean') return null;
    const text = String(value);
    const parsed = parsePhoneNumberFromString(text);
    if (!parsed?.isPossible()) return digitsFormat.read(text.replaceAll(/[^\d]+/g, '-').replaceAll(/^-|-$/g, ''), language);
    const atHome = HOME[language].includes(parsed.countryCallingCode);
    const shown = atHome ? parsed.formatNational() : parsed.formatInternational();
    const groups = shown.match(/\d+/g) ?? [];
    const written = atHome ? groups.join('-') : `+${groups.join(' ')}`;
    return { written, pieces: [...(atHome ? [] : [speaker.plus]), ...speaker.digits(groups)] };
  },
  (speaker) => [...speaker.digitWords, speaker.plus],
);

const dateFormat = format(
  (value, speaker) => {
    const date = dateOf(value);
    return date && { written: speaker.dateWritten(date), pieces: speaker.date(date) };
  },
  (speaker) => speaker.dateWords,
);

const fullDateFormat = format(
  (value, speaker) => {
    const date = dateOf(value);
    return date && { written: speaker.fullDateWritten(date), pieces: speaker.fullDate(date) };
  },
  (speaker) => speaker.fullDateWords,
);

const timeFormat = format(
  (value, speaker) => {
    const time = timeOf(value);
    return time && { written: speaker.timeWritten(time), pieces: speaker.time(time) };
  },
  (speaker) => speaker.timeWords,
);

const dateTimeFormat = format(
  (value, speaker) => {
    const [day = '', clock = '', ...more] = String(value).split('T');
    const [date, time] = [dateOf(day), timeOf(clock)];
    if (!date || !time || more.length > 0) return null;
    return { written: speaker.dateTimeWritten(date, time), pieces: speaker.dateTime(date, time) };
  },
  (speaker) => speaker.dateTimeWords,
);

const durationFormat = format(
  (value, speaker) => {
    const decimal = decimalOf(value, 0);
    if (!decimal || decimal.negative || decimal.whole > MOST_MINUTES) return null;
    return { written: speaker.durationWritten(decimal.whole), pieces: speaker.duration(decimal.whole) };
  },
  (speaker) => speaker.durationWords,
);

export const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['number', numberFormat],
  ['ordinal', ordinalFormat],
  ['digits', digitsFormat],
  ['phone', phoneFormat],
  ['date', dateFormat],
  ['fullDate', fullDateFormat],
  ['time', timeFormat],
  ['dateTime', dateTimeFormat],
  ['duration', durationFormat],
  ...Object.entries(MONEY),
]);
