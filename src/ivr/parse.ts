/**
 * Reads a scenario file and refuses one that could leave a caller stranded: steps that lead nowhere or are never reached,
 * texts that lack a language or name unknown variables, ways round that never end.
 */
import { createHash } from 'node:crypto';
import { type FileProblem, type Path, SourceFile, suggest } from '../base/checked-yaml.ts';
import type { Language } from '../base/ids.ts';
import { ScenarioFile, type ScenarioTest, type StepFile } from './scenario-schema.ts';

export type ScenarioProblem = FileProblem;
export type Text = Readonly<Partial<Record<Language, string>>>;

interface Asking {
  readonly prompt: Text;
  readonly bargeIn: boolean;
  /** Counted from the end of the prompt. */
  readonly firstDigitMs: number;
  readonly tries: number;
  readonly onSilence: Text | null;
  readonly onInvalid: Text | null;
  /** Where the last failed try leads. */
  readonly failed: string;
}

export type Step =
  | { readonly kind: 'say'; readonly say: Text; readonly bargeIn: boolean; readonly next: string }
  | (Asking & {
      readonly kind: 'ask';
      readonly min: number;
      readonly max: number;
      /** The key that ends the entry; null: only length and silence do. */
      readonly end: string | null;
      readonly betweenDigitsMs: number;
      readonly saveAs: string;
      readonly next: string;
      /** Where the end key alone leads; null: it is an invalid entry. */
      readonly empty: string | null;
    })
  | (Asking & { readonly kind: 'menu'; readonly choices: Readonly<Record<string, string>> })
  | {
      readonly kind: 'lookUp';
      /** The variable that holds the customer code. */
      readonly variable: string;
      readonly found: string;
      readonly notFound: string;
      /** Set when `notFound` is asked once more: said before its prompt. */
      readonly again: boolean;
      readonly say: Text | null;
    }
  | { readonly kind: 'route'; readonly desk: string }
  | { readonly kind: 'handBack'; readonly identified: boolean }
  | { readonly kind: 'hangUp' };

export interface Scenario {
  readonly name: string;
  /** Names this very text of the file. */
  readonly version: string;
  readonly languages: readonly Language[];
  readonly start: string;
  readonly steps: ReadonlyMap<string, Step>;
  readonly tests: readonly ScenarioTest[];
}

/** Six seconds to find the keypad, four between two digits: what callers of all ages manage. */
const FIRST_DIGIT_MS = 6000;
const BETWEEN_DIGITS_MS = 4000;
const TRIES = 3;

/**
 * Reads a scenario file. With the ids of the centre's desks, those that it routes to are looked up in them too.
 * @returns the scenario, or everything that is wrong with the file
 */
export function parseScenario(text: string, fileName: string, desks?: readonly string[]): Scenario | ScenarioProblem[] {
  const source = new SourceFile(text, fileName);
  const file = source.check(ScenarioFile);
  if (!file) return source.problems;
  const entries = Object.entries(file.steps);
  const steps = new Map(entries.map(([name, step]) => [name, stepOf(step)]));
  const languages = file.languages as Language[];

  checkTargets(source, file);
  checkTexts(source, file);
  for (const [name, step] of entries) {
    if ('ask' in step && step.ask.digits.min > step.ask.digits.max) {
      source.add(['steps', name, 'ask', 'digits', 'min'], 'min is greater than max', `write ${step.ask.digits.max} or less`);
    }
    if ('route' in step && desks && step.route !== 'reception' && !desks.includes(step.route)) {
      source.add(['steps', name, 'route'], `there is no desk '${step.route}'`, suggest(step.route, ['reception', ...desks]));
    }
    if ('ask' in step && step.empty !== undefined && step.ask.end === undefined) {
      source.add(['steps', name, 'empty'], 'an empty entry needs a key that ends it', "add end: '#' to 'ask'", 'key');
    }
  }
  if (source.problems.length === 0) checkWays(source, file.start, steps);
  if (source.problems.length > 0) return source.problems;
  const version = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { name: file.name, version, languages, start: file.start, steps, tests: file.tests ?? [] };
}

