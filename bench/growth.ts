/**
 * What growth costs: every step of a call's life and the look-ups around it, on the log of one day and on that of years.
 * `node_modules/.bin/node bench/growth.ts [--rows 200000] [--calls 200]`; `--rows 10000000` is the target's size: 10 million events,
 * 100,000 customers.
 *
 * The reference is the same centre at the end of its first day: as many contacts in that day, and as many per customer, so that every
 * answer has the same size and only the tables differ. Both are filled by SQL, over the monthly partitions, with the events that a
 * call leaves; then calls are taken through the real controller, one after another, and each commit is timed by what it began with.
 */
import { Client, type Pool } from 'pg';
import type { CommitBatch } from '../src/contact/ports.ts';
import { arrivalsOf, recentCalls } from '../src/db/arrivals.ts';
import { customerView } from '../src/db/customer-view.ts';
import { contactEvents } from '../src/db/events.ts';
import { migrate } from '../src/db/migrate.ts';
import { findParty, PgPartyFinder } from '../src/db/party.ts';
import { createPool } from '../src/db/pool.ts';
import { PgFloorStore } from '../src/db/store.ts';
import { agentIds, contextOf, controllerOf, DOMAIN, ENTRY, logOn, makeDomain, panels, until } from './centre.ts';
import { withDatabase } from './database.ts';
import { numberOption, percentile, printTable, writeResult } from './report.ts';

const EVENTS_PER_CONTACT = 17;
const CONTACTS_PER_CUSTOMER = 6;
const DAY_MS = 86_400_000;

export interface GrowthOptions {
  /** Events in the grown log. */
  readonly rows: number;
  /** Calls and look-ups that each step is timed by. */
  readonly calls: number;
  /** Contacts of a day; 1,600 when absent, a year of which makes ten million events. */
  readonly perDay?: number;
}

export interface Step {
  readonly step: string;
  /** Medians of all in milliseconds. */
  readonly firstDayMs: number;
  readonly grownMs: number;
}

export interface Growth {
  readonly events: number;
  readonly customers: number;
  readonly steps: readonly Step[];
}

/** So many contacts, the last of them now, with all that they leave behind. Their customers are as many as fit. */
async function fill(pool: Pool, contacts: number, perDay: number): Promise<void> {
  const customers = Math.max(1, Math.ceil(contacts / CONTACTS_PER_CUSTOMER));
  await makeDomain(pool);
  await pool.query(`insert into organisation (domain_id, id, kind, name) values ($1, 'maker', 'maker', 'Maker')`, [DOMAIN]);
  await pool.query(`insert into desk (domain_id, id, organisation_id, name) values ($1, 'sales', 'maker', 'Sales')`, [DOMAIN]);
  await pool.query(
    `insert into customer (domain_id, id, code, kind, name, region, handling_desk_id)
     select $1, 'customer-' || lpad(n::text, 6, '0'), (100000 + n)::text, 'customer', 'Sato ' || n, '13', 'sales' from generate_series(0, $2::int - 1) n`,
    [DOMAIN, customers],
  );
  await pool.query(
    `insert into customer_phone (domain_id, customer_id, e164)
     select $1, 'customer-' || lpad(n::text, 6, '0'), '+8131' || (1000000 + n) from generate_series(0, $2::int - 1) n`,
    [DOMAIN, customers],
  );
  // Months of the past that this takes, beside those that the product makes ahead.
  await pool
    .query(
      `select format('create table if not exists event_%s partition of event for values from (%L) to (%L)', to_char(m, 'YYYY_MM'), m, m + interval '1 month')
     from generate_series(date_trunc('month', now()) - ($1 || ' months')::interval, date_trunc('month', now()) - interval '2 months', interval '1 month') m`,
      [Math.ceil(contacts / perDay / 30) + 1],
    )
    .then(async ({ rows }) => {
      for (const row of rows as { format: string }[]) await pool.query(row.format);
    });
  const at = `now() - (g.contacts - n) * interval '1 day' / g.per_day`;
  const given = `(select $1::text as domain, $2::int as contacts, $3::int as per_day, $4::int as first, $5::int as last, $6::int as customers) g,
    generate_series(g.first, g.last) n`;
  const who = `'customer-' || lpad((n::bigint * 7919 % g.customers)::text, 6, '0')`;
  const doc = `json_build_object('id', 'old-' || n, 'domainId', g.domain, 'state', 'ended', 'note', repeat('a word about it ', 60))`;
  const CHUNK = 20_000;
  for (let from = 0; from < contacts; from += CHUNK) {
    const values = [DOMAIN, contacts, perDay, from, Math.min(contacts, from + CHUNK) - 1, customers];
    await pool.query(
      `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, customer_id, desk_id, agent_id,
         arrived_at, queued_at, connected_at, ended_at, cause, doc)
       select g.domain, 'old-' || n, 'voice', 'call', 'ended', 'ja', '1000', 'customer', ${who}, 'sales', 'agent-' || n % 100,
         ${at}, ${at}, ${at} + interval '20 s', ${at} + interval '4 min', 'handled', ${doc}
       from ${given}`,
      values,
    );
    await pool.query(
      `insert into offer (domain_id, id, contact_id, agent_id, desk_id, state, created_at, ended_at, outcome, doc)
       select g.domain, 'old-' || n || '.o1', 'old-' || n, 'agent-' || n % 100, 'sales', 'ended', ${at}, ${at} + interval '3 min', 'completed', '{}'
       from ${given}`,
      values,
    );
    await pool.query(
      `insert into leg (domain_id, id, contact_id, role, state, created_at, ended_at, doc)
       select g.domain, 'old-' || n || '.' || r, 'old-' || n, r, 'ended', ${at}, ${at} + interval '3 min', '{}'
       from ${given}, unnest(array['party', 'agent']) r`,
      values,
    );
    await pool.query(
      `insert into event (domain_id, seq, n, at, name, contact_id, customer_id, desk_id, agent_id, data)
       select g.domain, n, e, ${at} + e * interval '1 s', case e when 1 then 'contactArrived' when 2 then 'partyIdentified' else 'announced' end,
         'old-' || n, ${who}, 'sales', case when e > 8 then 'agent-' || n % 100 end, '{"position": 1}'
       from ${given}, generate_series(1, ${EVENTS_PER_CONTACT}) e`,
      values,
    );
  }
  await pool.query(`update domain set seq = $2, last_contact = $2 where id = $1`, [DOMAIN, contacts]);
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
}

