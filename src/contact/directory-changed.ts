/** Desks and agents come and go while people wait and work. */
import { onLogOff } from './agents.ts';
import type { Draft } from './floor.ts';
import type { Contact } from './model.ts';
import { decideAndQueue } from './queueing.ts';

/** Whoever waits at a desk that is gone is sent on, and keeps the place; whoever works and is not on the list any more is logged off. */
export function onDirectoryChanged(draft: Draft): void {
  const { agents } = draft.context.directory;
  for (const agent of draft.floor.agents.values()) {
    if (agent.state !== 'loggedOff' && !agents.has(agent.id)) draft.apart(() => onLogOff(draft, agent.id));
  }
  sendOn(draft, draft.floor.contacts.values());
}

/** Those of these who wait at a desk that is gone: it may have gone while they were with an agent, or were looked up. */
export function sendOn(draft: Draft, contacts: Iterable<Contact>): void {
  const { desks } = draft.context.directory;
  for (const contact of contacts) {
    if (contact.state !== 'queued' || desks.has(contact.deskId as string)) continue;
    draft.apart(() => decideAndQueue(draft, contact));
  }
}
