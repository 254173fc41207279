import { describe, expect, test } from 'vitest';
import { startHarness } from './harness.ts';

describe('watching the house', () => {
  test('the process lives', async () => {
    const { request } = await startHarness();
    const response = await request('/healthz');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ok: true });
  });

  test('it is ready when all parts are, else it says which is not', async () => {
    const { request, backend } = await startHarness();
    const ready = await request('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ ready: true, parts: { database: 'ok', switch: 'ok', floor: 'ok' } });
    backend.setHealth({ ready: false, parts: { database: 'ok', switch: 'not connected', floor: 'ok' } });
    const waiting = await request('/readyz');
    expect(waiting.status).toBe(503);
    expect(await waiting.json()).toEqual({ ready: false, parts: { database: 'ok', switch: 'not connected', floor: 'ok' } });
  });

  test('figures are for this machine and private networks, unless set otherwise', async () => {
    const { request } = await startHarness();
    const own = await request('/metrics');
    expect(own.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(await own.text()).toContain('madoguchi_contacts_waiting 0');
    const by = (address: string) => request('/metrics', { headers: { 'x-forwarded-for': address } });
    expect((await by('192.168.3.4')).status).toBe(200);
    const outside = await by('198.51.100.7');
    expect(outside.status).toBe(403);
    expect(await outside.json()).toMatchObject({ code: 'notFromHere' });
    expect((await by('10.0.0.1, 198.51.100.7')).status).toBe(403);
    expect((await by('2001:db8::1')).status).toBe(403);
    const open = await startHarness({ metricsPublic: true });
    expect((await open.request('/metrics', { headers: { 'x-forwarded-for': '198.51.100.7' } })).status).toBe(200);
  });

  test('an address that asks without end is slowed down, saying how long; health checks are not', async () => {
    const { request } = await startHarness({ requestsPerMinute: 5 });
    for (let count = 0; count < 5; count += 1) expect((await request('/api/me')).status).toBe(401);
    const refused = await request('/api/me');
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: 'tooManyRequests' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await request('/healthz')).status).toBe(200);
    expect((await request('/readyz')).status).toBe(200);
    expect((await request('/metrics')).status).toBe(200);
  });

  test('a failure inside is answered without its inner reason, and logged', async () => {
    const { request, cookieOf, backend, logged } = await startHarness();
    const cookie = await cookieOf('tanaka');
    backend.contactEvents = async () => {
      throw new Error('relation "event" does not exist');
    };
    const response = await request('/api/contacts/c-1/events', { headers: { cookie } });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ code: 'internal', message: 'This could not be done now. Try again.', where: null });
    expect(logged.join('')).toContain('relation \\"event\\" does not exist');
  });
});

describe('the description of the API', () => {
  test('is OpenAPI 3.1 that names every route with its body, answers and errors', async () => {
    const { request } = await startHarness();
    const api = await (await request('/api/openapi.json')).json();
    expect(api.openapi).toBe('3.1.0');
    expect(api.info).toMatchObject({ title: 'Madoguchi', version: '1' });
    const named = Object.entries<Record<string, unknown>>(api.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(named.sort()).toEqual([
      'delete /api/call-me/{token}',
      'get /api/call-me/{entry}/times',
      'get /api/call-me/{entry}/wait',
      'get /api/call-me/{token}',
      'get /api/contacts/{id}/events',
      'get /api/me',
      'get /api/messages/{id}/audio',
      'get /healthz',
      'get /metrics',
      'get /readyz',
      'post /api/call-me',
      'post /api/login',
      'post /api/logout',
    ]);
    for (const [path, methods] of Object.entries<Record<string, Operation>>(api.paths)) {
      const placeholders = [...path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => name);
      for (const [method, operation] of Object.entries(methods)) {
        const at = `${method} ${path}`;
        expect(operation.summary, at).toBeTruthy();
        expect(
          (operation.parameters ?? []).filter((parameter) => parameter.in === 'path' && parameter.required).map(({ name }) => name),
          at,
        ).toEqual(placeholders);
        const responses = Object.entries(operation.responses);
        expect(responses.length, at).toBeGreaterThan(0);
        for (const [status, response] of responses) {
          expect(status, at).toMatch(/^[1-5](?:\d\d|XX)$/u);
          expect(response.description, at).toBeTypeOf('string');
        }
        if (path.startsWith('/api/')) {
          expect(operation.responses['4XX']?.content?.['application/json']?.schema, at).toMatchObject({
            required: ['code', 'message', 'where'],
          });
        }
      }
    }
    expect(api.paths['/api/call-me'].post.requestBody.content['application/json'].schema.properties).toHaveProperty('question');
    // Every reference leads somewhere.
    for (const [, pointer] of JSON.stringify(api).matchAll(/"\$ref":"#\/([^"]+)"/gu)) {
      const target = (pointer ?? '')
        .split('/')
        .reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined), api);
      expect(target, pointer).toBeDefined();
    }
  });
});

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly required: boolean }[];
  readonly responses: Readonly<
    Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, { readonly schema: unknown }>> }>
  >;
}

