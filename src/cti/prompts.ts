/**
 * Prompts as sound files. First choice is a recording (shipped with the product, or a speaker's put in its place); next a
 * speech engine, rendered once and kept; and where there is neither, tones. Never silence.
 *
 * A file is named by a hash of language, voice and text: a changed text is another file, and nothing has to be cleared. What is
 * known beforehand (`renderAll`) stays. The rest is what callers and services said, names among it: it is kept apart, and only
 * for a while.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { Logger } from '../base/log.ts';
import { isForSwitch, readWav, type Sound, writeWav } from '../base/wav.ts';
import type { PromptStore } from '../contact/ports.ts';
import type { Prompt } from '../ivr/scenario.ts';
import { PassingFiles } from './passing-files.ts';
import { forTelephone, isSilent, noVoiceTones } from './sound.ts';
import type { VoiceEngine } from './voices.ts';
import { removeDrafts, writeWhole } from './whole-files.ts';

/**
 * `scenarios/prompts/<language>/index.json`: which file says which text. The key is `textHash(prompt)`. `voice`: the engine's that
 * it was rendered with; left out: a speaker's.
 */
const RecordingIndex = Type.Record(
  Type.String(),
  Type.Object({ file: Type.String({ pattern: '^[^/\\\\]+\\.wav$' }), text: Type.String(), voice: Type.Optional(Type.String()) }),
);
export type RecordingIndex = Static<typeof RecordingIndex>;

/** One sound: a whole prompt, or a part of one. */
export type Words = Pick<Prompt, 'language' | 'text'>;

/** Names a text in a language, whoever speaks it. */
export const textHash = ({ language, text }: Words): string =>
  createHash('sha256')
    .update(`${language}\n${text.normalize('NFC')}`)
    .digest('hex')
    .slice(0, 20);

/** `toRender`: an engine would do it, and has not yet. */
export type PromptSource = 'recorded' | 'rendered' | 'toRender' | 'tones';

export interface PromptFilesOptions {
  /** Absolute path; made when it is not there. The switch must be able to read it. */
  readonly cacheDir: string;
  /** Absolute path of the folder that has one folder with `index.json` per language; null for none. */
  readonly recordingsDir: string | null;
  readonly voices: readonly VoiceEngine[];
  readonly log: Logger;
  /** Engines running at once. */
  readonly concurrency?: number;
  /** How many files of what was not known beforehand are kept, and for how long after their last use. */
  readonly passing?: { readonly most: number; readonly keepMs: number };
}

/** A hundred callers at once hear ten such parts each; and a caller who is put back calls again on the same day. */
const PASSING = { most: 2000, keepMs: 24 * 60 * 60_000 };

export interface RenderProgress {
  readonly done: number;
  readonly total: number;
}

/** How many sounds come from where. */
export type SoundCounts = Record<PromptSource, number>;

export interface SoundSource {
  readonly source: PromptSource;
  readonly text: string;
  /** Absolute, with its ending. Null: there is none yet. */
  readonly file: string | null;
  /** Whose, when it was or will be rendered. */
  readonly voice: string | null;
}

/** What a speaker's file may be called, without `.wav`. */
const RECORDING_NAME = /^[A-Za-z0-9][\w-]*$/;

const wordsOf = ({ language, text, parts }: Prompt): Words[] => (parts ?? [text]).map((part) => ({ language, text: part }));

export class PromptFiles implements PromptStore {
  private readonly options: PromptFilesOptions;
  /** By `textHash`. */
  private readonly recordings: ReadonlyMap<string, string>;
  private readonly tones: string;
  private readonly passing: PassingFiles;
  /** What was known beforehand, by `textHash`. */
  private readonly lasting = new Set<string>();
  /** What is being made ready, so that two callers do not have the same text rendered twice. */
  private readonly making = new Map<string, Promise<string>>();
  /** Recordings as they were when they were read last: only a changed one is read again. */
  private readonly seen = new Map<string, { readonly mtimeMs: number; readonly size: number; readonly file: string }>();
  /** Recordings and languages that were told to be missing. */
  private readonly told = new Set<string>();
  private running = 0;
  /** Of what is being made, by `textHash`: what a caller wants now. */
  private readonly wanted = new Set<string>();
  /** Who waits for an engine, by `textHash`, in the order of coming. */
  private readonly waiting = new Map<string, () => void>();
  private stopped = false;

