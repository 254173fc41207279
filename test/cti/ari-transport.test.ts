/** What both transports promise, against a real Asterisk and against servers that misbehave. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { tonesToWav } from '../../src/base/tones.ts';
import {
  AriError,
  type AriEvent,
  type AriListener,
  type AriOptions,
  type AriTransport,
  ariPath,
  reconnectDelayMs,
} from '../../src/cti/asterisk/ari.ts';
import { AriClientTransport } from '../../src/cti/asterisk/ari-client.ts';
import { AriWebSocket } from '../../src/cti/asterisk/ari-ws.ts';
import { APP, ARI_PASSWORD, ARI_USER, Line, type RealAsterisk, startBothSides } from './asterisk-harness.ts';

class Listener implements AriListener {
  readonly told: string[] = [];
  readonly events: AriEvent[] = [];
  connected(): void {
    this.told.push('connected');
  }
  event(event: AriEvent): void {
    this.events.push(event);
  }
  disconnected(): void {
    this.told.push('disconnected');
  }
  times(what: string): number {
    return this.told.filter((told) => told === what).length;
  }
}

/** Passes HTTP on to a real server, with a WebSocket of its own: for what a real one never sends. */
class ImpostorServer {
  readonly url: string;
  readonly #http: Server;
  readonly sockets: WebSocket[] = [];

  static async before(ariUrl: string): Promise<ImpostorServer> {
    const http = createServer((request, response) => {
      void forward(request, ariUrl).then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(await answer.text());
      });
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return new ImpostorServer(http);
  }

  private constructor(http: Server) {
    this.#http = http;
    this.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    new WebSocketServer({ server: http }).on('connection', (socket) => this.sockets.push(socket));
  }

