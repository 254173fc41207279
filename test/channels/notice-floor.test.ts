/** Notices through the real floor: real Postgres, real controllers that are killed and paused, a switch in memory, people who answer. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { browserEndpoint } from '#src/base/endpoint.ts';
import type { NoticePace } from '#src/base/notice.ts';
import type { NoticeFeeder } from '#src/channels/notice-feeder.ts';
import { LeaseLostError } from '#src/contact/ports.ts';
import type { LegCause } from '#src/cti/port.ts';
import { changeNotice, createNotice, findNotice } from '#src/db/notices.ts';
import { feedNotices } from '#src/notices.ts';
import type { AgentProfile } from '#src/routing/directory.ts';
import { Centre, type Node, SLOW } from '../contact/centre.ts';
import { CONTEXT, DIRECTORY, RULES } from '../contact/world.ts';

const TEXT = 'Your device is to be inspected in May.';
const AGENTS = Array.from({ length: 10 }, (_, i) => `teller-${i + 1}`);
const teller = (id: string): AgentProfile => ({
  id,
  name: id,
  organisationId: 'maker',
  deskIds: ['sales'],
  queues: [{ queueId: 'sales', priority: 1 }],
  skills: [],
  role: 'agent',
  language: 'ja',
  deskPhone: null,
});
const directory = { ...DIRECTORY, agents: new Map([...DIRECTORY.agents, ...AGENTS.map((id) => [id, teller(id)] as const)]) };
const rules = { ...RULES, callbacks: { ...RULES.callbacks, hours: { from: '00:00', to: '24:00' } } };

let centre: Centre;
/** The clock of floor and feeder: the machine's, set forward by this. */
let aheadMs: number;
const now = (): number => Date.now() + aheadMs;
const feeders: NoticeFeeder[] = [];
const shifts: Shift[] = [];
beforeEach(async () => {
  aheadMs = 0;
  centre = await Centre.open();
  centre.clock = { now };
  centre.context = { ...CONTEXT, policy: SLOW, directory, rulesOf: () => rules };
  for (const id of AGENTS) centre.switch.register(browserEndpoint('test', id));
});
afterEach(async () => {
  for (const feeder of feeders.splice(0)) feeder.stop();
  for (const shift of shifts.splice(0)) await shift.over();
  await centre.close();
});

const until = (what: () => unknown): Promise<unknown> =>
  vi.waitFor(
    async () => {
      if (!(await what())) throw new Error(`not yet: ${what}`);
    },
    { timeout: 20_000, interval: 10 },
  );

function feed(node: Node): NoticeFeeder {
  const parts = {
    pool: centre.pool,
    domainId: 'test',
    directory: () => directory,
    rulesOf: () => rules,
    countries: [],
    scenarios: () => ['notice'],
    now,
    log: pino({ level: 'silent' }),
  };
  const feeder = feedNotices(parts, node.controller);
  feeders.push(feeder);
  return feeder;
}

const numberOf = (recipient: number): string => `+8190${10_000_000 + recipient}`;
const notice = (count: number, pace: NoticePace = { atATime: 20, perMinute: 600 }): Promise<string> =>
  createNotice(
    centre.pool,
    'test',
    {
      requestId: crypto.randomUUID(),
      deskId: 'sales',
      language: 'ja',
      text: TEXT,
      pace,
      recipients: Array.from({ length: count }, (_, i) => ({
        id: String(i + 1),
        number: numberOf(i + 1),
        country: 'JP',
        name: `Name ${i + 1}`,
      })),
      by: 'sato',
    },
    now(),
  );
const progress = async (id: string) => (await findNotice(centre.pool, 'test', id, now()))?.progress;
const stateOf = async (id: string) => (await findNotice(centre.pool, 'test', id, now()))?.notice.state;
const change = (id: string, to: 'paused' | 'resumed' | 'stopped') => changeNotice(centre.pool, 'test', id, to, 'sato', now());

/** Agents who take what comes and note it, and customers who do as the test says: by default they answer, listen, and hang up. */
class Shift {
  readonly #agents: readonly string[];
  readonly #centre: Centre;
  #node: Node;
  #over = false;
  #running: Promise<void> = Promise.resolve();
  customer: (number: string) => 'answers' | 'stays' | LegCause = () => 'answers';

  private constructor(of: Centre, node: Node, agents: readonly string[]) {
    this.#centre = of;
    this.#node = node;
    this.#agents = agents;
  }

