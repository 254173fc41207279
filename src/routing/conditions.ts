/** The conditions of rules: CEL, compiled and type-checked once when the file is read, evaluated for every contact. */
import { type TypeError as CelTypeError, Environment, type ParseError } from '@marcbachmann/cel-js';
import { nearest, suggest } from '../base/checked-yaml.ts';

/** What a condition can ask for. The values are made by `control-logic.ts`; what is not known is an empty text. */
export const VARIABLES = {
  party: {
    kind: 'string',
    language: 'string',
    region: 'string',
    customerCode: 'string',
    organisation: 'string',
    handlingDesk: 'string',
    lastDesk: 'string',
  },
  caller: { number: 'string', numberKind: 'string', country: 'string', region: 'string' },
  entry: { id: 'string', language: 'string', country: 'string', maker: 'string' },
  now: { date: 'string', weekday: 'int', hour: 'int', minute: 'int' },
} as const;

/** Words that `party.kind` and the like can be: a comparison with any other is a slip. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'party.kind': ['customer', 'prospect', 'new', 'dealer', 'agency', 'unknown'],
  'party.language': ['ja', 'en', ''],
  'entry.language': ['ja', 'en'],
  'caller.numberKind': ['valid', 'withheld', 'missing', 'malformed'],
  channel: ['voice', 'callback', 'message'],
};

export interface ConditionFacts {
  readonly party: Readonly<Record<keyof (typeof VARIABLES)['party'], string>>;
  readonly caller: Readonly<Record<keyof (typeof VARIABLES)['caller'], string>>;
  readonly entry: Readonly<Record<keyof (typeof VARIABLES)['entry'], string>>;
  readonly channel: string;
  readonly now: { readonly date: string; readonly weekday: bigint; readonly hour: bigint; readonly minute: bigint };
}

export type Condition = (facts: ConditionFacts) => boolean;

export interface ConditionProblem {
  /** Offset in the expression. */
  readonly start: number;
  readonly problem: string;
  readonly remedy: string;
}

function newEnvironment(): Environment {
  const environment = new Environment({
    limits: { maxAstNodes: 500, maxDepth: 50, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 8 },
  });
  for (const [name, schema] of Object.entries(VARIABLES)) environment.registerVariable({ name, schema });
  return environment.registerVariable('channel', 'string');
}
const ENVIRONMENT = newEnvironment();
const NAMES = [...Object.keys(VARIABLES), 'channel'];

/** Compiles one condition, or says what is wrong with it. */
export function compileCondition(text: string): Condition | ConditionProblem {
  const checked = ENVIRONMENT.check(text);
  if (!checked.valid) return explain(text, checked.error);
  if (checked.type !== 'bool') {
    return {
      start: 0,
      problem: `the condition gives ${checked.type} and not bool`,
      remedy: `compare it with something, as 'party.kind == "dealer"'`,
    };
  }
  const slip = unknownWord(text);
  if (slip) return slip;
  const compiled = ENVIRONMENT.parse(text);
  return (facts) => compiled(facts as unknown as Record<string, unknown>) === true;
}

function explain(text: string, error: ParseError | CelTypeError | undefined): ConditionProblem {
  const start = error?.range?.start ?? 0;
  const word = text.slice(start, error?.range?.end ?? start);
  const problem = `the condition is not right: ${error?.summary ?? 'it cannot be read'}`;
  if (error?.code === 'unknown_variable') return { start, problem: `there is no variable '${word}'`, remedy: suggest(word, NAMES) };
  if (error?.code === 'no_such_key') {
    const owner = /([A-Za-z_]+)\s*\.\s*$/.exec(text.slice(0, start))?.[1] ?? '';
    const fields = Object.keys(VARIABLES[owner as keyof typeof VARIABLES] ?? {});
    return { start, problem: `'${owner}' has no field '${word}'`, remedy: suggest(word, fields) };
  }
  if (error?.code === 'no_such_overload' || error?.code === 'no_matching_overload') {
    return { start, problem, remedy: 'compare texts with texts in quotes ("13") and numbers with numbers (13)' };
  }
  return { start, problem, remedy: `write CEL, as 'party.kind == "dealer" && caller.region == "13"'` };
}

/** `party.kind == "custommer"` is good CEL and never true. */
function unknownWord(text: string): ConditionProblem | null {
  for (const match of text.matchAll(/([a-z]+(?:\.[A-Za-z]+)?)\s*[!=]=\s*(["'])([^"']*)\2/g)) {
    const [whole, variable = '', quote = '"', word = ''] = match;
    const words = WORDS[variable];
    if (!words || words.includes(word)) continue;
    const meant = nearest(word, words);
    const start = match.index + whole.length - word.length - 2;
    return {
      start,
      problem: `${variable} is never ${quote}${word}${quote}`,
      remedy: meant ? `did you mean "${meant}"?` : `it is one of: ${words.filter((w) => w !== '').join(', ')}`,
    };
  }
  return null;
}
