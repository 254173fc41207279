/**
 * Durable contacts per second, against two job queues on the same Postgres with the same settings (fsync on).
 * `node_modules/.bin/node bench/durable.ts [--contacts 5000] [--agents 300] [--seconds 10]`
 *
 * **A contact**, on our side, is a call's whole life through the real `Controller` and `PgFloorStore`: it arrives, is identified,
 * decided, queued and offered; the panel confirms, the phone rings and is answered; the talk ends, both legs are hung up, the agent
 * notes a word, and it is over. Six states, one after another, each committed before the next can begin, with about twenty events
 * in the log, its row, its offer's, its two legs', its agent's, and every order in the outbox until it is done.
 *
 * **A job**, on the other side, is put in, taken by a worker that does nothing, and noted as completed.
 * - *bare, one at a time*: each is put in by itself, as calls come, and completed by itself. What is got without tuning.
 * - *bare, batched*: the fastest way that each one's manual gives: put in 500 at a time, fetched 500 at a time, completed together.
 * - *with a contact's facts*: batched as before, but the worker keeps what we keep: it finds a free agent and writes contact, offer
 *   and events, once when assigned and once when over, in our tables. That is what a centre on a job queue would have to do at least.
 *
 * Then the time from arrival to the committed offer, arrivals coming at random (Poisson) at half of our maximum rate whether or not
 * we keep up.
 */
import { Logger, makeWorkerUtils, run as runWorker, type TaskList } from 'graphile-worker';
import type { Pool } from 'pg';
import { PgBoss } from 'pg-boss';
import { createPool } from '../src/db/pool.ts';
import { agentIds, contextOf, controllerOf, DOMAIN, ENTRY, logOn, makeDomain, panels, until } from './centre.ts';
import { withDatabase } from './database.ts';
import { numberOption, percentile, printTable, writeResult } from './report.ts';

export interface DurableOptions {
  readonly contacts: number;
  readonly agents: number;
  /** Of the open loop. */
  readonly seconds: number;
  /** Arrivals per second of the open loop; half of our maximum when absent. */
  readonly rate?: number;
}

export interface Throughput {
  readonly who: string;
  readonly how: string;
  readonly done: number;
  readonly seconds: number;
  readonly perSecond: number;
}

export interface DurableResult {
  readonly settings: Readonly<Record<string, string>>;
  readonly throughput: readonly Throughput[];
  readonly openLoop: {
    readonly rate: number;
    readonly offered: number;
    readonly medianMs: number;
    readonly p99Ms: number;
    readonly maxMs: number;
  };
  /** What the tables hold in the end, for whoever checks that nothing was lost. */
  readonly stored: { readonly contacts: number; readonly ended: number; readonly events: number; readonly orders: number };
}

const BATCH = 500;
const quiet = new Logger(() => () => undefined);

function throughput(who: string, how: string, done: number, begun: number): Throughput {
  const seconds = (performance.now() - begun) / 1000;
  return { who, how, done, seconds, perSecond: done / seconds };
}

/** As many calls at a time as there are agents; the next comes when one is over. */
export async function contactsAtFullSpeed(pool: Pool, { contacts, agents }: DurableOptions): Promise<Throughput> {
  const { controller, switch: sw } = controllerOf({ pool, context: contextOf(agents), owner: 'bench' });
  await controller.start();
  await logOn(controller, agentIds(agents));
  let [arrived, ended] = [0, 0];
  const call = (): void => {
    if (arrived >= contacts) return;
    arrived += 1;
    sw.arrive(`+8131234${String(arrived % 10_000).padStart(4, '0')}`, ENTRY);
  };
  const off = panels(controller, {
    ended: () => {
      ended += 1;
      call();
    },
  });
  const begun = performance.now();
  for (let i = 0; i < agents; i++) call();
  await until(() => ended >= contacts, 600_000);
  const result = throughput('Madoguchi', 'whole life of a call', ended, begun);
  off();
  await controller.stop();
  return result;
}

/** Milliseconds from each arrival's due time to the commit of its offer. */
async function offersAtRate(pool: Pool, rate: number, { agents, seconds }: DurableOptions): Promise<number[]> {
  const { controller, switch: sw } = controllerOf({ pool, context: contextOf(agents), owner: 'bench' });
  await controller.start();
  await logOn(controller, agentIds(agents));
  const dueByLeg = new Map<string, number>();
  const dueByContact = new Map<string, number>();
  const waits: number[] = [];
  let ended = 0;
  const off = panels(controller, {
    arrived: (contactId, legId) => dueByContact.set(contactId, dueByLeg.get(legId) ?? 0),
    offered: (contactId) => waits.push(performance.now() - (dueByContact.get(contactId) ?? 0)),
    ended: () => {
      ended += 1;
    },
  });
  const begun = performance.now();
  let [due, called] = [begun, 0];
  await new Promise<void>((resolve) => {
    const go = (): void => {
      const now = performance.now();
      for (; due <= now && due < begun + seconds * 1000; due += (-Math.log(1 - Math.random()) * 1000) / rate) {
        called += 1;
        dueByLeg.set(sw.arrive(`+8131234${String(called % 10_000).padStart(4, '0')}`, ENTRY), due);
      }
      if (due >= begun + seconds * 1000) resolve();
      else setTimeout(go, Math.max(0, due - performance.now()));
    };
    go();
  });
  await until(() => ended >= called, 600_000);
  off();
  await controller.stop();
  return waits;
}

