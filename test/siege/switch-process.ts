/**
 * The switch as a process of its own, which outlives every node, with the people who use it. Nodes come by a Unix socket: orders
 * are taken from whoever gives them (an owner that was paused may still have some), events go to all who listen.
 */
import net from 'node:net';
import { browserEndpoint } from '#src/base/endpoint.ts';
import { MemorySwitch } from '#src/cti/memory/switch.ts';
import type { OriginateOrder, SwitchEvent } from '#src/cti/port.ts';
import { Random } from '../simulation/random.ts';
import type { FromNode, SwitchOptions } from './messages.ts';
import { People } from './people.ts';
import { Recorder } from './record.ts';
import { Wire } from './wire.ts';
import { AGENTS, DOMAIN, LEG_LEASE_MS } from './world.ts';

const ORDERS = [
  'answer',
  'hangUp',
  'originate',
  'play',
  'stopPlay',
  'record',
  'stopRecord',
  'fetchRecording',
  'dropRecording',
  'startMusic',
  'stopMusic',
  'join',
  'leave',
  'dropBridge',
  'hold',
  'retrieve',
  'renewLeases',
  'provision',
  'snapshot',
  'isReachable',
] as const;
type OrderName = (typeof ORDERS)[number];
const isOrder = (method: string): method is OrderName => (ORDERS as readonly string[]).includes(method);
/** Too many, and no phone rings by them. */
const NOT_NOTED: ReadonlySet<string> = new Set<OrderName>(['play', 'stopPlay', 'renewLeases', 'snapshot', 'provision', 'isReachable']);
const ANSWER_WITHIN_MS = 3_000;

interface Line {
  readonly wire: Wire;
  node: string;
  listens: boolean;
  fence: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as SwitchOptions;
const random = new Random(options.seed);
const recorder = new Recorder(options.record);
const lines = new Set<Line>();
const dialled = new Set<string>();
const sw = new MemorySwitch({ mediumMs: () => 150, onDial: (to) => people.onDial(to) });

/** Who decides at present: the one with the highest fence that is still there. */
const owner = (): Line | undefined => [...lines].filter((line) => line.fence > 0).sort((a, b) => b.fence - a.fence)[0];

const people = new People({
  switch: () => sw,
  recorder,
  random,
  arrivalsPerSecond: options.arrivalsPerSecond,
  ask: async (input) => {
    const line = owner();
    if (!line) throw new Error('nobody decides at present');
    await line.wire.ask('input', [input], ANSWER_WITHIN_MS);
  },
});

function onEvent(event: SwitchEvent): void {
  if (event.type === 'legRinging') recorder.note({ what: 'ringing', leg: event.leg });
  if (event.type === 'legAnswered') recorder.note({ what: 'answered', leg: event.leg });
  if (event.type === 'legEnded') recorder.note({ what: 'ended', leg: event.leg, cause: event.cause });
  // Every leg has a lease from the beginning, as an adapter gives it; owners renew it.
  if (event.type === 'legArrived' || event.type === 'legAnswered') void sw.renewLeases([event.leg], LEG_LEASE_MS);
  if (event.type !== 'resynchronised') for (const line of lines) if (line.listens) line.wire.tell(event);
  people.onEvent(event);
}

async function order(node: string, method: OrderName, args: readonly unknown[]): Promise<unknown> {
  const originate = method === 'originate' ? (args[0] as OriginateOrder) : null;
  const [bridge, joining] = method === 'join' ? (args as [string, readonly string[]]) : ['', []];
  const alreadyJoined = joining.every((leg) => sw.see(leg)?.bridge === bridge);
  if (originate && !dialled.has(originate.leg)) {
    dialled.add(originate.leg);
    recorder.note({ what: 'dialled', node, leg: originate.leg, to: originate.to });
  }
  const carryOut = sw[method] as (...given: unknown[]) => Promise<unknown>;
  let outcome = 'done';
  try {
    const answer = await carryOut.apply(sw, [...args]);
    if (method === 'join' && !alreadyJoined) recorder.note({ what: 'joined', node, bridge, legs: joining });
    if (method !== 'join' || !alreadyJoined) people.onOrder(method, args);
    return answer;
  } catch (error) {
    outcome = String((error as { code?: unknown }).code ?? error);
    throw error;
  } finally {
    if (!NOT_NOTED.has(method)) recorder.note({ what: 'order', node, method, args: [originate?.leg ?? args[0]], outcome });
  }
}

/** What whoever leads the siege asks. */
const LEADER: Readonly<Record<string, () => unknown>> = {
  begin: () => people.begin(),
  stop: () => people.stop(),
  probe: () => people.probe(),
  owner: () => owner()?.node ?? null,
  nodes: () => [...lines].map(({ node }) => node),
  look: async () => ({ legs: sw.seeAll(), bridges: (await sw.snapshot()).bridges }),
};

async function asked(line: Line, method: string, args: readonly unknown[]): Promise<unknown> {
  const lead = LEADER[method];
  if (lead) return lead();
  if (method === 'listen') {
    line.listens = true;
    return line.wire.tell({ type: 'resynchronised', snapshot: await sw.snapshot() });
  }
  if (isOrder(method)) return order(line.node, method, args);
  throw new Error(`unknown: ${method}`);
}

function told(line: Line, message: FromNode): void {
  switch (message.type) {
    case 'hello':
      line.node = message.node;
      return;
    case 'owning':
      line.fence = message.fence;
      recorder.note({ what: 'owning', node: line.node, fence: line.fence });
      if (owner() === line) people.onOwner();
      return;
    case 'views':
      if (owner() === line) people.onViews(message.views);
  }
}

await sw.connect(onEvent);
for (const agentId of AGENTS) sw.register(browserEndpoint(DOMAIN, agentId));
net
  .createServer((socket) => {
    const wire = new Wire(socket, {
      asked: (method, args) => asked(line, method, args),
      told: (message) => told(line, message as FromNode),
      closed: () => {
        const was = owner();
        lines.delete(line);
        if (was === line) people.onOwner();
      },
    });
    const line: Line = { wire, node: '', listens: false, fence: 0 };
    lines.add(line);
  })
  .listen(options.socket, () => process.send?.('ready'));
process.on('disconnect', () => process.exit(1)); // whoever leads is gone
