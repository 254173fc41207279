import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ById } from '../../../src/routing/matching/by-id.ts';

const IDS = Array.from({ length: 420 }, (_, i) => `contact-${i}`);

describe('things by their id', () => {
  it('are the same as in a map after any additions and deletions', () => {
    const operation = fc.record({ isAdded: fc.boolean(), from: fc.nat(300), n: fc.nat(120) });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30, size: 'max' }), (operations) => {
        const things = new ById<{ readonly id: string }>();
        const model = new Map<string, { readonly id: string }>();
        for (const { isAdded, from, n } of operations) {
          for (let i = from; i < from + n; i++) {
            const id = IDS[i] as string;
            if (!isAdded) {
              things.delete(id);
              model.delete(id);
            } else if (!model.has(id)) {
              const thing = { id };
              things.add(thing);
              model.set(id, thing);
            }
          }
          expect(things.size).toBe(model.size);
          expect(IDS.every((id) => things.get(id) === (model.get(id) ?? null))).toBe(true);
          expect([...things].every((thing) => model.get(thing.id) === thing)).toBe(true);
        }
      }),
    );
  });

  it('are told apart by the hundred thousand, some of them with the same hash', () => {
    const things = new ById<{ readonly id: string }>();
    const all = Array.from({ length: 300_000 }, (_, i) => ({ id: `${(i * 7_919).toString(36)}-${i.toString(16)}` }));
    for (const thing of all) things.add(thing);
    expect(all.every((thing) => things.get(thing.id) === thing)).toBe(true);
    for (const [i, { id }] of all.entries()) if (i % 100 !== 0) things.delete(id);
    expect(all.every((thing, i) => things.get(thing.id) === (i % 100 === 0 ? thing : null))).toBe(true);
    expect(things.size).toBe(3_000);
  }, 30_000);
});
