import { describe, expect, it } from 'vitest';
import { randomNumbers } from '#src/base/random.ts';
import { agentsFor, erlangA, erlangB, erlangC, type ImpatientLoad, type QueueFigures } from '#src/routing/erlang.ts';
import { type SimulatedFigures, simulateQueue } from '#src/routing/simulate-queue.ts';

const seconds = (n: number): number => n * 1_000;
const minutes = (n: number): number => n * 60_000;

describe('Erlang B', () => {
  // The usual table of offered load for a blocking of 1 % and 5 % (ITU-T E.520 and every textbook of teletraffic).
  it.each([
    [0.0101, 1, 0.01],
    [4.461, 10, 0.01],
    [12.03, 20, 0.01],
    [84.06, 100, 0.01],
    [6.216, 10, 0.05],
    [15.25, 20, 0.05],
  ])('turns away of %d erlangs at %i lines the share that the tables say', (load, lines, share) => {
    expect(erlangB(load, lines)).toBeCloseTo(share, 4);
  });

  it('is right for any number of lines', () => {
    expect(erlangB(3, 0)).toBe(1);
    expect(erlangB(0, 5)).toBe(0);
    // Jagerman's expansion of 1/B where load and lines are the same.
    const c = 100_000;
    expect(1 / erlangB(c, c)).toBeCloseTo(Math.sqrt((Math.PI * c) / 2) + 2 / 3 + Math.sqrt((2 * Math.PI) / c) / 24, 4);
    expect(erlangB(10, 2_000)).toBe(0);
  });
});

describe('Erlang C agrees with published examples', () => {
  it('the worked example of "The Erlang-C formula" (mitan.co.uk): 360 calls of 4 minutes in half an hour, 55 agents', () => {
    const figures = erlangC({ callsPerHour: 720, ahtMs: minutes(4), agents: 55, withinMs: seconds(15) });
    expect(figures.loadErlangs).toBe(48);
    expect(figures.occupancy).toBeCloseTo(0.873, 3);
    expect(figures.waitProbability).toBeCloseTo(0.239, 3);
    expect(figures.asaMs / 1_000).toBeCloseTo(8.2, 1);
    expect(figures.serviceLevel).toBeCloseTo(0.846, 3);
  });

  it('Call Centre Helper, "Erlang C formula made simple": 100 calls of 3 minutes in half an hour, 80/20, 30 % shrinkage', () => {
    const found = agentsFor({
      callsPerInterval: 100,
      intervalMs: minutes(30),
      ahtMs: minutes(3),
      target: { share: 0.8, withinMs: seconds(20) },
      shrinkage: 0.3,
    });
    expect(found).toMatchObject({ formula: 'Erlang C', agents: 14, scheduled: 20 });
    expect(found.waitProbability).toBeCloseTo(0.174, 3);
    expect(found.serviceLevel).toBeCloseTo(0.888, 3);
    expect(found.asaMs / 1_000).toBeCloseTo(7.8, 1);
    expect(found.occupancy).toBeCloseTo(0.714, 3);
  });

  it('one agent is the M/M/1 queue, by formula', () => {
    const figures = erlangC({ callsPerHour: 15, ahtMs: minutes(3), agents: 1, withinMs: 0 });
    expect(figures.waitProbability).toBeCloseTo(0.75, 12);
    expect(figures.serviceLevel).toBeCloseTo(0.25, 12);
    expect(figures.asaMs).toBeCloseTo(minutes(9), 6);
    expect(figures.meanQueueLength).toBeCloseTo(2.25, 12);
  });
});

