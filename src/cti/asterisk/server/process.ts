/**
 * One Asterisk as a process of the operating system: start it, talk to it, know it again, end it.
 *
 * Two ways of life. The product's is *detached*: it has its own session and log file, so neither Ctrl-C in a terminal nor
 * the death of the controller reaches it, and calls go on. A scripted far side's is *tethered*: it dies with whoever
 * started it, however that one dies, so that no test leaves processes behind.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a process is known by: its id is used again after its death, its start time is not. */
export interface ProcessMark {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: ticks since the machine's start. */
  readonly startTicks: number;
}

/** Asterisk did not start, or does not answer. `message` ends with what it said. */
export class AsteriskFailedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AsteriskFailedError';
  }
}

/** The folders of one instance. */
export interface InstancePaths {
  readonly runDir: string;
  readonly controlDir: string;
  readonly mainConfiguration: string;
  /** Asterisk's own notices, warnings and errors. */
  readonly logFile: string;
  readonly outputFile: string;
  readonly recordingDir: string;
}

/** Longest path of a Unix socket on Linux, without its end (sun_path in unix(7)). */
const longestSocketPath = 107;

/**
 * Where the instance's files are. Its control socket's path must be short; where `runDir` is too deep it goes into a
 * folder under the system's temporary one, whose name is made from `runDir`, so that the next start finds it.
 */
export function instancePaths(runDir: string): InstancePaths {
  const dir = resolve(runDir);
  let controlDir = join(dir, 'run');
  if (Buffer.byteLength(join(controlDir, 'asterisk.ctl')) > longestSocketPath) {
    const name = createHash('sha256').update(dir).digest('hex').slice(0, 16);
    controlDir = join(tmpdir(), `asterisk-${name}`);
  }
  return {
    runDir: dir,
    controlDir,
    mainConfiguration: join(dir, 'etc', 'asterisk.conf'),
    logFile: join(dir, 'log', 'full'),
    outputFile: join(dir, 'log', 'output'),
    recordingDir: join(dir, 'spool', 'recording'),
  };
}

/** Makes the folders and writes the configuration. Only the owner may read it: it holds a password. */
export function writeInstance(paths: InstancePaths, files: ReadonlyMap<string, string>): void {
  const folders = ['etc', 'lib/keys', 'cache', 'log', 'agi-bin', 'spool/recording', 'spool/tmp', 'spool/outgoing', 'spool/monitor'];
  for (const folder of folders) mkdirSync(join(paths.runDir, folder), { recursive: true, mode: 0o700 });
  mkdirSync(paths.controlDir, { recursive: true, mode: 0o700 });
  chmodSync(paths.controlDir, 0o700);
  rmSync(join(paths.runDir, 'etc'), { recursive: true });
  mkdirSync(join(paths.runDir, 'etc'), { mode: 0o700 });
  for (const [name, text] of files) writeFileSync(join(paths.runDir, 'etc', name), text, { mode: 0o600 });
}

/** The mark of a living process; null when there is none (a zombie is dead). Linux only. */
export function markOf(pid: number): ProcessMark | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null; // no such process
  }
  // The second field is the program's name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[19]);
  return fields[0] === 'Z' || fields[0] === 'X' || !Number.isFinite(startTicks) ? null : { pid, startTicks };
}

export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.startTicks === mark.startTicks;
}

/** Whether this process is an Asterisk that was started with this instance's configuration. */
export function runsInstance(mark: ProcessMark, paths: InstancePaths): boolean {
  if (!isAlive(mark)) return false;
  try {
    return readFileSync(`/proc/${mark.pid}/cmdline`, 'utf8').split('\0').includes(paths.mainConfiguration);
  } catch {
    return false; // gone meanwhile
  }
}

/**
 * Runs a command of Asterisk's console and returns what it prints. Rejects with `AsteriskFailedError`, also when time is over:
 * the console itself waits for ever for an Asterisk that hangs, and minds no SIGTERM meanwhile.
 */
export function remoteCommand(launcher: string, paths: InstancePaths, command: string, timeoutMs = 10_000): Promise<string> {
  return new Promise((done, fail) => {
    execFile(
      launcher,
      ['-C', paths.mainConfiguration, '-rx', command],
      { timeout: timeoutMs, killSignal: 'SIGKILL', encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error)
          fail(new AsteriskFailedError(`Asterisk's console does not answer: ${(stderr || stdout).trim().slice(-300)}`, { cause: error }));
        else done(stdout);
      },
    );
  });
}