/** A store that notes how long each commit took, by its first event. */
class TimedStore extends PgFloorStore {
  readonly times: Map<string, number[]>;
  constructor(pool: Pool, times: Map<string, number[]>) {
    super(pool);
    this.times = times;
  }
  override async commit(batch: CommitBatch): Promise<void> {
    const begun = performance.now();
    await super.commit(batch);
    const first = batch.events.find((event) => event.contactId !== null)?.name;
    if (first) note(this.times, `commit: ${first}`, begun);
  }
}

function note(times: Map<string, number[]>, step: string, begun: number): void {
  const known = times.get(step);
  if (known) known.push(performance.now() - begun);
  else times.set(step, [performance.now() - begun]);
}

/** A centre on one of the two databases, ready to take calls. */
class Centre {
  readonly times = new Map<string, number[]>();
  readonly #pool: Pool;
  readonly #contacts: number;
  readonly #store: TimedStore;
  readonly #parts: ReturnType<typeof controllerOf>;
  #called = 0;
  #ended = 0;

  constructor(url: string, contacts: number) {
    this.#pool = createPool(url, { log: () => undefined, statementTimeoutMs: 600_000 });
    this.#contacts = contacts;
    this.#store = new TimedStore(this.#pool, this.times);
    const finder = new PgPartyFinder(this.#pool);
    this.#parts = controllerOf({ pool: this.#pool, context: contextOf(4), owner: 'bench', store: this.#store, finder });
  }

  async open(perDay: number): Promise<void> {
    await fill(this.#pool, this.#contacts, perDay);
    const { controller } = this.#parts;
    await controller.start();
    await logOn(controller, agentIds(4));
    panels(controller, {
      ended: () => {
        this.#ended += 1;
      },
    });
  }

  async close(): Promise<void> {
    await this.#parts.controller.stop();
    await this.#pool.end();
  }

  async #timed(step: string, work: () => Promise<unknown>): Promise<void> {
    const begun = performance.now();
    await work();
    note(this.times, step, begun);
  }

  /** One call's whole life, then what is asked around it. */
  async callAndAsk(): Promise<void> {
    const pool = this.#pool;
    this.#called += 1;
    const customers = Math.ceil(this.#contacts / CONTACTS_PER_CUSTOMER);
    const n = (this.#called * 104_729) % customers;
    const customerId = `customer-${String(n).padStart(6, '0')}`;
    const number = `+8131${1_000_000 + n}`;
    this.#parts.switch.arrive(number, ENTRY);
    await until(() => this.#ended === this.#called, 10_000);
    const query = {
      domainId: DOMAIN,
      kind: 'customer',
      organisationId: null,
      visibleDesks: new Set(['sales']),
      exceptContactId: null,
    } as const;
    await this.#timed('party by number', () => findParty(pool, DOMAIN, 'callingNumber', number));
    await this.#timed('party by code', () => findParty(pool, DOMAIN, 'customerCode', String(100_000 + n)));
    await this.#timed('customer view', () => customerView(pool, { ...query, customerId }));
    await this.#timed('events of a contact', () => contactEvents(pool, DOMAIN, `old-${(this.#called * 7_919) % this.#contacts}`));
    await this.#timed('events of a customer', () =>
      pool.query({ name: 'events of a customer', text: EVENTS_OF_CUSTOMER, values: [DOMAIN, customerId] }),
    );
    if (this.#called % 5 !== 0) return;
    const day = { domainId: DOMAIN, desk: 'sales', from: Date.now() - DAY_MS / 2, until: Date.now() };
    await this.#timed('arrivals of a day', () => arrivalsOf(pool, day));
    await this.#timed('calls of a day', () => recentCalls(pool, day));
    await this.#timed('events of an hour', () => pool.query({ name: 'events of an hour', text: EVENTS_OF_HOUR, values: [DOMAIN] }));
    await this.#timed('load the floor', () => this.#store.load(DOMAIN));
  }
}

const EVENTS_OF_CUSTOMER = `
  select e.* from contact c join event e on e.domain_id = c.domain_id and e.contact_id = c.id
    and e.at >= c.arrived_at and e.at <= coalesce(c.ended_at, now())
  where c.domain_id = $1 and c.customer_id = $2 order by e.at desc limit 100`;
const EVENTS_OF_HOUR = `
  select * from event where domain_id = $1 and at >= now() - interval '2 hours' and at < now() - interval '1 hour'`;

/**
 * @param firstDay the address of a migrated, empty database
 * @param grown that of another, on the same server
 */
export async function growth(firstDay: string, grown: string, options: GrowthOptions): Promise<Growth> {
  const perDay = options.perDay ?? 1_600;
  const contacts = Math.ceil(options.rows / EVENTS_PER_CONTACT);
  const centres = [new Centre(firstDay, Math.min(contacts, perDay)), new Centre(grown, contacts)] as const;
  try {
    for (const centre of centres) await centre.open(perDay);
    // In turns, as what else the machine does changes. The first ones prepare statements, and are not counted.
    const TURN = 10;
    for (let done = -TURN; done < options.calls; done += TURN) {
      if (done === 0) for (const centre of centres) centre.times.clear();
      for (const centre of centres) for (let i = 0; i < TURN; i++) await centre.callAndAsk();
    }
  } finally {
    for (const centre of centres) await centre.close();
  }
  const [before, after] = centres.map(({ times }) => new Map([...times].map(([step, all]) => [step, percentile(all, 0.5)])));
  return {
    events: contacts * EVENTS_PER_CONTACT,
    customers: Math.ceil(contacts / CONTACTS_PER_CUSTOMER),
    steps: [...(after ?? [])].map(([step, grownMs]) => ({ step, firstDayMs: before?.get(step) ?? 0, grownMs })),
  };
}

/** Another database on the same server, with all migrations. */
async function beside(url: string): Promise<string> {
  const client = new Client(url);
  await client.connect();
  await client.query('create database grown');
  await client.end();
  const other = new URL(url);
  other.pathname = '/grown';
  await migrate(other.href);
  return other.href;
}

if (import.meta.main) {
  const options = { rows: numberOption('rows', 200_000), calls: numberOption('calls', 200) };
  const result = await withDatabase(async (url) => growth(url, await beside(url), options));
  console.log(`${result.events} events, ${result.customers} customers; medians in milliseconds:`);
  printTable(result.steps.map((s) => ({ step: s.step, 'first day': s.firstDayMs, grown: s.grownMs, times: s.grownMs / s.firstDayMs })));
  writeResult('growth', { options, ...result });
}
