/**
 * Reads scenario files and refuses those that could leave a caller stranded: steps that lead nowhere or are never reached,
 * texts that lack a language or name unknown variables, ways round that never end, calls of scenarios that are not there.
 */
import { createHash } from 'node:crypto';
import { type FileProblem, type Path, SourceFile } from '../base/checked-yaml.ts';
import type { Language } from '../base/ids.ts';
import { suggest } from '../base/nearest.ts';
import { type Expression, expressionsOver, FACT_NAMES, type ValueType } from '../routing/conditions.ts';
import type { Destination } from './scenario.ts';
import { ScenarioFile, type ScenarioTest, type StepFile } from './scenario-schema.ts';
import { type Asking, type Step, textsOf, waysOut } from './steps.ts';
import { type Text, textProblems } from './text.ts';

export interface Scenario {
  readonly name: string;
  /** Names this very text of the file. */
  readonly version: string;
  /** The file that it was read from. */
  readonly file: string;
  readonly callers: 'unidentified' | 'everybody';
  readonly languages: readonly Language[];
  readonly variables: Readonly<Record<string, ValueType>>;
  readonly start: string;
  readonly steps: ReadonlyMap<string, Step>;
  /** Everything that it says. */
  readonly texts: readonly Text[];
  readonly tests: readonly ScenarioTest[];
}

/** The scenarios that belong together: they may call each other, and a dialogue goes on with the set that it began with. */
export interface ScenarioSet {
  readonly version: string;
  readonly scenarios: ReadonlyMap<string, Scenario>;
}

/** What else there is that scenarios may name. Left out: not known, so not checked. */
export interface Known {
  /** Ids of the centre's desks. */
  readonly desks?: readonly string[];
  /** Services with what they are given and what they answer. */
  readonly services?: ReadonlyMap<
    string,
    { readonly takes: readonly string[]; readonly gives: Readonly<Record<string, ValueType>>; readonly timeoutMs: number }
  >;
  readonly hooks?: ReadonlyMap<string, { readonly takes: readonly string[] }>;
}

/** Six seconds to find the keypad, four between two digits: what callers of all ages manage. */
const FIRST_DIGIT_MS = 6000;
const BETWEEN_DIGITS_MS = 4000;
const TRIES = 3;
const ANNOUNCE_MS = 30_000;
const SERVICE_MS = 3000;
const RECORD = { longestMs: 120_000, shortestMs: 1000, silenceMs: 4000 };
/** Recordings are kept in the database, and an agent has to listen to them. */
const LONGEST_RECORDING_MS = 30 * 60_000;
const TRANSFER_MS = 30_000;
const YES_NO_KEYS = ['1', '2'] as const;
const YES_NO_WORDS = { yes: ['はい', 'ええ', 'yes'], no: ['いいえ', 'いえ', 'no'] } as const;
/** A scenario is read by people: one that is longer should be several, and nobody could make anything out of its drawing. */
const MOST_STEPS = 400;

/**
 * Reads scenario files that belong together.
 * @param files each with the name that its problems are told with
 * @returns the set, or everything that is wrong with the files
 */
export function parseScenarios(
  files: readonly { readonly file: string; readonly text: string }[],
  known: Known = {},
): ScenarioSet | FileProblem[] {
  return joinScenarios(files.map(({ file, text }) => parseScenarioFile(file, text, known)));
}

