import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '../../src/base/checked-yaml.ts';
import { readWav, type Sound, TELEPHONE_RATE, WavError, writeMuLawWav, writeWav } from '../../src/base/wav.ts';
import { PromptFiles, type PromptFilesOptions, textHash } from '../../src/cti/prompts.ts';
import { forTelephone, isSilent, noVoiceTones, resample } from '../../src/cti/sound.ts';
import { findVoices, type VoiceEngine, VoiceMissingError } from '../../src/cti/voices.ts';
import { finitePrompts } from '../../src/ivr/prompts.ts';
import type { Prompt } from '../../src/ivr/scenario.ts';
import { readRelease } from '../../src/scenario-release.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'prompts-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const tone = (hertz: number, rate: number, seconds: number, level = 8000): Sound => ({
  rate,
  samples: Int16Array.from({ length: Math.round(rate * seconds) }, (_, i) =>
    Math.round(level * Math.sin((2 * Math.PI * hertz * i) / rate)),
  ),
});
/** Power of one frequency (Goertzel), as a share of the whole. */
function shareOf(hertz: number, { rate, samples }: Sound): number {
  let [a, b, all] = [0, 0, 0];
  const c = 2 * Math.cos((2 * Math.PI * hertz) / rate);
  for (const s of samples) {
    [a, b] = [s + c * a - b, a];
    all += s * s;
  }
  return all === 0 ? 0 : (2 * (a * a + b * b - c * a * b)) / samples.length / all;
}

/** An engine that speaks a tone, and notes what it was asked for. */
function fakeVoice(language: 'ja' | 'en', more: Partial<VoiceEngine> = {}): VoiceEngine & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    voice: 'fake/one',
    language,
    asked,
    async render(text) {
      asked.push(text);
      return tone(500, 16_000, 0.4);
    },
    ...more,
  };
}
const open = (more: Partial<PromptFilesOptions> = {}): Promise<PromptFiles> =>
  PromptFiles.open({ cacheDir: join(dir, 'cache'), recordingsDir: null, voices: [], log: pino({ level: 'silent' }), ...more });
const en = (text: string): Prompt => ({ language: 'en', text });
const soundOf = (file: string | undefined): Sound => readWav(readFileSync(`${file}.wav`));

function record(prompt: Prompt, sound: Sound, file = 'speaker.wav'): string {
  const folder = join(dir, 'recordings', prompt.language);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), writeWav(sound));
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ [textHash(prompt)]: { file, text: prompt.text } }));
  return join(dir, 'recordings');
}

