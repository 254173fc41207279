/**
 * What is read out, heard by somebody who knows the language: `listen…` turns pieces back into the value. Nothing of the product is
 * used there, so a wrong word is heard as another value, or as none.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/ivr/scenario.ts';
import { fixedParts, promptOf, textProblems } from '../../src/ivr/text.ts';

const LANGUAGES = ['ja', 'en'] as const;
type Language = (typeof LANGUAGES)[number];

const text = (words: string): { readonly ja: string; readonly en: string } => ({ ja: words, en: words });
const say = (format: string, language: Language, value: Value): readonly string[] =>
  promptOf(text(`{x:${format}}`), language, { x: value }).parts ?? [];
const write = (format: string, language: Language, value: Value): string => promptOf(text(`{x:${format}}`), language, { x: value }).text;
const vocabularies = new Map<string, ReadonlySet<string>>();
const vocabulary = (format: string, language: Language): ReadonlySet<string> => {
  const key = `${format}/${language}`;
  const known = vocabularies.get(key) ?? new Set(fixedParts(text(`{x:${format}}`), language));
  vocabularies.set(key, known);
  return known;
};
function expectFromVocabulary(format: string, language: Language, value: Value): void {
  const words = vocabulary(format, language);
  const foreign = say(format, language, value).filter((piece) => !words.has(piece));
  if (foreign.length > 0) expect(`${value}: ${foreign.join(' ')}`).toBe('made of the vocabulary');
}

// ---------------------------------------------------------------- somebody who listens

const EN_ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const EN_TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const EN_SCALES: Readonly<Record<string, number>> = { thousand: 1e3, million: 1e6, billion: 1e9 };
const EN_MONTHS = 'January February March April May June July August September October November December'.split(' ');
const EN_DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** "two hundred and five thousand and one" */
function hearEnglishNumber(words: string): number {
  let total = 0;
  let chunk = 0;
  for (const word of words
    .replaceAll(/\band\b/g, '')
    .split(/\s+/)
    .filter(Boolean)) {
    const one = EN_ONES.indexOf(word);
    const ten = EN_TENS.indexOf(word);
    const scale = EN_SCALES[word];
    if (one >= 0) chunk += one;
    else if (ten >= 0) chunk += (ten + 2) * 10;
    else if (word === 'hundred') chunk *= 100;
    else if (scale !== undefined) [total, chunk] = [total + chunk * scale, 0];
    else throw new Error(`'${word}' is no number`);
  }
  return total + chunk;
}

/** "forty second" → "forty two". */
const cardinal = (words: string): string =>
  words
    .replace(/first$/, 'one')
    .replace(/second$/, 'two')
    .replace(/third$/, 'three')
    .replace(/fifth$/, 'five')
    .replace(/eighth$/, 'eight')
    .replace(/ninth$/, 'nine')
    .replace(/twelfth$/, 'twelve')
    .replace(/ieth$/, 'y')
    .replace(/th$/, '');

const JA_DIGITS = '〇一二三四五六七八九';
/** Kana that are written where kanji would be misread. */
const JA_KANA: readonly [RegExp, string][] = [
  [/ゼロ|れい/g, '〇'],
  [/いっ/g, '一'],
  [/にー?(?=[、分ふん]|$)/g, '二'],
  [/ごー/g, '五'],
  [/はっ/g, '八'],
  [/きゅう/g, '九'],
  [/じゅっ/g, '十'],
];
const inKanji = (words: string): string => JA_KANA.reduce((said, [kana, kanji]) => said.replaceAll(kana, kanji), words);

/** 二億三千四百万五 */
function hearJapaneseNumber(words: string): number {
  let total = 0;
  let group = 0;
  let digit = 0;
  for (const c of inKanji(words)) {
    const d = JA_DIGITS.indexOf(c);
    const unit = { 十: 10, 百: 100, 千: 1000 }[c];
    const scale = { 万: 1e4, 億: 1e8 }[c];
    if (d >= 0) digit = d;
    else if (unit !== undefined) [group, digit] = [group + (digit || 1) * unit, 0];
    else if (scale !== undefined) [total, group, digit] = [total + (group + digit) * scale, 0, 0];
    else throw new Error(`'${c}' is no number`);
  }
  return total + group + digit;
}
const hearNumber = {
  ja: (p: readonly string[]) => hearJapaneseNumber(p.join('')),
  en: (p: readonly string[]) => hearEnglishNumber(p.join(' ')),
};

