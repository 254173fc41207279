/**
 * Whether a replay understands the log that the floor itself writes: a simulated centre with all that there is to configure in use,
 * whose agents take breaks, let offers lapse and are sent away, is written into Postgres, read back, and played again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomNumbers } from '#src/base/random.ts';
import { type Changes, Floor } from '#src/contact/floor.ts';
import type { Contact, FloorEvent, Offer } from '#src/contact/model.ts';
import { loggedPeriod } from '#src/db/logged-period.ts';
import { PgFloorStore } from '#src/db/store.ts';
import type { AgentProfile, Directory } from '#src/routing/directory.ts';
import { type DeskFigures, demandsOf, figuresOf, play } from '#src/routing/what-if.ts';
import { readLog } from '#src/tools/replay/log.ts';
import { english, VARIED } from '../contact/world.ts';
import { type TestDatabase, testDatabase } from '../db/test-database.ts';
import { Centre, NO_FAULTS } from '../simulation/centre.ts';
import { type Records, write } from './logged-day.ts';

const HOUR = 3_600_000;

/** Keeps the last form of every record, and every event. */
class RecordingFloor extends Floor {
  readonly #contacts = new Map<string, Contact>();
  readonly #offers = new Map<string, Offer>();
  readonly #events = new Set<FloorEvent>();

  get records(): Records {
    return { contacts: [...this.#contacts.values()], offers: [...this.#offers.values()], events: [...this.#events] };
  }

  override apply(changes: Changes): void {
    for (const [id, contact] of changes.contacts) this.#contacts.set(id, contact);
    for (const [id, offer] of changes.offers) this.#offers.set(id, offer);
    for (const event of changes.events) this.#events.add(event);
    super.apply(changes);
  }
}

/** As the simulated centre has them. */
function agentsOf(count: number): Map<string, AgentProfile> {
  const desks = ['sales', 'support', 'reception'];
  const desk = (i: number): string => desks[i % 3] as string;
  const phone = { language: 'ja', deskPhone: null } as const;
  return new Map(
    Array.from({ length: count }, (_, i): [string, AgentProfile] => {
      const id = `agent-${i}`;
      const deskIds = i % 5 === 4 ? [desk(i), desk(i + 1)] : [desk(i)];
      const queues = deskIds.map((queueId, n) => ({ queueId, priority: n + 1 }));
      const skills = i % 2 === 0 ? english(1 + (i % 3)) : [];
      return [id, { id, name: id, organisationId: 'maker', deskIds, queues, skills, role: 'agent', ...phone }];
    }),
  );
}

describe('the log that the floor itself writes', () => {
  const AGENTS = 12;
  let database: TestDatabase;
  let endOfDay = 0;
  beforeAll(async () => {
    database = await testDatabase();
    const floor = new RecordingFloor('test');
    const day = { seed: 6, contacts: 1_200, agents: AGENTS, arrivalEveryMs: 24_000, faults: NO_FAULTS, checkEvery: 100_000 };
    endOfDay = new Centre({ ...day, floor: () => floor }).run().virtualMs;
    const { pool } = database;
    await pool.query(`insert into domain (id, name, outgoing_number) values ('test', 'test', '+81312340000')`);
    await pool.query(`insert into organisation (domain_id, id, kind, name) values ('test', 'maker', 'maker', 'Maker')`);
    await pool.query(
      `insert into app_user (domain_id, id, user_name, name, organisation_id, role, language)
       select 'test', 'agent-' || n, 'agent-' || n, 'Agent', 'maker', 'agent', 'ja' from generate_series(0, $1::int - 1) n`,
      [AGENTS],
    );
    const store = new PgFloorStore(pool);
    const lease = await store.claim('test', 'test', 60_000);
    if (!lease) throw new Error('the domain is somebody else’s');
    await write(store, lease, floor.records, 0);
  });
  afterAll(() => database.close());

  async function compared(from: number, until: number) {
    const directory: Directory = { ...VARIED.directory, agents: agentsOf(AGENTS) };
    const log = readLog(await loggedPeriod(database.pool, { domainId: 'test', from, until }), directory, { from, until });
    const again = play(demandsOf(log.contacts, { random: randomNumbers(1) }), log.staff, {
      from,
      until,
      deskIds: directory.desks.keys(),
      rulesOf: VARIED.rulesOf,
      decide: () => null,
      nextTimeToCall: (_desk, at) => at,
    });
    const figures = { logged: figuresOf(log.facts, () => 20_000), replayed: figuresOf(again, () => 20_000) };
    return { log, again, ...figures };
  }
  const expectNear = (was: DeskFigures, again: DeskFigures | undefined): void => {
    expect(again?.calls).toBe(was.calls);
    for (const figure of ['serviceLevel', 'abandoned', 'occupancy'] as const) {
      expect(Math.abs((again?.[figure] ?? Number.NaN) - (was[figure] ?? Number.NaN)), figure).toBeLessThan(0.06);
    }
    expect(Math.abs((again?.asaMs ?? Number.NaN) / (was.asaMs ?? Number.NaN) - 1), 'ASA').toBeLessThan(0.2);
    expect(Math.abs((again?.reached ?? Number.NaN) / was.reached - 1), 'reached').toBeLessThan(0.05);
  };

  it('is understood: the same played again has the same figures at every desk, but for a little', async () => {
    const { log, logged, replayed } = await compared(0, endOfDay);
    expect(logged.all.calls).toBeGreaterThan(900);
    expect(logged.all.callbacks).toBeGreaterThan(200);
    expect(log.contacts.filter(({ lapsesMs }) => lapsesMs.length > 0).length).toBeGreaterThan(50);
    expect(log.notPlayed).toMatchObject({ deskGone: 0, open: 0 });
    expect([...replayed.desks.keys()].sort()).toEqual(['reception', 'sales', 'support']);
    for (const [deskId, was] of logged.desks) expectNear(was, replayed.desks.get(deskId));
    expectNear(logged.all, replayed.all);
  });

  it('begins alike to the millisecond: until the first moment at which only chance could tell', async () => {
    const { log, again } = await compared(0, HOUR / 4);
    const waits = new Map(again.contacts.map((contact) => [`${contact.kind} ${contact.id}`, contact]));
    const alike = log.facts.contacts.filter(({ kind, id, waitMs, ending }) => {
      const played = waits.get(`${kind} ${id}`);
      return played?.waitMs === waitMs && played.ending === ending;
    });
    expect(log.facts.contacts.length).toBeGreaterThan(30);
    expect(alike.length / log.facts.contacts.length).toBeGreaterThan(0.8);
  });

  it('is understood from the middle on, too', async () => {
    const { logged, replayed } = await compared(HOUR, 6 * HOUR);
    expectNear(logged.all, replayed.all);
  });
});
