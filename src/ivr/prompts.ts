/** What the house itself says, beside the scenarios: a file of named texts per language. Pure. */
import { type FileProblem, SourceFile, suggest } from '../base/checked-yaml.ts';
import type { Language } from '../base/ids.ts';
import { fillIn, type Scenario, type Text, variableProblems } from './parse.ts';
import type { Prompt, TextByLanguage } from './scenario.ts';
import { PromptsFile } from './scenario-schema.ts';

/** The names that the house says; the file must have them all, and no others. With the variables that are given. */
export const PROMPT_VARIABLES = {
  'queue.position': ['position'],
  'queue.next': [],
  'queue.allBusy': [],
  'queue.waitShort': [],
  'queue.wait': ['minutes'],
  'queue.callbackOffer': [],
  'queue.nobodyLoggedOn': [],
  'queue.nobodyLoggedOnNoNumber': [],
  'queue.callbackPromised': [],
  'queue.reconnecting': [],
  'callMe.callingOperator': [],
  'callMe.callerFromWebWaiting': [],
  'callback.hello': [],
  'callback.helloAgain': [],
  'callback.callerWaiting': [],
  'callback.callingCustomer': [],
  'notice.hello': [],
  'notice.recipientWaiting': [],
  closed: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type PromptName = keyof typeof PROMPT_VARIABLES;

const LANGUAGES = ['ja', 'en'] as const;

export interface Wording {
  readonly text: TextByLanguage;
  readonly numbers: Readonly<Record<string, { readonly from: number; readonly to: number }>>;
  /** What is said when a number is greater than its range. */
  readonly beyond: TextByLanguage | null;
}
export type Prompts = ReadonlyMap<string, Wording>;

/** @returns the prompts, or everything that is wrong with the file */
export function parsePrompts(text: string, fileName: string): Prompts | FileProblem[] {
  const source = new SourceFile(text, fileName);
  const file = source.check(PromptsFile);
  if (!file) return source.problems;
  const names = Object.keys(PROMPT_VARIABLES);
  const missing = names.filter((name) => !(name in file.prompts));
  for (const name of missing) source.add(['prompts'], `the prompt '${name}' is missing`, `add '${name}:' with ja and en`, 'key');
  for (const [name, prompt] of Object.entries(file.prompts)) {
    const path = ['prompts', name];
    if (!isPromptName(name)) {
      source.add(path, `nobody says '${name}'`, suggest(name, missing.length > 0 ? missing : names), 'key');
      continue;
    }
    const variables: readonly string[] = PROMPT_VARIABLES[name];
    for (const language of LANGUAGES) {
      for (const slip of variableProblems(prompt[language], variables)) {
        source.addWithin([...path, language], slip.start, slip.problem, slip.remedy);
      }
      for (const slip of prompt.beyond ? variableProblems(prompt.beyond[language], []) : []) {
        source.addWithin(
          [...path, 'beyond', language],
          slip.start,
          slip.problem,
          'say it without numbers: this is for all that are greater',
        );
      }
    }
    for (const [variable, { from, to }] of Object.entries(prompt.numbers ?? {})) {
      if (!variables.includes(variable)) {
        source.add([...path, 'numbers', variable], `there is no variable '${variable}'`, suggest(variable, variables), 'key');
      }
      if (from > to) source.add([...path, 'numbers', variable], 'from is greater than to', 'turn them round');
      if (!prompt.beyond) source.add(path, `nothing is said when ${variable} is over ${to}`, "add 'beyond:' with ja and en", 'key');
    }
    for (const variable of variables) {
      if (prompt.numbers?.[variable]) continue;
      source.add(path, `the range of {${variable}} is missing`, `add 'numbers: { ${variable}: { from: 1, to: 20 } }'`, 'key');
    }
  }
  if (source.problems.length > 0) return source.problems;
  return new Map(
    Object.entries(file.prompts).map(([name, { ja, en, numbers, beyond }]): [string, Wording] => [
      name,
      { text: { ja, en }, numbers: numbers ?? {}, beyond: beyond ?? null },
    ]),
  );
}

const isPromptName = (name: string): name is PromptName => Object.hasOwn(PROMPT_VARIABLES, name);

/**
 * One prompt with its variables put in.
 * @throws Error for a name that is not in the file: a slip of the programmer's, not of anybody's input
 */
export function prompt(
  prompts: Prompts,
  name: string,
  language: Language,
  variables: Readonly<Record<string, string | number>> = {},
): Prompt {
  const wording = prompts.get(name);
  if (!wording) throw new Error(`there is no prompt '${name}'`);
  const isBeyond = Object.entries(wording.numbers).some(
    ([v, { from, to }]) => !(Number(variables[v]) >= from && Number(variables[v]) <= to),
  );
  if (isBeyond && wording.beyond) return { language, text: wording.beyond[language] };
  const values = Object.fromEntries(Object.entries(variables).map(([k, v]) => [k, String(v)]));
  return { language, text: fillIn(wording.text[language], values) };
}

/** Every prompt that can be known beforehand, each once: to be rendered at start-up, or recorded by a speaker. */
export function finitePrompts(prompts: Prompts, scenarios: readonly Scenario[]): Prompt[] {
  const found = new Map<string, Prompt>();
  const add = (language: Language, text: string | undefined): void => {
    if (text !== undefined && !text.includes('{')) found.set(`${language}/${text}`, { language, text });
  };
  for (const { text, numbers, beyond } of prompts.values()) {
    for (const language of LANGUAGES) {
      let forms = [text[language]];
      for (const [name, { from, to }] of Object.entries(numbers)) {
        const values = Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
        forms = forms.flatMap((form) => values.map((value) => form.replaceAll(`{${name}}`, value)));
      }
      for (const form of [...forms, beyond?.[language]]) add(language, form);
    }
  }
  for (const scenario of scenarios) {
    for (const text of textsOf(scenario)) for (const language of scenario.languages) add(language, text[language]);
  }
  return [...found.values()];
}

function textsOf(scenario: Scenario): Text[] {
  return [...scenario.steps.values()].flatMap((step): Text[] => {
    if (step.kind === 'say') return [step.say];
    if (step.kind === 'ask' || step.kind === 'menu') return [step.prompt, step.onSilence, step.onInvalid].filter((t) => t !== null);
    return step.kind === 'lookUp' && step.say ? [step.say] : [];
  });
}