// ---------------------------------------------------------------- numbers

/** Evenly over magnitudes: most random numbers up to a thousand million have nine digits. */
const anyNumber = fc.oneof(
  fc.integer({ min: 0, max: 1_000_000_000 }),
  fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 999 })).map(([zeros, n]) => n * 10 ** Math.min(zeros, 6)),
  fc.nat({ max: 10_000 }),
);

describe.each(LANGUAGES)('a number in %s', (language) => {
  it('from 0 to a thousand million is made of the vocabulary, and whoever hears it knows which it was', () => {
    const check = (n: number): void => {
      expectFromVocabulary('number', language, n);
      const heard = hearNumber[language](say('number', language, n));
      if (heard !== n) expect(heard).toBe(n);
    };
    for (let n = 0; n <= 20_000; n++) check(n);
    for (let n = 1; n <= 1_000_000_000; n *= 10) for (const m of [n - 1, n, n + 1, n * 2 - 1]) check(m);
    fc.assert(fc.property(anyNumber, check), { numRuns: 5000 });
  });

  it('in its place is, too', () => {
    const check = (n: number): void => {
      expectFromVocabulary('ordinal', language, n);
      const pieces = say('ordinal', language, n);
      const said = language === 'ja' ? pieces.join('') : cardinal(pieces.join(' '));
      if (language === 'ja') expect(said).toMatch(/番目$/);
      else expect(pieces.at(-1)).toMatch(/(st|nd|rd|th|first|second|third)$/);
      const heard = language === 'ja' ? hearJapaneseNumber(said.replace('番目', '')) : hearEnglishNumber(said);
      if (n > 0 && heard !== n) expect(heard).toBe(n);
    };
    for (let n = 1; n <= 1100; n++) check(n);
    fc.assert(fc.property(anyNumber, check), { numRuns: 1000 });
  });

  it('with a minus or a point is read digit by digit after the point', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999_999, max: 999_999 }), fc.stringMatching(/^\d{0,5}[1-9]$/), (whole, after) => {
        const value = `${whole}.${after}`;
        expectFromVocabulary('number', language, value);
        const pieces = [...say('number', language, value)];
        const minus = { ja: 'マイナス', en: 'minus' }[language];
        expect(pieces[0] === minus).toBe(whole < 0);
        if (whole < 0) pieces.shift();
        const joined = language === 'ja' ? pieces.join('').replace('てん', '点') : pieces.join(' ');
        const [before = '', behind = ''] = joined.split(language === 'ja' ? '点' : ' point ');
        expect(language === 'ja' ? hearJapaneseNumber(before) : hearEnglishNumber(before)).toBe(Math.abs(whole));
        const digits = pieces.slice(-after.length).map((d) => (language === 'ja' ? hearJapaneseNumber(d) : hearEnglishNumber(d)));
        expect(digits.join('')).toBe(after);
        expect(behind).toContain(pieces.at(-1));
      }),
    );
  });
});

