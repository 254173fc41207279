/** Contacts that may be over, as the web edge asks for them. */
import type { ContactId, CustomerId, DeskId, DomainId, RecordingId } from '../base/ids.ts';
import type { Contact } from '../contact/model.ts';
import type { Queryable } from './pool.ts';

/**
 * The contact that a customer's link leads to; where a callback of its own took its place (the switch was lost), that one. Null when
 * the token was never given out. One that took another's place has its arrival, by which the index finds it.
 */
export async function contactOfToken(db: Queryable, domainId: DomainId, token: string): Promise<Contact | null> {
  const { rows } = await db.query<{ doc: Contact }>(
    `with recursive chain as (
       select id, arrived_at, cause, doc, 0 as hops from contact where domain_id = $1 and call_me_token = $2
       union all
       select c.id, c.arrived_at, c.cause, c.doc, hops + 1
       from chain join contact c on c.domain_id = $1 and c.arrived_at = chain.arrived_at and c.continues_id = chain.id
       where chain.cause = 'replacedByCallback' and hops < 20
     )
     select doc from chain order by hops desc limit 1`,
    [domainId, token],
  );
  return rows[0]?.doc ?? null;
}

/** At which desk a contact is, or was last. Null when there is no such contact. */
export async function deskOfContact(
  db: Queryable,
  domainId: DomainId,
  contactId: ContactId,
): Promise<{ readonly deskId: DeskId | null } | null> {
  const { rows } = await db.query<{ deskId: DeskId | null }>('select desk_id as "deskId" from contact where domain_id = $1 and id = $2', [
    domainId,
    contactId,
  ]);
  return rows[0] ?? null;
}

/** What was left on the phone, and with which contact. */
export interface StoredMessage {
  /** The message itself; a callback to whoever left it continues it. */
  readonly contactId: ContactId;
  readonly deskId: DeskId | null;
  readonly customerId: CustomerId | null;
  readonly recording: RecordingId;
}

/** The message that a contact is about. Null when there is no such contact, or nothing was left. */
export async function messageOfContact(db: Queryable, domainId: DomainId, contactId: ContactId): Promise<StoredMessage | null> {
  const { rows } = await db.query<{ [K in keyof StoredMessage]: StoredMessage[K] }>(
    `select case channel when 'message' then id else coalesce(continues_id, id) end as "contactId", desk_id as "deskId",
       customer_id as "customerId", doc #>> '{message,recording}' as recording
     from contact where domain_id = $1 and id = $2 and doc #>> '{message,recording}' is not null`,
    [domainId, contactId],
  );
  return rows[0] ?? null;
}
