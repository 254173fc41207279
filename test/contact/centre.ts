/**
 * One domain on a real Postgres and a switch in memory, whose controllers can be killed: a killed one gives no further order,
 * writes nothing more and hears nothing, as a process that is gone. Faults of the database are put in between.
 */
import { pino } from 'pino';
import { browserEndpoint } from '#src/base/endpoint.ts';
import { Controller, type ControllerOptions } from '#src/contact/controller.ts';
import type { FloorContext } from '#src/contact/floor.ts';
import type { FloorPolicy } from '#src/contact/model.ts';
import type { CommitBatch, FloorRecords, FloorStore, Lease } from '#src/contact/ports.ts';
import { MemorySwitch, type SeenLeg } from '#src/cti/memory/switch.ts';
import { createPool } from '#src/db/pool.ts';
import { PgRecordingStore } from '#src/db/recordings.ts';
import { PgFloorStore } from '#src/db/store.ts';
import type { PartyRecord } from '#src/routing/party.ts';
import { freshDatabase } from '../support/postgres.ts';
import { CONTEXT, customer, DIRECTORY } from './world.ts';

/** Long enough that nothing happens by itself unless a test shortens it. */
export const SLOW: FloorPolicy = {
  popMs: 60_000,
  ringMs: 60_000,
  dialMs: 60_000,
  panelGraceMs: 60_000,
  announceEveryMs: 60_000,
  lookUpMs: 60_000,
};

/** What may stand between a controller and its database. */
export class FaultyStore implements FloorStore {
  readonly #store: FloorStore;
  /** Called before each commit; may wait, may throw. */
  before: (batch: CommitBatch) => Promise<void> | void = () => undefined;
  /** Called when a commit is done, before its answer; what it throws is what the controller sees. */
  after: (batch: CommitBatch) => Promise<void> | void = () => undefined;
  /** Called before each renewal of the lease; may throw. */
  beforeRenewal: () => Promise<void> | void = () => undefined;
  /** Number of the last commit whose answer has gone back. */
  answered = 0;

  constructor(store: FloorStore) {
    this.#store = store;
  }
  claim(domainId: string, owner: string, ttlMs: number): Promise<Lease | null> {
    return this.#store.claim(domainId, owner, ttlMs);
  }
  async renew(lease: Lease, ttlMs: number): Promise<void> {
    await this.beforeRenewal();
    return this.#store.renew(lease, ttlMs);
  }
  release(lease: Lease): Promise<void> {
    return this.#store.release(lease);
  }
  load(domainId: string): Promise<FloorRecords> {
    return this.#store.load(domainId);
  }
  async commit(batch: CommitBatch): Promise<void> {
    await this.before(batch);
    await this.#store.commit(batch);
    await this.after(batch);
    this.answered = batch.seq;
  }
}

/** A controller with its own way to the switch and the database, cut when it is killed. */
export class Node {
  readonly controller: Controller;
  readonly store: FaultyStore;
  readonly lost: Error[] = [];
  /** Orders that reached the switch. */
  readonly given: string[] = [];
  readonly #life = { over: false };
  readonly #centre: Centre;

  constructor(centre: Centre, owner: string, options: Partial<ControllerOptions>) {
    this.#centre = centre;
    this.store = new FaultyStore(new PgFloorStore(centre.pool));
    this.controller = new Controller({
      domainId: 'test',
      owner,
      store: mortal(this.store, this.#life),
      switch: mortal(centre.switch, this.#life, (name, args) => {
        if (!['connect', 'snapshot', 'renewLeases', 'close'].includes(name)) this.given.push(`${name} ${JSON.stringify(args[0])}`);
      }),
      finder: { find: (_domain, _by, value) => centre.find(value) },
      prompts: { media: async () => ['tone:prompt'] },
      recordings: new PgRecordingStore(centre.pool),
      context: () => centre.context,
      clock: centre.clock,
      leaseTtlMs: 60_000,
      legLeaseMs: 600_000,
      log: pino({ level: 'silent' }),
      onReachable: () => undefined,
      onLost: (error) => this.lost.push(error),
      ...options,
    });
  }

  /** As SIGKILL does. What is under way in the database or the switch may still be done there. */
  async kill(): Promise<void> {
    this.#life.over = true;
    await this.#centre.switch.close();
  }

  get killed(): boolean {
    return this.#life.over;
  }
}

export class Centre {
  readonly switch = new MemorySwitch();
  readonly pool;
  readonly #drop: () => Promise<void>;
  readonly nodes: Node[] = [];
  context: FloorContext = { ...CONTEXT, policy: SLOW };
  clock = { now: () => Date.now() };
  find: (value: string) => Promise<PartyRecord | null> = async () => customer('sales');

  private constructor(url: string, drop: () => Promise<void>) {
    this.pool = createPool(url, { log: () => undefined, name: 'test' });
    this.#drop = drop;
  }

