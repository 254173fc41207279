/**
 * Ids are plain strings on the wire and in the database, branded here so that a leg's cannot be passed for a contact's.
 * Ids that the floor makes are derived from counters kept in its own tables, so the same inputs give the same ids.
 */
export type Id<Brand extends string> = string & { readonly __id?: Brand };

export type DomainId = Id<'domain'>;
export type ContactId = Id<'contact'>;
export type AgentId = Id<'agent'>;
export type DeskId = Id<'desk'>;
export type OfferId = Id<'offer'>;
export type LegId = Id<'leg'>;
export type BridgeId = Id<'bridge'>;
export type PlayId = Id<'play'>;
export type CustomerId = Id<'customer'>;
export type OrganisationId = Id<'organisation'>;
export type EntryId = Id<'entry'>;
export type NoticeId = Id<'notice'>;
export type RecordingId = Id<'recording'>;

/** Languages that the product speaks. */
export type Language = 'ja' | 'en';
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;
/** A number as E.164 with its `+`. */
export type E164 = string;
