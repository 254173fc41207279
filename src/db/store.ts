/**
 * The floor in Postgres: who owns a domain, and what is committed of it.
 *
 * A commit is one statement and so one round trip and one transaction, however many records it carries: it takes the domain's
 * row if fence and number fit, and everything else hangs on that row. A server that lost its lease finds no row and writes
 * nothing; one whose answer was lost on the way finds its number taken by itself and is done. Measured against statement by
 * statement in bench/commit.ts.
 *
 * The fence alone decides who may write. The lease's time only decides when another may take over: an owner whose lease ran
 * out while Postgres was away, and whom nobody replaced, goes on as if nothing had been.
 */
import type { Pool } from 'pg';
import type { DomainId } from '../base/ids.ts';
import type { Agent, Contact, Leg, Offer, Order } from '../contact/model.ts';
import { type CommitBatch, CommitRefusedError, type FloorRecords, type FloorStore, type Lease, LeaseLostError } from '../contact/ports.ts';

export class PgFloorStore implements FloorStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** A restarted owner of the same name gets a new fence too: its former self may still be writing. */
  async claim(domainId: DomainId, owner: string, ttlMs: number): Promise<Lease | null> {
    const { rows } = await this.#pool.query<{ fence: number }>(
      `update domain
       set lease_owner = $2, lease_until = now() + $3 * interval '1 ms', fence = fence + 1
       where id = $1 and (lease_owner is null or lease_owner = $2 or lease_until < now())
       returning fence::float8 as fence`,
      [domainId, owner, ttlMs],
    );
    const row = rows[0];
    if (row) return { domainId, fence: row.fence };
    const known = await this.#pool.query('select from domain where id = $1', [domainId]);
    if (known.rowCount === 0) throw new Error(`the database has no domain ${domainId}`);
    return null;
  }

  async renew(lease: Lease, ttlMs: number): Promise<void> {
    const { rowCount } = await this.#pool.query(
      `update domain set lease_until = now() + $3 * interval '1 ms' where id = $1 and fence = $2 and lease_owner is not null`,
      [lease.domainId, lease.fence, ttlMs],
    );
    if (rowCount === 0) throw new LeaseLostError(lease.domainId);
  }

  /** Frees the domain at once for the next owner. Raises the fence, so that nothing can be written after it. */
  async release(lease: Lease): Promise<void> {
    await this.#pool.query('update domain set lease_owner = null, lease_until = null, fence = fence + 1 where id = $1 and fence = $2', [
      lease.domainId,
      lease.fence,
    ]);
  }

  async load(domainId: DomainId): Promise<FloorRecords> {
    // One statement sees one moment; several would need a transaction of their own.
    const { rows } = await this.#pool.query<FloorRow>(LOAD, [domainId]);
    const row = rows[0];
    if (!row) throw new Error(`the database has no domain ${domainId}`);
    return {
      seq: row.seq,
      lastContact: row.last_contact,
      contacts: row.contacts,
      offers: row.offers,
      legs: row.legs,
      agents: row.agents,
      handling: row.handling,
      orders: row.orders,
    };
  }

  async commit(batch: CommitBatch): Promise<void> {
    const done = new Set(batch.done);
    const { rowCount } = await this.#pool.query({
      name: 'commit',
      text: COMMIT,
      values: [
        batch.domainId,
        batch.fence,
        batch.seq,
        batch.lastContact,
        json(latest(batch.contacts)),
        json(endedFirst(latest(batch.offers))),
        json(endedFirst(latest(batch.legs))),
        json(latest(batch.agents)),
        json(batch.events),
        json(batch.orders.filter((order) => !done.has(order.id))),
        batch.done,
      ],
    });
    if (rowCount === 1) return;
    const { rows } = await this.#pool.query<{ fence: number; seq: number }>(
      'select fence::float8 as fence, seq::float8 as seq from domain where id = $1',
      [batch.domainId],
    );
    const domain = rows[0];
    if (!domain || domain.fence !== batch.fence) throw new LeaseLostError(batch.domainId);
    // Nobody else has this fence, so it was this batch that took the number.
    if (domain.seq === batch.seq) return;
    throw new CommitRefusedError(`commit ${batch.seq} of domain ${batch.domainId} does not follow commit ${domain.seq}`);
  }
}

