/**
 * One step of a dialogue: what came in → what to do, and until when to wait. Pure, and total: no input throws, one that
 * makes no sense changes nothing.
 *
 * Time-outs: while something plays, one that is far too long (the switch forgot to tell us that it ended); after it, the
 * first-digit time; after each digit, the time between digits. Each starts anew with the input that it follows.
 */
import type { EpochMs, Language } from '../base/ids.ts';
import type { ConditionFacts, Expression } from '../routing/conditions.ts';
import { dialledDate, dialledTime, momentOf } from './dialled.ts';
import type { Scenario, ScenarioSet } from './parse.ts';
import type {
  Dialogue,
  DialogueAction,
  DialogueInput,
  DialogueNote,
  DialogueResult,
  Prompt,
  QueueSight,
  StepAt,
  Value,
  Values,
} from './scenario.ts';
import { type AskingStep, isAsking, type Step } from './steps.ts';
import { promptOf, type Text } from './text.ts';

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** What a dialogue may ask about the world. Pure: given from outside, the same answer every time. */
export interface DialogueFacts {
  readonly at: EpochMs;
  /** The zone of the house's clock, for dates and times that are dialled. */
  readonly timeZone: string;
  /** What conditions can ask of the contact. Asked only when a step has one. */
  readonly conditions: () => ConditionFacts;
  /** Whether a desk (its id, or `reception`) is open now. */
  readonly isOpen: (desk: string) => boolean;
  /** A dialled number as E.164; null when it can be none. */
  readonly readPhone: (digits: string) => string | null;
  /** Whether what is spoken can be recognised. */
  readonly speech: boolean;
}

/** The step's work in progress. */
interface Draft {
  readonly set: ScenarioSet;
  readonly facts: DialogueFacts;
  dialogue: Dialogue;
  readonly actions: DialogueAction[];
  readonly entered: StepAt[];
  readonly notes: DialogueNote[];
  timeoutMs: DialogueResult['timeoutMs'];
}

/** What may be given at the start beside the language: variables that the scenario declares. */
export interface DialogueOptions {
  readonly language: Language;
  readonly variables?: Values;
}

/** No step asks more often than this in one dialogue, however good the answers: so every dialogue ends. */
const MOST_ASKED = 30;
/** No more steps than this follow one another without waiting for anything; the check of the files leaves no way round, so it is never reached. */
const MOST_STEPS = 10_000;
/** A recogniser has answered by then, or will not. */
const RECOGNISED_MS = 6_000;
/** How long what is spoken in answer to a question may be. */
const SPOKEN_MS = 6_000;
/** So soon after the last digit the end key is pressed out of habit. */
const HABIT_MS = 3_000;
/** Listening that is over sooner has not worked, and would not the next time. */
const LISTENED_MS = 500;
/** A look-up that is not answered by then never will be; its own time-out comes first. */
const LATE_MS = 2_000;

/**
 * Begins at the first step. A language that the scenario does not speak becomes its first one.
 * @throws Error when the set has no scenario of that name: entries are checked against it before it is used
 */
