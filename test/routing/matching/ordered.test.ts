import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Node, Ordered, type Placed } from '../../../src/routing/matching/ordered.ts';

interface Item extends Placed<Item> {
  readonly key: number;
}
const item = (key: number): Item => ({ key, leaf: null as Node<Item> | null });

describe('a sorted collection that knows its ranks', () => {
  it('holds the same as a sorted array after any insertions and removals', () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), n: fc.integer({ min: 1, max: 400 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('scatter' as const), n: fc.integer({ min: 1, max: 400 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('shift' as const), n: fc.integer({ min: 1, max: 500 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('pluck' as const), n: fc.integer({ min: 1, max: 300 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('pop' as const), n: fc.integer({ min: 1, max: 300 }) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), fc.integer(), fc.constantFrom(1, 1e3, 1e7, 1e12), (operations, seed, grain) => {
        const ordered = new Ordered<Item>((a, b) => a.key - b.key);
        const model: Item[] = [];
        let top = 1e9;
        let random = seed >>> 0;
        const next = (below: number): number => {
          random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
          return Math.floor((random / 2 ** 32) * below);
        };
        const keys = new Set<number>();
        for (const { do: what, n } of operations) {
          for (let i = 0; i < n; i++) {
            if (what === 'append' || what === 'scatter') {
              const one = item(what === 'append' ? top++ : next(1e9));
              if (keys.has(one.key)) continue;
              keys.add(one.key);
              // None, some, many, all of the same key: told apart by the function.
              ordered.insert(one, Math.floor(one.key / grain));
              model.push(one);
            } else if (model.length > 0) {
              const at = what === 'shift' ? 0 : what === 'pop' ? model.length - 1 : next(model.length);
              const [gone] = model.splice(at, 1) as [Item];
              keys.delete(gone.key);
              ordered.remove(gone);
            }
          }
          model.sort((a, b) => a.key - b.key);
          expect(ordered.size).toBe(model.length);
          expect(ordered.first).toBe(model[0] ?? null);
          expect([...ordered].map((x) => x.key)).toEqual(model.map((x) => x.key));
          for (let i = 0; i < Math.min(5, model.length); i++) {
            const at = next(model.length);
            const one = model[at] as Item;
            expect(ordered.rank(one)).toBe(at);
            expect(ordered.count((x) => x.key < one.key)).toBe(at);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('stays right with a hundred thousand inside', () => {
    const ordered = new Ordered<Item>((a, b) => a.key - b.key);
    const items = Array.from({ length: 100_000 }, (_, i) => item((i * 7_919) % 100_003));
    for (const one of items) ordered.insert(one, one.key);
    for (const [i, one] of items.entries()) if (i % 3 !== 0) ordered.remove(one);
    const left = items.filter((_, i) => i % 3 === 0).sort((a, b) => a.key - b.key);
    expect([...ordered].map((x) => x.key)).toEqual(left.map((x) => x.key));
    expect(ordered.rank(left[20_000] as Item)).toBe(20_000);
    for (const one of left) {
      if (ordered.first !== one) expect(ordered.first?.key).toBe(one.key);
      ordered.remove(one);
    }
    expect(ordered.first).toBeNull();
    expect(ordered.size).toBe(0);
  });
});
