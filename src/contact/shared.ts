/**
 * What many records have in common, kept once. All that comes in was read from JSON or a wire, where every string and every object is
 * made anew: of ten thousand who wait at a desk for the same reason, each would have the reason, and the desk's id, for itself alone.
 * Records never change, so nobody sees whose part it was first.
 */
import type { Contact, Decision } from './model.ts';
import type { FloorRecords } from './ports.ts';

/** Of strings and parts there are few, but nobody promises it: from so many on, all are forgotten, and kept once more when they come again. */
const MOST = 10_000;

export class Shared {
  readonly #strings = new Map<string, string>();
  readonly #parts = new Map<string, object>();
  readonly #decisions = new Map<string, Decision>();

  /** The same text as before, if it was seen before. For what many share, as a desk's id, and not for what is a contact's own. */
  string<T extends string | null | undefined>(text: T): T {
    return typeof text === 'string' ? (known(this.#strings, text, text) as T) : text;
  }

  /** An equal part that was seen before, else this one. For small ones. */
  part<T extends object>(part: T): T {
    return known(this.#parts, JSON.stringify(part), part) as T;
  }

  /** An equal decision that was made before, else this one. */
  decision(decision: Decision): Decision {
    // One is made for every contact, and all of its JSON takes longer than this. Where the rest differs (the wishes of a rule were
    // changed, say), the latest is kept.
    let key = `${decision.deskId} ${decision.rule}`;
    for (const { en } of decision.why) key += en;
    const first = this.#decisions.get(key);
    if (first !== undefined && isEqual(first, decision)) return first;
    keep(this.#decisions, key, decision);
    return decision;
  }

  /** Changes records in place, which were just read and are nobody else's yet, so that they share what is equal in them. */
  load({ contacts, offers, legs, agents }: FloorRecords): void {
    // Ids are in it, too: a contact's stands in its leg, and a leg's in its contact.
    const strings = new Map<string, string>();
    const visit = (part: object, isRecord: boolean): void => {
      const fields = part as Record<string, unknown>;
      for (const name in fields) {
        const value = fields[name];
        if (typeof value === 'string') {
          const first = strings.get(value);
          if (first === undefined) strings.set(value, value);
          else fields[name] = first;
        } else if (typeof value === 'object' && value !== null) {
          if (isRecord && name === 'decision') fields[name] = this.decision(value as Decision);
          else if (isRecord && isCommon(name, value)) fields[name] = this.part(value);
          else visit(value, false);
        }
      }
    };
    for (const record of [...contacts, ...offers, ...legs, ...agents]) visit(record, true);
  }
}

/** Of what JSON can say. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const names = Object.keys(a) as (keyof typeof a)[];
  return names.length === Object.keys(b).length && names.every((name) => isEqual(a[name], b[name]));
}

/** Whether a field is the same in many contacts. */
function isCommon(name: string, value: object): boolean {
  switch (name as keyof Contact) {
    case 'failedAttempts':
    case 'announced':
      return true;
    case 'party':
      return (value as Contact['party']).record === null;
    case 'timers':
      return Object.keys(value).length === 0;
    default:
      return false;
  }
}

function known<T>(all: Map<string, T>, key: string, given: T): T {
  const first = all.get(key);
  if (first === undefined) keep(all, key, given);
  return first ?? given;
}

function keep<T>(all: Map<string, T>, key: string, given: T): void {
  if (all.size >= MOST) all.clear();
  all.set(key, given);
}
