/**
 * What the matching engine is told, and what it answers. Closed lists, immutable records, milliseconds everywhere; times are
 * whole numbers. A record is taken by reference and never changed, so the arrays in it can be shared by thousands of tasks.
 *
 * **Who may take what.** A worker is *eligible* for a task when all of this holds:
 *
 * 1. the worker is `ready`, and has room on the task's channel: load below capacity, and whatever it is busy with lets that
 *    channel start beside it (`Beside`);
 * 2. the worker serves the task's queue, or a queue to which the task overflows now (`OverflowRule`; rules are not chained);
 * 3. the worker has every required skill, at the level that the task's last elapsed ring asks for;
 * 4. the worker is not among the task's excluded ones;
 * 5. `notBefore` is over;
 * 6. while the preferred agent is waited for, the worker is that agent, through the task's own queue;
 * 7. in a `calls-first` queue, a task that nobody is waiting on the line for (`callback`, `mail`, `notice`, `message`) goes only to a worker
 *    to whom no call has been assigned for `idleForCallbacksMs` (counted from `idleSince` where none ever was).
 *
 * **Who gets whom.** All eligible pairs stand in one order, and the first pair is taken, again and again, until there is none:
 *
 *     worker's own priority for the queue
 *     → side (calls-first: calls and chats before the rest; one-queue: all the same)
 *     → priority class
 *     → score, higher first
 *     → arrivedAt → serial → task id
 *     → overflow rule (own queue first) → worker's load → tie-break of the queue → idleSince → worker id
 *
 * Since one order ranks all pairs, and an assignment only ever makes its worker's other pairs worse, the outcome is the only one in
 * which no task and worker would both rather have had each other; it does not depend on the way in which it is found.
 *
 * **Score** (B4), for a queue's `weights` and `promise`:
 *
 *     score = weights[kind] × (now − arrivedAt) + promise.weight × max(0, now − (promisedAt − promise.leadMs))
 *
 * so everybody ages, some kinds faster than others, and what was promised for a time ages faster from `leadMs` before it.
 * Weights are whole numbers up to 1,000: the arithmetic stays exact up to the year 2112 (2⁵³ = 2 × 1,000 × 4.5·10¹² ms).
 */
import type { AgentId, DeskId, EpochMs } from '../../base/ids.ts';

export const KINDS = ['call', 'callback', 'mail', 'chat', 'notice', 'message'] as const;
export type Kind = (typeof KINDS)[number];
export const CHANNELS = ['voice', 'chat', 'mail'] as const;
export type Channel = (typeof CHANNELS)[number];

export type TaskId = string;
export type QueueId = DeskId;

export interface Requirement {
  readonly skill: string;
  /** 1…255; the worker's level has to be at least this. */
  readonly level: number;
}

export interface Task {
  readonly id: TaskId;
  readonly queueId: QueueId;
  readonly kind: Kind;
  /** On which the answer goes out: a notice is one by phone or by mail. */
  readonly channel: Channel;
  /** 0…255, 0 first. */
  readonly priorityClass: number;
  /** Its place: never changed by moving, retrying, waiting again. */
  readonly arrivedAt: EpochMs;
  /** Of two that arrived in the same millisecond the smaller comes first. */
  readonly serial: number;
  /** Since when it waits in this queue: rings and overflow times count from here. */
  readonly queuedAt: EpochMs;
  readonly promisedAt: EpochMs | null;
  readonly requirements: readonly Requirement[];
  /** What is required instead once it has waited `afterMs`; ascending. */
  readonly rings: readonly Ring[];
  /**
   * Waited for until then, unless that agent is `away` or not there, does not serve the queue, lacks what is required now, or is
   * excluded.
   */
  readonly preferred: { readonly agentId: AgentId; readonly until: EpochMs } | null;
  /** Rests until then: not offered, not counted. */
  readonly notBefore: EpochMs | null;
  readonly excluded: readonly AgentId[];
}

export interface Ring {
  readonly afterMs: number;
  readonly requirements: readonly Requirement[];
}

/**
 * - `ready`: may be given what there is room for.
 * - `finishing`: not now, but back by itself (wrap-up): worth waiting for.
 * - `away`: not ready on purpose; logged on all the same.
 */
