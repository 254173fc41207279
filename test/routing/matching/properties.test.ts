/**
 * Random histories: the engine against the definitions, after every step. What both are told is drawn from small sets, so that
 * everything meets everything: equal times, equal turns, agents that are excluded and preferred at once.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Matching } from '../../../src/routing/matching/matching.ts';
import {
  CHANNELS,
  KINDS,
  type OverflowRule,
  type QueuePolicy,
  type Requirement,
  type Task,
  type Worker,
} from '../../../src/routing/matching/model.ts';
import { policy, T0, task, worker } from './build.ts';
import { compareKeys, Reference } from './reference.ts';

const QUEUES = ['east', 'west', 'reception'] as const;
const AGENTS = ['aoki', 'baba', 'chiba', 'doi', 'endo'] as const;
const TASKS = Array.from({ length: 24 }, (_, i) => `t${i}`);
/** `MATCHING_RUNS=5000 SEED=random` before a change of the engine is believed. */
const RUNS = Number(process.env['MATCHING_RUNS'] ?? 400);

const moment = fc.integer({ min: -40, max: 60 }).map((n) => T0 + n * 10);
const span = fc.integer({ min: 0, max: 30 }).map((n) => n * 10);
const requirement = fc.record<Requirement>({ skill: fc.constantFrom('ja', 'en', 'x'), level: fc.integer({ min: 1, max: 3 }) });
/** Most ask little and know much: or else nobody ever fits. */
const requirements = fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(requirement, { maxLength: 2 }));
const skills = fc.array(requirement, { minLength: 2, maxLength: 5 });

const anyTask = fc
  .record({
    id: fc.constantFrom(...TASKS),
    queueId: fc.constantFrom(...QUEUES),
    kind: fc.constantFrom(...KINDS),
    channel: fc.constantFrom(...CHANNELS),
    priorityClass: fc.integer({ min: 0, max: 2 }),
    arrivedAt: moment,
    serial: fc.integer({ min: 0, max: 2 }),
    queuedAt: moment,
    promisedAt: fc.option(moment),
    requirements,
    rings: fc.array(fc.record({ afterMs: span, requirements }), { maxLength: 2 }),
    preferred: fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      fc.record({ agentId: fc.constantFrom(...AGENTS), until: fc.integer({ min: 0, max: 90 }).map((n) => T0 + n * 10) }),
    ),
    notBefore: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, moment),
    excluded: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.constantFrom(...AGENTS), { maxLength: 2 })),
  })
  .map(({ id, ...rest }): Task => task(id, { ...rest, rings: rest.rings.toSorted((a, b) => a.afterMs - b.afterMs) }));

const amounts = (most: number) =>
  fc.record({
    voice: fc.integer({ min: 0, max: most }),
    chat: fc.integer({ min: 0, max: most }),
    mail: fc.integer({ min: 0, max: most }),
  });
const anyWorker = fc
  .record({
    id: fc.constantFrom(...AGENTS),
    availability: fc.constantFrom('ready' as const, 'ready' as const, 'ready' as const, 'finishing' as const, 'away' as const),
    queues: fc.uniqueArray(fc.record({ queueId: fc.constantFrom(...QUEUES), priority: fc.integer({ min: 1, max: 2 }) }), {
      selector: (q) => q.queueId,
      minLength: 1,
      maxLength: 3,
    }),
    skills,
    capacity: fc.oneof(fc.constant({ voice: 1, chat: 2, mail: 1 }), amounts(2)),
    load: fc.oneof({ weight: 3, arbitrary: fc.constant({ voice: 0, chat: 0, mail: 0 }) }, amounts(1)),
    idleSince: moment,
    lastCallAssignedAt: fc.option(moment),
    busyMs: fc.integer({ min: 0, max: 3 }),
    loggedOnMs: fc.integer({ min: 0, max: 3 }),
    assignments: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ id, ...rest }): Worker => worker(id, rest));

const weight = fc.integer({ min: 0, max: 3 });
const anyPolicy = fc
  .record({
    queueId: fc.constantFrom(...QUEUES),
    discipline: fc.oneof(
      fc.constant({ name: 'one-queue' } as const),
      fc.record({ name: fc.constant('calls-first' as const), idleForCallbacksMs: span }),
    ),
    tieBreak: fc.constantFrom('longestIdle' as const, 'leastOccupied' as const, 'roundRobin' as const),
    weights: fc.record({ call: weight, callback: weight, mail: weight, chat: weight, notice: weight, message: weight }),
    promise: fc.record({ leadMs: span, weight }),
    overflow: fc.array(
      fc.record({ to: fc.constantFrom(...QUEUES), when: fc.constantFrom('afterMs', 'estimatedWaitMs', 'nobody'), ms: span }),
      { maxLength: 3, size: 'max' },
    ),
  })
  .map(({ queueId, overflow, ...rest }): QueuePolicy => {
    const rules = overflow
      .filter(({ to }) => to !== queueId)
      .map(({ to, when, ms }): OverflowRule => {
        if (when === 'afterMs') return { to, when, afterMs: ms };
        return when === 'estimatedWaitMs' ? { to, when, estimatedWaitMs: ms } : { to, when: 'nobody' };
      });
    return policy(queueId, { ...rest, overflow: rules });
  });

