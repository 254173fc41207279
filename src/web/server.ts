/**
 * The web edge: HTTP for logging in, for visitors' call-me requests, for whoever watches the house (health, metrics), for the
 * built browser code; the WebSocket of the panels. Routes check, call the house, and answer; they decide nothing.
 */
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import fastifyCookie from '@fastify/cookie';
import fastifyHelmet from '@fastify/helmet';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import fastifySwagger from '@fastify/swagger';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { Type } from 'typebox';
import { WebSocketServer } from 'ws';
import type { EpochMs } from '../base/ids.ts';
import { CallMeBody, type CallMePolicy } from '../channels/call-me.ts';
import { type AnswerRoutes, answerRoutes } from './answers.ts';
import { CALL_ME_STATES, type CallMeState, type Principal, RequestRefused, type WebBackend } from './backend.ts';
import { callMeDesk } from './call-me-desk.ts';
import { callbackPath } from './callback/page.ts';
import { callbackPages } from './callback/routes.ts';
import { messageRoutes } from './message-routes.ts';
import { type NoticeDesk, noticeRoutes } from './notices.ts';
import { type DemoEntry, demoPage, notBuiltPage, preferredLanguage, startPage } from './pages.ts';
import { MAX_MESSAGE_BYTES, type PanelLimits, panelHub } from './panels.ts';
import { type ReportDesk, reportRoutes } from './reports.ts';
import { type ScenarioDesk, scenarioRoutes } from './scenarios.ts';
import { type ThrottleRule, throttle } from './throttle.ts';

export interface CallMeOptions {
  /** Sites whose pages may ask, as `https://www.example.jp`. Our own pages always may. */
  readonly origins: readonly string[];
  readonly policy: CallMePolicy;
  /** Entries that the demo page offers; the first one in the visitor's language is taken. Empty: no demo page. */
  readonly demo: readonly DemoEntry[];
}

export interface WebOptions {
  readonly backend: WebBackend;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** How browsers reach us when it is not `http://host:port`: behind a proxy that speaks TLS. */
  readonly publicUrl?: string | undefined;
  readonly log: FastifyBaseLogger;
  /** The built browser code: `index.html` (panel), `assets/` (names with hashes), `call-me.js`. */
  readonly staticDir: string;
  readonly callMe: CallMeOptions;
  /** Left out: no notices. */
  readonly notices?: NoticeDesk | undefined;
  /** Left out: supervisors see no answers of callers. */
  readonly answers?: AnswerRoutes['answers'] | undefined;
  /** Left out: supervisors see nothing of the past. */
  readonly reports?: ReportDesk | undefined;
  /** Left out: supervisors see no scenarios. */
  readonly scenarios?: ScenarioDesk | undefined;
  /** Where panels' phones register (`ws://…` or `wss://…`), for the Content-Security-Policy; any WebSocket when not given. */
  readonly sipWebSocketUrls?: readonly string[] | undefined;
  /** Whether `/metrics` answers to others than this machine and private networks. */
  readonly metricsPublic?: boolean | undefined;
  /** Requests that one network address may make in a minute, of all kinds. */
  readonly requestsPerMinute?: number | undefined;
  readonly loginPerName?: ThrottleRule | undefined;
  readonly loginPerAddress?: ThrottleRule | undefined;
  readonly panelLimits?: Partial<PanelLimits> | undefined;
  readonly now?: (() => EpochMs) | undefined;
}

export interface RunningWeb {
  /** `http://127.0.0.1:8080` or the public one, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Panels are told to come back (close code 1012); requests under way are finished. */
  close(): Promise<void>;
}

/** Someone who forgot a password tries some five times; an office of a hundred has one address. */
const LOGIN_PER_NAME: ThrottleRule = { failures: 8, windowMs: 5 * 60_000 };
const LOGIN_PER_ADDRESS: ThrottleRule = { failures: 40, windowMs: 5 * 60_000 };
const REQUESTS_PER_MINUTE = 1_200;
const CALL_ME_PER_MINUTE = 30;
/** Of what a site shows before anybody asks. Its visitors' offices have one address each. */
const ENTRY_READS_PER_MINUTE = 120;
const ENTRY_WAIT_AGE_S = 5;
const ENTRY_TIMES_AGE_S = 60;
const BODY_BYTES = 16 * 1024;
const SESSION_LENGTH = 256;
/** How long requests under way, and browsers' spare connections, may hold up a shutdown. */
const CLOSE_MS = 2_000;

