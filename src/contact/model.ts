/**
 * The closed lists: every state that a contact, an offer, a leg and an agent can be in, every cause for which a contact
 * can end, everything that can happen (inputs) and everything that can be ordered. Records are immutable; a step makes
 * new ones. They are stored as they are: one row each, columns for what is asked for, `doc` for the whole.
 */
import type {
  AgentId,
  BridgeId,
  ContactId,
  CustomerId,
  DeskId,
  DomainId,
  EntryId,
  EpochMs,
  Language,
  LegId,
  OfferId,
  PlayId,
} from '../base/ids.ts';
import type { Address, HangUpReason, LegCause, SwitchEvent, SwitchSnapshot } from '../cti/port.ts';
import type { Dialogue, Prompt, TextByLanguage } from '../ivr/scenario.ts';
import type { CallingNumber, Party, PartyRecord } from '../routing/party.ts';

/** Timers are data: a name and when it is due. They are part of the record, so a restart forgets none. */
export type Timers<Name extends string> = Readonly<Partial<Record<Name, EpochMs>>>;

// ---------------------------------------------------------------- contact

export type Channel = 'voice' | 'callback';

/**
 * identifying → scenario? → queued → offered → connected → wrapUp → ended
 *
 * - `identifying`: arrived and stored, the party is being looked up.
 * - `scenario`: in the IVR, for want of a party or by the entry's choice.
 * - `queued`: waits for an agent; a `callback` waits without a leg.
 * - `offered`: one live offer to one agent. A callback's visitor may be dialled first.
 * - `connected`: party and agent talk.
 * - `wrapUp`: the talk is over (`cause` says how), the agent has still to note what it was.
 * - `ended`: over, with a cause; never changes again.
 */
export type ContactState = 'identifying' | 'scenario' | 'queued' | 'offered' | 'connected' | 'wrapUp' | 'ended';

export type EndCause =
  | 'handled' // connected and hung up by either side
  | 'abandonedIdentifying' // the caller hung up: where
  | 'abandonedInScenario'
  | 'abandonedInQueue'
  | 'abandonedWhileRinging'
  | 'callbackPromised' // the caller chose a callback; it lives on as a contact of its own
  | 'callbackFailed' // all attempts used up
  | 'callbackCancelled' // by the visitor
  | 'noSuchEntry' // dialled number leads nowhere
  | 'hungUpByScenario'
  | 'switchLost' // the switch died, and there is no number to call back
  | 'replacedByCallback'; // the switch died, a callback keeps the place

export type ContactTimer =
  | 'scenario' // silence or inter-digit time-out of the dialogue
  | 'lookUp' // an answer of the database is overdue: go on without
  | 'announce' // next queue announcement
  | 'retry'; // a callback rests until its next attempt

export interface Decision {
  readonly deskId: DeskId;
  /** Name of the rule that fired. */
  readonly rule: string;
  /** Readable steps, as `logic explain` prints them and the panel shows them. */
  readonly why: readonly TextByLanguage[];
  /** The desk is closed, and so is every one further up: the caller is told. */
  readonly closed: boolean;
}

export interface CallMe {
  /** What the visitor gave: how to reach them, and the question. */
  readonly to: Address;
  readonly name: string;
  readonly question: string;
  readonly pageUrl: string;
  /** Unguessable; lets the visitor's page ask for the status and cancel. Null where no page asks. */
  readonly token: string | null;
}

