/** The schema of reports between the server and a supervisor's browser, and between the server and whoever else calls it. */
import { type Static, Type } from 'typebox';

const Nullable = <T extends import('typebox').TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Both = Type.Object({ en: Type.String(), ja: Type.String() }, { description: 'from the comment of the file in reports/' });
const Named = Type.Object({ id: Type.String(), name: Type.String() });

/** Of figures, as wide as people look; the same words as SQL has for them. */
export const REPORT_NAMES = ['service', 'handling', 'agents', 'callbacks'] as const;
export const REPORT_INTERVALS = ['15 minutes', '1 hour', '1 day'] as const;
/** How long a period may be, in days, by interval. */
export const LONGEST_DAYS: Readonly<Record<(typeof REPORT_INTERVALS)[number], number>> = { '15 minutes': 8, '1 hour': 35, '1 day': 400 };

export const ReportListView = Type.Object({
  timeZones: Type.Array(Type.String(), { description: 'of the desks that you see' }),
  desks: Type.Array(Named, { description: 'that you see' }),
  reports: Type.Array(
    Type.Object({
      name: Type.String(),
      about: Both,
      by: Type.Array(Type.String(), { description: 'what its rows can be grouped by' }),
      columns: Type.Array(
        Type.Object({
          name: Type.String(),
          kind: Type.String({ description: 'count, seconds, or share (0…1)' }),
          how: Both,
        }),
      ),
    }),
  ),
});
export type ReportListView = Static<typeof ReportListView>;

const FiguresBody = Type.Record(Type.String(), Nullable(Type.Number()), { description: 'by column; null: nothing to divide by' });
export const ReportView = Type.Object({
  from: Type.Number({ description: 'milliseconds since 1970' }),
  to: Type.Number({ description: 'not included' }),
  timeZone: Type.String(),
  interval: Type.String(),
  by: Type.String(),
  rows: Type.Array(
    Type.Object({
      startsAt: Type.Number({ description: 'when the interval begins, in milliseconds since 1970' }),
      group: Nullable(Named),
      figures: FiguresBody,
    }),
    { description: 'intervals and groups in which there is anything' },
  ),
  total: Nullable(FiguresBody),
});
export type ReportView = Static<typeof ReportView>;

export const ContactsView = Type.Object({
  more: Type.Boolean({ description: 'there are earlier ones in the period' }),
  contacts: Type.Array(
    Type.Object({
      contactId: Type.String(),
      arrivedAt: Type.Number(),
      channel: Type.String(),
      origin: Type.String(),
      desk: Nullable(Named),
      agent: Nullable(Named),
      waitedS: Nullable(Type.Number()),
      talkedS: Nullable(Type.Number()),
      cause: Nullable(Type.String({ description: 'null: it is not over' })),
      disposition: Nullable(Type.String()),
      continues: Nullable(Type.String({ description: 'the contact that it continues' })),
    }),
  ),
  agents: Type.Record(Type.String(), Type.String(), { description: 'names of the agents of these desks, for time lines' }),
});
export type ContactsView = Static<typeof ContactsView>;
