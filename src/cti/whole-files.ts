/** Files that others read while we write them: all of a file or nothing. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** All of the file or nothing, also for a switch that reads it this very moment. */
export async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const draft = join(path, '..', `.draft-${process.pid}-${randomBytes(6).toString('hex')}`);
  await writeFile(draft, bytes);
  await rename(draft, path);
}

/** Older ones were left by a process that was killed in the middle of writing; younger ones may be another's at work. */
const DRAFT_MS = 10 * 60_000;
export async function removeDrafts(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    try {
      if (name.startsWith('.') && (await stat(path)).mtimeMs < Date.now() - DRAFT_MS) await rm(path, { force: true });
    } catch {
      // Finished, or taken away, between the listing and now.
    }
  }
}
