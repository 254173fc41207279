import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PgRecordingStore } from '#src/db/recordings.ts';
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
});
