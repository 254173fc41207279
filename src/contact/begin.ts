/** Dialogues that a step has called for: with one who is told a notice, asked after a talk, or connected on pressing a key. */
import { beginDialogue } from './dialogue.ts';
import { onDialogueHungUp } from './dialogue-over.ts';
import { endContact } from './end.ts';
import type { Draft } from './floor.ts';
import type { Contact } from './model.ts';
import { NOT_REACHED, show } from './offering.ts';

/** The last part of every step: all else is decided. */
export function beginDialogues(draft: Draft): void {
  for (const { contactId, ...about } of draft.dialogues.splice(0)) {
    const contact = draft.contact(contactId);
    if (!contact || draft.leg(contact.legId)?.state !== 'up') continue;
    if (!draft.apart(() => beginDialogue(draft, contact, about))) goOnWithout(draft, contact);
  }
}

/** The scenario cannot be begun (it may be gone): nobody is to hear nothing. */
function goOnWithout(draft: Draft, contact: Contact): void {
  const offer = draft.offer(contact.offerId);
  if (offer) {
    draft.order(contact.id, { type: 'startMusic', leg: contact.legId as string });
    return show(draft, offer);
  }
  if (contact.notice) onDialogueHungUp(draft, { ...contact, state: 'scenario', stateSince: draft.at }, NOT_REACHED);
  else endContact(draft, contact.id, 'hungUpByScenario');
}
