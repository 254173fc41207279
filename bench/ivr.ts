/**
 * `npm run bench -- ivr [--callers N] [--listeners N] [--seconds N] [--rounds N] [--trace 1]` (bench/ivr.ts): many callers in the IVR at once,
 * and how long after a key the next prompt begins, with plain dialplan beside it.
 *
 * A real house (bench/ivr/house.ts) runs a menu as a scenario; the very same Asterisk runs the same menu, with the same sound files,
 * as plain dialplan (Background, WaitExten). Both get the same callers, in turns. SIPp makes the crowd: it dials, presses 1 every two to six
 * seconds, and does not listen. Some callers of our own (bench/ivr/caller.ts) do the same and listen, as SIPp can't.
 *
 * The delay is taken on the wire: from the first end packet of a key's RFC 4733 event (before that Asterisk tells nobody of the key,
 * neither the controller nor its dialplan) to the first packet of the next prompt, which is known by its pitch. A quarter of the
 * keys comes into a prompt and stops it ("into the prompt"), the others come in the silence after it.
 */
import os from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../src/tools/far-side/free-ports.ts';
import { type Answered, Callers, clockMs } from './ivr/caller.ts';
import { sippMissing, startCrowd } from './ivr/crowd.ts';
import { type BenchHouse, CARRIER_HOST, startHouse } from './ivr/house.ts';
import type { Weight } from './ivr/inside.ts';
import { DIALPLAN_NUMBER, dialplanCommands, levelsFor, SCENARIO, SCENARIO_NUMBER, writeScenarios } from './ivr/menu.ts';
import { cpuMs, familyCpuMs, machineBusyMs, rssBytes } from './ivr/processes.ts';
import { requestsOf, type Stretch, stretches } from './ivr/way.ts';
import { numberOption, percentile, printTable, writeResult } from './report.ts';

export interface IvrOptions {
  /** All of them together, those who listen included. The house's Asterisk takes 500. */
  readonly callers: number;
  readonly listeners: number;
  /** Of steady load, after all have come. */
  readonly seconds: number;
  /** So often each of the two, in turns. */
  readonly rounds: number;
  /** New callers per second. */
  readonly perSecond: number;
  /** From one key to the next, evenly between these; two to six seconds unless told otherwise. */
  readonly pauseMs?: { readonly least: number; readonly most: number };
  readonly trace: boolean;
}