/** Puts files together that were read one by one. */
export function joinScenarios(files: readonly ParsedFile[]): ScenarioSet | FileProblem[] {
  const problems: FileProblem[] = [];
  const read: { source: SourceFile; scenario: Scenario }[] = [];
  for (const parsed of files) {
    if ('scenario' in parsed) read.push(parsed);
    else problems.push(...parsed.problems);
  }
  const scenarios = new Map<string, Scenario>();
  for (const { source, scenario } of read) {
    const other = scenarios.get(scenario.name);
    if (other) source.add(['name'], `there is another scenario '${scenario.name}' in ${other.file}`, 'give one of them another name');
    scenarios.set(scenario.name, scenario);
  }
  for (const { source, scenario } of read) checkCalls(source, scenario, scenarios, problems.length === 0);
  problems.push(...read.flatMap(({ source }) => source.problems));
  if (problems.length > 0) return problems;
  const version = hash(JSON.stringify([...scenarios.values()].map((s) => [s.name, s.version]).sort()));
  return { version, scenarios };
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

export type ParsedFile = { readonly source: SourceFile; readonly scenario: Scenario } | { readonly problems: readonly FileProblem[] };

/** Reads one file of several. It takes some 15 ms: whoever has callers to answer meanwhile reads them one by one. */
export function parseScenarioFile(fileName: string, text: string, known: Known): ParsedFile {
  const source = new SourceFile(text, fileName);
  const file = source.check(ScenarioFile);
  if (!file) return { problems: source.problems };
  const count = Object.keys(file.steps).length;
  if (count > MOST_STEPS) {
    source.add(['steps'], `the scenario has ${count} steps`, `${MOST_STEPS} is the most: divide it, with 'call'`, 'key');
    return { problems: source.problems };
  }
  const reader = new Reader(source, file, known);
  const steps = reader.steps();
  if (source.problems.length === 0) checkWays(source, file.start, steps);
  if (source.problems.length > 0) return { problems: source.problems };
  const scenario: Scenario = {
    name: file.name,
    version: hash(text),
    file: fileName,
    callers: file.callers ?? 'unidentified',
    languages: file.languages as Language[],
    variables: reader.variables,
    start: file.start,
    steps,
    texts: [...steps.values()].flatMap(textsOf),
    tests: file.tests ?? [],
  };
  return { source, scenario };
}

/** Turns the steps of a file into those that the program knows, and notes what is wrong with them. */
class Reader {
  readonly variables: Readonly<Record<string, ValueType>>;
  readonly #source: SourceFile;
  readonly #file: ScenarioFile;
  readonly #known: Known;
  readonly #stepNames: readonly string[];
  /** Variables that nobody is to see, hear or keep. */
  readonly #secrets: readonly string[];
  readonly #compile: ReturnType<typeof expressionsOver>;

  constructor(source: SourceFile, file: ScenarioFile, known: Known) {
    this.#source = source;
    this.#file = file;
    this.#known = known;
    this.#stepNames = Object.keys(file.steps);
    this.#secrets = Object.values(file.steps).flatMap((step) => ('ask' in step && step.ask.secret ? [step.ask.saveAs] : []));
    this.variables = this.#declared();
    this.#compile = expressionsOver(this.variables);
  }

  steps(): Map<string, Step> {
    this.#target(['start'], this.#file.start);
    return new Map(Object.entries(this.#file.steps).map(([name, step]) => [name, this.#step(['steps', name], step)]));
  }

  #declared(): Readonly<Record<string, ValueType>> {
    const { variables: given = [], steps } = this.#file;
    const declared: Record<string, ValueType> = {};
    const isFree = (path: Path, name: string, part: 'key' | 'value'): boolean => {
      // Every object of JavaScript has a `constructor` and the like: a variable of that name would never be empty.
      if (!FACT_NAMES.includes(name) && !(name in Object.prototype)) return true;
      this.#source.add(path, `'${name}' means something else already`, `give the variable another name`, part);
      return false;
    };
    if (Array.isArray(given)) {
      for (const [n, name] of given.entries()) if (isFree(['variables', n], name, 'value')) declared[name] = 'string';
    } else {
      for (const [name, type] of Object.entries(given as Record<string, ValueType>)) {
        if (isFree(['variables', name], name, 'key')) declared[name] = type;
      }
    }
    for (const [step, { path, name, type }] of Object.entries(steps).flatMap(([step, s]) =>
      saved(step, s).map((x) => [step, x] as const),
    )) {
      if (!isFree(path, name, 'value')) continue;
      const before = declared[name];
      if (before !== undefined && before !== type) {
        this.#source.add(path, `'${name}' is ${before} elsewhere, and ${type} in the step '${step}'`, 'give one of them another name');
      } else declared[name] = type;
    }
    return declared;
  }

  #step(path: Path, step: StepFile): Step {
    const to = (target: string, ...at: string[]): string => this.#target([...path, ...at], target);
    if ('say' in step) {
      return { kind: 'say', say: this.#text([...path, 'say'], step.say), bargeIn: step.bargeIn ?? false, next: to(step.next, 'next') };
    }
    if ('ask' in step) return this.#ask(path, step);
    if ('menu' in step) {
      const { choices, words = {} } = step.menu;
      for (const [key, target] of Object.entries(choices)) to(target, 'menu', 'choices', key);
      for (const key of Object.keys(words)) {
        if (!(key in choices))
          this.#source.add([...path, 'menu', 'words', key], `there is no choice '${key}'`, suggest(key, Object.keys(choices)), 'key');
      }
      return { kind: 'menu', ...this.#asking([...path, 'menu'], step.menu, to(step.failed, 'failed')), choices, words };
    }
    if ('yesNo' in step) {
      const [yes, no] = (step.yesNo.keys ?? YES_NO_KEYS) as [string, string];
      if (yes === no) this.#source.add([...path, 'yesNo', 'keys'], 'yes and no have the same key', 'give them two');
      return {
        kind: 'menu',
        ...this.#asking([...path, 'yesNo'], step.yesNo, to(step.failed, 'failed')),
        choices: { [yes]: to(step.yes, 'yes'), [no]: to(step.no, 'no') },
        words: { [yes]: YES_NO_WORDS.yes, [no]: YES_NO_WORDS.no },
      };
    }
    if ('chooseLanguage' in step) {
      const next = to(step.next, 'next');
      const choices = step.chooseLanguage.choices as Record<string, Language>;
      for (const [key, language] of Object.entries(choices)) {
        if (this.#file.languages.includes(language)) continue;
        this.#source.add([...path, 'chooseLanguage', 'choices', key], `the scenario does not speak '${language}'`, "add it to 'languages'");
      }
      const failed = step.failed === undefined ? next : to(step.failed, 'failed');
      return { kind: 'chooseLanguage', ...this.#asking([...path, 'chooseLanguage'], step.chooseLanguage, failed), choices, next };
    }
    if ('lookUp' in step) return this.#lookUp(path, step);
    if ('set' in step) {
      this.#notSecret([...path, 'set'], step.set);
      return { kind: 'set', values: this.#assignments([...path, 'set'], step.set), next: to(step.next, 'next') };
    }
    if ('when' in step) {
      const branches = step.when.map(({ if: text, to: target }, n) => ({
        condition: this.#expression([...path, 'when', n, 'if'], text, 'bool'),
        to: this.#target([...path, 'when', n, 'to'], target),
      }));
      return { kind: 'when', branches, otherwise: to(step.otherwise, 'otherwise') };
    }
    if ('hours' in step) {
      const desk = this.#desk([...path, 'hours'], step.hours);
      return { kind: 'hours', desk, open: to(step.open, 'open'), closed: to(step.closed, 'closed') };
    }
    if ('route' in step) {
      const isName = typeof step.route === 'string';
      const destination = isName ? { desk: step.route } : step.route;
      return { kind: 'route', to: this.#destination([...path, 'route'], destination as DestinationFile, isName) };
    }
    if ('queue' in step) return this.#queue(path, step);
    if ('callBack' in step) {
      const { number, at, desk } = step.callBack;
      return {
        kind: 'callBack',
        number: number === undefined ? null : this.#variable([...path, 'callBack', 'number'], number),
        at: at === undefined ? null : this.#variable([...path, 'callBack', 'at'], at),
        desk: desk === undefined ? null : this.#desk([...path, 'callBack', 'desk'], desk),
        next: to(step.next, 'next'),
        failed: to(step.failed, 'failed'),
      };
    }
    if ('record' in step) {
      const { record } = step;
      const longestMs = durationMs(record.longest) ?? RECORD.longestMs;
      const shortestMs = durationMs(record.shortest) ?? RECORD.shortestMs;
      if (longestMs > LONGEST_RECORDING_MS) {
        this.#source.add([...path, 'record', 'longest'], 'nobody listens to that', `${LONGEST_RECORDING_MS / 60_000}m is the most`);
      }
      if (shortestMs > longestMs) {
        const at = record.shortest === undefined ? 'longest' : 'shortest';
        this.#source.add([...path, 'record', at], 'shortest is longer than longest', 'nothing would ever be recorded');
      }
      return {
        kind: 'record',
        prompt: this.#text([...path, 'record', 'prompt'], record.prompt),
        longestMs,
        shortestMs,
        silenceMs: durationMs(record.silence) ?? RECORD.silenceMs,
        end: record.end ?? null,
        beep: record.beep ?? true,
        next: to(step.next, 'next'),
        failed: to(step.failed, 'failed'),
      };
    }
    if ('leaveMessage' in step) {
      const { desk } = step.leaveMessage;
      return {
        kind: 'leaveMessage',
        desk: desk === undefined ? null : this.#desk([...path, 'leaveMessage', 'desk'], desk),
        next: to(step.next, 'next'),
      };
    }
    if ('send' in step) {
      const { hook, with: given = {}, text } = step.send;
      this.#notSecret([...path, 'send', 'with'], given);
      this.#takes([...path, 'send'], 'hook', hook, [...Object.keys(given), ...(text ? ['text'] : [])], this.#known.hooks);
      return {
        kind: 'send',
        hook,
        with: this.#values([...path, 'send', 'with'], given),
        text: text ? this.#text([...path, 'send', 'text'], text) : null,
        next: to(step.next, 'next'),
      };
    }
    if ('transferOut' in step) {
      const { to: number, timeout } = step.transferOut;
      return { kind: 'transferOut', number, timeoutMs: durationMs(timeout) ?? TRANSFER_MS, failed: to(step.failed, 'failed') };
    }
    if ('keep' in step) this.#notSecret([...path, 'keep'], step.keep);
    if ('keep' in step) return { kind: 'keep', answers: this.#values([...path, 'keep'], step.keep), next: to(step.next, 'next') };
    if ('call' in step) {
      for (const [word, target] of Object.entries(step.then)) to(target, 'then', word);
      // biome-ignore lint/suspicious/noThenProperty: it is a word of the language, and nobody awaits a step
      return { kind: 'call', scenario: step.call, then: step.then };
    }
    if ('handBack' in step) return { kind: 'handBack', word: step.handBack };
    return { kind: 'hangUp', as: step.hangUp === true ? null : step.hangUp };
  }

  #ask(path: Path, step: Extract<StepFile, { ask: unknown }>): Step {
    const { ask } = step;
    if (ask.digits.min > ask.digits.max) {
      this.#source.add([...path, 'ask', 'digits', 'min'], 'min is greater than max', `write ${ask.digits.max} or less`);
    }
    if (step.empty !== undefined && ask.end === undefined) {
      this.#source.add([...path, 'empty'], 'an empty entry needs a key that ends it', "add end: '#' to 'ask'", 'key');
    }
    return {
      kind: 'ask',
      ...this.#asking([...path, 'ask'], ask, this.#target([...path, 'failed'], step.failed)),
      min: ask.digits.min,
      max: ask.digits.max,
      end: ask.end ?? null,
      betweenDigitsMs: durationMs(ask.betweenDigits) ?? BETWEEN_DIGITS_MS,
      saveAs: ask.saveAs,
      reads: ask.as ?? 'digits',
      check: ask.check === undefined ? null : this.#expression([...path, 'ask', 'check'], ask.check, 'bool'),
      secret: ask.secret ?? false,
      next: this.#target([...path, 'next'], step.next),
      empty: step.empty === undefined ? null : this.#target([...path, 'empty'], step.empty),
    };
  }

  #lookUp(path: Path, step: Extract<StepFile, { lookUp: unknown }>): Step {
    const { lookUp, notFound } = step;
    const again = typeof notFound === 'object';
    const notFoundPath = again ? [...path, 'notFound', 'again'] : [...path, 'notFound'];
    const target = this.#target(notFoundPath, again ? notFound.again : notFound);
    const asking = again ? this.#file.steps[target] : undefined;
    if (asking && !('ask' in asking || 'menu' in asking || 'yesNo' in asking || 'chooseLanguage' in asking)) {
      this.#source.add(notFoundPath, 'that step asks nothing', 'name one with ask or menu; or write notFound: STEP');
    }
    const ways = {
      found: this.#target([...path, 'found'], step.found),
      notFound: target,
      again,
      say: again && notFound.say ? this.#text([...path, 'notFound', 'say'], notFound.say) : null,
    };
    if ('service' in lookUp) {
      const { service, with: given = {}, save = {} } = lookUp;
      const known = this.#takes([...path, 'lookUp'], 'service', service, Object.keys(given), this.#known.services);
      for (const [variable, field] of Object.entries(save)) {
        const at = [...path, 'lookUp', 'save', variable];
        if (!Object.hasOwn(this.variables, variable)) {
          this.#source.add(
            at,
            `there is no variable '${variable}'`,
            `${suggest(variable, Object.keys(this.variables))}; declare it in 'variables'`,
            'key',
          );
          continue;
        }
        const gives = known?.gives[field];
        if (known && gives === undefined) {
          this.#source.add(at, `the service '${service}' does not give '${field}'`, suggest(field, Object.keys(known.gives)));
        } else if (gives !== undefined && gives !== this.variables[variable]) {
          this.#source.add(at, `'${field}' is ${gives}, and '${variable}' is ${this.variables[variable]}`, `declare ${variable}: ${gives}`);
        }
      }
      return {
        kind: 'askService',
        service,
        with: this.#values([...path, 'lookUp', 'with'], given),
        save: Object.entries(save),
        timeoutMs: known?.timeoutMs ?? SERVICE_MS,
        ...ways,
        failed: step.failed === undefined ? target : this.#target([...path, 'failed'], step.failed),
      };
    }
    if (step.failed !== undefined) {
      this.#source.add([...path, 'failed'], 'the customer database does not fail a dialogue', "take it out: it is 'notFound' then", 'key');
    }
    const by = 'customerCode' in lookUp ? 'customerCode' : 'phone' in lookUp ? 'phone' : 'order';
    const variable = (lookUp as Readonly<Record<string, string>>)[by] ?? '';
    return { kind: 'lookUp', by, variable: this.#variable([...path, 'lookUp', by], variable), ...ways };
  }

  #queue(path: Path, step: Extract<StepFile, { queue: unknown }>): Step {
    const { queue } = step;
    const at = [...path, 'queue'];
    const text = (name: 'next' | 'position' | 'wait' | 'nobody' | 'offers', ...given: string[]): Text | null => {
      const words = queue.announce?.[name];
      return words ? this.#text([...at, 'announce', name], words, given) : null;
    };
    for (const [key, target] of Object.entries(queue.offers ?? {})) this.#target([...at, 'offers', key], target);
    if (step.tooLong !== undefined && queue.longest === undefined) {
      this.#source.add([...path, 'tooLong'], 'it is not said how long is too long', "add longest: 5m to 'queue'", 'key');
    }
    if (queue.longest !== undefined && step.tooLong === undefined) {
      this.#source.add([...at, 'longest'], 'it is not said where that leads', "add 'tooLong: STEP' beside 'queue'", 'key');
    }
    return {
      kind: 'queue',
      to: this.#destination(at, queue, false),
      announceMs: queue.announce ? Math.max(durationMs(queue.announce.every) ?? ANNOUNCE_MS, 5000) : null,
      texts: {
        next: text('next'),
        position: text('position', 'position'),
        wait: text('wait', 'minutes'),
        nobody: text('nobody'),
        offers: text('offers'),
      },
      offers: queue.offers ?? {},
      longestMs: durationMs(queue.longest) ?? null,
      nobody: step.nobody === undefined ? null : this.#target([...path, 'nobody'], step.nobody),
      tooLong: step.tooLong === undefined ? null : this.#target([...path, 'tooLong'], step.tooLong),
    };
  }

  #asking(path: Path, asked: AskingFile, failed: string): Asking {
    return {
      prompt: this.#text([...path, 'prompt'], asked.prompt),
      bargeIn: asked.bargeIn ?? true,
      firstDigitMs: durationMs(asked.firstDigit) ?? FIRST_DIGIT_MS,
      tries: asked.tries ?? TRIES,
      onSilence: asked.onSilence ? this.#text([...path, 'onSilence'], asked.onSilence) : null,
      onInvalid: asked.onInvalid ? this.#text([...path, 'onInvalid'], asked.onInvalid) : null,
      speech: asked.speech ?? false,
      failed,
    };
  }

  #target(path: Path, target: string): string {
    if (!this.#stepNames.includes(target)) this.#source.add(path, `there is no step '${target}'`, suggest(target, this.#stepNames));
    return target;
  }

  #variable(path: Path, name: string): string {
    const names = Object.keys(this.variables);
    if (!names.includes(name)) this.#source.add(path, `there is no variable '${name}'`, suggest(name, names));
    return name;
  }

  #desk(path: Path, desk: string): string {
    const { desks } = this.#known;
    if (desks && desk !== 'reception' && !desks.includes(desk)) {
      this.#source.add(path, `there is no desk '${desk}'`, suggest(desk, ['reception', ...desks]));
    }
    return desk;
  }

  #destination(path: Path, { desk, priority, needs }: DestinationFile, isName: boolean): Destination {
    return {
      desk: desk === undefined ? null : this.#desk(isName ? path : [...path, 'desk'], desk),
      priority: priority ?? null,
      needs: needs ?? null,
    };
  }

  /** @param given variables that the house puts in beside the scenario's own */
  #text(path: Path, text: Text, given: readonly string[] = []): Text {
    for (const language of this.#file.languages as Language[]) {
      if (text[language] === undefined) {
        this.#source.add(path, `the text has no '${language}'`, `add ${language}: …, or take ${language} out of 'languages'`, 'key');
      }
    }
    for (const language of ['ja', 'en'] as const) {
      for (const secret of this.#secrets) {
        const at = (text[language] ?? '').search(new RegExp(`\\{${secret}\\b`));
        if (at >= 0)
          this.#source.addWithin([...path, language], at + 1, `'${secret}' is secret, and not to be said`, 'take it out of the text');
      }
      for (const slip of textProblems(text[language] ?? '', [...Object.keys(this.variables), ...given])) {
        this.#source.addWithin([...path, language], slip.start, slip.problem, slip.remedy);
      }
    }
    return text;
  }

  #expression(path: Path, text: string, wanted?: ValueType): Expression {
    const compiled = this.#compile(text, wanted);
    if ('evaluate' in compiled) return compiled;
    this.#source.addWithin(path, compiled.start, compiled.problem, compiled.remedy);
    return { text, type: wanted ?? 'string', evaluate: () => null };
  }

  /** What is secret may be compared, and given to a service; nothing else is to have it. */
  #notSecret(path: Path, values: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(values)) {
      const secret = this.#secrets.find((variable) => new RegExp(`\\b${variable}\\b`).test(text));
      if (secret === undefined) continue;
      const remedy = 'a secret may be compared by when and check, and given to a service by lookUp';
      this.#source.add([...path, name], `'${secret}' is secret`, remedy);
    }
  }

  /** Expressions for the scenario's own variables: each must be declared, and get what it holds. */
  #assignments(path: Path, values: Readonly<Record<string, string>>): [string, Expression][] {
    return Object.entries(values).map(([name, text]) => {
      const type = Object.hasOwn(this.variables, name) ? this.variables[name] : undefined;
      if (type === undefined) {
        const remedy = `${suggest(name, Object.keys(this.variables))}; declare it in 'variables', as { ${name}: int }`;
        this.#source.add([...path, name], `there is no variable '${name}'`, remedy, 'key');
      }
      return [name, this.#expression([...path, name], text, type)];
    });
  }

  #values(path: Path, values: Readonly<Record<string, string>>): [string, Expression][] {
    return Object.entries(values).map(([name, text]) => [name, this.#expression([...path, name], text)]);
  }

  /** Whether there is such a service (or hook), and what it is given is what it takes. */
  #takes<T extends { readonly takes: readonly string[] }>(
    path: Path,
    what: 'service' | 'hook',
    name: string,
    given: readonly string[],
    all: ReadonlyMap<string, T> | undefined,
  ): T | undefined {
    const known = all?.get(name);
    if (all && !known) this.#source.add([...path, what], `services.yaml has no ${what} '${name}'`, suggest(name, [...all.keys()]));
    if (!known) return undefined;
    for (const field of given) {
      if (known.takes.includes(field)) continue;
      const at = field === 'text' ? [...path, 'text'] : [...path, 'with', field];
      this.#source.add(at, `the ${what} '${name}' does not take '${field}'`, suggest(field, known.takes), 'key');
    }
    for (const field of known.takes) {
      if (!given.includes(field))
        this.#source.add([...path, what], `the ${what} '${name}' needs '${field}'`, `add with: { ${field}: … }`, 'key');
    }
    return known;
  }
}