  send(text: string): void {
    this.sockets.at(-1)?.send(text);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

async function forward(request: IncomingMessage, ariUrl: string): Promise<Response> {
  return fetch(ariUrl + (request.url ?? ''), {
    method: request.method ?? 'GET',
    headers: { authorization: request.headers.authorization ?? '' },
  });
}

let asterisk: RealAsterisk;
beforeAll(async () => {
  asterisk = await startBothSides();
}, 60_000);
afterAll(async () => {
  await asterisk?.stop();
}, 30_000);

describe.each([
  ['ari-ws', (options: AriOptions): AriTransport => new AriWebSocket(options)],
  ['ari-client', (options: AriOptions): AriTransport => new AriClientTransport(options)],
] as const)('%s', { timeout: 20_000 }, (name, make) => {
  const opened: { close(): Promise<void> | void }[] = [];
  afterEach(async () => {
    for (const thing of opened.splice(0).reverse()) await thing.close();
  });

  function transport(options: Partial<AriOptions> = {}): AriTransport {
    const made = make({
      url: asterisk.ariUrl,
      user: ARI_USER,
      password: ARI_PASSWORD,
      app: APP,
      timeoutMs: 2000,
      reconnect: { firstMs: 30, mostMs: 300 },
      ...options,
    });
    opened.push(made);
    return made;
  }
  async function line(): Promise<Line> {
    const made = await Line.to(Number(new URL(asterisk.ariUrl).port));
    opened.push({ close: () => made.cut() });
    return made;
  }
  const through = (by: Line): string => `http://127.0.0.1:${by.port}`;
  async function failure(promise: Promise<unknown>): Promise<AriError> {
    const error = await promise.then(
      () => new Error('it did not fail'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(AriError);
    return error as AriError;
  }

  it('connects and answers, and says nothing on the console', async () => {
    const written = [vi.spyOn(console, 'log'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
    const listener = new Listener();
    const ari = transport();
    expect(ari.connected).toBe(false);
    await ari.connect(listener);
    expect(ari.connected).toBe(true);
    expect(listener.told).toEqual(['connected']);
    expect(await ari.request('GET', 'asterisk/ping')).toMatchObject({ ping: 'pong' });
    expect(await ari.request('GET', 'channels')).toEqual([]);
    for (const spy of written) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('rejects for a wrong password, and may be asked again', async () => {
    const error = await failure(transport({ password: 'wrong' }).connect(new Listener()));
    expect(error).toMatchObject({ kind: 'unauthorised', status: 401 });
  });

  it('keeps the credentials of two servers apart', async () => {
    const mine = transport();
    await mine.connect(new Listener());
    await failure(transport({ user: 'other', password: 'wrong' }).connect(new Listener()));
    const second = transport({ app: 'second' });
    await second.connect(new Listener());
    expect(await mine.request('GET', 'asterisk/ping')).toMatchObject({ ping: 'pong' });
    expect(await second.request('GET', 'asterisk/ping')).toMatchObject({ ping: 'pong' });
  });

  it('tells a refusal by its status, with body and query passed on whole', async () => {
    const ari = transport();
    await ari.connect(new Listener());
    expect(await failure(ari.request('GET', ariPath('channels', 'none')))).toMatchObject({ kind: 'status', status: 404 });
    expect(await failure(ari.request('POST', 'channels', { query: { endpoint: 'PJSIP/' } }))).toMatchObject({
      kind: 'status',
      status: 400,
    });
    const bridge = ariPath('bridges', 'a b/c?d&e');
    expect(await ari.request('POST', bridge, { query: { type: 'mixing,dtmf_events', name: 'ä & "b"' } })).toMatchObject({
      id: 'a b/c?d&e',
      name: 'ä & "b"',
    });
    expect(await failure(ari.request('POST', bridge))).toMatchObject({ status: 409 });
    expect(await ari.request('DELETE', bridge)).toBeNull();
    const path = ariPath('asterisk', 'config', 'dynamic', 'res_pjsip', 'auth', 'somebody');
    const fields = [
      { attribute: 'auth_type', value: 'userpass' },
      { attribute: 'username', value: 'ユーザー' },
      { attribute: 'password', value: 'not-a-real-one' },
    ];
    expect(await ari.request('PUT', path, { body: { fields } })).toContainEqual({ attribute: 'username', value: 'ユーザー' });
    expect(await ari.request('GET', 'channels', { apart: true })).toEqual([]);
    expect(await failure(ari.request('GET', ariPath('channels', 'none'), { apart: true }))).toMatchObject({ status: 404 });
  });

  it('fetches a file as it is, and tells why not', async () => {
    const ari = transport();
    const path = ariPath('recordings', 'stored', name, 'file');
    expect(await failure(ari.download(path))).toMatchObject({ kind: 'disconnected' });
    await ari.connect(new Listener());
    expect(await failure(ari.download(path))).toMatchObject({ kind: 'status', status: 404 });
    const wav = tonesToWav([{ hz: [440], ms: 2_000, level: 0.5 }]);
    writeFileSync(join(asterisk.recordingDir, `${name}.wav`), wav);
    expect((await ari.download(path)).equals(wav)).toBe(true);
    await ari.close();
    expect(await failure(ari.download(path))).toMatchObject({ kind: 'disconnected' });
  });

  it('has as many requests under way as are wanted, each with its own answer', async () => {
    const ari = transport();
    await ari.connect(new Listener());
    const ids = Array.from({ length: 200 }, (_, at) => `bridge-${at}`);
    const made = await Promise.all(ids.map((id) => ari.request('POST', ariPath('bridges', id), { query: { type: 'mixing' } })));
    expect(made.map((bridge) => (bridge as { id: string }).id)).toEqual(ids);
    await Promise.all(ids.map((id) => ari.request('DELETE', ariPath('bridges', id))));
    expect(await ari.request('GET', 'bridges')).toEqual([]);
  });

  it('hands on events in order', async () => {
    const listener = new Listener();
    const ari = transport();
    await ari.connect(listener);
    const call = await asterisk.far.call({ from: '+81312345678', to: '1000' });
    await vi.waitFor(() => expect(listener.events.map((event) => event.type)).toContain('StasisStart'), 5000);
    const [live] = (await ari.request('GET', 'channels')) as { id: string }[];
    await ari.request('POST', ariPath('channels', live?.id ?? '', 'answer'));
    await call.answered();
    await call.sendDigits('0123456789', { durationMs: 60, betweenMs: 60 });
    await vi.waitFor(() => expect(listener.events.filter((event) => event.type === 'ChannelDtmfReceived')).toHaveLength(10), 5000);
    await call.hangUp();
    await vi.waitFor(() => expect(listener.events.at(-1)?.type).toBe('StasisEnd'), 5000);
    expect(listener.events.flatMap((event) => event['digit'] ?? []).join('')).toBe('0123456789');
  });

  it('hands on kinds of events that nobody knows, and is not stopped by what is no event', async () => {
    const impostor = await ImpostorServer.before(asterisk.ariUrl);
    opened.push(impostor);
    const trouble: string[] = [];
    const listener = new Listener();
    const ari = transport({ url: impostor.url, onTrouble: (what) => trouble.push(what) });
    await ari.connect(listener);
    impostor.send('{"type":"SomethingNew","more":{"x":1}}');
    impostor.send('not json');
    impostor.send('[]');
    impostor.send('{"type":"StasisStart","args":["in"]}');
    await vi.waitFor(() => expect(listener.events).toHaveLength(2), 3000);
    expect(listener.events).toEqual([
      { type: 'SomethingNew', more: { x: 1 } },
      { type: 'StasisStart', args: ['in'] },
    ]);
    expect(trouble).toHaveLength(2);
    expect(ari.connected).toBe(true);
  });

  it('goes on when its listener throws', async () => {
    const impostor = await ImpostorServer.before(asterisk.ariUrl);
    opened.push(impostor);
    const listener = new Listener();
    const trouble: string[] = [];
    const ari = transport({ url: impostor.url, onTrouble: (what) => trouble.push(what) });
    await ari.connect({
      connected: () => {},
      disconnected: () => {},
      event: (event) => {
        if (event.type === 'Bad') throw new Error('listener');
        listener.event(event);
      },
    });
    impostor.send('{"type":"Bad"}');
    impostor.send('{"type":"Good"}');
    await vi.waitFor(() => expect(listener.events).toEqual([{ type: 'Good' }]), 3000);
    expect(trouble).toHaveLength(1);
  });

  it('rejects in time when nobody listens, and connects when asked again later', async () => {
    const by = await line();
    await by.cut();
    const ari = transport({ url: through(by) });
    expect(await failure(ari.connect(new Listener()))).toMatchObject({ kind: 'disconnected' });
    await by.mend();
    await ari.connect(new Listener());
    expect(ari.connected).toBe(true);
  });

  it('rejects in time when a server accepts and says nothing', async () => {
    const mute = createTcpServer(() => {});
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    opened.push({ close: () => void mute.close() });
    const began = Date.now();
    const ari = transport({ url: `http://127.0.0.1:${(mute.address() as AddressInfo).port}`, timeoutMs: 400 });
    expect(await failure(ari.connect(new Listener()))).toMatchObject({ kind: 'timeout' });
    expect(Date.now() - began).toBeLessThan(2000);
  });

  it('rejects without a connection, and after its close', async () => {
    const ari = transport();
    expect(await failure(ari.request('GET', 'channels'))).toMatchObject({ kind: 'disconnected' });
    const listener = new Listener();
    await ari.connect(listener);
    const pending = failure(ari.request('GET', 'channels'));
    await ari.close();
    expect(await pending).toMatchObject({ kind: 'disconnected' });
    expect(await failure(ari.request('GET', 'channels'))).toMatchObject({ kind: 'disconnected' });
    expect(ari.connected).toBe(false);
  });

  it('comes back by itself when the server does, again and again', async () => {
    const by = await line();
    const listener = new Listener();
    const ari = transport({ url: through(by) });
    await ari.connect(listener);
    for (const times of [1, 2]) {
      await by.cut();
      await vi.waitFor(() => expect(listener.times('disconnected')).toBe(times), 3000);
      expect(ari.connected).toBe(false);
      await sleep(300);
      await by.mend();
      await vi.waitFor(() => expect(listener.times('connected')).toBe(times + 1), 5000);
      expect(await ari.request('GET', 'asterisk/ping')).toMatchObject({ ping: 'pong' });
    }
    expect(listener.told).toEqual(['connected', 'disconnected', 'connected', 'disconnected', 'connected']);
  });

  it('rejects what is under way when the line is lost, in order, and before that is told', async () => {
    const by = await line();
    const order: string[] = [];
    const listener = new Listener();
    const ari = transport({ url: through(by) });
    await ari.connect({
      connected: () => {},
      event: (event) => listener.event(event),
      disconnected: () => queueMicrotask(() => order.push('disconnected')),
    });
    by.freeze();
    const requests = ['one', 'two', 'three'].map((name) => ari.request('GET', ariPath('bridges', name)).catch(() => order.push(name)));
    await by.cut();
    await Promise.all(requests);
    await vi.waitFor(() => expect(order).toContain('disconnected'), 3000);
    expect(order).toEqual(['one', 'two', 'three', 'disconnected']);
  });

  it('notices a half-open line by its silence, and a request that is not answered by the time', async () => {
    const by = await line();
    const listener = new Listener();
    const ari = transport({ url: through(by), pingMs: 600, timeoutMs: 300 });
    await ari.connect(listener);
    await sleep(1500);
    expect(ari.connected).toBe(true);
    by.freeze();
    expect(await failure(ari.request('GET', 'channels'))).toMatchObject({ kind: 'timeout', status: null });
    await vi.waitFor(() => expect(listener.times('disconnected')).toBe(1), 3000);
    await by.cut();
    await by.mend();
    await vi.waitFor(() => expect(listener.times('connected')).toBe(2), 5000);
  });

  it('closed while it reconnects, it does not come back', async () => {
    const by = await line();
    const listener = new Listener();
    const ari = transport({ url: through(by) });
    await ari.connect(listener);
    await by.cut();
    await vi.waitFor(() => expect(listener.times('disconnected')).toBe(1), 3000);
    await ari.close();
    await by.mend();
    await sleep(1000);
    expect(listener.told).toEqual(['connected', 'disconnected']);
    expect(ari.connected).toBe(false);
  });
});

describe('the delay before a new attempt', () => {
  it('doubles up to its limit, and is never the same for all', () => {
    const delays = { firstMs: 100, mostMs: 1000 };
    for (const [attempt, most] of [
      [0, 100],
      [1, 200],
      [3, 800],
      [4, 1000],
      [50, 1000],
    ] as const) {
      const drawn = Array.from({ length: 200 }, () => reconnectDelayMs(attempt, delays));
      expect(Math.max(...drawn)).toBeLessThanOrEqual(most);
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(most / 2);
      expect(new Set(drawn).size).toBeGreaterThan(10);
    }
  });
});
