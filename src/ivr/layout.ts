/**
 * Where the boxes of a drawing stand and how the lines between them run: from top to bottom, few crossings, room for every label.
 * dagre chooses rows, order and places (network simplex, barycentres, Brandes-Köpf); added here: each line has a place of its own
 * at its boxes' edges, and a box may lead to itself. Pure, and the same for the same input.
 */
import { layout as dagre, Graph } from '@dagrejs/dagre';

interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Point {
  readonly x: number;
  readonly y: number;
}
/** Its middle, and how large it is. */
export type Placed = Point & Size;

interface Line {
  readonly from: string;
  readonly to: string;
  /** Of its label; null: it has none. */
  readonly label: Size | null;
  /** Whether it is to run straight before others. */
  readonly main: boolean;
}

interface Run {
  /** Between two points it goes as `curve` draws it. */
  readonly points: readonly Point[];
  /** The middle of its label. */
  readonly label: Point | null;
}

interface Layout extends Size {
  readonly boxes: ReadonlyMap<string, Placed>;
  /** In the order of the lines given. */
  readonly lines: readonly Run[];
}

/** Around the whole. */
const MARGIN = 16;
/** Between two rows; labels are a row of their own. */
const ROW_GAP = 32;
const BOX_GAP = 30;
const LINE_GAP = 20;
/** How far from a box's corner a line may leave it, and from the next one. */
const CORNER = 20;
const PORT_GAP = 18;
/** The way that callers should take is kept straight before others. */
const STRAIGHT = 4;

interface DagreEdge {
  readonly weight: number;
  readonly minlen: number;
  points?: Point[];
}

/** @param lines between boxes that are there; those of the first box that is named are at the top */
export function layOut(boxes: ReadonlyMap<string, Size>, lines: readonly Line[]): Layout {
  const graph = new Graph<object, Size & Partial<Point>, DagreEdge>({ multigraph: true });
  graph.setGraph({ nodesep: BOX_GAP, edgesep: LINE_GAP, ranksep: ROW_GAP });
  /** Not the name alone: dagre keeps them as an object's keys, and a step may be called `constructor`. */
  const boxed = (name: string): string => `box ${name}`;
  /** dagre would put a label half-way along its line; as a box of its own it stands where the line begins. */
  const labelled = (index: number): string => `label ${index}`;
  // What leads to itself does so at the right side, where its box is that much wider for dagre.
  const aside = new Map<string, number>();
  for (const { from, to, label } of lines) if (from === to) aside.set(from, 2 * LINE_GAP + (label?.width ?? 0));
  for (const [name, { width, height }] of boxes) graph.setNode(boxed(name), { width: width + (aside.get(name) ?? 0), height });
  const upward = waysBack([...boxes.keys()], lines);
  for (const [index, line] of lines.entries()) {
    const [above, below] = upward.has(index) ? [boxed(line.to), boxed(line.from)] : [boxed(line.from), boxed(line.to)];
    if (line.from === line.to) continue;
    const weight = line.main ? STRAIGHT : 1;
    if (!line.label) {
      graph.setEdge(above, below, { weight, minlen: 2 }, String(index));
      continue;
    }
    graph.setNode(labelled(index), { ...line.label });
    const [first, second] = upward.has(index) ? [weight, weight + 1] : [weight + 1, weight];
    graph.setEdge(above, labelled(index), { weight: first, minlen: 1 }, String(index));
    graph.setEdge(labelled(index), below, { weight: second, minlen: 1 }, String(index));
  }
  dagre(graph);
  // Left and right are the same to dagre: of the two, the one in which more lines of a box stand in their order.
  const xOf = (index: number): number => graph.node(lines[index]?.label ? labelled(index) : boxed(lines[index]?.to ?? '')).x ?? 0;
  const side = inOrder(lines, xOf) < 0 ? -1 : 1;

  const placed = new Map<string, Placed>();
  for (const [name, size] of boxes) {
    const { x = 0, y = 0 } = graph.node(boxed(name));
    placed.set(name, { ...size, x: side * x - (aside.get(name) ?? 0) / 2, y });
  }
  const heights = rowHeights(graph);
  /** Upright past the boxes and labels of each row, so that it turns only between rows. */
  const past = ({ x: dagreX, y }: Point): Point[] => {
    const x = side * dagreX;
    const half = (heights.get(Math.round(y)) ?? 0) / 2;
    return half === 0
      ? [{ x, y }]
      : [
          { x, y: y - half },
          { x, y: y + half },
        ];
  };
  /** From the upper box to the lower one, without the two ends. */
  const pointsOf = (index: number, above: string, below: string): { points: Point[]; label: Point | null } => {
    const inner = (from: string, to: string): Point[] => (graph.edge(from, to, String(index)).points?.slice(1, -1) ?? []).flatMap(past);
    if (!lines[index]?.label) return { points: inner(above, below), label: null };
    const { x = 0, y = 0 } = graph.node(labelled(index));
    return { points: [...inner(above, labelled(index)), ...past({ x, y }), ...inner(labelled(index), below)], label: { x: side * x, y } };
  };
  const ports = new Ports(placed);
  const runs = lines.map(({ from, to, label }, index) => {
    const [start, end] = [placed.get(from), placed.get(to)];
    if (!start || !end) throw new Error(`a line between boxes that are not there: ${from}, ${to}`);
    if (start === end) return loop(start, label);
    const up = upward.has(index);
    const found = up ? pointsOf(index, boxed(to), boxed(from)) : pointsOf(index, boxed(from), boxed(to));
    const between = up ? found.points.toReversed() : found.points;
    return {
      between,
      leaves: ports.take(from, up ? 'top' : 'bottom', between[0] ?? end),
      comes: ports.take(to, up ? 'bottom' : 'top', between.at(-1) ?? start),
      label: found.label,
    };
  });
  ports.settle();
  return shifted(
    placed,
    lines,
    runs.map((run) => ('points' in run ? run : { points: [run.leaves.at, ...run.between, run.comes.at], label: run.label })),
  );
}

