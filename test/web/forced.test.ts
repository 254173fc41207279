/** Who may send whose agents to another state: the house's own answer, asked through real sockets. */
import { describe, expect, test } from 'vitest';
import { type BackendParts, createBackend } from '#src/backend.ts';
import { InputRefused } from '#src/contact/agents.ts';
import type { FloorEvent, FloorInput } from '#src/contact/model.ts';
import { DEFAULT_DESK_RULES } from '#src/routing/desk-rules.ts';
import type { AgentProfile, Desk, Directory, Organisation } from '#src/routing/directory.ts';
import type { Principal } from '#src/web/backend.ts';
import type { ForcedChange } from '#src/web/messages.ts';
import { FAKE_PASSWORD } from '#test/support/fake-backend.ts';
import { startHarness, until } from './harness.ts';

const organisation = (id: string, sellsFor: string[]): Organisation => ({ id, kind: 'dealer', name: id, sellsFor, regions: [] });
const desk = (id: string): Desk => ({
  id,
  organisationId: id,
  name: id,
  timeZone: 'Asia/Tokyo',
  hours: [],
  holidays: [],
  nextUp: null,
  isReception: false,
});
const person = (id: string, organisationId: string, role: AgentProfile['role'], deskIds: string[]): [string, AgentProfile] => [
  id,
  { id, name: `name of ${id}`, organisationId, deskIds, queues: [], skills: [], role, language: 'ja', deskPhone: null },
];

/** A maker, for whom two dealers sell; each has a desk of its name. */
const ORGANISATIONS = [organisation('maker', []), organisation('tokyo', ['maker']), organisation('osaka', ['maker'])];
const DIRECTORY: Directory = {
  domainId: 'test',
  organisations: new Map(ORGANISATIONS.map((one) => [one.id, one])),
  desks: new Map(['maker', 'tokyo', 'osaka'].map((id) => [id, desk(id)])),
  entries: [],
  agents: new Map([
    person('agent', 'tokyo', 'agent', ['tokyo']),
    person('colleague', 'tokyo', 'agent', ['tokyo']),
    person('helper', 'osaka', 'agent', ['osaka', 'tokyo']),
    person('stranger', 'osaka', 'agent', ['osaka']),
    person('deskless', 'tokyo', 'agent', []),
    person('chief', 'tokyo', 'supervisor', []),
    person('osakaChief', 'osaka', 'supervisor', ['osaka']),
    person('makerChief', 'maker', 'supervisor', []),
    person('admin', 'maker', 'administrator', []),
  ]),
  sales: [],
  outgoingNumber: '+81312340000',
};

/** The real answers of the house, over a floor that takes every input and writes down whom it was asked to force. */
async function startHouse() {
  const inputs: FloorInput[] = [];
  const sessions = new Map<string, Principal>();
  const commits = new Set<(committed: { agents: ReadonlySet<string>; events: readonly FloorEvent[] }) => void>();
  const log: ForcedChange[] = [];
  const asked: string[][] = [];
  let refusal: string | null = null;
  const floor = {
    agents: new Map(),
    offers: new Map(),
    contacts: new Map(),
    legs: new Map(),
    waitingCount: () => 0,
    positions: () => new Map(),
    estimatedWaitMs: () => null,
  };
  const commit = (events: readonly FloorEvent[]): void => {
    for (const listener of commits) listener({ agents: new Set(), events });
  };
  const parts = {
    controller: {
      floor,
      async submit(input: FloorInput) {
        if (refusal !== null) throw new InputRefused(refusal, 'refused by the floor');
        inputs.push(input);
        if (input.type !== 'agentForced') return;
        const { agentId, by, to } = input;
        log.unshift({ id: `${log.length}-1`, at: 1, agentId, agent: agentId, byId: by, by, from: 'ready', to });
        commit([{ ...NOTHING, name: 'agentForced', agentId, cause: to, data: { by, from: 'ready' } }]);
      },
      onCommitted(listener: typeof commits extends Set<infer L> ? L : never) {
        commits.add(listener);
        return () => commits.delete(listener);
      },
    },
    directory: () => DIRECTORY,
    rulesOf: () => DEFAULT_DESK_RULES,
    clock: Date.now,
    sip: { webSocketUrl: '', domain: '', password: () => '' },
    isReachable: () => true,
    onReachable: () => () => undefined,
    async logIn(userName: string, password: string) {
      const profile = DIRECTORY.agents.get(userName);
      if (!profile || password !== FAKE_PASSWORD) return null;
      const principal = { agentId: profile.id, name: profile.name, role: profile.role };
      const session = `session-of-${userName}-${sessions.size}`;
      sessions.set(session, principal);
      return { principal, session, expiresAt: Date.now() + 60_000 };
    },
    principalOf: async (session: string) => sessions.get(session) ?? null,
    logOut: async (session: string) => void sessions.delete(session),
    customerView: async () => null,
    forcedChanges: async (desks: ReadonlySet<string>) => {
      asked.push([...desks].sort());
      return log;
    },
  };
  // The rest of the house is not asked for anything here.
  const harness = await startHarness({ backend: createBackend(parts as unknown as BackendParts) });
  return {
    ...harness,
    inputs,
    sessions,
    asked,
    forced: () => inputs.flatMap((input) => (input.type === 'agentForced' ? [input] : [])),
    refuseWith: (code: string) => {
      refusal = code;
    },
  };
}

