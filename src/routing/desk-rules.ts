/**
 * How a desk gives out what waits at it, and how a contact asks to be given out. Plain data: read from the control logic file
 * (`desks:` and each rule's wishes), handed to the matching engine and the floor.
 */
import type { DeskId } from '../base/ids.ts';
import {
  DEFAULT_POLICY,
  type Discipline,
  type Kind,
  type OverflowRule,
  type Requirement,
  type Ring,
  type TieBreak,
} from './matching/model.ts';

/** What a rule of the control logic wishes for the contacts that it sends to a desk. */
export interface Wishes {
  /** 0…255, 0 first. */
  readonly priorityClass: number;
  readonly requirements: readonly Requirement[];
  /** What is required instead once it has waited that long; ascending. */
  readonly rings: readonly Ring[];
  /** How long the agent who handled this customer last is waited for; 0: not at all. */
  readonly preferLastAgentMs: number;
}

export const NO_WISHES: Wishes = { priorityClass: 100, requirements: [], rings: [], preferLastAgentMs: 0 };

export const RETRY_OUTCOMES = ['busy', 'noAnswer', 'failed'] as const;
/** How an outgoing attempt came to nothing; `failed`: rejected, unreachable, no line. */
export type RetryOutcome = (typeof RETRY_OUTCOMES)[number];

/** A retry after this outcome: at most so many attempts that ended like this, with this pause before the next. */
export interface RetryRule {
  readonly attempts: number;
  readonly pauseMs: number;
}

export interface CallbackRules {
  /** Who is rung first. `agent`: the agent is on the line when the party answers. */
  readonly first: 'party' | 'agent';
  /** Whoever waits is offered a callback (virtual hold) when the estimated wait is this long; null: only when nobody is logged on. */
  readonly offerFromWaitMs: number | null;
  /** Callers who waited at least this long and gave up are called back; null: never. */
  readonly afterAbandonMs: number | null;
  /** Between which hours of the day, in the desk's time zone, people may be called; null: while the desk is open. */
  readonly hours: { readonly from: string; readonly to: string } | null;
  readonly retry: Readonly<Record<RetryOutcome, RetryRule>>;
  /** Attempts in all. */
  readonly attempts: number;
}

export interface WrapUpRules {
  readonly limitMs: number;
  /** By how much an agent may extend it at a time; 0: not at all. */
  readonly extensionMs: number;
  /** How long it may be in all. */
  readonly mostMs: number;
}

export interface DeskRules {
  readonly discipline: Discipline;
  readonly tieBreak: TieBreak;
  readonly weights: Readonly<Record<Kind, number>>;
  readonly promise: { readonly leadMs: number; readonly weight: number };
  /** Nearest first. Desks that do not exist (any more) are passed over. */
  readonly overflow: readonly OverflowRule[];
  readonly callbacks: CallbackRules;
  readonly wrapUp: WrapUpRules;
  /** The scenario that asks the party after a talk which the agent has ended; null: nobody is asked. */
  readonly survey: string | null;
  /** The scenario that speaks first with whoever is called back, while an agent is kept: what it hands back is connected. Null: none. */
  readonly callMe: string | null;
  /** For reports: which share should be answered within how long. */
  readonly serviceLevel: { readonly share: number; readonly withinMs: number };
  /** What handling a contact is believed to take, until the desk has handled some. */
  readonly expectedHandlingMs: number;
}

const MINUTE_MS = 60_000;

export const DEFAULT_DESK_RULES: DeskRules = {
  discipline: DEFAULT_POLICY.discipline,
  tieBreak: DEFAULT_POLICY.tieBreak,
  weights: DEFAULT_POLICY.weights,
  promise: { leadMs: 5 * MINUTE_MS, weight: 10 },
  overflow: [],
  callbacks: {
    first: 'party',
    offerFromWaitMs: null,
    afterAbandonMs: null,
    hours: null,
    retry: {
      busy: { attempts: 3, pauseMs: 5 * MINUTE_MS },
      noAnswer: { attempts: 3, pauseMs: 30 * MINUTE_MS },
      failed: { attempts: 2, pauseMs: 10 * MINUTE_MS },
    },
    attempts: 3,
  },
  wrapUp: { limitMs: 3 * MINUTE_MS, extensionMs: 2 * MINUTE_MS, mostMs: 15 * MINUTE_MS },
  survey: null,
  callMe: null,
  serviceLevel: { share: 0.8, withinMs: 20_000 },
  expectedHandlingMs: 4 * MINUTE_MS,
};

/** The rules of every desk; a desk that has none of its own has the default's. */
export type RulesOfDesks = (deskId: DeskId) => DeskRules;
