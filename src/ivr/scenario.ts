/**
 * The scenario language, as the rest of the house sees it: a file in `scenarios/` is parsed to a `Scenario`, and a
 * `Dialogue` walks through it. Both are plain data; a dialogue is kept in the contact's row and survives a restart.
 */
import type { Language } from '../base/ids.ts';

/** What is to be said, with all variables put in. The prompt store turns it into a sound file. */
export interface Prompt {
  readonly language: Language;
  readonly text: string;
}

/** Text per language, with `{name}` for variables. */
export type TextByLanguage = Readonly<Record<Language, string>>;

/** One dialogue under way. `step` names where it stands; `version` which text of the scenario it began with. */
export interface Dialogue {
  readonly scenario: string;
  readonly version: string;
  readonly step: string;
  readonly language: Language;
  readonly variables: Readonly<Record<string, string>>;
  /** Digits collected in the present step. */
  readonly digits: string;
  readonly tries: number;
  /** How often each asking step has asked, over the whole dialogue: no way round leads past its number of tries. Absent: never. */
  readonly asked?: Readonly<Record<string, number>>;
  /** The playback that is under way, if any; counts up so that a late `playFinished` is recognised. */
  readonly play: number;
  readonly playing: boolean;
}

export type DialogueInput =
  | { readonly type: 'started' }
  | { readonly type: 'digit'; readonly digit: string }
  | { readonly type: 'playFinished'; readonly play: number }
  | { readonly type: 'timeout' }
  | { readonly type: 'lookedUp'; readonly found: boolean };

export type DialogueAction =
  | { readonly type: 'play'; readonly play: number; readonly prompts: readonly Prompt[] }
  | { readonly type: 'stopPlay'; readonly play: number }
  | { readonly type: 'lookUp'; readonly customerCode: string }
  /** The party is known (or has shown that it will not be): the contact goes on to the control logic. */
  | { readonly type: 'handBack'; readonly identified: boolean }
  | { readonly type: 'route'; readonly desk: string }
  | { readonly type: 'hangUp' };

export interface DialogueResult {
  readonly dialogue: Dialogue;
  readonly actions: readonly DialogueAction[];
  /** Milliseconds until a `timeout` input is due, counted from this input; null for none. */
  readonly timeoutMs: number | null;
  /** What happened, for the event log; digits only masked. */
  readonly notes: readonly { readonly name: string; readonly data: Readonly<Record<string, string | number | boolean>> }[];
}
