/**
 * One contact before one agent: shown, rung, answered, joined, cleared; or taken back, and on to the next.
 *
 *   offered → (callback, party first: dial the party) → shown → ringing → accepted → (agent first: dial the party) → connected → wrap-up
 *
 * A message has no legs and nothing to ring: shown → accepted (on the screen, see `messages.ts`) → wrap-up.
 *
 * Every way out of an offer is `endOffer`; every way out of a talk is `clearConnection` or, when the agent's side broke
 * down, `endOffer('agentLeft')`, which gives the contact its old place back.
 */
import { browserEndpoint } from '../base/endpoint.ts';
import type { AgentId, DeskId, LegId, OfferId } from '../base/ids.ts';
import type { LegCause } from '../cti/port.ts';
import type { PromptName } from '../ivr/prompts.ts';
import type { RetryOutcome } from '../routing/desk-rules.ts';
import { beginWrapUp, InputRefused, occupy, releaseAfterOffer, requireAgent } from './agents.ts';
import { endContact } from './end.ts';
import { type Draft, withoutTimers } from './floor.ts';
import { dialoguePlayId, hangUpLeg, hangUpOutside, hangUpStray, newLeg } from './legs.ts';
import type { Agent, Contact, EndCause, Offer, OfferOutcome } from './model.ts';
import { outboundPolicy, talksOutside } from './outside.ts';
import { continueAsCallback, mayCallFrom, play, promisedTo, waitingTimers } from './queueing.ts';
import { beginSurvey, surveyAfter } from './survey.ts';

/** An agent gets a contact: from now on the two are each other's, until the offer ends. */
export function makeOffer(draft: Draft, contact: Contact, agentId: AgentId, viaDeskId: DeskId): void {
  const contactId = contact.id;
  const id: OfferId = `${contact.id}.o${contact.offers + 1}`;
  const offer: Offer = draft.put('offer', {
    id,
    domainId: draft.floor.domainId,
    contactId,
    agentId,
    deskId: contact.deskId as string,
    state: 'shown',
    stateSince: draft.at,
    createdAt: draft.at,
    shownAt: null,
    legId: null,
    legs: 0,
    playing: null,
    bridgeId: `${id}.b`,
    timers: {},
    outcome: null,
    endedAt: null,
  });
  const offered = draft.put('contact', {
    ...contact,
    state: 'offered',
    stateSince: draft.at,
    offers: contact.offers + 1,
    offerId: id,
    agentId,
    timers: withoutTimers(contact, 'announce', 'retry'),
  });
  draft.event('offered', { contact: offered, offer, data: viaDeskId === contact.deskId ? {} : { via: viaDeskId } });
  occupy(draft, draft.agent(agentId) as Agent, offered);
  const leg = draft.leg(contact.legId);
  if (leg?.state === 'up' || contact.channel === 'message') show(draft, offer);
  else if (leg) draft.put('offer', { ...offer, state: 'dialling', timers: { dial: leg.createdAt + dialDeadlineMs(draft) } });
  else if (draft.context.rulesOf(offer.deskId).callbacks.first === 'agent') show(draft, offer);
  else dialParty(draft, offered, offer);
}

/** The switch ends the dialling itself; ours is the deadline in case that it never says so. */
const dialDeadlineMs = (draft: Draft): number => draft.context.policy.dialMs + 5_000;

function dialParty(draft: Draft, contact: Contact, offer: Offer): void {
  if (!contact.callMe) throw new Error(`contact ${contact.id} has no leg and nothing to dial`);
  const attempts = contact.attempts + 1;
  const legId = `${contact.id}.c${attempts}`;
  const { dialMs } = draft.context.policy;
  newLeg(draft, contact, { id: legId, role: 'party', state: 'dialling' });
  const dialling = draft.put('contact', { ...contact, attempts, legId });
  draft.put('offer', { ...offer, state: 'dialling', timers: { dial: draft.at + dialDeadlineMs(draft) } });
  const shows = { number: draft.context.directory.outgoingNumber, name: '' };
  draft.order(contact.id, { type: 'originate', leg: legId, to: contact.callMe.to, timeoutMs: dialMs, shows });
  draft.event('originated', { contact: dialling, offer, legId, data: { attempt: attempts } });
}

