/**
 * How dialogues end that are about something: a survey, a notice, the announcement of a callback. All others hand back to the control
 * logic, and hang up without more ado.
 */
import { endContact } from './end.ts';
import { type Draft, withoutTimers } from './floor.ts';
import { hangUpLeg } from './legs.ts';
import type { Contact } from './model.ts';
import { isAnnounced, isTold, NOT_REACHED, servedBy, show, withoutOffer } from './offering.ts';
import { SWITCH_IS_LATE_MS } from './outside.ts';
import { decideAndQueue } from './queueing.ts';

/**
 * The dialogue hangs up.
 * @param as the contact's disposition; of a notice, the word `notReached` has it tried again
 */
export function onDialogueHungUp(draft: Draft, contact: Contact, as: string | null): void {
  const offer = draft.offer(contact.offerId);
  const isNotice = contact.notice !== null;
  const served = servedBy(contact);
  const again = served === null && (isAnnounced(contact, offer) || (isTold(contact) && as === NOT_REACHED));
  const disposition = again ? null : (as ?? (isNotice ? 'heard' : null));
  draft.event('scenarioEnded', { contact, offer, cause: 'hungUp', data: disposition === null ? {} : { disposition } });
  if (!again) {
    const left = offer ? withoutOffer(draft, contact, offer, 'callerGone') : contact;
    draft.put('contact', { ...left, disposition });
    const cause = isNotice ? 'noticeTold' : contact.origin === 'survey' ? 'surveyDone' : (served ?? 'hungUpByScenario');
    return endContact(draft, contact.id, cause);
  }
  // The leg's own end makes it an attempt that came to nothing; at the latest, the deadline does.
  const late = draft.at + SWITCH_IS_LATE_MS;
  const timers = withoutTimers(contact, 'scenario');
  draft.put('contact', { ...contact, dialogue: null, timers: offer ? timers : { ...timers, dial: late } });
  if (offer) draft.put('offer', { ...offer, timers: { dial: late } });
  hangUpLeg(draft, contact.legId);
}

/** The dialogue hands back: to the control logic, where there is nothing else to go on with. */
export function onHandedBack(draft: Draft, contact: Contact, identified: boolean): void {
  const offer = draft.offer(contact.offerId);
  draft.event('scenarioEnded', { contact, offer, cause: identified ? 'identified' : 'notIdentified' });
  if (isAnnounced(contact, offer) && offer) return connect(draft, contact, offer.id);
  if (contact.state !== 'scenario') {
    // The step that it waits by is gone, in another release: it waits on, by the house.
    draft.put('contact', { ...contact, dialogue: null, timers: withoutTimers(contact, 'scenario') });
    return;
  }
  if (contact.origin === 'survey') return endContact(draft, contact.id, 'surveyDone');
  decideAndQueue(draft, contact);
}

/** The agent who was kept for it is rung, the party hears music meanwhile. */
function connect(draft: Draft, contact: Contact, offerId: string): void {
  const offer = draft.offer(offerId);
  draft.put('contact', { ...contact, dialogue: null, timers: withoutTimers(contact, 'scenario') });
  draft.order(contact.id, { type: 'startMusic', leg: contact.legId as string });
  if (offer) show(draft, offer);
}