it.each<[string, string, Value, string, string]>([
  [
    'number',
    '1234567',
    1_234_567,
    '百|二十三|万|四千|五百|六十七',
    'one|million|two hundred and|thirty four|thousand|five hundred and|sixty seven',
  ],
  ['number', 'ten million', 10_000_000, '一千|万', 'ten|million'],
  ['number', '105', 105, '百|五', 'one hundred and|five'],
  ['number', '2005', 2005, '二千|五', 'two|thousand and|five'],
  ['number', '0.1 + 0.2', 0.1 + 0.2, 'れいてん|三', 'zero|point|three'],
  ['number', '-0.5', -0.5, 'マイナス|れいてん|ごー', 'minus|zero|point|five'],
  ['ordinal', '22', 22, '二十|二番目', 'twenty second'],
  ['ordinal', '74', 74, '七十|四番目', 'seventy|fourth'],
  ['ordinal', '100', 100, '百|番目', 'one hundredth'],
  ['digits', 'a code', '10023', '一|ゼロ|ゼロ|にー|三', 'one|zero|zero|two|three'],
  ['digits', 'a long code', '12345678', '一|にー|三|四、|ごー|六|七|八', 'one|two|three|four,|five|six|seven|eight'],
  ['digits', 'a code with a hyphen', '12-3', '一|にー、|三', 'one|two,|three'],
  ['JPY', '14 yen', 14, '十|四円', 'fourteen|yen'],
  ['JPY', '12,300 yen', '12300', '一|万|二千|三百|円', 'twelve|thousand|three hundred|yen'],
  ['JPY', 'half a yen', 12.5, '十|三円', 'thirteen|yen'],
  ['USD', 'one dollar', 1, '一ドル', 'one|dollar'],
  ['USD', '1.01', '1.01', '一ドル|いっセント', 'one|dollar|and|one|cent'],
  ['USD', '12.5', 12.5, '十|二ドル|五|じゅっセント', 'twelve|dollars|and|fifty|cents'],
  ['USD', 'cents only', 0.08, 'はっセント', 'eight|cents'],
  ['USD', 'nothing', 0, 'ゼロドル', 'zero|dollars'],
  ['USD', 'what a double cannot hold', 1.005, '一ドル|いっセント', 'one|dollar|and|one|cent'],
  ['GBP', 'a penny', -0.01, 'マイナス|一ペンス', 'minus|one|penny'],
  ['date', 'a date', '2026-11-21', '十一月|二十一日|土曜日', 'Saturday, the|twenty first|of November'],
  ['fullDate', 'a date of birth', '1970-05-02', '千|九百|七|十年|五月|二日', 'the|second|of May|nineteen|seventy'],
  ['fullDate', 'early in a century', '2005-04-20', '二千|五年|四月|二十日', 'the|twentieth|of April|two|thousand and|five'],
  ['time', 'a quarter past ten', '10:15', '午前十時|十五分', 'ten|fifteen|a.m.'],
  ['time', 'five past four', '16:05', '午後四時|五分', 'four|oh five|p.m.'],
  ['time', 'the hour', '09:00', '午前九時', 'nine|a.m.'],
  ['time', 'noon', '12:00', '正午', 'noon'],
  ['time', 'past noon', '12:10', '午後零時|じゅっぷん', 'twelve|ten|p.m.'],
  ['time', 'midnight', '00:00', '午前零時', 'midnight'],
  [
    'dateTime',
    'a moment',
    '2026-04-01T16:30',
    '四月|ついたち|水曜日|午後四時|三じゅっぷん',
    'Wednesday, the|first|of April|at|four|thirty|p.m.',
  ],
  ['duration', '65 minutes', 65, '一時間|五分', 'an hour and|five|minutes'],
  ['duration', 'one minute', 1, '一分', 'one|minute'],
  ['duration', '9 hours', 540, '九時間', 'nine|hours'],
  ['duration', 'nothing', 0, 'ゼロ分', 'zero|minutes'],
])('%s: %s', (format, _, value, ja, en) => {
  expect(say(format, 'ja', value).join('|')).toBe(ja);
  expect(say(format, 'en', value).join('|')).toBe(en);
});

// ---------------------------------------------------------------- digits and phones

describe.each(LANGUAGES)('digits in %s', (language) => {
  const heard = (pieces: readonly string[]): string => pieces.map((p) => hearNumber[language]([p.replace(/[,、]$/, '')])).join('');
  it('come one by one, in groups that one can keep in mind', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{1,30}$/), (code) => {
        expectFromVocabulary('digits', language, code);
        const pieces = say('digits', language, code);
        expect(heard(pieces)).toBe(code);
        const groups = pieces.join(' ').split(/[,、]/);
        for (const group of groups) expect(group.trim().split(' ').length).toBeLessThanOrEqual(5);
        if (groups.length > 1) for (const group of groups) expect(group.trim().split(' ').length).toBeGreaterThanOrEqual(3);
      }),
    );
  });

  it.each([
    ['+81312345678', '0312345678', '03-1234-5678'],
    ['+819012345678', '09012345678', '090-1234-5678'],
    ['+81120123456', '0120123456', '0120-123-456'],
    ['+81451234567', '0451234567', '045-123-4567'],
  ])('of the phone %s are those that one dials at home, grouped as the network has them', (e164, dialled, written) => {
    expectFromVocabulary('phone', language, e164);
    const pieces = say('phone', language, e164);
    expect(heard(pieces)).toBe(dialled);
    expect(write('phone', language, e164)).toBe(written);
    expect(pieces.filter((p) => /[,、]$/.test(p))).toHaveLength(2);
  });
  it('of a phone abroad begin with a plus and the country', () => {
    expectFromVocabulary('phone', language, '+33123456789');
    const [plus, ...pieces] = say('phone', language, '+33123456789');
    expect(plus).toBe({ ja: 'プラス', en: 'plus' }[language]);
    expect(heard(pieces)).toBe('33123456789');
    expect(pieces[1]).toMatch(/[,、]$/);
  });
  it('of what is no number of the world are read as they are, and what has none as text', () => {
    expect(heard(say('phone', language, '117'))).toBe('117');
    expect(say('phone', language, 'anonymous')).toEqual(['anonymous']);
  });
});
it('an American number is read at home in English only', () => {
  expect(write('phone', 'en', '+12133734253')).toBe('213-373-4253');
  expect(write('phone', 'ja', '+12133734253')).toBe('+1 213 373 4253');
});

