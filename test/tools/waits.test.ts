import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Contact, FloorEvent, Offer } from '#src/contact/model.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { runWaits } from '#src/tools/waits.ts';
import { batch, contact, event, NOON, offer } from '../db/floor-records.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';

/** Noon of 20 November in Tokyo. */
const SECOND = 1_000;

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mg-waits-'));
  database = await testDatabase();
  const store = new PgFloorStore(database.pool);
  const lease = await store.claim('a', 'test', 60_000);
  await store.commit(batch(lease?.fence ?? 0, 1, { contacts, events, offers }));
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const contacts: Contact[] = [];
const events: FloorEvent[] = [];
const offers: Offer[] = [];
let serial = 0;

/** One who was told a wait, in seconds, and then waited that long (null: gave up). */
function told(deskId: string, predicted: number, real: number | null, change: Partial<Contact> = {}): string {
  const id = `a-${++serial}`;
  const arrivedAt = change.arrivedAt ?? NOON;
  const from = arrivedAt + 2 * SECOND; // the queue's doing begins when it has waited for a moment
  const connectedAt = real === null ? null : from + real * SECOND;
  contacts.push(
    contact(id, {
      state: 'ended',
      cause: real === null ? 'abandonedInQueue' : 'handled',
      endedAt: (connectedAt ?? from) + 60 * SECOND,
      arrivedAt,
      queuedAt: arrivedAt,
      connectedAt,
      deskId,
      estimatedWaitMs: predicted * SECOND,
      ...change,
    }),
  );
  events.push(event('waitEstimated', { contactId: id, at: from, data: { position: 1, estimatedWaitMs: predicted * SECOND } }));
  return id;
}

// Three calls: 20 s too much, 100 s too little, and right; one gave up, one found an agent at once.
told('dealer-desk', 120, 100);
told('dealer-desk', 200, 300);
told('dealer-desk', 300, 300);
told('dealer-desk', 60, null);
contacts.push(
  contact('a-at-once', {
    state: 'ended',
    cause: 'handled',
    endedAt: NOON,
    connectedAt: NOON,
    deskId: 'dealer-desk',
    estimatedWaitMs: null,
  }),
);
// A callback was given to an agent after 50 s; that it was reached only at the second try is not the queue's doing.
const callback = told('maker-desk', 100, 900, { channel: 'callback', origin: 'queueCallback' });
for (const [n, afterMs] of [52 * SECOND, 800 * SECOND].entries())
  offers.push(
    offer(`${callback}-o${n}`, {
      contactId: callback,
      createdAt: NOON + afterMs,
      state: 'ended',
      outcome: 'completed',
      endedAt: NOON + afterMs,
    }),
  );
// One that its customer moved to the evening says nothing.
const moved = told('maker-desk', 100, 900, { channel: 'callback', origin: 'callMe' });
events.push(event('callbackMoved', { contactId: moved, at: NOON + 10 * SECOND }));
// The day before, and another centre's.
told('agency-desk', 30, 600, { arrivedAt: NOON - 24 * 3_600 * SECOND });

async function run(...argv: string[]): Promise<{ code: number; printed: string }> {
  let printed = '';
  const print = (text: string): void => {
    printed += text;
  };
  const code = await runWaits(argv, { DATA_DIR: folder, DATABASE_URL: database.url, DOMAIN: 'a' }, print, NOON + 3_600 * SECOND);
  return { code, printed };
}

describe('npm run waits', () => {
  it('compares what was predicted with what it was, by desk and in all', async () => {
    const { code, printed } = await run('--from', '2026-11-20', '--to', '2026-11-20', '--json');
    expect(code).toBe(0);
    const answer = JSON.parse(printed);
    expect(answer).toMatchObject({ from: '2026-11-20', to: '2026-11-20', timeZone: 'Asia/Tokyo' });
    const [dealer, maker, all] = answer.desks;
    expect(dealer).toMatchObject({ deskId: 'dealer-desk', name: 'Dealer desk', measured: 3, unanswered: 1, medianErrorMs: 20_000 });
    expect(dealer.meanPredictedMs).toBeCloseTo(620_000 / 3);
    expect(dealer.meanRealMs).toBeCloseTo(700_000 / 3);
    expect(dealer.biasMs).toBeCloseTo(-80_000 / 3);
    expect(dealer.withinShare).toBeCloseTo(2 / 3);
    expect(maker).toMatchObject({ deskId: 'maker-desk', measured: 1, unanswered: 0, meanRealMs: 50_000, biasMs: 50_000, withinShare: 0 });
    expect(all).toMatchObject({ deskId: null, name: null, measured: 4, unanswered: 1, medianErrorMs: 35_000 });
    expect(answer.desks).toHaveLength(3);
  });

  it('prints a table for people', async () => {
    const { printed } = await run();
    expect(printed).toContain('Predicted and real waits, 2026-11-14 to 2026-11-20, Asia/Tokyo');
    const row = (desk: string) =>
      printed
        .split('\n')
        .find((line) => line.trim().startsWith(desk))
        ?.trim()
        .split(/ {2,}/);
    expect(row('desk')).toEqual(['desk', 'contacts', 'predicted', 'real', 'median error', 'bias', 'within', 'open']);
    expect(row('dealer-desk')).toEqual(['dealer-desk', '3', '207 s', '233 s', '20 s', '-27 s', '67 %', '1']);
    expect(row('maker-desk')).toEqual(['maker-desk', '1', '100 s', '50 s', '50 s', '+50 s', '0 %', '0']);
    expect(row('agency-desk')).toEqual(['agency-desk', '1', '30 s', '600 s', '570 s', '-570 s', '0 %', '0']);
    expect(row('all')?.slice(0, 2)).toEqual(['all', '5']);
  });

  it('counts one desk only when asked, in its zone', async () => {
    const { printed } = await run('--desk', 'maker-desk', '--time-zone', 'UTC', '--json');
    expect(JSON.parse(printed)).toMatchObject({
      timeZone: 'UTC',
      desks: [
        { deskId: 'maker-desk', measured: 1 },
        { deskId: null, measured: 1 },
      ],
    });
  });

  it('says so when nothing was predicted', async () => {
    expect(await run('--from', '2026-10-01', '--to', '2026-10-02')).toEqual({
      code: 1,
      printed: 'No wait was predicted from 2026-10-01 to 2026-10-02 (Asia/Tokyo): nobody had to wait, or nobody was there.\n',
    });
    const { code, printed } = await run('--from', '2026-10-01', '--to', '2026-10-02', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(printed)).toMatchObject({ desks: [] });
  });

  it.each([
    [['--from', '2026-13-01'], '--from: "2026-13-01" is no day; right: as 2026-11-23'],
    [['--from', '2026-11-20', '--to', '2026-11-19'], '--to 2026-11-19 is before --from 2026-11-20'],
    [['--desk', 'makers-desk'], 'there is no desk "makers-desk", did you mean maker-desk?'],
    [['--time-zone', 'Japan/Osaka'], '--time-zone: there is no zone "Japan/Osaka"'],
    [['--since', 'x'], "Unknown option '--since'"],
  ])('a wrong call is explained: %j', async (argv, message) => {
    const { code, printed } = await run(...argv);
    expect(code).toBe(2);
    expect(printed).toContain(message);
  });

  it('explains itself', async () => {
    const { code, printed } = await run('--help');
    expect(code).toBe(0);
    for (const option of ['--from', '--to', '--desk', '--time-zone', '--json']) expect(printed).toContain(option);
  });
});
