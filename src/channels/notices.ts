/**
 * The channel of notices: reading a list of those who are to be told, and saying what is wrong with it, before anything is
 * created; and when it will be over, by the pace so far.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { decodeCsv, splitCsv, UnreadableCsv } from '../base/csv.ts';
import type { E164, EpochMs, Language } from '../base/ids.ts';
import { NOTICE_LIMITS, type NoticeProgress, type NoticeRecipient } from '../base/notice.ts';
import { type CallMePolicy, cleanLine, type NumberRefusalCode, readDialable } from './call-me.ts';

export type RecipientProblemCode = NumberRefusalCode | 'unreadable' | 'noRecipients' | 'tooMany' | 'noNumber' | 'duplicate' | 'nameTooLong';

/** One thing that is wrong with a list, in words for whoever wrote it. */
export interface RecipientProblem {
  readonly line: number;
  readonly code: RecipientProblemCode;
  /** As it is in the list. */
  readonly value: string;
  readonly message: Readonly<Record<Language, string>>;
}

export interface RecipientList {
  readonly recipients: readonly (NoticeRecipient & { readonly line: number })[];
  readonly problems: readonly RecipientProblem[];
  /** Lines with something in them, the header left out. */
  readonly lines: number;
}

export interface RecipientRules extends Pick<CallMePolicy, 'countries' | 'ownNumbers'> {
  /** ISO 3166-1 alpha-2: in whose national form numbers without + are read. */
  readonly country: string;
}

/** Names of the columns, as people write them. */
const COLUMNS = {
  number: ['number', 'phone', 'phone number', 'telephone', 'tel', '電話番号', '電話', '番号'],
  name: ['name', '氏名', '名前', 'お名前', '宛名'],
} as const;

const MESSAGES: Readonly<Record<Exclude<RecipientProblemCode, 'unreadable' | 'duplicate'>, Readonly<Record<Language, string>>>> = {
  notANumber: { ja: '電話番号として読み取れません', en: 'is not a phone number that can be called' },
  shortNumber: { ja: '短縮番号・特別番号にはおかけできません', en: 'is a short or special number' },
  emergencyNumber: { ja: '緊急通報用の番号です', en: 'is an emergency number' },
  premiumNumber: { ja: 'この種類の番号(ナビダイヤル、有料情報サービスなど)にはおかけできません', en: 'is a premium or shared-cost number' },
  extension: { ja: '内線番号にはおかけできません', en: 'has an extension' },
  countryNotAllowed: { ja: 'この国の番号にはおかけできません', en: 'is in a country that may not be called' },
  ownNumber: { ja: '当センターの番号です', en: 'is our own number' },
  noRecipients: { ja: '宛先がありません', en: 'there are no recipients in it' },
  tooMany: {
    ja: `宛先が多すぎます。${NOTICE_LIMITS.recipients}件までに分けてください`,
    en: `there are too many recipients: at most ${NOTICE_LIMITS.recipients} at once`,
  },
  noNumber: { ja: '電話番号がありません', en: 'has no number' },
  nameTooLong: { ja: `名前が長すぎます(${NOTICE_LIMITS.name}文字まで)`, en: `has a name of more than ${NOTICE_LIMITS.name} letters` },
};

/** Reading a number takes some 20 µs; an agent's phone is not to ring later because somebody reads a long list. */
const ROWS_AT_A_STRETCH = 200;

/**
 * Reads a list: a CSV file in UTF-8 or Shift_JIS, or what was pasted from a spreadsheet (tabs). Columns `number` and `name`, in
 * English or Japanese, others are passed over; without a header the first column is the number and the second the name.
 */
