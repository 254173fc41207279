import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Contact } from '#src/contact/model.ts';
import { customerView } from '#src/db/customer-view.ts';
import { loadDirectory, onDirectoryChanged } from '#src/db/directory.ts';
import { contactEvents } from '#src/db/events.ts';
import { beginJobRun, endJobRun, lastJobRun } from '#src/db/jobs.ts';
import { PgPartyFinder } from '#src/db/party.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { visibleDesks } from '#src/db/visibility.ts';
import { batch, contact, event, NOON } from './floor-records.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

const HOUR = 3_600_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
const sql = (text: string, values: unknown[] = []) => database.pool.query(text, values);

describe('the directory', () => {
  it('has the whole centre, and nothing of another one', async () => {
    await sql(`insert into desk_hours values ('a', 'maker-desk', 5, '13:00', '24:00'), ('a', 'maker-desk', 5, '09:00', '12:00')`);
    await sql(`insert into desk_holiday values ('a', 'maker-desk', '2026-12-31')`);
    await sql(`insert into entry values ('a', 'ja', 'ja', 'JP', 'identify', 'maker')`);
    await sql(`insert into entry_number values ('1000', 'a', 'ja')`);
    const directory = await loadDirectory(database.pool, 'a', NOON);
    expect(directory.organisations.get('agency')).toEqual({
      id: 'agency',
      kind: 'agency',
      name: 'Agency',
      sellsFor: ['maker'],
      regions: ['13', '14'],
    });
    expect(directory.desks.get('maker-desk')).toEqual({
      id: 'maker-desk',
      organisationId: 'maker',
      name: 'Maker desk',
      timeZone: 'Asia/Tokyo',
      nextUp: null,
      isReception: true,
      hours: [
        { weekday: 5, from: '09:00', to: '12:00' },
        { weekday: 5, from: '13:00', to: '24:00' },
      ],
      holidays: ['2026-12-31'],
    });
    expect(directory.entries).toEqual([
      { id: 'ja', domainId: 'a', language: 'ja', country: 'JP', scenario: 'identify', makerId: 'maker', numbers: ['1000'] },
    ]);
    expect(directory.outgoingNumber).toBe('+81312340000');
    expect((await loadDirectory(database.pool, 'b', NOON)).entries).toEqual([]);
    await expect(loadDirectory(database.pool, 'nowhere')).rejects.toThrow('nowhere');
  });

  it('adds up what was sold in the last twelve months, by region', async () => {
    await sql(`insert into sales_result values
      ('a', 'dealer', '27', '2025-10-01', 1000, 'JPY'), ('a', 'dealer', '27', '2025-11-01', 5, 'JPY'),
      ('a', 'dealer', '27', '2026-11-01', 7, 'JPY'), ('a', 'dealer', '28', '2026-11-01', 9000000000000, 'JPY')`);
    expect((await loadDirectory(database.pool, 'a', NOON)).sales).toEqual([
      { organisationId: 'dealer', region: '27', amountMinor: 12, currency: 'JPY' },
      { organisationId: 'dealer', region: '28', amountMinor: 9_000_000_000_000, currency: 'JPY' },
    ]);
  });

  it('is not said to have changed for customers or the lease, and each centre hears of its own', async () => {
    const client = new Client(database.url);
    const heard: (string | undefined)[] = [];
    client.on('notification', ({ payload }) => heard.push(payload));
    await client.connect();
    await client.query('listen directory_changed');
    await sql(`update desk set name = 'x' where domain_id = 'b'`);
    await sql(`insert into customer (domain_id, id, code, kind, name) values ('a', 'q', 'q', 'customer', 'Q')`);
    await new PgFloorStore(database.pool).claim('a', 'node', 1000);
    await sql(`update desk set name = 'y' where domain_id = 'a'`);
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('a');
    await client.end();
    expect(heard).toEqual(['b', 'a']);
  });

  describe('that changes', () => {
    let calls = 0;
    let stop: () => Promise<void>;
    beforeEach(async () => {
      calls = 0;
      stop = await onDirectoryChanged(database.url, 'a', () => (calls += 1));
    });
    afterEach(() => stop());

    it.each([
      `update desk set name = name || '!' where domain_id = 'a' and id = 'maker-desk'`,
      `insert into app_user (domain_id, id, user_name, name, organisation_id, role, language) values ('a', 'n', 'n', 'N', 'dealer', 'agent', 'ja')`,
      `delete from desk_holiday where domain_id = 'a'`,
      `update domain set outgoing_number = '+81312340001' where id = 'a'`,
    ])('says so: %s', async (change) => {
      await sql(change);
      await expect.poll(() => calls, { timeout: 10_000 }).toBe(1);
    });

    it('says so once more after its connection was cut, because it may have missed something', async () => {
      const listening = `select pid from pg_stat_activity where datname = current_database() and application_name = 'madoguchi listener'`;
      const [before] = (await sql(listening)).rows as { pid: number }[];
      await sql('select pg_terminate_backend($1)', [before?.pid]);
      await expect.poll(() => calls, { timeout: 10_000 }).toBe(1);
      const [after] = (await sql(listening)).rows as { pid: number }[];
      expect(after?.pid).not.toBe(before?.pid);
      await sql(`update desk set name = 'z' where domain_id = 'a' and id = 'dealer-desk'`);
      await expect.poll(() => calls, { timeout: 10_000 }).toBe(2);
    });
  });
});

