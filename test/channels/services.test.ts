// biome-ignore-all lint/suspicious/noTemplateCurlyInString: secrets are written so in the file
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import { requestOf } from '#src/channels/http.ts';
import { ServiceClient } from '#src/channels/services.ts';
import { parseServices, type ServiceAnswer } from '#src/ivr/services.ts';
import { FarServer, json } from './far-server.ts';

let far: FarServer;
let log: string[];
let client: ServiceClient;
const answers: [string, string][] = [];

const FAILED: ServiceAnswer = { outcome: 'failed', values: {} };

beforeEach(async () => {
  far = await FarServer.start();
  const gone = await FarServer.start();
  await gone.stop();
  log = [];
  answers.length = 0;
  const services = unwrap(parseServices(file(far.url, gone.url), 's.yaml', ENV));
  client = new ServiceClient({
    services: (version) => (version === 'v1' ? services : { services: new Map(), hooks: new Map() }),
    env: ENV,
    log: pino({ level: 'debug' }, { write: (line) => void log.push(line) }),
    onAnswer: (service, outcome) => answers.push([service, outcome]),
  });
});
afterEach(async () => {
  client.close();
  await far.stop();
});

const ENV = { ERP_KEY: 'geheim' };
const file = (url: string, gone = url): string => `
services:
  orders:
    url: ${url}/orders/{number}?office={office}
    headers: { Authorization: 'Bearer \${ERP_KEY}' }
    gives: { status: string, days: { as: int, at: /delivery/days, otherwise: 0 } }
    notFound: [404, 410]
    atOnce: 2
  impatient:
    url: ${url}/slow
    timeout: 150ms
    gives: { status: string }
  stock:
    method: POST
    url: ${url}/stock
    body: { product: '{product}', pieces: '{pieces}', text: 'for {product}', list: [1, '{pieces}', { all: true }] }
    gives: { pieces: int }
  form:
    method: POST
    url: ${url}/form
    form: { to: '{to}', key: '\${ERP_KEY}' }
    gives: {}
  nobody:
    url: ${gone}/
    gives: {}
`;
const order = (number: string, office = 'tokyo') => client.ask('orders', { number, office }, 'v1');
/** Reasons of the failures in the log. */
const reasons = () => log.map((line) => (JSON.parse(line) as { reason: string }).reason);

