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
  NoticeId,
  OfferId,
  PlayId,
  RecordingId,
} from '../base/ids.ts';
import type { Address, HangUpReason, LegCause, SwitchEvent, SwitchSnapshot } from '../cti/port.ts';
import type { Dialogue, Prompt, TextByLanguage, Values } from '../ivr/scenario.ts';
import type { RetryOutcome, Wishes } from '../routing/desk-rules.ts';
import type { CallingNumber, Party, PartyKey, PartyRecord } from '../routing/party.ts';

/** Timers are data: a name and when it is due. They are part of the record, so a restart forgets none. */
export type Timers<Name extends string> = Readonly<Partial<Record<Name, EpochMs>>>;

// ---------------------------------------------------------------- contact

/**
 * - `notice`: one person to be told something by phone, of many (B5). Goes the way of a callback, between the others.
 * - `message`: a recording to be listened to (voicemail). Handled on the screen, without any leg.
 */
export type Channel = 'voice' | 'callback' | 'notice' | 'message';

/**
 * identifying → scenario? → queued → offered → connected → wrapUp → ended
 *
 * - `identifying`: arrived and stored, the party is being looked up.
 * - `scenario`: in the IVR, for want of a party or by the entry's choice.
 * - `queued`: waits for an agent; a `callback` and a `message` wait without a leg.
 * - `offered`: one live offer to one agent. A callback's visitor may be dialled first.
 * - `connected`: party and agent talk; an agent has accepted a `message`.
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
  | 'calledAgain' // called by themselves before they were called back
  | 'noticeStopped' // what was to be told is not any more
  | 'noSuchEntry' // dialled number leads nowhere
  | 'hungUpByScenario'
  | 'transferredOut' // put through to a number outside, and that talk is over
  | 'messageLeft' // the caller left a recording; it lives on as a contact of its own
  | 'surveyDone' // asked after the talk, to the end
  | 'noticeTold' // by the machine: `disposition` is the scenario's word
  | 'switchLost' // the switch died, and there is no number to call back
  | 'replacedByCallback'; // the switch died, a callback keeps the place

export type ContactTimer =
  | 'scenario' // silence or inter-digit time-out of the dialogue
  | 'lookUp' // an answer of the database is overdue: go on without
  | 'announce' // next queue announcement
  | 'dial' // whom we dial without an agent (a number outside, one who is told by a scenario) does not answer, and the switch says nothing
  | 'outside' // the talk with a number outside is over at the latest
  | 'retry'; // a callback rests until its next attempt, or the time that was agreed

export interface Decision {
  readonly deskId: DeskId;
  /** Name of the rule that fired. */
  readonly rule: string;
  /** Readable steps, as `logic explain` prints them and the panel shows them. */
  readonly why: readonly TextByLanguage[];
  /** The desk is closed, and so is every one further up: the caller is told. */
  readonly closed: boolean;
  /** How the rule wants it given out. */
  readonly wishes: Wishes;
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

/**
 * How it came in. `queueCallback`: made from a waiting call by a key; `abandonedCallback`: from one that was given up;
 * `lostCallback`: after the switch died; `notice`: one of many who are to be told something; `voicemail`: left on the phone;
 * `messageCallback`: an agent listened to that, and calls back; `survey`: the party of a talk that is over, asked about it.
 */
export type Origin =
  | 'call'
  | 'callMe'
  | 'queueCallback'
  | 'abandonedCallback'
  | 'lostCallback'
  | 'notice'
  | 'voicemail'
  | 'messageCallback'
  | 'survey';

/** A number outside that the party is put through to. */
export interface Outside {
  /** How often a scenario has asked for one; the leg's id is made from it. */
  readonly attempts: number;
  /** The leg to it, while there is one. */
  readonly legId: LegId | null;
}

export interface RecordingUnderWay {
  readonly recording: RecordingId;
  readonly longestMs: number;
  /** 0: silence does not end it. */
  readonly silenceMs: number;
  readonly beep: boolean;
}

