/**
 * The little that the adapter needs of Asterisk's REST Interface: requests, events, and to know when the line is up.
 * Two transports pass `test/cti/ari-transport.test.ts`: `ari-ws.ts` (own, REST over the events' WebSocket) and
 * `ari-client.ts` (the npm package, hardened).
 *
 * Promises of both:
 * - `connect` settles within the time-outs: it rejects for a wrong password and for a server that is down or silent.
 * - Once connected, a lost line comes back by itself, for ever, with growing randomised delays.
 * - Every request settles within its time-out. Those under way when the line is lost reject, in the order they were made,
 *   before `disconnected` is told.
 * - Events come in Asterisk's order; kinds that nobody knows are passed on as they are.
 * - Nothing is written to the console.
 */
import { randomInt } from 'node:crypto';

export type AriMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** As it came: `type` is all that is sure. */
export interface AriEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface AriListener {
  /** The line is up, for the first time or again. Events may follow at once. */
  connected(): void;
  event(event: AriEvent): void;
  /** The line is lost. Requests under way have been rejected before. */
  disconnected(error: Error): void;
}

export interface AriRequestOptions {
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  /**
   * The answer may take long (Asterisk runs a channel's commands one after another, a whole prompt is one), and nothing may be
   * held up by it. Such a request has no place in the order of the others.
   */
  readonly apart?: boolean;
}

export interface AriTransport {
  readonly name: string;
  readonly connected: boolean;
  /** @throws AriError when the first attempt fails; may be called again then. */
  connect(listener: AriListener): Promise<void>;
  /**
   * `path` is relative to `/ari/`, its segments already encoded (`ariPath`). Resolves to the answer's JSON, null when it is empty.
   * @throws AriError
   */
  request(method: AriMethod, path: string, options?: AriRequestOptions): Promise<unknown>;
  /** A file, as it is: by HTTP beside the line, with the same time-out. @throws AriError, of kind `disconnected` also when there is no line */
  download(path: string): Promise<Buffer>;
  /** Hangs up the line for good; what is under way rejects. Calls and channels live on. */
  close(): Promise<void>;
}

export interface AriOptions {
  /** `http://host:port` or `https://…`, with or without a path before `/ari`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** The Stasis application whose events are wanted. */
  readonly app: string;
  /** For one request, and for making the line. */
  readonly timeoutMs?: number;
  /** A line that is silent for this long after a ping is taken for dead. */
  readonly pingMs?: number;
  readonly reconnect?: ReconnectDelays;
  /** Told of what can't be given to a caller: text and an error, never a caller's data. */
  readonly onTrouble?: (what: string, error: unknown) => void;
}

export interface ReconnectDelays {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** 10 s: Asterisk answers in a millisecond; but `addChannel` waits for a leg that is busy. */
export const DEFAULT_TIMEOUT_MS = 10_000;
export const DEFAULT_PING_MS = 5_000;
export const DEFAULT_RECONNECT: ReconnectDelays = { firstMs: 200, mostMs: 10_000 };

/**
 * `status`: Asterisk's answer, its HTTP status in `status`. `timeout`: no answer in time, so what became of it is unknown.
 * `disconnected`: no line, or it was lost meanwhile. `unauthorised`: user or password is wrong.
 */
export type AriErrorKind = 'status' | 'timeout' | 'disconnected' | 'unauthorised';

/** A failed request or connection. The message holds method, path and Asterisk's own words, never a query (it may hold numbers). */
export class AriError extends Error {
  readonly kind: AriErrorKind;
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null;
  constructor(kind: AriErrorKind, message: string, status: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AriError';
    this.kind = kind;
    this.status = status;
  }
}

/** A path of encoded segments: `ariPath('channels', id, 'answer')`. */
export function ariPath(...segments: readonly string[]): string {
  return segments.map((segment) => encodeURIComponent(segment)).join('/');
}

/**
 * Asterisk reads no request line of 4096 characters (`Request line too long`) and no list of more than 128 in a query, which a prompt
 * of many parts has. What is longer than this goes in the body.
 */
export const LONGEST_PATH = 3500;

/** The same parameters for a body. A list has commas in a query, and is one here. */
export function bodyOf(query: NonNullable<AriRequestOptions['query']>): unknown {
  const { media, ...others } = query;
  return media === undefined ? others : { ...others, media: String(media).split(',') };
}

/** `?a=1&b=2`, or nothing. */
export function queryString(query: AriRequestOptions['query']): string {
  const pairs = Object.entries(query ?? {}).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** Asterisk's `{"message": "…"}`, or what there is. */
export function errorText(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed && typeof parsed.message === 'string') return parsed.message;
  } catch {
    // Not JSON: the text itself is all there is to tell.
  }
  return body.slice(0, 200);
}

/** `status` as an error; 401 and 403 are `unauthorised`. */
export function statusError(method: string, path: string, status: number, body: string): AriError {
  const kind = status === 401 || status === 403 ? 'unauthorised' : 'status';
  return new AriError(kind, `${method} ${path}: ${status} ${errorText(body)}`, status);
}

/** `AriTransport.download` by `fetch`. */
export async function downloadByHttp(base: string, authorization: string, path: string, timeoutMs: number): Promise<Buffer> {
  try {
    const response = await fetch(`${base}/ari/${path}`, {
      headers: { authorization },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw statusError('GET', path, response.status, await response.text());
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof AriError) throw error;
    const late = error instanceof Error && error.name === 'TimeoutError';
    throw new AriError(late ? 'timeout' : 'disconnected', `GET ${path}: no answer`, null, { cause: error });
  }
}

/** Delay before the nth new attempt (from 0): doubles, and is drawn from its upper half so that many clients don't come back at once. */
export function reconnectDelayMs(attempt: number, delays: ReconnectDelays): number {
  const most = Math.max(1, Math.round(Math.min(delays.mostMs, delays.firstMs * 2 ** Math.min(attempt, 20))));
  return Math.ceil(most / 2) + randomInt(Math.floor(most / 2) + 1);
}

/** Rejects with `AriError` of kind `timeout` unless `promise` settles before. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AriError('timeout', `${what}: no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A message of the events' socket, if it is one. */
export function parseAriMessage(text: string): AriEvent | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null || !('type' in parsed) || typeof parsed.type !== 'string') return null;
  return { ...parsed, type: parsed.type };
}

/** An `http(s)://user:password@host:port` address taken apart. */
export function ariBase(url: string): string {
  return url.replace(/\/+$/, '').replace(/\/ari$/, '');
}
