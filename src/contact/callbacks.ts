/** What customers and supervisors do about those who are to be called: another time, not at all, not any more. */
import type { ContactId, DeskId, E164, EpochMs, NoticeId } from '../base/ids.ts';
import { InputRefused } from './agents.ts';
import { endContact } from './end.ts';
import type { Draft } from './floor.ts';
import type { Contact, EndCause } from './model.ts';
import { withoutOffer } from './offering.ts';
import { mayCallFrom } from './queueing.ts';

export function onCallMeCancelled(draft: Draft, contactId: ContactId): void {
  const contact = draft.contact(contactId);
  if (contact?.channel !== 'callback') throw new InputRefused('contactGone', 'this request is over');
  if (contact.state === 'connected' || contact.state === 'wrapUp') throw new InputRefused('tooLate', 'you are connected already');
  withdraw(draft, contact, 'callbackCancelled');
}

/** An outgoing contact is not wanted any more. */
function withdraw(draft: Draft, contact: Contact, cause: EndCause): void {
  const offer = draft.offer(contact.offerId);
  if (offer) withoutOffer(draft, contact, offer, 'callerGone');
  endContact(draft, contact.id, cause);
}

/** @throws InputRefused when it is in somebody's hands, over, or nobody may be called at that time */
export function onCallbackMoved(draft: Draft, contactId: ContactId, to: EpochMs | null): void {
  const contact = draft.contact(contactId);
  if (contact?.channel !== 'callback') throw new InputRefused('contactGone', 'this request is over');
  if (contact.state !== 'queued' || contact.legId !== null) throw new InputRefused('tooLate', 'you are being called just now');
  const from = Math.max(draft.at, to ?? draft.at);
  const retry = mayCallFrom(draft, contact.deskId as DeskId, from);
  if (to !== null && retry !== from) throw new InputRefused('notAllowedThen', 'nobody is called at that time');
  const timers = retry > draft.at ? { retry } : {};
  const moved = draft.put('contact', { ...contact, promisedAt: to, timers });
  draft.event('callbackMoved', { contact: moved, data: { promisedAt: to } });
}

/** Those who are to be told, and whom nobody has in hand yet, are not to be told any more. */
export function onNoticeStopped(draft: Draft, noticeId: NoticeId): void {
  for (const contact of draft.floor.contacts.values()) {
    // One whom a scenario is to tell is dialled while it is queued.
    const isInHand = (contact.state !== 'queued' && contact.state !== 'identifying') || contact.legId !== null;
    if (contact.notice?.noticeId === noticeId && !isInHand) withdraw(draft, contact, 'noticeStopped');
  }
}

/** Callbacks to somebody who calls by himself: those that he did not ask for are not needed any more. */
export function dropUnaskedCallbacks(draft: Draft, number: E164): void {
  for (const { id } of draft.floor.callbacksTo(number)) {
    const callback = draft.contact(id);
    if (callback?.state !== 'queued' || callback.legId !== null) continue;
    if (callback.origin === 'abandonedCallback' || callback.origin === 'lostCallback') withdraw(draft, callback, 'calledAgain');
  }
}