describe('prompts as sound files', () => {
  it('are spoken by the engine of their language, once, as 8 kHz files with absolute names without ending', async () => {
    const voice = fakeVoice('en');
    const store = await open({ voices: [voice] });
    const [one, two] = await store.media([en('Hello'), en('Goodbye')]);
    expect(one).toMatch(/^\/.*\/cache\/passing\/en-[0-9a-f]{20}$/);
    expect(two).not.toBe(one);
    expect(soundOf(one).rate).toBe(8000);
    expect(shareOf(500, soundOf(one))).toBeGreaterThan(0.9);
    await store.media([en('Hello')]);
    expect(voice.asked.toSorted()).toEqual(['Goodbye', 'Hello']);
  });

  it('are not spoken again after a restart, but by another voice they are', async () => {
    await (await open({ voices: [fakeVoice('en')] })).media([en('Hello')]);
    const same = fakeVoice('en');
    await (await open({ voices: [same] })).media([en('Hello')]);
    expect(same.asked).toEqual([]);
    const other = fakeVoice('en', { voice: 'fake/two' });
    await (await open({ voices: [other] })).media([en('Hello')]);
    expect(readdirSync(join(dir, 'cache', 'passing')).filter((f) => f.startsWith('en-'))).toHaveLength(2);
  });

  it('wanted by two callers at once are spoken once', async () => {
    const voice = fakeVoice('en');
    const store = await open({ voices: [voice] });
    const [a, b] = await Promise.all([store.media([en('Hello')]), store.media([en('Hello'), en('Hello')])]);
    expect(voice.asked).toEqual(['Hello']);
    expect(b).toEqual([...a, ...a]);
  });

  it('are recordings where there are any, as they are', async () => {
    const voice = fakeVoice('en');
    const recordingsDir = record(en('Hello'), tone(700, 8000, 0.5));
    const store = await open({ voices: [voice], recordingsDir });
    expect(await store.media([en('Hello')])).toEqual([join(recordingsDir, 'en', 'speaker')]);
    expect(await store.look(en('Hello'))).toMatchObject([{ source: 'recorded' }]);
    expect(voice.asked).toEqual([]);
  });

  it('are converted from recordings that no telephone plays', async () => {
    const store = await open({ recordingsDir: record(en('Hello'), tone(700, 44_100, 0.5)) });
    const [file] = await store.media([en('Hello')]);
    expect(soundOf(file).rate).toBe(8000);
    expect(shareOf(700, soundOf(file))).toBeGreaterThan(0.9);
    expect(await store.look(en('Hello'))).toMatchObject([{ source: 'recorded' }]);
  });

  it('may be in the telephone’s µ-law, which no switch need know', async () => {
    const recordingsDir = record(en('Hello'), tone(700, 8000, 0.5));
    writeFileSync(join(recordingsDir, 'en', 'speaker.wav'), writeMuLawWav(tone(900, 8000, 0.5)));
    const [file] = await (await open({ recordingsDir })).media([en('Hello')]);
    expect(file).toContain(join(dir, 'cache'));
    expect(readFileSync(`${file}.wav`).readUInt16LE(20)).toBe(1);
    expect(shareOf(900, soundOf(file))).toBeGreaterThan(0.9);
  });

  it('come from the engine when the recording is damaged or gone', async () => {
    const recordingsDir = record(en('Hello'), tone(700, 8000, 0.5));
    writeFileSync(join(recordingsDir, 'en', 'speaker.wav'), 'not a sound');
    const voice = fakeVoice('en');
    await (await open({ recordingsDir, voices: [voice] })).media([en('Hello')]);
    expect(voice.asked).toEqual(['Hello']);
    rmSync(join(recordingsDir, 'en', 'speaker.wav'));
    expect(await (await open({ recordingsDir })).look(en('Hello'))).toMatchObject([{ source: 'tones' }]);
  });
});

describe('prompts in parts', () => {
  const parts = (...words: string[]): Prompt => ({ language: 'en', text: words.join(' '), parts: words });

  it('are one file after another, and what two have in common is the same file', async () => {
    const voice = fakeVoice('en');
    const store = await open({ voices: [voice] });
    const [hello, name, rest] = await store.media([parts('Hello', 'Taro', 'your order is here.')]);
    expect(await store.media([parts('Hello', 'Jiro', 'your order is here.')])).toEqual([
      hello,
      expect.not.stringMatching(`^${name}$`),
      rest,
    ]);
    expect(voice.asked).toEqual(['Hello', 'Taro', 'your order is here.', 'Jiro']);
  });

  it('of which one fails have tones for that one only', async () => {
    const render = (text: string): Promise<Sound> =>
      text === 'Taro' ? Promise.reject(new Error('broken')) : Promise.resolve(tone(500, 16_000, 0.4));
    const store = await open({ voices: [fakeVoice('en', { render })] });
    const files = await store.media([parts('Hello', 'Taro', 'goodbye.')]);
    expect(files.map((f) => f.endsWith('/no-voice'))).toEqual([false, true, false]);
  });

  it('run on where no mark stands between them, and breathe where one does', async () => {
    const silence = new Int16Array(4000);
    const spoken = Int16Array.from([...silence, ...tone(500, 16_000, 0.4).samples, ...silence]);
    const store = await open({ voices: [fakeVoice('en', { render: () => Promise.resolve({ rate: 16_000, samples: spoken }) })] });
    const files = await store.media([parts('twenty', 'twenty,', 'Twenty.', ', twenty')]);
    const [ahead, behind] = [0, 1].map((end) =>
      files.map((f) => {
        const { samples } = soundOf(f);
        const [first, last] = [samples.findIndex((x) => Math.abs(x) > 200), samples.findLastIndex((x) => Math.abs(x) > 200)];
        return Math.round((end === 0 ? first : samples.length - last) / 80) * 10;
      }),
    );
    expect(ahead).toEqual([20, 40, 40, 80]);
    expect(behind).toEqual([20, 80, 80, 20]);
  });

  it('are read to the engine without the marks before them', async () => {
    const voice = fakeVoice('en');
    await (await open({ voices: [voice] })).media([parts('. Hello', ', goodbye.')]);
    expect(voice.asked).toEqual(['Hello', 'goodbye.']);
  });
});

