/**
 * The floor in Postgres: who owns a domain, and what is committed of it.
 *
 * A commit is one statement and so one round trip and one transaction, however many records it carries: it takes the domain's
 * row if fence and number fit, and everything else hangs on that row. A server that lost its lease finds no row and writes
 * nothing; one whose answer was lost on the way finds its number taken by itself and is done. Measured against statement by
 * statement in bench/commit.ts, as a whole in bench/durable.ts.
 *
 * The fence alone decides who may write. The lease's time only decides when another may take over: an owner whose lease ran
 * out while Postgres was away, and whom nobody replaced, goes on as if nothing had been.
 */
import type { Pool } from 'pg';
import type { DomainId } from '../base/ids.ts';
import type { Agent, Contact, FloorEvent, Leg, Offer, Order } from '../contact/model.ts';
import { type CommitBatch, CommitRefusedError, type FloorRecords, type FloorStore, type Lease, LeaseLostError } from '../contact/ports.ts';
import { Outbox, type OutboxChange } from './outbox.ts';
import { type Columns, type Rows, rowsOf } from './rows.ts';

export class PgFloorStore implements FloorStore {
  readonly #pool: Pool;
  /** Of the domains that this process owns. */
  readonly #outboxes = new Map<DomainId, Outbox>();

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
    if (row) {
      this.#outboxes.delete(domainId); // what an earlier life knew of it
      return { domainId, fence: row.fence };
    }
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
    this.#outboxes.set(domainId, new Outbox(row.outbox));
    return {
      seq: row.seq,
      lastContact: row.last_contact,
      contacts: row.contacts,
      offers: row.offers,
      legs: row.legs,
      agents: row.agents,
      handling: row.handling,
      orders: row.outbox.flatMap(({ orders }) => orders),
    };
  }

  async commit(batch: CommitBatch): Promise<void> {
    const outbox = this.#outboxes.get(batch.domainId) ?? new Outbox();
    this.#outboxes.set(batch.domainId, outbox);
    const changes = outbox.changesOf(batch);
    await this.#write(batch, changes);
    outbox.apply(changes);
  }

  async #write(batch: CommitBatch, outbox: readonly OutboxChange[]): Promise<void> {
    const { rowCount } = await this.#pool.query({ name: 'commit', text: COMMIT, values: valuesOf(batch, outbox) });
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
  readonly outbox: { readonly seq: number; readonly orders: Order[] }[];
}

const LOAD = `
select
  seq::float8 as seq,
  last_contact::float8 as last_contact,
  (select coalesce(json_agg(doc order by arrived_at, id), '[]') from contact where domain_id = $1 and ended_at is null) as contacts,
  (select coalesce(json_agg(doc order by created_at, id), '[]') from offer where domain_id = $1 and ended_at is null) as offers,
  (select coalesce(json_agg(doc order by created_at, id), '[]') from leg where domain_id = $1 and ended_at is null) as legs,
  (select coalesce(json_agg(doc order by agent_id), '[]') from agent_state where domain_id = $1) as agents,
  (select coalesce(jsonb_agg(jsonb_build_object('deskId', desk.id, 'meanMs', lately.mean_ms)), '[]')
   from desk cross join lateral (
     select avg(extract(epoch from c.ended_at - c.connected_at) * 1000) as mean_ms
     from (select ended_at, connected_at from contact
           where domain_id = $1 and desk_id = desk.id and ended_at is not null and connected_at is not null
           order by ended_at desc limit 30) c
   ) lately
   where desk.domain_id = $1 and lately.mean_ms is not null) as handling,
  (select coalesce(json_agg(json_build_object('seq', seq, 'orders', orders) order by seq), '[]') from pending_orders where domain_id = $1) as outbox
from domain where id = $1`;

const DOC = ['json', (record: object) => record] as const;

