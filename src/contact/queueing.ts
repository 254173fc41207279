/** Deciding the desk, waiting at it, and what the one who waits is told. */
import type { ContactId, DeskId, EpochMs } from '../base/ids.ts';
import type { PromptName } from '../ivr/prompts.ts';
import type { Prompt, QueueSight } from '../ivr/scenario.ts';
import { nextTimeToCall } from '../routing/call-hours.ts';
import { NO_WISHES } from '../routing/desk-rules.ts';
import type { Entry } from '../routing/directory.ts';
import { isOpen } from '../routing/hours.ts';
import { endContact } from './end.ts';
import { type Draft, withoutTimers } from './floor.ts';
import type { CallMe, Contact, Decision } from './model.ts';

/** By which it came in. Undefined for one that came by none, as a notice, or whose entry was taken away meanwhile. */
export function entryOf(draft: Draft, contact: Contact): Entry | undefined {
  return draft.context.directory.entries.find((e) => e.id === contact.entryId);
}

/** The desk that the control logic names. That of a notice was decided with it; without an entry, what was decided stands. */
export function decisionOf(draft: Draft, contact: Contact): Decision {
  const { party, channel, callingNumber, notice, decision } = contact;
  const entry = entryOf(draft, contact);
  if ((notice || !entry) && decision && draft.context.directory.desks.has(decision.deskId)) return decision;
  return entry ? draft.context.decideDesk({ party, entry, channel, callingNumber }, draft.at) : atReception(draft);
}

/** Nothing is left that could decide. */
function atReception(draft: Draft): Decision {
  const reception = [...draft.context.directory.desks.values()].find((desk) => desk.isReception);
  if (!reception) throw new Error('there is no reception');
  const why = [{ en: 'neither its entry nor its desk is there any more', ja: '受付番号とデスクがなくなりました' }];
  return { deskId: reception.id, rule: 'deskGone', why, closed: !isOpen(reception, draft.at), wishes: NO_WISHES };
}

/** The control logic names the desk; the contact goes there and waits. */
export function decideAndQueue(draft: Draft, contact: Contact): void {
  queueAt(draft, contact, decisionOf(draft, contact));
}

/** Whether somebody is called for it, at times at which people may be called. */
export const isDialled = ({ channel }: Contact): boolean => channel === 'callback' || channel === 'notice';

/**
 * The contact waits at the desk that was decided. Its place is by its arrival, not by this moment.
 * @param dialogue goes on beside the waiting; one that it waits with already, if another is not given
 */
export function queueAt(
  draft: Draft,
  contact: Contact,
  decision: Decision,
  dialogue: Contact['dialogue'] = contact.state === 'queued' ? contact.dialogue : null,
): void {
  const decided: Contact = { ...contact, decision: draft.floor.shared.decision(decision), deskId: decision.deskId };
  draft.event('deskDecided', { contact: decided, cause: decision.rule, data: { why: decision.why.map((step) => step.en) } });
  const restUntil =
    isDialled(contact) && contact.legId === null
      ? mayCallFrom(draft, decision.deskId, Math.max(draft.at, contact.promisedAt ?? 0))
      : draft.at;
  const timers = waitingTimers(contact, dialogue);
  const queued = draft.put('contact', {
    ...decided,
    state: 'queued',
    stateSince: draft.at,
    queuedAt: contact.queuedAt ?? draft.at,
    preferred: contact.preferred ?? preferredAgent(draft, decided),
    dialogue,
    notice: contact.legId === null ? contact.notice : forAnAgent(contact.notice),
    timers: restUntil > draft.at ? { retry: restUntil, ...timers } : timers,
  });
  draft.event('queued', { contact: queued, data: restUntil > draft.at ? { restsUntil: restUntil } : {} });
  // Music first: the announcement interrupts it, and nobody hears silence if this controller dies in between.
  if (draft.leg(queued.legId)?.state === 'up') draft.order(queued.id, { type: 'startMusic', leg: queued.legId as string });
}

const NO_TIMERS: Contact['timers'] = {};

/** Of a contact that goes back to its queue: how long its scenario has it wait. */
export function waitingTimers({ timers }: Contact, dialogue: Contact['dialogue']): Contact['timers'] {
  return dialogue === null || timers.scenario === undefined ? NO_TIMERS : { scenario: timers.scenario };
}

/** Whoever was told by a scenario, and is on the line, waits for an agent now. */
export function forAnAgent(notice: Contact['notice']): Contact['notice'] {
  return notice && { noticeId: notice.noticeId, recipientId: notice.recipientId };
}

function preferredAgent(draft: Draft, contact: Contact): Contact['preferred'] {
  const agentId = contact.party.record?.lastAgentId ?? null;
  const forMs = contact.decision?.wishes.preferLastAgentMs ?? 0;
  return agentId === null || forMs === 0 ? null : { agentId, until: draft.at + forMs };
}

