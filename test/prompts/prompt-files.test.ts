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
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '../../src/base/checked-yaml.ts';
import { PromptFiles, type PromptFilesOptions, textHash } from '../../src/cti/prompts.ts';
import { findVoices, type VoiceEngine } from '../../src/cti/voices.ts';
import {
  forTelephone,
  isSilent,
  noVoiceTones,
  readWav,
  resample,
  type Sound,
  TELEPHONE_RATE,
  WavError,
  writeWav,
} from '../../src/cti/wav.ts';
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
  const { wordings, set } = unwrap(readRelease(Object.fromEntries(files.map((f) => [f, read(f)])), 'scenarios/'));
  const all = finitePrompts(wordings, [...set.scenarios.values()]);

  it('say every prompt of every shipped file (npm run prompts -- --render scenarios/prompts), audibly, at 8 kHz', async () => {
    const store = await open({ recordingsDir: join(folder.pathname, 'prompts') });
    for (const prompt of all) {
      for (const { source, text, file } of await store.look(prompt)) {
        expect(`${source} ${text}`).toBe(`recorded ${text}`);
        expect(dirname(dirname(file ?? ''))).toBe(join(folder.pathname, 'prompts'));
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
    expect(wavs.reduce((sum, f) => sum + statSync(f).size, 0)).toBeLessThan(15_000_000);
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

  it('for a missing voice is none of the network’s tones and no key', () => {
    const sound = noVoiceTones();
    for (const hertz of [350, 400, 425, 440, 480, 620, 697, 770, 852, 941, 1209, 1336, 1477])
      expect(shareOf(hertz, sound)).toBeLessThan(0.05);
  });
});

it('npm run prompts lists every prompt with where its sound comes from', () => {
  const tool = new URL('../../src/tools/prompts.ts', import.meta.url).pathname;
  const rows = JSON.parse(execFileSync(process.execPath, [tool, '--json'], { encoding: 'utf8' })) as { source: string; text: string }[];
  expect(rows.length).toBeGreaterThan(60);
  expect(new Set(rows.map((r) => r.source))).toEqual(new Set(['recorded']));
});
