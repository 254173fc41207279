/** What simulated people do by chance: the same seed, the same day, on every machine. */
import { mulberry32 } from '#src/base/random.ts';

export class Random {
  /** 0 ≤ x < 1 */
  readonly next: () => number;
  constructor(seed: number) {
    this.next = mulberry32(seed);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }

  /** Exponentially distributed, whole milliseconds, at least 1. */
  exponentialMs(meanMs: number): number {
    return Math.max(1, Math.round(-Math.log(1 - this.next()) * meanMs));
  }
}