interface FloorRow {
  readonly seq: number;
  readonly last_contact: number;
  readonly contacts: Contact[];
  readonly offers: Offer[];
  readonly legs: Leg[];
  readonly agents: Agent[];
  readonly handling: FloorRecords['handling'];
  readonly orders: Order[];
}

const LOAD = `
select
  seq::float8 as seq,
  last_contact::float8 as last_contact,
  (select coalesce(jsonb_agg(doc order by arrived_at, id), '[]') from contact where domain_id = $1 and state <> 'ended') as contacts,
  (select coalesce(jsonb_agg(doc order by created_at, id), '[]') from offer where domain_id = $1 and state <> 'ended') as offers,
  (select coalesce(jsonb_agg(doc order by created_at, id), '[]') from leg where domain_id = $1 and state <> 'ended') as legs,
  (select coalesce(jsonb_agg(doc order by agent_id), '[]') from agent_state where domain_id = $1) as agents,
  (select coalesce(jsonb_agg(jsonb_build_object('deskId', desk.id, 'meanMs', lately.mean_ms)), '[]')
   from desk cross join lateral (
     select avg(extract(epoch from c.ended_at - c.connected_at) * 1000) as mean_ms
     from (select ended_at, connected_at from contact
           where domain_id = $1 and desk_id = desk.id and state = 'ended' and connected_at is not null
           order by ended_at desc limit 30) c
   ) lately
   where desk.domain_id = $1 and lately.mean_ms is not null) as handling,
  (select coalesce(jsonb_agg(doc order by seq, n), '[]') from outbox where domain_id = $1) as orders
from domain where id = $1`;

/** SQL for a time that a record has in milliseconds; null stays null. */
const time = (field: string): string => `to_timestamp((doc->>'${field}')::float8 / 1000)`;
const every = (parameter: number): string => `jsonb_array_elements($${parameter}::jsonb) with ordinality as given(doc, n), mine`;

/** Columns and where they come from in `doc`; the rest of an upsert follows from them. */
function upsert(table: string, key: string, parameter: number, columns: Readonly<Record<string, string>>): string {
  const names = Object.keys(columns);
  return `insert into ${table} (domain_id, ${key}, ${names.join(', ')}, doc)
    select mine.id, doc->>'id', ${Object.values(columns).join(', ')}, doc from ${every(parameter)} order by n
    on conflict (domain_id, ${key}) do update set ${[...names, 'doc'].map((name) => `${name} = excluded.${name}`).join(', ')}`;
}

/*
 * The parts of a statement see the same moment and are carried out in any order, so none may need another's rows. Rows of one
 * table go in as given, ended ones first: the new live offer of a contact comes after the end of its old one.
 *
 * Last desk, last agent and last contact of a customer (A15) are written when the talk is over, wherever that is seen first; writing them
 * again with the end of wrap-up changes nothing.
 */
