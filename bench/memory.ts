/**
 * What one who waits, and one agent, cost in memory: the owner's floor with all its indexes and queues, and the view that others read,
 * as the controller holds them.
 * `node_modules/.bin/node bench/memory.ts [--waiting 100000] [--agents 10000]`
 *
 * Two ways to the same floor: grown by the steps of a day (agents log on, calls arrive, are identified and told their place), and loaded by
 * the next owner from what the tables gave. Differences of the heap in use after collecting garbage. The reference is what the records
 * alone take as JSON, and as plain objects without any index.
 *
 * All is as in a house: what comes in was read from JSON, so no string of it is another's; numbers are read by the real reader, desks are
 * decided by the control logic that is shipped, with its reasons in two languages; every customer has a name, code and id of its own, and
 * one of the 47 regions. Those who wait were told their place, and hear music now.
 */
import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import { type Changes, Floor, type FloorContext, FloorView } from '../src/contact/floor.ts';
import { readCallingNumber } from '../src/contact/identify.ts';
import type { FloorInput } from '../src/contact/model.ts';
import type { FloorRecords } from '../src/contact/ports.ts';
import { take } from '../src/contact/step.ts';
import { decideDesk, parseControlLogic } from '../src/routing/control-logic.ts';
import type { OpeningHours } from '../src/routing/directory.ts';
import type { PartyRecord } from '../src/routing/party.ts';
import { agentIds, contextOf, DOMAIN, ENTRY } from './centre.ts';
import { numberOption, printTable, writeResult } from './report.ts';

export interface MemoryOptions {
  readonly waiting: number;
  readonly agents: number;
}

