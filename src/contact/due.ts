/** What is due when: the timers of all records. */
import type { EpochMs } from '../base/ids.ts';

export interface Due {
  readonly at: EpochMs;
  readonly kind: 'contact' | 'offer' | 'agent';
  readonly id: string;
  readonly name: string;
}

/** Earliest first: a heap. In columns, as whoever waits has a timer, and an object for each takes twice as much. */
export class DueTimers {
  readonly #at: EpochMs[] = [];
  readonly #kind: Due['kind'][] = [];
  readonly #id: string[] = [];
  readonly #name: string[] = [];
  readonly #isLive: (due: Due) => boolean;

  /** @param isLive whether a record still has that timer at that time; one that has not is stale, and skipped */
  constructor(isLive: (due: Due) => boolean) {
    this.#isLive = isLive;
  }

  /** When the first is due. */
  next(): EpochMs | null {
    for (let top = this.#get(0); top !== null; top = this.#get(0)) {
      if (this.#isLive(top)) return top.at;
      this.#pop();
    }
    return null;
  }

  /** Those that are due at `at`, earliest first. They stay. */
  by(at: EpochMs): readonly Due[] {
    const found: Due[] = [];
    const visit = (i: number): void => {
      const due = this.#get(i);
      if (due === null || due.at > at) return; // nor is anything below it
      if (this.#isLive(due)) found.push(due);
      visit(2 * i + 1);
      visit(2 * i + 2);
    };
    visit(0);
    return found.sort((a, b) => a.at - b.at);
  }

  push(due: Due): void {
    let i = this.#at.length;
    this.#put(i, due);
    for (let parent = (i - 1) >> 1; i > 0 && (this.#at[parent] as EpochMs) > due.at; parent = (i - 1) >> 1) {
      this.#put(i, this.#get(parent) as Due);
      i = parent;
    }
    this.#put(i, due);
  }

  #pop(): void {
    const at = this.#at;
    const last = this.#get(at.length - 1) as Due;
    for (const column of [at, this.#kind, this.#id, this.#name]) column.pop();
    if (at.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= at.length) break;
      if (child + 1 < at.length && (at[child + 1] as EpochMs) < (at[child] as EpochMs)) child++;
      if ((at[child] as EpochMs) >= last.at) break;
      this.#put(i, this.#get(child) as Due);
      i = child;
    }
    this.#put(i, last);
  }

  #get(i: number): Due | null {
    const at = this.#at[i];
    return at === undefined ? null : { at, kind: this.#kind[i] as Due['kind'], id: this.#id[i] as string, name: this.#name[i] as string };
  }

  #put(i: number, { at, kind, id, name }: Due): void {
    this.#at[i] = at;
    this.#kind[i] = kind;
    this.#id[i] = id;
    this.#name[i] = name;
  }
}