// ---------------------------------------------------------------- dates and times

const everyDay = Array.from({ length: 4 * 366 }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i))).filter((d) => d.getUTCFullYear() < 2030);
const iso = (d: Date): string => d.toISOString().slice(0, 10);

const JA_DAYS = new Map([['ついたち', 1], ...Array.from({ length: 31 }, (_, i): [string, number] => [`${kanjiOf(i + 1)}日`, i + 1])]);
function kanjiOf(n: number): string {
  return `${n > 19 ? JA_DIGITS[Math.floor(n / 10)] : ''}${n > 9 ? '十' : ''}${n % 10 > 0 ? JA_DIGITS[n % 10] : ''}`;
}
/** Month, day and day of the week of what is said. */
function hearDate(language: Language, pieces: readonly string[]): { month: number; day: number; weekday: number; rest: readonly string[] } {
  const [a = '', b = '', c = '', ...rest] = pieces;
  if (language === 'ja') {
    return {
      month: hearJapaneseNumber(a.replace(/月$/, '')),
      day: JA_DAYS.get(b) ?? 0,
      weekday: '日月火水木金土'.indexOf(c.replace(/曜日$/, '')),
      rest,
    };
  }
  const day = hearEnglishNumber(cardinal(b));
  return { month: EN_MONTHS.indexOf(c.replace(/^of /, '')) + 1, day, weekday: EN_DAYS.indexOf(a.replace(/, the$/, '')), rest };
}
/** Minutes since midnight. */
function hearTime(language: Language, pieces: readonly string[]): number {
  const whole = { midnight: 0, noon: 720, 正午: 720 }[pieces[0] ?? ''];
  if (whole !== undefined) return whole;
  if (language === 'ja') {
    const [, half, hour = ''] = /^(午前|午後)(.+)時$/.exec(pieces[0] ?? '') ?? [];
    const minute = (pieces[1] ?? '〇').replace(/分$|ぷん$|ふん$/, '');
    return (half === '午後' ? 720 : 0) + hearJapaneseNumber(hour.replace('零', '〇')) * 60 + hearJapaneseNumber(minute);
  }
  const half = pieces.at(-1) === 'p.m.' ? 720 : 0;
  const minute = pieces.length === 3 ? hearEnglishNumber((pieces[1] ?? '').replace(/^oh /, '')) : 0;
  return half + (hearEnglishNumber(pieces[0] ?? '') % 12) * 60 + minute;
}