export function startDialogue(set: ScenarioSet, name: string, options: DialogueOptions, facts: DialogueFacts): DialogueResult {
  const scenario = set.scenarios.get(name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  const dialogue: Dialogue = {
    scenario: scenario.name,
    version: set.version,
    step: scenario.start,
    language: spoken(scenario, options.language),
    variables: options.variables ?? {},
    digits: '',
    tries: 0,
    asked: {},
    play: 0,
    playing: false,
  };
  return stepDialogue(set, dialogue, { type: 'started' }, facts);
}

const spoken = (scenario: Scenario, language: Language): Language =>
  scenario.languages.includes(language) ? language : (scenario.languages[0] ?? language);

/**
 * Gives one input to a dialogue. One that was begun with another version of the files goes on in this one; when its
 * step is gone, it is handed back as not identified.
 */
export function stepDialogue(set: ScenarioSet, dialogue: Dialogue, input: DialogueInput, facts: DialogueFacts): DialogueResult {
  const draft: Draft = { set, facts, dialogue, actions: [], entered: [], notes: [], timeoutMs: null };
  const step = stepAt(draft);
  if (!step) stepGone(draft);
  else {
    draft.timeoutMs = waitingMs(draft, step);
    take(draft, step, input);
  }
  const { actions, timeoutMs, entered, notes } = draft;
  return { dialogue: draft.dialogue, actions, timeoutMs, entered, notes };
}

const stepAt = ({ set, dialogue }: Draft): Step | undefined => set.scenarios.get(dialogue.scenario)?.steps.get(dialogue.step);

function stepGone(draft: Draft): void {
  note(draft, 'stepGone');
  draft.timeoutMs = null;
  draft.actions.push({ type: 'handBack', identified: false });
}

function note(draft: Draft, name: string, data: DialogueNote['data'] = {}): void {
  const { scenario, step } = draft.dialogue;
  draft.notes.push({ name, scenario, step, data });
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
    case 'serviceAnswered':
      if (step.kind === 'askService' && isAwaited(draft, input.request)) onServiceAnswered(draft, step, input.outcome, input.values);
      return;
    case 'recorded':
      if (step.kind === 'record' && isAwaited(draft, input.request) && !draft.dialogue.playing) {
        onRecorded(draft, step, input.outcome === 'completed' ? input.durationMs : 0);
      }
      return;
    case 'heard':
      if (isAsking(step) && draft.dialogue.listening?.request === input.request) onHeard(draft, step, input.words);
      return;
    case 'announceDue':
      if (step.kind === 'queue') onAnnounceDue(draft, step, input.sight);
      return;
    case 'callBackAnswered':
      if (step.kind === 'callBack') {
        note(draft, input.promised ? 'callBackPromised' : 'callBackRefused');
        if (input.promised) draft.dialogue = { ...draft.dialogue, served: 'callBack' };
        enter(draft, input.promised ? step.next : step.failed);
      }
      return;
    case 'transferFailed':
      if (step.kind === 'transferOut') {
        note(draft, 'transferFailed', { cause: input.cause });
        enter(draft, step.failed);
      }
      return;
  }
}

const isAwaited = (draft: Draft, request: number): boolean => draft.dialogue.request === request;

/** What a way may bring along to the step that it leads to. */
interface Bringing {
  /** Said before an asking step's prompt. */
  readonly lead?: readonly (Text | null)[];
  /** Pressed already, and an answer to it. */
  readonly key?: string;
  /** The step is asked once more, as one of its tries. */
  readonly again?: boolean;
}

/** Comes to a step, and goes on from it for as long as nothing has to be waited for. */
function enter(draft: Draft, first: string, bringing: Bringing = {}): void {
  let next: { name: string; bringing: Bringing } | null = { name: first, bringing };
  for (let steps = 0; next !== null; steps++) {
    if (steps > MOST_STEPS) throw new Error(`the scenario ${draft.dialogue.scenario} goes round without end at ${next.name}`);
    draft.dialogue = { ...draft.dialogue, step: next.name, digits: '' };
    draft.timeoutMs = null;
    draft.entered.push({ scenario: draft.dialogue.scenario, step: next.name });
    const step = stepAt(draft);
    if (!step) return stepGone(draft); // another version of the files: the parser sees to it that in one all are there
    next = begin(draft, step, next.bringing);
  }
}

type Next = { name: string; bringing: Bringing } | null;
const goOn = (name: string, bringing: Bringing = {}): Next => ({ name, bringing });