  private constructor(options: PromptFilesOptions, recordings: ReadonlyMap<string, string>, tones: string, passing: PassingFiles) {
    this.options = options;
    this.recordings = recordings;
    this.tones = tones;
    this.passing = passing;
  }

  /** Makes the folders, the tones, and reads which recordings there are. */
  static async open(options: PromptFilesOptions): Promise<PromptFiles> {
    await mkdir(options.cacheDir, { recursive: true });
    await removeDrafts(options.cacheDir);
    const tones = join(options.cacheDir, 'no-voice');
    await writeWhole(`${tones}.wav`, writeWav(noVoiceTones()));
    const recordings = new Map<string, string>();
    for (const language of ['ja', 'en']) {
      const dir = options.recordingsDir === null ? null : join(options.recordingsDir, language);
      const index = dir === null ? {} : await readIndex(join(dir, 'index.json'), options.log);
      const voice = options.voices.find((v) => v.language === language);
      for (const [hash, recording] of Object.entries(index)) {
        // One that another engine has rendered takes the place of whatever this machine has, but not of a voice that was asked for:
        // callers would hear two voices in one sentence.
        const isOthers = recording.voice !== undefined && voice?.isChosen === true && recording.voice !== voice.voice;
        if (dir && !isOthers) recordings.set(hash, join(dir, recording.file));
      }
    }
    const passing = await PassingFiles.open(join(options.cacheDir, 'passing'), options.passing ?? PASSING);
    return new PromptFiles(options, recordings, tones, passing);
  }

  /**
   * Sound files in the order of the prompts and their parts, absolute and without their ending. Tones take the place of what
   * can't be had.
   */
  async media(prompts: readonly Prompt[]): Promise<readonly string[]> {
    const files = (await Promise.all(prompts.map((p) => this.filesOf(p)))).flat();
    if (files.length === 0) return [this.tones];
    // One sequence of tones is enough for all that lacks a voice.
    return files.filter((file, index) => file !== this.tones || files.indexOf(file) === index);
  }

  /**
   * Makes all of these ready, so that nobody waits for them later; they stay. What is not ready after `waitMs` becomes so in the
   * background, behind what callers want meanwhile.
   */
  async renderAll(
    prompts: readonly Prompt[],
    onProgress: (p: RenderProgress) => void = () => undefined,
    waitMs = Number.POSITIVE_INFINITY,
  ): Promise<SoundCounts> {
    const named = await Promise.all(prompts.map((p) => this.namedRecording(p)));
    const spoken = prompts.filter((_, i) => named[i] === null).flatMap(wordsOf);
    const all = new Map(spoken.map((words) => [textHash(words), words]));
    for (const key of all.keys()) this.lasting.add(key);
    const counts: SoundCounts = { recorded: named.filter((file) => file !== null).length, rendered: 0, toRender: 0, tones: 0 };
    let done = 0;
    let isWaiting = true;
    const work = Promise.all(
      [...all.values()].map(async (words) => {
        counts[this.sourceOf(words, await this.fileOf(words, false))] += 1;
        done += 1;
        if (isWaiting) onProgress({ done, total: all.size });
      }),
    );
    if (waitMs === Number.POSITIVE_INFINITY) await work;
    else await Promise.race([work, sleep(waitMs, undefined, { ref: false })]);
    isWaiting = false;
    return { ...counts, toRender: all.size - done };
  }

  /** Where the sounds of a prompt come from as things are; nothing is rendered. */
  async look(prompt: Prompt): Promise<readonly SoundSource[]> {
    const named = await this.namedRecording(prompt);
    if (named !== null) return [{ source: 'recorded', text: prompt.text, file: `${named}.wav`, voice: null }];
    return Promise.all(
      wordsOf(prompt).map(async (words) => {
        const file = await this.find(words, textHash(words));
        const voice = this.voiceFor(words)?.voice ?? null;
        if (file === null) return { source: voice === null ? 'tones' : 'toRender', text: words.text, file: null, voice };
        const source = this.sourceOf(words, file);
        return { source, text: words.text, file: `${file}.wav`, voice: source === 'rendered' ? voice : null };
      }),
    );
  }