const NOTHING: Omit<FloorEvent, 'name'> = {
  at: 1,
  contactId: null,
  customerId: null,
  deskId: null,
  agentId: null,
  offerId: null,
  legId: null,
  cause: null,
  data: {},
};

describe('changing an agent’s state from outside', () => {
  test.each([
    // who, whom, what comes of it
    ['agent', 'colleague', 'notAllowed'],
    ['agent', 'agent', 'notAllowed'],
    ['helper', 'agent', 'notAllowed'],
    ['chief', 'agent', 'done'],
    ['chief', 'colleague', 'done'],
    ['chief', 'helper', 'done'], // of another organisation, and works at this desk, too
    ['chief', 'stranger', 'noSuchAgent'],
    ['chief', 'deskless', 'noSuchAgent'],
    ['chief', 'admin', 'noSuchAgent'],
    ['chief', 'nobody', 'noSuchAgent'],
    ['osakaChief', 'agent', 'noSuchAgent'],
    ['osakaChief', 'stranger', 'done'],
    ['osakaChief', 'osakaChief', 'done'],
    ['makerChief', 'agent', 'done'], // the maker sees those who sell for it
    ['makerChief', 'stranger', 'done'],
    ['admin', 'agent', 'done'],
    ['admin', 'deskless', 'noSuchAgent'],
  ])('%s → %s: %s', async (who, whom, outcome) => {
    const { panel, forced, logged } = await startHouse();
    const one = await panel(who);
    const of = one.send({ type: 'forceState', agentId: whom, to: 'notReady' });
    if (outcome === 'done') {
      await until('the floor is asked', () => forced().length > 0);
      expect(forced()).toEqual([{ type: 'agentForced', agentId: whom, to: 'notReady', by: who }]);
      return;
    }
    expect(await one.receives('refused')).toMatchObject({ of, code: outcome });
    expect(forced()).toEqual([]);
    const line = logged.find((text) => text.includes('forced change of a state was refused'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ agentId: who, target: whom, to: 'notReady', code: outcome });
    expect(one.closedWith).toBeNull();
  });

  test('needs a session that still lives, even when the panel is open', async () => {
    const { panel, sessions, forced } = await startHouse();
    const chief = await panel('chief');
    sessions.clear();
    const of = chief.send({ type: 'forceState', agentId: 'agent', to: 'loggedOff' });
    expect(await chief.receives('refused')).toMatchObject({ of, code: 'notLoggedIn' });
    expect(await chief.isClosed()).toBe(4003);
    expect(forced()).toEqual([]);
  });

  test('whoever logged out has no panel to do it with', async () => {
    const { panel, post, forced, sessions, web } = await startHouse();
    const chief = await panel('chief');
    const [session] = [...sessions.keys()];
    await post('/api/logout', {}, { cookie: `madoguchi_${web.port}=${session}`, origin: `http://127.0.0.1:${web.port}` });
    expect(await chief.isClosed()).toBe(4003);
    expect(forced()).toEqual([]);
  });

  test('goes by the role that the directory gives now, whatever the session was opened with', async () => {
    const { panel, sessions, forced } = await startHouse();
    const agent = await panel('agent');
    for (const session of sessions.keys()) sessions.set(session, { agentId: 'agent', name: 'x', role: 'administrator' });
    agent.send({ type: 'forceState', agentId: 'colleague', to: 'ready' });
    expect(await agent.receives('refused')).toMatchObject({ code: 'notAllowed' });
    expect(forced()).toEqual([]);
  });

  test.each([
    ['loggedOff', 'agentLoggedOff'],
    ['notReadyNow', 'notReadyNow'],
    ['unknownAgent', 'unknownAgent'],
  ])('what the floor refuses as %s reads as %s', async (code, read) => {
    const { panel, refuseWith } = await startHouse();
    const chief = await panel('chief');
    refuseWith(code);
    const of = chief.send({ type: 'forceState', agentId: 'agent', to: 'ready' });
    expect(await chief.receives('refused')).toMatchObject({ of, code: read });
  });

  test.each(['busy', 'break', '', 'workingAfterCall'])('to %j cannot be asked for', async (to) => {
    const { panel, forced } = await startHouse();
    const chief = await panel('chief');
    const of = chief.send({ type: 'forceState', agentId: 'agent', to });
    expect(await chief.receives('refused')).toMatchObject({ of, code: 'malformed' });
    expect(forced()).toEqual([]);
  });

  test('many at once count like any other messages', async () => {
    const { panel } = await startHouse();
    const chief = await panel('chief');
    for (let count = 0; count < 200; count += 1) chief.send({ type: 'forceState', agentId: 'agent', to: 'ready' });
    expect(await chief.isClosed()).toBe(1008);
  });

  test('is told to the agent whom it concerns, and to nobody else', async () => {
    const { panel } = await startHouse();
    const [chief, agent, colleague] = [await panel('chief'), await panel('agent'), await panel('colleague')];
    chief.send({ type: 'forceState', agentId: 'agent', to: 'loggedOff' });
    expect(await agent.receives('forced')).toEqual({ type: 'forced', to: 'loggedOff' });
    chief.send({ type: 'forceState', agentId: 'colleague', to: 'ready' });
    await colleague.receives('forced');
    expect([chief, agent, colleague].map(({ messages }) => messages.filter(({ type }) => type === 'forced').length)).toEqual([0, 1, 1]);
  });
});

