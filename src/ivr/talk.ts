/** A dry run: a dialogue with a caller of whom everything is written down beforehand. For the tests inside scenario files. */
import type { Language } from '../base/ids.ts';
import type { Scenario } from './parse.ts';
import type { DialogueInput, DialogueResult } from './scenario.ts';
import { startDialogue, stepDialogue } from './step.ts';

export interface Caller {
  readonly language: Language;
  readonly variables?: Readonly<Record<string, string>>;
  /** One after another: keys after the prompt (`10023#`), keys into it (`!10023#`), or `silence`. Then silence for ever. */
  readonly does: readonly string[];
  /** Customer codes that the database has. */
  readonly known?: readonly string[];
}

export interface Talk {
  /** Everything that was said, whether or not it was heard to the end. */
  readonly hears: readonly string[];
  /** `handBack identified`, `handBack notIdentified`, `route DESK` or `hangUp`. */
  readonly ends: string;
  /** Names of the steps' notes. */
  readonly notes: readonly string[];
}

/**
 * Talks a scenario through to its end.
 * @throws Error when it does not end, which a parsed scenario always does
 */
export function talk(scenario: Scenario, caller: Caller): Talk {
  const script = [...caller.does];
  const keys: string[] = [];
  const hears: string[] = [];
  const notes: string[] = [];
  let result = startDialogue(scenario, caller);
  for (let inputs = 0; inputs < 10_000; inputs++) {
    notes.push(...result.notes.map((n) => n.name));
    let next: DialogueInput | null = null;
    for (const action of result.actions) {
      if (action.type === 'play') hears.push(...action.prompts.map((p) => p.text));
      if (action.type === 'lookUp') next = { type: 'lookedUp', found: (caller.known ?? []).includes(action.customerCode) };
      if (action.type === 'handBack') return { hears, notes, ends: `handBack ${action.identified ? 'identified' : 'notIdentified'}` };
      if (action.type === 'route') return { hears, notes, ends: `route ${action.desk}` };
      if (action.type === 'hangUp') return { hears, notes, ends: 'hangUp' };
    }
    next ??= nextInput(result, script, keys);
    result = stepDialogue(scenario, result.dialogue, next);
  }
  throw new Error(`the scenario ${scenario.name} does not end`);
}

function nextInput({ dialogue }: DialogueResult, script: string[], keys: string[]): DialogueInput {
  if (keys.length === 0 && (!dialogue.playing || script[0]?.startsWith('!'))) {
    const does = script.shift() ?? 'silence';
    if (does === 'silence') return { type: 'timeout' };
    keys.push(...does.replace('!', ''));
  }
  const digit = keys.shift();
  return digit === undefined ? { type: 'playFinished', play: dialogue.play } : { type: 'digit', digit };
}

export interface ScenarioTestResult {
  readonly name: string;
  readonly talk: Talk;
  /** What was not as expected; empty when the test passes. */
  readonly failures: readonly string[];
}

/** Runs the tests that a scenario file brings along. */
export function runScenarioTests(scenario: Scenario): ScenarioTestResult[] {
  return scenario.tests.map((test) => {
    const done = talk(scenario, {
      language: test.language as Language,
      does: test.caller,
      known: test.known ?? [],
      variables: test.variables ?? {},
    });
    const failures: string[] = [];
    if (done.ends !== test.ends) failures.push(`ends: expected '${test.ends}', got '${done.ends}'`);
    let from = 0;
    for (const part of test.hears ?? []) {
      const at = done.hears.findIndex((said, index) => index >= from && said.includes(part));
      if (at < 0) failures.push(`hears: '${part}' was not said${from > 0 ? ' after that' : ''}`);
      else from = at + 1;
    }
    return { name: test.name, talk: done, failures };
  });
}