/** The first moment from `from` on at which a desk may call somebody. One that has no such hours may at any time. */
export function mayCallFrom(draft: Draft, deskId: DeskId, from: EpochMs): EpochMs {
  const desk = draft.context.directory.desks.get(deskId);
  return (desk && nextTimeToCall(desk, draft.context.rulesOf(deskId).callbacks.hours, from)) ?? from;
}

/** 1 for the next in turn; null for one that rests. */
const positionOf = (draft: Draft, contact: Contact): number | null => draft.floor.queues.position(contact.id, draft.at);

/** Whether anybody is at work at a desk, or at one that takes over from it. */
function isStaffed(draft: Draft, deskId: DeskId): boolean {
  const { queues } = draft.floor;
  return queues.isStaffed(deskId) || draft.context.rulesOf(deskId).overflow.some((rule) => queues.isStaffed(rule.to));
}

/** How long it will take is estimated when a contact begins to wait, to be compared with what it took. */
export function estimateWait(draft: Draft, contact: Contact): Contact {
  // Whoever left a message is told nothing any more.
  if (contact.estimatedWaitMs !== null || contact.channel === 'message') return contact;
  const position = positionOf(draft, contact);
  const estimatedWaitMs = position === null ? null : draft.floor.queues.estimateMs(contact.deskId as DeskId, position);
  if (estimatedWaitMs === null) return contact;
  const waiting = draft.put('contact', { ...contact, estimatedWaitMs });
  draft.event('waitEstimated', { contact: waiting, data: { position, estimatedWaitMs } });
  return waiting;
}

/** How it stands for a contact that waits, at this moment. */
export function sightOf(draft: Draft, contact: Contact): QueueSight {
  const deskId = contact.deskId as DeskId;
  const staffed = isStaffed(draft, deskId);
  const position = positionOf(draft, contact) ?? 1;
  return { position, staffed, waitMs: staffed ? draft.floor.queues.estimateMs(deskId, position) : null };
}

/** How many positions, and minutes to wait, have an announcement of their own; see `scenarios/prompts.yaml`. */
const SPOKEN_POSITIONS = 20;
const MINUTE_MS = 60_000;

/** Tells the waiting party the position and how long it may take, or that nobody is there; what else can be done; and again after a while. */
export function announce(draft: Draft, contact: Contact): Contact {
  const { policy, rulesOf } = draft.context;
  const deskId = contact.deskId as DeskId;
  const say = (name: PromptName, variables?: Readonly<Record<string, number>>): Prompt =>
    draft.context.say(name, contact.language, variables);
  const timers = { announce: draft.at + policy.announceEveryMs, ...withoutTimers(contact, 'announce') };
  const { staffed, position, waitMs } = sightOf(draft, contact);
  const offerFromMs = rulesOf(deskId).callbacks.offerFromWaitMs;
  const callbackOffered = canCallBack(contact) && (!staffed || (offerFromMs !== null && waitMs !== null && waitMs >= offerFromMs));
  const prompts: Prompt[] = contact.decision?.closed && !staffed ? [say('closed')] : [];
  if (!staffed) prompts.push(say(callbackOffered ? 'queue.nobodyLoggedOn' : 'queue.nobodyLoggedOnNoNumber'));
  else {
    prompts.push(
      position === 1 ? say('queue.next') : position <= SPOKEN_POSITIONS ? say('queue.position', { position }) : say('queue.allBusy'),
    );
    if (waitMs !== null && position > 1) {
      const minutes = Math.round(waitMs / MINUTE_MS);
      prompts.push(minutes < 2 ? say('queue.waitShort') : say('queue.wait', { minutes }));
    }
    if (callbackOffered) prompts.push(say('queue.callbackOffer'));
  }
  const kind = staffed ? ('position' as const) : ('nobody' as const);
  draft.event('announced', { contact, cause: kind, data: { position, waitMs, callbackOffered } });
  return play(draft, { ...contact, announced: draft.floor.shared.part({ kind, callbackOffered }), timers }, prompts);
}

/** Plays on the party's leg; music goes on afterwards (see `onPlayFinished`). */
export function play(draft: Draft, contact: Contact, prompts: readonly Prompt[]): Contact {
  const leg = draft.leg(contact.legId);
  if (leg?.state !== 'up') return draft.put('contact', contact);
  if (contact.playing) draft.order(contact.id, { type: 'stopPlay', leg: leg.id, play: contact.playing });
  const plays = contact.plays + 1;
  const playing = `${contact.id}.p${plays}`;
  draft.order(contact.id, { type: 'play', leg: leg.id, play: playing, prompts });
  return draft.put('contact', { ...contact, plays, playing });
}

