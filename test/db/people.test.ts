import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword, verifyPassword } from '#src/db/password.ts';
import {
  agentEndpoints,
  authenticate,
  createSession,
  deleteExpiredSessions,
  deleteSession,
  findSession,
  setPassword,
} from '#src/db/people.ts';
import { NOON } from './floor-records.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

const HOUR = 3_600_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('delete from app_user');
  await database.pool.query(
    `insert into app_user (domain_id, id, user_name, name, organisation_id, role, language, desk_phone) values
     ('a', 'tanaka', 'Tanaka', '田中', 'dealer', 'agent', 'ja', 'desk-1'), ('a', 'gone', 'gone', 'Gone', 'dealer', 'agent', 'en', null)`,
  );
});
const tanaka = {
  domainId: 'a',
  agentId: 'tanaka',
  userName: 'Tanaka',
  name: '田中',
  organisationId: 'dealer',
  role: 'agent',
  language: 'ja',
} as const;

describe('a password', () => {
  it('is kept as a salted hash with its parameters, and never itself', async () => {
    const [one, two] = await Promise.all([hashPassword('ひみつ secret'), hashPassword('ひみつ secret')]);
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
    expect(one).not.toBe(two);
    expect(await verifyPassword('ひみつ secret', one)).toBe(true);
    expect(await verifyPassword('ひみつ Secret', one)).toBe(false);
  });

  it('made with other parameters is still right', async () => {
    // RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), first 32 bytes
    const hash = Buffer.from('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2', 'hex').toString('base64');
    const stored = `$scrypt$ln=14,r=8,p=1$${Buffer.from('SodiumChloride').toString('base64')}$${hash}`;
    expect(await verifyPassword('pleaseletmein', stored)).toBe(true);
  });

  it('typed in full-width letters is the same', async () => {
    expect(await verifyPassword('Ｓｅｃｒｅｔ１', await hashPassword('Secret1'))).toBe(true);
  });
});

describe('logging in', () => {
  it('takes the right name, in any case, with the right password', async () => {
    await setPassword(database.pool, 'a', 'tanaka', 'right');
    expect(await authenticate(database.pool, 'tanaka', 'right')).toEqual(tanaka);
    expect(await authenticate(database.pool, 'TANAKA', 'right')).toEqual(tanaka);
  });

  it.each([
    ['a wrong password', 'tanaka', 'wrong'],
    ['an empty one', 'tanaka', ''],
    ['an unknown name', 'nobody', 'right'],
    ['a name that no database can hold', 'tanaka\0', 'right'],
    ['somebody who has no password yet', 'gone', ''],
  ])('refuses %s', async (_name, userName, password) => {
    await setPassword(database.pool, 'a', 'tanaka', 'right');
    expect(await authenticate(database.pool, userName, password)).toBeNull();
  });

  it('refuses who is not active any more', async () => {
    await setPassword(database.pool, 'a', 'gone', 'right');
    await database.pool.query(`update app_user set active = false where id = 'gone'`);
    expect(await authenticate(database.pool, 'gone', 'right')).toBeNull();
  });

  it('does the same work for an unknown name as for a wrong password', async () => {
    await setPassword(database.pool, 'a', 'tanaka', 'right');
    const time = async (userName: string): Promise<number> => {
      const begin = performance.now();
      await authenticate(database.pool, userName, 'wrong');
      return performance.now() - begin;
    };
    const known = Math.min(await time('tanaka'), await time('tanaka'), await time('tanaka'));
    const unknown = Math.min(await time('nobody'), await time('nobody'), await time('nobody'));
    // without the work it would be a hundredth
    expect(unknown).toBeGreaterThan(known / 3);
  });
});

describe('a session', () => {
  it('is found by its token until it is over or ended', async () => {
    const token = await createSession(database.pool, tanaka, NOON, NOON + HOUR);
    expect(await findSession(database.pool, token, NOON + HOUR - 1)).toEqual(tanaka);
    expect(await findSession(database.pool, token, NOON + HOUR)).toBeNull();
    expect(await findSession(database.pool, `${token}x`, NOON)).toBeNull();
    await deleteSession(database.pool, token);
    expect(await findSession(database.pool, token, NOON)).toBeNull();
  });

  it('can not be had from the table', async () => {
    const token = await createSession(database.pool, tanaka, NOON, NOON + HOUR);
    const { rows } = await database.pool.query('select s::text as row from session s');
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(token).toString('hex'));
  });

  it('ends with the password, and with the person', async () => {
    const first = await createSession(database.pool, tanaka, NOON, NOON + HOUR);
    await setPassword(database.pool, 'a', 'tanaka', 'new');
    expect(await findSession(database.pool, first, NOON)).toBeNull();
    const second = await createSession(database.pool, tanaka, NOON, NOON + HOUR);
    await database.pool.query(`update app_user set active = false where id = 'tanaka'`);
    expect(await findSession(database.pool, second, NOON)).toBeNull();
  });

  it('that is over is cleared away', async () => {
    await createSession(database.pool, tanaka, NOON - HOUR, NOON);
    const live = await createSession(database.pool, tanaka, NOON, NOON + HOUR);
    expect(await deleteExpiredSessions(database.pool, NOON)).toBe(1);
    expect(await findSession(database.pool, live, NOON)).toEqual(tanaka);
  });
});

it('gives every active person a browser phone, and a desk phone where there is one, each with a secret of its own', async () => {
  const endpoints = await agentEndpoints(database.pool, 'a');
  expect(endpoints.map(({ agentId, name, kind }) => ({ agentId, name, kind }))).toEqual([
    { agentId: 'gone', name: 'browser-a-gone', kind: 'browser' },
    { agentId: 'tanaka', name: 'browser-a-tanaka', kind: 'browser' },
    { agentId: 'tanaka', name: 'desk-1', kind: 'deskPhone' },
  ]);
  const secrets = endpoints.map((endpoint) => endpoint.password);
  expect(new Set(secrets).size).toBe(3);
  for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{32}$/);
  await database.pool.query(`update app_user set active = false where id = 'tanaka'`);
  expect(await agentEndpoints(database.pool, 'a')).toHaveLength(1);
});