/** On the agent's screen (after the commit), before anything rings. */
export function show(draft: Draft, offer: Offer): void {
  draft.put('offer', {
    ...offer,
    state: 'shown',
    stateSince: draft.at,
    shownAt: draft.at,
    timers: { pop: draft.at + draft.context.policy.popMs },
  });
}

export function onOfferShown(draft: Draft, agentId: AgentId, offerId: OfferId): void {
  const offer = draft.offer(offerId);
  if (offer?.agentId !== agentId || offer.state !== 'shown' || offer.timers.pop === undefined) return; // is asked already, or was taken back
  draft.event('screenPopped', { contact: draft.contact(offer.contactId), offer });
  askAgent(draft, offer);
}

/** The agent has time to take it from now on: the phone rings, but for what is accepted on the screen. */
export function askAgent(draft: Draft, offer: Offer): void {
  if (draft.contact(offer.contactId)?.channel !== 'message') return ringAgent(draft, offer);
  draft.put('offer', { ...offer, timers: { ring: draft.at + draft.context.policy.ringMs } });
}

/** The agent's phone rings now. */
export function ringAgent(draft: Draft, offer: Offer): void {
  const contact = draft.contact(offer.contactId) as Contact;
  const agent = draft.agent(offer.agentId) as Agent;
  const legs = offer.legs + 1;
  const legId = `${offer.id}.a${legs}`;
  const { ringMs } = draft.context.policy;
  const profile = draft.context.directory.agents.get(agent.id);
  const endpoint = agent.phone === 'deskPhone' && profile?.deskPhone ? profile.deskPhone : browserEndpoint(draft.floor.domainId, agent.id);
  newLeg(draft, contact, { id: legId, role: 'agent', agentId: agent.id, state: 'dialling' });
  const joining = contact.state === 'connected';
  const again = joining || offer.state === 'ringing';
  draft.put('offer', {
    ...offer,
    state: joining ? offer.state : 'ringing',
    stateSince: again ? offer.stateSince : draft.at,
    legId,
    legs,
    timers: { ring: (again ? offer.timers.ring : undefined) ?? draft.at + ringMs },
  });
  const number = contact.callingNumber.kind === 'valid' ? contact.callingNumber.e164 : 'anonymous';
  draft.order(contact.id, {
    type: 'originate',
    leg: legId,
    to: { kind: 'endpoint', endpoint },
    // A little longer than our own deadline, so that it is we who end the ringing, and for a reason that we know.
    timeoutMs: ringMs + 5_000,
    shows: { number, name: '' },
  });
  draft.event('originated', { contact, offer, legId });
}

/** An outgoing leg was answered: the party's (a callback) or the agent's. */
export function onLegAnswered(draft: Draft, legId: LegId): void {
  const leg = draft.leg(legId);
  if (!leg) return hangUpStray(draft, legId);
  if (leg.state === 'up') return;
  const contact = draft.contact(leg.contactId);
  draft.put('leg', { ...leg, state: 'up', answeredAt: draft.at });
  if (leg.role === 'party' && contact?.legId === legId) return onPartyAnswered(draft, contact);
  const offer = draft.offer(contact?.offerId ?? null);
  if (leg.role === 'agent' && contact && offer?.legId === legId) return onAgentAnswered(draft, contact, offer);
  hangUpLeg(draft, legId); // answered too late: nobody wants it any more
}