  static async open(): Promise<Centre> {
    const fresh = await freshDatabase();
    const centre = new Centre(fresh.url, fresh.drop);
    await centre.pool.query(`insert into domain (id, name, outgoing_number) values ('test', 'Test', '+81312340000')`);
    for (const id of DIRECTORY.agents.keys()) centre.switch.register(browserEndpoint('test', id));
    return centre;
  }

  /** Not started yet. */
  node(owner = 'node', options: Partial<ControllerOptions> = {}): Node {
    const node = new Node(this, owner, options);
    this.nodes.push(node);
    return node;
  }

  async started(owner?: string, options?: Partial<ControllerOptions>): Promise<Node> {
    const node = this.node(owner, options);
    await node.controller.start();
    return node;
  }

  async close(): Promise<void> {
    for (const node of this.nodes) if (!node.killed) await node.controller.stop().catch(() => undefined);
    await this.pool.end();
    await this.#drop();
  }

  legs(where: (leg: SeenLeg) => boolean = () => true): readonly SeenLeg[] {
    return this.switch.seeAll().filter(where);
  }

  /** What rings, or is talked on, at agents' phones. */
  agentLegs(): readonly SeenLeg[] {
    return this.legs((l) => l.to?.kind === 'endpoint');
  }

  async rows(table: 'contact' | 'offer' | 'leg' | 'agent_state' | 'outbox'): Promise<Record<string, unknown>[]> {
    return (await this.pool.query<Record<string, unknown>>(`select * from ${table} order by 2`)).rows;
  }

  /** Tells the events one after another, and says where the rows differ from what they tell. */
  async disagreements(): Promise<string[]> {
    const [contacts, offers, agents] = [new Map<string, string>(), new Map<string, boolean>(), new Map<string, string>()];
    // One statement, one moment.
    const { rows } = await this.pool.query<Everything>(EVERYTHING);
    const { events, contact, offer, agent_state } = rows[0] as Everything;
    for (const { name, contact_id, agent_id, offer_id, data } of events) {
      const state = name === 'established' && offer_id !== null ? 'connected' : CONTACT_STATE[name];
      if (contact_id && state) contacts.set(contact_id, state);
      const agentState = AGENT_STATE[name];
      if (agent_id && agentState) {
        const from = agents.get(agent_id) ?? 'loggedOff';
        if (data.from !== from) return [`${agent_id} becomes ${agentState} from ${JSON.stringify(data)}, but was ${from}`];
        agents.set(agent_id, agentState);
      }
      if (offer_id && name === 'offered') offers.set(offer_id, true);
      if (offer_id && ['diverted', 'offerEnded', 'connectionCleared'].includes(name)) offers.set(offer_id, false);
    }
    const wrong: string[] = [];
    const compare = (kind: string, told: ReadonlyMap<string, unknown>, rows: ReadonlyMap<string, unknown>): void => {
      for (const id of new Set([...told.keys(), ...rows.keys()])) {
        if (told.get(id) !== rows.get(id)) wrong.push(`${kind} ${id}: events say ${told.get(id)}, the row ${rows.get(id)}`);
      }
    };
    compare('contact', contacts, new Map(contact.map((r) => [r.id, r.state])));
    compare('offer', offers, new Map(offer.map((r) => [r.id, r.state !== 'ended'])));
    const states = agent_state.filter((r) => agents.has(r.agent_id) || r.state !== 'loggedOff');
    compare('agent', agents, new Map(states.map((r) => [r.agent_id, r.state])));
    return wrong;
  }
}

interface Everything {
  readonly events: readonly {
    readonly name: string;
    readonly contact_id: string | null;
    readonly agent_id: string | null;
    readonly offer_id: string | null;
    readonly data: { readonly from?: string };
  }[];
  readonly contact: readonly { readonly id: string; readonly state: string }[];
  readonly offer: readonly { readonly id: string; readonly state: string }[];
  readonly agent_state: readonly { readonly agent_id: string; readonly state: string }[];
}
const all = (table: string, order = '1'): string => `(select coalesce(jsonb_agg(t order by ${order}), '[]') from ${table} t) as ${table}`;
const EVERYTHING = `select ${all('event', 'seq, n')}s, ${all('contact')}, ${all('offer')}, ${all('agent_state')}`;

const CONTACT_STATE: Readonly<Record<string, string>> = {
  contactArrived: 'identifying',
  scenarioStarted: 'scenario',
  queued: 'queued',
  offered: 'offered',
  wrapUpStarted: 'wrapUp',
  contactEnded: 'ended',
};
const AGENT_STATE: Readonly<Record<string, string>> = {
  agentLoggedOff: 'loggedOff',
  agentNotReady: 'notReady',
  agentReady: 'ready',
  agentBusy: 'busy',
  agentWorkingAfterCall: 'workingAfterCall',
};

/** The same object, until the life of its user is over: from then on nothing that it is asked for is done, or answered. */
function mortal<T extends object>(target: T, life: { over: boolean }, used: (name: string, args: unknown[]) => void = () => undefined): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (life.over) return new Promise(() => undefined);
        used(String(name), args);
        return value.apply(object, args);
      };
    },
  });
}