type DestinationFile = { readonly desk?: string; readonly priority?: number; readonly needs?: Record<string, number> };
type AskingFile = Omit<Extract<StepFile, { menu: unknown }>['menu'], 'choices' | 'words'>;

/** What a step puts into variables that nobody need declare. */
function saved(name: string, step: StepFile): { path: Path; name: string; type: ValueType }[] {
  if (!('ask' in step)) return [];
  return [{ path: ['steps', name, 'ask', 'saveAs'], name: step.ask.saveAs, type: step.ask.as === 'number' ? 'int' : 'string' }];
}

function durationMs(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text ?? '');
  if (!match) return undefined;
  return Math.round(Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[match[2] as 'ms' | 's' | 'm']);
}

/**
 * Every step can be reached, and every way ends. An asking step asks only so often (`MOST_ASKED` in step.ts), so a way round that never
 * ends is one that needs neither an answer nor time: along `say`, `lookUp`, `when`, `failed` and the like only.
 */
function checkWays(source: SourceFile, start: string, steps: ReadonlyMap<string, Step>): void {
  const reached = new Set<string>();
  const waiting = [start];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const step = steps.get(name);
    if (step) waiting.push(...waysOut(step).map((way) => way.to));
  }
  for (const name of steps.keys()) {
    if (!reached.has(name)) {
      source.add(['steps', name], `no way leads to the step '${name}'`, 'name it as the next of another step, or take it out', 'key');
    }
  }
  const ways = (name: string): string[] => {
    const step = steps.get(name);
    return step ? waysOut(step).flatMap((way) => (way.by === 'itself' ? [way.to] : [])) : [];
  };
  const round = roundIn([...steps.keys()], ways);
  if (!round) return;
  const remedy = 'lead one of its steps to handBack, route or hangUp';
  source.add(['steps', round[0] as string], `this way round never ends: ${round.join(' → ')}`, remedy, 'key');
}