function stepOf(step: StepFile): Step {
  if ('say' in step) return { kind: 'say', say: step.say, bargeIn: step.bargeIn ?? false, next: step.next };
  if ('ask' in step) {
    const { ask } = step;
    return {
      kind: 'ask',
      ...askingOf(ask, step.failed),
      min: ask.digits.min,
      max: ask.digits.max,
      end: ask.end ?? null,
      betweenDigitsMs: durationMs(ask.betweenDigits) ?? BETWEEN_DIGITS_MS,
      saveAs: ask.saveAs,
      next: step.next,
      empty: step.empty ?? null,
    };
  }
  if ('menu' in step) return { kind: 'menu', ...askingOf(step.menu, step.failed), choices: step.menu.choices };
  if ('lookUp' in step) {
    const { notFound } = step;
    const again = typeof notFound === 'object';
    return {
      kind: 'lookUp',
      variable: step.lookUp.customerCode,
      found: step.found,
      notFound: again ? notFound.again : notFound,
      again,
      say: again ? (notFound.say ?? null) : null,
    };
  }
  if ('route' in step) return { kind: 'route', desk: step.route };
  if ('handBack' in step) return { kind: 'handBack', identified: step.handBack === 'identified' };
  return { kind: 'hangUp' };
}

type AskingFile = Extract<StepFile, { menu: unknown }>['menu'] | Extract<StepFile, { ask: unknown }>['ask'];

function askingOf(file: AskingFile, failed: string): Asking {
  return {
    prompt: file.prompt,
    bargeIn: file.bargeIn ?? true,
    firstDigitMs: durationMs(file.firstDigit) ?? FIRST_DIGIT_MS,
    tries: file.tries ?? TRIES,
    onSilence: file.onSilence ?? null,
    onInvalid: file.onInvalid ?? null,
    failed,
  };
}

/** `6s`, `1.5s`, `200ms`, `2m`; the schema has seen to the form. */
function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const unit = text.endsWith('ms') ? 1 : text.endsWith('s') ? 1000 : 60_000;
  return Math.round(Number.parseFloat(text) * unit);
}

/** All places in a step that name another, as written. */
function targetsOf(name: string, step: StepFile): { path: Path; target: string }[] {
  const at = (...rest: (string | number)[]): Path => ['steps', name, ...rest];
  const targets: { path: Path; target: string }[] = [];
  if ('next' in step) targets.push({ path: at('next'), target: step.next });
  if ('empty' in step && step.empty !== undefined) targets.push({ path: at('empty'), target: step.empty });
  if ('failed' in step) targets.push({ path: at('failed'), target: step.failed });
  if ('menu' in step) {
    for (const [key, target] of Object.entries(step.menu.choices)) targets.push({ path: at('menu', 'choices', key), target });
  }
  if ('lookUp' in step) {
    targets.push({ path: at('found'), target: step.found });
    if (typeof step.notFound === 'string') targets.push({ path: at('notFound'), target: step.notFound });
    else targets.push({ path: at('notFound', 'again'), target: step.notFound.again });
  }
  return targets;
}

function checkTargets(source: SourceFile, file: ScenarioFile): void {
  const names = Object.keys(file.steps);
  const known = (path: Path, target: string): void => {
    if (!names.includes(target)) source.add(path, `there is no step '${target}'`, suggest(target, names));
  };
  known(['start'], file.start);
  const saved = Object.values(file.steps).flatMap((step) => ('ask' in step ? [step.ask.saveAs] : []));
  const variables = [...(file.variables ?? []), ...saved];
  for (const [name, step] of Object.entries(file.steps)) {
    for (const { path, target } of targetsOf(name, step)) known(path, target);
    if (!('lookUp' in step)) continue;
    const variable = step.lookUp.customerCode;
    if (!variables.includes(variable)) {
      const path = ['steps', name, 'lookUp', 'customerCode'];
      source.add(path, `there is no variable '${variable}'`, suggest(variable, variables));
    }
    const again = typeof step.notFound === 'object' ? file.steps[step.notFound.again] : undefined;
    if (again && !('ask' in again) && !('menu' in again)) {
      source.add(['steps', name, 'notFound', 'again'], 'that step asks nothing', 'name one with ask or menu; or write notFound: STEP');
    }
  }
}