type Told =
  | { readonly do: 'add'; readonly task: Task }
  | { readonly do: 'update'; readonly task: Task }
  | { readonly do: 'remove'; readonly id: string }
  | { readonly do: 'worker'; readonly worker: Worker }
  | { readonly do: 'freed'; readonly id: string }
  | { readonly do: 'removeWorker'; readonly id: string }
  | { readonly do: 'policy'; readonly policy: QueuePolicy }
  | { readonly do: 'rate'; readonly queueId: string; readonly perHour: number | null };
type Step = Told | { readonly do: 'time'; readonly ms: number };

const told: fc.Arbitrary<Told> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('add' as const), task: anyTask }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('update' as const), task: anyTask }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), id: fc.constantFrom(...TASKS) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('worker' as const), worker: anyWorker }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('freed' as const), id: fc.constantFrom(...AGENTS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('removeWorker' as const), id: fc.constantFrom(...AGENTS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy' as const), policy: anyPolicy }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rate' as const),
      queueId: fc.constantFrom(...QUEUES),
      perHour: fc.option(fc.integer({ min: 1, max: 9 }).map((n) => n * 20_000)),
    }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: told },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 8 }).map((n) => n * 10) }) },
);

/** Tells both the same. */
function tell(engine: Matching, reference: Reference, what: Told, now: number): void {
  switch (what.do) {
    case 'add':
      if (reference.tasks.has(what.task.id)) expect(() => engine.add(what.task)).toThrow(RangeError);
      else {
        engine.add(what.task);
        reference.tasks.set(what.task.id, what.task);
      }
      return;
    case 'update':
      expect(engine.update(what.task)).toBe(reference.tasks.has(what.task.id));
      if (reference.tasks.has(what.task.id)) reference.tasks.set(what.task.id, what.task);
      return;
    case 'remove':
      expect(engine.remove(what.id)).toBe(reference.tasks.delete(what.id));
      return;
    case 'worker':
      engine.setWorker(what.worker);
      reference.workers.set(what.worker.id, what.worker);
      return;
    case 'freed': {
      const busy = reference.workers.get(what.id);
      if (!busy) return;
      const freed: Worker = { ...busy, availability: 'ready', load: { voice: 0, chat: 0, mail: 0 }, idleSince: now };
      engine.setWorker(freed);
      reference.workers.set(what.id, freed);
      return;
    }
    case 'removeWorker':
      expect(engine.removeWorker(what.id)).toBe(reference.workers.delete(what.id));
      return;
    case 'policy':
      engine.setPolicy(what.policy);
      reference.policies.set(what.policy.queueId, what.policy);
      return;
    case 'rate':
      engine.setCompletionRate(what.queueId, what.perHour);
      if (what.perHour === null) reference.rates.delete(what.queueId);
      else reference.rates.set(what.queueId, what.perHour);
  }
}

function compareOrder(engine: Matching, reference: Reference, now: number): void {
  for (const queueId of QUEUES) {
    const expected = reference.waiting(queueId, now);
    expect([...engine.waiting(queueId, now)].map((t) => t.id)).toEqual(expected.map((t) => t.id));
    expect(engine.waitingCount(queueId)).toBe(expected.length);
    for (const [i, t] of expected.entries()) expect(engine.position(t.id, now)).toBe(i + 1);
  }
  for (const t of reference.tasks.values()) expect(engine.position(t.id, now)).toBe(reference.position(t.id, now));
}

/** What the histories were about: a history in which nothing happens proves nothing. */
const met = { decisions: 0, assigned: 0, several: 0, overflowed: 0, preferred: 0, gated: 0, waiting: 0 };