  /** Starts no more engines. Resolves when those that run have ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const resume of this.waiting.values()) resume();
    this.waiting.clear();
    await Promise.all(this.making.values());
  }

  private sourceOf(words: Words, file: string): PromptSource {
    if (file === this.tones) return 'tones';
    const { rendered, passing } = this.placesOf(words);
    return file === rendered || file === passing ? 'rendered' : 'recorded';
  }

  private voiceFor({ language }: Words): VoiceEngine | undefined {
    return this.options.voices.find((v) => v.language === language);
  }

  /** Where its rendered sound is: for good, and for a while. */
  private placesOf(words: Words): { readonly name: string; readonly rendered: string; readonly passing: string } {
    const voice = this.voiceFor(words)?.voice ?? 'none';
    const hash = createHash('sha256')
      .update(`${voice}\n${textHash(words)}`)
      .digest('hex')
      .slice(0, 20);
    const name = `${words.language}-${hash}`;
    return { name, rendered: join(this.options.cacheDir, name), passing: join(this.passing.folder, name) };
  }

  private async filesOf(prompt: Prompt): Promise<string[]> {
    const named = await this.namedRecording(prompt);
    return named !== null ? [named] : Promise.all(wordsOf(prompt).map((words) => this.fileOf(words, true)));
  }

  /** The recording that a prompt asks for by name. Null when it asks for none, or there is none: then its words are said. */
  private async namedRecording({ language, recording }: Prompt): Promise<string | null> {
    const { recordingsDir } = this.options;
    if (recording === undefined) return null;
    // The name is written by people: no way out of the folder.
    const path = recordingsDir !== null && RECORDING_NAME.test(recording) ? join(recordingsDir, language, `${recording}.wav`) : null;
    const file = path !== null && (await exists(path)) ? await this.recorded(path, language) : null;
    const key = `${language}/${recording}`;
    if (file !== null) this.told.delete(key);
    else this.tellOnce(key, { recording, language }, 'a recording is missing: the words are said instead; see npm run prompts');
    return file;
  }

  private tellOnce(key: string, fields: Readonly<Record<string, string>>, message: string): void {
    if (!this.told.has(key)) this.options.log.warn(fields, message);
    this.told.add(key);
  }

  /** @param isUrgent whether somebody waits for it: then it goes before what does not have to be now */
  private fileOf(words: Words, isUrgent: boolean): Promise<string> {
    const key = textHash(words);
    let made = this.making.get(key);
    if (isUrgent) this.wanted.add(key);
    if (!made) {
      made = this.make(words, key).catch((error: unknown) => {
        // The next caller tries anew. The text may hold a caller's data: its hash is enough to find it.
        if (!this.stopped)
          this.options.log.warn({ err: error, prompt: key, language: words.language }, 'a prompt has no voice: tones take its place');
        return this.tones;
      });
      this.making.set(key, made);
      void made.finally(() => {
        this.making.delete(key);
        this.wanted.delete(key);
      });
    }
    return made;
  }

  private async make(words: Words, key: string): Promise<string> {
    const found = await this.find(words, key);
    if (found !== null) return found;
    const voice = this.voiceFor(words);
    if (!voice) {
      this.tellOnce(words.language, { language: words.language }, 'there is no voice for this language: tones take its place');
      return this.tones;
    }
    const sound = await this.inTurn(key, () => speak(voice, words.text, this.options.cacheDir));
    const { name, rendered, passing } = this.placesOf(words);
    const lasts = this.lasting.has(key);
    await writeWhole(`${lasts ? rendered : passing}.wav`, writeWav(sound));
    if (!lasts) this.passing.add(`${name}.wav`);
    return lasts ? rendered : passing;
  }

