/**
 * After a gap: the switch tells what lives, and what we believed is compared with it. Whatever happened unheard is made up
 * for as if it had been told: hang-ups, answers, new calls. The rest goes on where it stood.
 */
import type { BridgeId, ContactId, EpochMs, LegId } from '../base/ids.ts';
import type { LiveLeg, SwitchSnapshot } from '../cti/port.ts';
import { panelGone } from './agents.ts';
import { onLegArrived } from './arrival.ts';
import { awaitsRecording, feedDialogue } from './dialogue.ts';
import type { Draft } from './floor.ts';
import { bridgeOutside, hangUpStray } from './legs.ts';
import type { Contact, Leg } from './model.ts';
import { isAnnounced } from './offering.ts';
import { joinOutside, onLegAnswered, onLegEnded } from './outside-legs.ts';

/** Panels were connected to a process that is gone: each has its grace time to show itself to this one. */
export function onControllerStarted(draft: Draft): void {
  draft.event('controllerStarted', { data: { contacts: draft.floor.contacts.size } });
  for (const agent of draft.floor.agents.values()) {
    if (agent.state === 'loggedOff' || agent.panel === 'closed') continue;
    panelGone(draft, agent);
  }
}

/** @param settled legs whose orders were carried out before the snapshot was taken: one of these that is missing in it is really gone */
export function onResynchronised(draft: Draft, snapshot: SwitchSnapshot, settled?: ReadonlySet<LegId>): void {
  const live = new Map(snapshot.legs.map((leg) => [leg.leg, leg]));
  const joined = new Map(snapshot.bridges.map((b) => [b.bridge, new Set(b.legs)]));

  for (const leg of [...draft.floor.legs.values()]) {
    const there = live.get(leg.id);
    if (there || !settled || settled.has(leg.id)) draft.apart(() => compareLeg(draft, leg, there, snapshot.startedAt));
  }
  for (const { leg, direction, arrival } of snapshot.legs) {
    if (draft.floor.legs.has(leg)) continue;
    if (arrival) draft.apart(() => onLegArrived(draft, leg, arrival));
    else if (direction === 'out') hangUpStray(draft, leg);
  }
  for (const id of [...draft.contactIds()]) draft.apart(() => catchUp(draft, id, live, joined));
  for (const leg of draft.floor.legs.values()) {
    if (draft.leg(leg.id)?.closing) draft.order(leg.contactId, { type: 'hangUp', leg: leg.id, reason: 'normal' });
  }
}

function compareLeg(draft: Draft, leg: Leg, there: LiveLeg | undefined, startedAt: EpochMs | null): void {
  const isOlder = startedAt !== null && leg.createdAt < startedAt;
  const contact = draft.contact(leg.contactId);
  // Somebody left a message and hung up. What was said is asked for first; the next order finds that the leg is gone.
  if (!there && !isOlder && contact?.legId === leg.id && awaitsRecording(contact)) askForRecording(draft, contact);
  else if (!there) onLegEnded(draft, leg.id, isOlder ? 'switchLost' : 'unheard');
  else if (there.state === 'up' && leg.state !== 'up') onLegAnswered(draft, leg.id);
}

/** The switch tells what became of it, or that it goes on. */
function askForRecording(draft: Draft, contact: Contact): void {
  const { id, legId, recording } = contact;
  if (legId !== null && recording && awaitsRecording(contact)) draft.order(id, { type: 'record', leg: legId, ...recording });
}

/** A contact that goes on where it stood, but for what may have gone unheard about its party's leg. */
function catchUp(draft: Draft, id: ContactId, live: ReadonlyMap<LegId, LiveLeg>, joined: ReadonlyMap<BridgeId, ReadonlySet<LegId>>): void {
  const contact = draft.contact(id);
  const leg = draft.leg(contact?.legId ?? null);
  if (!contact || leg?.state !== 'up' || !draft.floor.legs.has(leg.id)) return;
  if (live.has(leg.id)) askForRecording(draft, contact);
  const inDialogue = contact.state === 'scenario' || isAnnounced(contact, draft.offer(contact.offerId));
  const outside = draft.leg(contact.outside?.legId ?? null);
  if (outside?.state === 'up') {
    const bridge = joined.get(bridgeOutside(outside.id));
    if (!(bridge?.has(leg.id) && bridge.has(outside.id))) joinOutside(draft, contact, outside.id);
  } else if (inDialogue && contact.dialogue?.playing) {
    // Its end may have gone unheard. Should it still play, the caller only gets a little less time to dial.
    feedDialogue(draft, contact, { type: 'playFinished', play: contact.dialogue.play });
  } else if ((contact.state === 'queued' || contact.state === 'offered') && contact.dialogue?.playing) {
    feedDialogue(draft, contact, { type: 'playFinished', play: contact.dialogue.play });
    draft.order(contact.id, { type: 'startMusic', leg: leg.id });
  } else if (contact.state === 'queued') {
    // Its end may have gone unheard, and with it the music's beginning. Who has music only is told again in due course.
    if (contact.playing) draft.put('contact', { ...contact, playing: null, timers: { ...contact.timers, announce: draft.at + 1_000 } });
  } else if (contact.state === 'offered' && contact.playing) {
    draft.put('contact', { ...contact, playing: null });
    draft.order(contact.id, { type: 'startMusic', leg: leg.id });
  } else if (contact.state === 'connected') {
    const offer = draft.offer(contact.offerId);
    const agentLeg = draft.leg(offer?.legId ?? null);
    const bridge = offer && joined.get(offer.bridgeId);
    if (offer && agentLeg?.state === 'up' && !(bridge?.has(leg.id) && bridge.has(agentLeg.id))) {
      draft.order(contact.id, { type: 'join', bridge: offer.bridgeId, legs: [leg.id, agentLeg.id] });
    }
  }
}
