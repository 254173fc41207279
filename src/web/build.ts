/**
 * Builds the browser code: the panel (`index.html` and hashed `assets/`), the embed script (`call-me.js`) and the script of a
 * callback's page (`callback.js`). Done at start when the sources have changed, by Vite's API, so that a fresh machine needs no
 * build step of its own.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { InlineConfig } from 'vite';

export interface BuildWebOptions {
  /** Where the result goes; replaced as a whole. Its parent is made when missing. */
  readonly outDir: string;
  readonly log: { info(fields: object, message: string): void };
  /** Builds even when nothing has changed. */
  readonly force?: boolean;
}

const WEB = import.meta.dirname;
const ROOT = join(WEB, '..', '..');
/** All that the result depends on: sources, this file, and the exact versions of all packages. */
const SOURCES = [join(WEB, 'panel'), join(WEB, 'call-me'), join(WEB, 'build.ts'), join(ROOT, 'package-lock.json')];
const STAMP = '.stamp';
/** Old enough for WebRTC desks to have; what is newer in the sources is translated. */
const TARGET = ['chrome123', 'firefox121', 'safari17.5'];

/**
 * Brings `outDir` up to date with the sources.
 * @returns whether it had to build
 * @throws Error of the bundler when a source is wrong; `outDir` is then as it was
 */
export async function buildWeb(options: BuildWebOptions): Promise<boolean> {
  const { outDir, log } = options;
  const stamp = await hashOf(SOURCES);
  if (options.force !== true && (await stampOf(outDir)) === stamp) return false;

  const startedAt = performance.now();
  // Loaded only now: a warm start does without the bundler.
  const { build } = await import('vite');
  const next = `${outDir}.next-${process.pid}`;
  // Vite sets NODE_ENV for its own sake; this process may be a server that lives on.
  const nodeEnv = process.env['NODE_ENV'];
  try {
    await mkdir(dirname(outDir), { recursive: true });
    await build(panelConfig(next));
    await build(scriptConfig(next, 'call-me'));
    await build(scriptConfig(next, 'callback'));
    await writeFile(join(next, STAMP), stamp);
    await replace(outDir, next, stamp);
  } finally {
    if (nodeEnv === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = nodeEnv;
    await rm(next, { recursive: true, force: true });
  }
  log.info({ outDir, durationMs: Math.round(performance.now() - startedAt) }, 'browser code built');
  return true;
}

function panelConfig(outDir: string): InlineConfig {
  return {
    root: join(WEB, 'panel'),
    base: '/',
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'error',
    mode: 'production',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      target: TARGET,
      assetsDir: 'assets',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  };
}

/** One classic script without imports, of `call-me/<name>.ts`. */
function scriptConfig(outDir: string, name: 'call-me' | 'callback'): InlineConfig {
  return {
    root: join(WEB, 'call-me'),
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'error',
    mode: 'production',
    build: {
      outDir,
      emptyOutDir: false,
      target: TARGET,
      reportCompressedSize: false,
      lib: { entry: join(WEB, 'call-me', `${name}.ts`), formats: ['iife'], name: 'Madoguchi', fileName: () => `${name}.js` },
    },
  };
}

/** One rename, so that a server on `outDir` never serves half a build. Two processes may build at the same time: either result is right. */
async function replace(outDir: string, next: string, stamp: string): Promise<void> {
  const old = `${outDir}.old-${process.pid}`;
  try {
    if (existsSync(outDir)) await rename(outDir, old);
    await rename(next, outDir);
  } catch (error) {
    // Another process was faster. What it made has to be the same thing.
    if ((await stampOf(outDir)) !== stamp) throw error;
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

async function stampOf(outDir: string): Promise<string | null> {
  try {
    return await readFile(join(outDir, STAMP), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function hashOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of await filesOf(path)) {
      hash.update(`${relative(ROOT, file)}\0`);
      hash.update(await readFile(file));
      hash.update('\0');
    }
  }
  return hash.digest('hex');
}

/** A file itself, or all files beneath a folder in a fixed order; nothing when it is missing (an installation without a lock file). */
async function filesOf(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (entries === null) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
