/** The form of `scenarios/control-logic.yaml`. The JSON Schema for editors is made from it (`npm run logic -- schema`). */
import { type Static, Type } from 'typebox';
import { KINDS, type Kind, MAX_CLASS, MAX_LEVEL, MAX_WEIGHT } from './matching/model.ts';

const closed = { additionalProperties: false } as const;

const NAMED_TARGETS = ['handlingDesk', 'lastDesk', 'agencyOfDealer', 'makerDesk', 'reception'] as const;
export type NamedTarget = (typeof NAMED_TARGETS)[number];

const BestSales = Type.Object(
  {
    bestSales: Type.Object(
      {
        among: Type.Enum(['dealers', 'agencies', 'both'], { description: 'one of: dealers, agencies, both' }),
        in: Type.Enum(['callerRegion'], { description: "'callerRegion'" }),
      },
      { ...closed, description: 'the organisation with the best sales results in the region of the caller' },
    ),
  },
  closed,
);
const FixedDesk = Type.Object({ desk: Type.String({ minLength: 1, description: 'the id of a desk' }) }, closed);

const Target = Type.Union([Type.Enum([...NAMED_TARGETS], { description: `one of: ${NAMED_TARGETS.join(', ')}` }), BestSales, FixedDesk], {
  description: `one of: ${NAMED_TARGETS.join(', ')}; or { bestSales: { among: both, in: callerRegion } }; or { desk: ID }`,
});
export type BestSales = Static<typeof BestSales>;
export type FixedDesk = Static<typeof FixedDesk>;
export type Target = NamedTarget | BestSales | FixedDesk;

const DURATION = '\\d{1,6}(\\.\\d{1,3})?(ms|s|m|h)';
const DURATION_FORM = 'a duration, as 500ms, 30s, 5m or 1h';
const Duration = Type.String({ pattern: `^${DURATION}$`, description: DURATION_FORM });
const LongerThanNothing = Type.String({
  pattern: `^(?!0+(\\.0+)?[a-z])${DURATION}$`,
  description: `${DURATION_FORM}, longer than nothing`,
});
const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9]';
const HOURS = `${CLOCK}-(${CLOCK}|24:00)`;

/** Milliseconds of a duration that the schema has passed. @throws RangeError for anything else */
export function durationMs(text: string): number {
  const [, amount, unit] = /^([\d.]+)(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? ''];
  if (unitMs === undefined) throw new RangeError(`'${text}' is no duration`);
  return Math.round(Number(amount) * unitMs);
}

const Needs = Type.Record(
  Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' }),
  Type.Integer({ minimum: 1, maximum: MAX_LEVEL, description: `a level from 1 to ${MAX_LEVEL}: the agent’s has to be at least this` }),
  { description: 'skills with the level that an agent must have, as { english: 3, billing: 1 } (small letters, digits, hyphens)' },
);
export type Needs = Static<typeof Needs>;

const Rule = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'a name; reports and the agent’s screen show it' }),
    when: Type.Optional(Type.String({ minLength: 1, description: 'a condition in CEL, as \'party.kind == "dealer"\'; left out: always' })),
    to: Target,
    otherwise: Type.Optional(Type.Array(Target, { minItems: 1, description: 'where to when `to` leads nowhere, first first' })),
    priority: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_CLASS,
        description: `a priority class from 0 (before all others) to ${MAX_CLASS}; left out: 100`,
      }),
    ),
    needs: Type.Optional(Needs),
    relax: Type.Optional(
      Type.Array(Type.Object({ after: Duration, needs: Needs }, closed), {
        minItems: 1,
        description: 'what is needed instead after waiting that long, as [{ after: 30s, needs: { english: 1 } }, { after: 2m, needs: {} }]',
      }),
    ),
    preferLastAgent: Type.Optional(
      Type.String({
        pattern: `^${DURATION}$`,
        description: `how long the agent who handled the customer last is waited for: ${DURATION_FORM}`,
      }),
    ),
  },
  closed,
);

