/** The steps of a scenario as the program knows them, and the ways that lead out of each. */
import type { Language } from '../base/ids.ts';
import type { Expression } from '../routing/conditions.ts';
import type { Destination } from './scenario.ts';
import type { Text } from './text.ts';

export interface Asking {
  readonly prompt: Text;
  readonly bargeIn: boolean;
  /** Counted from the end of the prompt. */
  readonly firstDigitMs: number;
  readonly tries: number;
  readonly onSilence: Text | null;
  readonly onInvalid: Text | null;
  readonly speech: boolean;
  /** Where the last failed try leads. */
  readonly failed: string;
}

/** What dialled digits are read as. */
export type AnswerKind = 'digits' | 'number' | 'date' | 'time' | 'phone';

type Assignments = readonly (readonly [name: string, expression: Expression])[];

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
      readonly reads: AnswerKind;
      readonly check: Expression | null;
      readonly secret: boolean;
      readonly next: string;
      /** Where the end key alone leads; null: it is an invalid entry. */
      readonly empty: string | null;
    })
  | (Asking & {
      /** Also `yesNo`. */
      readonly kind: 'menu';
      readonly choices: Readonly<Record<string, string>>;
      /** What may be said in place of a key. */
      readonly words: Readonly<Record<string, readonly string[]>>;
    })
  | (Asking & { readonly kind: 'chooseLanguage'; readonly choices: Readonly<Record<string, Language>>; readonly next: string })
  | {
      readonly kind: 'lookUp';
      readonly by: 'customerCode' | 'phone' | 'order';
      /** The variable that holds what is looked for. */
      readonly variable: string;
      readonly found: string;
      readonly notFound: string;
      /** Set when `notFound` is asked once more: said before its prompt. */
      readonly again: boolean;
      readonly say: Text | null;
    }
  | {
      readonly kind: 'askService';
      readonly service: string;
      readonly with: Assignments;
      /** Variables with the field of the answer that they get. */
      readonly save: readonly (readonly [variable: string, field: string])[];
      readonly timeoutMs: number;
      readonly found: string;
      readonly notFound: string;
      readonly again: boolean;
      readonly say: Text | null;
      readonly failed: string;
    }
  | { readonly kind: 'set'; readonly values: Assignments; readonly next: string }
  | {
      readonly kind: 'when';
      readonly branches: readonly { readonly condition: Expression; readonly to: string }[];
      readonly otherwise: string;
    }
  | { readonly kind: 'hours'; readonly desk: string; readonly open: string; readonly closed: string }
  | { readonly kind: 'route'; readonly to: Destination }
  | {
      readonly kind: 'queue';
      readonly to: Destination;
      /** How often the caller is told how it stands; null: as the house has it. What the scenario leaves out is not said. */
      readonly announceMs: number | null;
      readonly texts: { readonly [K in 'next' | 'position' | 'wait' | 'nobody' | 'offers']: Text | null };
      readonly offers: Readonly<Record<string, string>>;
      readonly longestMs: number | null;
      readonly nobody: string | null;
      readonly tooLong: string | null;
    }
  | {
      readonly kind: 'callBack';
      /** Variables; null: the calling number, and as soon as it is its turn. */
      readonly number: string | null;
      readonly at: string | null;
      readonly desk: string | null;
      readonly next: string;
      readonly failed: string;
    }
  | {
      readonly kind: 'record';
      readonly prompt: Text;
      readonly longestMs: number;
      readonly shortestMs: number;
      readonly silenceMs: number;
      readonly end: string | null;
      readonly beep: boolean;
      readonly next: string;
      readonly failed: string;
    }
  | { readonly kind: 'leaveMessage'; readonly desk: string | null; readonly next: string }
  | { readonly kind: 'send'; readonly hook: string; readonly with: Assignments; readonly text: Text | null; readonly next: string }
  | { readonly kind: 'transferOut'; readonly number: string; readonly timeoutMs: number; readonly failed: string }
  | { readonly kind: 'keep'; readonly answers: Assignments; readonly next: string }
  | { readonly kind: 'call'; readonly scenario: string; readonly then: Readonly<Record<string, string>> }
  | { readonly kind: 'handBack'; readonly word: string }
  | { readonly kind: 'hangUp'; readonly as: string | null };

