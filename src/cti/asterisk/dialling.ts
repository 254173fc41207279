/**
 * Dial strings and caller ids for ARI. Both end in SIP headers and in Asterisk's own little languages (`&`, `,`, `/`, `"`), so
 * only characters that mean nothing there are let through; what is not known to be safe is not dialled.
 */
import type { Address } from '../port.ts';

export interface Ways {
  /** PJSIP endpoint that numbers go out by; null when there is none. */
  readonly trunk: string | null;
  /** PJSIP endpoint that SIP addresses go out by; null when none may. */
  readonly sipEndpoint: string | null;
}

export type DialString =
  | { readonly kind: 'dialable'; readonly dialString: string }
  /** Nothing that could be dialled, or nothing to dial it by. */
  | { readonly kind: 'impossible'; readonly cause: 'invalidNumber' | 'unreachable' };

/** Names that we provision: also the user part of their SIP address and a section's name in Asterisk. */
const ENDPOINT = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** E.164 (15 digits) with or without +, national and short numbers, and feature codes with * and #. */
const NUMBER = /^\+?[0-9*#]{1,20}$/;
/** `sip:user@host[:port]`; no parameters, headers, passwords or escapes (RFC 3261 has them all). */
const SIP = /^sips?:[A-Za-z0-9_.+*-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

export function isEndpointName(name: string): boolean {
  return ENDPOINT.test(name);
}

export function dialStringOf(to: Address, ways: Ways): DialString {
  const { kind } = to;
  switch (kind) {
    case 'endpoint':
      return ENDPOINT.test(to.endpoint) ? dialable(`PJSIP/${to.endpoint}`) : impossible('invalidNumber');
    case 'number':
      if (!NUMBER.test(to.number)) return impossible('invalidNumber');
      return ways.trunk === null ? impossible('unreachable') : dialable(`PJSIP/${to.number}@${ways.trunk}`);
    case 'sip':
      if (!SIP.test(to.uri)) return impossible('invalidNumber');
      return ways.sipEndpoint === null ? impossible('unreachable') : dialable(`PJSIP/${ways.sipEndpoint}/${to.uri}`);
    default:
      return kind satisfies never;
  }
}

function dialable(dialString: string): DialString {
  return { kind: 'dialable', dialString };
}
function impossible(cause: 'invalidNumber' | 'unreachable'): DialString {
  return { kind: 'impossible', cause };
}

/** `"name" <number>` with everything taken out that could end the quotes or the header. */
export function callerIdOf(from: { readonly number: string; readonly name: string }): string {
  const name = from.name
    .replace(/[\p{C}"\\<>]/gu, ' ')
    .trim()
    .slice(0, 80);
  const number = from.number.replace(/[^0-9A-Za-z+*#_.-]/g, '').slice(0, 64);
  return `"${name}" <${number}>`;
}

/** ARI media of the port's: absolute paths become `sound:`, `tone:NAME` stays. Null when one can't be said safely. */
export function mediaOf(media: readonly string[]): string | null {
  const uris = media.map((item) => {
    if (/^tone:[A-Za-z0-9_]+(?:;tonezone=[a-z]{2})?$/.test(item)) return item;
    // A comma separates media.
    return item.startsWith('/') && !/[,\p{C}]/u.test(item) ? `sound:${item}` : null;
  });
  return uris.length === 0 || uris.includes(null) ? null : uris.join(',');
}
