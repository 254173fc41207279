/** Which steps and ways of scenarios their tests come to. Pure. */
import type { Scenario, ScenarioSet } from './parse.ts';
import type { DialogueNote } from './scenario.ts';
import { type Step, type Way, waysOut } from './steps.ts';
import { dryRunOf } from './talk.ts';

/** A way that no test took. */
interface MissedWay extends Pick<Way, 'to' | 'label'> {
  readonly step: string;
}

export interface Coverage {
  readonly scenario: string;
  readonly steps: number;
  readonly ways: number;
  readonly missedSteps: readonly string[];
  readonly missedWays: readonly MissedWay[];
}

/**
 * Runs the tests of all scenarios, and tells of each which of its steps and ways none came to. A test counts for the scenarios
 * that its own calls, too.
 */
export function coverageOf(set: ScenarioSet): Coverage[] {
  /** Steps, and ways by their step and number, in `scenario.step` form. */
  const seen = new Set<string>();
  for (const { name, tests } of set.scenarios.values()) {
    for (const test of tests) {
      const run = dryRunOf(set, name, test);
      for (const [index, { scenario, step }] of run.way.entries()) {
        seen.add(stepKey(scenario, step));
        const next = run.way[index + 1];
        const ways = waysOut(stepOf(set, scenario, step));
        // What has but one way on tells nobody that it took it; another one would have said which.
        if (next && ways.length === 1 && ways[0]?.to === next.step && next.scenario === scenario) seen.add(wayKey(scenario, step, 0));
      }
      for (const note of run.notes) {
        const taken = wayTaken(stepOf(set, note.scenario, note.step), note);
        if (taken >= 0) seen.add(wayKey(note.scenario, note.step, taken));
      }
    }
  }
  return [...set.scenarios.values()].map((scenario) => {
    const ways = [...scenario.steps].flatMap(([step, what]) => waysOut(what).map((way, index) => ({ ...way, step, index })));
    return {
      scenario: scenario.name,
      steps: scenario.steps.size,
      ways: ways.length,
      missedSteps: [...scenario.steps.keys()].filter((step) => !seen.has(stepKey(scenario.name, step))),
      missedWays: ways
        .filter(({ step, index }) => !seen.has(wayKey(scenario.name, step, index)))
        .map(({ step, label, to }) => ({ step, label, to })),
    };
  });
}

/** The share of steps and ways together that were come to, from 0 to 1. */
export function shareOf(coverages: readonly Coverage[]): number {
  const all = coverages.reduce((sum, { steps, ways }) => sum + steps + ways, 0);
  const missed = coverages.reduce((sum, { missedSteps, missedWays }) => sum + missedSteps.length + missedWays.length, 0);
  return all === 0 ? 1 : (all - missed) / all;
}

const stepKey = (scenario: string, step: string): string => `${scenario}.${step}`;
const wayKey = (scenario: string, step: string, way: number): string => `${scenario}.${step}.${way}`;

function stepOf(set: ScenarioSet, scenario: string, name: string): Step {
  const found: Scenario | undefined = set.scenarios.get(scenario);
  const step = found?.steps.get(name);
  if (!step) throw new Error(`the scenario ${scenario} has no step ${name}`);
  return step;
}

/** By what it noted when it left a step: the number of the way that it took, as in `waysOut`; -1 when it says nothing of that. */
function wayTaken(step: Step, { name, data }: DialogueNote): number {
  const ways = waysOut(step);
  const labelled = (label: string): number => ways.findIndex((way) => way.label === label);
  const unanswered = (label: string): number => ways.findIndex((way) => way.label === label && way.by === 'itself');
  switch (name) {
    case 'digits':
      return ways.findIndex((way) => way.by === 'answer');
    case 'empty':
      return ways.findLastIndex((way) => way.by === 'answer');
    case 'chosen':
      return labelled(String(data['key']));
    case 'languageChosen':
      return ways.findIndex((way) => way.by === 'answer' && way.label.endsWith(` ${data['language']}`));
    case 'went':
      return labelled(String(data['by']));
    case 'cameBack':
      return labelled(String(data['as']));
    case 'found':
    case 'notFound':
    case 'failed':
    case 'open':
    case 'closed':
    case 'recorded':
      return step.kind === 'record' ? labelled(name) : unanswered(name);
    case 'serviceFailed':
    case 'callBackRefused':
    case 'recordedNothing':
    case 'transferFailed':
      return unanswered('failed');
    case 'callBackPromised':
      return unanswered('promised');
    case 'nobodyThere':
      return labelled('nobody');
    case 'waitedTooLong':
      return labelled('tooLong');
    default:
      return -1;
  }
}
