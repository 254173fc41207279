/** Messages in the tables: kept as they are, found again when they are over, and in the history of whoever left them. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOfContact } from '#src/db/contacts.ts';
import { customerView } from '#src/db/customer-view.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { batch, contact, NOON } from './floor-records.ts';
import { type TestDatabase, testDatabase } from './test-database.ts';

const party = {
  kind: 'customer' as const,
  foundBy: 'callingNumber' as const,
  record: {
    kind: 'customer' as const,
    customerId: 'sato',
    customerCode: '10023',
    organisationId: null,
    name: 'Sato',
    region: '13',
    language: null,
    handlingDeskId: null,
    lastDeskId: null,
    lastAgentId: null,
  },
};
const message = { recording: 'c1.r1', durationMs: 12_400 };
const waiting = contact('c2', { channel: 'message', origin: 'voicemail', party, message, continues: 'c1' });
const over = { state: 'ended', endedAt: NOON + 60_000, cause: 'handled', connectedAt: NOON } as const;

describe('a message in the tables', () => {
  let database: TestDatabase;
  let store: PgFloorStore;
  beforeAll(async () => {
    database = await testDatabase();
    store = new PgFloorStore(database.pool);
    await database.pool.query(`insert into customer (domain_id, id, code, kind, name) values ('a', 'sato', '10023', 'customer', 'Sato')`);
    const lease = await store.claim('a', 'node', 60_000);
    const commit = (seq: number, contacts: ReturnType<typeof contact>[]) => store.commit(batch(lease?.fence ?? 0, seq, { contacts }));
    await commit(1, [contact('c1', { party, ...over, cause: 'messageLeft' }), waiting]);
  });
  afterAll(() => database.close());

  const found = (id: string) => messageOfContact(database.pool, 'a', id);

  it('is given to the next owner as it was', async () => {
    expect((await store.load('a')).contacts).toEqual([waiting]);
  });

  it('is found by itself, and by the callback to whoever left it; not by the call, and in no other domain', async () => {
    const about = { contactId: 'c2', deskId: 'maker-desk', customerId: 'sato', recording: 'c1.r1' };
    expect(await found('c2')).toEqual(about);
    const lease = await store.claim('a', 'node', 60_000);
    const callback = contact('c3', { channel: 'callback', origin: 'messageCallback', party, message, continues: 'c2' });
    await store.commit(batch(lease?.fence ?? 0, 2, { contacts: [{ ...waiting, ...over }, callback] }));
    expect(await found('c2')).toEqual(about);
    expect(await found('c3')).toEqual(about);
    expect(await found('c1')).toBeNull();
    expect(await found('nobody')).toBeNull();
    expect(await messageOfContact(database.pool, 'b', 'c2')).toBeNull();
  });

  it('is in the customer’s history with its length, once', async () => {
    const lease = await store.claim('a', 'node', 60_000);
    const callback = contact('c3', { channel: 'callback', origin: 'messageCallback', party, message, continues: 'c2', ...over });
    await store.commit(batch(lease?.fence ?? 0, 3, { contacts: [callback] }));
    const view = await customerView(database.pool, {
      domainId: 'a',
      customerId: 'sato',
      organisationId: null,
      kind: 'customer',
      visibleDesks: new Set(['maker-desk']),
      exceptContactId: null,
    });
    const history = view.lastContacts.map(({ contactId, channel, messageMs }) => ({ contactId, channel, messageMs }));
    expect(history.toSorted((a, b) => (a.contactId < b.contactId ? -1 : 1))).toEqual([
      { contactId: 'c1', channel: 'voice', messageMs: null },
      { contactId: 'c2', channel: 'message', messageMs: 12_400 },
      { contactId: 'c3', channel: 'callback', messageMs: null },
    ]);
  });
});

describe('the migration that brings messages', () => {
  it('lets contacts that are under way have none', async () => {
    const database = await testDatabase();
    try {
      await database.pool.query(
        `insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, arrived_at, doc)
         values ('a', 'old', 'voice', 'call', 'queued', 'ja', '1000', 'unknown', now(), '{"id": "old", "notice": null}')`,
      );
      await database.pool.query(readFileSync(new URL('../../src/db/migrations/0016_messages.sql', import.meta.url), 'utf8'));
      const { rows } = await database.pool.query<{ doc: unknown }>(`select doc from contact where id = 'old'`);
      expect(rows[0]?.doc).toEqual({ id: 'old', notice: null, message: null });
    } finally {
      await database.close();
    }
  });
});
