/**
 * `npm run scenario`: checks the scenarios, runs the tests in them, draws them, talks them through in the terminal, and says which of their
 * steps and ways the tests reach. Needs no switch, no server and no database.
 */
import { writeFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type FileProblem, FileProblemsError } from '../base/checked-yaml.ts';
import { suggest } from '../base/nearest.ts';
import type { Config } from '../config.ts';
import { loadDirectory } from '../db/directory.ts';
import { type Coverage, coverageOf, shareOf } from '../ivr/coverage.ts';
import { draw } from '../ivr/drawing.ts';
import type { Scenario } from '../ivr/parse.ts';
import { type PathThrough, pathsThrough } from '../ivr/paths.ts';
import type { Way } from '../ivr/steps.ts';
import { runScenarioTests, type ScenarioTestResult } from '../ivr/talk.ts';
import { type Release, readRelease } from '../scenario-release.ts';
import { inCentre } from './database.ts';
import { scenarioFiles } from './scenario/files.ts';
import { TALK_OPTIONS, type Terminal, talkInTerminal, worldFrom } from './scenario/talk.ts';
import { configOf, type Env, readFile, runTool, UsageError } from './tool.ts';

const HELP = `Scenarios: the dialogues that callers have with the house. docs/scenarios.md says how they are written.

  npm run scenario -- check [FILE…]          all that is wrong, with file, line, column and what is right
  npm run scenario -- test [NAME…]           runs the tests that stand in the files
  npm run scenario -- coverage [NAME…]       the steps and ways that no test comes to
  npm run scenario -- draw NAME              the dialogue as a picture (SVG)
  npm run scenario -- talk NAME              the dialogue here: what is said is printed, digits are typed
  npm run scenario -- paths NAME             every way through it, and how it ends

  --dir DIR            the folder of scenarios (SCENARIOS_DIR)
check    FILE          others in place of the folder's, or beside them
  --desks              desks that scenarios name are looked up in the database (DATABASE_URL, else the one in DATA_DIR)
test     --filter TEXT only tests with this in their name
coverage --least N     fails under N per cent of steps and ways
draw     --out FILE    where to; left out: NAME.svg here; -: to the standard output
         --language ja|en
paths    --most N      how many are shown at most (200)
talk     --language ja|en, --from +81312345678 or withheld, --at 2026-11-20T10:00+09:00
         --party customer|prospect|new|dealer|agency|unknown, --name NAME, --known 10023,10024 (customer codes and the like that are found)
         --closed DESK,DESK, --unstaffed, --position N, --wait MINUTES (how it stands in a queue)
         --service orders=notFound (or failed, or status=shipped,days=3), --refuse (callbacks), --transfer answered|busy|noAnswer|failed
         --speech, --set variable=value, --entry ID
         --steps       also shows the steps that it comes to

Ends with 0 when all is right, 1 when something in the files is wrong, 2 when it was called wrongly.
`;

const COMMANDS = ['check', 'test', 'coverage', 'draw', 'talk', 'paths'] as const;
type Command = (typeof COMMANDS)[number];
const isCommand = (word: string | undefined): word is Command => COMMANDS.some((command) => command === word);

const OPTIONS = {
  ...TALK_OPTIONS,
  dir: { type: 'string' },
  desks: { type: 'boolean', default: false },
  filter: { type: 'string' },
  least: { type: 'string' },
  out: { type: 'string' },
  most: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Which options belong to which command, beside --dir and --help. */
const OF: Readonly<Record<Command, readonly string[]>> = {
  check: ['desks'],
  test: ['filter'],
  coverage: ['least'],
  draw: ['out', 'language'],
  talk: Object.keys(TALK_OPTIONS),
  paths: ['most'],
};

export interface Io extends Terminal {
  readonly env: Env;
  /** A clock that only goes forward, to say how long tests took. */
  readonly nowMs: () => number;
}

/** @returns the exit code */
export function runScenario(argv: readonly string[], io: Io): Promise<number> {
  return runTool(io, () => run(argv, io).catch((error: unknown) => tellProblems(error, io)));
}

function tellProblems(error: unknown, io: Io): number {
  if (!(error instanceof FileProblemsError)) throw error;
  const files = new Set(error.problems.map(({ file }) => file)).size;
  io.print(`${error.message}\n\n${count(error.problems.length, 'mistake')} in ${count(files, 'file')}\n`);
  return 1;
}

const parse = (argv: readonly string[]) => parseArgs({ args: [...argv], allowPositionals: true, options: OPTIONS });
type Values = ReturnType<typeof parse>['values'];

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parse(argv);
  const [command, ...names] = positionals;
  if (values.help || command === undefined) {
    io.print(HELP);
    return values.help ? 0 : 2;
  }
  if (!isCommand(command)) throw new UsageError(`there is no command '${command}'; ${suggest(command, COMMANDS)}`);
  for (const [option, value] of Object.entries(values)) {
    if (value === false || option === 'dir' || option === 'help' || OF[command].includes(option)) continue;
    throw new UsageError(`'${command}' has no --${option}; it has ${['dir', ...OF[command]].map((one) => `--${one}`).join(', ')}`);
  }
  if (command === 'check') return check(names, values, io);

  const release = await read(values, io, []);
  const scenarios = chosen(release, command, names);
  switch (command) {
    case 'test':
      return test(release, scenarios, values.filter ?? '', io);
    case 'coverage':
      return coverage(release, scenarios, numberOf('least', values.least ?? '0', 0, 100), io);
    case 'draw':
      return picture(scenarios, values, io);
    case 'paths':
      return paths(scenarios, numberOf('most', values.most ?? '200', 1, 100_000), io);
    case 'talk':
      return talk(release, scenarios, values, io);
  }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function numberOf(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`--${option} ${text}: write a number from ${least} to ${most}`);
}

