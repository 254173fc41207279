import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteOldRecordings, PgRecordingStore } from '#src/db/recordings.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

describe('what callers have recorded', () => {
  let database: TestDatabase;
  let store: PgRecordingStore;
  beforeAll(async () => {
    database = await testDatabase();
    store = new PgRecordingStore(database.pool);
  });
  afterAll(() => database.close());

  it('is read as it was kept, for the one centre', async () => {
    const wav = Buffer.from([0, 1, 2, 0xff, 0x5c, 0x27]);
    await store.keep('a', 'a-1.r1', 'a-2', wav, 1234.4);
    const kept = await store.read('a', 'a-1.r1');
    expect(kept).toMatchObject({ contactId: 'a-2', durationMs: 1234 });
    expect(kept?.wav.equals(wav)).toBe(true);
    expect(Math.abs((kept?.recordedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await store.read('b', 'a-1.r1')).toBeNull();
    expect(await store.read('a', 'a-1.r2')).toBeNull();
  });

  it('is kept once: what is there stays', async () => {
    await store.keep('a', 'a-3.r1', 'a-4', Buffer.from('first'), 5);
    await store.keep('a', 'a-3.r1', 'a-5', Buffer.from('second'), 6);
    expect(await store.read('a', 'a-3.r1')).toMatchObject({ contactId: 'a-4', durationMs: 5, wav: Buffer.from('first') });
  });

  it('is deleted when it is old, but not before somebody has listened to it', async () => {
    const store = new PgRecordingStore(database.pool);
    for (const [recording, contact] of [
      ['c-1.r1', 'c-2'],
      ['c-3.r1', 'c-4'],
    ] as const) {
      await store.keep('b', recording, contact, Buffer.from('w'), 5);
    }
    await database.pool.query(
      `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, doc)
       values ('b', 'c-2', 'message', 'voicemail', 'queued', 'ja', '1000', 'new', now(), '{}')`,
    );
    await database.pool.query(`update recording set recorded_at = now() - interval '10 days' where domain_id = 'b'`);
    expect(await deleteOldRecordings(database.pool, Date.now() - 11 * 86_400_000)).toBe(0);
    expect(await deleteOldRecordings(database.pool, Date.now() - 9 * 86_400_000)).toBe(1);
    expect(await store.read('b', 'c-1.r1')).not.toBeNull();
    expect(await store.read('b', 'c-3.r1')).toBeNull();
  });
});