export interface Delays {
  readonly keys: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

export interface Side {
  readonly who: 'scenario' | 'dialplan';
  readonly all: Delays;
  readonly intoPrompt: Delays;
  readonly inSilence: Delays;
  /** Keys of ours that no prompt answered within five seconds. */
  readonly unanswered: number;
  /** The fewest in the steady time of any round. */
  readonly callersAtOnce: number;
  /** Of all callers, as the events have it; null for the dialplan, which keeps none. */
  readonly keysPerSecond: number | null;
  /** CPU, in % of one core. */
  readonly cpu: {
    readonly controller: number;
    readonly postgres: number;
    readonly asterisk: number;
    /** SIPp and the listeners. */
    readonly callers: number;
    readonly machine: number;
  };
  readonly lag: { readonly controllerP99Ms: number; readonly listenersP99Ms: number };
  readonly loadAverage: number;
}

export interface IvrResult {
  readonly options: IvrOptions;
  readonly asterisk: string;
  readonly sides: readonly Side[];
  /** Scenario by dialplan. */
  readonly ratio: { readonly p50: number; readonly p99: number };
  /** Of the controller, in bytes, last round: what all callers together add to it, by each. */
  readonly perCall: { readonly rssBytes: number; readonly heapBytes: number; readonly asteriskBytes: number };
  /** Controller's CPU while they are in the menu. */
  readonly cpuPerKeyMs: { readonly controller: number; readonly postgres: number };
  /** With `trace`: where the time goes, and what Asterisk and Postgres are asked in all rounds. */
  readonly way: readonly Stretch[];
  readonly requests: Readonly<Record<string, number>>;
}

const PAUSE_MS = { least: 2_000, most: 6_000 } as const;
/** Callers stay so much longer than the steady time: looking and weighing takes its time, too. */
const slackMs = (callers: number): number => 4_000 + 20 * callers;

/** What one round of one side gave. */
interface Round {
  readonly answers: readonly Answered[];
  readonly unanswered: number;
  readonly callersAtOnce: number;
  readonly keysPerSecond: number | null;
  readonly cpu: Side['cpu'];
  readonly lag: Side['lag'];
  readonly loadAverage: number;
  readonly before: Weight;
  readonly loaded: Weight;
  readonly asteriskBytes: number;
}

export async function ivr(options: IvrOptions): Promise<IvrResult> {
  const { callers, rounds, trace, perSecond, seconds, pauseMs = PAUSE_MS } = options;
  const pauses = ((callers / perSecond + seconds) * 1_000 + slackMs(callers)) / ((pauseMs.least + pauseMs.most) / 2);
  const presses = Math.ceil(pauses + Math.sqrt(pauses)); // almost nobody is done before that
  let files: string[] = [];
  const house = await startHouse({
    legs: callers,
    trace,
    scenarios: (folder) => {
      // A listening caller is there as long as the crowd, and may press a little more often.
      files = writeScenarios(folder, levelsFor(Math.ceil(presses * 1.5)));
    },
  });
  try {
    for (const command of dialplanCommands(files)) await house.rx(command);
    await house.db.query('update entry set scenario = $1 where id = (select entry_id from entry_number where number = $2)', [
      SCENARIO,
      SCENARIO_NUMBER,
    ]);
    await menuIsThere(house);
    const measured: Record<Side['who'], Round[]> = { scenario: [], dialplan: [] };
    await measure(house, 'scenario', { ...options, callers: Math.min(callers, 20), listeners: 2, seconds: 2 }, 3); // warms up
    if (trace) await house.trace();
    for (let round = 0; round < rounds; round++) {
      for (const who of ['scenario', 'dialplan'] as const) measured[who].push(await measure(house, who, options, presses));
    }
    const sides = (['scenario', 'dialplan'] as const).map((who) => sideOf(who, measured[who]));
    const [ours, theirs] = sides as [Side, Side];
    const last = measured.scenario.at(-1) as Round;
    const keys = ours.keysPerSecond ?? 0;
    const moments = trace ? await house.trace() : [];
    return {
      options,
      asterisk: (await house.rx('core show version')).split(' built')[0] ?? '',
      sides,
      ratio: { p50: ours.all.p50Ms / theirs.all.p50Ms, p99: ours.all.p99Ms / theirs.all.p99Ms },
      perCall: {
        rssBytes: (last.loaded.rssBytes - last.before.rssBytes) / callers,
        heapBytes: (last.loaded.heapBytes + last.loaded.externalBytes - last.before.heapBytes - last.before.externalBytes) / callers,
        asteriskBytes: last.asteriskBytes / callers,
      },
      cpuPerKeyMs: { controller: (ours.cpu.controller * 10) / keys, postgres: (ours.cpu.postgres * 10) / keys },
      way: stretches(
        measured.scenario.flatMap(({ answers }) => answers),
        moments,
      ),
      requests: requestsOf(moments),
    };
  } finally {
    await house.stop();
  }
}

/** The house hears of the entry's new scenario by and by. */
async function menuIsThere(house: BenchHouse): Promise<void> {
  const ears = await Callers.open(CARRIER_HOST, house.sip);
  for (let tries = 1; ; tries++) {
    const call = await ears.call(numberOf(9_999), SCENARIO_NUMBER);
    const isPrompted = await call.prompted(5_000);
    await call.hangUp();
    if (isPrompted) break;
    if (tries === 10) throw new Error('the menu is not played');
  }
  ears.close();
}

/** All callers come, stay for a while, and go. */
async function measure(house: BenchHouse, who: Side['who'], options: IvrOptions, presses: number): Promise<Round> {
  const { callers, listeners, perSecond, seconds, pauseMs = PAUSE_MS } = options;
  const number = who === 'scenario' ? SCENARIO_NUMBER : DIALPLAN_NUMBER;
  const before = await house.weigh();
  const asteriskBefore = rssBytes(house.pids.asterisk);
  const crowdOptions = {
    callers: callers - listeners,
    perSecond: Math.max(1, Math.round((perSecond * (callers - listeners)) / callers)),
    presses,
    number,
    from: (index: number) => numberOf(listeners + index),
  };
  const crowd = startCrowd({
    ...crowdOptions,
    pauseMs,
    target: house.sip,
    host: CARRIER_HOST,
    sipPort: await freePort(CARRIER_HOST),
    rtpPort: await freePort(CARRIER_HOST),
    folder: house.folder,
  });
  const ears = await Callers.open(CARRIER_HOST, house.sip);
  const failed = new AbortController();
  crowd.over.catch((error: unknown) => failed.abort(error));
  const answers: Answered[] = [];
  let unanswered = 0;
  let isOver = false;
  const listen = async (index: number): Promise<void> => {
    await sleep((1_000 * index * callers) / listeners / perSecond);
    const call = await ears.call(numberOf(index), number);
    if (!(await call.prompted())) throw new Error('no prompt was heard');
    while (!isOver && !call.isOver) {
      await sleep(pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least));
      if (isOver) break;
      const answer = await call.press();
      if (answer) answers.push(answer);
      else unanswered += 1;
    }
    await call.hangUp();
  };
  try {
    const listening = Promise.all(Array.from({ length: listeners }, (_, index) => listen(index)));
    listening.catch((error: unknown) => failed.abort(error));
    const atOnce = async (): Promise<number> => {
      failed.signal.throwIfAborted();
      return Number(/^(\d+) active channel/m.exec(await house.rx('core show channels count'))?.[1]);
    };
    for (const end = clockMs() + (callers / perSecond) * 2_000 + 30_000; (await atOnce()) < callers; await sleep(250))
      if (clockMs() > end) throw new Error(`not all of the ${callers} callers were let in`);
    await house.weigh(); // so that its lag is that of the steady time

    const lag = monitorEventLoopDelay({ resolution: 20 });
    lag.enable();
    const { pids } = house;
    const used = (): number[] => [
      cpuMs(pids.controller),
      familyCpuMs(pids.postgres),
      cpuMs(pids.asterisk),
      cpuMs(crowd.pid) + cpuMs(process.pid),
    ];
    const [fromMs, fromDb, cpuFrom, machineFrom] = [clockMs(), Date.now(), used(), machineBusyMs()];
    await sleep(seconds * 500);
    const halfway = await atOnce();
    await sleep(seconds * 500);
    const [toMs, toDb, cpuTo, machineTo] = [clockMs(), Date.now(), used(), machineBusyMs()];
    lag.disable();
    const loadAverage = os.loadavg()[0] ?? 0;
    const loaded = await house.weigh();
    const asteriskBytes = rssBytes(pids.asterisk) - asteriskBefore;
    const callersAtOnce = Math.min(halfway, await atOnce());
    isOver = true;
    await listening;
    await crowd.over;
    while ((await atOnce()) > 0) await sleep(250);

    const percent = (used: number): number => (used * 100) / (toMs - fromMs);
    const [controller = 0, postgres = 0, asterisk = 0, ofCallers = 0] = cpuTo.map((value, i) => percent(value - (cpuFrom[i] ?? 0)));
    const within = answers.filter(({ pressedAtMs }) => pressedAtMs >= fromMs && pressedAtMs < toMs);
    return {
      answers: within,
      unanswered,
      callersAtOnce,
      keysPerSecond: who === 'scenario' ? ((await chosen(house, fromDb, toDb)) * 1_000) / (toDb - fromDb) : null,
      cpu: { controller, postgres, asterisk, callers: ofCallers, machine: percent(machineTo - machineFrom) },
      lag: { controllerP99Ms: loaded.lag.p99Ms, listenersP99Ms: Math.max(0, lag.percentile(99) / 1e6 - 20) },
      loadAverage,
      before,
      loaded,
      asteriskBytes,
    };
  } finally {
    isOver = true;
    crowd.stop();
    ears.close();
  }
}

