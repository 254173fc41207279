/** Who waits to be told a notice by a scenario, and who is being told. */
import type { ContactId } from '../base/ids.ts';
import type { Contact } from './model.ts';
import { byArrival } from './place.ts';

/** Those who are to be told by a scenario: kept by `Floor.apply`. */
export class Tellings {
  /** They may be dialled. */
  readonly #next = new Map<ContactId, Contact>();
  /** They are dialled, or on the line. */
  readonly #onLine = new Set<ContactId>();

  contactChanged(before: Contact | undefined, next: Contact): void {
    if (before?.notice?.scenario === undefined && next.notice?.scenario === undefined) return;
    const told = next.notice?.scenario !== undefined && next.state !== 'ended';
    const isNext = told && next.state === 'queued' && next.legId === null && next.timers.retry === undefined;
    if (isNext) this.#next.set(next.id, next);
    else this.#next.delete(next.id);
    if (told && next.legId !== null) this.#onLine.add(next.id);
    else this.#onLine.delete(next.id);
  }

  /** Whom to dial now, by arrival. */
  due(lines: number): readonly Contact[] {
    const free = lines - this.#onLine.size;
    if (free <= 0 || this.#next.size === 0) return [];
    return [...this.#next.values()].sort(byArrival).slice(0, free);
  }
}
