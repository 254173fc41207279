/**
 * What the engine keeps: tasks in buckets, workers in the order of their turn.
 *
 * A **bucket** holds tasks that differ only in who came first: same queue, kind, channel, class, requirements in force, and wishes
 * about agents. Whoever may take one of them may take any, and under linear ageing their order never changes. So a decision compares
 * the heads of buckets, and does not care how many stand behind.
 */
import type { AgentId, EpochMs } from '../../base/ids.ts';
import type { HasTimer, Timer } from './due.ts';
import {
  type Availability,
  CHANNELS,
  type Channel,
  checkRequirements,
  DEFAULT_POLICY,
  KINDS,
  type Kind,
  MAX_CLASS,
  type QueueId,
  type QueuePolicy,
  type Requirement,
  type Task,
  type TaskId,
  type TieBreak,
  type Worker,
} from './model.ts';
import { type Node, Ordered, type Placed } from './ordered.ts';

/** A set of requirements, known by its number: two with the same number ask the same. */
export interface Signature {
  readonly number: number;
  /** Numbers of skills, and the level of each. */
  readonly skills: readonly number[];
  readonly levels: readonly number[];
}

/** Skills and sets of requirements by number. */
export class Skills {
  readonly #numbers = new Map<string, number>();
  /** The same array is most often asked about again: control logic hands out its own. */
  readonly #byArray = new WeakMap<readonly Requirement[], Signature>();
  /** What was asked last is asked again at once: first whether it is right, then where it belongs. */
  #lastArray: readonly Requirement[] | null = null;
  #last: Signature | null = null;
  #signatures = new Map<string, Signature>();
  #nextSignature = 0;

