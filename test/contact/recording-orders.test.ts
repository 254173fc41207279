/** What becomes of a recording: from the switch into the database, once, whoever owns the domain and whatever is away meanwhile. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LegId } from '#src/base/ids.ts';
import { pcmWav } from '#src/base/wav.ts';
import type { FloorInput, Order, OrderBody } from '#src/contact/model.ts';
import { OrderRunner } from '#src/contact/orders.ts';
import type { KeptRecording, RecordingStore } from '#src/contact/ports.ts';
import { MemorySwitch } from '#src/cti/memory/switch.ts';

const SAID = pcmWav(Buffer.alloc(16_000 * 2, 7)); // two seconds

class Shelf implements RecordingStore {
  readonly kept = new Map<string, KeptRecording>();
  /** Told before each attempt; may throw. */
  before: () => void = () => undefined;
  attempts = 0;

  async keep(_domainId: string, recording: string, contactId: string, wav: Buffer, durationMs: number): Promise<void> {
    this.attempts += 1;
    this.before();
    if (!this.kept.has(recording)) this.kept.set(recording, { contactId, recordedAt: 0, durationMs, wav });
  }
  async read(_domainId: string, recording: string): Promise<KeptRecording | null> {
    return this.kept.get(recording) ?? null;
  }
}

let sw: MemorySwitch;
let shelf: Shelf;
let reported: FloorInput[];
let warned: string[];
const owners: OrderRunner[] = [];
beforeEach(async () => {
  sw = new MemorySwitch();
  shelf = new Shelf();
  reported = [];
  warned = [];
  await sw.connect((event) => {
    if (event.type === 'recordFinished') reported.push(event);
  });
});
afterEach(() => {
  for (const owner of owners.splice(0)) owner.close();
});

/** An owner of the domain, and which of its orders are done. */
function owner(port = sw): { readonly runner: OrderRunner; readonly done: string[] } {
  const done: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warned.push(line) });
  const runner = new OrderRunner({
    domainId: 'test',
    switch: port,
    prompts: { media: async () => ['tone:prompt'] },
    find: async () => null,
    services: null,
    recordings: shelf,
    report: (input) => reported.push(input),
    isOurs: () => true,
    done: (id) => done.push(id),
    log,
  });
  owners.push(runner);
  return { runner, done };
}

let lastOrder = 0;
function order(contactId: string, body: OrderBody): Order {
  lastOrder += 1;
  return { id: `1.${lastOrder}`, contactId, ...body };
}
const keep = (recording: string): Order => order('test-2', { type: 'keepRecording', contactId: 'test-2', recording });
const record = (leg: LegId, recording: string): Order =>
  order('test-1', { type: 'record', leg, recording, longestMs: 60_000, silenceMs: 0, beep: true });

/** A caller who has said something, and hung up. */
async function recorded(recording: string): Promise<void> {
  const leg = sw.arrive({ calledNumber: '1000' });
  await sw.answer(leg);
  await sw.record(leg, recording, { longestMs: 60_000, silenceMs: 0, beep: false });
  sw.speak(leg, SAID);
  sw.hangUpByParty(leg);
}

/** The switch as one sees it who is gone after so many more answers of it: as a process that is killed. */
function until(answers: number): MemorySwitch {
  let left = answers;
  return new Proxy(sw, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        const answer: unknown = await value.apply(target, args);
        left -= 1;
        return left < 0 ? new Promise(() => undefined) : answer;
      };
    },
  });
}

describe('what a party says', () => {
  it('is recorded from one order to the other, between the contact’s other orders', async () => {
    const { runner, done } = owner();
    const leg = sw.arrive({ calledNumber: '1000' });
    const orders = [order('test-1', { type: 'answer', leg }), record(leg, 'test-1.r1')];
    runner.run(orders);
    await vi.waitFor(() => expect(done).toEqual(orders.map(({ id }) => id)));
    sw.speak(leg, SAID);
    runner.run([order('test-1', { type: 'stopRecord', leg, recording: 'test-1.r1' })]);
    await vi.waitFor(() =>
      expect(reported).toEqual([{ type: 'recordFinished', leg, recording: 'test-1.r1', durationMs: 2_000, outcome: 'completed' }]),
    );
  });

  it('that can not be recorded holds nobody up: it is told as failed', async () => {
    const { runner, done } = owner();
    const leg = sw.arrive({ calledNumber: '1000' });
    const refused = record(leg, 'test-1.r1'); // not answered
    runner.run([refused]);
    await vi.waitFor(() => expect(done).toEqual([refused.id]));
    expect(reported).toEqual([{ type: 'recordFinished', leg, recording: 'test-1.r1', durationMs: 0, outcome: 'failed' }]);
  });

  it('can not be recorded of one who is gone: that is told', async () => {
    const { runner, done } = owner();
    const late = record('never', 'test-1.r1');
    runner.run([late]);
    await vi.waitFor(() => expect(done).toEqual([late.id]));
    expect(reported).toEqual([{ type: 'legEnded', leg: 'never', cause: 'unknown' }]);
  });
});

