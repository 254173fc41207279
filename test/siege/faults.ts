/** What is done to the processes, drawn from a seed: every fault comes in every bag, and some of them in pairs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Node, Strike } from './nodes.ts';
import type { SiegePostgres } from './postgres.ts';
import { LEASE_TTL_MS } from './world.ts';

const KINDS = ['killOwner', 'pauseOwner', 'restartPostgres', 'cutOwner', 'killStandby'] as const;
export type Kind = (typeof KINDS)[number];

export interface Fault {
  readonly kind: Kind;
  /** Of a kill or a pause: at once, or just before or after a commit. */
  readonly strike: Strike;
  /** Of a pause, a cut, or an outage of Postgres. */
  readonly forMs: number;
  readonly postgres: 'fast' | 'immediate';
}

export interface Round {
  readonly faults: readonly Fault[];
  /** Of load before it begins. */
  readonly afterMs: number;
  /** Until whoever ended is started again. */
  readonly restartAfterMs: number;
}

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ['killOwner', 'killStandby'],
  ['killOwner', 'restartPostgres'],
  ['pauseOwner', 'killStandby'],
  ['pauseOwner', 'restartPostgres'],
  ['pauseOwner', 'cutOwner'],
  ['cutOwner', 'killStandby'],
  ['cutOwner', 'restartPostgres'],
  ['killStandby', 'restartPostgres'],
];

/** One round after another, for ever. Of each seven, five are the single faults, in any order, and two are pairs. */
export function* plan(random: Random): Generator<Round, never> {
  for (;;) {
    const bag: (readonly Kind[])[] = [...KINDS.map((kind) => [kind]), random.pick(PAIRS), random.pick(PAIRS)];
    while (bag.length > 0) {
      const [kinds] = bag.splice(Math.floor(random.next() * bag.length), 1);
      yield {
        faults: (kinds ?? []).map((kind) => fault(kind, random)),
        afterMs: 300 + random.next() * 1_000,
        restartAfterMs: random.chance(0.5) ? 0 : LEASE_TTL_MS * 1.2 + random.next() * 1_000,
      };
    }
  }
}

function fault(kind: Kind, random: Random): Fault {
  const strike = random.pick(['atOnce', 'beforeCommit', 'afterCommit', 'afterCommit'] as const);
  const postgres = random.pick(['fast', 'immediate'] as const);
  const forMs = Math.round(kind === 'restartPostgres' ? 300 + random.next() * 2_000 : LEASE_TTL_MS * 1.4 + random.next() * 1_200);
  return { kind, strike, postgres, forMs };
}

export const describeFault = ({ kind, strike, forMs, postgres }: Fault): string => {
  const when = { atOnce: '', beforeCommit: ' just before a commit', afterCommit: ' just after a commit' }[strike];
  const seconds = `${(forMs / 1_000).toFixed(1)} s`;
  switch (kind) {
    case 'killOwner':
      return `SIGKILL owner${when}`;
    case 'pauseOwner':
      return `SIGSTOP owner${when} for ${seconds}`;
    case 'restartPostgres':
      return `Postgres ended (${postgres}) for ${seconds}`;
    case 'cutOwner':
      return `owner cut off from Postgres for ${seconds}`;
    case 'killStandby':
      return 'SIGKILL standby';
  }
};

/** Does it, and mends what is to be mended (the pause, the cut, the outage). Whoever was killed is started again by itself. */
export async function strike(fault: Fault, owner: Node, standby: Node, postgres: SiegePostgres): Promise<void> {
  switch (fault.kind) {
    case 'killOwner':
      return owner.hit('SIGKILL', fault.strike);
    case 'killStandby':
      return standby.hit('SIGKILL', 'atOnce');
    case 'restartPostgres':
      return postgres.restart(fault.postgres, fault.forMs);
    case 'pauseOwner':
      await owner.hit('SIGSTOP', fault.strike);
      await sleep(fault.forMs);
      return owner.wake();
    case 'cutOwner':
      owner.way.cut();
      await sleep(fault.forMs);
      return owner.way.heal();
  }
}