const COMMIT = `
with mine as (
  update domain set seq = $3, last_contact = $4 where id = $1 and fence = $2 and seq = $3 - 1 returning id
),
contacts as (
  ${upsert('contact', 'id', 5, {
    channel: `doc->>'channel'`,
    origin: `doc->>'origin'`,
    state: `doc->>'state'`,
    entry_id: `doc->>'entryId'`,
    language: `doc->>'language'`,
    calling_number: `doc#>>'{callingNumber,e164}'`,
    called_number: `doc->>'calledNumber'`,
    party_kind: `doc#>>'{party,kind}'`,
    customer_id: `doc#>>'{party,record,customerId}'`,
    organisation_id: `doc#>>'{party,record,organisationId}'`,
    desk_id: `doc->>'deskId'`,
    rule: `doc#>>'{decision,rule}'`,
    agent_id: `doc->>'agentId'`,
    continues_id: `doc->>'continues'`,
    arrived_at: time('arrivedAt'),
    queued_at: time('queuedAt'),
    connected_at: time('connectedAt'),
    ended_at: time('endedAt'),
    cause: `doc->>'cause'`,
    disposition: `doc->>'disposition'`,
    note: `doc->>'note'`,
    call_me_token: `doc#>>'{callMe,token}'`,
    promised_at: time('promisedAt'),
    estimated_wait_ms: `(doc->>'estimatedWaitMs')::float8`,
    notice_id: `doc#>>'{notice,noticeId}'`,
    notice_recipient_id: `doc#>>'{notice,recipientId}'`,
  })}
),
offers as (
  ${upsert('offer', 'id', 6, {
    contact_id: `doc->>'contactId'`,
    agent_id: `doc->>'agentId'`,
    desk_id: `doc->>'deskId'`,
    state: `doc->>'state'`,
    leg_id: `doc->>'legId'`,
    created_at: time('createdAt'),
    shown_at: time('shownAt'),
    ended_at: time('endedAt'),
    outcome: `doc->>'outcome'`,
  })}
),
legs as (
  ${upsert('leg', 'id', 7, {
    contact_id: `doc->>'contactId'`,
    role: `doc->>'role'`,
    agent_id: `doc->>'agentId'`,
    state: `doc->>'state'`,
    created_at: time('createdAt'),
    answered_at: time('answeredAt'),
    ended_at: time('endedAt'),
    cause: `doc->>'cause'`,
  })}
),
agents as (
  ${upsert('agent_state', 'agent_id', 8, {
    state: `doc->>'state'`,
    reason: `doc->>'reason'`,
    since: time('stateSince'),
    idle_since: time('idleSince'),
    offer_id: `doc->>'offerId'`,
    contact_id: `doc->>'wrapUpContactId'`,
  })}
),
events as (
  insert into event (domain_id, seq, n, at, name, contact_id, customer_id, desk_id, agent_id, offer_id, leg_id, cause, data)
  select mine.id, $3, n, ${time('at')}, doc->>'name', doc->>'contactId', doc->>'customerId', doc->>'deskId', doc->>'agentId',
    doc->>'offerId', doc->>'legId', doc->>'cause', doc->'data'
  from ${every(9)}
),
orders as (
  insert into outbox (domain_id, id, seq, n, contact_id, type, doc)
  select mine.id, doc->>'id', $3, n, doc->>'contactId', doc->>'type', doc from ${every(10)}
),
done as (
  delete from outbox using mine where outbox.domain_id = mine.id and outbox.id = any($11)
),
customers as (
  update customer set last_desk_id = talk.desk_id, last_agent_id = talk.agent_id, last_contact_at = talk.at
  from (
    select distinct on (customer_id) doc#>>'{party,record,customerId}' as customer_id, doc->>'deskId' as desk_id,
      doc->>'agentId' as agent_id, ${time('connectedAt')} as at
    from ${every(5)}
    where doc->>'state' in ('wrapUp', 'ended') and doc->>'connectedAt' is not null
    order by customer_id, at desc
  ) talk
  where customer.domain_id = $1 and customer.id = talk.customer_id
    and (customer.last_contact_at is null or customer.last_contact_at < talk.at)
)
select id from mine`;

/** The last one of each id: a statement can't write a row twice. */
function latest<T extends { readonly id: string }>(records: readonly T[]): readonly T[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  return byId.size === records.length ? records : [...byId.values()];
}

function endedFirst<T extends { readonly state: string }>(records: readonly T[]): readonly T[] {
  return records.toSorted((a, b) => Number(b.state === 'ended') - Number(a.state === 'ended'));
}

/**
 * JSON that `jsonb` takes. It refuses the character U+0000 and halves of surrogate pairs, which strings from outside (a SIP
 * header, a visitor's question) may hold; they become U+FFFD. A refused commit would be tried again for ever.
 */
function json(value: readonly unknown[]): string {
  const text = JSON.stringify(value);
  if (!/\\u(0000|d[89a-f])/i.test(text)) return text;
  const clean = (part: string): string => part.replaceAll('\0', '\uFFFD').toWellFormed();
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return clean(part);
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, field]) => [clean(key), field]));
  });
}