  /** What is there already; null when nothing is. */
  private async find(words: Words, key: string): Promise<string | null> {
    const recording = this.recordings.get(key);
    if (recording) {
      const usable = await this.recorded(recording, words.language, edgesOf(words.text));
      if (usable) return usable;
    }
    const { name, rendered, passing } = this.placesOf(words);
    if (await exists(`${rendered}.wav`)) return rendered;
    return !this.lasting.has(key) && (await this.passing.use(`${name}.wav`)) ? passing : null;
  }

  /** A recording as it is, when the switch can play it as it is; else a copy that it can. Null when it can't be read. */
  private async recorded(path: string, language: string, edges: Edges = {}): Promise<string | null> {
    try {
      const { mtimeMs, size } = await stat(path);
      const seen = this.seen.get(path);
      if (seen?.mtimeMs === mtimeMs && seen.size === size) return seen.file;
      // A changed file has another copy. The reading is saved that way: there are many hundreds, at every start.
      const name = createHash('sha256')
        .update(JSON.stringify([path, mtimeMs, size, edges]))
        .digest('hex')
        .slice(0, 20);
      const copy = join(this.options.cacheDir, `recorded-${language}-${name}`);
      const file = (await exists(`${copy}.wav`)) ? copy : await this.playable(path, copy, edges);
      this.seen.set(path, { mtimeMs, size, file });
      return file;
    } catch (error) {
      this.options.log.warn({ err: error, path }, 'a recording cannot be used');
      return null;
    }
  }

  private async playable(path: string, copy: string, edges: Edges): Promise<string> {
    const bytes = await readFile(path);
    const sound = readWav(bytes);
    if (isForSwitch(bytes)) return path.slice(0, -'.wav'.length);
    await writeWhole(`${copy}.wav`, writeWav(forTelephone(sound, edges)));
    return copy;
  }

  /** No more engines at once than wished; the rest queue up, what is wanted now goes first. */
  private async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.running < (this.options.concurrency ?? 2)) this.running += 1;
    else await new Promise<void>((resolve) => this.waiting.set(key, resolve));
    try {
      if (this.stopped) throw new Error('the prompts are closed');
      return await work();
    } finally {
      // The place is handed over, not given back and taken anew: no third one slips in between.
      const next = this.nextInTurn();
      if (next === undefined) this.running -= 1;
      else {
        const resume = this.waiting.get(next);
        this.waiting.delete(next);
        resume?.();
      }
    }
  }

  private nextInTurn(): string | undefined {
    for (const key of this.wanted) if (this.waiting.has(key)) return key;
    const [first] = this.waiting.keys();
    return first;
  }
}

/** Between two parts of one sentence: they run on. */
const JOINT_MS = 15;
/** Before what may be the beginning, or the end of a sentence after a value. */
const OPENING_MS = 40;

interface Edges {
  readonly beforeMs?: number;
  readonly afterMs?: number;
}

/** How much silence stays around a text. A mark at either end is a breath; where there is none, the sentence goes on in the next part. */
function edgesOf(text: string): Edges {
  const [before, after] = [/^[\p{P}\s]/u.test(text), /[\p{P}\s]$/u.test(text)];
  return {
    ...(!before && { beforeMs: after ? OPENING_MS : JOINT_MS }),
    ...(!after && { afterMs: JOINT_MS }),
  };
}

/**
 * Has a text spoken, for a telephone.
 * @throws Error when the engine fails, or writes silence
 */
export async function speak(voice: VoiceEngine, text: string, workDir: string): Promise<Sound> {
  // A mark before the words would be read out by some.
  const words = text.replace(/^[\p{P}\s]+(?=.)/u, '');
  const sound = forTelephone(await voice.render(words, workDir), edgesOf(text));
  if (isSilent(sound)) throw new Error('the speech program wrote silence');
  return sound;
}

/** The recordings of one language; none when the file is not there. One that can't be read is reported, and no reason not to start. */
export async function readIndex(path: string, log: Logger): Promise<RecordingIndex> {
  try {
    const index: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (Check(RecordingIndex, index)) return index;
    log.warn({ path }, 'the index of recordings does not have its form: hash → { file, text }');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      log.warn({ err: error, path }, 'the index of recordings cannot be read');
    }
  }
  return {};
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false; // Whatever the reason: writing it anew will tell.
  }
}
