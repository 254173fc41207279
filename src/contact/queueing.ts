/** Deciding the desk, waiting at it, and what the one who waits is told. */
import type { DeskId, EpochMs } from '../base/ids.ts';
import type { Prompt } from '../ivr/scenario.ts';
import type { Entry } from '../routing/directory.ts';
import { endContact } from './end.ts';
import { comesBefore, type Draft, isEligible, placeIn, withoutTimers } from './floor.ts';
import type { CallMe, Contact, Decision } from './model.ts';

export function entryOf(draft: Draft, contact: Contact): Entry {
  const entry = draft.context.directory.entries.find((e) => e.id === contact.entryId);
  if (!entry) throw new Error(`contact ${contact.id} has no entry ${contact.entryId}`);
  return entry;
}

/** The control logic names the desk; the contact goes there and waits. */
export function decideAndQueue(draft: Draft, contact: Contact): void {
  const decision = draft.context.decideDesk(
    { party: contact.party, entry: entryOf(draft, contact), channel: contact.channel, callingNumber: contact.callingNumber },
    draft.at,
  );
  queueAt(draft, contact, decision);
}

/** The contact waits at the desk that was decided. Its place is by its arrival, not by this moment. */
export function queueAt(draft: Draft, contact: Contact, decision: Decision): void {
  const decided: Contact = { ...contact, decision, deskId: decision.deskId };
  draft.event('deskDecided', { contact: decided, cause: decision.rule, data: { why: decision.why.map((step) => step.en) } });
  const queued = draft.put('contact', {
    ...decided,
    state: 'queued',
    stateSince: draft.at,
    queuedAt: contact.queuedAt ?? draft.at,
    dialogue: null,
    timers: {},
  });
  draft.event('queued', { contact: queued, data: { position: positionOf(draft, queued) } });
  if (draft.leg(queued.legId)?.state === 'up') {
    // Music first: the announcement interrupts it, and nobody hears silence if this controller dies in between.
    draft.order(queued.id, { type: 'startMusic', leg: queued.legId as string });
    announce(draft, queued);
  }
}

/** 1 for the next in turn. Counts those of this step too. */
export function positionOf(draft: Draft, contact: Contact): number {
  const isAhead = (other: Contact | undefined): boolean =>
    other !== undefined && isEligible(other) && other.deskId === contact.deskId && comesBefore(other, contact);
  let before = placeIn(draft.floor.queue(contact.deskId as DeskId), contact);
  for (const [id, now] of draft.contacts) before += Number(isAhead(now)) - Number(isAhead(draft.floor.contacts.get(id)));
  return before + 1;
}

/** Whether anybody is logged on at a desk, in whatever state; but not one who went without logging off, and stays away. */
export function isStaffed(draft: Draft, deskId: DeskId): boolean {
  for (const profile of draft.context.directory.agents.values()) {
    if (!profile.deskIds.includes(deskId)) continue;
    const agent = draft.agent(profile.id);
    if (agent && agent.state !== 'loggedOff' && !(agent.panel === 'closed' && agent.state === 'notReady')) return true;
  }
  return false;
}

/** How many positions have an announcement of their own; see `scenarios/prompts.yaml`. */
const SPOKEN_POSITIONS = 20;

/** Tells the waiting party the position, or that nobody is there and what can be done; and again after a while. */
export function announce(draft: Draft, contact: Contact): Contact {
  const { policy, say } = draft.context;
  const next = { ...withoutTimers(contact, 'announce'), announce: draft.at + policy.announceEveryMs };
  const staffed = isStaffed(draft, contact.deskId as DeskId);
  const position = positionOf(draft, contact);
  const closed = contact.decision?.closed ? [say('closed', contact.language)] : [];
  const prompts: Prompt[] = !staffed
    ? [...closed, say(canCallBack(contact) ? 'queue.nobodyLoggedOn' : 'queue.nobodyLoggedOnNoNumber', contact.language)]
    : position === 1
      ? [say('queue.next', contact.language)]
      : position <= SPOKEN_POSITIONS
        ? [say('queue.position', contact.language, { position })]
        : [say('queue.allBusy', contact.language)];
  const kind = staffed ? ('position' as const) : ('nobody' as const);
  draft.event('announced', { contact, cause: kind, data: { position } });
  return play(draft, { ...contact, announced: { kind, position }, timers: next }, prompts);
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
  if (digit !== '1' || contact.announced?.kind !== 'nobody' || contact.callingNumber.kind !== 'valid') return;
  const to = { kind: 'number', number: contact.callingNumber.e164 } as const;
  const said = play(draft, contact, [draft.context.say('queue.callbackPromised', contact.language)]);
  draft.event('callbackRequested', { contact });
  endContact(draft, said.id, 'callbackPromised', 'afterPlay');
  const name = contact.party.record?.name ?? '';
  continueAsCallback(draft, contact, 'queueCallback', { to, name, question: '', pageUrl: '', token: null });
}

/** A callback that takes the place of a contact whose party has gone, or is about to: same desk, same entry time. */
export function continueAsCallback(draft: Draft, contact: Contact, origin: 'queueCallback' | 'lostCallback', callMe: CallMe): void {
  const callback = newContact(draft, contact.arrivedAt, {
    channel: 'callback',
    origin,
    entryId: contact.entryId,
    language: contact.language,
    callingNumber: contact.callingNumber,
    calledNumber: contact.calledNumber,
    party: contact.party,
    callMe,
    continues: contact.id,
  });
  draft.event('contactArrived', { contact: callback, data: { channel: 'callback', origin, continues: contact.id } });
  if (contact.decision) queueAt(draft, callback, contact.decision);
  else decideAndQueue(draft, callback);
}

type Given = 'channel' | 'origin' | 'entryId' | 'language' | 'callingNumber' | 'calledNumber' | 'party';

/** A new contact in its first state. Its id is the next of the domain. */
export function newContact(draft: Draft, arrivedAt: EpochMs, given: Pick<Contact, Given> & Partial<Contact>): Contact {
  draft.lastContact += 1;
  return draft.put('contact', {
    id: `${draft.floor.domainId}-${draft.lastContact}`,
    domainId: draft.floor.domainId,
    state: 'identifying',
    stateSince: draft.at,
    arrivedAt,
    decision: null,
    deskId: null,
    queuedAt: null,
    connectedAt: null,
    dialogue: null,
    legId: null,
    offerId: null,
    agentId: null,
    callMe: null,
    attempts: 0,
    offers: 0,
    announced: null,
    plays: 0,
    playing: null,
    continues: null,
    timers: {},
    cause: null,
    endedAt: null,
    disposition: null,
    note: null,
    ...given,
  });
}