  number(skill: string): number {
    let number = this.#numbers.get(skill);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(skill, number);
    }
    return number;
  }

  signature(requirements: readonly Requirement[]): Signature {
    if (requirements === this.#lastArray) return this.#last as Signature;
    const signature = this.#byArray.get(requirements) ?? this.#number(requirements);
    this.#lastArray = requirements;
    this.#last = signature;
    return signature;
  }

  #number(requirements: readonly Requirement[]): Signature {
    checkRequirements(requirements);
    const highest = new Map<number, number>();
    for (const { skill, level } of requirements) {
      const number = this.number(skill);
      highest.set(number, Math.max(level, highest.get(number) ?? 0));
    }
    const pairs = [...highest].sort((a, b) => a[0] - b[0]);
    const key = pairs.join(';');
    let signature = this.#signatures.get(key);
    if (!signature) {
      // Sets of requirements come from configuration and are few. Should someone make new ones for ever, what was forgotten gets
      // another number: a bucket more, nothing wrong.
      if (this.#signatures.size >= 10_000) this.#signatures = new Map();
      signature = { number: this.#nextSignature++, skills: pairs.map((p) => p[0]), levels: pairs.map((p) => p[1]) };
      this.#signatures.set(key, signature);
    }
    this.#byArray.set(requirements, signature);
    return signature;
  }

  /** Levels by number of skill. */
  levels(skills: readonly Requirement[]): Uint8Array {
    checkRequirements(skills);
    for (const { skill } of skills) this.number(skill);
    const levels = new Uint8Array(this.#numbers.size);
    for (const { skill, level } of skills) levels[this.number(skill)] = Math.max(level, levels[this.number(skill)] as number);
    return levels;
  }
}

export const channelBit = (channel: Channel): number => 1 << CHANNELS.indexOf(channel);

/** Kinds that somebody waits for on the line. */
const LIVE: ReadonlySet<Kind> = new Set<Kind>(['call', 'chat']);

export class TaskEntry implements Placed<TaskEntry>, HasTimer<TaskEntry> {
  readonly task: Task;
  readonly queue: Queue;
  /** Null while it rests. */
  bucket: Bucket | null = null;
  leaf: Node<TaskEntry> | null = null;
  timer: Timer<TaskEntry> | null = null;
  /** It stands among those who prefer an agent. */
  isPreferring = false;

  constructor(task: Task, queue: Queue) {
    this.task = task;
    this.queue = queue;
  }

  get id(): TaskId {
    return this.task.id;
  }
}

/** First come first: of two with the same score. */
export const byArrival = ({ task: a }: TaskEntry, { task: b }: TaskEntry): number => {
  if (a.arrivedAt !== b.arrivedAt) return a.arrivedAt - b.arrivedAt;
  if (a.serial !== b.serial) return a.serial - b.serial;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
};

export class Bucket implements Placed<Bucket> {
  readonly queue: Queue;
  readonly kind: Kind;
  readonly channel: Channel;
  readonly channelBit: number;
  readonly side: number;
  readonly priorityClass: number;
  /** Score = slope × now − offset. */
  readonly slope: number;
  /** Whether its tasks' promised times are near. */
  readonly isBoosted: boolean;
  /** An idle time that a worker needs to take from here; -1: none. */
  readonly gateMs: number;
  /** Overflow rules that its tasks have waited long enough for, as bits. */
  readonly overflow: number;
  readonly signature: Signature;
  readonly restrictedTo: AgentId | null;
  readonly excluded: readonly AgentId[];
  /** By offset. */
  readonly tasks = new Ordered<TaskEntry>(byArrival);
  /** The worker whom it is held for, while it has tasks. */
  heldFor: WorkerEntry | null = null;
  /** Its first task; as long as it stands in its lane, it must not change. */
  head: TaskEntry | null = null;
  headOffset = 0;
  /** Where it stands while it has tasks for anybody. */
  lane: Lane | null = null;
  leaf: Node<Bucket> | null = null;
  /** Somebody free may want its first since it was last looked at. */
  isDirty = false;

  constructor(
    queue: Queue,
    task: Task,
    of: { readonly isBoosted: boolean; readonly overflow: number; readonly signature: Signature; readonly restrictedTo: AgentId | null },
  ) {
    const { policy } = queue;
    this.queue = queue;
    this.kind = task.kind;
    this.channel = task.channel;
    this.channelBit = channelBit(task.channel);
    const isLater = policy.discipline.name === 'calls-first' && !LIVE.has(task.kind);
    this.side = isLater ? 1 : 0;
    this.gateMs = isLater && policy.discipline.name === 'calls-first' ? policy.discipline.idleForCallbacksMs : -1;
    this.priorityClass = task.priorityClass;
    this.slope = policy.weights[task.kind] + (of.isBoosted ? policy.promise.weight : 0);
    this.isBoosted = of.isBoosted;
    this.overflow = of.overflow;
    this.signature = of.signature;
    this.restrictedTo = of.restrictedTo;
    this.excluded = task.excluded;
  }

  /** What a task's score starts from in here. */
  offsetOf(task: Task): number {
    const { weights, promise } = this.queue.policy;
    const own = weights[task.kind] * task.arrivedAt;
    return this.isBoosted ? own + promise.weight * agesFasterFrom(task.promisedAt as EpochMs, promise) : own;
  }
}

/** When what was promised for a time begins to age faster. */
export const agesFasterFrom = (promisedAt: EpochMs, promise: QueuePolicy['promise']): EpochMs => Math.max(0, promisedAt - promise.leadMs);

const byHead = (a: Bucket, b: Bucket): number => byArrival(a.head as TaskEntry, b.head as TaskEntry);

/**
 * Buckets of one side, class and slope: the order of their heads does not change with time either. So of a lane only the first
 * bucket counts that a worker may take from.
 */
export class Lane {
  readonly side: number;
  readonly priorityClass: number;
  readonly slope: number;
  /** By their heads' offset. */
  readonly buckets = new Ordered<Bucket>(byHead);

  constructor(bucket: Bucket) {
    this.side = bucket.side;
    this.priorityClass = bucket.priorityClass;
    this.slope = bucket.slope;
  }
}

/** Another queue's tasks that overflow to this one, by one rule. */
export interface Source {
  readonly from: Queue;
  readonly bit: number;
}

/** Empty buckets stay for the next task of their sort, up to this many. */
const SPARE_BUCKETS = 64;

export class Queue {
  readonly id: QueueId;
  policy: QueuePolicy;
  readonly #buckets = new Map<number | string, Bucket>();
  /** Buckets with tasks for anybody: lanes by side and class, none of them empty. */
  readonly lanes: Lane[] = [];
  /** How many buckets stand in them. */
  openCount = 0;
  /** Buckets with tasks that wait for their preferred agent. */
  readonly held = new Set<Bucket>();
  /** Free workers by their priority for it, whose turn it is first. */
  readonly free = new Ordered<Membership>(byTurn);
  /** Queues that overflow to this one. */
  sources: Source[] = [];
  /** Queues that this one's rules name, in the order of the rules. */
  targets: Queue[] = [];
  /** Rules in force for the queue as a whole, as bits; as of the decision's beginning. */
  overflowing = 0;
  waiting = 0;
  /** Workers logged on for it. */
  members = 0;
  completionsPerHour: number | null = null;

  constructor(id: QueueId) {
    this.id = id;
    this.policy = { ...DEFAULT_POLICY, queueId: id };
  }

  bucketFor(task: Task, isBoosted: boolean, overflow: number, signature: Signature, restrictedTo: AgentId | null): Bucket {
    // Small unless tasks have overflowed: V8 keeps whole numbers up to 2³¹ without an object of their own.
    let number = overflow * 2 ** 24 + signature.number;
    number = number * (MAX_CLASS + 1) + task.priorityClass;
    number = number * 2 + (isBoosted ? 1 : 0);
    number = number * CHANNELS.length + CHANNELS.indexOf(task.channel);
    number = number * KINDS.length + KINDS.indexOf(task.kind);
    const key = restrictedTo === null && task.excluded.length === 0 ? number : `${number}${wishes(restrictedTo, task.excluded)}`;
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      if (this.#buckets.size >= SPARE_BUCKETS && this.#buckets.size > 2 * (this.openCount + this.held.size)) this.#sweep();
      bucket = new Bucket(this, task, { isBoosted, overflow, signature, restrictedTo });
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  /** Puts a bucket into its lane. */
  open(bucket: Bucket): void {
    const { lanes } = this;
    let i = lanes.length;
    while (i > 0) {
      const lane = lanes[i - 1] as Lane;
      const order = lane.side - bucket.side || lane.priorityClass - bucket.priorityClass;
      if (order < 0) break;
      if (order === 0 && lane.slope === bucket.slope) {
        bucket.lane = lane;
        break;
      }
      i--;
    }
    if (bucket.lane === null) {
      bucket.lane = new Lane(bucket);
      lanes.splice(i, 0, bucket.lane);
    }
    bucket.lane.buckets.insert(bucket, bucket.headOffset);
    this.openCount++;
  }

  /** Takes a bucket out of its lane. */
  close(bucket: Bucket): void {
    const lane = bucket.lane as Lane;
    lane.buckets.remove(bucket);
    if (lane.buckets.first === null) this.lanes.splice(this.lanes.indexOf(lane), 1);
    bucket.lane = null;
    this.openCount--;
  }

  *buckets(): IterableIterator<Bucket> {
    for (const lane of this.lanes) yield* lane.buckets;
    yield* this.held;
  }

  /** Forgets all buckets; they have to be empty. */
  clear(): void {
    this.#buckets.clear();
  }

  #sweep(): void {
    for (const [key, bucket] of this.#buckets) if (bucket.tasks.size === 0) this.#buckets.delete(key);
  }
}

const wishes = (restrictedTo: AgentId | null, excluded: readonly AgentId[]): string =>
  JSON.stringify([restrictedTo, ...new Set(excluded)].sort());

/** A worker in one of its queues. Turn, as of when it became free. */
export class Membership implements Placed<Membership> {
  readonly worker: WorkerEntry;
  readonly queue: Queue;
  readonly priority: number;
  load = 0;
  measure = 0;
  idleSince: EpochMs = 0;
  leaf: Node<Membership> | null = null;

  constructor(worker: WorkerEntry, queue: Queue, priority: number) {
    this.worker = worker;
    this.queue = queue;
    this.priority = priority;
  }
}

/** Whose turn it is, of a queue's free workers with the same priority. */
function byTurn(a: Membership, b: Membership): number {
  if (a.load !== b.load) return a.load - b.load;
  if (a.measure !== b.measure) return a.measure - b.measure;
  if (a.idleSince !== b.idleSince) return a.idleSince - b.idleSince;
  const [x, y] = [a.worker.id, b.worker.id];
  return x < y ? -1 : x > y ? 1 : 0;
}

const occupancy = (worker: WorkerEntry): number => (worker.loggedOnMs > 0 ? worker.busyMs / worker.loggedOnMs : 0);

export function measureOf(worker: WorkerEntry, tieBreak: TieBreak): number {
  switch (tieBreak) {
    case 'longestIdle':
      return worker.idleSince;
    case 'leastOccupied':
      return occupancy(worker);
    case 'roundRobin':
      return worker.assignments;
  }
}

/**
 * - `out`: no room, or not ready.
 * - `fresh`: has room, and was not asked yet what it could take.
 * - `free`: has room, and stands in the free lists of its queues.
 */
export type Stage = 'out' | 'fresh' | 'free';

export class WorkerEntry implements HasTimer<WorkerEntry> {
  readonly id: AgentId;
  /** Kept to see what changed. */
  queues: Worker['queues'] | null = null;
  skills: Worker['skills'] | null = null;
  availability: Availability = 'away';
  /** By priority. */
  memberships: Membership[] = [];
  levels: Uint8Array = new Uint8Array(0);
  /** By number of signature: 0 not looked at yet, 1 has it, 2 has it not. To be cleared with new levels. */
  readonly fits = new Uint8Array(REMEMBERED);
  capacity: Worker['capacity'] = NOTHING;
  readonly load = { voice: 0, chat: 0, mail: 0 };
  totalLoad = 0;
  /** Channels on which it has room, as bits. */
  room = 0;
  idleSince: EpochMs = 0;
  lastCallAssignedAt: EpochMs | null = null;
  busyMs = 0;
  loggedOnMs = 0;
  assignments = 0;
  /** Buckets held for it. */
  readonly held = new Set<Bucket>();
  stage: Stage = 'out';
  /** It stands in the list of those to be asked. */
  isListed = false;
  timer: Timer<WorkerEntry> | null = null;

  constructor(id: AgentId) {
    this.id = id;
  }

  /** The membership in a queue, if it serves it. */
  in(queue: Queue): Membership | null {
    for (const membership of this.memberships) if (membership.queue === queue) return membership;
    return null;
  }

  /** Whether it has all that is asked for; remembered for the first signatures, which are most often all there are. */
  has(signature: Signature): boolean {
    const { number } = signature;
    if (number >= REMEMBERED) return this.#has(signature);
    const known = this.fits[number];
    if (known !== 0) return known === 1;
    const has = this.#has(signature);
    this.fits[number] = has ? 1 : 2;
    return has;
  }

  #has(signature: Signature): boolean {
    const { skills } = signature;
    for (let i = 0; i < skills.length; i++) {
      const level = this.levels[skills[i] as number];
      if (level === undefined || level < (signature.levels[i] as number)) return false;
    }
    return true;
  }

  /** Since when no call was assigned to it. */
  get withoutCallSince(): EpochMs {
    return this.lastCallAssignedAt ?? this.idleSince;
  }
}

/** Small enough for V8 to keep the array inside the object's own heap. */
const REMEMBERED = 64;
const NOTHING = { voice: 0, chat: 0, mail: 0 } as const;
