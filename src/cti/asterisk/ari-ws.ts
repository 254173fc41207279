/**
 * ARI over one WebSocket: events come and REST requests go on the same line, so they keep their order and cost a quarter of
 * what HTTP costs. Asterisk ≥ 22.5 (also 20.15, 21.10) has it: "ARI REST over WebSocket" in docs.asterisk.org.
 *
 * Asterisk answers a line's requests strictly one after another, also when one of them has to wait for a prompt to end. So those
 * that may wait (`apart`) go by HTTP.
 *
 * A line is one `Line` object with its own pending requests; when it is lost the object is thrown away and a new one made, so
 * nothing of an old line can reach the new.
 */
import { WebSocket } from 'ws';
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
  queryString,
  reconnectDelayMs,
  statusError,
} from './ari.ts';

interface Pending {
  readonly method: AriMethod;
  readonly path: string;
  readonly timer: NodeJS.Timeout;
  resolve(value: unknown): void;
  reject(error: AriError): void;
}

export class AriWebSocket implements AriTransport {
  readonly name = 'ari-ws';
  readonly #options: AriOptions;
  #listener: AriListener | null = null;
  #line: Line | null = null;
  #reconnectTimer: NodeJS.Timeout | null = null;
  #attempt = 0;
  #closed = false;

  constructor(options: AriOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#line?.open ?? false;
  }

  async connect(listener: AriListener): Promise<void> {
    if (this.#closed) throw new AriError('disconnected', 'closed');
    if (this.#listener !== null) throw new AriError('disconnected', 'already connected or connecting');
    this.#listener = listener;
    try {
      await this.#open();
    } catch (error) {
      this.#listener = null;
      throw error;
    }
  }

  request(method: AriMethod, path: string, options: AriRequestOptions = {}): Promise<unknown> {
    const line = this.#line;
    if (line === null || !line.open) return Promise.reject(new AriError('disconnected', `${method} ${path}: not connected`));
    return line.request(method, path, options);
  }

  download(path: string): Promise<Buffer> {
    const line = this.#line;
    if (line === null || !line.open) return Promise.reject(new AriError('disconnected', `GET ${path}: not connected`));
    return line.download(path);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#reconnectTimer !== null) clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = null;
    const line = this.#line;
    this.#line = null;
    this.#listener = null;
    await line?.close();
  }

  async #open(): Promise<void> {
    const line = new Line(this.#options, {
      connected: () => {
        this.#attempt = 0;
        this.#listener?.connected();
      },
      event: (event) => this.#listener?.event(event),
      disconnected: (error) => {
        if (this.#line !== line) return;
        this.#line = null;
        this.#listener?.disconnected(error);
        this.#reconnectLater();
      },
    });
    this.#line = line;
    try {
      await line.opened;
    } catch (error) {
      if (this.#line === line) this.#line = null;
      throw error;
    }
  }

  #reconnectLater(): void {
    if (this.#closed || this.#listener === null) return;
    const delayMs = reconnectDelayMs(this.#attempt, this.#options.reconnect ?? DEFAULT_RECONNECT);
    this.#attempt += 1;
    this.#reconnectTimer = setTimeout(() => {
      this.#open().catch((error: unknown) => {
        this.#options.onTrouble?.('could not reconnect to Asterisk', error);
        this.#reconnectLater();
      });
    }, delayMs);
  }
}

/** One connection, from its making to its loss. Tells `disconnected` only if it had been open. */
class Line {
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #listener: AriListener;
  readonly #timeoutMs: number;
  readonly #onTrouble: AriOptions['onTrouble'];
  /** In the order they were made: a Map keeps it. */
  readonly #pending = new Map<string, Pending>();
  readonly #base: string;
  readonly #authorization: string;
  readonly #ended: Promise<void>;
  #lastRequest = 0;
  #open = false;
  #pingTimer: NodeJS.Timeout | null = null;

  constructor(options: AriOptions, listener: AriListener) {
    this.#listener = listener;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#onTrouble = options.onTrouble;
    this.#base = ariBase(options.url);
    this.#authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;
    const url = `${this.#base.replace(/^http/, 'ws')}/ari/events?app=${encodeURIComponent(options.app)}`;
    const socket = new WebSocket(url, {
      headers: { authorization: this.#authorization },
      handshakeTimeout: this.#timeoutMs,
      perMessageDeflate: false,
      followRedirects: false,
    });
    this.#socket = socket;

    let ended: () => void = () => {};
    this.#ended = new Promise((resolve) => {
      ended = resolve;
    });
    this.opened = new Promise((resolve, reject) => {
      let failure: AriError | null = null;
      socket.on('unexpected-response', (_request, response) => {
        failure = statusError('GET', 'events', response.statusCode ?? 0, response.statusMessage ?? '');
        response.resume();
        socket.terminate(); // tells `error`, then `close`
      });
      socket.on('error', (error) => {
        failure ??= new AriError(
          /timed out/.test(error.message) ? 'timeout' : 'disconnected',
          `connection to Asterisk: ${error.message}`,
          null,
          {
            cause: error,
          },
        );
      });
      socket.on('open', () => {
        this.#open = true;
        this.#watch(options.pingMs ?? DEFAULT_PING_MS);
        resolve();
        this.#tell(() => this.#listener.connected());
      });
      socket.on('close', (code) => {
        const error = failure ?? new AriError('disconnected', `connection to Asterisk closed (${code})`);
        reject(error); // no effect once open
        this.#lost(error);
        ended();
      });
    });
    socket.on('message', (data: Buffer) => this.#message(data.toString('utf8')));
  }

