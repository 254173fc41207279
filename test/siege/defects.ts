/** Faults that the siege must see: each breaks one promise of the floor, and `SIEGE_DEFECT` puts it into every node. */
import { setTimeout } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Order } from '#src/contact/model.ts';
import { type CommitBatch, type FloorStore, type Lease, LeaseLostError } from '#src/contact/ports.ts';
import type { SwitchEvent, SwitchPort } from '#src/cti/port.ts';
import { DOMAIN } from './world.ts';

interface Parts {
  readonly store: FloorStore;
  readonly switch: SwitchPort;
  readonly pool: Pool;
}

const proxied = <T extends object>(target: T, changed: Partial<T>): T =>
  new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(Reflect.has(changed, name) ? changed : object, name);
      return typeof value === 'function' && !Reflect.has(changed, name) ? value.bind(object) : value;
    },
  });

/** An owner that does not take no for an answer: what is refused for its old fence it writes under the new one. */
const fenceIgnored = ({ store, pool, ...rest }: Parts): Parts => ({
  ...rest,
  pool,
  store: proxied(store, {
    commit: async (batch: CommitBatch): Promise<void> => {
      try {
        await store.commit(batch);
      } catch (error) {
        if (!(error instanceof LeaseLostError)) throw error;
        const { rows } = await pool.query<{ fence: number; seq: number }>(
          'select fence::float8 as fence, seq::float8 as seq from domain where id = $1',
          [DOMAIN],
        );
        const { fence, seq } = rows[0] as { fence: number; seq: number };
        await store.commit({ ...batch, fence, seq: seq + 1, orders: [] });
      }
    },
    renew: async (lease: Lease, ttlMs: number): Promise<void> => {
      await store.renew(lease, ttlMs).catch((error: unknown) => {
        if (!(error instanceof LeaseLostError)) throw error;
      });
    },
  }),
});

/** By more than two clocks may differ, on the fastest machine too. */
const TOO_EARLY_MS = 100;

/** Phones ring for what is not committed yet. */
const ordersFirst = ({ store, switch: sw, pool }: Parts): Parts => ({
  switch: sw,
  pool,
  store: proxied(store, {
    commit: async (batch: CommitBatch): Promise<void> => {
      for (const order of batch.orders) await giveNow(sw, order).catch(() => undefined);
      if (batch.orders.length > 0) await setTimeout(TOO_EARLY_MS);
      await store.commit(batch);
    },
  }),
});

async function giveNow(sw: SwitchPort, order: Order): Promise<void> {
  if (order.type === 'answer') await sw.answer(order.leg);
  if (order.type === 'originate') await sw.originate({ leg: order.leg, to: order.to, from: order.shows, timeoutMs: order.timeoutMs });
  if (order.type === 'join') await sw.join(order.bridge, order.legs);
}

/** The next owner does not give what the last one had committed and not given. */
const outboxForgotten = ({ store, ...rest }: Parts): Parts => ({
  ...rest,
  store: proxied(store, { load: async (domainId: string) => ({ ...(await store.load(domainId)), orders: [] }) }),
});

/** The next owner does not look who called in meanwhile. */
const arrivalsForgotten = ({ switch: sw, ...rest }: Parts): Parts => {
  const known = (event: SwitchEvent): SwitchEvent =>
    event.type === 'resynchronised'
      ? { ...event, snapshot: { ...event.snapshot, legs: event.snapshot.legs.filter(({ state }) => state !== 'arriving') } }
      : event;
  return {
    ...rest,
    switch: proxied(sw, {
      connect: (listener: (event: SwitchEvent) => void) => sw.connect((event) => listener(known(event))),
      snapshot: async () => {
        const snapshot = await sw.snapshot();
        return { ...snapshot, legs: snapshot.legs.filter(({ state }) => state !== 'arriving') };
      },
    }),
  };
};

const DEFECTS: Readonly<Record<string, (parts: Parts) => Parts>> = { fenceIgnored, ordersFirst, outboxForgotten, arrivalsForgotten };
export const DEFECT_NAMES = Object.keys(DEFECTS);

/** The parts with one of these faults; as they are without a name. @throws Error for a name that is none */
export function withDefect(name: string | undefined, parts: Parts): Parts {
  if (!name) return parts;
  const defect = DEFECTS[name];
  if (!defect) throw new Error(`no such defect: ${name}; there are ${DEFECT_NAMES.join(', ')}`);
  return defect(parts);
}