const Weight = Type.Integer({ minimum: 0, maximum: MAX_WEIGHT, description: `a whole number from 0 to ${MAX_WEIGHT}` });
const To = Type.String({ minLength: 1, description: 'nextUp, or the id of a desk' });
const OVERFLOW_FORM = '{ to: nextUp, after: 60s }, { to: ID, estimatedWait: 5m } or { to: nextUp, nobody: true }';
const Overflow = Type.Union(
  [
    Type.Object({ to: To, after: Duration }, closed),
    Type.Object({ to: To, estimatedWait: Duration }, closed),
    Type.Object({ to: To, nobody: Type.Literal(true, { description: 'true' }) }, closed),
  ],
  { description: OVERFLOW_FORM },
);
const OptionalWeight = Type.Optional(Weight);
const CallsFirst = Type.Object({ callsFirst: Type.Object({ idleForCallbacks: Duration }, closed) }, closed);
const Attempts = Type.Integer({ minimum: 1, maximum: 20, description: 'a number of attempts from 1 to 20' });
const Retry = Type.Optional(Type.Object({ attempts: Type.Optional(Attempts), pause: Type.Optional(Duration) }, closed));

const scenarioNamed = (what: string) =>
  Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$', description: `the name of a scenario ${what}; or: none` });

/** How a desk gives out what waits at it. What is left out is as in `default`, and left out there, as the house has it. */
const DeskSection = Type.Object(
  {
    discipline: Type.Optional(
      Type.Union([Type.Enum(['one-queue'], { description: "'one-queue'" }), CallsFirst], {
        description: 'one-queue, or { callsFirst: { idleForCallbacks: 60s } }',
      }),
    ),
    tieBreak: Type.Optional(
      Type.Enum(['longestIdle', 'leastOccupied', 'roundRobin'], { description: 'one of: longestIdle, leastOccupied, roundRobin' }),
    ),
    weights: Type.Optional(
      Type.Object(Object.fromEntries(KINDS.map((kind) => [kind, OptionalWeight])) as Record<Kind, typeof OptionalWeight>, {
        ...closed,
        description: 'points for each moment of waiting, by kind',
      }),
    ),
    promise: Type.Optional(
      Type.Object(
        { lead: Type.Optional(Duration), weight: Type.Optional(Weight) },
        { ...closed, description: 'extra points from `lead` before a promised time on' },
      ),
    ),
    overflow: Type.Optional(Type.Array(Overflow, { description: `a list of at most 16 of ${OVERFLOW_FORM}; nearest first` })),
    callbacks: Type.Optional(
      Type.Object(
        {
          first: Type.Optional(Type.Enum(['party', 'agent'], { description: 'who is rung first: party or agent' })),
          offerFromWait: Type.Optional(
            Type.String({
              pattern: `^(nobody|${DURATION})$`,
              description: `the estimated wait from which a callback is offered: ${DURATION_FORM}; or: nobody (only when nobody is logged on)`,
            }),
          ),
          afterAbandon: Type.Optional(
            Type.String({
              pattern: `^(never|${DURATION})$`,
              description: `how long somebody who gave up must have waited to be called back: ${DURATION_FORM}; or: never`,
            }),
          ),
          hours: Type.Optional(
            Type.String({
              pattern: `^(whileOpen|${HOURS})$`,
              description: 'when people may be called, in the time zone of the desk: hours, as 09:00-20:00; or: whileOpen',
            }),
          ),
          attempts: Type.Optional(Attempts),
          retry: Type.Optional(Type.Object({ busy: Retry, noAnswer: Retry, failed: Retry }, closed)),
        },
        closed,
      ),
    ),
    wrapUp: Type.Optional(
      Type.Object(
        {
          limit: Type.Optional(Duration),
          extension: Type.Optional(Duration),
          most: Type.Optional(Duration),
        },
        { ...closed, description: 'limit, by how much an agent may extend it at a time, and how long it may be in all' },
      ),
    ),
    survey: Type.Optional(scenarioNamed('that asks the party after a talk which the agent has ended')),
    callMe: Type.Optional(scenarioNamed('that speaks first with whoever is called back, and hands back whom the agent is to be rung for')),
    serviceLevel: Type.Optional(
      Type.Object(
        {
          share: Type.Optional(Type.Number({ minimum: 1, maximum: 100, description: 'per cent, from 1 to 100' })),
          within: Type.Optional(Duration),
        },
        closed,
      ),
    ),
    expectedHandling: Type.Optional(LongerThanNothing),
  },
  closed,
);
export type DeskSection = Static<typeof DeskSection>;

