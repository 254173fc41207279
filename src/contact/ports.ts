/** The little that the floor needs of the edges. `main.ts` hands over the real ones; tests may hand over others. */
import type { ContactId, DeskId, DomainId, EpochMs, Language, RecordingId } from '../base/ids.ts';
import type { Prompt, Values } from '../ivr/scenario.ts';
import type { ServiceAnswer } from '../ivr/services.ts';
import type { PartyKey, PartyRecord } from '../routing/party.ts';
import type { Agent, Contact, FloorEvent, Leg, Offer, Order } from './model.ts';

/** Everything of a domain that is not over, as its tables hold it. */
export interface FloorRecords {
  /** Number of the last commit. */
  readonly seq: number;
  /** Number of the last contact; ids are made from it. */
  readonly lastContact: number;
  readonly contacts: readonly Contact[];
  readonly offers: readonly Offer[];
  readonly legs: readonly Leg[];
  readonly agents: readonly Agent[];
  /** What handling a contact took lately, by desk. */
  readonly handling: readonly { readonly deskId: DeskId; readonly meanMs: number }[];
  /** Committed and not known to be done: to be given again. In the order of their making. */
  readonly orders: readonly Order[];
}

/** One transaction: many inputs' new records, events and orders. Records replace what is stored under their id. */
export interface CommitBatch {
  readonly domainId: DomainId;
  readonly fence: number;
  /** One more than the last committed; a batch given twice (its answer was lost) is recognised by it and done once. */
  readonly seq: number;
  readonly lastContact: number;
  readonly contacts: readonly Contact[];
  readonly offers: readonly Offer[];
  readonly legs: readonly Leg[];
  readonly agents: readonly Agent[];
  readonly events: readonly FloorEvent[];
  readonly orders: readonly Order[];
  /** Ids of orders that are done. */
  readonly done: readonly string[];
}

/** Another owner has the domain: stop, and let it go on. */
export class LeaseLostError extends Error {
  constructor(domainId: DomainId, options?: ErrorOptions) {
    super(`the lease of domain ${domainId} is another node's now`, options);
    this.name = 'LeaseLostError';
  }
}

/** The tables are not where this owner left them (a backup was restored, say): trying again would never help. */
export class CommitRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommitRefusedError';
  }
}

export interface Lease {
  readonly domainId: DomainId;
  readonly fence: number;
}

export interface FloorStore {
  /** Takes the domain if it is free, expired or this owner's own; null when another owner holds it. */
  claim(domainId: DomainId, owner: string, ttlMs: number): Promise<Lease | null>;
  /** @throws LeaseLostError */
  renew(lease: Lease, ttlMs: number): Promise<void>;
  release(lease: Lease): Promise<void>;
  load(domainId: DomainId): Promise<FloorRecords>;
  /** All or nothing. @throws LeaseLostError when the fence is old, CommitRefusedError; any other error may be tried again with the same batch. */
  commit(batch: CommitBatch): Promise<void>;
}

export interface PartyFinder {
  /** By E.164 number, by customer code, or by the number of an order. Null when nobody has it. */
  find(domainId: DomainId, by: PartyKey, value: string): Promise<PartyRecord | null>;
}

/** What scenarios ask of others, and have sent. */
export interface ScenarioServices {
  /** Never rejects: whatever goes wrong is `failed`. */
  ask(service: string, values: Values, version: string): Promise<ServiceAnswer>;
  /** Notes down what a hook is to send; the same key twice is once. @throws when the database is away */
  send(job: { readonly key: string; readonly contactId: ContactId; readonly hook: string; readonly values: Values }): Promise<void>;
  /** What was said in a WAV file. Never rejects; null: nothing that was understood. */
  recognise(audio: Uint8Array, language: Language, expects: readonly string[]): Promise<string | null>;
}

/** What a caller recorded, for good. */
export interface KeptRecording {
  /** The contact that is about it. */
  readonly contactId: ContactId;
  readonly recordedAt: EpochMs;
  readonly durationMs: number;
  /** 16 bit PCM, 8 kHz, mono. */
  readonly wav: Buffer;
}

export interface RecordingStore {
  /** Once: given again, what is kept already stays. */
  keep(domainId: DomainId, recording: RecordingId, contactId: ContactId, wav: Buffer, durationMs: number): Promise<void>;
  /** Null when there is none. */
  read(domainId: DomainId, recording: RecordingId): Promise<KeptRecording | null>;
}

export interface PromptStore {
  /** Media for `SwitchPort.play`. Never empty and never silent: a missing voice becomes a tone. */
  media(prompts: readonly Prompt[]): Promise<readonly string[]>;
}

export interface Clock {
  now(): EpochMs;
}