/** How many pairs of a box's lines stand in their order, less those that do not. */
function inOrder(lines: readonly Line[], xOf: (index: number) => number): number {
  let pairs = 0;
  for (const [i, { from, to }] of lines.entries()) {
    for (let j = i + 1; j < lines.length && from !== to; j++) {
      const other = lines[j];
      if (other && other.from === from && other.to !== from) pairs += Math.sign(xOf(j) - xOf(i));
    }
  }
  return pairs;
}

/** By their middle. */
function rowHeights(graph: Graph<object, Size & Partial<Point>, DagreEdge>): ReadonlyMap<number, number> {
  const heights = new Map<number, number>();
  for (const name of graph.nodes()) {
    const { y = 0, height } = graph.node(name);
    heights.set(Math.round(y), Math.max(heights.get(Math.round(y)) ?? 0, height));
  }
  return heights;
}

/** Those lines that lead back to where one has come from, by the first box's ways in their order. */
function waysBack(names: readonly string[], lines: readonly Line[]): ReadonlySet<number> {
  const out = new Map<string, { to: string; index: number }[]>();
  for (const [index, { from, to }] of lines.entries()) out.set(from, [...(out.get(from) ?? []), { to, index }]);
  const back = new Set<number>();
  const state = new Map<string, 'open' | 'done'>();
  for (const first of names) {
    if (state.has(first)) continue;
    state.set(first, 'open');
    // By hand and not by calling itself: a chain of a thousand steps is no reason to run out of stack.
    const path = [{ name: first, next: 0 }];
    for (let here = path.at(-1); here !== undefined; here = path.at(-1)) {
      const way = out.get(here.name)?.[here.next++];
      if (way === undefined) {
        state.set(here.name, 'done');
        path.pop();
      } else if (state.get(way.to) === 'open') back.add(way.index);
      else if (!state.has(way.to)) {
        state.set(way.to, 'open');
        path.push({ name: way.to, next: 0 });
      }
    }
  }
  return back;
}