describe.each(LANGUAGES)('in %s', (language) => {
  it('every day of four years is heard as that day', () => {
    for (const date of everyDay) {
      expectFromVocabulary('date', language, iso(date));
      const { month, day, weekday } = hearDate(language, say('date', language, iso(date)));
      // Month, day and day of the week are enough to know which of four years it is.
      const meant = everyDay.filter((d) => d.getUTCMonth() + 1 === month && d.getUTCDate() === day && d.getUTCDay() === weekday);
      expect(meant).toEqual([date]);
      expectFromVocabulary('fullDate', language, iso(date));
    }
  });

  it('the year of a full date is heard, from 1000 on', () => {
    for (let year = 1000; year <= 2999; year++) {
      const value = `${year}-03-04`;
      expectFromVocabulary('fullDate', language, value);
      const pieces = say('fullDate', language, value);
      let heard: number;
      if (language === 'ja')
        heard = hearJapaneseNumber(
          pieces
            .slice(0, -2)
            .join('')
            .replace(/年$|ねん$/, ''),
        );
      else {
        const words = pieces.slice(3);
        const [century = '', rest = ''] = words;
        const isPlain = words.length === 1 || words.some((w) => w.startsWith('thousand'));
        heard = isPlain
          ? hearEnglishNumber(words.join(' '))
          : hearEnglishNumber(century) * 100 + (rest === 'hundred' ? 0 : hearEnglishNumber(rest.replace(/^oh /, '')));
      }
      expect(heard).toBe(year);
    }
  });

  it('every minute of the day is heard as that minute', () => {
    const all = new Set<string>();
    for (let minute = 0; minute < 24 * 60; minute++) {
      const value = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
      expectFromVocabulary('time', language, value);
      expect(hearTime(language, say('time', language, value))).toBe(minute);
      all.add(write('time', language, value));
    }
    expect(all.size).toBe(24 * 60);
  });

  it('a date with a time is both', () => {
    fc.assert(
      fc.property(fc.constantFrom(...everyDay), fc.nat({ max: 1439 }), (date, minute) => {
        const value = `${iso(date)}T${new Date(minute * 60_000).toISOString().slice(11, 16)}`;
        expectFromVocabulary('dateTime', language, value);
        const { month, day, rest } = hearDate(language, say('dateTime', language, value));
        expect([month, day]).toEqual([date.getUTCMonth() + 1, date.getUTCDate()]);
        expect(hearTime(language, language === 'en' ? rest.slice(1) : rest)).toBe(minute);
      }),
    );
  });

  it('a time that something takes is heard in minutes', () => {
    const check = (minutes: number): void => {
      expectFromVocabulary('duration', language, minutes);
      const joined = say('duration', language, minutes).join(language === 'ja' ? '' : ' ');
      const [, hours, rest] =
        (language === 'ja' ? /^(?:(.+)時間)?(?:(.+?)(?:分|ふん|ぷん))?$/ : /^(?:(.+?) hours?(?: and)?)?(?: ?(.+) minutes?)?$/).exec(
          joined,
        ) ?? [];
      const hear = (words: string | undefined): number =>
        words === undefined ? 0 : language === 'ja' ? hearJapaneseNumber(words) : hearEnglishNumber(words.replace(/^an$/, 'one'));
      expect(`${joined}: ${hear(hours) * 60 + hear(rest)}`).toBe(`${joined}: ${minutes}`);
    };
    for (let minutes = 0; minutes < 48 * 60; minutes++) check(minutes);
    fc.assert(fc.property(fc.nat({ max: 100_000 }), check));
  });

  it.each(['JPY', 'USD', 'EUR', 'GBP', 'CNY', 'KRW', 'TWD', 'HKD', 'SGD', 'AUD', 'CAD', 'CHF', 'THB'])(
    'an amount of %s is heard to its last coin',
    (currency) => {
      const hasCents = !['JPY', 'KRW'].includes(currency);
      const units = new Set([...vocabulary(currency, language)].filter((w) => !vocabulary('number', language).has(w) && w !== 'and'));
      fc.assert(
        fc.property(anyNumber, fc.nat({ max: 99 }), (whole, cents) => {
          const value = hasCents ? `${whole}.${String(cents).padStart(2, '0')}` : whole;
          expectFromVocabulary(currency, language, value);
          let said = '';
          const amounts: number[] = [];
          for (const piece of say(currency, language, value)) {
            if (piece === 'and') continue;
            const unit = units.has(piece) ? piece.replace(/^(ゼロ|[一二三四五六七八九十]|いっ|はっ|じゅっ)(?=.)/, '') : null;
            said += ` ${unit === null ? piece : piece.slice(0, piece.length - unit.length)}`;
            if (unit === null) continue;
            amounts.push(language === 'ja' ? hearJapaneseNumber(said.replaceAll(' ', '')) : hearEnglishNumber(said));
            said = '';
          }
          const expected = hasCents && cents > 0 ? (whole > 0 ? [whole, cents] : [cents]) : [whole];
          expect(amounts).toEqual(expected);
        }),
        { numRuns: 300 },
      );
    },
  );
});

// ---------------------------------------------------------------- texts

