/** Sound in RIFF WAVE files. Whatever is read; written is one channel, with the plain header of 44 bytes. */

/** Samples in a second, as telephones have them. */
export const TELEPHONE_RATE = 8000;
export const WAV_HEADER_BYTES = 44;

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
  bytes.length >= WAV_HEADER_BYTES &&
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
  return wavOf(Buffer.from(Uint8Array.from(samples, muLawOf)), rate, MU_LAW, 8);
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
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [i, sample] of samples.entries()) bytes.writeInt16LE(sample, i * 2);
  return wavOf(bytes, rate, PCM, 16);
}

/** A file as switches play and record it, of samples of 16 bit, little endian each. */
export const pcmWav = (samples: Buffer): Buffer => wavOf(samples, TELEPHONE_RATE, PCM, 16);

/** How long a file of `pcmWav`'s is, in ms. */
export function wavMs(wav: Buffer): number {
  return Math.floor((Math.max(0, wav.length - WAV_HEADER_BYTES) * 1000) / (TELEPHONE_RATE * 2));
}

/** Of one channel. */
function wavOf(samples: Buffer, rate: number, format: number, bits: number): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(WAV_HEADER_BYTES - 8 + samples.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(format, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE((rate * bits) / 8, 28);
  header.writeUInt16LE(bits / 8, 32);
  header.writeUInt16LE(bits, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}
