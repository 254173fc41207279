/** The first moments of a contact: it arrives, is stored, and the party is looked up. */
import type { EntryId, Language, LegId } from '../base/ids.ts';
import type { Arrival } from '../cti/port.ts';
import type { CallingNumber, PartyRecord } from '../routing/party.ts';
import { UNKNOWN_PARTY } from '../routing/party.ts';
import { InputRefused } from './agents.ts';
import { beginDialogue, feedDialogue } from './dialogue.ts';
import { endContact } from './end.ts';
import { type Draft, withoutTimers } from './floor.ts';
import { partyFor } from './identify.ts';
import type { CallMe, Contact, Leg } from './model.ts';
import { decideAndQueue, newContact } from './queueing.ts';

export function newLeg(draft: Draft, contact: Contact, given: Pick<Leg, 'id' | 'role' | 'state'> & Partial<Leg>): Leg {
  return draft.put('leg', {
    domainId: draft.floor.domainId,
    contactId: contact.id,
    agentId: null,
    closing: false,
    createdAt: draft.at,
    answeredAt: null,
    endedAt: null,
    cause: null,
    ...given,
  });
}

export function onLegArrived(draft: Draft, legId: LegId, arrival: Arrival): void {
  if (draft.leg(legId)) return; // told twice
  const { directory, readCallingNumber } = draft.context;
  const entry = directory.entries.find((e) => e.numbers.includes(arrival.calledNumber) || e.numbers.includes(`+${arrival.calledNumber}`));
  const callingNumber = readCallingNumber(arrival, entry?.country ?? 'ZZ');
  const contact = newContact(draft, draft.at, {
    channel: 'voice',
    origin: 'call',
    entryId: entry?.id ?? null,
    language: entry?.language ?? 'en',
    callingNumber,
    calledNumber: arrival.calledNumber,
    party: UNKNOWN_PARTY,
    legId,
  });
  draft.event('contactArrived', {
    contact,
    legId,
    data: { channel: 'voice', entry: entry?.id ?? null, number: callingNumber.kind, trusted: arrival.trusted },
  });
  if (!entry) {
    newLeg(draft, contact, { id: legId, role: 'party', state: 'arriving' });
    return endContact(draft, contact.id, 'noSuchEntry', 'rejected');
  }
  newLeg(draft, contact, { id: legId, role: 'party', state: 'up', answeredAt: draft.at });
  draft.order(contact.id, { type: 'answer', leg: legId });
  if (callingNumber.kind === 'valid') return lookUp(draft, contact);
  draft.event('partyNotFound', { contact, cause: callingNumber.kind });
  beginDialogue(draft, contact);
}

/** @throws InputRefused when the entry does not exist */
export function onCallMeRequested(draft: Draft, entryId: EntryId, language: Language, callMe: CallMe, number: CallingNumber): void {
  const entry = draft.context.directory.entries.find((e) => e.id === entryId);
  if (!entry) throw new InputRefused('noSuchEntry', `there is no entry ${entryId}`);
  const contact = newContact(draft, draft.at, {
    channel: 'callback',
    origin: 'callMe',
    entryId,
    language,
    callingNumber: number,
    calledNumber: entry.numbers[0] ?? entryId,
    party: UNKNOWN_PARTY,
    callMe,
  });
  draft.event('contactArrived', { contact, data: { channel: 'callback', origin: 'callMe', entry: entryId, page: callMe.pageUrl } });
  if (number.kind === 'valid') return lookUp(draft, contact);
  draft.event('partyNotFound', { contact, cause: number.kind });
  decideAndQueue(draft, contact);
}

/** Asks the customer database by the calling number; asked again while no answer comes. */
export function lookUp(draft: Draft, contact: Contact): void {
  if (contact.callingNumber.kind !== 'valid') return;
  draft.put('contact', { ...contact, timers: { ...contact.timers, lookUp: draft.at + draft.context.policy.lookUpMs } });
  draft.order(contact.id, { type: 'lookUpParty', contactId: contact.id, by: 'callingNumber', value: contact.callingNumber.e164 });
}

export function onPartyLookedUp(draft: Draft, contactId: string, by: 'callingNumber' | 'customerCode', record: PartyRecord | null): void {
  const waiting = draft.contact(contactId);
  if (!waiting || waiting.timers.lookUp === undefined) return; // answered already, or gone
  if ((waiting.state === 'identifying') !== (by === 'callingNumber')) return;
  const contact: Contact = {
    ...waiting,
    party: partyFor(record, by, waiting.callingNumber),
    timers: withoutTimers(waiting, 'lookUp'),
  };
  draft.put('contact', contact);
  if (record) draft.event('partyIdentified', { contact, cause: by, data: { kind: record.kind } });
  else draft.event('partyNotFound', { contact, cause: by });

  if (by === 'customerCode') feedDialogue(draft, contact, { type: 'lookedUp', found: record !== null });
  else if (record || contact.channel === 'callback') decideAndQueue(draft, contact);
  else beginDialogue(draft, contact);
}
