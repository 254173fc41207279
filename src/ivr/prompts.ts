/** What the house itself says, beside the scenarios: a file of named texts per language. Pure. */
import { type FileProblem, SourceFile } from '../base/checked-yaml.ts';
import type { Language } from '../base/ids.ts';
import { suggest } from '../base/nearest.ts';
import type { Scenario } from './parse.ts';
import type { Prompt, TextByLanguage, Values } from './scenario.ts';
import { PromptsFile } from './scenario-schema.ts';
import { fixedParts, promptOf, type Text, textProblems } from './text.ts';

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
  /** What is said when a number is out of its range. */
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
      for (const slip of textProblems(prompt[language], variables)) {
        source.addWithin([...path, language], slip.start, slip.problem, slip.remedy);
      }
      // All that the house says of itself can be rendered beforehand: what is read as text could not.
      for (const { index, 1: variable } of prompt[language].matchAll(/\{(\w+)\}/g)) {
        const remedy = `write {${variable}:number}, {${variable}:ordinal} or {${variable}:duration}`;
        source.addWithin([...path, language], index, `how is {${variable}} read out?`, remedy);
      }
      for (const slip of prompt.beyond ? textProblems(prompt.beyond[language], []) : []) {
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
export function prompt(prompts: Prompts, name: string, language: Language, variables: Values = {}): Prompt {
  const wording = prompts.get(name);
  if (!wording) throw new Error(`there is no prompt '${name}'`);
  const isBeyond = Object.entries(wording.numbers).some(
    ([v, { from, to }]) => !(Number(variables[v]) >= from && Number(variables[v]) <= to),
  );
  if (isBeyond && wording.beyond) return { language, text: wording.beyond[language] };
  return promptOf(wording.text, language, variables);
}

/**
 * Every sound that can be known beforehand, each once: to be rendered at start-up, or recorded by a speaker. The parts of one
 * that asks for a recording are needed where that is missing.
 */
export function finitePrompts(prompts: Prompts, scenarios: readonly Pick<Scenario, 'languages' | 'texts'>[]): Prompt[] {
  const texts = [...prompts.values()].flatMap(({ text, beyond }) =>
    [text, ...(beyond ? [beyond] : [])].map((one): { text: Text; languages: readonly Language[] } => ({ text: one, languages: LANGUAGES })),
  );
  for (const { texts: said, languages } of scenarios) texts.push(...said.map((text) => ({ text, languages })));
  const found = new Map<string, Prompt>();
  const add = (prompt: Prompt): void => {
    found.set(`${prompt.language}/${prompt.recording ?? ''}/${prompt.text}`, prompt);
  };
  for (const { text, languages } of texts) {
    for (const language of languages) {
      const parts = fixedParts(text, language);
      if (text.recording !== undefined) add({ language, text: text[language] ?? '', recording: text.recording, parts });
      else for (const part of parts) add({ language, text: part });
    }
  }
  return [...found.values()];
}
