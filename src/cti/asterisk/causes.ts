/** Why a leg ended, in the port's words, from what Asterisk tells: a Q.850 cause and the SIP status of the far end. */
import type { HangUpReason, LegCause } from '../port.ts';

/** ITU-T Q.850 table 1, as Asterisk's `causes.h` uses it. */
const BY_Q850: ReadonlyMap<number, LegCause> = new Map<number, LegCause>([
  [1, 'invalidNumber'], // unallocated
  [2, 'unreachable'], // no route to transit network
  [3, 'unreachable'], // no route to destination
  [16, 'normalClearing'],
  [17, 'busy'],
  [18, 'noAnswer'], // no user responding
  [19, 'noAnswer'], // alerting, no answer
  [20, 'unreachable'], // subscriber absent
  [21, 'rejected'],
  [22, 'invalidNumber'], // number changed
  [26, 'normalClearing'], // non-selected user clearing
  [27, 'unreachable'], // destination out of order
  [28, 'invalidNumber'], // invalid number format
  [29, 'rejected'], // facility rejected
  [31, 'normalClearing'], // normal, unspecified
  [34, 'congestion'],
  [38, 'unreachable'], // network out of order
  [41, 'congestion'],
  [42, 'congestion'],
  [44, 'congestion'],
  [47, 'congestion'],
  [55, 'rejected'], // incoming calls barred
  [57, 'rejected'], // bearer capability not authorised
  [58, 'unreachable'], // bearer capability not available
  [102, 'unreachable'], // recovery on timer expiry
]);

/** SIP finals that say it better than the cause that Asterisk makes of them (RFC 3261, RFC 8197 for 607). */
const BY_SIP: ReadonlyMap<number, LegCause> = new Map<number, LegCause>([
  [403, 'rejected'],
  [404, 'invalidNumber'],
  [408, 'unreachable'],
  [410, 'invalidNumber'],
  [480, 'noAnswer'],
  [484, 'invalidNumber'],
  [486, 'busy'],
  [600, 'busy'],
  [603, 'rejected'],
  [604, 'invalidNumber'],
  [607, 'rejected'],
]);

/**
 * Of an outgoing leg that was not answered. A far end that never rang and let the time run out is not there: Asterisk gives
 * 19 and 480 for that, too.
 */
export function unansweredCause(q850: number, sip: number | null, rang: boolean): LegCause {
  const cause = (sip === null ? undefined : BY_SIP.get(sip)) ?? BY_Q850.get(q850) ?? 'unknown';
  return cause === 'noAnswer' && !rang ? 'unreachable' : cause;
}

/** Q.850 for `DELETE /channels/{id}?reason_code=`; before the answer Asterisk makes 486, 403, 503, 480 of them. */
export const Q850_OF_REASON: Readonly<Record<HangUpReason, number>> = { normal: 16, busy: 17, rejected: 21, congestion: 34, noAnswer: 19 };

/** Of an incoming leg that we refused without answering. */
export const CAUSE_OF_REASON: Readonly<Record<HangUpReason, LegCause>> = {
  normal: 'normalClearing',
  busy: 'busy',
  rejected: 'rejected',
  congestion: 'congestion',
  noAnswer: 'noAnswer',
};
