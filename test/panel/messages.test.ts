/** Voicemail as agents have it on their screens, in a real Chromium with the browser's own player. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pcmWav } from '../../src/base/wav.ts';
import type { ContactView } from '../../src/web/messages.ts';
import { FAKE_CUSTOMER } from '../support/fake-backend.ts';
import { getReady, type House, type Stage, startStage, until } from './stage.ts';

/** So many seconds of 440 Hz. */
function tone(seconds: number): Buffer {
  const samples = Buffer.alloc(seconds * 16_000);
  for (let i = 0; i < seconds * 8_000; i++) samples.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * 440 * i) / 8_000)), i * 2);
  return pcmWav(samples);
}

let stage: Stage;
let house: House;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  house = await stage.open();
});
afterEach(() => house.close());

const inputsOf = (type: string) => house.backend.inputs.filter((input) => input.type === type);

/** A message of 30 seconds, left at 10:07, that is offered to Tanaka. */
function offer(change: Partial<ContactView> = {}): ContactView {
  const contact = house.backend.offer('agent-tanaka', {
    channel: 'message',
    origin: 'voicemail',
    message: { durationMs: 30_400 },
    arrivedAt: new Date().setHours(0, 0, 0, 0) + 67 * 60_000,
    ...change,
  });
  house.backend.setRecording(contact.contactId, tone(30));
  return contact;
}

async function accepted(page: Page, change: Partial<ContactView> = {}): Promise<ContactView> {
  const contact = offer(change);
  await page.getByRole('button', { name: /^Accept/ }).waitFor();
  await page.keyboard.press('a');
  await player(page).waitFor();
  return contact;
}
const player = (page: Page): Locator => page.locator('audio[aria-label="Voicemail"]');
const isPlaying = (audio: Locator): Promise<boolean> =>
  audio.evaluate((element: HTMLAudioElement) => !element.paused && element.currentTime > 0);
const isLoaded = (audio: Locator): Promise<boolean> => audio.evaluate((element: HTMLAudioElement) => element.duration > 0);

describe('a message that is offered', () => {
  test('shows whose it is, how long, and when it came; nothing rings, and nothing can be heard before it is accepted', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const { offerId } = offer();
    const contact = page.getByTestId('contact');
    await contact.getByRole('heading', { name: '山田 花子' }).waitFor();
    expect(await page.getByTestId('stage').textContent()).toBe('Voicemail for you');
    expect(await page.title()).toBe('✉ 山田 花子');
    const card = contact.getByRole('region', { name: 'Voicemail' });
    expect(await card.textContent()).toMatch(/Left .*\d\d:\d\d · 0:30 long/);
    expect(await page.getByTestId('announcement').textContent()).toBe(
      'Voicemail from 山田 花子, Customer, 0:30 long, desk 大阪サービス窓口.',
    );
    await page.getByText(/Yours to accept for another \d+ s/).waitFor();
    expect(inputsOf('offerShown')).toEqual([{ type: 'offerShown', agentId: 'agent-tanaka', offerId }]);
    expect(await page.getByRole('button', { name: /Answer/ }).count()).toBe(0);
    expect(await page.locator('audio[aria-label="Voicemail"]').count()).toBe(0);
    expect(house.backend.heard).toEqual([]);
  });

  test('is declined by a key or the button', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const first = offer();
    await page.getByRole('button', { name: /^Accept/ }).waitFor();
    await page.keyboard.press('d');
    await page.getByText('You declined a contact; it went on to someone else.').waitFor();
    expect(inputsOf('offerDeclined')).toEqual([{ type: 'offerDeclined', agentId: 'agent-tanaka', offerId: first.offerId }]);
  });

  test('is accepted by a key, listened to by another, done by a third, and noted like a talk', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const { contactId, offerId } = await accepted(page);
    expect(inputsOf('offerAccepted')).toEqual([{ type: 'offerAccepted', agentId: 'agent-tanaka', offerId }]);
    expect(await page.getByTestId('stage').textContent()).toBe('Listening');
    const audio = player(page);
    await until('the player knows how long it is', () => isLoaded(audio));
    expect(await audio.evaluate((element: HTMLAudioElement) => Math.round(element.duration))).toBe(30);

    await page.keyboard.press('p');
    await until('it plays', () => isPlaying(audio));
    expect(house.backend.heard[0]).toEqual({ agentId: 'agent-tanaka', contactId });
    await page.keyboard.press('p');
    await until('it pauses', () => audio.evaluate((element: HTMLAudioElement) => element.paused));
    // To its last seconds, as with the player's own bar.
    await audio.evaluate((element: HTMLAudioElement) => {
      element.currentTime = 28;
    });
    await page.keyboard.press('p');
    await until('it plays on from there', () => audio.evaluate((element: HTMLAudioElement) => element.currentTime > 28));

    await page.keyboard.press('h');
    await page.getByLabel('What came of it?').selectOption('resolved');
    expect(await audio.isVisible()).toBe(true);
    await page.getByLabel('Note').fill('Wants a brochure');
    await page.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('heading', { name: 'You are ready' }).waitFor();
    expect(inputsOf('agentHangUp')).toEqual([{ type: 'agentHangUp', agentId: 'agent-tanaka', offerId }]);
    expect(inputsOf('wrapUp')).toEqual([
      { type: 'wrapUp', agentId: 'agent-tanaka', contactId, disposition: 'resolved', note: 'Wants a brochure' },
    ]);
  });

  test('can be handled with the keyboard alone, without letter keys', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await page.evaluate(() => localStorage.setItem('madoguchi.letterKeys', 'off'));
    await page.reload();
    await page.getByRole('heading', { name: 'You are ready' }).waitFor();
    offer();
    const accept = page.getByRole('button', { name: /^Accept/ });
    await accept.waitFor();
    await page.keyboard.press('a');
    await accept.focus();
    await page.keyboard.press('Enter');
    const audio = player(page);
    await until('the player knows how long it is', () => isLoaded(audio));
    await audio.focus();
    await page.keyboard.press(' ');
    await until('it plays', () => isPlaying(audio));
    await page.getByRole('button', { name: /^Done/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('What came of it?').waitFor();
    expect(inputsOf('offerAccepted')).toHaveLength(1);
  });
});

