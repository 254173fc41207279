import { describe, expect, test } from 'vitest';
import { type Callback, RequestRefused } from '../../src/web/backend.ts';
import { type Harness, startHarness } from './harness.ts';

const NOW = Date.UTC(2026, 10, 20, 3); // a Friday noon in Tokyo
const now = () => NOW;
const HOUR = 3_600_000;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** Somebody asked on a web page, and has the link. */
async function asked(change: Parameters<typeof startHarness>[0] = {}, language: 'ja' | 'en' = 'en') {
  const house = await startHarness({ now, ...change });
  const { post, request, backend } = house;
  const body = { entry: '1000', language, country: 'JP', to: '03-1234-5678', name: '山田 花子', question: '', pageUrl: '' };
  const question = 'フィルターはどこで買えますか。急いでいます。';
  const { token } = await (await post('/api/call-me', { ...body, question })).json();
  const path = `/callback/${token}`;
  const send = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    request(path, { method: 'POST', headers: { ...FORM, ...headers }, body: new URLSearchParams(fields).toString() });
  return { ...house, token, path, send, see: (headers: Record<string, string> = {}) => read(request, path, headers), backend };
}

async function read(request: Harness['request'], path: string, headers: Record<string, string> = {}) {
  const response = await request(path, { headers });
  return { response, status: response.status, html: await response.text() };
}

const headingOf = (html: string): string => /<h1>([^<]*)<\/h1>/u.exec(html)?.[1] ?? '';
const alertOf = (html: string): string => /role="alert">([^<]*)</u.exec(html)?.[1] ?? '';

describe('the page behind a callback’s link', () => {
  test('shows place and wait, in the language of the request, and in the other when asked', async () => {
    const { see, request, path, backend, token } = await asked({}, 'ja');
    backend.setCallMe(token, { state: 'waiting', position: 3, estimatedWaitMs: 350_000 });
    const { html, response } = await see({ 'accept-language': 'en' });
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html).toContain('<html lang="ja">');
    expect(headingOf(html)).toBe('順番をお待ちください');
    expect(html).toContain('3 番目 · 約 6 分');
    expect(html).toContain(
      '<noscript><p class="refresh">このページは自動では更新されません。 <a href="?language=ja">現在の状況を表示する</a>',
    );
    const english = await read(request, `${path}?language=en`);
    expect(english.html).toContain('<html lang="en">');
    expect(english.html).toContain('Number 3 · about 6 min');
  });

  test.each([
    [{ state: 'waiting', position: 1, estimatedWaitMs: 20_000 }, 'You are in the queue', 'You are next · in a moment'],
    [{ state: 'waiting' }, 'You are in the queue', 'We call you in your turn'],
    [{ state: 'agreed', callAt: NOW + 3 * HOUR }, 'We call you at 15:00', 'At the agreed time'],
    [{ state: 'agreed', callAt: NOW + 24 * HOUR }, 'We call you on Sat 21 Nov at 12:00', 'At the agreed time'],
    [{ state: 'resting', callAt: NOW + HOUR / 2 }, 'We try again at 12:30 or soon after', 'We could not reach you.'],
    [{ state: 'closed', callAt: NOW + 22 * HOUR }, 'We call you on Sat 21 Nov at 10:00 or soon after', 'We are closed now'],
    [{ state: 'preparing' }, 'We are about to call you', ''],
    [{ state: 'calling' }, 'Calling you now', 'Please pick up'],
    [{ state: 'connectingAgent' }, 'Connecting the operator', ''],
    [{ state: 'connected' }, 'You are connected', ''],
    [{ state: 'done' }, 'Thank you', 'The call is over'],
    [{ state: 'notReached' }, 'We could not reach you', 'We won’t try again'],
    [{ state: 'cancelled' }, 'Your request is cancelled', ''],
    [{ state: 'calledAgain' }, 'You have called us', ''],
    [{ state: 'lost' }, 'We could not call you', ''],
  ] satisfies [Partial<Callback['status']>, string, string][])('says in words how it stands: %o', async (status, title, text) => {
    const { see, backend, token } = await asked();
    backend.setCallMe(token, status);
    const { html } = await see();
    expect(headingOf(html)).toBe(title);
    expect(html).toContain(text);
    const open = ['waiting', 'agreed', 'resting', 'closed'].includes(status.state);
    expect(html.includes('value="move"')).toBe(open);
    expect(html.includes('value="cancel"')).toBe(open || ['preparing', 'calling', 'connectingAgent'].includes(status.state));
  });

  test('tells of the person no more than they know their request by', async () => {
    const { see } = await asked();
    const { html } = await see();
    expect(html).toContain('…5678');
    expect(html).toContain('山…');
    expect(html).toContain('フィルターはどこで買えま…');
    for (const secret of ['81312345', '1234-5678', '花子', '急いで']) expect(html).not.toContain(secret);
  });

  test('what a visitor wrote is text, whatever it looks like', async () => {
    const { see, backend, token } = await asked();
    backend.setCallback(token, { question: '<img src=x onerror=alert(1)>"', name: '<b>' });
    const { html } = await see();
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;');
  });

  test('is not kept, not found, not framed, and its address is passed on to nobody', async () => {
    const { see } = await asked();
    const { headers } = (await see()).response;
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-robots-tag')).toContain('noindex');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(headers.get('set-cookie')).toBeNull();
  });
});

