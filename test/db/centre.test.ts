import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administratorOf, createCentre, hasCentre } from '#src/db/centre.ts';
import { loadDirectory } from '#src/db/directory.ts';
import { authenticate } from '#src/db/people.ts';
import { createPool } from '#src/db/pool.ts';
import { freshDatabase } from '#test/support/postgres.ts';

const centre = {
  domainId: 'acme',
  number: '+81312349999',
  country: 'JP',
  language: 'ja',
  timeZone: 'Asia/Tokyo',
  password: 'first-password',
} as const;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: ReturnType<typeof createPool>;

beforeAll(async () => {
  database = await freshDatabase();
  pool = createPool(database.url, { log: () => undefined });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe('a new centre', () => {
  it('has what the first call needs: an entry, an open reception, an administrator who can log in', async () => {
    expect(await hasCentre(pool, 'acme')).toBe(false);
    await createCentre(pool, centre);
    expect(await hasCentre(pool, 'acme')).toBe(true);
    const directory = await loadDirectory(pool, 'acme');
    expect(directory.entries).toMatchObject([{ numbers: ['+81312349999'], language: 'ja', country: 'JP', scenario: 'identify' }]);
    expect([...directory.desks.values()]).toMatchObject([{ id: 'reception', isReception: true, timeZone: 'Asia/Tokyo' }]);
    expect(directory.desks.get('reception')?.hours).toHaveLength(7);
    expect(directory.outgoingNumber).toBe('+81312349999');
    expect(await authenticate(pool, administratorOf('acme'), 'first-password')).toMatchObject({ domainId: 'acme', role: 'administrator' });
  });

  it('is not made twice: the first password stays', async () => {
    await createCentre(pool, { ...centre, password: 'another' });
    expect(await authenticate(pool, administratorOf('acme'), 'another')).toBeNull();
    expect(await authenticate(pool, administratorOf('acme'), 'first-password')).not.toBeNull();
  });
});
