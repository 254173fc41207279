/** The controller on a real Postgres: what it promises when the database, the switch or itself goes away. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputRefused } from '#src/contact/agents.ts';
import { Floor } from '#src/contact/floor.ts';
import type { Contact, FloorInput, Offer } from '#src/contact/model.ts';
import { LeaseLostError } from '#src/contact/ports.ts';
import { SwitchError } from '#src/cti/port.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { until } from '../support/until.ts';
import { Centre, type Node, SLOW } from './centre.ts';
import { CONTEXT, customer, DIRECTORY } from './world.ts';

let centre: Centre;
beforeEach(async () => {
  centre = await Centre.open();
});
afterEach(() => centre.close());

const call = (from = '+81312345678'): string => centre.switch.arrive({ calledNumber: '1000', callingNumber: from });
const contactOf = (node: Node, leg: string): Contact | undefined =>
  [...node.controller.floor.contacts.values()].find((c) => c.legId === leg);
const inState = (node: Node, leg: string, state: Contact['state']): Promise<Contact> =>
  until(() => {
    const contact = contactOf(node, leg);
    return contact?.state === state && contact;
  });
const offerOf = (node: Node, contactId: string): Offer | undefined =>
  [...node.controller.floor.offers.values()].find((o) => o.contactId === contactId);

const arrivals = async (): Promise<number> => (await centre.pool.query(`select from event where name = 'contactArrived'`)).rowCount ?? -1;

async function ready(node: Node, ...agentIds: string[]): Promise<void> {
  for (const agentId of agentIds) {
    await node.controller.submit({ type: 'panelOpened', agentId, holdsCall: false });
    await node.controller.submit({ type: 'agentLogOn', agentId, phone: 'browser' });
    await node.controller.submit({ type: 'agentSetReady', agentId });
  }
}

/** A customer's call, as far as the agent's phone ringing. */
async function ringing(node: Node): Promise<{ leg: string; contact: Contact; agentLeg: string }> {
  const leg = call();
  const contact = await inState(node, leg, 'offered');
  const offer = offerOf(node, contact.id) as Offer;
  await node.controller.submit({ type: 'offerShown', agentId: offer.agentId, offerId: offer.id });
  const agentLeg = await until(() => node.controller.floor.offers.get(offer.id)?.legId);
  await until(() => node.controller.floor.legs.get(agentLeg)?.state === 'ringing');
  return { leg, contact, agentLeg };
}

async function talking(node: Node): Promise<{ leg: string; contact: Contact; agentLeg: string }> {
  const all = await ringing(node);
  centre.switch.answerLeg(all.agentLeg);
  await inState(node, all.leg, 'connected');
  await until(() => centre.switch.see(all.leg)?.bridge);
  return all;
}

