/** One node: the real controller on the real store, as `house.ts` puts them together, and a line to the switch's process. */
import pino from 'pino';
import { Controller } from '#src/contact/controller.ts';
import type { FloorInput } from '#src/contact/model.ts';
import type { SwitchEvent } from '#src/cti/port.ts';
import { createPool } from '#src/db/pool.ts';
import { PgRecordingStore } from '#src/db/recordings.ts';
import { PgFloorStore } from '#src/db/store.ts';
import { customer } from '../contact/world.ts';
import { withDefect } from './defects.ts';
import { type FromNode, GAVE_UP, NOT_STARTED, type NodeOptions, type ToNode, type View } from './messages.ts';
import { NotedStore } from './noted-store.ts';
import { RemoteSwitch } from './remote-switch.ts';
import { Wire } from './wire.ts';
import { AGENTS, DESKS, DOMAIN, LEASE_TTL_MS, LEG_LEASE_MS, RENEW_LEGS_EVERY_MS, SIEGE } from './world.ts';

/** What Postgres or its client say when it is away, cut off, ending, starting or too slow. */
const DATABASE_AWAY = /ECONN|EHOSTUNREACH|timeout|terminat|starting up|shutting down|recovery|not yet accepting/i;

async function run(options: NodeOptions): Promise<void> {
  const log = pino({ level: 'info' }, pino.destination({ dest: options.log, sync: true, append: true }));
  process.on('disconnect', () => process.exit(1)); // whoever leads is gone
  const store: { current: NotedStore | null } = { current: null };
  await new Promise<void>((go) => {
    process.on('message', (message: ToNode) => (message.type === 'go' ? go() : store.current?.arm(message.moment, message.signal)));
    process.send?.('ready');
  });

  const pool = createPool(options.databaseUrl, {
    log: (message, fields) => log.warn(fields, message),
    name: options.app,
    max: 4,
    statementTimeoutMs: 1_000,
    connectTimeoutMs: 1_000,
  });
  const wire: Wire = await Wire.connect(options.socket, {
    asked: async (method, [input]) => {
      if (method !== 'input') throw new Error(`unknown: ${method}`);
      await controller.submit(input as FloorInput);
    },
    told: (event) => phones.hear(event as SwitchEvent),
    closed: () => process.exit(1),
  });
  const tell = (message: FromNode): void => wire.tell(message);
  const phones = new RemoteSwitch(() => wire);
  const defective = withDefect(process.env['SIEGE_DEFECT'], { store: new PgFloorStore(pool), switch: phones, pool });
  const noted = new NotedStore(defective.store, options.notes, options.app);
  store.current = noted;
  const controller: Controller = new Controller({
    domainId: DOMAIN,
    owner: options.name,
    store: noted,
    switch: defective.switch,
    finder: {
      // The last digit says which desk's customer it is; some are nobody's.
      find: async (_domain, by, value) => {
        await pool.query('select');
        const digit = Number(value.at(-1));
        return by === 'callingNumber' && digit > 7 ? null : customer(DESKS[digit % DESKS.length] as string);
      },
    },
    prompts: { media: async () => ['tone:prompt'] },
    recordings: new PgRecordingStore(pool),
    context: () => SIEGE,
    clock: { now: () => Date.now() },
    leaseTtlMs: LEASE_TTL_MS,
    legLeaseMs: LEG_LEASE_MS,
    log,
    onReachable: () => undefined,
    onLost: (error) => {
      noted.note('lost', error.name);
      log.error({ err: error }, 'gave up');
      process.exit(GAVE_UP);
    },
  });

  const views = (): View[] =>
    AGENTS.map((agentId) => {
      const agent = controller.floor.agents.get(agentId);
      const offer = controller.floor.offers.get(agent?.offerId ?? '');
      return {
        agentId,
        state: agent?.state ?? 'loggedOff',
        panel: agent?.panel ?? 'closed',
        offerId: agent?.offerId ?? null,
        offerState: offer?.state ?? null,
        wrapUpContactId: agent?.wrapUpContactId ?? null,
      };
    });
  tell({ type: 'hello', node: options.app });
  try {
    await controller.start();
  } catch (error) {
    log.error({ err: error }, 'could not start');
    const message = error instanceof Error ? error.message : String(error);
    if (!DATABASE_AWAY.test(message)) throw error;
    noted.note('notStarted', message);
    process.exit(NOT_STARTED);
  }
  controller.onCommitted(() => tell({ type: 'views', views: views() }));
  noted.note('owning', '');
  tell({ type: 'owning', fence: noted.fence });
  tell({ type: 'views', views: views() });
  setInterval(
    () => void controller.renewLegs().catch((error: unknown) => log.warn({ err: error }, 'legs not renewed')),
    RENEW_LEGS_EVERY_MS,
  );
  process.once('SIGTERM', () => {
    noted.note('stopping', '');
    controller.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}

await run(JSON.parse(process.argv[2] ?? '{}') as NodeOptions);