describe('Erlang A', () => {
  it('agrees with the example of Mandelbaum and Zeltyn 2007: 50 agents, 48 calls a minute of a minute, patience 2 minutes', () => {
    const load = { callsPerHour: 48 * 60, ahtMs: minutes(1), agents: 50, withinMs: seconds(20) };
    const [patient, impatient] = [erlangC(load), erlangA({ ...load, patienceMs: minutes(2) })];
    expect(patient.asaMs / 1_000).toBeCloseTo(20.8, 1);
    expect(patient.meanQueueLength).toBeCloseTo(17, 0);
    expect(impatient.abandonProbability).toBeCloseTo(0.031, 3);
    expect(impatient.meanWaitMs / 1_000).toBeCloseTo(3.7, 1);
    expect(impatient.meanQueueLength).toBeCloseTo(3, 0);
    expect(impatient.occupancy).toBeCloseTo(0.93, 2);
  });

  const everyLoad = [1, 2, 7, 30, 250, 2_000].flatMap((agents) =>
    [0.05, 0.5, 0.9, 1, 1.1, 2, 5].flatMap((rho) =>
      [0.01, 0.2, 1, 20].map((patience): ImpatientLoad => {
        const ahtMs = minutes(3);
        return { callsPerHour: 20 * rho * agents, ahtMs, agents, withinMs: seconds(20), patienceMs: patience * ahtMs };
      }),
    ),
  );

  it('is what the balance of the birth–death process says, from one agent to thousands, from idle to flooded', () => {
    for (const load of everyLoad) {
      const [found, balance] = [erlangA(load), birthDeath(load)];
      for (const name of ['waitProbability', 'abandonProbability', 'occupancy', 'meanQueueLength'] as const) {
        // Below this only the difference counts: nobody minds one call in 10^30.
        const tolerance = 1e-9 * balance[name] + 1e-30;
        expect(Math.abs(found[name] - balance[name]), `${name} of ${JSON.stringify(load)}`).toBeLessThanOrEqual(tolerance);
      }
    }
  });

  it('hangs together: at once is who did not wait, at last is who did not give up, and all waits are of the two together', () => {
    for (const load of everyLoad) {
      const about = JSON.stringify(load);
      const atOnce = erlangA({ ...load, withinMs: 0 });
      expect(atOnce.serviceLevel, about).toBeCloseTo(1 - atOnce.waitProbability, 10);
      const atLast = erlangA({ ...load, withinMs: 1e12 });
      expect(atLast.serviceLevel, about).toBeCloseTo(1 - atLast.abandonProbability, 10);
      const [sooner, later] = [5, 60].map((s) => erlangA({ ...load, withinMs: seconds(s) }).serviceLevel);
      expect(later, about).toBeGreaterThanOrEqual(sooner! - 1e-12);
      for (const share of [sooner, later]) expect(share, about).toBeLessThanOrEqual(1);
    }
  });

  it('becomes Erlang C when patience has no end, and Erlang B when there is none', () => {
    const load = { callsPerHour: 380, ahtMs: minutes(3), agents: 20, withinMs: seconds(20) };
    const [patient, endless] = [erlangC(load), erlangA({ ...load, patienceMs: 1e13 })];
    for (const name of ['serviceLevel', 'waitProbability', 'occupancy'] as const) expect(endless[name]).toBeCloseTo(patient[name], 4);
    expect(endless.asaMs / patient.asaMs).toBeCloseTo(1, 4);
    expect(erlangA({ ...load, patienceMs: 0.001 }).abandonProbability).toBeCloseTo(erlangB(19, 20), 6);
  });
});

/** The stationary distribution of M/M/c+M, walked through state by state in logarithms: the slow and plain way. */
function birthDeath({ callsPerHour, ahtMs, agents, patienceMs }: ImpatientLoad) {
  const lambda = callsPerHour / 3_600_000;
  const logs = [0];
  const inQueue: number[] = [];
  for (let state = 1; ; state += 1) {
    const leave = Math.min(state, agents) / ahtMs + Math.max(0, state - agents) / patienceMs;
    const log = logs[state - 1]! + Math.log(lambda / leave);
    logs.push(log);
    if (state >= agents) inQueue.push(log);
    // Past the peak of the queue, and nothing to be added to it any more.
    if (state > agents && lambda < leave && log < inQueue.reduce((a, b) => Math.max(a, b), -Infinity) - 60) break;
  }
  const peak = logs.reduce((a, b) => Math.max(a, b));
  const weights = logs.map((log) => Math.exp(log - peak));
  const mean = (of: (state: number) => number): number =>
    weights.reduce((s, w, state) => s + w * of(state), 0) / weights.reduce((s, w) => s + w, 0);
  const meanQueueLength = mean((state) => Math.max(0, state - agents));
  return {
    meanQueueLength,
    waitProbability: mean((state) => (state >= agents ? 1 : 0)),
    abandonProbability: meanQueueLength / patienceMs / lambda,
    occupancy: mean((state) => Math.min(state, agents)) / agents,
  };
}

