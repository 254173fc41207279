/**
 * The one way in. Everything that can happen to a contact or an agent passes here: `take` decides what an input means, and then who
 * gets whom, as the queues stand after it. What it answers is committed whole, and only then are its orders carried out.
 */
import type { EpochMs, LegId, PlayId } from '../base/ids.ts';
import {
  endWrapUp,
  onAgentForced,
  onLogOff,
  onLogOn,
  onPhoneReachable,
  onSetNotReady,
  onSetReady,
  onWrapUp,
  onWrapUpExtended,
  panelBack,
  panelGone,
  panelStaysAway,
  phoneStaysAway,
  requireAgent,
} from './agents.ts';
import { onCallMeRequested, onLegArrived, onNoticeTask, onPartyLookedUp } from './arrival.ts';
import { beginDialogues } from './begin.ts';
import { onCallbackMoved, onCallMeCancelled, onNoticeStopped } from './callbacks.ts';
import { dialoguePlay, dropUnheld, feedDialogue, onHeard, onRecordFinished, onServiceAnswered } from './dialogue.ts';
import { onDirectoryChanged, sendOn } from './directory-changed.ts';
import { type Changes, Draft, type Floor, type FloorContext, withoutTimers } from './floor.ts';
import { giveOut } from './give-out.ts';
import { hangUpLeg, hangUpStray } from './legs.ts';
import { onMessageCallBack, onMessageHeard, onOfferAccepted } from './messages.ts';
import type { Contact, FloorInput, Offer } from './model.ts';
import {
  askAgent,
  endOffer,
  isAnnounced,
  join,
  onAgentHangUp,
  onOfferDeclined,
  onOfferShown,
  ringAgent,
  withoutPanel,
} from './offering.ts';
import { onLegAnswered, onLegEnded, onOutsideTimeUp } from './outside-legs.ts';
import { onControllerStarted, onResynchronised } from './resync.ts';
import { onWaitingDigit, tell } from './waiting.ts';

/**
 * Takes an input in: the floor is changed by what it means and by what follows from it for those who wait and those who are free.
 * @param at when it happened, by the owner's clock; never before the previous one's
 * @returns all that has changed, to be committed as one
 * @throws InputRefused when a person asked for something that makes no sense now; nothing is changed then
 */
export function take(floor: Floor, context: FloorContext, input: FloorInput, at: EpochMs, decide = step): Changes {
  floor.follow(context);
  const meant = decide(floor, context, input, at);
  floor.apply(meant);
  return giveOut(floor, context, meant, at);
}

/** Decides what an input means. Does not touch the floor. @throws InputRefused */
export function step(floor: Floor, context: FloorContext, input: FloorInput, at: EpochMs): Changes {
  const draft = new Draft(floor, context, at);
  decide(draft, input);
  beginDialogues(draft);
  sendOn(draft, [...draft.contacts.values()]);
  dropUnheld(draft);
  return draft;
}

function decide(draft: Draft, input: FloorInput): void {
  switch (input.type) {
    case 'legArrived':
      return onLegArrived(draft, input.leg, input.arrival);
    case 'legRinging':
      return onLegRinging(draft, input.leg);
    case 'legAnswered':
      return onLegAnswered(draft, input.leg);
    case 'legEnded':
      return onLegEnded(draft, input.leg, input.cause);
    case 'digit':
      return onDigit(draft, input.leg, input.digit);
    case 'playFinished':
      return onPlayFinished(draft, input.leg, input.play);
    case 'recordFinished':
      return onRecordFinished(draft, input.leg, input.recording, input.durationMs, input.outcome);
    case 'resynchronised':
      return onResynchronised(draft, input.snapshot, input.settled);
    case 'controllerStarted':
      return onControllerStarted(draft);
    case 'partyLookedUp':
      return onPartyLookedUp(draft, input.contactId, input.by, input.record);
    case 'serviceAnswered':
      return onServiceAnswered(draft, input);
    case 'heard':
      return onHeard(draft, input);
    case 'agentLogOn':
      return onLogOn(draft, input.agentId, input.phone);
    case 'agentLogOff':
      return onLogOff(draft, input.agentId);
    case 'agentSetReady':
      return onSetReady(draft, input.agentId);
    case 'agentSetNotReady':
      return onSetNotReady(draft, input.agentId, input.reason);
    case 'panelOpened':
      return onPanelOpened(draft, input.agentId, input.holdsCall);
    case 'panelClosed':
      return onPanelClosed(draft, input.agentId);
    case 'phoneReachable':
      return onPhoneReachable(draft, input.agentId, input.phone, input.reachable);
    case 'offerShown':
      return onOfferShown(draft, input.agentId, input.offerId);
    case 'offerAccepted':
      return onOfferAccepted(draft, input.agentId, input.offerId);
    case 'offerDeclined':
      return onOfferDeclined(draft, input.agentId, input.offerId);
    case 'agentHangUp':
      return onAgentHangUp(draft, input.agentId, input.offerId);
    case 'messageCallBack':
      return onMessageCallBack(draft, input.agentId, input.contactId);
    case 'messageHeard':
      return onMessageHeard(draft, input);
    case 'wrapUp':
      return onWrapUp(draft, input.agentId, input.contactId, input.disposition, input.note);
    case 'callMeRequested':
      return onCallMeRequested(draft, input.entryId, input.language, input.callMe, input.number, input.promisedAt ?? null);
    case 'callMeCancelled':
      return onCallMeCancelled(draft, input.contactId);
    case 'callbackMoved':
      return onCallbackMoved(draft, input.contactId, input.to);
    case 'wrapUpExtended':
      return onWrapUpExtended(draft, input.agentId);
    case 'agentForced':
      return onAgentForced(draft, input.agentId, input.to, input.by);
    case 'noticeTask':
      return onNoticeTask(draft, input);
    case 'noticeStopped':
      return onNoticeStopped(draft, input.noticeId);
    case 'directoryChanged':
      return onDirectoryChanged(draft);
    case 'tick':
      return onTick(draft);
    default:
      input satisfies never;
  }
}

