/** The main job, by real calls: SIP in, Asterisk, Postgres, agents in Chromium, and everything that happened in the event log. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import { isSilent, toneStrength } from '#test/support/audio.ts';
import type { FarSide } from '#test/support/far-side.ts';
import { type Office, Scene, type TestHouse, until } from './house.ts';

const { AGENT_HZ } = Scene;
const CALLER_HZ = 1_000;
let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;

beforeAll(async () => {
  scene = await Scene.open({
    settings: { ANNOUNCE_EVERY_MS: '5000', RING_MS: '4000', PANEL_GRACE_MS: '2000', CALLBACK_RETRY_MS: '1000', WRAP_UP_MS: '6000' },
  });
  ({ house, far, office } = scene);
}, 180_000);
afterAll(() => scene?.close());
afterEach(() => scene.clear());

const { customer, customerByCode, dealer, agency } = DEMO_EXAMPLES;

const customerCall = () => scene.call({ from: customer.number, to: '1000' });

describe('a known customer calls', () => {
  it('and is on the screen of the right desk before the phone rings; both talk; everything is in the log', async () => {
    const tanaka = await office.ready('tanaka');
    const { party, id } = await customerCall();
    await tanaka.contactIn('ringing');
    await expect.poll(() => tanaka.page.locator('#contact-name').textContent()).toContain(customer.name);
    await tanaka.talk();
    await party.startRecording();
    const said = party.playTone(CALLER_HZ, 4_000);
    expect(await tanaka.hearsTone(CALLER_HZ)).toBeGreaterThan(0.8);
    await said;
    const heard = await party.heard();
    expect(toneStrength(heard, AGENT_HZ, { fromMs: 500, toMs: 3_500 })).toBeGreaterThan(0.8);
    await party.hangUp();
    await tanaka.finish('resolved', 'asked about the manual');
    await house.waitForState(id, 'ended');
    expect(await house.contact(id)).toMatchObject({
      cause: 'handled',
      deskId: customer.desk,
      agentId: 'tanaka',
      disposition: 'resolved',
      note: 'asked about the manual',
    });

    const story = await house.story(id);
    const moments = [
      'contactArrived',
      'partyIdentified(callingNumber)',
      expect.stringContaining('deskDecided'),
      'queued',
      'offered',
      'screenPopped',
      'originated',
      'delivered',
      'established',
      'connectionCleared(party)',
      'wrapUpStarted',
      'wrapUpCompleted(agent)',
      'contactEnded(handled)',
    ];
    expect(story.filter((s) => !s.startsWith('agent') && !s.startsWith('announced'))).toEqual(moments);
    const events = await house.events(id);
    const customerIds = new Set(events.slice(1).map((e) => e.customerId));
    expect(customerIds.size).toBe(1);
    expect([...customerIds][0]).toBeTruthy();
    const { rows } = await house.db.query('select last_desk_id from customer where code = $1', [customer.code]);
    expect(rows[0].last_desk_id).toBe(customer.desk);
  });

  it('and the agent hangs up: the caller is released, wrap-up begins', async () => {
    const tanaka = await office.ready('tanaka');
    const { party, id } = await customerCall();
    await tanaka.talk();
    await tanaka.page.getByRole('button', { name: 'Hang up' }).click();
    expect((await party.ended()).cause).toBe(16);
    await tanaka.finish('resolved');
    await house.waitForState(id, 'ended');
    expect(await house.story(id)).toContain('connectionCleared(agent)');
  });
});

describe('who calls decides the desk', () => {
  it('a dealer reaches its agency', async () => {
    const { id } = await scene.call({ from: dealer.number, to: '1000' });
    await house.waitForState(id, 'queued');
    expect((await house.contact(id)).deskId).toBe(dealer.desk);
  });
  it('an agency reaches the maker', async () => {
    const { id } = await scene.call({ from: agency.number, to: '1000' });
    await house.waitForState(id, 'queued');
    const { rows } = await house.db.query('select organisation_id from desk where id = $1', [(await house.contact(id)).deskId]);
    expect(rows).toEqual([{ organisation_id: 'madoguchi' }]);
  });
  it('an asserted number is believed from the trusted trunk only', async () => {
    const trusted = await scene.call({ from: '+81666666666', assertedNumber: customer.number, to: '1000' });
    await house.waitForState(trusted.id, 'queued');
    expect((await house.contact(trusted.id)).deskId).toBe(customer.desk);
    const anybody = await scene.call({ from: '+81666666666', assertedNumber: customer.number, to: '1000', via: 'public' });
    await house.waitForState(anybody.id, 'scenario');
    expect((await house.contact(anybody.id)).customerId).toBeNull();
  });
});

describe('a caller without a usable number', () => {
  it('withheld: hears the IVR, dials the code and reaches the right desk', async () => {
    const { party, id } = await scene.call({ from: customer.number, to: '1000', withheld: true });
    await house.waitForState(id, 'scenario');
    await party.startRecording();
    await party.sendDigits(`${customerByCode.code}#`);
    await house.waitForState(id, 'queued');
    expect((await house.contact(id)).deskId).toBe(customerByCode.desk);
    expect(isSilent(await party.heard())).toBe(false);
    expect(await house.story(id)).toContain('partyIdentified(customerCode)');
    const log = JSON.stringify(await house.events(id)) + house.log;
    expect(log).not.toContain(`"${customerByCode.code}"`); // dialled digits are nobody's business
  });

  it('three wrong codes lead to the reception', async () => {
    const { party, id } = await scene.call({ from: '+81669990000', to: '2000' });
    await house.waitForState(id, 'scenario');
    for (let i = 0; i < 3; i++) {
      await party.sendDigits('99999#');
      await until(
        `look-up ${i + 1} is answered`,
        async () => (await house.story(id)).filter((s) => s === 'partyNotFound(customerCode)').length > i,
      );
    }
    await house.waitForState(id, 'queued', 30_000);
    expect((await house.contact(id)).deskId).toBe('reception');
  });

  it('hangs up in the IVR', async () => {
    const { party, id } = await scene.call({ from: customer.number, to: '1000', withheld: true });
    await house.waitForState(id, 'scenario');
    await party.hangUp();
    await house.waitForState(id, 'ended');
    expect((await house.contact(id)).cause).toBe('abandonedInScenario');
  });
});

describe('two callers and one agent', () => {
  it('are served in order of arrival; the second hears music and its place', async () => {
    const tanaka = await office.ready('tanaka');
    const first = await customerCall();
    await tanaka.talk();
    const second = await customerCall();
    await house.waitForState(second.id, 'queued');
    await second.party.startRecording();
    await house.waitForEvent(second.id, 'announced(position)');
    await first.party.hangUp();
    await tanaka.finish('resolved');
    await tanaka.talk();
    expect(isSilent(await second.party.heard())).toBe(false);
    expect((await house.contact(second.id)).state).toBe('connected');
    await second.party.hangUp();
    await tanaka.finish('resolved');
  });

  it('the one in the queue gives up; the one who rings gives up: the offer is gone at once', async () => {
    const tanaka = await office.ready('tanaka');
    const first = await customerCall();
    await tanaka.contactIn('ringing');
    const second = await customerCall();
    await house.waitForState(second.id, 'queued');
    await second.party.hangUp();
    await house.waitForState(second.id, 'ended');
    expect((await house.contact(second.id)).cause).toBe('abandonedInQueue');
    await first.party.hangUp();
    await tanaka.page.getByRole('heading', { name: 'You are ready' }).waitFor();
    expect((await house.contact(first.id)).cause).toBe('abandonedWhileRinging');
  });
});

describe('an offer moves on', () => {
  it('declined: to the next agent of the desk, at once', async () => {
    const [jones, kato] = [await office.ready('jones'), await office.ready('kato')];
    const { id } = await scene.call({ from: agency.number, to: '1000' });
    await jones.contactIn('ringing');
    await jones.page.keyboard.press('d');
    await kato.talk();
    expect((await house.contact(id)).agentId).toBe('kato');
    expect(await house.story(id)).toContain('diverted(declined)');
  });

  it('not answered: the agent is not ready, the caller goes on to the next', async () => {
    const [jones, kato] = [await office.ready('jones'), await office.ready('kato')];
    await scene.call({ from: agency.number, to: '1000' });
    await jones.contactIn('ringing');
    await kato.talk();
    await until('jones is not ready', async () => (await house.agent('jones')).reason === 'noAnswer');
  });

  it('browser killed while it rings', async () => {
    const [jones, kato] = [await office.ready('jones'), await office.ready('kato')];
    const { id } = await scene.call({ from: agency.number, to: '1000' });
    await jones.contactIn('ringing');
    await jones.crash();
    await kato.talk();
    expect(await house.story(id)).toContain('diverted(panelLost)');
  });

  it('browser killed while talking: the caller is told and gets the next agent', async () => {
    const jones = await office.ready('jones');
    const { party, id } = await scene.call({ from: agency.number, to: '1000' });
    await jones.talk();
    await party.startRecording();
    await jones.crash();
    await house.waitForEvent(id, 'diverted(agentLeft)');
    const kato = await office.ready('kato');
    await kato.talk();
    const said = party.playTone(CALLER_HZ, 3_000);
    expect(await kato.hearsTone(CALLER_HZ)).toBeGreaterThan(0.8);
    await said;
    expect(party.hasEnded).toBe(false);
    expect((await house.contact(id)).agentId).toBe('kato');
  });

  it('page reloaded while talking: the same agent has the same call back', async () => {
    const tanaka = await office.ready('tanaka');
    const { party, id } = await customerCall();
    await tanaka.talk();
    await tanaka.page.reload();
    await tanaka.contactIn('connected');
    const said = party.playTone(CALLER_HZ, 30_000);
    await until('the caller is heard again', async () => (await tanaka.hearsTone(CALLER_HZ, 500).catch(() => 0)) > 0.8, 30_000);
    await party.stopPlaying();
    await said;
    expect(await house.contact(id)).toMatchObject({ state: 'connected', agentId: 'tanaka' });
  });
});

describe('a SIP desk phone', () => {
  it('rings after the screen has shown who calls, is picked up, and both talk', async () => {
    const phone = await house.deskPhone(far, 'tanaka');
    const seat = await office.ready('tanaka', 'deskPhone');
    const { party } = await customerCall();
    await seat.contactIn('ringing');
    const ringing = await phone.nextCall();
    await ringing.answer();
    await seat.contactIn('connected');
    await ringing.startRecording();
    await party.playTone(CALLER_HZ, 2_000);
    expect(toneStrength(await ringing.heard(), CALLER_HZ)).toBeGreaterThan(0.8);
    await ringing.hangUp();
    await seat.finish('resolved');
    expect((await party.ended()).cause).toBe(16);
    await phone.unregister();
  });
});

describe('nobody is logged on', () => {
  it('the caller is told, presses 1, and is called back when somebody is there', async () => {
    const { party, id } = await customerCall();
    await house.waitForEvent(id, 'announced(nobody)');
    await party.sendDigits('1');
    expect((await party.ended()).cause).toBe(16);
    await house.waitForState(id, 'ended');
    expect((await house.contact(id)).cause).toBe('callbackPromised');
    const [callback, tanaka] = await Promise.all([scene.phoneRings(customer.number), office.ready('tanaka')]);
    await callback.ring();
    await callback.answer();
    await tanaka.talk();
    await callback.startRecording();
    await callback.playTone(CALLER_HZ, 2_000);
    expect(toneStrength(await callback.heard(), AGENT_HZ)).toBeGreaterThan(0.6);
  });
});
