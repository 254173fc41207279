/** Voicemail by real calls: what a caller says into a real Asterisk comes out of an agent's real browser. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toneStrength } from '#test/support/audio.ts';
import { CALLBACKS_AT_ANY_HOUR, type Office, Scene, type TestHouse, until } from './house.ts';

/** Of a caller whom nobody knows. */
const CALLER = '+81312999001';
const CALLER_HZ = 1_000;

const BOX = `name: box
callers: everybody
languages: [en, ja]
start: message
steps:
  message:
    record: { prompt: { ja: 発信音のあとにお話しください。, en: Please speak after the tone. }, longest: 30s, silence: 5s, end: '#', beep: true }
    next: leave
    failed: nobody
  leave: { leaveMessage: { desk: reception }, next: thanks }
  thanks: { say: { ja: ありがとうございました。, en: Thank you. }, next: end }
  nobody: { handBack: notIdentified }
  end: { hangUp: left }
`;

let scene: Scene;
let house: TestHouse;
let office: Office;

beforeAll(async () => {
  scene = await Scene.open({ desks: { default: CALLBACKS_AT_ANY_HOUR }, files: { 'box.yaml': BOX } });
  ({ house, office } = scene);
  await house.db.query(`update entry set scenario = 'box' where id = (select entry_id from entry_number where number = '1000')`);
}, 180_000);
afterAll(() => scene?.close());
afterEach(() => scene.clear());

/** The caller says a tone, from before the beep until long after it, and presses #. */
async function leave(): Promise<string> {
  const { party, id } = await scene.call({ from: CALLER, to: '1000' });
  await house.waitForState(id, 'scenario');
  // What is said through prompt and beep is not in the message.
  await party.playTone(CALLER_HZ, 12_000);
  await party.sendDigits('#');
  const message = await house.continuationOf(id);
  await party.ended();
  expect(await house.contact(id)).toMatchObject({ state: 'ended', cause: 'messageLeft', disposition: 'left' });
  return message;
}

describe('a caller leaves a message', () => {
  it('it waits as long as nobody is there; whoever comes accepts it, hears it, and notes what it was; no phone rings', async () => {
    const message = await leave();
    expect(await house.contact(message)).toMatchObject({ state: 'queued', deskId: 'reception' });
    const kobayashi = await office.ready('kobayashi');
    await kobayashi.page.getByRole('button', { name: /^Accept/ }).click();
    await house.waitForState(message, 'connected');
    await kobayashi.page.locator('audio.voicemail').waitFor();
    await until('the player knows the recording', () =>
      kobayashi.page.locator('audio.voicemail').evaluate((audio: HTMLAudioElement) => audio.duration > 2),
    );
    await kobayashi.page.keyboard.press('p');
    expect((await kobayashi.hears(CALLER_HZ, 4_000, 'audio.voicemail')).share).toBeGreaterThan(0.8);

    await kobayashi.page.getByRole('button', { name: /^Done/ }).click();
    await kobayashi.finish('resolved', 'a tone');
    await house.waitForState(message, 'ended');
    expect(await house.contact(message)).toMatchObject({ cause: 'handled', agentId: 'kobayashi', disposition: 'resolved', note: 'a tone' });
    const story = (await house.story(message)).filter((event) => !event.startsWith('agent'));
    expect(story).toEqual([
      'contactArrived',
      'deskDecided(message)',
      'queued',
      'offered',
      'screenPopped',
      'established',
      'messageHeard',
      'connectionCleared(agent)',
      'wrapUpStarted',
      'wrapUpCompleted(agent)',
      'contactEnded(handled)',
    ]);
    const { rowCount } = await house.db.query('select from leg where contact_id = $1', [message]);
    expect(rowCount).toBe(0);
  });

  it('and the controller is killed while the agent listens: it goes on with the same agent, and is handled once', async () => {
    const kobayashi = await office.ready('kobayashi');
    const message = await leave();
    await kobayashi.page.getByRole('button', { name: /^Accept/ }).click();
    await house.waitForState(message, 'connected');
    await house.kill();
    await house.run();
    await until('the panel is back', async () => (await house.story(message)).length > 0 && (await house.isReady()));
    await kobayashi.page.getByRole('button', { name: /^Done/ }).waitFor();
    await until('the panel is connected', async () => (await house.agent('kobayashi')).state === 'busy');
    await until('it can be done', async () => {
      await kobayashi.page.keyboard.press('h');
      return (await house.contact(message)).state === 'wrapUp';
    });
    await kobayashi.finish('resolved');
    await house.waitForState(message, 'ended');
    expect((await house.story(message)).filter((event) => event.startsWith('offered') || event.startsWith('diverted'))).toEqual([
      'offered',
    ]);
  });

  it('and is called back by the agent who listened', async () => {
    const kobayashi = await office.ready('kobayashi');
    const message = await leave();
    await kobayashi.page.getByRole('button', { name: /^Accept/ }).click();
    const ringing = scene.phoneRings(CALLER);
    await kobayashi.page.getByRole('button', { name: /^Call back/ }).click();
    const party = await ringing;
    await party.answer();
    await kobayashi.talk();
    await party.startRecording();
    await party.playTone(CALLER_HZ, 3_000);
    expect(toneStrength(await party.heard(), Scene.AGENT_HZ, { fromMs: 500, toMs: 2_500 })).toBeGreaterThan(0.8);
    await party.hangUp();
    await kobayashi.finish('resolved');
    const { rows } = await house.db.query(
      'select channel, origin, cause, agent_id from contact where id = $1 or continues_id = $1 order by channel desc',
      [message],
    );
    expect(rows).toEqual([
      { channel: 'message', origin: 'voicemail', cause: 'handled', agent_id: 'kobayashi' },
      { channel: 'callback', origin: 'messageCallback', cause: 'handled', agent_id: 'kobayashi' },
    ]);
  });
});
