/** The only road to "ended". */
import type { ContactId, LegId } from '../base/ids.ts';
import type { HangUpReason } from '../cti/port.ts';
import type { Draft } from './floor.ts';
import type { Contact, EndCause } from './model.ts';

/**
 * Ends a contact, once: a second call for the same contact changes nothing. Its party's leg, if still there, is hung up
 * (or, when `afterPlay`, as soon as what plays on it is over). Offers must have been ended before.
 */
export function endContact(draft: Draft, contactId: ContactId, cause: EndCause, leg: HangUpReason | 'afterPlay' = 'normal'): void {
  const contact = draft.contact(contactId);
  if (!contact) return;
  if (leg === 'afterPlay') closeAfterPlay(draft, contact);
  else hangUpLeg(draft, contact.legId, leg);
  const ended: Contact = {
    ...contact,
    state: 'ended',
    stateSince: draft.at,
    endedAt: draft.at,
    cause: contact.cause ?? cause,
    legId: null,
    // One to whom it was only offered has not talked.
    agentId: contact.connectedAt === null ? null : contact.agentId,
    timers: {},
  };
  draft.put('contact', ended);
  draft.event('contactEnded', { contact: ended, agentId: ended.agentId, cause: ended.cause });
}

/** Orders a live leg to be hung up. Its row ends when the switch says that it is gone. */
export function hangUpLeg(draft: Draft, legId: LegId | null, reason: HangUpReason = 'normal'): void {
  const leg = draft.leg(legId);
  if (leg) draft.order(leg.contactId, { type: 'hangUp', leg: leg.id, reason });
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

function closeAfterPlay(draft: Draft, contact: Contact): void {
  const leg = draft.leg(contact.legId);
  if (leg && contact.playing) draft.put('leg', { ...leg, closing: contact.playing });
  else hangUpLeg(draft, contact.legId);
}
