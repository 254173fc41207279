/**
 * A dry run: a dialogue with a caller and a world of whom everything is written down beforehand. For the tests inside scenario
 * files, and for trying a scenario out without a telephone. Nothing is dialled, asked or sent.
 */
import type { EpochMs, Language } from '../base/ids.ts';
import type { ConditionFacts } from '../routing/conditions.ts';
import { wallClock } from '../routing/hours.ts';
import type { ScenarioSet } from './parse.ts';
import type { Dialogue, DialogueAction, DialogueInput, DialogueNote, DialogueResult, QueueSight, StepAt, Values } from './scenario.ts';
import type { ScenarioTest } from './scenario-schema.ts';
import { type DialogueFacts, startDialogue, stepDialogue } from './step.ts';

/** What the dialogue meets. */
export interface World {
  /** When it begins. */
  readonly at: EpochMs;
  readonly timeZone: string;
  /** The calling number in E.164; null when it is withheld. */
  readonly from: string | null;
  readonly party: { readonly kind: string } & Readonly<Record<string, string>>;
  readonly entry: string;
  readonly isOpen: (desk: string) => boolean;
  readonly sight: QueueSight;
  /** What the customer database has: customer codes, phone and order numbers. */
  readonly known: readonly string[];
  readonly services: Readonly<Record<string, Values | 'notFound' | 'failed'>>;
  readonly speech: boolean;
  readonly promisesCallBack: boolean;
  /** What becomes of a transfer outside. */
  readonly transfer: 'answered' | 'busy' | 'noAnswer' | 'failed';
}

/** A Friday morning in Japan: most desks are open. */
const SOME_MORNING = Date.parse('2026-11-20T10:00:00+09:00');
export const DEFAULT_TIME_ZONE = 'Asia/Tokyo';

export const SOME_WORLD: World = {
  at: SOME_MORNING,
  timeZone: DEFAULT_TIME_ZONE,
  from: '+819012345678',
  party: { kind: 'new' },
  entry: 'main',
  isOpen: () => true,
  sight: { position: 2, waitMs: 180_000, staffed: true },
  known: [],
  services: {},
  speech: false,
  promisesCallBack: true,
  transfer: 'answered',
};

function conditionsIn(world: World, at: EpochMs, found: boolean): ConditionFacts {
  const field = (name: string): string => world.party[name] ?? '';
  const clock = wallClock(at, world.timeZone);
  return {
    party: {
      kind: found && !['customer', 'prospect'].includes(world.party.kind) ? 'customer' : world.party.kind,
      name: field('name'),
      language: field('language'),
      region: field('region'),
      customerCode: field('customerCode'),
      organisation: field('organisation'),
      handlingDesk: field('handlingDesk'),
      lastDesk: field('lastDesk'),
    },
    caller: { number: world.from ?? '', numberKind: world.from === null ? 'withheld' : 'valid', country: '', region: field('region') },
    entry: { id: world.entry, language: '', country: '', maker: '' },
    channel: 'voice',
    now: { date: clock.date, weekday: BigInt(clock.weekday), hour: BigInt(clock.hour), minute: BigInt(clock.minute) },
  };
}

/** Whether it is the caller's turn, and for what. */
export type Awaits = 'keys' | 'queue' | 'recording' | 'nothing';

/** A dialogue in hand. Everything that is not the caller's to do, it does itself. */
export class DryRun {
  /** Everything that was said, whether or not it was heard to the end. */
  readonly hears: string[] = [];
  /** What was done beside talking, as `keep satisfaction=5`. */
  readonly does: string[] = [];
  /** What the steps noted. */
  readonly notes: DialogueNote[] = [];
  /** Every step that it came to. */
  readonly way: StepAt[] = [];
  /** How it ended, as `handBack identified`; null while it goes on. */
  ends: string | null = null;
  readonly #set: ScenarioSet;
  readonly #world: World;
  #at: EpochMs;
  #result: DialogueResult;
  #dueAt: EpochMs | null = null;
  #announceAt: EpochMs | null = null;
  #announceMs = 0;
  #recording: { readonly request: number; readonly longestMs: number } | null = null;
  #listening: number | null = null;
  #customerFound = false;

