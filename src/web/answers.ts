/** What callers answered when scenarios asked them, over HTTP, for supervisors and administrators. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { AnswersView } from './answer-messages.ts';
import type { Principal } from './backend.ts';

export interface AnswerRoutes {
  /** Of the desks that somebody supervises. @throws RequestRefused for whoever supervises none */
  readonly answers: (principal: Principal, days: number) => Promise<AnswersView>;
  readonly requirePrincipal: (request: FastifyRequest) => Promise<Principal>;
  readonly errors: { readonly '4xx': TSchema; readonly '5xx': TSchema };
}

type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

export function answerRoutes(app: App, { answers, requirePrincipal, errors }: AnswerRoutes): void {
  app.get(
    '/api/answers',
    {
      schema: {
        summary: 'Answers that scenarios kept, as of surveys, by question, desk and agent',
        tags: ['scenarios'],
        querystring: Type.Object({ days: Type.Optional(Type.Integer({ minimum: 1, maximum: 366 })) }),
        response: { 200: AnswersView, ...errors },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return answers(await requirePrincipal(request), request.query.days ?? 30);
    },
  );
}
