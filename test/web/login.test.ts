import { describe, expect, test } from 'vitest';
import { FAKE_PASSWORD } from '../support/fake-backend.ts';
import { startHarness } from './harness.ts';

describe('logging in', () => {
  test('the right name and password give a session cookie that scripts and other sites cannot use', async () => {
    const { post, request, web } = await startHarness();
    const response = await post('/api/login', { userName: 'tanaka', password: FAKE_PASSWORD });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ agentId: 'agent-tanaka', name: '田中 美咲', role: 'agent' });
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(new RegExp(`^madoguchi_${web.port}=`, 'u'));
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    expect(cookie).toContain('Path=/');
    expect(cookie).toMatch(/Max-Age=4(?:3200|319\d)/u);
    expect(cookie).not.toContain('Secure');

    const me = await request('/api/me', { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(await me.json()).toEqual({ agentId: 'agent-tanaka', name: '田中 美咲', role: 'agent' });
  });

  test('behind a proxy that speaks TLS the cookie is for TLS only', async () => {
    const { post } = await startHarness({ publicUrl: 'https://centre.example.jp' });
    const direct = await post('/api/login', { userName: 'tanaka', password: FAKE_PASSWORD });
    expect(direct.headers.get('set-cookie')).toContain('; Secure');
    const { post: postByProxy } = await startHarness();
    const proxied = await postByProxy('/api/login', { userName: 'tanaka', password: FAKE_PASSWORD }, { 'x-forwarded-proto': 'https' });
    expect(proxied.headers.get('set-cookie')).toContain('; Secure');
  });

  test('a wrong password and a wrong name are refused with the same words, and no cookie', async () => {
    const { post } = await startHarness();
    const wrongPassword = await post('/api/login', { userName: 'tanaka', password: 'guess' });
    const wrongName = await post('/api/login', { userName: 'nobody', password: FAKE_PASSWORD });
    expect([wrongPassword.status, wrongName.status]).toEqual([401, 401]);
    expect(wrongPassword.headers.get('set-cookie')).toBeNull();
    const body = { code: 'wrongLogin', message: 'User name or password is wrong.', where: null };
    expect(await wrongPassword.json()).toEqual(body);
    expect(await wrongName.json()).toEqual(body);
  });

  test('too many wrong passwords for one name: even the right one has to wait, and is told how long; others need not', async () => {
    let clock = Date.UTC(2026, 10, 21);
    const { post } = await startHarness({ loginPerName: { failures: 3, windowMs: 60_000 }, now: () => clock });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect((await post('/api/login', { userName: 'tanaka', password: 'guess' })).status).toBe(401);
      clock += 1_000;
    }
    const refused = await post('/api/login', { userName: 'Tanaka', password: FAKE_PASSWORD });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('57');
    expect(await refused.json()).toEqual({ code: 'tooManyLogins', message: 'Too many failed attempts. Try again in 57 s.', where: null });
    expect((await post('/api/login', { userName: 'smith', password: FAKE_PASSWORD })).status).toBe(200);
    clock += 57_000;
    expect((await post('/api/login', { userName: 'tanaka', password: FAKE_PASSWORD })).status).toBe(200);
  });

  test('too many wrong attempts from one address stop all names from there, but good log-ins never count', async () => {
    const { post } = await startHarness({ loginPerAddress: { failures: 3, windowMs: 60_000 } });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect((await post('/api/login', { userName: 'tanaka', password: FAKE_PASSWORD })).status).toBe(200);
    }
    const from = { 'x-forwarded-for': '198.51.100.7' };
    for (const userName of ['a', 'b', 'c']) expect((await post('/api/login', { userName, password: 'guess' }, from)).status).toBe(401);
    expect((await post('/api/login', { userName: 'd', password: 'guess' }, from)).status).toBe(429);
    expect((await post('/api/login', { userName: 'tanaka', password: FAKE_PASSWORD })).status).toBe(200);
  });

  test('many guesses at the same time do not get past the limit', async () => {
    const { post } = await startHarness({ loginPerName: { failures: 4, windowMs: 60_000 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/api/login', { userName: 'tanaka', password: 'guess' })));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(4);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(16);
  });

  test('logging out ends the session and closes its panel', async () => {
    const { request, connect, cookieOf, backend } = await startHarness();
    const cookie = await cookieOf('tanaka');
    const panel = await connect(cookie);
    panel.send({ type: 'hello', holdsCall: false });
    await panel.receives('state');
    const response = await request('/api/logout', { method: 'POST', headers: { cookie } });
    expect(response.status).toBe(200);
    expect(response.headers.get('set-cookie')).toMatch(/=;.*(?:Max-Age=0|Expires=Thu, 01 Jan 1970)/u);
    expect(await panel.isClosed()).toBe(4003);
    expect(backend.sessions.size).toBe(0);
    const me = await request('/api/me', { headers: { cookie } });
    expect(me.status).toBe(401);
    expect(await me.json()).toMatchObject({ code: 'notLoggedIn' });
  });
});

describe('requests of other sites', () => {
  test('a page of another site can neither log in nor log out', async () => {
    const { post, request, cookieOf, backend } = await startHarness();
    const cookie = await cookieOf('tanaka');
    const login = await post('/api/login', { userName: 'tanaka', password: FAKE_PASSWORD }, { origin: 'https://evil.example' });
    expect(login.status).toBe(403);
    expect(await login.json()).toMatchObject({ code: 'originNotAllowed' });
    expect((await request('/api/logout', { method: 'POST', headers: { cookie, origin: 'https://evil.example' } })).status).toBe(403);
    expect((await request('/api/logout', { method: 'POST', headers: { cookie, origin: 'null' } })).status).toBe(403);
    expect(backend.sessions.size).toBe(1);
  });

  test('a form cannot log in: only JSON is read', async () => {
    const { request } = await startHarness();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const response = await request('/api/login', {
        method: 'POST',
        headers: { 'content-type': type },
        body: JSON.stringify({ userName: 'tanaka', password: FAKE_PASSWORD }),
      });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ code: 'notJson' });
    }
  });

  test.each([
    [{ userName: 'tanaka' }, '/password'],
    [{ userName: 'tanaka', password: 'x', role: 'administrator' }, '/role'],
    [{ userName: { $ne: 1 }, password: 'x' }, '/userName'],
    [{ userName: 'x'.repeat(129), password: 'x' }, '/userName'],
  ])('a body of another form is refused, saying where: %j', async (body, where) => {
    const { post } = await startHarness();
    const response = await post('/api/login', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'malformed', where });
  });

  test('a body that is too large or no JSON at all is refused', async () => {
    const { post, request } = await startHarness();
    const large = await post('/api/login', { userName: 'tanaka', password: 'x'.repeat(20_000) });
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ code: 'tooLarge' });
    const broken = await request('/api/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"userName":' });
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({ code: 'notJson' });
  });
});

describe('events of a contact', () => {
  test('are shown to whoever is logged in and may see the contact', async () => {
    const { request, cookieOf } = await startHarness();
    expect((await request('/api/contacts/c-1/events')).status).toBe(401);
    const cookie = await cookieOf('tanaka');
    const response = await request('/api/contacts/c-1/events', { headers: { cookie } });
    expect(await response.json()).toMatchObject({ events: [{ name: 'contactArrived', contactId: 'c-1' }] });
    const other = await request('/api/contacts/c-2/events', { headers: { cookie } });
    expect(other.status).toBe(404);
    expect(await other.json()).toMatchObject({ code: 'noSuchContact' });
  });
});