function onLegRinging(draft: Draft, legId: LegId): void {
  const leg = draft.leg(legId);
  if (!leg) return hangUpStray(draft, legId);
  if (leg.state !== 'dialling') return;
  draft.put('leg', { ...leg, state: 'ringing' });
  const contact = draft.contact(leg.contactId);
  draft.event('delivered', { contact, offer: draft.offer(contact?.offerId ?? null), agentId: leg.agentId, legId });
}

function onDigit(draft: Draft, legId: LegId, digit: string): void {
  const contact = partyContact(draft, legId);
  if (!contact) return;
  if (contact.outside?.legId) return; // what is pressed while they talk outside is theirs
  const inDialogue = contact.state === 'scenario' || isAnnounced(contact, draft.offer(contact.offerId));
  if (inDialogue) feedDialogue(draft, contact, { type: 'digit', digit });
  else if (contact.state === 'queued') onWaitingDigit(draft, contact, digit);
}

function onPlayFinished(draft: Draft, legId: LegId, playId: PlayId): void {
  const leg = draft.leg(legId);
  if (!leg) return;
  if (leg.closing !== false) {
    // The end of an earlier one, stopped for this one's sake, is told too.
    if (leg.closing === playId) hangUpLeg(draft, legId);
    return;
  }
  const contact = draft.contact(leg.contactId);
  if (!contact) return;
  if (leg.role === 'agent') {
    const offer = draft.offer(contact.offerId);
    if (offer?.playing === playId) join(draft, contact, offer);
    return;
  }
  const play = dialoguePlay(contact, playId);
  if (play !== null) {
    feedDialogue(draft, contact, { type: 'playFinished', play });
    return playMusicAgain(draft, contact.id, legId);
  }
  if (contact.playing !== playId) return;
  draft.put('contact', { ...contact, playing: null });
  playMusicAgain(draft, contact.id, legId);
}

/** Music goes on where an announcement interrupted it. */
function playMusicAgain(draft: Draft, contactId: string, legId: LegId): void {
  const contact = draft.contact(contactId);
  const waits = contact?.state === 'queued' || (contact?.state === 'offered' && !isAnnounced(contact, draft.offer(contact.offerId)));
  if (contact && waits && !contact.dialogue?.playing) draft.order(contact.id, { type: 'startMusic', leg: legId });
}

function partyContact(draft: Draft, legId: LegId): Contact | undefined {
  const leg = draft.leg(legId);
  return leg?.role === 'party' ? draft.contact(leg.contactId) : undefined;
}

function onPanelOpened(draft: Draft, agentId: string, holdsCall: boolean): void {
  const agent = panelBack(draft, requireAgent(draft, agentId));
  const offer = draft.offer(agent.offerId);
  const contact = offer && draft.contact(offer.contactId);
  if (!offer || contact?.channel === 'message' || agent.phone !== 'browser' || holdsCall) return;
  // The page was loaded anew, and with it went its phone: a call that was on it is put through again.
  if (contact?.state === 'connected' || (offer.state === 'ringing' && draft.leg(offer.legId)?.state === 'ringing')) {
    hangUpLeg(draft, offer.legId);
    ringAgent(draft, offer);
  } else if (offer.state === 'accepted') endOffer(draft, offer, 'panelLost');
}

function onPanelClosed(draft: Draft, agentId: string): void {
  const agent = requireAgent(draft, agentId);
  if (agent.panel !== 'open') return;
  panelGone(draft, agent);
  const offer = draft.offer(agent.offerId);
  // A call that only rings moves on at once; a talk may go on without the panel for a while.
  if (offer && draft.contact(offer.contactId)?.state !== 'connected') endOffer(draft, offer, 'panelLost');
}

