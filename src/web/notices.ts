/** Notices over HTTP, for supervisors and administrators. Routes check the form of what comes, ask the house, and answer. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import type { Principal } from './backend.ts';
import { NoticeCheckView, NoticeDraft, NoticeHistoryView, NoticeListView, NoticeView } from './notice-messages.ts';

/** What the routes ask of the house. Everything throws RequestRefused for whoever may not, and for what is not there. */
export interface NoticeDesk {
  list(principal: Principal): Promise<NoticeListView>;
  show(principal: Principal, id: string): Promise<NoticeHistoryView>;
  /** What a draft's list would come to; creates nothing. */
  check(principal: Principal, draft: NoticeDraft): Promise<NoticeCheckView>;
  /** @returns the check instead, with nothing created, when a line is wrong and the draft does not say to skip it, or none is left */
  create(principal: Principal, draft: NoticeDraft): Promise<{ readonly created: NoticeView } | { readonly wrong: NoticeCheckView }>;
  change(principal: Principal, id: string, change: 'paused' | 'resumed' | 'stopped'): Promise<NoticeView>;
  /** Everybody with what came of it, as a CSV file. */
  outcomes(principal: Principal, id: string): Promise<string>;
}

export interface NoticeRoutes {
  readonly desk: NoticeDesk;
  readonly requirePrincipal: (request: FastifyRequest) => Promise<Principal>;
  readonly requireOwnPage: (request: FastifyRequest) => Promise<void>;
  readonly errors: { readonly '4xx': TSchema; readonly '5xx': TSchema };
}

type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

const Id = Type.Object({ id: Type.String({ pattern: '^[0-9]{1,9}$' }) });
/** A list of 4 MiB, in base64, and what is around it. */
const BODY_BYTES = 6 * 1024 * 1024;
const CHANGES = { pause: 'paused', resume: 'resumed', stop: 'stopped' } as const;

export function noticeRoutes(app: App, { desk, requirePrincipal, requireOwnPage, errors }: NoticeRoutes): void {
  const tags = ['notices'];

  app.get(
    '/api/notices',
    { schema: { summary: 'Notices of the desks that you see', tags, response: { 200: NoticeListView, ...errors } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return desk.list(await requirePrincipal(request));
    },
  );

  app.get(
    '/api/notices/:id',
    { schema: { summary: 'A notice, and who did what to it', tags, params: Id, response: { 200: NoticeHistoryView, ...errors } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return desk.show(await requirePrincipal(request), request.params.id);
    },
  );

  app.get(
    '/api/notices/:id/outcomes.csv',
    { schema: { summary: 'Everybody of a notice, with what came of it', tags, params: Id, response: { 200: Type.String(), ...errors } } },
    async (request, reply) => {
      const text = await desk.outcomes(await requirePrincipal(request), request.params.id);
      return reply
        .header('cache-control', 'no-store')
        .header('content-type', 'text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="notice-${request.params.id}.csv"`)
        .send(text);
    },
  );

  app.post(
    '/api/notices/check',
    {
      preHandler: requireOwnPage,
      bodyLimit: BODY_BYTES,
      schema: {
        summary: 'What a list would come to; creates nothing',
        tags,
        body: NoticeDraft,
        response: { 200: NoticeCheckView, ...errors },
      },
    },
    async (request) => desk.check(await requirePrincipal(request), request.body),
  );

  app.post(
    '/api/notices',
    {
      preHandler: requireOwnPage,
      bodyLimit: BODY_BYTES,
      schema: {
        summary: 'Create a notice; its recipients are called from now on, as pace, hours and free agents allow',
        tags,
        body: NoticeDraft,
        response: { 201: NoticeView, 422: Type.Union([NoticeCheckView, errors['4xx']]), ...errors },
      },
    },
    async (request, reply) => {
      const answer = await desk.create(await requirePrincipal(request), request.body);
      return 'created' in answer ? reply.status(201).send(answer.created) : reply.status(422).send(answer.wrong);
    },
  );

  for (const [verb, change] of Object.entries(CHANGES)) {
    app.post(
      `/api/notices/:id/${verb}`,
      {
        preHandler: requireOwnPage,
        schema: {
          summary: `${verb[0]?.toUpperCase()}${verb.slice(1)} a notice`,
          tags,
          params: Id,
          response: { 200: NoticeView, ...errors },
        },
      },
      async (request) => desk.change(await requirePrincipal(request), (request.params as Static<typeof Id>).id, change),
    );
  }
}