/** Does what a step does. @returns where it leads at once; null: it waits for something, or the dialogue is over */
function begin(draft: Draft, step: Step, { lead = [], key, again = false }: Bringing): Next {
  switch (step.kind) {
    case 'say':
      if (key !== undefined && step.bargeIn) return goOn(step.next, { key });
      play(draft, [...lead, step.say]);
      return null;
    case 'ask':
    case 'menu':
    case 'chooseLanguage':
      return ask(draft, step, lead, key, again);
    case 'lookUp': {
      const value = heldIn(draft, step.variable);
      note(draft, 'lookUp');
      draft.actions.push({ type: 'lookUp', by: step.by, value });
      return null;
    }
    case 'askService': {
      const request = newRequest(draft);
      const values = evaluated(draft, step.with);
      note(draft, 'serviceAsked', { service: step.service });
      draft.actions.push({ type: 'askService', request, service: step.service, values });
      draft.timeoutMs = step.timeoutMs + LATE_MS;
      return null;
    }
    case 'set':
      draft.dialogue = { ...draft.dialogue, variables: { ...draft.dialogue.variables, ...evaluated(draft, step.values) } };
      return goOn(step.next);
    case 'when': {
      const branch = step.branches.findIndex(({ condition }) => evaluate(draft, condition) === true);
      note(draft, 'went', { by: branch < 0 ? 'otherwise' : branch + 1 });
      return goOn(step.branches[branch]?.to ?? step.otherwise);
    }
    case 'hours': {
      const open = draft.facts.isOpen(step.desk);
      note(draft, open ? 'open' : 'closed', { desk: step.desk });
      return goOn(open ? step.open : step.closed);
    }
    case 'route':
      draft.actions.push({ type: 'route', ...step.to });
      return null;
    case 'queue': {
      countAsked(draft);
      if (step.announceMs !== null) draft.dialogue = { ...draft.dialogue, announceMs: step.announceMs };
      draft.actions.push({ type: 'queue', announceMs: step.announceMs, ...step.to });
      draft.timeoutMs = mayLeave(draft) ? step.longestMs : null;
      return null;
    }
    case 'callBack': {
      const number = step.number === null ? null : heldIn(draft, step.number);
      const { at, timeZone } = draft.facts;
      const wanted = step.at === null ? null : momentOf(heldIn(draft, step.at), at, timeZone);
      if (step.at !== null && wanted === null) {
        note(draft, 'callBackRefused');
        return goOn(step.failed);
      }
      draft.actions.push({ type: 'callBack', number: number === '' ? null : number, at: wanted, desk: step.desk });
      return null;
    }
    case 'record':
      if (countAsked(draft) > MOST_ASKED) {
        note(draft, 'failed');
        return goOn(step.failed);
      }
      play(draft, [...lead, step.prompt]);
      return null;
    case 'leaveMessage': {
      const { recorded } = draft.dialogue;
      note(draft, recorded ? 'messageLeft' : 'noMessage');
      if (recorded) {
        draft.actions.push({ type: 'leaveMessage', ...recorded, desk: step.desk });
        const { recorded: _left, ...rest } = draft.dialogue;
        draft.dialogue = { ...rest, served: 'message' };
      }
      return goOn(step.next);
    }
    case 'send': {
      const values = evaluated(draft, step.with);
      const text = step.text ? { text: textOf(draft, step.text).text } : {};
      note(draft, 'sent', { hook: step.hook });
      draft.actions.push({ type: 'send', request: newRequest(draft), hook: step.hook, values: { ...values, ...text } });
      return goOn(step.next);
    }
    case 'transferOut':
      note(draft, 'transferOut');
      draft.actions.push({ type: 'transferOut', number: step.number, timeoutMs: step.timeoutMs });
      return null;
    case 'keep':
      draft.actions.push({ type: 'keep', answers: evaluated(draft, step.answers) });
      return goOn(step.next);
    case 'call': {
      const called = draft.set.scenarios.get(step.scenario);
      if (!called) {
        stepGone(draft);
        return null;
      }
      note(draft, 'called', { to: called.name });
      const { scenario, step: name, callers = [] } = draft.dialogue;
      draft.dialogue = {
        ...draft.dialogue,
        scenario: called.name,
        callers: [...callers, { scenario, step: name }],
        language: spoken(called, draft.dialogue.language),
      };
      return goOn(called.start);
    }
    case 'handBack':
      return handBack(draft, step.word);
    case 'hangUp':
      draft.actions.push({ type: 'hangUp', as: step.as });
      return null;
  }
}