function onPartyAnswered(draft: Draft, contact: Contact): void {
  draft.event('established', { contact, legId: contact.legId, data: { with: 'ivr' } });
  const offer = draft.offer(contact.offerId);
  if (offer && draft.leg(offer.legId)?.state === 'up') return join(draft, contact, offer); // agent first: there already
  const { notice, callMe } = contact;
  if (!offer && notice?.scenario !== undefined) {
    draft.dialogues.push({
      contactId: contact.id,
      scenario: notice.scenario,
      variables: { text: callMe?.question ?? '', name: callMe?.name ?? '' },
    });
    return;
  }
  const scenario = contact.channel === 'callback' && offer ? draft.context.rulesOf(offer.deskId).callMe : null;
  if (offer && scenario !== null) {
    draft.put('offer', { ...offer, timers: { dial: draft.at + outboundPolicy(draft).announcementMs } });
    const variables = { name: callMe?.name ?? '', question: callMe?.question ?? '', origin: contact.origin };
    draft.dialogues.push({ contactId: contact.id, scenario, variables });
    return;
  }
  draft.order(contact.id, { type: 'startMusic', leg: contact.legId as string });
  const told = play(draft, contact, [draft.context.say(GREETING[contact.origin], contact.language)]);
  if (offer) show(draft, offer);
  else draft.put('contact', { ...told, timers: { ...told.timers, announce: draft.at + draft.context.policy.announceEveryMs } });
}

/** A scenario speaks with the party of a callback; the agent is kept, and rung when it hands back. */
export const isAnnounced = (contact: Contact, offer: Offer | undefined): boolean =>
  offer?.state === 'dialling' && contact.dialogue !== null;

/** A scenario tells its party a notice. */
export const isTold = (contact: Contact): boolean => contact.notice !== null && contact.state === 'scenario';

/** Word of a notice's scenario when it hangs up, for whom it is to be tried again. */
export const NOT_REACHED = 'notReached';

/** What a party who is called back hears first, and what the agent does. */
const GREETING: Readonly<Record<Contact['origin'], PromptName>> = {
  call: 'callback.hello',
  callMe: 'callMe.callingOperator',
  queueCallback: 'callback.hello',
  abandonedCallback: 'callback.helloAgain',
  lostCallback: 'callback.helloAgain',
  notice: 'notice.hello',
  voicemail: 'callback.hello',
  messageCallback: 'callback.hello',
  survey: 'callback.hello',
};
const ANNOUNCEMENT: Partial<Record<Contact['origin'], PromptName>> = {
  callMe: 'callMe.callerFromWebWaiting',
  notice: 'notice.recipientWaiting',
};

function onAgentAnswered(draft: Draft, contact: Contact, offer: Offer): void {
  const accepted = draft.put('offer', { ...offer, state: 'accepted', stateSince: draft.at, timers: {} });
  if (contact.channel === 'voice' || contact.state === 'connected') return join(draft, contact, accepted);
  const agentFirst = contact.legId === null;
  // The agent first hears whence this one comes (A10); the party has music meanwhile.
  const text = agentFirst ? 'callback.callingCustomer' : (ANNOUNCEMENT[contact.origin] ?? 'callback.callerWaiting');
  const playing = `${offer.id}.p${offer.legs}`;
  const language = draft.context.directory.agents.get(offer.agentId)?.language ?? contact.language;
  draft.order(contact.id, { type: 'play', leg: offer.legId as string, play: playing, prompts: [draft.context.say(text, language)] });
  if (agentFirst) dialParty(draft, contact, { ...accepted, playing });
  else draft.put('offer', { ...accepted, playing, timers: { join: draft.at + JOIN_AT_THE_LATEST_MS } });
}

/** The announcement to the agent takes 2–4 s; should its end never be told, the two are joined all the same. */
const JOIN_AT_THE_LATEST_MS = 10_000;

