/** The event log, read. It is written by commits only. */
import type { ContactId, DeskId, DomainId } from '../base/ids.ts';
import type { FloorEvent } from '../contact/model.ts';
import type { Queryable } from './pool.ts';

/** An event with its place in the log: number of the commit, and place in the commit (from 1). */
export interface LoggedEvent extends FloorEvent {
  readonly seq: number;
  readonly n: number;
}

/**
 * Everything that happened to a contact, in order.
 *
 * @param visibleDesks when given, a contact of another desk has no events for this viewer
 */
export async function contactEvents(
  db: Queryable,
  domainId: DomainId,
  contactId: ContactId,
  visibleDesks?: ReadonlySet<DeskId>,
): Promise<LoggedEvent[]> {
  const { rows: spans } = await db.query<{ since: Date; until: Date | null; desk_id: DeskId | null }>({
    name: 'span of a contact',
    text: `select arrived_at as since, case when channel <> 'message' then ended_at end as until, desk_id from contact where domain_id = $1 and id = $2`,
    values: [domainId, contactId],
  });
  const span = spans[0];
  if (visibleDesks && !(span?.desk_id && visibleDesks.has(span.desk_id))) return [];
  // From its arrival to a day after its end, when nothing of it can come any more (but a message can be listened to again): other
  // months' partitions are not even opened, which only parameters can tell before the statement begins. Adding an interval depends on
  // the session's time zone, so they tell it then and not while it is planned: as plans for given months look cheaper, Postgres would
  // make a new one for each question (with 20 months, a third of the time that it takes).
  const { rows } = await db.query<LoggedEvent>({
    name: 'events of a contact',
    text: `select e.seq::float8 as seq, e.n, round(extract(epoch from e.at) * 1000)::float8 as at, e.name, e.contact_id as "contactId",
       e.customer_id as "customerId", e.desk_id as "deskId", e.agent_id as "agentId", e.offer_id as "offerId",
       e.leg_id as "legId", e.cause, e.data
     from event e
     where e.domain_id = $1 and e.contact_id = $2 and e.at >= $3::timestamptz + interval '0' and e.at <= $4::timestamptz + interval '1 day'
     order by e.seq, e.n`,
    values: [domainId, contactId, span?.since ?? '-infinity', span?.until ?? 'infinity'],
  });
  return rows;
}

/**
 * Makes the log's monthly partitions ahead of time. At every start and daily by the clock.
 *
 * @returns names of the new ones
 */
export async function ensureEventPartitions(db: Queryable, monthsAhead = 3): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>('select ensure_event_partitions($1) as name', [monthsAhead]);
  return rows.map((row) => row.name);
}
