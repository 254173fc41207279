/** Figures of the past over HTTP, for supervisors and administrators: as JSON, and as a file for a spreadsheet. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import type { Principal } from './backend.ts';
import { ContactsView, REPORT_INTERVALS, REPORT_NAMES, ReportListView, ReportView } from './report-messages.ts';

type Interval = (typeof REPORT_INTERVALS)[number];
export type ReportName = (typeof REPORT_NAMES)[number];
export interface PeriodQuery {
  /** Day, or day and time, by the clock of the zone. */
  readonly from: string;
  /** Not included. */
  readonly to: string;
  readonly timeZone: string;
}
export interface ReportQuery extends PeriodQuery {
  readonly interval: Interval;
  readonly groupBy: string;
  readonly target: number;
}

/** What the routes ask of the house, of the desks that somebody supervises. Everything throws RequestRefused for whoever supervises none. */
export interface ReportDesk {
  list(principal: Principal): ReportListView;
  /** @throws RequestRefused for a zone, period or group that there is not, and for more than can be shown */
  show(principal: Principal, name: ReportName, query: ReportQuery): Promise<ReportView>;
  csv(principal: Principal, name: ReportName, query: ReportQuery): Promise<string>;
  contacts(principal: Principal, query: PeriodQuery): Promise<ContactsView>;
  contactsCsv(principal: Principal, query: PeriodQuery): Promise<string>;
}

export interface ReportRoutes {
  readonly desk: ReportDesk;
  readonly requirePrincipal: (request: FastifyRequest) => Promise<Principal>;
  readonly errors: { readonly '4xx': TSchema; readonly '5xx': TSchema };
}

type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

const LocalTime = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$',
  description: '2026-11-20 or 2026-11-20T09:00, by the clock of the time zone',
});
const period = {
  from: LocalTime,
  to: LocalTime,
  timeZone: Type.String({ pattern: '^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$', maxLength: 64, description: 'IANA, as Europe/London' }),
};
const PeriodBody = Type.Object(period);
const QueryBody = Type.Object({
  ...period,
  interval: Type.Optional(Type.Unsafe<Interval>(Type.Enum([...REPORT_INTERVALS]))),
  groupBy: Type.Optional(Type.String({ maxLength: 32, description: 'as /api/reports lists; none when left out' })),
  target: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400, description: 'of the service level, in seconds; 20 when left out' })),
});
const queryOf = ({ from, to, timeZone, interval, groupBy, target }: Static<typeof QueryBody>): ReportQuery => ({
  from,
  to,
  timeZone,
  interval: interval ?? '1 hour',
  groupBy: groupBy ?? 'none',
  target: target ?? 20,
});

export function reportRoutes(app: App, { desk, requirePrincipal, errors }: ReportRoutes): void {
  const tags = ['reports'];
  const asFile = (reply: FastifyReply, name: string, { from, to }: PeriodQuery, text: string): FastifyReply =>
    reply
      .header('cache-control', 'no-store')
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${name}-${from}-${to}.csv"`.replaceAll(':', ''))
      .send(text);

  app.get(
    '/api/reports',
    { schema: { summary: 'Which reports there are, and how each figure is computed', tags, response: { 200: ReportListView, ...errors } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return desk.list(await requirePrincipal(request));
    },
  );

  for (const name of REPORT_NAMES) {
    const about = { tags, querystring: QueryBody };
    app.get(
      `/api/reports/${name}`,
      { schema: { ...about, summary: `Figures by reports/${name}.sql`, response: { 200: ReportView, ...errors } } },
      async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return desk.show(await requirePrincipal(request), name, queryOf(request.query));
      },
    );
    app.get(
      `/api/reports/${name}.csv`,
      { schema: { ...about, summary: `The same as a file for a spreadsheet`, response: { 200: Type.String(), ...errors } } },
      async (request, reply) => {
        const query = queryOf(request.query);
        return asFile(reply, name, query, await desk.csv(await requirePrincipal(request), name, query));
      },
    );
  }

  app.get(
    '/api/reports/contacts',
    {
      schema: {
        summary: 'Contacts of a period, the latest first',
        tags,
        querystring: PeriodBody,
        response: { 200: ContactsView, ...errors },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return desk.contacts(await requirePrincipal(request), request.query);
    },
  );
  app.get(
    '/api/reports/contacts.csv',
    {
      schema: {
        summary: 'The same as a file for a spreadsheet',
        tags,
        querystring: PeriodBody,
        response: { 200: Type.String(), ...errors },
      },
    },
    async (request, reply) =>
      asFile(reply, 'contacts', request.query, await desk.contactsCsv(await requirePrincipal(request), request.query)),
  );
}
