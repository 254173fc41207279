/**
 * The call-me channel: what a visitor's page sends, and whether we call them. Pure: counts and time are passed in.
 * A request costs us a call to wherever it says, so all that isn't plainly an ordinary subscriber is refused: premium and
 * shared-cost numbers, short and emergency numbers, foreign countries, addresses inside our own network.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { type Static, Type } from 'typebox';
import { CALLABLE } from '../base/callable.ts';
import type { E164, EpochMs, Language } from '../base/ids.ts';
import { MOST_AHEAD_MS } from '../contact/model.ts';
import type { Address } from '../cti/port.ts';
import type { CallingNumber } from '../routing/party.ts';

/** The body of `POST /api/call-me`. */
export const CallMeBody = Type.Object(
  {
    entry: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'the entry (as in data-entry of the script tag) whose rules choose the desk',
    }),
    language: Type.Unsafe<Language>(Type.Enum(['ja', 'en'])),
    country: Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2: in whose national form a number without + is read' }),
    to: Type.String({ minLength: 1, maxLength: 200, description: 'a phone number, or sip:user@host[:port]' }),
    name: Type.String({ maxLength: 80 }),
    question: Type.String({ maxLength: 1000 }),
    pageUrl: Type.String({ maxLength: 2000, description: 'the page on which the visitor asked' }),
    callAt: Type.Optional(
      Type.Union([Type.Integer(), Type.Null()], {
        description: 'when to call, in milliseconds since 1970 (one of /api/call-me/{entry}/times); null or left out: as soon as possible',
      }),
    ),
  },
  { additionalProperties: false },
);
export type CallMeBody = Static<typeof CallMeBody>;

export interface CallMePolicy {
  /** ISO 3166-1 alpha-2 countries whose numbers may be called. */
  readonly countries: readonly string[];
  /** Numbers that lead to ourselves (E.164): calling them would call us, for ever. */
  readonly ownNumbers: readonly E164[];
  readonly sip: {
    readonly allowed: boolean;
    /** Domains (and all beneath them) that may be called; null: any. */
    readonly domains: readonly string[] | null;
    /** Whether hosts inside private networks and this machine may be called. For laboratories. */
    readonly privateHosts: boolean;
  };
  readonly perTargetPerHour: number;
  readonly perAddressPerHour: number;
}

export const DEFAULT_CALL_ME_POLICY: CallMePolicy = {
  countries: ['JP'],
  ownNumbers: [],
  sip: { allowed: true, domains: null, privateHosts: false },
  perTargetPerHour: 3,
  perAddressPerHour: 10,
};

/** What went before. Times are of accepted requests, in any order; those older than an hour don't matter. */
export interface CallMeCounts {
  /** A request for the same target is still open. */
  readonly open: boolean;
  readonly toTarget: readonly EpochMs[];
  /** From the same network address. */
  readonly fromAddress: readonly EpochMs[];
}

export const CALL_ME_REFUSAL_CODES = [
  'notANumber',
  'shortNumber',
  'emergencyNumber',
  'premiumNumber',
  'extension',
  'countryNotAllowed',
  'ownNumber',
  'notASipAddress',
  'sipNotAllowed',
  'sipDomainNotAllowed',
  'alreadyWaiting',
  'tooMany',
  'timeInThePast',
  'timeOutsideHours',
  'timeTooFar',
] as const;
export type CallMeRefusalCode = (typeof CALL_ME_REFUSAL_CODES)[number];

