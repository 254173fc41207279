/** A million contacts with every fault, and proof that a broken step would be seen. `npm run simulate` plays more. */
import { describe, expect, it } from 'vitest';
import { type Changes, Floor } from '#src/contact/floor.ts';
import { step } from '#src/contact/step.ts';
import { ALL_FAULTS, Broken, Centre, type CentreOptions, NO_FAULTS } from './centre.ts';

const MILLION = Number(process.env['SIMULATED_CONTACTS'] ?? 1_000_000);
const day = (seed: number, contacts: number, more: Partial<CentreOptions> = {}) =>
  new Centre({ seed, contacts, agents: 60, arrivalEveryMs: 4_000, faults: ALL_FAULTS, checkEvery: 2_000, ...more });

describe('a million contacts with faults', () => {
  it.each([1, 2, 3, 4])(
    'a quarter of them, seed %i: nothing lost, nothing twice, nobody stuck',
    (seed) => {
      const result = day(seed, MILLION / 4).run();
      // The lost arrivals are those who called while no controller was there and hung up before one was.
      expect(result.contacts).toBeGreaterThan((MILLION / 4) * 0.99);
      expect(Object.values(result.endedBy).reduce((a, b) => a + b)).toBe(result.contacts);
      expect(result.restarts).toBeGreaterThan(MILLION / 4 / 2_000);
    },
    1_500_000,
  );

  it('the same seed gives the same day', () => {
    expect(day(7, 2_000).run()).toEqual(day(7, 2_000).run());
  });

  it('without faults, and with agents enough, hardly anybody gives up', () => {
    const { endedBy } = day(5, 3_000, { faults: NO_FAULTS, agents: 300 }).run();
    // Who asks for English, or for the agent who talked with him last, may wait a little for that.
    expect(endedBy['abandonedInQueue'] ?? 0).toBeLessThan(30);
  });
});

describe('a step that is broken on purpose is seen', () => {
  const mutants: Record<string, typeof step> = {
    'timers never ring': (floor, context, input, at) =>
      step(floor, context, input.type === 'tick' ? { type: 'digit', leg: '', digit: '1' } : input, at),
    'a caller who hangs up is not noticed': (floor, context, input, at) =>
      step(floor, context, input.type === 'legEnded' && input.leg.startsWith('in.') ? { type: 'digit', leg: '', digit: '1' } : input, at),
    'a contact ends without a cause': (floor, context, input, at) => {
      const changes = step(floor, context, input, at);
      return {
        ...changes,
        contacts: new Map([...changes.contacts].map(([id, c]) => [id, c.state === 'ended' ? { ...c, cause: null } : c])),
      };
    },
  };
  it.each(Object.entries(mutants))('%s', (_, mutant) => {
    const run = () => day(3, 500, { step: mutant, checkEvery: 50 }).run();
    expect(run).toThrow(Broken);
    expect(run).toThrow(/npm run simulate -- --seed 3 --contacts 500/);
  });

  const floors: Record<string, (changes: Changes) => Changes> = {
    'offers are forgotten': (changes) => ({ ...changes, offers: new Map() }),
    'an agent is not taken by an offer': (changes) => ({
      ...changes,
      agents: new Map(
        [...changes.agents].map(([id, agent]) => [
          id,
          agent.state === 'busy' ? { ...agent, state: 'ready' as const, offerId: null } : agent,
        ]),
      ),
    }),
    'a caller loses the place that the arrival gave': (changes) => ({
      ...changes,
      contacts: new Map([...changes.contacts].map(([id, c]) => [id, c.offers > 0 ? { ...c, arrivedAt: c.stateSince } : c])),
    }),
  };
  it.each(Object.entries(floors))('%s', (_, broken) => {
    class BrokenFloor extends Floor {
      override apply(changes: Changes): void {
        super.apply(broken(changes));
      }
    }
    expect(() => day(3, 2_000, { floor: () => new BrokenFloor('test'), checkEvery: 20 }).run()).toThrow();
  });
});
