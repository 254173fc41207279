/**
 * A notice: one thing to be told by phone to many, who are called one after another when agents are free (B5). Whoever is to
 * be told is a recipient; each one that was launched is a contact of its own, and that contact's row is the only record of it.
 */
import type { DeskId, DomainId, E164, EpochMs, Language, NoticeId } from './ids.ts';

/**
 * running ⇄ paused → stopped | done
 *
 * - `running`: recipients are launched, as far as pace and hours allow.
 * - `paused`: nobody new is launched; those who are under way are told all the same.
 * - `stopped`: for good. Who waits in the queue is taken out of it; what an agent has in hand is finished.
 * - `done`: nobody is left.
 */
export type NoticeState = 'running' | 'paused' | 'stopped' | 'done';

export interface NoticePace {
  /** How many may be under way at a time. Who rests until the next attempt does not count. */
  readonly atATime: number;
  /** How many may be launched within any minute. */
  readonly perMinute: number;
}

export interface NoticeRecipient {
  /** Unique within its notice: its place in the list, from 1. */
  readonly id: string;
  readonly number: E164;
  /** ISO 3166-1 alpha-2 */
  readonly country: string;
  /** Empty when not known. */
  readonly name: string;
}

export interface Notice {
  readonly id: NoticeId;
  readonly domainId: DomainId;
  readonly deskId: DeskId;
  readonly language: Language;
  /** What is to be told. */
  readonly text: string;
  /** The scenario that tells it, on the phone, without an agent. Null: the desk's agents do. */
  readonly scenario: string | null;
  readonly state: NoticeState;
  readonly pace: NoticePace;
  /** Recipients in all. */
  readonly total: number;
  readonly createdAt: EpochMs;
  /** An agent's id, or who called the tool. */
  readonly createdBy: string;
}

/** How far it is: `total` = waiting + underWay + reached + notReached + stopped. */
export interface NoticeProgress {
  /** Not launched yet. */
  readonly waiting: number;
  /** Launched and not over, `resting` among them: tried in vain, and to be tried again later. */
  readonly underWay: number;
  readonly resting: number;
  readonly reached: number;
  readonly notReached: number;
  /** Not told because the notice was stopped. */
  readonly stopped: number;
  /** What agents noted of those who were reached (empty word: nothing), or a scenario's word for it, and why the others were not. */
  readonly dispositions: Readonly<Record<string, number>>;
  readonly causes: Readonly<Record<string, number>>;
  /** The latest that are over (some twenty), and since when they were: the pace so far. Null before the first. */
  readonly latest: { readonly ended: number; readonly since: EpochMs } | null;
  /** When it was over: done, or stopped with nobody under way any more. */
  readonly overAt: EpochMs | null;
}

export type NoticeActionName = 'created' | 'paused' | 'resumed' | 'stopped' | 'done';

/** Who did what to a notice, and when. */
export interface NoticeAction {
  readonly at: EpochMs;
  /** Null: by itself. */
  readonly by: string | null;
  readonly action: NoticeActionName;
  /** Why, when it happened by itself. */
  readonly reason: string | null;
}

/** What a notice may have at most. */
export const NOTICE_LIMITS = { recipients: 20_000, text: 2_000, name: 80, atATime: 500, perMinute: 600, bytes: 4 * 1024 * 1024 } as const;
export const DEFAULT_NOTICE_PACE: NoticePace = { atATime: 5, perMinute: 20 };