/** Back to the scenario that called this one; from the first one, to the control logic. */
function handBack(draft: Draft, word: string): Next {
  const { callers = [] } = draft.dialogue;
  const caller = callers.at(-1);
  if (!caller) {
    draft.actions.push({ type: 'handBack', identified: word === 'identified' });
    return null;
  }
  draft.dialogue = { ...draft.dialogue, scenario: caller.scenario, step: caller.step, callers: callers.slice(0, -1) };
  note(draft, 'cameBack', { as: word });
  const scenario = draft.set.scenarios.get(caller.scenario);
  if (scenario) draft.dialogue = { ...draft.dialogue, language: spoken(scenario, draft.dialogue.language) };
  const step = stepAt(draft);
  const next = step?.kind === 'call' ? step.then[word] : undefined;
  if (next !== undefined) return goOn(next);
  stepGone(draft);
  return null;
}

/** How often the present step has been asked in the whole dialogue, this time included. */
function countAsked(draft: Draft): number {
  const name = askedName(draft.dialogue);
  const count = (draft.dialogue.asked?.[name] ?? 0) + 1;
  draft.dialogue = { ...draft.dialogue, asked: { ...draft.dialogue.asked, [name]: count } };
  return count;
}

const askedName = ({ scenario, step }: Dialogue): string => `${scenario}.${step}`;

/** `again`: what came before was one of its tries. Any other way to a step begins to count anew, up to `MOST_ASKED` in all. */
function ask(draft: Draft, step: AskingStep, lead: readonly (Text | null)[], key: string | undefined, again: boolean): Next {
  const tries = again ? draft.dialogue.tries + 1 : 1;
  if (tries > step.tries || countAsked(draft) > MOST_ASKED) {
    note(draft, 'failed', { tries: tries - 1 });
    return goOn(step.failed);
  }
  draft.dialogue = { ...draft.dialogue, tries };
  if (key !== undefined) return keyTaken(draft, step, key);
  play(draft, [...lead, step.prompt]);
  return null;
}

function onDigit(draft: Draft, step: Step, digit: string): void {
  const { playing, play: playNumber, endKey, ...rest } = draft.dialogue;
  if (endKey) draft.dialogue = { ...rest, playing, play: playNumber };
  if (digit === endKey?.key && draft.facts.at < endKey.until) return;
  if (step.kind === 'say' && playing && step.bargeIn) {
    stop(draft, playNumber);
    return enter(draft, step.next, { key: digit });
  }
  if (step.kind === 'record' && digit === step.end && !playing) return stopRecording(draft);
  if (step.kind === 'queue') return onOffer(draft, step, digit);
  if (!isAsking(step)) return;
  if (playing && !step.bargeIn) return;
  if (playing) stop(draft, playNumber);
  stopListening(draft);
  follow(draft, keyTaken(draft, step, digit));
}

const follow = (draft: Draft, next: Next): void => {
  if (next) enter(draft, next.name, next.bringing);
};

function stop(draft: Draft, playNumber: number): void {
  draft.actions.push({ type: 'stopPlay', play: playNumber });
  note(draft, 'bargedIn');
  draft.dialogue = { ...draft.dialogue, playing: false };
}

