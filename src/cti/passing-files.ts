/**
 * A folder of files that are kept only for a while: at most so many, and so long after their last use; what was not used for the
 * longest goes first. The order survives a restart, in the files' times.
 */
import { rmSync } from 'node:fs';
import { mkdir, readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { removeDrafts } from './whole-files.ts';

export class PassingFiles {
  readonly folder: string;
  private readonly limits: { readonly most: number; readonly keepMs: number };
  /** Name → last use; in the order of use. */
  private readonly usedAt = new Map<string, number>();

  private constructor(folder: string, limits: { readonly most: number; readonly keepMs: number }) {
    this.folder = folder;
    this.limits = limits;
  }

  /** Makes the folder, and clears it of what is due. */
  static async open(folder: string, limits: { readonly most: number; readonly keepMs: number }): Promise<PassingFiles> {
    await mkdir(folder, { recursive: true });
    await removeDrafts(folder);
    const files = new PassingFiles(folder, limits);
    const found: { name: string; at: number }[] = [];
    for (const name of await readdir(folder)) {
      const at = name.startsWith('.') ? null : await timeOf(join(folder, name));
      if (at !== null) found.push({ name, at });
    }
    for (const { name, at } of found.toSorted((a, b) => a.at - b.at)) files.usedAt.set(name, at);
    files.clear(Date.now());
    return files;
  }

  /** Whether a file is there; if so, it counts as used now. */
  async use(name: string): Promise<boolean> {
    if (!this.usedAt.has(name)) return false;
    const now = new Date();
    // First of all, so that nothing that is written meanwhile makes it the one to go.
    this.touch(name, now.getTime());
    try {
      await utimes(join(this.folder, name), now, now);
      return true;
    } catch {
      this.usedAt.delete(name); // Gone by somebody else's hand: it is made anew.
      return false;
    }
  }

  /** A file has been written; others may go for it. */
  add(name: string): void {
    const now = Date.now();
    this.touch(name, now);
    this.clear(now);
  }

  private touch(name: string, now: number): void {
    this.usedAt.delete(name);
    this.usedAt.set(name, now);
  }

  /** At once: a removal still under way could meet the same file written anew. It is one file, as a rule. */
  private clear(now: number): void {
    for (const [name, at] of this.usedAt) {
      if (this.usedAt.size <= this.limits.most && at > now - this.limits.keepMs) return;
      this.usedAt.delete(name);
      rmSync(join(this.folder, name), { force: true });
    }
  }
}

async function timeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return null; // Gone between the listing and now.
  }
}
