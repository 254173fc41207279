/**
 * `scenarios/services.yaml`: the HTTP services that scenarios may ask, and the hooks by which they send. Read and checked here; called
 * in `channels/services.ts` and `channels/hooks.ts`. Where a scenario's values go is fixed by the file: into segments of a path, the
 * query and the body, never into a host or a header. Secrets stay `${NAMES}` of the environment until a request leaves.
 */
import { type Static, Type } from 'typebox';
import { type FileProblem, type Path, SourceFile } from '../base/checked-yaml.ts';
import { suggest } from '../base/nearest.ts';
import type { Value, Values } from './scenario.ts';

export const VALUE_TYPES = ['string', 'int', 'double', 'bool'] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** How a request is made. Texts hold `{variables}` and `${SECRETS}` still. */
export interface RequestForm {
  readonly method: 'GET' | 'POST';
  /** Variables stand behind the host only. */
  readonly url: string;
  /** Without variables. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly as: 'json' | 'form'; readonly fields: unknown } | null;
}

/** Where a value stands in a service's answer. */
export interface Field {
  readonly type: ValueType;
  /** RFC 6901, unescaped: `/order/lines/0` is `['order', 'lines', '0']`. */
  readonly at: readonly string[];
  /** What it is when the answer has nothing there; undefined: then the answer is not as agreed. */
  readonly otherwise: Value | undefined;
}

export interface Service {
  readonly request: RequestForm;
  readonly timeoutMs: number;
  /** Names of the variables that it needs. */
  readonly takes: readonly string[];
  /** What a scenario can save of its answer. */
  readonly gives: Readonly<Record<string, ValueType>>;
  readonly fields: ReadonlyMap<string, Field>;
  /** HTTP codes that say that there is nothing by that. */
  readonly notFound: readonly number[];
  /** How many may be under way; what is asked beyond that fails at once. */
  readonly atOnce: number;
}

export interface Hook {
  readonly request: RequestForm;
  readonly timeoutMs: number;
  readonly takes: readonly string[];
  /** How often it is tried in all. */
  readonly tries: number;
}

export interface Services {
  readonly services: ReadonlyMap<string, Service>;
  readonly hooks: ReadonlyMap<string, Hook>;
}

export const NO_SERVICES: Services = { services: new Map(), hooks: new Map() };

// ---------------------------------------------------------------- the form of the file

const closed = { additionalProperties: false } as const;
const NAME = '^[A-Za-z][A-Za-z0-9]*$';
const Duration = Type.String({ pattern: '^\\d{1,6}(\\.\\d{1,3})?(ms|s|m)$', description: 'a duration, as 3s or 1500ms' });
const POINTER = '^(/([^~/]|~[01])*)+$';

const request = {
  url: Type.String({ minLength: 1, maxLength: 2000, description: "an address, as 'https://erp.example.jp/orders/{number}'" }),
  headers: Type.Optional(
    Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }), Type.String({ maxLength: 2000 }), {
      description: `headers by name; a secret as \${NAME} of the environment`,
    }),
  ),
  body: Type.Optional(Type.Record(Type.String({ minLength: 1 }), Type.Unknown(), { description: 'fields that are sent as JSON' })),
  form: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), Type.String(), { description: 'fields that are sent as a web form, in place of body' }),
  ),
  timeout: Type.Optional(Duration),
};

const FieldFile = Type.Union(
  [
    Type.Enum([...VALUE_TYPES]),
    Type.Object(
      {
        as: Type.Enum([...VALUE_TYPES], { description: `one of: ${VALUE_TYPES.join(', ')}` }),
        at: Type.Optional(Type.String({ pattern: POINTER, description: "where it stands in the answer, as '/order/lines/0/status'" })),
        otherwise: Type.Optional(
          Type.Union([Type.String(), Type.Integer(), Type.Number(), Type.Boolean()], {
            description: 'what it is when the answer has nothing there',
          }),
        ),
      },
      closed,
    ),
  ],
  { description: `one of: ${VALUE_TYPES.join(', ')}; or { as: …, at: '/where/it/stands' }` },
);

