/**
 * One release of the scenarios: all files of the folder, checked as a whole. Control logic is read along with them, but is not part of it:
 * no contact is bound to the logic that it was decided by.
 */
import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { type FileProblem, SourceFile } from './base/checked-yaml.ts';
import { suggest } from './base/nearest.ts';
import { joinScenarios, type ParsedFile, parseScenarioFile, type ScenarioSet } from './ivr/parse.ts';
import { type Prompts, parsePrompts } from './ivr/prompts.ts';
import { NO_SERVICES, parseServices, type Services } from './ivr/services.ts';
import type { ScenarioTestResult } from './ivr/talk.ts';
import { type ControlLogic, parseControlLogic } from './routing/control-logic.ts';
import { scenariosOfDesks } from './routing/desk-rules-file.ts';
import type { Directory } from './routing/directory.ts';
import type { Files } from './scenario-folder.ts';

const LOGIC = 'control-logic.yaml';
const PROMPTS = 'prompts.yaml';
/** May be missing: then scenarios ask and send nothing. */
const SERVICES = 'services.yaml';

export interface Release {
  /** Names these very files. */
  readonly version: string;
  /** Without the control logic. */
  readonly files: Files;
  readonly wordings: Prompts;
  readonly services: Services;
  readonly set: ScenarioSet;
}

/** What one look at the folder found, when all of it is right. */
export interface Checked {
  readonly release: Release;
  readonly logic: { readonly text: string; readonly logic: ControlLogic };
}

/** @param place what problems name before the file's name, as `scenarios/` */
export const checkFiles = (all: Files, place: string, directory: Directory): Checked | FileProblem[] =>
  atOnce(checking(all, place, directory));

/** What there is beside the files. Left out, as for an old release: whether it is there still is not looked at. */
interface Beside {
  /** Ids of the centre's desks. */
  readonly desks?: readonly string[];
  /** Where services' secrets are. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Reads the files of a release, which may be an old one. */
export const readRelease = (files: Files, place: string, beside: Beside = {}): Release | FileProblem[] =>
  atOnce(reading(files, place, beside));

/** The same, file by file: others get their turn in between, as somebody may just have pressed a key. */
export const checkFilesInTurns = (all: Files, place: string, directory: Directory): Promise<Checked | FileProblem[]> =>
  inTurns(checking(all, place, directory));
export const readReleaseInTurns = (files: Files, place: string): Promise<Release | FileProblem[]> => inTurns(reading(files, place, {}));

function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

async function inTurns<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await breathe();
  }
}

function* checking(all: Files, place: string, directory: Directory): Generator<void, Checked | FileProblem[]> {
  const { [LOGIC]: logicText, ...files } = all;
  const problems: FileProblem[] = [];
  const keep = <T>(parsed: T | FileProblem[]): T | null => {
    if (!Array.isArray(parsed)) return parsed;
    problems.push(...parsed);
    return null;
  };
  const logic = keep(logicText === undefined ? [missing(place, LOGIC)] : parseControlLogic(logicText, `${place}${LOGIC}`, directory));
  yield;
  const release = keep(yield* reading(files, place, { desks: [...directory.desks.keys()], env: process.env }));
  if (release) problems.push(...entryProblems(release, place, directory));
  if (release && logic && logicText !== undefined) problems.push(...deskProblems(release, logicText, `${place}${LOGIC}`, logic));
  if (!release || !logic || logicText === undefined || problems.length > 0) return problems;
  return { release, logic: { text: logicText, logic } };
}

function* reading(files: Files, place: string, { desks, env }: Beside): Generator<void, Release | FileProblem[]> {
  const problems: FileProblem[] = [];
  const promptText = files[PROMPTS];
  const wordings = promptText === undefined ? [missing(place, PROMPTS)] : parsePrompts(promptText, `${place}${PROMPTS}`);
  if (Array.isArray(wordings)) problems.push(...wordings);
  const serviceText = files[SERVICES];
  const services = serviceText === undefined ? NO_SERVICES : parseServices(serviceText, `${place}${SERVICES}`, env);
  if (Array.isArray(services)) problems.push(...services);
  const known = { ...(desks ? { desks } : {}), ...(Array.isArray(services) ? {} : services) };
  const parsed: ParsedFile[] = [];
  for (const [name, text] of Object.entries(files)) {
    if (name === PROMPTS || name === SERVICES) continue;
    yield;
    parsed.push(parseScenarioFile(`${place}${name}`, text, known));
  }
  const set = joinScenarios(parsed);
  if (Array.isArray(set)) problems.push(...set);
  if (Array.isArray(wordings) || Array.isArray(services) || Array.isArray(set)) return problems;
  const version = versionOf(files);
  return { version, files, wordings, services, set: { ...set, version } };
}

function versionOf(files: Files): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(files).sort()) hash.update(JSON.stringify([name, files[name]]));
  return hash.digest('hex').slice(0, 12);
}

const missing = (place: string, name: string): FileProblem => ({
  file: `${place}${name}`,
  line: 1,
  column: 1,
  problem: 'there is no such file',
  remedy: 'SCENARIOS_DIR names the folder',
});

/** Entries whose callers would be greeted by a scenario that is not there. */
function entryProblems({ set: { scenarios } }: Release, place: string, directory: Directory): FileProblem[] {
  return directory.entries.flatMap(({ id, numbers, scenario }) => {
    if (scenarios.has(scenario)) return [];
    const problem = `the entry ${id} (${numbers.join(', ')}) wants the scenario '${scenario}', which no file has`;
    return [{ file: place, line: 1, column: 1, problem, remedy: suggest(scenario, [...scenarios.keys()]) }];
  });
}

/** Desks' rules that name a scenario which is not there. */
function deskProblems({ set: { scenarios } }: Release, text: string, file: string, logic: ControlLogic): readonly FileProblem[] {
  const missing = scenariosOfDesks(logic.desks).filter(({ name }) => !scenarios.has(name));
  if (missing.length === 0) return [];
  const source = new SourceFile(text, file);
  for (const { name, path } of missing) {
    source.add(path, `no file has the scenario '${name}'`, suggest(name, [...scenarios.keys(), 'none']));
  }
  return source.problems;
}

/** Tests of a scenario that fail, as problems with the file that they stand in. */
export function failedTests(
  { set, files }: Release,
  scenario: string,
  place: string,
  results: readonly ScenarioTestResult[],
): FileProblem[] {
  if (results.every(({ failures }) => failures.length === 0)) return [];
  const file = set.scenarios.get(scenario)?.file ?? '';
  const source = new SourceFile(files[file.slice(place.length)] ?? '', file);
  for (const [index, { name, failures }] of results.entries()) {
    if (failures.length === 0) continue;
    source.add(['tests', index, 'name'], `the test '${name}' fails: ${failures.join('; ')}`, 'put the scenario or its test right');
  }
  return source.problems;
}
