/** The controller dies by SIGKILL with calls in every state, and the next one goes on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import { longestSilenceMs, toneStrength } from '#test/support/audio.ts';
import type { FarSide } from '#test/support/far-side.ts';
import { type Office, Scene, type TestHouse, until } from './house.ts';

const { AGENT_HZ } = Scene;
const CALLER_HZ = 1_000;
const { customer, customerByCode, agency } = DEMO_EXAMPLES;
let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;

beforeAll(async () => {
  scene = await Scene.open({ settings: { RING_MS: '60000', ANNOUNCE_EVERY_MS: '10000' } });
  ({ house, far, office } = scene);
}, 180_000);
afterAll(() => scene?.close());

describe('the controller is killed', () => {
  it('with one caller in the IVR, one queued, one ringing and one talking: every one of them goes on', async () => {
    const [jones, tanaka] = [await office.ready('jones'), await office.ready('tanaka')];

    const talking = await far.call({ from: agency.number, to: '1000' });
    await jones.talk();
    const talkingId = await house.contactIn('connected');
    const ringing = await far.call({ from: customer.number, to: '1000' });
    await tanaka.contactIn('ringing');
    const ringingId = await house.contactIn('offered');
    const queued = await far.call({ from: customer.number, to: '1000' });
    const queuedId = await house.contactIn('queued');
    const inIvr = await far.call({ from: customer.number, to: '1000', withheld: true });
    const inIvrId = await house.contactIn('scenario');
    const offerBefore = await house.liveOffers();
    const placeBefore = await house.db.query('select arrived_at, queued_at from contact where id = $1', [queuedId]);

    await talking.startRecording();
    await queued.startRecording();
    const said = talking.playTone(CALLER_HZ, 60_000);
    await until('the caller is heard', async () => (await jones.hearsTone(CALLER_HZ, 500)) > 0.8);

    await house.kill();
    // Nobody is at home: the two still talk, the one in the queue still has music.
    expect(await jones.hearsTone(CALLER_HZ, 1_000)).toBeGreaterThan(0.8);
    const lateCall = await far.call({ from: agency.number, to: '1000' }); // and somebody calls just now
    expect(await jones.hearsTone(CALLER_HZ, 1_000)).toBeGreaterThan(0.8);
    await house.run();

    // The panels come back by themselves, to the same calls.
    await jones.contactIn('connected');
    await tanaka.contactIn('ringing');
    expect(await house.liveOffers()).toEqual(offerBefore);
    for (const call of [talking, ringing, queued, inIvr]) expect(call.hasEnded).toBe(false);

    // The one who talks: heard all the time, in both directions.
    expect(await jones.hearsTone(CALLER_HZ, 1_000)).toBeGreaterThan(0.8);
    const heard = await talking.heard();
    expect(longestSilenceMs(heard, { fromMs: 200 })).toBeLessThan(400);
    expect(toneStrength(heard, AGENT_HZ, { fromMs: 500 })).toBeGreaterThan(0.6);
    await talking.stopPlaying();
    await said;

    // The one in the IVR: dials on, and reaches the desk.
    await inIvr.sendDigits(`${customerByCode.code}#`);
    await house.waitForState(inIvrId, 'queued');
    expect((await house.contact(inIvrId)).deskId).toBe(customerByCode.desk);

    // The one who called meanwhile was not lost.
    const { rows } = await until('the late call is a contact', async () => {
      const found = await house.db.query(`select id from contact where organisation_id is not null and id <> $1 and state <> 'ended'`, [
        talkingId,
      ]);
      return found.rowCount === 1 && found;
    });
    expect(rows).toHaveLength(1);

    // The one who rings is answered; the one in the queue kept the place and comes next.
    await tanaka.talk();
    expect((await house.contact(ringingId)).agentId).toBe('tanaka');
    const placeAfter = await house.db.query('select arrived_at, queued_at from contact where id = $1', [queuedId]);
    expect(placeAfter.rows).toEqual(placeBefore.rows);
    await ringing.hangUp();
    await tanaka.finish('resolved');
    await tanaka.talk();
    await house.waitForState(queuedId, 'connected');
    expect(longestSilenceMs(await queued.heard(), { fromMs: 500 })).toBeLessThan(4_000); // announcements begin and end with a breath

    for (const call of [talking, queued, inIvr, lateCall]) await call.hangUp();
    await house.waitForState(queuedId, 'wrapUp');
    for (const id of [talkingId, ringingId, queuedId]) {
      const story = await house.story(id);
      expect(story.filter((s) => s.startsWith('established'))).toHaveLength(1);
      expect(story.filter((s) => s === 'connectionCleared(party)')).toHaveLength(1);
      expect(story.filter((s) => s === 'screenPopped')).toHaveLength(1);
    }
    expect([...jones.faults, ...tanaka.faults]).toEqual([]);
  });

  it('and comes back though somebody hung up meanwhile: the offer is gone, nobody is stuck', async () => {
    const sato = await office.ready('sato'); // Yokohama's desk
    const caller = await far.call({ from: customer.number, to: '1000', withheld: true });
    await house.contactIn('scenario');
    await caller.sendDigits(`${customerByCode.code}#`);
    await sato.contactIn('ringing');
    const id = await house.contactIn('offered');
    await house.kill();
    await caller.hangUp();
    await house.run();
    await house.waitForState(id, 'ended');
    expect((await house.contact(id)).cause).toBe('abandonedWhileRinging');
    await sato.page.getByRole('heading', { name: 'You are ready' }).waitFor();
    expect((await house.agent('sato')).state).toBe('ready');
  });
});
