/** The only road to "ended". */
import type { ContactId } from '../base/ids.ts';
import type { HangUpReason } from '../cti/port.ts';
import type { Draft } from './floor.ts';
import { hangUpLeg, hangUpOutside } from './legs.ts';
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
  hangUpOutside(draft, contact);
  const ended: Contact = {
    ...contact,
    state: 'ended',
    stateSince: draft.at,
    endedAt: draft.at,
    cause: contact.cause ?? cause,
    legId: null,
    // What was dialled is not kept: a code may be anybody's secret.
    dialogue: null,
    // One to whom it was only offered has not talked.
    agentId: contact.connectedAt === null ? null : contact.agentId,
    timers: {},
  };
  draft.put('contact', ended);
  draft.event('contactEnded', { contact: ended, agentId: ended.agentId, cause: ended.cause });
}

function closeAfterPlay(draft: Draft, contact: Contact): void {
  const leg = draft.leg(contact.legId);
  if (leg && contact.playing) draft.put('leg', { ...leg, closing: contact.playing });
  else hangUpLeg(draft, contact.legId);
}
