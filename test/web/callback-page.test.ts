/** The page behind a callback's link, in a real browser: kept up to date by its script, and complete without it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type House, type Stage, startStage } from '../panel/stage.ts';
import { createFakeBackend } from '../support/fake-backend.ts';

/** Monday 23 November 2026, eleven in Tokyo. The browser's own clock plays no part. */
const NOW = Date.UTC(2026, 10, 23, 2);
const HOUR = 3_600_000;

let stage: Stage;
let house: House;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  const now = () => NOW;
  house = await stage.open({ backend: createFakeBackend({ now }), change: { now } });
});
afterEach(() => house.close());

async function asked(): Promise<string> {
  const to = { kind: 'number', number: '+81312345678' } as const;
  const { token } = await house.backend.callMe({
    entryId: '1000',
    language: 'en',
    name: 'Hanako',
    to,
    question: 'Where can I buy a filter?',
    pageUrl: '',
    callAt: null,
  });
  return token;
}
async function openPage(token: string, options: BrowserContextOptions = {}): Promise<Page> {
  const { page } = await house.visitor(options);
  await page.goto(`${house.web.url}/callback/${token}`);
  return page;
}
const says = (page: Page, name: string | RegExp) => page.getByRole('heading', { name }).waitFor();

test('it follows the request until the talk is over, without a reload', async () => {
  const token = await asked();
  const page = await openPage(token);
  const violations: string[] = [];
  page.on('console', (message) => message.type() === 'error' && violations.push(message.text()));
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  house.backend.setCallMe(token, { state: 'waiting', position: 4, estimatedWaitMs: 8 * 60_000 });
  await page.getByText('Number 4 · about 8 min').waitFor();
  for (const [state, words] of [
    ['preparing', 'We are about to call you'],
    ['calling', 'Calling you now'],
    ['connectingAgent', 'Connecting the operator'],
    ['connected', 'You are connected'],
    ['done', 'Thank you'],
  ] as const) {
    house.backend.setCallMe(token, { state });
    await says(page, words);
    expect(await page.getByText('Change the time').count()).toBe(0);
    expect(await page.getByText('Cancel my request').isVisible()).toBe(['preparing', 'calling', 'connectingAgent'].includes(state));
    expect(await page.title()).toBe(words);
  }
  expect(await page.evaluate(() => Reflect.get(window, 'sameDocument'))).toBe(true);
  expect(violations).toEqual([]);
});

test('the time is chosen by day and hour; a choice under way outlives news of place and wait', async () => {
  const token = await asked();
  const page = await openPage(token);
  await page.getByText('Change the time').click();
  await page.getByLabel('Day').selectOption('Tue 24 Nov');
  await page.getByLabel('Time').selectOption('15:00');
  house.backend.setCallMe(token, { state: 'waiting', position: 2, estimatedWaitMs: 120_000 });
  await page.getByText('Number 2 · about 2 min').waitFor();
  expect(await page.getByLabel('Time').locator('option:checked').textContent()).toBe('15:00');
  await page.getByRole('button', { name: 'Change to this time' }).click();
  await says(page, 'We call you on Tue 24 Nov at 15:00');
  expect(house.backend.moves).toEqual([{ token, to: NOW + 28 * HOUR }]);

  // The form knows what is agreed, and "as soon as possible" takes it back.
  await page.getByText('Change the time').click();
  expect(await page.getByLabel('Time').locator('option:checked').textContent()).toBe('15:00');
  await page.getByLabel('Day').selectOption('As soon as possible');
  expect(await page.getByLabel('Time').isVisible()).toBe(false);
  await page.getByRole('button', { name: 'Change to this time' }).click();
  await says(page, 'You are in the queue');
  expect(house.backend.moves.at(-1)).toEqual({ token, to: null });
});

test('a time that is not possible any more is refused in words; the page stays alive', async () => {
  const token = await asked();
  const page = await openPage(token);
  await page.getByText('Change the time').click();
  await page.getByLabel('Day').selectOption({ index: 1 });
  house.backend.setCallMe(token, { state: 'calling' });
  // The form may be gone in the same moment: then that is the answer.
  await page
    .getByRole('button', { name: 'Change to this time' })
    .click({ timeout: 2_000 })
    .catch(() => undefined);
  await says(page, 'Calling you now');
  expect(house.backend.moves).toEqual([]);
  house.backend.setCallMe(token, { state: 'connected' });
  await says(page, 'You are connected');
});

test.each([true, false])('it is read, moved and cancelled with and without scripts (%s)', async (javaScriptEnabled) => {
  const token = await asked();
  const page = await openPage(token, { javaScriptEnabled });
  await says(page, 'You are in the queue');
  await page.getByText('Change the time').click();
  if (javaScriptEnabled) {
    await page.getByLabel('Day').selectOption({ index: 2 });
    await page.getByLabel('Time').selectOption('12:00');
  } else await page.getByLabel('When to call you').selectOption(String(NOW + 25 * HOUR));
  await page.getByRole('button', { name: 'Change to this time' }).click();
  await says(page, 'We call you on Tue 24 Nov at 12:00');
  await page.getByText('Cancel my request').click();
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await says(page, 'Your request is cancelled');
  expect(house.backend.callMeStateOf(token)).toBe('cancelled');
});

test('cancelling needs a second press, also with the keyboard', async () => {
  const token = await asked();
  const page = await openPage(token);
  expect(await page.getByRole('button', { name: 'Yes, cancel it' }).isVisible()).toBe(false);
  await page.getByText('Cancel my request').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Yes, cancel it' }).waitFor();
  expect(house.backend.callMeStateOf(token)).toBe('waiting');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await says(page, 'Your request is cancelled');
});

test('the language can be changed, and stays after what is done', async () => {
  const page = await openPage(await asked());
  await page.getByRole('link', { name: '日本語' }).click();
  await says(page, '順番をお待ちください');
  await page.getByText('依頼を取り消す').click();
  await page.getByRole('button', { name: '取り消す' }).click();
  await says(page, 'ご依頼を取り消しました');
});

test('while the centre is away, it says that the request stands, and goes on when it is back', async () => {
  const token = await asked();
  const page = await openPage(token);
  await page.route(/\/api\/call-me\//, (route) => route.abort());
  await page.getByText('The status can’t be fetched just now. Your request stands.').waitFor({ timeout: 15_000 });
  await page.unroute(/\/api\/call-me\//);
  house.backend.setCallMe(token, { state: 'calling' });
  await page.getByRole('heading', { name: 'Calling you now' }).waitFor({ timeout: 25_000 });
  expect(await page.getByText('The status can’t be fetched').isVisible()).toBe(false);
});

test('its script is small and without imports', async () => {
  const code = await readFile(join(stage.staticDir, 'callback.js'), 'utf8');
  expect(Buffer.byteLength(code)).toBeLessThan(5_000);
  expect(code).not.toMatch(/\bimport\b/);
});
