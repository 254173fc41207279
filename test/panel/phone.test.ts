import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFakeBackend } from '../support/fake-backend.ts';
import { type FarSwitch, startFarSwitch } from './far-switch.ts';
import { getReady, type House, type Stage, startStage, until } from './stage.ts';

let stage: Stage;
let house: House;
let far: FarSwitch;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  far = await startFarSwitch();
  const backend = createFakeBackend({ sip: { webSocketUrl: far.url, uri: 'sip:agent-tanaka@far.invalid', password: 'secret' } });
  house = await stage.open({ backend });
});
afterEach(async () => {
  await house.close();
  await far.close();
});

/** The other side's media: a page that plays a tone of 1,000 Hz into a call, and gives what it hears to `measure`. */
async function farPage(): Promise<{ page: Page; offer(): Promise<string>; accept(sdp: string): Promise<void> }> {
  const { page } = await house.visitor();
  await page.goto(`${house.web.url}/healthz`);
  return {
    page,
    offer: () =>
      page.evaluate(async () => {
        const context = new AudioContext();
        const tone = new OscillatorNode(context, { frequency: 1000 });
        const line = new MediaStreamAudioDestinationNode(context);
        tone.connect(line);
        tone.start();
        const connection = new RTCPeerConnection();
        Object.assign(window, { connection });
        for (const track of line.stream.getTracks()) connection.addTrack(track, line.stream);
        await connection.setLocalDescription();
        while (connection.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
        return connection.localDescription?.sdp ?? '';
      }),
    accept: (sdp) =>
      page.evaluate(async (answer) => {
        const { connection } = window as unknown as { connection: RTCPeerConnection };
        await connection.setRemoteDescription({ type: 'answer', sdp: answer });
      }, sdp),
  };
}

/** Level of one frequency in what the panel's audio element plays, in dB. */
const heard = (page: Page, hz: number): Promise<number> =>
  page.evaluate(async (frequency) => {
    const audio = document.getElementById('remote-audio');
    if (!(audio instanceof HTMLAudioElement) || !(audio.srcObject instanceof MediaStream)) return Number.NEGATIVE_INFINITY;
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 8192 });
    new MediaStreamAudioSourceNode(context, { mediaStream: audio.srcObject }).connect(analyser);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const level = bins[Math.round((frequency * analyser.fftSize) / context.sampleRate)] ?? Number.NEGATIVE_INFINITY;
    await context.close();
    return level;
  }, hz);

test('the phone registers with the shift, rings, is answered by a key, and both sides hear each other', async () => {
  const page = await house.panel('tanaka');
  expect(far.registrations).toEqual([]);
  await getReady(page);
  await page.getByTestId('light-phone').getByText('Phone ready').waitFor();

  house.backend.offer('agent-tanaka');
  await page.locator('.contact[data-stage=ringing]').waitFor();
  const { legId } = house.backend.viewOf('agent-tanaka').agent;
  const side = await farPage();
  const answered = far.invite(legId ?? '', await side.offer());
  // The INVITE comes by another road than the panel's news: a key pressed in between is not lost.
  await page.keyboard.press('a');
  const answer = await answered;
  if (!('sdp' in answer)) throw new Error(answer.refused);
  await side.accept(answer.sdp);
  house.backend.stage('agent-tanaka', 'connected');

  await until('the agent hears the tone', async () => (await heard(page, 1000)) > -45);
  expect(await heard(page, 3210)).toBeLessThan(-60);
  await until('the other side hears the agent', () =>
    side.page.evaluate(async () => {
      const { connection } = window as unknown as { connection: RTCPeerConnection };
      let bytes = 0;
      for (const report of (await connection.getStats()).values()) if (report.type === 'inbound-rtp') bytes += report.bytesReceived;
      return bytes > 2_000;
    }),
  );

  await page.keyboard.press('m');
  await page.getByRole('button', { name: 'Unmute' }).waitFor();
  await page.getByRole('button', { name: 'Keypad' }).click();
  await page.getByRole('group', { name: 'Keypad' }).getByRole('button', { name: '5' }).click();

  far.bye();
  await until('the call is gone', () =>
    page.evaluate(() => (document.getElementById('remote-audio') as HTMLAudioElement).srcObject === null),
  );
});

