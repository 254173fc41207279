/** The call-me button, by real pages and real calls: from a visitor's click to the talk with an agent, and everything that is refused. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import { isSilent, toneStrength } from '#test/support/audio.ts';
import { behaviours, type FarSide } from '#test/support/far-side.ts';
import { type Office, Scene, type TestHouse, until } from './house.ts';

const { AGENT_HZ } = Scene;
const VISITOR_HZ = 1_000;
const ATTEMPTS = 2;
const PER_NUMBER = 3;
const PER_ADDRESS = 4;
const { customer } = DEMO_EXAMPLES; // handled by tokyo-desk, where tanaka is

let scene: Scene;
let house: TestHouse;
let far: FarSide;
let office: Office;
let ourCustomer: Server;
let stranger: Server;

beforeAll(async () => {
  [ourCustomer, stranger] = [await site(), await site()];
  scene = await Scene.open({
    settings: {
      CALLBACK_ATTEMPTS: String(ATTEMPTS),
      CALLBACK_RETRY_MS: '1000',
      WRAP_UP_MS: '15000',
      CALL_ME_PER_HOUR_PER_NUMBER: String(PER_NUMBER),
      CALL_ME_PER_HOUR_PER_ADDRESS: String(PER_ADDRESS),
      CALL_ME_PRIVATE_HOSTS: 'true',
      CALL_ME_ORIGINS: originOf(ourCustomer),
    },
  });
  ({ house, far, office } = scene);
}, 180_000);
afterAll(async () => {
  await scene?.close();
  for (const one of [ourCustomer, stranger]) one?.close();
});
afterEach(() => scene.clear());

// ---------------------------------------------------------------- visitors

/** Somebody's own web site, with our button in it. */
async function site(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><html lang="en"><title>Lenses</title><body><h1>Lenses</h1>
       <script src="${house.url}/call-me.js" data-entry="2000" data-country="GB" data-language="en" async></script></body></html>`,
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}
const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let addresses = 0;
/** A visitor with a network address of their own, as the proxy in front of a real installation tells it. */
async function visitor(language: 'en' | 'ja' = 'en', address = `198.51.100.${++addresses}`): Promise<Page> {
  const page = await office.visitor('/');
  await page.setExtraHTTPHeaders({ 'x-forwarded-for': address });
  await page.goto(`${house.url}/call-me/demo?language=${language}`);
  return page;
}

const box = (page: Page) => page.locator('madoguchi-call-me').getByRole('dialog');

const WORDS = {
  en: { button: 'Call me', to: 'Phone number or SIP address', question: 'Your question', send: 'Please call me' },
  ja: { button: 'お電話ください', to: '電話番号または SIP アドレス', question: 'ご質問', send: '電話を依頼する' },
} as const;

async function ask(page: Page, to: string, question = '', language: 'en' | 'ja' = 'en'): Promise<void> {
  const words = WORDS[language];
  if (!(await box(page).isVisible()))
    await page.locator('madoguchi-call-me').getByRole('button', { name: words.button, exact: true }).click();
  const again = box(page).getByRole('button', { name: 'Ask again' });
  if (await again.isVisible()) await again.click();
  await box(page).getByLabel(words.to).fill(to);
  if (question) await box(page).getByLabel(words.question).fill(question);
  await box(page).getByRole('button', { name: words.send }).click();
}
const says = (page: Page, heading: string) => box(page).getByRole('heading', { name: heading }).waitFor();
const refuses = (page: Page, reason: string | RegExp) => box(page).getByRole('alert').getByText(reason).waitFor();
async function cancel(page: Page): Promise<void> {
  await box(page).getByRole('button', { name: 'Cancel my request' }).click();
  await says(page, 'Your request is cancelled');
}

/** The contact that a visitor's click has made. */
async function asked(page: Page, to: string, question = ''): Promise<string> {
  return (await house.arrival(() => ask(page, to, question))).id;
}

// ---------------------------------------------------------------- the proofs

describe('a visitor asks to be called', () => {
  it('and sees the place in the queue, is rung, told and joined with the agent, who knew the question before and was told whence the caller comes', async () => {
    const page = await visitor();
    const id = await asked(page, customer.number, 'Does the MS-300 need a dark room?');
    await says(page, 'You are in the queue');
    await box(page).getByText('You are next').waitFor();
    await house.waitForState(id, 'queued');
    expect(await house.contact(id)).toMatchObject({ deskId: customer.desk, state: 'queued' });

    const [tanaka, phone] = await Promise.all([office.ready('tanaka'), scene.phoneRings(customer.number)]);
    await says(page, 'Calling you now');
    await tanaka.contactIn('dialling');
    await tanaka.page.getByText('Does the MS-300 need a dark room?').waitFor();
    await tanaka.page.locator(`a[href^="${house.url}/call-me/demo"]`).waitFor();
    expect(await tanaka.page.locator('#contact-name').textContent()).toContain(customer.name);

    await phone.answer();
    await phone.startRecording();
    const saying = phone.playTone(VISITOR_HZ, 30_000);
    await says(page, 'Connecting the operator');
    await tanaka.contactIn('ringing');
    const alone = await phone.heard();
    expect(isSilent(alone)).toBe(false);
    expect(toneStrength(alone, AGENT_HZ)).toBeLessThan(0.3); // the agent is not on the line yet

    await tanaka.answer();
    await tanaka.hasLine();
    // The visitor speaks all the time: what the agent hears first is somebody else.
    const announcement = await tanaka.hears(VISITOR_HZ, 1_000);
    expect(announcement.loudness).toBeGreaterThan(0.005);
    expect(announcement.share).toBeLessThan(0.4);
    await tanaka.contactIn('connected');
    expect(await tanaka.hearsTone(VISITOR_HZ)).toBeGreaterThan(0.8);
    await phone.startRecording();
    await says(page, 'You are connected');
    await until('the visitor hears the agent', async () => {
      const heard = await phone.heard();
      if (toneStrength(heard, AGENT_HZ) > 0.8) return true;
      await phone.startRecording();
      return false;
    });
    await phone.hangUp();
    await saying;
    await says(page, 'Thank you');
    await tanaka.finish('resolved');
    await house.waitForState(id, 'ended');

    expect(await house.contact(id)).toMatchObject({ cause: 'handled', agentId: 'tanaka' });
    const story = (await house.story(id)).filter((s) => !s.startsWith('agent'));
    expect(story).toEqual([
      'contactArrived',
      'partyIdentified(callingNumber)',
      expect.stringContaining('deskDecided'),
      'queued',
      'offered',
      'originated',
      'delivered',
      'established',
      'screenPopped',
      'originated',
      'delivered',
      'established',
      'connectionCleared(party)',
      'wrapUpStarted',
      'wrapUpCompleted(agent)',
      'contactEnded(handled)',
    ]);
  });

  it('between two callers, and all three are served in order of arrival', async () => {
    const { party: first, id: firstId } = await scene.call({ from: customer.number, to: '1000' });
    await house.waitForState(firstId, 'queued');
    const page = await visitor();
    const visitorsNumber = '+81334567890'; // somebody new in Tokyo: the desk that sells most there is the same one
    const requestId = await asked(page, visitorsNumber);
    await box(page).getByText('You are number 2').waitFor();
    const { party: third, id: thirdId } = await scene.call({ from: customer.number, to: '1000' });
    await house.waitForState(thirdId, 'queued');
    for (const id of [firstId, requestId, thirdId]) expect((await house.contact(id)).deskId).toBe(customer.desk);

    const tanaka = await office.ready('tanaka');
    await tanaka.talk();
    expect((await house.contact(firstId)).state).toBe('connected');
    await box(page).getByText('You are next').waitFor();
    await first.hangUp();
    const [phone] = await Promise.all([scene.phoneRings(visitorsNumber), tanaka.finish('resolved')]);
    expect((await house.contact(thirdId)).state).toBe('queued');
    await phone.answer();
    await tanaka.talk();
    await phone.hangUp();
    await tanaka.finish('resolved');

    await tanaka.talk();
    expect((await house.contact(thirdId)).state).toBe('connected');
    await third.hangUp();
    await tanaka.finish('resolved');
  });

  it('is busy, then answers: the request keeps its place', async () => {
    const number = '+81334567801';
    const page = await visitor();
    const id = await asked(page, number);
    const [tanaka, engaged] = await Promise.all([office.ready('tanaka'), scene.phoneRings(number)]);
    await engaged.busy();
    await until('the visitor waits again', async () => (await house.story(id)).includes('queued(busy)'));
    await tanaka.page.getByRole('heading', { name: 'You are ready' }).waitFor();
    await says(page, 'You are in the queue');
    const phone = await scene.phoneRings(number);
    await phone.answer();
    await tanaka.talk();
    await says(page, 'You are connected');
    await tanaka.page.getByRole('button', { name: 'Hang up' }).click();
    expect((await phone.ended()).cause).toBe(16);
    await tanaka.finish('resolved');
  });

  it('is busy again and again: the page says that nobody was reached, and the agent is free', async () => {
    const number = '+81334567802';
    far.onIncoming(number, behaviours.busy());
    const page = await visitor();
    const id = await asked(page, number);
    const tanaka = await office.ready('tanaka');
    await says(page, 'We could not reach you');
    const story = await house.story(id);
    expect(story.filter((s) => s === 'originated')).toHaveLength(ATTEMPTS);
    expect(story.filter((s) => s === 'failed(busy)')).toHaveLength(ATTEMPTS);
    expect(story.at(-1)).toBe('contactEnded(callbackFailed)');
    await tanaka.page.getByRole('heading', { name: 'You are ready' }).waitFor();
    expect((await house.agent('tanaka')).state).toBe('ready');
  });

  it('with a SIP address, which is rung straight', async () => {
    const page = await visitor();
    const id = await asked(page, `sip:visitor@${far.publicAddress.host}:${far.publicAddress.port}`, 'By SIP, please');
    await house.waitForState(id, 'queued');
    expect((await house.contact(id)).deskId).toBe('reception');
    const [jones, phone] = await Promise.all([office.ready('jones'), scene.phoneRings('visitor')]);
    await phone.answer();
    const saying = phone.playTone(VISITOR_HZ, 30_000); // as a phone's microphone, from the answer on
    await jones.talk();
    await jones.page.getByText('By SIP, please').waitFor();
    await phone.startRecording();
    expect(await jones.hearsTone(VISITOR_HZ)).toBeGreaterThan(0.8);
    expect(toneStrength(await phone.heard(), AGENT_HZ, { fromMs: 500 })).toBeGreaterThan(0.8);
    await phone.hangUp();
    await saying;
    await jones.finish('resolved');
  });
});

describe('a visitor takes the request back', () => {
  it('while waiting: nobody is rung', async () => {
    const page = await visitor();
    const id = await asked(page, '+81334567803');
    await cancel(page);
    expect(await house.contact(id)).toMatchObject({ state: 'ended', cause: 'callbackCancelled' });
    expect(await house.story(id)).not.toContain('originated');
  });

  it('while the phone rings: it stops, and the agent is ready again', async () => {
    const number = '+81334567804';
    const page = await visitor();
    const id = await asked(page, number);
    const [tanaka, phone] = await Promise.all([office.ready('tanaka'), scene.phoneRings(number)]);
    await says(page, 'Calling you now');
    await cancel(page);
    await phone.ended();
    await tanaka.page.getByRole('heading', { name: 'You are ready' }).waitFor();
    expect((await house.contact(id)).cause).toBe('callbackCancelled');
  });
});

describe('a request is refused in the form, in words, when', () => {
  it.each([
    ['12', 'not a phone number'],
    ['999', 'Emergency numbers cannot be called.'],
    ['+49 30 901820', 'Numbers of this country cannot be called.'],
    ['+44 909 879 0000', 'premium'],
    ['020 7946 0000', 'This is our own number.'],
    ['sip:visitor@127.0.0.1:80', 'Write a SIP address as'],
  ])('%s is given', async (to, reason) => {
    const before = await house.newestContact();
    const page = await visitor();
    await ask(page, to);
    await refuses(page, new RegExp(reason));
    expect(await house.newestContact()).toBe(before);
  });

  it.each(['0990-512-345', '0570-012-345', '０５７０－０１２－３４５'])('%s is given on a Japanese page', async (to) => {
    const before = await house.newestContact();
    const page = await visitor('ja');
    await ask(page, to, '', 'ja');
    await refuses(page, /有料情報サービス/);
    expect(await house.newestContact()).toBe(before);
  });

  it('the same number waits already, however it is written and whoever asks', async () => {
    const page = await visitor();
    await asked(page, '+81334567805');
    const other = await visitor();
    await ask(other, '+81 3 (3456) 7805');
    await refuses(other, /We already have your request/);
    await cancel(page);
  });

  it('one number is asked for too often in an hour', async () => {
    for (let i = 0; i < PER_NUMBER; i++) {
      const page = await visitor();
      await asked(page, '+81334567806');
      await cancel(page);
    }
    const page = await visitor();
    await ask(page, '+81334567806');
    await refuses(page, /too many requests. Please try again in about (59|60) min/);
  });

  it('one address asks too often in an hour, whatever the numbers', async () => {
    const page = await visitor('en', '203.0.113.9');
    for (let i = 0; i < PER_ADDRESS; i++) {
      await asked(page, `+8133456781${i}`);
      await cancel(page);
    }
    await ask(page, '+81334567819');
    await refuses(page, /too many requests/);
    const other = await visitor('en', '203.0.113.10');
    await asked(other, '+81334567819');
    await cancel(other);
  });
});

describe('the button on other sites', () => {
  async function on(server: Server): Promise<Page> {
    const page = await office.visitor('/');
    await page.goto(originOf(server));
    return page;
  }

  it('works on one that the settings name', async () => {
    const page = await on(ourCustomer);
    const id = await asked(page, '+81334567820');
    await says(page, 'You are in the queue');
    const { data } = (await house.events(id)).find((e) => e.name === 'contactArrived') ?? {};
    expect(data).toMatchObject({ page: `${originOf(ourCustomer)}/` });
    await cancel(page);
  });

  it('is refused on any other one', async () => {
    const before = await house.newestContact();
    const page = await on(stranger);
    const refused = page.waitForEvent('requestfailed', (request) => request.url() === `${house.url}/api/call-me`);
    await ask(page, '+81334567821');
    await box(page).getByRole('alert').waitFor();
    await refused; // by the browser, which was not told that this site may
    const answer = await fetch(`${house.url}/api/call-me`, { method: 'POST', headers: { origin: originOf(stranger) } });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'originNotAllowed' });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(await house.newestContact()).toBe(before);
  });
});
