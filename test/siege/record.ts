/** What the switch and the people around it saw, written as it happens: nothing that a node says or stores can change it. */
import fs from 'node:fs';
import type { LegCause, OriginateOrder } from '#src/cti/port.ts';

export type Seen =
  /** Somebody called in. */
  | { readonly what: 'arrived'; readonly leg: string }
  /** A node gave an order; `outcome` is `done` or the code of the refusal. */
  | { readonly what: 'order'; readonly node: string; readonly method: string; readonly args: readonly unknown[]; readonly outcome: string }
  /** An originate that was not a repetition: a phone is dialled now. */
  | { readonly what: 'dialled'; readonly node: string; readonly leg: string; readonly to: OriginateOrder['to'] }
  | { readonly what: 'ringing' | 'answered'; readonly leg: string }
  /** These two talk from now on. */
  | { readonly what: 'joined'; readonly node: string; readonly bridge: string; readonly legs: readonly string[] }
  | { readonly what: 'ended'; readonly leg: string; readonly cause: LegCause }
  /** A visitor asked for a callback, and got an answer or none. */
  | { readonly what: 'callMe'; readonly token: string; readonly acknowledged: boolean }
  /** A node says that it decides from now on. */
  | { readonly what: 'owning'; readonly node: string; readonly fence: number };

export type Entry = Seen & { readonly at: number };

export class Recorder {
  readonly #file: number;

  constructor(path: string) {
    this.#file = fs.openSync(path, 'a');
  }

  note(seen: Seen): void {
    fs.writeSync(this.#file, `${JSON.stringify({ at: Date.now(), ...seen })}\n`);
  }
}

/** Lines of JSON; the last may be torn when its writer was killed. */
export function readLines<T>(path: string): T[] {
  if (!fs.existsSync(path)) return [];
  const lines = fs.readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as T);
}
