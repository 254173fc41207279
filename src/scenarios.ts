/**
 * The files of `scenarios/`, read and checked as a whole: control logic, dialogues, and what the house says. A wrong file stops
 * the start, with every mistake and what would be right.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type FileProblem, FileProblemsError } from './base/checked-yaml.ts';
import type { Logger } from './base/log.ts';
import type { FloorContext } from './contact/floor.ts';
import type { PromptStore } from './contact/ports.ts';
import { PromptFiles } from './cti/prompts.ts';
import { findVoices } from './cti/voices.ts';
import { parseScenario, type Scenario } from './ivr/parse.ts';
import { finitePrompts, type Prompts, parsePrompts, prompt } from './ivr/prompts.ts';
import { NO_SERVICES, parseServices, type Services } from './ivr/services.ts';
import { startDialogue, stepDialogue } from './ivr/step.ts';
import { type ControlLogic, decideDesk, parseControlLogic } from './routing/control-logic.ts';
import type { DeskRules, RulesOfDesks } from './routing/desk-rules.ts';
import { rulesOfDesks } from './routing/desk-rules-file.ts';
import type { Directory } from './routing/directory.ts';

/** What the floor needs of the files. */
export interface Scenarios extends Pick<FloorContext, 'startDialogue' | 'stepDialogue' | 'say'> {
  readonly logic: ControlLogic;
  /** What scenarios may ask, and by what they send. */
  readonly services: Services;
  readonly decideDesk: (directory: Directory) => FloorContext['decideDesk'];
  /** How the desks of a directory give out; the same answer for the same directory. */
  readonly rulesOf: (directory: Directory) => RulesOfDesks;
  /** Makes every prompt that can be known beforehand ready. */
  readonly prompts: (cacheDir: string, log: Logger, progress: (what: string) => void) => Promise<PromptStore>;
}

const LOGIC = 'control-logic.yaml';
const PROMPTS = 'prompts.yaml';
/** May be missing: then scenarios ask and send nothing. */
const SERVICES = 'services.yaml';
/** Rendering takes a second or two when everything is new; nobody wants to read more often than this. */
const TELL_EVERY_MS = 1_000;

/**
 * @param house what holds at desks where the control logic says nothing else
 * @throws FileProblemsError with all that is wrong in all files
 */
export function loadScenarios(folder: string, directory: Directory, house: DeskRules): Scenarios {
  const problems: FileProblem[] = [];
  const read = <T>(name: string, parse: (text: string, file: string) => T | FileProblem[]): T | null => {
    const file = relative(process.cwd(), join(folder, name));
    let text: string;
    try {
      text = readFileSync(join(folder, name), 'utf8');
    } catch (error) {
      problems.push({
        file,
        line: 1,
        column: 1,
        problem: `cannot be read: ${(error as Error).message}`,
        remedy: 'SCENARIOS_DIR names the folder',
      });
      return null;
    }
    const parsed = parse(text, file);
    if (!Array.isArray(parsed)) return parsed;
    problems.push(...parsed);
    return null;
  };

  const logic = read(LOGIC, (text, file) => parseControlLogic(text, file, directory));
  const wordings = read<Prompts>(PROMPTS, parsePrompts);
  const hasServices = existsSync(join(folder, SERVICES));
  const services = hasServices ? read<Services>(SERVICES, (text, file) => parseServices(text, file, process.env)) : NO_SERVICES;
  const deskIds = [...directory.desks.keys()];
  const scenarios = new Map<string, Scenario>();
  for (const name of readdirSync(folder).filter((f) => f.endsWith('.yaml') && f !== LOGIC && f !== PROMPTS && f !== SERVICES)) {
    const scenario = read(name, (text, file) => parseScenario(text, file, deskIds));
    if (scenario) scenarios.set(scenario.name, scenario);
  }
  for (const entry of directory.entries) {
    if (problems.length > 0 || scenarios.has(entry.scenario)) continue;
    const problem = `the entry ${entry.id} (${entry.numbers.join(', ')}) wants the scenario '${entry.scenario}', which no file has`;
    const remedy = `there are: ${[...scenarios.keys()].join(', ')}`;
    problems.push({ file: relative(process.cwd(), folder), line: 1, column: 1, problem, remedy });
  }
  if (problems.length > 0 || !logic || !wordings || !services) throw new FileProblemsError(problems);

  const known = (name: string): Scenario => {
    const scenario = scenarios.get(name);
    if (!scenario) throw new Error(`there is no scenario ${name}`);
    return scenario;
  };
  return {
    logic,
    services,
    decideDesk: (current) => (facts, at) => {
      const { deskId, rule, why, closed, wishes } = decideDesk(logic, facts, current, at);
      return { deskId, rule, why, closed, wishes };
    },
    rulesOf: (current) => rulesOfDesks(logic, house, current),
    startDialogue: (name, language) => startDialogue(known(name), { language }),
    stepDialogue: (dialogue, input) => stepDialogue(known(dialogue.scenario), dialogue, input),
    say: (name, language, variables) => prompt(wordings, name, language, variables),
    async prompts(cacheDir, log, progress) {
      const voices = await findVoices(process.env['PATH'] ?? '');
      const files = await PromptFiles.open({ cacheDir, recordingsDir: join(folder, 'prompts'), voices, log });
      let toldAt = performance.now();
      const counts = await files.renderAll(finitePrompts(wordings, [...scenarios.values()]), ({ done, total }) => {
        if (performance.now() - toldAt < TELL_EVERY_MS) return;
        toldAt = performance.now();
        progress(`voice prompts ${done}/${total}`);
      });
      if (counts.tones > 0) log.warn(counts, 'some prompts have no voice: tones take their place; see npm run prompts');
      return files;
    },
  };
}
