import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const scripts = path.resolve(import.meta.dirname, '../../scripts');

/** A small project with the same way of starting, so that "installing" takes no network and no minute. */
let project: string;
beforeEach(() => {
  project = fs.mkdtempSync(path.join(os.tmpdir(), 'madoguchi-run-'));
  fs.mkdirSync(path.join(project, 'scripts'));
  fs.mkdirSync(path.join(project, 'tool'));
  for (const file of ['run.mjs', 'packages.mjs']) fs.copyFileSync(path.join(scripts, file), path.join(project, 'scripts', file));
  write('package.json', { name: 'probe', version: '1.0.0', scripts: { start: 'node scripts/run.mjs program.mjs' } });
  write('package-lock.json', {
    name: 'probe',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: { '': { name: 'probe', version: '1.0.0' } },
  });
});
afterEach(() => fs.rmSync(project, { recursive: true, force: true }));

function write(file: string, content: unknown): void {
  fs.writeFileSync(path.join(project, file), typeof content === 'string' ? content : JSON.stringify(content));
}

/** Adds a package to the lock file, as a pull would do. */
function addPackage(): void {
  const dependencies = { tool: 'file:tool' };
  write('tool/package.json', { name: 'tool', version: '2.0.0' });
  write('package.json', { name: 'probe', version: '1.0.0', dependencies });
  write('package-lock.json', {
    name: 'probe',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: {
      '': { name: 'probe', version: '1.0.0', dependencies },
      'node_modules/tool': { resolved: 'tool', link: true },
      tool: { version: '2.0.0' },
    },
  });
}

const start = (...args: string[]): ChildProcess =>
  spawn(process.execPath, ['scripts/run.mjs', ...args], { cwd: project, stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
/** Not npm's, so that the project's own npm is found in PATH as on a shell. */
const environment = () => ({ ...process.env, npm_execpath: undefined, NODE_COMPILE_CACHE: undefined });

async function outcome(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (data) => (out += data));
  child.stderr?.on('data', (data) => (err += data));
  const [code] = await once(child, 'close');
  return { code, out, err };
}

describe('starting a program', () => {
  test('installs what is missing with a word about it, passes arguments, and ends with the program’s code; then it is silent', async () => {
    addPackage();
    write('program.mjs', 'console.log(JSON.stringify(process.argv.slice(2))); process.exit(7);');
    const first = await outcome(start('program.mjs', '--from', '+81312345678'));
    expect(first).toMatchObject({ code: 7, out: '["--from","+81312345678"]\n' });
    expect(first.err).toMatch(/^\[1\/2\] packages: .*\n(.*\n)*\[1\/2\] done in \d+ s\n$/);
    expect(fs.existsSync(path.join(project, 'node_modules/tool/package.json'))).toBe(true);
    expect(await outcome(start('program.mjs'))).toEqual({ code: 7, out: '[]\n', err: '' });
  });

  test('installs again when the lock file has changed, not when packages were rightly installed by hand', async () => {
    write('program.mjs', '');
    await outcome(start('program.mjs'));
    addPackage();
    expect((await outcome(start('program.mjs'))).err).toContain('[1/2] packages');
    fs.rmSync(path.join(project, 'node_modules'), { recursive: true });
    spawnSync('npm', ['ci'], { cwd: project, env: environment() });
    expect((await outcome(start('program.mjs'))).err).toBe('');
  });

  test('two at once: one installs, the other waits, both run', async () => {
    addPackage();
    write('program.mjs', 'console.log("ran")');
    const both = await Promise.all([outcome(start('program.mjs')), outcome(start('program.mjs'))]);
    expect(both.map(({ code, out }) => ({ code, out }))).toEqual([1, 2].map(() => ({ code: 0, out: 'ran\n' })));
    expect(both.filter(({ err }) => err.includes('done in'))).toHaveLength(1);
  });

  test('a lock left by an installation that was killed does not block', async () => {
    addPackage();
    write('program.mjs', 'console.log("ran")');
    fs.mkdirSync(path.join(project, 'var'));
    write('var/packages.lock', `${process.pid} 1`);
    expect(await outcome(start('program.mjs'))).toMatchObject({ code: 0, out: 'ran\n' });
  });

  test('packages that can’t be had: says so, and with which command', async () => {
    addPackage();
    write(
      'package-lock.json',
      '{"name":"probe","version":"1.0.0","lockfileVersion":3,"packages":{"":{},"node_modules/tool":{"version":"9.9.9"}}}',
    );
    write('program.mjs', '');
    const { code, err } = await outcome(start('program.mjs'));
    expect(code).toBe(1);
    expect(err).toMatch(/MISSING: the packages.*\n {2}do: cd .* && npm ci\n/);
  });
});

describe('a machine that will not do', () => {
  const machine = (...args: (string | undefined)[]) => {
    const code = `import('./scripts/packages.mjs').then((m) => m.checkMachine(...${JSON.stringify(args)})).catch((e) => { console.log(e.message); })`;
    return spawnSync(process.execPath, ['-e', code], { cwd: project, encoding: 'utf8' }).stdout;
  };
  test('is told what it lacks', () => {
    expect(machine('darwin', 'arm64', '24.1.0')).toMatch(/MISSING: Linux on x64 or arm64 \(this is darwin on arm64\)/);
    expect(machine('linux', 'riscv64', '24.1.0')).toMatch(/this is linux on riscv64/);
    expect(machine('linux', 'x64', '18.19.0')).toMatch(/MISSING: Node 20 or later \(this is 18.19.0\)\n {2}do: apt-get/);
    expect(machine('linux', 'x64', '20.0.0')).toBe('');
  });

  const old = ['/usr/bin/node', '/usr/local/bin/node'].find(
    (file) => fs.existsSync(file) && /^v2[0-3]\./.test(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout),
  );
  test.runIf(old)('a Node package that silently was not installed is noticed before anything runs', () => {
    write('program.mjs', 'console.log("ran")');
    const { status, stdout, stderr } = spawnSync(old ?? '', ['scripts/run.mjs', 'program.mjs'], {
      cwd: project,
      encoding: 'utf8',
      env: environment(),
    });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/MISSING: Node 24: node_modules\/.bin\/node does not run .*\n {2}do: .*npm ci --include=optional/);
  });
});

