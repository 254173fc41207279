/** What is on a recording: tones, silence, length. For 16 bit PCM WAV files as Asterisk and src/cti/asterisk/server/wav.ts make them. */
import { readFileSync } from 'node:fs';

export interface Wav {
  readonly sampleRate: number;
  /** -1 to 1; of several channels the first. */
  readonly samples: Float64Array;
}

export interface Span {
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** Reads a RIFF WAV file. Throws when it is anything else than 16 bit PCM. */
export function readWav(file: string): Wav {
  const bytes = readFileSync(file);
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') throw new Error(`${file} is no WAV file`);
  let sampleRate = 0;
  let channels = 1;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const kind = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    const body = at + 8;
    if (kind === 'fmt ') {
      if (bytes.readUInt16LE(body) !== 1 || bytes.readUInt16LE(body + 14) !== 16) throw new Error(`${file} is not 16 bit PCM`);
      channels = bytes.readUInt16LE(body + 2);
      sampleRate = bytes.readUInt32LE(body + 4);
    } else if (kind === 'data') {
      // A file that is still being written says 0, or more than there is.
      const end = size === 0 ? bytes.length : Math.min(body + size, bytes.length);
      const samples = new Float64Array(Math.floor((end - body) / (2 * channels)));
      for (let i = 0; i < samples.length; i += 1) samples[i] = bytes.readInt16LE(body + i * 2 * channels) / 32_768;
      return { sampleRate, samples };
    }
    at = body + size + (size % 2);
  }
  throw new Error(`${file} has no sound in it`);
}

export function durationMs(wav: Wav | string): number {
  const { samples, sampleRate } = toWav(wav);
  return (samples.length / sampleRate) * 1000;
}

/**
 * How much of the sound's energy is at this pitch, 0 to 1: near 1 for the pure tone, below 0.05 for speech and noise, 0 for
 * silence. Goertzel over blocks of 50 ms (so ± 20 Hz), the energies added up.
 */
export function toneStrength(wav: Wav | string, hz: number, span: Span = {}): number {
  const { samples, sampleRate } = part(wav, span);
  const block = Math.round(sampleRate / 20);
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / sampleRate);
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
export function loudness(wav: Wav | string, span: Span = {}): number {
  const { samples } = part(wav, span);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** Nothing that an ear would notice: below -54 dB. */
export function isSilent(wav: Wav | string, span: Span = {}): boolean {
  return loudness(wav, span) < 0.002;
}

/** The longest stretch of silence within, in ms, in steps of 20 ms: audio that "never stopped" has none of note. */
export function longestSilenceMs(wav: Wav | string, span: Span = {}): number {
  const { samples, sampleRate } = part(wav, span);
  const step = Math.round(sampleRate / 50);
  let longest = 0;
  let current = 0;
  for (let start = 0; start + step <= samples.length; start += step) {
    current = isSilent({ samples: samples.subarray(start, start + step), sampleRate }) ? current + 20 : 0;
    longest = Math.max(longest, current);
  }
  return longest;
}

function toWav(wav: Wav | string): Wav {
  return typeof wav === 'string' ? readWav(wav) : wav;
}

function part(wav: Wav | string, span: Span): Wav {
  const { samples, sampleRate } = toWav(wav);
  const index = (ms: number) => Math.round((ms * sampleRate) / 1000);
  return { sampleRate, samples: samples.subarray(index(span.fromMs ?? 0), span.toMs === undefined ? undefined : index(span.toMs)) };
}