const ErrorBody = Type.Object({
  code: Type.String({ description: 'a word for programs' }),
  message: Type.String({ description: 'a sentence for people' }),
  where: Type.Union([Type.String(), Type.Null()], { description: 'JSON pointer to what is wrong in the request' }),
});
const PrincipalBody = Type.Object({
  agentId: Type.String(),
  name: Type.String(),
  role: Type.Unsafe<Principal['role']>(Type.Enum(['agent', 'supervisor', 'administrator'])),
});
const LoginBody = Type.Object(
  { userName: Type.String({ minLength: 1, maxLength: 128 }), password: Type.String({ minLength: 1, maxLength: 1024 }) },
  { additionalProperties: false },
);
const CallMeStatusBody = Type.Object({
  state: Type.Unsafe<CallMeState>(Type.Enum([...CALL_ME_STATES])),
  position: Type.Union([Type.Integer({ description: '1 = next' }), Type.Null()]),
  estimatedWaitMs: Type.Union([Type.Number(), Type.Null()], { description: 'null when it does not wait, or nobody can say' }),
  callAt: Type.Union([Type.Number({ description: 'milliseconds since 1970' }), Type.Null()], {
    description: 'in the states agreed, resting and closed: when the call is to be made',
  }),
  timeZone: Type.String({ description: 'IANA zone of the desk, in which times are told' }),
});
const EntryWaitBody = Type.Object({
  estimatedWaitMs: Type.Union([Type.Number(), Type.Null()], { description: 'for whoever asks now; null when nobody can say' }),
  because: Type.Union([Type.Unsafe<'closed' | 'nobody'>(Type.Enum(['closed', 'nobody'])), Type.Null()], {
    description: 'why nobody can say: nobody is called at this hour, or nobody is at work',
  }),
  opensAt: Type.Union([Type.Number(), Type.Null()], { description: 'when people are called again; milliseconds since 1970' }),
});
const EntryTimesBody = Type.Object({
  timeZone: Type.String({ description: 'IANA zone of the desk' }),
  times: Type.Array(Type.Number(), { description: 'in milliseconds since 1970, ascending' }),
});
const EntryParams = Type.Object({ entry: Type.String({ minLength: 1, maxLength: 64 }) });
const TokenParams = Type.Object({ token: Type.String({ minLength: 1, maxLength: 128 }) });
const PartsBody = Type.Object({ ready: Type.Boolean(), parts: Type.Record(Type.String(), Type.String()) });
const errors = { '4xx': ErrorBody, '5xx': ErrorBody } as const;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
PRIVATE.addAddress('::1', 'ipv6');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');

function within(list: BlockList, address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:(?=\d+\.)/iu, '');
  return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The host that the browser asked for; what a proxy on this machine says of it counts. */
function askedHost(request: IncomingMessage): string | undefined {
  const forwarded = within(LOOPBACK, request.socket.remoteAddress) ? header(request, 'x-forwarded-host') : undefined;
  return (forwarded?.split(',')[0]?.trim() ?? header(request, 'host'))?.toLowerCase();
}