describe('a call through to wrap-up', () => {
  it('rows and events agree at every commit, and nothing is left to be done', async () => {
    const node = await centre.started();
    const wrong: string[] = [];
    node.store.after = async () => {
      wrong.push(...(await centre.disagreements()));
    };
    await ready(node, 'bob');
    const { leg, contact, agentLeg } = await talking(node);
    expect(centre.switch.see(leg)?.bridge).toBe(centre.switch.see(agentLeg)?.bridge);
    centre.switch.hangUpByParty(leg);
    await until(() => node.controller.floor.agents.get('bob')?.state === 'workingAfterCall');
    await node.controller.submit({ type: 'wrapUp', agentId: 'bob', contactId: contact.id, disposition: 'solved', note: '' });
    await until(async () => (await centre.rows('outbox')).length === 0);
    expect(wrong).toEqual([]);
    expect(await centre.rows('contact')).toMatchObject([{ state: 'ended', cause: 'handled', agent_id: 'bob', disposition: 'solved' }]);
    await until(() => centre.legs().length === 0);
    expect(await centre.rows('leg')).toMatchObject([{ state: 'ended' }, { state: 'ended' }]);
  });

  it('no order leaves before its commit is through', async () => {
    const node = await centre.started();
    let letThrough = (): void => undefined;
    node.store.before = () =>
      new Promise((resolve) => {
        letThrough = resolve;
      });
    const leg = call();
    await until(() => letThrough !== undefined && node.controller.floor.contacts.size === 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(node.given).toEqual([]);
    expect(centre.switch.see(leg)?.state).toBe('arriving');
    node.store.before = () => undefined;
    letThrough();
    await until(() => centre.switch.see(leg)?.state === 'up');
  });
});

describe('an input', () => {
  it('is taken in whichever moment it comes, also just as the last one is through', async () => {
    const { controller } = await centre.started();
    for (let moments = 0; moments < 10; moments += 1) {
      await controller.submit({ type: 'tick' });
      for (let i = 0; i < moments; i += 1) await Promise.resolve();
      await controller.submit({ type: 'tick' });
    }
  });
});

describe('an input that means nothing', () => {
  it('waits for no disk', async () => {
    const node = await centre.started();
    const leg = call();
    await inState(node, leg, 'queued');
    await until(async () => (await centre.rows('outbox')).length === 0);
    let commits = 0;
    node.store.before = () => {
      commits += 1;
    };
    await node.controller.submit({ type: 'playFinished', leg, play: 'one that is over since long' });
    await node.controller.submit({ type: 'digit', leg, digit: '9' });
    expect(commits).toBe(0);
    await node.controller.submit({ type: 'legEnded', leg, cause: 'normalClearing' });
    expect(commits).toBe(1);
  });
});

describe('Postgres is away', () => {
  it('on a quiet floor: says so too, by the lease that cannot be renewed, until it can', async () => {
    const node = centre.node('node', { leaseTtlMs: 300 });
    await node.controller.start();
    node.store.beforeRenewal = () => {
      throw new Error('connection refused');
    };
    await until(() => node.controller.trouble === 'the database is away');
    node.store.beforeRenewal = () => undefined;
    await until(() => node.controller.trouble === null);
  });

  it('for a while: nothing is decided twice, it goes on by itself, and says so meanwhile', async () => {
    const node = await centre.started();
    await ready(node, 'bob');
    let refused = 0;
    node.store.before = () => {
      if (refused < 3) {
        refused += 1;
        throw new Error('connection refused');
      }
    };
    const leg = call();
    const other = call('+81312345679');
    await until(() => node.controller.trouble === 'the database is away');
    await inState(node, leg, 'offered');
    await inState(node, other, 'queued');
    expect(node.controller.trouble).toBeNull();
    expect(await centre.disagreements()).toEqual([]);
    expect((await centre.rows('contact')).map((r) => r['state'])).toEqual(['offered', 'queued']);
    expect(await arrivals()).toBe(2);
  });

  it('just as it has committed: the answer is lost, and nothing is done twice', async () => {
    const node = await centre.started();
    await ready(node, 'bob');
    node.store.after = () => {
      node.store.after = () => undefined;
      throw new Error('connection terminated unexpectedly');
    };
    const leg = call();
    await inState(node, leg, 'offered');
    expect(await centre.disagreements()).toEqual([]);
    expect(await arrivals()).toBe(1);
    expect(node.given.filter((order) => order.startsWith('answer'))).toHaveLength(1);
  });

  it('and refuses what was decided, for a fault of ours: gives up loudly instead of trying for ever', async () => {
    const node = await centre.started();
    node.store.before = () => {
      throw Object.assign(new Error('duplicate key value violates unique constraint "offer_live_agent"'), { code: '23505' });
    };
    const given = node.controller.submit({ type: 'agentLogOn', agentId: 'bob', phone: 'browser' });
    await expect(given).rejects.toThrow(/duplicate key/);
    expect(node.lost).toHaveLength(1);
    await expect(node.controller.submit({ type: 'tick' })).rejects.toThrow(InputRefused);
    expect(node.controller.trouble).toBe('stopped');
  });

  it('when it stops: whoever waits for an answer is told', async () => {
    const node = await centre.started();
    node.store.before = () => {
      throw new Error('connection refused');
    };
    const given = [0, 1, 2].map(() => node.controller.submit({ type: 'agentLogOn', agentId: 'bob', phone: 'browser' }));
    await until(() => node.controller.trouble === 'the database is away');
    given.push(node.controller.submit({ type: 'agentSetReady', agentId: 'bob' }));
    const told = Promise.allSettled(given);
    await node.controller.stop();
    expect((await told).map((r) => r.status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
  });
});

describe('another controller', () => {
  it('takes the lease: the old one stops, the new one goes on with place and offer, and no phone rings twice', async () => {
    const old = await centre.started('old');
    await ready(old, 'bob');
    const first = await ringing(old);
    const second = call('+81312345679');
    await inState(old, second, 'queued');
    const waiting = contactOf(old, second) as Contact;

    await centre.switch.close(); // cut off from the switch, and so slow that its lease runs out
    await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
    const fresh = await centre.started('new');
    expect(fresh.controller.floor.position(waiting.id)).toBe(1);
    expect(fresh.controller.floor.contacts.get(waiting.id)?.arrivedAt).toBe(waiting.arrivedAt);
    expect(offerOf(fresh, first.contact.id)).toMatchObject({ state: 'ringing', agentId: 'bob', legId: first.agentLeg });

    await expect(old.controller.submit({ type: 'agentSetNotReady', agentId: 'bob', reason: 'lunch' })).rejects.toThrow(LeaseLostError);
    expect(old.lost).toMatchObject([{ name: 'LeaseLostError' }]);
    expect(old.controller.trouble).toBe('stopped');

    centre.switch.answerLeg(first.agentLeg);
    await inState(fresh, first.leg, 'connected');
    expect(fresh.given.filter((order) => order.startsWith('originate'))).toEqual([]);
    expect(centre.agentLegs()).toHaveLength(1);
    expect(await centre.disagreements()).toEqual([]);
  });

  it('may be there when an owner wakes up beyond its lease: no order leaves before the lease is certain again', async () => {
    const node = await centre.started('node', { leaseTtlMs: 600 });
    node.store.beforeRenewal = () => {
      throw new Error('no answer');
    };
    await until(async () => (await centre.pool.query('select from domain where lease_until < now()')).rowCount === 1);
    const leg = call();
    await until(() => contactOf(node, leg)); // committed, as nobody else has taken the domain
    expect(node.given).toEqual([]);

    node.store.beforeRenewal = () => undefined;
    await inState(node, leg, 'queued');
    expect(node.given[0]).toBe(`answer "${leg}"`);
  });

  it('waits as long as the first one lives, also when the database is away meanwhile', async () => {
    await centre.started('old');
    const next = centre.node('next', { leaseTtlMs: 100 });
    let claims = 0;
    const claim = PgFloorStore.prototype.claim;
    vi.spyOn(PgFloorStore.prototype, 'claim').mockImplementation(function (this: PgFloorStore, ...args) {
      claims += 1;
      if (claims === 2) return Promise.reject(new Error('connection refused'));
      return claim.apply(this, args);
    });
    const starting = next.controller.start();
    starting.catch(() => undefined);
    await until(() => claims > 3);
    expect(next.controller.trouble).toBe('waiting for the lease of the domain');
    await next.controller.stop();
    await starting;
  });
});

describe('the controller dies', () => {
  it('with orders not carried out: the next one gives them, once', async () => {
    const first = await centre.started();
    await ready(first, 'bob');
    const { leg, contact } = await (async () => {
      const leg = call();
      return { leg, contact: await inState(first, leg, 'offered') };
    })();
    const offer = offerOf(first, contact.id) as Offer;
    // It commits that the phone rings, and dies before it does.
    first.store.after = ({ orders }) => (orders.length > 0 ? first.kill() : undefined); // not with the note of an order that is done
    void first.controller.submit({ type: 'offerShown', agentId: 'bob', offerId: offer.id });
    await until(() => first.killed);
    expect(centre.agentLegs()).toEqual([]);
    expect((await centre.rows('outbox')).map((r) => r['type'])).toContain('originate');

    const second = await centre.started();
    const agentLeg = (await until(() => centre.agentLegs()[0])).leg;
    expect(contactOf(second, leg)).toMatchObject({ state: 'offered', id: contact.id });
    await second.kill();
    const third = await centre.started();
    centre.switch.answerLeg(agentLeg);
    await inState(third, leg, 'connected');
    expect(centre.agentLegs()).toHaveLength(1);
    await until(async () => (await centre.rows('outbox')).length === 0);
    expect(await centre.disagreements()).toEqual([]);
  });

  it('and a leg ends, one arrives and one is answered while nobody listens', async () => {
    const first = await centre.started();
    await ready(first, 'bob', 'ann');
    const answered = await ringing(first);
    const gone = await ringing(first);
    const queued = call('+81311112222');
    await inState(first, queued, 'queued');
    await first.kill();
    centre.switch.answerLeg(answered.agentLeg);
    centre.switch.hangUpByParty(gone.leg);
    const late = call('+81399998888');
    const second = await centre.started();
    expect(contactOf(second, answered.leg)?.state).toBe('connected');
    expect(second.controller.floor.contacts.has(gone.contact.id)).toBe(false);
    await until(() => centre.switch.see(gone.agentLeg) === undefined);
    await until(() => contactOf(second, late));
    expect(contactOf(second, queued)?.id).toBeDefined();
    expect(await centre.disagreements()).toEqual([]);
  });

  it('and an agent answers meanwhile, though the time to answer runs out before the switch is asked: both talk', async () => {
    centre.context = { ...centre.context, policy: { ...SLOW, ringMs: 300 } };
    const first = await centre.started();
    await ready(first, 'bob');
    const { leg, agentLeg } = await ringing(first);
    await first.kill();
    centre.switch.answerLeg(agentLeg);
    await new Promise((resolve) => setTimeout(resolve, 350));
    const snapshot = centre.switch.snapshot.bind(centre.switch);
    vi.spyOn(centre.switch, 'snapshot').mockImplementation(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100)); // a real one has a way to go
      return snapshot();
    });
    const second = await centre.started();
    expect(contactOf(second, leg)?.state).toBe('connected');
    expect(second.controller.floor.agents.get('bob')?.state).toBe('busy');
  });
});

