/**
 * npm run siege -- --rounds 100 --seed N: two node processes on one Postgres under load, hit again and again. What the tables
 * hold is compared with what the switch, the people and the database itself saw.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { SeenLeg } from '#src/cti/memory/switch.ts';
import type { LiveBridge } from '#src/cti/port.ts';
import { Random } from '../simulation/random.ts';
import { ALWAYS, AT_THE_END, broken, type Evidence, readTables } from './checks.ts';
import { DEFECT_NAMES } from './defects.ts';
import { describeFault, plan, type Round, strike } from './faults.ts';
import { GAVE_UP, type SwitchOptions } from './messages.ts';
import { ended, inOwnNetwork, type Network, openNetwork, ownNetwork } from './network.ts';
import { Node } from './nodes.ts';
import type { Note } from './noted-store.ts';
import { SiegePostgres } from './postgres.ts';
import { type Entry, readLines } from './record.ts';
import { Wire } from './wire.ts';

const HELP = `npm run siege -- [--rounds N] [--seed N] [--rate N] [--keep]

Two nodes (processes with the real controller) on one Postgres, a switch that outlives them, callers, callbacks and agents.
Each round, one or two of: SIGKILL of the owner, SIGSTOP of the owner for longer than its lease, a restart of Postgres, the network
between owner and Postgres cut for longer than the lease, SIGKILL of the standby. Then calm, until somebody decides again.
Ends with 1, the seed and the processes' logs when anything was lost, done twice, or left behind.

  --rounds N   how many (100)
  --seed N     which faults, in which order (1); processes keep their own time, so no two runs are the same to the millisecond
  --rate N     arrivals per second, calls and callbacks (4)
  --keep       keep the logs of a run without fault, too

SIEGE_DEFECT puts a fault into the nodes that the siege must see: ${DEFECT_NAMES.join(', ')}.
`;

/** By then, the database is really away. */
const CALL_COMES_AFTER_MS = 200;
const DECIDES_WITHIN_MS = 60_000;
const ASKED_WITHIN_MS = 10_000;
const GIVES_UP_WITHIN_MS = 15_000;
const ALL_SERVED_WITHIN_MS = 90_000;
/** Everything is read again each time; later in a long run less often. */
const checksAfter = (round: number): boolean => round <= 10 || round % 5 === 0;

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly rate: number;
}

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

class Siege {
  readonly #options: Options;
  readonly #folder: string;
  readonly #closers: (() => Promise<unknown> | unknown)[] = [];
  readonly #violations: string[] = [];
  readonly #outages: { readonly faults: string; readonly ms: number }[] = [];
  readonly #replaced: { readonly app: string; readonly why: string }[] = [];

