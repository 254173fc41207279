/** What scenarios ask of others, put together: services, hooks with their jobs in the database, and the speech recogniser. */
import { Counter, Gauge, Histogram, type Metric } from 'prom-client';
import type { DomainId } from './base/ids.ts';
import type { Logger } from './base/log.ts';
import { HookSender } from './channels/hooks.ts';
import { ServiceClient } from './channels/services.ts';
import { SpeechClient, type SpeechSettings } from './channels/speech.ts';
import type { ScenarioServices } from './contact/ports.ts';
import { PgHookStore } from './db/hooks.ts';
import type { Queryable } from './db/pool.ts';
import type { Services } from './ivr/services.ts';

export interface ServiceParts {
  readonly db: Queryable;
  readonly domainId: DomainId;
  /** As the files have it now, and as they had it in a release. */
  readonly services: () => Services;
  readonly servicesOf: (version: string) => Services;
  readonly speech: SpeechSettings | null;
  /** Where secrets are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

export interface RunningServices {
  readonly floor: ScenarioServices;
  readonly metrics: readonly Metric[];
  /** Begins to send what hooks have to send. For the owner of the domain, once it is. */
  start(): void;
  stop(): Promise<void>;
}

export function scenarioServices(parts: ServiceParts): RunningServices {
  const { db, domainId, services, servicesOf, speech, env, log } = parts;
  const registers: [] = []; // whoever has the registry takes them in
  const buckets = [0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 30];
  const answers = new Histogram({
    name: 'madoguchi_service_seconds',
    help: 'What services answered scenarios, and how long it took',
    labelNames: ['service', 'outcome'],
    buckets,
    registers,
  });
  const tries = new Counter({
    name: 'madoguchi_hook_tries_total',
    help: 'Tries of hooks: sent, again (it is tried again), givenUp',
    labelNames: ['hook', 'outcome'],
    registers,
  });
  const heard = new Histogram({
    name: 'madoguchi_speech_seconds',
    help: 'What the speech recogniser made of what callers said, and how long it took',
    labelNames: ['outcome'],
    buckets,
    registers,
  });
  const store = new PgHookStore(db, domainId);
  const jobs = new Gauge({
    name: 'madoguchi_hook_jobs',
    help: 'What hooks have still to send, and what was given up lately',
    labelNames: ['hook', 'state'],
    registers,
    async collect() {
      // Without the database all other figures are as good as before.
      const counts = await store.counts().catch((error: unknown) => log.warn({ err: error }, 'hooks could not be counted'));
      this.reset();
      for (const { hook, state, count } of counts ?? []) this.set({ hook, state }, count);
    },
  });

  const client = new ServiceClient({
    services: servicesOf,
    env,
    log,
    onAnswer: (service, outcome, tookMs) => answers.observe({ service, outcome }, tookMs / 1_000),
  });
  const hooks = new HookSender({
    store,
    services,
    env,
    now: Date.now,
    log,
    onTried: (hook, outcome) => tries.inc({ hook, outcome }),
  });
  const recogniser =
    speech && new SpeechClient({ ...speech, log, onHeard: (outcome, tookMs) => heard.observe({ outcome }, tookMs / 1_000) });
  return {
    floor: {
      ask: (service, values, version) => client.ask(service, values, version),
      send: (job) => hooks.add(job),
      recognise: async (audio, language, expects) => recogniser?.recognise(new Uint8Array(audio), language, expects) ?? null,
    },
    metrics: [answers, tries, heard, jobs],
    start: () => hooks.start(),
    async stop() {
      client.close();
      recogniser?.close();
      await hooks.stop();
    },
  };
}
