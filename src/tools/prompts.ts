/**
 * `npm run prompts`: what the house says, and where the sound of it comes from. With `--render`, (re)makes the recordings that
 * are shipped, with the speech engines of this machine.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { FileProblemsError, unwrap } from '../base/checked-yaml.ts';
import { PromptFiles, type RecordingIndex, textHash } from '../cti/prompts.ts';
import { findVoices } from '../cti/voices.ts';
import { forTelephone, readWav, writeWav } from '../cti/wav.ts';
import { parseScenario } from '../ivr/parse.ts';
import { finitePrompts, parsePrompts } from '../ivr/prompts.ts';
import type { Prompt } from '../ivr/scenario.ts';

const HELP = `npm run prompts                   list all prompts: recorded, rendered by an engine, or tones
npm run prompts -- --render DIR   render all prompts into DIR (default place: scenarios/prompts), with their index
npm run prompts -- --json         the list as JSON`;

const SCENARIOS = resolve(import.meta.dirname, '../../scenarios');

async function allPrompts(): Promise<Prompt[]> {
  const read = async (name: string): Promise<string> => readFile(join(SCENARIOS, name), 'utf8');
  const prompts = unwrap(parsePrompts(await read('prompts.yaml'), 'scenarios/prompts.yaml'));
  const scenarios = [];
  for (const name of (await readdir(SCENARIOS)).toSorted()) {
    if (!name.endsWith('.yaml') || name === 'prompts.yaml' || name === 'control-logic.yaml' || name === 'services.yaml') continue;
    scenarios.push(unwrap(parseScenario(await read(name), `scenarios/${name}`)));
  }
  return finitePrompts(prompts, scenarios);
}

async function list(prompts: readonly Prompt[], asJson: boolean): Promise<void> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'madoguchi-prompts-'));
  try {
    const store = await PromptFiles.open({
      cacheDir,
      recordingsDir: join(SCENARIOS, 'prompts'),
      voices: await findVoices(process.env['PATH'] ?? ''),
      log: pino({ level: 'silent' }),
    });
    const rows: (Prompt & { hash: string; source: string; voice: string | null; seconds: number })[] = [];
    for (const prompt of prompts) {
      const { source, file, voice } = await store.describe(prompt);
      const sound = readWav(await readFile(file));
      rows.push({ ...prompt, hash: textHash(prompt), source, voice, seconds: Math.round((sound.samples.length / sound.rate) * 10) / 10 });
    }
    if (asJson) return console.log(JSON.stringify(rows, null, 2));
    for (const r of rows) console.log(`${r.source.padEnd(8)} ${r.language} ${r.hash} ${String(r.seconds).padStart(5)} s  ${r.text}`);
    const count = (source: string): number => rows.filter((r) => r.source === source).length;
    console.log(
      `\n${rows.length} prompts: ${count('recorded')} recorded, ${count('rendered')} rendered, ${count('tones')} without a voice (tones)`,
    );
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
}

async function render(prompts: readonly Prompt[], dir: string): Promise<void> {
  const voices = await findVoices(process.env['PATH'] ?? '');
  for (const language of ['ja', 'en'] as const) {
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
    const index: Record<string, RecordingIndex[string]> = {};
    for (const prompt of prompts.filter((p) => p.language === language)) {
      const hash = textHash(prompt);
      const file = `${hash}.wav`;
      await writeFile(join(folder, file), writeWav(forTelephone(await voice.render(prompt.text, folder))));
      index[hash] = { file, text: prompt.text };
    }
    for (const name of await readdir(folder)) {
      // Only files that we named ourselves: a speaker's recordings have names of their own, and stay.
      if (/^[0-9a-f]{20}\.wav$/.test(name) && !(name.slice(0, 20) in index)) await rm(join(folder, name));
    }
    await writeFile(join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
    console.log(`${language}: ${Object.keys(index).length} prompts by ${voice.voice} in ${folder}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { render: { type: 'string' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) return console.log(HELP);
  const prompts = await allPrompts();
  if (values.render !== undefined) return render(prompts, resolve(values.render));
  await list(prompts, values.json);
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof FileProblemsError) && !isUsage) throw error;
  console.error(isUsage ? `${error.message}\n\n${HELP}` : error.message);
  process.exitCode = 2;
}
