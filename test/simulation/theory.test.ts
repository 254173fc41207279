/** The floor as it is, against queueing theory: what Erlang's formulas say of a desk, the floor does, within the noise of chance. */
import { describe, expect, it } from 'vitest';
import { erlangA, erlangC } from '#src/routing/erlang.ts';
import { playSteadyDesk, type Served, type SteadyDesk } from './steady-desk.ts';

const DAYS = 12;
const CALLS = 4_000;
const WITHIN_MS = 20_000;
const PATIENT = Number.POSITIVE_INFINITY;

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const figuresOf = (served: readonly Served[]) => ({
  waitProbability: mean(served.map((s) => Number(s.waitMs > 0))),
  serviceLevel: mean(served.map((s) => Number(s.answered && s.waitMs <= WITHIN_MS))),
  asaMs: mean(served.filter((s) => s.answered).map((s) => s.waitMs)),
  abandonProbability: mean(served.map((s) => Number(!s.answered))),
});

/** Days with other seeds: their mean, and how far chance alone may carry it (the standard error). Long queues make neighbours alike. */
function daysOf(desk: Omit<SteadyDesk, 'seed' | 'calls'>) {
  const days = Array.from({ length: DAYS }, (_, seed) => figuresOf(playSteadyDesk({ ...desk, seed, calls: CALLS })));
  return (figure: keyof ReturnType<typeof figuresOf>): { readonly value: number; readonly standardError: number } => {
    const values = days.map((day) => day[figure]);
    const value = mean(values);
    return { value, standardError: Math.sqrt(mean(values.map((v) => (v - value) ** 2)) / (DAYS - 1)) };
  };
}

describe('a desk of the floor', () => {
  it.each([
    { agents: 1, callsPerHour: 14, ahtMs: 180_000 },
    { agents: 10, callsPerHour: 170, ahtMs: 180_000 },
    { agents: 30, callsPerHour: 500, ahtMs: 180_000 },
  ])('of $agents agents and $callsPerHour patient callers an hour answers as Erlang C says', (load) => {
    const seen = daysOf({ ...load, patienceMs: PATIENT });
    const expected = erlangC({ ...load, withinMs: WITHIN_MS });
    for (const figure of ['waitProbability', 'serviceLevel', 'asaMs'] as const) {
      const { value, standardError } = seen(figure);
      expect(Math.abs(value - expected[figure]), `${figure} ${value}`).toBeLessThan(4 * standardError);
      expect(standardError, `noise of ${figure}`).toBeLessThan(0.25 * expected[figure]);
    }
  });

  it.each([
    { agents: 10, callsPerHour: 240, ahtMs: 180_000, patienceMs: 120_000 },
    { agents: 25, callsPerHour: 500, ahtMs: 180_000, patienceMs: 60_000 },
  ])('of $agents agents and $callsPerHour impatient callers an hour answers and loses as Erlang A says', (load) => {
    const seen = daysOf(load);
    const expected = erlangA({ ...load, withinMs: WITHIN_MS });
    for (const figure of ['waitProbability', 'serviceLevel', 'asaMs', 'abandonProbability'] as const) {
      const { value, standardError } = seen(figure);
      expect(Math.abs(value - expected[figure]), `${figure} ${value}`).toBeLessThan(4 * standardError);
      expect(standardError, `noise of ${figure}`).toBeLessThan(0.25 * expected[figure]);
    }
  });

  it('tells those who wait how long it will be, and is right on average', () => {
    const served = playSteadyDesk({ seed: 7, calls: 20_000, agents: 10, callsPerHour: 185, ahtMs: 180_000, patienceMs: PATIENT });
    const told = served.filter((s) => s.estimatedMs !== null);
    expect(told.length).toBeGreaterThan(5_000);
    const predicted = mean(told.map((s) => s.estimatedMs as number));
    const real = mean(told.map((s) => s.waitMs));
    expect(predicted / real).toBeGreaterThan(0.9);
    expect(predicted / real).toBeLessThan(1.1);
    // One who is told a long wait waits long: the estimate orders callers as their waits do, on the whole.
    const byEstimate = told.toSorted((a, b) => (a.estimatedMs as number) - (b.estimatedMs as number));
    const quarter = Math.floor(told.length / 4);
    expect(mean(byEstimate.slice(-quarter).map((s) => s.waitMs))).toBeGreaterThan(
      3 * mean(byEstimate.slice(0, quarter).map((s) => s.waitMs)),
    );
  });
});
