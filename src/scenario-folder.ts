/**
 * The folder of scenarios as it is on the disk, and a look at it every now and then. Looking is all: notifications of the file system do
 * not come over networks and bind mounts, and a `stat` of some ten files a second costs nothing.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of the files with their texts. */
export type Files = Readonly<Record<string, string>>;

/** Longer than any scenario that a person could read, and short enough to be checked in a moment. */
const MOST_BYTES = 1024 * 1024;

/** Hidden files are editors' own: drafts, locks. */
const isOurs = (name: string): boolean => name.endsWith('.yaml') && !name.startsWith('.');

/** What changes when one of the files does. @throws Error when the folder, or a file in it, cannot be looked at */
async function fingerprint(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter(isOurs).sort();
  const lines = await Promise.all(
    names.map(async (name) => {
      const { ino, size, mtimeNs, ctimeNs } = await stat(join(folder, name), { bigint: true });
      return `${name} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    }),
  );
  return lines.join('\n');
}

/**
 * All files of the folder; null when somebody wrote there meanwhile.
 * @throws Error when the folder or a file cannot be read, or a file is far too long to be one that somebody wrote
 */
export async function readFolder(folder: string): Promise<Files | null> {
  const before = await fingerprint(folder);
  const names = (await readdir(folder)).filter(isOurs).sort();
  const read = async (name: string): Promise<[string, string]> => {
    const path = join(folder, name);
    if ((await stat(path)).size > MOST_BYTES) throw new Error(`${name} is longer than ${MOST_BYTES} bytes`);
    return [name, await readFile(path, 'utf8')];
  };
  const files = Object.fromEntries(await Promise.all(names.map(read)));
  return (await fingerprint(folder)) === before ? files : null;
}

export interface FolderWatchOptions {
  readonly folder: string;
  /** Between two looks. A change that two of them in a row have seen alike is over. */
  readonly everyMs: number;
  /** Told of a change that is over, once; again at the next look when it says that it is not done with it. Never while it is at work. */
  readonly changed: () => Promise<'done' | 'again'>;
}

/** Tells of what is there once at the start, and of every change. Gives the way to stop, which waits for the look under way. */
export function watchFolder({ folder, everyMs, changed }: FolderWatchOptions): () => Promise<void> {
  let told = '';
  let seen = '';
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const look = async (): Promise<void> => {
    // A folder that cannot be looked at is a state like another: whoever is told reads it, and learns why.
    const now = await fingerprint(folder).catch((error: unknown) => `away: ${String(error)}`);
    if (now !== told && now === seen && (await changed()) === 'done') told = now;
    seen = now;
  };
  let looking = look();
  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      looking = look().finally(again);
    }, everyMs).unref();
  };
  void looking.finally(again);
  return async () => {
    stopped = true;
    if (timer) clearTimeout(timer);
    await looking;
  };
}
