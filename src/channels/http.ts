/**
 * One exchange with somebody else's HTTP server, on our terms: within a time, without following it elsewhere, and with an answer that is
 * not read beyond what we can use. Node's fetch keeps connections open between exchanges by itself.
 */

import type { Values } from '../ivr/scenario.ts';
import { fillIn, onlyVariable, type RequestForm } from '../ivr/services.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface HttpRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** Of `Retry-After`, where it is given in seconds. */
  readonly retryAfterMs: number | null;
  /** Null: longer than anything that we can use. */
  readonly text: string | null;
}

export type HttpFailure =
  | 'badValue' // a value cannot be put where the file wants it; nothing was sent
  | 'timeout'
  | 'unreachable'
  | 'redirect' // whom we ask is for the file to say
  | 'stopping';

/** Its message has no customer's data in it, so it may be logged. */
export class HttpError extends Error {
  readonly reason: HttpFailure;
  /** The system's word for it, as ECONNREFUSED. */
  readonly code: string | null;
  constructor(reason: HttpFailure, code: string | null = null) {
    super(code === null ? reason : `${reason} (${code})`);
    this.name = 'HttpError';
    this.reason = reason;
    this.code = code;
  }
}

const MOST_BYTES = 64 * 1024;
const LONGEST_VALUE = 2_000;
const USER_AGENT = 'madoguchi';

/**
 * The request that a form and a scenario's values make. Values are encoded for the place where they stand; one in the path stays within
 * its segment.
 * @throws HttpError `badValue`
 */
export function requestOf(form: RequestForm, values: Values, env: Env): HttpRequest {
  const secret = (name: string): string => env[name] ?? '';
  const textOf = (name: string): string => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new HttpError('badValue');
    const text = String(value).toWellFormed();
    if (text.length > LONGEST_VALUE) throw new HttpError('badValue');
    return text;
  };
  const inPath = (name: string): string => {
    const text = textOf(name);
    // Encoded dots are dots to a URL's reader, and many servers decode a slash before they look at the path.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/^\.*$|[/\\\u0000-\u001f\u007f]/.test(text)) throw new HttpError('badValue');
    return encodeURIComponent(text);
  };
  const inQuery = (name: string): string => encodeURIComponent(textOf(name));
  const [path = '', ...query] = form.url.split('?');
  const url = [fillIn(path, inPath, secret), ...query.map((part) => fillIn(part, inQuery, secret))].join('?');

  const fill = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const variable = onlyVariable(value);
      if (variable === null) return fillIn(value, textOf, secret);
      const text = textOf(variable);
      return typeof values[variable] === 'string' ? text : values[variable];
    }
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fill(v)]));
    return value;
  };
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': USER_AGENT };
  for (const [name, value] of Object.entries(form.headers)) headers[name.toLowerCase()] = fillIn(value, () => '', secret);
  let body: string | null = null;
  if (form.body?.as === 'json') {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(fill(form.body.fields));
  } else if (form.body?.as === 'form') {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    const fields = Object.entries(form.body.fields as Record<string, unknown>);
    body = new URLSearchParams(fields.map(([name, value]) => [name, String(fill(value))])).toString();
  }
  return { url, method: form.method, headers, body };
}

/**
 * @param timeoutMs for all of it, the answer's last byte included
 * @throws HttpError
 */
export async function exchange(request: HttpRequest, timeoutMs: number, stopping: AbortSignal): Promise<HttpAnswer> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const { url, method, headers, body } = request;
    const response = await fetch(url, { method, headers, body, redirect: 'manual', signal: AbortSignal.any([late, stopping]) });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw new HttpError('redirect');
    }
    const seconds = response.headers.get('retry-after') ?? '';
    return {
      status: response.status,
      retryAfterMs: /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : null,
      text: await readText(response),
    };
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if (stopping.aborted) throw new HttpError('stopping');
    if (late.aborted) throw new HttpError('timeout');
    throw new HttpError('unreachable', codeOf(error));
  }
}

async function readText(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return null; // leaving the loop lets go of the rest
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** fetch hides it one cause down. Other words of an error may have an address in them. */
function codeOf(error: unknown): string | null {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null;
}

/** Undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // whoever asked says what that means
  }
}