describe('a recording that is to be kept', () => {
  it('is fetched, stored and dropped at the switch', async () => {
    await recorded('test-1.r1');
    const { runner, done } = owner();
    const keeping = keep('test-1.r1');
    runner.run([keeping]);
    await vi.waitFor(() => expect(done).toEqual([keeping.id]));
    expect(shelf.kept.get('test-1.r1')).toMatchObject({ contactId: 'test-2', durationMs: 2_000 });
    expect(shelf.kept.get('test-1.r1')?.wav.equals(SAID)).toBe(true);
    expect(sw.recordings).toEqual([]);
  });

  it('is kept when the switch and the database are back, and holds nothing else of the contact up', async () => {
    await recorded('test-1.r1');
    const { runner, done } = owner();
    let fails = 3;
    shelf.before = () => {
      fails -= 1;
      if (fails >= 0) throw new Error('the database is away');
      sw.loseConnection(); // and now the switch: it is dropped later
    };
    const leg = sw.arrive({ calledNumber: '1000' });
    const [keeping, other] = [keep('test-1.r1'), order('test-2', { type: 'answer', leg })];
    runner.run([keeping, other]);
    await vi.waitFor(() => expect(done).toEqual([other.id]));
    expect(sw.recordings).toEqual(['test-1.r1']);
    await vi.waitFor(() => expect(shelf.kept.size).toBe(1), 10_000);
    shelf.before = () => undefined;
    sw.restoreConnection();
    await vi.waitFor(() => expect(done).toEqual([other.id, keeping.id]), 10_000);
    expect(sw.recordings).toEqual([]);
    expect(warned.join()).toContain('order is tried again');
  });

  it.each([
    ['fetched it', 0],
    ['stored it', 1],
    ['dropped it', 2],
  ])('is kept once by the next owner, when the first was gone before it %s', async (_when, answers) => {
    await recorded('test-1.r1');
    const keeping = keep('test-1.r1');
    const first = owner(until(answers));
    first.runner.run([keeping]);
    await vi.waitFor(() => expect(shelf.attempts).toBe(Math.min(answers, 1)));
    await vi.waitFor(() => expect(sw.recordings).toHaveLength(answers === 0 ? 1 : 0));
    first.runner.close();
    expect(first.done).toEqual(answers === 2 ? [keeping.id] : []);
    const next = owner();
    next.runner.run([keeping]); // it was not noted as done
    await vi.waitFor(() => expect(next.done).toEqual([keeping.id]));
    expect([...shelf.kept.keys()]).toEqual(['test-1.r1']);
    expect(sw.recordings).toEqual([]);
    expect(warned).toEqual([]);
  });

  it('is given up, with a word in the log, when nobody has it any more', async () => {
    const { runner, done } = owner();
    const keeping = keep('test-1.r1');
    runner.run([keeping]);
    await vi.waitFor(() => expect(done).toEqual([keeping.id]));
    expect(shelf.kept.size).toBe(0);
    expect(warned.join()).toContain('order not carried out');
  });

  it('and one that nobody wants is dropped at the switch when it is there again', async () => {
    await recorded('test-1.r1');
    sw.loseConnection();
    const { runner, done } = owner();
    const dropping = order('test-1', { type: 'dropRecording', recording: 'test-1.r1' });
    runner.run([dropping]);
    sw.restoreConnection();
    await vi.waitFor(() => expect(done).toEqual([dropping.id]));
    expect(sw.recordings).toEqual([]);
  });
});
