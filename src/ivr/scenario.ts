/**
 * The scenario language, as the rest of the house sees it: the files of `scenarios/` are parsed to `Scenario`s, and a
 * `Dialogue` walks through them. Both are plain data; a dialogue is kept in the contact's row and survives a restart.
 */
import type { EpochMs, Language } from '../base/ids.ts';

/** What a variable can hold. Dates are `YYYY-MM-DD`, times `HH:MM`, both by the clock of the scenario's time zone. */
export type Value = string | number | boolean;
export type Values = Readonly<Record<string, Value>>;

/** What is to be said, with all variables put in. The prompt store turns it into sound files. */
export interface Prompt {
  readonly language: Language;
  /** The whole, as one reads it. */
  readonly text: string;
  /** Its parts, each with a sound file of its own: fixed words, and values read out piece by piece. Left out: it is one. */
  readonly parts?: readonly string[];
  /** A speaker's recording that takes the place of the words, by its name in `scenarios/prompts/<language>/`. */
  readonly recording?: string;
}

/** Text per language, with `{name}` for variables. */
export type TextByLanguage = Readonly<Record<Language, string>>;

/** One dialogue under way. `step` names where it stands; `version` the release of the files that it began with, and goes on by. */
export interface Dialogue {
  readonly scenario: string;
  readonly version: string;
  readonly step: string;
  readonly language: Language;
  readonly variables: Values;
  /** Digits collected in the present step. */
  readonly digits: string;
  /** The key that would have ended the last entry, which was as long as can be: pressed all the same until then, it is no answer. */
  readonly endKey?: { readonly key: string; readonly until: EpochMs };
  /** How often the present step has asked since it was come to. */
  readonly tries: number;
  /** How often each asking step has asked, over the whole dialogue: so every one ends. Absent: never. */
  readonly asked?: Readonly<Record<string, number>>;
  /** The playback that is under way, if any; counts up so that a late `playFinished` is recognised. */
  readonly play: number;
  readonly playing: boolean;
  /** Scenarios that called this one, outermost first: the steps that called. Absent: none. */
  readonly callers?: readonly { readonly scenario: string; readonly step: string }[];
  /** Number of the last recording, listening or look-up that was asked for; a late answer to an earlier one is recognised by it. */
  readonly request?: number;
  /** The request whose answer may be spoken, while it is listened for since `from`; words that would fit; until when one may begin to speak. */
  readonly listening?: {
    readonly request: number;
    readonly expects: readonly string[];
    readonly from: EpochMs;
    readonly until: EpochMs;
  };
  /** In a queue step: how often the party is told how it stands. Absent: as the house has it. */
  readonly announceMs?: number;
  /** When what is being said must be over, whether or not the switch says so. */
  readonly overdueAt?: EpochMs;
  /** The party has what it wanted, and may hang up any time: a callback was promised, a message left. */
  readonly served?: 'callBack' | 'message';
  /** What the caller recorded last. */
  readonly recorded?: { readonly request: number; readonly durationMs: number };
}

/** How it stands in the queue, when the party is told. */
export interface QueueSight {
  /** 1 for the next in turn. */
  readonly position: number;
  /** Null: nobody can tell. */
  readonly waitMs: number | null;
  /** Whether anybody is at work who could answer. */
  readonly staffed: boolean;
}

export type DialogueInput =
  | { readonly type: 'started' }
  | { readonly type: 'digit'; readonly digit: string }
  | { readonly type: 'playFinished'; readonly play: number }
  | { readonly type: 'timeout' }
  /** The customer was looked up; who it is, is in the facts. */
  | { readonly type: 'lookedUp'; readonly found: boolean }
  /** A service answered. `notFound`: it has nothing by that; `failed`: it did not answer in time, or not as agreed. */
  | {
      readonly type: 'serviceAnswered';
      readonly request: number;
      readonly outcome: 'found' | 'notFound' | 'failed';
      readonly values: Values;
    }
  | {
      readonly type: 'recorded';
      readonly request: number;
      readonly durationMs: number;
      readonly outcome: 'completed' | 'failed';
    }
  /** What the caller said, by the recogniser; null: nothing that it understood. */
  | { readonly type: 'heard'; readonly request: number; readonly words: string | null }
  /** In a queue step: time to tell the party how it stands. */
  | { readonly type: 'announceDue'; readonly sight: QueueSight }
  | { readonly type: 'callBackAnswered'; readonly promised: boolean }
  | { readonly type: 'transferFailed'; readonly cause: string };

