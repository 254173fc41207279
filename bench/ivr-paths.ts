/**
 * `npm run bench -- ivr-paths [--seconds N]` (bench/ivr-paths.ts): how many ways through the shipped scenarios a dry run goes in a
 * second, without switch and clock: the tests inside the files, and callers who do anything at all (random keys, silence,
 * hanging up; the same ones in every run). The reference, in turns with it: reading the scenario's file once per way, as JSON.
 */
import path from 'node:path';
import { parse } from 'yaml';
import { mulberry32 } from '../src/base/random.ts';
import type { ScenarioSet } from '../src/ivr/parse.ts';
import { act, DryRun, runScenarioTests, SOME_WORLD, type World } from '../src/ivr/talk.ts';
import { type Files, readFolder } from '../src/scenario-folder.ts';
import { readRelease } from '../src/scenario-release.ts';
import { numberOption, percentile, printTable, writeResult } from './report.ts';

export interface PathsRow {
  readonly scenario: string;
  readonly what: 'tests' | 'walks';
  readonly paths: number;
  readonly perSecond: number;
  /** The same by the processor's time of this process: what stands, whoever else is at work on the machine. */
  readonly perCpuSecond: number;
  /** Steps that a path comes to, on average. */
  readonly steps: number;
  /** Of a batch, by the path. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Tests that failed; walks that did not end by themselves or by hanging up. */
  readonly failed: number;
  /** How the paths ended, and how often. */
  readonly ends: Readonly<Record<string, number>>;
  /** By the processor's time, too. */
  readonly filesReadPerCpuSecond: number;
  /** Paths by files read, both by the processor's time. */
  readonly ratio: number;
}

/** No caller does more than this; the one who has hangs up. */
const MOST_TURNS = 100;
/** Paths at a time, so that the clock is asked seldom. */
const BATCH = 20;
const LANGUAGES = ['ja', 'en'] as const;
const KNOWN_CODE = '10023';

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** A caller who does anything at all, in a world that is any of some. */
function walk(set: ScenarioSet, name: string, random: () => number): DryRun {
  const any = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const world: World = {
    ...SOME_WORLD,
    from: any([SOME_WORLD.from, null]),
    isOpen: any([() => true, () => false]),
    sight: { position: any([1, 2, 7]), waitMs: any([null, 60_000]), staffed: any([true, false]) },
    known: any([[KNOWN_CODE], []]),
    promisesCallBack: any([true, false]),
    transfer: any(['answered', 'busy', 'noAnswer', 'failed']),
  };
  const languages = LANGUAGES.filter((language) => set.scenarios.get(name)?.languages.includes(language));
  const run = new DryRun(set, name, { language: any(languages) }, world);
  for (let turn = 0; run.ends === null; turn++) {
    if (turn === MOST_TURNS) run.hangUp();
    else if (random() < 0.75) run.listen();
    if (run.ends !== null) break;
    if (run.awaits === 'recording') act(run, any(['records 5s', 'records 0s', 'hangUp', '#']));
    else if (run.awaits === 'queue') act(run, any(['waits 1m', 'waits 5m', '1', 'agent', 'hangUp']));
    else act(run, any(['1', '1', '2', '2', '3', '9', '0', '#', `${KNOWN_CODE}#`, '0312345678#', '123456', 'silence', 'silence', 'hangUp']));
  }
  return run;
}

export function ivrPaths(files: Files, seconds: number): PathsRow[] {
  const release = readRelease(files, 'scenarios/');
  if (Array.isArray(release)) throw new Error(`the scenarios are wrong: ${JSON.stringify(release)}`);
  const { set } = release;
  return [...set.scenarios.values()].flatMap(({ name, file }) => {
    const json = JSON.stringify(parse(files[path.basename(file)] ?? ''));
    const random = mulberry32(1);
    return (['tests', 'walks'] as const).flatMap((what): PathsRow[] => {
      const ends: Record<string, number> = {};
      let [paths, steps, failed, ms, cpu, readCpu] = [0, 0, 0, 0, 0, 0];
      const us: number[] = [];
      const count = (how: string, way: readonly unknown[]): void => {
        ends[how] = (ends[how] ?? 0) + 1;
        steps += way.length;
        paths += 1;
      };
      for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
        const before = paths;
        const cpuBefore = cpuMs();
        const began = performance.now();
        if (what === 'tests') {
          for (const { talk, failures } of runScenarioTests(set, name)) {
            count(talk.ends, talk.way);
            if (failures.length > 0) failed += 1;
          }
        } else {
          for (let i = 0; i < BATCH; i++) {
            const run = walk(set, name, random);
            count(run.ends ?? 'nowhere', run.way);
            if (run.ends === null) failed += 1;
          }
        }
        const took = performance.now() - began;
        const done = paths - before;
        if (done === 0) return []; // a file without tests
        ms += took;
        cpu += cpuMs() - cpuBefore;
        us.push((took * 1_000) / done);
        const readsFrom = cpuMs();
        for (let i = 0; i < done; i++) JSON.parse(json);
        readCpu += cpuMs() - readsFrom;
      }
      const perSecond = (paths * 1_000) / ms;
      const perCpuSecond = (paths * 1_000) / cpu;
      const filesReadPerCpuSecond = (paths * 1_000) / readCpu;
      const spread = { p50Us: percentile(us, 0.5), p99Us: percentile(us, 0.99) };
      const ratio = perCpuSecond / filesReadPerCpuSecond;
      return [
        {
          scenario: name,
          what,
          paths,
          perSecond,
          perCpuSecond,
          steps: steps / paths,
          ...spread,
          failed,
          ends,
          filesReadPerCpuSecond,
          ratio,
        },
      ];
    });
  });
}

if (import.meta.main) {
  const files = await readFolder(path.join(import.meta.dirname, '../scenarios'));
  if (files === null) throw new Error('somebody writes in scenarios/ just now');
  const { 'control-logic.yaml': _logic, ...scenarios } = files;
  const rows = ivrPaths(scenarios, numberOption('seconds', 2));
  printTable(
    rows.map(({ scenario, what, paths, perSecond, perCpuSecond, steps, p50Us, p99Us, failed, ends, filesReadPerCpuSecond, ratio }) => ({
      scenario,
      what,
      paths,
      'per second': perSecond,
      'per CPU second': perCpuSecond,
      steps,
      'p50 µs': p50Us,
      'p99 µs': p99Us,
      failed,
      endings: Object.keys(ends).length,
      'files read/CPU s': filesReadPerCpuSecond,
      ratio,
    })),
  );
  writeResult('ivr-paths', { rows });
}