/** A key that answers an asking step. */
function keyTaken(draft: Draft, step: AskingStep, key: string): Next {
  if (step.kind === 'menu') {
    const next = Object.hasOwn(step.choices, key) ? step.choices[key] : undefined;
    if (next === undefined) return invalid(draft, step, 1);
    note(draft, 'chosen', { key, to: next });
    return goOn(next);
  }
  if (step.kind === 'chooseLanguage') {
    const language = Object.hasOwn(step.choices, key) ? step.choices[key] : undefined;
    if (language === undefined) return invalid(draft, step, 1);
    note(draft, 'languageChosen', { language });
    draft.dialogue = { ...draft.dialogue, language };
    return goOn(step.next);
  }
  const { digits } = draft.dialogue;
  if (key === step.end) {
    if (digits === '' && step.empty !== null) {
      note(draft, 'empty');
      return goOn(step.empty);
    }
    return digits.length >= step.min ? entered(draft, step, digits) : invalid(draft, step, digits.length);
  }
  if (!/^[0-9]$/.test(key)) return invalid(draft, step, digits.length + 1);
  const longer = digits + key;
  if (longer.length >= step.max) {
    if (step.end !== null) draft.dialogue = { ...draft.dialogue, endKey: { key: step.end, until: draft.facts.at + HABIT_MS } };
    return entered(draft, step, longer);
  }
  draft.dialogue = { ...draft.dialogue, digits: longer };
  draft.timeoutMs = step.betweenDigitsMs;
  return null;
}

function entered(draft: Draft, step: StepOf<'ask'>, digits: string): Next {
  const value = answerOf(draft, step, digits);
  if (value === null) return invalid(draft, step, digits.length);
  const before = draft.dialogue;
  draft.dialogue = { ...before, variables: { ...before.variables, [step.saveAs]: value } };
  if (step.check && evaluate(draft, step.check) !== true) {
    draft.dialogue = before;
    return invalid(draft, step, digits.length);
  }
  note(draft, 'digits', { count: digits.length });
  return goOn(step.next);
}

/** What was dialled, as what it was asked for; null when it can be none. */
function answerOf({ facts }: Draft, step: StepOf<'ask'>, digits: string): Value | null {
  switch (step.reads) {
    case 'digits':
      return digits;
    case 'number':
      return Number.isSafeInteger(Number(digits)) ? Number(digits) : null;
    case 'date':
      return dialledDate(digits, facts.at, facts.timeZone);
    case 'time':
      return dialledTime(digits);
    case 'phone':
      return facts.readPhone(digits);
  }
}

function invalid(draft: Draft, step: AskingStep, count: number): Next {
  note(draft, 'invalid', { try: draft.dialogue.tries, count });
  return goOn(draft.dialogue.step, { lead: [step.onInvalid], again: true });
}

function onPlayed(draft: Draft, step: Step): void {
  draft.dialogue = { ...draft.dialogue, playing: false };
  if (step.kind === 'say') return enter(draft, step.next);
  if (step.kind === 'record') {
    const { longestMs, silenceMs, beep } = step;
    draft.actions.push({ type: 'record', request: newRequest(draft), longestMs, silenceMs, beep });
    draft.timeoutMs = longestMs + 15_000;
    return;
  }
  if (isAsking(step) && step.speech && draft.facts.speech && draft.dialogue.digits === '') listen(draft, step);
  draft.timeoutMs = waitingMs(draft, step);
}

function listen(draft: Draft, step: AskingStep, until = draft.facts.at + step.firstDigitMs): void {
  const request = newRequest(draft);
  const expects = step.kind === 'menu' ? Object.values(step.words).flat() : [];
  draft.dialogue = { ...draft.dialogue, listening: { request, expects, from: draft.facts.at, until } };
  draft.actions.push({ type: 'listen', request, longestMs: SPOKEN_MS, expects });
}

function stopListening(draft: Draft): void {
  const { listening, ...rest } = draft.dialogue;
  if (listening === undefined) return;
  draft.actions.push({ type: 'stopListening', request: listening.request });
  draft.dialogue = rest;
}

/** What was said, in place of keys. */
function onHeard(draft: Draft, step: AskingStep, words: string | null): void {
  const { listening, ...rest } = draft.dialogue;
  draft.dialogue = rest;
  if (words === null) return listening ? onNothingHeard(draft, step, listening) : undefined;
  note(draft, 'heard');
  const keys = keysSpoken(step, words);
  if (keys === null) return follow(draft, invalid(draft, step, 0));
  if (step.kind !== 'ask') return follow(draft, keyTaken(draft, step, keys));
  const fits = keys.length >= step.min && keys.length <= step.max;
  follow(draft, fits ? entered(draft, step, keys) : invalid(draft, step, keys.length));
}

