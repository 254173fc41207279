import { describe, expect, test } from 'vitest';
import type { CallMeBody } from '../../src/channels/call-me.ts';
import { DEFAULT_CALL_ME_POLICY } from '../../src/channels/call-me.ts';
import { RequestRefused } from '../../src/web/backend.ts';
import { startHarness } from './harness.ts';

const SHOP = { origin: 'https://shop.example.jp' };
const body = (change: Partial<CallMeBody> = {}): CallMeBody => ({
  entry: '1000',
  language: 'ja',
  country: 'JP',
  to: '03-1234-5678',
  name: '山田',
  question: 'フィルターの在庫は?',
  pageUrl: 'https://shop.example.jp/kx',
  ...change,
});

describe('asking to be called', () => {
  test('from a site that is named in the settings: taken in, its state shown, taken back', async () => {
    const { post, request, backend, web } = await startHarness();
    const response = await post('/api/call-me', body(), SHOP);
    expect(response.status).toBe(201);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example.jp');
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    expect(response.headers.get('set-cookie')).toBeNull();
    const { token, url } = await response.json();
    expect(url).toBe(`${web.url}/callback/${token}`);
    expect(backend.callMeRequests).toEqual([
      {
        entryId: '1000',
        language: 'ja',
        to: { kind: 'number', number: '+81312345678' },
        name: '山田',
        question: 'フィルターの在庫は?',
        pageUrl: 'https://shop.example.jp/kx',
        callAt: null,
      },
    ]);

    const status = await request(`/api/call-me/${token}`, { headers: SHOP });
    expect(await status.json()).toEqual({ state: 'waiting', position: 1, estimatedWaitMs: 120_000, callAt: null, timeZone: 'Asia/Tokyo' });
    expect(status.headers.get('cache-control')).toBe('no-store');
    expect(status.headers.get('access-control-allow-origin')).toBe('https://shop.example.jp');
    const cancelled = await request(`/api/call-me/${token}`, { method: 'DELETE', headers: SHOP });
    expect(await cancelled.json()).toEqual({ cancelled: true });
    expect(await (await request(`/api/call-me/${token}`)).json()).toMatchObject({ state: 'cancelled', position: null });
    expect(await (await request(`/api/call-me/${token}`, { method: 'DELETE' })).json()).toEqual({ cancelled: false });
  });

  test('a token that was never given out is not found', async () => {
    const { request } = await startHarness();
    const response = await request('/api/call-me/made-up', { headers: SHOP });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'noSuchRequest' });
  });

  test('the browser may ask beforehand, from allowed sites', async () => {
    const { request } = await startHarness();
    const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
    const allowed = await request('/api/call-me', { method: 'OPTIONS', headers: { ...SHOP, ...asked } });
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://shop.example.jp');
    expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type');
    expect(allowed.headers.get('vary')).toContain('Origin');
    const remove = await request('/api/call-me/x', { method: 'OPTIONS', headers: { ...SHOP, 'access-control-request-method': 'DELETE' } });
    expect(remove.headers.get('access-control-allow-methods')).toContain('DELETE');
    const other = await request('/api/call-me', { method: 'OPTIONS', headers: { origin: 'https://evil.example', ...asked } });
    expect(other.status).toBe(403);
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each([
    'https://evil.example',
    'http://shop.example.jp',
    'https://shop.example.jp.evil.example',
    'https://shop.example.jp:8443',
    'null',
  ])('not from %s', async (origin) => {
    const { post, backend } = await startHarness();
    const response = await post('/api/call-me', body(), { origin });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'originNotAllowed' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(backend.callMeRequests).toEqual([]);
  });

  test('our own demo page may', async () => {
    const { post, web } = await startHarness();
    expect((await post('/api/call-me', body(), { origin: `http://127.0.0.1:${web.port}` })).status).toBe(201);
  });

  test.each([
    [body({ to: '119' }), 'emergencyNumber', '緊急通報用の番号にはおかけできません。'],
    [
      body({ to: '0990-512-345', language: 'en' }),
      'premiumNumber',
      'Numbers of this kind (premium, shared-cost, company-wide) cannot be called. Give a landline, mobile or IP phone number.',
    ],
    [body({ to: '+1 212 555 0123', language: 'en' }), 'countryNotAllowed', 'Numbers of this country cannot be called.'],
    [body({ to: 'sip:a@127.0.0.1', language: 'en' }), 'sipDomainNotAllowed', 'SIP addresses of this domain cannot be called.'],
  ])('a wrong number gets a clear refusal that the page can read', async (request, code, message) => {
    const { post, backend } = await startHarness();
    const response = await post('/api/call-me', request, SHOP);
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ code, message, where: '/to' });
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example.jp');
    expect(backend.callMeRequests).toEqual([]);
  });

  test('what the house refuses is told as it says, and does not count', async () => {
    const { post } = await startHarness();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const response = await post('/api/call-me', body({ entry: '9999' }), SHOP);
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({ code: 'noSuchEntry' });
    }
    expect((await post('/api/call-me', body(), SHOP)).status).toBe(201);
  });

  test.each([
    [{ ...body(), country: 'Japan' }, '/country'],
    [{ ...body(), language: 'fr' }, '/language'],
    [{ ...body(), question: 'x'.repeat(1001) }, '/question'],
    [{ ...body(), priority: 1 }, '/priority'],
    [{ entry: '1000' }, '/language'],
  ])('a body of another form is refused, saying where', async (wrong, where) => {
    const { post } = await startHarness();
    const response = await post('/api/call-me', wrong, SHOP);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'malformed', where });
  });
});