/** A step that asks, and waits for keys. */
export type AskingStep = Extract<Step, { kind: 'ask' | 'menu' | 'chooseLanguage' }>;
export const isAsking = (step: Step): step is AskingStep => step.kind === 'ask' || step.kind === 'menu' || step.kind === 'chooseLanguage';

/**
 * A way out of a step. `by` tells what makes a dialogue take it: an answer of the caller (`answer`), something that takes its time
 * and may be ended by hanging up (`time`), or nothing of the caller's (`itself`).
 */
export interface Way {
  readonly to: string;
  /** In a word or two: the key, `found`, `otherwise`, a condition's number. */
  readonly label: string;
  readonly by: 'answer' | 'time' | 'itself';
}

/** Every way out of a step, in the order of the file. None: the dialogue ends there. */
export function waysOut(step: Step): Way[] {
  const itself = (to: string, label = ''): Way => ({ to, label, by: 'itself' });
  const answer = (to: string, label: string): Way => ({ to, label, by: 'answer' });
  const time = (to: string | null, label: string): Way[] => (to === null ? [] : [{ to, label, by: 'time' }]);
  switch (step.kind) {
    case 'say':
    case 'set':
    case 'leaveMessage':
    case 'send':
    case 'keep':
      return [itself(step.next)];
    case 'ask':
      return [
        answer(step.next, step.saveAs),
        ...(step.empty === null ? [] : [answer(step.empty, `only ${step.end}`)]),
        itself(step.failed, 'failed'),
      ];
    case 'menu':
      return [...Object.entries(step.choices).map(([key, to]) => answer(to, key)), itself(step.failed, 'failed')];
    case 'chooseLanguage':
      return [
        ...Object.entries(step.choices).map(([key, language]) => answer(step.next, `${key} ${language}`)),
        itself(step.failed, 'failed'),
      ];
    case 'lookUp':
      return [itself(step.found, 'found'), itself(step.notFound, 'notFound')];
    case 'askService':
      return [itself(step.found, 'found'), itself(step.notFound, 'notFound'), itself(step.failed, 'failed')];
    case 'when':
      return [...step.branches.map((branch, n) => itself(branch.to, String(n + 1))), itself(step.otherwise, 'otherwise')];
    case 'hours':
      return [itself(step.open, 'open'), itself(step.closed, 'closed')];
    case 'queue':
      return [
        ...Object.entries(step.offers).map(([key, to]) => answer(to, key)),
        ...time(step.nobody, 'nobody'),
        ...time(step.tooLong, 'tooLong'),
      ];
    case 'callBack':
      return [itself(step.next, 'promised'), itself(step.failed, 'failed')];
    case 'record':
      return [answer(step.next, 'recorded'), itself(step.failed, 'failed')];
    case 'transferOut':
      return [itself(step.failed, 'failed')];
    case 'call':
      return Object.entries(step.then).map(([word, to]) => itself(to, word));
    case 'route':
    case 'handBack':
    case 'hangUp':
      return [];
  }
}

/** Every text that a step can say. */
export function textsOf(step: Step): Text[] {
  switch (step.kind) {
    case 'say':
      return [step.say];
    case 'ask':
    case 'menu':
    case 'chooseLanguage':
      return [step.prompt, step.onSilence, step.onInvalid].filter((text) => text !== null);
    case 'lookUp':
    case 'askService':
      return step.say ? [step.say] : [];
    case 'queue':
      return Object.values(step.texts).filter((text) => text !== null);
    case 'record':
      return [step.prompt];
    default:
      return []; // what a hook sends is not said
  }
}
