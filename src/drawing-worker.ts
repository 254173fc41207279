/** Draws one scenario in a thread of its own, see scenario-drawings.ts: given the scenario, it answers with the SVG. */
import { parentPort } from 'node:worker_threads';
import { draw } from './ivr/drawing.ts';
import type { Scenario } from './ivr/parse.ts';

/** What crosses to the other thread: all but the conditions' functions, which no drawing needs. */
export const packed = (scenario: Scenario, language: 'ja' | 'en'): string =>
  JSON.stringify({ scenario: { ...scenario, steps: [...scenario.steps] }, language });

parentPort?.on('message', (text: string) => {
  const { scenario, language } = JSON.parse(text) as { scenario: Scenario & { steps: Iterable<never> }; language: 'ja' | 'en' };
  parentPort?.postMessage(draw({ ...scenario, steps: new Map(scenario.steps) }, { language }));
});