/** Party and agent talk. */
export function join(draft: Draft, contact: Contact, offer: Offer): void {
  const [party, agent] = [draft.leg(contact.legId), draft.leg(offer.legId)];
  if (!party || !agent) return; // one has gone; its own event says what becomes of it
  if (party.state !== 'up' || agent.state !== 'up') return; // its answer joins them
  if (contact.playing) draft.order(contact.id, { type: 'stopPlay', leg: party.id, play: contact.playing });
  if (offer.playing) draft.order(contact.id, { type: 'stopPlay', leg: agent.id, play: offer.playing });
  stopDialogue(draft, contact);
  draft.order(contact.id, { type: 'join', bridge: offer.bridgeId, legs: [party.id, agent.id] });
  draft.put('offer', { ...offer, state: 'accepted', playing: null, timers: {} });
  if (contact.state === 'connected') return; // the agent's browser is back with a new leg
  const connected = draft.put('contact', {
    ...contact,
    state: 'connected',
    stateSince: draft.at,
    connectedAt: contact.connectedAt ?? draft.at,
    dialogue: null,
    playing: null,
    timers: {},
  });
  draft.event('established', { contact: connected, offer, legId: agent.id, data: { waitedMs: draft.at - contact.arrivedAt } });
  for (const { id } of promisedTo(draft, contact)) endContact(draft, id, 'calledAgain');
}

export function onOfferDeclined(draft: Draft, agentId: AgentId, offerId: OfferId): void {
  const offer = requireOffer(draft, agentId, offerId);
  if (offer.state === 'accepted') throw new InputRefused('alreadyAnswered', 'this contact is answered already; hang up instead');
  endOffer(draft, offer, 'declined');
}

export function onAgentHangUp(draft: Draft, agentId: AgentId, offerId: OfferId): void {
  const offer = requireOffer(draft, agentId, offerId);
  const contact = draft.contact(offer.contactId);
  if (contact?.state === 'connected') clearConnection(draft, contact, offer, 'agent');
  else endOffer(draft, offer, 'declined');
}

/** @throws InputRefused when it is over, or another agent's */
export function requireOffer(draft: Draft, agentId: AgentId, offerId: OfferId): Offer {
  const offer = draft.offer(offerId);
  if (offer?.agentId !== agentId) throw new InputRefused('offerGone', 'this offer is over');
  return offer;
}

/** Outcomes after which the contact moves on to somebody else: CSTA calls that diverted. */
const DIVERTS: ReadonlySet<OfferOutcome> = new Set(['declined', 'noAnswer', 'panelLost', 'phoneUnreachable', 'agentLeft']);

/**
 * Ends an offer before or instead of a regular clearing. The agent is released as the outcome says; the contact, if it is
 * still there, goes back to the place that its arrival gives it, and is offered on in the same step.
 */
export function endOffer(draft: Draft, offer: Offer, outcome: OfferOutcome): void {
  const contact = draft.contact(offer.contactId);
  draft.put('offer', { ...offer, state: 'ended', stateSince: draft.at, endedAt: draft.at, outcome, timers: {} });
  draft.event(DIVERTS.has(outcome) ? 'diverted' : 'offerEnded', { contact, offer, cause: outcome });
  hangUpLeg(draft, offer.legId, outcome === 'noAnswer' ? 'noAnswer' : 'normal');
  releaseAfterOffer(draft, offer.agentId, outcome);
  if (contact?.offerId !== offer.id) return;
  const wasConnected = contact.state === 'connected';
  const announced = isAnnounced(contact, offer);
  const queued = draft.put('contact', {
    ...contact,
    state: 'queued',
    stateSince: draft.at,
    dialogue: announced ? null : contact.dialogue,
    offerId: null,
    agentId: null,
    timers: announced ? {} : waitingTimers(contact, contact.dialogue),
  });
  draft.event('queued', { contact: queued, cause: outcome });
  const leg = draft.leg(contact.legId);
  if (leg?.state !== 'up') return;
  if (announced) {
    stopDialogue(draft, contact);
    draft.order(contact.id, { type: 'startMusic', leg: leg.id });
  }
  if (wasConnected) {
    draft.order(contact.id, { type: 'dropBridge', bridge: offer.bridgeId });
    draft.order(contact.id, { type: 'startMusic', leg: leg.id });
    const told = play(draft, queued, [draft.context.say('queue.reconnecting', contact.language)]);
    draft.put('contact', { ...told, timers: { ...told.timers, announce: draft.at + draft.context.policy.announceEveryMs } });
  } else {
    // Still listening to music; told the position again in due course, at once only when nobody is left.
    draft.put('contact', { ...queued, timers: { ...queued.timers, announce: draft.at + ANNOUNCE_SOON_MS } });
  }
}