const Id = Type.String({ minLength: 1, description: 'an id' });
const PARTY_KINDS = ['customer', 'prospect', 'new', 'dealer', 'agency', 'unknown'];

/** A small centre of its own, so that the tests inside the file need no database. */
const TestCentre = Type.Object(
  {
    organisations: Type.Array(
      Type.Object(
        {
          id: Id,
          kind: Type.Enum(['maker', 'agency', 'dealer']),
          sellsFor: Type.Optional(Type.Array(Id)),
          sales: Type.Optional(
            Type.Record(Type.String({ pattern: '^[A-Z0-9-]+$' }), Type.Number({ minimum: 0 }), { description: 'region: amount' }),
          ),
        },
        closed,
      ),
      { minItems: 1 },
    ),
    desks: Type.Array(
      Type.Object(
        {
          id: Id,
          organisation: Id,
          nextUp: Type.Optional(Id),
          reception: Type.Optional(Type.Boolean()),
          timeZone: Type.Optional(Type.String({ minLength: 1, description: 'an IANA time zone, as Asia/Tokyo' })),
          open: Type.Optional(
            Type.String({
              pattern: `^${HOURS}$`,
              description: 'hours of every weekday (Monday to Friday), as 09:00-18:00; left out: always',
            }),
          ),
          holidays: Type.Optional(Type.Array(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'a date, as 2026-01-01' }))),
        },
        closed,
      ),
      { minItems: 1 },
    ),
  },
  closed,
);
export type TestCentre = Static<typeof TestCentre>;

const LogicTest = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    given: Type.Object(
      {
        party: Type.Enum(PARTY_KINDS, { description: `one of: ${PARTY_KINDS.join(', ')}` }),
        handlingDesk: Type.Optional(Id),
        lastDesk: Type.Optional(Id),
        organisation: Type.Optional(Id),
        region: Type.Optional(Type.String({ pattern: '^[A-Z0-9-]+$', description: "a region, as '13'" })),
        from: Type.Optional(Type.String({ pattern: '^\\+[1-9]\\d{3,14}$', description: 'a number, as +81312345678' })),
        at: Type.Optional(Type.String({ description: 'a time with its zone, as 2026-11-20T10:00+09:00' })),
        channel: Type.Optional(Type.Enum(['voice', 'callback', 'message'])),
        language: Type.Optional(Type.Enum(['ja', 'en'], { description: 'the language of the entry: ja or en' })),
        speaks: Type.Optional(Type.Enum(['ja', 'en'], { description: 'the language of the party: ja or en' })),
      },
      closed,
    ),
    expect: Type.Object(
      {
        desk: Id,
        rule: Type.Optional(Type.String()),
        closed: Type.Optional(Type.Boolean()),
        priority: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_CLASS })),
        needs: Type.Optional(Needs),
      },
      closed,
    ),
  },
  closed,
);
export type LogicTest = Static<typeof LogicTest>;

export const ControlLogicFile = Type.Object(
  {
    timeZone: Type.Optional(Type.String({ minLength: 1, description: 'the IANA time zone of `now` in conditions; left out: Asia/Tokyo' })),
    rules: Type.Array(Rule, { minItems: 1 }),
    desks: Type.Optional(
      Type.Record(Type.String({ pattern: '^.+$' }), DeskSection, { description: "'default' and ids of desks, each with its rules" }),
    ),
    testCentre: Type.Optional(TestCentre),
    tests: Type.Optional(Type.Array(LogicTest)),
  },
  {
    ...closed,
    title: 'Control logic',
    description: 'Which desk a contact goes to (the first rule that applies and leads to a desk), and how desks give out what waits',
  },
);
export type ControlLogicFile = Static<typeof ControlLogicFile>;