describe('asking to be called at a certain time', () => {
  const NOW = Date.UTC(2026, 10, 20, 3);
  const now = () => NOW;
  const DAY = 24 * 3_600_000;

  test('the time goes to the house, and comes back as what is agreed', async () => {
    const { post, request, backend } = await startHarness({ now });
    const { token } = await (await post('/api/call-me', body({ callAt: NOW + DAY }), SHOP)).json();
    expect(backend.callMeRequests).toMatchObject([{ callAt: NOW + DAY }]);
    expect(await (await request(`/api/call-me/${token}`)).json()).toEqual({
      state: 'agreed',
      position: null,
      estimatedWaitMs: null,
      callAt: NOW + DAY,
      timeZone: 'Asia/Tokyo',
    });
    // It is open: the same number can't ask for another.
    expect((await post('/api/call-me', body(), SHOP)).status).toBe(409);
  });

  test.each([
    [NOW - 10 * 60_000, 'timeInThePast', 'その時刻は過ぎています。これからの時刻をお選びください。'],
    [NOW + 14 * DAY + 1, 'timeTooFar', 'お電話のお約束は14日先までです。'],
  ])('a time that can’t be agreed is refused in words (%s)', async (callAt, code, message) => {
    const { post, backend } = await startHarness({ now });
    const response = await post('/api/call-me', body({ callAt }), SHOP);
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ code, message, where: '/callAt' });
    expect(backend.callMeRequests).toEqual([]);
  });

  test('one outside the desk’s hours, which the house knows, too', async () => {
    const { post, backend } = await startHarness({ now });
    backend.callMe = async () => {
      throw new RequestRefused('timeOutsideHours', 'nobody is called at that time');
    };
    const response = await post('/api/call-me', body({ callAt: NOW + DAY, language: 'en' }), SHOP);
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({
      code: 'timeOutsideHours',
      message: 'We make no calls at that time. Choose another one.',
      where: '/callAt',
    });
  });

  test.each([['tomorrow'], [1.5]])('what is no time is malformed: %s', async (callAt) => {
    const { post } = await startHarness({ now });
    expect(await (await post('/api/call-me', { ...body(), callAt }, SHOP)).json()).toMatchObject({ code: 'malformed', where: '/callAt' });
  });
});

describe('before anybody asks', () => {
  test('a site shows how long it would take; the answer may be kept for some seconds', async () => {
    const { request } = await startHarness();
    const response = await request('/api/call-me/1000/wait', { headers: SHOP });
    expect(await response.json()).toEqual({ estimatedWaitMs: 240_000, because: null, opensAt: null });
    expect(response.headers.get('cache-control')).toBe('public, max-age=5');
    expect(response.headers.get('vary')).toContain('Origin');
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example.jp');
    expect((await request('/api/call-me/1000/wait', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });

  test('nobody can say when it is closed, but when it opens', async () => {
    const { request, backend } = await startHarness();
    const opensAt = Date.UTC(2026, 10, 24, 0);
    backend.setEntryWait({ estimatedWaitMs: null, because: 'closed', opensAt });
    expect(await (await request('/api/call-me/1000/wait')).json()).toEqual({ estimatedWaitMs: null, because: 'closed', opensAt });
  });

  test('for which times one may ask', async () => {
    const { request } = await startHarness();
    const { timeZone, times } = await (await request('/api/call-me/1000/times')).json();
    expect(timeZone).toBe('Asia/Tokyo');
    expect(times.length).toBeGreaterThan(10);
  });

  test.each(['wait', 'times'])('an entry that does not exist has no %s', async (what) => {
    const { request } = await startHarness();
    const response = await request(`/api/call-me/9999/${what}`, { headers: SHOP });
    expect(response.status).toBe(404);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ code: 'noSuchEntry' });
  });

  test('whoever asks without end is slowed down', async () => {
    const { request } = await startHarness();
    const statuses = await Promise.all(Array.from({ length: 121 }, async () => (await request('/api/call-me/1000/wait')).status));
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  });
});

describe('what the house knows from before a restart', () => {
  test('a request that waits since then is refused in the visitor’s language', async () => {
    const { post, backend } = await startHarness();
    backend.callMe = async () => {
      throw new RequestRefused('alreadyWaiting', 'a call to this number is on its way already', 409);
    };
    const response = await post('/api/call-me', body(), SHOP);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: 'alreadyWaiting', message: expect.stringContaining('受付済み') });
  });
});

