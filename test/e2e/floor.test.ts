/** The floor's rules on real parts: a switch that dies, callers who give up or would rather be called back, agents first, supervisors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_EXAMPLES, demoCustomers } from '#src/db/demo.ts';
import { toneStrength } from '#test/support/audio.ts';
import type { FarSide, ScriptedParty } from '#test/support/far-side.ts';
import { type Office, Scene, type TestHouse, until } from './house.ts';

const { AGENT_HZ } = Scene;
const CALLER_HZ = 1_000;
const { customer } = DEMO_EXAMPLES;
/** Another customer of the same desk, with a number of his own. */
const other = demoCustomers().find((c) => c.handlingDesk === customer.desk && c.language === 'ja' && c.code !== customer.code);
const otherNumber = other?.phones[0] as string;

/** Waits are long here, and nobody is forgotten. */
const DESKS = {
  default: {
    callbacks: { offerFromWait: '1s', afterAbandon: '2s', hours: '00:00-24:00' },
  },
  [DEMO_EXAMPLES.unknownInOsaka.desk]: { callbacks: { first: 'agent' } },
};

let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;

beforeAll(async () => {
  scene = await Scene.open({ desks: DESKS, settings: { RING_MS: '60000', WRAP_UP_MS: '600000' } });
  ({ house, far, office } = scene);
}, 180_000);
afterEach(() => scene.clear());
afterAll(() => scene?.close());

const call = async (from: string): Promise<ScriptedParty> => (await scene.call({ from, to: '1000' })).party;

describe('the switch dies', () => {
  it('and whoever talked and whoever waited is called back by the next one, at the old place, the first by the same agent', async () => {
    const tanaka = await office.ready('tanaka');
    await call(customer.number);
    await tanaka.talk();
    const talkingId = await house.contactIn('connected');
    await call(otherNumber);
    const waitingId = await house.contactIn('queued');
    const { rows: before } = await house.db.query('select arrived_at from contact where id = any($1) order by arrived_at', [
      [talkingId, waitingId],
    ]);

    const note = JSON.parse(readFileSync(join(house.dataDir, 'switch/asterisk.pid'), 'utf8')) as { pid: number };
    const [first, second] = [far.nextCall(customer.number, 60_000), far.nextCall(otherNumber, 120_000)];
    second.catch(() => undefined); // told where it is waited for
    process.kill(note.pid, 'SIGKILL');

    for (const id of [talkingId, waitingId]) {
      await house.waitForState(id, 'ended', 60_000);
      expect((await house.contact(id)).cause).toBe('replacedByCallback');
    }
    const callbacks = [await house.continuationOf(talkingId), await house.continuationOf(waitingId)];
    const { rows: after } = await house.db.query('select arrived_at from contact where id = any($1) order by arrived_at', [callbacks]);
    expect(after).toEqual(before);

    const again = await first;
    await again.answer();
    // The phone in the browser may find the new switch a moment too late for the first ring, and is rung again.
    await until(
      'the agent talks',
      async () => {
        const stage = await tanaka.page
          .getByTestId('contact')
          .getAttribute('data-stage', { timeout: 1_000 })
          .catch(() => null);
        if (stage === 'ringing') await tanaka.page.keyboard.press('a');
        return stage === 'connected';
      },
      60_000,
    );
    await again.startRecording();
    await again.playTone(CALLER_HZ, 2_000);
    expect(toneStrength(await again.heard(), AGENT_HZ)).toBeGreaterThan(0.6);
    await again.hangUp();
    await tanaka.finish('resolved');

    const next = await second;
    await next.answer();
    await tanaka.talk();
    await next.hangUp();
    await tanaka.finish('resolved');
    await house.waitForState(callbacks[1] as string, 'ended');
    expect((await house.contact(callbacks[1] as string)).cause).toBe('handled');
  }, 240_000);
});

describe('a caller', () => {
  it('who gave up is called back, and hears why', async () => {
    const caller = await call(customer.number);
    const id = await house.contactIn('queued');
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // longer than the desk's two seconds
    await caller.hangUp();
    const callbackId = await house.continuationOf(id);
    const ringing = far.nextCall(customer.number, 30_000);
    const tanaka = await office.ready('tanaka');
    const callback = await ringing;
    await callback.answer();
    await tanaka.talk();
    expect(await house.story(callbackId)).toContain('established');
    await callback.hangUp();
    await tanaka.finish('resolved');
    await house.waitForState(callbackId, 'ended');
  });

  it('who is told a long wait presses 1, keeps the place, and is called back before those who came later', async () => {
    const tanaka = await office.ready('tanaka');
    const talking = await call(customer.number);
    await tanaka.talk();
    const waiting = await call(otherNumber);
    const waitingId = await house.contactIn('queued');
    const { data } = await house.waitForEvent(waitingId, 'announced');
    expect(data).toMatchObject({ position: 1, callbackOffered: true });
    const ringing = far.nextCall(otherNumber, 60_000);
    ringing.catch(() => undefined);
    await waiting.sendDigits('1');
    expect((await waiting.ended()).cause).toBe(16);
    const callbackId = await house.continuationOf(waitingId);
    const later = await call(DEMO_EXAMPLES.agency.number);
    await talking.hangUp();
    await tanaka.finish('resolved');
    const callback = await ringing;
    expect(await house.contact(callbackId)).toMatchObject({ state: 'offered', agentId: 'tanaka' });
    await callback.answer();
    await tanaka.talk();
    await callback.hangUp();
    await tanaka.finish('resolved');
    await later.hangUp();
  });
});

describe('a callback of a desk that wants the agent first', () => {
  it('rings the agent, then the customer, and joins both when the customer answers', async () => {
    const { number } = DEMO_EXAMPLES.unknownInOsaka;
    const caller = await call(number);
    // Nobody knows the number: the voice menu asks for a code; without one the desk that sells best takes it.
    const id = await house.contactIn('scenario');
    await caller.sendDigits('#');
    await house.waitForEvent(id, 'announced(nobody)');
    await caller.sendDigits('1');
    const callbackId = await house.continuationOf(id);
    const { deskId } = await house.contact(callbackId);
    expect(deskId).toBe(DEMO_EXAMPLES.unknownInOsaka.desk);
    const ringing = far.nextCall(number, 60_000);
    const { rows } = await house.db.query<{ user_name: string }>(
      `select user_name from app_user u join app_user_desk d on d.user_id = u.id where d.desk_id = $1 and u.role = 'agent' limit 1`,
      [deskId],
    );
    const agent = await office.ready(rows[0]?.user_name as string);
    await agent.answer();
    const callback = await ringing;
    const { rows: legs } = await house.db.query<{ role: string }>('select role from leg where contact_id = $1 order by created_at', [
      callbackId,
    ]);
    expect(legs.map((leg) => leg.role)).toEqual(['agent', 'party']);
    await callback.answer();
    await agent.contactIn('connected');
    await callback.startRecording();
    await callback.playTone(CALLER_HZ, 2_000);
    expect(toneStrength(await callback.heard(), AGENT_HZ)).toBeGreaterThan(0.6);
    await callback.hangUp();
    await agent.finish('resolved');
  });
});
