/** Sound as telephones want it: 8 kHz, mono, 16 bit. Reads and writes RIFF WAVE, resamples, trims, levels, makes tones. */

export const TELEPHONE_RATE = 8000;

export interface Sound {
  readonly rate: number;
  readonly samples: Int16Array;
}

/** The bytes are no WAVE that we read: PCM of 16 bit (format 1, or extensible), or the telephone's µ-law (format 7). */
export class WavError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WavError';
  }
}

/**
 * Reads a WAVE file; several channels become one.
 * @throws WavError
 */
export function readWav(bytes: Buffer): Sound {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    throw new WavError('not a RIFF WAVE file');
  }
  let format: { channels: number; rate: number; isMuLaw: boolean } | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = bytes.toString('latin1', at, at + 4);
    const start = at + 8;
    // Programs that write to a pipe can't know the length and write 0 or 4 GB: the rest of the file is meant.
    const told = bytes.readUInt32LE(at + 4);
    const size = name === 'data' && told === 0 ? bytes.length - start : Math.min(told, bytes.length - start);
    if (name === 'fmt ' && size >= 16) {
      const kind = bytes.readUInt16LE(start);
      const bits = bytes.readUInt16LE(start + 14);
      const isMuLaw = kind === MU_LAW && bits === 8;
      if (!isMuLaw && ((kind !== PCM && kind !== 0xfffe) || bits !== 16)) {
        throw new WavError(`format ${kind} with ${bits} bit, neither PCM with 16 nor µ-law`);
      }
      format = { channels: Math.max(1, bytes.readUInt16LE(start + 2)), rate: bytes.readUInt32LE(start + 4), isMuLaw };
    }
    if (name === 'data') {
      if (!format || format.rate === 0) throw new WavError('sound without a format before it');
      const data = bytes.subarray(start, start + size);
      return { rate: format.rate, samples: format.isMuLaw ? fromMuLaw(data, format.channels) : oneChannel(data, format.channels) };
    }
    at = start + size + (size % 2);
  }
  throw new WavError('no sound in it');
}

const PCM = 1;
const MU_LAW = 7;

/** Whether a switch plays these bytes as they are: PCM of 16 bit, 8 kHz, one channel, written as everybody writes it. */
export const isForSwitch = (bytes: Buffer): boolean =>
  bytes.length >= 44 &&
  bytes.toString('latin1', 12, 16) === 'fmt ' &&
  bytes.readUInt16LE(20) === PCM &&
  bytes.readUInt16LE(22) === 1 &&
  bytes.readUInt32LE(24) === TELEPHONE_RATE &&
  bytes.readUInt16LE(34) === 16;

/** G.711: a sign, three bits of magnitude, four of the rest; all inverted. */
const MU_LAW_VALUES = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const value = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return (bits & 0x80) === 0 ? value : -value;
});

function fromMuLaw(data: Buffer, channels: number): Int16Array {
  const samples = new Int16Array(Math.floor(data.length / channels));
  for (let frame = 0; frame < samples.length; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += MU_LAW_VALUES[data[frame * channels + channel] ?? 0xff] ?? 0;
    samples[frame] = Math.round(sum / channels);
  }
  return samples;
}

function muLawOf(sample: number): number {
  const magnitude = Math.min(Math.abs(sample), 32_635) + 0x84;
  const exponent = 24 - Math.clz32(magnitude); // its highest bit is bit 7 at least
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

/** A WAVE file in µ-law: half as long as PCM, and nothing is lost that a telephone would carry. For files that are kept, not played. */
export function writeMuLawWav({ rate, samples }: Sound): Buffer {
  const bytes = header(rate, MU_LAW, 8, samples.length);
  for (const [i, sample] of samples.entries()) bytes[44 + i] = muLawOf(sample);
  return bytes;
}

function oneChannel(data: Buffer, channels: number): Int16Array {
  const frames = Math.floor(data.length / 2 / channels);
  const samples = new Int16Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += data.readInt16LE((frame * channels + channel) * 2);
    samples[frame] = Math.round(sum / channels);
  }
  return samples;
}

export function writeWav({ rate, samples }: Sound): Buffer {
  const bytes = header(rate, PCM, 16, samples.length * 2);
  for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(samples[i] ?? 0, 44 + i * 2);
  return bytes;
}

/** Of one channel, with room for the sound behind it. */
function header(rate: number, format: number, bits: number, length: number): Buffer {
  const bytes = Buffer.alloc(44 + length);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + length, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(format, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE((rate * bits) / 8, 28);
  bytes.writeUInt16LE(bits / 8, 32);
  bytes.writeUInt16LE(bits, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(length, 40);
  return bytes;
}

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
export function noVoiceTones(): Sound {
  const notes = [523, 659, 784, 0, 523, 659, 784];
  const length = (TELEPHONE_RATE * 220) / 1000;
  const ramp = (TELEPHONE_RATE * 10) / 1000; // rises and falls within 10 ms, so that it does not click
  const samples = new Int16Array(notes.length * length);
  for (const [index, hertz] of notes.entries()) {
    for (let i = 0; i < length; i++) {
      const level = 6000 * Math.min(1, i / ramp, (length - i) / ramp);
      samples[index * length + i] = hertz === 0 ? 0 : Math.round(level * Math.sin((2 * Math.PI * hertz * i) / TELEPHONE_RATE));
    }
  }
  return { rate: TELEPHONE_RATE, samples };
}
