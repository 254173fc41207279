/** The form of a scenario file. The JSON Schema for editors is made from it (`npm run logic -- schema`). */
import { type Static, type TProperties, Type } from 'typebox';
import { VALUE_TYPES } from '../routing/conditions.ts';

const closed = { additionalProperties: false } as const;

const NAME = '^[A-Za-z][A-Za-z0-9]*$';
const KEY = '^[0-9*#]$';
const Duration = Type.String({ pattern: '^\\d+(\\.\\d+)?(ms|s|m)$', description: 'a duration, as 6s or 1500ms' });
/** Names of files may have hyphens. */
const ScenarioName = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]*$', description: 'the name of a scenario, as out-of-hours' });
const StepName = Type.String({ minLength: 1, description: 'the name of a step' });
const VariableName = Type.String({ pattern: NAME, description: 'the name of a variable' });
const Expression = Type.String({ minLength: 1, description: "an expression in CEL, as 'party.name' or 'tries + 1'" });
const Condition = Type.String({ minLength: 1, description: `a condition in CEL, as 'party.kind == "customer"'` });
const Expressions = Type.Record(Type.String({ pattern: NAME }), Expression, { description: "names with expressions, as number: 'code'" });
const DeskName = Type.String({ minLength: 1, description: "the id of a desk, or 'reception'" });

/** One text that is said. */
export const Text = Type.Object(
  {
    ja: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    en: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    recording: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$',
        description: 'a recording in prompts/<language>/, without .wav; said in place of the words',
      }),
    ),
  },
  {
    ...closed,
    description: 'the text in each language, as { ja: …, en: … }; {name} puts a variable in, {name:digits} reads it digit by digit',
  },
);
const Tries = Type.Integer({ minimum: 1, maximum: 10, description: 'how often it asks in all, from 1 to 10' });

/** What asking has in common, whether for many digits or for one. */
const asking = {
  prompt: Text,
  bargeIn: Type.Optional(Type.Boolean({ description: 'whether a key stops the prompt; left out: true' })),
  firstDigit: Type.Optional(Duration),
  tries: Type.Optional(Tries),
  onSilence: Type.Optional(Text),
  onInvalid: Type.Optional(Text),
  speech: Type.Optional(Type.Boolean({ description: 'whether the answer may be spoken, where a recogniser is set up; keys always may' })),
};

const Step = <P extends TProperties>(properties: P, description: string) => Type.Object(properties, { ...closed, description });

const Destination = {
  desk: Type.Optional(DeskName),
  priority: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 255, description: 'the priority class, from 0 (first) to 255; usual is 100' }),
  ),
  needs: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), Type.Integer({ minimum: 1, maximum: 255 }), {
      description: 'skills with the level that is needed, as english: 3',
    }),
  ),
};

const NotFound = Type.Union([StepName, Type.Object({ again: StepName, say: Type.Optional(Text) }, closed)], {
  description: 'the name of a step, or { again: STEP, say: { ja: …, en: … } }',
});

const ANSWERS_AS = ['digits', 'number', 'date', 'time', 'phone'] as const;

