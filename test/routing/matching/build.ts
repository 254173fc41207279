/** Tasks, workers and policies for tests: what is said, and ordinary values for the rest. */
import { DEFAULT_POLICY, type Kind, type QueuePolicy, type Task, type Worker } from '../../../src/routing/matching/model.ts';

export const T0 = Date.UTC(2026, 3, 1, 9);
export const SECOND = 1_000;
export const MINUTE = 60_000;

const CHANNEL_OF = {
  call: 'voice',
  callback: 'voice',
  notice: 'voice',
  message: 'voice',
  mail: 'mail',
  chat: 'chat',
} as const satisfies Record<Kind, unknown>;

export function task(id: string, about: Partial<Task> = {}): Task {
  const kind = about.kind ?? 'call';
  const arrivedAt = about.arrivedAt ?? T0;
  return {
    id,
    queueId: 'tokyo',
    kind,
    channel: CHANNEL_OF[kind],
    priorityClass: 1,
    arrivedAt,
    serial: 0,
    queuedAt: arrivedAt,
    promisedAt: null,
    requirements: [],
    rings: [],
    preferred: null,
    notBefore: null,
    excluded: [],
    ...about,
  };
}

export function worker(id: string, about: Partial<Worker> = {}): Worker {
  return {
    id,
    availability: 'ready',
    queues: [{ queueId: 'tokyo', priority: 1 }],
    skills: [],
    capacity: { voice: 1, chat: 0, mail: 1 },
    load: { voice: 0, chat: 0, mail: 0 },
    idleSince: T0,
    lastCallAssignedAt: null,
    busyMs: 0,
    loggedOnMs: 0,
    assignments: 0,
    ...about,
  };
}

export const policy = (queueId: string, about: Partial<QueuePolicy> = {}): QueuePolicy => ({ ...DEFAULT_POLICY, queueId, ...about });