export type Availability = 'ready' | 'finishing' | 'away';

/** An agent who is logged on. Whoever is not is not a worker. What is given here replaces all that was believed before. */
export interface Worker {
  readonly id: AgentId;
  readonly availability: Availability;
  /** Smaller priority first; no queue twice. */
  readonly queues: readonly { readonly queueId: QueueId; readonly priority: number }[];
  readonly skills: readonly Requirement[];
  readonly capacity: Readonly<Record<Channel, number>>;
  readonly load: Readonly<Record<Channel, number>>;
  readonly idleSince: EpochMs;
  /** When a call (of kind `call`) was last assigned to this worker; null: not since log-on. */
  readonly lastCallAssignedAt: EpochMs | null;
  /** Occupancy, for `leastOccupied`, as of when it was told. */
  readonly busyMs: number;
  readonly loggedOnMs: number;
  /** How many it was given, for `roundRobin`. */
  readonly assignments: number;
}

export type TieBreak = 'longestIdle' | 'leastOccupied' | 'roundRobin';

export type Discipline =
  /** B3. Live contacts first; the rest goes to whom no call has been assigned for that long. */
  | { readonly name: 'calls-first'; readonly idleForCallbacksMs: number }
  /** B4. All in one line. */
  | { readonly name: 'one-queue' };

/**
 * When workers of another queue may take from this one, too. The task keeps its place here, and its own queue's workers may still
 * take it.
 * - `afterMs`: it has waited that long.
 * - `estimatedWaitMs`: the wait estimated for the last in line is longer; as it was when the decision began.
 * - `nobody`: no worker of this queue is logged on.
 */
export type OverflowRule = { readonly to: QueueId } & (
  | { readonly when: 'afterMs'; readonly afterMs: number }
  | { readonly when: 'estimatedWaitMs'; readonly estimatedWaitMs: number }
  | { readonly when: 'nobody' }
);

export interface QueuePolicy {
  readonly queueId: QueueId;
  readonly discipline: Discipline;
  readonly tieBreak: TieBreak;
  /** Points per millisecond of waiting; whole numbers 0…1,000. */
  readonly weights: Readonly<Record<Kind, number>>;
  /** Extra points per millisecond from `leadMs` before a promised time on. */
  readonly promise: { readonly leadMs: number; readonly weight: number };
  /** At most 16, nearest first. */
  readonly overflow: readonly OverflowRule[];
}

/**
 * Every kind by arrival; notices and messages when nothing else of their class waits (B5: between calls), or else the first callers of
 * a morning would wait behind all that was left on the phone over night.
 */
export const DEFAULT_POLICY: Omit<QueuePolicy, 'queueId'> = {
  discipline: { name: 'one-queue' },
  tieBreak: 'longestIdle',
  weights: { call: 1, callback: 1, mail: 1, chat: 1, notice: 0, message: 0 },
  promise: { leadMs: 0, weight: 10 },
  overflow: [],
};

/** What may start beside what runs, by what runs. More of the same channel is a matter of capacity. */
export type Beside = Readonly<Record<Channel, readonly Channel[]>>;

/** A talk and a chat want the whole person; a mail can be laid aside for either. */
export const DEFAULT_BESIDE: Beside = { voice: [], chat: [], mail: ['voice', 'chat'] };

export interface Assignment {
  readonly taskId: TaskId;
  readonly workerId: AgentId;
  readonly queueId: QueueId;
  /** The queue for which the worker took it: another than `queueId` when it overflowed. */
  readonly viaQueueId: QueueId;
  /** The task's place in the order of arrival. */
  readonly arrivedAt: EpochMs;
  readonly serial: number;
}

export const MAX_CLASS = 255;
export const MAX_LEVEL = 255;
export const MAX_WEIGHT = 1_000;
export const MAX_OVERFLOW_RULES = 16;

const whole = (value: number, least: number, most: number): boolean => Number.isSafeInteger(value) && value >= least && value <= most;
const MAX_TIME = 4_503_599_627_370; // 2⁵² / 1,000: the year 2112, and exact under the greatest weight

/** Called only when it is: the sentence costs more than all the looking. */
function wrong(what: string): never {
  throw new RangeError(what);
}