/** Nobody's number; callers who listen come first. */
const numberOf = (index: number): string => `+8135550${String(index).padStart(4, '0')}`;

/** How many menus were answered between the two. */
async function chosen(house: BenchHouse, from: number, to: number): Promise<number> {
  const { rows } = await house.db.query<{ n: number }>(
    `select count(*)::int as n from event where name = 'scenarioStep' and cause = 'chosen'
     and at >= to_timestamp($1::float8 / 1000) and at < to_timestamp($2::float8 / 1000)`,
    [from, to],
  );
  return rows[0]?.n ?? 0;
}

function delaysOf(answers: readonly Answered[]): Delays {
  const ms = answers.map(({ delayMs }) => delayMs);
  const at = (share: number): number => percentile(ms, share);
  return { keys: ms.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), mostMs: at(1) };
}

function sideOf(who: Side['who'], rounds: readonly Round[]): Side {
  const answers = rounds.flatMap((round) => round.answers);
  const mean = (of: (round: Round) => number): number => rounds.reduce((sum, round) => sum + of(round), 0) / rounds.length;
  return {
    who,
    all: delaysOf(answers),
    intoPrompt: delaysOf(answers.filter(({ bargedIn }) => bargedIn)),
    inSilence: delaysOf(answers.filter(({ bargedIn }) => !bargedIn)),
    unanswered: rounds.reduce((sum, round) => sum + round.unanswered, 0),
    callersAtOnce: Math.min(...rounds.map((round) => round.callersAtOnce)),
    keysPerSecond: who === 'scenario' ? mean((round) => round.keysPerSecond ?? 0) : null,
    cpu: {
      controller: mean(({ cpu }) => cpu.controller),
      postgres: mean(({ cpu }) => cpu.postgres),
      asterisk: mean(({ cpu }) => cpu.asterisk),
      callers: mean(({ cpu }) => cpu.callers),
      machine: mean(({ cpu }) => cpu.machine),
    },
    lag: { controllerP99Ms: mean(({ lag }) => lag.controllerP99Ms), listenersP99Ms: mean(({ lag }) => lag.listenersP99Ms) },
    loadAverage: mean((round) => round.loadAverage),
  };
}

