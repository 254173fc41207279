/** Records share what is equal in them, and nobody can tell by their values. */
import { describe, expect, it } from 'vitest';
import { Floor } from '#src/contact/floor.ts';
import type { Contact } from '#src/contact/model.ts';
import type { FloorRecords } from '#src/contact/ports.ts';
import { Shared } from '#src/contact/shared.ts';
import { CONTEXT, customer, VARIED, World } from './world.ts';

/** As read from JSON: nothing of it is anything else's. */
const read = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const recordsOf = ({ floor }: World): FloorRecords => ({
  seq: 1,
  lastContact: floor.lastContact,
  contacts: [...floor.contacts.values()],
  offers: [...floor.offers.values()],
  legs: [...floor.legs.values()],
  agents: [...floor.agents.values()],
  handling: [],
  orders: [],
});

/** Two who wait for the same reason, told the same, and one who waits for another. */
function threeWait(context = CONTEXT): { readonly w: World; readonly ids: readonly [string, string, string] } {
  const w = new World();
  w.context = context;
  const call = (deskId: string, name: string): string => {
    const { contactId } = w.call(`+8131234567${w.contacts.size}`);
    w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: read(customer(deskId, name)) });
    expect(w.contact(contactId).state).toBe('queued');
    return contactId;
  };
  return { w, ids: [call('sales', 'Sato'), call('sales', 'Mori'), call('support', 'Abe')] };
}

const ofAll = (floor: Floor, ids: readonly string[]): Contact[] => ids.map((id) => floor.contacts.get(id) as Contact);

describe('what contacts have in common', () => {
  it('is kept once: a decision and its reasons, what they were told', () => {
    const { w, ids } = threeWait();
    const [sato, mori, abe] = ofAll(w.floor, ids) as [Contact, Contact, Contact];
    expect(mori.decision).toBe(sato.decision);
    expect(mori.announced).toBe(sato.announced);
    expect(mori.failedAttempts).toBe(sato.failedAttempts);
    expect(abe.decision).toMatchObject({ deskId: 'support', why: sato.decision?.why });
    expect(mori.party.record?.name).toBe('Mori');
  });

  it('is kept once by the next owner too, who read it from the tables', () => {
    const { w, ids } = threeWait();
    const records = read(recordsOf(w));
    const floor = Floor.from('test', records);
    const [sato, mori, abe] = ofAll(floor, ids) as [Contact, Contact, Contact];
    expect(mori.decision).toBe(sato.decision);
    expect(mori.announced).toBe(sato.announced);
    expect(mori.failedAttempts).toBe(sato.failedAttempts);
    expect(abe.decision).not.toEqual(sato.decision);
    // And whoever takes the records from it has the same.
    expect(records.contacts[1]?.decision).toBe(sato.decision);
  });

  it('is shared by whoever comes in after that', () => {
    const { w, ids } = threeWait();
    w.floor = Floor.from('test', read(recordsOf(w)));
    const { contactId } = w.call('+81312345690');
    w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: read(customer('sales', 'Ito')) });
    const [sato, ito] = ofAll(w.floor, [ids[0], contactId]) as [Contact, Contact];
    expect(ito.decision).toBe(sato.decision);
  });

  it('is no longer taken for the same when the wishes of a rule were changed', () => {
    const { w, ids } = threeWait();
    const wishes = { priorityClass: 50, requirements: [], rings: [], preferLastAgentMs: 0 };
    w.context = { ...CONTEXT, decideDesk: (facts, at) => ({ ...CONTEXT.decideDesk(facts, at), wishes: read(wishes) }) };
    const [first, second] = ['+81312345690', '+81312345691'].map((number) => {
      const { contactId } = w.call(number);
      w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: read(customer('sales')) });
      return w.contact(contactId);
    });
    expect(first?.decision).toEqual({ ...w.contact(ids[0]).decision, wishes });
    expect(second?.decision).toBe(first?.decision);
  });

  it('changes no value', () => {
    const { w } = threeWait(VARIED);
    w.ready('ann');
    const records = recordsOf(w);
    const loaded = read(records);
    new Shared().load(loaded);
    expect(loaded).toEqual(records);
  });

  it('is right however much there is', () => {
    const shared = new Shared();
    const desks = Array.from({ length: 25_000 }, (_, i) => `desk-${i}`);
    expect(desks.map((deskId) => shared.part({ deskId }).deskId)).toEqual(desks);
    expect(desks.map((deskId) => shared.string(deskId))).toEqual(desks);
    expect(shared.string(null)).toBeNull();
  });
});
