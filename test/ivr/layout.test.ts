import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOut, type Placed, type Point } from '#src/ivr/layout.ts';

/** A start, and others that some way leads to from one named before; any more ways between them. */
const graph = fc.integer({ min: 1, max: 14 }).chain((count) =>
  fc.record({
    sizes: fc.array(fc.record({ width: fc.integer({ min: 60, max: 240 }), height: fc.integer({ min: 20, max: 90 }) }), {
      minLength: count,
      maxLength: count,
    }),
    parents: fc.array(fc.nat(count), { minLength: count, maxLength: count }),
    more: fc.array(fc.record({ from: fc.nat(count - 1), to: fc.nat(count - 1) }), { maxLength: 2 * count }),
    labels: fc.array(fc.option(fc.record({ width: fc.integer({ min: 10, max: 180 }), height: fc.constant(18) })), {
      minLength: 3 * count,
      maxLength: 3 * count,
    }),
  }),
);

const overlap = (a: Placed, b: Placed): boolean =>
  Math.abs(a.x - b.x) < (a.width + b.width) / 2 - 0.01 && Math.abs(a.y - b.y) < (a.height + b.height) / 2 - 0.01;
const isOnEdge = ({ x, y }: Point, box: Placed): boolean =>
  Math.abs(x - box.x) <= box.width / 2 + 0.01 &&
  Math.abs(y - box.y) <= box.height / 2 + 0.01 &&
  (Math.abs(Math.abs(y - box.y) - box.height / 2) < 0.01 || Math.abs(Math.abs(x - box.x) - box.width / 2) < 0.01);
const isWithin = ({ x, y }: Point, box: Placed): boolean =>
  Math.abs(x - box.x) < box.width / 2 - 0.01 && Math.abs(y - box.y) < box.height / 2 - 0.01;

describe('the layout of a drawing', () => {
  it('keeps boxes and labels apart, and leads every line from its box to its box round the others', () => {
    fc.assert(
      fc.property(graph, ({ sizes, parents, more, labels }) => {
        const name = (n: number): string => `step${n}`;
        const boxes = new Map(sizes.map((size, n) => [name(n), size]));
        const pairs = [...sizes.keys()].slice(1).map((n) => ({ from: (parents[n] ?? 0) % n, to: n }));
        // Several ways between the same two are one line, with all their labels; as drawn.
        const lines = [...new Map([...pairs, ...more].map((pair) => [`${pair.from} ${pair.to}`, pair])).values()].map(
          ({ from, to }, n) => ({
            from: name(from),
            to: name(to),
            label: labels[n] ?? null,
            main: n % 3 !== 0,
          }),
        );
        const plan = layOut(boxes, lines);

        const placed = [...plan.boxes];
        const told = plan.lines.flatMap(({ label }, n) => (label ? [{ ...(labels[n] ?? { width: 0, height: 0 }), ...label }] : []));
        const areas = [...placed.map(([, box]) => box), ...told];
        const wrong: string[] = [];
        for (const [n, one] of areas.entries()) {
          const inside =
            one.x - one.width / 2 >= 0 &&
            one.x + one.width / 2 <= plan.width &&
            one.y - one.height / 2 >= 0 &&
            one.y + one.height / 2 <= plan.height;
          if (!inside) wrong.push(`${n} is not in the picture`);
          for (const [m, other] of areas.entries()) if (m > n && overlap(one, other)) wrong.push(`${n} overlaps ${m}`);
        }
        for (const [n, { points }] of plan.lines.entries()) {
          const { from, to } = lines[n]!;
          if (!isOnEdge(points[0]!, plan.boxes.get(from)!)) wrong.push(`line ${n} does not begin at ${from}`);
          if (!isOnEdge(points.at(-1)!, plan.boxes.get(to)!)) wrong.push(`line ${n} does not end at ${to}`);
          for (const [box, area] of placed) if (points.some((point) => isWithin(point, area))) wrong.push(`line ${n} leads through ${box}`);
        }
        expect(wrong).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('has what the start leads to below it, and what leads back above', () => {
    const size = { width: 100, height: 40 };
    const line = (from: string, to: string) => ({ from, to, label: null, main: true });
    const { boxes, lines } = layOut(new Map(['a', 'b', 'c'].map((name) => [name, size])), [line('a', 'b'), line('b', 'c'), line('c', 'a')]);
    expect([...boxes.values()].map(({ y }) => y)).toEqual([...boxes.values()].map(({ y }) => y).toSorted((one, other) => one - other));
    expect(lines[2]?.points[0]?.y).toBe((boxes.get('c')?.y ?? 0) - 20);
  });

  it('keeps the order of a box’s lines from left to right where it can', () => {
    const size = { width: 80, height: 40 };
    const names = ['menu', 'k1', 'k2', 'k3', 'k4'];
    const lines = names.slice(1).map((to) => ({ from: 'menu', to, label: { width: 18, height: 18 }, main: true }));
    const { boxes } = layOut(new Map(names.map((name) => [name, size])), lines);
    const across = names.slice(1).map((name) => boxes.get(name)?.x ?? 0);
    expect(across).toEqual(across.toSorted((a, b) => a - b));
  });
});
