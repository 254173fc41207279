/**
 * What is due when. Times are set, moved and forgotten in O(log n) and leave no trace. Sorted as a whole, not a heap: times to come
 * are set in nearly the order in which they come due, so that both ends of the work touch few leaves, and those are hot.
 */
import type { EpochMs } from '../../base/ids.ts';
import { type Node, Ordered, type Placed } from './ordered.ts';

class Timer<T> implements Placed<Timer<T>> {
  readonly thing: T;
  due: EpochMs = Number.POSITIVE_INFINITY;
  /** Of two that are due at once, the one that was set first. */
  order = 0;
  leaf: Node<Timer<T>> | null = null;

  constructor(thing: T) {
    this.thing = thing;
  }
}

export type { Timer };

export interface HasTimer<T> {
  timer: Timer<T> | null;
}

export class DueList<T extends HasTimer<T>> {
  readonly #timers = new Ordered<Timer<T>>((a, b) => a.order - b.order);
  #next = 0;

  /** When the first is due, or Infinity. */
  get due(): EpochMs {
    return this.#timers.firstKey;
  }

  /** The one that is due first, if it is by then. */
  dueBy(now: EpochMs): T | null {
    return this.#timers.firstKey <= now ? (this.#timers.first as Timer<T>).thing : null;
  }

  /** @param due Infinity: never */
  set(thing: T, due: EpochMs): void {
    let { timer } = thing;
    if (timer !== null) {
      if (timer.leaf !== null) {
        if (timer.due === due) return;
        this.#timers.remove(timer);
      }
    } else if (due !== Number.POSITIVE_INFINITY) {
      timer = new Timer(thing);
      thing.timer = timer;
    }
    if (timer === null || due === Number.POSITIVE_INFINITY) return;
    timer.due = due;
    timer.order = this.#next++;
    this.#timers.insert(timer, due);
  }

  delete(thing: T): void {
    if (thing.timer !== null && thing.timer.leaf !== null) this.#timers.remove(thing.timer);
  }
}