describe('pages', () => {
  test('the first page leads to the panel and to the demo, in the visitor’s language', async () => {
    const { request } = await startHarness();
    const japanese = await (await request('/', { headers: { 'accept-language': 'ja,en;q=0.5' } })).text();
    expect(japanese).toContain('<html lang="ja">');
    expect(japanese).toContain('href="/panel"');
    expect(japanese).toContain('href="/call-me/demo"');
    expect(await (await request('/', { headers: { 'accept-language': 'fr' } })).text()).toContain('<html lang="en">');
  });

  test('the demo is a page with exactly one script tag, the one that it shows', async () => {
    const { request, web } = await startHarness();
    const page = await (await request('/call-me/demo')).text();
    const tags = [...page.matchAll(/<script[^>]*>/gu)].map(([tag]) => tag);
    expect(tags).toEqual([
      `<script src="http://127.0.0.1:${web.port}/call-me.js" data-entry="1000" data-language="ja" data-country="JP" async>`,
    ]);
    expect(
      (
        await startHarness({
          callMe: { origins: [], policy: (await import('../../src/channels/call-me.ts')).DEFAULT_CALL_ME_POLICY, demo: [] },
        }).then((house) => house.request('/call-me/demo'))
      ).status,
    ).toBe(404);
  });

  test('a forged host does not get into the demo page as markup', async () => {
    const { request } = await startHarness();
    const page = await (await request('/call-me/demo', { headers: { 'x-forwarded-host': '"><script>alert(1)</script>' } })).text();
    expect(page).not.toContain('<script>alert');
  });

  test.each(['/panel', '/panel/', '/panel/contacts', '/supervisor'])('%s is the panel, always asked for anew', async (path) => {
    const { request } = await startHarness();
    const response = await request(path);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('<title>panel</title>');
    expect(response.headers.get('cache-control')).toBe('no-cache');
  });

  test('names with hashes are kept for ever, the embed script is checked again and may be used by any site', async () => {
    const { request } = await startHarness();
    const asset = await request('/assets/panel-8f3a.js');
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(asset.headers.get('content-type')).toContain('javascript');
    const embed = await request('/call-me.js');
    expect(embed.headers.get('cache-control')).toBe('no-cache');
    expect(embed.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    const again = await request('/call-me.js', {
      headers: { 'if-none-match': embed.headers.get('etag') ?? '', 'cache-control': 'max-age=0' },
    });
    expect(again.status).toBe(304);
  });

  test('without built code the panel’s page says so', async () => {
    const { request } = await startHarness({ staticDir: '/nonexistent/web' });
    expect((await request('/panel')).status).toBe(503);
    expect((await request('/call-me.js')).status).toBe(404);
  });

  test.each(['/nothing', '/../package.json', '/assets/../../package.json', '/%2e%2e/%2e%2e/etc/passwd', '/assets/', '/.env'])(
    'there is nothing at %s',
    async (path) => {
      const { request } = await startHarness();
      const response = await request(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'notFound' });
    },
  );

  test('pages may run our own code only, be framed by nobody, and say nothing of what serves them', async () => {
    const { request } = await startHarness({ sipWebSocketUrls: ['wss://sip.example.jp:8089/ws'] });
    const { headers } = await request('/panel');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self' wss://sip.example.jp:8089;");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('upgrade-insecure-requests');
    expect(headers.get('permissions-policy')).toContain('microphone=(self)');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toBeNull();
    for (const banner of ['server', 'x-powered-by']) expect(headers.get(banner)).toBeNull();
    const behindTls = await startHarness({ publicUrl: 'https://centre.example.jp' });
    expect((await behindTls.request('/panel')).headers.get('strict-transport-security')).toContain('max-age=');
  });
});

test('a port that is taken is an error, not a second house', async () => {
  const { web } = await startHarness();
  await expect(startHarness({ port: web.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
