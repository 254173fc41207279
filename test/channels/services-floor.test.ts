/** What scenarios ask of others, through the whole of a controller: real Postgres, real HTTP, a switch in memory. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import { pcmWav } from '#src/base/wav.ts';
import type { ControllerOptions } from '#src/contact/controller.ts';
import { parseScenarios } from '#src/ivr/parse.ts';
import { parseServices } from '#src/ivr/services.ts';
import { startDialogue, stepDialogue } from '#src/ivr/step.ts';
import { type RunningServices, scenarioServices } from '#src/scenario-services.ts';
import { Centre, type Node } from '../contact/centre.ts';
import { FarServer, json } from './far-server.ts';

let centre: Centre;
let far: FarServer;
const running: RunningServices[] = [];
/** Answers of the service that are held back until they are let go. */
let held: (() => void)[];

beforeEach(async () => {
  far = await FarServer.start();
  held = [];
  far.answer = (response, { url, body }) => {
    if (url.startsWith('/orders')) json(response, { status: 'shipped' });
    else if (url === '/speech') json(response, { text: body.includes('\u0001\u0002') ? 'Sales, please' : '' });
    else response.end();
  };
  centre = await Centre.open();
  const services = unwrap(
    parseServices(
      `services:\n  orders: { url: '${far.url}/orders/{number}', gives: { status: string }, timeout: 5s }\n` +
        `hooks:\n  sms: { url: '${far.url}/sms', body: { to: '{to}', text: '{text}' } }\n`,
      's.yaml',
    ),
  );
  const set = unwrap(
    parseScenarios(
      [
        {
          file: 'order.yaml',
          text: `
name: order
languages: [en]
variables: { status: string }
start: ask
steps:
  ask: { lookUp: { service: orders, with: { number: "'117'" }, save: { status: status } }, found: send, notFound: none, failed: none }
  send: { send: { hook: sms, with: { to: "'+819012345678'" }, text: { en: 'Your order is {status}' } }, next: choose }
  choose: { menu: { prompt: { en: 'Sales or repairs?' }, choices: { '1': sales, '2': repairs }, words: { '1': [sales] }, speech: true, firstDigit: 1s }, failed: none }
  sales: { hangUp: sales }
  repairs: { hangUp: repairs }
  none: { hangUp: none }
`,
        },
      ],
      services,
    ),
  );
  centre.context = {
    ...centre.context,
    speech: true,
    startDialogue: (_name, options, facts) => startDialogue(set, 'order', options, facts),
    stepDialogue: (dialogue, input, facts) => stepDialogue(set, dialogue, input, facts),
  };
  start = async (owner, options = {}) => {
    const log = pino({ level: 'silent' });
    const speech = { url: `${far.url}/speech`, token: null, confidence: 0.5, timeoutMs: 5_000 };
    const one = scenarioServices({
      db: centre.pool,
      domainId: 'test',
      services: () => services,
      servicesOf: () => services,
      speech,
      env: {},
      log,
    });
    running.push(one);
    const node = await centre.started(owner, { services: one.floor, ...options });
    one.start();
    return node;
  };
});
let start: (owner: string, options?: Partial<ControllerOptions>) => Promise<Node>;

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  await centre.close();
  await far.stop();
});

const hold = (): void => {
  const { answer } = far;
  far.answer = (response, asked) => {
    if (asked.url.startsWith('/orders')) held.push(() => answer(response, asked));
    else answer(response, asked);
  };
};
/** A caller whom nobody knows: the scenario begins at once. */
const call = () => centre.switch.arrive({ calledNumber: '1000', presentation: 'restricted' });
const steps = (node: Node) => [...node.controller.floor.contacts.values()].map(({ dialogue }) => dialogue?.step);
const asked = (path: string) => far.asked.filter(({ url }) => url.startsWith(path));
const dispositions = async () => (await centre.rows('contact')).map(({ cause, disposition }) => [cause, disposition]);
/** The prompt of the menu has been heard: now the caller may speak. */
const hearPrompt = async (): Promise<void> => {
  await expect.poll(() => centre.legs().flatMap(({ plays }) => plays)).not.toEqual([]);
  for (const { play } of centre.legs().flatMap(({ plays }) => plays)) centre.switch.finishPlay(play);
};

const aSecondOf = (...bytes: readonly number[]): Buffer => pcmWav(Buffer.concat([Buffer.from(bytes), Buffer.alloc(16_000)]));