test('whoever pressed Answer while the first ring found no phone has answered the second one', async () => {
  const page = await house.panel('tanaka');
  await getReady(page);
  await page.getByTestId('light-phone').getByText('Phone ready').waitFor();
  house.backend.offer('agent-tanaka');
  await page.locator('.contact[data-stage=ringing]').waitFor();
  await page.keyboard.press('a');
  house.backend.setAgent('agent-tanaka', { legId: 'the-second-leg' });
  const side = await farPage();
  const answer = await far.invite('the-second-leg', await side.offer());
  expect(answer).toHaveProperty('sdp');
});

test('a REGISTER that a switch loses while it starts is sent again', async () => {
  far.loseNextRegistration();
  const page = await house.panel('tanaka');
  await getReady(page);
  await page.getByTestId('light-phone').getByText('Phone ready').waitFor();
});

test('after a reload in mid-talk the call that comes back with the same leg is answered by itself', async () => {
  const page = await house.panel('tanaka');
  await getReady(page);
  house.backend.offer('agent-tanaka');
  await page.locator('.contact[data-stage=ringing]').waitFor();
  house.backend.stage('agent-tanaka', 'connected');
  await page.getByText('Talking for').waitFor();
  await page.reload();
  await page.getByText('Talking for').waitFor();
  expect(house.backend.inputs.filter((input) => input.type === 'panelOpened').at(-1)).toMatchObject({ holdsCall: false });

  const before = far.registrations.length;
  await until(
    'the reloaded page is registered',
    () => far.registrations.length >= before && page.getByTestId('light-phone').getByText('Phone ready').isVisible(),
  );
  const side = await farPage();
  const answer = await far.invite(house.backend.viewOf('agent-tanaka').agent.legId ?? '', await side.offer());
  if (!('sdp' in answer)) throw new Error(answer.refused);
  await side.accept(answer.sdp);
  await until('the agent hears the tone', async () => (await heard(page, 1000)) > -45);

  // The line to the centre breaks: the page still holds its call, and says so.
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await until('the panel says that it holds the call', () => {
    const last = house.backend.inputs.filter((input) => input.type === 'panelOpened').at(-1);
    return last?.type === 'panelOpened' && last.holdsCall;
  });

  // The server says that it is over, and no BYE comes: the phone ends what is left by itself.
  house.backend.callerHangsUp('agent-tanaka');
  await until('the phone hangs up', () => far.received.includes('BYE'));
});

test('a call of a leg that the centre does not know is never answered by itself, and one without a leg is refused', async () => {
  const page = await house.panel('tanaka');
  await getReady(page);
  await page.getByTestId('light-phone').getByText('Phone ready').waitFor();
  const side = await farPage();
  const sdp = await side.offer();
  expect(await far.invite('', sdp)).toEqual({ refused: expect.stringMatching(/^SIP\/2\.0 404/) });

  house.backend.offer('agent-tanaka');
  await page.locator('.contact[data-stage=ringing]').waitFor();
  house.backend.stage('agent-tanaka', 'connected');
  const stray = far.invite('leg-of-somebody-else', sdp);
  await page.getByText('Talking for').waitFor();
  expect(await stray).toEqual({ refused: expect.stringMatching(/^SIP\/2\.0 480/) });
}, 20_000);

test('the phone registers again after the switch was away, and unregisters at the end of the shift', async () => {
  const page = await house.panel('tanaka');
  await getReady(page);
  await page.getByTestId('light-phone').getByText('Phone ready').waitFor();
  far.dropAll();
  await page.getByText('This browser’s phone is not registered.').waitFor();
  await page.getByTestId('light-phone').getByText('Phone ready').waitFor();
  expect(far.registrations).toEqual([120, 120]);
  await page.getByRole('button', { name: 'Log off' }).click();
  await until('the registration is taken back', () => far.registrations.at(-1) === 0);
});
