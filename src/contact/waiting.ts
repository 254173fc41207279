/** Whoever waits is told how it stands: by the scenario that it waits in, or by the house. */
import { feedDialogue } from './dialogue.ts';
import { type Draft, withoutTimers } from './floor.ts';
import type { Contact } from './model.ts';
import { announce, estimateWait, onQueueDigit, sightOf } from './queueing.ts';

/** Those who have just begun to wait, and have not found an agent at once: how long it will take is estimated, and they are told. */
export function welcome(draft: Draft, contact: Contact): void {
  const waiting = estimateWait(draft, contact);
  if (draft.leg(waiting.legId)?.state === 'up' && waiting.timers.announce === undefined) tell(draft, waiting);
}

/** Tells the waiting party how it stands, and again after a while. */
export function tell(draft: Draft, contact: Contact): void {
  const { dialogue } = contact;
  if (!dialogue) return void announce(draft, contact);
  const againMs = dialogue.announceMs ?? draft.context.policy.announceEveryMs;
  const told = draft.put('contact', { ...contact, timers: { announce: draft.at + againMs, ...withoutTimers(contact, 'announce') } });
  feedDialogue(draft, told, { type: 'announceDue', sight: sightOf(draft, told) });
  const after = draft.contact(contact.id);
  // A scenario that says nothing of the queue, or is gone, leaves that to the house.
  if (after?.state === 'queued' && after.dialogue?.announceMs === undefined) announce(draft, after);
}

/** A key that is pressed while waiting: an offer of the scenario's, else the house's. */
export function onWaitingDigit(draft: Draft, contact: Contact, digit: string): void {
  feedDialogue(draft, contact, { type: 'digit', digit });
  const after = draft.contact(contact.id);
  if (after?.state === 'queued') onQueueDigit(draft, after, digit);
}
