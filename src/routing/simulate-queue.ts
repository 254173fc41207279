/**
 * A queue played through call by call, from a seed: what the formulas of `erlang.ts` say, found without them. Steady random
 * arrivals, exponential handling times and patience, any number of agents, first come first served.
 *
 * Calls are taken in the order in which they come. In that order it is known when each agent is free, and so whom a call will
 * wait for, and how long; who would have to wait longer than his patience lasts goes, and takes no agent's time.
 */
import { randomNumbers } from '../base/random.ts';

const HOUR_MS = 3_600_000;

export interface QueueSimulation {
  readonly callsPerHour: number;
  readonly ahtMs: number;
  readonly agents: number;
  readonly withinMs: number;
  /** Left out: nobody gives up. */
  readonly patienceMs?: number;
  /** How many to count. A tenth as many come before them, uncounted, so that the empty beginning is forgotten. */
  readonly calls: number;
  /** Any whole number; the same gives the same. */
  readonly seed: number;
}

/** A figure found by simulation. The true one is within two standard errors in 19 of 20 cases. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

/** Named as in `QueueFigures`. */
export interface SimulatedFigures {
  readonly serviceLevel: Estimate;
  readonly waitProbability: Estimate;
  readonly abandonProbability: Estimate;
  readonly asaMs: Estimate;
  readonly meanWaitMs: Estimate;
  readonly occupancy: Estimate;
}

/** Neighbouring calls wait alike, so the noise is judged from batches of them. More batches would be less independent. */
const BATCHES = 32;

/** @throws RangeError when an argument is no such quantity, or a queue from which nobody goes away would grow for ever */
export function simulateQueue(simulation: QueueSimulation): SimulatedFigures {
  check(simulation);
  const { ahtMs, agents, withinMs, calls, seed } = simulation;
  const patienceMs = simulation.patienceMs ?? Number.POSITIVE_INFINITY;
  const betweenMs = HOUR_MS / simulation.callsPerHour;
  const random = randomNumbers(seed);
  const exponential = (mean: number): number => -mean * Math.log1p(-random());
  const free = new FreeTimes(agents);

  const perBatch = Math.ceil(calls / BATCHES);
  const batches: Batch[] = [];
  let now = 0;
  for (let call = -Math.ceil(calls / 10); call < perBatch * BATCHES; call += 1) {
    if (call >= 0 && call % perBatch === 0) batches.push({ ...EMPTY, startMs: now });
    const batch = call < 0 ? undefined : batches.at(-1);
    now += exponential(betweenMs);
    const waitMs = Math.max(0, free.earliest() - now);
    const lastsMs = patienceMs === Number.POSITIVE_INFINITY ? patienceMs : exponential(patienceMs);
    const answered = waitMs <= lastsMs;
    const handlingMs = answered ? exponential(ahtMs) : 0;
    if (answered) free.occupyUntil(now + waitMs + handlingMs);
    if (!batch) continue;
    batch.endMs = now;
    batch.calls += 1;
    batch.waitMs += Math.min(waitMs, lastsMs);
    if (waitMs > 0) batch.waited += 1;
    if (!answered) continue;
    batch.answered += 1;
    batch.answeredWaitMs += waitMs;
    batch.busyMs += handlingMs;
    if (waitMs <= withinMs) batch.inTime += 1;
  }
  const estimate = (top: (batch: Batch) => number, bottom: (batch: Batch) => number): Estimate =>
    ratio(batches.map(top), batches.map(bottom));
  return {
    serviceLevel: estimate(
      (b) => b.inTime,
      (b) => b.calls,
    ),
    waitProbability: estimate(
      (b) => b.waited,
      (b) => b.calls,
    ),
    abandonProbability: estimate(
      (b) => b.calls - b.answered,
      (b) => b.calls,
    ),
    asaMs: estimate(
      (b) => b.answeredWaitMs,
      (b) => b.answered,
    ),
    meanWaitMs: estimate(
      (b) => b.waitMs,
      (b) => b.calls,
    ),
    occupancy: estimate(
      (b) => b.busyMs,
      (b) => agents * (b.endMs - b.startMs),
    ),
  };
}

interface Batch {
  startMs: number;
  endMs: number;
  calls: number;
  waited: number;
  inTime: number;
  answered: number;
  waitMs: number;
  answeredWaitMs: number;
  busyMs: number;
}
const EMPTY: Batch = { startMs: 0, endMs: 0, calls: 0, waited: 0, inTime: 0, answered: 0, waitMs: 0, answeredWaitMs: 0, busyMs: 0 };

/** Sum by sum, with the error of a quotient of two noisy sums (linearised). */
function ratio(tops: readonly number[], bottoms: readonly number[]): Estimate {
  const n = tops.length;
  const bottom = bottoms.reduce((sum, x) => sum + x, 0);
  if (bottom === 0) return { value: 0, standardError: 0 };
  const value = tops.reduce((sum, x) => sum + x, 0) / bottom;
  const squares = tops.reduce((sum, top, i) => sum + (top - value * (bottoms[i] ?? 0)) ** 2, 0);
  return { value, standardError: Math.sqrt((squares * n) / (n - 1)) / bottom };
}

/** When each agent is free next: a binary heap, earliest on top. */
class FreeTimes {
  readonly #heap: Float64Array;

  constructor(agents: number) {
    this.#heap = new Float64Array(agents);
  }

  earliest(): number {
    return this.#heap[0] ?? 0;
  }

  /** The agent who is free first gets a call that lasts until then. */
  occupyUntil(at: number): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      const child = (heap[right] ?? Number.POSITIVE_INFINITY) < (heap[left] ?? Number.POSITIVE_INFINITY) ? right : left;
      const below = heap[child];
      if (below === undefined || below >= at) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = at;
  }
}

function check({ callsPerHour, ahtMs, agents, withinMs, patienceMs, calls, seed }: QueueSimulation): void {
  for (const [name, value] of Object.entries({ callsPerHour, ahtMs, patienceMs: patienceMs ?? 1 })) {
    if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${name}: ${value}; right: a number greater than 0`);
  }
  if (!(withinMs >= 0)) throw new RangeError(`withinMs: ${withinMs}; right: a number, 0 or more`);
  if (!Number.isSafeInteger(agents) || agents < 1) throw new RangeError(`agents: ${agents}; right: a whole number, 1 or more`);
  if (!Number.isSafeInteger(calls) || calls < 1_000) throw new RangeError(`calls: ${calls}; right: a whole number, 1000 or more`);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: ${seed}; right: a whole number`);
  const loadErlangs = (callsPerHour * ahtMs) / HOUR_MS;
  if (patienceMs === undefined && loadErlangs >= agents) {
    throw new RangeError(`agents: ${agents} can't keep up with ${loadErlangs.toFixed(2)} erlangs; right: more agents, or a patienceMs`);
  }
}
