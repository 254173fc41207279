/**
 * Which orders of which commit are not known to be done. The table has one row for each commit that has such orders: most are done
 * all together a moment later, and a row for each order would be a third of all that a busy day writes.
 *
 * The owner of a domain keeps beside it what the table holds, so that it can name the rows. It learns them when it loads the floor;
 * nobody else writes them.
 */
import type { Order } from '../contact/model.ts';
import type { CommitBatch } from '../contact/ports.ts';

export interface OutboxChange {
  readonly seq: number;
  /** What a commit's orders are now: null when none is left. */
  readonly orders: readonly Order[] | null;
}

export class Outbox {
  readonly #bySeq = new Map<number, Map<string, Order>>();
  readonly #seqOf = new Map<string, number>();

  /** As the table holds them. */
  constructor(rows: readonly { readonly seq: number; readonly orders: readonly Order[] }[] = []) {
    for (const { seq, orders } of rows) this.apply([{ seq, orders }]);
  }

  /** What a commit changes: its own orders as a new row, and the rows whose orders are done. Changes nothing yet. */
  changesOf(batch: CommitBatch): readonly OutboxChange[] {
    const done = new Set(batch.done);
    const own = batch.orders.filter((order) => !done.has(order.id));
    const touched = new Set(batch.done.flatMap((id) => this.#seqOf.get(id) ?? []));
    touched.delete(batch.seq); // given once more, its own row is not there yet
    const changes = [...touched].map((seq): OutboxChange => {
      const left = [...(this.#bySeq.get(seq)?.values() ?? [])].filter((order) => !done.has(order.id));
      return { seq, orders: left.length > 0 ? left : null };
    });
    return own.length > 0 ? [...changes, { seq: batch.seq, orders: own }] : changes;
  }

  /** They are committed. */
  apply(changes: readonly OutboxChange[]): void {
    for (const { seq, orders } of changes) {
      for (const id of this.#bySeq.get(seq)?.keys() ?? []) this.#seqOf.delete(id);
      if (orders === null) this.#bySeq.delete(seq);
      else {
        this.#bySeq.set(seq, new Map(orders.map((order) => [order.id, order])));
        for (const { id } of orders) this.#seqOf.set(id, seq);
      }
    }
  }
}