/** What the visitor reads. The page may have words of its own for a code. */
export const CALL_ME_MESSAGES: Readonly<Record<CallMeRefusalCode, Readonly<Record<Language, string>>>> = {
  notANumber: {
    ja: '電話番号として読み取れません。市外局番から入力してください。例: 03-1234-5678',
    en: 'This is not a phone number that can be called. Write it with its area code, for example 03-1234-5678.',
  },
  shortNumber: {
    ja: '短縮番号・特別番号にはおかけできません。市外局番から入力してください。',
    en: 'Short and special numbers cannot be called. Write the number with its area code.',
  },
  emergencyNumber: { ja: '緊急通報用の番号にはおかけできません。', en: 'Emergency numbers cannot be called.' },
  premiumNumber: {
    ja: 'この種類の番号(ナビダイヤル、有料情報サービスなど)にはおかけできません。固定電話、携帯電話、IP電話の番号を入力してください。',
    en: 'Numbers of this kind (premium, shared-cost, company-wide) cannot be called. Give a landline, mobile or IP phone number.',
  },
  extension: {
    ja: '内線番号にはおかけできません。直通の番号を入力してください。',
    en: 'Extensions cannot be called. Give a direct number.',
  },
  countryNotAllowed: { ja: 'この国の番号にはおかけできません。', en: 'Numbers of this country cannot be called.' },
  ownNumber: { ja: 'これは当窓口の番号です。お客様の番号を入力してください。', en: 'This is our own number. Give yours.' },
  notASipAddress: { ja: 'SIPアドレスは sip:user@example.com の形で入力してください。', en: 'Write a SIP address as sip:user@example.com.' },
  sipNotAllowed: {
    ja: 'SIPアドレスにはおかけできません。電話番号を入力してください。',
    en: 'SIP addresses cannot be called. Give a phone number.',
  },
  sipDomainNotAllowed: { ja: 'このSIPアドレスのドメインにはおかけできません。', en: 'SIP addresses of this domain cannot be called.' },
  alreadyWaiting: {
    ja: 'この番号へのご依頼は受付済みです。順番が来ましたらお電話します。',
    en: 'We already have your request, and will call you in your turn.',
  },
  tooMany: {
    ja: 'ご依頼が続いたため、しばらく受け付けできません。時間をおいてお試しください。',
    en: 'There were too many requests. Please try again later.',
  },
  timeInThePast: {
    ja: 'その時刻は過ぎています。これからの時刻をお選びください。',
    en: 'That time is over. Choose one that is still to come.',
  },
  timeOutsideHours: {
    ja: 'その時刻はお電話できる時間帯ではありません。ほかの時刻をお選びください。',
    en: 'We make no calls at that time. Choose another one.',
  },
  timeTooFar: { ja: 'お電話のお約束は14日先までです。', en: 'Calls can be agreed for up to 14 days ahead.' },
};

export interface CallMeAccepted {
  readonly accepted: true;
  readonly to: Address;
  readonly number: CallingNumber;
  /** The same for every way of writing the same target; requests are counted by it. */
  readonly target: string;
}
export interface CallMeRefusal {
  readonly accepted: false;
  readonly code: CallMeRefusalCode;
  readonly message: string;
  /** When trying again may help. */
  readonly retryAfterMs: number | null;
}

const HOUR_MS = 3_600_000;
/** Between choosing a time and sending it; such a request is as good as one for now. */
const JUST_NOW_MS = 60_000;

/**
 * The general emergency numbers of the countries that have national ones, and those that mobile networks know everywhere
 * (3GPP TS 22.101 section 10.1). Kept short on purpose: any short number is refused anyway, this only chooses the message.
 */
const EMERGENCY = new Set([
  '000',
  '100',
  '101',
  '102',
  '108',
  '110',
  '111',
  '112',
  '113',
  '115',
  '117',
  '118',
  '119',
  '120',
  '122',
  '123',
  '144',
  '155',
  '190',
  '191',
  '192',
  '193',
  '911',
  '912',
  '991',
  '995',
  '997',
  '998',
  '999',
]);
/** Japan's own, and what visitors from elsewhere would dial; 104, 117 and the like are services, and merely short. */
const JAPAN_EMERGENCY = new Set(['110', '112', '118', '119', '911', '999', '000']);

function refuse(code: CallMeRefusalCode, language: Language, retryAfterMs: number | null = null): CallMeRefusal {
  return { accepted: false, code, message: CALL_ME_MESSAGES[code][language], retryAfterMs };
}

/** Why a number is not called. */
export type NumberRefusalCode = Extract<
  CallMeRefusalCode,
  'notANumber' | 'shortNumber' | 'emergencyNumber' | 'premiumNumber' | 'extension' | 'countryNotAllowed' | 'ownNumber'
>;

/** Full-width digits and the many dashes of Japanese keyboards become plain ones. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[‐‑‒–—―−ー─━]/gu, '-')
    .trim();
}

/**
 * A phone number that somebody wrote, if it is plainly an ordinary subscriber's that we may call.
 * @param country ISO 3166-1 alpha-2: in whose national form a number without + is read
 */
