import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Order } from '#src/contact/model.ts';
import { CommitRefusedError, LeaseLostError } from '#src/contact/ports.ts';
import { contactEvents } from '#src/db/events.ts';
import { findParty } from '#src/db/party.ts';
import { createPool } from '#src/db/pool.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { NO_WISHES } from '#src/routing/desk-rules.ts';
import { agent, batch, contact, event, leg, NOON, offer } from './floor-records.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

let database: TestDatabase;
let store: PgFloorStore;
beforeAll(async () => {
  database = await testDatabase();
  store = new PgFloorStore(database.pool);
});
afterAll(() => database.close());
beforeEach(async () => {
  // Only who may switch triggers off can empty the log.
  await database.pool.query(
    `begin; set local session_replication_role = replica; truncate contact, offer, leg, agent_state, pending_orders, event; commit`,
  );
  await database.pool.query('update domain set lease_owner = null, lease_until = null, seq = 0, fence = 0');
});

const claimed = async (owner = 'node-1', domainId = 'a') => {
  const lease = await store.claim(domainId, owner, 10_000);
  if (!lease) throw new Error('not free');
  return lease;
};
const hangUp = (id: string, contactId = 'c1'): Order => ({ id, contactId, type: 'hangUp', leg: 'l1', reason: 'normal' });
const count = async (table: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*)::int as n from ${table} where domain_id = 'a'`)).rows[0]?.n ?? -1;

describe('the lease of a domain', () => {
  it('goes to exactly one of many servers that race for it', async () => {
    const racers = Array.from({ length: 8 }, (_, i) => store.claim('a', `node-${i}`, 10_000));
    const leases = (await Promise.all(racers)).filter((lease) => lease !== null);
    expect(leases).toHaveLength(1);
  });

  it('is free for others when it has run out, and then the old owner can neither renew nor commit nor release it', async () => {
    const old = await store.claim('a', 'node-1', -1);
    const taken = await claimed('node-2');
    expect(taken.fence).toBeGreaterThan(old!.fence);
    await expect(store.renew(old!, 10_000)).rejects.toThrow(LeaseLostError);
    await expect(store.commit(batch(old!.fence, 1, { contacts: [contact('c1')] }))).rejects.toThrow(LeaseLostError);
    await store.release(old!);
    expect(await store.claim('a', 'node-3', 10_000)).toBeNull();
    expect(await count('contact')).toBe(0);
  });

  it('stays with its owner while nobody else took it, even when its time ran out', async () => {
    const lease = await store.claim('a', 'node-1', -1);
    await store.commit(batch(lease!.fence, 1, { contacts: [contact('c1')] }));
    await store.renew(lease!, 10_000);
    expect(await store.claim('a', 'node-2', 10_000)).toBeNull();
  });

  it('is free at once when it was released, and nothing is written under it any more', async () => {
    const lease = await claimed();
    await store.release(lease);
    await expect(store.commit(batch(lease.fence, 1))).rejects.toThrow(LeaseLostError);
    expect(await store.claim('a', 'node-2', 10_000)).not.toBeNull();
  });

  it('shuts out the former self of a restarted owner', async () => {
    const before = await claimed('node-1');
    const after = await claimed('node-1');
    await expect(store.commit(batch(before.fence, 1))).rejects.toThrow(LeaseLostError);
    await store.commit(batch(after.fence, 1));
  });

  it('does not write past a gap: the tables are not where this owner left them', async () => {
    const lease = await claimed();
    await store.commit(batch(lease.fence, 1));
    await expect(store.commit(batch(lease.fence, 3))).rejects.toThrow(CommitRefusedError);
  });

  it('of a domain that is not there is an error that names it', async () => {
    await expect(store.claim('nowhere', 'node-1', 1000)).rejects.toThrow('nowhere');
    await expect(store.load('nowhere')).rejects.toThrow('nowhere');
  });

  it('that changes hands while commits are under way lets none of the old owner in after one of the new', async () => {
    const old = await claimed('node-1');
    const writing = (async () => {
      for (let seq = 1; ; seq += 1) {
        try {
          await store.commit(batch(old.fence, seq, { contacts: [contact(`c${seq}`)] }));
        } catch (error) {
          return { error, committed: seq - 1 };
        }
      }
    })();
    await expect.poll(async () => (await store.load('a')).seq, { timeout: 10_000 }).toBeGreaterThan(3);
    await database.pool.query(`update domain set lease_until = now() - interval '1 s' where id = 'a'`);
    const taken = await claimed('node-2');
    const found = await store.load('a');
    const { error, committed } = await writing;
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(found.seq).toBe(committed);
    await store.commit(batch(taken.fence, found.seq + 1));
    expect((await store.load('a')).contacts).toHaveLength(committed);
  });
});

describe('a commit', () => {
  it('given twice, because its answer was lost, is done once', async () => {
    const { fence } = await claimed();
    const first = batch(fence, 1, {
      contacts: [contact('c1')],
      events: [event('contactArrived', { contactId: 'twice' })],
      orders: [hangUp('o1')],
    });
    await store.commit(first);
    await store.commit(first);
    expect(await contactEvents(database.pool, 'a', 'twice')).toHaveLength(1);
    expect((await store.load('a')).orders).toHaveLength(1);
  });

  it('that leaves one out is refused', async () => {
    const { fence } = await claimed();
    await store.commit(batch(fence, 1));
    await expect(store.commit(batch(fence, 3))).rejects.toThrow('does not follow');
  });

  it('is done whole or not at all', async () => {
    const { fence } = await claimed();
    const bad = batch(fence, 1, {
      contacts: [contact('c1')],
      events: [event('offered', { contactId: 'whole' })],
      offers: [offer('o1'), offer('o2', { agentId: 'suzuki' })],
    });
    await expect(store.commit(bad)).rejects.toThrow('offer_live_contact');
    expect(await count('contact')).toBe(0);
    expect(await contactEvents(database.pool, 'a', 'whole')).toEqual([]);
    await store.commit(batch(fence, 1, { contacts: [contact('c1')] }));
  });

  it('never lets two live offers ring one agent', async () => {
    const { fence } = await claimed();
    await store.commit(batch(fence, 1, { offers: [offer('o1')] }));
    await expect(store.commit(batch(fence, 2, { offers: [offer('o2', { contactId: 'c2' })] }))).rejects.toThrow('offer_live_agent');
  });

  it('may end an offer and make the next one for the same contact and agent, in any order', async () => {
    const { fence } = await claimed();
    await store.commit(batch(fence, 1, { offers: [offer('o1')] }));
    const ended = offer('o1', { state: 'ended', outcome: 'declined', endedAt: NOON });
    await store.commit(batch(fence, 2, { offers: [offer('o2'), ended] }));
    expect((await store.load('a')).offers.map((o) => o.id)).toEqual(['o2']);
  });

  it('never lets two domains hold one live leg', async () => {
    const { fence } = await claimed();
    const other = await claimed('node-1', 'b');
    await store.commit(batch(fence, 1, { legs: [leg('l1')] }));
    const second = { ...batch(other.fence, 1, { legs: [leg('l1')] }), domainId: 'b' };
    await expect(store.commit(second)).rejects.toThrow('leg_live');
    const over = leg('l1', { state: 'ended', endedAt: NOON, cause: 'normalClearing' });
    await store.commit(batch(fence, 2, { legs: [over] }));
    await store.commit(second);
  });

  it('keeps orders in the order of their making until they are done', async () => {
    const { fence } = await claimed();
    await store.commit(batch(fence, 1, { orders: [hangUp('z'), hangUp('m'), hangUp('a')] }));
    await store.commit(batch(fence, 2, { orders: [hangUp('b'), hangUp('done at once')], done: ['m', 'done at once'] }));
    expect((await store.load('a')).orders.map((order) => order.id)).toEqual(['z', 'a', 'b']);
  });

  it('takes text that Postgres can not hold, and replaces just that', async () => {
    const { fence } = await claimed();
    const note = 'a\u0000b \ud83d c \ud83d\ude00 \\u0000';
    await store.commit(batch(fence, 1, { contacts: [contact('c1', { note })], events: [event('queued', { data: { 'k\0': note } })] }));
    expect((await store.load('a')).contacts[0]?.note).toBe('a\ufffdb \ufffd c \ud83d\ude00 \\u0000');
  });

  it('writes what is asked for beside the record', async () => {
    const { fence } = await claimed();
    const record = {
      kind: 'dealer',
      customerId: null,
      customerCode: null,
      organisationId: 'dealer',
      name: 'D',
      region: '27',
      language: null,
      handlingDeskId: null,
      lastDeskId: null,
      lastAgentId: null,
    } as const;
    const given = contact('c1', {
      party: { kind: 'dealer', record, foundBy: 'callingNumber' },
      decision: { deskId: 'agency-desk', rule: 'dealer-to-agency', closed: false, why: [], wishes: NO_WISHES },
      deskId: 'agency-desk',
      arrivedAt: NOON + 123,
    });
    await store.commit(batch(fence, 1, { contacts: [given] }));
    const { rows } = await database.pool.query(
      'select calling_number, party_kind, organisation_id, rule, desk_id, arrived_at, ended_at from contact',
    );
    expect(rows).toEqual([
      {
        calling_number: '+81312345678',
        party_kind: 'dealer',
        organisation_id: 'dealer',
        rule: 'dealer-to-agency',
        desk_id: 'agency-desk',
        arrived_at: new Date(NOON + 123),
        ended_at: null,
      },
    ]);
  });

  it('remembers, when a talk is over, which desk dealt with the customer', async () => {
    const { fence } = await claimed();
    await database.pool.query(`insert into customer (domain_id, id, code, kind, name) values ('a', 'cu1', '10023', 'customer', 'Sato')`);
    const record = await findParty(database.pool, 'a', 'customerCode', '10023');
    const talked = contact('c1', {
      party: { kind: 'customer', record, foundBy: 'customerCode' },
      deskId: 'dealer-desk',
      connectedAt: NOON + 5000,
    });
    await store.commit(batch(fence, 1, { contacts: [{ ...talked, state: 'connected' }] }));
    expect((await findParty(database.pool, 'a', 'customerCode', '10023'))?.lastDeskId).toBeNull();
    await store.commit(batch(fence, 2, { contacts: [{ ...talked, state: 'wrapUp', cause: 'handled' }] }));
    expect((await findParty(database.pool, 'a', 'customerCode', '10023'))?.lastDeskId).toBe('dealer-desk');
    const gaveUp = contact('c2', { party: talked.party, state: 'ended', endedAt: NOON + 9000, cause: 'abandonedInQueue' });
    await store.commit(batch(fence, 3, { contacts: [gaveUp] }));
    expect((await findParty(database.pool, 'a', 'customerCode', '10023'))?.lastDeskId).toBe('dealer-desk');
    const { rows } = await database.pool.query(`select last_contact_at from customer where id = 'cu1'`);
    expect(rows).toEqual([{ last_contact_at: new Date(NOON + 5000) }]);
  });

  it('fails within the limit when another transaction holds what it needs', async () => {
    const { fence } = await claimed();
    const impatient = createPool(database.url, { log: () => undefined, statementTimeoutMs: 200 });
    const blocker = await database.pool.connect();
    try {
      await blocker.query('begin');
      await blocker.query(`select from domain where id = 'a' for update`);
      await expect(new PgFloorStore(impatient).commit(batch(fence, 1))).rejects.toThrow('timeout');
      await blocker.query('rollback');
      await new PgFloorStore(impatient).commit(batch(fence, 1));
    } finally {
      blocker.release();
      await impatient.end();
    }
  });

  it('goes on over a new connection when the old one was cut', async () => {
    const { fence } = await claimed();
    await store.commit(batch(fence, 1));
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    const again = async () => store.commit(batch(fence, 2, { contacts: [contact('c1')] }));
    await expect.poll(() => again().then(() => 'committed', String), { timeout: 10_000 }).toBe('committed');
    expect((await store.load('a')).contacts).toHaveLength(1);
  });
});

describe('what is loaded', () => {
  const id = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
  const ms = fc.integer({ min: 0, max: 4_000_000_000_000 });
  const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
  const text = fc.string({ unit: 'grapheme' });
  const unique = <T extends { id: string }>(arbitrary: fc.Arbitrary<T>) =>
    fc.uniqueArray(arbitrary, { selector: (record) => record.id, maxLength: 6 });
  const contacts = unique(
    fc
      .record({
        id,
        state: fc.constantFrom('identifying', 'scenario', 'queued', 'connected', 'wrapUp'),
        arrivedAt: ms,
        queuedAt: nullable(ms),
        connectedAt: nullable(ms),
        note: nullable(text),
        language: fc.constantFrom('ja', 'en'),
        timers: fc.dictionary(fc.constantFrom('scenario', 'announce', 'retry'), ms),
        callingNumber: fc.oneof(
          fc.record({ kind: fc.constant('malformed'), raw: text }),
          fc.constant({ kind: 'withheld' } as const),
          fc.record({ kind: fc.constant('valid'), e164: text, country: nullable(text) }),
        ),
      })
      .map(({ id, ...given }) => contact(id, given as Partial<ReturnType<typeof contact>>)),
  );
  const legs = unique(
    fc
      .record({ id, state: fc.constantFrom('arriving', 'ringing', 'up'), createdAt: ms, answeredAt: nullable(ms), closing: fc.boolean() })
      .map(({ id, ...given }) => leg(id, given as Partial<ReturnType<typeof leg>>)),
  );
  const agents = unique(
    fc
      .record({ id, state: fc.constantFrom('loggedOff', 'ready', 'busy'), idleSince: ms, offerId: nullable(text) })
      .map(({ id, ...given }) => agent(id, given as Partial<ReturnType<typeof agent>>)),
  );
  const sorted = <T extends { id: string }>(list: readonly T[]) => list.toSorted((a, b) => (a.id < b.id ? -1 : 1));

  it('is what was committed', async () => {
    const { fence } = await claimed();
    let seq = 0;
    await fc.assert(
      fc.asyncProperty(contacts, legs, agents, async (contacts, legs, agents) => {
        await database.pool.query('truncate contact, offer, leg, agent_state, pending_orders');
        seq += 1;
        const offers = contacts.map((c) => offer(`of ${c.id}`, { contactId: c.id, agentId: `for ${c.id}` }));
        const orders = legs.map((l) => ({ ...hangUp(`or ${l.id}`), leg: l.id }));
        await store.commit(batch(fence, seq, { contacts, legs, agents, offers, orders }));
        const loaded = await store.load('a');
        expect({
          ...loaded,
          contacts: sorted(loaded.contacts),
          legs: sorted(loaded.legs),
          agents: sorted(loaded.agents),
          offers: sorted(loaded.offers),
        }).toEqual({
          seq,
          lastContact: seq,
          contacts: sorted(contacts),
          legs: sorted(legs),
          agents: sorted(agents),
          offers: sorted(offers),
          handling: [],
          orders,
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has what handling took at each desk lately, from the talk to the end of wrap-up', async () => {
    const { fence } = await claimed();
    const handled = (id: string, tookMs: number) =>
      contact(id, { deskId: 'dealer-desk', state: 'ended', cause: 'handled', connectedAt: NOON, endedAt: NOON + tookMs });
    const unanswered = contact('c4', { deskId: 'maker-desk', state: 'ended', cause: 'abandonedInQueue', endedAt: NOON + 900_000 });
    await store.commit(batch(fence, 1, { contacts: [handled('c1', 60_000), handled('c2', 180_000), unanswered] }));
    expect((await store.load('a')).handling).toEqual([{ deskId: 'dealer-desk', meanMs: 120_000 }]);
  });

  it('is not what is over', async () => {
    const { fence } = await claimed();
    await store.commit(
      batch(fence, 1, {
        contacts: [contact('c1'), contact('c2', { state: 'ended', endedAt: NOON, cause: 'handled' })],
        offers: [offer('o1', { state: 'ended', endedAt: NOON, outcome: 'completed' })],
        legs: [leg('l1', { state: 'ended', endedAt: NOON, cause: 'busy' })],
      }),
    );
    const loaded = await store.load('a');
    expect(loaded.contacts.map((c) => c.id)).toEqual(['c1']);
    expect([...loaded.offers, ...loaded.legs]).toEqual([]);
  });
});