const CONTACT: Columns<Contact> = {
  id: ['text', (c) => c.id],
  channel: ['text', (c) => c.channel],
  origin: ['text', (c) => c.origin],
  state: ['text', (c) => c.state],
  entry_id: ['text', (c) => c.entryId],
  language: ['text', (c) => c.language],
  calling_number: ['text', (c) => (c.callingNumber.kind === 'valid' ? c.callingNumber.e164 : null)],
  called_number: ['text', (c) => c.calledNumber],
  party_kind: ['text', (c) => c.party.kind],
  customer_id: ['text', (c) => c.party.record?.customerId],
  organisation_id: ['text', (c) => c.party.record?.organisationId],
  desk_id: ['text', (c) => c.deskId],
  rule: ['text', (c) => c.decision?.rule],
  agent_id: ['text', (c) => c.agentId],
  continues_id: ['text', (c) => c.continues],
  arrived_at: ['ms', (c) => c.arrivedAt],
  queued_at: ['ms', (c) => c.queuedAt],
  connected_at: ['ms', (c) => c.connectedAt],
  ended_at: ['ms', (c) => c.endedAt],
  cause: ['text', (c) => c.cause],
  disposition: ['text', (c) => c.disposition],
  note: ['text', (c) => c.note],
  call_me_token: ['text', (c) => c.callMe?.token],
  promised_at: ['ms', (c) => c.promisedAt],
  estimated_wait_ms: ['number', (c) => c.estimatedWaitMs],
  notice_id: ['text', (c) => c.notice?.noticeId],
  notice_recipient_id: ['text', (c) => c.notice?.recipientId],
  doc: DOC,
};

const OFFER: Columns<Offer> = {
  id: ['text', (o) => o.id],
  contact_id: ['text', (o) => o.contactId],
  agent_id: ['text', (o) => o.agentId],
  desk_id: ['text', (o) => o.deskId],
  state: ['text', (o) => o.state],
  leg_id: ['text', (o) => o.legId],
  created_at: ['ms', (o) => o.createdAt],
  shown_at: ['ms', (o) => o.shownAt],
  ended_at: ['ms', (o) => o.endedAt],
  outcome: ['text', (o) => o.outcome],
  doc: DOC,
};

const LEG: Columns<Leg> = {
  id: ['text', (l) => l.id],
  contact_id: ['text', (l) => l.contactId],
  role: ['text', (l) => l.role],
  agent_id: ['text', (l) => l.agentId],
  state: ['text', (l) => l.state],
  created_at: ['ms', (l) => l.createdAt],
  answered_at: ['ms', (l) => l.answeredAt],
  ended_at: ['ms', (l) => l.endedAt],
  cause: ['text', (l) => l.cause],
  doc: DOC,
};

const AGENT: Columns<Agent> = {
  agent_id: ['text', (a) => a.id],
  state: ['text', (a) => a.state],
  reason: ['text', (a) => a.reason],
  since: ['ms', (a) => a.stateSince],
  idle_since: ['ms', (a) => a.idleSince],
  offer_id: ['text', (a) => a.offerId],
  contact_id: ['text', (a) => a.wrapUpContactId],
  doc: DOC,
};

const EVENT: Columns<FloorEvent> = {
  at: ['ms', (e) => e.at],
  name: ['text', (e) => e.name],
  contact_id: ['text', (e) => e.contactId],
  customer_id: ['text', (e) => e.customerId],
  desk_id: ['text', (e) => e.deskId],
  agent_id: ['text', (e) => e.agentId],
  offer_id: ['text', (e) => e.offerId],
  leg_id: ['text', (e) => e.legId],
  cause: ['text', (e) => e.cause],
  data: ['json', (e) => e.data],
};

/** A talk that is over: A15, the customer's last desk, agent and contact. */
const TALK: Columns<Contact> = {
  customer_id: ['text', (c) => c.party.record?.customerId],
  desk_id: ['text', (c) => c.deskId],
  agent_id: ['text', (c) => c.agentId],
  at: ['ms', (c) => c.connectedAt],
};

/** Commits whose orders are all done. */
const DONE: Columns<OutboxChange> = { seq: ['integer', (o) => o.seq] };

