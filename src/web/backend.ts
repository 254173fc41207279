/** What the web edge may ask of the house. `main.ts` builds it; the web knows neither SQL nor the switch. */
import type { AgentId, ContactId, EntryId, EpochMs, Language } from '../base/ids.ts';
import type { FloorInput, Origin } from '../contact/model.ts';
import type { Address } from '../cti/port.ts';
import type { AgentView, ContactView, FloorMessage, ForcedChange } from './messages.ts';

/** Someone who has logged in. */
export interface Principal {
  readonly agentId: AgentId;
  readonly name: string;
  readonly role: 'agent' | 'supervisor' | 'administrator';
}

export interface CallMeRequest {
  readonly entryId: EntryId;
  readonly language: Language;
  readonly name: string;
  readonly to: Address;
  readonly question: string;
  readonly pageUrl: string;
  /** When the visitor wishes to be called; null: as soon as it is their turn. */
  readonly callAt: EpochMs | null;
}

/** How a request to be called stands, for the one who asked. */
export const CALL_ME_STATES = [
  'waiting', // in the queue
  'agreed', // rests until the time that was agreed
  'resting', // could not be reached; rests until the next try
  'closed', // rests until people are called again
  'preparing', // an agent is being asked; the phone rings in a moment
  'calling',
  'connectingAgent', // the party has answered
  'connected',
  'done',
  'notReached',
  'cancelled',
  'calledAgain', // called by themselves in the meantime
  'lost', // ended by a fault of ours
] as const;
export type CallMeState = (typeof CALL_ME_STATES)[number];

/** What the visitor's page shows. */
export interface CallMeStatus {
  readonly state: CallMeState;
  /** 1 = next. Null when not waiting. */
  readonly position: number | null;
  /** Null when not waiting, or when nobody is there by whom it could be reckoned. */
  readonly estimatedWaitMs: number | null;
  /** In `agreed`, `resting` and `closed`: when the call is to be made. */
  readonly callAt: EpochMs | null;
  /** IANA zone in which its times are told: the desk's. */
  readonly timeZone: string;
}

/** What the page behind a callback's link shows: no more of the person than they recognise their request by. */
export interface Callback {
  readonly status: CallMeStatus;
  readonly language: Language;
  readonly origin: Origin;
  readonly askedAt: EpochMs;
  /** Last digits of a number, first letter of a SIP user. */
  readonly to: string;
  /** First letters; empty when none were given. */
  readonly name: string;
  readonly question: string;
  readonly desk: string | null;
  /** Times to which it can be moved, ascending. Empty when it can't be. */
  readonly times: readonly EpochMs[];
}

/** What a site may show beside the call-me button. */
export interface EntryWait {
  /** For whoever asked now; null when nobody can say. */
  readonly estimatedWaitMs: number | null;
  /** Why nobody can say. */
  readonly because: 'closed' | 'nobody' | null;
  /** When people are called again; null when they are now, or not within five weeks. */
  readonly opensAt: EpochMs | null;
}

/** Refused on purpose, with a word that the page translates. */
export class RequestRefused extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 422) {
    super(message);
    this.name = 'RequestRefused';
    this.code = code;
    this.status = status;
  }
}

export interface WebBackend {
  /** Null when name or password is wrong. Takes the same time in both cases. */
  logIn(
    userName: string,
    password: string,
  ): Promise<{ readonly principal: Principal; readonly session: string; readonly expiresAt: number } | null>;
  principalOf(session: string): Promise<Principal | null>;
  logOut(session: string): Promise<void>;

  /** Gives an input to the floor; resolves when it is committed. @throws RequestRefused when it made no sense (with the reason). */
  submit(input: FloorInput): Promise<void>;
  agentView(agentId: AgentId): Promise<{ agent: AgentView; contact: ContactView | null }>;
  /** The desks that this principal may see, by the organisation tree. */
  floorView(principal: Principal): FloorMessage;
  /**
   * Changes an agent's state from outside; resolves when it is committed (a busy agent's change is pending then).
   * @throws RequestRefused `notAllowed` when this principal forces nobody, `noSuchAgent` for one whom the principal doesn't see,
   *   and whatever the floor refuses
   */
  forceState(principal: Principal, agentId: AgentId, to: ForcedChange['to']): Promise<void>;
  /** The last forced changes of the agents that this principal sees, newest first. @throws RequestRefused `notAllowed` */
  forcedChanges(principal: Principal): Promise<readonly ForcedChange[]>;
  /** Calls back after each commit, with the agents that it touched, and whom it forced to what. Returns the way to stop it. */
  onChange(
    listener: (agents: ReadonlySet<AgentId>, forced: readonly { readonly agentId: AgentId; readonly to: ForcedChange['to'] }[]) => void,
  ): () => void;

  /** @throws RequestRefused when number, address, country or frequency is not acceptable. */
  callMe(request: CallMeRequest): Promise<{ readonly token: string }>;
  /** Null for a token that was never given out, or whose request has been over for a day. */
  callMeStatus(token: string): Promise<CallMeStatus | null>;
  /** @throws RequestRefused when it is too late */
  cancelCallMe(token: string): Promise<boolean>;
  /** The same, with what its own page shows. */
  callback(token: string): Promise<Callback | null>;
  /** @returns false when it is over. @throws RequestRefused `tooLate`, `notAllowedThen` */
  moveCallMe(token: string, to: EpochMs | null): Promise<boolean>;
  /** Null when there is no such entry. */
  entryWait(entryId: EntryId): EntryWait | null;
  /** Times for which an entry's visitors may ask, ascending, and the zone to tell them in. Null when there is no such entry. */
  entryTimes(entryId: EntryId): { readonly timeZone: string; readonly times: readonly EpochMs[] } | null;

  health(): { readonly ready: boolean; readonly parts: Readonly<Record<string, 'ok' | string>> };
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  /**
   * What was left on the phone in a contact, as a WAV file. That it is listened to is in the log.
   * @throws RequestRefused `noSuchMessage` for one that this principal may not hear, `notStoredYet`: a moment later it can be heard
   */
  messageAudio(principal: Principal, contactId: ContactId): Promise<Buffer>;
  /** For the timeline: every event of a contact that the principal may see. */
  contactEvents(principal: Principal, contactId: ContactId): Promise<readonly Record<string, unknown>[]>;
}