describe('the switch is away', () => {
  it('what was ordered is done when it is back, and then compared', async () => {
    const node = await centre.started();
    await ready(node, 'bob');
    const leg = call();
    const contact = await inState(node, leg, 'offered');
    const offer = offerOf(node, contact.id) as Offer;
    centre.switch.loseConnection();
    await until(() => node.controller.trouble === 'the switch is not connected');
    await node.controller.submit({ type: 'offerShown', agentId: 'bob', offerId: offer.id });
    const late = call('+81399998888');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(centre.agentLegs()).toEqual([]);
    centre.switch.restoreConnection();
    await until(() => centre.agentLegs().length === 1);
    await inState(node, late, 'queued');
    expect(offerOf(node, contact.id)).toMatchObject({ id: offer.id, state: 'ringing' });
    await until(() => node.controller.trouble === null);
  });

  it('a phone that nobody wants rung any more does not ring when it is back', async () => {
    const node = await centre.started();
    await ready(node, 'bob');
    const leg = call();
    const contact = await inState(node, leg, 'offered');
    const offer = offerOf(node, contact.id) as Offer;
    centre.switch.loseConnection();
    await until(() => node.controller.trouble !== null);
    await node.controller.submit({ type: 'offerShown', agentId: 'bob', offerId: offer.id });
    await node.controller.submit({ type: 'offerDeclined', agentId: 'bob', offerId: offer.id });
    const dialled = vi.spyOn(centre.switch, 'originate');
    centre.switch.restoreConnection();
    await until(async () => (await centre.rows('outbox')).length === 0);
    expect(dialled.mock.settledResults.filter((r) => r.type === 'fulfilled')).toEqual([]);
    await until(() => node.controller.floor.legs.size === 1);
  });

  it('a phone that begins to ring while it is compared is not taken for lost', async () => {
    const node = await centre.started();
    await ready(node, 'bob');
    const leg = call();
    const contact = await inState(node, leg, 'offered');
    const offer = offerOf(node, contact.id) as Offer;
    const snapshot = centre.switch.snapshot.bind(centre.switch);
    let asked = false;
    vi.spyOn(centre.switch, 'snapshot').mockImplementation(async () => {
      const seen = await snapshot();
      asked = true;
      await node.controller.submit({ type: 'offerShown', agentId: 'bob', offerId: offer.id });
      await until(() => centre.agentLegs().length === 1);
      return seen;
    });
    centre.switch.loseConnection();
    centre.switch.restoreConnection();
    await until(() => asked && node.controller.trouble === null);
    const agentLeg = (await until(() => centre.agentLegs()[0])).leg;
    expect(offerOf(node, contact.id)).toMatchObject({ id: offer.id, state: 'ringing', legId: agentLeg });
  });

  it('a call that ends while it is compared is not taken in anew', async () => {
    const node = await centre.started();
    const leg = call();
    await inState(node, leg, 'queued');
    const snapshot = centre.switch.snapshot.bind(centre.switch);
    vi.spyOn(centre.switch, 'snapshot').mockImplementationOnce(async () => {
      const seen = await snapshot();
      // The end is heard, and its commit under way, when the list comes.
      node.store.before = () => new Promise((resolve) => setTimeout(resolve, 100));
      centre.switch.hangUpByParty(leg);
      await Promise.resolve();
      return seen;
    });
    centre.switch.loseConnection();
    centre.switch.restoreConnection();
    await until(() => node.controller.trouble === null && node.controller.floor.contacts.size === 0);
    expect(await centre.rows('contact')).toMatchObject([{ state: 'ended', cause: 'abandonedInQueue' }]);
  });

  it('one that cannot say what lives is asked again', async () => {
    const node = await centre.started();
    vi.spyOn(centre.switch, 'snapshot').mockRejectedValueOnce(new SwitchError('timeout', 'too slow'));
    centre.switch.loseConnection();
    const leg = call();
    centre.switch.restoreConnection();
    await inState(node, leg, 'queued');
    expect(node.controller.trouble).toBeNull();
  });

  it('legs that only wait to be hung up have their leases renewed no more', async () => {
    const node = await centre.started();
    await ready(node, 'bob');
    const { leg, agentLeg } = await talking(node);
    const renewed = vi.spyOn(centre.switch, 'renewLeases');
    await node.controller.renewLegs();
    expect(renewed.mock.calls[0]?.[0]).toEqual([leg, agentLeg]);
    vi.spyOn(centre.switch, 'hangUp').mockRejectedValue(new SwitchError('failed', 'cannot'));
    centre.switch.hangUpByParty(leg);
    await until(() => node.controller.floor.agents.get('bob')?.state === 'workingAfterCall');
    await node.controller.renewLegs();
    expect(renewed.mock.calls[1]?.[0]).toEqual([]);
  });
});

