/**
 * Drawings of scenarios, made in another thread: where many ways cross, finding places for them takes seconds, and the one thread that we
 * have answers callers. Each is made once.
 */
import { Worker } from 'node:worker_threads';
import { packed } from './drawing-worker.ts';
import type { Scenario } from './ivr/parse.ts';

/** Nobody could follow what takes longer. */
const LONGEST_MS = 15_000;
const MOST_MEGABYTES = 256;

export class TooTangled extends Error {
  constructor() {
    super('the scenario has too many ways to be drawn');
    this.name = 'TooTangled';
  }
}

export class Drawings {
  /** Of one release, by scenario and language; also those that are too tangled, since they ever will be. */
  #made = new Map<string, Promise<string>>();
  #version = '';
  #last: Promise<unknown> = Promise.resolve();
  readonly #longestMs: number;

  constructor(longestMs = LONGEST_MS) {
    this.#longestMs = longestMs;
  }

  /** @throws TooTangled when it takes too long */
  draw(version: string, scenario: Scenario, language: 'ja' | 'en'): Promise<string> {
    if (version !== this.#version) this.#made = new Map();
    this.#version = version;
    const key = `${language} ${scenario.name}`;
    const made = this.#made.get(key) ?? this.#inTurn(packed(scenario, language));
    this.#made.set(key, made);
    made.catch((error: unknown) => {
      if (!(error instanceof TooTangled) && this.#made.get(key) === made) this.#made.delete(key);
    });
    return made;
  }

  #inTurn(order: string): Promise<string> {
    const done = this.#last.then(() => this.#make(order));
    this.#last = done.catch(() => undefined); // told to whoever asked for it
    return done;
  }

  async #make(order: string): Promise<string> {
    const worker = new Worker(new URL('drawing-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        worker.once('online', () => {
          timer = setTimeout(() => reject(new TooTangled()), this.#longestMs);
        });
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.postMessage(order);
      });
    } finally {
      clearTimeout(timer);
      await worker.terminate();
    }
  }
}
