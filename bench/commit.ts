/**
 * How long a commit takes, as one statement and naively (begin, one upsert per record, one insert per event, commit).
 * `node_modules/.bin/node bench/commit.ts [seconds]`; takes DATABASE_URL (a migrated, throw-away database) or starts a
 * throw-away Postgres with full durability.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Pool } from 'pg';
import { migrate } from '../src/db/migrate.ts';
import { createPool } from '../src/db/pool.ts';
import { startPostgres } from '../src/db/postgres-server.ts';
import { PgFloorStore } from '../src/db/store.ts';
import { agent, batch, contact, event, leg, offer } from '../test/db/floor-records.ts';

const seconds = Number(process.argv[2] ?? 3);
const domainId = 'bench';

/** What one offer changes: contact, offer, leg, agent, four events. */
function changes(seq: number, calls: number) {
  const numbers = Array.from({ length: calls }, (_, i) => seq * calls + i);
  const here = { domainId } as const;
  return {
    contacts: numbers.map((n) => contact(`c${n}`, here)),
    offers: numbers.map((n) => offer(`o${n}`, { ...here, contactId: `c${n}`, agentId: `a${n}` })),
    legs: numbers.map((n) => leg(`l${n}`, { ...here, contactId: `c${n}` })),
    agents: numbers.map((n) => agent(`a${n % 100}`, here)).slice(0, 100),
    events: numbers.flatMap((n) =>
      (['queued', 'offered', 'screenPopped', 'originated'] as const).map((name) => event(name, { contactId: `c${n}` })),
    ),
    orders: numbers.map((n) => ({ id: `r${n}`, contactId: `c${n}`, type: 'answer', leg: `l${n}` }) as const),
  };
}

async function naive(pool: Pool, seq: number, given: ReturnType<typeof changes>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('update domain set seq = $2 where id = $1', [domainId, seq]);
    for (const c of given.contacts) {
      await client.query(
        `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, doc)
         values ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000), $10) on conflict (domain_id, id) do update set doc = excluded.doc`,
        [domainId, c.id, c.channel, c.origin, c.state, c.language, c.calledNumber, c.party.kind, c.arrivedAt, c],
      );
    }
    for (const o of given.offers) {
      await client.query(
        `insert into offer (domain_id, id, contact_id, agent_id, desk_id, state, created_at, doc)
         values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), $8) on conflict (domain_id, id) do update set doc = excluded.doc`,
        [domainId, o.id, o.contactId, o.agentId, o.deskId, o.state, o.createdAt, o],
      );
    }
    for (const l of given.legs) {
      await client.query(
        `insert into leg (domain_id, id, contact_id, role, state, created_at, doc)
         values ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), $7) on conflict (domain_id, id) do update set doc = excluded.doc`,
        [domainId, l.id, l.contactId, l.role, l.state, l.createdAt, l],
      );
    }
    for (const a of given.agents) {
      await client.query(
        `insert into agent_state (domain_id, agent_id, state, since, idle_since, doc)
         values ($1, $2, $3, to_timestamp($4::float8 / 1000), to_timestamp($5::float8 / 1000), $6)
         on conflict (domain_id, agent_id) do update set doc = excluded.doc`,
        [domainId, a.id, a.state, a.stateSince, a.idleSince, a],
      );
    }
    for (const [n, e] of given.events.entries()) {
      await client.query(
        `insert into event (domain_id, seq, n, at, name, contact_id, data) values ($1, $2, $3, to_timestamp($4::float8 / 1000), $5, $6, $7)`,
        [domainId, seq, n + 1, e.at, e.name, e.contactId, e.data],
      );
    }
    const orders = JSON.stringify(given.orders);
    await client.query('insert into pending_orders (domain_id, seq, orders) values ($1, $2, $3)', [domainId, seq, orders]);
    await client.query('commit');
  } finally {
    client.release();
  }
}

async function measure(name: string, calls: number, commit: (seq: number) => Promise<void>, from: number): Promise<number> {
  const times: number[] = [];
  let seq = from;
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    seq += 1;
    const begin = performance.now();
    await commit(seq);
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(2);
  const total = times.reduce((sum, ms) => sum + ms, 0);
  const rows = Math.round((times.length * calls * 9 * 1000) / total);
  console.log(`${name}, ${calls} offers per commit: median ${at(0.5)} ms, p99 ${at(0.99)} ms, ${rows} rows/s`);
  return seq;
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-bench-'));
const given = process.env['DATABASE_URL'];
const server = given === undefined ? await startPostgres({ dataDir: path.join(folder, 'pg'), port: 0, log: () => undefined }) : null;
const url = given ?? server?.url ?? '';
const pool = createPool(url, { log: console.log });
try {
  await migrate(url);
  await pool.query('insert into domain (id, name, outgoing_number) values ($1, $1, $2) on conflict (id) do nothing', [
    domainId,
    '+81312340000',
  ]);
  const store = new PgFloorStore(pool);
  const lease = await store.claim(domainId, `bench ${process.pid}`, 3_600_000);
  if (!lease) throw new Error('another bench is running');
  let { seq } = await store.load(domainId);
  for (const calls of [1, 20]) {
    const one = (n: number) => store.commit(batch(lease.fence, n, { ...changes(n, calls), domainId }));
    seq = await measure('one statement', calls, one, seq);
    await pool.query('truncate contact, offer, leg, agent_state, pending_orders');
    seq = await measure('row by row', calls, (n) => naive(pool, n, changes(n, calls)), seq);
    await pool.query('truncate contact, offer, leg, agent_state, pending_orders');
  }
  await store.release(lease);
} finally {
  await pool.end();
  await server?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
}
