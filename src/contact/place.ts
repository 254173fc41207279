/** A contact's place: by arrival, for ever. */
import type { Contact } from './model.ts';

/** The number of a contact within its domain: of two that arrived in the same millisecond, the smaller was taken in first. */
export const serialOf = (contact: Contact): number => Number(contact.id.slice(contact.id.lastIndexOf('-') + 1));

/** Order of arrival, for sorting. */
export const byArrival = (a: Contact, b: Contact): number => a.arrivedAt - b.arrivedAt || serialOf(a) - serialOf(b);
