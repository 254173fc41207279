/** What an agent's microphone hears in the tests: a pure tone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tonesToWav } from '#src/base/tones.ts';

/** A WAV file with 10 s of this tone; Chromium plays it over and over. */
export function toneFile(hz: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'mg-voice-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, `${hz}.wav`);
  writeFileSync(file, tonesToWav([{ hz: [hz], ms: 10_000, level: 0.5 }]));
  return file;
}
