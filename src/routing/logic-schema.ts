/** The form of `scenarios/control-logic.yaml`. The JSON Schema for editors is made from it (`npm run logic -- schema`). */
import { type Static, Type } from 'typebox';

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

const Rule = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'a name; reports and the agent’s screen show it' }),
    when: Type.Optional(Type.String({ minLength: 1, description: 'a condition in CEL, as \'party.kind == "dealer"\'; left out: always' })),
    to: Target,
    otherwise: Type.Optional(Type.Array(Target, { minItems: 1, description: 'where to when `to` leads nowhere, first first' })),
  },
  closed,
);

const Id = Type.String({ minLength: 1, description: 'an id' });
const PARTY_KINDS = ['customer', 'prospect', 'new', 'dealer', 'agency', 'unknown'];
const TIME = '^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$';

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
            Type.String({ pattern: TIME, description: 'hours of every weekday (Monday to Friday), as 09:00-18:00; left out: always' }),
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
        channel: Type.Optional(Type.Enum(['voice', 'callback'])),
        language: Type.Optional(Type.Enum(['ja', 'en'])),
      },
      closed,
    ),
    expect: Type.Object({ desk: Id, rule: Type.Optional(Type.String()), closed: Type.Optional(Type.Boolean()) }, closed),
  },
  closed,
);
export type LogicTest = Static<typeof LogicTest>;

export const ControlLogicFile = Type.Object(
  {
    timeZone: Type.Optional(Type.String({ minLength: 1, description: 'the IANA time zone of `now` in conditions; left out: Asia/Tokyo' })),
    rules: Type.Array(Rule, { minItems: 1 }),
    testCentre: Type.Optional(TestCentre),
    tests: Type.Optional(Type.Array(LogicTest)),
  },
  { ...closed, title: 'Control logic', description: 'Which desk a contact goes to: the first rule that applies and leads to a desk' },
);
export type ControlLogicFile = Static<typeof ControlLogicFile>;