export interface StartedProcess extends ProcessMark {
  /** Ends the tether of a tethered one (and with it the process, should it still live). Nothing for a detached one. */
  release(): void;
}

/** Spawns Asterisk; resolves as soon as it is a process. `waitUntilBooted` is the next step. */
export async function spawnAsterisk(
  launcher: string,
  paths: InstancePaths,
  life: 'detached' | 'tethered' | 'tethered, leaving nothing',
): Promise<StartedProcess> {
  // The log of the last life is kept once: it tells why it ended.
  if (existsSync(paths.logFile)) renameSync(paths.logFile, `${paths.logFile}.1`);
  rmSync(join(paths.controlDir, 'asterisk.ctl'), { force: true });
  const args = ['-C', paths.mainConfiguration, '-f', '-n'];
  // It needs nothing of our environment, which may hold passwords.
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: paths.runDir, LANG: 'C.UTF-8', TERM: 'dumb' };
  const output = openSync(paths.outputFile, 'w', 0o600);
  try {
    if (life === 'detached') {
      const child = spawn(launcher, args, { cwd: paths.runDir, detached: true, env, stdio: ['ignore', output, output] });
      await once(child, 'spawn');
      child.unref();
      return { ...ownMark(child.pid), release: () => {} };
    }
    // The shell waits for the end of its input, which the kernel brings about when we die, in whatever way.
    const script = '"$@" </dev/null >&2 & echo $!; exec >&-; read -r _; kill -9 $!; wait; [ -z "$REMOVE" ] || rm -rf "$REMOVE"';
    const shell = spawn('/bin/sh', ['-c', script, 'sh', launcher, ...args], {
      cwd: '/',
      detached: true,
      env: { ...env, REMOVE: life === 'tethered' ? '' : paths.runDir },
      stdio: ['pipe', 'pipe', output],
    });
    const { stdin: tether, stdout } = shell;
    if (tether === null || stdout === null) throw new AsteriskFailedError('a shell was started without pipes');
    stdout.setEncoding('utf8');
    const [line]: unknown[] = await once(stdout, 'data');
    shell.unref();
    return { ...ownMark(Number(line)), release: () => tether.end() };
  } finally {
    closeSync(output);
  }
}

function ownMark(pid: number | undefined): ProcessMark {
  // It may be dead already (a missing library, say): then the mark fits nothing, and the wait for its boot tells why.
  return markOf(pid ?? 0) ?? { pid: pid ?? 0, startTicks: -1 };
}

/** Resolves when Asterisk says that it is fully booted. Rejects with `AsteriskFailedError` and its last words. */
export async function waitUntilBooted(launcher: string, paths: InstancePaths, mark: ProcessMark, timeoutMs: number): Promise<void> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    if (!isAlive(mark)) throw new AsteriskFailedError(`Asterisk ended while it started. ${lastWords(paths)}`);
    if (existsSync(join(paths.controlDir, 'asterisk.ctl'))) {
      try {
        const answer = await remoteCommand(launcher, paths, 'core waitfullybooted');
        if (answer.includes('fully booted')) return;
      } catch {
        // Its socket is there before it listens. The time-out below has the last word.
      }
    }
    if (Date.now() > until) throw new AsteriskFailedError(`Asterisk did not start within ${timeoutMs} ms. ${lastWords(paths)}`);
    await sleep(50);
  }
}

/** The last lines of what an instance said, for the message of an error. */
export function lastWords(paths: InstancePaths): string {
  for (const file of [paths.logFile, paths.outputFile]) {
    if (!existsSync(file)) continue;
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(-6);
    if (lines.join('').length > 0) return `${file} ends:\n${lines.join('\n')}`;
  }
  return `See ${paths.logFile}.`;
}

/** Asks it to end, then makes it end. Resolves when it is gone. */
export async function endProcess(launcher: string, paths: InstancePaths, mark: ProcessMark, patienceMs = 5000): Promise<void> {
  if (!isAlive(mark)) return;
  try {
    await remoteCommand(launcher, paths, 'core stop now', patienceMs);
  } catch {
    // Wedged or half started: it is killed below.
  }
  const until = Date.now() + patienceMs;
  while (isAlive(mark) && Date.now() < until) await sleep(20);
  if (isAlive(mark)) process.kill(mark.pid, 'SIGKILL');
  while (isAlive(mark)) await sleep(20);
}
