/** Every way through a scenario, from its first step to an end. Pure. */
import type { Scenario } from './parse.ts';
import { type Step, type Way, waysOut } from './steps.ts';

export interface PathThrough {
  /** One after another, each with the way that leads on from it; null: there it ends. */
  readonly steps: readonly { readonly name: string; readonly way: Way | null }[];
  /** As tests write it: `handBack identified`, `route DESK`, `hangUp`, `connected`, `transferOut NUMBER`. */
  readonly ends: string;
}

/** However few ways out of a maze there are, nobody looks longer for them than a second. */
const MOST_MOVES = 1_000_000;

/**
 * The ways through a scenario as its file draws them, without asking which conditions can be true together; each way out of a step
 * is taken at most once, so going round is shown once. Other scenarios that it calls count as one step.
 * @param most how many to look for
 * @returns `complete`: there are no more
 */
export function pathsThrough(scenario: Scenario, most: number): { paths: PathThrough[]; complete: boolean } {
  interface Stand {
    readonly name: string;
    readonly ways: readonly Way[];
    /** The number of the way that leads on; -1 before the first. */
    way: number;
  }
  const paths: PathThrough[] = [];
  const path: Stand[] = [];
  const taken = new Set<string>();
  const keyOf = ({ name, way }: Stand): string => `${name} ${way}`;
  const enter = (name: string): void => {
    const step = scenario.steps.get(name);
    if (!step) return;
    path.push({ name, ways: waysOut(step), way: -1 });
    const ends = endOf(step);
    if (ends !== null) paths.push({ ends, steps: path.map((at) => ({ name: at.name, way: at.ways[at.way] ?? null })) });
  };
  enter(scenario.start);
  for (let moves = 0; moves < MOST_MOVES && paths.length <= most; moves++) {
    const here = path.at(-1);
    if (here === undefined) return { paths, complete: true };
    taken.delete(keyOf(here)); // come back: that way is done
    do here.way++;
    while (taken.has(keyOf(here)));
    const way = here.ways[here.way];
    if (way === undefined) {
      path.pop();
      continue;
    }
    taken.add(keyOf(here));
    enter(way.to);
  }
  return { paths: paths.slice(0, most), complete: false };
}

/** How a dialogue ends at a step; null: it does not. An agent may answer whoever waits, and whoever is put through is gone. */
function endOf(step: Step): string | null {
  switch (step.kind) {
    case 'route':
      return `route ${step.to.desk ?? 'controlLogic'}`;
    case 'handBack':
      return `handBack ${step.word}`;
    case 'hangUp':
      return step.as === null ? 'hangUp' : `hangUp ${step.as}`;
    case 'queue':
      return 'connected';
    case 'transferOut':
      return `transferOut ${step.number}`;
    default:
      return null;
  }
}