describe('the customer database', () => {
  it('fails and comes back: the caller is known, though later', async () => {
    const node = await centre.started();
    let asked = 0;
    centre.find = async () => {
      asked += 1;
      if (asked < 3) throw new Error('away');
      return customer('support');
    };
    const leg = call();
    expect((await inState(node, leg, 'queued')).party.kind).toBe('customer');
  });

  it('hangs: the caller hears the IVR all the same, and the switch can be compared', async () => {
    centre.context = { ...centre.context, policy: { ...SLOW, lookUpMs: 50 } };
    centre.find = () => new Promise(() => undefined);
    const node = await centre.started();
    const leg = call();
    await inState(node, leg, 'scenario');
    await until(() => centre.switch.see(leg)?.plays.length === 1);
    centre.switch.loseConnection();
    const late = call('+81399998888');
    centre.switch.restoreConnection();
    await until(() => contactOf(node, late));
  });

  it('answers late about a code that was mistyped: it does not pass for the answer to the next one', async () => {
    centre.context = { ...centre.context, policy: { ...SLOW, lookUpMs: 100 } };
    const answers = new Map<string, (record: ReturnType<typeof customer>) => void>();
    centre.find = (value) => new Promise((resolve) => answers.set(value, resolve));
    const node = await centre.started();
    const leg = centre.switch.arrive({ calledNumber: '1000', presentation: 'restricted' });
    await inState(node, leg, 'scenario');
    centre.switch.digits(leg, '1111#');
    await until(() => answers.has('1111'));
    await until(() => contactOf(node, leg)?.dialogue?.tries === 2); // its time is over
    centre.switch.digits(leg, '2222#');
    await until(() => answers.has('2222'));
    answers.get('1111')?.(customer('sales', 'Wrong'));
    await new Promise((resolve) => setImmediate(resolve));
    answers.get('2222')?.(customer('support', 'Right'));
    expect((await inState(node, leg, 'queued')).party.record?.name).toBe('Right');
  });
});

