/** The one schema of scenarios between the server and a supervisor's browser. */
import { type Static, Type } from 'typebox';

const Nullable = <T extends import('typebox').TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Literals = <const T extends readonly string[]>(...values: T) => Type.Unsafe<T[number]>(Type.Enum([...values]));
const TimeMs = Type.Number({ description: 'milliseconds since 1970-01-01T00:00:00Z, by the server’s clock' });
const Count = Type.Integer({ minimum: 0 });

/** What came of callers at a step within a time. */
const StepCounts = Type.Object({
  entered: Type.Integer({ minimum: 0, description: 'how often callers came to it' }),
  gaveUp: Type.Integer({ minimum: 0, description: 'how many hung up there' }),
});

export const ScenarioStepView = Type.Object({
  name: Type.String(),
  now: Type.Integer({ minimum: 0, description: 'callers who are there at this moment' }),
  today: StepCounts,
  week: StepCounts,
});
export type ScenarioStepView = Static<typeof ScenarioStepView>;

export const ScenarioSummaryView = Type.Object({
  name: Type.String(),
  languages: Type.Array(Literals('ja', 'en')),
  entries: Type.Array(Type.String(), { description: 'the numbers whose callers it greets' }),
  callers: Literals('unidentified', 'everybody'),
  steps: Type.Array(ScenarioStepView),
  tests: Type.Object({
    passed: Count,
    total: Count,
    stepsReached: Type.Integer({ minimum: 0, description: 'steps to which at least one test comes' }),
  }),
  elsewhere: Type.Integer({ minimum: 0, description: 'callers at steps of older releases that are not there any more' }),
});
export type ScenarioSummaryView = Static<typeof ScenarioSummaryView>;

export const ScenarioListView = Type.Object({
  serverTime: TimeMs,
  release: Type.Object({
    version: Type.String(),
    since: TimeMs,
    preparing: Type.Boolean({ description: 'another is being made ready, and takes effect then' }),
  }),
  olderReleases: Type.Integer({ minimum: 0, description: 'callers who go on by an older release' }),
  problems: Type.Array(Type.Object({ file: Type.String(), line: Count, column: Count, problem: Type.String(), remedy: Type.String() }), {
    description: 'what is wrong with the files as they are now; none of them is in use',
  }),
  problemCount: Count,
  problemsSince: Nullable(TimeMs),
  countedAt: Nullable(Type.Number({ description: 'when `today` and `week` were counted; null: not yet, and they are 0' })),
  scenarios: Type.Array(ScenarioSummaryView),
  desks: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }), { description: 'which a talk may find closed' }),
});
export type ScenarioListView = Static<typeof ScenarioListView>;

export const ScenarioDrawingView = Type.Object({
  name: Type.String(),
  version: Type.String(),
  svg: Type.String({ description: 'each step is a group with the id step-NAME' }),
});
export type ScenarioDrawingView = Static<typeof ScenarioDrawingView>;

/** What a talk is to begin with. Nothing of it is looked up anywhere. */
export const TalkDraft = Type.Object(
  {
    scenario: Type.String({ minLength: 1, maxLength: 64 }),
    language: Literals('ja', 'en'),
    from: Nullable(Type.String({ pattern: '^\\+[1-9][0-9]{5,14}$', description: 'E.164; null: withheld' })),
    at: Nullable(Type.Number({ minimum: 0, maximum: 8.64e15, description: 'the hour that it is to be; null: now' })),
    party: Literals('customer', 'prospect', 'new', 'dealer', 'agency', 'unknown'),
    known: Nullable(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'the code or number by which a look-up finds the customer; null: none does',
      }),
    ),
    staffed: Type.Boolean({ description: 'whether anybody is there to answer' }),
    services: Literals('found', 'notFound', 'failed'),
    speech: Type.Boolean({ description: 'whether what is spoken is recognised' }),
  },
  { additionalProperties: false },
);
export type TalkDraft = Static<typeof TalkDraft>;

/** What the caller does next. */
export const TalkAct = Type.Union([
  Type.Object({ does: Type.Literal('key'), key: Type.String({ pattern: '^[0-9*#]$' }) }, { additionalProperties: false }),
  Type.Object({ does: Literals('silence', 'hangUp', 'agent') }, { additionalProperties: false }),
  Type.Object({ does: Type.Literal('says'), words: Type.String({ minLength: 1, maxLength: 200 }) }, { additionalProperties: false }),
  Type.Object({ does: Type.Literal('records'), seconds: Type.Integer({ minimum: 0, maximum: 600 }) }, { additionalProperties: false }),
]);
export type TalkAct = Static<typeof TalkAct>;

export const TalkView = Type.Object({
  id: Type.String(),
  version: Type.String(),
  scenario: Type.String(),
  step: Type.String(),
  /** In order: what was heard, pressed and done. */
  lines: Type.Array(Type.Object({ who: Literals('house', 'caller', 'system'), text: Type.String() })),
  awaits: Literals('keys', 'queue', 'recording', 'nothing'),
  listening: Type.Boolean({ description: 'it may also be answered by speaking' }),
  ends: Nullable(Type.String({ description: 'handBack identified, route DESK, hangUp, connected, abandoned …; null: it goes on' })),
});
export type TalkView = Static<typeof TalkView>;
