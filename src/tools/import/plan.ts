/** What an import would do, worked out in full before anything is written. */

import type { CsvFile, Mistake } from '../../base/csv.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Columns } from './cells.ts';

export interface Counts {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
}

export interface Plan {
  readonly mistakes: readonly Mistake[];
  readonly counts: Counts;
  /** Those who get a password, with the names that they log in by. */
  readonly needPassword: readonly { readonly id: string; readonly userName: string; readonly name: string }[];
  /** Writes what is new or changed; `progress` hears how many are written. */
  write(db: Queryable, passwordHashes: ReadonlyMap<string, string>, progress: (done: number, all: number) => void): Promise<void>;
}

export interface Importer {
  readonly columns: Columns;
  readonly about: string;
  plan(db: Queryable, domainId: string, file: CsvFile): Promise<Plan>;
}

/** Enough for few round trips, and little enough for a progress display that moves. */
const BATCH = 1_000;

export async function inBatches<T>(
  records: readonly T[],
  write: (batch: readonly T[]) => Promise<void>,
  progress: (done: number, all: number) => void,
): Promise<void> {
  for (let from = 0; from < records.length; from += BATCH) {
    await write(records.slice(from, from + BATCH));
    progress(Math.min(from + BATCH, records.length), records.length);
  }
}

/** Sorts what the file wants into new, changed and the same. Both sides have their fields in the same order. */
export function compare<T>(wanted: Iterable<readonly [string, T]>, existing: ReadonlyMap<string, T>): { write: T[]; counts: Counts } {
  const write: T[] = [];
  let added = 0;
  let changed = 0;
  let unchanged = 0;
  for (const [key, record] of wanted) {
    const before = existing.get(key);
    if (before === undefined) added += 1;
    else if (JSON.stringify(inOrder(before)) === JSON.stringify(inOrder(record))) {
      unchanged += 1;
      continue;
    } else changed += 1;
    write.push(record);
  }
  return { write, counts: { added, changed, unchanged } };
}

/** The same fields in the same order, however deep: Postgres's jsonb has its own. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, inOrder(field)]),
  );
}

/** Without what is undefined, so that a column which is not there leaves the field as it was. */
export function given<T extends object>(fields: { readonly [K in keyof T]?: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