describe('faults of our own', () => {
  it('an input that makes a step throw stops no other, and is in the log', async () => {
    const node = await centre.started();
    centre.context = {
      ...centre.context,
      readCallingNumber: (arrival, country) => {
        if (arrival.callingNumber === 'poison') throw new TypeError('cannot read properties of undefined');
        return CONTEXT.readCallingNumber(arrival, country);
      },
    };
    call('poison');
    const leg = call();
    await inState(node, leg, 'queued');
    expect(node.lost).toEqual([]);
    const ignored = await centre.pool.query(`select cause, data from event where name = 'inputIgnored'`);
    expect(ignored.rows).toEqual([{ cause: 'error', data: { input: 'legArrived' } }]);
  });

  it('whoever listens and throws does not stop the floor', async () => {
    const node = await centre.started();
    node.controller.onCommitted(() => {
      throw new Error('a view failed');
    });
    await inState(node, call(), 'queued');
    expect(node.lost).toEqual([]);
  });

  it('a context that cannot be made ends it loudly, and whoever waits is told', async () => {
    const node = centre.node('node', {
      context: () => {
        throw new Error('no rules');
      },
    });
    await expect(node.controller.start()).rejects.toThrow('no rules');
    expect(node.lost).toHaveLength(1);
  });

  it('an input before the domain is taken is refused', async () => {
    await expect(centre.node().controller.submit({ type: 'tick' })).rejects.toThrow(InputRefused);
  });

  it('and one before the floor is read, which would be decided on an empty one', async () => {
    const first = await centre.started();
    await ready(first, 'bob');
    await first.controller.stop();
    const reading = Promise.withResolvers<void>();
    const store = new PgFloorStore(centre.pool);
    const load = vi.spyOn(store, 'load').mockImplementationOnce(async (domainId) => {
      await reading.promise;
      return store.load(domainId);
    });
    const { controller } = centre.node('node', { store });
    const started = controller.start();
    await vi.waitFor(() => expect(load).toHaveBeenCalled());
    await expect(controller.submit({ type: 'agentSetReady', agentId: 'bob' })).rejects.toThrow('starting');
    reading.resolve();
    await started;
    expect(controller.floor.agents.get('bob')?.state).toBe('ready');
  });
});

