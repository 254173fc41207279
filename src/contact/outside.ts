/**
 * Putting a caller through to a number outside: asked for by a scenario, dialled beside it, joined with the party when it is answered. What
 * becomes of the leg is in `outside-legs.ts`. The contact stays in state `scenario`, and its end takes the leg with it (`endContact`).
 */
import type { E164 } from '../base/ids.ts';
import type { DialogueInput } from '../ivr/scenario.ts';
import { type Draft, withoutTimers } from './floor.ts';
import { isOrdinary, readNumber } from './identify.ts';
import { newLeg } from './legs.ts';
import type { Contact, OutboundPolicy } from './model.ts';

export const DEFAULT_OUTBOUND_POLICY: OutboundPolicy = {
  countries: null,
  outsideAtOnce: 10,
  outsideMs: 4 * 3_600_000,
  noticeLines: 10,
  announcementMs: 60_000,
};

export const outboundPolicy = (draft: Draft): OutboundPolicy => draft.context.policy.outbound ?? DEFAULT_OUTBOUND_POLICY;

/** The switch ends the dialling itself; ours is the deadline in case that it never says so. */
export const SWITCH_IS_LATE_MS = 5_000;
/** A scenario that asks for numbers outside again and again, as they are busy or refused, is not to do so for ever. */
const MOST_ATTEMPTS = 10;

/**
 * Has a number outside dialled for the party, who hears music meanwhile.
 * @param to `number` as the scenario's file has it (never as somebody dialled it), and for how long it may ring
 * @returns what the dialogue is to be told at once, when it is refused, or `tooOften`: then it is to be over. Null: `transferFailed` comes
 *   later, or the talk begins
 */
export function transferOut(
  draft: Draft,
  contact: Contact,
  to: { readonly number: E164; readonly timeoutMs: number },
): Extract<DialogueInput, { type: 'transferFailed' }> | 'tooOften' | null {
  const attempts = (contact.outside?.attempts ?? 0) + 1;
  const asked = draft.put('contact', { ...contact, outside: { attempts, legId: null } });
  const refusal = refusalOf(draft, contact, to.number);
  if (refusal !== null) {
    draft.event('failed', { contact: asked, cause: 'refused', data: { with: 'outside', attempt: attempts, why: refusal } });
    return attempts < MOST_ATTEMPTS ? { type: 'transferFailed', cause: 'refused' } : 'tooOften';
  }
  const legId = `${contact.id}.x${attempts}`;
  newLeg(draft, contact, { id: legId, role: 'outside', state: 'dialling' });
  const dialling = draft.put('contact', {
    ...asked,
    outside: { attempts, legId },
    timers: { ...withoutTimers(contact, 'scenario'), dial: draft.at + to.timeoutMs + SWITCH_IS_LATE_MS },
  });
  draft.order(contact.id, { type: 'startMusic', leg: contact.legId as string });
  const shows = { number: draft.context.directory.outgoingNumber, name: '' };
  draft.order(contact.id, { type: 'originate', leg: legId, to: { kind: 'number', number: to.number }, timeoutMs: to.timeoutMs, shows });
  draft.event('originated', { contact: dialling, legId, data: { with: 'outside', attempt: attempts } });
  return null;
}

/** Why a number is not dialled; null when it is. */
function refusalOf(draft: Draft, contact: Contact, number: E164): 'state' | 'country' | 'limit' | 'tooOften' | null {
  const { outsideAtOnce } = outboundPolicy(draft);
  if (contact.state !== 'scenario' || draft.leg(contact.legId)?.state !== 'up') return 'state';
  if ((contact.outside?.attempts ?? 0) >= MOST_ATTEMPTS) return 'tooOften';
  if (!mayBeDialled(draft, contact, number)) return 'country';
  return linesOutside(draft) >= outsideAtOnce ? 'limit' : null;
}

/** Whether a number is of a country that scenarios may have dialled: calls cost money. */
export function mayBeDialled(draft: Draft, contact: Contact, number: E164): boolean {
  const country = readNumber(number, 'ZZ')?.country ?? null;
  return country !== null && (outboundPolicy(draft).countries ?? [ownCountry(draft, contact)]).includes(country);
}

/** Whether a number that a caller dialled may be called back: of such a country, an ordinary one, and none of our own. */
export function mayBeCalledBack(draft: Draft, contact: Contact, number: E164): boolean {
  const { entries, outgoingNumber } = draft.context.directory;
  const isOurs = number === outgoingNumber || entries.some(({ numbers }) => numbers.includes(number));
  return !isOurs && isOrdinary(number) && mayBeDialled(draft, contact, number);
}

/** The entry's; of a contact without one, that of the number which we show. */
function ownCountry(draft: Draft, contact: Contact): string | null {
  const { entries, outgoingNumber } = draft.context.directory;
  return entries.find(({ id }) => id === contact.entryId)?.country ?? readNumber(outgoingNumber, 'ZZ')?.country ?? null;
}

/** Legs to numbers outside, of the whole domain. */
function linesOutside(draft: Draft): number {
  const ids = new Set([...draft.floor.legs.keys(), ...draft.legs.keys()]);
  let lines = 0;
  for (const id of ids) if (draft.leg(id)?.role === 'outside') lines += 1;
  return lines;
}

/** Whether the party talks with a number outside. */
export const talksOutside = (draft: Draft, contact: Contact): boolean => draft.leg(contact.outside?.legId ?? null)?.state === 'up';
