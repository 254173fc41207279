/**
 * Who is calling, as far as the signalling and the database tell. The number is read in the entry's country; a withheld,
 * missing or malformed one is an ordinary case and never an error.
 */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { CALLABLE } from '../base/callable.ts';
import type { E164 } from '../base/ids.ts';
import type { Arrival } from '../cti/port.ts';
import type { CallingNumber, Party, PartyKey, PartyRecord } from '../routing/party.ts';
import { UNKNOWN_PARTY } from '../routing/party.ts';

/** What networks and phones send in place of a number that they withhold or do not have (RFC 3323, and habit). */
const WITHHELD = new Set(['anonymous', 'restricted', 'private', 'withheld']);
const MISSING = new Set(['unavailable', 'unknown', 'invalid', 'null', 'none', 'asterisk', 's']);

/** How international calls are dialled where the prefix is not 00: Japan (010) and North America (011). */
const INTERNATIONAL_PREFIX: Readonly<Record<string, string>> = { JP: '010', US: '011', CA: '011' };

/**
 * Reads the number of a caller.
 * @param arrival as the switch gives it: a number in any form, or a whole `sip:`/`tel:` address
 * @param country ISO 3166-1 alpha-2: how numbers without a country code are read; one that is not known leaves those malformed
 */
export function readCallingNumber(arrival: Arrival, country: string): CallingNumber {
  const raw = userPart(arrival.callingNumber ?? '');
  const word = raw.toLowerCase();
  if (arrival.presentation === 'restricted') return { kind: 'withheld' };
  if (raw === '' || MISSING.has(word)) return { kind: 'missing' };
  if (WITHHELD.has(word)) return { kind: 'withheld' };
  if (arrival.presentation === 'unavailable') return { kind: 'missing' };
  return readNumber(raw, country) ?? { kind: 'malformed', raw };
}

/** A number written by anybody, in any usual form; null when it is none. */
export function readNumber(raw: string, country: string): Extract<CallingNumber, { kind: 'valid' }> | null {
  const home = isSupportedCountry(country) ? (country as CountryCode) : undefined;
  for (const form of formsOf(raw.normalize('NFKC'), country)) {
    // `extract: false`: the text must be a number, not merely contain one.
    const number = parsePhoneNumberFromString(form, { ...(home ? { defaultCountry: home } : {}), extract: false });
    if (number?.isValid() && !number.ext) return { kind: 'valid', e164: number.number, country: number.country ?? null };
  }
  return null;
}

/** Whether a number is an ordinary subscriber's: one that costs no more than others. */
export function isOrdinary(number: E164): boolean {
  return CALLABLE.has(parsePhoneNumberFromString(number)?.getType());
}

/** The likeliest reading first. */
function formsOf(raw: string, country: string): string[] {
  if (!/^\+?[\d\s().\-/]+$/.test(raw)) return [];
  const digits = raw.replace(/\D/g, '');
  if (raw.trimStart().startsWith('+')) return [`+${digits}`];
  const forms: string[] = [];
  const prefix = INTERNATIONAL_PREFIX[country];
  if (prefix && digits.startsWith(prefix)) forms.push(`+${digits.slice(prefix.length)}`);
  if (digits.startsWith('00')) forms.push(`+${digits.slice(2)}`);
  forms.push(digits);
  // Some carriers leave out the plus sign: 81312345678. Only ever the second guess, and never for short ones (extensions).
  if (!digits.startsWith('0') && digits.length >= 10) forms.push(`+${digits}`);
  return forms;
}

/** `sip:+81312345678;phone-context=…@host` and `tel:+81-3-…;ext=1` → what stands for the caller in them. */
function userPart(text: string): string {
  const address = /<([^>]*)>/.exec(text)?.[1] ?? text;
  const user = /^(?:sips?|tel):/i.test(address) ? address.replace(/^\w+:/, '').replace(/@.*$/s, '') : address.replace(/@.*$/s, '');
  const plain = user.replace(/;.*$/s, '').trim();
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain; // A stray % is no escape: the text stays as it is, and will be malformed.
  }
}

const NEW_PARTY: Party = { kind: 'new', record: null, foundBy: null };

/** The party that a look-up by the calling number gives: who was found, somebody new, or nobody to go by. */
export function partyFor(record: PartyRecord | null, foundBy: PartyKey, number: CallingNumber): Party {
  if (record) return { kind: record.kind, record, foundBy };
  return number.kind === 'valid' ? NEW_PARTY : UNKNOWN_PARTY;
}
