/**
 * Notes what a node asks of its store and what the store answers, at once and in a file, so that nothing of it is lost with the
 * process; and lets a signal strike at the two worst moments: just before a commit that orders something, and just after it.
 */
import fs from 'node:fs';
import { type CommitBatch, type FloorRecords, type FloorStore, type Lease, LeaseLostError } from '#src/contact/ports.ts';

export type Moment = 'beforeCommit' | 'afterCommit';

export interface Note {
  readonly at: number;
  readonly app: string;
  readonly what: 'claimed' | 'owning' | 'refused' | 'failed' | 'struck' | 'lost' | 'stopping' | 'notStarted';
  readonly fence: number;
  readonly about: string;
}

export class NotedStore implements FloorStore {
  readonly #store: FloorStore;
  readonly #file: number;
  readonly #app: string;
  #armed: { readonly moment: Moment; readonly signal: NodeJS.Signals } | null = null;
  /** Of the last claim; 0 before. */
  fence = 0;

  constructor(store: FloorStore, file: string, app: string) {
    this.#store = store;
    this.#file = fs.openSync(file, 'a');
    this.#app = app;
  }

  note(what: Note['what'], about: string): void {
    const note: Note = { at: Date.now(), app: this.#app, what, fence: this.fence, about };
    fs.writeSync(this.#file, `${JSON.stringify(note)}\n`);
  }

  /** The next time that it comes to this moment, this process sends the signal to itself. */
  arm(moment: Moment, signal: NodeJS.Signals): void {
    this.#armed = { moment, signal };
  }

  async claim(domainId: string, owner: string, ttlMs: number): Promise<Lease | null> {
    const lease = await this.#store.claim(domainId, owner, ttlMs);
    if (lease) {
      this.fence = lease.fence;
      this.note('claimed', '');
    }
    return lease;
  }

  renew = (lease: Lease, ttlMs: number): Promise<void> => this.#noted('renewal', () => this.#store.renew(lease, ttlMs));
  release = (lease: Lease): Promise<void> => this.#store.release(lease);
  load = (domainId: string): Promise<FloorRecords> => this.#store.load(domainId);

  async commit(batch: CommitBatch): Promise<void> {
    if (batch.orders.length > 0) this.#strike('beforeCommit');
    await this.#noted(`commit ${batch.seq}`, () => this.#store.commit(batch));
    if (batch.orders.length > 0) this.#strike('afterCommit');
  }

  async #noted(about: string, ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (error instanceof LeaseLostError) this.note('refused', about);
      else this.note('failed', `${about}: ${(error as Error).message}`);
      throw error;
    }
  }

  #strike(moment: Moment): void {
    if (this.#armed?.moment !== moment) return;
    const { signal } = this.#armed;
    this.#armed = null;
    this.note('struck', `${signal} ${moment}`);
    process.kill(process.pid, signal); // to itself: it has struck when this returns
  }
}