describe('a text', () => {
  it('has its fixed words, its pieces and its free text as parts, and reads as one writes it', () => {
    const words = { ja: '{name}様、お届けは{day:date}です。', en: 'Hello {name}, we come on {day:date}.' };
    const values = { name: '山田', day: '2026-11-21' };
    expect(promptOf(words, 'ja', values)).toEqual({
      language: 'ja',
      text: '山田様、お届けは11月21日土曜日です。',
      parts: ['山田', '様、お届けは', '十一月', '二十一日', '土曜日', 'です。'],
    });
    expect(promptOf(words, 'en', values)).toEqual({
      language: 'en',
      text: 'Hello 山田, we come on Saturday, 21 November.',
      parts: ['Hello', '山田', ', we come on', 'Saturday, the', 'twenty first', 'of November'],
    });
  });
  it('without values is one', () => {
    expect(promptOf({ en: 'Hello' }, 'en', {})).toEqual({ language: 'en', text: 'Hello' });
    expect(promptOf({ en: 'Hello', recording: 'hello' }, 'en', {})).toEqual({ language: 'en', text: 'Hello', recording: 'hello' });
    expect(promptOf({ recording: 'hello' }, 'en', {})).toEqual({ language: 'en', text: '', recording: 'hello' });
  });
  it('leaves out what has no value, reads as text what does not fit, and never looks beyond its values', () => {
    expect(promptOf({ en: 'A {x:number} B' }, 'en', {})).toEqual({ language: 'en', text: 'A  B', parts: ['A', 'B'] });
    expect(promptOf({ en: '{x:date}.' }, 'en', { x: 'soon' })).toMatchObject({ text: 'soon.', parts: ['soon'] });
    for (const value of ['2026-02-30', '2026-13-01', '24:00', '1e3', '12:60', '-5', 'true', '1234567890123']) {
      for (const format of ['date', 'time', 'dateTime', 'duration', 'digits', 'ordinal']) {
        if (format === 'digits' && /^\d/.test(value) && /\d$/.test(value) && !/[:e]/.test(value)) continue;
        expect(say(format, 'en', value)).toEqual([value]);
      }
    }
    expect(promptOf({ en: '{constructor}{toString:number}!' }, 'en', {}).text).toBe('!');
  });
  it('reads out the beginning of what is longer than any notice', () => {
    expect(promptOf({ en: 'It says {x}' }, 'en', { x: 'word '.repeat(100_000) }).text.length).toBeLessThan(2_100);
    expect(promptOf({ en: '{x}' }, 'en', { x: `${'a'.repeat(1_999)}😀` }).text.isWellFormed()).toBe(true);
  });
  it('whatever it is given, says what it was given: no part is empty, and nothing fails', () => {
    const format = fc.constantFrom(
      'number',
      'ordinal',
      'digits',
      'phone',
      'JPY',
      'USD',
      'date',
      'fullDate',
      'time',
      'dateTime',
      'duration',
      '',
    );
    fc.assert(
      fc.property(
        format,
        fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.integer()),
        fc.constantFrom(...LANGUAGES),
        (name, value, language) => {
          const prompt = promptOf(text(name === '' ? '{x}' : `{x:${name}}`), language, { x: value });
          expect(prompt.text.length).toBeGreaterThanOrEqual(String(value).trim() === '' ? 0 : 1);
          for (const part of prompt.parts ?? []) expect(part).toMatch(/[\p{L}\p{N}]/u);
        },
      ),
    );
  });

  it('that is wrong is told where, and what is right', () => {
    expect(textProblems('Hello {nmae}, {total:JPN} {at:datetime} }{a b} {x:}', ['name', 'total', 'at', 'x'])).toEqual([
      { start: 7, problem: "there is no variable 'nmae'", remedy: "did you mean 'name'?" },
      { start: 21, problem: "nothing is read out as 'JPN'", remedy: "did you mean 'JPY'?" },
      { start: 30, problem: "nothing is read out as 'datetime'", remedy: "did you mean 'dateTime'?" },
      { start: 40, problem: "a stray '}'", remedy: 'write a variable as {name} or {name:number}' },
      { start: 42, problem: "'{a b}' is no variable", remedy: 'write {name} or {name:number}, without spaces' },
      { start: 50, problem: "nothing is read out as ''", remedy: expect.stringContaining('number') },
    ]);
    expect(textProblems('Hello {name}, {total:JPY}', ['name', 'total'])).toEqual([]);
  });
});