describe('the matching engine, over random histories', { timeout: 20_000 + 200 * RUNS }, () => {
  it('decides what the definitions say, keeps order and places, and knows when it has to be asked next', () => {
    fc.assert(
      fc.property(
        fc.array(anyWorker, { maxLength: 4 }),
        fc.array(step, { maxLength: 120, size: 'max' }),
        fc.boolean(),
        (staff, steps, decidesOften) => {
          const engine = new Matching();
          const reference = new Reference();
          for (const one of staff) tell(engine, reference, { do: 'worker', worker: one }, T0);
          let now = T0;
          const decide = (): void => {
            const before = reference.copy();
            const made = engine.decide(now);
            expect(made).toEqual(reference.decide(now));
            met.decisions++;
            met.assigned += made.length;
            met.several += made.length > 1 ? 1 : 0;
            met.waiting += reference.tasks.size;
            for (const { taskId, queueId, viaQueueId } of made) {
              const t = before.tasks.get(taskId) as Task;
              if (viaQueueId !== queueId) met.overflowed++;
              if (before.waitsFor(t, now) !== null) met.preferred++;
              if (before.isLater(t)) met.gated++;
            }
            expect(engine.taskCount).toBe(reference.tasks.size);
            // Nothing is left over, and nothing becomes possible before the engine says so.
            expect(engine.decide(now)).toEqual([]);
            const due = engine.nextDue(now);
            if (due !== null) expect(due).toBeGreaterThan(now);
            for (const later of [now + 10, now + 90, (due ?? T0 + 5_000) - 1]) {
              if (later < (due ?? Number.POSITIVE_INFINITY)) expect(reference.copy().decide(later)).toEqual([]);
            }
          };
          for (const one of steps) {
            if (one.do === 'time') {
              now += one.ms;
              compareOrder(engine, reference, now);
              decide();
            } else {
              tell(engine, reference, one, now);
              if (decidesOften) decide();
            }
          }
          compareOrder(engine, reference, now);
          decide();
        },
      ),
      { numRuns: RUNS },
    );
    expect(met.assigned).toBeGreaterThan(met.decisions / 10);
    expect(met.waiting).toBeGreaterThan(met.decisions);
    for (const often of [met.several, met.overflowed, met.preferred, met.gated]) expect(often).toBeGreaterThan(met.decisions / 1_000);
  });

  it('answers the same in whatever order it was told', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyTask, { selector: (t) => t.id, maxLength: 24, size: 'max' }),
        fc.uniqueArray(anyWorker, { selector: (w) => w.id, maxLength: 5, size: 'max' }),
        fc.uniqueArray(anyPolicy, { selector: (p) => p.queueId, maxLength: 3, size: 'max' }),
        fc.infiniteStream(fc.nat()),
        (tasks, workers, policies, numbers) => {
          const shuffled = (): Matching => {
            const engine = new Matching();
            const all = [
              ...tasks.map((t) => () => engine.add(t)),
              ...workers.map((w) => () => engine.setWorker(w)),
              ...policies.map((p) => () => engine.setPolicy(p)),
            ].map((tellIt) => ({ tellIt, at: numbers.next().value as number }));
            for (const { tellIt } of all.sort((a, b) => a.at - b.at)) tellIt();
            return engine;
          };
          const [one, other] = [shuffled(), shuffled()];
          for (const now of [T0, T0 + 100, T0 + 1_000]) expect(one.decide(now)).toEqual(other.decide(now));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('never gives a worker more than it can take, nobody twice, and leaves no eligible pair that would rather have each other', () => {
    fc.assert(
      fc.property(fc.array(anyWorker, { maxLength: 4 }), fc.array(told, { maxLength: 60, size: 'max' }), (staff, steps) => {
        const engine = new Matching();
        const reference = new Reference();
        for (const one of staff) tell(engine, reference, { do: 'worker', worker: one }, T0);
        for (const one of steps) tell(engine, reference, one, T0);
        const before = reference.copy();
        const inForce = before.rulesInForce(T0);
        const made = engine.decide(T0);
        expect(new Set(made.map((m) => m.taskId)).size).toBe(made.length);
        const after = before.copy();
        for (const { taskId, workerId } of made) {
          const t = before.tasks.get(taskId) as Task;
          const w = after.workers.get(workerId) as Worker;
          expect(w.load[t.channel]).toBeLessThan(w.capacity[t.channel]);
          after.tasks.delete(taskId);
          after.workers.set(workerId, {
            ...w,
            load: { ...w.load, [t.channel]: w.load[t.channel] + 1 },
            lastCallAssignedAt: t.kind === 'call' ? Math.max(T0, w.lastCallAssignedAt ?? w.idleSince) : w.lastCallAssignedAt,
          });
        }
        // Work conservation.
        expect(after.pairs(T0, inForce)).toEqual([]);
        // Order: nobody got something while what it wanted more, and could have had, stayed behind.
        const possible = before.pairs(T0, inForce).sort((a, b) => compareKeys(a.key, b.key));
        for (const { taskId, workerId } of made) {
          const own = made.filter((m) => m.workerId === workerId);
          const got = possible.find(
            (p) => p.worker.id === workerId && own.some((m) => m.taskId === p.task.id),
          ) as (typeof possible)[number];
          for (const pair of possible) {
            const isMissedByWorker = pair.worker.id === workerId && after.tasks.has(pair.task.id);
            const isMissedByTask = own.length === 1 && pair.task.id === taskId && !made.some((m) => m.workerId === pair.worker.id);
            if (isMissedByWorker || isMissedByTask) expect(compareKeys(got.key, pair.key)).toBeLessThan(0);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});