const canCallBack = (contact: Contact): boolean => contact.channel === 'voice' && contact.callingNumber.kind === 'valid';

/** In the queue a key means one thing: "call me back", where it was offered. */
export function onQueueDigit(draft: Draft, contact: Contact, digit: string): void {
  if (digit !== '1' || !contact.announced?.callbackOffered) return;
  const said = play(draft, contact, [draft.context.say('queue.callbackPromised', contact.language)]);
  draft.event('callbackRequested', { contact });
  endContact(draft, said.id, 'callbackPromised', 'afterPlay');
  continueAsCallback(draft, contact, 'queueCallback');
}

type CallbackOrigin = 'queueCallback' | 'abandonedCallback' | 'lostCallback' | 'messageCallback';

/**
 * A callback that takes the place of a contact whose party has gone, or is about to: same desk, same entry time.
 * @param promisedAt the time that was agreed; null: as soon as it is its turn
 */
export function continueAsCallback(draft: Draft, contact: Contact, origin: CallbackOrigin, promisedAt: EpochMs | null = null): void {
  if (contact.callingNumber.kind !== 'valid') throw new Error(`contact ${contact.id} has no number to call back`);
  if (promisedTo(draft, contact).length > 0) return; // by a scenario that has it wait all the same
  const id = nextContactId(draft);
  const callMe: CallMe = {
    to: { kind: 'number', number: contact.callingNumber.e164 },
    name: contact.party.record?.name ?? '',
    question: '',
    pageUrl: '',
    token: draft.context.tokenOf(id),
  };
  const callback = newContact(draft, contact.arrivedAt, {
    channel: 'callback',
    origin,
    entryId: contact.entryId,
    language: contact.language,
    callingNumber: contact.callingNumber,
    calledNumber: contact.calledNumber,
    party: contact.party,
    queuedAt: contact.queuedAt,
    preferred: contact.preferred,
    callMe,
    message: contact.message,
    promisedAt,
    continues: contact.id,
  });
  draft.event('contactArrived', { contact: callback, data: { channel: 'callback', origin, continues: contact.id } });
  if (contact.decision) queueAt(draft, callback, contact.decision);
  else decideAndQueue(draft, callback);
}

/** Callbacks that this contact was promised, and that nobody has in hand. */
export function promisedTo(draft: Draft, { id, callingNumber }: Contact): readonly Contact[] {
  if (callingNumber.kind !== 'valid') return [];
  return draft.floor.callbacksTo(callingNumber.e164).filter(({ continues, legId }) => continues === id && legId === null);
}

/** What a new contact is given; the rest of it is empty. */
type Given = Pick<Contact, 'channel' | 'origin' | 'entryId' | 'language' | 'callingNumber' | 'calledNumber' | 'party'> &
  Partial<
    Pick<Contact, 'decision' | 'deskId' | 'queuedAt' | 'promisedAt' | 'preferred' | 'legId' | 'callMe' | 'notice' | 'message' | 'continues'>
  >;

const nextContactId = (draft: Draft): ContactId => `${draft.floor.domainId}-${draft.lastContact + 1}`;

const NONE_FAILED: Contact['failedAttempts'] = { busy: 0, noAnswer: 0, failed: 0 };

/** A new contact in its first state. Its id is the next of the domain. */
export function newContact(draft: Draft, arrivedAt: EpochMs, given: Given): Contact {
  const id = nextContactId(draft);
  draft.lastContact += 1;
  // All fields stand in the literal: what a spread adds to one goes to a second object.
  return draft.put('contact', {
    id,
    domainId: draft.floor.domainId,
    channel: given.channel,
    origin: given.origin,
    state: 'identifying',
    stateSince: draft.at,
    arrivedAt,
    entryId: given.entryId,
    language: given.language,
    callingNumber: given.callingNumber,
    calledNumber: given.calledNumber,
    party: given.party,
    decision: given.decision ?? null,
    deskId: given.deskId ?? null,
    queuedAt: given.queuedAt ?? null,
    promisedAt: given.promisedAt ?? null,
    preferred: given.preferred ?? null,
    estimatedWaitMs: null,
    connectedAt: null,
    dialogue: null,
    legId: given.legId ?? null,
    offerId: null,
    agentId: null,
    callMe: given.callMe ?? null,
    attempts: 0,
    failedAttempts: NONE_FAILED,
    notice: given.notice ?? null,
    message: given.message ?? null,
    offers: 0,
    announced: null,
    plays: 0,
    playing: null,
    continues: given.continues ?? null,
    timers: NO_TIMERS,
    cause: null,
    endedAt: null,
    disposition: null,
    note: null,
  });
}
