/** What the web edge may ask of the house. `main.ts` builds it; the web knows neither SQL nor the switch. */
import type { AgentId, ContactId, EntryId, Language } from '../base/ids.ts';
import type { FloorInput } from '../contact/model.ts';
import type { Address } from '../cti/port.ts';
import type { AgentView, ContactView, FloorMessage } from './messages.ts';

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
}

/** What the visitor's page shows. */
export interface CallMeStatus {
  readonly state: 'waiting' | 'calling' | 'connectingAgent' | 'connected' | 'done' | 'notReached' | 'cancelled';
  /** 1 = next. Null when not waiting. */
  readonly position: number | null;
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
  /** Calls back after each commit, with the agents that it touched. Returns the way to stop it. */
  onChange(listener: (agents: ReadonlySet<AgentId>) => void): () => void;

  /** @throws RequestRefused when number, address, country or frequency is not acceptable. */
  callMe(request: CallMeRequest): Promise<{ readonly token: string }>;
  callMeStatus(token: string): Promise<CallMeStatus | null>;
  cancelCallMe(token: string): Promise<boolean>;

  health(): { readonly ready: boolean; readonly parts: Readonly<Record<string, 'ok' | string>> };
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** For the timeline: every event of a contact that the principal may see. */
  contactEvents(principal: Principal, contactId: ContactId): Promise<readonly Record<string, unknown>[]>;
}
