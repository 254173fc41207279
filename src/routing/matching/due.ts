/** What is due when: a heap whose things know their place in it, so that a time can be moved or forgotten without leaving a trace. */
import type { EpochMs } from '../../base/ids.ts';

export interface HasDue {
  /** Infinity: never. */
  due: EpochMs;
  /** Its place in the heap; -1 when it is not in it. */
  dueIndex: number;
}

export class DueHeap<T extends HasDue> {
  readonly #heap: T[] = [];

  /** The one that is due first, or undefined. */
  get top(): T | undefined {
    return this.#heap[0];
  }

  set(thing: T, due: EpochMs): void {
    if (due === Number.POSITIVE_INFINITY) {
      this.delete(thing);
      return;
    }
    const before = thing.due;
    thing.due = due;
    if (thing.dueIndex < 0) {
      thing.dueIndex = this.#heap.length;
      this.#heap.push(thing);
      this.#up(thing);
    } else if (due < before) this.#up(thing);
    else if (due > before) this.#down(thing);
  }

  delete(thing: T): void {
    const at = thing.dueIndex;
    thing.due = Number.POSITIVE_INFINITY;
    if (at < 0) return;
    thing.dueIndex = -1;
    const last = this.#heap.pop() as T;
    if (last === thing) return;
    this.#heap[at] = last;
    last.dueIndex = at;
    this.#up(last);
    this.#down(last);
  }

  #up(thing: T): void {
    const heap = this.#heap;
    let i = thing.dueIndex;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as T;
      if (above.due <= thing.due) break;
      heap[i] = above;
      above.dueIndex = i;
      i = parent;
    }
    heap[i] = thing;
    thing.dueIndex = i;
  }

  #down(thing: T): void {
    const heap = this.#heap;
    let i = thing.dueIndex;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as T).due < (heap[child] as T).due) child++;
      const below = heap[child] as T;
      if (below.due >= thing.due) break;
      heap[i] = below;
      below.dueIndex = i;
      i = child;
    }
    heap[i] = thing;
    thing.dueIndex = i;
  }
}
