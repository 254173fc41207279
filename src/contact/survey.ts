/**
 * After a talk: its party is asked by a scenario, where the desk does so. The leg goes over to a contact of its own, so that the agent
 * wraps up meanwhile, and the talk's own record is what it was.
 */
import type { BridgeId, DeskId } from '../base/ids.ts';
import type { Draft } from './floor.ts';
import type { Contact } from './model.ts';
import { newContact } from './queueing.ts';

/** The scenario that asks the party of a talk which its agent has ended; null when nobody is asked. */
export function surveyAfter(draft: Draft, contact: Contact): string | null {
  const isTalkOfOurs = contact.channel === 'voice' || contact.channel === 'callback';
  // Who was asked already, and wanted an agent then, is not asked again.
  if (!isTalkOfOurs || contact.origin === 'survey' || draft.leg(contact.legId)?.state !== 'up') return null;
  return draft.context.rulesOf(contact.deskId as DeskId).survey;
}

/** @param talk as it was when they talked: its leg is taken over, out of that bridge */
export function beginSurvey(draft: Draft, talk: Contact, bridge: BridgeId, scenario: string): void {
  const leg = draft.leg(talk.legId);
  if (!leg) return;
  const survey = newContact(draft, draft.at, {
    channel: 'voice',
    origin: 'survey',
    entryId: talk.entryId,
    language: talk.language,
    callingNumber: talk.callingNumber,
    calledNumber: talk.calledNumber,
    party: talk.party,
    legId: leg.id,
    continues: talk.id,
  });
  draft.put('leg', { ...leg, contactId: survey.id });
  draft.event('contactArrived', {
    contact: survey,
    agentId: talk.agentId,
    legId: leg.id,
    data: { channel: 'voice', origin: 'survey', continues: talk.id },
  });
  draft.orders.push({ contactId: survey.id, after: talk.id, type: 'dropBridge', bridge });
  draft.dialogues.push({ contactId: survey.id, scenario, variables: { name: talk.party.record?.name ?? '' } });
}
