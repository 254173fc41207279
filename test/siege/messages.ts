/** What the processes of a siege are given at their start, and tell each other. */
import type { Moment } from './noted-store.ts';

export interface NodeOptions {
  /** Of the machine: what a restarted node claims by. */
  readonly name: string;
  /** Of this process; shows in the database as its application. */
  readonly app: string;
  readonly databaseUrl: string;
  readonly socket: string;
  readonly notes: string;
  readonly log: string;
}

export interface SwitchOptions {
  readonly socket: string;
  readonly record: string;
  readonly seed: number;
  readonly arrivalsPerSecond: number;
}

/** Codes with which a node ends. The domain is another's: what is wanted of it. */
export const GAVE_UP = 3;
/** It could not begin, as the database was away. */
export const NOT_STARTED = 4;

/** From the leader, over the process's own channel. */
export type ToNode = { readonly type: 'go' } | { readonly type: 'at'; readonly moment: Moment; readonly signal: NodeJS.Signals };

/** What a panel shows of one agent. */
export interface View {
  readonly agentId: string;
  readonly state: string;
  readonly panel: string;
  readonly offerId: string | null;
  readonly offerState: string | null;
  readonly wrapUpContactId: string | null;
}

/** From a node to the people: it decides from now on, or these agents look so now. */
export type FromNode =
  | { readonly type: 'hello'; readonly node: string }
  | { readonly type: 'owning'; readonly fence: number }
  | { readonly type: 'views'; readonly views: readonly View[] };
