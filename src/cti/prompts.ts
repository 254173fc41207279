/**
 * Prompts as sound files. First choice is a recording (shipped with the product, or a speaker's put in its place); next a
 * speech engine of this machine, rendered once and kept; and where there is neither, tones. Never silence.
 *
 * A file is named by a hash of language, voice and text: a changed text is another file, and nothing has to be cleared.
 */
import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { Logger } from '../base/log.ts';
import type { PromptStore } from '../contact/ports.ts';
import type { Prompt } from '../ivr/scenario.ts';
import type { VoiceEngine } from './voices.ts';
import { forTelephone, isSilent, noVoiceTones, readWav, TELEPHONE_RATE, writeWav } from './wav.ts';

/** `scenarios/prompts/<language>/index.json`: which file says which text. The key is `textHash(prompt)`. */
const RecordingIndex = Type.Record(
  Type.String(),
  Type.Object({ file: Type.String({ pattern: '^[^/\\\\]+\\.wav$' }), text: Type.String() }),
);
export type RecordingIndex = Static<typeof RecordingIndex>;

/** Names a text in a language, whoever speaks it. */
export const textHash = ({ language, text }: Prompt): string =>
  createHash('sha256')
    .update(`${language}\n${text.normalize('NFC')}`)
    .digest('hex')
    .slice(0, 20);

export type PromptSource = 'recorded' | 'rendered' | 'tones';

export interface PromptFilesOptions {
  /** Absolute path; made when it is not there. The switch must be able to read it. */
  readonly cacheDir: string;
  /** Absolute path of the folder that has one folder with `index.json` per language; null for none. */
  readonly recordingsDir: string | null;
  readonly voices: readonly VoiceEngine[];
  readonly log: Logger;
  /** Engines running at once. */
  readonly concurrency?: number;
}

export interface RenderProgress {
  readonly done: number;
  readonly total: number;
}

export class PromptFiles implements PromptStore {
  private readonly options: PromptFilesOptions;
  private readonly recordings: ReadonlyMap<string, string>;
  private readonly tones: string;
  /** What is being made ready, so that two callers do not have the same text rendered twice. */
  private readonly making = new Map<string, Promise<string>>();
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  private constructor(options: PromptFilesOptions, recordings: ReadonlyMap<string, string>, tones: string) {
    this.options = options;
    this.recordings = recordings;
    this.tones = tones;
  }

  /** Makes the folder, the tones, and reads which recordings there are. */
  static async open(options: PromptFilesOptions): Promise<PromptFiles> {
    await mkdir(options.cacheDir, { recursive: true });
    // Left by a process that was killed in the middle of writing.
    for (const name of await readdir(options.cacheDir)) if (name.startsWith('.')) await rm(join(options.cacheDir, name), { force: true });
    const tones = join(options.cacheDir, 'no-voice');
    await writeWhole(`${tones}.wav`, writeWav(noVoiceTones()));
    const recordings = new Map<string, string>();
    for (const language of ['ja', 'en']) {
      const dir = options.recordingsDir === null ? null : join(options.recordingsDir, language);
      const index = dir === null ? {} : await readIndex(join(dir, 'index.json'), options.log);
      for (const [hash, { file }] of Object.entries(index)) if (dir) recordings.set(hash, join(dir, file));
    }
    return new PromptFiles(options, recordings, tones);
  }

  /** Sound files in the order of the prompts, absolute and without their ending. Tones take the place of what can't be had. */
  async media(prompts: readonly Prompt[]): Promise<readonly string[]> {
    if (prompts.length === 0) return [this.tones];
    const files = await Promise.all(prompts.map((p) => this.fileOf(p)));
    // One sequence of tones is enough for prompts that all lack a voice.
    return files.filter((file, index) => file !== this.tones || files.indexOf(file) === index);
  }

