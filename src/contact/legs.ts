/** Legs: the rows of those that are there, and the end of those that are not wanted. */
import type { BridgeId, LegId, PlayId, RecordingId } from '../base/ids.ts';
import type { HangUpReason } from '../cti/port.ts';
import type { Draft } from './floor.ts';
import type { Contact, Leg } from './model.ts';

/** More than a dialogue plays, records or sends. */
const OF_ONE_CALL = 1_000_000;
/**
 * Whoever is called again has another dialogue, which counts from 1 as the first one did; but an id is used once for ever, and what was
 * played, recorded or sent by it would not be again.
 */
const numbersBefore = ({ attempts }: Contact): number => Math.max(0, attempts - 1) * OF_ONE_CALL;

/** The id of a dialogue's playback on its party's leg. */
export const dialoguePlayId = (contact: Contact, play: number): PlayId => `${contact.id}.s${numbersBefore(contact) + play}`;

/** What a party recorded (`r`), or said in answer to a question (`h`). */
export const recordingOf = (contact: Contact, kind: 'r' | 'h', request: number): RecordingId =>
  `${contact.id}.${kind}${numbersBefore(contact) + request}`;

/** What a hook is to send. */
export const messageKey = (contact: Contact, request: number): string => `${contact.id}.m${numbersBefore(contact) + request}`;

/** The number in such an id as the dialogue of this call counts; null: it is another call's. */
export function numberInCall(contact: Contact, number: number): number | null {
  const counted = number - numbersBefore(contact);
  return counted > 0 && counted < OF_ONE_CALL ? counted : null;
}

/** The bridge of a party with a number outside, by the leg to that. */
export const bridgeOutside = (legId: LegId): BridgeId => `${legId}.b`;

export function newLeg(
  draft: Draft,
  contact: Contact,
  given: Pick<Leg, 'id' | 'role' | 'state'> & Partial<Pick<Leg, 'agentId' | 'answeredAt'>>,
): Leg {
  return draft.put('leg', {
    id: given.id,
    domainId: draft.floor.domainId,
    contactId: contact.id,
    role: given.role,
    agentId: given.agentId ?? null,
    state: given.state,
    closing: false,
    createdAt: draft.at,
    answeredAt: given.answeredAt ?? null,
    endedAt: null,
    cause: null,
  });
}

/** Orders a live leg to be hung up. Its row ends when the switch says that it is gone. */
export function hangUpLeg(draft: Draft, legId: LegId | null, reason: HangUpReason = 'normal'): void {
  const leg = draft.leg(legId);
  if (leg) draft.order(leg.contactId, { type: 'hangUp', leg: leg.id, reason });
}

/** The number outside is not wanted any more, whether it rings or talks with the party. */
export function hangUpOutside(draft: Draft, contact: Contact): void {
  const outside = draft.leg(contact.outside?.legId ?? null);
  if (!outside) return;
  hangUpLeg(draft, outside.id);
  if (outside.state === 'up') draft.order(contact.id, { type: 'dropBridge', bridge: bridgeOutside(outside.id) });
}

/**
 * A leg of our making that we believe gone lives: its dialling was given up as failed, and was done all the same. Nobody is to
 * be rung for nothing. Ids of legs that we make begin with their contact's.
 */
export function hangUpStray(draft: Draft, legId: LegId): void {
  const contactId = legId.slice(0, legId.indexOf('.'));
  if (!contactId.startsWith(`${draft.floor.domainId}-`)) return;
  draft.order(contactId, { type: 'hangUp', leg: legId, reason: 'normal' });
}
