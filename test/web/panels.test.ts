import fc from 'fast-check';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ClientMessage, ServerMessage } from '../../src/web/messages.ts';
import { readClientMessage } from '../../src/web/panels.ts';
import { PanelClient, startHarness, until, upgradeStatus } from './harness.ts';

const TANAKA = 'agent-tanaka';

describe('opening a panel', () => {
  test('needs a session: without one, or with one that is not there, it is 401', async () => {
    const { web } = await startHarness();
    const origin = `http://127.0.0.1:${web.port}`;
    expect(await upgradeStatus(web, { origin })).toBe(401);
    expect(await upgradeStatus(web, { origin, cookie: `madoguchi_${web.port}=made-up` })).toBe(401);
    expect(await upgradeStatus(web, { origin, cookie: `madoguchi_${web.port}=${'x'.repeat(5000)}` })).toBe(401);
    expect(await upgradeStatus(web, { origin, cookie: 'madoguchi_1=%E0%A4%A; ;=;x' })).toBe(401);
  });

  test('is for our own pages only: from another site, or from no page, it is 403 even with the cookie', async () => {
    const { web, cookieOf } = await startHarness();
    const cookie = await cookieOf('tanaka');
    for (const origin of [
      'https://evil.example',
      'null',
      `http://127.0.0.1:${web.port + 1}`,
      `http://127.0.0.1:${web.port}.evil.example`,
    ]) {
      expect(await upgradeStatus(web, { cookie, origin }), origin).toBe(403);
    }
    expect(await upgradeStatus(web, { cookie })).toBe(403);
    expect(await upgradeStatus(web, { cookie, origin: `http://127.0.0.1:${web.port}` })).toBe(101);
  });

  test('works by the public address, behind a proxy', async () => {
    const { web, cookieOf } = await startHarness({ publicUrl: 'https://centre.example.jp/' });
    const cookie = await cookieOf('tanaka');
    expect(await upgradeStatus(web, { cookie, origin: 'https://centre.example.jp' })).toBe(101);
    expect(await upgradeStatus(web, { cookie, origin: 'https://other.example.jp' })).toBe(403);
    expect(web.url).toBe('https://centre.example.jp');
  });

  test('is at one address only', async () => {
    const { web, cookieOf } = await startHarness();
    const headers = { cookie: await cookieOf('tanaka'), origin: `http://127.0.0.1:${web.port}` };
    expect(await upgradeStatus(web, headers, '/ws/other')).toBe(404);
    expect(await upgradeStatus(web, headers, '/')).toBe(404);
  });

  test('hello tells the floor that the panel is open and brings the whole state', async () => {
    const { connect, cookieOf, backend } = await startHarness();
    const panel = await connect(await cookieOf('tanaka'));
    panel.send({ type: 'hello', holdsCall: true });
    const state = await panel.receives('state');
    expect(Value.Check(ServerMessage, state)).toBe(true);
    expect(state.agent).toMatchObject({ agentId: TANAKA, state: 'loggedOff' });
    expect(state.contact).toBeNull();
    expect(backend.inputs).toEqual([{ type: 'panelOpened', agentId: TANAKA, holdsCall: true }]);
  });

  test('whatever comes before hello is refused, and the panel closed', async () => {
    const { connect, cookieOf, backend } = await startHarness();
    const panel = await connect(await cookieOf('tanaka'));
    const of = panel.send({ type: 'setReady' });
    expect(await panel.receives('refused')).toMatchObject({ of, code: 'helloFirst' });
    expect(await panel.isClosed()).toBe(1008);
    expect(backend.inputs).toEqual([]);
  });

  test('who never says hello is closed', async () => {
    const { connect, cookieOf } = await startHarness({ panelLimits: { helloMs: 50 } });
    const panel = await connect(await cookieOf('tanaka'));
    expect(await panel.isClosed()).toBe(1008);
  });

  test('when the floor cannot take the hello, the panel is closed so that it tries again, and then it works', async () => {
    const { connect, cookieOf, backend, panel } = await startHarness();
    backend.failNext();
    const first = await connect(await cookieOf('tanaka'));
    first.send({ type: 'hello', holdsCall: false });
    expect(await first.isClosed()).toBe(1011);
    expect((await panel('tanaka')).closedWith).toBeNull();
  });
});

