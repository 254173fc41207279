/** `npm run call`, as a person would use it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isSilent } from '#test/support/audio.ts';
import { freePort } from '#test/support/ports.ts';
import { TestApp, type TestServer, testServer } from './support.ts';

let centre: TestServer;
let app: TestApp;
beforeAll(async () => {
  centre = await testServer();
  app = await TestApp.connect(centre.server);
});
afterAll(async () => {
  await app?.close();
  await centre?.remove();
});

async function run(...args: string[]) {
  const tool = join(import.meta.dirname, '../../src/tools/call.ts');
  const child = spawn(process.execPath, [tool, ...args], {
    env: { ...process.env, SIP_PORT: String(centre.sip.port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return {
    child,
    said: () => said,
    code: once(child, 'close').then(([code]: unknown[]) => code),
  };
}

test('it calls, presses keys, tells what happens, and keeps what it heard', async () => {
  const record = join(centre.options.runDir, 'heard.wav');
  const call = await run('--from', '+81312345678', '--to', '1000', '--digits', '12#', '--digits-after', '300', '--record', record);
  const { id } = await app.arrival('1000');
  await app.order('POST', `channels/${id}/answer`);
  await app.order('POST', `channels/${id}/moh`);
  await app.event((event) => event.type === 'ChannelDtmfReceived' && event.digit === '#');
  await app.order('DELETE', `channels/${id}`);
  expect(await call.code).toBe(0);
  expect(call.said()).toMatch(/calling 1000.*answered.*pressed 12#.*by the other side.*heard .* dB on average/s);
  expect(isSilent(record)).toBe(false);
});

test('Ctrl-C hangs up', async () => {
  const record = join(centre.options.runDir, 'interrupted.wav');
  const call = await run('--from', '+81312345678', '--to', '1001', '--record', record);
  const { id } = await app.arrival('1001');
  await app.order('POST', `channels/${id}/answer`);
  await expect.poll(call.said, { timeout: 10_000 }).toContain('answered');
  call.child.kill('SIGINT');
  await app.event((event) => event.type === 'StasisEnd' && event.channel?.id === id);
  expect(await call.code).toBe(0);
  expect(existsSync(record)).toBe(true);
});

test('what is called with --answer answers', async () => {
  const trunk = centre.options.trunks[0];
  const record = join(centre.options.runDir, 'called.wav');
  const phone = await run('--answer', '+819012345678', '--carrier', `${trunk?.host}:${trunk?.port}`, '--record', record);
  await expect.poll(phone.said, { timeout: 10_000 }).toContain('waiting at');
  const query = new URLSearchParams({ channelId: 'out1', endpoint: 'PJSIP/+819012345678@carrier', app: 'madoguchi', appArgs: 'out' });
  await app.order('POST', `channels?${query}`);
  await app.event((event) => event.type === 'StasisStart' && event.channel?.id === 'out1');
  await app.order('DELETE', 'channels/out1');
  await expect.poll(phone.said, { timeout: 10_000 }).toContain(record);
  phone.child.kill('SIGINT');
  expect(await phone.code).toBe(0);
});

test.each([
  { args: ['--from', '+81312345678'], says: 'say who calls and what is dialled' },
  { args: ['--from', '+81', '--to', '1000', '--digits', '12x'], says: '--digits takes 0-9 * # A-D' },
  { args: ['--from', '+81', '--to', '1000', '--play', 'no.wav'], says: 'there is no file' },
  { args: ['--from', '+81', '--to', '1000', '--sip', 'here'], says: '--sip takes HOST:PORT' },
])('a mistake is said: $says', async ({ args, says }) => {
  const call = await run(...args);
  expect(await call.code).toBe(2);
  expect(call.said()).toContain(says);
});

test('when no centre runs it says so', async () => {
  const call = await run('--from', '+81312345678', '--to', '1000', '--sip', `127.0.0.1:${await freePort()}`);
  expect(await call.code).toBe(2);
  expect(call.said()).toContain('Is the centre running (npm start)?');
});
