/**
 * `/callback/<token>`: what a customer sees of a callback, and how they change or cancel it. The token is all that is needed and
 * all that is asked for: no cookie plays a part, so a page of another site, which doesn't know the token, can do nothing here.
 * A link that leads nowhere, and one whose request has long been over, get the same answer.
 */
import type { FastifyError, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { EpochMs, Language } from '../../base/ids.ts';
import { checkCallTime } from '../../channels/call-me.ts';
import { RequestRefused, type WebBackend } from '../backend.ts';
import { preferredLanguage } from '../pages.ts';
import { callbackPage, callbackPath, plainPage } from './page.ts';
import type { Problem } from './words.ts';

export interface CallbackPages {
  readonly backend: Pick<WebBackend, 'callback' | 'moveCallMe' | 'cancelCallMe'>;
  readonly now: () => EpochMs;
}

const MINUTE_MS = 60_000;
/** The page asks again by itself; an office has one address. */
const READS_PER_MINUTE = 240;
const CHANGES_PER_MINUTE = 20;
const FORM_BYTES = 1_024;
const TOKEN = /^[\w.-]{1,128}$/u;

/** Its styles come with it, its one script from us; it loads, frames and links nothing else. */
const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'unsafe-inline'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

const REFUSALS: Readonly<Record<string, Problem>> = { tooLate: 'tooLate', notAllowedThen: 'timeOutsideHours' };

/** A plugin with a scope of its own: forms and HTML errors are understood here only. */
export function callbackPages({ backend, now }: CallbackPages): FastifyPluginCallback {
  return (site, _options, done) => {
    const helmet = { contentSecurityPolicy: CONTENT_SECURITY_POLICY, referrerPolicy: { policy: 'no-referrer' as const } };
    const limited = (max: number) => ({ helmet, schema: { hide: true }, config: { rateLimit: { max, timeWindow: MINUTE_MS } } });

    site.addHook('onRequest', async (_request, reply) => {
      // The address is a secret: not to be passed on, found, or kept by a shared computer.
      reply.header('x-robots-tag', 'noindex, nofollow, noarchive').header('cache-control', 'no-store');
    });
    site.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: FORM_BYTES }, (_request, body, parsed) =>
      parsed(null, new URLSearchParams(String(body))),
    );
    site.setErrorHandler<FastifyError & { readonly retryAfterMs?: number | null }>((error, request, reply) => {
      const language = languageAsked(request) ?? preferredLanguage(request.headers['accept-language']);
      if (error.statusCode === 429) {
        const retryAfterMs = error.retryAfterMs ?? MINUTE_MS;
        reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1_000)));
        return html(reply.status(429), plainPage(language, { retryAfterMs }));
      }
      if (error.statusCode === undefined || error.statusCode >= 500)
        request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
      return html(reply.status(error.statusCode ?? 500), plainPage(language, 'broken'));
    });

    const show = async (request: FastifyRequest, reply: FastifyReply, problem: Problem | null, status: number) => {
      const token = tokenOf(request);
      const callback = token === null ? null : await backend.callback(token);
      const asked = languageAsked(request);
      if (callback === null)
        return html(reply.status(404), plainPage(asked ?? preferredLanguage(request.headers['accept-language']), 'gone'));
      return html(reply.status(status), callbackPage(callback, asked ?? callback.language, now(), problem));
    };

    site.get('/callback/:token', limited(READS_PER_MINUTE), async (request, reply) => show(request, reply, null, 200));

    site.post('/callback/:token', limited(CHANGES_PER_MINUTE), async (request, reply) => {
      const token = tokenOf(request);
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const action = form.get('action');
      // Whoever knows the token may do all this; a browser that says it was sent here by another site is stopped all the same.
      // (`Origin` says nothing: under no-referrer browsers send "null" from our own page, too.)
      const sentBy = request.headers['sec-fetch-site'];
      if (sentBy === 'cross-site' || sentBy === 'same-site') return show(request, reply, 'failed', 403);
      if (token === null || (action !== 'move' && action !== 'cancel')) return show(request, reply, 'failed', 400);
      try {
        if (action === 'cancel') await backend.cancelCallMe(token);
        else {
          const given = form.get('callAt') ?? '';
          const callAt = given === '' ? null : /^\d{1,15}$/u.test(given) ? Number(given) : Number.NaN;
          if (Number.isNaN(callAt)) return show(request, reply, 'failed', 400);
          const wrong = checkCallTime(callAt, 'en', now());
          if (wrong !== null) return show(request, reply, problemOf(wrong.code), 422);
          await backend.moveCallMe(token, callAt);
        }
      } catch (error) {
        if (!(error instanceof RequestRefused)) throw error;
        if (error.code !== 'contactGone') return show(request, reply, problemOf(error.code), 409);
      }
      // Over in the same moment, or never there: the page says so itself.
      const language = languageAsked(request);
      return reply.redirect(`${callbackPath(token)}${language === null ? '' : `?language=${language}`}`, 303);
    });
    done();
  };
}

const problemOf = (code: string): Problem =>
  code === 'timeInThePast' || code === 'timeTooFar' || code === 'timeOutsideHours' ? code : (REFUSALS[code] ?? 'failed');

function tokenOf(request: FastifyRequest): string | null {
  const { params } = request;
  const token: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'token') : undefined;
  return typeof token === 'string' && TOKEN.test(token) ? token : null;
}

function languageAsked({ query }: FastifyRequest): Language | null {
  const language: unknown = typeof query === 'object' && query !== null ? Reflect.get(query, 'language') : undefined;
  return language === 'ja' || language === 'en' ? language : null;
}

const html = (reply: FastifyReply, text: string): FastifyReply => reply.header('content-type', 'text/html; charset=utf-8').send(text);
