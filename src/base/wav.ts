/** Sound as the switches take and give it: a RIFF WAV file with the plain header of 44 bytes, 16 bit PCM, 8 kHz, mono. */

export const WAV_HEADER_BYTES = 44;
const SAMPLES_PER_SECOND = 8_000;

/** A WAV file of samples, 16 bit little endian each. */
export function pcmWav(samples: Buffer): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(WAV_HEADER_BYTES - 8 + samples.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // mono
  header.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  header.writeUInt32LE(SAMPLES_PER_SECOND * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

/** How long it is, in ms. */
export function wavMs(wav: Buffer): number {
  return Math.floor((Math.max(0, wav.length - WAV_HEADER_BYTES) * 1000) / (SAMPLES_PER_SECOND * 2));
}