export interface Contact {
  readonly id: ContactId;
  readonly domainId: DomainId;
  readonly channel: Channel;
  /** How it came in. `queueCallback`: made from a waiting call by a key; `lostCallback`: after the switch died. */
  readonly origin: 'call' | 'callMe' | 'queueCallback' | 'lostCallback';
  readonly state: ContactState;
  readonly stateSince: EpochMs;
  /** Entry time. It never changes, and is the place in the queue. */
  readonly arrivedAt: EpochMs;
  readonly entryId: EntryId | null;
  readonly language: Language;
  readonly callingNumber: CallingNumber;
  readonly calledNumber: string;
  readonly party: Party;
  readonly decision: Decision | null;
  readonly deskId: DeskId | null;
  /** When it entered the queue (for waiting time); its place is by `arrivedAt`. */
  readonly queuedAt: EpochMs | null;
  readonly connectedAt: EpochMs | null;
  readonly dialogue: Dialogue | null;
  /** The party's leg, while there is one. */
  readonly legId: LegId | null;
  readonly offerId: OfferId | null;
  /** The agent who talks, or who talked last. */
  readonly agentId: AgentId | null;
  readonly callMe: CallMe | null;
  /** Outgoing attempts made for a callback. */
  readonly attempts: number;
  /** Offers made so far; their ids are made from it. */
  readonly offers: number;
  /** What the queue last told the caller. */
  readonly announced: { readonly kind: 'position' | 'nobody'; readonly position: number } | null;
  /** Playbacks ordered so far; their ids are made from it. */
  readonly plays: number;
  /** The announcement under way on the party's leg, outside dialogues. */
  readonly playing: PlayId | null;
  /** For `origin` other than call/callMe: the contact that it continues. */
  readonly continues: ContactId | null;
  readonly timers: Timers<ContactTimer>;
  readonly cause: EndCause | null;
  readonly endedAt: EpochMs | null;
  readonly disposition: string | null;
  readonly note: string | null;
}

// ---------------------------------------------------------------- offer

/**
 * - `dialling`: a callback's party is being rung; the agent is kept free for it.
 * - `shown`: on the agent's screen; the phone will ring as soon as the panel confirms (or a second is over).
 * - `ringing`: the agent's phone rings.
 * - `accepted`: answered (and joined, unless a callback announcement still plays to the agent).
 */
export type OfferState = 'dialling' | 'shown' | 'ringing' | 'accepted' | 'ended';
export type OfferOutcome =
  | 'completed' // was accepted, and the talk is over
  | 'declined'
  | 'noAnswer' // RONA
  | 'panelLost'
  | 'phoneUnreachable'
  | 'agentLeft' // talk cut short because the agent's phone or panel went; the contact goes back to its place
  | 'callerGone'
  | 'partyNotReached' // callback: busy, no answer, …
  | 'switchLost';
export type OfferTimer =
  | 'pop' // the panel's confirmation is overdue: ring all the same
  | 'ring' // the agent does not answer
  | 'dial' // the party does not answer, and the switch says nothing
  | 'join' // the announcement to the agent is overdue: join all the same
  | 'reach'; // the phone has not registered yet, but may: ring it again

export interface Offer {
  readonly id: OfferId;
  readonly domainId: DomainId;
  readonly contactId: ContactId;
  readonly agentId: AgentId;
  readonly deskId: DeskId;
  readonly state: OfferState;
  readonly stateSince: EpochMs;
  readonly createdAt: EpochMs;
  readonly shownAt: EpochMs | null;
  /** The agent's leg. */
  readonly legId: LegId | null;
  /** Legs made for the agent: a reloaded browser gets a new one. */
  readonly legs: number;
  /** What plays to the agent before the two are joined. */
  readonly playing: PlayId | null;
  readonly bridgeId: BridgeId;
  readonly timers: Timers<OfferTimer>;
  readonly outcome: OfferOutcome | null;
  readonly endedAt: EpochMs | null;
}

// ---------------------------------------------------------------- leg

export type LegState = 'arriving' | 'dialling' | 'ringing' | 'up' | 'ended';

export interface Leg {
  readonly id: LegId;
  readonly domainId: DomainId;
  readonly contactId: ContactId;
  readonly role: 'party' | 'agent';
  readonly agentId: AgentId | null;
  readonly state: LegState;
  /** Its contact is done with it: it is hung up when this playback is over. False while it is wanted. */
  readonly closing: PlayId | false;
  readonly createdAt: EpochMs;
  readonly answeredAt: EpochMs | null;
  readonly endedAt: EpochMs | null;
  readonly cause: LegCause | null;
}

// ---------------------------------------------------------------- agent