/** Long enough for the next agent to be found first, short enough to be told when there is none. */
const ANNOUNCE_SOON_MS = 2_000;

/** A talk ends regularly: both legs down, wrap-up begins. */
export function clearConnection(draft: Draft, contact: Contact, offer: Offer, by: 'party' | 'agent'): void {
  const survey = by === 'agent' ? surveyAfter(draft, contact) : null;
  if (survey === null) hangUpLeg(draft, contact.legId);
  hangUpLeg(draft, offer.legId);
  if (survey !== null) beginSurvey(draft, contact, offer.bridgeId, survey);
  else if (contact.channel !== 'message') draft.order(contact.id, { type: 'dropBridge', bridge: offer.bridgeId });
  draft.put('offer', { ...offer, state: 'ended', stateSince: draft.at, endedAt: draft.at, outcome: 'completed', timers: {} });
  const cleared = draft.put('contact', {
    ...contact,
    state: 'wrapUp',
    stateSince: draft.at,
    cause: 'handled',
    legId: null,
    offerId: null,
    timers: {},
  });
  draft.event('connectionCleared', {
    contact: cleared,
    offer,
    cause: by,
    data: { talkedMs: draft.at - (contact.connectedAt ?? draft.at) },
  });
  draft.event('wrapUpStarted', { contact: cleared, offer });
  beginWrapUp(draft, offer.agentId, contact.id);
}

/** A leg is gone, whatever the reason. What that means depends on whose it was and where the contact stood. */
export function onLegEnded(draft: Draft, legId: LegId, cause: LegCause): void {
  const leg = draft.leg(legId);
  if (!leg) return; // told twice
  draft.put('leg', { ...leg, state: 'ended', endedAt: draft.at, cause });
  const contact = draft.contact(leg.contactId);
  if (!contact) return;
  const offer = draft.offer(contact.offerId);
  if (leg.role === 'agent') {
    if (offer?.legId === legId) onAgentLegEnded(draft, contact, offer, cause);
  } else if (contact.legId === legId) {
    const without = { ...contact, legId: null };
    if (leg.state !== 'up') onPartyNotReached(draft, without, offer, legId, cause);
    else if (!CUT_OFF.has(cause) && !wasReached(draft, contact, offer)) onPartyNotReached(draft, without, offer, legId, 'noAnswer');
    else onPartyGone(draft, without, offer, legId, cause);
  }
}

/** One whom a scenario was to connect or to tell, and who was gone before that: it may have been a machine, and is tried again. */
function wasReached(draft: Draft, contact: Contact, offer: Offer | undefined): boolean {
  if (servedBy(contact) !== null || talksOutside(draft, contact)) return true;
  if (offer?.state === 'dialling') return false;
  return !isTold(contact) || String(contact.dialogue?.variables['heard']) === 'true';
}

function onAgentLegEnded(draft: Draft, contact: Contact, offer: Offer, cause: LegCause): void {
  if (cause === 'unreachable' && mayRegisterYet(draft, contact, offer)) {
    draft.put('offer', { ...offer, legId: null, timers: { ...offer.timers, reach: draft.at + REACH_AGAIN_MS } });
    return;
  }
  if (contact.state === 'connected') {
    if (CUT_OFF.has(cause)) return endOffer(draft, offer, 'switchLost');
    const agent = draft.agent(offer.agentId);
    // A browser that goes away takes its call with it, and may even say good-bye in doing so: the party is not to suffer.
    const broke = cause !== 'normalClearing' || (agent?.phone === 'browser' && agent.panel !== 'open');
    if (broke) endOffer(draft, offer, 'agentLeft');
    else clearConnection(draft, contact, offer, 'agent');
    return;
  }
  const outcome: OfferOutcome =
    cause === 'noAnswer'
      ? 'noAnswer'
      : cause === 'busy' || cause === 'rejected' || cause === 'normalClearing'
        ? 'declined'
        : cause === 'unheard' || CUT_OFF.has(cause)
          ? 'switchLost'
          : 'phoneUnreachable';
  draft.event('failed', { contact, offer, legId: offer.legId, cause });
  endOffer(draft, offer, outcome);
}