  constructor(options: Options, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** @returns what was found wrong, and figures */
  async run(stopped: AbortSignal): Promise<{ readonly violations: readonly string[]; readonly figures: string }> {
    const { seed, rounds } = this.#options;
    const postgres = await SiegePostgres.start(this.#folder);
    this.#closers.push(() => postgres.close());
    const network = await openNetwork(postgres.port);
    this.#closers.push(() => network.close());
    say(`seed ${seed}, ${rounds} rounds; cut by ${network.description}; logs in ${this.#folder}`);
    const sw = await this.#startSwitch();
    const nodes = await this.#startNodes(network, postgres);
    await sw.ask('probe', [], DECIDES_WITHIN_MS);
    await sw.ask('begin', [], ASKED_WITHIN_MS);
    const rest = plan(new Random(seed));
    for (let n = 1; n <= rounds && this.#violations.length === 0; n++) {
      stopped.throwIfAborted();
      const round = rest.next().value;
      const what = round.faults.map(describeFault).join(', and ');
      const outage = await this.#fight(round, nodes, sw, postgres, stopped).catch((error: unknown) => {
        stopped.throwIfAborted();
        this.#violations.push(`round ${n}: ${(error as Error).message}`);
        return null;
      });
      if (outage !== null) this.#outages.push({ faults: round.faults.map(({ kind }) => kind).join('+'), ms: outage.ms });
      say(
        `${String(n).padStart(4)}/${rounds}  ${what}: ${outage ? `a call was taken after ${seconds(outage.ms)} by ${outage.by}` : 'FAILED'}`,
      );
      if (checksAfter(n)) this.#violations.push(...broken(ALWAYS, await this.#evidence(sw, postgres)));
    }
    await sw.ask('stop', [], ASKED_WITHIN_MS);
    if (this.#violations.length === 0) await this.#drain(sw, postgres);
    const evidence = await this.#evidence(sw, postgres);
    if (this.#violations.length === 0) this.#violations.push(...broken({ ...ALWAYS, ...AT_THE_END }, evidence));
    this.#violations.push(...this.#whoDidNotGiveUp(evidence, nodes));
    return { violations: this.#violations, figures: this.#figures(evidence) };
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (error) {
        say(`closing: ${(error as Error).message}`);
      }
    }
  }

  // ── processes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #socket(): string {
    return path.join(this.#folder, 'switch.sock');
  }

  async #startSwitch(): Promise<Wire> {
    const options: SwitchOptions = {
      socket: this.#socket,
      record: path.join(this.#folder, 'switch.jsonl'),
      seed: this.#options.seed,
      arrivalsPerSecond: this.#options.rate,
    };
    const log = fs.openSync(path.join(this.#folder, 'switch.log'), 'a');
    const file = path.join(import.meta.dirname, 'switch-process.ts');
    const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['ignore', log, log, 'ipc'] });
    let closing = false;
    this.#closers.push(async () => {
      closing = true;
      child.kill('SIGKILL');
      await ended(child);
    });
    await new Promise<void>((ready, fail) => {
      child.once('message', () => ready());
      child.once('exit', (code) => {
        if (!closing) this.#violations.push(`the switch's process ended: ${code}`);
        fail(new Error("the switch's process did not start"));
      });
    });
    return Wire.connect(this.#socket, { asked: async () => undefined, told: () => undefined, closed: () => undefined });
  }

  async #startNodes(network: Network, postgres: SiegePostgres): Promise<readonly [Node, Node]> {
    const start = async (number: number): Promise<Node> => {
      const way = await network.way(number);
      const node = new Node({
        name: `node-${number}`,
        way,
        folder: this.#folder,
        options: { databaseUrl: postgres.url(way.address), socket: this.#socket, notes: path.join(this.#folder, 'notes.jsonl') },
        onFailure: (what) => this.#violations.push(what),
      });
      this.#closers.push(() => node.close());
      await node.start();
      return node;
    };
    return [await start(1), await start(2)];
  }

  // ── a round ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @returns how long a call that came with the fault had to wait until somebody took it, and who that was */
  async #fight(
    round: Round,
    nodes: readonly [Node, Node],
    sw: Wire,
    postgres: SiegePostgres,
    stopped: AbortSignal,
  ): Promise<{ readonly ms: number; readonly by: string }> {
    await sleep(round.afterMs, undefined, { signal: stopped });
    const app = await sw.ask('owner', [], ASKED_WITHIN_MS);
    const [first, second] = nodes;
    const [owner, standby] = second.app === app ? [second, first] : [first, second];
    for (const node of nodes) node.restartAfterMs = round.restartAfterMs;
    const struckApp = owner.app;
    const begunAt = Date.now();
    const striking = Promise.all(round.faults.map((fault) => strike(fault, owner, standby, postgres)));
    striking.catch(() => undefined); // awaited below, as is the call
    await sleep(CALL_COMES_AFTER_MS);
    const taken = sw.ask('probe', [], DECIDES_WITHIN_MS).then(() => Date.now() - begunAt);
    taken.catch(() => undefined);
    await striking;
    const ms = await taken.catch(() => {
      throw new Error(`nobody decided within ${seconds(DECIDES_WITHIN_MS)} of the fault`);
    });
    await sw.ask('probe', [], DECIDES_WITHIN_MS).catch(() => {
      throw new Error(`nobody decided within ${seconds(DECIDES_WITHIN_MS)} of the mending`);
    });
    if (round.faults.some(({ kind }) => kind === 'pauseOwner' || kind === 'cutOwner')) {
      await this.#untilItGaveUp(struckApp, owner, postgres, round);
    }
    for (const until = Date.now() + DECIDES_WITHIN_MS; ; await sleep(20)) {
      const by = await sw.ask('owner', [], ASKED_WITHIN_MS);
      const there = (await sw.ask('nodes', [], ASKED_WITHIN_MS)) as readonly string[];
      if (typeof by === 'string' && nodes.every((node) => there.includes(node.app))) return { ms, by };
      if (Date.now() > until) throw new Error('a node was not started again');
    }
  }

