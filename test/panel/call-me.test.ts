import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { RequestRefused } from '../../src/web/backend.ts';
import { type House, type Stage, startStage, until } from './stage.ts';

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

const button = (page: Page) => page.locator('madoguchi-call-me').getByRole('button', { name: 'Call me', exact: true });
const dialog = (page: Page) => page.locator('madoguchi-call-me').getByRole('dialog');

async function openDemo(): Promise<Page> {
  const { page } = await house.visitor();
  await page.goto(`${house.web.url}/call-me/demo?language=en`);
  return page;
}

test('a visitor asks with the keyboard alone, sees every step until the talk is over, also after a reload', async () => {
  const page = await openDemo();
  await button(page).focus();
  await page.keyboard.press('Enter');
  await dialog(page).getByRole('heading', { name: 'We call you' }).waitFor();
  await page.keyboard.type('Jane');
  await page.keyboard.press('Tab');
  await page.keyboard.type('020 7946 0123');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Where can I buy a filter?');
  await page.keyboard.press('Tab'); // when to call: as soon as possible
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await dialog(page).getByText('You are next').waitFor();
  expect(house.backend.callMeRequests).toMatchObject([
    {
      entryId: '2000',
      language: 'en',
      name: 'Jane',
      to: { kind: 'number', number: '+442079460123' },
      question: 'Where can I buy a filter?',
      callAt: null,
    },
  ]);
  expect(house.backend.callMeRequests[0]?.pageUrl).toBe(page.url());

  const token = await until('the token is kept', () => page.evaluate(() => Object.values(sessionStorage)[0]));
  house.backend.setCallMe(token, { state: 'waiting', position: 4 });
  await dialog(page).getByText('You are number 4').waitFor();
  await page.reload();
  await dialog(page).getByText('You are number 4').waitFor();
  for (const [state, words] of [
    ['calling', 'Calling you now'],
    ['connectingAgent', 'Connecting the operator'],
    ['connected', 'You are connected'],
    ['done', 'Thank you'],
  ] as const) {
    house.backend.setCallMe(token, { state, position: null });
    await dialog(page).getByRole('heading', { name: words }).waitFor();
  }
  // It is over: a new page starts afresh, and so does the button.
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await dialog(page).getByRole('button', { name: 'Ask again' }).click();
  await dialog(page).getByRole('heading', { name: 'We call you' }).waitFor();
});

test('a wrong number and an emergency number are refused in words, at the field, and can be corrected', async () => {
  const page = await openDemo();
  await button(page).click();
  const to = dialog(page).getByLabel('Phone number or SIP address');
  const send = dialog(page).getByRole('button', { name: 'Please call me' });
  await send.click();
  await dialog(page).getByRole('alert').getByText('Please enter your phone number.').waitFor();
  await to.fill('999');
  await send.click();
  await dialog(page).getByRole('alert').getByText('Emergency numbers cannot be called.').waitFor();
  expect(await to.getAttribute('aria-invalid')).toBe('true');
  await to.fill('+1 202 555 0123');
  await send.click();
  await dialog(page).getByRole('alert').getByText('Numbers of this country cannot be called.').waitFor();
  expect(house.backend.callMeRequests).toEqual([]);

  await to.fill('sip:jane@phones.example.com');
  await send.click();
  await dialog(page).getByText('You are next').waitFor();
  expect(house.backend.callMeRequests).toMatchObject([{ to: { kind: 'sip', uri: 'sip:jane@phones.example.com' } }]);
});