/**
 * A phone that is not registered may be so in a moment: its page has just been loaded, its connection is just coming back. A new
 * call is worth three seconds of that; one that is being talked on, all the ringing time.
 */
function mayRegisterYet(draft: Draft, contact: Contact, offer: Offer): boolean {
  if (offer.timers.ring === undefined) return false;
  return contact.state === 'connected' || draft.at - offer.stateSince < REACH_WITHIN_MS;
}
const REACH_WITHIN_MS = 3_000;
const REACH_AGAIN_MS = 300;

const ABANDONED: Partial<Record<Contact['state'], EndCause>> = {
  identifying: 'abandonedIdentifying',
  scenario: 'abandonedInScenario',
  queued: 'abandonedInQueue',
  offered: 'abandonedWhileRinging',
};

/** Who has what they wanted of a scenario, and may hang up any time, has not given up. */
export function servedBy({ dialogue }: Contact): EndCause | null {
  if (dialogue?.served === undefined) return null;
  return dialogue.served === 'callBack' ? 'callbackPromised' : 'messageLeft';
}

/** The party hung up, or was cut off. The offer goes with it, at once. */
function onPartyGone(draft: Draft, contact: Contact, offer: Offer | undefined, legId: LegId, cause: LegCause): void {
  draft.put('contact', contact);
  if (CUT_OFF.has(cause)) return onPartyLost(draft, contact, offer, legId, cause);
  if (contact.state === 'connected' && offer) return clearConnection(draft, contact, offer, 'party');
  const { state } = contact;
  const left = offer ? withoutOffer(draft, contact, offer, 'callerGone') : contact;
  draft.event('connectionCleared', { contact: left, legId, cause });
  if (isTold(contact)) {
    draft.event('scenarioEnded', { contact: left, cause: 'partyHungUp', data: { disposition: 'heard' } });
    draft.put('contact', { ...left, disposition: 'heard' });
    return endContact(draft, contact.id, 'noticeTold');
  }
  const end = talksOutside(draft, contact) ? 'transferredOut' : (servedBy(contact) ?? ABANDONED[state] ?? 'handled');
  endContact(draft, contact.id, end);
  if (end === 'abandonedInQueue' || end === 'abandonedWhileRinging') callBackWhoGaveUp(draft, left);
}

/** Whoever waited long enough before giving up is called back, where the desk does so. */
function callBackWhoGaveUp(draft: Draft, contact: Contact): void {
  const afterMs = draft.context.rulesOf(contact.deskId as DeskId).callbacks.afterAbandonMs;
  if (afterMs === null || contact.channel !== 'voice' || contact.callingNumber.kind !== 'valid') return;
  if (draft.at - (contact.queuedAt ?? draft.at) >= afterMs) continueAsCallback(draft, contact, 'abandonedCallback');
}

/** It was our side that broke: nobody hung up. */
export const CUT_OFF: ReadonlySet<LegCause> = new Set(['switchLost', 'leaseExpired']);

/** How long the agent whose talk the switch cut off is waited for by the callback. */
const RECONNECT_WITH_SAME_AGENT_MS = 300_000;

