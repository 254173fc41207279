import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forcedChanges } from '#src/db/audit.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { World } from '#test/contact/world.ts';
import { batch, NOON } from './floor-records.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  const { pool } = database;
  for (const domain of ['a', 'b']) {
    await pool.query(
      `insert into app_user (domain_id, id, user_name, name, organisation_id, role, language, active) values
       ($1, 'tanaka', $1 || 'tanaka', '田中', 'dealer', 'agent', 'ja', true), ($1, 'mori', $1 || 'mori', '森', 'agency', 'agent', 'ja', true),
       ($1, 'left', $1 || 'left', 'Left', 'dealer', 'agent', 'ja', false), ($1, 'sato', $1 || 'sato', '佐藤', 'maker', 'supervisor', 'ja', true)`,
      [domain],
    );
    await pool.query(
      `insert into app_user_desk (domain_id, user_id, desk_id) values
       ($1, 'tanaka', 'dealer-desk'), ($1, 'tanaka', 'agency-desk'), ($1, 'mori', 'agency-desk'), ($1, 'left', 'dealer-desk')`,
      [domain],
    );
  }
});
afterAll(() => database.close());

let seq = 0;
const force = async (agentId: string, to: string, at: number, given: { domain?: string; by?: string; name?: string } = {}) => {
  const { domain = 'a', by = 'sato', name = 'agentForced' } = given;
  seq += 1;
  await database.pool.query(
    `insert into event (domain_id, seq, n, at, name, agent_id, cause, data)
     values ($1, $2, 1, to_timestamp($3::float8 / 1000), $4, $5, $6, $7)`,
    [domain, seq, at, name, agentId, to, { by, from: 'ready' }],
  );
};
const seen = async (...desks: string[]) =>
  (await forcedChanges(database.pool, 'a', new Set(desks))).map(({ agentId, to }) => `${agentId} ${to}`);

describe('the audit of forced states', () => {
  it('tells who changed whose state, when, from what and to what, the newest first', async () => {
    await force('tanaka', 'notReady', NOON);
    await force('tanaka', 'loggedOff', NOON + 60_000);
    expect(await forcedChanges(database.pool, 'a', new Set(['dealer-desk']))).toEqual([
      { id: '2-1', at: NOON + 60_000, agentId: 'tanaka', agent: '田中', byId: 'sato', by: '佐藤', from: 'ready', to: 'loggedOff' },
      { id: '1-1', at: NOON, agentId: 'tanaka', agent: '田中', byId: 'sato', by: '佐藤', from: 'ready', to: 'notReady' },
    ]);
  });

  it('is what the floor writes: what a supervisor does is in the list as it was done', async () => {
    const world = new World();
    world.ready('ann');
    const { contactId } = world.customerCall('sales');
    world.answer(contactId);
    const { events } = world.give({ type: 'agentForced', agentId: 'ann', to: 'loggedOff', by: 'dee' });
    const { pool } = database;
    const store = new PgFloorStore(pool);
    const lease = await store.claim('b', 'test', 60_000);
    const { seq: last } = await store.load('b');
    const written = events.map((one) => ({ ...one, at: NOON, contactId: null, agentId: one.agentId === 'ann' ? 'tanaka' : one.agentId }));
    await store.commit({ ...batch(lease?.fence ?? 0, last + 1, { events: written }), domainId: 'b' });
    const [change] = await forcedChanges(pool, 'b', new Set(['dealer-desk']));
    expect(change).toMatchObject({ agentId: 'tanaka', byId: 'dee', from: 'busy', to: 'loggedOff', at: NOON });
  });

  it('is about those who work at the desks that one sees, of one’s own centre, the inactive among them', async () => {
    await force('mori', 'ready', NOON + 120_000);
    await force('left', 'ready', NOON + 180_000);
    await force('tanaka', 'ready', NOON + 240_000, { domain: 'b' });
    await force('tanaka', 'ready', NOON + 240_000, { name: 'agentReady' });
    expect(await seen('dealer-desk')).toEqual(['left ready', 'tanaka loggedOff', 'tanaka notReady']);
    expect(await seen('agency-desk')).toEqual(['mori ready', 'tanaka loggedOff', 'tanaka notReady']);
    expect(await seen('dealer-desk', 'agency-desk', 'maker-desk')).toHaveLength(4);
    expect(await seen('maker-desk')).toEqual([]);
    expect(await seen()).toEqual([]);
  });

  it('names one who is on no list any more by the id', async () => {
    await force('mori', 'notReady', NOON + 300_000, { by: 'gone' });
    const [last] = await forcedChanges(database.pool, 'a', new Set(['agency-desk']));
    expect(last).toMatchObject({ byId: 'gone', by: 'gone', agent: '森' });
  });

  it('ends after the last fifty', async () => {
    for (let count = 0; count < 60; count += 1) await force('mori', 'ready', NOON + 400_000 + count);
    const changes = await forcedChanges(database.pool, 'a', new Set(['agency-desk']));
    expect(changes).toHaveLength(50);
    expect(changes[0]?.at).toBe(NOON + 400_059);
  });
});
