/** An Asterisk of its own for a test, and the simplest controller there can be. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type AsteriskLog, type AsteriskOptions, type AsteriskServer, startAsterisk } from '#src/cti/asterisk/server/server.ts';
import { freePort, freeRtpPorts } from '#test/support/ports.ts';

export const ariUser = 'cti';
export const ariPassword = 'secret-1';
export const appName = 'madoguchi';

export function quietLog(): AsteriskLog & { readonly messages: string[] } {
  const messages: string[] = [];
  const keep = (_: object, message: string) => {
    messages.push(message);
  };
  return { messages, info: keep, warn: keep, error: keep };
}

/** Options with free ports and a folder under the system's temporary one. */
export async function testOptions(more: Partial<AsteriskOptions> = {}): Promise<AsteriskOptions> {
  return {
    runDir: more.runDir ?? mkdtempSync(join(tmpdir(), 'ast-')),
    sipHost: '127.0.0.1',
    sipPort: await freePort(),
    httpPort: await freePort(),
    rtpPorts: await freeRtpPorts(),
    ariUser,
    ariPassword,
    appName,
    trunks: [{ name: 'carrier', host: '127.0.0.2', port: await freePort('127.0.0.2') }],
    log: quietLog(),
    ...more,
  };
}

export interface TestServer {
  readonly options: AsteriskOptions;
  readonly server: AsteriskServer;
  readonly sip: { readonly host: string; readonly port: number };
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

export async function testServer(more: Partial<AsteriskOptions> = {}): Promise<TestServer> {
  const options = await testOptions(more);
  const server = await startAsterisk(options);
  const remove = async () => {
    await server.stop();
    rmSync(options.runDir, { recursive: true, force: true });
  };
  return { options, server, sip: { host: options.sipHost, port: options.sipPort }, remove };
}

export interface AppEvent {
  readonly type: string;
  readonly args?: readonly string[];
  readonly digit?: string;
  readonly cause?: number;
  readonly channel?: { readonly id: string; readonly state: string; readonly caller: { readonly number: string; readonly name: string } };
  readonly playback?: { readonly id: string };
  readonly recording?: { readonly name: string };
}

/** A controller that does nothing by itself: events are kept, orders are given one by one. */
export class TestApp {
  readonly events: AppEvent[] = [];
  readonly #url: string;
  readonly #socket: WebSocket;

  static async connect(server: AsteriskServer): Promise<TestApp> {
    const socket = new WebSocket(`${server.ariUrl.replace('http', 'ws')}/ari/events?app=${appName}&api_key=${ariUser}:${ariPassword}`);
    const app = new TestApp(server.ariUrl, socket);
    await new Promise<void>((done, fail) => {
      socket.addEventListener('open', () => done());
      socket.addEventListener('error', () => fail(new Error('ARI does not let the test listen')));
    });
    return app;
  }

  private constructor(url: string, socket: WebSocket) {
    this.#url = url;
    this.#socket = socket;
    socket.addEventListener('message', (message) => this.events.push(JSON.parse(String(message.data))));
  }

  /** The first event that fits, waited for. */
  async event(fits: (event: AppEvent) => boolean, timeoutMs = 10_000): Promise<AppEvent> {
    return vi.waitFor(
      () => {
        const found = this.events.find(fits);
        if (!found) throw new Error(`not among ${this.events.map((event) => event.type).join(', ')}`);
        return found;
      },
      { timeout: timeoutMs, interval: 20 },
    );
  }

  /** The arrival of a call to this number. */
  async arrival(dialled: string, timeoutMs?: number): Promise<AppEvent & { readonly id: string }> {
    const event = await this.event((one) => one.type === 'StasisStart' && one.args?.[0] === 'in' && one.args[3] === dialled, timeoutMs);
    return { ...event, id: event.channel?.id ?? '' };
  }

  async order(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}/ari/${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${ariUser}:${ariPassword}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Resolves when Asterisk has let go of it: an end that it notices late takes the next one's events away. */
  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.#socket.addEventListener('close', resolve));
    this.#socket.close();
    await closed;
  }
}

/** Lets a desk phone register, as the adapter does. */
export async function provisionPhone(app: TestApp, user: string, password: string): Promise<void> {
  const objects: [string, Record<string, string>][] = [
    ['auth', { auth_type: 'userpass', username: user, password }],
    ['aor', { max_contacts: '1', remove_existing: 'yes' }],
    ['endpoint', { context: 'from-phones', disallow: 'all', allow: 'ulaw', auth: user, aors: user, direct_media: 'no' }],
  ];
  for (const [kind, values] of objects) {
    const fields = Object.entries(values).map(([attribute, value]) => ({ attribute, value }));
    await app.order('PUT', `asterisk/config/dynamic/res_pjsip/${kind}/${user}`, { fields });
  }
}