type Way = 'bare, one at a time' | 'bare, batched' | "with a contact's facts";

/** What a worker would have to keep of a contact. The same tables as ours; one statement each, by the worker's own connection. */
const ASSIGN = `
with free as (
  select agent_id from job_agent where free limit 1 for update skip locked
), taken as (
  update job_agent set free = false from free where job_agent.agent_id = free.agent_id returning job_agent.agent_id
), kept as (
  insert into contact (domain_id, id, channel, origin, state, language, called_number, party_kind, desk_id, agent_id, arrived_at, doc)
  select $1, $2, 'voice', 'call', 'connected', 'ja', '1000', 'customer', 'sales', agent_id, now(), $3 from taken
), offered as (
  insert into offer (domain_id, id, contact_id, agent_id, desk_id, state, created_at, doc)
  select $1, $2 || '.o1', $2, agent_id, 'sales', 'accepted', now(), $4 from taken
), told as (
  insert into event (domain_id, seq, n, at, name, contact_id, agent_id, data)
  select $1, $5, n, now(), name, $2, agent_id, '{}' from taken,
    unnest(array['contactArrived', 'partyIdentified', 'deskDecided', 'queued', 'offered', 'established']) with ordinality as given(name, n)
)
select agent_id from taken`;
const END = `
with done as (
  update contact set state = 'ended', ended_at = now(), cause = 'handled', doc = $3 where domain_id = $1 and id = $2 returning agent_id
), offered as (
  update offer set state = 'ended', ended_at = now(), outcome = 'completed', doc = $4 where domain_id = $1 and id = $2 || '.o1'
), freed as (
  update job_agent set free = true from done where job_agent.agent_id = done.agent_id
)
insert into event (domain_id, seq, n, at, name, contact_id, agent_id, data)
select $1, $5, n + 10, now(), name, $2, agent_id, '{}' from done,
  unnest(array['connectionCleared', 'wrapUpStarted', 'wrapUpCompleted', 'contactEnded']) with ordinality as given(name, n)`;

interface Asks {
  query(statement: { readonly name: string; readonly text: string; readonly values: unknown[] }): Promise<{ rowCount: number | null }>;
}

async function keepFacts(client: Asks, n: number): Promise<void> {
  const id = `job-${n}`;
  const doc = JSON.stringify({ id, callingNumber: { kind: 'valid', e164: '+81312345678', country: 'JP' }, arrivedAt: Date.now() });
  const given = ['jobs', id, doc, doc, n];
  const { rowCount } = await client.query({ name: 'assign', text: ASSIGN, values: given });
  if (rowCount !== 1) throw new Error('no agent was free');
  await client.query({ name: 'end', text: END, values: given });
}

async function prepareJobs(pool: Pool, agents: number): Promise<void> {
  await pool.query(`insert into domain (id, name, outgoing_number) values ('jobs', 'jobs', '+81312340000') on conflict do nothing`);
  await pool.query('create table if not exists job_agent (agent_id text primary key, free boolean not null)');
  await pool.query(`delete from job_agent`);
  await pool.query(`insert into job_agent select 'agent-' || n, true from generate_series(1, $1) n`, [agents]);
  await pool.query(`begin; set local session_replication_role = replica; delete from event where domain_id = 'jobs';
    delete from contact where domain_id = 'jobs'; delete from offer where domain_id = 'jobs'; commit`);
}