function checkTexts(source: SourceFile, file: ScenarioFile): void {
  const saved = Object.values(file.steps).flatMap((step) => ('ask' in step ? [step.ask.saveAs] : []));
  const variables = [...new Set([...(file.variables ?? []), ...saved])];
  const check = (path: Path, text: Text | undefined): void => {
    if (!text) return;
    for (const language of file.languages as Language[]) {
      if (text[language] === undefined) {
        source.add(path, `the text has no '${language}'`, `add ${language}: …, or take ${language} out of 'languages'`, 'key');
      }
    }
    for (const [language, words] of Object.entries(text)) {
      for (const slip of variableProblems(words ?? '', variables)) {
        source.addWithin([...path, language], slip.start, slip.problem, slip.remedy);
      }
    }
  };
  for (const [name, step] of Object.entries(file.steps)) {
    if ('say' in step) check(['steps', name, 'say'], step.say);
    if ('lookUp' in step && typeof step.notFound === 'object') check(['steps', name, 'notFound', 'say'], step.notFound.say);
    const [verb, asked] = 'ask' in step ? ['ask', step.ask] : 'menu' in step ? ['menu', step.menu] : ['', null];
    for (const part of ['prompt', 'onSilence', 'onInvalid'] as const) if (asked) check(['steps', name, verb, part], asked[part]);
  }
}

/** Unknown variables and stray braces in a text. */
export function variableProblems(text: string, variables: readonly string[]): { start: number; problem: string; remedy: string }[] {
  const problems: { start: number; problem: string; remedy: string }[] = [];
  for (const match of text.matchAll(/\{([A-Za-z][A-Za-z0-9]*)\}|[{}]/g)) {
    const name = match[1];
    if (name === undefined) {
      problems.push({ start: match.index, problem: `a stray '${match[0]}'`, remedy: 'write a variable as {name}' });
    } else if (!variables.includes(name)) {
      problems.push({ start: match.index + 1, problem: `there is no variable '${name}'`, remedy: suggest(name, variables) });
    }
  }
  return problems;
}

/** Puts the variables in; one that has no value yet is left out. */
export const fillIn = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\{([A-Za-z][A-Za-z0-9]*)\}/g, (_, name: string) => variables[name] ?? '');

/**
 * Every step can be reached, and every way ends. An asking step can be entered only as often as it has tries (counted over
 * the whole dialogue), so a way round that never ends is one that needs no answer: along `say`, `lookUp` and `failed` only.
 */
function checkWays(source: SourceFile, start: string, steps: ReadonlyMap<string, Step>): void {
  const reached = new Set<string>();
  const waiting = [start];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const step = steps.get(name);
    if (step) waiting.push(...waysOn(step), ...waysByAnswer(step));
  }
  for (const name of steps.keys()) {
    if (!reached.has(name)) {
      source.add(['steps', name], `no way leads to the step '${name}'`, 'name it as the next of another step, or take it out', 'key');
    }
  }
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): boolean => {
    if (way.includes(name)) {
      const round = [...way.slice(way.indexOf(name)), name].join(' → ');
      source.add(['steps', name], `this way round never ends: ${round}`, 'lead one of its steps to handBack, route or hangUp', 'key');
      return false;
    }
    if (done.has(name)) return true;
    const step = steps.get(name);
    for (const next of step ? waysOn(step) : []) if (!visit(next, [...way, name])) return false;
    done.add(name);
    return true;
  };
  for (const name of steps.keys()) if (!visit(name, [])) return;
}

/** Where a step leads without an answer of the caller. */
function waysOn(step: Step): string[] {
  switch (step.kind) {
    case 'say':
      return [step.next];
    case 'ask':
    case 'menu':
      return [step.failed];
    case 'lookUp':
      return [step.found, step.notFound];
    default:
      return [];
  }
}

function waysByAnswer(step: Step): string[] {
  if (step.kind === 'ask') return step.empty === null ? [step.next] : [step.next, step.empty];
  return step.kind === 'menu' ? Object.values(step.choices) : [];
}