export interface Contact {
  readonly id: ContactId;
  readonly domainId: DomainId;
  readonly channel: Channel;
  readonly origin: Origin;
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
  /** The time that was agreed for a callback: it rests until then, and is urgent afterwards. */
  readonly promisedAt: EpochMs | null;
  /** Who handled this customer last, and until when that agent is waited for. */
  readonly preferred: { readonly agentId: AgentId; readonly until: EpochMs } | null;
  /** The wait that was estimated for it when it entered the queue, to be compared with the real one; null: not known. */
  readonly estimatedWaitMs: number | null;
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
  /** How many of them ended like this. */
  readonly failedAttempts: Readonly<Record<RetryOutcome, number>>;
  /** The notice that it is a task of, and whom it is for. */
  readonly notice: {
    readonly noticeId: NoticeId;
    readonly recipientId: string;
    /** The scenario that tells it. Absent: an agent does, or is asked for. */
    readonly scenario?: string;
  } | null;
  /** What was left to be listened to; a callback to whoever left it has it too. */
  readonly message: { readonly recording: RecordingId; readonly durationMs: number } | null;
  /** Offers made so far; their ids are made from it. */
  readonly offers: number;
  /** What the queue last told the caller. */
  readonly announced: { readonly kind: 'position' | 'nobody'; readonly callbackOffered: boolean } | null;
  /** Playbacks ordered so far; their ids are made from it. */
  readonly plays: number;
  /** The announcement under way on the party's leg, outside dialogues. */
  readonly playing: PlayId | null;
  /** Absent: no scenario has asked for a number outside. */
  readonly outside?: Outside;
  /** What the party says is being recorded; after a gap, the switch is asked again what became of it. Absent: nothing is. */
  readonly recording?: RecordingUnderWay;
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
 * - `shown`: on the agent's screen; the phone will ring as soon as the panel confirms (or a second is over). A `message` stays here
 *   until it is accepted: nothing rings.
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
  | 'ring' // the agent does not answer, or accept
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
  /** `outside`: a number that the party is put through to. */
  readonly role: 'party' | 'agent' | 'outside';
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
  | 'phoneUnreachable'
  | 'supervisor'; // a supervisor said so
export const CHOSEN_REASONS = ['break', 'lunch', 'meeting', 'paperwork'] as const;
export type ChosenReason = (typeof CHOSEN_REASONS)[number];

/** What comes after this contact; asked for while busy or in wrap-up. */
export type PendingState =
  | { readonly state: 'ready' }
  | { readonly state: 'notReady'; readonly reason: ChosenReason | 'supervisor' }
  | { readonly state: 'loggedOff' };

export type AgentTimer =
  | 'wrapUp' // wrap-up is over at the latest
  | 'panel' // grace for a lost panel
  | 'phone'; // grace for a phone that is not registered any more

export interface Agent {
  readonly id: AgentId;
  readonly domainId: DomainId;
  readonly state: AgentState;
  readonly reason: NotReadyReason | null;
  readonly stateSince: EpochMs;
  /** Since when without a contact: longest first gets the next one. Kept through wrap-up, not reset by a failed offer. */
  readonly idleSince: EpochMs;
  readonly loggedOnAt: EpochMs;
  /** Since log-on: time with contacts, wrap-up included, and how many were offered. */
  readonly busyMs: number;
  readonly assignments: number;
  /** When a call was last assigned; null: not since log-on. */
  readonly lastCallAssignedAt: EpochMs | null;
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
  | 'scenarioAnswered'
  | 'deskDecided'
  | 'queued'
  | 'dequeued' // took up an offer of a scenario while it waited, and talks with it again
  | 'waitEstimated'
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
  | 'callbackMoved'
  | 'messageHeard'
  | 'contactEnded'
  | 'agentLoggedOn'
  | 'agentLoggedOff'
  | 'agentReady'
  | 'agentNotReady'
  | 'agentBusy'
  | 'agentWorkingAfterCall'
  | 'agentPendingState'
  | 'agentForced'
  | 'wrapUpExtended'
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
  | Extract<SwitchEvent, { readonly type: 'legArrived' | 'legRinging' | 'legAnswered' | 'legEnded' | 'digit' | 'recordFinished' }>
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
      readonly by: PartyKey;
      readonly record: PartyRecord | null;
    }
  // what scenarios ask of others
  | {
      readonly type: 'serviceAnswered';
      readonly contactId: ContactId;
      /** Which question of the dialogue it answers. */
      readonly request: number;
      readonly outcome: 'found' | 'notFound' | 'failed';
      readonly values: Values;
    }
  /** What the recogniser made of a recording; null: nothing that it understood. */
  | { readonly type: 'heard'; readonly contactId: ContactId; readonly request: number; readonly words: string | null }
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
  /** The phone of an agent registered, or is gone. */
  | { readonly type: 'phoneReachable'; readonly agentId: AgentId; readonly phone: Agent['phone']; readonly reachable: boolean }
  | { readonly type: 'offerShown'; readonly agentId: AgentId; readonly offerId: OfferId }
  /** Of a message: on the screen, as there is no phone to answer. */
  | { readonly type: 'offerAccepted'; readonly agentId: AgentId; readonly offerId: OfferId }
  | { readonly type: 'offerDeclined'; readonly agentId: AgentId; readonly offerId: OfferId }
  /** A talk is over, or a message done. */
  | { readonly type: 'agentHangUp'; readonly agentId: AgentId; readonly offerId: OfferId }
  /** Whoever left the message that the agent has in hand is to be called; the message is done with that. */
  | { readonly type: 'messageCallBack'; readonly agentId: AgentId; readonly contactId: ContactId }
  /** Somebody listens to a message, which may be over: for the log alone. */
  | {
      readonly type: 'messageHeard';
      readonly agentId: AgentId;
      readonly contactId: ContactId;
      readonly deskId: DeskId | null;
      readonly customerId: CustomerId | null;
    }
  | {
      readonly type: 'wrapUp';
      readonly agentId: AgentId;
      readonly contactId: ContactId;
      readonly disposition: string;
      readonly note: string;
    }
  | { readonly type: 'wrapUpExtended'; readonly agentId: AgentId }
  /** A supervisor changes an agent's state; asked for while busy, it comes after the talk. */
  | { readonly type: 'agentForced'; readonly agentId: AgentId; readonly to: 'ready' | 'notReady' | 'loggedOff'; readonly by: AgentId }
  // web
  | {
      readonly type: 'callMeRequested';
      readonly entryId: EntryId;
      readonly language: Language;
      readonly callMe: CallMe;
      readonly number: CallingNumber;
      /** The time that was asked for; left out or null: as soon as it is its turn. */
      readonly promisedAt?: EpochMs | null;
    }
  | { readonly type: 'callMeCancelled'; readonly contactId: ContactId }
  /** The customer wants to be called at another time; null: as soon as it is its turn. */
  | { readonly type: 'callbackMoved'; readonly contactId: ContactId; readonly to: EpochMs | null }
  // notices
  /** One more of those who are to be told. Given twice for one recipient, it is one all the same. */
  | {
      readonly type: 'noticeTask';
      readonly noticeId: NoticeId;
      readonly recipientId: string;
      readonly deskId: DeskId;
      readonly language: Language;
      readonly number: CallingNumber & { readonly kind: 'valid' };
      readonly name: string;
      /** What is to be told. */
      readonly text: string;
      /** The scenario that tells it; left out or null: an agent does. */
      readonly scenario?: string | null;
    }
  /** Those of its tasks that nobody has in hand are to be done no more. */
  | { readonly type: 'noticeStopped'; readonly noticeId: NoticeId }
  // ourselves
  /** A controller begins on stored records: panels have to show themselves again, playbacks may have ended unheard. */
  | { readonly type: 'controllerStarted' }
  /** Desks or agents are others now: whoever waits at a desk that is gone, or works without being on the list, is seen to. */
  | { readonly type: 'directoryChanged' }
  | { readonly type: 'tick' };

// ---------------------------------------------------------------- orders

/** What is to be done after the commit. Safe to repeat. The id is unique within the domain. */
export type Order = {
  readonly id: string /** Orders of one contact are carried out one after another. */;
  readonly contactId: ContactId;
  /** For a contact's first order: after those of that one, whose leg it takes over. */
  readonly after?: ContactId;
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
  | { readonly type: 'lookUpParty'; readonly contactId: ContactId; readonly by: PartyKey; readonly value: string }
  /** Ask a service of `scenarios/services.yaml`, as of a release; `serviceAnswered` follows in any case. */
  | {
      readonly type: 'askService';
      readonly contactId: ContactId;
      readonly request: number;
      readonly service: string;
      readonly values: Values;
      readonly version: string;
    }
  /** Have a hook of `scenarios/services.yaml` send something. The key is unique in the domain: the same one is sent once. */
  | { readonly type: 'sendHook'; readonly contactId: ContactId; readonly hook: string; readonly values: Values; readonly key: string }
  /** Have a recording recognised and dropped; `heard` follows in any case. */
  | {
      readonly type: 'recognise';
      readonly contactId: ContactId;
      readonly request: number;
      readonly recording: RecordingId;
      readonly language: Language;
      /** Words that would fit. */
      readonly expects: readonly string[];
    }
  /** Record what the leg says; `recordFinished` follows, also before its `legEnded`. */
  | ({ readonly type: 'record'; readonly leg: LegId } & RecordingUnderWay)
  | { readonly type: 'stopRecord'; readonly leg: LegId; readonly recording: RecordingId }
  /** Fetch a recording from the switch and store it: the contact is about it. */
  | { readonly type: 'keepRecording'; readonly contactId: ContactId; readonly recording: RecordingId }
  /** Nobody wants it: the switch may forget it. */
  | { readonly type: 'dropRecording'; readonly recording: RecordingId };

// ---------------------------------------------------------------- policy

/** Times and limits of a floor, the same for all desks; what differs by desk is in `DeskRules`. */
export interface FloorPolicy {
  /** How long the panel may take to confirm that it shows the customer, before the phone rings all the same. */
  readonly popMs: number;
  /** How long an agent's phone rings before the offer moves on (RONA). */
  readonly ringMs: number;
  /** How long a callback's party is rung. */
  readonly dialMs: number;
  /** How long a lost panel may stay away before a browser call is taken from the agent. */
  readonly panelGraceMs: number;
  readonly announceEveryMs: number;
  /** How long the database may take to say who it is; then the contact goes on as if nobody was found. */
  readonly lookUpMs: number;
  /** Absent: as `DEFAULT_OUTBOUND_POLICY` (src/contact/outside.ts). */
  readonly outbound?: OutboundPolicy;
}

/** What is promised for longer than this is forgotten by those who asked, and the desk's hours may be others by then. */
export const MOST_AHEAD_MS = 14 * 24 * 3_600_000;

/** Limits of what is dialled without an agent: calls cost money. */
export interface OutboundPolicy {
  /** ISO 3166-1 alpha-2 countries whose numbers a scenario may put callers through to; null: the entry's own only. */
  readonly countries: readonly string[] | null;
  /** How many callers may be put through to numbers outside at once. */
  readonly outsideAtOnce: number;
  /** How long somebody may talk with a number outside. */
  readonly outsideMs: number;
  /** How many of those whom a scenario tells a notice may be on the line, or dialled, at once. */
  readonly noticeLines: number;
  /** How long the announcement before a callback's agent is rung may take. */
  readonly announcementMs: number;
}