describe('what a panel asks', () => {
  test('becomes an input of the floor, in the order of asking', async () => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    tanaka.send({ type: 'logOn', phone: 'deskPhone' });
    tanaka.send({ type: 'setNotReady', reason: 'lunch' });
    tanaka.send({ type: 'setReady' });
    await tanaka.receives('state', ({ agent }) => agent.state === 'ready');
    const contact = backend.offer(TANAKA);
    tanaka.send({ type: 'offerShown', offerId: contact.offerId });
    tanaka.send({ type: 'hangUp', offerId: contact.offerId });
    tanaka.send({ type: 'wrapUp', contactId: contact.contactId, disposition: 'answered', note: 'ありがとう' });
    tanaka.send({ type: 'logOff' });
    await tanaka.receives('state', ({ agent }) => agent.state === 'loggedOff', 3);
    expect(backend.inputs.slice(1)).toEqual([
      { type: 'agentLogOn', agentId: TANAKA, phone: 'deskPhone' },
      { type: 'agentSetNotReady', agentId: TANAKA, reason: 'lunch' },
      { type: 'agentSetReady', agentId: TANAKA },
      { type: 'offerShown', agentId: TANAKA, offerId: contact.offerId },
      { type: 'agentHangUp', agentId: TANAKA, offerId: contact.offerId },
      { type: 'wrapUp', agentId: TANAKA, contactId: contact.contactId, disposition: 'answered', note: 'ありがとう' },
      { type: 'agentLogOff', agentId: TANAKA },
    ]);
  });

  test('declining an offer is told with its id; one that is gone is refused with a reason', async () => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    const { offerId } = backend.offer(TANAKA);
    tanaka.send({ type: 'decline', offerId });
    await until('the offer is declined', () => backend.inputs.some(({ type }) => type === 'offerDeclined'));
    const of = tanaka.send({ type: 'decline', offerId });
    expect(await tanaka.receives('refused')).toEqual({ type: 'refused', of, code: 'offerGone', message: 'The offer is no longer there.' });
  });

  test('that makes no sense to the floor is refused with its reason and id', async () => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    backend.refuseNext('notNow');
    const of = tanaka.send({ type: 'logOn', phone: 'browser' });
    expect(await tanaka.receives('refused')).toEqual({ type: 'refused', of, code: 'notNow', message: 'Refused: notNow.' });
  });

  test('that fails inside is answered too, without its inner reason', async () => {
    const { panel, backend, logged } = await startHarness();
    const tanaka = await panel('tanaka');
    backend.failNext();
    const of = tanaka.send({ type: 'logOn', phone: 'browser' });
    const refused = await tanaka.receives('refused');
    expect(refused).toMatchObject({ of, code: 'internal' });
    expect(refused.message).not.toContain('database');
    expect(logged.join('')).toContain('the database is away');
    expect(tanaka.closedWith).toBeNull();
  });

  test.each([
    ['no JSON', 'hello?', null],
    ['binary', Buffer.from('{"id":"x","type":"setReady"}'), null],
    ['no object', '[1,2]', null],
    ['unknown type', '{"id":"x","type":"dance"}', 'x'],
    ['missing field', '{"id":"x","type":"logOn"}', 'x'],
    ['wrong value', '{"id":"x","type":"setNotReady","reason":"noAnswer"}', 'x'],
    ['extra field', '{"id":"x","type":"setReady","agentId":"agent-smith"}', 'x'],
    ['no id', '{"type":"setReady"}', null],
    ['prototype', '{"id":"x","type":"setReady","__proto__":{"a":1}}', 'x'],
    ['empty disposition', '{"id":"x","type":"wrapUp","contactId":"c","disposition":"","note":""}', 'x'],
  ])('of another form is refused, with its id where it has one: %s', async (_name, data, of) => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    tanaka.sendRaw(data);
    expect(await tanaka.receives('refused')).toMatchObject({ of, code: 'malformed' });
    expect(backend.inputs).toHaveLength(1);
    expect(tanaka.closedWith).toBeNull();
  });

  test('too long a message closes the panel; the longest note does not', async () => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    const { contactId } = backend.offer(TANAKA);
    const note = '\u0001'.repeat(4000);
    tanaka.send({ type: 'wrapUp', contactId, disposition: 'answered', note });
    await until('the note arrives', () => backend.inputs.some((input) => input.type === 'wrapUp' && input.note === note));
    tanaka.sendRaw('x'.repeat(40_000));
    expect(await tanaka.isClosed()).toBe(1009);
  });

  test('a flood of messages closes the panel, and nobody else’s', async () => {
    const { panel } = await startHarness();
    const [tanaka, smith] = [await panel('tanaka'), await panel('smith')];
    for (let count = 0; count < 200; count += 1) tanaka.send({ type: 'watch', on: false });
    expect(await tanaka.isClosed()).toBe(1008);
    smith.send({ type: 'logOn', phone: 'browser' });
    await smith.receives('state', ({ agent }) => agent.state === 'notReady');
  });

  test('a lively agent is no flood', async () => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    for (let count = 0; count < 30; count += 1) tanaka.send({ type: 'logOn', phone: count % 2 === 0 ? 'browser' : 'deskPhone' });
    await until('all are done', () => backend.inputs.length === 31);
    expect(tanaka.closedWith).toBeNull();
  });
});

