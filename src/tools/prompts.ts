/**
 * `npm run prompts`: everything that is said, and where the sound of it comes from. With `--render`, (re)makes the recordings that
 * are shipped, with the speech engines of this machine.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { unwrap } from '../base/checked-yaml.ts';
import type { Language } from '../base/ids.ts';
import { readWav, writeMuLawWav } from '../base/wav.ts';
import type { Config } from '../config.ts';
import { PromptFiles, type PromptSource, type RecordingIndex, readIndex, speak, textHash } from '../cti/prompts.ts';
import { findVoices, type VoiceEngine, VoiceMissingError } from '../cti/voices.ts';
import { finitePrompts } from '../ivr/prompts.ts';
import type { Prompt } from '../ivr/scenario.ts';
import { fixedParts } from '../ivr/text.ts';
import { readRelease } from '../scenario-release.ts';
import { scenarioFiles } from './scenario/files.ts';
import { configOf, runTool, UsageError } from './tool.ts';

const HELP = `npm run prompts [-- OPTIONS]

Everything that the house and its scenarios say, sound by sound: words, and the pieces that values are read out with.
  recorded   there is a file in scenarios/prompts: a speaker's, or one that is shipped
  rendered   a speech engine has made it
  toRender   a speech engine will make it, at the start or when it is needed
  tones      there is no voice for it here: callers hear tones
  missing    a text asks for this recording by name, and there is no such file: the words are said instead

  --missing          only what is missing, or has no voice
  --unrecorded       only what has no recording
  --language ja|en   only this one
  --scenario NAME    only what this scenario says; 'house' for prompts.yaml
  --scenarios DIR    another folder than SCENARIOS_DIR
  --json             as JSON
  --render DIR       makes the files to be shipped, with their index, in DIR (their place: scenarios/prompts). A speaker's stay

Voices: VOICE_JA, VOICE_EN, SPEECH_SYNTHESIS_URL (npm start -- --help). How to record: docs/prompts.md`;

/** What values are read out with is shipped for these, whether or not a shipped scenario uses it: others' scenarios will. */
const SHIPPED_FORMATS = ['number', 'ordinal', 'digits', 'phone', 'date', 'fullDate', 'time', 'dateTime', 'duration', 'JPY', 'USD'];
const LANGUAGES = ['ja', 'en'] as const;
const HOUSE = 'house';

interface Row {
  readonly source: PromptSource | 'missing';
  readonly language: Language;
  readonly hash: string;
  readonly text: string;
  readonly recording?: string;
  readonly voice: string | null;
  readonly seconds: number | null;
  /** Names of the scenarios that say it. */
  readonly in: readonly string[];
}

interface Said {
  readonly prompt: Prompt;
  readonly in: readonly string[];
}

async function everythingSaid(folder: string): Promise<Said[]> {
  const { wordings, set } = unwrap(readRelease(await scenarioFiles(folder), `${relative(process.cwd(), folder)}/`));
  const said = new Map<string, Said>();
  const add = (name: string, prompts: readonly Prompt[]): void => {
    for (const prompt of prompts) {
      const key = `${textHash(prompt)} ${prompt.recording ?? ''}`;
      said.set(key, { prompt, in: [...(said.get(key)?.in ?? []), name] });
    }
  };
  add(HOUSE, finitePrompts(wordings, []));
  for (const [name, scenario] of set.scenarios) add(name, finitePrompts(new Map(), [scenario]));
  return [...said.values()];
}