describe('a simulated queue says the same as the formula', () => {
  // Fixed seeds, so this passes or fails once and for all. Four standard errors: one of 16,000 figures lies further away.
  const NOISE = 4;
  function agree(figures: QueueFigures, simulated: SimulatedFigures): void {
    for (const name of ['serviceLevel', 'waitProbability', 'abandonProbability', 'asaMs', 'meanWaitMs', 'occupancy'] as const) {
      const { value, standardError } = simulated[name];
      const about = `${name}: formula ${figures[name]}, simulated ${value} ± ${standardError}`;
      expect(Math.abs(value - figures[name]), about).toBeLessThanOrEqual(NOISE * standardError + 1e-12);
    }
    // Nor is the noise so wide that anything would agree.
    expect(simulated.serviceLevel.standardError).toBeLessThan(0.03);
  }

  it.each([
    [1, 0.5, 200_000],
    [1, 0.9, 400_000],
    [3, 0.8, 200_000],
    [10, 0.7, 200_000],
    [10, 0.95, 400_000],
    [40, 0.9, 200_000],
    [100, 0.95, 400_000],
  ])('Erlang C: %i agents, %d busy', (agents, rho, calls) => {
    const load = { callsPerHour: 20 * rho * agents, ahtMs: minutes(3), agents, withinMs: seconds(20) };
    agree(erlangC(load), simulateQueue({ ...load, calls, seed: 7 }));
  });

  it.each([
    [1, 0.5, 120],
    [1, 2, 30],
    [5, 0.9, 60],
    [20, 1, 120],
    [50, 0.96, 120],
    [100, 1.2, 300],
  ])('Erlang A: %i agents, load %d, patience %i s', (agents, rho, patience) => {
    const load = { callsPerHour: 20 * rho * agents, ahtMs: minutes(3), agents, withinMs: seconds(20), patienceMs: seconds(patience) };
    agree(erlangA(load), simulateQueue({ ...load, calls: 200_000, seed: 11 }));
  });

  it('is precise enough to tell a wrong formula: one agent more is seen', () => {
    const load = { callsPerHour: 180, ahtMs: minutes(3), agents: 10, withinMs: seconds(20) };
    const simulated = simulateQueue({ ...load, calls: 200_000, seed: 3 });
    expect(() => agree(erlangC({ ...load, agents: 11 }), simulated)).toThrow(/formula/);
  });

  it('the same seed plays the same calls, another seed others', () => {
    const load = { callsPerHour: 180, ahtMs: minutes(3), agents: 10, withinMs: seconds(20), calls: 2_000 };
    expect(simulateQueue({ ...load, seed: 1 })).toEqual(simulateQueue({ ...load, seed: 1 }));
    expect(simulateQueue({ ...load, seed: 1 })).not.toEqual(simulateQueue({ ...load, seed: 2 }));
    expect(simulateQueue({ ...load, seed: 1 })).not.toEqual(simulateQueue({ ...load, seed: 1 + 2 ** 32 }));
  });

  it('draws numbers evenly, without a pattern from one to the next', () => {
    const random = randomNumbers(42);
    const n = 200_000;
    const cells = new Array<number>(100).fill(0);
    let before = random();
    for (let i = 0; i < n; i += 1) {
      const next = random();
      const cell = Math.floor(before * 10) * 10 + Math.floor(next * 10);
      cells[cell] = cells[cell]! + 1;
      before = next;
    }
    const chiSquare = cells.reduce((sum, seen) => sum + (seen - n / 100) ** 2 / (n / 100), 0);
    expect(chiSquare).toBeGreaterThan(60);
    expect(chiSquare).toBeLessThan(150); // 99 degrees of freedom: 1 of 1000 lies above 149
  });
});

