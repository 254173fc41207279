/** Money: how each currency is called, and how many places its minor unit has (ISO 4217). */
import type { Language } from '../../base/ids.ts';
import * as en from './english.ts';
import * as ja from './japanese.ts';
import { type Decimal, decimalOf, type Format, withCommas } from './spoken.ts';

interface Names {
  readonly en: en.Unit;
  readonly ja: { readonly written: string; readonly spoken: ja.Counter };
}
interface Currency {
  readonly major: Names;
  /** Null: it has none. */
  readonly minor: Names | null;
  readonly places: 0 | 2;
}

const names = (one: string, many: string, written: string, odd?: Readonly<Record<number, string>>): Names => ({
  en: { one, many },
  ja: { written, spoken: ja.counter(written, odd) },
});
const CENT = names('cent', 'cents', 'セント', { 1: 'いっセント', 8: 'はっセント', 10: 'じゅっセント' });
const whole = (major: Names): Currency => ({ major, minor: null, places: 0 });
const hundredths = (major: Names, minor: Names): Currency => ({ major, minor, places: 2 });

const CURRENCIES: Readonly<Record<string, Currency>> = {
  JPY: whole(names('yen', 'yen', '円')),
  USD: hundredths(names('dollar', 'dollars', 'ドル'), CENT),
  EUR: hundredths(names('euro', 'euros', 'ユーロ'), CENT),
  GBP: hundredths(names('pound', 'pounds', 'ポンド'), names('penny', 'pence', 'ペンス')),
  CNY: hundredths(names('yuan', 'yuan', '人民元'), names('fen', 'fen', 'フェン')),
  KRW: whole(names('won', 'won', 'ウォン')),
  TWD: hundredths(names('Taiwan dollar', 'Taiwan dollars', '台湾ドル'), CENT),
  HKD: hundredths(names('Hong Kong dollar', 'Hong Kong dollars', '香港ドル'), CENT),
  SGD: hundredths(names('Singapore dollar', 'Singapore dollars', 'シンガポールドル'), CENT),
  AUD: hundredths(names('Australian dollar', 'Australian dollars', 'オーストラリアドル'), CENT),
  CAD: hundredths(names('Canadian dollar', 'Canadian dollars', 'カナダドル'), CENT),
  CHF: hundredths(names('Swiss franc', 'Swiss francs', 'スイスフラン'), names('centime', 'centimes', 'サンチーム')),
  THB: hundredths(names('baht', 'baht', 'バーツ'), names('satang', 'satang', 'サタン')),
};

function read(decimal: Decimal, { major, minor }: Currency, language: Language): { written: string; pieces: string[] } {
  const small = minor === null ? 0 : Number(decimal.fraction);
  const parts: [number, Names][] = [];
  if (decimal.whole > 0 || small === 0) parts.push([decimal.whole, major]);
  if (minor !== null && small > 0) parts.push([small, minor]);
  if (language === 'ja') {
    return {
      written: (decimal.negative ? ja.MINUS : '') + parts.map(([n, unit]) => withCommas(n) + unit.ja.written).join(''),
      pieces: [...(decimal.negative ? [ja.MINUS] : []), ...parts.flatMap(([n, unit]) => ja.counted(n, unit.ja.spoken))],
    };
  }
  const written = parts.map(([n, unit]) => `${withCommas(n)} ${n === 1 ? unit.en.one : unit.en.many}`).join(' and ');
  const pieces = parts.flatMap(([n, unit], index) => [...(index > 0 ? [AND] : []), ...en.counted(n, unit.en)]);
  return decimal.negative ? { written: `${en.MINUS} ${written}`, pieces: [en.MINUS, ...pieces] } : { written, pieces };
}
const AND = 'and';

function vocabulary({ major, minor }: Currency, language: Language): string[] {
  const units = minor === null ? [major] : [major, minor];
  if (language === 'ja') return [ja.MINUS, ...ja.numberWords, ...units.flatMap((unit) => ja.counterWords(unit.ja.spoken))];
  return [en.MINUS, ...en.numberWords, ...(minor === null ? [] : [AND]), ...units.flatMap((unit) => [unit.en.one, unit.en.many])];
}

/** One format per currency, by its ISO 4217 code. Amounts are in major units. */
export const MONEY: Readonly<Record<string, Format>> = Object.fromEntries(
  Object.entries(CURRENCIES).map(([code, currency]): [string, Format] => [
    code,
    {
      read: (value, language) => {
        const decimal = decimalOf(value, currency.places);
        return decimal && read(decimal, currency, language);
      },
      vocabulary: (language) => vocabulary(currency, language),
    },
  ]),
);
