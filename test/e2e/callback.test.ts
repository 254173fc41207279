/** The page behind a callback's link, for somebody who has never seen a web page of ours: a caller who pressed 1. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import type { FarSide } from '#test/support/far-side.ts';
import { CALLBACKS_AT_ANY_HOUR, type Office, Scene, type TestHouse } from './house.ts';

const { customer } = DEMO_EXAMPLES;

let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;
let page: Page;

beforeAll(async () => {
  scene = await Scene.open({ desks: { default: CALLBACKS_AT_ANY_HOUR } });
  ({ house, far, office } = scene);
}, 180_000);
afterAll(() => scene?.close());

const says = (heading: string | RegExp) => page.getByRole('heading', { name: heading }).waitFor();

it('a caller who pressed 1 sees place and state, puts the call off, has it at once after all, and cancels while the phone rings', async () => {
  const call = await far.call({ from: customer.number, to: '1000' });
  const callId = await house.contactIn('queued');
  await house.waitForEvent(callId, 'announced(nobody)');
  await call.sendDigits('1');
  await call.ended();
  const id = await house.continuationOf(callId);
  const { rows } = await house.db.query<{ token: string }>('select call_me_token as token from contact where id = $1', [id]);
  const token = rows[0]?.token ?? '';
  expect(token.length).toBeGreaterThanOrEqual(20);

  page = await office.visitor(`/callback/${token}?language=en`);
  await says('You are in the queue');
  await page.getByText('by phone, while waiting').waitFor();
  await page.getByText('You are next').waitFor();
  const text = await page.content();
  expect(text).toContain(`…${customer.number.slice(-4)}`);
  for (const secret of [customer.number, customer.number.slice(3, -4), customer.name]) expect(text).not.toContain(secret);

  // Put off: an agent who comes is not given it.
  await page.getByText('Change the time').click();
  await page.getByLabel('Day').selectOption({ index: 3 });
  await page.getByRole('button', { name: 'Change to this time' }).click();
  await says(/^We call you on /);
  await house.waitForEvent(id, 'callbackMoved');
  const tanaka = await office.ready('tanaka');
  expect((await house.contact(id)).state).toBe('queued');

  // After all at once: the phone rings, and the page says so.
  const ringing = far.nextCall(customer.number, 30_000);
  await page.getByText('Change the time').click();
  await page.getByLabel('Day').selectOption('As soon as possible');
  await page.getByRole('button', { name: 'Change to this time' }).click();
  const phone = await ringing;
  await phone.ring();
  await says('Calling you now');

  await page.getByText('Cancel my request').click();
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await says('Your request is cancelled');
  await phone.ended();
  await house.waitForState(id, 'ended');
  expect(await house.contact(id)).toMatchObject({ cause: 'callbackCancelled' });
  await tanaka.page.getByRole('heading', { name: 'You are ready' }).waitFor();

  const unknown = await page.goto(`${house.url}/callback/${token.slice(0, -1)}?language=en`);
  expect(unknown?.status()).toBe(404);
  await says('This link can’t be used');
  expect(house.log).not.toContain(token);
  await office.empty();
});