describe('calling back', () => {
  test('ends the message and rings its customer; what was said can still be heard', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const { contactId } = await accepted(page);
    await page.getByRole('button', { name: /^Call back/ }).waitFor();
    await page.keyboard.press('c');
    await page.getByText('Callback after a voicemail').waitFor();
    expect(inputsOf('messageCallBack')).toEqual([{ type: 'messageCallBack', agentId: 'agent-tanaka', contactId }]);
    expect(await page.getByTestId('stage').textContent()).toBe('Calling the customer…');
    expect(await player(page).isVisible()).toBe(true);
  });

  test('is not offered where there is no number', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    await accepted(page, { callingNumber: null, numberKind: 'withheld' });
    await page.getByRole('button', { name: /^Done/ }).waitFor();
    expect(await page.getByRole('button', { name: /^Call back/ }).count()).toBe(0);
    await page.keyboard.press('c');
    expect(inputsOf('messageCallBack')).toEqual([]);
  });
});

describe('a recording', () => {
  test('that is still on its way is said to be so, and comes by itself', async () => {
    const page = await house.panel('tanaka');
    await getReady(page);
    const { contactId } = offer();
    house.backend.setRecording(contactId, null);
    await page.getByRole('button', { name: /^Accept/ }).click();
    await page.getByText('The recording is still on its way.').waitFor();
    house.backend.setRecording(contactId, tone(5));
    await until('it is there', () => isLoaded(player(page)));
    expect(await page.getByText('The recording is still on its way.').count()).toBe(0);
    await page.keyboard.press('p');
    await until('it plays', () => isPlaying(player(page)));
  });

  test('of an earlier contact can be played in the history, and is fetched only then', async () => {
    const [past] = FAKE_CUSTOMER.lastContacts;
    if (!past) throw new Error('nobody has called before');
    const old = { ...past, contactId: 'c-voicemail', channel: 'message', disposition: null, messageMs: 12_000 };
    house.backend.setRecording(old.contactId, tone(12));
    const page = await house.panel('tanaka');
    await getReady(page);
    house.backend.offer('agent-tanaka', { customer: { ...FAKE_CUSTOMER, lastContacts: [old] } });
    const audio = page.locator('.history audio');
    await audio.waitFor();
    expect(await audio.getAttribute('aria-label')).toMatch(/^Voicemail of .*, 0:12 long$/);
    expect(house.backend.heard).toEqual([]);
    await audio.evaluate((element: HTMLAudioElement) => element.play());
    await until('it plays', () => isPlaying(audio));
    expect(house.backend.heard.length).toBeGreaterThan(0);
  });
});

test('everything is there in Japanese, too', async () => {
  const page = await house.panel('tanaka', { locale: 'ja-JP' });
  await page.getByRole('button', { name: '業務を開始' }).click();
  await page.getByRole('heading', { name: '現在、着信はありません' }).waitFor();
  await page.keyboard.press('r');
  await until('Tanaka is ready', () => house.backend.viewOf('agent-tanaka').agent.state === 'ready');
  offer();
  await page.getByRole('button', { name: /^受け取る/ }).click();
  await page.locator('audio[aria-label="留守番電話"]').waitFor();
  await page.getByRole('button', { name: /^折り返す/ }).waitFor();
  await page.getByRole('button', { name: /^完了/ }).waitFor();
});

test('a supervisor sees a message wait among the others, and counts it', async () => {
  const page = await house.panel('sato', { path: '/supervisor' });
  const row = (contactId: string, channel: string, party: string, position: number) => ({
    contactId,
    channel,
    state: 'queued',
    party,
    desk: { id: 'desk-osaka', name: '大阪サービス窓口' },
    callingNumber: '+81312345678',
    arrivedAt: Date.now() - 90_000,
    position,
    agent: null,
  });
  house.backend.setWaiting([row('c-1', 'voice', '鈴木商店', 1), row('c-2', 'message', '山田 花子', 2)]);
  house.backend.touch('agent-sato');
  const line = page.getByTestId('floor-waiting').getByRole('row', { name: /山田 花子/ });
  await line.waitFor();
  expect(await line.textContent()).toContain('Voicemail');
  expect(await page.locator('.count').first().textContent()).toBe('Waiting2');
});