describe('a party', () => {
  const finder = () => new PgPartyFinder(database.pool);
  const number = '+81611112222';
  const add = (code: string, kind: string, lastContact: string | null) =>
    sql(
      `with c as (insert into customer (domain_id, id, code, kind, name, last_contact_at) values ('a', $1, $1, $2, $1, $3) returning id)
       insert into customer_phone select 'a', id, $4 from c`,
      [code, kind, lastContact, number],
    );

  it('of many with one number is a dealer or agency first, then who was in contact last, and the same every time', async () => {
    expect(await finder().find('a', 'callingNumber', number)).toBeNull();
    await add('p9', 'prospect', '2026-11-01');
    expect(await finder().find('a', 'callingNumber', number)).toMatchObject({ customerCode: 'p9', kind: 'prospect' });
    await add('c3', 'customer', null);
    await add('c2', 'customer', null);
    expect(await finder().find('a', 'callingNumber', number)).toMatchObject({ customerCode: 'c2', kind: 'customer' });
    await add('c5', 'customer', '2026-01-01');
    expect(await finder().find('a', 'callingNumber', number)).toMatchObject({ customerCode: 'c5' });
    await sql(`insert into organisation_phone values ('a', $1, 'dealer')`, [number]);
    expect(await finder().find('a', 'callingNumber', number)).toEqual({
      kind: 'dealer',
      customerId: null,
      customerCode: null,
      organisationId: 'dealer',
      name: 'Dealer',
      region: '27',
      language: null,
      handlingDeskId: null,
      lastDeskId: null,
    });
    expect(await finder().find('b', 'callingNumber', number)).toBeNull();
  });

  it('is not found by what only looks like a code', async () => {
    expect(await finder().find('a', 'customerCode', 'c2')).toMatchObject({ customerId: 'c2' });
    for (const code of ['C2', 'c2 ', '%', '']) expect(await finder().find('a', 'customerCode', code)).toBeNull();
  });

  it('does not lead to a desk that is gone', async () => {
    await sql(`insert into desk (domain_id, id, organisation_id, name) values ('a', 'old-desk', 'dealer', 'Old')`);
    await sql(`update customer set handling_desk_id = 'old-desk', last_desk_id = 'old-desk' where id = 'c2'`);
    expect(await finder().find('a', 'customerCode', 'c2')).toMatchObject({ handlingDeskId: 'old-desk', lastDeskId: 'old-desk' });
    await sql(`delete from desk where id = 'old-desk'`);
    expect(await finder().find('a', 'customerCode', 'c2')).toMatchObject({ handlingDeskId: null, lastDeskId: null });
  });
});

