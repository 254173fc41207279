/** The first moments of a contact: it arrives, is stored, and the party is looked up. */
import type { EntryId, EpochMs, Language, LegId } from '../base/ids.ts';
import type { Arrival } from '../cti/port.ts';
import { NO_WISHES } from '../routing/desk-rules.ts';
import type { CallingNumber, PartyKey, PartyRecord } from '../routing/party.ts';
import { UNKNOWN_PARTY } from '../routing/party.ts';
import { InputRefused } from './agents.ts';
import { dropUnaskedCallbacks } from './callbacks.ts';
import { beginDialogue, feedDialogue } from './dialogue.ts';
import { endContact } from './end.ts';
import { type Draft, withoutTimers } from './floor.ts';
import { partyFor } from './identify.ts';
import { newLeg } from './legs.ts';
import type { CallMe, Contact, FloorInput } from './model.ts';
import { decideAndQueue, entryOf, newContact, queueAt } from './queueing.ts';
import type { Shared } from './shared.ts';

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
    calledNumber: draft.floor.shared.string(arrival.calledNumber),
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
  if (callingNumber.kind === 'valid') dropUnaskedCallbacks(draft, callingNumber.e164);
  if (callingNumber.kind === 'valid') return lookUp(draft, contact);
  draft.event('partyNotFound', { contact, cause: callingNumber.kind });
  beginDialogue(draft, contact);
}

/** @throws InputRefused when the entry does not exist */
export function onCallMeRequested(
  draft: Draft,
  entryId: EntryId,
  language: Language,
  callMe: CallMe,
  number: CallingNumber,
  promisedAt: EpochMs | null,
): void {
  const entry = draft.context.directory.entries.find((e) => e.id === entryId);
  if (!entry) throw new InputRefused('noSuchEntry', `there is no entry ${entryId}`);
  const contact = newContact(draft, draft.at, {
    channel: 'callback',
    origin: 'callMe',
    entryId: entry.id,
    language: draft.floor.shared.string(language),
    callingNumber: number,
    calledNumber: entry.numbers[0] ?? entryId,
    party: UNKNOWN_PARTY,
    callMe,
    promisedAt,
  });
  draft.event('contactArrived', { contact, data: { channel: 'callback', origin: 'callMe', entry: entryId, page: callMe.pageUrl } });
  if (number.kind === 'valid') return lookUp(draft, contact);
  draft.event('partyNotFound', { contact, cause: number.kind });
  decideAndQueue(draft, contact);
}

/** One of many is to be told something by phone: waits for an agent between the others. */
export function onNoticeTask(draft: Draft, task: Extract<FloorInput, { readonly type: 'noticeTask' }>): void {
  const { noticeId, recipientId, deskId, language, number, name, text, scenario } = task;
  if (draft.floor.noticeTask(noticeId, recipientId)) return; // told twice
  if (!draft.context.directory.desks.has(deskId)) throw new InputRefused('noSuchDesk', `there is no desk ${deskId}`);
  const { shared } = draft.floor;
  const why = [{ en: 'a notice is told by this desk', ja: 'お知らせはこのデスクから' }];
  const contact = newContact(draft, draft.at, {
    channel: 'notice',
    origin: 'notice',
    entryId: null,
    language: shared.string(language),
    callingNumber: number,
    calledNumber: number.e164,
    party: UNKNOWN_PARTY,
    callMe: { to: { kind: 'number', number: number.e164 }, name, question: shared.string(text), pageUrl: '', token: null },
    notice: { noticeId: shared.string(noticeId), recipientId, ...(scenario ? { scenario: shared.string(scenario) } : {}) },
    deskId: shared.string(deskId),
    decision: shared.decision({ deskId, rule: 'notice', why, closed: false, wishes: NO_WISHES }),
  });
  draft.event('contactArrived', { contact, data: { channel: 'notice', origin: 'notice', notice: noticeId } });
  lookUp(draft, contact);
}

/** Asks the customer database by the calling number; asked again while no answer comes. */
export function lookUp(draft: Draft, contact: Contact): void {
  if (contact.callingNumber.kind !== 'valid') return;
  draft.put('contact', { ...contact, timers: { ...contact.timers, lookUp: draft.at + draft.context.policy.lookUpMs } });
  draft.order(contact.id, { type: 'lookUpParty', contactId: contact.id, by: 'callingNumber', value: contact.callingNumber.e164 });
}

export function onPartyLookedUp(draft: Draft, contactId: string, foundBy: PartyKey, found: PartyRecord | null): void {
  const { shared } = draft.floor;
  const by = shared.string(foundBy);
  const record = found && recordOf(found, shared);
  const waiting = draft.contact(contactId);
  if (!waiting || waiting.timers.lookUp === undefined) return; // answered already, or gone
  if ((waiting.state === 'identifying') !== (by === 'callingNumber')) return;
  const contact: Contact = {
    ...waiting,
    // Who is known already is not forgotten for a code that nobody has.
    party: record || by === 'callingNumber' ? partyFor(record, by, waiting.callingNumber) : waiting.party,
    timers: withoutTimers(waiting, 'lookUp'),
  };
  draft.put('contact', contact);
  if (record) draft.event('partyIdentified', { contact, cause: by, data: { kind: record.kind } });
  else draft.event('partyNotFound', { contact, cause: by });

  if (by !== 'callingNumber') feedDialogue(draft, contact, { type: 'lookedUp', found: record !== null });
  else if (contact.notice && contact.decision) queueAt(draft, contact, contact.decision);
  else if (contact.channel === 'callback') decideAndQueue(draft, contact);
  else if (record && !draft.context.greetsEverybody(entryOf(draft, contact)?.scenario ?? '')) decideAndQueue(draft, contact);
  else beginDialogue(draft, contact);
}

/** As it was read, but for what it shares with those of others. */
const recordOf = (read: PartyRecord, shared: Shared): PartyRecord => ({
  kind: shared.string(read.kind),
  customerId: read.customerId,
  customerCode: read.customerCode,
  organisationId: shared.string(read.organisationId),
  name: read.name,
  region: shared.string(read.region),
  language: shared.string(read.language),
  handlingDeskId: shared.string(read.handlingDeskId),
  lastDeskId: shared.string(read.lastDeskId),
  lastAgentId: shared.string(read.lastAgentId),
});
