/** Scenarios over HTTP, for supervisors and administrators: how they stand, their drawings, and a talk with one that nobody is called for. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import { type TSchema, Type } from 'typebox';
import type { Principal } from './backend.ts';
import { ScenarioDrawingView, ScenarioListView, TalkAct, TalkDraft, TalkView } from './scenario-messages.ts';

/** What the routes ask of the house. Everything throws RequestRefused for whoever may not, and for what is not there. */
export interface ScenarioDesk {
  list(principal: Principal): ScenarioListView;
  draw(principal: Principal, scenario: string, language: 'ja' | 'en'): Promise<ScenarioDrawingView>;
  begin(principal: Principal, draft: TalkDraft): TalkView;
  act(principal: Principal, talk: string, act: TalkAct): TalkView;
}

export interface ScenarioRoutes {
  readonly desk: ScenarioDesk;
  readonly requirePrincipal: (request: FastifyRequest) => Promise<Principal>;
  readonly requireOwnPage: (request: FastifyRequest) => Promise<void>;
  readonly errors: { readonly '4xx': TSchema; readonly '5xx': TSchema };
}

type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

/** A browser asks when another is chosen, or a release is new. */
const DRAWINGS_PER_MINUTE = 120;
const TALKS_PER_MINUTE = 60;
/** Faster than anybody presses keys. */
const ACTS_PER_MINUTE = 300;
const perMinute = (max: number) => ({ rateLimit: { max, timeWindow: 60_000 } });

export function scenarioRoutes(app: App, { desk, requirePrincipal, requireOwnPage, errors }: ScenarioRoutes): void {
  const tags = ['scenarios'];

  app.get(
    '/api/scenarios',
    { schema: { summary: 'Scenarios, and how many callers are where', tags, response: { 200: ScenarioListView, ...errors } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return desk.list(await requirePrincipal(request));
    },
  );

  app.get(
    '/api/scenarios/:name/drawing',
    {
      config: perMinute(DRAWINGS_PER_MINUTE),
      schema: {
        summary: 'The drawing of a scenario, as SVG',
        tags,
        params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) }),
        querystring: Type.Object({ language: Type.Unsafe<'ja' | 'en'>(Type.Enum(['ja', 'en'])) }),
        response: { 200: ScenarioDrawingView, ...errors },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return desk.draw(await requirePrincipal(request), request.params.name, request.query.language);
    },
  );

  app.post(
    '/api/scenarios/talks',
    {
      preHandler: requireOwnPage,
      config: perMinute(TALKS_PER_MINUTE),
      schema: {
        summary: 'Talk with a scenario: a dry run, nobody is called, nothing looked up or sent',
        tags,
        body: TalkDraft,
        response: { 201: TalkView, ...errors },
      },
    },
    async (request, reply) => reply.status(201).send(desk.begin(await requirePrincipal(request), request.body)),
  );

  app.post(
    '/api/scenarios/talks/:id',
    {
      preHandler: requireOwnPage,
      config: perMinute(ACTS_PER_MINUTE),
      schema: {
        summary: 'What the caller of a talk does next',
        tags,
        params: Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) }),
        body: TalkAct,
        response: { 200: TalkView, ...errors },
      },
    },
    async (request) => desk.act(await requirePrincipal(request), request.params.id, request.body),
  );
}