export function readDialable(
  value: string,
  country: string,
  policy: Pick<CallMePolicy, 'countries' | 'ownNumbers'>,
):
  | { readonly accepted: true; readonly e164: E164; readonly country: string }
  | { readonly accepted: false; readonly code: NumberRefusalCode } {
  const refused = (code: NumberRefusalCode) => ({ accepted: false, code }) as const;
  const text = plain(value);
  if (!/^\+?[\d\s().\-/#*]+(?:\s*(?:ext|x|内線)\.?\s*\d+)?$/iu.test(text)) return refused('notANumber');
  const digits = text.replace(/\D/gu, '');
  if (!text.startsWith('+') && digits.length <= 6) {
    const emergency = country === 'JP' ? JAPAN_EMERGENCY : EMERGENCY;
    return refused(emergency.has(digits) ? 'emergencyNumber' : digits.length < 3 ? 'notANumber' : 'shortNumber');
  }
  if (/[#*]/u.test(text)) return refused('shortNumber');
  const number = parsePhoneNumberFromString(
    text.replace(/内線/u, 'ext'),
    isSupportedCountry(country) ? { defaultCountry: country, extract: false } : { extract: false },
  );
  if (number === undefined) return refused('notANumber');
  if (number.ext !== undefined) return refused('extension');
  // "+81110": an emergency number behind a country code is dialled as such by some gateways.
  if (EMERGENCY.has(number.nationalNumber)) return refused('emergencyNumber');
  if (!number.isValid()) return refused('notANumber');
  if (number.country === undefined || !policy.countries.includes(number.country)) return refused('countryNotAllowed');
  if (!CALLABLE.has(number.getType())) return refused('premiumNumber');
  const e164: E164 = number.number;
  if (policy.ownNumbers.includes(e164)) return refused('ownNumber');
  return { accepted: true, e164, country: number.country };
}

function readPhone(value: string, request: CallMeBody, policy: CallMePolicy): CallMeAccepted | CallMeRefusal {
  const read = readDialable(value, request.country, policy);
  if (!read.accepted) return refuse(read.code, request.language);
  const { e164, country } = read;
  return { accepted: true, to: { kind: 'number', number: e164 }, number: { kind: 'valid', e164, country }, target: e164 };
}

/**
 * Special-purpose addresses (IANA registries, RFC 6890): nothing that a visitor's phone could have. Two lists, because in one
 * that holds ::ffff:0:0/96 Node finds every IPv4 address.
 */
const SPECIAL_V4 = new BlockList();
const SPECIAL_V6 = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  SPECIAL_V4.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  SPECIAL_V6.addSubnet(net, bits, 'ipv6');

const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|private|arpa|test|invalid|onion)$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u;

/** `private`: inside our network, as far as its text tells; a public name may still resolve to anything. Null: no host at all. */
function hostKind(host: string): 'public' | 'private' | null {
  if (host.startsWith('[')) {
    const address = host.slice(1, -1);
    if (!host.endsWith(']') || !isIPv6(address) || address.includes('%')) return null;
    return SPECIAL_V6.check(address, 'ipv6') ? 'private' : 'public';
  }
  if (isIPv4(host)) return SPECIAL_V4.check(host, 'ipv4') ? 'private' : 'public';
  const labels = host.split('.');
  if (host.length > 253 || !labels.every((label) => LABEL.test(label))) return null;
  // 127.1, 0x7f.0.0.1 and 2130706433 are 127.0.0.1 to many resolvers.
  if (/^(?:\d+|0x[0-9a-f]*)$/u.test(labels.at(-1) ?? '')) return null;
  return labels.length < 2 || PRIVATE_NAME.test(host) ? 'private' : 'public';
}

/**
 * `sip:user@host[:port]` and nothing else of RFC 3261's grammar: no parameters, headers, escapes or passwords, because the
 * text becomes part of a dial string.
 */
function readSip(value: string, request: CallMeBody, policy: CallMePolicy): CallMeAccepted | CallMeRefusal {
  const { language } = request;
  if (!policy.sip.allowed) return refuse('sipNotAllowed', language);
  const match =
    /^sip:([A-Za-z0-9](?:[A-Za-z0-9._+-]{0,62}[A-Za-z0-9])?|\+[0-9]{3,15})@(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?$/u.exec(
      value,
    );
  const [, user, rawHost, port] = match ?? [];
  if (user === undefined || rawHost === undefined) return refuse('notASipAddress', language);
  const host = rawHost.toLowerCase();
  const kind = hostKind(host);
  // Below 1024 live other services than phones.
  if (kind === null || (port !== undefined && (Number(port) < 1024 || Number(port) > 65535))) return refuse('notASipAddress', language);
  if (kind === 'private' && !policy.sip.privateHosts) return refuse('sipDomainNotAllowed', language);
  const { domains } = policy.sip;
  if (domains !== null && !domains.some((domain) => host === domain.toLowerCase() || host.endsWith(`.${domain.toLowerCase()}`))) {
    return refuse('sipDomainNotAllowed', language);
  }
  const uri = `sip:${user}@${host}${port === undefined ? '' : `:${Number(port)}`}`;
  return { accepted: true, to: { kind: 'sip', uri }, number: { kind: 'missing' }, target: uri };
}

/** Reads whom to call, whatever went before. */
export function readCallMeTarget(request: CallMeBody, policy: CallMePolicy): CallMeAccepted | CallMeRefusal {
  const value = request.to.trim();
  return /^sips?:|@/iu.test(value) ? readSip(value.replace(/^sip:/iu, 'sip:'), request, policy) : readPhone(value, request, policy);
}

/** How long until fewer than `limit` of `times` lie within the last hour; null when that is so now. */
function waitFor(times: readonly EpochMs[], limit: number, nowMs: EpochMs): number | null {
  const recent = times.filter((at) => at > nowMs - HOUR_MS).sort((a, b) => a - b);
  if (recent.length < limit) return null;
  const freed = recent[recent.length - limit];
  return freed === undefined ? HOUR_MS : freed + HOUR_MS - nowMs;
}

/**
 * Whether this visitor is called. The target is checked before the counts, so that a wrong number is told as such.
 * @param counts what is known of the same target (`readCallMeTarget(…).target`) and of the same network address
 */
export function checkCallMe(
  request: CallMeBody,
  policy: CallMePolicy,
  counts: CallMeCounts,
  nowMs: EpochMs,
): CallMeAccepted | CallMeRefusal {
  const target = readCallMeTarget(request, policy);
  if (!target.accepted) return target;
  if (counts.open) return refuse('alreadyWaiting', request.language);
  const waits = [waitFor(counts.toTarget, policy.perTargetPerHour, nowMs), waitFor(counts.fromAddress, policy.perAddressPerHour, nowMs)];
  const waitMs = Math.max(...waits.map((wait) => wait ?? -1));
  return waitMs >= 0 ? refuse('tooMany', request.language, waitMs) : target;
}

/** Whether a call can be agreed for a time, by the calendar alone: which hours the desk keeps, the house knows. Null when it can. */
export function checkCallTime(callAt: EpochMs | null, language: Language, nowMs: EpochMs): CallMeRefusal | null {
  if (callAt === null) return null;
  if (callAt < nowMs - JUST_NOW_MS) return refuse('timeInThePast', language);
  return callAt > nowMs + MOST_AHEAD_MS ? refuse('timeTooFar', language) : null;
}

/** The end of a number, or the beginning of a SIP user: enough to know one's own by. */
export function recognisable(to: Address): string {
  switch (to.kind) {
    case 'number':
      return `…${to.number.slice(-4)}`;
    case 'sip':
      return `${to.uri.slice(0, 'sip:'.length + 1)}…`;
    default:
      return '…';
  }
}

/** The first letters of a text, as people count them. */
export function beginningOf(text: string, letters: number): string {
  const all = [...new Intl.Segmenter().segment(text.trim().replace(/\s+/gu, ' '))];
  const first = all.slice(0, letters).map(({ segment }) => segment);
  return first.join('') + (all.length > letters ? '…' : '');
}

/** The calling number that an accepted target stands for: what a party is looked up by. */
export function callingNumberOf(to: Address): CallingNumber {
  if (to.kind !== 'number') return { kind: 'missing' };
  const number = parsePhoneNumberFromString(to.number);
  return { kind: 'valid', e164: to.number, country: number?.country ?? null };
}

/** What somebody wrote, as one line: no control characters, which could reach a SIP header or turn text around. */
export function cleanLine(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
}

/** The same with its line breaks and tabs. */
export function cleanText(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\r\n?/gu, '\n')
    .replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
}

/**
 * What a visitor wrote, fit to be shown to an agent; a page address only when it is one of the web (a panel may make a link
 * of it).
 */
export function cleanCallMe(request: CallMeBody): { readonly name: string; readonly question: string; readonly pageUrl: string } {
  const page = URL.parse(request.pageUrl);
  return {
    name: cleanLine(request.name),
    question: cleanText(request.question),
    pageUrl:
      page !== null && (page.protocol === 'https:' || page.protocol === 'http:') && page.username === '' && page.password === ''
        ? page.href
        : '',
  };
}
