/** What Prometheus reads: the floor as it stands when asked, and counts of what happened since the start. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ContactId, DeskId, EpochMs } from './base/ids.ts';
import type { Controller } from './contact/controller.ts';
import type { Channel, FloorEvent } from './contact/model.ts';
import type { Directory } from './routing/directory.ts';
import type { ScenariosState } from './scenarios.ts';

export function floorMetrics(controller: Controller, directory: () => Directory): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'madoguchi_process_' });
  const registers = [registry];

  const ended = new Counter({
    name: 'madoguchi_contacts_ended_total',
    help: 'Contacts that ended, by cause',
    labelNames: ['cause'],
    registers,
  });
  const offers = new Counter({
    name: 'madoguchi_offers_ended_total',
    help: 'Offers that came to nothing, by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const events = new Counter({ name: 'madoguchi_events_total', help: 'Events written, by name', labelNames: ['name'], registers });
  const waited = new Histogram({
    name: 'madoguchi_wait_seconds',
    help: 'From arrival to talk, of contacts that were answered by phone',
    buckets: [1, 2, 5, 10, 20, 30, 60, 120, 300, 600],
    registers,
  });
  const estimateErrors = new Histogram({
    name: 'madoguchi_wait_estimate_error_seconds',
    help: 'How far the wait that was predicted was from the real one, either way, by desk; npm run waits says more',
    labelNames: ['desk'],
    buckets: [5, 10, 20, 30, 60, 120, 300, 600, 1_200],
    registers,
  });
  const estimates = waitEstimates((deskId, errorMs) => estimateErrors.observe({ desk: deskId }, errorMs / 1_000));
  controller.onCommitted((committed) => {
    for (const event of committed.events) {
      const channel = controller.floor.contacts.get(event.contactId ?? '')?.channel;
      estimates(event, channel);
      events.inc({ name: event.name });
      if (event.name === 'contactEnded') ended.inc({ cause: event.cause ?? 'unknown' });
      if (event.name === 'diverted' || event.name === 'offerEnded') offers.inc({ outcome: event.cause ?? 'unknown' });
      const waitedMs = event.name === 'established' ? event.data['waitedMs'] : undefined;
      if (typeof waitedMs === 'number' && channel !== 'message') waited.observe(waitedMs / 1_000);
    }
  });

  new Gauge({
    name: 'madoguchi_contacts',
    help: 'Contacts that are not over, by state',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const contact of controller.floor.contacts.values()) this.inc({ state: contact.state });
    },
  });
  new Gauge({
    name: 'madoguchi_waiting',
    help: 'Contacts that wait for an agent, by desk',
    labelNames: ['desk'],
    registers,
    collect() {
      for (const desk of directory().desks.keys()) this.set({ desk }, controller.floor.waitingCount(desk));
    },
  });
  new Gauge({
    name: 'madoguchi_agents',
    help: 'Agents, by state',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const agent of controller.floor.agents.values()) this.inc({ state: agent.state });
    },
  });
  new Gauge({
    name: 'madoguchi_ready',
    help: '1 when contacts can be taken',
    registers,
    collect() {
      this.set(controller.trouble === null ? 1 : 0);
    },
  });
  return registry;
}

/** Which scenarios are in use, and whether their files are right: someone who edits them at night is not there to see. */
export function scenarioMetrics(state: () => ScenariosState): Gauge[] {
  return [
    new Gauge({
      name: 'madoguchi_scenario_problems',
      help: 'Mistakes in the files of scenarios as they are now; while there are any, the files are not in use',
      registers: [],
      collect() {
        this.set(state().problems.length);
      },
    }),
    new Gauge({
      name: 'madoguchi_scenario_release_seconds',
      help: 'When the release of scenarios that is in use was taken into use, by its version; seconds since 1970',
      labelNames: ['version'],
      registers: [],
      collect() {
        this.reset();
        const { release, since } = state();
        this.set({ version: release.version }, since / 1_000);
      },
    }),
  ];
}

/**
 * Follows the log: what was predicted for whom, and when they were answered (a call) or first given to an agent (a callback). The
 * same waits as in `db/wait-honesty.ts`.
 */
export function waitEstimates(observe: (deskId: DeskId, errorMs: number) => void) {
  const predicted = new Map<ContactId, { readonly at: EpochMs; readonly waitMs: number }>();
  return (event: FloorEvent, channel: Channel | undefined): void => {
    const { name, contactId, deskId, at } = event;
    if (contactId === null) return;
    const waitMs = event.data['estimatedWaitMs'];
    if (name === 'waitEstimated' && typeof waitMs === 'number') predicted.set(contactId, { at, waitMs });
    const estimate = predicted.get(contactId);
    const isAnswered = name === 'established' && event.offerId !== null;
    if (estimate && deskId !== null && (channel === 'voice' ? isAnswered : name === 'offered'))
      observe(deskId, Math.abs(at - estimate.at - estimate.waitMs));
    if (isAnswered || name === 'callbackMoved' || name === 'contactEnded' || (name === 'offered' && channel !== 'voice'))
      predicted.delete(contactId);
  };
}
