/** Voicemail by real calls: what a caller says into a real Asterisk comes out of an agent's real browser. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { toneStrength } from '#test/support/audio.ts';
import type { FarSide, ScriptedParty } from '#test/support/far-side.ts';
import { Office, type Seat, TestHouse, until } from './house.ts';
import { toneFile } from './voice.ts';

/** Of a caller whom nobody knows. */
const CALLER = '+81312999001';
const CALLER_HZ = 1_000;
const AGENT_HZ = 700;

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

let scenariosDir: string;
let house: TestHouse;
let far: FarSide;
let office: Office;
const calls: ScriptedParty[] = [];
const seats: Seat[] = [];

beforeAll(async () => {
  scenariosDir = mkdtempSync(join(tmpdir(), 'mg-scenarios-'));
  cpSync(join(import.meta.dirname, '../../scenarios'), scenariosDir, { recursive: true });
  writeFileSync(join(scenariosDir, 'box.yaml'), BOX);
  // Whatever the hour at which this runs.
  const logicFile = join(scenariosDir, 'control-logic.yaml');
  const logic = parseDocument(readFileSync(logicFile, 'utf8'));
  logic.set('desks', { default: { callbacks: { hours: '00:00-24:00' } } });
  writeFileSync(logicFile, logic.toString());
  house = await TestHouse.start({ SCENARIOS_DIR: scenariosDir });
  await house.db.query(`update entry set scenario = 'box' where id = (select entry_id from entry_number where number = '1000')`);
  far = await house.farSide();
  office = await Office.open(house, toneFile(AGENT_HZ));
}, 180_000);
afterAll(async () => {
  await office?.close();
  await far?.stop();
  await house?.remove();
  rmSync(scenariosDir, { recursive: true, force: true });
});
afterEach(async () => {
  for (const call of calls.splice(0)) await call.hangUp();
  for (const seat of seats.splice(0)) {
    expect(seat.faults).toEqual([]);
    await seat.context.close();
  }
  await house.logEverybodyOff();
});

async function ready(): Promise<Seat> {
  const seat = await office.ready('kobayashi');
  seats.push(seat);
  return seat;
}

/** The caller says a tone, from before the beep until long after it, and presses #. */
async function leave(): Promise<string> {
  const party = await far.call({ from: CALLER, to: '1000' });
  calls.push(party);
  const id = await house.contactIn('scenario');
  // What is said through prompt and beep is not in the message.
  await party.playTone(CALLER_HZ, 12_000);
  await party.sendDigits('#');
  const message = await until('there is a message', async () => {
    const { rows } = await house.db.query<{ id: string }>(`select id from contact where channel = 'message' and continues_id = $1`, [id]);
    return rows[0]?.id;
  });
  await party.ended();
  expect(await house.contact(id)).toMatchObject({ state: 'ended', cause: 'messageLeft', disposition: 'left' });
  return message;
}

/** Share of a pitch in what the player plays over the next moment, as the agent hears it. */
function plays(seat: Seat, hz: number): Promise<number> {
  return seat.page.evaluate(async (pitch) => {
    const audio = document.querySelector<HTMLAudioElement>('audio.voicemail');
    if (!audio) throw new Error('there is no player');
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8_192;
    analyser.smoothingTimeConstant = 0;
    const source = context.createMediaElementSource(audio);
    source.connect(analyser);
    source.connect(context.destination);
    const bins = new Float32Array(analyser.frequencyBinCount);
    const binHz = context.sampleRate / analyser.fftSize;
    let best = 0;
    const end = performance.now() + 4_000;
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      analyser.getFloatFrequencyData(bins);
      let [all, near] = [0, 0];
      bins.forEach((db, i) => {
        const power = Number.isFinite(db) ? 10 ** (db / 10) : 0;
        all += power;
        if (Math.abs(i * binHz - pitch) <= 30) near += power;
      });
      if (all > 1e-9) best = Math.max(best, near / all);
    }
    await context.close();
    return best;
  }, hz);
}

describe('a caller leaves a message', () => {
  it('it waits as long as nobody is there; whoever comes accepts it, hears it, and notes what it was; no phone rings', async () => {
    const message = await leave();
    expect(await house.contact(message)).toMatchObject({ state: 'queued', deskId: 'reception' });
    const kobayashi = await ready();
    await kobayashi.page.getByRole('button', { name: /^Accept/ }).click();
    await house.waitForState(message, 'connected');
    await kobayashi.page.locator('audio.voicemail').waitFor();
    await until('the player knows the recording', () =>
      kobayashi.page.locator('audio.voicemail').evaluate((audio: HTMLAudioElement) => audio.duration > 2),
    );
    await kobayashi.page.keyboard.press('p');
    expect(await plays(kobayashi, CALLER_HZ)).toBeGreaterThan(0.8);

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
    const kobayashi = await ready();
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
    const kobayashi = await ready();
    const message = await leave();
    await kobayashi.page.getByRole('button', { name: /^Accept/ }).click();
    const ringing = far.nextCall(CALLER, 20_000);
    await kobayashi.page.getByRole('button', { name: /^Call back/ }).click();
    const party = await ringing;
    calls.push(party);
    await party.answer();
    await kobayashi.talk();
    await party.startRecording();
    await party.playTone(CALLER_HZ, 3_000);
    expect(toneStrength(await party.heard(), AGENT_HZ, { fromMs: 500, toMs: 2_500 })).toBeGreaterThan(0.8);
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