/** @throws RangeError naming what is wrong */
export function checkTask(task: Task): void {
  const { id } = task;
  if (!whole(task.priorityClass, 0, MAX_CLASS)) wrong(`task ${id}: priorityClass is a whole number from 0 to ${MAX_CLASS}`);
  if (!whole(task.arrivedAt, 0, MAX_TIME)) wrong(`task ${id}: arrivedAt is in whole milliseconds`);
  if (!whole(task.queuedAt, 0, MAX_TIME)) wrong(`task ${id}: queuedAt is in whole milliseconds`);
  if (task.promisedAt !== null && !whole(task.promisedAt, 0, MAX_TIME)) wrong(`task ${id}: promisedAt is in whole milliseconds`);
  if (task.notBefore !== null && !whole(task.notBefore, 0, MAX_TIME)) wrong(`task ${id}: notBefore is in whole milliseconds`);
  if (Number.isNaN(task.serial)) wrong(`task ${id}: serial is a number`);
  let before = 0;
  for (const ring of task.rings) {
    if (!whole(ring.afterMs, before, MAX_TIME)) wrong(`task ${id}: rings ascend by afterMs`);
    before = ring.afterMs;
  }
}

/** @throws RangeError naming what is wrong */
export function checkRequirements(requirements: readonly Requirement[]): void {
  for (const { skill, level } of requirements)
    if (!whole(level, 1, MAX_LEVEL)) wrong(`skill ${skill}: a level is a whole number from 1 to ${MAX_LEVEL}`);
}

/** @throws RangeError naming what is wrong */
export function checkPolicy(policy: QueuePolicy): void {
  const { queueId } = policy;
  for (const kind of KINDS) {
    if (!whole(policy.weights[kind], 0, MAX_WEIGHT)) wrong(`queue ${queueId}: weights.${kind} is a whole number from 0 to ${MAX_WEIGHT}`);
  }
  if (!whole(policy.promise.weight, 0, MAX_WEIGHT)) wrong(`queue ${queueId}: promise.weight is a whole number from 0 to ${MAX_WEIGHT}`);
  if (!whole(policy.promise.leadMs, 0, MAX_TIME)) wrong(`queue ${queueId}: promise.leadMs is in whole milliseconds`);
  if (policy.overflow.length > MAX_OVERFLOW_RULES) wrong(`queue ${queueId}: at most ${MAX_OVERFLOW_RULES} overflow rules`);
  for (const rule of policy.overflow) {
    if (rule.to === queueId) wrong(`queue ${queueId}: overflows to another queue than itself`);
    if (rule.when === 'afterMs' && !whole(rule.afterMs, 0, MAX_TIME)) wrong(`queue ${queueId}: afterMs is in whole milliseconds`);
    if (rule.when === 'estimatedWaitMs' && !(rule.estimatedWaitMs >= 0)) wrong(`queue ${queueId}: estimatedWaitMs is a number from 0`);
  }
  if (policy.discipline.name === 'calls-first') {
    if (!whole(policy.discipline.idleForCallbacksMs, 0, MAX_TIME)) wrong(`queue ${queueId}: idleForCallbacksMs is in whole milliseconds`);
  }
}

/** @throws RangeError naming what is wrong */
export function checkWorker(worker: Worker): void {
  const { id } = worker;
  if (!whole(worker.idleSince, 0, MAX_TIME)) wrong(`worker ${id}: idleSince is in whole milliseconds`);
  if (worker.lastCallAssignedAt !== null && !whole(worker.lastCallAssignedAt, 0, MAX_TIME))
    wrong(`worker ${id}: lastCallAssignedAt is in whole ms`);
  if (!(worker.busyMs >= 0 && worker.loggedOnMs >= 0)) wrong(`worker ${id}: busyMs and loggedOnMs are numbers from 0`);
  if (!(worker.assignments >= 0)) wrong(`worker ${id}: assignments is a number from 0`);
  for (const channel of CHANNELS) {
    if (!whole(worker.capacity[channel], 0, 1_000)) wrong(`worker ${id}: capacity.${channel} is a whole number from 0`);
    if (!whole(worker.load[channel], 0, 1_000_000)) wrong(`worker ${id}: load.${channel} is a whole number from 0`);
  }
}