describe('losing a panel', () => {
  test('is told to the floor', async () => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    tanaka.socket.terminate();
    await until('the loss is told', () => backend.inputs.length === 2);
    expect(backend.inputs[1]).toEqual({ type: 'panelClosed', agentId: TANAKA });
  });

  test('is told again until the floor has heard it', async () => {
    const { panel, backend } = await startHarness({ panelLimits: { retryMs: 10 } });
    const tanaka = await panel('tanaka');
    backend.failNext();
    tanaka.socket.terminate();
    await until('the loss is told', () => backend.inputs.some(({ type }) => type === 'panelClosed'));
  });

  test('a connection that never greeted is not missed', async () => {
    const { connect, cookieOf, panel, backend } = await startHarness();
    const cookie = await cookieOf('tanaka');
    const silent = await connect(cookie);
    silent.socket.terminate();
    const smith = await panel('smith');
    smith.socket.terminate();
    await until('the other loss is told', () => backend.inputs.some(({ type }) => type === 'panelClosed'));
    expect(backend.inputs.map((input) => ('agentId' in input ? input.agentId : ''))).toEqual(['agent-smith', 'agent-smith']);
  });

  test('a second panel takes over: the first is told so and closed, and the floor never hears of a loss', async () => {
    const { panel, backend } = await startHarness();
    const first = await panel('tanaka');
    const second = await panel('tanaka');
    await first.receives('takenOver');
    expect(await first.isClosed()).toBe(4001);
    second.send({ type: 'logOn', phone: 'browser' });
    await second.receives('state', ({ agent }) => agent.state === 'notReady');
    expect(backend.inputs.map(({ type }) => type)).toEqual(['panelOpened', 'panelOpened', 'agentLogOn']);
    second.socket.terminate();
    await until('the loss of the second is told', () => backend.inputs.at(-1)?.type === 'panelClosed');
  });

  test('a panel that stays connected but does not answer any more is found by the heartbeat', async () => {
    const { web, cookieOf, backend } = await startHarness({ panelLimits: { heartbeatMs: 60 } });
    const socket = new WebSocket(`ws://127.0.0.1:${web.port}/ws/panel`, {
      headers: { cookie: await cookieOf('tanaka'), origin: `http://127.0.0.1:${web.port}` },
      autoPong: false,
    });
    const panel = new PanelClient(socket);
    await until('it is connected', () => socket.readyState === WebSocket.OPEN);
    panel.send({ type: 'hello', holdsCall: false });
    await panel.receives('state');
    await until('it is found dead', () => backend.inputs.some(({ type }) => type === 'panelClosed'));
    await panel.isClosed();
  });

  test('one that answers lives on through many heartbeats', async () => {
    const { panel, backend } = await startHarness({ panelLimits: { heartbeatMs: 20 } });
    const tanaka = await panel('tanaka');
    let pings = 0;
    tanaka.socket.on('ping', () => {
      pings += 1;
    });
    await until('ten heartbeats are over', () => pings >= 10);
    expect(tanaka.closedWith).toBeNull();
    expect(backend.inputs).toHaveLength(1);
  });

  test('a session that was ended elsewhere closes the panel, but not in the middle of a contact', async () => {
    const { panel, backend } = await startHarness({ panelLimits: { sessionMs: 20 } });
    const [tanaka, smith] = [await panel('tanaka'), await panel('smith')];
    backend.offer(TANAKA);
    await tanaka.receives('state', ({ contact }) => contact !== null);
    backend.endSessions();
    expect(await smith.isClosed()).toBe(4003);
    expect(tanaka.closedWith).toBeNull();
    backend.callerHangsUp(TANAKA);
    expect(await tanaka.isClosed()).toBe(4003);
  });

  test('a closing house sends panels away to come back, and tells the floor nothing', async () => {
    const { panel, web, backend } = await startHarness();
    const panels = [await panel('tanaka'), await panel('smith')];
    await web.close();
    for (const one of panels) expect(await one.isClosed()).toBe(1012);
    expect(backend.inputs.map(({ type }) => type)).toEqual(['panelOpened', 'panelOpened']);
    await expect(fetch(`http://127.0.0.1:${web.port}/healthz`)).rejects.toThrow();
  });

  test('a closing house does not wait for a panel that does not answer', async () => {
    const { panel, web } = await startHarness();
    const tanaka = await panel('tanaka');
    tanaka.socket.pause();
    const began = Date.now();
    await web.close();
    expect(Date.now() - began).toBeLessThan(3_000);
  });
});