/** A second of silence ends what is listened to. Whoever has not begun to speak, or was not understood, has the time for the first digit all the same. */
function onNothingHeard(draft: Draft, step: AskingStep, { from, until }: NonNullable<Dialogue['listening']>): void {
  const { at } = draft.facts;
  if (at >= until) return silence(draft, step);
  if (at - from >= LISTENED_MS) listen(draft, step, until);
  draft.timeoutMs = draft.dialogue.listening ? waitingMs(draft, step) : until - at;
}

const ENGLISH_DIGITS: Readonly<Record<string, string>> = {
  ...{ zero: '0', oh: '0', one: '1', two: '2', three: '3', four: '4', five: '5', six: '6', seven: '7', eight: '8', nine: '9' },
};
const JAPANESE_DIGITS: Readonly<Record<string, string>> = {
  ...{ ゼロ: '0', れい: '0', 零: '0', 〇: '0', いち: '1', 一: '1', に: '2', 二: '2', さん: '3', 三: '3', よん: '4', 四: '4' },
  ...{ ご: '5', 五: '5', ろく: '6', 六: '6', なな: '7', 七: '7', はち: '8', 八: '8', きゅう: '9', 九: '9' },
};
const anyOf = (words: Readonly<Record<string, string>>): string =>
  Object.keys(words)
    .toSorted((a, b) => b.length - a.length)
    .join('|');
const ENGLISH_DIGIT = new RegExp(`\\b(?:${anyOf(ENGLISH_DIGITS)})\\b`, 'g');
const JAPANESE_DIGIT = new RegExp(anyOf(JAPANESE_DIGITS), 'g');
/** In a sentence they are other words (に, 一般): they count where nothing else is said. */
const ONLY_JAPANESE_DIGITS = new RegExp(`^(?:${anyOf(JAPANESE_DIGITS)}|です|で|を?お願いします|番|[0-9\\p{P}\\s])+$`, 'u');

/** The keys that spoken words stand for; null: none that fit. */
function keysSpoken(step: AskingStep, words: string): string | null {
  const said = words.normalize('NFKC').toLowerCase();
  if (step.kind === 'menu') {
    const found = Object.entries(step.words).find(([, all]) => all.some((word) => isSaid(word.normalize('NFKC').toLowerCase(), said)));
    if (found) return found[0];
  }
  const english = said.replaceAll(ENGLISH_DIGIT, (word) => ENGLISH_DIGITS[word] ?? '');
  const japanese = ONLY_JAPANESE_DIGITS.test(said) ? said.replaceAll(JAPANESE_DIGIT, (word) => JAPANESE_DIGITS[word] ?? '') : english;
  const digits = japanese.replaceAll(/[^0-9]/g, '');
  if (digits === '') return null;
  return step.kind === 'ask' || digits.length === 1 ? digits : null;
}

/** Where words have spaces between them, a word is a whole one: `no` is not in `know`. */
function isSaid(word: string, said: string): boolean {
  if (!/^[\p{Script=Latin}\p{N}]/u.test(word)) return said.includes(word);
  const plain = (text: string): string => ` ${text.replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim()} `;
  return plain(said).includes(plain(word));
}

function onTimeout(draft: Draft, step: Step): void {
  if (draft.dialogue.playing && step.kind !== 'queue') {
    stopOverdue(draft);
    return onPlayed(draft, step);
  }
  switch (step.kind) {
    case 'ask':
    case 'menu':
    case 'chooseLanguage': {
      stopListening(draft);
      const { digits } = draft.dialogue;
      if (digits === '') return silence(draft, step);
      // Digits and then silence: whoever does not know of the end key has finished.
      return follow(
        draft,
        step.kind === 'ask' && digits.length >= step.min ? entered(draft, step, digits) : invalid(draft, step, digits.length),
      );
    }
    case 'askService':
      return onServiceAnswered(draft, step, 'failed', {});
    case 'record':
      stopRecording(draft);
      return onRecorded(draft, step, 0);
    case 'queue':
      if (step.tooLong === null || !mayLeave(draft)) return;
      note(draft, 'waitedTooLong');
      leaveQueue(draft);
      return enter(draft, step.tooLong);
    default:
      return;
  }
}