export async function readRecipients(bytes: Uint8Array, rules: RecipientRules): Promise<RecipientList> {
  let records: ReturnType<typeof splitCsv>;
  try {
    const { text } = decodeCsv(bytes);
    const [first = ''] = text.split(/\r|\n/, 1);
    records = splitCsv(text, first.includes('\t') ? '\t' : ',').filter(({ cells }) => cells.some((cell) => cell.trim() !== ''));
  } catch (error) {
    if (!(error instanceof UnreadableCsv)) throw error;
    return fileProblem({ line: 1, code: 'unreadable', value: '', message: unreadable(error.message) });
  }
  const [header] = records;
  if (!header) return fileProblem({ line: 1, code: 'noRecipients', value: '', message: MESSAGES.noRecipients });
  const columns = columnsOf(header.cells);
  if (!columns) {
    const en = 'the first line must name the column "number" (and "name"), or be a recipient';
    const ja = '1行目に列名「電話番号」(と「氏名」)を書くか、1行目から宛先を書いてください';
    return fileProblem({ line: header.line, code: 'unreadable', value: header.cells.join(',').slice(0, 80), message: { en, ja } });
  }
  if (columns.hasHeader) records.shift();
  if (records.length === 0) return fileProblem({ line: header.line, code: 'noRecipients', value: '', message: MESSAGES.noRecipients });
  if (records.length > NOTICE_LIMITS.recipients)
    return fileProblem({ line: header.line, code: 'tooMany', value: String(records.length), message: MESSAGES.tooMany });

  const recipients: (NoticeRecipient & { line: number })[] = [];
  const problems: RecipientProblem[] = [];
  const lineOf = new Map<E164, number>();
  for (const [index, { line, cells }] of records.entries()) {
    if (index % ROWS_AT_A_STRETCH === 0) await breathe();
    const value = (cells[columns.number] ?? '').trim();
    const name = cleanLine(columns.name === null ? '' : (cells[columns.name] ?? ''));
    const wrong = (code: keyof typeof MESSAGES): number => problems.push({ line, code, value, message: MESSAGES[code] });
    if (value === '') wrong('noNumber');
    else if ([...name].length > NOTICE_LIMITS.name) wrong('nameTooLong');
    else {
      const read = readDialable(value, rules.country, rules);
      const before = read.accepted ? lineOf.get(read.e164) : undefined;
      if (!read.accepted) wrong(read.code);
      else if (before !== undefined) problems.push({ line, code: 'duplicate', value, message: duplicate(before) });
      else {
        lineOf.set(read.e164, line);
        recipients.push({ id: String(recipients.length + 1), number: read.e164, country: read.country, name, line });
      }
    }
  }
  return { recipients, problems, lines: records.length };
}

const fileProblem = (problem: RecipientProblem): RecipientList => ({ recipients: [], problems: [problem], lines: 0 });
const unreadable = (en: string): RecipientProblem['message'] => ({
  en,
  ja: 'ファイルを読み取れません。「CSV UTF-8」で保存し直してください',
});
const duplicate = (line: number): RecipientProblem['message'] => ({ en: `is in line ${line}, too`, ja: `${line}行目と同じ番号です` });

/** Where number and name are; null when the first line is neither a header that we know nor a recipient. */
function columnsOf(
  first: readonly string[],
): { readonly number: number; readonly name: number | null; readonly hasHeader: boolean } | null {
  const words = first.map((cell) => cell.normalize('NFKC').trim().toLowerCase());
  const find = (known: readonly string[]): number => words.findIndex((word) => known.includes(word));
  const number = find(COLUMNS.number);
  const name = find(COLUMNS.name);
  if (number >= 0) return { number, name: name >= 0 ? name : null, hasHeader: true };
  return (words[0]?.replace(/\D/gu, '').length ?? 0) >= 3 ? { number: 0, name: 1, hasHeader: false } : null;
}

/** Steps in which the time until the end is walked through. */
const WALK_MS = 15 * 60_000;
/** Further away nobody plans. */
const MOST_STEPS = 90 * 96;

/**
 * When the last recipient will be over, if it goes on as it went lately; only the hours count in which people may be called.
 * @param nextTimeToCall the first moment from one on at which people may be called; null when there is none
 * @returns null when there is nothing to go by: not running, nobody over yet, or no end within three months
 */
export function estimatedEnd(progress: NoticeProgress, now: EpochMs, nextTimeToCall: (from: EpochMs) => EpochMs | null): EpochMs | null {
  const { latest } = progress;
  const left = progress.waiting + progress.underWay;
  if (!latest || left === 0 || now <= latest.since) return null;
  let leftMs = ((now - latest.since) / latest.ended) * left;
  let at = now;
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const open = nextTimeToCall(at);
    if (open === null) return null;
    if (open > at) at = open;
    else if (leftMs <= WALK_MS) return at + leftMs;
    else {
      leftMs -= WALK_MS;
      at += WALK_MS;
    }
  }
  return null;
}