describe('links that lead nowhere', () => {
  test('one that was never given out and one that is used up get the same kind page', async () => {
    const { request, backend, path, see } = await asked();
    const unknown = await read(request, '/callback/made-up');
    backend.callback = async () => null;
    const used = await see();
    expect(used.status).toBe(404);
    expect(unknown.status).toBe(404);
    expect(unknown.html).toBe(used.html);
    expect(headingOf(used.html)).toBe('This link can’t be used');
    expect(unknown.response.headers.get('cache-control')).toBe('no-store');
    expect(path).not.toContain('made-up');
  });

  test.each(['/callback/%00', '/callback/a%20b', `/callback/${'x'.repeat(400)}`, '/callback/%E5%B1%B1', '/callback/..%2f..%2fetc'])(
    'nor does %s fare otherwise',
    async (path) => {
      const { request } = await startHarness();
      const { status, html } = await read(request, path, { 'accept-language': 'ja' });
      // One that is longer than any address of ours is not found by the router itself.
      expect(status).toBe(404);
      if (path.length < 120) expect(headingOf(html)).toBe('このリンクは使えません');
    },
  );

  test('nothing can be changed by them', async () => {
    const { request } = await startHarness();
    const answer = await request('/callback/made-up', { method: 'POST', headers: FORM, body: 'action=cancel' });
    expect(answer.status).toBe(303);
    expect((await read(request, answer.headers.get('location') ?? '')).status).toBe(404);
  });
});