describe('what an agent sees of a customer', () => {
  it('is the last ten contacts at desks that the agent may see, newest first, without the present one', async () => {
    const store = new PgFloorStore(database.pool);
    const lease = await store.claim('a', 'node', 1000);
    await sql(
      `insert into customer (domain_id, id, code, kind, name, kana, note) values ('a', 'view', '500', 'customer', '佐藤', 'サトウ', 'VIP')`,
    );
    const record = await new PgPartyFinder(database.pool).find('a', 'customerCode', '500');
    const past = (n: number, given: Partial<Contact>) =>
      contact(`v${n}`, {
        party: { kind: 'customer', record, foundBy: 'customerCode' },
        arrivedAt: NOON + n,
        state: 'ended',
        endedAt: NOON + n,
        cause: 'handled',
        disposition: 'question',
        deskId: 'dealer-desk',
        ...given,
      });
    const contacts = [
      ...Array.from({ length: 12 }, (_, n) => past(n, {})),
      past(20, { deskId: 'maker-desk' }),
      past(21, { state: 'queued', endedAt: null, cause: null }),
      past(22, { state: 'wrapUp', endedAt: null }),
    ];
    await store.commit(batch(lease!.fence, 1, { contacts }));
    const directory = await loadDirectory(database.pool, 'a');
    const see = async (organisation: string, exceptContactId: string | null) => {
      const query = { domainId: 'a', customerId: 'view', organisationId: null, kind: 'customer', exceptContactId } as const;
      return customerView(database.pool, { ...query, visibleDesks: visibleDesks(directory, organisation) });
    };
    const dealer = await see('dealer', 'v22');
    expect(dealer).toMatchObject({ customerCode: '500', name: '佐藤', nameKana: 'サトウ', note: 'VIP', phones: [], products: [] });
    expect(dealer.lastContacts.map((c) => c.contactId)).toEqual(['v11', 'v10', 'v9', 'v8', 'v7', 'v6', 'v5', 'v4', 'v3', 'v2']);
    expect(dealer.lastContacts[0]).toMatchObject({
      at: NOON + 11,
      channel: 'voice',
      agent: null,
      cause: 'handled',
      disposition: 'question',
    });
    const maker = await see('maker', null);
    expect(maker.lastContacts.slice(0, 3).map((c) => c.contactId)).toEqual(['v22', 'v20', 'v11']);
  });

  it('of a dealer is its name and numbers, and of nobody nothing', async () => {
    const query = { domainId: 'a', customerId: null, visibleDesks: new Set<string>(), exceptContactId: null } as const;
    expect(await customerView(database.pool, { ...query, organisationId: 'dealer', kind: 'dealer' })).toMatchObject({
      kind: 'dealer',
      name: 'Dealer',
      organisation: 'Dealer',
      region: '27',
      phones: ['+81611112222'],
    });
    expect(await customerView(database.pool, { ...query, organisationId: null, kind: 'unknown' })).toMatchObject({
      kind: 'unknown',
      name: '',
    });
    expect(await customerView(database.pool, { ...query, organisationId: 'gone', kind: 'dealer' })).toMatchObject({
      kind: 'dealer',
      name: '',
    });
  });
});

it('gives the events of a contact in their order, and none of a desk that one may not see', async () => {
  const store = new PgFloorStore(database.pool);
  const lease = await store.claim('b', 'node', 1000);
  const late = event('contactEnded', { contactId: 'e1', at: NOON - 5, cause: 'handled', data: { x: [1, '二'] } });
  const first = { domainId: 'b', contacts: [contact('e1', { domainId: 'b', deskId: 'dealer-desk' })] } as const;
  const events = [
    event('contactArrived', { contactId: 'e1' }),
    event('queued', { contactId: 'other' }),
    event('queued', { contactId: 'e1' }),
  ];
  await store.commit(batch(lease!.fence, 1, { ...first, events }));
  await store.commit(batch(lease!.fence, 2, { domainId: 'b', events: [late] }));
  const found = await contactEvents(database.pool, 'b', 'e1');
  expect(found.map(({ seq, n, name }) => [seq, n, name])).toEqual([
    [1, 1, 'contactArrived'],
    [1, 3, 'queued'],
    [2, 1, 'contactEnded'],
  ]);
  expect(found[2]).toEqual({ ...late, seq: 2, n: 1 });
  expect(await contactEvents(database.pool, 'b', 'e1', new Set(['dealer-desk']))).toHaveLength(3);
  expect(await contactEvents(database.pool, 'b', 'e1', new Set(['maker-desk']))).toEqual([]);
});

it('has a job run once when it is due, by one of many servers, and remembers how it went', async () => {
  expect(await lastJobRun(database.pool, 'job')).toBeNull();
  const taken = await Promise.all(Array.from({ length: 5 }, () => beginJobRun(database.pool, 'job', NOON, NOON + 5)));
  expect(taken.filter(Boolean)).toHaveLength(1);
  await endJobRun(database.pool, 'job', NOON, NOON + 9, 'no space');
  expect(await lastJobRun(database.pool, 'job')).toEqual({
    name: 'job',
    dueAt: NOON,
    startedAt: NOON + 5,
    finishedAt: NOON + 9,
    error: 'no space',
  });
  expect(await beginJobRun(database.pool, 'job', NOON - HOUR, NOON + 10)).toBe(false);
  expect(await beginJobRun(database.pool, 'job', NOON + HOUR, NOON + HOUR)).toBe(true);
  await endJobRun(database.pool, 'job', NOON, NOON + HOUR + 1, 'of an earlier run, too late');
  expect(await lastJobRun(database.pool, 'job')).toMatchObject({ dueAt: NOON + HOUR, finishedAt: null, error: null });
});
