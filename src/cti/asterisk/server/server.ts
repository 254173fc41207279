/**
 * The Asterisk that the product brings along: `startAsterisk` makes its configuration, starts it, watches it and starts it
 * again should it die. It outlives a controller that is killed, and the next controller adopts it with all its calls.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdMusicWav } from '../../../base/tones.ts';
import { type AsteriskSettings, isLoopback, renderConfiguration } from './configuration.ts';
import { assertTcpFree, assertUdpFree } from './port-check.ts';
import { type AsteriskInstallation, defaultPrefix, readPrefix } from './prefix.ts';
import {
  AsteriskFailedError,
  endProcess,
  type InstancePaths,
  instancePaths,
  isAlive,
  type ProcessMark,
  remoteCommand,
  runsInstance,
  spawnAsterisk,
  waitUntilBooted,
  writeInstance,
} from './process.ts';
import { answersSip } from './sip-ping.ts';

/** As much of a pino logger as is needed here. */
export interface AsteriskLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AsteriskOptions extends AsteriskSettings {
  /** Everything of this instance is in here. One controller at a time. */
  readonly runDir: string;
  /** Where Asterisk is installed; see `defaultPrefix`. */
  readonly prefix?: string;
  readonly log: AsteriskLog;
  /** 30 000 unless told otherwise; it takes half a second on a machine at rest. */
  readonly startTimeoutMs?: number;
  /** It is ended and started again when it has answered no SIP request for so long. 60 000 unless told otherwise. */
  readonly wedgedAfterMs?: number;
}

export interface AsteriskServer {
  /** `http://127.0.0.1:PORT`, ARI is at /ari below it. */
  readonly ariUrl: string;
  readonly httpPort: number;
  /** SIP over WebSocket for browsers: `ws://127.0.0.1:PORT/ws`. */
  readonly webSocketUrl: string;
  /** Changes when it had to be started again. */
  readonly pid: number;
  /** It was running already, left by a controller that was killed; its calls live on. */
  readonly adopted: boolean;
  readonly version: string;
  readonly logFile: string;
  /** Where ARI's recordings are stored. */
  readonly recordingDir: string;
  /** Runs a command of its console: what it prints. */
  rx(command: string): Promise<string>;
  /** Ends it, and every call with it. */
  stop(): Promise<void>;
  /** Stops watching; it lives on, to be adopted by the next `startAsterisk` of the same `runDir`. */
  release(): Promise<void>;
}

interface Note extends ProcessMark {
  /** Of the settings: with others it is no longer the Asterisk that was asked for. */
  readonly settings: string;
  /** Of the whole configuration, which a newer product may write differently. */
  readonly configuration: string;
}

const watchEveryMs = 500;
const restartDelaysMs = [0, 1000, 2000, 5000, 10_000, 30_000];

/**
 * Starts Asterisk, or adopts the one that a killed controller left in `runDir`; resolves when it is fully booted and ARI
 * answers. Rejects with `AsteriskMissingError`, `AsteriskSettingsError`, `PortTakenError` or `AsteriskFailedError`.
 */