class HttpError extends Error {
  readonly statusCode: number;
  readonly code: string;
  readonly retryAfterMs: number | null;
  constructor(statusCode: number, code: string, message: string, retryAfterMs: number | null = null) {
    super(message);
    this.name = 'HttpError';
    this.statusCode = statusCode;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What fastify itself refuses, in our words. */
const FASTIFY_ERRORS: Readonly<Record<string, readonly [code: string, message: string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['notJson', 'Send JSON, with content-type: application/json.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['notJson', 'The body is not valid JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['notJson', 'The body is empty; send JSON.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['tooLarge', 'The body is too large.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed', 'The body is not as long as it was said to be.'],
};

/** JSON pointer to the first thing wrong. */
function whereWrong(error: FastifyError): string | null {
  const first = error.validation?.[0];
  if (first === undefined) return null;
  const missing: unknown = first.params['requiredProperties'] ?? first.params['additionalProperties'];
  const property: unknown = Array.isArray(missing) ? missing[0] : undefined;
  const context = error.validationContext === 'body' ? '' : `/${error.validationContext ?? ''}`;
  return `${context}${first.instancePath}${typeof property === 'string' ? `/${property}` : ''}`;
}

/**
 * Starts to listen. Resolves when panels can connect.
 * @throws Error with code EADDRINUSE or EACCES when the port can't be had
 */
export async function startWeb(options: WebOptions): Promise<RunningWeb> {
  const { backend, log } = options;
  const now = options.now ?? Date.now;
  const publicUrl = options.publicUrl === undefined ? null : new URL(options.publicUrl);
  let closing = false;
  let cookieName = 'madoguchi';

  const app = fastify({
    loggerInstance: log,
    // Addresses in URLs are visitors' secrets (call-me tokens); nothing is logged for each request.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: (address: string) => within(LOOPBACK, address),
    bodyLimit: BODY_BYTES,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  // A form of another site can send text/plain without asking first; JSON it can't.
  app.removeContentTypeParser('text/plain');

  // ---------------------------------------------------------------- errors

  function answerError(
    reply: FastifyReply,
    status: number,
    code: string,
    message: string,
    where: string | null,
    retryAfterMs: number | null,
  ): FastifyReply {
    if (retryAfterMs !== null) reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1000)));
    return reply.status(status).send({ code, message, where });
  }

  app.setErrorHandler<FastifyError | HttpError | RequestRefused>((error, request, reply) => {
    if (error instanceof RequestRefused) return answerError(reply, error.status, error.code, error.message, null, null);
    if (error instanceof HttpError) return answerError(reply, error.statusCode, error.code, error.message, null, error.retryAfterMs);
    if (error.validation !== undefined) {
      const where = whereWrong(error);
      return answerError(
        reply,
        400,
        'malformed',
        `The request does not have the form that is agreed${where === null ? '' : ` (at ${where})`}; see /api/openapi.json.`,
        where,
        null,
      );
    }
    const known = FASTIFY_ERRORS[error.code];
    if (known !== undefined) return answerError(reply, error.statusCode ?? 400, known[0], known[1], null, null);
    // Folders, and paths out of the static one: for browsers there is nothing.
    if (error.statusCode === 403 || error.statusCode === 404)
      return answerError(reply, 404, 'notFound', 'There is nothing here.', null, null);
    if (error.statusCode !== undefined && error.statusCode < 500)
      return answerError(reply, error.statusCode, 'refused', error.message, null, null);
    request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
    return answerError(reply, 500, 'internal', 'This could not be done now. Try again.', null, null);
  });
  app.setNotFoundHandler((_request, reply) => answerError(reply, 404, 'notFound', 'There is nothing here.', null, null));

  // ---------------------------------------------------------------- plugins

  const policy = {
    defaultSrc: ["'self'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'", 'data:'],
    mediaSrc: ["'self'", 'blob:', 'mediastream:'],
    connectSrc: ["'self'", ...(options.sipWebSocketUrls?.map((url) => new URL(url).origin) ?? ['ws:', 'wss:'])],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  };
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    // Only whoever has TLS may promise it.
    hsts: publicUrl?.protocol === 'https:' ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    // Browsers take it for TLS pages only, and complain about it on others.
    crossOriginOpenerPolicy: publicUrl?.protocol === 'https:' ? { policy: 'same-origin' } : false,
    originAgentCluster: false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'same-origin' },
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('permissions-policy', 'microphone=(self), camera=(), geolocation=()');
  });
  await app.register(fastifyCookie);
  await app.register(fastifyRateLimit, {
    max: options.requestsPerMinute ?? REQUESTS_PER_MINUTE,
    timeWindow: 60_000,
    // Watchers of the house are not visitors.
    allowList: (request: FastifyRequest) => request.url === '/healthz' || request.url === '/readyz' || request.url === '/metrics',
    errorResponseBuilder: (_request, context) =>
      new HttpError(429, 'tooManyRequests', `Too many requests. Try again in ${Math.ceil(context.ttl / 1000)} s.`, context.ttl),
  });
  await app.register(fastifySwagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Madoguchi', description: 'Telephony CTI, IVR and contact routing.', version: '1' } },
  });

  // ---------------------------------------------------------------- who is asking

  function isOurOrigin(request: IncomingMessage, origin: string): boolean {
    const url = URL.parse(origin);
    if (url === null) return false;
    return url.host === askedHost(request) || (publicUrl !== null && url.origin === publicUrl.origin);
  }

  /** Where the browser finds us. */
  function ourOrigin(request: FastifyRequest): string {
    return publicUrl?.origin ?? `${request.protocol}://${askedHost(request.raw) ?? ''}`;
  }

  /** Requests that change something come from our own pages, or from no page at all. */
  async function requireOwnPage(request: FastifyRequest): Promise<void> {
    const { origin } = request.headers;
    if (origin !== undefined && !isOurOrigin(request.raw, origin))
      throw new HttpError(403, 'originNotAllowed', 'Pages of other sites may not do this.');
  }

  function sessionOf(request: FastifyRequest): string | null {
    const session = request.cookies[cookieName];
    return session === undefined || session === '' || session.length > SESSION_LENGTH ? null : session;
  }

  async function requirePrincipal(request: FastifyRequest): Promise<Principal> {
    const session = sessionOf(request);
    const principal = session === null ? null : await backend.principalOf(session);
    if (principal === null) throw new HttpError(401, 'notLoggedIn', 'Log in first.');
    return principal;
  }

  function isHttps(request: FastifyRequest): boolean {
    return publicUrl?.protocol === 'https:' || request.protocol === 'https';
  }

  // ---------------------------------------------------------------- logging in

  const perName = throttle(options.loginPerName ?? LOGIN_PER_NAME);
  const perAddress = throttle(options.loginPerAddress ?? LOGIN_PER_ADDRESS);

  app.post(
    '/api/login',
    {
      preHandler: requireOwnPage,
      schema: {
        summary: 'Log in; the session is a cookie',
        tags: ['session'],
        body: LoginBody,
        response: { 200: PrincipalBody, ...errors },
      },
    },
    async (request, reply) => {
      const { userName, password } = request.body;
      const at = now();
      const name = userName.normalize('NFKC').toLowerCase();
      const waitMs = Math.max(perName.waitMs(name, at), perAddress.waitMs(request.ip, at));
      if (waitMs > 0)
        throw new HttpError(429, 'tooManyLogins', `Too many failed attempts. Try again in ${Math.ceil(waitMs / 1000)} s.`, waitMs);
      perName.attempt(name, at);
      perAddress.attempt(request.ip, at);
      const forgive = () => {
        perName.forgive(name, at);
        perAddress.forgive(request.ip, at);
      };
      let login: Awaited<ReturnType<WebBackend['logIn']>>;
      try {
        login = await backend.logIn(userName, password);
      } catch (error) {
        // That the house couldn't look is nobody's wrong password.
        forgive();
        throw error;
      }
      if (login === null) throw new HttpError(401, 'wrongLogin', 'User name or password is wrong.');
      forgive();
      reply.header('cache-control', 'no-store');
      reply.setCookie(cookieName, login.session, {
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
        secure: isHttps(request),
        maxAge: Math.max(1, Math.floor((login.expiresAt - at) / 1000)),
      });
      return login.principal;
    },
  );

  app.post(
    '/api/logout',
    {
      preHandler: requireOwnPage,
      schema: { summary: 'End the session', tags: ['session'], response: { 200: Type.Object({ ok: Type.Boolean() }), ...errors } },
    },
    async (request, reply) => {
      const session = sessionOf(request);
      reply.clearCookie(cookieName, { path: '/', httpOnly: true, sameSite: 'strict', secure: isHttps(request) });
      if (session !== null) {
        await backend.logOut(session);
        hub.endSession(session);
      }
      return { ok: true };
    },
  );

  app.get(
    '/api/me',
    {
      schema: { summary: 'Who is logged in', tags: ['session'], response: { 200: PrincipalBody, ...errors } },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return requirePrincipal(request);
    },
  );

  app.get(
    '/api/contacts/:id/events',
    {
      schema: {
        summary: 'Every event of a contact',
        tags: ['contacts'],
        params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) }),
        response: { 200: Type.Object({ events: Type.Array(Type.Record(Type.String(), Type.Unknown())) }), ...errors },
      },
    },
    async (request, reply) => {
      const principal = await requirePrincipal(request);
      reply.header('cache-control', 'no-store');
      return { events: [...(await backend.contactEvents(principal, request.params.id))] };
    },
  );

  // ---------------------------------------------------------------- call-me

  const desk = callMeDesk(backend, options.callMe.policy, now);
  const callMeOrigins = new Set(options.callMe.origins.map((origin) => new URL(origin).origin));

  app.register((plugin, _options, done) => {
    const site = plugin.withTypeProvider<TypeBoxTypeProvider>();
    site.addHook('onRequest', async (request, reply) => {
      reply.header('vary', 'Origin');
      reply.header('cache-control', 'no-store');
      reply.header('cross-origin-resource-policy', 'cross-origin');
      const { origin } = request.headers;
      if (origin === undefined) return;
      if (!callMeOrigins.has(origin) && !isOurOrigin(request.raw, origin)) {
        throw new HttpError(403, 'originNotAllowed', 'This site may not use the call-me button. Its origin must be named in the settings.');
      }
      // Also on refusals, so that the page can read why. No credentials: cookies play no part here.
      reply.header('access-control-allow-origin', origin);
      reply.header('access-control-expose-headers', 'Retry-After');
    });

    const preflight = async (_request: FastifyRequest, reply: FastifyReply) =>
      reply
        .header('access-control-allow-methods', 'GET, POST, DELETE')
        .header('access-control-allow-headers', 'Content-Type')
        .header('access-control-max-age', '600')
        .status(204)
        .send();
    site.options('/api/call-me', { schema: { hide: true } }, preflight);
    site.options('/api/call-me/:token', { schema: { hide: true } }, preflight);

    site.post(
      '/api/call-me',
      {
        config: { rateLimit: { max: CALL_ME_PER_MINUTE, timeWindow: 60_000 } },
        schema: {
          summary: 'Ask to be called',
          tags: ['call-me'],
          body: CallMeBody,
          response: {
            201: Type.Object({ token: Type.String(), url: Type.String({ description: 'the page where the visitor sees and changes it' }) }),
            ...errors,
          },
        },
      },
      async (request, reply) => {
        const answer = await desk.request(request.body, request.ip);
        if ('token' in answer) {
          const { token } = answer;
          return reply.status(201).send({ token, url: `${ourOrigin(request)}${callbackPath(token)}` });
        }
        const status = answer.code === 'tooMany' ? 429 : answer.code === 'alreadyWaiting' ? 409 : 422;
        const where = status !== 422 ? null : answer.code.startsWith('time') ? '/callAt' : '/to';
        return answerError(reply, status, answer.code, answer.message, where, answer.retryAfterMs);
      },
    );

    site.get(
      '/api/call-me/:token',
      {
        schema: { summary: 'How a request stands', tags: ['call-me'], params: TokenParams, response: { 200: CallMeStatusBody, ...errors } },
      },
      async (request) => {
        const status = await backend.callMeStatus(request.params.token);
        if (status === null) throw new HttpError(404, 'noSuchRequest', 'There is no such request.');
        return status;
      },
    );

    site.delete(
      '/api/call-me/:token',
      {
        schema: {
          summary: 'Take a request back',
          tags: ['call-me'],
          params: TokenParams,
          response: { 200: Type.Object({ cancelled: Type.Boolean() }), ...errors },
        },
      },
      async (request) => ({ cancelled: await backend.cancelCallMe(request.params.token) }),
    );

    const noSuchEntry = () => new HttpError(404, 'noSuchEntry', 'There is no such entry.');
    const read = { rateLimit: { max: ENTRY_READS_PER_MINUTE, timeWindow: 60_000 } };
    site.get(
      '/api/call-me/:entry/wait',
      {
        config: read,
        schema: {
          summary: 'How long whoever asks now would wait',
          tags: ['call-me'],
          params: EntryParams,
          response: { 200: EntryWaitBody, ...errors },
        },
      },
      async (request, reply) => {
        const wait = backend.entryWait(request.params.entry);
        if (wait === null) throw noSuchEntry();
        reply.header('cache-control', `public, max-age=${ENTRY_WAIT_AGE_S}`);
        return wait;
      },
    );
    site.get(
      '/api/call-me/:entry/times',
      {
        config: read,
        schema: {
          summary: 'For when a visitor may ask',
          tags: ['call-me'],
          params: EntryParams,
          response: { 200: EntryTimesBody, ...errors },
        },
      },
      async (request, reply) => {
        const found = backend.entryTimes(request.params.entry);
        if (found === null) throw noSuchEntry();
        reply.header('cache-control', `public, max-age=${ENTRY_TIMES_AGE_S}`);
        return { timeZone: found.timeZone, times: [...found.times] };
      },
    );
    done();
  });
  app.register(callbackPages({ backend, now }));

  messageRoutes(app, { audio: (principal, id) => backend.messageAudio(principal, id), requirePrincipal, errors });
  if (options.notices) noticeRoutes(app, { desk: options.notices, requirePrincipal, requireOwnPage, errors });
  if (options.answers) answerRoutes(app, { answers: options.answers, requirePrincipal, errors });
  if (options.reports) reportRoutes(app, { desk: options.reports, requirePrincipal, errors });
  if (options.scenarios) scenarioRoutes(app, { desk: options.scenarios, requirePrincipal, requireOwnPage, errors });

  // ---------------------------------------------------------------- watchers of the house

  app.get(
    '/healthz',
    { schema: { summary: 'The process lives', tags: ['operation'], response: { 200: Type.Object({ ok: Type.Boolean() }) } } },
    async () => ({ ok: true }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Contacts can be taken; else which part is missing',
        tags: ['operation'],
        response: { 200: PartsBody, 503: PartsBody },
      },
    },
    async (_request, reply) => {
      const health = backend.health();
      const ready = health.ready && !closing;
      reply.header('cache-control', 'no-store');
      return reply.status(ready ? 200 : 503).send({ ready, parts: { ...health.parts, ...(closing ? { web: 'closing' } : {}) } });
    },
  );

  app.get(
    '/metrics',
    { schema: { summary: 'Figures for Prometheus', tags: ['operation'], response: { 200: Type.String(), ...errors } } },
    async (request, reply) => {
      if (options.metricsPublic !== true && !within(PRIVATE, request.ip))
        throw new HttpError(403, 'notFromHere', 'Only from this machine or a private network.');
      const { contentType, text } = await backend.metrics();
      return reply.header('content-type', contentType).header('cache-control', 'no-store').send(text);
    },
  );

  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger());

  // ---------------------------------------------------------------- pages

  // Pages that we write ourselves carry their few styles with them.
  const ownPage = {
    schema: { hide: true },
    helmet: { contentSecurityPolicy: { useDefaults: false, directives: { ...policy, styleSrc: ["'self'", "'unsafe-inline'"] } } },
  };
  const html = (reply: FastifyReply, text: string) =>
    reply.header('content-type', 'text/html; charset=utf-8').header('cache-control', 'no-cache').send(text);

  app.get('/', ownPage, async (request, reply) => html(reply, startPage(preferredLanguage(request.headers['accept-language']))));

  app.get('/call-me/demo', ownPage, async (request, reply) => {
    const query: { language?: unknown } = typeof request.query === 'object' && request.query !== null ? request.query : {};
    const wanted =
      query.language === 'ja' || query.language === 'en' ? query.language : preferredLanguage(request.headers['accept-language']);
    const entry = options.callMe.demo.find(({ language }) => language === wanted) ?? options.callMe.demo[0];
    if (entry === undefined) throw new HttpError(404, 'notFound', 'There is no demo here.');
    return html(reply, demoPage(entry, ourOrigin(request)));
  });

  const indexFile = join(options.staticDir, 'index.html');
  const panelPage = async (request: FastifyRequest, reply: FastifyReply) => {
    if (!existsSync(indexFile)) return html(reply.status(503), notBuiltPage(preferredLanguage(request.headers['accept-language'])));
    return reply.sendFile('index.html');
  };
  if (existsSync(options.staticDir)) {
    await app.register(fastifyStatic, {
      root: options.staticDir,
      prefix: '/',
      index: false,
      dotfiles: 'ignore',
      schemaHide: true,
      cacheControl: false,
      setHeaders(reply, path) {
        // Names in assets/ carry a hash of what is in them.
        const lasting = path.startsWith(join(options.staticDir, 'assets/'));
        reply.header('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache');
        if (path === join(options.staticDir, 'call-me.js')) reply.header('cross-origin-resource-policy', 'cross-origin');
      },
    });
  } else {
    log.warn({ staticDir: options.staticDir }, 'browser code is not built, panels will not open');
  }
  for (const path of ['/panel', '/panel/*', '/supervisor', '/supervisor/notices', '/supervisor/scenarios', '/supervisor/history'])
    app.get(path, { schema: { hide: true } }, panelPage);

  // ---------------------------------------------------------------- panels' sockets

  const hub = panelHub({ backend, log, now, ...(options.panelLimits === undefined ? {} : { limits: options.panelLimits }) });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });

  function refuseUpgrade(socket: Duplex, status: string, code: string, message: string): void {
    const body = JSON.stringify({ code, message, where: null });
    socket.end(
      `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (request.url?.split('?')[0] !== '/ws/panel') return refuseUpgrade(socket, '404 Not Found', 'notFound', 'There is nothing here.');
    if (closing) return refuseUpgrade(socket, '503 Service Unavailable', 'closing', 'Restarting; come back in a moment.');
    const origin = header(request, 'origin');
    // A browser always says where it comes from; whoever is none has no cookie by accident either.
    if (origin === undefined || !isOurOrigin(request, origin))
      return refuseUpgrade(socket, '403 Forbidden', 'originNotAllowed', 'Pages of other sites may not connect.');
    const session = app.parseCookie(request.headers.cookie ?? '')[cookieName];
    const principal =
      session === undefined || session === '' || session.length > SESSION_LENGTH ? null : await backend.principalOf(session);
    if (session === undefined || principal === null) return refuseUpgrade(socket, '401 Unauthorized', 'notLoggedIn', 'Log in first.');
    if (socket.destroyed) return;
    sockets.handleUpgrade(request, socket, head, (connection) => hub.accept(connection, principal, session));
  }

  app.server.on('upgrade', (request, socket, head) => {
    // A reset before ws takes over, or after a refusal, has nobody else to hear of it, and would end the process.
    socket.on('error', (error: Error) => log.debug({ err: error }, 'connection of a panel failed'));
    upgrade(request, socket, head).catch((error: unknown) => {
      log.error({ err: error }, 'upgrade of a panel failed');
      refuseUpgrade(socket, '503 Service Unavailable', 'internal', 'This could not be done now. Try again.');
    });
  });

  // ---------------------------------------------------------------- open, and close in reverse

  try {
    // biome-ignore lint/nursery/useAwaitThenable: without a callback it gives a promise; the rule reads the other overload
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await hub.close();
    await app.close();
    throw error;
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  // Cookies don't know ports: two houses on one machine would log each other's agents out.
  cookieName = `madoguchi_${port}`;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: publicUrl === null ? `http://${host}:${port}` : publicUrl.href.replace(/\/$/u, ''),
    port,
    async close() {
      if (closing) return;
      closing = true;
      await hub.close();
      const force = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
      await app.close();
      clearTimeout(force);
    },
  };
}
