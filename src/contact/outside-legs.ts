/**
 * The leg to a number outside: answered, over, or never there. In the log: `originated` → `delivered` → `established` (CSTA; with
 * `data.with: 'outside'`) → `connectionCleared` by `party`, `outside` or `limit` → `contactEnded` (`transferredOut`); or `failed`, and the
 * dialogue goes on.
 */
import type { LegId } from '../base/ids.ts';
import type { LegCause } from '../cti/port.ts';
import { feedDialogue } from './dialogue.ts';
import { endContact } from './end.ts';
import { type Draft, withoutTimers } from './floor.ts';
import { bridgeOutside, hangUpLeg } from './legs.ts';
import type { Contact, Leg } from './model.ts';
import { CUT_OFF, outcomeOf, onLegAnswered as partyOrAgentAnswered, onLegEnded as partyOrAgentLegEnded } from './offering.ts';
import { outboundPolicy } from './outside.ts';

/** An outgoing leg was answered. */
export function onLegAnswered(draft: Draft, legId: LegId): void {
  const leg = draft.leg(legId);
  if (leg?.role !== 'outside') return partyOrAgentAnswered(draft, legId);
  if (leg.state === 'up') return; // told twice
  draft.put('leg', { ...leg, state: 'up', answeredAt: draft.at });
  const contact = wanting(draft, leg);
  if (!contact || draft.leg(contact.legId)?.state !== 'up') return hangUpLeg(draft, legId);
  joinOutside(draft, contact, legId);
  const timers = { ...withoutTimers(contact, 'dial', 'scenario'), outside: draft.at + outboundPolicy(draft).outsideMs };
  const talking = draft.put('contact', { ...contact, timers });
  draft.event('established', { contact: talking, legId, data: { with: 'outside' } });
}

/** Party and number outside are together: also again, after a gap. */
export function joinOutside(draft: Draft, contact: Contact, legId: LegId): void {
  draft.order(contact.id, { type: 'join', bridge: bridgeOutside(legId), legs: [contact.legId as string, legId] });
}

/** A leg is gone, whatever the reason. */
export function onLegEnded(draft: Draft, legId: LegId, cause: LegCause): void {
  const leg = draft.leg(legId);
  if (leg?.role !== 'outside') return partyOrAgentLegEnded(draft, legId, cause);
  draft.put('leg', { ...leg, state: 'ended', endedAt: draft.at, cause });
  const contact = wanting(draft, leg);
  if (!contact) return;
  if (leg.state === 'up') return endTalkOutside(draft, contact, leg, 'outside', cause);
  const failed = draft.put('contact', {
    ...contact,
    outside: { attempts: contact.outside?.attempts ?? 1, legId: null },
    timers: withoutTimers(contact, 'dial'),
  });
  draft.event('failed', { contact: failed, legId, cause, data: { with: 'outside', attempt: contact.outside?.attempts ?? 1 } });
  draft.order(contact.id, { type: 'stopMusic', leg: contact.legId as string });
  feedDialogue(draft, failed, { type: 'transferFailed', cause: outcomeOf(cause) });
}

/** The talk with the number outside has been long enough. */
export function onOutsideTimeUp(draft: Draft, contact: Contact): void {
  const leg = draft.leg(contact.outside?.legId ?? null);
  if (leg) endTalkOutside(draft, contact, leg, 'limit', 'normalClearing');
}

function endTalkOutside(draft: Draft, contact: Contact, leg: Leg, by: 'outside' | 'limit', cause: LegCause): void {
  const talkedMs = draft.at - (leg.answeredAt ?? draft.at);
  draft.event('connectionCleared', { contact, legId: leg.id, cause: by, data: { with: 'outside', talkedMs } });
  endContact(draft, contact.id, CUT_OFF.has(cause) ? 'switchLost' : 'transferredOut');
}

/** The contact that the leg was made for, if it still wants it. */
function wanting(draft: Draft, leg: Leg): Contact | null {
  const contact = draft.contact(leg.contactId);
  return contact?.state === 'scenario' && contact.outside?.legId === leg.id ? contact : null;
}