const ServiceFile = Type.Object(
  {
    method: Type.Optional(Type.Enum(['GET', 'POST'])),
    ...request,
    gives: Type.Record(Type.String({ pattern: NAME }), FieldFile, { description: 'what is taken from the answer, by name' }),
    notFound: Type.Optional(
      Type.Array(Type.Integer({ minimum: 400, maximum: 499 }), { description: 'HTTP codes that mean: not found; left out: [404]' }),
    ),
    atOnce: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 500, description: 'how many may be asked at the same time, from 1 to 500; left out: 20' }),
    ),
  },
  closed,
);

const HookFile = Type.Object(
  {
    method: Type.Optional(Type.Enum(['POST'])),
    ...request,
    tries: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 20, description: 'how often it is tried in all, from 1 to 20; left out: 14, about a day' }),
    ),
  },
  closed,
);

const names = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]*$' });

export const ServicesFile = Type.Object(
  {
    services: Type.Optional(Type.Record(names, ServiceFile, { description: 'services by name, of letters, digits and hyphens' })),
    hooks: Type.Optional(Type.Record(names, HookFile, { description: 'hooks by name, of letters, digits and hyphens' })),
  },
  { ...closed, title: 'Services', description: 'HTTP services that scenarios ask, and hooks by which they send' },
);

// ---------------------------------------------------------------- reading

const SERVICE_TIMEOUT_MS = 3_000; // a caller listens to silence meanwhile
const HOOK_TIMEOUT_MS = 10_000;
const MOST_MS = 30_000;
/** With the pauses in `channels/hooks.ts` the last try comes 23 hours after the first. */
const HOOK_TRIES = 14;
const AT_ONCE = 20;

/** Set by whoever sends: the way a body is written, the connection, and what tells a hook's repeats from new ones. */
const OWN_HEADERS = ['host', 'content-type', 'content-length', 'transfer-encoding', 'connection', 'expect', 'te', 'idempotency-key'];

/**
 * Reads `services.yaml`. A file of comments only has no services.
 * @param env with it, secrets that it names are looked up: one that is not set is a problem
 * @returns what it offers, or everything that is wrong with it
 */