describe('what a panel is told', () => {
  test('every change that concerns its agent, and nothing of others', async () => {
    const { panel, backend } = await startHarness();
    const [tanaka, smith] = [await panel('tanaka'), await panel('smith')];
    const before = smith.messages.length;
    backend.offer(TANAKA);
    const state = await tanaka.receives('state', ({ contact }) => contact !== null);
    expect(Value.Check(ServerMessage, state)).toBe(true);
    expect(state.contact).toMatchObject({ stage: 'shown', customer: { name: '山田 花子' } });
    backend.callerHangsUp(TANAKA);
    await tanaka.receives('state', ({ contact }) => contact === null, tanaka.messages.indexOf(state));
    expect(smith.messages).toHaveLength(before);
  });

  test('of a hundred changes in a moment only a few views are made, the last of them after the last change', async () => {
    const { panel, backend } = await startHarness();
    const tanaka = await panel('tanaka');
    const original = backend.agentView.bind(backend);
    let running = 0;
    let most = 0;
    let made = 0;
    backend.agentView = async (agentId) => {
      running += 1;
      made += 1;
      most = Math.max(most, running);
      // As of its beginning, as a reading from a database would be.
      const view = await original(agentId);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      return view;
    };
    for (let count = 1; count <= 100; count += 1) backend.setAgent(TANAKA, { wrapUpEndsAt: count });
    await tanaka.receives('state', ({ agent }) => agent.wrapUpEndsAt === 100);
    await until('nothing is being made', () => running === 0);
    expect(most).toBe(1);
    expect(made).toBeLessThanOrEqual(3);
  });

  test('when a view cannot be made, it comes as soon as it can', async () => {
    const { panel, backend, logged } = await startHarness({ panelLimits: { retryMs: 10 } });
    const tanaka = await panel('tanaka');
    const original = backend.agentView.bind(backend);
    let failures = 3;
    backend.agentView = async (agentId) => {
      if (failures-- > 0) throw new Error('no connection');
      return original(agentId);
    };
    backend.setAgent(TANAKA, { state: 'ready' });
    await tanaka.receives('state', ({ agent }) => agent.state === 'ready');
    expect(logged.filter((line) => line.includes('view of an agent could not be made'))).toHaveLength(3);
  });

  test('a panel that does not read is dropped instead of filling our memory', async () => {
    const { panel, backend } = await startHarness({ panelLimits: { bufferedBytes: 64 * 1024, heartbeatMs: 60_000 } });
    const tanaka = await panel('tanaka');
    const contact = backend.offer(TANAKA);
    tanaka.socket.pause();
    const why = Array.from({ length: 2_000 }, () => ({ ja: '', en: 'x'.repeat(200) }));
    const lost = () => backend.inputs.some(({ type }) => type === 'panelClosed');
    for (let count = 0; count < 200 && !lost(); count += 1) {
      backend.viewOf(TANAKA);
      backend.offer(TANAKA, { ...contact, why });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(lost()).toBe(true);
  });
});

describe('watching the floor', () => {
  const row = (id: string, desk: { id: string; name: string }) => ({
    contactId: id,
    channel: 'voice',
    state: 'queued',
    desk,
    party: '山田',
    callingNumber: null,
    arrivedAt: 1,
    position: 1,
    agent: null,
  });
  const OSAKA = { id: 'desk-osaka', name: '大阪サービス窓口' };
  const LONDON = { id: 'desk-london', name: 'London service desk' };

  test('a supervisor sees the list at once and after each change; nobody gets it unasked', async () => {
    const { panel, backend } = await startHarness();
    const [sato, tanaka] = [await panel('sato'), await panel('tanaka')];
    sato.send({ type: 'watch', on: true });
    const first = await sato.receives('floor');
    expect(Value.Check(ServerMessage, first)).toBe(true);
    expect(first.waiting).toEqual([]);
    expect(first.agents.map(({ agentId }) => agentId)).toEqual([TANAKA, 'agent-smith', 'agent-sato']);
    backend.setWaiting([row('w-1', OSAKA), row('w-2', LONDON)]);
    await sato.receives('floor', ({ waiting }) => waiting.length === 2);
    expect(tanaka.messages.some(({ type }) => type === 'floor')).toBe(false);
  });

  test('an agent sees only what the house shows of the own desks', async () => {
    const { panel, backend } = await startHarness();
    backend.setWaiting([row('w-1', OSAKA), row('w-2', LONDON)]);
    const tanaka = await panel('tanaka');
    tanaka.send({ type: 'watch', on: true });
    const floor = await tanaka.receives('floor');
    expect(floor.waiting.map(({ contactId }) => contactId)).toEqual(['w-1']);
    expect(floor.agents.map(({ agentId }) => agentId)).toEqual([TANAKA, 'agent-sato']);
  });

  test('whom the house refuses gets the refusal and no list', async () => {
    const { panel, backend } = await startHarness();
    const smith = await panel('smith');
    backend.setAgent('agent-smith', { desks: [] });
    const of = smith.send({ type: 'watch', on: true });
    expect(await smith.receives('refused')).toMatchObject({ of, code: 'notAllowed' });
    backend.touch();
    backend.setAgent('agent-smith', { wrapUpEndsAt: 7 });
    await smith.receives('state', ({ agent }) => agent.wrapUpEndsAt === 7);
    expect(smith.messages.some(({ type }) => type === 'floor')).toBe(false);
  });

  test('is told at most every quarter of a second, however much happens, and never misses the last', async () => {
    const { panel, backend } = await startHarness();
    const sato = await panel('sato');
    sato.send({ type: 'watch', on: true });
    await sato.receives('floor');
    const began = Date.now();
    let count = 0;
    while (Date.now() - began < 600 || count < 60) {
      backend.setWaiting([row(`w-${++count}`, OSAKA)]);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await sato.receives('floor', ({ waiting }) => waiting[0]?.contactId === `w-${count}`);
    const floors = sato.messages.filter(({ type }) => type === 'floor').length;
    // One at once, one with the first change, and one per quarter of the time that it took.
    expect(floors).toBeLessThanOrEqual(2 + Math.ceil((Date.now() - began) / 250));
    expect(count).toBeGreaterThan(3 * floors);
  });

  test('ends when asked to', async () => {
    const { panel, backend } = await startHarness({ panelLimits: { floorMs: 10 } });
    const [sato, tanaka] = [await panel('sato'), await panel('tanaka')];
    sato.send({ type: 'watch', on: true });
    tanaka.send({ type: 'watch', on: true });
    await sato.receives('floor');
    sato.send({ type: 'watch', on: false });
    sato.send({ type: 'logOn', phone: 'browser' });
    await sato.receives('state', ({ agent }) => agent.state === 'notReady');
    const before = sato.messages.filter(({ type }) => type === 'floor').length;
    backend.setWaiting([row('w-9', OSAKA)]);
    await tanaka.receives('floor', ({ waiting }) => waiting.length === 1);
    expect(sato.messages.filter(({ type }) => type === 'floor')).toHaveLength(before);
  });
});

describe('garbage', () => {
  test('whatever a message is, reading it gives a message of the agreed form or a refusal', () => {
    const almost = fc.record(
      {
        id: fc.oneof(fc.string(), fc.anything()),
        type: fc.oneof(
          fc.constantFrom('hello', 'logOn', 'setReady', 'setNotReady', 'wrapUp', 'watch', 'decline', '__proto__', 'constructor'),
          fc.anything(),
        ),
        holdsCall: fc.oneof(fc.boolean(), fc.anything()),
        phone: fc.oneof(fc.constantFrom('browser', 'deskPhone'), fc.anything()),
        reason: fc.oneof(fc.constantFrom('break', 'noAnswer'), fc.anything()),
        offerId: fc.oneof(fc.string(), fc.anything()),
        on: fc.oneof(fc.boolean(), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      almost.map((value) => JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? 1 : inner)) ?? ''),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (data, isBinary) => {
        const read = readClientMessage(Buffer.from(data), isBinary);
        if (read.ok) expect(Value.Check(ClientMessage, read.message)).toBe(true);
        else expect(read.of === null || read.of.length <= 64).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the server outlives everything that is thrown at its sockets', async () => {
    const { panel, request } = await startHarness({ panelLimits: { messagesPerSecond: 1e6, burst: 1e6 } });
    const smith = await panel('smith');
    const tanaka = await panel('tanaka');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        async (data) => {
          const before = tanaka.messages.length;
          tanaka.sendRaw(data);
          await tanaka.receives('refused', () => true, before);
        },
      ),
      { numRuns: 300 },
    );
    // Broken frames: a reserved opcode, unmasked, straight onto the wire.
    const raw = Reflect.get(tanaka.socket, '_socket') as import('node:net').Socket;
    raw.write(Buffer.from([0xff, 0x05, 1, 2, 3, 4, 5]));
    await tanaka.isClosed();
    expect((await request('/healthz')).status).toBe(200);
    smith.send({ type: 'logOn', phone: 'browser' });
    await smith.receives('state', ({ agent }) => agent.state === 'notReady');
  });
});