function silence(draft: Draft, step: AskingStep): void {
  note(draft, 'silence', { try: draft.dialogue.tries });
  enter(draft, draft.dialogue.step, { lead: [step.onSilence], again: true });
}

function onLookedUp(draft: Draft, step: StepOf<'lookUp'>, found: boolean): void {
  note(draft, found ? 'found' : 'notFound');
  if (found) enter(draft, step.found);
  else notFound(draft, step);
}

function notFound(draft: Draft, step: StepOf<'lookUp' | 'askService'>): void {
  enter(draft, step.notFound, { lead: step.say ? [step.say] : [], again: step.again });
}

function onServiceAnswered(draft: Draft, step: StepOf<'askService'>, outcome: 'found' | 'notFound' | 'failed', values: Values): void {
  newRequest(draft); // a second answer is to nobody any more
  note(draft, outcome === 'failed' ? 'serviceFailed' : outcome, { service: step.service });
  if (outcome === 'notFound') return notFound(draft, step);
  if (outcome === 'failed') return enter(draft, step.failed);
  const saved = step.save.flatMap(([variable, field]) => {
    const value = values[field];
    return value === undefined ? [] : [[variable, value] as const];
  });
  draft.dialogue = { ...draft.dialogue, variables: { ...draft.dialogue.variables, ...Object.fromEntries(saved) } };
  enter(draft, step.found);
}

function stopRecording(draft: Draft): void {
  const { request } = draft.dialogue;
  if (request !== undefined) draft.actions.push({ type: 'stopRecord', request });
}

function onRecorded(draft: Draft, step: StepOf<'record'>, durationMs: number): void {
  const request = draft.dialogue.request as number;
  newRequest(draft);
  const kept = durationMs >= step.shortestMs;
  note(draft, kept ? 'recorded' : 'recordedNothing', { durationMs });
  if (kept) draft.dialogue = { ...draft.dialogue, recorded: { request, durationMs } };
  enter(draft, kept ? step.next : step.failed);
}

/** After so many returns the caller waits where it is. */
const mayLeave = ({ dialogue }: Draft): boolean => (dialogue.asked?.[askedName(dialogue)] ?? 0) <= MOST_ASKED;

function onOffer(draft: Draft, step: StepOf<'queue'>, key: string): void {
  const next = Object.hasOwn(step.offers, key) ? step.offers[key] : undefined;
  if (next === undefined || !mayLeave(draft)) return;
  note(draft, 'chosen', { key, to: next });
  leaveQueue(draft);
  enter(draft, next);
}

function leaveQueue(draft: Draft): void {
  if (draft.dialogue.playing) draft.actions.push({ type: 'stopPlay', play: draft.dialogue.play });
  const { announceMs: _none, ...rest } = draft.dialogue;
  draft.dialogue = { ...rest, playing: false };
  draft.actions.push({ type: 'leaveQueue' });
}

const MINUTE_MS = 60_000;

function onAnnounceDue(draft: Draft, step: StepOf<'queue'>, { position, waitMs, staffed }: QueueSight): void {
  if (!staffed && step.nobody !== null && mayLeave(draft)) {
    note(draft, 'nobodyThere');
    leaveQueue(draft);
    return enter(draft, step.nobody);
  }
  const { texts } = step;
  const said: Prompt[] = [];
  const add = (text: Text | null, given: Values = {}): void => {
    if (text) said.push(textOf(draft, text, given));
  };
  if (!staffed) add(texts.nobody);
  else if (position === 1 && texts.next) add(texts.next);
  else {
    add(texts.position, { position });
    if (waitMs !== null) add(texts.wait, { minutes: Math.max(1, Math.round(waitMs / MINUTE_MS)) });
  }
  add(texts.offers);
  if (said.length === 0) return;
  // One after another: what is still being said is said to its end first, so this one waits for its next turn.
  if (draft.dialogue.playing && overdueInMs(draft) > 0) return;
  if (draft.dialogue.playing) stopOverdue(draft);
  playPrompts(draft, said);
}

