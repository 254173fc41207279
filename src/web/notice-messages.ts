/** The one schema of notices between the server and a supervisor's browser, and between the server and whoever else calls it. */
import { type Static, Type } from 'typebox';

const Nullable = <T extends import('typebox').TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Literals = <const T extends readonly string[]>(...values: T) => Type.Unsafe<T[number]>(Type.Enum([...values]));
const TimeMs = Type.Number({ description: 'milliseconds since 1970-01-01T00:00:00Z, by the server’s clock' });
const Count = Type.Integer({ minimum: 0 });
const Words = Type.Object({ ja: Type.String(), en: Type.String() });

export const NoticePaceView = Type.Object(
  {
    atATime: Type.Integer({ minimum: 1, maximum: 500, description: 'how many may be under way at a time' }),
    perMinute: Type.Integer({ minimum: 1, maximum: 600, description: 'how many may be launched within any minute' }),
  },
  { additionalProperties: false },
);

export const NoticeView = Type.Object({
  id: Type.String(),
  desk: Type.Object({ id: Type.String(), name: Type.String() }),
  language: Literals('ja', 'en'),
  text: Type.String(),
  scenario: Nullable(Type.String({ description: 'the scenario that tells it; null: the desk’s agents do' })),
  state: Literals('running', 'paused', 'stopped', 'done'),
  pace: NoticePaceView,
  createdAt: TimeMs,
  createdBy: Type.String(),
  total: Count,
  waiting: Count,
  underWay: Count,
  resting: Type.Integer({ minimum: 0, description: 'of those under way: tried in vain, and to be tried again later' }),
  reached: Count,
  notReached: Count,
  stopped: Count,
  dispositions: Type.Record(Type.String(), Count, { description: 'of those reached; the empty word: nothing was noted' }),
  causes: Type.Record(Type.String(), Count, { description: 'why the others were not reached' }),
  estimatedEndAt: Nullable(Type.Number({ description: 'by the pace of the latest, within the hours in which people may be called' })),
  callsFrom: Nullable(Type.Number({ description: 'nobody may be called before; null: now, or the notice is not running' })),
  overAt: Nullable(TimeMs),
});
export type NoticeView = Static<typeof NoticeView>;

export const NoticeHistoryView = Type.Object({
  notice: NoticeView,
  history: Type.Array(
    Type.Object({
      at: TimeMs,
      by: Nullable(Type.String({ description: 'null: by itself' })),
      action: Literals('created', 'paused', 'resumed', 'stopped', 'done'),
      reason: Nullable(Type.String()),
    }),
  ),
});
export type NoticeHistoryView = Static<typeof NoticeHistoryView>;

export const NoticeListView = Type.Object({
  serverTime: TimeMs,
  notices: Type.Array(NoticeView),
  desks: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }), { description: 'for which notices can be made' }),
  scenarios: Type.Array(Type.String(), { description: 'names of those that can tell a notice' }),
});
export type NoticeListView = Static<typeof NoticeListView>;

export const NoticeDraft = Type.Object(
  {
    requestId: Type.String({ pattern: '^[A-Za-z0-9-]{16,64}$', description: 'chosen by the caller: the same twice makes one notice' }),
    deskId: Type.String({ minLength: 1, maxLength: 64 }),
    language: Literals('ja', 'en'),
    text: Type.String({ maxLength: 2_000, description: 'what is to be told' }),
    scenario: Type.Optional(
      Nullable(
        Type.String({ minLength: 1, maxLength: 64, description: 'the scenario that tells it; left out or null: the desk’s agents do' }),
      ),
    ),
    pace: NoticePaceView,
    list: Type.String({
      maxLength: 6_000_000,
      description: 'base64 of a CSV file (UTF-8 or Shift_JIS) with the columns number and name, or of lines without a header',
    }),
    skipBad: Type.Boolean({ description: 'leave out the lines that are wrong; otherwise nothing is created when there is one' }),
  },
  { additionalProperties: false },
);
export type NoticeDraft = Static<typeof NoticeDraft>;

/** What a list would come to. */
export const NoticeCheckView = Type.Object({
  lines: Count,
  good: Count,
  bad: Count,
  /** The first ones, as they would be called. */
  first: Type.Array(Type.Object({ line: Count, number: Type.String(), name: Type.String() })),
  problems: Type.Array(Type.Object({ line: Count, code: Type.String(), value: Type.String(), message: Words }), {
    description: 'the first of them',
  }),
  alsoIn: Type.Array(Type.Object({ line: Count, number: Type.String(), name: Type.String(), notice: Type.String() }), {
    description: 'the first of those who wait in another notice already',
  }),
  alsoInCount: Count,
  callsFrom: Nullable(Type.Number({ description: 'nobody may be called before; null: now' })),
});
export type NoticeCheckView = Static<typeof NoticeCheckView>;
