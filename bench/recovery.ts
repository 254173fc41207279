/**
 * An owner is killed: how long until the next one decides again.
 * `node_modules/.bin/node bench/recovery.ts [--waiting 10000] [--connected 1000] [--lease 3000]`
 *
 * The owner is a process of its own, with that many contacts waiting and connected, made by itself through the controller. It is killed
 * with SIGKILL just after it renewed its lease, while the next owner waits for the lease already. When that one has the floor, an agent
 * comes back to work, as panels do; measured is the time from the end of the lease (by the database's clock, this machine's)
 * until the offer that this brings is committed. The switch knows of every leg, as switches live on.
 *
 * The reference is the same with an empty floor: what waiting for the lease costs in any case.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Pool } from 'pg';
import type { Leg } from '../src/contact/model.ts';
import type { LiveLeg } from '../src/cti/port.ts';
import { createPool } from '../src/db/pool.ts';
import { agentIds, contextOf, controllerOf, DOMAIN, ENTRY, logOn, makeDomain, panels, until } from './centre.ts';
import { withDatabase } from './database.ts';
import { NullSwitch } from './null-switch.ts';
import { numberOption, printTable, writeResult } from './report.ts';

export interface RecoveryOptions {
  readonly waiting: number;
  readonly connected: number;
  readonly leaseMs: number;
}

export interface Recovery {
  readonly waiting: number;
  readonly connected: number;
  /** From the end of the lease: until it is the next owner's, until the floor is loaded and compared, until the first offer is committed. */
  readonly claimedMs: number;
  readonly startedMs: number;
  readonly offeredMs: number;
}

/** The life of the process that is killed. One agent is left over, who is not ready: that one comes back later. */
async function own(url: string, { waiting, connected, leaseMs }: RecoveryOptions): Promise<void> {
  const pool = createPool(url, { log: () => undefined, statementTimeoutMs: 60_000 });
  const { controller, switch: sw } = controllerOf({
    pool,
    context: contextOf(connected + 1),
    owner: 'first',
    leaseTtlMs: leaseMs,
    switch: new NullSwitch({ talksGoOn: true }),
  });
  await controller.start();
  panels(controller, {});
  await logOn(controller, agentIds(connected));
  for (let i = 0; i < waiting + connected; i++) {
    sw.arrive(`+8131${String(1_000_000 + i)}`, ENTRY);
    if (i % 500 === 499) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const count = (state: string): number => [...controller.floor.contacts.values()].filter((c) => c.state === state).length;
  await until(() => count('queued') === waiting && count('connected') === connected, 600_000);
  process.stdout.write('ready\n');
}

async function liveLegs(pool: Pool): Promise<LiveLeg[]> {
  const { rows } = await pool.query<{ doc: Leg }>('select doc from leg where domain_id = $1 and ended_at is null', [DOMAIN]);
  return rows.map(({ doc }) => ({ leg: doc.id, direction: doc.role === 'party' ? 'in' : 'out', state: 'up', arrival: null }));
}

export async function recover(url: string, options: RecoveryOptions): Promise<Recovery> {
  const pool = createPool(url, { log: () => undefined, statementTimeoutMs: 60_000 });
  let child: ChildProcess | null = null;
  try {
    await makeDomain(pool);
    child = spawn(process.execPath, [import.meta.filename, '--own', url, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await Promise.race([
      once(child.stdout as NodeJS.ReadableStream, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error('the first owner ended by itself'))),
    ]);
    const { connected, waiting, leaseMs } = options;
    const { controller } = controllerOf({
      pool,
      context: contextOf(connected + 1),
      owner: 'second',
      leaseTtlMs: leaseMs,
      switch: new NullSwitch({ talksGoOn: true, legs: await liveLegs(pool) }),
    });
    const offered = new Promise<number>((resolve) => {
      controller.onCommitted(({ events }) => {
        if (events.some(({ name }) => name === 'offered')) resolve(Date.now());
      });
    });
    const started = controller.start().then(() => Date.now());
    const leaseUntil = async (): Promise<{ owner: string; until: number }> => {
      const { rows } = await pool.query<{ owner: string; until: number }>(
        `select lease_owner as owner, (extract(epoch from lease_until) * 1000)::float8 as until from domain where id = $1`,
        [DOMAIN],
      );
      return rows[0] as { owner: string; until: number };
    };
    const before = (await leaseUntil()).until;
    await until(async () => (await leaseUntil()).until > before);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const end = (await leaseUntil()).until;
    await until(async () => (await leaseUntil()).owner === 'second');
    const claimed = Date.now();
    const startedAt = await started;
    await logOn(controller, agentIds(connected + 1).slice(-1));
    if (waiting === 0) return { waiting, connected, claimedMs: claimed - end, startedMs: startedAt - end, offeredMs: Date.now() - end };
    const offeredAt = await offered;
    await controller.stop();
    return { waiting, connected, claimedMs: claimed - end, startedMs: startedAt - end, offeredMs: offeredAt - end };
  } finally {
    if (child?.exitCode === null) child.kill('SIGKILL');
    await pool.end();
  }
}

if (import.meta.main) {
  if (process.argv[2] === '--own') await own(process.argv[3] ?? '', JSON.parse(process.argv[4] ?? '{}') as RecoveryOptions);
  else {
    const options = {
      waiting: numberOption('waiting', 10_000),
      connected: numberOption('connected', 1_000),
      leaseMs: numberOption('lease', 3_000),
    };
    const rounds = [
      await withDatabase((url) => recover(url, { ...options, waiting: 1, connected: 0 })),
      await withDatabase((url) => recover(url, options)),
    ];
    console.log('milliseconds from the end of the lease:');
    printTable(
      rounds.map((r) => ({
        waiting: r.waiting,
        connected: r.connected,
        claimed: r.claimedMs,
        started: r.startedMs,
        'first offer': r.offeredMs,
      })),
    );
    writeResult('recovery', { options, rounds });
  }
}
