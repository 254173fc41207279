/** To bring schema.sql up to date after a new migration: UPDATE_SCHEMA=1 npx vitest run test/db/schema */
import fs from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contactEvents, ensureEventPartitions } from '#src/db/events.ts';
import { migrate } from '#src/db/migrate.ts';
import { schemaPicture } from '#src/db/schema-picture.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

const committed = new URL('../../src/db/schema.sql', import.meta.url);

describe('the schema', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.close());

  it('is the one that schema.sql shows', async () => {
    const picture = await schemaPicture(database.pool);
    if (process.env['UPDATE_SCHEMA']) fs.writeFileSync(committed, picture);
    expect(picture).toBe(fs.readFileSync(committed, 'utf8'));
  });

  it('has in its picture every table that a migration makes', async () => {
    const folder = new URL('../../src/db/migrations/', import.meta.url);
    const sql = fs
      .readdirSync(folder)
      .map((name) => fs.readFileSync(new URL(name, folder), 'utf8'))
      .join('\n');
    const made = [...sql.matchAll(/^create table (\w+) \(/gm)].map(([, name]) => name);
    expect(made.length).toBeGreaterThan(20);
    const dropped = new Set([...sql.matchAll(/^drop table (\w+);/gm)].map(([, name]) => name));
    const picture = fs.readFileSync(committed, 'utf8');
    expect(made.filter((name) => !dropped.has(name) && !picture.includes(`create table ${name} (`))).toEqual([]);
  });

  it('keeps the events of this month and the next ones in partitions of their own', async () => {
    expect(await ensureEventPartitions(database.pool, 3)).toEqual([]);
    const made = await Promise.all([ensureEventPartitions(database.pool, 5), ensureEventPartitions(database.pool, 5)]);
    expect(made.flat()).toHaveLength(2);
    await database.pool.query(
      `insert into event (domain_id, seq, n, at, name, data)
       values ('a', 1, 1, now(), 'queued', '{}'), ('a', 1, 2, now() + interval '1 month', 'queued', '{}'), ('a', 1, 3, '1999-01-01', 'queued', '{}')`,
    );
    const { rows } = await database.pool.query(`select tableoid::regclass::text as part from event order by n`);
    const parts = rows.map((row: { part: string }) => row.part);
    expect(parts[0]).toMatch(/^event_\d{4}_\d{2}$/);
    expect(parts[1]).toMatch(/^event_\d{4}_\d{2}$/);
    expect(parts[2]).toBe('event_default');
  });

  it('asks for a contact’s events by one plan, however many months the log has', async () => {
    await ensureEventPartitions(database.pool, 36);
    await database.pool.query(
      `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, ended_at, cause, doc)
       values ('a', 'c1', 'voice', 'call', 'ended', 'ja', '1000', 'customer', now(), now() + interval '4 min', 'handled', '{}')`,
    );
    await database.pool.query(
      `insert into event (domain_id, seq, n, at, name, contact_id, data)
       select 'a', 3, n, now() + n * interval '1 day', 'queued', 'c1', '{}' from generate_series(0, 2) n`,
    );
    const one = await database.pool.connect();
    try {
      const ASKED = 40;
      // What is later than a day after its end is not looked for.
      for (let i = 0; i < ASKED; i++) expect(await contactEvents(one, 'a', 'c1')).toHaveLength(2);
      const { rows } = await one.query(`select custom_plans::int as made from pg_prepared_statements where name = 'events of a contact'`);
      expect((rows[0] as { made: number }).made).toBeLessThan(ASKED / 2);
    } finally {
      one.release();
    }
  });

  it('lets nobody change, delete or empty events, in a partition or in all; only a whole partition may go', async () => {
    await database.pool.query(`insert into event (domain_id, seq, n, at, name, data) values ('a', 2, 1, now(), 'queued', '{}')`);
    const { rows } = await database.pool.query<{ part: string }>(
      `select tableoid::regclass::text as part from event where domain_id = 'a' and seq = 2`,
    );
    const part = rows[0]?.part ?? '';
    for (const table of ['event', part, 'event_default']) {
      for (const attempt of [`update ${table} set name = 'x'`, `delete from ${table}`, `truncate ${table}`]) {
        if (table === 'event_default')
          await database.pool.query(
            `insert into event values ('a', extract(epoch from clock_timestamp()) * 1e6, 1, '1999-01-01', 'queued', null, null, null, null, null, null, null, '{}')`,
          );
        await expect(database.pool.query(attempt), attempt).rejects.toThrow('events are never changed');
      }
    }
    await database.pool.query(`drop table ${part}`);
    expect((await database.pool.query(`select from event where seq = 2`)).rowCount).toBe(0);
  });
});

describe('the migrations', () => {
  let empty: FreshDatabase;
  beforeAll(async () => {
    empty = await freshDatabase({ migrated: false });
  });
  afterAll(() => empty.drop());

  it('are applied once by servers that start at once, and then there is nothing to do', async () => {
    const applied = await Promise.all([migrate(empty.url), migrate(empty.url), migrate(empty.url)]);
    const files = fs.readdirSync(new URL('../../src/db/migrations/', import.meta.url)).map((name) => name.replace('.sql', ''));
    expect(applied.flat()).toEqual(files.sort());
    expect(await migrate(empty.url)).toEqual([]);
    const client = new pg.Client(empty.url);
    await client.connect();
    expect(await schemaPicture(client)).toBe(fs.readFileSync(committed, 'utf8'));
    await client.end();
  });
});
