/** Who changed whose state from outside, read from the event log. */
import type { DeskId, DomainId } from '../base/ids.ts';
import type { ForcedChange } from '../web/messages.ts';
import type { Queryable } from './pool.ts';

/** More than this nobody reads on a screen; the log has all of them. */
const SHOWN = 50;

/** The last forced changes of those who work at these desks (who is not active any more, too), newest first. */
export async function forcedChanges(db: Queryable, domainId: DomainId, desks: ReadonlySet<DeskId>): Promise<ForcedChange[]> {
  const { rows } = await db.query<ForcedChange>({
    name: 'forced changes',
    text: `select e.seq || '-' || e.n as id, round(extract(epoch from e.at) * 1000)::float8 as at,
        e.agent_id as "agentId", coalesce(u.name, e.agent_id) as agent,
        e.data ->> 'by' as "byId", coalesce(s.name, e.data ->> 'by') as by, e.data ->> 'from' as "from", e.cause as "to"
      from event e
      left join app_user u on u.domain_id = e.domain_id and u.id = e.agent_id
      left join app_user s on s.domain_id = e.domain_id and s.id = e.data ->> 'by'
      where e.domain_id = $1 and e.name = 'agentForced'
        and exists (select from app_user_desk w where w.domain_id = e.domain_id and w.user_id = e.agent_id and w.desk_id = any($2))
      order by e.at desc, e.seq desc, e.n desc limit ${SHOWN}`,
    values: [domainId, [...desks]],
  });
  return rows;
}
