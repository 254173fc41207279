/** Speech engines, as they are on this machine: Open JTalk for Japanese, flite or eSpeak NG for English. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, constants, readFile, rm } from 'node:fs/promises';
import { delimiter, join as joinPath } from 'node:path';
import type { Language } from '../base/ids.ts';
import { join, readWav, type Sound } from './wav.ts';

export interface VoiceEngine {
  /** Program and voice, as `flite/slt`. Another voice makes other files. */
  readonly voice: string;
  readonly language: Language;
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

/**
 * What can speak here, at most one engine per language. eSpeak NG is no Japanese voice: it reads kanji as the words
 * "Chinese letter".
 * @param path where programs are looked for, as in the environment variable PATH
 */
export async function findVoices(path: string): Promise<VoiceEngine[]> {
  const voices: VoiceEngine[] = [];
  const [openJtalk, flite, espeak] = await Promise.all(['open_jtalk', 'flite', 'espeak-ng'].map((name) => findProgram(name, path)));
  const [dictionary, voice] = await Promise.all([firstThatIs(DICTIONARIES), firstThatIs(JAPANESE_VOICES)]);
  if (openJtalk && dictionary && voice) {
    const args = ['-x', dictionary, '-m', voice];
    voices.push({ voice: 'open_jtalk/nitech', language: 'ja', render: (text, dir) => speakJapanese(openJtalk, args, text, dir) });
  }
  if (flite) {
    voices.push({
      voice: 'flite/slt',
      language: 'en',
      // A little slower than its habit: it is heard over a telephone.
      render: (text, dir) => speakTo(flite, ['-voice', 'slt', '--setf', 'duration_stretch=1.08', '-o'], text, dir),
    });
  } else if (espeak) {
    voices.push({
      voice: 'espeak-ng/en',
      language: 'en',
      render: (text, dir) => speakTo(espeak, ['-v', 'en', '-s', '150', '--stdin', '-w'], text, dir),
    });
  }
  return voices;
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
