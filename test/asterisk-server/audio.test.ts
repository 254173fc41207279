/** The measuring instruments of the tests with sound, tried on sounds that are known. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdMusicWav, type Tone, tonesToWav } from '#src/base/tones.ts';
import { durationMs, isSilent, longestSilenceMs, loudness, toneStrength } from '#test/support/audio.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'audio-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function wavOf(tones: readonly Tone[]): string {
  const file = join(folder, 'sound.wav');
  writeFileSync(file, tonesToWav(tones));
  return file;
}

test('a pure tone is found at its pitch and nowhere else', () => {
  const file = wavOf([{ hz: [1000], ms: 1000, level: 0.5 }]);
  expect(durationMs(file)).toBe(1000);
  expect(toneStrength(file, 1000)).toBeGreaterThan(0.95);
  expect(toneStrength(file, 900)).toBeLessThan(0.02);
  expect(loudness(file)).toBeCloseTo(0.35, 1);
});

test('of two tones each has its half, and only in its span', () => {
  const file = wavOf([
    { hz: [400, 1000], ms: 1000, level: 0.5 },
    { hz: [], ms: 500, level: 0 },
    { hz: [700], ms: 500, level: 0.5 },
  ]);
  expect(toneStrength(file, 400, { toMs: 1000 })).toBeCloseTo(0.5, 1);
  expect(toneStrength(file, 700, { toMs: 1000 })).toBeLessThan(0.05);
  expect(toneStrength(file, 700, { fromMs: 1500 })).toBeGreaterThan(0.95);
  expect(isSilent(file, { fromMs: 1000, toMs: 1500 })).toBe(true);
  expect(longestSilenceMs(file)).toBeGreaterThanOrEqual(480);
  expect(longestSilenceMs(file)).toBeLessThanOrEqual(540);
});

test('silence has no tone', () => {
  const file = wavOf([{ hz: [], ms: 300, level: 0 }]);
  expect(toneStrength(file, 1000)).toBe(0);
  expect(isSilent(file)).toBe(true);
});

test('our own hold music is heard and never silent for long', () => {
  const file = join(folder, 'hold.wav');
  writeFileSync(file, holdMusicWav());
  expect(isSilent(file)).toBe(false);
  expect(longestSilenceMs(file)).toBeLessThan(400);
});