export function parseServices(text: string, file: string, env?: Readonly<Record<string, string | undefined>>): Services | FileProblem[] {
  if (text.split('\n').every((line) => /^\s*(#|$)/.test(line))) return NO_SERVICES;
  const source = new SourceFile(text, file);
  const written = source.check(ServicesFile);
  if (!written) return source.problems;

  const services = new Map<string, Service>();
  for (const [name, one] of Object.entries(written.services ?? {})) {
    const path = ['services', name];
    const { request, timeoutMs, takes } = readRequest(source, path, one, one.method ?? 'GET', SERVICE_TIMEOUT_MS, env);
    if (request.method === 'GET' && request.body !== null) {
      source.add(
        [...path, one.body ? 'body' : 'form'],
        'a GET has no body',
        "add 'method: POST', or put the variables into the url",
        'key',
      );
    }
    const fields = new Map(
      Object.entries(one.gives).map(([field, as]) => [field, fieldOf(source, [...path, 'gives', field], field, as)] as const),
    );
    services.set(name, {
      request,
      timeoutMs,
      takes,
      gives: Object.fromEntries([...fields].map(([field, { type }]) => [field, type])),
      fields,
      notFound: one.notFound ?? [404],
      atOnce: one.atOnce ?? AT_ONCE,
    });
  }
  const hooks = new Map<string, Hook>();
  for (const [name, one] of Object.entries(written.hooks ?? {})) {
    const { request, timeoutMs, takes } = readRequest(source, ['hooks', name], one, 'POST', HOOK_TIMEOUT_MS, env);
    hooks.set(name, { request, timeoutMs, takes, tries: one.tries ?? HOOK_TRIES });
  }
  return source.problems.length > 0 ? source.problems : { services, hooks };
}

type RequestFile = Pick<Static<typeof ServiceFile>, 'url' | 'headers' | 'body' | 'form' | 'timeout'>;

function readRequest(
  source: SourceFile,
  path: Path,
  file: RequestFile,
  method: 'GET' | 'POST',
  usualMs: number,
  env: Readonly<Record<string, string | undefined>> | undefined,
): Omit<Hook, 'tries'> {
  const takes = new Set<string>();
  const read = (at: Path, text: string): void => {
    for (const piece of piecesOf(text)) {
      if (piece.kind === 'variable') takes.add(piece.name);
      else if (piece.kind === 'secret') checkSecret(source, at, piece, env);
      else if (piece.kind === 'stray') {
        source.addWithin(at, piece.start, `a stray '${text[piece.start]}'`, `write a variable as {name}, a secret as \${NAME}`);
      }
    }
  };
  checkUrl(source, [...path, 'url'], file.url);
  read([...path, 'url'], file.url);
  for (const [name, value] of Object.entries(file.headers ?? {})) {
    const at = [...path, 'headers', name];
    checkHeader(source, at, name, value);
    for (const piece of piecesOf(value)) if (piece.kind === 'secret') checkSecret(source, at, piece, env);
  }
  const readBody = (at: Path, value: unknown): void => {
    if (typeof value === 'string') read(at, value);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) readBody([...at, Array.isArray(value) ? Number(key) : key], item);
    }
  };
  readBody([...path, 'body'], file.body);
  readBody([...path, 'form'], file.form);
  if (file.body && file.form) source.add([...path, 'form'], "there is a 'body' already", "leave out 'body' or 'form'", 'key');
  const timeoutMs = file.timeout === undefined ? usualMs : durationMs(file.timeout);
  if (timeoutMs < 100 || timeoutMs > MOST_MS) {
    source.add([...path, 'timeout'], `${file.timeout} is out of range`, `write a duration from 100ms to ${MOST_MS / 1000}s`);
  }
  const body = file.body ? ({ as: 'json', fields: file.body } as const) : file.form ? ({ as: 'form', fields: file.form } as const) : null;
  return { request: { method, url: file.url, headers: file.headers ?? {}, body }, timeoutMs, takes: [...takes] };
}

function checkUrl(source: SourceFile, path: Path, text: string): void {
  const remedy = "write it as 'https://host/path/{variable}'";
  const host = /^https?:\/\/[^/?#\\]+/.exec(text)?.[0];
  const url = URL.parse(text.replaceAll(/\{[A-Za-z][A-Za-z0-9]*\}/g, 'x'));
  if (host === undefined || url === null) return source.add(path, 'this is no http address', remedy);
  if (/[{}$]/.test(host)) return source.add(path, 'the host is not fixed', "write it out: variables stand behind it, as '/{number}'");
  if (url.username !== '' || url.password !== '') {
    return source.add(path, 'there is a password in the address', `put it into 'headers', as Authorization: Basic \${NAME}`);
  }
  if (url.hash !== '' || text.includes('#')) return source.add(path, "what stands behind '#' is never sent", 'leave it out');
  const secret = piecesOf(text).find((piece) => piece.kind === 'secret');
  if (secret) source.addWithin(path, secret.start, 'a secret in an address ends up in logs', "put it into 'headers' or 'body'");
}

function checkHeader(source: SourceFile, path: Path, name: string, value: string): void {
  if (OWN_HEADERS.includes(name.toLowerCase())) source.add(path, `the header '${name}' is set by itself`, 'leave it out', 'key');
  if (/[^\x20-\x7e]/.test(value)) source.add(path, 'a header takes plain letters only', "put the text into 'body'");
  const variable = piecesOf(value).find((piece) => piece.kind === 'variable');
  if (variable) source.addWithin(path, variable.start, 'a header takes no variables', 'put them into the url or the body');
}

function checkSecret(
  source: SourceFile,
  path: Path,
  { name, start }: { readonly name: string; readonly start: number },
  env: Readonly<Record<string, string | undefined>> | undefined,
): void {
  if (!env) return;
  const value = env[name];
  if (value === undefined || value === '') {
    const alike = Object.keys(env).filter((other) => other.includes('_'));
    const meant = suggest(name, alike);
    const remedy = meant.startsWith('did you mean') ? meant : 'set it where the server is started';
    return source.addWithin(path, start, `the environment has no ${name}`, remedy);
  }
  if (/[^\x20-\x7e]/.test(value)) {
    source.addWithin(path, start, `${name} has characters that cannot be sent`, 'set it without line breaks, in plain letters');
  }
}

function fieldOf(source: SourceFile, path: Path, name: string, file: Static<typeof FieldFile>): Field {
  const { as, at, otherwise } = typeof file === 'string' ? { as: file, at: undefined, otherwise: undefined } : file;
  const type = as as ValueType;
  if (otherwise !== undefined && asValue(otherwise, type) !== otherwise) {
    source.add([...path, 'otherwise'], `${JSON.stringify(otherwise)} is no ${type}`, `write a value of the type ${type}`);
  }
  const pointer = at ?? `/${name}`;
  const keys = pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return { type, at: keys, otherwise };
}

/** `3s`, `1.5s`, `200ms`, `2m`; the schema has seen to the form. */
function durationMs(text: string): number {
  const unit = text.endsWith('ms') ? 1 : text.endsWith('s') ? 1000 : 60_000;
  return Math.round(Number.parseFloat(text) * unit);
}

// ---------------------------------------------------------------- templates and values

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly start: number }
  | { readonly kind: 'secret'; readonly name: string; readonly start: number }
  | { readonly kind: 'stray'; readonly start: number };

/** A text in its pieces: fixed words, `{variables}`, `${SECRETS}`, and braces that are neither. */
function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\{([A-Za-z][A-Za-z0-9]*)\}|[{}]/g)) {
    const [whole, secret, variable] = match;
    const start = match.index;
    if (start > end) pieces.push({ kind: 'text', text: text.slice(end, start) });
    if (secret !== undefined) pieces.push({ kind: 'secret', name: secret, start });
    else if (variable !== undefined) pieces.push({ kind: 'variable', name: variable, start });
    else pieces.push({ kind: 'stray', start });
    end = start + whole.length;
  }
  if (end < text.length) pieces.push({ kind: 'text', text: text.slice(end) });
  return pieces;
}

