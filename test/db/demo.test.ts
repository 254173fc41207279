import { isValidPhoneNumber } from 'libphonenumber-js/max';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customerView } from '#src/db/customer-view.ts';
import { DEMO_EXAMPLES, demoCustomers, loadDemo } from '#src/db/demo.ts';
import { loadDirectory } from '#src/db/directory.ts';
import { findParty } from '#src/db/party.ts';
import { authenticate } from '#src/db/people.ts';
import { visibleDesks } from '#src/db/visibility.ts';
import type { Directory } from '#src/routing/directory.ts';
import { NOON } from './floor-records.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

let database: TestDatabase;
let directory: Directory;
const demo = { domainId: 'demo', password: 'made up for this test', now: NOON };
beforeAll(async () => {
  database = await testDatabase();
  // Two servers that start at once.
  const made = await Promise.all([loadDemo(database.pool, demo), loadDemo(database.pool, demo)]);
  expect(made.filter(({ created }) => created)).toHaveLength(1);
  directory = await loadDirectory(database.pool, 'demo', NOON);
});
afterAll(() => database.close());

const find = (by: 'callingNumber' | 'customerCode', value: string) => findParty(database.pool, 'demo', by, value);

describe('the demo centre', () => {
  it('has a maker, two agencies, five dealers, 300 customers, 12 agents, a supervisor and an administrator', async () => {
    const kinds = [...directory.organisations.values()].map((organisation) => organisation.kind).sort();
    expect(kinds).toEqual(['agency', 'agency', 'dealer', 'dealer', 'dealer', 'dealer', 'dealer', 'maker']);
    const roles = [...directory.agents.values()].map((agent) => agent.role).sort();
    expect(roles).toEqual(['administrator', ...Array<string>(12).fill('agent'), 'supervisor']);
    const { rows } = await database.pool.query(
      `select count(*)::int as n, min(code) as first, max(code) as last from customer where domain_id = 'demo'`,
    );
    expect(rows).toEqual([{ n: 300, first: '10001', last: '10300' }]);
  });

  it('has an agent at every desk, and every desk leads up to the reception', () => {
    const staffed = new Set([...directory.agents.values()].flatMap((agent) => agent.deskIds));
    expect([...directory.desks.keys()].filter((id) => !staffed.has(id))).toEqual([]);
    for (const start of directory.desks.values()) {
      let desk = start;
      while (desk.nextUp !== null) desk = directory.desks.get(desk.nextUp)!;
      expect(desk.isReception).toBe(true);
    }
  });

  it('has agents with skills and with desks that they would rather serve than others', () => {
    expect(directory.agents.get(DEMO_EXAMPLES.logIns.englishAgent)?.skills).toEqual([
      { skill: 'english', level: 5 },
      { skill: 'microscopes', level: 2 },
    ]);
    expect(directory.agents.get('kato')).toMatchObject({
      deskIds: ['support', 'reception'],
      queues: [
        { queueId: 'support', priority: 1 },
        { queueId: 'reception', priority: 2 },
      ],
    });
    expect(directory.agents.get('yoshida')).toMatchObject({ queues: [], skills: [] });
  });

  it('gives customers only numbers that are valid, and each number once', () => {
    const phones = demoCustomers().flatMap((customer) => customer.phones);
    expect(phones.filter((phone) => !isValidPhoneNumber(phone))).toEqual([]);
    expect(new Set(phones).size).toBe(phones.length);
  });

  it('knows every documented example, and not the unknown one', async () => {
    const { customer, englishCustomer, customerByCode, customerOfOfficeHours, dealer, agency, unknownInOsaka } = DEMO_EXAMPLES;
    for (const example of [customer, englishCustomer, customerOfOfficeHours]) {
      const found = await find('callingNumber', example.number);
      expect(found).toMatchObject({ kind: 'customer', customerCode: example.code, handlingDeskId: example.desk });
      expect(await find('customerCode', example.code)).toEqual(found);
    }
    expect(await find('customerCode', customerByCode.code)).toMatchObject({ handlingDeskId: customerByCode.desk });
    expect(await find('callingNumber', dealer.number)).toMatchObject({ kind: 'dealer', organisationId: dealer.organisation });
    expect(await find('callingNumber', agency.number)).toMatchObject({ kind: 'agency', organisationId: agency.organisation });
    expect(await find('callingNumber', unknownInOsaka.number)).toBeNull();
    expect(isValidPhoneNumber(unknownInOsaka.number)).toBe(true);
    expect(directory.desks.get(customerOfOfficeHours.desk)).toMatchObject({ nextUp: customerOfOfficeHours.nextUp });
    expect(directory.desks.get(customerOfOfficeHours.desk)?.hours[0]).toEqual({ weekday: 1, from: '09:00', to: '17:30' });
    const inOsaka = directory.sales.filter((sale) => sale.region === '27').sort((a, b) => b.amountMinor - a.amountMinor);
    const best = [...directory.desks.values()].find((desk) => desk.organisationId === inOsaka[0]?.organisationId);
    expect(best?.id).toBe(unknownInOsaka.desk);
  });

  it('is entered by short code and by number in Japanese and English', () => {
    const [en, ja] = ['en', 'ja'].map((id) => directory.entries.find((entry) => entry.id === id));
    expect(ja).toMatchObject({ language: 'ja', numbers: ['+81312340000', DEMO_EXAMPLES.entries.ja].sort(), makerId: 'madoguchi' });
    expect(en).toMatchObject({ language: 'en', numbers: ['+442079460000', DEMO_EXAMPLES.entries.en].sort() });
    expect(directory.desks.get('reception')?.hours).toHaveLength(7);
    expect(directory.desks.get('reception')?.hours[6]).toEqual({ weekday: 7, from: '00:00', to: '24:00' });
  });

  it('lets its people in with the password that was made for it', async () => {
    const { agent, administrator } = DEMO_EXAMPLES.logIns;
    expect(await authenticate(database.pool, agent, demo.password)).toMatchObject({ agentId: 'tanaka', role: 'agent', domainId: 'demo' });
    expect(await authenticate(database.pool, administrator, demo.password)).toMatchObject({ role: 'administrator' });
    expect(await authenticate(database.pool, agent, 'demo')).toBeNull();
  });

  it('stays as it was changed when it is loaded again', async () => {
    await database.pool.query(`update customer set name = 'changed' where domain_id = 'demo' and code = '10001'`);
    expect(await loadDemo(database.pool, { ...demo, password: 'another' })).toEqual({ created: false });
    expect(await find('customerCode', '10001')).toMatchObject({ name: 'changed' });
    expect(await authenticate(database.pool, 'tanaka', demo.password)).not.toBeNull();
  });

  it('still has its best sellers two years later', async () => {
    const later = NOON + 2 * 365 * 86_400_000;
    await loadDemo(database.pool, { ...demo, now: later });
    expect((await loadDirectory(database.pool, 'demo', later)).sales).toHaveLength(10);
  });

  it('shows the maker everything, an agency its dealers, and a dealer itself', () => {
    expect(visibleDesks(directory, 'madoguchi').size).toBe(directory.desks.size);
    expect([...visibleDesks(directory, 'kansai-keisoku')].sort()).toEqual(['kansai-desk', 'kyoto-desk', 'osaka-desk']);
    expect([...visibleDesks(directory, 'tokyo-sokki')]).toEqual(['tokyo-desk']);
  });

  it('puts a customer on the screen', async () => {
    const view = await customerView(database.pool, {
      domainId: 'demo',
      customerId: 'demo-10023',
      organisationId: null,
      kind: 'customer',
      visibleDesks: new Set(['tokyo-desk']),
      exceptContactId: null,
    });
    expect(view).toMatchObject({
      customerCode: '10023',
      name: '佐藤 花子',
      nameKana: 'サトウ ハナコ',
      phones: ['+81312345678'],
      emails: ['customer10023@example.jp'],
    });
    expect(view.products[0]).toEqual({ code: 'MS-100', name: '卓上顕微鏡 MS-100', boughtOn: '2022-04-15', serial: '10023-1' });
  });
});