  get open(): boolean {
    return this.#open;
  }

  request(method: AriMethod, path: string, options: AriRequestOptions): Promise<unknown> {
    this.#lastRequest += 1;
    const id = String(this.#lastRequest);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new AriError('timeout', `${method} ${path}: no answer within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      this.#pending.set(id, { method, path, timer, resolve, reject });
      if (options.apart === true) {
        void this.#apart(id, method, path, options); // settles through #answered; never rejects
        return;
      }
      const query = queryString(options.query);
      const isTooLong = method === 'POST' && options.body === undefined && path.length + query.length > LONGEST_PATH;
      const content = isTooLong ? bodyOf(options.query ?? {}) : options.body;
      const body = content === undefined ? {} : { content_type: 'application/json', message_body: JSON.stringify(content) };
      this.#socket.send(
        JSON.stringify({
          type: 'RESTRequest',
          transaction_id: id,
          request_id: id,
          method,
          uri: isTooLong ? path : path + query,
          ...body,
        }),
      );
    });
  }

  download(path: string): Promise<Buffer> {
    return downloadByHttp(this.#base, this.#authorization, path, this.#timeoutMs);
  }

  close(): Promise<void> {
    this.#lost(new AriError('disconnected', 'closed'));
    this.#socket.close();
    // A half-open peer would never answer the closing handshake.
    const timer = setTimeout(() => this.#socket.terminate(), 500);
    return this.#ended.finally(() => clearTimeout(timer));
  }

  /** Asks for a pong every `pingMs`; a peer that has said nothing at all since the last time is gone. */
  #watch(pingMs: number): void {
    let heard = true;
    const hear = (): void => {
      heard = true;
    };
    this.#socket.on('pong', hear);
    this.#socket.on('message', hear);
    this.#pingTimer = setInterval(() => {
      if (!heard) {
        this.#lost(new AriError('disconnected', `Asterisk was silent for ${pingMs} ms`));
        this.#socket.terminate();
        return;
      }
      heard = false;
      this.#socket.ping();
    }, pingMs);
  }

  #message(text: string): void {
    const message = parseAriMessage(text);
    if (message === null) {
      this.#onTrouble?.('Asterisk sent something that is no event', new AriError('status', 'not an ARI message'));
      return;
    }
    if (message.type !== 'RESTResponse') {
      this.#tell(() => this.#listener.event(message));
      return;
    }
    const id = typeof message['request_id'] === 'string' ? message['request_id'] : '';
    const status = typeof message['status_code'] === 'number' ? message['status_code'] : 0;
    const body = typeof message['message_body'] === 'string' ? message['message_body'] : '';
    this.#answered(id, status, body);
  }

  async #apart(id: string, method: AriMethod, path: string, options: AriRequestOptions): Promise<void> {
    const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
    try {
      const response = await fetch(`${this.#base}/ari/${path}${queryString(options.query)}`, {
        method,
        headers: { authorization: this.#authorization, ...(options.body === undefined ? {} : { 'content-type': 'application/json' }) },
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...body,
      });
      this.#answered(id, response.status, await response.text());
    } catch (error) {
      const pending = this.#pending.get(id);
      if (pending === undefined) return; // rejected already: too late, or the line was lost
      this.#pending.delete(id);
      clearTimeout(pending.timer);
      pending.reject(new AriError('disconnected', `${method} ${path}: no answer`, null, { cause: error }));
    }
  }

  #answered(id: string, status: number, body: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return; // it came after its time-out
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (status < 200 || status > 299) {
      pending.reject(statusError(pending.method, pending.path, status, body));
      return;
    }
    try {
      pending.resolve(body === '' ? null : JSON.parse(body));
    } catch (error) {
      pending.reject(new AriError('status', `${pending.method} ${pending.path}: an answer that is no JSON`, status, { cause: error }));
    }
  }

  #lost(error: AriError): void {
    if (this.#pingTimer !== null) clearInterval(this.#pingTimer);
    this.#pingTimer = null;
    if (!this.#open) return;
    this.#open = false;
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new AriError('disconnected', `${pending.method} ${pending.path}: ${error.message}`, null, { cause: error }));
    }
    this.#pending.clear();
    this.#tell(() => this.#listener.disconnected(error));
  }

  /** A listener's fault must not look like a broken line. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#onTrouble?.('a listener of Asterisk events failed', error);
    }
  }
}