  static async begins(node: Node, agents: readonly string[]): Promise<Shift> {
    const shift = new Shift(centre, node, agents);
    shifts.push(shift);
    await shift.#showPanels();
    for (const agentId of agents) {
      await node.controller.submit({ type: 'agentLogOn', agentId, phone: 'browser' });
      await node.controller.submit({ type: 'agentSetReady', agentId });
    }
    shift.#running = shift.#work();
    return shift;
  }

  /** The panels connect to another server. */
  async goesOnAt(node: Node): Promise<void> {
    this.#node = node;
    await this.#showPanels();
  }

  async over(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  async #showPanels(): Promise<void> {
    for (const agentId of this.#agents) await this.#node.controller.submit({ type: 'panelOpened', agentId, holdsCall: false });
  }

  async #work(): Promise<void> {
    const done = new Set<string>();
    const once = (what: string, act: () => Promise<void> | void): void => {
      const key = `${this.#node.controller.floor.domainId} ${this.#centre.nodes.indexOf(this.#node)} ${what}`;
      if (done.has(key)) return;
      done.add(key);
      // A server that is killed just now answers never, or that it is not there: the next one is asked again.
      void Promise.resolve(act()).catch(() => undefined);
    };
    while (!this.#over) {
      const { controller } = this.#node;
      const { floor } = controller;
      for (const { id, agentId, state } of floor.offers.values())
        if (state === 'shown') once(`show ${id}`, () => controller.submit({ type: 'offerShown', agentId, offerId: id }));
      for (const { leg, to, state, bridge, plays } of this.#centre.legs()) {
        for (const { play } of plays) this.#centre.switch.finishPlay(play);
        if (to?.kind === 'endpoint' && state === 'ringing') this.#centre.switch.answerLeg(leg);
        if (to?.kind !== 'number') continue;
        const does = this.customer(to.number);
        if (state === 'ringing' && (does === 'answers' || does === 'stays')) this.#centre.switch.answerLeg(leg);
        else if (state === 'ringing') this.#centre.switch.hangUpByParty(leg, does as LegCause);
        else if (bridge !== null && does === 'answers') this.#centre.switch.hangUpByParty(leg);
      }
      for (const { id: agentId, wrapUpContactId: contactId } of floor.agents.values())
        if (contactId !== null)
          once(`wrap up ${contactId}`, () => controller.submit({ type: 'wrapUp', agentId, contactId, disposition: 'resolved', note: '' }));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

/** How often each recipient of a notice was dialled and talked with, by the rows; and the contacts that there are. */
async function tellings(id: string) {
  const { rows } = await centre.pool.query<{ recipient: string; contacts: number; dialled: number; talks: number; number: string }>(
    `select c.notice_recipient_id as recipient, count(*)::int as contacts, min(c.calling_number) as number,
       sum((select count(*) from leg l where l.contact_id = c.id and l.role = 'party'))::int as dialled,
       sum((select count(*) from event e where e.contact_id = c.id and e.name = 'established' and e.leg_id is not null and e.cause is null
         and exists (select from leg l where l.id = e.leg_id and l.role = 'agent')))::int as talks
     from contact c where c.notice_id = $1 group by 1 order by c.notice_recipient_id::int`,
    [id],
  );
  return rows;
}
const launched = async (): Promise<number> => (await centre.pool.query(`select from contact where notice_id is not null`)).rowCount ?? -1;

describe('two hundred recipients', () => {
  it('are all told exactly once, while one controller is killed and the next one is paused so long that a third takes over', async () => {
    const first = await centre.started('first');
    const id = await notice(200);
    const shift = await Shift.begins(first, AGENTS);
    feed(first);

    await until(async () => ((await progress(id))?.reached ?? 0) >= 40);
    await first.kill(); // in the middle of launching, dialling, talking
    await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
    const second = await centre.started('second');
    await shift.goesOnAt(second);
    feed(second);

    await until(async () => ((await progress(id))?.reached ?? 0) >= 100);
    // Paused just as it commits launches that it has decided: these are in nobody's table yet.
    let wake = (): void => undefined;
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const held: string[] = [];
    second.store.before = async (batch) => {
      const launches = batch.contacts.filter((c) => c.notice !== null && c.state === 'queued').map((c) => c.notice?.recipientId ?? '');
      if (launches.length === 0 && held.length === 0) return;
      held.push(...launches);
      await asleep;
    };
    await until(() => held.length > 0);
    await centre.switch.close();
    await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
    const third = await centre.started('third');
    await shift.goesOnAt(third);
    feed(third);
    await until(async () => (await tellings(id)).some(({ recipient }) => recipient === held[0]));
    wake();
    await until(() => second.lost.length > 0);
    expect(second.lost[0]).toBeInstanceOf(LeaseLostError);

    await until(async () => (await stateOf(id)) === 'done');
    expect(third.lost).toEqual([]);
    expect(await progress(id)).toMatchObject({ reached: 200, notReached: 0, waiting: 0, underWay: 0, dispositions: { resolved: 200 } });
    const all = await tellings(id);
    expect(all.map(({ recipient, number }) => [recipient, number])).toEqual(
      Array.from({ length: 200 }, (_, i) => [String(i + 1), numberOf(i + 1)]),
    );
    expect(all.filter(({ contacts, dialled, talks }) => contacts !== 1 || dialled !== 1 || talks !== 1)).toEqual([]);
    expect(await centre.disagreements()).toEqual([]);
    expect(held.length).toBeGreaterThan(0);
  }, 60_000);
});

describe('between the others', () => {
  it('a notice comes after calls and callbacks, also when they came later, and shows the agent what is to be told', async () => {
    const node = await centre.started();
    const id = await notice(2);
    await feed(node).look();
    expect(await launched()).toBe(2);
    await node.controller.submit({
      type: 'callMeRequested',
      entryId: 'ja',
      language: 'ja',
      number: { kind: 'valid', e164: '+81355550001', country: 'JP' },
      callMe: { to: { kind: 'number', number: '+81355550001' }, name: '', question: '', pageUrl: '', token: null },
    });
    centre.switch.arrive({ calledNumber: '1000', callingNumber: '+81355550002' });
    await until(() => [...node.controller.floor.contacts.values()].filter((c) => c.state === 'queued').length === 4);
    // Callers hang up by themselves, too.
    const shift = await Shift.begins(node, ['teller-1']);
    const hangUp = setInterval(() => {
      for (const { leg, to, bridge } of centre.legs()) if (to === null && bridge !== null) centre.switch.hangUpByParty(leg);
    }, 5);
    await until(async () => (await stateOf(id)) === 'done');
    clearInterval(hangUp);
    await shift.over();
    const { rows } = await centre.pool.query<{ channel: string; question: string | null }>(
      `select c.channel, c.doc #>> '{callMe,question}' as question from event e join contact c on c.id = e.contact_id
       where e.name = 'offered' order by e.seq, e.n`,
    );
    expect(rows.map(({ channel }) => channel)).toEqual(['callback', 'voice', 'notice', 'notice']);
    expect(rows.slice(2).map(({ question }) => question)).toEqual([TEXT, TEXT]);
  });
});

describe('pace', () => {
  it('is kept: so many at a time, so many within a minute, and no agent idle for want of the next', async () => {
    const node = await centre.started();
    const seen: number[] = [];
    node.store.after = async () => {
      const { rows } = await centre.pool.query<{ n: number }>(
        `select count(*)::int as n from contact where notice_id is not null and state <> 'ended'`,
      );
      seen.push(rows[0]?.n ?? 0);
    };
    const id = await notice(25, { atATime: 4, perMinute: 10 });
    await Shift.begins(node, AGENTS);
    const feeder = feed(node);
    for (const reached of [10, 20, 25]) {
      await until(async () => (await progress(id))?.reached === reached);
      await feeder.look();
      expect(await launched()).toBe(reached);
      aheadMs += 60_000;
      feeder.changed();
    }
    await until(async () => (await stateOf(id)) === 'done');
    expect(Math.max(...seen)).toBe(4);
    const { rows } = await centre.pool.query<{ at: number }>(
      `select extract(epoch from arrived_at)::float8 as at from contact where notice_id is not null order by 1`,
    );
    const times = rows.map(({ at }) => at);
    expect(times.filter((at, i) => (times[i + 10] ?? Number.POSITIVE_INFINITY) - at < 60)).toEqual([]);
  });

  it('is not held up by those who do not answer: they rest, are tried again, and at last are not reached', async () => {
    const node = await centre.started();
    const id = await notice(6, { atATime: 1, perMinute: 600 });
    const shift = await Shift.begins(node, ['teller-1']);
    shift.customer = (number) => (number === numberOf(1) ? 'busy' : number === numberOf(2) ? 'noAnswer' : 'answers');
    const feeder = feed(node);
    await until(async () => (await progress(id))?.reached === 4);
    expect(await progress(id)).toMatchObject({ underWay: 2, resting: 2, waiting: 0 });
    expect(await stateOf(id)).toBe('running');
    aheadMs += 61_000; // retries are due
    await node.controller.submit({ type: 'tick' });
    await until(async () => (await progress(id))?.notReached === 2);
    await feeder.look();
    expect(await stateOf(id)).toBe('done');
    expect(await progress(id)).toMatchObject({ reached: 4, notReached: 2, causes: { callbackFailed: 2 } });
    expect((await tellings(id)).map(({ dialled }) => dialled)).toEqual([2, 2, 1, 1, 1, 1]);
  });
});

describe('a supervisor', () => {
  it('pauses: nobody new is called, those under way are told; resumes: it goes on with the next, and nobody is told twice', async () => {
    const node = await centre.started();
    const id = await notice(30, { atATime: 3, perMinute: 600 });
    const shift = await Shift.begins(node, ['teller-1', 'teller-2', 'teller-3']);
    shift.customer = () => 'stays';
    const feeder = feed(node);
    await until(async () => (await centre.rows('contact')).filter(({ state }) => state === 'connected').length === 3);
    await change(id, 'paused');
    await feeder.look();
    shift.customer = () => 'answers';
    await until(async () => (await progress(id))?.reached === 3);
    await feeder.look();
    await feeder.look();
    expect(await progress(id)).toMatchObject({ waiting: 27, underWay: 0, reached: 3 });
    await change(id, 'resumed');
    feeder.changed();
    await until(async () => (await stateOf(id)) === 'done');
    expect((await tellings(id)).filter(({ contacts, talks }) => contacts !== 1 || talks !== 1)).toEqual([]);
    expect(await progress(id)).toMatchObject({ reached: 30 });
  });

  it('stops: whoever waits is not called, whoever is being talked with is talked with to the end, and it stays stopped', async () => {
    const node = await centre.started();
    const id = await notice(30, { atATime: 5, perMinute: 600 });
    const shift = await Shift.begins(node, ['teller-1', 'teller-2']);
    shift.customer = () => 'stays';
    const feeder = feed(node);
    await until(async () => (await centre.rows('contact')).filter(({ state }) => state === 'connected').length === 2);
    await change(id, 'stopped');
    await feeder.look();
    expect(await progress(id)).toMatchObject({ waiting: 0, underWay: 2, reached: 0, stopped: 28 });
    expect(await stateOf(id)).toBe('stopped');
    shift.customer = () => 'answers';
    await until(async () => (await progress(id))?.overAt);
    expect(await progress(id)).toMatchObject({ waiting: 0, underWay: 0, reached: 2, stopped: 28 });
    expect(await stateOf(id)).toBe('stopped');
    expect(await launched()).toBe(5);
    const { rows } = await centre.pool.query<{ cause: string; n: number }>(
      `select cause, count(*)::int as n from contact group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { cause: 'handled', n: 2 },
      { cause: 'noticeStopped', n: 3 },
    ]);
  });

  it('stops while an agent hesitates: should it come back to the queue, it is taken out', async () => {
    const node = await centre.started();
    const id = await notice(1);
    const shift = await Shift.begins(node, ['teller-1']);
    shift.customer = () => 'stays';
    const feeder = feed(node);
    await shift.over(); // nobody does anything
    await until(() => node.controller.floor.offers.size === 1);
    await change(id, 'stopped');
    await feeder.look();
    expect(await progress(id)).toMatchObject({ underWay: 1 });
    const leg = await vi.waitFor(() => {
      const dialled = centre.legs(({ to, state }) => to?.kind === 'number' && state === 'ringing')[0];
      if (!dialled) throw new Error('not yet dialled');
      return dialled.leg;
    });
    centre.switch.hangUpByParty(leg, 'busy');
    await until(() => [...node.controller.floor.contacts.values()].every(({ state }) => state === 'queued'));
    await feeder.look();
    await until(async () => (await progress(id))?.overAt);
    expect(await progress(id)).toMatchObject({ stopped: 1, underWay: 0 });
  });
});

describe('a notice whose desk is gone', () => {
  it('waits for the desk, and hurts nobody', async () => {
    const node = await centre.started();
    const id = await notice(3);
    await centre.pool.query(`update notice set desk_id = 'gone'`);
    await feed(node).look();
    expect(await launched()).toBe(0);
    expect(await stateOf(id)).toBe('running');
    expect(node.lost).toEqual([]);
  });
});
