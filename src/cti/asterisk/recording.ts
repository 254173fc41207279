/** Asterisk's recordings as files: their names, and what is in them. `format_wav` writes 16 bit PCM, 8 kHz, mono. */
import { pcmWav, WAV_HEADER_BYTES } from '../../base/wav.ts';

/** The recording's id is its file's name: nothing that would lead to another folder, or be hidden. */
export function isRecordingName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,119}$/.test(name);
}

/**
 * The file as it should be: one that was being written when Asterisk died, has a header that says nothing of its length.
 * Null when it is no such WAV file.
 */
export function wholeWav(file: Buffer): Buffer | null {
  if (file.length < WAV_HEADER_BYTES || file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 16) !== 'WAVEfmt ')
    return null;
  if (file.toString('latin1', 36, 40) !== 'data') return null;
  return pcmWav(file.subarray(WAV_HEADER_BYTES, file.length - (file.length % 2)));
}
