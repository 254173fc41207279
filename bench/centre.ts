/**
 * A centre for benches: the real controller on a real Postgres, a switch that answers at once, agents who show what they are
 * offered, talk for a moment and note a word. The customers' data base answers from memory, as it is not what is measured.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Controller } from '../src/contact/controller.ts';
import type { FloorContext } from '../src/contact/floor.ts';
import type { FloorPolicy } from '../src/contact/model.ts';
import type { FloorStore, PartyFinder } from '../src/contact/ports.ts';
import { PgRecordingStore } from '../src/db/recordings.ts';
import { PgFloorStore } from '../src/db/store.ts';
import type { AgentProfile } from '../src/routing/directory.ts';
import type { PartyRecord } from '../src/routing/party.ts';
import { CONTEXT, customer, DIRECTORY } from '../test/contact/world.ts';
import { NullSwitch } from './null-switch.ts';

export const DOMAIN = 'test';
export const ENTRY = '1000';

/** So long that nothing happens by itself while it is measured. */
const SLOW = 3_600_000;
const POLICY: FloorPolicy = {
  popMs: SLOW,
  ringMs: SLOW,
  dialMs: SLOW,
  panelGraceMs: SLOW,
  announceEveryMs: SLOW,
  lookUpMs: SLOW,
};

export const agentIds = (agents: number): string[] => Array.from({ length: agents }, (_, i) => `agent-${i}`);

/** One desk, and so many agents at it. */
export function contextOf(agents: number): FloorContext {
  const bob = DIRECTORY.agents.get('bob') as AgentProfile;
  const profiles = agentIds(agents).map((id) => [id, { ...bob, id, name: id }] as const);
  return { ...CONTEXT, directory: { ...DIRECTORY, agents: new Map(profiles) }, policy: POLICY };
}

export const recordOf = (number: string): PartyRecord => ({
  ...customer('sales'),
  customerId: `customer-${number.slice(-5)}`,
  customerCode: number.slice(-5),
});

const log = pino({ level: 'warn' }, pino.destination(2));
const complain = (error: unknown): void => log.error({ err: error }, 'refused');

export interface CentreOptions {
  readonly pool: Pool;
  readonly context: FloorContext;
  readonly owner: string;
  readonly leaseTtlMs?: number;
  readonly switch?: NullSwitch;
  readonly store?: FloorStore;
  readonly finder?: PartyFinder;
}

/** A controller over that pool, not started yet. */
export function controllerOf(options: CentreOptions) {
  const { pool, context, owner, leaseTtlMs = 60_000, switch: sw = new NullSwitch(), store = new PgFloorStore(pool) } = options;
  const controller = new Controller({
    domainId: DOMAIN,
    owner,
    store,
    switch: sw,
    finder: options.finder ?? { find: async (_domain, _by, value) => recordOf(value) },
    prompts: { media: async () => ['tone:prompt'] },
    recordings: new PgRecordingStore(pool),
    context: () => context,
    clock: { now: () => Date.now() },
    leaseTtlMs,
    legLeaseMs: 3_600_000,
    log,
    onReachable: () => undefined,
    onLost: (error) => {
      throw error;
    },
  });
  return { controller, switch: sw };
}

export async function makeDomain(pool: Pool): Promise<void> {
  await pool.query(`insert into domain (id, name, outgoing_number) values ($1, $1, '+81312340000') on conflict do nothing`, [DOMAIN]);
}

/** All of them with their panel open, logged on and ready. */
export async function logOn(controller: Controller, agents: readonly string[]): Promise<void> {
  const loggedOn = (agentId: string): boolean => (controller.floor.agents.get(agentId)?.state ?? 'loggedOff') !== 'loggedOff';
  await Promise.all(
    agents.flatMap((agentId) => [
      controller.submit({ type: 'panelOpened', agentId, holdsCall: false }),
      ...(loggedOn(agentId) ? [] : [controller.submit({ type: 'agentLogOn', agentId, phone: 'browser' })]),
      controller.submit({ type: 'agentSetReady', agentId }),
    ]),
  );
}

export interface Moments {
  readonly arrived?: (contactId: string, legId: string) => void;
  readonly offered?: (contactId: string) => void;
  readonly ended?: (contactId: string) => void;
}

/** Agents' panels: they confirm what they are shown, and note a word at the end of each talk. */
export function panels(controller: Controller, moments: Moments): () => void {
  return controller.onCommitted(({ events }) => {
    for (const { name, agentId, offerId, contactId, legId } of events) {
      if (contactId === null) continue;
      if (name === 'contactArrived' && legId) moments.arrived?.(contactId, legId);
      else if (name === 'offered') moments.offered?.(contactId);
      else if (name === 'contactEnded') moments.ended?.(contactId);
      if (agentId === null) continue;
      if (name === 'offered' && offerId) controller.submit({ type: 'offerShown', agentId, offerId }).catch(complain);
      if (name === 'wrapUpStarted')
        controller.submit({ type: 'wrapUp', agentId, contactId, disposition: 'solved', note: '' }).catch(complain);
    }
  });
}

/** Waits for a condition; benches have time. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const end = performance.now() + withinMs; !(await condition()); ) {
    if (performance.now() > end) throw new Error('what was waited for did not come');
    await sleep(5);
  }
}