/** CSTA (ECMA-269) agent states. */
export type AgentState = 'loggedOff' | 'notReady' | 'ready' | 'busy' | 'workingAfterCall';
/** Why an agent is not ready. The first four are the agent's to choose; the rest are the system's. */
export type NotReadyReason =
  | 'break'
  | 'lunch'
  | 'meeting'
  | 'paperwork'
  | 'loggedOn' // just logged in
  | 'noAnswer' // let an offer lapse (RONA)
  | 'declined'
  | 'panelLost'
  | 'phoneUnreachable';
export const CHOSEN_REASONS = ['break', 'lunch', 'meeting', 'paperwork'] as const;
export type ChosenReason = (typeof CHOSEN_REASONS)[number];

/** What comes after this contact; asked for while busy or in wrap-up. */
export type PendingState =
  | { readonly state: 'ready' }
  | { readonly state: 'notReady'; readonly reason: ChosenReason }
  | { readonly state: 'loggedOff' };

export type AgentTimer =
  | 'wrapUp' // wrap-up is over at the latest
  | 'panel'; // grace for a lost panel

export interface Agent {
  readonly id: AgentId;
  readonly domainId: DomainId;
  readonly state: AgentState;
  readonly reason: NotReadyReason | null;
  readonly stateSince: EpochMs;
  /** Since when without a contact: longest first gets the next one. Kept through wrap-up, not reset by a failed offer. */
  readonly idleSince: EpochMs;
  readonly pending: PendingState | null;
  readonly phone: 'browser' | 'deskPhone';
  readonly panel: 'open' | 'lost' | 'closed';
  /** The live offer or the talk; `offer.contactId` leads on. */
  readonly offerId: OfferId | null;
  /** In wrap-up: what is being noted. */
  readonly wrapUpContactId: ContactId | null;
  readonly timers: Timers<AgentTimer>;
}

// ---------------------------------------------------------------- events

/**
 * One fact, never changed. CSTA names where CSTA has one (ECMA-269 clause 15): `delivered`, `established`, `queued`, `diverted`,
 * `connectionCleared`, `failed`, `originated`; ours otherwise.
 */
export type EventName =
  | 'contactArrived'
  | 'partyIdentified'
  | 'partyNotFound'
  | 'scenarioStarted'
  | 'scenarioStep'
  | 'scenarioEnded'
  | 'deskDecided'
  | 'queued'
  | 'announced'
  | 'offered'
  | 'screenPopped'
  | 'originated'
  | 'delivered'
  | 'offerEnded'
  | 'established'
  | 'diverted'
  | 'failed'
  | 'connectionCleared'
  | 'wrapUpStarted'
  | 'wrapUpCompleted'
  | 'callbackRequested'
  | 'contactEnded'
  | 'agentLoggedOn'
  | 'agentLoggedOff'
  | 'agentReady'
  | 'agentNotReady'
  | 'agentBusy'
  | 'agentWorkingAfterCall'
  | 'agentPendingState'
  | 'panelLost'
  | 'panelBack'
  | 'controllerStarted'
  | 'inputIgnored';

