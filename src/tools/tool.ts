/** What the tools share: how they read the settings and files, and how they end when it does not go well. */
import { readFileSync } from 'node:fs';
import { FileProblemsError } from '../base/checked-yaml.ts';
import { UnreadableCsv } from '../base/csv.ts';
import { nearest } from '../base/nearest.ts';
import { type Config, loadConfig } from '../config.ts';

export type Env = Readonly<Record<string, string | undefined>>;
export type Print = (text: string) => void;

/** What was asked cannot be done so, in words for whoever called the tool. */
export class UsageError extends Error {}
/** Rightly called, but there is nothing to tell of. */
export class NothingFoundError extends Error {}

export interface Frame {
  /** Where it says what went wrong. */
  readonly print: Print;
  /** How to call it: follows the message that there is no such option. */
  readonly hint?: string;
  /** What it ends with when a file that it reads is wrong (1). */
  readonly wrongFile?: number;
}

/**
 * Does a tool's work, and tells what went wrong.
 * @returns the exit code: the work's own; 1 when a file is wrong or there is nothing to tell of; 2 when it was called wrongly
 * @throws whatever else the work throws
 */
export async function runTool({ print, hint, wrongFile = 1 }: Frame, work: () => number | Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const end = (code: number, text = ''): number => {
      print(`${error instanceof Error ? error.message : String(error)}\n${text}`);
      return code;
    };
    if (isArgsError(error)) return end(2, hint);
    if (error instanceof UsageError) return end(2);
    if (error instanceof NothingFoundError) return end(1);
    if (error instanceof FileProblemsError || error instanceof UnreadableCsv) return end(wrongFile);
    throw error;
  }
}

/** Of `parseArgs`. */
const isArgsError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');

/**
 * The settings, as the server has them.
 * @param domain another centre than `DOMAIN`
 * @param argv as the server's: `--config FILE`
 * @throws UsageError with all that is wrong with them
 */
export function configOf(env: Env, domain: string | null = null, argv: readonly string[] = []): Config {
  const loaded = loadConfig(env, argv, (file) => readFileSync(file, 'utf8'));
  if (loaded.kind !== 'config') throw new UsageError(loaded.text);
  return domain === null ? loaded.config : { ...loaded.config, domain };
}

/** @throws UsageError */
export function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new UsageError(`${file} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** `there is no desk "tokio-desk", did you mean tokyo-desk? (osaka-desk, tokyo-desk)`, behind the option that named it. */
export function noSuch(what: string, word: string, names: readonly string[], option?: string): UsageError {
  const near = nearest(word, names);
  const where = option === undefined ? '' : `${option}: `;
  return new UsageError(`${where}there is no ${what} "${word}"${near ? `, did you mean ${near}?` : ''} (${names.join(', ')})`);
}