describe('ending a program', () => {
  beforeEach(async () => {
    write('program.mjs', '');
    expect(await outcome(start('program.mjs'))).toMatchObject({ code: 0 });
    fs.mkdirSync(path.join(project, 'node_modules/.bin'));
    fs.symlinkSync(process.execPath, path.join(project, 'node_modules/.bin/node'));
  });
  const program = `let n = 0;
    const note = (signal) => { n += 1; console.log(signal); if (n === 1) setTimeout(() => { console.log('clean end'); process.exit(0); }, 1300); };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => note(signal));
    setInterval(() => {}, 1000);
    console.log('up');`;

  test.each([
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGTERM'],
    ['SIGHUP', 'SIGTERM'],
  ] as const)('%s reaches it once (as %s) though it is sent twice, and its clean end is waited for', async (sent, got) => {
    write('program.mjs', program);
    const child = start('program.mjs');
    await once(child.stdout ?? child, 'data');
    const ended = outcome(child);
    child.kill(sent);
    child.kill(sent);
    setTimeout(() => child.kill(sent), 100);
    expect(await ended).toEqual({ code: 0, out: `${got}\nclean end\n`, err: '' });
  });

  test('Ctrl-C in a terminal under npm: once, cleanly, without npm complaining', async () => {
    write('program.mjs', program);
    const terminal = spawn('script', ['-qec', 'npm start', '/dev/null'], {
      cwd: project,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environment(),
    });
    let out = '';
    await new Promise<void>((up, fail) => {
      terminal.once('close', () => fail(new Error(`it ended: ${out}`)));
      terminal.stdout.on('data', (data) => {
        out += data;
        if (/^up\r?$/m.test(out)) up();
      });
    });
    terminal.stdin.write('\x03');
    const [code] = await once(terminal, 'close');
    expect(out.split(/^up\r?$/m)[1]?.replace(/\r|\^C/g, '')).toBe('\nSIGINT\nclean end\n');
    expect([0, 130], 'npm’s shell was interrupted, too').toContain(code);
  });

  test('the death of the program by itself is reported and is a failure', async () => {
    write('program.mjs', 'process.kill(process.pid, "SIGKILL")');
    const { code, err } = await outcome(start('program.mjs'));
    expect(code).toBe(1);
    expect(err).toBe('program.mjs was ended by SIGKILL\n');
  });
});