async function graphileWorker(url: string, pool: Pool, way: Way, { contacts, agents }: DurableOptions): Promise<Throughput> {
  await prepareJobs(pool, Math.max(agents, 100)); // as many as lanes at least: a worker without an agent would have to wait
  let worked = 0;
  const taskList: TaskList = {
    contact: async (payload, { withPgClient }) => {
      if (way === "with a contact's facts") await withPgClient((client) => keepFacts(client, (payload as { n: number }).n));
      worked += 1;
    },
  };
  const batched = way !== 'bare, one at a time';
  const preset = {
    worker: {
      connectionString: url,
      logger: quiet,
      concurrentJobs: 24,
      maxPoolSize: 25,
      ...(batched ? { localQueue: { size: BATCH }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {}),
    },
  };
  const utils = await makeWorkerUtils({ connectionString: url, logger: quiet });
  await utils.migrate();
  const runner = await runWorker({ preset, taskList, noHandleSignals: true, parsedCronItems: [] });
  const begun = performance.now();
  if (batched) {
    for (let n = 0; n < contacts; n += BATCH) {
      await utils.addJobs(
        Array.from({ length: Math.min(BATCH, contacts - n) }, (_, i) => ({ identifier: 'contact', payload: { n: n + i } })),
      );
    }
  } else await inParallel(contacts, 10, (n) => utils.addJob('contact', { n }));
  const left = async (): Promise<boolean> =>
    worked >= contacts && (await pool.query('select from graphile_worker.jobs limit 1')).rowCount === 0;
  await until(left, 600_000);
  const result = throughput('graphile-worker', way, worked, begun);
  await runner.stop();
  await utils.release();
  return result;
}

async function pgBoss(url: string, pool: Pool, way: Way, { contacts, agents }: DurableOptions): Promise<Throughput> {
  await prepareJobs(pool, Math.max(agents, 100)); // as many as lanes at least: a worker without an agent would have to wait
  const boss = new PgBoss({ connectionString: url, max: 25, useListenNotify: true, supervise: false, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  const queue = `contact-${Date.now()}`;
  await boss.createQueue(queue, { notify: true });
  let worked = 0;
  const batched = way !== 'bare, one at a time';
  const options = {
    batchSize: batched ? BATCH : 1,
    pollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
    localConcurrency: batched ? 2 : 10,
  };
  await boss.work<{ n: number }>(queue, options, async (jobs) => {
    if (way === "with a contact's facts") await inParallel(jobs.length, 12, (i) => keepFacts(pool, jobs[i]?.data.n ?? 0));
    worked += jobs.length;
  });
  const begun = performance.now();
  if (batched) {
    for (let n = 0; n < contacts; n += BATCH) {
      await boss.insert(
        queue,
        Array.from({ length: Math.min(BATCH, contacts - n) }, (_, i) => ({ data: { n: n + i } })),
      );
    }
  } else await inParallel(contacts, 10, (n) => boss.send(queue, { n }));
  const left = async (): Promise<boolean> =>
    worked >= contacts &&
    (await pool.query(`select from pgboss.job where name = $1 and state <> 'completed' limit 1`, [queue])).rowCount === 0;
  await until(left, 600_000);
  const result = throughput('pg-boss', way, worked, begun);
  await boss.stop({ graceful: false });
  return result;
}

async function inParallel(count: number, lanes: number, work: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function settingsOf(pool: Pool): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size', 'server_version')`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

export async function durable(url: string, options: DurableOptions): Promise<DurableResult> {
  const pool = createPool(url, { log: () => undefined, statementTimeoutMs: 60_000, max: 30 });
  try {
    await makeDomain(pool);
    const rounds: Throughput[] = [];
    rounds.push(await contactsAtFullSpeed(pool, options));
    for (const way of ['bare, one at a time', 'bare, batched', "with a contact's facts"] as const) {
      rounds.push(await graphileWorker(url, pool, way, options));
      rounds.push(await pgBoss(url, pool, way, options));
    }
    const rate = options.rate ?? (rounds[0]?.perSecond ?? 0) / 2;
    const waits = await offersAtRate(pool, rate, options);
    const { rows } = await pool.query<DurableResult['stored']>(
      `select (select count(*)::int from contact where domain_id = $1) as contacts,
         (select count(*)::int from contact where domain_id = $1 and state = 'ended') as ended,
         (select count(*)::int from event where domain_id = $1) as events,
         (select count(*)::int from outbox where domain_id = $1) as orders`,
      [DOMAIN],
    );
    return {
      settings: await settingsOf(pool),
      throughput: rounds,
      openLoop: {
        rate,
        offered: waits.length,
        medianMs: percentile(waits, 0.5),
        p99Ms: percentile(waits, 0.99),
        maxMs: percentile(waits, 1),
      },
      stored: rows[0] as DurableResult['stored'],
    };
  } finally {
    await pool.end();
  }
}

if (import.meta.main) {
  const options = { contacts: numberOption('contacts', 5_000), agents: numberOption('agents', 300), seconds: numberOption('seconds', 10) };
  const result = await withDatabase((url) => durable(url, options));
  const ours = result.throughput[0]?.perSecond ?? 0;
  printTable(
    result.throughput.map((t) => ({
      who: t.who,
      how: t.how,
      done: t.done,
      'per second': t.perSecond,
      'ours is': `${(ours / t.perSecond).toFixed(2)}×`,
    })),
  );
  const { rate, offered, medianMs, p99Ms, maxMs } = result.openLoop;
  console.log('\nfrom arrival to the committed offer, arrivals at half of our maximum rate:');
  printTable([{ 'per second': rate, offered, 'median ms': medianMs, 'p99 ms': p99Ms, 'max ms': maxMs }]);
  writeResult('durable', { options, ...result });
}
