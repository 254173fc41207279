/**
 * The second half of every input: who gets whom, as the queues stand now, and the first word to whoever has to wait. Changes the floor.
 */
import type { EpochMs } from '../base/ids.ts';
import type { Assignment } from '../routing/matching/model.ts';
import { dropUnheld } from './dialogue.ts';
import { type Changes, Draft, type Floor, type FloorContext } from './floor.ts';
import type { Agent, Contact } from './model.ts';
import { makeOffer } from './offering.ts';
import { DEFAULT_OUTBOUND_POLICY } from './outside.ts';
import { isDialled, mayCallFrom } from './queueing.ts';
import { dialNext } from './telling.ts';
import { welcome } from './waiting.ts';

/** An offer that fails for a mistake of ours is tried again after this: what it fails for may be put right. */
const FAILED_OFFER_AGAIN_MS = 5_000;

/**
 * @param meant what the input meant, applied to the floor already
 * @returns all changes together
 */
export function giveOut(floor: Floor, context: FloorContext, meant: Changes, at: EpochMs): Changes {
  let changes = meant;
  for (;;) {
    if (!context.switchAway) changes = dialled(floor, context, assigned(floor, context, changes, at), at);
    const draft = new Draft(floor, context, at);
    for (const id of changes.contacts.keys()) {
      const contact = floor.contacts.get(id);
      if (contact?.state === 'queued') draft.apart(() => welcome(draft, contact));
    }
    dropUnheld(draft);
    changes = applied(floor, changes, draft);
    // A scenario may have sent somebody on whom nobody could take: to where somebody can, or to be told how it stands there.
    if (draft.contacts.size === 0) return changes;
  }
}

function assigned(floor: Floor, context: FloorContext, before: Changes, at: EpochMs): Changes {
  let changes = before;
  // Whoever is put off for now leaves an agent free for somebody else: until nobody gets anybody any more.
  for (let pairs = floor.queues.decide(at); pairs.length > 0; pairs = floor.queues.decide(at)) {
    const draft = new Draft(floor, context, at);
    for (const pair of pairs) offer(draft, pair);
    changes = applied(floor, changes, draft);
  }
  return changes;
}

function dialled(floor: Floor, context: FloorContext, before: Changes, at: EpochMs): Changes {
  let changes = before;
  const { noticeLines } = context.policy.outbound ?? DEFAULT_OUTBOUND_POLICY;
  for (let due = floor.tellings.due(noticeLines); due.length > 0; due = floor.tellings.due(noticeLines)) {
    const draft = new Draft(floor, context, at);
    dialNext(draft, due);
    changes = applied(floor, changes, draft);
  }
  return changes;
}

function offer(draft: Draft, { taskId, workerId, viaQueueId }: Assignment): void {
  const contact = draft.contact(taskId) as Contact;
  const agent = draft.agent(workerId) as Agent;
  const mayFrom = isDialled(contact) && contact.legId === null ? mayCallFrom(draft, contact.deskId as string, draft.at) : draft.at;
  if (mayFrom === draft.at && draft.apart(() => makeOffer(draft, contact, workerId, viaQueueId))) return;
  const retry = mayFrom === draft.at ? draft.at + FAILED_OFFER_AGAIN_MS : mayFrom;
  draft.put('contact', { ...contact, timers: { ...contact.timers, retry } });
  draft.floor.queues.agentChanged(agent);
}

/** Applies a draft, if there is anything in it, and adds it to what was changed before. */
function applied(floor: Floor, before: Changes, draft: Draft): Changes {
  const { contacts, offers, legs, agents, events, orders, failures, lastContact } = draft;
  if (contacts.size + offers.size + agents.size + events.length + failures.length === 0) return before;
  floor.apply(draft);
  return {
    lastContact,
    contacts: new Map([...before.contacts, ...contacts]),
    offers: new Map([...before.offers, ...offers]),
    legs: new Map([...before.legs, ...legs]),
    agents: new Map([...before.agents, ...agents]),
    events: [...before.events, ...events],
    orders: [...before.orders, ...orders],
    failures: [...(before.failures ?? []), ...failures],
  };
}
