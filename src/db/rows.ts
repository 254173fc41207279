/**
 * Many records as the rows of one statement: an array for each column, which Postgres takes apart with a fraction of what taking
 * fields out of JSON costs it (bench/durable.ts), and one JSON array for what is stored as a document.
 */

/** What of a record goes into a column. `ms` are milliseconds and become a time; `json` goes in as it is, one such column at most. */
type Column<T> = readonly [type: 'text' | 'integer' | 'number' | 'ms' | 'json', of: (record: T) => unknown];
export type Columns<T> = Readonly<Record<string, Column<T>>>;

const SQL_TYPE = { text: 'text', integer: 'bigint', number: 'float8', ms: 'float8', json: 'json' } as const;

export interface Rows<T> {
  /** The columns' names, in the order of `values`. */
  readonly names: readonly string[];
  /** What a `select` from `from` selects for them. */
  readonly values: string;
  /** A `from` item with the columns, and the record's place (from 1) as `n`. */
  readonly from: string;
  /** The statement's parameters for these records. */
  readonly parameters: (records: readonly T[]) => string[];
}

/** @param first number of the first parameter that is free */
export function rowsOf<T>(columns: Columns<T>, first: number): Rows<T> {
  const flat = Object.entries(columns).filter(([, [type]]) => type !== 'json');
  const documents = Object.entries(columns).filter(([, [type]]) => type === 'json');
  const arrays = flat.map(([, [type]], i) => `$${first + i}::${SQL_TYPE[type]}[]`);
  const sources = [`unnest(${arrays.join(', ')})`, ...documents.map((_, i) => `json_array_elements($${first + flat.length + i}::json)`)];
  const names = [...flat, ...documents].map(([name]) => name);
  return {
    names,
    values: [
      ...flat.map(([name, [type]]) => (type === 'ms' ? `to_timestamp(given.${name} / 1000)` : `given.${name}`)),
      ...documents.map(([name]) => `given.${name}`),
    ].join(', '),
    from: `rows from (${sources.join(', ')}) with ordinality as given (${names.join(', ')}, n)`,
    parameters: (records) => [
      ...flat.map(([, [type, of]]) => `{${records.map((record) => element(type, of(record))).join()}}`),
      ...documents.map(([, [, of]]) => json(records.map(of))),
    ],
  };
}

/** As Postgres writes the elements of arrays. */
function element(type: Column<never>[0], value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (type !== 'text') return String(value);
  const text = String(value);
  const clean = text.includes('\0') || !text.isWellFormed() ? cleaned(text) : text;
  return `"${/["\\]/.test(clean) ? clean.replaceAll(/["\\]/g, '\\$&') : clean}"`;
}

/**
 * What `text` and `jsonb` take. They refuse the character U+0000 and halves of surrogate pairs, which strings from outside (a SIP
 * header, a visitor's question) may hold; they become U+FFFD. A refused commit would be tried again for ever.
 */
const cleaned = (part: string): string => part.replaceAll('\0', '\uFFFD').toWellFormed();

/** JSON that `json` and `jsonb` take. */
function json(value: readonly unknown[]): string {
  const text = JSON.stringify(value);
  if (!/\\u(0000|d[89a-f])/i.test(text)) return text;
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return cleaned(part);
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, field]) => [cleaned(key), field]));
  });
}