/**
 * The folder's files, some of them from elsewhere.
 * @throws FileProblemsError
 */
async function read({ dir, desks }: Values, io: Io, others: readonly string[]): Promise<Release> {
  const config = configOf(io.env);
  const folder = resolve(dir ?? config.scenariosDir);
  const here = `${relative(process.cwd(), folder) || '.'}/`;
  const files: Record<string, string> = { ...(await scenarioFiles(folder)) };
  for (const other of others) {
    const name = basename(other);
    if (!name.endsWith('.yaml')) throw new UsageError(`${other} is no .yaml file`);
    files[name] = readFile(other).toString('utf8');
  }
  delete files['control-logic.yaml']; // npm run logic -- check
  const release = await readRelease(files, here, desks ? { desks: await deskIds(config) } : {});
  if (!Array.isArray(release)) return release;
  // Problems of files that came from elsewhere are told with where they came from.
  const from = new Map(others.map((other) => [`${here}${basename(other)}`, other]));
  const placed = release.map((problem): FileProblem => ({ ...problem, file: from.get(problem.file) ?? problem.file }));
  throw new FileProblemsError(
    placed.toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1)),
  );
}

const deskIds = (config: Config): Promise<string[]> =>
  inCentre(config, { name: 'madoguchi scenario', max: 1 }, async ({ pool, domainId }) => [
    ...(await loadDirectory(pool, domainId)).desks.keys(),
  ]);

/** Those that were named; all when none was, where that makes sense. */
function chosen({ set: { scenarios } }: Release, command: Command, names: readonly string[]): Scenario[] {
  const one = command === 'draw' || command === 'talk' || command === 'paths';
  if (one && names.length !== 1) {
    throw new UsageError(`write the name of one scenario: npm run scenario -- ${command} NAME; ${suggest('', [...scenarios.keys()])}`);
  }
  if (names.length === 0) return [...scenarios.values()];
  return names.map((written) => {
    const name = basename(written, '.yaml'); // whoever completes file names means the scenario
    const scenario = scenarios.get(name);
    if (!scenario) throw new UsageError(`there is no scenario '${name}'; ${suggest(name, [...scenarios.keys()])}`);
    return scenario;
  });
}

async function check(files: readonly string[], values: Values, io: Io): Promise<number> {
  const { set, services } = await read(values, io, files);
  const all = [...set.scenarios.values()];
  const steps = all.reduce((sum, { steps: own }) => sum + own.size, 0);
  const tests = all.reduce((sum, { tests: own }) => sum + own.length, 0);
  const verb = all.length === 1 ? 'is' : 'are';
  io.print(`${count(all.length, 'scenario')} ${verb} right (${count(steps, 'step')}, ${count(tests, 'test')})`);
  const outside = [...services.services.keys(), ...services.hooks.keys()];
  io.print(outside.length > 0 ? `, and so is what they ask outside: ${outside.join(', ')}\n` : '\n');
  if (!values.desks) io.print('Not looked up: the desks that they name (--desks does)\n');
  return 0;
}

function test({ set }: Release, scenarios: readonly Scenario[], filter: string, io: Io): number {
  let all = 0;
  let failed = 0;
  const began = io.nowMs();
  const results = scenarios.map(({ name }) => ({
    name,
    results: runScenarioTests(set, name).filter((result) => result.name.includes(filter)),
  }));
  const tookMs = io.nowMs() - began;
  for (const { name, results: own } of results) {
    const wrong = own.filter(({ failures }) => failures.length > 0);
    all += own.length;
    failed += wrong.length;
    if (own.length > 0 || filter === '') io.print(`${name.padEnd(16)} ${own.length - wrong.length} of ${count(own.length, 'test')}\n`);
    for (const result of wrong) printFailure(result, io);
  }
  if (all === 0) throw new UsageError(filter === '' ? 'there are no tests' : `no test has '${filter}' in its name`);
  const rate = Math.round((all * 1000) / Math.max(tookMs, 0.1));
  io.print(`\n${all - failed} of ${count(all, 'test')} pass, in ${Math.round(tookMs)} ms (${rate} a second)\n`);
  return failed === 0 ? 0 : 1;
}