export const StepFile = Type.Union([
  Step(
    { say: Text, bargeIn: Type.Optional(Type.Boolean({ description: 'whether a key skips it; left out: false' })), next: StepName },
    'Says something and goes on.',
  ),
  Step(
    {
      ask: Type.Object(
        {
          ...asking,
          digits: Type.Object({ min: Type.Integer({ minimum: 1, maximum: 32 }), max: Type.Integer({ minimum: 1, maximum: 32 }) }, closed),
          end: Type.Optional(Type.Enum(['#', '*'], { description: "the key that ends the entry: '#' or '*'" })),
          betweenDigits: Type.Optional(Duration),
          saveAs: VariableName,
          as: Type.Optional(
            Type.Enum([...ANSWERS_AS], {
              description:
                'what the digits are: digits, number, date (MMDD or YYYYMMDD), time (HHMM), phone; one that cannot be is wrong input',
            }),
          ),
          check: Type.Optional(
            Type.String({ minLength: 1, description: `a condition in CEL that the answer must meet, as 'size(code) == 5'` }),
          ),
          secret: Type.Optional(
            Type.Boolean({
              description:
                'whether nobody is to see or hear the digits: they may be compared, and given to a service, and are kept nowhere',
            }),
          ),
        },
        closed,
      ),
      next: StepName,
      /** Where the end key alone leads, as in "if you have none, press #". Left out: that is an invalid entry. */
      empty: Type.Optional(StepName),
      failed: StepName,
    },
    'Asks for digits; `failed` after the last try.',
  ),
  Step(
    {
      menu: Type.Object(
        {
          ...asking,
          choices: Type.Record(Type.String({ pattern: KEY }), StepName, { description: "a key of 0-9 * #, as '1': sales" }),
          words: Type.Optional(
            Type.Record(Type.String({ pattern: KEY }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }), {
              description: "what may be said in place of a key, as '1': [sales, 営業]",
            }),
          ),
        },
        closed,
      ),
      failed: StepName,
    },
    'One key, one way.',
  ),
  Step(
    {
      yesNo: Type.Object(
        {
          ...asking,
          keys: Type.Optional(
            Type.Array(Type.String({ pattern: KEY }), {
              minItems: 2,
              maxItems: 2,
              description: "the keys for yes and no; left out: ['1', '2']",
            }),
          ),
        },
        closed,
      ),
      yes: StepName,
      no: StepName,
      failed: StepName,
    },
    'A question that is answered by yes or no.',
  ),
  Step(
    {
      chooseLanguage: Type.Object(
        {
          ...asking,
          choices: Type.Record(Type.String({ pattern: KEY }), Type.Enum(['ja', 'en']), {
            description: "a key with its language, as '2': en",
          }),
        },
        closed,
      ),
      next: StepName,
      /** After the last try, in the language that it was. Left out: `next`. */
      failed: Type.Optional(StepName),
    },
    'Lets the caller choose the language; the prompt is said in each.',
  ),
  Step(
    {
      lookUp: Type.Union([
        Type.Object({ customerCode: VariableName }, closed),
        Type.Object({ phone: VariableName }, closed),
        Type.Object({ order: VariableName }, closed),
        Type.Object(
          {
            service: Type.String({ minLength: 1, description: 'a service of services.yaml' }),
            with: Type.Optional(Expressions),
            save: Type.Optional(
              Type.Record(Type.String({ pattern: NAME }), Type.String({ minLength: 1 }), {
                description: 'variables with the field of the answer that they get, as orderStatus: status',
              }),
            ),
          },
          closed,
        ),
      ]),
      found: StepName,
      notFound: NotFound,
      /** Only for a service: it did not answer in time or not as agreed. Left out: `notFound`. */
      failed: Type.Optional(StepName),
    },
    'Looks the customer up by what was saved, or asks a service.',
  ),
  Step({ set: Expressions, next: StepName }, 'Puts values into declared variables.'),
  Step(
    {
      when: Type.Array(Type.Object({ if: Condition, to: StepName }, closed), { minItems: 1 }),
      otherwise: StepName,
    },
    'Goes on by the first condition that holds.',
  ),
  Step({ hours: DeskName, open: StepName, closed: StepName }, "Goes on by a desk's business hours."),
  Step(
    {
      route: Type.Union([DeskName, Type.Object(Destination, closed)], {
        description: "the id of a desk, 'reception', or { desk, priority, needs }",
      }),
    },
    'To a desk, to wait there as the house has it.',
  ),
  Step(
    {
      queue: Type.Object(
        {
          ...Destination,
          announce: Type.Optional(
            Type.Object(
              {
                every: Type.Optional(Duration),
                next: Type.Optional(Text),
                position: Type.Optional(Text),
                wait: Type.Optional(Text),
                nobody: Type.Optional(Text),
                offers: Type.Optional(Text),
              },
              {
                ...closed,
                description: 'what the caller is told: next, position ({position}), wait ({minutes}), nobody, offers; every: how often',
              },
            ),
          ),
          offers: Type.Optional(
            Type.Record(Type.String({ pattern: KEY }), StepName, { description: "a key that leads out of the queue, as '1': callMeBack" }),
          ),
          longest: Type.Optional(Duration),
        },
        closed,
      ),
      /** Where it leads when nobody is there who could answer. Left out: it waits all the same. */
      nobody: Type.Optional(StepName),
      tooLong: Type.Optional(StepName),
    },
    'Waits for an agent.',
  ),
  Step(
    {
      callBack: Type.Object(
        { number: Type.Optional(VariableName), at: Type.Optional(VariableName), desk: Type.Optional(DeskName) },
        closed,
      ),
      next: StepName,
      failed: StepName,
    },
    'Promises to call back: the calling number or one that was asked for, as soon as it is its turn or at a time.',
  ),
  Step(
    {
      record: Type.Object(
        {
          prompt: Text,
          longest: Type.Optional(Duration),
          shortest: Type.Optional(Duration),
          silence: Type.Optional(Duration),
          end: Type.Optional(Type.Enum(['#', '*'], { description: "the key that ends it: '#' or '*'" })),
          beep: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
      next: StepName,
      failed: StepName,
    },
    'Records what the caller says; `failed` when that was nothing.',
  ),
  Step(
    { leaveMessage: Type.Object({ desk: Type.Optional(DeskName) }, closed), next: StepName },
    'What was recorded goes to a desk, as a contact of its own.',
  ),
  Step(
    {
      send: Type.Object(
        {
          hook: Type.String({ minLength: 1, description: 'a hook of services.yaml' }),
          with: Type.Optional(Expressions),
          text: Type.Optional(Text),
        },
        closed,
      ),
      next: StepName,
    },
    'Has a hook send something, as an SMS or e-mail.',
  ),
  Step(
    {
      transferOut: Type.Object(
        {
          to: Type.String({ pattern: '^\\+[1-9]\\d{5,14}$', description: "a number in E.164, as '+81312345678'" }),
          timeout: Type.Optional(Duration),
        },
        closed,
      ),
      failed: StepName,
    },
    'Puts the caller through to a number outside.',
  ),
  Step({ keep: Expressions, next: StepName }, 'Keeps answers with the contact, as those of a survey.'),
  Step(
    // biome-ignore lint/suspicious/noThenProperty: it is a word of the language, and nobody awaits a schema
    { call: ScenarioName, then: Type.Record(Type.String({ pattern: NAME }), StepName, { description: 'where its handBack words lead' }) },
    'Goes through another scenario, and on by its handBack.',
  ),
  Step(
    {
      handBack: Type.String({
        pattern: NAME,
        description: "'identified', 'notIdentified', or any word where another scenario calls this one",
      }),
    },
    'To the control logic, or back to the scenario that called.',
  ),
  Step(
    {
      hangUp: Type.Union([Type.Literal(true), Type.String({ pattern: NAME })], {
        description: 'true, or a word that is noted as how it ended, as confirmed',
      }),
    },
    'Hangs up.',
  ),
]);
export type StepFile = Static<typeof StepFile>;

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
const Values = Type.Record(Type.String({ pattern: NAME }), Scalar);

export const ScenarioTest = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    language: Type.Enum(['ja', 'en']),
    variables: Type.Optional(Values),
    given: Type.Optional(
      Type.Object(
        {
          from: Type.Optional(
            Type.String({ pattern: '^(\\+[1-9]\\d{5,14}|withheld)$', description: "the calling number in E.164, or 'withheld'" }),
          ),
          party: Type.Optional(
            Type.Object(
              {
                kind: Type.Enum(['customer', 'prospect', 'new', 'dealer', 'agency', 'unknown']),
                name: Type.Optional(Type.String()),
                language: Type.Optional(Type.Enum(['ja', 'en'])),
                region: Type.Optional(Type.String()),
                customerCode: Type.Optional(Type.String()),
                organisation: Type.Optional(Type.String()),
                handlingDesk: Type.Optional(Type.String()),
                lastDesk: Type.Optional(Type.String()),
              },
              closed,
            ),
          ),
          at: Type.Optional(Type.String({ description: 'when, with its zone, as 2026-11-20T10:00+09:00' })),
          entry: Type.Optional(Type.String()),
          closed: Type.Optional(Type.Array(Type.String(), { description: 'desks that are closed' })),
          staffed: Type.Optional(Type.Boolean({ description: 'whether anybody is there to answer; left out: true' })),
          position: Type.Optional(Type.Integer({ minimum: 1 })),
          waitMinutes: Type.Optional(Type.Integer({ minimum: 0 })),
          speech: Type.Optional(Type.Boolean({ description: 'whether a recogniser is set up; left out: false' })),
          services: Type.Optional(
            Type.Record(Type.String(), Type.Union([Type.Enum(['notFound', 'failed']), Values]), {
              description: "what services answer: fields with values, 'notFound' or 'failed'",
            }),
          ),
          callBack: Type.Optional(Type.Enum(['promised', 'refused'])),
          transfer: Type.Optional(Type.Enum(['answered', 'busy', 'noAnswer', 'failed'])),
        },
        closed,
      ),
    ),
    caller: Type.Array(
      Type.String({
        pattern: '^(silence|hangUp|agent|says .+|records \\d+s|waits \\d+(s|m)|!?[0-9*#A-D]+)$',
        description:
          "keys ('10023#'), keys into the prompt ('!10023#'), silence, hangUp, says WORDS, records 5s, waits 2m, or agent (one answers)",
      }),
    ),
    known: Type.Optional(Type.Array(Type.String(), { description: 'customer codes, phone and order numbers that the database has' })),
    hears: Type.Optional(Type.Array(Type.String(), { description: 'parts of what is said, in this order' })),
    hearsNot: Type.Optional(Type.Array(Type.String(), { description: 'what is never said' })),
    does: Type.Optional(Type.Array(Type.String(), { description: "what is done, in this order, as 'keep satisfaction=5' or 'send sms'" })),
    ends: Type.String({
      pattern: '^(handBack \\w+|route \\S+|hangUp( \\w+)?|connected|abandoned|transferOut \\S+|waiting)$',
      description: "'handBack identified', 'route DESK', 'hangUp', 'hangUp WORD', connected, abandoned, waiting or 'transferOut NUMBER'",
    }),
  },
  closed,
);
export type ScenarioTest = Static<typeof ScenarioTest>;

export const ScenarioFile = Type.Object(
  {
    name: ScenarioName,
    callers: Type.Optional(
      Type.Enum(['unidentified', 'everybody'], {
        description: 'whom it greets where an entry names it: callers who are not found by their number (left out), or everybody',
      }),
    ),
    languages: Type.Array(Type.Enum(['ja', 'en']), { minItems: 1, description: 'languages, the first one serves all others' }),
    variables: Type.Optional(
      Type.Union(
        [
          Type.Array(VariableName),
          Type.Record(Type.String({ pattern: NAME }), Type.Enum([...VALUE_TYPES]), { description: 'variables with what they hold' }),
        ],
        { description: 'variables that are given or set, as { tries: int }; those that are asked for need not be named' },
      ),
    ),
    start: StepName,
    steps: Type.Record(Type.String({ pattern: NAME }), StepFile, { description: 'steps by name, of letters and digits, as askCode' }),
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
