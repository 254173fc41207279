/**
 * What the centre is made of, as plain data: who sells for whom, which desks there are and when they are open, which
 * numbers lead in. Read from the database as one snapshot, replaced whole when something changes; decisions only read it.
 */
import type { AgentId, DeskId, DomainId, E164, EntryId, Language, OrganisationId } from '../base/ids.ts';
import type { Requirement } from './matching/model.ts';

export type OrganisationKind = 'maker' | 'agency' | 'dealer';

export interface Organisation {
  readonly id: OrganisationId;
  readonly kind: OrganisationKind;
  readonly name: string;
  /** Whom it sells for: a dealer's agencies, an agency's makers. First = main. Empty for a maker. */
  readonly sellsFor: readonly OrganisationId[];
  /** Area codes (JIS X 0401 prefecture number or ISO 3166-2 subdivision), where it sells. */
  readonly regions: readonly string[];
}

/** Opening hours of one weekday (1 = Monday … 7 = Sunday, ISO 8601), in the desk's time zone; `to` may be `24:00`. */
export interface OpeningHours {
  readonly weekday: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  readonly from: string;
  readonly to: string;
}

export interface Desk {
  readonly id: DeskId;
  readonly organisationId: OrganisationId;
  readonly name: string;
  /** IANA time zone, as `Asia/Tokyo`. */
  readonly timeZone: string;
  /** Empty: never open. A desk that is always open has seven days 00:00–24:00. */
  readonly hours: readonly OpeningHours[];
  /** Dates (YYYY-MM-DD in the desk's zone) on which it is closed. */
  readonly holidays: readonly string[];
  /** Where contacts go when it is closed; null for the last one. */
  readonly nextUp: DeskId | null;
  readonly isReception: boolean;
}

/** A dialled number (DNIS) and what it means. */
export interface Entry {
  readonly id: EntryId;
  /** E.164 or a short code as dialled. */
  readonly numbers: readonly string[];
  readonly domainId: DomainId;
  readonly language: Language;
  /** ISO 3166-1 alpha-2: in which national form unknown callers' numbers are read. */
  readonly country: string;
  /** Name of the scenario file (without `.yaml`) for callers that are not found. */
  readonly scenario: string;
  readonly makerId: OrganisationId;
}

export interface AgentProfile {
  readonly id: AgentId;
  readonly name: string;
  readonly organisationId: OrganisationId;
  readonly deskIds: readonly DeskId[];
  /** The same desks with the agent's own priority for each, smaller first. */
  readonly queues: readonly { readonly queueId: DeskId; readonly priority: number }[];
  /** What the agent can do, and how well (1…255). */
  readonly skills: readonly Requirement[];
  readonly role: 'agent' | 'supervisor' | 'administrator';
  readonly language: Language;
  /** Endpoint name of the registered SIP desk phone, when there is one. */
  readonly deskPhone: string | null;
}

/** What an organisation sold in a region, in the period that the centre compares by; money in minor units. */
export interface SalesResult {
  readonly organisationId: OrganisationId;
  readonly region: string;
  readonly amountMinor: number;
  readonly currency: string;
}

export interface Directory {
  readonly domainId: DomainId;
  readonly organisations: ReadonlyMap<OrganisationId, Organisation>;
  readonly desks: ReadonlyMap<DeskId, Desk>;
  readonly entries: readonly Entry[];
  readonly agents: ReadonlyMap<AgentId, AgentProfile>;
  readonly sales: readonly SalesResult[];
  /** The number that we show when we call out. */
  readonly outgoingNumber: E164;
}