it('the vocabulary of everything but foreign money is a few hundred pieces in both languages together', () => {
  const formats = ['number', 'ordinal', 'digits', 'phone', 'date', 'fullDate', 'time', 'dateTime', 'duration', 'JPY'];
  const count = (language: Language): number => new Set(formats.flatMap((f) => [...vocabulary(f, language)])).size;
  expect({ ja: count('ja') <= 350, en: count('en') <= 250 }).toEqual({ ja: true, en: true });
});

/** What Open JTalk makes of a text: its phonemes. */
function heardFromOpenJtalk(words: string, dir: string): string {
  const trace = join(dir, 'trace');
  spawnSync(OPEN_JTALK, ['-x', DICTIONARY, '-m', VOICE, '-ot', trace], { input: `${words}\n` });
  // The labels come twice; each time between two silences.
  const labels = readFileSync(trace, 'utf8').split('[Output label]')[1]?.split('-sil+')[1] ?? '';
  return [...labels.matchAll(/-([a-zA-Z]+)\+/g)]
    .map(([, phoneme = '']) => phoneme.toLowerCase())
    .join('')
    .replaceAll(/sil|pau/g, '')
    .replaceAll('cl', 'q');
}
const OPEN_JTALK = '/usr/bin/open_jtalk';
const DICTIONARY = '/var/lib/mecab/dic/open-jtalk/naist-jdic';
const VOICE = '/usr/share/hts-voice/nitech-jp-atr503-m001/nitech_jp_atr503_m001.htsvoice';

const withOpenJtalk = [DICTIONARY, VOICE, OPEN_JTALK].every((f) => existsSync(f)) ? it : it.skip;
withOpenJtalk('Open JTalk reads the pieces as one says them, where it easily would not', { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'readings-'));
  const readings: readonly [string, Value, string][] = [
    ['number', 0, 'zero'],
    ['number', 4, 'yon'],
    ['number', 7, 'nana'],
    ['number', 99, 'kyuujuukyuu'],
    ['number', 300, 'sanbyaku'],
    ['number', 600, 'roqpyaku'],
    ['number', 800, 'haqpyaku'],
    ['number', 3000, 'sanzen'],
    ['number', 8000, 'haqsen'],
    ['ordinal', 4, 'yonbanme'],
    ['ordinal', 9, 'kyuubanme'],
    ['digits', '2', 'nii'],
    ['JPY', 4, 'yoen'],
    ['JPY', 10, 'juuen'],
    ['USD', 0.08, 'haqsento'],
    ['time', '04:00', 'gozenyoji'],
    ['time', '19:00', 'gogoshichiji'],
    ['time', '09:00', 'gozenkuji'],
    ['time', '00:00', 'gozenreeji'],
    ['time', '12:00', 'shoogo'],
    ['duration', 1, 'iqpun'],
    ['duration', 2, 'nifun'],
    ['duration', 3, 'sanpun'],
    ['duration', 4, 'yonpun'],
    ['duration', 6, 'roqpun'],
    ['duration', 8, 'haqpun'],
    ['duration', 9, 'kyuufun'],
    ['duration', 10, 'juqpun'],
    ['duration', 20, 'nijuqpun'],
    ['duration', 240, 'yojikan'],
    ['duration', 540, 'kujikan'],
  ];
  const day = '2026-04-01';
  const pieces: [string, string][] = readings.map(([format, value, sound]) => [say(format, 'ja', value).join(''), sound]);
  const [april = '', first = ''] = say('date', 'ja', day);
  pieces.push([april, 'shigatsu'], [first, 'tsuitachi']);
  for (const [date, sound] of Object.entries({
    '07-04': 'yoqka',
    '09-20': 'hatsuka',
    '01-08': 'yooka',
    '12-24': 'nijuuyoqka',
    '01-17': 'juushichinichi',
  })) {
    pieces.push([say('date', 'ja', `2026-${date}`)[1] ?? '', sound]);
  }
  pieces.push([say('fullDate', 'ja', '2004-07-09')[1] ?? '', 'yonen'], [say('fullDate', 'ja', '2000-09-09')[1] ?? '', 'nen']);
  pieces.push([say('date', 'ja', '2026-07-09')[0] ?? '', 'shichigatsu'], [say('date', 'ja', '2026-09-09')[0] ?? '', 'kugatsu']);
  try {
    expect(pieces.map(([piece]) => `${piece} ${heardFromOpenJtalk(piece, dir)}`)).toEqual(
      pieces.map(([piece, sound]) => `${piece} ${sound}`),
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});
