/**
 * Notices that a scenario tells (B5): no agent is needed, so whoever is next is dialled as soon as a line is free for it. When it is answered
 * the scenario begins; one who is not reached goes back and is tried again, as with callbacks.
 */
import { canBegin } from './dialogue.ts';
import { type Draft, withoutTimers } from './floor.ts';
import { newLeg } from './legs.ts';
import type { Contact } from './model.ts';
import { SWITCH_IS_LATE_MS } from './outside.ts';
import { mayCallFrom } from './queueing.ts';

/** Something of ours fails for it (the scenario is gone, say): tried again after this. */
const FAILED_AGAIN_MS = 60_000;

/** Dials whoever is next, as far as lines are free and people may be called. */
export function dialNext(draft: Draft, due: readonly Contact[]): void {
  for (const contact of due) {
    const mayFrom = mayCallFrom(draft, contact.deskId as string, draft.at);
    if (mayFrom === draft.at && draft.apart(() => dial(draft, contact))) continue;
    const retry = mayFrom === draft.at ? draft.at + FAILED_AGAIN_MS : mayFrom;
    draft.put('contact', { ...contact, timers: { ...contact.timers, retry } });
  }
}

function dial(draft: Draft, contact: Contact): void {
  const { callMe, notice } = contact;
  if (!callMe || notice?.scenario === undefined) throw new Error(`contact ${contact.id} has nobody to dial, or nothing to tell`);
  if (!canBegin(draft, contact, notice.scenario)) throw new Error(`the scenario ${notice.scenario} is gone: nobody is dialled for it`);
  const attempts = contact.attempts + 1;
  const legId = `${contact.id}.c${attempts}`;
  const { dialMs } = draft.context.policy;
  newLeg(draft, contact, { id: legId, role: 'party', state: 'dialling' });
  const dialling = draft.put('contact', {
    ...contact,
    attempts,
    legId,
    timers: { ...withoutTimers(contact, 'retry'), dial: draft.at + dialMs + SWITCH_IS_LATE_MS },
  });
  const shows = { number: draft.context.directory.outgoingNumber, name: '' };
  draft.order(contact.id, { type: 'originate', leg: legId, to: callMe.to, timeoutMs: dialMs, shows });
  draft.event('originated', { contact: dialling, legId, data: { attempt: attempts } });
}