describe('changing and cancelling, with nothing but forms', () => {
  test('only allowed times are offered, by the desk’s clock; the chosen one is agreed', async () => {
    const { see, send, backend, token, path } = await asked();
    const { html } = await see();
    const offered = [...html.matchAll(/<option value="(\d+)">(\d\d:\d\d)</gu)].map(([, at, text]) => ({ at: Number(at), text }));
    expect(offered.length).toBeGreaterThan(10);
    expect(offered[0]).toEqual({ at: NOW + HOUR / 2, text: '12:30' });
    expect(html).toContain('label="Fri 20 Nov"');
    expect(html).toContain('Japan Standard Time');
    const wished = NOW + 3 * HOUR;
    const answer = await send({ action: 'move', callAt: String(wished) });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(path);
    expect(backend.moves).toEqual([{ token, to: wished }]);
    const after = await see();
    expect(headingOf(after.html)).toBe('We call you at 15:00');
    expect(after.html).toContain(`<option value="${wished}" selected>`);
    expect((await send({ action: 'move', callAt: '' })).status).toBe(303);
    expect(backend.moves.at(-1)).toEqual({ token, to: null });
  });

  test.each([
    [NOW - 10 * 60_000, 422, 'That time is over. Choose one that is still to come.'],
    [NOW + 15 * 24 * HOUR, 422, 'Calls can be agreed for up to 14 days ahead.'],
    [NOW + 12 * HOUR, 409, 'We make no calls at that time. Choose another one.'],
  ])('a time that can’t be is refused in words, and the page stays usable (%s)', async (callAt, status, words) => {
    const { send, backend } = await asked();
    const answer = await send({ action: 'move', callAt: String(callAt) });
    expect(answer.status).toBe(status);
    const html = await answer.text();
    expect(alertOf(html)).toBe(words);
    expect(html).toContain('<details open>');
    expect(backend.moves).toEqual([]);
  });

  test('what is being called already can’t be moved', async () => {
    const { send, backend, token } = await asked();
    backend.setCallMe(token, { state: 'calling' });
    const answer = await send({ action: 'move', callAt: String(NOW + HOUR) });
    expect(answer.status).toBe(409);
    expect(alertOf(await answer.text())).toBe('Too late: we are calling you already.');
  });

  test('cancelling asks first, is done once, and says so', async () => {
    const { see, send, backend, token } = await asked();
    expect((await see()).html).toContain('your place in the queue is given up');
    expect((await send({ action: 'cancel' })).status).toBe(303);
    expect(backend.callMeStateOf(token)).toBe('cancelled');
    expect(headingOf((await see()).html)).toBe('Your request is cancelled');
    expect((await send({ action: 'cancel' })).status).toBe(303);
  });

  test('what ended in the same moment is no mistake of the customer: the page shows how it ended', async () => {
    const { send, backend } = await asked();
    backend.cancelCallMe = async () => {
      throw new RequestRefused('contactGone', 'this request is over', 409);
    };
    expect((await send({ action: 'cancel' })).status).toBe(303);
  });

  test('looking at the link changes nothing: mail programs follow links by themselves', async () => {
    const { request, path, backend, token } = await asked();
    await request(`${path}?action=cancel`);
    await request(path, { method: 'HEAD' });
    expect(backend.callMeStateOf(token)).toBe('waiting');
  });

  test('a page of another site can’t do it for the customer', async () => {
    const { send, backend, token } = await asked();
    for (const site of ['cross-site', 'same-site']) expect((await send({ action: 'cancel' }, { 'sec-fetch-site': site })).status).toBe(403);
    expect(backend.callMeStateOf(token)).toBe('waiting');
    expect((await send({ action: 'cancel' }, { 'sec-fetch-site': 'same-origin', origin: 'null' })).status).toBe(303);
  });

  test.each([{ action: 'promote' }, {}, { action: 'move', callAt: 'soon' }, { action: 'move', callAt: '1e3' }])(
    'what makes no sense changes nothing: %o',
    async (fields) => {
      const { send, backend, token } = await asked();
      expect((await send(fields as Record<string, string>)).status).toBe(400);
      expect(backend.callMeStateOf(token)).toBe('waiting');
      expect(backend.moves).toEqual([]);
    },
  );

  test('the language that was chosen stays', async () => {
    const { request, path } = await asked();
    const answer = await request(`${path}?language=ja`, { method: 'POST', headers: FORM, body: 'action=cancel' });
    expect(answer.headers.get('location')).toBe(`${path}?language=ja`);
  });

  test('forms are understood here only', async () => {
    const { request } = await startHarness();
    expect((await request('/api/login', { method: 'POST', headers: FORM, body: 'userName=a&password=b' })).status).toBe(415);
  });
});

describe('under load and trouble', () => {
  test('whoever tries link after link is stopped, by a page', async () => {
    const { request } = await startHarness({ requestsPerMinute: 10_000 });
    const answers = [];
    for (let i = 0; i < 241; i += 1) answers.push(await request(`/callback/guess-${i}`));
    expect(answers.slice(0, 240).every(({ status }) => status === 404)).toBe(true);
    const refused = answers.at(-1);
    expect(refused?.status).toBe(429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(headingOf((await refused?.text()) ?? '')).toBe('Too many visits');
  });

  test('when the database is away, it says that the request stands', async () => {
    const { see, backend } = await asked();
    backend.callback = async () => {
      throw new Error('the database is away');
    };
    const { status, html } = await see({ 'accept-language': 'en' });
    expect(status).toBe(500);
    expect(html).toContain('Your request stands');
    expect(html).not.toContain('database');
  });

  test('neither token nor number nor name gets into the log', async () => {
    const { see, send, logged, token, backend } = await asked();
    await see();
    await send({ action: 'move', callAt: 'nonsense' });
    await send({ action: 'cancel' });
    backend.callback = async () => {
      throw new Error('the database is away');
    };
    await see();
    const log = logged.join('');
    expect(log).toContain('the database is away');
    for (const secret of [token, '12345678', '山田']) expect(log).not.toContain(secret);
  });
});