function print({ sides, ratio, perCall, cpuPerKeyMs, way, requests, asterisk, options }: IvrResult): void {
  console.log(
    `${asterisk}; ${options.callers} callers, ${options.listeners} of them listen; ${options.rounds} rounds of ${options.seconds} s each`,
  );
  console.log('\nmilliseconds from the key to the next prompt:');
  const kinds = { all: 'all', inSilence: 'in silence', intoPrompt: 'into the prompt' } as const;
  printTable(
    sides.flatMap((side) =>
      (['all', 'inSilence', 'intoPrompt'] as const).map((kind) => {
        const { keys, p50Ms, p95Ms, p99Ms, mostMs } = side[kind];
        return {
          menu: side.who,
          key: kinds[kind],
          keys,
          p50: p50Ms,
          p95: p95Ms,
          p99: p99Ms,
          most: mostMs,
          unanswered: kind === 'all' ? side.unanswered : null,
        };
      }),
    ),
  );
  console.log(`scenario by dialplan: p50 ${ratio.p50.toFixed(1)} ×, p99 ${ratio.p99.toFixed(1)} ×`);
  console.log('\nCPU in % of one core, while all are there:');
  printTable(
    sides.map(({ who, callersAtOnce, keysPerSecond, cpu, lag, loadAverage }) => ({
      menu: who,
      'at once': callersAtOnce,
      'keys/s': keysPerSecond,
      controller: cpu.controller,
      postgres: cpu.postgres,
      asterisk: cpu.asterisk,
      callers: cpu.callers,
      machine: cpu.machine,
      'lag p99 ms': lag.controllerP99Ms,
      'of listeners': lag.listenersP99Ms,
      load: loadAverage,
    })),
  );
  const kb = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KB`;
  console.log(
    `\ncontroller per call: ${kb(perCall.heapBytes)} of objects, ${kb(perCall.rssBytes)} of memory (Asterisk ${kb(perCall.asteriskBytes)}); ` +
      `per key: ${cpuPerKeyMs.controller.toFixed(2)} ms of CPU (Postgres ${cpuPerKeyMs.postgres.toFixed(2)} ms)`,
  );
  if (options.trace) {
    console.log(
      `\nrequests to Asterisk, and commits: ${Object.entries(requests)
        .map(([kind, n]) => `${n} × ${kind}`)
        .join(', ')}`,
    );
    console.log('\nwhere the time goes, ms:');
    printTable(
      way.map(({ from, keys, p50Ms, p95Ms, p99Ms, meanMs }) => ({ stretch: from, keys, mean: meanMs, p50: p50Ms, p95: p95Ms, p99: p99Ms })),
    );
  }
}

if (import.meta.main) {
  const missing = sippMissing();
  if (missing) {
    console.error(missing);
    process.exitCode = 2;
  } else {
    const callers = numberOption('callers', 500);
    const result = await ivr({
      callers,
      listeners: numberOption('listeners', Math.max(1, Math.floor(callers / 10))),
      seconds: numberOption('seconds', 30),
      rounds: numberOption('rounds', 3),
      perSecond: numberOption('per-second', 25),
      trace: numberOption('trace', 0) === 1,
    });
    print(result);
    writeResult('ivr', result);
  }
}
