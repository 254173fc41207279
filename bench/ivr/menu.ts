/**
 * The same menu twice: as a scenario for the house, and as plain dialplan for the house's own Asterisk. Each level's prompt is a
 * tone of its own, so that whoever listens on the wire knows which one began; both ways play the very same files.
 */
import fs from 'node:fs';
import path from 'node:path';
import { tonesToWav } from '../../src/base/tones.ts';
import { textHash } from '../../src/cti/prompts.ts';

/** Pitches of the levels: multiples of 50 Hz, so that 20 ms hold whole waves of each and they are told apart cleanly. */
export const LEVEL_HZ = [400, 700, 1_100, 1_600] as const;
export const PROMPT_MS = 3_000;
/** What is dialled: an entry of the demo centre, and a number that only the dialplan knows. */
export const SCENARIO_NUMBER = '2000';
export const DIALPLAN_NUMBER = '99000';
export const SCENARIO = 'benchMenu';
/** How often a scenario may ask in one step: at most ten times in a whole dialogue. */
const TRIES = 10;
/** As long as the scenario language waits unless told otherwise. */
const WAIT_SECONDS = 6;

const textOf = (level: number): string => `Level ${level}. Please press one.`;

/** So many levels that a caller who presses so often is never turned away; a multiple of the pitches. */
export const levelsFor = (presses: number): number => LEVEL_HZ.length * Math.ceil((presses + 1) / (TRIES * LEVEL_HZ.length));

/** Makes a folder of scenarios: the shipped ones and the menu. @returns the sound files by pitch, without their ending */
export function writeScenarios(folder: string, levels: number): string[] {
  fs.cpSync(path.join(import.meta.dirname, '../../scenarios'), folder, { recursive: true });
  const recordings = path.join(folder, 'prompts', 'en');
  fs.mkdirSync(recordings, { recursive: true });
  const files = LEVEL_HZ.map((hz) => {
    const file = path.join(recordings, `bench-${hz}`);
    fs.writeFileSync(`${file}.wav`, tonesToWav([{ hz: [hz], ms: PROMPT_MS, level: 0.5 }]));
    return file;
  });
  const index = path.join(recordings, 'index.json');
  const recorded: Record<string, unknown> = fs.existsSync(index)
    ? (JSON.parse(fs.readFileSync(index, 'utf8')) as object as typeof recorded)
    : {};
  const steps: Record<string, unknown> = {};
  for (let level = 0; level < levels; level++) {
    const text = textOf(level);
    recorded[textHash({ language: 'en', text })] = { file: `bench-${LEVEL_HZ[level % LEVEL_HZ.length]}.wav`, text };
    const choices = { 1: `level${(level + 1) % levels}` };
    steps[`level${level}`] = { menu: { prompt: { en: text }, choices, firstDigit: `${WAIT_SECONDS}s`, tries: TRIES }, failed: 'goodbye' };
  }
  fs.writeFileSync(index, JSON.stringify(recorded));
  const scenario = { name: SCENARIO, languages: ['en'], start: 'level0', steps: { ...steps, goodbye: { hangUp: true } } };
  fs.writeFileSync(path.join(folder, `${SCENARIO}.yaml`), JSON.stringify(scenario)); // JSON is YAML
  return files;
}

/** The commands of Asterisk's console that put the menu into its dialplan. */
export function dialplanCommands(files: readonly string[]): string[] {
  const lines = files.flatMap((file, level) => {
    const [here, next] = [`bench-${level}`, `bench-${(level + 1) % files.length}`];
    return [`s,1,Background(${file}) into ${here}`, `s,2,WaitExten(${WAIT_SECONDS}) into ${here}`, `1,1,Goto(${next},s,1) into ${here}`];
  });
  const entry = [`${DIALPLAN_NUMBER},1,Answer(0) into from-trunk`, `${DIALPLAN_NUMBER},2,Goto(bench-0,s,1) into from-trunk`];
  return [...lines, ...entry].map((line) => `dialplan add extension ${line}`);
}