/** The switch died with the party's leg: it is called back, at its old place, if there is a number (promise 5). */
function onPartyLost(draft: Draft, contact: Contact, offer: Offer | undefined, legId: LegId, cause: LegCause): void {
  const agentId = contact.state === 'connected' ? contact.agentId : null;
  const left = offer ? withoutOffer(draft, contact, offer, 'switchLost') : contact;
  draft.event('connectionCleared', { contact: left, legId, cause });
  const preferred = agentId === null ? contact.preferred : { agentId, until: draft.at + RECONNECT_WITH_SAME_AGENT_MS };
  const served = servedBy(contact);
  if (served !== null) return endContact(draft, contact.id, served);
  // Whom it was that they talked with outside, or that they were asked about, a callback could not take up again.
  const isOver = talksOutside(draft, contact) || (contact.origin === 'survey' && contact.state === 'scenario');
  if (contact.channel !== 'voice' && !isOver) return goBack(draft, { ...left, preferred }, cause, {});
  if (isOver || contact.callingNumber.kind !== 'valid') return endContact(draft, contact.id, 'switchLost');
  endContact(draft, contact.id, 'replacedByCallback');
  continueAsCallback(draft, { ...left, preferred }, 'lostCallback');
}

function stopDialogue(draft: Draft, contact: Contact): void {
  const { id, legId, dialogue } = contact;
  if (legId === null || !dialogue?.playing) return;
  draft.order(id, { type: 'stopPlay', leg: legId, play: dialoguePlayId(contact, dialogue.play) });
}

/** The offer ends with its contact, which has other things to go through than the queue. */
export function withoutOffer(draft: Draft, contact: Contact, offer: Offer, outcome: OfferOutcome): Contact {
  const left = draft.put('contact', { ...contact, offerId: null });
  endOffer(draft, offer, outcome);
  return left;
}

/** A callback goes back to its place, with these timers. */
function goBack(draft: Draft, contact: Contact, cause: LegCause, timers: Contact['timers']): void {
  const { outside, ...rest } = contact;
  hangUpOutside(draft, contact);
  const resting = draft.put('contact', {
    ...rest,
    ...(outside && { outside: { ...outside, legId: null } }),
    state: 'queued',
    stateSince: draft.at,
    dialogue: null,
    legId: null,
    offerId: null,
    agentId: null,
    timers,
  });
  draft.event('queued', { contact: resting, cause, data: timers.retry === undefined ? {} : { restsUntil: timers.retry } });
}

/** Causes after which dialling again makes no sense. */
const HOPELESS: ReadonlySet<LegCause> = new Set(['invalidNumber']);
const OUTCOME: Partial<Record<LegCause, RetryOutcome>> = { busy: 'busy', noAnswer: 'noAnswer', cancelled: 'noAnswer' };
export const outcomeOf = (cause: LegCause): RetryOutcome => OUTCOME[cause] ?? 'failed';

/** A callback's party did not answer. It is tried again later, at its old place and when people may be called, or given up. */
function onPartyNotReached(draft: Draft, contact: Contact, offer: Offer | undefined, legId: LegId, cause: LegCause): void {
  draft.event('failed', { contact, offer, legId, cause, data: { attempt: contact.attempts } });
  const left = offer ? withoutOffer(draft, contact, offer, 'partyNotReached') : contact;
  const deskId = contact.deskId as DeskId;
  const { retry, attempts } = draft.context.rulesOf(deskId).callbacks;
  const outcome = outcomeOf(cause);
  const failedAttempts = { ...contact.failedAttempts, [outcome]: contact.failedAttempts[outcome] + 1 };
  const tried = { ...left, failedAttempts };
  if (HOPELESS.has(cause) || contact.attempts >= attempts || failedAttempts[outcome] >= retry[outcome].attempts) {
    draft.put('contact', tried);
    return endContact(draft, contact.id, 'callbackFailed');
  }
  goBack(draft, tried, cause, { retry: mayCallFrom(draft, deskId, draft.at + retry[outcome].pauseMs) });
}

/** An agent's panel went away and (after its grace) stays away. */
export function withoutPanel(draft: Draft, agentId: AgentId): void {
  const agent = requireAgent(draft, agentId);
  const offer = draft.offer(agent.offerId);
  const contact = offer && draft.contact(offer.contactId);
  if (!offer || !contact) return;
  if (contact.state === 'connected') {
    if (agent.phone === 'browser' || contact.channel === 'message') endOffer(draft, offer, 'agentLeft');
  } else endOffer(draft, offer, 'panelLost');
}