describe('a service', () => {
  it('is asked with what the scenario gives, and its answer has the types of the file', async () => {
    far.answer = (response) => json(response, { status: 'shipped', delivery: { days: '3' }, secret: 'x' });
    expect(await order('10023')).toEqual({ outcome: 'found', values: { status: 'shipped', days: 3 } });
    expect(far.asked).toMatchObject([
      { method: 'GET', url: '/orders/10023?office=tokyo', headers: { authorization: 'Bearer geheim', accept: 'application/json' } },
    ]);
    expect(answers).toEqual([['orders', 'found']]);
    expect(log).toEqual([]);
  });

  it('gets a body in JSON, whose values keep their types', async () => {
    far.answer = (response) => json(response, { pieces: 7 });
    const values = { product: 'MS "100"', pieces: 2 };
    expect(await client.ask('stock', values, 'v1')).toEqual({ outcome: 'found', values: { pieces: 7 } });
    expect(far.asked[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(far.asked[0]?.body ?? '')).toEqual({
      product: 'MS "100"',
      pieces: 2,
      text: 'for MS "100"',
      list: [1, 2, { all: true }],
    });
  });

  it('gets a web form, if the file wants one', async () => {
    expect(await client.ask('form', { to: '+81 90&x=1' }, 'v1')).toEqual({ outcome: 'found', values: {} });
    expect(far.asked[0]).toMatchObject({ body: 'to=%2B81+90%26x%3D1&key=geheim' });
  });

  it('says by its code that there is nothing by that', async () => {
    far.answer = (response) => json(response, { error: 'gone' }, 410);
    expect(await order('1')).toEqual({ outcome: 'notFound', values: {} });
    expect(log).toEqual([]);
  });

  it('is asked again by a connection that is open already', async () => {
    far.answer = (response) => json(response, { status: 'open' });
    for (let n = 1; n <= 20; n++) await order(String(n));
    expect(far.asked).toHaveLength(20);
    expect(far.connections).toBeLessThan(5);
  });

  it('is the one of the release that the dialogue goes by', async () => {
    expect(await client.ask('orders', { number: '1', office: 'a' }, 'v0')).toEqual(FAILED);
    expect(reasons()).toEqual(['noSuchService']);
    expect(far.asked).toEqual([]);
  });
});

describe('a service fails, and the call goes on,', () => {
  it('when it does not answer in time', async () => {
    far.answer = () => undefined;
    expect(await client.ask('impatient', {}, 'v1')).toEqual(FAILED);
    expect(reasons()).toEqual(['timeout']);
  });

  it('when its answer begins in time and never ends', async () => {
    far.answer = (response) => response.write('{"status":"op');
    expect(await client.ask('impatient', {}, 'v1')).toEqual(FAILED);
    expect(reasons()).toEqual(['timeout']);
  });

  it('when there is nobody', async () => {
    expect(await client.ask('nobody', {}, 'v1')).toEqual(FAILED);
    expect(reasons()).toEqual(['unreachable']);
  });

  it('when it hangs up', async () => {
    far.answer = (response) => response.destroy();
    expect(await order('1')).toEqual(FAILED);
    expect(reasons()).toEqual(['unreachable']);
  });

  it.each([500, 503, 401, 204])('when it says %i', async (status) => {
    far.answer = (response) => response.writeHead(status).end();
    expect(await order('1')).toEqual(FAILED);
    expect(reasons()).toEqual([status === 204 ? 'notAsAgreed' : 'status']);
  });

  it.each([
    ['no JSON', '<html>'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['something else', '{"state":"open"}'],
    ['another type', '{"status":{"a":1}}'],
    ['half of it', '{"status":"op'],
  ])('when it answers %s', async (_, text) => {
    far.answer = (response) => response.end(text);
    expect(await order('1')).toEqual(FAILED);
    expect(reasons()).toEqual(['notAsAgreed']);
  });

  it('when its answer has no end that we could use', async () => {
    far.answer = (response) => {
      const more = (): void => {
        while (response.write(' '.repeat(16_384)));
        response.once('drain', more);
      };
      more();
    };
    expect(await order('1')).toEqual(FAILED);
    expect(reasons()).toEqual(['tooLong']);
  });

  it('when a small answer unfolds to a huge one', async () => {
    const { gzipSync } = await import('node:zlib');
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    far.answer = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    expect(await order('1')).toEqual(FAILED);
    expect(reasons()).toEqual(['tooLong']);
  });

  it('when it sends us elsewhere, and nobody goes there', async () => {
    const elsewhere = await FarServer.start();
    far.answer = (response) => response.writeHead(307, { location: `${elsewhere.url}/orders/1` }).end();
    expect(await order('1')).toEqual(FAILED);
    expect(reasons()).toEqual(['redirect']);
    expect(elsewhere.asked).toEqual([]);
    await elsewhere.stop();
  });

  it('at once when too many ask it already', async () => {
    const waiting: (() => void)[] = [];
    far.answer = (response) => waiting.push(() => json(response, { status: 'open' }));
    const first = [order('1'), order('2')];
    expect(await order('3')).toEqual(FAILED);
    expect(reasons()).toEqual(['tooMany']);
    await expect.poll(() => waiting.length).toBe(2);
    for (const go of waiting.splice(0)) go();
    expect((await Promise.all(first)).map(({ outcome }) => outcome)).toEqual(['found', 'found']);
    far.answer = (response) => json(response, { status: 'open' });
    expect((await order('4')).outcome).toBe('found');
  });

  it('when the house closes', async () => {
    far.answer = () => undefined;
    const asking = order('1');
    await expect.poll(() => far.asked.length).toBe(1);
    client.close();
    expect(await asking).toEqual(FAILED);
    expect(reasons()).toEqual(['stopping']);
  });

  it('and the log says which and why, without whom it was about', async () => {
    far.answer = (response) => json(response, { status: ['8675309'] });
    await order('8675309');
    far.answer = (response) => response.destroy();
    await order('8675309');
    expect(log).toHaveLength(2);
    expect(log.join('')).toContain('"service":"orders"');
    expect(log.join('')).not.toMatch(/8675309|geheim/);
  });
});

describe('a value of a scenario', () => {
  it.each(['', '.', '..', '../admin', '..\\admin', 'a/../../b', '1\r\nX-Admin: 1', '\u0000'])(
    'does not leave its place in the path: %j',
    async (number) => {
      expect(await order(number)).toEqual(FAILED);
      expect(reasons()).toEqual(['badValue']);
      expect(far.asked).toEqual([]);
    },
  );

  it.each(['%2e%2e', '@evil.example', '?admin=1', '#', ':8080', '1 2', '%', '*', 'ご注文'])('is encoded: %j', async (number) => {
    far.answer = (response) => json(response, { status: 'open' });
    expect((await order(number, '&x=1')).outcome).toBe('found');
    const url = new URL(far.asked[0]?.url ?? '', far.url);
    expect(decodeURIComponent(url.pathname)).toBe(`/orders/${number}`);
    expect([...url.searchParams]).toEqual([['office', '&x=1']]);
    expect(url.origin).toBe(far.url);
  });

  it('never changes host, path or number of headers, whatever it is', () => {
    const form = unwrap(parseServices(file('https://erp.example.jp'), 's.yaml', ENV)).services.get('orders');
    if (!form) throw new Error('no such service');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 30 }), (number, office) => {
        let request: ReturnType<typeof requestOf>;
        try {
          request = requestOf(form.request, { number, office }, ENV);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'badValue' });
          return;
        }
        const url = new URL(request.url);
        expect(url.origin).toBe('https://erp.example.jp');
        expect(url.pathname).toMatch(/^\/orders\/[^/]+$/);
        expect(decodeURIComponent(url.pathname)).toBe(`/orders/${number.toWellFormed()}`);
        expect([...url.searchParams]).toEqual([['office', office.toWellFormed()]]);
        expect(url.hash).toBe('');
        expect(request.headers).toEqual({ accept: 'application/json', 'user-agent': 'madoguchi', authorization: 'Bearer geheim' });
      }),
      { numRuns: 500 },
    );
  });

  it('that is missing or endless fails before anything is sent', async () => {
    expect(await client.ask('orders', { number: '1' }, 'v1')).toEqual(FAILED);
    expect(await order('1'.repeat(2_001))).toEqual(FAILED);
    expect(reasons()).toEqual(['badValue', 'badValue']);
    expect(far.asked).toEqual([]);
  });
});