export interface Memory {
  readonly how: string;
  readonly bytesPerWaiting: number;
  readonly bytesPerAgent: number;
}

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;
function heapUsed(): number {
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const T0 = Date.UTC(2026, 3, 1, 9);

/** The centre of all benches, at work around the clock, with what a house reads numbers and decides desks by. */
function houseOf(agents: number): FloorContext {
  const context = contextOf(agents);
  const weekdays = [1, 2, 3, 4, 5, 6, 7] as const;
  const hours = weekdays.map((weekday): OpeningHours => ({ weekday, from: '00:00', to: '24:00' }));
  const desks = new Map([...context.directory.desks].map(([id, desk]) => [id, { ...desk, hours }]));
  const directory = { ...context.directory, desks };
  const file = path.join(import.meta.dirname, '../scenarios/control-logic.yaml');
  const logic = parseControlLogic(fs.readFileSync(file, 'utf8'), file);
  if (Array.isArray(logic)) throw new Error(`${file} is not right`);
  return {
    ...context,
    directory,
    policy: { ...context.policy, lookUpMs: 5_000 },
    readCallingNumber,
    decideDesk: (facts, at) => {
      const { deskId, rule, why, closed, wishes } = decideDesk(logic, facts, directory, at);
      return { deskId, rule, why, closed, wishes };
    },
  };
}

const customerOf = (n: number): PartyRecord => ({
  kind: 'customer',
  customerId: `customer-${100_000 + n}`,
  customerCode: String(100_000 + n),
  organisationId: null,
  name: `株式会社 第${n}商店`,
  region: String((n % 47) + 1).padStart(2, '0'),
  language: 'ja',
  handlingDeskId: 'sales',
  lastDeskId: 'sales',
  lastAgentId: null,
});

/** Floor and view, told everything as the controller tells them. */
class Owner {
  readonly floor: Floor;
  readonly view: FloorView;
  readonly #context: FloorContext;
  #at = T0;

  constructor(context: FloorContext, records?: FloorRecords) {
    this.#context = context;
    this.floor = records ? Floor.from(DOMAIN, records) : new Floor(DOMAIN);
    this.floor.follow(context);
    this.view = new FloorView(this.floor, () => this.#at);
    if (records) this.view.load(records);
  }

  give(input: FloorInput): Changes {
    this.#at += 1;
    const read = JSON.parse(JSON.stringify(input)) as FloorInput;
    const changes = take(this.floor, this.#context, read, this.#at);
    JSON.stringify([...changes.contacts.values(), ...changes.legs.values()]); // as a commit does, which makes whole strings of pieces
    this.view.apply(changes);
    this.floor.nextDue(this.#at);
    return changes;
  }

  /** Off sick, or so: logged on and at work, but not ready, so that whoever calls waits. */
  logOn(agentId: string): void {
    this.give({ type: 'panelOpened', agentId, holdsCall: false });
    this.give({ type: 'agentLogOn', agentId, phone: 'browser' });
  }

  call(n: number): void {
    const callingNumber = `+8190${10_000_000 + n}`;
    const arrival = { callingNumber, callingName: null, presentation: 'allowed', calledNumber: ENTRY, trusted: true } as const;
    const { contacts } = this.give({ type: 'legArrived', leg: `in-${n}`, arrival });
    for (const id of contacts.keys()) {
      const { orders } = this.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customerOf(n) });
      for (const order of orders) if (order.type === 'play') this.give({ type: 'playFinished', leg: order.leg, play: order.play });
    }
  }

  /** As the tables hold it. */
  records(): string {
    const { contacts, offers, legs, agents, lastContact } = this.view;
    const all = { contacts: [...contacts.values()], offers: [...offers.values()], legs: [...legs.values()], agents: [...agents.values()] };
    return JSON.stringify({ seq: 1, lastContact, handling: [], orders: [], ...all } satisfies FloorRecords);
  }
}

/** Code, shapes and the like cost once. */
function warmUp(): void {
  const owner = new Owner(houseOf(10));
  for (const id of agentIds(10)) owner.logOn(id);
  for (let n = 0; n < 1_000; n++) owner.call(n);
  JSON.parse(owner.records());
}

export function memory({ waiting, agents }: MemoryOptions): Memory[] {
  const context = houseOf(agents);
  warmUp();
  const empty = heapUsed();
  const grown = new Owner(context);
  for (const id of agentIds(agents)) grown.logOn(id);
  const withAgents = heapUsed();
  const agentsAlone = grown.records();
  const beforeCalls = heapUsed();
  for (let n = 0; n < waiting; n++) grown.call(n);
  const withAll = heapUsed();
  if (grown.view.waitingCount('sales') !== waiting) throw new Error('not everybody waits');
  const all = grown.records();

  const held: unknown[] = [];
  const bytesOf = (make: () => unknown): number => {
    const before = heapUsed();
    held.push(make());
    const bytes = heapUsed() - before;
    held.pop();
    return bytes;
  };
  const load = (json: string) => (): unknown => new Owner(context, JSON.parse(json) as FloorRecords);
  const [loadedAgents, loadedAll] = [bytesOf(load(agentsAlone)), bytesOf(load(all))];
  const [plainAgents, plainAll] = [bytesOf(() => JSON.parse(agentsAlone)), bytesOf(() => JSON.parse(all))];
  if (grown.view.contacts.size !== waiting) throw new Error('somebody is lost'); // and the floor is held until here
  return [
    { how: 'grown by steps', bytesPerWaiting: (withAll - beforeCalls) / waiting, bytesPerAgent: (withAgents - empty) / agents },
    { how: 'loaded from tables', bytesPerWaiting: (loadedAll - loadedAgents) / waiting, bytesPerAgent: loadedAgents / agents },
    { how: 'records alone, as objects', bytesPerWaiting: (plainAll - plainAgents) / waiting, bytesPerAgent: plainAgents / agents },
    {
      how: 'records alone, as JSON',
      bytesPerWaiting: (all.length - agentsAlone.length) / waiting,
      bytesPerAgent: agentsAlone.length / agents,
    },
  ];
}

if (import.meta.main) {
  const options = { waiting: numberOption('waiting', 100_000), agents: numberOption('agents', 10_000) };
  const result = memory(options);
  printTable(
    result.map((m) => ({ how: m.how, 'bytes per waiting': Math.round(m.bytesPerWaiting), 'bytes per agent': Math.round(m.bytesPerAgent) })),
  );
  writeResult('memory', { options, result });
}
