/** Sounds that we make ourselves, as telephones carry them. */
import { type Sound, TELEPHONE_RATE, writeWav } from './wav.ts';

/** One sound: several pitches at once. Silence when there is none. */
export interface Tone {
  readonly hz: readonly number[];
  readonly ms: number;
  /** Loudness of all pitches together, 0 to 1. */
  readonly level: number;
}

/** One after another. Each starts and ends softly (5 ms), so that no click is heard. */
export function tones(tones: readonly Tone[]): Sound {
  const samples: number[] = [];
  for (const { hz, ms, level } of tones) {
    const count = Math.round((ms * TELEPHONE_RATE) / 1000);
    const edge = Math.min(TELEPHONE_RATE / 200, Math.floor(count / 2));
    for (let i = 0; i < count; i += 1) {
      let sum = 0;
      for (const pitch of hz) sum += Math.sin((2 * Math.PI * pitch * i) / TELEPHONE_RATE);
      const envelope = edge === 0 ? 1 : Math.min(1, i / edge, (count - 1 - i) / edge);
      const value = hz.length === 0 ? 0 : (sum / hz.length) * level * envelope;
      samples.push(Math.round(Math.max(-1, Math.min(1, value)) * 32767));
    }
  }
  return { rate: TELEPHONE_RATE, samples: Int16Array.from(samples) };
}

export const tonesToWav = (of: readonly Tone[]): Buffer => writeWav(tones(of));

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