describe('time', () => {
  it('goes on when the machine’s clock is set back by an hour', async () => {
    centre.context = { ...centre.context, policy: { ...SLOW, popMs: 50 } };
    let offset = 0;
    centre.clock = { now: () => Date.now() + offset };
    const node = await centre.started();
    await ready(node, 'bob');
    offset = -3_600_000;
    await inState(node, call(), 'offered');
    await until(() => centre.agentLegs().length === 1); // the phone rings though the panel does not confirm
    const { rows } = await centre.pool.query<{ at: Date }>('select at from event order by seq, n');
    expect(rows.map((r) => r.at.getTime())).toEqual(rows.map((r) => r.at.getTime()).sort((a, b) => a - b));
  });

  it('does not wait for inputs to pause: timers ring on a busy day', async () => {
    centre.context = { ...centre.context, policy: { ...SLOW, popMs: 50 } };
    const node = await centre.started();
    await ready(node, 'bob');
    let over = false;
    const noise = (async () => {
      while (!over) {
        const given = node.controller.submit({ type: 'panelOpened', agentId: 'cid', holdsCall: false });
        await new Promise((resolve) => setImmediate(resolve));
        void given.catch(() => undefined);
      }
    })();
    call();
    await until(() => centre.agentLegs().length === 1);
    over = true;
    await noise;
  });
});

