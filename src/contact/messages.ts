/**
 * What a customer left to be listened to (voicemail): a contact of its own that goes the way of all others, but without any leg. It is
 * offered on the screen and accepted there, nobody's phone rings, and nobody is on the line who could give up.
 */
import type { AgentId, ContactId, DeskId, OfferId, RecordingId } from '../base/ids.ts';
import { NO_WISHES } from '../routing/desk-rules.ts';
import { InputRefused, releaseAfterOffer } from './agents.ts';
import { endContact } from './end.ts';
import type { Draft } from './floor.ts';
import type { Contact, Decision, FloorInput } from './model.ts';
import { requireOffer } from './offering.ts';
import { continueAsCallback, decideAndQueue, newContact, queueAt } from './queueing.ts';

/**
 * The party of a contact has left a message: it waits at a desk from now on, whatever becomes of the contact that it was left in.
 * @param left its recording (which the switch has, and is told to hand over), how long it is, and the desk that it is for; null, or
 *   one that does not exist: the desk that the control logic names
 * @returns the message as a contact
 */
export function leaveMessage(
  draft: Draft,
  contact: Contact,
  left: { readonly recording: RecordingId; readonly durationMs: number; readonly deskId: DeskId | null },
): Contact {
  const { recording, durationMs, deskId } = left;
  const message = newContact(draft, draft.at, {
    channel: 'message',
    origin: 'voicemail',
    entryId: contact.entryId,
    language: contact.language,
    callingNumber: contact.callingNumber,
    calledNumber: contact.calledNumber,
    party: contact.party,
    decision: contact.decision,
    message: { recording, durationMs },
    continues: contact.id,
  });
  draft.event('contactArrived', {
    contact: message,
    data: { channel: 'message', origin: 'voicemail', continues: contact.id, recording, durationMs },
  });
  draft.order(message.id, { type: 'keepRecording', contactId: message.id, recording });
  const decision = decisionFor(draft, contact, deskId);
  if (decision) queueAt(draft, message, decision);
  else decideAndQueue(draft, message);
  return draft.contact(message.id) ?? message;
}

function decisionFor(draft: Draft, { decision }: Contact, deskId: DeskId | null): Decision | null {
  const desk = draft.context.directory.desks.get(deskId ?? '');
  if (!desk) return null;
  if (decision?.deskId === desk.id) return decision;
  const why = [{ en: `the message was left for ${desk.name}`, ja: `${desk.name} あてのメッセージです` }];
  return { deskId: desk.id, rule: 'message', why, closed: false, wishes: NO_WISHES };
}

/** The agent takes what is offered on the screen. Told twice, it is done once. @throws InputRefused when it is over, or rings */
export function onOfferAccepted(draft: Draft, agentId: AgentId, offerId: OfferId): void {
  const offer = requireOffer(draft, agentId, offerId);
  const contact = draft.contact(offer.contactId);
  if (contact?.channel !== 'message') throw new InputRefused('answerOnPhone', 'this contact is answered on the phone');
  if (contact.state === 'connected') return;
  const accepted = draft.put('offer', { ...offer, state: 'accepted', stateSince: draft.at, timers: {} });
  const connectedAt = contact.connectedAt ?? draft.at;
  const connected = draft.put('contact', { ...contact, state: 'connected', stateSince: draft.at, connectedAt, timers: {} });
  draft.event('established', { contact: connected, offer: accepted, data: { waitedMs: draft.at - contact.arrivedAt } });
}

/** How long the agent who listened to a message is waited for to call back: longer than a wrap-up or a short break. */
const CALL_BACK_BY_SAME_AGENT_MS = 300_000;

/**
 * The agent has heard enough and calls the customer. The message is done, without wrap-up: what it was about is noted after the talk
 * that it becomes. The callback has the message's place, and is this agent's for a while.
 * @throws InputRefused when the agent does not have it in hand, or nobody can be called back
 */
export function onMessageCallBack(draft: Draft, agentId: AgentId, contactId: ContactId): void {
  const contact = draft.contact(contactId);
  const offer = draft.offer(contact?.offerId ?? null);
  if (contact?.channel !== 'message' || contact.state !== 'connected' || offer?.agentId !== agentId) {
    throw new InputRefused('notInHand', 'this message is not in your hands');
  }
  if (contact.callingNumber.kind !== 'valid') throw new InputRefused('noNumber', 'there is no number to call back');
  draft.put('offer', { ...offer, state: 'ended', stateSince: draft.at, endedAt: draft.at, outcome: 'completed', timers: {} });
  const done = draft.put('contact', { ...contact, offerId: null });
  const talkedMs = draft.at - (contact.connectedAt ?? draft.at);
  draft.event('connectionCleared', { contact: done, offer, cause: 'agent', data: { talkedMs } });
  draft.event('offerEnded', { contact: done, offer, cause: 'completed' });
  draft.event('callbackRequested', { contact: done, agentId });
  releaseAfterOffer(draft, agentId, 'completed');
  endContact(draft, contactId, 'handled');
  const preferred = { agentId, until: draft.at + CALL_BACK_BY_SAME_AGENT_MS };
  continueAsCallback(draft, { ...contact, preferred }, 'messageCallback');
}

/** Who listened, and when, is in the log: also of a message that is over. */
export function onMessageHeard(draft: Draft, heard: Extract<FloorInput, { readonly type: 'messageHeard' }>): void {
  const { agentId, contactId, deskId, customerId } = heard;
  const nothing = { offerId: null, legId: null, cause: null, data: {} };
  draft.events.push({ at: draft.at, name: 'messageHeard', contactId, customerId, deskId, agentId, ...nothing });
}
