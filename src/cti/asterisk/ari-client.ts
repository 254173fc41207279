/**
 * ARI by the npm package `ari-client` 2.2.0: REST by HTTP, events by a WebSocket. The package has not been kept since 2020;
 * what its faults would do to us is cured here, without changing its files. (Each was reproduced; numbers as in its comment.)
 *
 *  1. Its credentials are global to the process: a second server's would be sent to the first. Here each request carries its
 *     own transport with it (AsyncLocalStorage), and `SwaggerHttp.execute` is replaced by `fetch` which reads it there.
 *  2. Requests to a server that is down or silent never settle: time-outs, here in `fetch` and around the whole.
 *  3. A wrong password is thrown out of a callback and kills the process: asked for beforehand (`asterisk/ping`).
 *  4. An event kind missing in the server's own documentation is a TypeError inside the socket's handler: its message
 *     listener is replaced by ours, which hands on the event as it came.
 *  5. It gives up reconnecting after 10 tries, and does not notice a half-open line: started again, pinged.
 *  6. Its errors have no status: taken from the answer itself.
 *  7. It calls the address that the server believes to have: only the path of it is used.
 *  8. It writes to the console through a global function `log`: silenced.
 *  9. A delayed reconnect can't be called off: a socket made after `close` is ended as it is made.
 *
 * HTTP requests run on several sockets and may overtake each other: whoever needs an order awaits. At most 16 at once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import type { WebSocket } from 'ws';
import {
  AriError,
  type AriListener,
  type AriMethod,
  type AriOptions,
  type AriRequestOptions,
  type AriTransport,
  ariBase,
  bodyOf,
  DEFAULT_PING_MS,
  DEFAULT_RECONNECT,
  DEFAULT_TIMEOUT_MS,
  downloadByHttp,
  LONGEST_PATH,
  parseAriMessage,
  reconnectDelayMs,
  statusError,
  within,
} from './ari.ts';

/** More sockets than this make Asterisk slower, not faster. */
const MOST_AT_ONCE = 16;

/** What we use of the package. @types/ari-client knows neither the documentation nor the socket. */
interface Client {
  readonly _swagger: { readonly apis: Readonly<Record<string, { readonly operations?: Readonly<Record<string, Operation>> } | undefined>> };
  readonly [resource: string]: unknown;
  start(app: string): PromiseLike<void>;
  stop(): void;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}
interface Operation {
  readonly path: string;
  readonly method: string;
  readonly parameters: readonly { readonly name: string; readonly paramType: string }[];
}
type Call = (parameters: Record<string, unknown>) => PromiseLike<unknown>;
interface AriClientModule {
  connect(url: string, user: string, password: string): PromiseLike<Client>;
}

/** What swagger-client asks its HTTP client for. */
interface SwaggerRequest {
  readonly url: string;
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly on: { response(answer: SwaggerAnswer): void; error(answer: SwaggerAnswer): void };
}
interface SwaggerAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly data: string;
}
interface SwaggerModule {
  SwaggerHttp: { prototype: { execute(request: SwaggerRequest): void } };
}

/** On whose behalf a request is made, and what came of it: ari-client itself passes on neither. */
interface Errand {
  readonly base: string;
  readonly authorization: string;
  readonly signal: AbortSignal;
  status: number | null;
  text: string;
  failure: unknown;
}
const errands = new AsyncLocalStorage<Errand>();

async function run(request: SwaggerRequest, errand: Errand): Promise<void> {
  let answer: SwaggerAnswer;
  try {
    const asked = new URL(request.url);
    const path = asked.pathname.slice(asked.pathname.indexOf('/ari/')) + asked.search;
    const method = request.method.toUpperCase();
    const isTooLong = method === 'POST' && request.body === undefined && path.length > LONGEST_PATH;
    const body = isTooLong ? JSON.stringify(bodyOf(Object.fromEntries(asked.searchParams))) : request.body;
    const headers: Record<string, string> = { authorization: errand.authorization };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(errand.base + (isTooLong ? path.slice(0, -asked.search.length) : path), {
      method,
      headers,
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
      signal: errand.signal,
    });
    const text = await response.text();
    errand.status = response.status;
    errand.text = text;
    answer = { status: response.status, statusText: response.statusText, data: text };
  } catch (error) {
    errand.failure = error;
    answer = { status: 0, statusText: String(error), data: '' };
  }
  // What it throws (a string, when the documentation can't be loaded) would otherwise end the process.
  try {
    if (answer.status >= 200 && answer.status < 300) request.on.response(answer);
    else request.on.error(answer);
  } catch (error) {
    errand.failure ??= error;
  }
}