describe('recordings that a text asks for by name', () => {
  const greeting: Prompt = { language: 'en', text: 'Hello', recording: 'greeting' };
  function put(name: string): string {
    const folder = join(dir, 'recordings', 'en');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.wav`), writeWav(tone(700, 8000, 0.5)));
    return join(dir, 'recordings');
  }
  it('take the place of all its words', async () => {
    const voice = fakeVoice('en');
    const store = await open({ voices: [voice], recordingsDir: put('greeting') });
    expect(await store.media([{ ...greeting, parts: ['Hello', 'Taro'] }])).toEqual([join(dir, 'recordings', 'en', 'greeting')]);
    expect(await store.renderAll([{ ...greeting, parts: ['Hello'] }])).toMatchObject({ recorded: 1, rendered: 0 });
    expect(voice.asked).toEqual([]);
  });
  it('that are missing are told once, and the words are said, until somebody brings the file', async () => {
    const warnings: unknown[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line)) });
    const store = await open({ voices: [fakeVoice('en')], recordingsDir: put('other'), log });
    const said = await store.media([greeting]);
    expect(await store.media([greeting])).toEqual(said);
    expect(shareOf(500, soundOf(said[0]))).toBeGreaterThan(0.9);
    expect(warnings).toEqual([expect.objectContaining({ recording: 'greeting', language: 'en' })]);
    put('greeting');
    expect(shareOf(700, soundOf((await store.media([greeting]))[0]))).toBeGreaterThan(0.9);
  });
  it('are looked for in their folder, and nowhere else', async () => {
    const store = await open({ voices: [fakeVoice('en')], recordingsDir: put('greeting') });
    for (const recording of ['../en/greeting', '/etc/passwd', '', '.']) {
      expect(await store.look({ ...greeting, recording })).toMatchObject([{ source: 'toRender' }]);
    }
  });
});

describe('what was not known beforehand', () => {
  const passing = (): string[] => readdirSync(join(dir, 'cache', 'passing'));
  const keepMs = 60_000;

  it('is kept for a while, at most so many; the one whose last use is longest ago goes first', async () => {
    const store = await open({ voices: [fakeVoice('en')], passing: { most: 3, keepMs } });
    const [a = ''] = await store.media([en('a')]);
    await store.media([en('b')]);
    await store.media([en('c')]);
    await store.media([en('a')]);
    const [d = ''] = await store.media([en('d')]);
    expect(passing()).toHaveLength(3);
    for (const file of [a, d]) expect(existsSync(`${file}.wav`)).toBe(true);
  });

  it('is gone after its time, also when it was another process that wrote it', async () => {
    const store = await open({ voices: [fakeVoice('en')], passing: { most: 3, keepMs } });
    const [old = ''] = await store.media([en('Taro')]);
    const [young = ''] = await store.media([en('Jiro')]);
    const longAgo = new Date(Date.now() - keepMs - 1000);
    utimesSync(`${old}.wav`, longAgo, longAgo);
    await open({ voices: [fakeVoice('en')], passing: { most: 3, keepMs } });
    expect(passing()).toEqual([`${young.split('/').at(-1)}.wav`]);
    // Whoever still believes that it is there makes it anew.
    expect(existsSync(`${(await store.media([en('Taro')]))[0]}.wav`)).toBe(true);
  });

  it('leaves alone what was known beforehand, however often names come by', async () => {
    const voice = fakeVoice('en');
    const store = await open({ voices: [voice], passing: { most: 2, keepMs } });
    await store.renderAll([en('Hello'), en('Goodbye')]);
    for (let i = 0; i < 10; i++) await store.media([en(`Mr ${i}`)]);
    expect(passing()).toHaveLength(2);
    await store.media([en('Hello'), en('Goodbye')]);
    expect(voice.asked).toHaveLength(12);
  });

  it('asked for by many at once is made once, and nobody gets a file that is not there', async () => {
    const voice = fakeVoice('en');
    const store = await open({ voices: [voice], passing: { most: 20, keepMs } });
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => store.media([en(`name ${i % 10}`)])));
    expect(voice.asked).toHaveLength(10);
    for (const [file] of all) expect(isSilent(soundOf(file))).toBe(false);
  });
});

describe('recordings that an engine has made', () => {
  const shipped = (): string => {
    const recordingsDir = record(en('Hello'), tone(700, 8000, 0.5));
    const index = { [textHash(en('Hello'))]: { file: 'speaker.wav', text: 'Hello', voice: 'shipped/voice' } };
    writeFileSync(join(recordingsDir, 'en', 'index.json'), JSON.stringify(index));
    return recordingsDir;
  };
  it.each<[string, Partial<VoiceEngine>, string]>([
    ['serve where the machine just happens to have another', {}, 'recorded'],
    ['give way to a voice that somebody chose: nobody hears two in one sentence', { isChosen: true }, 'toRender'],
    ['serve when it is the chosen one that made them', { isChosen: true, voice: 'shipped/voice' }, 'recorded'],
  ])('%s', async (_, more, source) => {
    const store = await open({ voices: [fakeVoice('en', more)], recordingsDir: shipped() });
    expect(await store.look(en('Hello'))).toMatchObject([{ source }]);
  });
  it('never hide a speaker’s', async () => {
    const recordingsDir = record(en('Hello'), tone(700, 8000, 0.5));
    const store = await open({ voices: [fakeVoice('en', { isChosen: true })], recordingsDir });
    expect(await store.look(en('Hello'))).toMatchObject([{ source: 'recorded' }]);
  });
});

describe('never silence', () => {
  it.each<[string, VoiceEngine[]]>([
    ['no engine', []],
    ['an engine for another language only', [fakeVoice('ja')]],
    ['an engine that fails', [fakeVoice('en', { render: () => Promise.reject(new Error('broken')) })]],
    [
      'an engine that writes silence',
      [fakeVoice('en', { render: () => Promise.resolve({ rate: 16_000, samples: new Int16Array(16_000) }) })],
    ],
  ])('%s: tones', async (_, voices) => {
    const store = await open({ voices });
    const files = await store.media([en('Hello'), en('Goodbye')]);
    expect(files).toHaveLength(1);
    const sound = soundOf(files[0]);
    expect(isSilent(sound)).toBe(false);
    expect(sound.samples.length / sound.rate).toBeGreaterThan(1);
    expect(await store.renderAll([en('Hello')])).toMatchObject({ tones: 1 });
  });

  it('not even when nothing is asked for, or the text is empty', async () => {
    const store = await open();
    for (const prompts of [[], [en('')]]) expect(isSilent(soundOf((await store.media(prompts))[0]))).toBe(false);
  });

  it('an engine that fails once is asked again the next time', async () => {
    let fails = true;
    const voice = fakeVoice('en', { render: () => (fails ? Promise.reject(new Error('busy')) : Promise.resolve(tone(500, 16_000, 0.4))) });
    const store = await open({ voices: [voice] });
    await store.media([en('Hello')]);
    expect(await store.look(en('Hello'))).toMatchObject([{ source: 'toRender', voice: 'fake/one' }]);
    fails = false;
    await store.media([en('Hello')]);
    expect(await store.look(en('Hello'))).toMatchObject([{ source: 'rendered', voice: 'fake/one' }]);
  });
});

describe('making all ready at the start', () => {
  it('tells how far it is, runs no more engines at once than wished, and counts', async () => {
    let running = 0;
    let most = 0;
    const voice = fakeVoice('en', {
      async render() {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return tone(500, 16_000, 0.2);
      },
    });
    const store = await open({ voices: [voice], concurrency: 3, recordingsDir: record(en('recorded'), tone(700, 8000, 0.5)) });
    const prompts: Prompt[] = [...Array.from({ length: 20 }, (_, i) => en(`${i}`)), en('recorded'), { language: 'ja', text: '声' }];
    const progress: number[] = [];
    expect(await store.renderAll(prompts, ({ done, total }) => progress.push(done / total))).toEqual({
      recorded: 1,
      rendered: 20,
      toRender: 0,
      tones: 1,
    });
    expect(most).toBe(3);
    expect(progress).toHaveLength(22);
    expect(progress.at(-1)).toBe(1);
  });

  it('waits no longer than it is told to; what a caller wants then goes before the rest', async () => {
    const gate = Promise.withResolvers<void>();
    const voice = fakeVoice('en');
    const slow: VoiceEngine = {
      ...voice,
      async render(text, workDir) {
        const sound = await voice.render(text, workDir);
        await gate.promise;
        for (let i = 0; i < 5; i++) await stat(dir); // an engine takes its time, too
        return sound;
      },
    };
    const store = await open({ voices: [slow], concurrency: 1 });
    const names = Array.from({ length: 10 }, (_, i) => en(`${i}`));
    expect(await store.renderAll(names, undefined, 1)).toEqual({ recorded: 0, rendered: 0, toRender: 10, tones: 0 });
    const wanted = store.media([en('7'), en('new')]);
    gate.resolve();
    await wanted;
    await store.renderAll(names);
    expect(voice.asked.toSorted()).toEqual([...names.map((n) => n.text), 'new']);
    expect(voice.asked.slice(0, 4)).toEqual(expect.arrayContaining(['7', 'new']));
  });

  it('ends when the house closes: the engine that runs has its time, no other is started', async () => {
    const gate = Promise.withResolvers<void>();
    const voice = fakeVoice('en');
    const render: VoiceEngine['render'] = async (text, workDir) => {
      const sound = await voice.render(text, workDir);
      await gate.promise;
      return sound;
    };
    const store = await open({ voices: [{ ...voice, render }], concurrency: 1 });
    await store.renderAll([en('a'), en('b'), en('c')], undefined, 1);
    await expect.poll(() => voice.asked).toHaveLength(1);
    const stopped = store.stop();
    gate.resolve();
    await stopped;
    expect(voice.asked).toHaveLength(1);
    expect(readdirSync(join(dir, 'cache')).filter((f) => f.startsWith('en-'))).toHaveLength(1);
  });

  it('leaves no half-written file behind, and removes those of a process that was killed', async () => {
    mkdirSync(join(dir, 'cache'));
    writeFileSync(join(dir, 'cache', '.draft-1-x'), 'half');
    utimesSync(join(dir, 'cache', '.draft-1-x'), 0, 0);
    const store = await open({ voices: [fakeVoice('en')] });
    await store.renderAll([en('a'), en('b')]);
    expect(readdirSync(join(dir, 'cache')).filter((f) => f.startsWith('.'))).toEqual([]);
  });
});

describe('the shipped recordings', () => {
  const folder = new URL('../../scenarios/', import.meta.url);
  const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
  const files = readdirSync(folder).filter((f) => f.endsWith('.yaml') && f !== 'control-logic.yaml');

  it('say every prompt of every shipped file (npm run prompts -- --render scenarios/prompts), audibly, at 8 kHz', async () => {
    const { wordings, set } = unwrap(await readRelease(Object.fromEntries(files.map((f) => [f, read(f)])), 'scenarios/'));
    const all = finitePrompts(wordings, [...set.scenarios.values()]);
    const store = await open({ recordingsDir: join(folder.pathname, 'prompts') });
    for (const prompt of all) {
      for (const { source, text, file } of await store.look(prompt)) {
        expect(`${source} ${text}`).toBe(`recorded ${text}`);
        expect(dirname(file ?? '')).toBe(join(dir, 'cache'));
        const sound = readWav(readFileSync(file ?? ''));
        expect(sound.rate).toBe(8000);
        expect(isSilent(sound)).toBe(false);
        expect(sound.samples.length / sound.rate).toBeGreaterThan(0.1);
      }
    }
  });

  it('are no more than a repository can bear, and their voices are named', () => {
    const wavs = ['ja', 'en'].flatMap((l) =>
      readdirSync(new URL(`prompts/${l}/`, folder)).map((f) => new URL(`prompts/${l}/${f}`, folder)),
    );
    expect(wavs.reduce((sum, f) => sum + statSync(f).size, 0)).toBeLessThan(12_000_000);
    expect(read('prompts/ATTRIBUTION.md')).toContain('Creative Commons Attribution 3.0');
  });
});

describe('speech engines', () => {
  /** A program that writes a WAVE file to its last argument, if `works`, and what it read to `heard`. */
  function program(name: string, script: string): void {
    writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  it('are found by their programs in the path; where there are none, there are none', async () => {
    expect(await findVoices(dir)).toEqual([]);
    program('espeak-ng', 'exit 0');
    expect((await findVoices(`${dir}:/nowhere`)).map((v) => v.voice)).toEqual(['espeak-ng/en']);
    program('flite', 'exit 0');
    expect((await findVoices(dir)).map((v) => v.voice)).toEqual(['flite/slt']);
  });

  it('can be chosen; one that is not there is told, with where to get it and what there is', async () => {
    program('espeak-ng', 'exit 0');
    program('flite', 'exit 0');
    expect(await findVoices(dir, { engines: { en: 'espeak-ng' } })).toMatchObject([{ voice: 'espeak-ng/en', isChosen: true }]);
    rmSync(join(dir, 'flite'));
    await expect(findVoices(dir, { engines: { en: 'flite' } })).rejects.toThrow(
      "VOICE_EN asks for 'flite', which is not on this machine (Debian: flite); here is: espeak-ng",
    );
    await expect(findVoices(dir, { engines: { ja: 'open_jtalk' } })).rejects.toThrow(VoiceMissingError);
    await expect(findVoices(dir, { engines: { ja: 'http' } })).rejects.toThrow('there is no SPEECH_SYNTHESIS_URL');
  });

  it('are a service for both languages when there is one, but where a program was chosen', async () => {
    program('espeak-ng', 'exit 0');
    const service = { url: 'http://127.0.0.1:1/speak', token: null, timeoutMs: 1000 };
    expect((await findVoices(dir, { service })).map((v) => `${v.language} ${v.voice}`)).toEqual([
      'ja http/http://127.0.0.1:1/speak',
      'en http/http://127.0.0.1:1/speak',
    ]);
    const mixed = await findVoices(dir, { service, engines: { ja: null, en: 'espeak-ng' } });
    expect(mixed.map((v) => v.voice)).toEqual(['http/http://127.0.0.1:1/speak', 'espeak-ng/en']);
  });

  it('get words that they would spell out in another spelling', async () => {
    writeFileSync(join(dir, 'sound.wav'), writeWav(tone(500, 16_000, 0.3)));
    program('flite', `cat > '${dir}/heard'; for last; do :; done; cp '${dir}/sound.wav' "$last"`);
    const voice = (await findVoices(dir, { engines: { en: 'flite' } })).find((v) => v.language === 'en');
    await voice?.render('one thousandth baht', dir);
    expect(readFileSync(join(dir, 'heard'), 'utf8')).toBe('one thousanth baat');
  });

  it('get the text by their input, never by the command line', async () => {
    writeFileSync(join(dir, 'sound.wav'), writeWav(tone(500, 16_000, 0.3)));
    program('flite', `cat > '${dir}/heard'; echo "$@" > '${dir}/args'; for last; do :; done; cp '${dir}/sound.wav' "$last"`);
    const [voice] = await findVoices(`${dir}:/usr/bin:/bin`).then((voices) => voices.filter((v) => v.language === 'en'));
    const text = '$(touch x); it\'s "quoted" --help';
    expect((await voice?.render(text, dir))?.rate).toBe(16_000);
    expect(readFileSync(join(dir, 'heard'), 'utf8')).toBe(text);
    expect(readFileSync(join(dir, 'args'), 'utf8')).not.toContain('quoted');
    expect(readdirSync(dir).filter((f) => f.startsWith('.speech'))).toEqual([]);
  });

  it('that fail say so', async () => {
    program('flite', 'exit 3');
    const [voice] = await findVoices(dir);
    await expect(voice?.render('Hello', dir)).rejects.toThrow('the speech program ended with 3');
  });

  const real = ['/usr/bin/open_jtalk', '/usr/bin/flite'].some((f) => existsSync(f)) ? it : it.skip;
  real('that this machine has really speak', async () => {
    const texts = { ja: 'お電話ありがとうございます。少々お待ちください。', en: 'Thank you for calling.' };
    for (const voice of await findVoices(process.env['PATH'] ?? '')) {
      const sound = forTelephone(await voice.render(texts[voice.language], dir));
      expect(sound.samples.length / sound.rate).toBeGreaterThan(0.8);
      expect(isSilent(sound)).toBe(false);
    }
  });
});

describe('sound', () => {
  it.each([8000, 11_025, 16_000, 22_050, 44_100, 48_000])('of %i Hz keeps its pitch and loses what a telephone cannot carry', (rate) => {
    const low = resample(tone(1000, rate, 0.5), TELEPHONE_RATE);
    expect(Math.abs(low.samples.length - 4000)).toBeLessThanOrEqual(1);
    expect(shareOf(1000, low)).toBeGreaterThan(0.95);
    if (rate < 16_000) return;
    const high = resample(tone(5000, rate, 0.5, 20_000), TELEPHONE_RATE); // would fold back to 3000 Hz
    expect(Math.max(...high.samples.subarray(100, -100))).toBeLessThan(60);
  });

  it('is trimmed to a breath at both ends and brought to one level', () => {
    const silence = new Int16Array(8000);
    const speech = tone(400, 8000, 1, 1000).samples;
    const sound = forTelephone({ rate: 8000, samples: Int16Array.from([...silence, ...speech, ...silence]) });
    expect(sound.samples.length / 8000).toBeCloseTo(1.16, 1);
    const loud = forTelephone({ rate: 8000, samples: tone(400, 8000, 1, 32_000).samples });
    const rms = (s: Sound): number => Math.sqrt(s.samples.reduce((sum, x) => sum + x * x, 0) / s.samples.length);
    expect(rms(sound) / rms(loud)).toBeGreaterThan(0.8);
    expect(rms(sound) / rms(loud)).toBeLessThan(1.25);
  });

  it('written is read the same; stereo becomes mono; what is no PCM of 16 bit is refused', () => {
    const sound = tone(440, 8000, 0.1);
    expect(readWav(writeWav(sound))).toEqual(sound);
    expect(() => readWav(Buffer.from('RIFF'))).toThrow(WavError);
    expect(() => readWav(Buffer.alloc(100))).toThrow(WavError);
    const muLaw = writeWav(sound);
    muLaw.writeUInt16LE(7, 20);
    expect(() => readWav(muLaw)).toThrow('format 7');
    const stereo = writeWav({ rate: 8000, samples: Int16Array.of(100, 200, -50, 50) });
    stereo.writeUInt16LE(2, 22);
    expect([...readWav(stereo).samples]).toEqual([150, 0]);
  });

  it('in µ-law is half as long and as good as a telephone’s', () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, code) => code));
    const file = writeMuLawWav({ rate: 8000, samples: new Int16Array(256) });
    every.copy(file, 44);
    const decoded = readWav(file);
    // Both zeros are the same; every other code has a value of its own, up to that of the standard.
    expect(new Set(decoded.samples).size).toBe(255);
    expect(Math.max(...decoded.samples)).toBe(32_124);
    expect(decoded.samples[0]).toBe(-32_124);
    expect([...readWav(writeMuLawWav(decoded)).samples]).toEqual([...decoded.samples]);
    const sound = tone(440, 8000, 0.5);
    const kept = readWav(writeMuLawWav(sound));
    for (const [i, sample] of sound.samples.entries())
      expect(Math.abs(sample - (kept.samples[i] ?? 0))).toBeLessThanOrEqual(4 + Math.abs(sample) / 16);
    expect(writeMuLawWav(sound).length - 44).toBe((writeWav(sound).length - 44) / 2);
  });

  it('for a missing voice is none of the network’s tones and no key', () => {
    const sound = noVoiceTones();
    for (const hertz of [350, 400, 425, 440, 480, 620, 697, 770, 852, 941, 1209, 1336, 1477])
      expect(shareOf(hertz, sound)).toBeLessThan(0.05);
  });
});

describe('npm run prompts', () => {
  const tool = new URL('../../src/tools/prompts.ts', import.meta.url).pathname;
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, [tool, ...args], { encoding: 'utf8', env: { PATH: '/nowhere', DATA_DIR: join(dir, 'data') } });
  interface Row {
    readonly source: string;
    readonly text: string;
    readonly recording?: string;
    readonly in: readonly string[];
  }
  const rows = (...args: string[]): Row[] => JSON.parse(run('--json', ...args)) as Row[];

  it('lists everything that is said, with where its sound comes from and who says it', () => {
    const all = rows();
    expect(all.length).toBeGreaterThan(300);
    expect(new Set(all.map((r) => r.source))).toEqual(new Set(['recorded']));
    expect(all.filter((r) => r.in.includes('identify')).length).toBeGreaterThan(10);
    expect(rows('--missing')).toEqual([]);
    expect(run('--scenario', 'house', '--language', 'en')).toContain('You are next in line.');
    expect(run('--help')).toContain('--render DIR');
  });

  it('tells what is missing in somebody’s own folder', () => {
    const folder = join(dir, 'mine');
    mkdirSync(folder);
    const prompts = readFileSync(new URL('../../scenarios/prompts.yaml', import.meta.url), 'utf8');
    writeFileSync(join(folder, 'prompts.yaml'), prompts);
    writeFileSync(
      join(folder, 'hello.yaml'),
      'name: hello\nlanguages: [en]\nstart: a\nsteps:\n  a: { say: { en: Hello there, recording: hello }, next: b }\n  b: { hangUp: true }\n',
    );
    expect(rows('--scenarios', folder, '--scenario', 'hello', '--missing').map((r) => `${r.source} ${r.recording} ${r.text}`)).toEqual([
      'missing hello Hello there',
      'tones hello Hello there',
    ]);
    expect(run('--scenarios', folder)).toContain('1 recordings are missing');
  });
});
