/** The life of the Asterisk that we bring along: it outlives its controller, and nothing outlives `stop`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { AsteriskMissingError } from '#src/cti/asterisk/server/prefix.ts';
import { instancePaths, isAlive, markOf } from '#src/cti/asterisk/server/process.ts';
import { type AsteriskOptions, startAsterisk } from '#src/cti/asterisk/server/server.ts';
import { longestSilenceMs } from '#test/support/audio.ts';
import { FarSide } from '#test/support/far-side.ts';
import { freePort } from '#test/support/ports.ts';
import { quietLog, TestApp, testOptions } from './support.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function optionsToRemove(more: Partial<AsteriskOptions> = {}): Promise<AsteriskOptions> {
  const options = await testOptions(more);
  cleanUps.push(() => rmSync(options.runDir, { recursive: true, force: true }));
  return options;
}

/** Starts test/asterisk-server/controller.ts; resolves with the pid of what it started. */
async function controller(kind: 'server' | 'far side', options: object): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./controller.ts', import.meta.url)), JSON.stringify({ kind, options })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUps.push(() => child.kill('SIGKILL'));
  const [line]: unknown[] = await once(child.stdout, 'data');
  return { child, pid: Number(String(line)) };
}

async function gone(pid: number): Promise<void> {
  await expect.poll(() => markOf(pid), { timeout: 10_000 }).toBeNull();
}

test('killed with SIGKILL, the controller leaves it running, and the next one adopts it with its calls', async () => {
  const options = await optionsToRemove();
  const { child, pid } = await controller('server', options);
  const far = await FarSide.start({ sutSip: { host: options.sipHost, port: options.sipPort } });
  cleanUps.push(() => far.stop());
  const call = await far.call({ from: '+81312345678', to: '1000', via: 'public' });
  await call.answered();
  await call.startRecording();
  child.kill('SIGKILL');
  await once(child, 'exit');

  const server = await startAsterisk(options);
  cleanUps.push(() => server.stop());
  expect(server.adopted).toBe(true);
  expect(server.pid).toBe(pid);
  expect(await server.rx('core show channels count')).toContain('1 active channel');
  const app = await TestApp.connect(server);
  await app.arrival('1000');
  expect(longestSilenceMs(await call.heard())).toBeLessThan(1000);
  expect(call.hasEnded).toBe(false);
  await app.close();

  await server.stop();
  expect(markOf(pid)).toBeNull();
});

test('one with other settings is not adopted but replaced; a folder of nobody is started afresh', async () => {
  const options = await optionsToRemove();
  const first = await startAsterisk(options);
  await first.release();
  const second = await startAsterisk({ ...options, sipPort: await freePort() });
  cleanUps.push(() => second.stop());
  expect(first.adopted).toBe(false);
  expect(second.adopted).toBe(false);
  await gone(first.pid);
  await second.release();
  const third = await startAsterisk({ ...options, log: quietLog() });
  cleanUps.push(() => third.stop());
  await third.stop();
  const fourth = await startAsterisk(options);
  cleanUps.push(() => fourth.stop());
  expect(fourth.adopted).toBe(false);
});

test('when it dies it is started again', async () => {
  const log = quietLog();
  const options = await optionsToRemove({ log });
  const server = await startAsterisk(options);
  cleanUps.push(() => server.stop());
  const { pid } = server;
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => server.pid !== pid && server.pid !== 0, { timeout: 15_000 }).toBe(true);
  expect(await server.rx('core show uptime')).toContain('System uptime');
  expect(log.messages).toContain('Asterisk died; starting it again');
});

test('when it hangs and answers no SIP any more it is replaced', async () => {
  const log = quietLog();
  const server = await startAsterisk(await optionsToRemove({ log, wedgedAfterMs: 2500 }));
  cleanUps.push(() => server.stop());
  const { pid } = server;
  process.kill(pid, 'SIGSTOP');
  await expect.poll(() => server.pid !== pid && server.pid !== 0, { timeout: 25_000 }).toBe(true);
  expect(log.messages).toContain('Asterisk answers no SIP request any more; ending it');
  expect(markOf(pid)).toBeNull();
});

test('it runs in a folder whose path is too long for a socket', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'ast-'));
  cleanUps.push(() => rmSync(parent, { recursive: true, force: true }));
  const runDir = join(parent, 'a-folder-with-a-long-name'.repeat(4), 'and-one-in-it');
  const server = await startAsterisk(await testOptions({ runDir }));
  cleanUps.push(() => server.stop());
  expect(await server.rx('core show version')).toContain('Asterisk');
  const { controlDir } = instancePaths(runDir);
  expect(existsSync(join(controlDir, 'asterisk.ctl'))).toBe(true);
  await server.stop();
  expect(existsSync(controlDir)).toBe(false);
});

test('a port that somebody else has is named, instead of an Asterisk without SIP', async () => {
  const options = await optionsToRemove();
  const other = createServer().listen(options.sipPort, options.sipHost);
  cleanUps.push(() => other.close());
  await once(other, 'listening');
  await expect(startAsterisk(options)).rejects.toThrow(`port ${options.sipPort} on 127.0.0.1, for SIP (TCP), is in use by another program`);
});

test('settings that no configuration file can hold are all listed', async () => {
  const options = await optionsToRemove({ ariPassword: 'a;b', sipPort: 99_999, trunks: [{ name: 'anonymous', host: 'x y', port: 1 }] });
  await expect(startAsterisk(options)).rejects.toThrow(/sipPort.*99999.*ariPassword.*'anonymous' is taken.*host must be an address/);
});

test('without an Asterisk it says what installs one', async () => {
  const options = await optionsToRemove({ prefix: join(tmpdir(), 'no-such-prefix') });
  const failed = startAsterisk(options);
  await expect(failed).rejects.toBeInstanceOf(AsteriskMissingError);
  await expect(failed).rejects.toThrow('scripts/install-asterisk.sh');
});

test('a far side dies with the process that started it, even by SIGKILL', async () => {
  const { child, pid } = await controller('far side', { sutSip: { host: '127.0.0.1', port: await freePort() } });
  const mark = markOf(pid);
  expect(mark !== null && isAlive(mark)).toBe(true);
  child.kill('SIGKILL');
  await gone(pid);
});