export interface FloorEvent {
  readonly at: EpochMs;
  readonly name: EventName;
  readonly contactId: ContactId | null;
  readonly customerId: CustomerId | null;
  readonly deskId: DeskId | null;
  readonly agentId: AgentId | null;
  readonly offerId: OfferId | null;
  readonly legId: LegId | null;
  /** A word from one of the closed lists: an EndCause, LegCause, OfferOutcome, NotReadyReason, a rule's name. */
  readonly cause: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

// ---------------------------------------------------------------- inputs

/** Everything that can happen to the floor. `at` is given beside it. */
export type FloorInput =
  // the switch
  | Extract<SwitchEvent, { readonly type: 'legArrived' | 'legRinging' | 'legAnswered' | 'legEnded' | 'digit' }>
  | { readonly type: 'playFinished'; readonly leg: LegId; readonly play: PlayId }
  | {
      readonly type: 'resynchronised';
      readonly snapshot: SwitchSnapshot;
      /** Legs whose orders were carried out before it was taken: only these can be missing in it. Absent: all. */
      readonly settled?: ReadonlySet<LegId>;
    }
  // the database
  | {
      readonly type: 'partyLookedUp';
      readonly contactId: ContactId;
      readonly by: 'callingNumber' | 'customerCode';
      readonly record: PartyRecord | null;
    }
  // agents' panels
  | { readonly type: 'agentLogOn'; readonly agentId: AgentId; readonly phone: 'browser' | 'deskPhone' }
  | { readonly type: 'agentLogOff'; readonly agentId: AgentId }
  | { readonly type: 'agentSetReady'; readonly agentId: AgentId }
  | { readonly type: 'agentSetNotReady'; readonly agentId: AgentId; readonly reason: ChosenReason }
  | {
      readonly type: 'panelOpened';
      readonly agentId: AgentId /** whether its browser phone still holds the call */;
      readonly holdsCall: boolean;
    }
  | { readonly type: 'panelClosed'; readonly agentId: AgentId }
  | { readonly type: 'offerShown'; readonly agentId: AgentId; readonly offerId: OfferId }
  | { readonly type: 'offerDeclined'; readonly agentId: AgentId; readonly offerId: OfferId }
  | { readonly type: 'agentHangUp'; readonly agentId: AgentId; readonly offerId: OfferId }
  | {
      readonly type: 'wrapUp';
      readonly agentId: AgentId;
      readonly contactId: ContactId;
      readonly disposition: string;
      readonly note: string;
    }
  // web
  | {
      readonly type: 'callMeRequested';
      readonly entryId: EntryId;
      readonly language: Language;
      readonly callMe: CallMe;
      readonly number: CallingNumber;
    }
  | { readonly type: 'callMeCancelled'; readonly contactId: ContactId }
  // ourselves
  /** A controller begins on stored records: panels have to show themselves again, playbacks may have ended unheard. */
  | { readonly type: 'controllerStarted' }
  | { readonly type: 'tick' };

// ---------------------------------------------------------------- orders

/** What is to be done after the commit. Safe to repeat. The id is unique within the domain. */
export type Order = {
  readonly id: string /** Orders of one contact are carried out one after another. */;
  readonly contactId: ContactId;
} & OrderBody;
export type OrderBody =
  | { readonly type: 'answer'; readonly leg: LegId }
  | { readonly type: 'hangUp'; readonly leg: LegId; readonly reason: HangUpReason }
  | {
      readonly type: 'originate';
      readonly leg: LegId;
      readonly to: Address;
      readonly timeoutMs: number;
      readonly shows: { readonly number: string; readonly name: string };
    }
  | { readonly type: 'play'; readonly leg: LegId; readonly play: PlayId; readonly prompts: readonly Prompt[] }
  | { readonly type: 'stopPlay'; readonly leg: LegId; readonly play: PlayId }
  | { readonly type: 'startMusic'; readonly leg: LegId }
  | { readonly type: 'stopMusic'; readonly leg: LegId }
  | { readonly type: 'join'; readonly bridge: BridgeId; readonly legs: readonly LegId[] }
  | { readonly type: 'dropBridge'; readonly bridge: BridgeId }
  | { readonly type: 'lookUpParty'; readonly contactId: ContactId; readonly by: 'callingNumber' | 'customerCode'; readonly value: string };

// ---------------------------------------------------------------- policy

/** Times and limits of a floor; configuration, the same for all desks for now. */
export interface FloorPolicy {
  /** How long the panel may take to confirm that it shows the customer, before the phone rings all the same. */
  readonly popMs: number;
  /** How long an agent's phone rings before the offer moves on (RONA). */
  readonly ringMs: number;
  /** How long a callback's party is rung. */
  readonly dialMs: number;
  readonly wrapUpMs: number;
  /** How long a lost panel may stay away before a browser call is taken from the agent. */
  readonly panelGraceMs: number;
  readonly announceEveryMs: number;
  /** How long the database may take to say who it is; then the contact goes on as if nobody was found. */
  readonly lookUpMs: number;
  readonly callbackAttempts: number;
  readonly callbackRetryMs: number;
}
