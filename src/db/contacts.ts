/** Contacts that may be over, as the web edge asks for them. */
import type { ContactId, DeskId, DomainId } from '../base/ids.ts';
import type { Queryable } from './pool.ts';

/** How a call-me request went: its end cause, null while it is not over. Null for the whole when no request has this token. */
export async function callMeOutcome(db: Queryable, domainId: DomainId, token: string): Promise<{ readonly cause: string | null } | null> {
  const { rows } = await db.query<{ cause: string | null }>('select cause from contact where domain_id = $1 and call_me_token = $2', [
    domainId,
    token,
  ]);
  return rows[0] ?? null;
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
