/** Sounds that we make ourselves: 16 bit mono PCM in a WAV file, 8 kHz, which Asterisk plays without any codec. */
import { pcmWav } from '../../../base/wav.ts';

export const sampleRate = 8000;

/** One sound: several pitches at once. Silence when there is none. */
export interface Tone {
  readonly hz: readonly number[];
  readonly ms: number;
  /** Loudness of all pitches together, 0 to 1. */
  readonly level: number;
}

/** Tones one after another. Each starts and ends softly (5 ms), so that no click is heard. */
export function tonesToWav(tones: readonly Tone[]): Buffer {
  const samples: number[] = [];
  for (const tone of tones) {
    const count = Math.round((tone.ms * sampleRate) / 1000);
    const edge = Math.min(sampleRate / 200, Math.floor(count / 2));
    for (let i = 0; i < count; i += 1) {
      let sum = 0;
      for (const hz of tone.hz) sum += Math.sin((2 * Math.PI * hz * i) / sampleRate);
      const envelope = edge === 0 ? 1 : Math.min(1, i / edge, (count - 1 - i) / edge);
      samples.push(tone.hz.length === 0 ? 0 : (sum / tone.hz.length) * tone.level * envelope);
    }
  }
  return samplesToWav(samples);
}

/** Samples from -1 to 1 as a WAV file (RIFF, PCM, 16 bit, mono, 8 kHz). */
export function samplesToWav(samples: readonly number[]): Buffer {
  const pcm = Buffer.alloc(samples.length * 2);
  samples.forEach((sample, i) => {
    pcm.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32767), i * 2);
  });
  return pcmWav(pcm);
}

/** Music for who waits where no recorded music is installed: soft chords, never silent for long. */
export function holdMusicWav(): Buffer {
  const chords = [
    [262, 330, 392],
    [294, 349, 440],
    [247, 294, 392],
    [262, 330, 523],
  ];
  return tonesToWav(
    chords.flatMap((hz) => [
      { hz, ms: 1600, level: 0.15 },
      { hz: [], ms: 200, level: 0 },
    ]),
  );
}