/** Those that are due beyond these ring in the next step: nobody else is to wait until ten thousand have been told their place. */
const TIMERS_PER_STEP = 200;
/** A timer that fails rings again after this: what it fails for may be put right. */
const FAILED_TIMER_AGAIN_MS = 5_000;

/** The timers that are due, earliest first. One that fails stops no other. */
function onTick(draft: Draft): void {
  for (const { kind, id, name } of draft.floor.dueTimers(draft.at).slice(0, TIMERS_PER_STEP)) {
    const done = draft.apart(() => {
      if (kind === 'contact') onContactTimer(draft, id, name as keyof Contact['timers']);
      else if (kind === 'offer') onOfferTimer(draft, id, name as keyof Offer['timers']);
      else onAgentTimer(draft, id, name);
    });
    if (!done) draft.postpone(kind, id, name, draft.at + FAILED_TIMER_AGAIN_MS);
  }
}

/** How soon a queue's longest wait is looked at again while an agent is asked. */
const ASKED_AGAIN_MS = 5_000;

/** An earlier timer of the same tick may have cleared this one, or set it anew. */
const isDue = (draft: Draft, timer: EpochMs | undefined): boolean => timer !== undefined && timer <= draft.at;

function onContactTimer(draft: Draft, id: string, name: keyof Contact['timers']): void {
  const contact = draft.contact(id);
  if (!contact || !isDue(draft, contact.timers[name])) return;
  const rung = draft.put('contact', { ...contact, timers: withoutTimers(contact, name) });
  switch (name) {
    case 'scenario':
      // A queue's longest wait is not over while an agent is asked, who may take it yet.
      if (rung.state === 'offered' && !isAnnounced(rung, draft.offer(rung.offerId))) {
        draft.put('contact', { ...rung, timers: { ...rung.timers, scenario: draft.at + ASKED_AGAIN_MS } });
        return;
      }
      return feedDialogue(draft, rung, { type: 'timeout' });
    case 'lookUp':
      draft.put('contact', contact);
      return onPartyLookedUp(draft, id, contact.state === 'identifying' ? 'callingNumber' : 'customerCode', null);
    case 'announce':
      if (rung.state === 'queued') tell(draft, rung);
      return;
    case 'dial':
      return onDialOverdue(draft, rung);
    case 'outside':
      return onOutsideTimeUp(draft, rung);
    case 'retry':
      return; // without the timer it can be offered again
  }
}

/** Whom we dial without an agent has not answered, and the switch says nothing. */
function onDialOverdue(draft: Draft, contact: Contact): void {
  const { switchAway, policy } = draft.context;
  if (switchAway) {
    // Whether it rings, or was answered, nobody can tell now: its time begins anew, and the comparison will say.
    draft.put('contact', { ...contact, timers: { ...contact.timers, dial: draft.at + policy.dialMs } });
    return;
  }
  const legId = contact.outside?.legId ?? contact.legId;
  if (legId === null) return;
  hangUpLeg(draft, legId);
  onLegEnded(draft, legId, 'noAnswer');
}

function onOfferTimer(draft: Draft, id: string, name: keyof Offer['timers']): void {
  const offer = draft.offer(id);
  if (!offer || !isDue(draft, offer.timers[name])) return;
  const rung = draft.put('offer', { ...offer, timers: withoutTimers(offer, name) });
  const contact = draft.contact(offer.contactId);
  if (draft.context.switchAway && contact?.channel !== 'message' && (name === 'ring' || name === 'dial')) {
    // Whether it rings, or was answered, nobody can tell now: its time begins anew, and the comparison will say.
    const againMs = name === 'ring' ? draft.context.policy.ringMs : draft.context.policy.dialMs;
    draft.put('offer', { ...rung, timers: { ...rung.timers, [name]: draft.at + againMs } });
    return;
  }
  switch (name) {
    case 'pop':
      return askAgent(draft, rung);
    case 'reach':
      return ringAgent(draft, rung);
    case 'ring':
      return endOffer(draft, rung, contact?.state === 'connected' ? 'agentLeft' : 'noAnswer');
    case 'dial':
      if (!contact?.legId) return;
      hangUpLeg(draft, contact.legId);
      return onLegEnded(draft, contact.legId, 'noAnswer');
    case 'join':
      return contact ? join(draft, contact, rung) : undefined;
  }
}

function onAgentTimer(draft: Draft, id: string, name: string): void {
  const agent = requireAgent(draft, id);
  if (name === 'panel' && isDue(draft, agent.timers.panel)) {
    panelStaysAway(draft, agent);
    withoutPanel(draft, id);
  } else if (name === 'phone' && isDue(draft, agent.timers.phone)) {
    phoneStaysAway(draft, agent);
  } else if (name === 'wrapUp' && isDue(draft, agent.timers.wrapUp)) {
    endWrapUp(draft, agent, 'timer', null, null);
  }
}
