/** What is on a recording: tones, silence, length. Of a WAV file, or of sound that was read from one. */
import { readFileSync } from 'node:fs';
import { readWav, type Sound } from '../../base/wav.ts';

export interface Span {
  readonly fromMs?: number;
  readonly toMs?: number;
}

export function durationMs(of: Sound | string): number {
  const { samples, rate } = soundOf(of);
  return (samples.length / rate) * 1000;
}

/**
 * How much of the sound's energy is at this pitch, 0 to 1: near 1 for the pure tone, below 0.05 for speech and noise, 0 for
 * silence. Goertzel over blocks of 50 ms (so ± 20 Hz), the energies added up.
 */
export function toneStrength(of: Sound | string, hz: number, span: Span = {}): number {
  const { samples, rate } = part(of, span);
  const block = Math.round(rate / 20);
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let tone = 0;
  let all = 0;
  for (let start = 0; start + block <= samples.length; start += block) {
    let last = 0;
    let beforeLast = 0;
    for (let i = start; i < start + block; i += 1) {
      const sample = samples[i] ?? 0;
      all += sample * sample;
      const next = sample + coefficient * last - beforeLast;
      beforeLast = last;
      last = next;
    }
    const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
    // A sine's Goertzel power is (amplitude * block / 2)²; its energy amplitude² * block / 2.
    tone += (2 * power) / block;
  }
  return all === 0 ? 0 : Math.min(1, tone / all);
}

/** Root mean square, 0 to 1. A full sine has 0.71, speech on the telephone about 0.05 to 0.2. */
export function loudness(of: Sound | string, span: Span = {}): number {
  const { samples } = part(of, span);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length) / 32_768;
}

/** Nothing that an ear would notice: below -54 dB. */
export function isSilent(of: Sound | string, span: Span = {}): boolean {
  return loudness(of, span) < 0.002;
}

/** The longest stretch of silence within, in ms, in steps of 20 ms: audio that "never stopped" has none of note. */
export function longestSilenceMs(of: Sound | string, span: Span = {}): number {
  const { samples, rate } = part(of, span);
  const step = Math.round(rate / 50);
  let longest = 0;
  let current = 0;
  for (let start = 0; start + step <= samples.length; start += step) {
    current = isSilent({ samples: samples.subarray(start, start + step), rate }) ? current + 20 : 0;
    longest = Math.max(longest, current);
  }
  return longest;
}

const soundOf = (of: Sound | string): Sound => (typeof of === 'string' ? readWav(readFileSync(of)) : of);

function part(of: Sound | string, span: Span): Sound {
  const { samples, rate } = soundOf(of);
  const index = (ms: number) => Math.round((ms * rate) / 1000);
  return { rate, samples: samples.subarray(index(span.fromMs ?? 0), span.toMs === undefined ? undefined : index(span.toMs)) };
}
