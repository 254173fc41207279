/** The form of a scenario file. The JSON Schema for editors is made from it (`npm run logic -- schema`). */
import { type Static, type TProperties, Type } from 'typebox';

const closed = { additionalProperties: false } as const;

const Duration = Type.String({ pattern: '^\\d+(\\.\\d+)?(ms|s|m)$', description: 'a duration, as 6s or 1500ms' });
const Name = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]*$', description: 'a name of letters and digits, as askCode' });
const StepName = Type.String({ minLength: 1, description: 'the name of a step' });
const Text = Type.Object(
  { ja: Type.Optional(Type.String({ minLength: 1 })), en: Type.Optional(Type.String({ minLength: 1 })) },
  { ...closed, description: 'the text in each language, as { ja: …, en: … }; {name} puts a variable in' },
);
const Tries = Type.Integer({ minimum: 1, maximum: 10 });

/** What asking has in common, whether for many digits or for one. */
const asking = {
  prompt: Text,
  bargeIn: Type.Optional(Type.Boolean({ description: 'whether a key stops the prompt; left out: true' })),
  firstDigit: Type.Optional(Duration),
  tries: Type.Optional(Tries),
  onSilence: Type.Optional(Text),
  onInvalid: Type.Optional(Text),
};

const Step = <P extends TProperties>(properties: P) => Type.Object(properties, closed);

export const StepFile = Type.Union([
  /** Says something and goes on. */
  Step({ say: Text, bargeIn: Type.Optional(Type.Boolean({ description: 'whether a key skips it; left out: false' })), next: StepName }),
  /** Asks for digits; `failed` after the last try. */
  Step({
    ask: Type.Object(
      {
        ...asking,
        digits: Type.Object({ min: Type.Integer({ minimum: 1, maximum: 32 }), max: Type.Integer({ minimum: 1, maximum: 32 }) }, closed),
        end: Type.Optional(Type.Enum(['#', '*'], { description: "the key that ends the entry: '#' or '*'" })),
        betweenDigits: Type.Optional(Duration),
        saveAs: Name,
      },
      closed,
    ),
    next: StepName,
    /** Where the end key alone leads, as in "if you have none, press #". Left out: that is an invalid entry. */
    empty: Type.Optional(StepName),
    failed: StepName,
  }),
  /** One key, one way. */
  Step({
    menu: Type.Object(
      {
        ...asking,
        choices: Type.Record(Type.String({ pattern: '^[0-9*#]$' }), StepName, { description: "a key of 0-9 * #, as '1': sales" }),
      },
      closed,
    ),
    failed: StepName,
  }),
  /** Looks the party up by what was saved. `again` asks once more, as one of the tries of that step. */
  Step({
    lookUp: Type.Object({ customerCode: Name }, closed),
    found: StepName,
    notFound: Type.Union([StepName, Type.Object({ again: StepName, say: Type.Optional(Text) }, closed)], {
      description: 'the name of a step, or { again: STEP, say: { ja: …, en: … } }',
    }),
  }),
  /** To a desk: its id, or `reception`. */
  Step({ route: Type.String({ minLength: 1, description: "the id of a desk, or 'reception'" }) }),
  /** To the control logic. */
  Step({ handBack: Type.Enum(['identified', 'notIdentified']) }),
  Step({ hangUp: Type.Literal(true) }),
]);
export type StepFile = Static<typeof StepFile>;

export const ScenarioTest = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    language: Type.Enum(['ja', 'en']),
    variables: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]*$' }), Type.String())),
    caller: Type.Array(
      Type.String({ pattern: '^(silence|!?[0-9*#A-D]+)$', description: "keys ('10023#'), keys into the prompt ('!10023#'), or silence" }),
    ),
    known: Type.Optional(Type.Array(Type.String(), { description: 'customer codes that the database has' })),
    hears: Type.Optional(Type.Array(Type.String(), { description: 'parts of what is said, in this order' })),
    ends: Type.String({
      pattern: '^(handBack (identified|notIdentified)|route \\S+|hangUp)$',
      description: "'handBack identified', 'handBack notIdentified', 'route DESK' or 'hangUp'",
    }),
  },
  closed,
);
export type ScenarioTest = Static<typeof ScenarioTest>;

export const ScenarioFile = Type.Object(
  {
    name: Name,
    languages: Type.Array(Type.Enum(['ja', 'en']), { minItems: 1, description: 'languages, the first one serves all others' }),
    /** Variables that the house gives; those that are asked for need not be named. */
    variables: Type.Optional(Type.Array(Name)),
    start: StepName,
    steps: Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]*$' }), StepFile, {
      description: 'steps by name, of letters and digits, as askCode',
    }),
    tests: Type.Optional(Type.Array(ScenarioTest)),
  },
  { ...closed, title: 'Scenario', description: 'A dialogue with a caller' },
);
export type ScenarioFile = Static<typeof ScenarioFile>;

const Wording = { ja: Type.String({ minLength: 1 }), en: Type.String({ minLength: 1 }) };

export const PromptsFile = Type.Object(
  {
    prompts: Type.Record(
      Type.String({ pattern: '^[a-z][A-Za-z]*(\\.[A-Za-z]+)?$' }),
      Type.Object(
        {
          ...Wording,
          numbers: Type.Optional(
            Type.Record(
              Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]*$' }),
              Type.Object({ from: Type.Integer({ minimum: 0 }), to: Type.Integer({ maximum: 100 }) }, closed),
              { description: 'variables that are numbers, with their range' },
            ),
          ),
          /** What is said when a number is greater than its range. */
          beyond: Type.Optional(Type.Object(Wording, closed)),
        },
        closed,
      ),
      { description: "prompts by name, as 'queue.next'" },
    ),
  },
  { ...closed, title: 'Prompts', description: 'What the house itself says' },
);
export type PromptsFile = Static<typeof PromptsFile>;