/** Commits whose orders are not all done: what is left of them. */
const OUTBOX: Columns<OutboxChange> = {
  seq: ['integer', (o) => o.seq],
  orders: ['json', (o) => o.orders],
};

/** The first four parameters are the batch's own, the rest the rows', one after another. */
let next = 5;
function following<T>(columns: Columns<T>): Rows<T> {
  const rows = rowsOf(columns, next);
  next += rows.names.length;
  return rows;
}
const ROWS = {
  contacts: following(CONTACT),
  offers: following(OFFER),
  legs: following(LEG),
  agents: following(AGENT),
  events: following(EVENT),
  outbox: following(OUTBOX),
  done: following(DONE),
  talks: following(TALK),
};

function upsert(table: string, key: string, { names, values, from }: Rows<never>): string {
  return `insert into ${table} (domain_id, ${names.join(', ')})
    select mine.id, ${values} from mine, ${from} order by n
    on conflict (domain_id, ${key}) do update set ${names
      .filter((name) => name !== key)
      .map((name) => `${name} = excluded.${name}`)
      .join(', ')}`;
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
contacts as (${upsert('contact', 'id', ROWS.contacts)}),
offers as (${upsert('offer', 'id', ROWS.offers)}),
legs as (${upsert('leg', 'id', ROWS.legs)}),
agents as (${upsert('agent_state', 'agent_id', ROWS.agents)}),
outbox as (${upsert('pending_orders', 'seq', ROWS.outbox)}),
done as (
  delete from pending_orders p using mine, ${ROWS.done.from} where p.domain_id = mine.id and p.seq = given.seq
),
events as (
  insert into event (domain_id, seq, n, ${ROWS.events.names.join(', ')}) select mine.id, $3, n, ${ROWS.events.values} from mine, ${ROWS.events.from}
),
customers as (
  update customer set last_desk_id = given.desk_id, last_agent_id = given.agent_id, last_contact_at = to_timestamp(given.at / 1000)
  from mine, ${ROWS.talks.from}
  where customer.domain_id = mine.id and customer.id = given.customer_id
    and (customer.last_contact_at is null or customer.last_contact_at < to_timestamp(given.at / 1000))
)
select id from mine`;

function valuesOf(batch: CommitBatch, outbox: readonly OutboxChange[]): unknown[] {
  return [
    batch.domainId,
    batch.fence,
    batch.seq,
    batch.lastContact,
    ...ROWS.contacts.parameters(latest(batch.contacts)),
    ...ROWS.offers.parameters(endedFirst(latest(batch.offers))),
    ...ROWS.legs.parameters(endedFirst(latest(batch.legs))),
    ...ROWS.agents.parameters(latest(batch.agents)),
    ...ROWS.events.parameters(batch.events),
    ...ROWS.outbox.parameters(outbox.filter(({ orders }) => orders !== null)),
    ...ROWS.done.parameters(outbox.filter(({ orders }) => orders === null)),
    ...ROWS.talks.parameters(talksOver(batch.contacts)),
  ];
}

/** The last one of each customer. */
function talksOver(contacts: readonly Contact[]): readonly Contact[] {
  const byCustomer = new Map<string, Contact>();
  for (const contact of contacts) {
    const customerId = contact.party.record?.customerId;
    if (!customerId || contact.connectedAt === null || (contact.state !== 'wrapUp' && contact.state !== 'ended')) continue;
    const other = byCustomer.get(customerId);
    if (!other || (other.connectedAt ?? 0) < contact.connectedAt) byCustomer.set(customerId, contact);
  }
  return [...byCustomer.values()];
}

/** The last one of each id: a statement can't write a row twice. */
function latest<T extends { readonly id: string }>(records: readonly T[]): readonly T[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  return byId.size === records.length ? records : [...byId.values()];
}

function endedFirst<T extends { readonly state: string }>(records: readonly T[]): readonly T[] {
  return records.toSorted((a, b) => Number(b.state === 'ended') - Number(a.state === 'ended'));
}