let loaded: AriClientModule | null = null;

/** Loads the package and replaces its HTTP client, once for the process: it has only one. */
function load(): AriClientModule {
  if (loaded !== null) return loaded;
  const require = createRequire(import.meta.url);
  const fromPackage = createRequire(require.resolve('ari-client'));
  const swagger = fromPackage('swagger-client') as SwaggerModule;
  swagger.SwaggerHttp.prototype.execute = (request) => {
    const errand = errands.getStore();
    if (errand === undefined) throw new Error('ari-client made a request that nobody asked for');
    void run(request, errand); // settles through request.on; never rejects
  };
  // swagger-client assigns a global `log` that writes to the console, and looks it up at each call.
  Reflect.set(globalThis, 'log', () => {});
  loaded = require('ari-client') as AriClientModule;
  Reflect.set(globalThis, 'log', () => {});
  return loaded;
}

interface Route {
  readonly method: string;
  readonly segments: readonly string[];
  readonly parameters: Operation['parameters'];
  readonly call: Call;
}

export class AriClientTransport implements AriTransport {
  readonly name = 'ari-client';
  readonly #options: AriOptions;
  readonly #timeoutMs: number;
  readonly #base: string;
  readonly #authorization: string;
  readonly #turns = new Turns(MOST_AT_ONCE);
  #listener: AriListener | null = null;
  #client: Client | null = null;
  #routes: readonly Route[] = [];
  #open = false;
  #closed = false;
  /** Aborts the requests under way when the line is lost. */
  #line = new AbortController();
  readonly #underWay = new Set<(error: AriError) => void>();
  #pingTimer: NodeJS.Timeout | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #restarts = 0;

  constructor(options: AriOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#base = ariBase(options.url);
    this.#authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;
  }

  get connected(): boolean {
    return this.#open;
  }

