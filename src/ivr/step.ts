/**
 * One step of a dialogue: what came in → what to do, and until when to wait. Pure, and total: no input throws, one that
 * makes no sense changes nothing.
 *
 * Time-outs: while something plays, one that is far too long (the switch forgot to tell us that it ended); after it, the
 * first-digit time; after each digit, the time between digits. Each starts anew with the input that it follows.
 */
import type { Language } from '../base/ids.ts';
import { fillIn, type Scenario, type Step, type Text } from './parse.ts';
import type { Dialogue, DialogueAction, DialogueInput, DialogueResult, Prompt } from './scenario.ts';

type Note = DialogueResult['notes'][number];
type AskStep = Extract<Step, { kind: 'ask' }>;
type AskingStep = Extract<Step, { kind: 'ask' | 'menu' }>;

/** The step's work in progress. */
interface Draft {
  readonly scenario: Scenario;
  dialogue: Dialogue;
  readonly actions: DialogueAction[];
  readonly notes: Note[];
  timeoutMs: number | null;
}

/** What may be given at the start beside the language: variables that the scenario declares. */
export interface DialogueOptions {
  readonly language: Language;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Begins at the first step. A language that the scenario does not speak becomes its first one. */
export function startDialogue(scenario: Scenario, options: DialogueOptions): DialogueResult {
  const language = scenario.languages.includes(options.language) ? options.language : (scenario.languages[0] ?? options.language);
  const dialogue: Dialogue = {
    scenario: scenario.name,
    version: scenario.version,
    step: scenario.start,
    language,
    variables: options.variables ?? {},
    digits: '',
    tries: 0,
    asked: {},
    play: 0,
    playing: false,
  };
  return stepDialogue(scenario, dialogue, { type: 'started' });
}

/**
 * Gives one input to a dialogue. A dialogue that was begun with another version of the file goes on in this one; when its
 * step is gone, it is handed back as not identified.
 */
export function stepDialogue(scenario: Scenario, dialogue: Dialogue, input: DialogueInput): DialogueResult {
  const draft: Draft = { scenario, dialogue, actions: [], notes: [], timeoutMs: null };
  const step = scenario.steps.get(dialogue.step);
  if (!step) {
    draft.notes.push({ name: 'stepGone', data: {} });
    draft.actions.push({ type: 'handBack', identified: false });
  } else {
    draft.timeoutMs = waitingMs(draft, step);
    take(draft, step, input);
  }
  return { dialogue: draft.dialogue, actions: draft.actions, timeoutMs: draft.timeoutMs, notes: draft.notes };
}

function take(draft: Draft, step: Step, input: DialogueInput): void {
  switch (input.type) {
    case 'started':
      if (draft.dialogue.play === 0 && Object.keys(draft.dialogue.asked ?? {}).length === 0) enter(draft, draft.dialogue.step);
      return;
    case 'digit':
      return onDigit(draft, step, input.digit);
    case 'playFinished':
      if (draft.dialogue.playing && input.play === draft.dialogue.play) onPlayed(draft, step);
      return;
    case 'timeout':
      return onTimeout(draft, step);
    case 'lookedUp':
      if (step.kind === 'lookUp') onLookedUp(draft, step, input.found);
      return;
  }
}

/** Comes to a step. `lead` is said before an asking step's prompt; `key` was pressed already and is an answer to it. */
function enter(draft: Draft, name: string, lead: readonly (Text | null)[] = [], key: string | null = null): void {
  const step = draft.scenario.steps.get(name);
  draft.dialogue = { ...draft.dialogue, step: name, digits: '', tries: 0 };
  draft.timeoutMs = null;
  if (!step) return; // The parser has seen to it that there is one.
  switch (step.kind) {
    case 'say':
      if (key !== null && step.bargeIn) return enter(draft, step.next, [], key);
      return play(draft, [...lead, step.say]);
    case 'ask':
    case 'menu':
      return ask(draft, step, lead, key);
    case 'lookUp':
      draft.notes.push({ name: 'lookUp', data: {} });
      draft.actions.push({ type: 'lookUp', customerCode: draft.dialogue.variables[step.variable] ?? '' });
      return;
    case 'route':
      draft.actions.push({ type: 'route', desk: step.desk });
      return;
    case 'handBack':
      draft.actions.push({ type: 'handBack', identified: step.identified });
      return;
    case 'hangUp':
      draft.actions.push({ type: 'hangUp' });
      return;
  }
}

/** Every time that a step asks is one of its tries, whichever way led there: so every dialogue ends. */
function ask(draft: Draft, step: AskingStep, lead: readonly (Text | null)[], key: string | null): void {
  const name = draft.dialogue.step;
  const tries = (draft.dialogue.asked?.[name] ?? 0) + 1;
  if (tries > step.tries) {
    draft.notes.push({ name: 'failed', data: { tries: step.tries } });
    return enter(draft, step.failed);
  }
  draft.dialogue = { ...draft.dialogue, tries, asked: { ...draft.dialogue.asked, [name]: tries } };
  if (key !== null) return takeKey(draft, step, key);
  play(draft, [...lead, step.prompt]);
}

function onDigit(draft: Draft, step: Step, digit: string): void {
  const { playing, play } = draft.dialogue;
  if (step.kind === 'say' && playing && step.bargeIn) {
    stop(draft, play);
    return enter(draft, step.next, [], digit);
  }
  if (step.kind !== 'ask' && step.kind !== 'menu') return;
  if (playing && !step.bargeIn) return;
  if (playing) stop(draft, play);
  takeKey(draft, step, digit);
}

function stop(draft: Draft, play: number): void {
  draft.actions.push({ type: 'stopPlay', play });
  draft.notes.push({ name: 'bargedIn', data: {} });
  draft.dialogue = { ...draft.dialogue, playing: false };
}

/** A key that answers an asking step. */
function takeKey(draft: Draft, step: AskingStep, key: string): void {
  if (step.kind === 'menu') {
    const next = Object.hasOwn(step.choices, key) ? step.choices[key] : undefined;
    if (next === undefined) return invalid(draft, step, 1);
    draft.notes.push({ name: 'chosen', data: { to: next } });
    return enter(draft, next);
  }
  const { digits } = draft.dialogue;
  if (key === step.end) {
    if (digits === '' && step.empty !== null) {
      draft.notes.push({ name: 'empty', data: {} });
      return enter(draft, step.empty);
    }
    return digits.length >= step.min ? entered(draft, step, digits) : invalid(draft, step, digits.length);
  }
  if (!/^[0-9]$/.test(key)) return invalid(draft, step, digits.length + 1);
  const longer = digits + key;
  if (longer.length >= step.max) return entered(draft, step, longer);
  draft.dialogue = { ...draft.dialogue, digits: longer };
  draft.timeoutMs = step.betweenDigitsMs;
}

function entered(draft: Draft, step: AskStep, digits: string): void {
  draft.notes.push({ name: 'digits', data: { count: digits.length } });
  draft.dialogue = { ...draft.dialogue, variables: { ...draft.dialogue.variables, [step.saveAs]: digits } };
  enter(draft, step.next);
}

function invalid(draft: Draft, step: AskingStep, count: number): void {
  draft.notes.push({ name: 'invalid', data: { try: draft.dialogue.tries, count } });
  enter(draft, draft.dialogue.step, [step.onInvalid]);
}

function onPlayed(draft: Draft, step: Step): void {
  draft.dialogue = { ...draft.dialogue, playing: false };
  if (step.kind === 'say') return enter(draft, step.next);
  draft.timeoutMs = waitingMs(draft, step);
}

function onTimeout(draft: Draft, step: Step): void {
  if (draft.dialogue.playing) {
    draft.actions.push({ type: 'stopPlay', play: draft.dialogue.play });
    draft.notes.push({ name: 'playOverdue', data: {} });
    return onPlayed(draft, step);
  }
  if (step.kind !== 'ask' && step.kind !== 'menu') return;
  const { digits, tries } = draft.dialogue;
  if (digits === '') {
    draft.notes.push({ name: 'silence', data: { try: tries } });
    return enter(draft, draft.dialogue.step, [step.onSilence]);
  }
  // Digits and then silence: whoever does not know of the end key has finished.
  if (step.kind === 'ask' && digits.length >= step.min) return entered(draft, step, digits);
  invalid(draft, step, digits.length);
}

function onLookedUp(draft: Draft, step: Extract<Step, { kind: 'lookUp' }>, found: boolean): void {
  draft.notes.push({ name: found ? 'found' : 'notFound', data: {} });
  if (found) enter(draft, step.found);
  else enter(draft, step.notFound, step.say ? [step.say] : []);
}

function play(draft: Draft, texts: readonly (Text | null)[]): void {
  const { language, variables } = draft.dialogue;
  const prompts = texts.flatMap((text): Prompt[] => {
    const words = text?.[language];
    return words === undefined ? [] : [{ language, text: fillIn(words, variables) }];
  });
  const number = draft.dialogue.play + 1;
  draft.dialogue = { ...draft.dialogue, play: number, playing: true };
  draft.actions.push({ type: 'play', play: number, prompts });
  draft.timeoutMs = overdueMs(prompts.reduce((sum, p) => sum + p.text.length, 0));
}

/** No voice needs a quarter of a second for a character; the rest is for a switch that is slow to begin. */
const overdueMs = (characters: number): number => 15_000 + 250 * characters;

/** How long the present state waits; null where it waits for nothing of the caller's (a look-up has its own deadline). */
function waitingMs(draft: Draft, step: Step): number | null {
  if (draft.dialogue.playing) return overdueMs(200);
  if (step.kind !== 'ask' && step.kind !== 'menu') return null;
  return step.kind === 'ask' && draft.dialogue.digits !== '' ? step.betweenDigitsMs : step.firstDigitMs;
}
