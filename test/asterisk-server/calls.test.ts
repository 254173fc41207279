/** What a call finds that reaches the Asterisk which we bring along: real SIP, real audio. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tonesToWav } from '#src/base/tones.ts';
import { durationMs, isSilent, longestSilenceMs, toneStrength } from '#test/support/audio.ts';
import { behaviours, FarSide, useFarSide } from '#test/support/far-side.ts';
import { provisionPhone, TestApp, type TestServer, testServer } from './support.ts';

let one: TestServer;
let other: TestServer;

beforeAll(async () => {
  [one, other] = await Promise.all([testServer(), testServer()]);
});
afterAll(async () => {
  await Promise.all([one?.remove(), other?.remove()]);
});

const far = useFarSide(() => ({ sutSip: one.sip, carrier: one.options.trunks[0] ?? {} }));

test('it starts without a warning or an error in its log', () => {
  for (const { server } of [one, other]) {
    expect(readFileSync(server.logFile, 'utf8')).toContain('modules will be loaded');
    expect(readFileSync(server.logFile, 'utf8')).not.toMatch(/(WARNING|ERROR)\[/);
  }
});

describe('with a controller', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await TestApp.connect(one.server);
  });
  afterEach(() => app.close());

  test('two instances side by side each get their own calls', async () => {
    const otherApp = await TestApp.connect(other.server);
    const call = await far().call({ from: '+81312345678', to: '1000' });
    await app.arrival('1000');
    expect(otherApp.events.filter((event) => event.type === 'StasisStart')).toEqual([]);
    await otherApp.close();
    await call.hangUp();
  });

  test.each([
    {
      what: 'by the trunk, the asserted number counts, not From',
      call: { from: '0399999999', assertedNumber: '+81312345678', fromName: 'Yamada', to: '+81501234567' },
      args: ['in', 'trusted', 'allowed_not_screened', '+81501234567'],
      caller: { number: '+81312345678', name: 'Yamada' },
    },
    {
      what: 'a withheld number is marked as such, though the carrier knows it',
      call: { from: '+81312345678', withheld: true, to: '1001' },
      args: ['in', 'trusted', 'prohib_not_screened', '1001'],
      caller: { number: '+81312345678', name: '' },
    },
    {
      what: 'a withheld number that the carrier does not tell either',
      call: { from: '+81312345678', withheld: true, assertedNumber: null, to: '1002' },
      args: ['in', 'trusted', 'prohib', '1002'],
      caller: { number: 'anonymous', name: 'Anonymous' },
    },
    {
      what: 'from anywhere, an asserted number is not believed',
      call: { from: '0312345678', assertedNumber: '+81399999999', via: 'public' as const, to: '1003' },
      args: ['in', 'public', 'allowed_not_screened', '1003'],
      caller: { number: '0312345678', name: '' },
    },
    {
      what: 'from anywhere with the name of the trunk in From it is still from anywhere',
      call: { from: 'carrier', via: 'public' as const, to: '1004' },
      args: ['in', 'public', 'allowed_not_screened', '1004'],
      caller: { number: 'carrier', name: '' },
    },
    {
      what: 'a name can be dialled, too',
      call: { from: '+81312345678', to: 'sales.desk' },
      args: ['in', 'trusted', 'allowed_not_screened', 'sales.desk'],
      caller: { number: '+81312345678', name: '' },
    },
    {
      what: 'what is dialled cannot add arguments of its own',
      call: { from: '+81312345678', via: 'public' as const, to: '1005,trusted' },
      args: ['in', 'public', 'allowed_not_screened', '1005trusted'],
      caller: { number: '+81312345678', name: '' },
    },
  ])('$what', async ({ call: how, args, caller }) => {
    const call = await far().call(how);
    const arrived = await app.arrival(args[3] ?? '');
    expect(arrived.args).toEqual(args);
    expect(arrived.channel?.caller).toEqual(caller);
    // A controller that comes back sees the same.
    expect(await app.order('GET', `channels/${arrived.id}`)).toMatchObject({ dialplan: { app_data: `madoguchi,${args.join(',')}` } });
    await call.hangUp();
  });

  test('both hear each other, and every key arrives once', async () => {
    const call = await far().call({ from: '+81312345678', to: '1006' });
    const { id } = await app.arrival('1006');
    await app.order('POST', `channels/${id}/answer`);
    await call.answered();
    await call.startRecording();
    const folder = mkdtempSync(join(tmpdir(), 'tone-'));
    writeFileSync(join(folder, 'tone.wav'), tonesToWav([{ hz: [440], ms: 3000, level: 0.5 }]));
    await app.order('POST', `channels/${id}/snoop/listen?spy=in&app=madoguchi`);
    await app.event((event) => event.type === 'StasisStart' && event.channel?.id === 'listen');
    await app.order('POST', 'channels/listen/record?name=caller&format=wav');
    await app.order('POST', `channels/${id}/play?media=sound:${join(folder, 'tone')}`);
    await call.playTone(1000, 1200);
    await call.sendDigits('10*#');
    await app.event((event) => event.type === 'ChannelDtmfReceived' && event.digit === '#');
    await call.hangUp();
    await app.event((event) => event.type === 'RecordingFinished');
    expect(app.events.filter((event) => event.type === 'ChannelDtmfReceived').map((event) => event.digit)).toEqual(['1', '0', '*', '#']);
    expect(toneStrength(await call.heard(), 440, { fromMs: 300, toMs: 1500 })).toBeGreaterThan(0.9);
    const said = join(one.server.recordingDir, 'caller.wav');
    expect(toneStrength(said, 1000, { fromMs: 300, toMs: 1100 })).toBeGreaterThan(0.9);
    expect(toneStrength(said, 440)).toBeLessThan(0.05);
    rmSync(folder, { recursive: true });
  });

  test('it calls out by the trunk: answered, busy, declined, unknown', async () => {
    far().onIncoming('+81311', behaviours.answers(50));
    far().onIncoming('+81312', behaviours.busy());
    far().onIncoming('+81313', behaviours.declines());
    const dial = (number: string) =>
      app.order(
        'POST',
        `channels?${new URLSearchParams({ channelId: `out${number.slice(1)}`, endpoint: `PJSIP/${number}@carrier`, app: 'madoguchi', appArgs: 'out', callerId: '"Madoguchi" <+815011112222>' })}`,
      );
    for (const number of ['+81311', '+81312', '+81313', '+81314']) await dial(number);
    await app.event((event) => event.type === 'StasisStart' && event.channel?.id === 'out81311');
    const cause = async (id: string) => (await app.event((event) => event.type === 'ChannelDestroyed' && event.channel?.id === id)).cause;
    expect(await cause('out81312')).toBe(17);
    expect(await cause('out81313')).toBe(21);
    expect(await cause('out81314')).toBe(1);
    await app.order('DELETE', 'channels/out81311');
    const next = far().nextCall('+81315');
    await dial('+81315');
    expect((await next).from).toEqual({ number: '+815011112222', name: 'Madoguchi' });
    await (await next).hangUp();
  });

  test('a phone that the controller has pushed registers, rings, answers, hears, and goes', async () => {
    await provisionPhone(app, 'desk-1', 'secret-2');
    const phone = await far().registerPhone({ user: 'desk-1', password: 'secret-2' });
    await app.order('POST', 'channels?channelId=ring1&endpoint=PJSIP/desk-1&app=madoguchi&appArgs=out');
    const call = await phone.nextCall();
    await call.answer();
    await app.event((event) => event.type === 'StasisStart' && event.channel?.id === 'ring1');
    await call.startRecording();
    await app.order('POST', 'channels/ring1/moh');
    await call.playTone(700, 800);
    const end = await call.hangUp();
    expect(end.cause).toBe(16);
    expect(isSilent(await call.heard(), { fromMs: 300 })).toBe(false);
    await phone.unregister();
    await expect.poll(() => one.server.rx('pjsip show contacts'), { timeout: 5000 }).not.toContain('desk-1/');
  });

  test("nobody is let in with an agent's name and no password", async () => {
    await provisionPhone(app, 'desk-2', 'secret-2');
    const call = await far().call({ from: 'desk-2', to: '1007', via: 'public' });
    await expect(call.answered()).rejects.toThrow('the call ended');
    expect(app.events.filter((event) => event.type === 'StasisStart')).toEqual([]);
  });
});

test('without a controller callers hear music without a gap, and it takes them in when it comes', async () => {
  const call = await far().call({ from: '+81312345678', to: '1008' });
  await call.answered();
  await call.startRecording();
  await expect.poll(async () => one.server.rx('core show channels concise'), { timeout: 5000 }).toContain('MusicOnHold');
  // Longer than one try: the music must go on over it.
  await new Promise((done) => setTimeout(done, 4500));
  const app = await TestApp.connect(one.server);
  const { id, channel } = await app.arrival('1008');
  expect(channel?.state).toBe('Up');
  const music = await call.heard();
  expect(isSilent(music)).toBe(false);
  expect(longestSilenceMs(music, { toMs: 4000 })).toBeLessThan(1000);
  await app.order('DELETE', `channels/${id}`);
  expect((await call.ended()).cause).toBe(16);
  await app.close();
});

test('whoever waits longer than a lease for a controller is not cut off, and in the end is told that it is congested', async () => {
  const shortLived = await testServer({ leaseMs: 3000, waitForControllerMs: 4000 });
  const side = await FarSide.start({ sutSip: shortLived.sip });
  try {
    const call = await side.call({ from: '+81312345678', to: '1009', via: 'public' });
    await call.answered();
    await call.startRecording();
    const answeredAt = Date.now();
    await expect.poll(() => shortLived.server.rx('core show channels concise'), { timeout: 10_000, interval: 200 }).toContain('Congestion');
    expect(Date.now() - answeredAt).toBeGreaterThan(3000);
    // Japan's congestion tone: 400 Hz, half a second on, half a second off.
    await new Promise((done) => setTimeout(done, 2200));
    const heard = await call.heard();
    expect(toneStrength(heard, 400, { fromMs: durationMs(heard) - 1500 })).toBeGreaterThan(0.8);
  } finally {
    await side.stop();
    await shortLived.remove();
  }
});