  async connect(listener: AriListener): Promise<void> {
    if (this.#closed) throw new AriError('disconnected', 'closed');
    if (this.#listener !== null) throw new AriError('disconnected', 'already connected or connecting');
    this.#listener = listener;
    try {
      await this.#ping();
      const client = await this.#attach();
      this.#client = client;
      this.#routes = routesOf(client);
      await this.#start(client);
    } catch (error) {
      this.#abandon();
      this.#listener = null;
      throw error;
    }
  }

  request(method: AriMethod, path: string, options: AriRequestOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // The loss of the line rejects it directly, so that all of them have been rejected before that is told.
      this.#underWay.add(reject);
      this.#perform(method, path, options)
        .finally(() => this.#underWay.delete(reject))
        .then(resolve, reject);
    });
  }

  /** The package would read it as text. */
  async download(path: string): Promise<Buffer> {
    if (!this.#open) throw new AriError('disconnected', `GET ${path}: not connected`);
    return this.#turns.take(() => downloadByHttp(this.#base, this.#authorization, path, this.#timeoutMs));
  }

  async #perform(method: AriMethod, path: string, options: AriRequestOptions): Promise<unknown> {
    if (!this.#open) throw new AriError('disconnected', `${method} ${path}: not connected`);
    const found = this.#route(method, path);
    if (found === null) throw new AriError('status', `${method} ${path}: this server's documentation has no such operation`, 404);
    const { route, parameters } = found;
    for (const [name, value] of Object.entries(options.query ?? {})) parameters[name] = value;
    const body = route.parameters.find((parameter) => parameter.paramType === 'body');
    if (options.body !== undefined) parameters[body?.name ?? 'body'] = options.body;
    // Of this line and for this time only: one that has waited too long for its turn is not made any more.
    const errand = this.#errand();
    const work = this.#turns.take(async () => {
      if (errand.signal.aborted) throw new AriError('timeout', `${method} ${path}: not made`);
      // A wrong call of the package throws at once (a string); a refused one rejects. Both are read from the errand.
      await errands
        .run(errand, async () => route.call(parameters))
        .catch((error: unknown) => {
          errand.failure ??= error;
        });
      return answerOf(errand, method, path);
    });
    return within(work, this.#timeoutMs, `${method} ${path}`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#restartTimer = null;
    this.#listener = null;
    const socket = this.#socket();
    const ended = socket === null || socket.readyState === 3 ? null : new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#lost(new AriError('disconnected', 'closed'));
    this.#abandon();
    const timer = setTimeout(() => socket?.terminate(), 500);
    await ended;
    clearTimeout(timer);
  }

  #errand(): Errand {
    return {
      base: this.#base,
      authorization: this.#authorization,
      signal: AbortSignal.any([this.#line.signal, AbortSignal.timeout(this.#timeoutMs)]),
      status: null,
      text: '',
      failure: undefined,
    };
  }

  /** Is it there, and is the password right? */
  async #ping(): Promise<void> {
    let response: Response;
    try {
      response = await fetch(`${this.#base}/ari/asterisk/ping`, {
        headers: { authorization: this.#authorization },
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
    } catch (error) {
      const late = error instanceof Error && error.name === 'TimeoutError';
      throw new AriError(late ? 'timeout' : 'disconnected', 'connection to Asterisk failed', null, { cause: error });
    }
    const text = await response.text();
    if (!response.ok) throw statusError('GET', 'asterisk/ping', response.status, text);
  }

  /** The package reads the server's documentation and makes a function of each operation. */
  async #attach(): Promise<Client> {
    const errand = this.#errand();
    const attached = errands.run(errand, async () => load().connect(this.#base, this.#options.user, this.#options.password));
    attached.catch(() => {}); // may also come after the time-out
    try {
      return await within(attached, this.#timeoutMs, "reading ARI's documentation");
    } catch (error) {
      if (error instanceof AriError) throw error;
      throw new AriError('disconnected', "ARI's documentation could not be read", null, { cause: error });
    }
  }

  async #start(client: Client): Promise<void> {
    this.#watchSockets(client);
    client.on('WebSocketConnected', () => {
      const socket = this.#socket();
      if (socket === null || this.#closed || this.#client !== client) return;
      socket.removeAllListeners('message');
      socket.on('message', (data: Buffer) => this.#message(data.toString('utf8')));
      this.#line = new AbortController();
      this.#open = true;
      this.#restarts = 0;
      this.#watch(socket);
      this.#tell(() => this.#listener?.connected());
    });
    client.on('WebSocketReconnecting', (error) => this.#lost(lineError(error)));
    client.on('WebSocketMaxRetries', (error) => {
      this.#lost(lineError(error));
      if (this.#client === client) this.#restartLater(client);
    });
    await within(toPromise(client.start(this.#options.app)), this.#timeoutMs, 'connection to Asterisk').catch((error: unknown) => {
      throw error instanceof AriError ? error : new AriError('disconnected', 'connection to Asterisk failed', null, { cause: error });
    });
  }

  #restartLater(client: Client): void {
    if (this.#closed) return;
    const delayMs = reconnectDelayMs(this.#restarts, this.#options.reconnect ?? DEFAULT_RECONNECT);
    this.#restarts += 1;
    this.#restartTimer = setTimeout(() => {
      // It rejects after its 10 tries, and then WebSocketMaxRetries has called us again.
      toPromise(client.start(this.#options.app)).catch((error: unknown) =>
        this.#options.onTrouble?.('could not reconnect to Asterisk', error),
      );
    }, delayMs);
  }

  /** The package keeps its socket in `_ws`. Each one made is seen here, before it is used. */
  #watchSockets(client: Client): void {
    let current: WebSocket | null = null;
    Object.defineProperty(client, '_ws', {
      configurable: true,
      get: () => current,
      set: (socket: WebSocket) => {
        current = socket;
        if (!this.#closed && this.#client === client) {
          // `close` without `error` is not told when an error was handled before: both end the line.
          socket.on('close', () => {
            if (current === socket) this.#lost(lineError(undefined));
          });
          return;
        }
        socket.on('error', () => {}); // ending it while it connects is reported as an error
        socket.terminate();
      },
    });
  }

  #socket(): WebSocket | null {
    const socket: unknown = this.#client === null ? null : Reflect.get(this.#client, '_ws');
    return (socket as WebSocket | null | undefined) ?? null;
  }

  #watch(socket: WebSocket): void {
    const pingMs = this.#options.pingMs ?? DEFAULT_PING_MS;
    let heard = true;
    const hear = (): void => {
      heard = true;
    };
    socket.on('pong', hear);
    socket.on('message', hear);
    if (this.#pingTimer !== null) clearInterval(this.#pingTimer);
    this.#pingTimer = setInterval(() => {
      if (!heard) {
        this.#lost(new AriError('disconnected', `Asterisk was silent for ${pingMs} ms`));
        socket.terminate();
        return;
      }
      heard = false;
      socket.ping();
    }, pingMs);
  }

  #message(text: string): void {
    const event = parseAriMessage(text);
    if (event === null) this.#options.onTrouble?.('Asterisk sent something that is no event', new AriError('status', 'not an ARI message'));
    else this.#tell(() => this.#listener?.event(event));
  }

  #lost(error: AriError): void {
    if (this.#pingTimer !== null) clearInterval(this.#pingTimer);
    this.#pingTimer = null;
    if (!this.#open) return;
    this.#open = false;
    for (const reject of this.#underWay) reject(error); // a Set keeps the order they were made in
    this.#underWay.clear();
    this.#line.abort(error);
    this.#tell(() => this.#listener?.disconnected(error));
  }

  /** Leaves the package's client to itself, its socket ended and not made again. */
  #abandon(): void {
    const client = this.#client;
    const socket = this.#socket();
    this.#client = null;
    if (client === null || socket === null) return;
    socket.on('error', () => {});
    client.stop();
  }

  #route(method: AriMethod, path: string): { route: Route; parameters: Record<string, unknown> } | null {
    const segments = path.split('/');
    for (const route of this.#routes) {
      if (route.method !== method || route.segments.length !== segments.length) continue;
      const parameters: Record<string, unknown> = {};
      const matches = route.segments.every((expected, at) => {
        const actual = segments[at] ?? '';
        if (!expected.startsWith('{')) return expected === actual;
        parameters[expected.slice(1, -1)] = decodeURIComponent(actual);
        return actual !== '';
      });
      if (matches) return { route, parameters };
    }
    return null;
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.onTrouble?.('a listener of Asterisk events failed', error);
    }
  }
}

/** ari-client's promises are Bluebird's; ours are the language's own. */
function toPromise<T>(thenable: PromiseLike<T>): Promise<T> {
  return Promise.resolve(thenable);
}

function lineError(error: unknown): AriError {
  const why = error instanceof Error ? error.message : 'closed';
  return new AriError('disconnected', `connection to Asterisk lost: ${why}`, null, { cause: error });
}

function answerOf(errand: Errand, method: string, path: string): unknown {
  if (errand.status === null) {
    const late = errand.failure instanceof Error && errand.failure.name === 'TimeoutError';
    throw new AriError(late ? 'timeout' : 'disconnected', `${method} ${path}: no answer`, null, { cause: errand.failure });
  }
  if (errand.status < 200 || errand.status > 299) throw statusError(method, path, errand.status, errand.text);
  if (errand.text === '') return null;
  try {
    return JSON.parse(errand.text);
  } catch (error) {
    throw new AriError('status', `${method} ${path}: an answer that is no JSON`, errand.status, { cause: error });
  }
}

/** Operations by method and path, literal segments before `{…}`: `channels/create` is not the channel `create`. */
function routesOf(client: Client): readonly Route[] {
  const routes: Route[] = [];
  for (const [name, api] of Object.entries(client._swagger.apis)) {
    const functions = client[name] as Record<string, Call> | undefined;
    for (const [nickname, operation] of Object.entries(api?.operations ?? {})) {
      const call = functions?.[nickname];
      if (call === undefined) continue;
      routes.push({
        method: operation.method.toUpperCase(),
        segments: operation.path.replace(/^\/+/, '').split('/'),
        parameters: operation.parameters,
        call,
      });
    }
  }
  const wild = (route: Route): number => route.segments.filter((segment) => segment.startsWith('{')).length;
  return routes.sort((a, b) => wild(a) - wild(b));
}

/** Lets so many work at once; the others wait in order. */
class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, not given back: nobody can slip in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy -= 1;
      else next();
    }
  }
}