export async function startAsterisk(options: AsteriskOptions): Promise<AsteriskServer> {
  const { log } = options;
  const installation = readPrefix(options.prefix ?? defaultPrefix());
  const paths = instancePaths(options.runDir);
  const noteFile = join(paths.runDir, 'asterisk.pid');
  const httpHost = options.httpHost ?? '127.0.0.1';
  const startTimeoutMs = options.startTimeoutMs ?? 30_000;
  const wedgedAfterMs = options.wedgedAfterMs ?? 60_000;
  const pingEveryMs = wedgedAfterMs / 6;
  const pingHost = options.sipHost === '0.0.0.0' ? '127.0.0.1' : options.sipHost;

  const ownAddresses = addressesBesidesLoopback();
  if (isLoopback(options.sipHost) && ownAddresses.length === 0) {
    log.warn({}, 'this machine has no address but 127.x: browsers will have no audio. As root: ip addr add 10.99.0.1/32 dev lo');
  }
  mkdirSync(paths.runDir, { recursive: true, mode: 0o700 });
  const folders = { runDir: paths.runDir, controlDir: paths.controlDir, musicDir: musicFolder(installation, paths) };
  const files = renderConfiguration(options, installation, folders, ownAddresses);
  const marks = { settings: settingsMark(options), configuration: hash([...files].flat().join('\n')) };

  let current = await adopt(installation, paths, noteFile, marks, log);
  const adopted = current !== null;
  current ??= await start();

  // Its own death is repaired here; what that did to the calls, the adapter tells when it is connected again.
  let watching = true;
  const stopWatching = new AbortController();
  const watch = keepAlive();

  return {
    ariUrl: `http://${httpHost}:${options.httpPort}`,
    httpPort: options.httpPort,
    webSocketUrl: `ws://${httpHost}:${options.httpPort}/ws`,
    get pid() {
      return current?.pid ?? 0;
    },
    adopted,
    version: installation.version,
    logFile: paths.logFile,
    recordingDir: paths.recordingDir,
    rx: (command) => remoteCommand(installation.launcher, paths, command),
    async stop() {
      await endWatch();
      if (current !== null) await endProcess(installation.launcher, paths, current);
      current = null;
      rmSync(noteFile, { force: true });
      rmSync(paths.controlDir, { recursive: true, force: true });
    },
    release: endWatch,
  };

  async function start(): Promise<ProcessMark> {
    await checkPorts(options, httpHost);
    writeInstance(paths, files);
    const started = await spawnAsterisk(installation.launcher, paths, 'detached');
    // Noted before it is up: should we be killed in between, the next start finds it all the same.
    writeNote(noteFile, { pid: started.pid, startTicks: started.startTicks, ...marks });
    try {
      await waitUntilBooted(installation.launcher, paths, started, startTimeoutMs);
      await ariAnswers(options, httpHost);
    } catch (error) {
      await endProcess(installation.launcher, paths, started);
      rmSync(noteFile, { force: true });
      throw error;
    }
    log.info({ asteriskPid: started.pid, version: installation.version }, 'Asterisk started');
    return started;
  }

  async function keepAlive(): Promise<void> {
    let failures = 0;
    let answeredAt = Date.now();
    let nextPingAt = answeredAt;
    while (watching) {
      await pause(watchEveryMs);
      if (!watching) return;
      if (current !== null && isAlive(current)) {
        if (Date.now() < nextPingAt) continue;
        // SIP, not ARI: an overloaded Asterisk has been seen that took no call for good, and whose ARI still answered a ping.
        if (await answersSip({ host: pingHost, port: options.sipPort })) answeredAt = Date.now();
        nextPingAt = Date.now() + pingEveryMs;
        if (Date.now() - answeredAt < wedgedAfterMs || !watching) continue;
        log.error({ pid: current.pid, wedgedAfterMs }, 'Asterisk answers no SIP request any more; ending it');
        await endProcess(installation.launcher, paths, current, 1000);
      }
      if (current !== null) {
        log.error({ pid: current.pid, log: `${paths.logFile}.1` }, 'Asterisk died; starting it again');
        current = null;
        failures = 0;
      }
      await pause(restartDelaysMs[Math.min(failures, restartDelaysMs.length - 1)] ?? 0);
      if (!watching) return;
      try {
        current = await start();
        answeredAt = Date.now();
      } catch (error) {
        failures += 1;
        log.error({ err: error, failures }, 'Asterisk could not be started again; trying on');
      }
    }
  }

  async function pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: stopWatching.signal, ref: false });
    } catch {
      // Woken to stop; `watching` says so.
    }
  }

  async function endWatch(): Promise<void> {
    watching = false;
    stopWatching.abort();
    await watch;
  }
}