/** A text with everything put in. */
export function fillIn(text: string, variable: (name: string) => string, secret: (name: string) => string): string {
  return piecesOf(text)
    .map((piece) => {
      if (piece.kind === 'text') return piece.text;
      if (piece.kind === 'variable') return variable(piece.name);
      return piece.kind === 'secret' ? secret(piece.name) : '';
    })
    .join('');
}

/** The variable that a text consists of, as `{amount}`; null when there is more or less in it. */
export const onlyVariable = (text: string): string | null => /^\{([A-Za-z][A-Za-z0-9]*)\}$/.exec(text)?.[1] ?? null;

/** Longer ones are not for telling a caller. */
const LONGEST_TEXT = 500;

/** What JSON gives, as a value of a type; numbers may be written as texts and the other way round. Undefined: it is none. */
export function asValue(given: unknown, type: ValueType): Value | undefined {
  // A whole number beyond these has lost digits on the way: read out, it would be somebody else's.
  if (typeof given === 'number' && Number.isInteger(given) && !Number.isSafeInteger(given)) return undefined;
  const word = typeof given === 'string' ? given.trim() : given;
  switch (type) {
    case 'string':
      if (typeof given === 'string') return given.length <= LONGEST_TEXT ? given : undefined;
      return typeof given === 'number' || typeof given === 'boolean' ? String(given) : undefined;
    case 'int':
      if (typeof word === 'string') return /^-?\d{1,15}$/.test(word) ? Number(word) : undefined;
      return Number.isSafeInteger(word) ? (word as number) : undefined;
    case 'double':
      if (typeof word === 'string') return /^-?\d{1,15}(\.\d{1,15})?$/.test(word) ? Number(word) : undefined;
      return typeof word === 'number' && Number.isFinite(word) ? word : undefined;
    case 'bool':
      if (typeof word === 'boolean') return word;
      return word === 'true' ? true : word === 'false' ? false : undefined;
  }
}

/** What a service answered, as a scenario gets it; null when it is not as the file says. */
export function valuesOf(answer: unknown, fields: Service['fields']): Record<string, Value> | null {
  const values: Record<string, Value> = {};
  for (const [name, { type, at, otherwise }] of fields) {
    let here: unknown = answer;
    for (const key of at) here = typeof here === 'object' && here !== null && Object.hasOwn(here, key) ? Reflect.get(here, key) : undefined;
    const value = here === undefined || here === null ? otherwise : asValue(here, type);
    if (value === undefined) return null;
    values[name] = value;
  }
  return values;
}

/** What became of asking a service: as `DialogueInput` has it. */
export interface ServiceAnswer {
  readonly outcome: 'found' | 'notFound' | 'failed';
  readonly values: Values;
}