describe('repeated requests and floods', () => {
  test('one that waits is not taken twice; after it is over, it may be asked for again', async () => {
    const { post, backend } = await startHarness();
    const { token } = await (await post('/api/call-me', body(), SHOP)).json();
    const again = await post('/api/call-me', body({ to: '+81 3 1234 5678' }), SHOP);
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'alreadyWaiting' });
    backend.setCallMe(token, { state: 'connected', position: null });
    expect((await post('/api/call-me', body(), SHOP)).status).toBe(409);
    backend.setCallMe(token, { state: 'done', position: null });
    expect((await post('/api/call-me', body(), SHOP)).status).toBe(201);
  });

  test('of twenty at the same moment one is taken', async () => {
    const { post, backend } = await startHarness();
    const original = backend.callMe.bind(backend);
    backend.callMe = async (request) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return original(request);
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/api/call-me', body(), SHOP)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    expect(backend.callMeRequests).toHaveLength(1);
  });

  test('more than three an hour for a number: refused, saying when it may be tried again', async () => {
    let clock = Date.UTC(2026, 10, 21);
    const { post, backend } = await startHarness({ now: () => clock });
    for (let count = 0; count < 3; count += 1) {
      const { token } = await (await post('/api/call-me', body(), SHOP)).json();
      backend.setCallMe(token, { state: 'done', position: null });
      clock += 10 * 60_000;
    }
    const refused = await post('/api/call-me', body(), SHOP);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe(String(30 * 60));
    expect(refused.headers.get('access-control-expose-headers')).toContain('Retry-After');
    expect(await refused.json()).toMatchObject({ code: 'tooMany' });
    clock += 30 * 60_000;
    expect((await post('/api/call-me', body(), SHOP)).status).toBe(201);
  });

  test('more than the limit from one address, whatever the numbers; other addresses may go on', async () => {
    const policy = { ...DEFAULT_CALL_ME_POLICY, perAddressPerHour: 4 };
    const { post } = await startHarness({ callMe: { origins: [], policy, demo: [] } });
    const from = (address: string, number: number) =>
      post('/api/call-me', body({ to: `03-1234-567${number}` }), { 'x-forwarded-for': address });
    for (let number = 0; number < 4; number += 1) expect((await from('198.51.100.7', number)).status).toBe(201);
    expect((await from('198.51.100.7', 5)).status).toBe(429);
    expect((await from('198.51.100.8', 5)).status).toBe(201);
  });

  test('thirty tries in a minute are a flood, right or wrong', async () => {
    const { post } = await startHarness();
    const answers: number[] = [];
    for (let count = 0; count < 35; count += 1) answers.push((await post('/api/call-me', body({ to: '119' }), SHOP)).status);
    expect(answers.slice(0, 30)).toEqual(Array(30).fill(422));
    expect(answers.slice(30)).toEqual(Array(5).fill(429));
    const refused = await post('/api/call-me', body(), SHOP);
    expect(await refused.json()).toMatchObject({ code: 'tooManyRequests' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://shop.example.jp');
  });
});

test('no number, name or token of a visitor gets into the log', async () => {
  const { post, request, logged } = await startHarness();
  const { token } = await (await post('/api/call-me', body(), SHOP)).json();
  await request(`/api/call-me/${token}`, { headers: SHOP });
  await post('/api/call-me', body({ to: '0990-512-345' }), SHOP);
  await post('/api/call-me', { ...body(), country: 3 }, SHOP);
  const log = logged.join('');
  for (const secret of [token, '12345678', '1234-5678', '512345', '山田', 'フィルター']) expect(log).not.toContain(secret);
});