function loop({ x, y, width, height }: Placed, label: Size | null): Run {
  const side = x + width / 2;
  const reach = side + LINE_GAP;
  const quarter = height / 4;
  return {
    points: [
      { x: side, y: y - quarter },
      { x: reach, y: y - quarter },
      { x: reach, y: y + quarter },
      { x: side, y: y + quarter },
    ],
    label: label ? { x: reach + label.width / 2 - 4, y } : null,
  };
}

interface Port {
  /** Where its line comes from or goes to. */
  readonly toward: number;
  at: Point;
}

/** The places where lines meet boxes, told apart by side: in the order of where they lead, so that they do not cross. */
class Ports {
  private readonly boxes: ReadonlyMap<string, Placed>;
  private readonly taken = new Map<string, { box: Placed; y: number; ports: Port[] }>();

  constructor(boxes: ReadonlyMap<string, Placed>) {
    this.boxes = boxes;
  }

  take(name: string, side: 'top' | 'bottom', toward: Point): Port {
    const box = this.boxes.get(name);
    if (!box) throw new Error(`there is no box ${name}`);
    const key = `${side} ${name}`;
    const all = this.taken.get(key) ?? { box, y: side === 'top' ? box.y - box.height / 2 : box.y + box.height / 2, ports: [] };
    this.taken.set(key, all);
    const port: Port = { toward: toward.x, at: { x: box.x, y: all.y } };
    all.ports.push(port);
    return port;
  }

  /** As near to where they lead as the box and the others let them. */
  settle(): void {
    for (const { box, y, ports } of this.taken.values()) {
      const sorted = ports.toSorted((a, b) => a.toward - b.toward);
      const room = Math.max(box.width / 2 - CORNER, 0);
      const gap = Math.min(PORT_GAP, (2 * room) / Math.max(sorted.length - 1, 1));
      const places = sorted.map(({ toward }) => Math.min(Math.max(toward, box.x - room), box.x + room));
      for (let i = 1; i < places.length; i++) places[i] = Math.max(places[i] ?? 0, (places[i - 1] ?? 0) + gap);
      let limit = box.x + room;
      for (let i = places.length - 1; i >= 0; i--) {
        places[i] = Math.min(places[i] ?? 0, limit);
        limit = (places[i] ?? 0) - gap;
      }
      for (const [i, port] of sorted.entries()) port.at = { x: places[i] ?? box.x, y };
    }
  }
}

/** Moved so that all of it, lines and labels too, begins at the margin. */
function shifted(boxes: ReadonlyMap<string, Placed>, lines: readonly Line[], runs: readonly Run[]): Layout {
  const corners: Point[] = [];
  const cover = ({ x, y }: Point, { width, height }: Size): void => {
    corners.push({ x: x - width / 2, y: y - height / 2 }, { x: x + width / 2, y: y + height / 2 });
  };
  for (const box of boxes.values()) cover(box, box);
  for (const [index, { points, label }] of runs.entries()) {
    const size = lines[index]?.label;
    corners.push(...points);
    if (label && size) cover(label, size);
  }
  const left = corners.reduce((least, { x }) => Math.min(least, x), Number.POSITIVE_INFINITY);
  const top = corners.reduce((least, { y }) => Math.min(least, y), Number.POSITIVE_INFINITY);
  const move = <P extends Point>(point: P): P => ({ ...point, x: point.x - left + MARGIN, y: point.y - top + MARGIN });
  return {
    boxes: new Map([...boxes].map(([name, box]) => [name, move(box)])),
    lines: runs.map(({ points, label }) => ({ points: points.map(move), label: label && move(label) })),
    width: corners.reduce((most, { x }) => Math.max(most, x), 0) - left + 2 * MARGIN,
    height: corners.reduce((most, { y }) => Math.max(most, y), 0) - top + 2 * MARGIN,
  };
}
