/** Who is asking, as far as it is known. */
import type { AgentId, CustomerId, DeskId, E164, Language, OrganisationId } from '../base/ids.ts';

/**
 * `customer`: has bought. `prospect`: dealt with before, not a customer. `new`: somebody real, not in the database, whose
 * number or address we have. `dealer`, `agency`: calls from one of their numbers. `unknown`: nothing to go by.
 */
export type PartyKind = 'customer' | 'prospect' | 'new' | 'dealer' | 'agency' | 'unknown';

/** A row found by number, address or ID code. */
export interface PartyRecord {
  readonly kind: 'customer' | 'prospect' | 'dealer' | 'agency';
  /** Set for customers and prospects. */
  readonly customerId: CustomerId | null;
  /** The code that a customer dials or types, as `10023`. */
  readonly customerCode: string | null;
  /** Set for dealers and agencies: their own organisation. */
  readonly organisationId: OrganisationId | null;
  readonly name: string;
  readonly region: string | null;
  readonly language: Language | null;
  /** The desk that is in charge of this customer. */
  readonly handlingDeskId: DeskId | null;
  /** The desk that dealt with this party last. */
  readonly lastDeskId: DeskId | null;
  /** The agent who talked with this party last. */
  readonly lastAgentId: AgentId | null;
}

/** What a party is looked up by: the number that called, or what the caller has entered. */
export type PartyKey = 'callingNumber' | 'customerCode' | 'phone' | 'order';

export interface Party {
  readonly kind: PartyKind;
  readonly record: PartyRecord | null;
  /** By what it was found; null while unknown. */
  readonly foundBy: PartyKey | 'email' | null;
}

export const UNKNOWN_PARTY: Party = { kind: 'unknown', record: null, foundBy: null };

/** The number of a caller, after reading it in the entry's country. */
export type CallingNumber =
  | { readonly kind: 'valid'; readonly e164: E164; readonly country: string | null }
  | { readonly kind: 'withheld' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'malformed'; readonly raw: string };
