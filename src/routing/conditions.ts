/** The conditions of rules: CEL, compiled and type-checked once when the file is read, evaluated for every contact. */
import { type TypeError as CelTypeError, Environment, type ParseError } from '@marcbachmann/cel-js';
import { nearest, suggest } from '../base/nearest.ts';

/** What a condition can ask for. The values are made by `control-logic.ts`; what is not known is an empty text. */
export const VARIABLES = {
  party: {
    kind: 'string',
    name: 'string',
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

/** What a variable that a file declares can be. */
export const VALUE_TYPES = ['string', 'int', 'double', 'bool'] as const;
export type ValueType = (typeof VALUE_TYPES)[number];
export type Value = string | number | boolean;

/** Nobody writes, reads or listens to more; and a text that is put behind itself in each round is not to fill the memory. */
const LONGEST_TEXT = 2_000;

/** A compiled expression. Whatever goes wrong with these values (a division by zero, a text without end) gives null. */
export interface Expression {
  /** As it is written. */
  readonly text: string;
  readonly type: ValueType;
  readonly evaluate: (facts: ConditionFacts, variables: Readonly<Record<string, Value>>) => Value | null;
}

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
const NAMES: readonly string[] = [...Object.keys(VARIABLES), 'channel'];
/** Names that a file's own variables cannot have. */
export const FACT_NAMES = NAMES;

/** Compiles one condition, or says what is wrong with it. */
export function compileCondition(text: string): Condition | ConditionProblem {
  const type = checkedType(ENVIRONMENT, text, NAMES);
  if (typeof type !== 'string') return type;
  if (type !== 'bool') return notABool(type);
  const compiled = ENVIRONMENT.parse(text);
  return (facts) => compiled(facts as unknown as Record<string, unknown>) === true;
}

/**
 * A compiler of expressions over the facts and variables of one's own, which must not be named as a fact is.
 * @param declared the variables and what they hold
 */
export function expressionsOver(
  declared: Readonly<Record<string, ValueType>>,
): (text: string, wanted?: ValueType) => Expression | ConditionProblem {
  const environment = ENVIRONMENT.clone();
  for (const [name, type] of Object.entries(declared)) environment.registerVariable(name, type);
  const names = [...NAMES, ...Object.keys(declared)];
  return (text, wanted) => {
    const type = checkedType(environment, text, names);
    if (typeof type !== 'string') return type;
    if (!isValueType(type)) {
      return { start: 0, problem: `the expression gives ${type}`, remedy: `it must give one of: ${VALUE_TYPES.join(', ')}` };
    }
    if (wanted === 'bool' && type !== 'bool') return notABool(type);
    if (wanted !== undefined && wanted !== type) {
      return { start: 0, problem: `the expression gives ${type} and not ${wanted}`, remedy: `write ${wanted}(…) around it` };
    }
    const compiled = environment.parse(text);
    return {
      text,
      type,
      evaluate(facts, variables) {
        // One object for both: facts are not copied, for some of them are worked out only when they are asked for.
        const known = Object.create(facts) as Record<string, unknown>;
        for (const [name, declaredAs] of Object.entries(declared)) known[name] = celValue(variables[name], declaredAs);
        try {
          return usable(compiled(known));
        } catch {
          return null; // types are right, so it is the values: "a" as an int, a division by zero
        }
      },
    };
  };
}

/** As it can be kept and read out: a number that there is, with all its digits; a text that ends. Null: it cannot. */
function usable(given: unknown): Value | null {
  const value = typeof given === 'bigint' ? Number(given) : (given as Value);
  if (typeof value === 'string') return value.length <= LONGEST_TEXT ? value : null;
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) && (typeof given !== 'bigint' || Number.isSafeInteger(value)) ? value : null;
}

const isValueType = (type: string): type is ValueType => (VALUE_TYPES as readonly string[]).includes(type);

/** What a variable is before anything was put in: so no condition on it fails. */
export const EMPTY: Readonly<Record<ValueType, Value>> = { string: '', int: 0, double: 0, bool: false };

function celValue(value: Value | undefined, type: ValueType): unknown {
  const held = value ?? EMPTY[type];
  return type === 'int' && typeof held === 'number' ? BigInt(Math.trunc(held)) : held;
}

const notABool = (type: string): ConditionProblem => ({
  start: 0,
  problem: `the condition gives ${type} and not bool`,
  remedy: `compare it with something, as 'party.kind == "dealer"'`,
});

/** The type of an expression that is right. */
function checkedType(environment: Environment, text: string, names: readonly string[]): string | ConditionProblem {
  const checked = environment.check(text);
  if (!checked.valid) return explain(text, checked.error, names);
  return unknownWord(text) ?? slowPattern(text) ?? checked.type ?? 'dyn';
}

/**
 * Patterns are JavaScript's, which tries every way through a text that does not fit: a repeated group with repetitions or alternatives in it
 * takes twice as long for each further character. Nobody's call waits for that.
 */
function slowPattern(text: string): ConditionProblem | null {
  const written = new Map([...text.matchAll(/\bmatches\s*\(\s*r?(["'])((?:\\.|(?!\1).)*)\1\s*\)/gs)].map((m) => [m.index, m[2] ?? '']));
  for (const { index } of text.matchAll(/\bmatches\s*\(/g)) {
    const pattern = written.get(index);
    if (pattern === undefined)
      return { start: index, problem: 'the pattern is not written here', remedy: 'write it in quotes, as matches("^0[0-9]+$")' };
    if (triesAllWays(pattern)) {
      return {
        start: index,
        problem: 'the pattern may take for ever',
        remedy: 'repeat no group in which something is repeated, or with | in it',
      };
    }
  }
  return null;
}

function triesAllWays(pattern: string): boolean {
  /** Of each group that is open: whether there are several ways through it. */
  const open = [false];
  // Escaped characters and sets are one character each; `{3}` and `?` leave no choice of how often.
  for (const [part] of pattern.matchAll(/\\.|\[(?:\\.|[^\]])*\]|\)(?:[+*]|\{\d*,\d*\})|\{\d*,\d*\}|./gs)) {
    if (part === '(') open.push(false);
    else if (part.startsWith(')')) {
      const several = open.length > 1 && open.pop() === true;
      if (part.length > 1 && several) return true;
      if (several || part.length > 1) open[open.length - 1] = true;
    } else if (part === '|' || part === '+' || part === '*' || /^{./.test(part)) open[open.length - 1] = true;
  }
  return false;
}

function explain(text: string, error: ParseError | CelTypeError | undefined, names: readonly string[]): ConditionProblem {
  const start = error?.range?.start ?? 0;
  const word = text.slice(start, error?.range?.end ?? start);
  const problem = `the condition is not right: ${error?.summary ?? 'it cannot be read'}`;
  if (error?.code === 'unknown_variable') return { start, problem: `there is no variable '${word}'`, remedy: suggest(word, names) };
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