/** A way that comes back to where it began, as the names along it; null when there is none. */
function roundIn(names: readonly string[], ways: (name: string) => readonly string[]): string[] | null {
  const done = new Set<string>();
  for (const first of names) {
    // Without recursion: a file may have thousands of steps in a row.
    const way: { name: string; left: string[] }[] = [];
    const on = new Set<string>();
    const enter = (name: string): void => {
      way.push({ name, left: [...ways(name)] });
      on.add(name);
    };
    if (!done.has(first)) enter(first);
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const next = top.left.shift();
      if (next === undefined) {
        done.add(top.name);
        on.delete(top.name);
        way.pop();
      } else if (on.has(next)) {
        const from = way.findIndex((w) => w.name === next);
        return [...way.slice(from).map((w) => w.name), next];
      } else if (!done.has(next)) enter(next);
    }
  }
  return null;
}

/** What a scenario that no other calls can hand back to the control logic. */
const HAND_BACKS: readonly string[] = ['identified', 'notIdentified'];

/** Variables that nobody is to see, hear or keep. */
const secretsOf = ({ steps }: Scenario): ReadonlySet<string> =>
  new Set([...steps.values()].flatMap((step) => (step.kind === 'ask' && step.secret ? [step.saveAs] : [])));

/** Whom a scenario calls is there, comes back by words that lead on, speaks its languages, and does not call it in turn. */
function checkCalls(source: SourceFile, scenario: Scenario, all: ReadonlyMap<string, Scenario>, complete: boolean): void {
  for (const [name, step] of scenario.steps) {
    if (step.kind !== 'call') continue;
    const path = ['steps', name, 'call'];
    const called = all.get(step.scenario);
    if (!called) {
      // Where another file is wrong, it may be in that one.
      if (complete) source.add(path, `there is no scenario '${step.scenario}'`, suggest(step.scenario, [...all.keys()]));
      continue;
    }
    const words = new Set([...called.steps.values()].flatMap((s) => (s.kind === 'handBack' ? [s.word] : [])));
    for (const word of words) {
      if (Object.hasOwn(step.then, word)) continue;
      source.add(['steps', name, 'then'], `'${called.name}' may hand back '${word}'`, `add '${word}: STEP'`, 'key');
    }
    for (const word of Object.keys(step.then)) {
      if (!words.has(word))
        source.add(['steps', name, 'then', word], `'${called.name}' never hands back '${word}'`, suggest(word, [...words]), 'key');
    }
    const lacking = scenario.languages.filter((language) => !called.languages.includes(language));
    if (lacking.length > 0) source.add(path, `'${called.name}' does not speak ${lacking.join(', ')}`, `add it to the 'languages' there`);
    const [secrets, others] = [secretsOf(scenario), secretsOf(called)];
    for (const [variable, type] of Object.entries(called.variables)) {
      const own = Object.hasOwn(scenario.variables, variable) ? scenario.variables[variable] : undefined;
      if (own !== undefined && secrets.has(variable) !== others.has(variable)) {
        const [secret, open] = secrets.has(variable) ? ['here', `in '${called.name}'`] : [`in '${called.name}'`, 'here'];
        source.add(path, `'${variable}' is secret ${secret}, and not ${open}`, 'both share their variables: give one another name');
      }
      if (own !== undefined && own !== type) {
        source.add(
          path,
          `'${variable}' is ${own} here, and ${type} in '${called.name}'`,
          'both share their variables: give one another name',
        );
      }
    }
  }
  // While another file is wrong, nobody knows whether it calls this one.
  const isCalled =
    !complete ||
    [...all.values()].some((other) => [...other.steps.values()].some((s) => s.kind === 'call' && s.scenario === scenario.name));
  for (const [name, step] of scenario.steps) {
    if (step.kind !== 'handBack' || isCalled || HAND_BACKS.includes(step.word)) continue;
    source.add(['steps', name, 'handBack'], `no scenario calls this one, so nobody knows '${step.word}'`, suggest(step.word, HAND_BACKS));
  }
  const calls = (name: string): string[] =>
    [...(all.get(name)?.steps.values() ?? [])].flatMap((s) => (s.kind === 'call' && all.has(s.scenario) ? [s.scenario] : []));
  const round = roundIn([scenario.name], calls);
  if (round?.includes(scenario.name)) {
    source.add(['name'], `scenarios call each other without end: ${round.join(' → ')}`, 'take one of the calls out');
  }
}