/** The mark of a live one of ours with the same settings. One with other settings, or which does not answer, is ended. */
async function adopt(
  installation: AsteriskInstallation,
  paths: InstancePaths,
  noteFile: string,
  marks: Pick<Note, 'settings' | 'configuration'>,
  log: AsteriskLog,
): Promise<ProcessMark | null> {
  const note = readNote(noteFile);
  if (note === null || !runsInstance(note, paths)) return null;
  let calls: number;
  try {
    await waitUntilBooted(installation.launcher, paths, note, 10_000);
    calls = channelCount(await remoteCommand(installation.launcher, paths, 'core show channels count', 5000));
  } catch (error) {
    log.error({ err: error, pid: note.pid }, 'an Asterisk was left running and does not answer; ending it');
    await endProcess(installation.launcher, paths, note, 1000);
    return null;
  }
  if (note.settings !== marks.settings) {
    log.warn({ pid: note.pid, calls }, 'an Asterisk was left running with other settings; ending it');
  } else if (note.configuration !== marks.configuration && calls === 0) {
    log.info({ pid: note.pid }, 'an Asterisk was left running with an older configuration and has no calls; starting it anew');
  } else {
    log.info({ pid: note.pid, calls }, 'adopting the Asterisk that was left running');
    return { pid: note.pid, startTicks: note.startTicks };
  }
  await endProcess(installation.launcher, paths, note);
  return null;
}

/** The number of channels in the answer to `core show channels count` ("3 active channels\n..."). */
function channelCount(answer: string): number {
  const match = /^(\d+) active channel/m.exec(answer);
  if (!match) throw new AsteriskFailedError('Asterisk does not say how many channels it has');
  return Number(match[1]);
}

function settingsMark(options: AsteriskSettings): string {
  const { sipHost, sipPort, httpPort, httpHost, rtpPorts, ariUser, ariPassword, appName, trunks, mediaAddress } = options;
  return hash(JSON.stringify([sipHost, sipPort, httpPort, httpHost, rtpPorts, ariUser, ariPassword, appName, trunks, mediaAddress]));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function readNote(file: string): Note | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null; // none was left behind
  }
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null; // half written by one who was killed: nothing to know it by
  }
  if (typeof found !== 'object' || found === null) return null;
  const note: { pid?: unknown; startTicks?: unknown; settings?: unknown; configuration?: unknown } = found;
  const { pid, startTicks, settings, configuration } = note;
  if (typeof pid !== 'number' || typeof startTicks !== 'number') return null;
  return { pid, startTicks, settings: String(settings), configuration: String(configuration) };
}

function writeNote(file: string, note: Note): void {
  writeFileSync(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Recorded music if the installation has some, else chords of our own. */
function musicFolder(installation: AsteriskInstallation, paths: InstancePaths): string {
  const recorded = join(installation.dataDir, 'moh');
  if (existsSync(recorded) && readdirSync(recorded).some((name) => /\.(wav|sln\d*|ulaw|alaw|g722|gsm)$/.test(name))) return recorded;
  const own = join(paths.runDir, 'moh');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'hold.wav'), holdMusicWav());
  return own;
}

/** This machine's IPv4 addresses outside 127/8, those of `lo` included. */
function addressesBesidesLoopback(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.address.startsWith('127.'))
    .map((address) => address.address);
}

async function checkPorts(options: AsteriskSettings, httpHost: string): Promise<void> {
  await Promise.all([
    assertTcpFree(httpHost, options.httpPort, 'ARI'),
    assertTcpFree(options.sipHost, options.sipPort, 'SIP (TCP)'),
    assertUdpFree(options.sipHost, options.sipPort, 'SIP (UDP)'),
  ]);
}

/** Resolves when ARI lets our user in. */
async function ariAnswers(settings: AsteriskSettings, httpHost: string): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${settings.ariUser}:${settings.ariPassword}`).toString('base64')}`;
  const response = await fetch(`http://${httpHost}:${settings.httpPort}/ari/asterisk/ping`, {
    headers: { authorization },
    signal: AbortSignal.timeout(5000),
  });
  if (!response.ok) throw new AsteriskFailedError(`ARI answers its own user with ${response.status}`);
}
