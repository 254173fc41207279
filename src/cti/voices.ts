/** Speech engines: what this machine has (Open JTalk for Japanese, flite or eSpeak NG for English), or a service by HTTP. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, constants, readFile, rm } from 'node:fs/promises';
import { delimiter, join as joinPath } from 'node:path';
import type { Language } from '../base/ids.ts';
import { readWav, type Sound } from '../base/wav.ts';
import { join } from './sound.ts';
import { type SpeechService, serviceVoice } from './speech-service.ts';

export interface VoiceEngine {
  /** Program and voice, as `flite/slt`. Another voice makes other files. */
  readonly voice: string;
  readonly language: Language;
  /** Somebody asked for it; it is not just what happens to be here. */
  readonly isChosen?: boolean;
  /** Speaks a text. @throws Error when the program fails, is silent about it, or takes longer than `timeoutMs` */
  render(text: string, workDir: string): Promise<Sound>;
}

/** Five seconds of speech take 200 ms; a machine that needs a hundred times as long is stuck. */
const TIMEOUT_MS = 20_000;

const DICTIONARIES = [
  '/var/lib/mecab/dic/open-jtalk/naist-jdic',
  '/usr/share/open-jtalk/dic',
  '/usr/local/share/open-jtalk/dic',
  '/usr/local/dic',
];
const JAPANESE_VOICES = [
  '/usr/share/hts-voice/nitech-jp-atr503-m001/nitech_jp_atr503_m001.htsvoice',
  '/usr/local/share/hts-voice/nitech-jp-atr503-m001/nitech_jp_atr503_m001.htsvoice',
];

export type EngineName = 'open_jtalk' | 'flite' | 'espeak-ng' | 'http';

export interface VoiceChoice {
  /** Left out or null: the service when there is one, else the best program of this machine. */
  readonly engines?: Readonly<Partial<Record<Language, EngineName | null>>>;
  readonly service?: SpeechService | null;
}

/** A voice was asked for that cannot be had here. */
export class VoiceMissingError extends Error {}

/**
 * What can speak here, at most one engine per language. eSpeak NG is no Japanese voice: it reads kanji as the words
 * "Chinese letter".
 * @param path where programs are looked for, as in the environment variable PATH
 * @throws VoiceMissingError when one that was asked for by its name is not there
 */
export async function findVoices(path: string, choice: VoiceChoice = {}): Promise<VoiceEngine[]> {
  const [japanese, flite, espeak] = await Promise.all([findOpenJtalk(path), findProgram('flite', path), findProgram('espeak-ng', path)]);
  const here: (VoiceEngine & { readonly name: EngineName })[] = [];
  if (japanese) here.push(japanese);
  if (flite) {
    here.push({
      name: 'flite',
      voice: 'flite/slt',
      language: 'en',
      // A little slower than its habit: it is heard over a telephone.
      render: (text, dir) => speakTo(flite, ['-voice', 'slt', '--setf', 'duration_stretch=1.08', '-o'], forFlite(text), dir),
    });
  }
  if (espeak) {
    here.push({
      name: 'espeak-ng',
      voice: 'espeak-ng/en',
      language: 'en',
      render: (text, dir) => speakTo(espeak, ['-v', 'en', '-s', '150', '--stdin', '-w'], text, dir),
    });
  }
  const voices: VoiceEngine[] = [];
  for (const language of ['ja', 'en'] as const) {
    const name = choice.engines?.[language] ?? (choice.service ? 'http' : null);
    const ofLanguage = here.filter((v) => v.language === language);
    const found = name === null ? ofLanguage[0] : ofLanguage.find((v) => v.name === name);
    if (name === 'http' && choice.service) voices.push({ ...serviceVoice(choice.service, language), isChosen: true });
    else if (found) voices.push({ voice: found.voice, language, render: found.render, isChosen: name !== null });
    else if (name !== null) throw new VoiceMissingError(missingText(language, name, ofLanguage));
  }
  return voices;
}

/** Words that flite 2.2 does not know, and spells out. */
const forFlite = (text: string): string => text.replaceAll(/\bthousandth\b/gi, 'thousanth').replaceAll(/\bbaht\b/gi, 'baat');

function missingText(language: Language, name: EngineName, here: readonly { readonly name: EngineName }[]): string {
  const wanted = `VOICE_${language.toUpperCase()} asks for '${name}'`;
  if (name === 'http') return `${wanted}, but there is no SPEECH_SYNTHESIS_URL`;
  const packages: Readonly<Record<string, string>> = {
    open_jtalk: 'open-jtalk, open-jtalk-mecab-naist-jdic and hts-voice-nitech-jp-atr503-m001',
    flite: 'flite',
    'espeak-ng': 'espeak-ng',
  };
  const others = here.length > 0 ? `here is: ${here.map((v) => v.name).join(', ')}` : `here is no other voice for '${language}'`;
  return `${wanted}, which is not on this machine (Debian: ${packages[name]}); ${others}`;
}

async function findOpenJtalk(path: string): Promise<(VoiceEngine & { readonly name: EngineName }) | null> {
  const [program, dictionary, voice] = await Promise.all([
    findProgram('open_jtalk', path),
    firstThatIs(DICTIONARIES),
    firstThatIs(JAPANESE_VOICES),
  ]);
  if (!program || !dictionary || !voice) return null;
  const args = ['-x', dictionary, '-m', voice];
  return {
    name: 'open_jtalk',
    voice: 'open_jtalk/nitech',
    language: 'ja',
    render: (text, dir) => speakJapanese(program, args, text, dir),
  };
}

function findProgram(name: string, path: string): Promise<string | null> {
  return firstThatIs(
    path
      .split(delimiter)
      .filter((d) => d !== '')
      .map((d) => joinPath(d, name)),
    constants.X_OK,
  );
}

async function firstThatIs(paths: readonly string[], mode = constants.R_OK): Promise<string | null> {
  for (const path of paths) {
    try {
      await access(path, mode);
      return path;
    } catch {
      // Not there, or not for us: the next one.
    }
  }
  return null;
}

/** Open JTalk reads one line of at most 1022 bytes, so a text goes in as sentences. */
async function speakJapanese(program: string, args: readonly string[], text: string, workDir: string): Promise<Sound> {
  const sentences = text.replaceAll(/\s+/g, ' ').match(/[^。！？]{1,300}[。！？]?/g) ?? [];
  const sounds: Sound[] = [];
  for (const sentence of sentences) {
    if (sentence.trim() === '') continue;
    sounds.push(await speakTo(program, [...args, '-ow'], `${sentence.trim()}\n`, workDir));
  }
  if (sounds.length === 0) throw new Error('the text is empty');
  return join(sounds, 0); // each sentence ends with its own pause
}

/** Runs a program that takes the text from its input and writes a WAVE file, whose name is its last argument. */
async function speakTo(program: string, args: readonly string[], text: string, workDir: string): Promise<Sound> {
  const file = joinPath(workDir, `.speech-${process.pid}-${randomBytes(6).toString('hex')}.wav`);
  try {
    await run(program, [...args, file], text);
    return readWav(await readFile(file));
  } finally {
    await rm(file, { force: true });
  }
}

function run(program: string, args: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < 1000) errors += text;
    });
    // A program that ends without reading closes the pipe; its exit code tells more than EPIPE does.
    child.stdin.on('error', () => undefined);
    child.once('error', (cause) => reject(new Error('the speech program does not start', { cause })));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`the speech program ended with ${signal ?? code}`, { cause: errors.trim() }));
    });
    child.stdin.end(input);
  });
}