export type DialogueAction =
  | { readonly type: 'play'; readonly play: number; readonly prompts: readonly Prompt[] }
  | { readonly type: 'stopPlay'; readonly play: number }
  /** Look the customer up: it becomes the contact's party. `lookedUp` answers. */
  | { readonly type: 'lookUp'; readonly by: 'customerCode' | 'phone' | 'order'; readonly value: string }
  /** Ask a service of `scenarios/services.yaml`. `serviceAnswered` answers, by the time-out at the latest. */
  | { readonly type: 'askService'; readonly request: number; readonly service: string; readonly values: Values }
  /** Have a hook of `scenarios/services.yaml` send something (SMS, e-mail). Nobody waits for it; it is tried until it is done. */
  | { readonly type: 'send'; readonly request: number; readonly hook: string; readonly values: Values }
  /** Record the party until silence, the longest time, or `stopRecord`. `recorded` answers. */
  | {
      readonly type: 'record';
      readonly request: number;
      readonly longestMs: number;
      readonly silenceMs: number;
      readonly beep: boolean;
    }
  | { readonly type: 'stopRecord'; readonly request: number }
  /** Record what the party says and have it recognised. `heard` answers; a key may come before. */
  | { readonly type: 'listen'; readonly request: number; readonly longestMs: number; readonly expects: readonly string[] }
  | { readonly type: 'stopListening'; readonly request: number }
  /** What was recorded becomes a contact of its own, for a desk (null: whichever the control logic names). */
  | { readonly type: 'leaveMessage'; readonly request: number; readonly durationMs: number; readonly desk: string | null }
  /** Answers to keep with the contact, as of a survey. */
  | { readonly type: 'keep'; readonly answers: Values }
  /** A callback that keeps the place. `at` null: as soon as it is its turn. `callBackAnswered` answers, at once. */
  | { readonly type: 'callBack'; readonly number: string | null; readonly at: EpochMs | null; readonly desk: string | null }
  /** Put the party through to a number outside. Ends the contact after the talk; `transferFailed` answers when there is none. */
  | { readonly type: 'transferOut'; readonly number: string; readonly timeoutMs: number }
  /** Wait for an agent, the dialogue goes on beside: `announceDue` comes, and keys. `announceMs`: how often, null: as the house has it. */
  | ({ readonly type: 'queue'; readonly announceMs: number | null } & Destination)
  /** Out of the queue, back to talking. The place is by arrival, so it is kept. */
  | { readonly type: 'leaveQueue' }
  /** The party is known (or has shown that it will not be): the contact goes on to the control logic. */
  | { readonly type: 'handBack'; readonly identified: boolean }
  /** The dialogue is over, the contact waits at a desk as the house has it. */
  | ({ readonly type: 'route' } & Destination)
  /** `as`: the contact's disposition, as `confirmed`. */
  | { readonly type: 'hangUp'; readonly as: string | null };

/** Where to and how urgent. Null: as the control logic has it. */
export interface Destination {
  /** The id of a desk, or `reception`. */
  readonly desk: string | null;
  readonly priority: number | null;
  /** Skills with the level that an agent must have. */
  readonly needs: Readonly<Record<string, number>> | null;
}

export interface DialogueResult {
  readonly dialogue: Dialogue;
  readonly actions: readonly DialogueAction[];
  /** Milliseconds until a `timeout` input is due, counted from this input; null for none; `asBefore`: the one that runs goes on. */
  readonly timeoutMs: number | null | 'asBefore';
  /** The steps that it came to, one after another. Empty: it stays where it was. */
  readonly entered: readonly StepAt[];
  /** What happened where, for the event log; digits only masked. */
  readonly notes: readonly DialogueNote[];
}

/** A step by its name, in a scenario. */
export interface StepAt {
  readonly scenario: string;
  readonly step: string;
}

export interface DialogueNote extends StepAt {
  readonly name: string;
  readonly data: Readonly<Record<string, string | number | boolean>>;
}