function printFailure({ name, failures, talk: { hears, does, way, ends } }: ScenarioTestResult, io: Io): void {
  io.print(`  FAIL ${name}\n`);
  for (const line of failures) io.print(`       ${line}\n`);
  io.print(`       steps  ${way.map(({ step }) => step).join(' → ')}\n`);
  for (const said of hears) io.print(`       heard  ${said}\n`);
  for (const done of does) io.print(`       did    ${done}\n`);
  io.print(`       ended  ${ends}\n`);
}

function coverage({ set }: Release, scenarios: readonly Scenario[], least: number, io: Io): number {
  const wanted = coverageOf(set).filter(({ scenario }) => scenarios.some(({ name }) => name === scenario));
  for (const one of wanted) {
    const { scenario, steps, ways, missedSteps, missedWays } = one;
    const reached = `${steps - missedSteps.length} of ${count(steps, 'step')}, ${ways - missedWays.length} of ${count(ways, 'way')}`;
    io.print(`${scenario.padEnd(16)} ${percent([one])}  ${reached}\n`);
    for (const step of missedSteps) io.print(`       no test comes to the step ${step}\n`);
    for (const { step, label, to } of missedWays) {
      // Ways out of a step that none comes to are no news.
      if (!missedSteps.includes(step)) io.print(`       no test goes from ${step} ${label === '' ? '' : `by ${label} `}to ${to}\n`);
    }
  }
  io.print(`\n${percent(wanted).trim()} of all steps and ways\n`);
  if (shareOf(wanted) * 100 >= least) return 0;
  io.print(`at least ${least} % are wanted\n`);
  return 1;
}

/** Rounded down: 100 % is nothing missed. */
const percent = (coverages: readonly Coverage[]): string => `${String(Math.floor(shareOf(coverages) * 100)).padStart(3)} %`;

function picture([scenario]: readonly Scenario[], { out, language }: Values, io: Io): number {
  if (!scenario) return 2;
  const svg = draw(scenario, { language: languageOf(language, scenario) });
  if (out === '-') {
    io.print(svg);
    return 0;
  }
  const file = out ?? `${scenario.name}.svg`;
  try {
    writeFileSync(file, svg);
  } catch (error) {
    throw new UsageError(`${file} cannot be written in ${resolve(dirname(file))}: ${(error as Error).message}`);
  }
  io.print(`${file}: ${count(scenario.steps.size, 'step')}\n`);
  return 0;
}

function languageOf(text: string | undefined, { name, languages }: Scenario): 'ja' | 'en' {
  if (text === undefined) return languages[0] ?? 'ja';
  const language = languages.find((spoken) => spoken === text);
  if (!language) throw new UsageError(`'${name}' does not speak ${text}; it speaks ${languages.join(', ')}`);
  return language;
}

function paths([scenario]: readonly Scenario[], most: number, io: Io): number {
  if (!scenario) return 2;
  const { paths: found, complete } = pathsThrough(scenario, most);
  const width = String(found.length).length;
  for (const [index, { steps, ends }] of found.entries()) {
    const answers = steps.flatMap(({ name, way }) => (way === null ? [] : answerOf(scenario, name, way)));
    io.print(`${String(index + 1).padStart(width)}. ${[...answers, ends].join(' · ')}\n`);
    io.print(`${' '.repeat(width + 2)}${wayOf(steps)}\n`);
  }
  io.print(`\n${complete ? count(found.length, 'way') : `The first ${found.length} ways (--most shows more)`} through ${scenario.name}; `);
  io.print('going round is shown once. Callers who hang up do so anywhere.\n');
  return 0;
}

const wayOf = (steps: PathThrough['steps']): string => steps.map(({ name }) => name).join(' → ');

/** What is pressed, or what happens, on the way on from a step. */
function answerOf(scenario: Scenario, name: string, { label, by }: Way): string[] {
  const step = scenario.steps.get(name);
  if (label === '') return [];
  if (step?.kind === 'ask' && by === 'answer') return [label.startsWith('only ') ? label.slice(5) : `${label}${step.end ?? ''}`];
  if (step?.kind === 'when') return [step.branches[Number(label) - 1]?.condition.text ?? label];
  if (step?.kind === 'chooseLanguage' && by === 'answer') return [label.split(' ')[0] ?? label];
  return [label];
}

async function talk({ set }: Release, [scenario]: readonly Scenario[], values: Values, io: Io): Promise<number> {
  if (!scenario) return 2;
  const language = languageOf(values.language, scenario);
  const { world, variables } = worldFrom(values, scenario);
  await talkInTerminal(set, scenario, { language, variables }, world, values.steps ?? false, io);
  return 0;
}

if (import.meta.main) {
  process.exitCode = await runScenario(process.argv.slice(2), {
    env: process.env,
    print: (text) => process.stdout.write(text),
    input: process.stdin,
    nowMs: () => performance.now(),
  });
}