/** @throws UsageError when one that was asked for is not there */
async function voicesHere(config: Config): Promise<VoiceEngine[]> {
  try {
    return await findVoices(process.env['PATH'] ?? '', config.voices);
  } catch (error) {
    if (!(error instanceof VoiceMissingError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

async function look(said: readonly Said[], folder: string, config: Config): Promise<Row[]> {
  const kept = join(config.dataDir, 'prompts');
  const scratch = existsSync(kept) ? null : await mkdtemp(join(tmpdir(), 'madoguchi-prompts-'));
  try {
    const store = await PromptFiles.open({
      cacheDir: scratch ?? kept,
      recordingsDir: join(folder, 'prompts'),
      voices: await voicesHere(config),
      log: pino({ level: 'silent' }),
    });
    const rows: Row[] = [];
    for (const { prompt, in: names } of said) {
      const { language, recording } = prompt;
      const sounds = await store.look(prompt);
      const more = { language, in: names, ...(recording !== undefined && { recording }) };
      const isThere =
        recording === undefined || (sounds.length === 1 && sounds[0]?.source === 'recorded' && sounds[0].text === prompt.text);
      if (!isThere) rows.push({ ...more, source: 'missing', hash: textHash(prompt), text: prompt.text, voice: null, seconds: null });
      for (const { source, text, voice, file } of sounds) {
        rows.push({
          ...more,
          source,
          hash: textHash({ language, text }),
          text,
          voice,
          seconds: file === null ? null : await secondsOf(file),
        });
      }
    }
    return rows;
  } finally {
    if (scratch !== null) await rm(scratch, { recursive: true, force: true });
  }
}

async function secondsOf(file: string): Promise<number> {
  const { samples, rate } = readWav(await readFile(file));
  return Math.round((samples.length / rate) * 10) / 10;
}

function print(rows: readonly Row[]): void {
  const line = (r: Row): string => {
    const seconds = r.seconds === null ? '' : `${r.seconds.toFixed(1)} s`;
    const name = r.recording === undefined ? '' : `[${r.recording}] `;
    const by = r.voice === null ? '' : ` (${r.voice})`;
    return `${r.source.padEnd(8)} ${r.language} ${r.hash} ${seconds.padStart(6)}  ${name}${r.text}${by}`;
  };
  // By who says it; what several say comes last, under all their names.
  const groups = Map.groupBy(rows, (r) => r.in.join(', '));
  for (const [names, group] of [...groups].toSorted(([a], [b]) => a.split(',').length - b.split(',').length)) {
    console.log(`${names}\n${group.map((r) => `  ${line(r)}`).join('\n')}\n`);
  }
  const count = (source: Row['source']): number => rows.filter((r) => r.source === source).length;
  const counts = `${count('recorded')} recorded, ${count('rendered')} rendered, ${count('toRender')} to be rendered, ${count('tones')} without a voice (tones)`;
  console.log(`${rows.length} sounds: ${counts}${count('missing') > 0 ? `; ${count('missing')} recordings are missing` : ''}`);
}

async function render(said: readonly Said[], dir: string, config: Config): Promise<void> {
  const voices = await voicesHere(config);
  for (const language of LANGUAGES) {
    const voice = voices.find((v) => v.language === language);
    if (!voice) {
      const wanted = {
        ja: 'open-jtalk, open-jtalk-mecab-naist-jdic and hts-voice-nitech-jp-atr503-m001 (contrib)',
        en: 'flite or espeak-ng',
      };
      throw new Error(`this machine has no voice for '${language}': install ${wanted[language]}`);
    }
    const folder = join(dir, language);
    await mkdir(folder, { recursive: true });
    const before = await readIndex(join(folder, 'index.json'), pino({ level: 'silent' }));
    const isOurs = (file: string): boolean => /^[0-9a-f]{20}\.wav$/.test(file);
    // A speaker's recordings have names of their own, and stay.
    const index: RecordingIndex = Object.fromEntries(Object.entries(before).filter(([, { file }]) => !isOurs(file)));
    const texts = new Set([
      ...said.flatMap(({ prompt }) => (prompt.language === language ? (prompt.parts ?? [prompt.text]) : [])),
      ...SHIPPED_FORMATS.flatMap((format) => fixedParts({ [language]: `{value:${format}}` }, language)),
    ]);
    for (const text of texts) {
      const hash = textHash({ language, text });
      if (hash in index) continue;
      const file = `${hash}.wav`;
      const isThere = before[hash]?.voice === voice.voice && existsSync(join(folder, file));
      if (!isThere) await writeFile(join(folder, file), writeMuLawWav(await speak(voice, text, folder)));
      index[hash] = { file, text, voice: voice.voice };
    }
    for (const name of await readdir(folder)) if (isOurs(name) && !(name.slice(0, 20) in index)) await rm(join(folder, name));
    await writeFile(join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
    console.log(`${language}: ${Object.keys(index).length} sounds by ${voice.voice} in ${folder}`);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      render: { type: 'string' },
      json: { type: 'boolean', default: false },
      missing: { type: 'boolean', default: false },
      unrecorded: { type: 'boolean', default: false },
      language: { type: 'string' },
      scenario: { type: 'string' },
      scenarios: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const config = configOf(process.env);
  const folder = resolve(values.scenarios ?? config.scenariosDir);
  const said = await everythingSaid(folder);
  if (values.render !== undefined) {
    await render(said, resolve(values.render), config);
    return 0;
  }
  const isWanted = (one: Said): boolean =>
    (values.language === undefined || one.prompt.language === values.language) &&
    (values.scenario === undefined || one.in.includes(values.scenario));
  const wanted = said.filter(isWanted);
  if (wanted.length === 0) throw new UsageError(`nothing is said there; there is: ${[...new Set(said.flatMap((s) => s.in))].join(', ')}`);
  const rows = (await look(wanted, folder, config)).filter(
    ({ source }) => (!values.missing || source === 'missing' || source === 'tones') && (!values.unrecorded || source !== 'recorded'),
  );
  if (values.json) console.log(JSON.stringify(rows, null, 2));
  else print(rows);
  return 0;
}

process.exitCode = await runTool({ print: (text) => process.stderr.write(text), hint: `\n${HELP}\n`, wrongFile: 2 }, main);
