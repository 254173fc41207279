/** The benches, in small: that they run, and that what they report is complete. How fast anything is, is no matter of tests. */
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { durable } from '../../bench/durable.ts';
import { growth } from '../../bench/growth.ts';
import { sippMissing } from '../../bench/ivr/crowd.ts';
import { ivr } from '../../bench/ivr.ts';
import { ivrPaths } from '../../bench/ivr-paths.ts';
import { memory } from '../../bench/memory.ts';
import { recover } from '../../bench/recovery.ts';
import { readFolder } from '../../src/scenario-folder.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

const databases: FreshDatabase[] = [];
const database = async (): Promise<string> => {
  const fresh = await freshDatabase();
  databases.push(fresh);
  return fresh.url;
};
afterEach(async () => {
  for (const fresh of databases.splice(0)) await fresh.drop();
});

describe('the bench of durable contacts', { timeout: 120_000 }, () => {
  it('takes every call and every job to its end, on all three sides, and leaves no order', async () => {
    const { throughput, openLoop, stored } = await durable(await database(), { contacts: 30, agents: 5, seconds: 1, rate: 20 });
    expect(throughput.map(({ who, how, done }) => `${who}, ${how}: ${done}`)).toEqual([
      'Madoguchi, whole life of a call: 30',
      'graphile-worker, bare, one at a time: 30',
      'pg-boss, bare, one at a time: 30',
      'graphile-worker, bare, batched: 30',
      'pg-boss, bare, batched: 30',
      "graphile-worker, with a contact's facts: 30",
      "pg-boss, with a contact's facts: 30",
    ]);
    for (const { perSecond } of throughput) expect(perSecond).toBeGreaterThan(0);
    expect(openLoop.offered).toBeGreaterThan(0);
    expect(openLoop.p99Ms).toBeGreaterThanOrEqual(openLoop.medianMs);
    expect(stored).toMatchObject({ contacts: 30 + openLoop.offered, ended: 30 + openLoop.offered, orders: 0 });
    expect(stored.events).toBeGreaterThan(10 * stored.contacts);
  });
});

describe('the bench of recovery', { timeout: 120_000 }, () => {
  it('kills a real owner, and the next one has the same floor and offers', async () => {
    const found = await recover(await database(), { waiting: 20, connected: 5, leaseMs: 1_000 });
    expect(found).toMatchObject({ waiting: 20, connected: 5 });
    expect(found.startedMs).toBeGreaterThan(0);
    expect(found.offeredMs).toBeGreaterThanOrEqual(found.startedMs);
  });
});

describe('the bench of growth', { timeout: 120_000 }, () => {
  it('times every step of a call and every look-up, before and after', async () => {
    const { events, customers, steps } = await growth(await database(), await database(), { rows: 3_400, calls: 10, perDay: 50 });
    expect({ events, customers }).toEqual({ events: 3_400, customers: 34 });
    expect(steps.map(({ step }) => step)).toEqual(
      expect.arrayContaining([
        'commit: contactArrived',
        'commit: wrapUpCompleted',
        'party by number',
        'customer view',
        'arrivals of a day',
      ]),
    );
    for (const { step, firstDayMs, grownMs } of steps) expect(Math.min(firstDayMs, grownMs), step).toBeGreaterThan(0);
  });
});

describe('the bench of memory', { timeout: 120_000 }, () => {
  it('weighs who waits and who works, grown and loaded', () => {
    const found = memory({ waiting: 2_000, agents: 500 });
    expect(found.map(({ how }) => how)).toEqual([
      'grown by steps',
      'loaded from tables',
      'records alone, as objects',
      'records alone, as JSON',
    ]);
    for (const { how, bytesPerWaiting, bytesPerAgent } of found) {
      expect(bytesPerWaiting, how).toBeGreaterThan(0);
      expect(bytesPerAgent, how).toBeGreaterThan(0);
    }
  });
});

describe('the bench of the IVR', { timeout: 300_000 }, () => {
  // SIPp needs a raw socket for its digits; `npm test` installs it, and says so when it can't.
  const missing = process.getuid?.() === 0 ? null : sippMissing();
  it.skipIf(missing)(
    `has callers of SIPp and of its own in a scenario and in the dialplan, in turns${missing ? ` (${missing})` : ''}`,
    async () => {
      const pauseMs = { least: 500, most: 1_500 };
      const found = await ivr({ callers: 20, listeners: 5, seconds: 4, rounds: 1, perSecond: 10, trace: true, pauseMs });
      expect(found.sides.map(({ who }) => who)).toEqual(['scenario', 'dialplan']);
      for (const { who, all, intoPrompt, inSilence, callersAtOnce, cpu } of found.sides) {
        expect(all.keys, who).toBe(intoPrompt.keys + inSilence.keys);
        expect(all.p50Ms, who).toBeGreaterThan(0);
        expect(all.p99Ms, who).toBeGreaterThanOrEqual(all.p50Ms);
        expect(callersAtOnce, who).toBeGreaterThan(0);
        expect(cpu.asterisk, who).toBeGreaterThan(0);
      }
      expect(found.sides[0]?.keysPerSecond).toBeGreaterThan(0);
      expect(found.perCall.asteriskBytes).not.toBeNaN();
      expect(found.way.map(({ keys }) => keys).every((keys) => keys > 0)).toBe(true);
    },
  );

  it('goes every way through the shipped scenarios, and every one ends', async () => {
    const { 'control-logic.yaml': _logic, ...scenarios } = (await readFolder(path.join(import.meta.dirname, '../../scenarios'))) ?? {};
    const rows = ivrPaths(scenarios, 0.1);
    expect(rows.map(({ scenario, what }) => `${scenario}: ${what}`)).toEqual(
      expect.arrayContaining(['identify: tests', 'identify: walks']),
    );
    for (const { scenario, what, failed, perSecond } of rows) {
      expect(failed, `${scenario}: ${what}`).toBe(0);
      expect(perSecond).toBeGreaterThan(0);
    }
    expect(Object.keys(rows.find(({ what }) => what === 'walks')?.ends ?? {}).length).toBeGreaterThan(1);
  });
});