function stopOverdue(draft: Draft): void {
  draft.actions.push({ type: 'stopPlay', play: draft.dialogue.play });
  note(draft, 'playOverdue');
}

function play(draft: Draft, texts: readonly (Text | null)[]): void {
  const step = stepAt(draft);
  const prompts = texts.flatMap((text): Prompt[] => {
    if (!text) return [];
    // A choice of language is offered in each of them.
    if (step?.kind === 'chooseLanguage' && text === step.prompt) {
      const each = new Set(Object.values(step.choices));
      return [...each].flatMap((language) => (text[language] === undefined ? [] : [textOf(draft, text, {}, language)]));
    }
    return text[draft.dialogue.language] === undefined ? [] : [textOf(draft, text)];
  });
  playPrompts(draft, prompts);
  draft.timeoutMs = overdueInMs(draft);
}

function playPrompts(draft: Draft, prompts: readonly Prompt[]): void {
  const play = draft.dialogue.play + 1;
  const spokenMs = prompts.reduce(
    (sum, { text, recording }) => sum + (recording === undefined ? PER_CHARACTER_MS * text.length : RECORDING_MS),
    0,
  );
  draft.dialogue = { ...draft.dialogue, play, playing: true, overdueAt: draft.facts.at + OVERDUE_MS + spokenMs };
  draft.actions.push({ type: 'play', play, prompts });
}

const textOf = ({ dialogue }: Draft, text: Text, given: Values = {}, language = dialogue.language): Prompt =>
  promptOf(text, language, { ...dialogue.variables, ...given });

const heldIn = ({ dialogue }: Draft, variable: string): string => String(dialogue.variables[variable] ?? '');

const evaluate = ({ facts, dialogue }: Draft, expression: Expression): Value | null =>
  expression.evaluate(facts.conditions(), dialogue.variables);

/** One that cannot be worked out with these values is left out, so a variable keeps what it had. */
function evaluated(draft: Draft, expressions: readonly (readonly [string, Expression])[]): Values {
  const values: Record<string, Value> = {};
  for (const [name, expression] of expressions) {
    const value = evaluate(draft, expression);
    if (value === null) note(draft, 'noValue', { of: name });
    else values[name] = value;
  }
  return values;
}

function newRequest(draft: Draft): number {
  const request = (draft.dialogue.request ?? 0) + 1;
  draft.dialogue = { ...draft.dialogue, request };
  return request;
}

/** No voice needs a quarter of a second for a character; the rest is for a switch that is slow to begin. */
const PER_CHARACTER_MS = 250;
/** A speaker may have said more than is written. */
const RECORDING_MS = 300_000;
const OVERDUE_MS = 15_000;
const overdueInMs = ({ facts, dialogue }: Draft): number => Math.max(0, (dialogue.overdueAt ?? facts.at + OVERDUE_MS) - facts.at);

/** How long the present state waits; null where it waits for nothing of the caller's (a look-up has its own deadline). */
function waitingMs(draft: Draft, step: Step): DialogueResult['timeoutMs'] {
  if (step.kind === 'queue') return 'asBefore'; // its time runs from the moment that it was come to
  if (draft.dialogue.playing) return overdueInMs(draft);
  if (step.kind === 'askService') return step.timeoutMs + LATE_MS;
  if (step.kind === 'record') return step.longestMs + 15_000;
  if (!isAsking(step)) return null;
  if (draft.dialogue.listening !== undefined) return SPOKEN_MS + RECOGNISED_MS;
  return step.kind === 'ask' && draft.dialogue.digits !== '' ? step.betweenDigitsMs : step.firstDigitMs;
}
