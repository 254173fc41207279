/** What is done to sound before a telephone carries it: resampled, trimmed, brought to one level. */
import { tones } from '../base/tones.ts';
import { type Sound, TELEPHONE_RATE } from '../base/wav.ts';

/** Half-width of the filter in samples of the lower rate: 16 give some 60 dB of rejection with a Blackman window. */
const HALF_WIDTH = 16;

/**
 * To another rate, by a windowed-sinc low pass just under the lower rate's half: what is above would fold back as noise.
 * Output samples fall on `toRate / gcd` different places between input samples; the filter is worked out once for each.
 */
export function resample({ rate, samples }: Sound, toRate: number): Sound {
  if (rate === toRate) return { rate, samples };
  const half = Math.ceil((HALF_WIDTH * rate) / Math.min(rate, toRate));
  const phases = toRate / gcd(rate, toRate);
  const filters = Array.from({ length: phases }, (_, phase) =>
    lowPass(((phase * rate) / toRate) % 1, half, (0.46 * Math.min(rate, toRate)) / rate),
  );
  const out = new Int16Array(Math.floor((samples.length * toRate) / rate));
  for (let i = 0; i < out.length; i++) {
    const filter = filters[i % phases] as Float64Array;
    const first = Math.floor((i * rate) / toRate) - half;
    let sum = 0;
    for (let n = 0; n < filter.length; n++) sum += (filter[n] as number) * (samples[first + n] ?? 0);
    out[i] = clip(sum);
  }
  return { rate: toRate, samples: out };
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** A Blackman-windowed sinc of 2·half + 1 weights around a place `offset` (0…1) after its middle sample; they sum up to 1. */
function lowPass(offset: number, half: number, cutoff: number): Float64Array {
  const weights = new Float64Array(2 * half + 1);
  for (let n = 0; n < weights.length; n++) {
    const x = n - half - offset;
    if (Math.abs(x) >= half) continue;
    const phase = (Math.PI * x) / half;
    const window = 0.42 + 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase);
    weights[n] = (x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x)) * window;
  }
  const sum = weights.reduce((total, w) => total + w, 0);
  return weights.map((w) => w / sum);
}

const clip = (value: number): number => Math.max(-32768, Math.min(32767, Math.round(value)));

/** Speech of about −20 dBFS with peaks of at most −3 is loud enough on every phone and far from clipping in G.711. */
const SPEECH_RMS = 32768 * 10 ** (-20 / 20);
const PEAK = 32768 * 10 ** (-3 / 20);
/** Below this (−48 dBFS) it counts as silence. */
const SILENCE = 130;
const EDGE_MS = 80;

/**
 * Takes the silence from both ends, all but so many milliseconds (unless told: a breath), and brings the level to that of
 * telephone speech.
 */
export function forTelephone(sound: Sound, edges: { readonly beforeMs?: number; readonly afterMs?: number } = {}): Sound {
  const { samples } = resample(sound, TELEPHONE_RATE);
  const before = (TELEPHONE_RATE * (edges.beforeMs ?? EDGE_MS)) / 1000;
  const after = (TELEPHONE_RATE * (edges.afterMs ?? EDGE_MS)) / 1000;
  const first = samples.findIndex((s) => Math.abs(s) > SILENCE);
  const last = samples.findLastIndex((s) => Math.abs(s) > SILENCE);
  if (first < 0) return { rate: TELEPHONE_RATE, samples };
  const kept = samples.subarray(Math.max(0, first - before), Math.min(samples.length, last + 1 + after));
  let peak = 0;
  let squares = 0;
  let voiced = 0;
  for (const s of kept) {
    peak = Math.max(peak, Math.abs(s));
    if (Math.abs(s) <= SILENCE) continue;
    squares += s * s;
    voiced += 1;
  }
  const gain = Math.min(SPEECH_RMS / Math.sqrt(squares / voiced), PEAK / peak);
  return { rate: TELEPHONE_RATE, samples: kept.map((s) => clip(s * gain)) };
}

/** One after another, with a pause between. All have the first one's rate. */
export function join(sounds: readonly Sound[], pauseMs: number): Sound {
  const rate = sounds[0]?.rate ?? TELEPHONE_RATE;
  const pause = Math.round((rate * pauseMs) / 1000);
  const parts = sounds.map((s) => resample(s, rate).samples);
  const samples = new Int16Array(parts.reduce((sum, p) => sum + p.length + pause, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length + pause;
  }
  return { rate, samples };
}

export const isSilent = ({ samples }: Sound): boolean => !samples.some((s) => Math.abs(s) > SILENCE);

/**
 * What is played where no voice can be had: three rising tones (C, E, G), twice. Nobody takes it for a ring, a busy tone or a
 * dead line, and it holds none of the DTMF or network tone pairs.
 */
export const noVoiceTones = (): Sound =>
  tones([523, 659, 784, 0, 523, 659, 784].map((hertz) => ({ hz: hertz === 0 ? [] : [hertz], ms: 220, level: 0.18 })));