  /** Makes all of these ready, so that nobody waits for them later. */
  async renderAll(
    prompts: readonly Prompt[],
    onProgress: (p: RenderProgress) => void = () => undefined,
  ): Promise<Record<PromptSource, number>> {
    const counts: Record<PromptSource, number> = { recorded: 0, rendered: 0, tones: 0 };
    let done = 0;
    await Promise.all(
      prompts.map(async (prompt) => {
        counts[this.sourceOf(prompt, await this.fileOf(prompt))] += 1;
        done += 1;
        onProgress({ done, total: prompts.length });
      }),
    );
    return counts;
  }

  /** Where the sound of a prompt comes from, and its file. */
  async describe(prompt: Prompt): Promise<{ readonly source: PromptSource; readonly file: string; readonly voice: string | null }> {
    const file = await this.fileOf(prompt);
    const source = this.sourceOf(prompt, file);
    return { source, file: `${file}.wav`, voice: source === 'rendered' ? (this.voiceFor(prompt)?.voice ?? null) : null };
  }

  private sourceOf(prompt: Prompt, file: string): PromptSource {
    if (file === this.tones) return 'tones';
    return this.recordings.has(textHash(prompt)) && !file.startsWith(this.renderedFile(prompt)) ? 'recorded' : 'rendered';
  }

  private voiceFor(prompt: Prompt): VoiceEngine | undefined {
    return this.options.voices.find((v) => v.language === prompt.language);
  }

  private renderedFile(prompt: Prompt): string {
    const voice = this.voiceFor(prompt)?.voice ?? 'none';
    const hash = createHash('sha256')
      .update(`${voice}\n${textHash(prompt)}`)
      .digest('hex')
      .slice(0, 20);
    return join(this.options.cacheDir, `${prompt.language}-${hash}`);
  }

  private fileOf(prompt: Prompt): Promise<string> {
    const key = textHash(prompt);
    let made = this.making.get(key);
    if (!made) {
      made = this.make(prompt).catch((error: unknown) => {
        // The next caller tries anew. The text may hold a caller's data: its hash is enough to find it.
        this.options.log.warn({ err: error, prompt: key, language: prompt.language }, 'a prompt has no voice: tones take its place');
        return this.tones;
      });
      this.making.set(key, made);
      void made.finally(() => this.making.delete(key));
    }
    return made;
  }

  private async make(prompt: Prompt): Promise<string> {
    const recording = this.recordings.get(textHash(prompt));
    if (recording) {
      const usable = await this.recorded(recording, prompt);
      if (usable) return usable;
    }
    const file = this.renderedFile(prompt);
    if (await exists(`${file}.wav`)) return file;
    const voice = this.voiceFor(prompt);
    if (!voice) throw new Error(`this machine has no voice for '${prompt.language}'`);
    const sound = await this.inTurn(async () => forTelephone(await voice.render(prompt.text, this.options.cacheDir)));
    if (isSilent(sound)) throw new Error('the speech program wrote silence');
    await writeWhole(`${file}.wav`, writeWav(sound));
    return file;
  }

  /** A recording as it is, when the switch can play it as it is; else a copy that it can. Null when it can't be read. */
  private async recorded(path: string, prompt: Prompt): Promise<string | null> {
    try {
      const bytes = await readFile(path);
      const sound = readWav(bytes);
      const isReady = sound.rate === TELEPHONE_RATE && bytes.readUInt16LE(22) === 1;
      if (isReady) return path.slice(0, -'.wav'.length);
      const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
      const copy = join(this.options.cacheDir, `recorded-${prompt.language}-${hash}`);
      if (!(await exists(`${copy}.wav`))) await writeWhole(`${copy}.wav`, writeWav(forTelephone(sound)));
      return copy;
    } catch (error) {
      this.options.log.warn({ err: error, path }, 'a recording cannot be used');
      return null;
    }
  }

  /** No more engines at once than wished; the rest queue up. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= (this.options.concurrency ?? 2)) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      // The place is handed over, not given back and taken anew: no third one slips in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
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

/** All of the file or nothing, also for a switch that reads it this very moment. */
async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const draft = join(path, '..', `.draft-${process.pid}-${randomBytes(6).toString('hex')}`);
  await writeFile(draft, bytes);
  await rename(draft, path);
}