describe('agents for a target', () => {
  const ask = { intervalMs: minutes(30), ahtMs: minutes(4), target: { share: 0.8, withinMs: seconds(20) } };

  it('are the fewest that meet it', () => {
    for (const patienceMs of [undefined, minutes(1), minutes(5)]) {
      for (const callsPerInterval of [0.05, 1, 10, 73.5, 400, 3_000]) {
        const question = { ...ask, callsPerInterval, ...(patienceMs === undefined ? {} : { patienceMs }) };
        const found = agentsFor(question);
        expect(found.serviceLevel).toBeGreaterThanOrEqual(0.8);
        const fewer = { callsPerHour: 2 * callsPerInterval, ahtMs: ask.ahtMs, agents: found.agents - 1, withinMs: seconds(20) };
        if (patienceMs === undefined) {
          const level = fewer.agents > found.loadErlangs ? erlangC(fewer).serviceLevel : 0;
          expect(level).toBeLessThan(0.8);
        } else if (fewer.agents > 0) expect(erlangA({ ...fewer, patienceMs }).serviceLevel).toBeLessThan(0.8);
      }
    }
  });

  it('are fewer with callers who give up, and more when they may not be busy all the time', () => {
    const patient = agentsFor({ ...ask, callsPerInterval: 200 });
    const impatient = agentsFor({ ...ask, callsPerInterval: 200, patienceMs: minutes(2) });
    expect(impatient.agents).toBeLessThan(patient.agents);
    const rested = agentsFor({ ...ask, callsPerInterval: 200, maxOccupancy: 0.7 });
    expect(rested.agents).toBeGreaterThan(patient.agents);
    expect(rested.occupancy).toBeLessThanOrEqual(0.7);
  });

  it('are none without calls', () => {
    expect(agentsFor({ ...ask, callsPerInterval: 0, patienceMs: minutes(2), shrinkage: 0.3 })).toMatchObject({
      agents: 0,
      scheduled: 0,
      serviceLevel: 1,
      asaMs: 0,
    });
  });

  it('on the roster are not one too many for a rounding', () => {
    // 21 / 0.7 is 30.000000000000004 in a computer.
    for (let agents = 7; agents <= 70; agents += 7) {
      const target = { share: 1e-9, withinMs: 0 };
      const found = agentsFor({ callsPerInterval: agents - 0.5, intervalMs: 1_000, ahtMs: 1_000, target, shrinkage: 0.3 });
      expect([found.agents, found.scheduled]).toEqual([agents, (agents / 7) * 10]);
    }
  });

  it.each([
    [{ callsPerInterval: -1 }, /callsPerInterval: -1; right: a number, 0 or more/],
    [{ callsPerInterval: Number.NaN }, /callsPerInterval: NaN/],
    [{ intervalMs: 0 }, /intervalMs: 0; right: a number greater than 0/],
    [{ ahtMs: Number.POSITIVE_INFINITY }, /ahtMs: Infinity/],
    [{ target: { share: 1, withinMs: 1 } }, /target.share: 1; right: more than 0 and less than 1/],
    [{ target: { share: 80, withinMs: 1 } }, /target.share: 80/],
    [{ target: { share: 0.8, withinMs: -1 } }, /target.withinMs: -1/],
    [{ patienceMs: 0 }, /patienceMs: 0/],
    [{ maxOccupancy: 1.5 }, /maxOccupancy: 1.5/],
    [{ shrinkage: 1 }, /shrinkage: 1; right: from 0 to less than 1/],
  ])('says what is right instead of %o', (wrong, message) => {
    const attempt = () => agentsFor({ ...ask, callsPerInterval: 10, ...wrong });
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(message);
  });

  it('says how many agents would keep up', () => {
    expect(() => erlangC({ callsPerHour: 200, ahtMs: minutes(3), agents: 10, withinMs: 0 })).toThrow(/10\.00 erlangs.*at least 11/);
    expect(() => erlangC({ callsPerHour: 200, ahtMs: minutes(3), agents: 11.5, withinMs: 0 })).toThrow(
      /agents: 11.5; right: a whole number/,
    );
    expect(() => simulateQueue({ callsPerHour: 200, ahtMs: minutes(3), agents: 10, withinMs: 0, calls: 1_000, seed: 1 })).toThrow(
      /can't keep up/,
    );
  });
});
