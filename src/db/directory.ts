/** The centre's configuration as one snapshot, and the news that it has changed. */
import { Client } from 'pg';
import type { AgentId, DeskId, DomainId, EpochMs, OrganisationId } from '../base/ids.ts';
import type { AgentProfile, Desk, Directory, Entry, Organisation, SalesResult } from '../routing/directory.ts';
import type { Queryable } from './pool.ts';
import type { Log } from './postgres-server.ts';

/**
 * Reads a centre whole, in one statement and so as of one moment.
 *
 * @param now sales count from the month that began twelve months before it
 * @throws Error when there is no such domain
 */
export async function loadDirectory(db: Queryable, domainId: DomainId, now: EpochMs = Date.now()): Promise<Directory> {
  const { rows } = await db.query<DirectoryRow>(DIRECTORY, [domainId, now]);
  const row = rows[0];
  if (!row) throw new Error(`the database has no domain ${domainId}`);
  return {
    domainId,
    organisations: byId<OrganisationId, Organisation>(row.organisations),
    desks: byId<DeskId, Desk>(row.desks),
    entries: row.entries,
    agents: byId<AgentId, AgentProfile>(row.agents),
    sales: row.sales,
    outgoingNumber: row.outgoing_number,
  };
}

function byId<Id extends string, T extends { readonly id: Id }>(list: readonly T[]): ReadonlyMap<Id, T> {
  return new Map(list.map((item) => [item.id, item]));
}

/** The JSON is built by the statement below from columns that are `not null` and checked, so its shape is the type's. */
interface DirectoryRow {
  readonly outgoing_number: string;
  readonly organisations: Organisation[];
  readonly desks: Desk[];
  readonly entries: Entry[];
  readonly agents: AgentProfile[];
  readonly sales: SalesResult[];
}

const DIRECTORY = `
select
  d.outgoing_number,
  (select coalesce(jsonb_agg(jsonb_build_object(
      'id', o.id, 'kind', o.kind, 'name', o.name, 'regions', to_jsonb(o.regions),
      'sellsFor', (select coalesce(jsonb_agg(s.sells_for_id order by s.position, s.sells_for_id), '[]')
                   from organisation_sells_for s where s.domain_id = o.domain_id and s.organisation_id = o.id)
    ) order by o.id), '[]') from organisation o where o.domain_id = d.id) as organisations,
  (select coalesce(jsonb_agg(jsonb_build_object(
      'id', k.id, 'organisationId', k.organisation_id, 'name', k.name, 'timeZone', k.time_zone, 'nextUp', k.next_up_id,
      'isReception', k.is_reception,
      'hours', (select coalesce(jsonb_agg(jsonb_build_object('weekday', h.weekday, 'from', to_char(h.opens, 'HH24:MI'),
                   'to', to_char(h.closes, 'HH24:MI')) order by h.weekday, h.opens), '[]')
                from desk_hours h where h.domain_id = k.domain_id and h.desk_id = k.id),
      'holidays', (select coalesce(jsonb_agg(to_char(y.day, 'YYYY-MM-DD') order by y.day), '[]')
                   from desk_holiday y where y.domain_id = k.domain_id and y.desk_id = k.id)
    ) order by k.id), '[]') from desk k where k.domain_id = d.id) as desks,
  (select coalesce(jsonb_agg(jsonb_build_object(
      'id', e.id, 'domainId', e.domain_id, 'language', e.language, 'country', e.country, 'scenario', e.scenario,
      'makerId', e.maker_id,
      'numbers', (select coalesce(jsonb_agg(n.number order by n.number), '[]')
                  from entry_number n where n.domain_id = e.domain_id and n.entry_id = e.id)
    ) order by e.id), '[]') from entry e where e.domain_id = d.id) as entries,
  (select coalesce(jsonb_agg(jsonb_build_object(
      'id', u.id, 'name', u.name, 'organisationId', u.organisation_id, 'role', u.role, 'language', u.language,
      'deskPhone', u.desk_phone,
      'deskIds', (select coalesce(jsonb_agg(w.desk_id order by w.priority, w.desk_id), '[]')
                  from app_user_desk w where w.domain_id = u.domain_id and w.user_id = u.id),
      'queues', (select coalesce(jsonb_agg(jsonb_build_object('queueId', w.desk_id, 'priority', w.priority)
                   order by w.priority, w.desk_id), '[]')
                 from app_user_desk w where w.domain_id = u.domain_id and w.user_id = u.id),
      'skills', (select coalesce(jsonb_agg(jsonb_build_object('skill', s.skill, 'level', s.level) order by s.skill), '[]')
                 from app_user_skill s where s.domain_id = u.domain_id and s.user_id = u.id)
    ) order by u.id), '[]') from app_user u where u.domain_id = d.id and u.active) as agents,
  (select coalesce(jsonb_agg(jsonb_build_object(
      'organisationId', r.organisation_id, 'region', r.region, 'amountMinor', r.amount_minor, 'currency', r.currency
    ) order by r.organisation_id, r.region, r.currency), '[]')
   from (select organisation_id, region, currency, sum(amount_minor) as amount_minor
         from sales_result
         where domain_id = d.id and month >= date_trunc('month', to_timestamp($2::float8 / 1000) - interval '12 months')
         group by organisation_id, region, currency) r) as sales
from domain d where d.id = $1`;

/**
 * Calls back after each change of a centre's configuration, and after each interruption of the connection, when
 * notifications may have been lost. Several changes at once may become one call. Reconnects by itself, with growing pauses.
 *
 * @returns resolves when it listens (or `stop` was called); the function ends it
 */
export async function onDirectoryChanged(
  url: string,
  domainId: DomainId,
  changed: () => void,
  log: Log = () => undefined,
): Promise<() => Promise<void>> {
  let client: Client | null = null;
  let stopped = false;
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  let debounce: NodeJS.Timeout | undefined;

  const soon = (): void => {
    clearTimeout(debounce);
    // An import of many files commits many times; the directory is read once, when it is quiet.
    debounce = setTimeout(changed, 50);
  };
  const lost = (failed: Client, error: Error | null): void => {
    if (client !== failed) return;
    client = null;
    failed.end().catch(() => undefined); // it is gone already; this frees the socket
    if (stopped) return;
    log('listening for configuration changes was interrupted', { err: error, failures });
    const pauseMs = Math.min(250 * 2 ** failures, 10_000);
    failures += 1;
    retry = setTimeout(() => {
      void connect().then((listening) => {
        if (listening) soon();
      });
    }, pauseMs);
  };
  const connect = async (): Promise<boolean> => {
    const next = new Client({
      connectionString: url,
      application_name: 'madoguchi listener',
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    client = next;
    next.on('error', (error) => lost(next, error));
    next.on('end', () => lost(next, null));
    next.on('notification', (message) => {
      if (message.payload === domainId) soon();
    });
    try {
      await next.connect();
      await next.query('listen directory_changed');
    } catch (error) {
      lost(next, error instanceof Error ? error : new Error(String(error)));
      return false;
    }
    failures = 0;
    return true;
  };

  await connect();
  return async () => {
    stopped = true;
    clearTimeout(retry);
    clearTimeout(debounce);
    await client?.end();
  };
}
