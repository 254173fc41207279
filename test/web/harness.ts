/** A web edge on a free port with a house in memory behind it, and clients as browsers are. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { DEFAULT_CALL_ME_POLICY } from '../../src/channels/call-me.ts';
import type { ClientMessage, ServerMessage } from '../../src/web/messages.ts';
import { type RunningWeb, startWeb, type WebOptions } from '../../src/web/server.ts';
import { createFakeBackend, FAKE_PASSWORD, type FakeBackend } from '../support/fake-backend.ts';

export interface Harness {
  readonly backend: FakeBackend;
  readonly web: RunningWeb;
  /** Everything logged, as JSON lines. */
  readonly logged: readonly string[];
  request(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Logs in and gives the cookie as a browser would send it. */
  cookieOf(userName: string): Promise<string>;
  /** A panel as a browser opens it, not yet greeted. */
  connect(cookie: string): Promise<PanelClient>;
  /** A panel that has said hello and got its first state. */
  panel(userName: string): Promise<PanelClient>;
}

/** Waits until something is so; fails with what it was about after five seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class PanelClient {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  closedWith: number | null = null;
  #id = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: RawData) => this.messages.push(JSON.parse(String(data))));
    socket.on('close', (code) => {
      this.closedWith = code;
    });
    socket.on('error', () => {
      // `close` follows, and is what the tests look at.
    });
  }

  /** Sends a request as the panel does, and gives its id. */
  send(message: { type: ClientMessage['type'] } & Record<string, unknown>): string {
    const id = `m-${++this.#id}`;
    this.socket.send(JSON.stringify({ id, ...message }));
    return id;
  }

  sendRaw(data: string | Buffer): void {
    this.socket.send(data);
  }

  /** The first message of this type, from number `from` on, that is as wished. */
  async receives<T extends ServerMessage['type']>(
    type: T,
    wished: (message: Extract<ServerMessage, { type: T }>) => boolean = () => true,
    from = 0,
  ): Promise<Extract<ServerMessage, { type: T }>> {
    const isIt = (message: ServerMessage): message is Extract<ServerMessage, { type: T }> => message.type === type;
    const find = () => this.messages.slice(from).filter(isIt).find(wished);
    await until(
      `a panel receives ${type} (it has ${JSON.stringify(this.messages.map((message) => message.type))})`,
      () => find() !== undefined,
    );
    const found = find();
    if (found === undefined) throw new Error('it was there a moment ago');
    return found;
  }

  async isClosed(): Promise<number> {
    await until('a panel is closed', () => this.closedWith !== null);
    return this.closedWith ?? 0;
  }
}

export async function startHarness(change: Partial<WebOptions> = {}): Promise<Harness> {
  const backend = createFakeBackend(change.now ? { now: change.now } : {});
  const staticDir = await mkdtemp(join(tmpdir(), 'madoguchi-web-'));
  await mkdir(join(staticDir, 'assets'));
  await writeFile(join(staticDir, 'index.html'), '<!doctype html><title>panel</title>');
  await writeFile(join(staticDir, 'call-me.js'), '/* call-me */');
  await writeFile(join(staticDir, 'assets', 'panel-8f3a.js'), '/* panel */');
  const logged: string[] = [];
  const web = await startWeb({
    backend,
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    staticDir,
    callMe: {
      origins: ['https://shop.example.jp'],
      policy: { ...DEFAULT_CALL_ME_POLICY, countries: ['JP'] },
      demo: [{ id: '1000', language: 'ja', country: 'JP', number: '1000' }],
    },
    ...change,
  });
  const clients: PanelClient[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.socket.terminate();
    await web.close();
    await rm(staticDir, { recursive: true });
  });

  const base = `http://127.0.0.1:${web.port}`;
  const request: Harness['request'] = (path, init) => fetch(`${base}${path}`, { redirect: 'manual', ...init });
  const post: Harness['post'] = (path, body, headers = {}) =>
    request(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const cookieOf: Harness['cookieOf'] = async (userName) => {
    const response = await post('/api/login', { userName, password: FAKE_PASSWORD });
    const cookie = response.headers.get('set-cookie')?.split(';')[0];
    if (response.status !== 200 || cookie === undefined) throw new Error(`log-in of ${userName} failed with ${response.status}`);
    return cookie;
  };
  const connect: Harness['connect'] = async (cookie) => {
    const client = new PanelClient(new WebSocket(`ws://127.0.0.1:${web.port}/ws/panel`, { headers: { cookie, origin: base } }));
    clients.push(client);
    await until('a panel is connected', () => client.socket.readyState === WebSocket.OPEN);
    return client;
  };
  return {
    backend,
    web,
    logged,
    request,
    post,
    cookieOf,
    connect,
    async panel(userName) {
      const client = await connect(await cookieOf(userName));
      client.send({ type: 'hello', holdsCall: false });
      await client.receives('state');
      return client;
    },
  };
}

/** Tries to open a panel and tells the HTTP status of the refusal; 101 when it was opened. */
export async function upgradeStatus(web: RunningWeb, headers: Record<string, string>, path = '/ws/panel'): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${web.port}${path}`, { headers });
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      socket.terminate();
      resolve(response.statusCode ?? 0);
    });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', reject);
  });
}