describe('the list of such changes', () => {
  test('comes to a supervisor who watches, of the desks in sight, at the beginning and after each change', async () => {
    const { panel, asked } = await startHouse();
    const [chief, admin] = [await panel('chief'), await panel('admin')];
    chief.send({ type: 'watch', on: true });
    expect(await chief.receives('forcedChanges')).toEqual({ type: 'forcedChanges', changes: [] });
    admin.send({ type: 'forceState', agentId: 'agent', to: 'notReady' });
    const after = await chief.receives('forcedChanges', ({ changes }) => changes.length === 1);
    expect(after.changes[0]).toMatchObject({ agentId: 'agent', byId: 'admin', from: 'ready', to: 'notReady' });
    expect(new Set(asked.map(String))).toEqual(new Set(['tokyo']));
    admin.send({ type: 'watch', on: true });
    await admin.receives('forcedChanges');
    expect(asked.at(-1)).toEqual(['maker', 'osaka', 'tokyo']);
  });

  test('never comes to an agent, nor to who does not watch', async () => {
    const { panel, asked } = await startHouse();
    const [chief, agent] = [await panel('chief'), await panel('agent')];
    agent.send({ type: 'watch', on: true });
    await agent.receives('floor');
    chief.send({ type: 'forceState', agentId: 'agent', to: 'notReady' });
    await agent.receives('forced');
    chief.send({ type: 'watch', on: true });
    await chief.receives('forcedChanges');
    expect(asked).toEqual([['tokyo']]);
    expect(agent.messages.some(({ type }) => type === 'forcedChanges')).toBe(false);
  });
});