describe('whatever happens', () => {
  it('a restarted controller has the floor that was committed, and rows and events agree', { timeout: 120_000 }, async () => {
    const agents = [...DIRECTORY.agents.keys()];
    const act = fc.record({
      kind: fc.constantFrom(
        'call',
        'call',
        'ready',
        'ready',
        'show',
        'answer',
        'answer',
        'hangUp',
        'press',
        'wrapUp',
        'pause',
        'crash',
        'blip',
      ),
      pick: fc.nat(1_000),
      /** Whether the next step begins before this one is committed. */
      hurry: fc.boolean(),
    });
    const legal = (error: unknown): void => {
      if (!(error instanceof InputRefused)) throw error;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
        await centre.close();
        centre = await Centre.open();
        let node = await centre.started();
        for (const { kind, pick, hurry } of acts) {
          const one = <T>(all: Iterable<T>): T | undefined => {
            const list = [...all];
            return list[pick % Math.max(1, list.length)];
          };
          const agentId = agents[pick % agents.length] as string;
          const { floor } = node.controller;
          const give = async (...inputs: FloorInput[]): Promise<void> => {
            const given = inputs.map((input) => node.controller.submit(input).catch(legal));
            if (!hurry) await Promise.all(given);
          };
          switch (kind) {
            case 'call':
              call(pick % 3 === 0 ? 'unreadable' : '+81312345678');
              break;
            case 'ready':
              await give(
                { type: 'panelOpened', agentId, holdsCall: pick % 2 === 0 },
                { type: 'agentLogOn', agentId, phone: 'browser' },
                { type: 'agentSetReady', agentId },
              );
              break;
            case 'show': {
              const offer = one(floor.offers.values());
              if (offer) await give({ type: 'offerShown', agentId: offer.agentId, offerId: offer.id });
              break;
            }
            case 'answer': {
              const leg = one(centre.legs((l) => l.direction === 'out' && l.state === 'ringing'));
              if (leg) centre.switch.answerLeg(leg.leg);
              break;
            }
            case 'hangUp': {
              const leg = one(centre.legs());
              if (leg) centre.switch.hangUpByParty(leg.leg);
              break;
            }
            case 'press': {
              const leg = one(centre.legs((l) => l.direction === 'in'));
              if (leg) centre.switch.digits(leg.leg, '1234#');
              break;
            }
            case 'wrapUp': {
              const agent = [...floor.agents.values()].find((a) => a.wrapUpContactId);
              if (agent?.wrapUpContactId)
                await give({ type: 'wrapUp', agentId: agent.id, contactId: agent.wrapUpContactId, disposition: 'd', note: '' });
              break;
            }
            case 'pause':
              await new Promise((resolve) => setTimeout(resolve, pick % 20));
              break;
            case 'blip':
              centre.switch.loseConnection();
              if (pick % 2) call();
              centre.switch.restoreConnection();
              break;
            case 'crash': {
              const committed = node.controller.floor;
              const known = node.store.answered;
              let last = 0;
              await node.kill();
              // What the database was told before the kill may still be under way.
              await until(async () => {
                const before = last;
                last = Number((await centre.pool.query<{ seq: string }>('select seq from domain')).rows[0]?.seq);
                return before === last;
              });
              const loaded = Floor.from('test', await new PgFloorStore(centre.pool).load('test'));
              // A commit that the dead one never heard the end of is in the rows, and not in what it knew.
              if (known === last)
                for (const name of ['contacts', 'offers', 'legs', 'agents'] as const) {
                  expect(Object.fromEntries<unknown>(loaded[name])).toEqual(Object.fromEntries<unknown>(committed[name]));
                }
              expect(await centre.disagreements()).toEqual([]);
              node = await centre.started();
              break;
            }
          }
        }
        // In the end what the switch has and what the floor believes are the same, and nothing is left to be done.
        await until(async () => (await centre.rows('outbox')).length === 0);
        await until(() => {
          const believed = [...node.controller.floor.legs.values()].map((l) => l.id).sort();
          return (
            JSON.stringify(believed) ===
            JSON.stringify(
              centre
                .legs()
                .map((l) => l.leg)
                .sort(),
            )
          );
        });
        expect(await centre.disagreements()).toEqual([]);
        expect(node.lost).toEqual([]);
      }),
      { numRuns: Number(process.env['RESTARTS'] ?? 25), endOnFailure: true },
    );
  });
});