describe('a scenario', () => {
  it('asks a service, has a message sent, and hears what the caller says', async () => {
    const node = await start('one');
    const leg = call();
    await expect.poll(() => steps(node)).toEqual(['choose']);
    await expect.poll(() => asked('/sms')).toMatchObject([{ body: '{"to":"+819012345678","text":"Your order is shipped"}' }]);
    await hearPrompt();
    await expect.poll(() => centre.switch.recordings).toHaveLength(1);
    centre.switch.speak(leg, aSecondOf(1, 2));
    for (const recording of centre.switch.recordings) centre.switch.finishRecording(recording);
    await expect.poll(dispositions).toEqual([['hungUpByScenario', 'sales']]);
    await expect.poll(() => centre.switch.recordings).toEqual([]);
    expect(asked('/speech')).toHaveLength(1);
  });

  it('is told that nothing was understood, and asks again', async () => {
    const node = await start('one');
    const leg = call();
    await hearPrompt();
    await expect.poll(() => centre.switch.recordings).toHaveLength(1);
    centre.switch.speak(leg, aSecondOf(3, 4));
    for (const recording of centre.switch.recordings) centre.switch.finishRecording(recording);
    await hearPrompt();
    await expect.poll(() => centre.switch.recordings).toHaveLength(1);
    expect(steps(node)).toEqual(['choose']);
  });

  it('goes on when the service fails', async () => {
    far.answer = (response) => void response.writeHead(500).end();
    await start('one');
    call();
    await expect.poll(dispositions).toEqual([['hungUpByScenario', 'none']]);
  });

  it('does not hear an answer to what it asked before', async () => {
    const node = await start('one');
    call();
    await expect.poll(() => steps(node)).toEqual(['choose']);
    const [contact] = node.controller.floor.contacts.values();
    const contactId = contact?.id ?? '';
    await node.controller.submit({ type: 'serviceAnswered', contactId, request: 1, outcome: 'notFound', values: {} });
    await node.controller.submit({ type: 'heard', contactId, request: 1, words: 'sales' });
    await node.controller.submit({ type: 'serviceAnswered', contactId: 'gone', request: 1, outcome: 'found', values: {} });
    expect(steps(node)).toEqual(['choose']);
  });

  it('has its service asked again by the next controller, when one died before the answer, and its message sent once', async () => {
    hold();
    const first = await start('one');
    call();
    await expect.poll(() => held.length).toBe(1);
    await first.kill();
    await running[0]?.stop();
    await centre.pool.query(`update domain set lease_until = now() where id = 'test'`);
    const second = await start('two');
    await expect.poll(() => held.length).toBe(2);
    for (const go of held) go();
    await expect.poll(() => steps(second)).toEqual(['choose']);
    await expect.poll(() => asked('/sms')).toHaveLength(1);
  });

  it('has its service asked again by the next controller also when the answer came to one that was stopping', async () => {
    hold();
    const closing = Promise.withResolvers<void>();
    const { switch: phones } = centre;
    const slowToClose = new Proxy(phones, {
      get(_, name) {
        const value: unknown = Reflect.get(phones, name, phones);
        if (name === 'close') return () => closing.promise.then(() => phones.close());
        return typeof value === 'function' ? value.bind(phones) : value;
      },
    });
    const first = await start('one', { switch: slowToClose });
    const answered = new Promise<void>((resolve) => {
      const floor = running[0]?.floor;
      const ask = floor?.ask;
      if (floor && ask)
        Object.assign(floor, { ask: (...about: Parameters<typeof ask>) => ask(...about).finally(() => setImmediate(resolve)) });
    });
    call();
    await expect.poll(() => held.length).toBe(1);
    const stopped = first.controller.stop();
    for (const go of held.splice(0)) go();
    await answered;
    closing.resolve();
    await stopped;
    const second = await start('two');
    await expect.poll(() => held.length).toBe(1);
    for (const go of held) go();
    await expect.poll(() => steps(second)).toEqual(['choose']);
  });

  it('has its message sent once, when a controller died with it in the outbox', async () => {
    const first = await start('one');
    const floor = running[0]?.floor;
    if (!floor) throw new Error('nothing runs');
    const { send } = floor;
    // It is noted down, but that it was is not committed any more.
    const dieThen = async (job: Parameters<typeof send>[0]): Promise<void> => {
      await send(job);
      await first.kill();
      await new Promise(() => undefined);
    };
    Object.assign(floor, { send: dieThen });
    call();
    await expect.poll(() => asked('/sms')).toHaveLength(1);
    await centre.pool.query(`update domain set lease_until = now() where id = 'test'`);
    const second = await start('two');
    await expect.poll(() => steps(second)).toEqual(['choose']);
    await expect.poll(async () => (await centre.pool.query('select from pending_orders')).rowCount).toBe(0);
    expect(asked('/sms')).toHaveLength(1);
    expect((await centre.pool.query('select state from hook_job')).rows).toEqual([{ state: 'sent' }]);
  });
});