  /** Who was paused or cut off, and replaced meanwhile, has to find out and go. */
  async #untilItGaveUp(app: string, node: Node, postgres: SiegePostgres, round: Round): Promise<void> {
    const { rows } = await postgres.pool.query<{ app: string }>(
      `select app from siege_audit where what = 'claimed' order by n desc limit 1`,
    );
    if (rows[0]?.app === app) return; // nobody was there to replace it
    this.#replaced.push({ app, why: round.faults.map(describeFault).join(', and ') });
    for (const until = Date.now() + GIVES_UP_WITHIN_MS; !node.exits.has(app); await sleep(20)) {
      if (Date.now() > until) throw new Error(`${app} was replaced, and did not give up within ${seconds(GIVES_UP_WITHIN_MS)}`);
    }
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Until everybody is served, every agent ready, and nothing is left to do; or for as long as that may take. */
  async #drain(sw: Wire, postgres: SiegePostgres): Promise<void> {
    say('nobody arrives any more; serving who is there …');
    for (const until = Date.now() + ALL_SERVED_WITHIN_MS; Date.now() < until; await sleep(250)) {
      const { legs } = (await sw.ask('look', [], ASKED_WITHIN_MS)) as Evidence['live'];
      const { rows } = await postgres.pool.query<{ left: number }>(
        `select ((select count(*) from contact where state <> 'ended') + (select count(*) from outbox)
           + (select count(*) from agent_state where state <> 'ready'))::int as left`,
      );
      if (legs.length === 0 && rows[0]?.left === 0) return;
    }
  }

  async #evidence(sw: Wire, postgres: SiegePostgres): Promise<Evidence> {
    const live = (await sw.ask('look', [], ASKED_WITHIN_MS)) as { readonly legs: SeenLeg[]; readonly bridges: LiveBridge[] };
    const seen = readLines<Entry>(path.join(this.#folder, 'switch.jsonl'));
    const notes = readLines<Note>(path.join(this.#folder, 'notes.jsonl'));
    return { live, seen, notes, ...(await readTables(postgres.pool)) };
  }

  /** Of those who were replaced: each was refused, and ended for that reason. */
  #whoDidNotGiveUp({ notes }: Evidence, nodes: readonly Node[]): string[] {
    return this.#replaced
      .filter(({ app }) => {
        const exit = nodes.map((node) => node.exits.get(app)).find((how) => how !== undefined);
        return exit !== GAVE_UP || !notes.some((note) => note.app === app && note.what === 'refused');
      })
      .map(({ app, why }) => `${app} was not refused, or did not give up, after: ${why}`);
  }

  #figures({ seen, contacts, audit, events, notes }: Evidence): string {
    const of = (what: Entry['what']): number => seen.filter((entry) => entry.what === what).length;
    const originates = seen.filter((entry) => entry.what === 'order' && entry.method === 'originate').length;
    const refused = notes.filter(({ what }) => what === 'refused');
    const lines = [
      `${of('arrived')} calls and ${of('callMe')} requests for a callback: ${contacts.length} contacts, ${events.length} events`,
      `${of('dialled')} dialled, ${originates - of('dialled')} diallings ordered again and not repeated, ${of('joined')} times two were joined`,
      `${audit.filter((row) => row['what'] === 'claimed').length} claims, ${audit.filter((row) => row['what'] === 'committed').length} commits`,
      `${this.#replaced.length} owners replaced while paused or cut off; writes refused: ${refused.length}, of them commits: ` +
        `${refused.filter(({ about }) => about.startsWith('commit')).length}`,
      'a call that came with the fault was taken after (median, longest):',
    ];
    const kinds = [...new Set(this.#outages.map(({ faults }) => faults))].sort();
    for (const kind of kinds) {
      const ms = this.#outages.filter(({ faults }) => faults === kind).map((outage) => outage.ms);
      ms.sort((a, b) => a - b);
      const [middle, last] = [ms[Math.floor(ms.length / 2)] ?? 0, ms.at(-1) ?? 0];
      lines.push(`  ${kind.padEnd(28)} ${String(ms.length).padStart(3)}  ${seconds(middle).padStart(7)} ${seconds(last).padStart(7)}`);
    }
    const causes = new Map<string, number>();
    for (const { cause } of contacts) causes.set(String(cause), (causes.get(String(cause)) ?? 0) + 1);
    lines.push(`contacts ended: ${[...causes].map(([cause, n]) => `${n} ${cause}`).join(', ')}`);
    return lines.join('\n');
  }
}

function sayBroken(violations: readonly string[], { seed, rounds, rate }: Options): void {
  process.exitCode = 1;
  say(`\nBROKEN:\n${violations.map((violation) => `- ${violation}`).join('\n')}`);
  const defect = process.env['SIEGE_DEFECT'] ? `SIEGE_DEFECT=${process.env['SIEGE_DEFECT']} ` : '';
  say(`play back: ${defect}npm run siege -- --seed ${seed} --rounds ${rounds} --rate ${rate}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '4' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const numbers = { rounds: Number(values.rounds), seed: Number(values.seed), rate: Number(values.rate) };
  if (Object.values(numbers).some((n) => !(n > 0))) throw new Error('--rounds, --seed and --rate are numbers above 0');

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-siege-'));
  fs.chmodSync(folder, 0o755); // Postgres runs as another user
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(new Error(signal)));
  process.on('disconnect', () => stop.abort(new Error('whoever started this is gone')));
  const siege = new Siege(numbers, folder);
  const running = siege.run(stop.signal);
  let keep = true;
  try {
    const stopped = new Promise<never>((_, fail) => stop.signal.addEventListener('abort', () => fail(stop.signal.reason)));
    const { violations, figures } = await Promise.race([running, stopped]);
    say(figures);
    if (violations.length === 0) {
      say(`${numbers.rounds} rounds: nothing lost, nothing twice`);
      keep = values.keep;
    } else {
      sayBroken(violations, numbers);
    }
  } catch (error) {
    if (!stop.signal.aborted) sayBroken([(error as Error).stack ?? String(error)], numbers);
    else {
      process.exitCode = 1;
      say(`stopped: ${(stop.signal.reason as Error).message}`);
    }
  } finally {
    await siege.close();
    await running.catch(() => undefined); // told above
    await siege.close(); // of what was opened meanwhile
    if (keep) {
      fs.rmSync(path.join(folder, 'postgres'), { recursive: true, force: true });
      say(`logs: ${folder}`);
    } else fs.rmSync(folder, { recursive: true, force: true });
  }
  if (process.connected) process.disconnect();
}

/** The same program once more, in a network of its own; ends as that one does. */
async function again(command: readonly string[]): Promise<void> {
  const [program, ...args] = [...command, process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, SIEGE_NETWORK: 'own' };
  const child = spawn(program as string, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  process.on('disconnect', () => child.connected && child.disconnect());
  await ended(child);
  process.exitCode = child.exitCode ?? 1;
  if (process.connected) process.disconnect();
}

const own = inOwnNetwork() || process.argv.some((arg) => ['--help', '-h'].includes(arg)) ? null : ownNetwork();
if (own) await again(own);
else await main();