  constructor(set: ScenarioSet, scenario: string, caller: { readonly language: Language; readonly variables?: Values }, world: World) {
    this.#set = set;
    this.#world = world;
    this.#at = world.at;
    this.#result = startDialogue(set, scenario, caller, this.#facts());
    this.#take(this.#result);
  }

  get dialogue(): Dialogue {
    return this.#result.dialogue;
  }

  get awaits(): Awaits {
    if (this.ends !== null) return 'nothing';
    if (this.#recording) return 'recording';
    return this.#announceAt === null ? 'keys' : 'queue';
  }

  /** The caller presses a key, in the middle of a prompt if one plays. */
  key(digit: string): void {
    this.#give({ type: 'digit', digit });
  }

  /** The caller hears to its end what plays, and whatever follows until it is the caller's turn. */
  listen(): void {
    for (let plays = 0; this.ends === null && this.dialogue.playing; plays++) {
      if (plays > MOST_INPUTS) throw new Error(`the scenario ${this.dialogue.scenario} does not end`);
      this.#give({ type: 'playFinished', play: this.dialogue.play });
    }
  }

  /** The caller waits until something happens: a time-out, an announcement, an overlong recording. */
  silence(): void {
    if (this.#recording) return this.records(0);
    if (this.#announceAt !== null) return this.waits(Math.max(1, Math.min(this.#announceAt, this.#dueAt ?? this.#announceAt) - this.#at));
    if (this.#listening !== null) {
      this.#at = Math.max(this.#at, this.dialogue.listening?.until ?? this.#at);
      return this.says(null);
    }
    this.#at = this.#dueAt ?? this.#at;
    this.#give({ type: 'timeout' });
  }

  /** The caller speaks; null: nothing that the recogniser understands. */
  says(words: string | null): void {
    const request = this.#listening;
    if (request === null) return;
    this.#listening = null;
    this.#give({ type: 'heard', request, words });
  }

  /** The caller speaks onto the recording. */
  records(durationMs: number): void {
    const recording = this.#recording;
    if (!recording) return;
    this.#recording = null;
    const heldMs = Math.min(durationMs, recording.longestMs);
    this.#at += heldMs;
    this.#give({ type: 'recorded', request: recording.request, durationMs: heldMs, outcome: 'completed' });
  }

  /** Time goes by, as in a queue. */
  waits(ms: number): void {
    const until = this.#at + ms;
    for (let inputs = 0; this.ends === null && inputs < MOST_INPUTS; inputs++) {
      const due = Math.min(this.#dueAt ?? Number.POSITIVE_INFINITY, this.#announceAt ?? Number.POSITIVE_INFINITY);
      if (due > until) break;
      this.#at = due;
      if (due === this.#announceAt) {
        this.#announceAt = this.#at + this.#announceMs;
        this.#give({ type: 'announceDue', sight: this.#world.sight });
      } else {
        this.#dueAt = null;
        this.#give({ type: 'timeout' });
      }
      this.listen();
    }
    this.#at = Math.max(this.#at, until);
  }

  /** An agent answers: whoever waits in a queue is connected. */
  agent(): void {
    if (this.#announceAt !== null) this.#end('connected');
  }

  hangUp(): void {
    if (this.ends === null) this.#end('abandoned');
  }

  #end(how: string): void {
    this.ends = how;
    this.#announceAt = null;
  }

  #facts(): DialogueFacts {
    const { timeZone, isOpen, speech } = this.#world;
    return {
      at: this.#at,
      timeZone,
      conditions: () => conditionsIn(this.#world, this.#at, this.#customerFound),
      isOpen,
      readPhone,
      speech,
    };
  }

  #give(input: DialogueInput): void {
    if (this.ends !== null) return;
    this.#result = stepDialogue(this.#set, this.dialogue, input, this.#facts());
    this.#take(this.#result);
  }

  #take({ actions, notes, entered, timeoutMs }: DialogueResult): void {
    this.way.push(...entered);
    this.notes.push(...notes);
    if (timeoutMs !== 'asBefore') this.#dueAt = timeoutMs === null ? null : this.#at + timeoutMs;
    let next: DialogueInput | null = null;
    for (const action of actions) next = this.#carryOut(action) ?? next;
    if (next) this.#give(next);
  }

  /** @returns what the world answers, if it does at once */
  #carryOut(action: DialogueAction): DialogueInput | null {
    const { known, services, promisesCallBack, transfer, sight } = this.#world;
    switch (action.type) {
      case 'play':
        this.hears.push(...action.prompts.map((p) => p.text));
        return null;
      case 'lookUp': {
        this.#customerFound = known.includes(action.value);
        return { type: 'lookedUp', found: this.#customerFound };
      }
      case 'askService': {
        const answer = services[action.service] ?? 'failed';
        const outcome = typeof answer === 'string' ? answer : 'found';
        return { type: 'serviceAnswered', request: action.request, outcome, values: typeof answer === 'string' ? {} : answer };
      }
      case 'send':
        this.does.push(`send ${action.hook}${listed(action.values)}`);
        return null;
      case 'keep':
        this.does.push(`keep${listed(action.answers)}`);
        return null;
      case 'leaveMessage':
        this.does.push(`leaveMessage ${action.desk ?? 'controlLogic'}`);
        return null;
      case 'callBack': {
        const number = action.number ?? this.#world.from;
        const promised = promisesCallBack && number !== null;
        if (promised) this.does.push(`callBack ${number}${action.at === null ? '' : ` at ${this.#clock(action.at)}`}`);
        return { type: 'callBackAnswered', promised };
      }
      case 'transferOut':
        this.does.push(`transferOut ${action.number}`);
        if (transfer === 'answered') this.#end(`transferOut ${action.number}`);
        return transfer === 'answered' ? null : { type: 'transferFailed', cause: transfer };
      case 'record':
        this.#recording = { request: action.request, longestMs: action.longestMs };
        return null;
      case 'stopRecord': {
        const spoke = this.#recording !== null;
        this.#recording = null;
        return spoke ? { type: 'recorded', request: action.request, durationMs: SPOKEN_MS, outcome: 'completed' } : null;
      }
      case 'listen':
        this.#listening = action.request;
        return null;
      case 'stopListening':
        this.#listening = null;
        return null;
      case 'queue':
        this.does.push(`queue ${action.desk ?? 'controlLogic'}`);
        this.#announceMs = action.announceMs ?? HOUSE_ANNOUNCE_MS;
        this.#announceAt = this.#at + this.#announceMs;
        return { type: 'announceDue', sight };
      case 'leaveQueue':
        this.#announceAt = null;
        return null;
      case 'handBack':
        this.#end(`handBack ${action.identified ? 'identified' : 'notIdentified'}`);
        return null;
      case 'route':
        this.#end(`route ${action.desk ?? 'controlLogic'}`);
        return null;
      case 'hangUp':
        this.#end(action.as === null ? 'hangUp' : `hangUp ${action.as}`);
        return null;
      case 'stopPlay':
        return null;
    }
  }

  #clock(at: EpochMs): string {
    const { date, hour, minute } = wallClock(at, this.#world.timeZone);
    return `${date}T${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
  }
}

/** Whoever ends a recording by its key has said so much. */
const SPOKEN_MS = 5_000;
/** As the house announces where a scenario does not. */
const HOUSE_ANNOUNCE_MS = 30_000;
/** More inputs than any dialogue takes. */
const MOST_INPUTS = 10_000;

const listed = (values: Values): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}=${value}`)
    .join('');

/** As a Japanese telephone would be dialled; the floor knows every country's numbers. */
function readPhone(digits: string): string | null {
  if (/^0\d{9,10}$/.test(digits)) return `+81${digits.slice(1)}`;
  return /^[1-9]\d{10,14}$/.test(digits) ? `+${digits}` : null;
}

/**
 * What the caller of a script does, one after another: keys after the prompt (`10023#`), keys into it (`!10023#`), `silence`, `says WORDS`,
 * `records 5s`, `waits 2m`, `agent`, `hangUp`. Then silence for ever; in a queue that leads nowhere, waiting.
 */
export function follow(run: DryRun, script: readonly string[]): void {
  for (const does of script) {
    if (run.ends !== null) return;
    if (!does.startsWith('!')) run.listen();
    act(run, does);
  }
  for (let inputs = 0; run.ends === null; inputs++) {
    if (inputs > MOST_INPUTS) throw new Error(`the scenario ${run.dialogue.scenario} does not end`);
    run.listen();
    if (run.ends !== null) return;
    if (run.awaits === 'queue') {
      run.waits(PATIENCE_MS);
      if (run.awaits === 'queue') return;
    } else run.silence();
  }
}

/** Nobody in a script waits longer than this. */
const PATIENCE_MS = 60 * 60_000;

/** One thing that the caller of a script does. */
export function act(run: DryRun, does: string): void {
  const [, verb = '', rest = ''] = /^(\S+)(?: (.+))?$/.exec(does) ?? [];
  switch (verb) {
    case 'silence':
      return run.silence();
    case 'hangUp':
      return run.hangUp();
    case 'agent':
      return run.agent();
    case 'says':
      return run.says(rest);
    case 'records':
      return run.records(secondsMs(rest));
    case 'waits':
      return run.waits(secondsMs(rest));
    default: {
      // Keys that were pressed already answer what comes next too, as fast fingers do.
      for (const digit of does.replace('!', '')) {
        if (run.ends === null) run.key(digit);
      }
    }
  }
}

const secondsMs = (text: string): number => Number.parseInt(text, 10) * (text.endsWith('m') ? 60_000 : 1000);

export interface ScenarioTestResult {
  readonly name: string;
  readonly talk: Pick<DryRun, 'hears' | 'does' | 'way'> & { readonly ends: string };
  /** What was not as expected; empty when the test passes. */
  readonly failures: readonly string[];
}

/** The world that a test is given. */
export function worldOf({ given = {}, known = [] }: ScenarioTest): World {
  const { from, party, at, entry, closed = [], staffed, position, waitMinutes, speech, services, callBack, transfer } = given;
  const some = SOME_WORLD;
  return {
    ...some,
    at: at === undefined ? some.at : Date.parse(at),
    from: from === undefined ? some.from : from === 'withheld' ? null : from,
    party: (party as World['party'] | undefined) ?? some.party,
    entry: entry ?? some.entry,
    isOpen: (desk) => !closed.includes(desk),
    sight: {
      position: position ?? some.sight.position,
      waitMs: waitMinutes === undefined ? some.sight.waitMs : waitMinutes * 60_000,
      staffed: staffed ?? some.sight.staffed,
    },
    known,
    services: (services as World['services'] | undefined) ?? {},
    speech: speech ?? some.speech,
    promisesCallBack: callBack !== 'refused',
    transfer: transfer ?? some.transfer,
  };
}

/** One test of a scenario file, run to its end. */
export function dryRunOf(set: ScenarioSet, name: string, test: ScenarioTest): DryRun {
  const caller = { language: test.language as Language, variables: (test.variables ?? {}) as Values };
  const run = new DryRun(set, name, caller, worldOf(test));
  follow(run, test.caller);
  return run;
}

/** Runs the tests that a scenario file brings along. */
export function runScenarioTests(set: ScenarioSet, name: string): ScenarioTestResult[] {
  const tests = set.scenarios.get(name)?.tests ?? [];
  return tests.map((test) => {
    const run = dryRunOf(set, name, test);
    const ends = run.ends ?? 'waiting';
    const failures: string[] = [];
    if (ends !== test.ends) failures.push(`ends: expected '${test.ends}', got '${ends}'`);
    failures.push(...missing('hears', 'was not said', run.hears, test.hears), ...missing('does', 'was not done', run.does, test.does));
    for (const part of test.hearsNot ?? [])
      if (run.hears.some((said) => said.includes(part))) failures.push(`hearsNot: '${part}' was said`);
    return { name: test.name, talk: { hears: run.hears, does: run.does, way: run.way, ends }, failures };
  });
}

/** The parts that are not found, each after the one before. */
function missing(field: string, what: string, all: readonly string[], parts: readonly string[] = []): string[] {
  const failures: string[] = [];
  let from = 0;
  for (const part of parts) {
    const at = all.findIndex((said, index) => index >= from && said.includes(part));
    if (at < 0) failures.push(`${field}: '${part}' ${what}${from > 0 ? ' after that' : ''}`);
    else from = at + 1;
  }
  return failures;
}