test('the form says how long it takes, and a time can be agreed instead; the page behind the link shows the same', async () => {
  const page = await openDemo();
  await button(page).click();
  const day = dialog(page).getByLabel('When to call you');
  await until('the wait is told', async () => (await day.locator('option').first().textContent()) === 'Now (about 4 min)');
  expect(await dialog(page).getByLabel('Time').isVisible()).toBe(false);
  await day.selectOption({ index: 2 });
  const time = dialog(page).getByLabel('Time', { exact: true });
  await time.selectOption('11:30');
  const wished = Number(await time.inputValue());
  await dialog(page).getByLabel('Phone number or SIP address').fill('+44 20 7946 0123');
  await dialog(page).getByRole('button', { name: 'Please call me' }).click();
  await dialog(page).getByRole('heading', { name: 'We call you at the agreed time' }).waitFor();
  expect(house.backend.callMeRequests).toMatchObject([{ callAt: wished }]);
  expect(new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Tokyo', timeStyle: 'short' }).format(wished)).toBe('11:30');
  await dialog(page)
    .getByText(/, 11:30$/)
    .waitFor();

  const [callback] = await Promise.all([
    page.context().waitForEvent('page'),
    dialog(page).getByRole('link', { name: 'See it later, or change the time' }).click(),
  ]);
  await callback.getByRole('heading', { name: /^We call you on .* at 11:30$/ }).waitFor();
});

test('when it is closed, the form says when it opens; without an answer it asks for a call all the same', async () => {
  house.backend.setEntryWait({ estimatedWaitMs: null, because: 'closed', opensAt: Date.UTC(2026, 10, 24, 0, 30) });
  const page = await openDemo();
  await button(page).click();
  const day = dialog(page).getByLabel('When to call you');
  await until('the opening is told', async () =>
    /^When we open \(from Tue,? 24 Nov,? 09:30\)$/.test((await day.locator('option').first().textContent()) ?? ''),
  );

  house.backend.entryWait = () => {
    throw new Error('away');
  };
  house.backend.entryTimes = () => null;
  const other = await openDemo();
  await button(other).click();
  expect(await dialog(other).getByLabel('When to call you').locator('option').allTextContents()).toEqual(['As soon as possible']);
  await dialog(other).getByLabel('Phone number or SIP address').fill('+44 20 7946 0123');
  await dialog(other).getByRole('button', { name: 'Please call me' }).click();
  await dialog(other).getByText('You are next').waitFor();
});

test.each([
  ['timeOutsideHours', 'We make no calls at that time. Choose another one.'],
  ['timeInThePast', 'That time is over. Choose one that is still to come.'],
])('a time that is refused (%s) is told in words, and the number is not blamed', async (code, words) => {
  const page = await openDemo();
  await button(page).click();
  house.backend.callMe = async () => {
    throw new RequestRefused(code, code);
  };
  const to = dialog(page).getByLabel('Phone number or SIP address');
  await to.fill('+44 20 7946 0123');
  await dialog(page).getByRole('button', { name: 'Please call me' }).click();
  await dialog(page).getByRole('alert').getByText(words).waitFor();
  expect(await to.getAttribute('aria-invalid')).toBe('false');
});

test('place and wait are shown, and every other way that it can go', async () => {
  const page = await openDemo();
  await button(page).click();
  await dialog(page).getByLabel('Phone number or SIP address').fill('+44 20 7946 0123');
  await dialog(page).getByRole('button', { name: 'Please call me' }).click();
  const token = await until('the token is kept', () => page.evaluate(() => Object.values(sessionStorage)[0]));
  house.backend.setCallMe(token, { state: 'waiting', position: 3, estimatedWaitMs: 350_000 });
  await dialog(page).getByText('You are number 3 · about 6 min').waitFor();
  for (const [state, words] of [
    ['preparing', 'We are about to call you'],
    ['resting', 'We will try again'],
    ['closed', 'We call you when we open'],
  ] as const) {
    house.backend.setCallMe(token, { state });
    await dialog(page).getByRole('heading', { name: words }).waitFor();
    expect(await dialog(page).getByRole('button', { name: 'Cancel my request' }).isVisible()).toBe(true);
  }
  house.backend.setCallMe(token, { state: 'calledAgain' });
  await dialog(page).getByRole('heading', { name: 'You have called us' }).waitFor();
  expect(await dialog(page).getByRole('button', { name: 'Ask again' }).isVisible()).toBe(true);
});

test('a request can be taken back', async () => {
  const page = await openDemo();
  await button(page).click();
  await dialog(page).getByLabel('Phone number or SIP address').fill('+44 20 7946 0124');
  await dialog(page).getByRole('button', { name: 'Please call me' }).click();
  await dialog(page).getByRole('button', { name: 'Cancel my request' }).click();
  await dialog(page).getByRole('heading', { name: 'Your request is cancelled' }).waitFor();
});

test('Escape closes the form and gives the focus back to the button', async () => {
  const page = await openDemo();
  await button(page).click();
  await dialog(page).getByLabel('Phone number or SIP address').fill('123');
  await page.keyboard.press('Escape');
  expect(await dialog(page).count()).toBe(0);
  expect(await button(page).evaluate((element) => element.matches(':focus'))).toBe(true);
  expect(await button(page).getAttribute('aria-expanded')).toBe('false');
  await button(page).click();
  expect(await dialog(page).getByLabel('Phone number or SIP address').inputValue()).toBe('123');
});

test('on another site, with wild CSS and a strict policy of its own, the button looks and works the same; elsewhere it is refused', async () => {
  const site = createServer((_request, response) => {
    response.setHeader(
      'content-security-policy',
      `default-src 'none'; style-src 'self'; script-src ${house.web.url}; connect-src ${house.web.url}`,
    );
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><html lang="ja"><body><script src="${house.web.url}/call-me.js" data-entry="1000" data-country="JP"></script></body></html>`,
    );
  });
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  try {
    await house.close();
    house = await stage.open({
      change: { callMe: { origins: [origin], policy: (await import('../../src/channels/call-me.ts')).DEFAULT_CALL_ME_POLICY, demo: [] } },
    });
    const { page } = await house.visitor();
    await page.goto(origin);
    const japanese = page.locator('madoguchi-call-me').getByRole('button', { name: 'お電話ください' });
    await japanese.click();
    expect(await japanese.evaluate((element) => getComputedStyle(element).borderRadius)).toBe('99px');
    await dialog(page).getByLabel('電話番号または SIP アドレス').fill('０３－１２３４－５６７８');
    await dialog(page).getByRole('button', { name: '電話を依頼する' }).click();
    await dialog(page).getByText('次にお電話します').waitFor();
    expect(house.backend.callMeRequests).toMatchObject([
      { entryId: '1000', language: 'ja', to: { kind: 'number', number: '+81312345678' }, pageUrl: `${origin}/` },
    ]);

    const stranger = await house.visitor();
    await stranger.page.goto(origin.replace('127.0.0.1', 'localhost'));
    await stranger.page.locator('madoguchi-call-me').getByRole('button', { name: 'お電話ください' }).click();
    await dialog(stranger.page).getByLabel('電話番号または SIP アドレス').fill('03-1234-5678');
    await dialog(stranger.page).getByRole('button', { name: '電話を依頼する' }).click();
    await dialog(stranger.page)
      .getByRole('alert')
      .getByText(/このサイトでは現在ご利用いただけません|センターに接続できません/)
      .waitFor();
  } finally {
    site.closeAllConnections();
    site.close();
  }
});

test('the script is one small file without imports', async () => {
  const code = await readFile(join(stage.staticDir, 'call-me.js'), 'utf8');
  expect(Buffer.byteLength(code)).toBeLessThan(17_500);
  expect(code).not.toMatch(/\bimport\b/);
});
