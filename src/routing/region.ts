/**
 * Where a caller is, by the area code of the number. Only Japan for now; a mobile, IP, freephone or foreign number has
 * no region. From the area code list of the Ministry of Internal Affairs and Communications (市外局番の一覧); codes that
 * reach over a prefectural border count for the prefecture with most of their subscribers.
 */
import type { E164 } from '../base/ids.ts';

/** Prefecture (JIS X 0401) → beginnings of national numbers without the 0. The longest beginning wins. */
const AREA_CODES: Readonly<Record<string, string>> = {
  '01': '11 12 13 14 15 16', // Hokkaido
  '02': '17', // Aomori
  '03': '19', // Iwate
  '04': '22', // Miyagi
  '05': '18', // Akita
  '06': '23', // Yamagata
  '07': '24', // Fukushima
  '08': '29 280', // Ibaraki
  '09': '28', // Tochigi
  '10': '27', // Gunma
  '11': '48 49 429', // Saitama
  '12': '43 47', // Chiba
  '13': '3 42', // Tokyo
  '14': '44 45 46', // Kanagawa
  '15': '25', // Niigata
  '16': '763 764 765 766', // Toyama
  '17': '76', // Ishikawa
  '18': '770 776 778 779', // Fukui
  '19': '55', // Yamanashi
  '20': '26', // Nagano
  '21': '57 58', // Gifu
  '22': '53 54 537 538 539 550 557 558 559', // Shizuoka
  '23': '52 531 532 533 536 56 586 587', // Aichi
  '24': '59', // Mie
  '25': '77 740 748 749', // Shiga
  '26': '75 771 772 773 774', // Kyoto
  '27': '6 72', // Osaka
  '28': '78 79', // Hyogo
  '29': '74', // Nara
  '30': '73', // Wakayama
  '31': '857 858 859', // Tottori
  '32': '85', // Shimane
  '33': '86', // Okayama
  '34': '82 84', // Hiroshima
  '35': '83 820 827', // Yamaguchi
  '36': '88', // Tokushima
  '37': '87', // Kagawa
  '38': '89', // Ehime
  '39': '880 887 888 889', // Kochi
  '40': '92 93 94', // Fukuoka
  '41': '952 954 955', // Saga
  '42': '95 920', // Nagasaki
  '43': '96', // Kumamoto
  '44': '97', // Oita
  '45': '982 983 984 985 986 987', // Miyazaki
  '46': '99', // Kagoshima
  '47': '98', // Okinawa
};

/** Beginnings that belong to no place: mobile, IP, freephone, shared cost, premium. */
const NO_PLACE = ['120', '20', '50', '60', '70', '80', '90', '570', '800', '990'];

const PLACES: ReadonlyMap<string, string> = new Map(
  Object.entries(AREA_CODES).flatMap(([region, codes]) => codes.split(' ').map((code) => [code, region] as const)),
);

/** The prefecture number of a Japanese geographic number, as `13` for Tokyo; null for any other. */
export function regionOfNumber(number: E164): string | null {
  if (!number.startsWith('+81')) return null;
  const national = number.slice(3);
  // Geographic numbers have nine digits after the 0, mobile and IP numbers ten: +81 90 … is a mobile, +81 92 … Fukuoka.
  if (national.length !== 9 || NO_PLACE.some((code) => national.startsWith(code))) return null;
  for (let length = 3; length > 0; length--) {
    const region = PLACES.get(national.slice(0, length));
    if (region !== undefined) return region;
  }
  return null;
}
