/**
 * The matching engine: who waits, who is free, and who gets whom now. Pure: time is given, nothing is read but what was told.
 * What it promises is defined in `model.ts`; how it finds it:
 *
 * After a decision no eligible pair is left. So at the next one, every eligible pair has a part that changed since: a worker that
 * is *fresh* (became free, or may take more than before) or a bucket that is *dirty* (was empty, or is open to more workers than
 * before). Only from those it looks: from a worker at the heads of the buckets that it may take from, from a bucket at the free
 * workers of its queues. A pair is assigned when each is the other's best; from there the search goes on. As one order ranks all
 * pairs, every step to a better partner climbs in that order, and so the search ends, always at the same assignments.
 *
 * Steps of a decision: the sorts of tasks (buckets) in the worker's queues at most, seldom more than the first few of each lane, plus
 * O(log n). They do not grow with how many wait, nor with how many workers are busy; time does a little, as a million tasks do not fit
 * the processor's caches (`bench/matching.ts`). Every different set of excluded agents makes a bucket of its own.
 *
 * Time never goes back: an earlier `now` than one given before counts as that one.
 */
import type { AgentId, EpochMs } from '../../base/ids.ts';
import { ById } from './by-id.ts';
import { DueList } from './due.ts';
import {
  type Assignment,
  type Beside,
  type Channel,
  checkPolicy,
  checkTask,
  checkWorker,
  DEFAULT_BESIDE,
  type QueueId,
  type QueuePolicy,
  type Task,
  type TaskId,
  type Worker,
} from './model.ts';
import {
  agesFasterFrom,
  type Bucket,
  byArrival,
  channelBit,
  type Lane,
  Membership,
  measureOf,
  Queue,
  type Signature,
  Skills,
  TaskEntry,
  WorkerEntry,
} from './parts.ts';

const NEVER = Number.POSITIVE_INFINITY;
const MS_PER_HOUR = 3_600_000;

export interface MatchingOptions {
  readonly beside?: Beside;
}

export class Matching {
  readonly #tasks = new ById<TaskEntry>();
  readonly #workers = new Map<AgentId, WorkerEntry>();
  readonly #queues = new Map<QueueId, Queue>();
  readonly #skills = new Skills();
  /** By channel that runs: bits of those that may start. */
  readonly #beside: Readonly<Record<Channel, number>>;
  readonly #taskDue = new DueList<TaskEntry>();
  readonly #workerDue = new DueList<WorkerEntry>();
  /** Tasks whose preferred agent's window is open, by that agent. */
  readonly #preferring = new Map<AgentId, Set<TaskEntry>>();
  /** Queues with overflow rules that look at the queue as a whole. */
  #overseen: Queue[] = [];
  /** The idle times that calls-first queues ask for, ascending. */
  #gates: number[] = [];
  #fresh: WorkerEntry[] = [];
  #dirty: Bucket[] = [];
  #isChanged = false;
  #now: EpochMs = 0;
  /** The best bucket of the worker that is looked at, and its rank. Fields, so that looking makes no garbage. */
  #best: Bucket | null = null;
  #bestPriority = 0;
  #bestScore = 0;

  constructor(options: MatchingOptions = {}) {
    const beside = options.beside ?? DEFAULT_BESIDE;
    const bits = (channel: Channel): number => beside[channel].reduce((sum, other) => sum | channelBit(other), channelBit(channel));
    this.#beside = { voice: bits('voice'), chat: bits('chat'), mail: bits('mail') };
  }

  /** How many are known, resting ones included. */
  get taskCount(): number {
    return this.#tasks.size;
  }

  get workerCount(): number {
    return this.#workers.size;
  }

  hasTask(id: TaskId): boolean {
    return this.#tasks.get(id) !== null;
  }

  // ---------------------------------------------------------------- what is told

  /**
   * Sets or replaces a queue's policy. A queue that was given none has `DEFAULT_POLICY`. Costs as much as adding all its tasks again.
   * @throws RangeError naming what is wrong
   */
  setPolicy(policy: QueuePolicy): void {
    checkPolicy(policy);
    const queue = this.#queue(policy.queueId);
    const tasks: TaskEntry[] = [];
    for (const entry of this.#tasks) if (entry.queue === queue) tasks.push(entry);
    for (const entry of tasks) this.#move(entry, null);
    queue.clear();
    queue.policy = policy;
    queue.overflowing = 0;
    queue.targets = policy.overflow.map((rule) => this.#queue(rule.to));
    for (const other of this.#queues.values()) other.sources = other.sources.filter((source) => source.from !== queue);
    for (const [i, target] of queue.targets.entries()) target.sources.push({ from: queue, bit: 1 << i });
    this.#overseen = [...this.#queues.values()].filter((q) => q.policy.overflow.some((rule) => rule.when !== 'afterMs'));
    const gates = new Set<number>();
    for (const { policy: p } of this.#queues.values()) if (p.discipline.name === 'calls-first') gates.add(p.discipline.idleForCallbacksMs);
    this.#gates = [...gates].sort((a, b) => a - b);
    // Turns and gates may be other ones now.
    for (const worker of this.#workers.values()) if (worker.stage === 'free') this.#refresh(worker);
    for (const entry of tasks) this.#place(entry);
    this.#isChanged = true;
  }

  /**
   * How many contacts of a queue its agents completed per hour lately; null when that is not known.
   * @throws RangeError when it is not above 0
   */
  setCompletionRate(queueId: QueueId, perHour: number | null): void {
    if (perHour !== null && !(perHour > 0)) throw new RangeError(`queue ${queueId}: completions per hour are above 0, or null`);
    this.#queue(queueId).completionsPerHour = perHour;
    this.#isChanged = true;
  }

  /** @throws RangeError when it is there already, or naming what is wrong with it */
  add(task: Task): void {
    if (this.#tasks.get(task.id) !== null) throw new RangeError(`task ${task.id} waits already`);
    this.#check(task);
    const entry = new TaskEntry(task, this.#queue(task.queueId));
    this.#tasks.add(entry);
    this.#place(entry);
    this.#isChanged = true;
  }

  /**
   * Replaces what is known of a task; its place follows from what it says now.
   * @returns false when there is no such task, and nothing was done
   * @throws RangeError naming what is wrong with it; the task stays as it was
   */
  update(task: Task): boolean {
    const before = this.#tasks.get(task.id);
    if (!before) return false;
    this.#check(task);
    this.#forget(before);
    this.add(task);
    return true;
  }

  /** @returns false when there is no such task */
  remove(id: TaskId): boolean {
    const entry = this.#tasks.get(id);
    if (!entry) return false;
    this.#forget(entry);
    return true;
  }

  /**
   * A worker is logged on, in this state. All that was believed of it before is replaced, loads of its assignments included.
   * Cheap when `queues` and `skills` are the same arrays as last time.
   * @throws RangeError naming what is wrong with it; nothing was done
   */
  setWorker(given: Worker): void {
    checkWorker(given);
    const known = this.#workers.get(given.id);
    const worker = known ?? new WorkerEntry(given.id);
    let concernsPreferring = (worker.availability === 'away') !== (given.availability === 'away');
    if (worker.queues !== given.queues || worker.skills !== given.skills) {
      if (new Set(given.queues.map((q) => q.queueId)).size !== given.queues.length)
        throw new RangeError(`worker ${given.id}: a queue twice`);
      if (given.queues.some((q) => Number.isNaN(q.priority))) throw new RangeError(`worker ${given.id}: a queue's priority is a number`);
      worker.levels = this.#skills.levels(given.skills); // throws before anything was changed
      worker.fits.fill(0);
      concernsPreferring = true;
      this.#workers.set(given.id, worker);
      this.#retire(worker);
      this.#leaveQueues(worker);
      worker.memberships = given.queues
        .map((q) => new Membership(worker, this.#queue(q.queueId), q.priority))
        .sort((a, b) => a.priority - b.priority || (a.queue.id < b.queue.id ? -1 : 1));
      for (const { queue } of worker.memberships) queue.members++;
      worker.queues = given.queues;
      worker.skills = given.skills;
    }
    this.#retire(worker);
    worker.availability = given.availability;
    worker.capacity = given.capacity;
    worker.load.voice = given.load.voice;
    worker.load.chat = given.load.chat;
    worker.load.mail = given.load.mail;
    worker.totalLoad = given.load.voice + given.load.chat + given.load.mail;
    worker.idleSince = given.idleSince;
    worker.lastCallAssignedAt = given.lastCallAssignedAt;
    worker.busyMs = given.busyMs;
    worker.loggedOnMs = given.loggedOnMs;
    worker.assignments = given.assignments;
    worker.room = this.#roomOf(worker);
    if (worker.room !== 0) this.#refresh(worker);
    if (concernsPreferring) this.#placePreferring(given.id);
    this.#isChanged = true;
  }

  /** A worker logged off. @returns false when there is no such worker */
  removeWorker(id: AgentId): boolean {
    const worker = this.#workers.get(id);
    if (!worker) return false;
    this.#retire(worker);
    this.#leaveQueues(worker);
    // Not waited for any more; known until the last task that waited for it has moved.
    worker.availability = 'away';
    this.#placePreferring(id);
    this.#workers.delete(id);
    this.#isChanged = true;
    return true;
  }

  // ---------------------------------------------------------------- what is asked

  /**
   * Who gets whom now. Decided is done: an assigned task waits no longer, and its worker is busy with it until `setWorker` says
   * otherwise.
   * @returns in order of the tasks' arrival
   */
  decide(now: EpochMs): Assignment[] {
    this.#advance(now);
    this.#overseeOverflow();
    this.#isChanged = false;
    const made: Assignment[] = [];
    if (this.#dirty.length === 0 && this.#fresh.length === 1) {
      // The everyday case: one worker became free. Nobody else can want what it takes, so it needs no place in the free lists.
      const worker = this.#fresh.pop() as WorkerEntry;
      worker.isListed = false;
      if (worker.stage === 'fresh') {
        for (let bucket = this.#bestFor(worker); bucket !== null; bucket = this.#bestFor(worker)) made.push(this.#assign(worker, bucket));
        if (worker.room === 0) worker.stage = 'out';
        else this.#release(worker);
      }
    } else if (this.#dirty.length > 0 || this.#fresh.length > 0) this.#settle(made);
    if (made.length > 1) made.sort(inOrderOfArrival);
    return made;
  }

  /**
   * When `decide` may find something without being told anything new: a ring relaxes, a rest or a preferred agent's window ends, a
   * promise comes near, overflow or a calls-first queue's idle time becomes due. Never later than that, sometimes earlier. It is
   * `now` when something was told since the last decision.
   */
  nextDue(now: EpochMs): EpochMs | null {
    if (this.#isChanged) return Math.max(now, this.#now);
    const due = Math.min(this.#taskDue.due, this.#workerDue.due);
    return due === NEVER ? null : due;
  }

  /** 1 for the next in its queue's order; null for one that rests or is not there. Skills are not looked at. */
  position(taskId: TaskId, now: EpochMs): number | null {
    this.#advance(now);
    const entry = this.#tasks.get(taskId);
    if (!entry?.bucket) return null;
    const own = entry.bucket;
    const score = own.slope * this.#now - own.offsetOf(entry.task);
    let position = 1 + own.tasks.rank(entry);
    for (const bucket of own.queue.buckets()) {
      if (bucket === own) continue;
      const bySort = bucket.side - own.side || bucket.priorityClass - own.priorityClass;
      if (bySort < 0) position += bucket.tasks.size;
      else if (bySort === 0) {
        position += bucket.tasks.count((other, offset) => {
          const otherScore = bucket.slope * this.#now - offset;
          return otherScore !== score ? otherScore > score : byArrival(other, entry) < 0;
        });
      }
    }
    return position;
  }

  /**
   * position ÷ completions per hour: with a steady stream of completions at rate r, the one in place p is reached after p of them,
   * p / r later. Null when it rests, is not there, or nothing is known of the rate.
   */
  estimatedWaitMs(taskId: TaskId, now: EpochMs): number | null {
    const perHour = this.#tasks.get(taskId)?.queue.completionsPerHour ?? null;
    const position = perHour === null ? null : this.position(taskId, now);
    return perHour === null || position === null ? null : (position * MS_PER_HOUR) / perHour;
  }

  /** How many wait in a queue; those that rest do not. */
  waitingCount(queueId: QueueId): number {
    return this.#queues.get(queueId)?.waiting ?? 0;
  }

  /** Those who wait in a queue, in its order. To be walked before anything else is told or asked. */
  *waiting(queueId: QueueId, now: EpochMs): IterableIterator<Task> {
    this.#advance(now);
    const queue = this.#queues.get(queueId);
    if (!queue) return;
    const heads: { readonly bucket: Bucket; readonly rest: Iterator<TaskEntry>; entry: TaskEntry }[] = [];
    for (const bucket of queue.buckets()) {
      const rest = bucket.tasks[Symbol.iterator]();
      const first = rest.next();
      if (!first.done) heads.push({ bucket, rest, entry: first.value });
    }
    const scoreOf = ({ bucket, entry }: (typeof heads)[number]): number => bucket.slope * this.#now - bucket.offsetOf(entry.task);
    const compare = (a: (typeof heads)[number], b: (typeof heads)[number]): number =>
      a.bucket.side - b.bucket.side ||
      a.bucket.priorityClass - b.bucket.priorityClass ||
      scoreOf(b) - scoreOf(a) ||
      byArrival(a.entry, b.entry);
    while (heads.length > 0) {
      const best = heads.reduce((a, b) => (compare(a, b) <= 0 ? a : b));
      yield best.entry.task;
      const next = best.rest.next();
      if (next.done) heads.splice(heads.indexOf(best), 1);
      else best.entry = next.value;
    }
  }

  // ---------------------------------------------------------------- tasks in their buckets

  #queue(id: QueueId): Queue {
    let queue = this.#queues.get(id);
    if (!queue) {
      queue = new Queue(id);
      this.#queues.set(id, queue);
    }
    return queue;
  }

  #check(task: Task): void {
    checkTask(task);
    this.#skills.signature(task.requirements);
    for (const ring of task.rings) this.#skills.signature(ring.requirements);
  }

  /** Puts a task where it belongs as of now, and notes when that changes. */
  #place(entry: TaskEntry): void {
    const { task, queue } = entry;
    const now = this.#now;
    if (task.notBefore !== null && task.notBefore > now) {
      this.#move(entry, null);
      this.#taskDue.set(entry, task.notBefore);
      return;
    }
    const { policy } = queue;
    let due = NEVER;
    let requirements = task.requirements;
    for (const ring of task.rings) {
      const at = task.queuedAt + ring.afterMs;
      if (at > now) {
        due = at;
        break;
      }
      requirements = ring.requirements;
    }
    const signature = this.#skills.signature(requirements);
    let restrictedTo: AgentId | null = null;
    if (task.preferred !== null) {
      const { agentId, until } = task.preferred;
      if (until > now) {
        due = Math.min(due, until);
        this.#notePreferring(agentId, entry);
        if (this.#isWorthWaitingFor(agentId, entry, signature)) restrictedTo = agentId;
      } else if (entry.isPreferring) this.#dropPreferring(entry);
    }
    let isBoosted = false;
    if (task.promisedAt !== null && policy.promise.weight > 0) {
      const from = agesFasterFrom(task.promisedAt, policy.promise);
      isBoosted = from <= now;
      if (!isBoosted) due = Math.min(due, from);
    }
    let overflow = 0;
    for (let i = 0; i < policy.overflow.length; i++) {
      const rule = policy.overflow[i];
      if (rule?.when !== 'afterMs') continue;
      const at = task.queuedAt + rule.afterMs;
      if (at <= now) overflow |= 1 << i;
      else due = Math.min(due, at);
    }
    this.#move(entry, queue.bucketFor(task, isBoosted, overflow, signature, restrictedTo));
    this.#taskDue.set(entry, due);
  }

  #isWorthWaitingFor(agentId: AgentId, entry: TaskEntry, signature: Signature): boolean {
    const worker = this.#workers.get(agentId);
    return (
      worker !== undefined &&
      worker.availability !== 'away' &&
      worker.in(entry.queue) !== null &&
      worker.has(signature) &&
      !entry.task.excluded.includes(agentId)
    );
  }

  #move(entry: TaskEntry, to: Bucket | null): void {
    const from = entry.bucket;
    if (from === to) return;
    if (from !== null) {
      const isHead = from.head === entry;
      if (isHead) this.#hide(from);
      from.tasks.remove(entry);
      from.queue.waiting--;
      if (isHead) this.#show(from);
    }
    entry.bucket = to;
    if (to === null) return;
    const head = to.head;
    to.tasks.insert(entry, to.offsetOf(entry.task));
    to.queue.waiting++;
    if (to.tasks.first === head) return;
    if (head === null) this.#soil(to);
    else this.#hide(to);
    this.#show(to);
  }

  /** Before a bucket's first changes. */
  #hide(bucket: Bucket): void {
    if (bucket.heldFor === null) bucket.queue.close(bucket);
    else {
      bucket.queue.held.delete(bucket);
      bucket.heldFor.held.delete(bucket);
      bucket.heldFor = null;
    }
    bucket.head = null;
  }

  /** After it changed. */
  #show(bucket: Bucket): void {
    bucket.head = bucket.tasks.first;
    if (bucket.head === null) return;
    bucket.headOffset = bucket.tasks.firstKey;
    if (bucket.restrictedTo === null) bucket.queue.open(bucket);
    else {
      bucket.heldFor = this.#workers.get(bucket.restrictedTo) as WorkerEntry;
      bucket.heldFor.held.add(bucket);
      bucket.queue.held.add(bucket);
    }
  }

  #soil(bucket: Bucket): void {
    if (bucket.isDirty) return;
    bucket.isDirty = true;
    this.#dirty.push(bucket);
  }

  #forget(entry: TaskEntry): void {
    this.#move(entry, null);
    this.#taskDue.delete(entry);
    if (entry.isPreferring) this.#dropPreferring(entry);
    this.#tasks.delete(entry.id);
  }

  #notePreferring(agentId: AgentId, entry: TaskEntry): void {
    entry.isPreferring = true;
    const tasks = this.#preferring.get(agentId);
    if (tasks) tasks.add(entry);
    else this.#preferring.set(agentId, new Set([entry]));
  }

  #dropPreferring(entry: TaskEntry): void {
    entry.isPreferring = false;
    const agentId = entry.task.preferred?.agentId as AgentId;
    const tasks = this.#preferring.get(agentId);
    if (tasks?.delete(entry) && tasks.size === 0) this.#preferring.delete(agentId);
  }

  /** Whether a preferred agent is waited for may have changed. */
  #placePreferring(agentId: AgentId): void {
    const tasks = this.#preferring.get(agentId);
    if (tasks) for (const entry of [...tasks]) this.#place(entry);
  }

  // ---------------------------------------------------------------- workers and their turn

  #roomOf(worker: WorkerEntry): number {
    if (worker.availability !== 'ready') return 0;
    const { load, capacity } = worker;
    let room = 0;
    if (load.voice < capacity.voice) room |= 1;
    if (load.chat < capacity.chat) room |= 2;
    if (load.mail < capacity.mail) room |= 4;
    if (load.voice > 0) room &= this.#beside.voice;
    if (load.chat > 0) room &= this.#beside.chat;
    if (load.mail > 0) room &= this.#beside.mail;
    return room;
  }

  /** Out of the free lists. */
  #retire(worker: WorkerEntry): void {
    if (worker.stage === 'free') {
      for (const membership of worker.memberships) membership.queue.free.remove(membership);
      this.#workerDue.delete(worker);
    }
    worker.stage = 'out';
  }

  /** To be asked at the next decision what it can take. */
  #refresh(worker: WorkerEntry): void {
    this.#retire(worker);
    worker.stage = 'fresh';
    if (worker.isListed) return;
    worker.isListed = true;
    this.#fresh.push(worker);
  }

  /** Into the free lists. */
  #release(worker: WorkerEntry): void {
    worker.stage = 'free';
    for (const membership of worker.memberships) {
      membership.load = worker.totalLoad;
      membership.measure = measureOf(worker, membership.queue.policy.tieBreak);
      membership.idleSince = worker.idleSince;
      membership.queue.free.insert(membership, membership.priority);
    }
    if (this.#gates.length === 0) return;
    const since = worker.withoutCallSince;
    for (const gate of this.#gates) {
      if (since + gate > this.#now) {
        this.#workerDue.set(worker, since + gate);
        return;
      }
    }
    this.#workerDue.delete(worker);
  }

  #leaveQueues(worker: WorkerEntry): void {
    for (const { queue } of worker.memberships) queue.members--;
    worker.memberships = [];
  }

  // ---------------------------------------------------------------- deciding

  #advance(now: EpochMs): void {
    if (now > this.#now) this.#now = now;
    for (let task = this.#taskDue.dueBy(this.#now); task !== null; task = this.#taskDue.dueBy(this.#now)) {
      this.#place(task);
      this.#isChanged = true;
    }
    for (let worker = this.#workerDue.dueBy(this.#now); worker !== null; worker = this.#workerDue.dueBy(this.#now)) {
      this.#refresh(worker);
      this.#isChanged = true;
    }
  }

  /** Sees which rules about a queue as a whole are in force. They stay so for the whole decision. */
  #overseeOverflow(): void {
    for (const queue of this.#overseen) {
      let overflowing = 0;
      for (const [i, rule] of queue.policy.overflow.entries()) {
        const isOn =
          rule.when === 'nobody'
            ? queue.members === 0
            : rule.when === 'estimatedWaitMs' &&
              queue.completionsPerHour !== null &&
              (queue.waiting * MS_PER_HOUR) / queue.completionsPerHour > rule.estimatedWaitMs;
        if (isOn) overflowing |= 1 << i;
      }
      if ((overflowing & ~queue.overflowing) !== 0) for (const bucket of queue.buckets()) this.#soil(bucket);
      queue.overflowing = overflowing;
    }
  }

  #settle(made: Assignment[]): void {
    const fresh = this.#fresh;
    const dirty = this.#dirty;
    this.#fresh = [];
    this.#dirty = [];
    for (const worker of fresh) {
      worker.isListed = false;
      if (worker.stage === 'fresh') this.#release(worker);
    }
    for (const worker of fresh) {
      while (worker.stage === 'free' && this.#bestFor(worker) !== null) made.push(this.#assignFrom(worker));
    }
    for (const bucket of dirty) {
      bucket.isDirty = false;
      while (bucket.head !== null) {
        const worker = this.#bestOf(bucket);
        if (worker === null) break;
        made.push(this.#assignFrom(worker));
      }
    }
  }

  /** From a worker who can take something to two who are each other's best. */
  #assignFrom(start: WorkerEntry): Assignment {
    let worker = start;
    for (;;) {
      const bucket = this.#bestFor(worker) as Bucket;
      const best = this.#bestOf(bucket) as WorkerEntry;
      if (best === worker) return this.#assign(worker, bucket);
      worker = best;
    }
  }

  #assign(worker: WorkerEntry, bucket: Bucket): Assignment {
    const entry = bucket.head as TaskEntry;
    const { id: taskId, arrivedAt, serial } = entry.task;
    const via = this.#via(worker, bucket) as Membership;
    const made: Assignment = {
      taskId,
      workerId: worker.id,
      queueId: bucket.queue.id,
      viaQueueId: via.queue.id,
      arrivedAt,
      serial,
    };
    this.#forget(entry);
    const wasFree = worker.stage === 'free';
    if (wasFree) this.#retire(worker);
    worker.load[bucket.channel]++;
    worker.totalLoad++;
    worker.assignments++;
    // Never back, should it have been told a time yet to come: an assignment may not open what was shut.
    if (bucket.kind === 'call') worker.lastCallAssignedAt = Math.max(this.#now, worker.withoutCallSince);
    worker.room = this.#roomOf(worker);
    if (wasFree && worker.room !== 0) this.#release(worker);
    return made;
  }

  /** By which of its queues a worker takes from a bucket: its own priority first, then own queue before overflow. */
  #via(worker: WorkerEntry, bucket: Bucket): Membership | null {
    let via = worker.in(bucket.queue);
    const rules = bucket.overflow | bucket.queue.overflowing;
    if (rules === 0 || bucket.restrictedTo !== null) return via;
    for (const [i, target] of bucket.queue.targets.entries()) {
      if ((rules & (1 << i)) === 0) continue;
      const other = worker.in(target);
      if (other !== null && (via === null || other.priority < via.priority)) via = other;
    }
    return via;
  }

  /** The bucket whose first is the best that a worker may take, or null. */
  #bestFor(worker: WorkerEntry): Bucket | null {
    this.#best = null;
    if (worker.room === 0) return null;
    if (worker.held.size > 0) {
      for (const bucket of worker.held) {
        const membership = worker.in(bucket.queue);
        if (membership !== null && this.#mayTake(worker, bucket)) this.#consider(bucket, membership.priority);
      }
    }
    for (const { priority, queue } of worker.memberships) {
      if (this.#best !== null && priority > this.#bestPriority) break;
      this.#look(worker, queue.lanes, 0, priority);
      for (const source of queue.sources) this.#look(worker, source.from.lanes, source.bit, priority);
    }
    return this.#best;
  }

  #look(worker: WorkerEntry, lanes: readonly Lane[], rule: number, priority: number): void {
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i] as Lane;
      const best = this.#best;
      if (best !== null && priority === this.#bestPriority) {
        if (lane.side > best.side || (lane.side === best.side && lane.priorityClass > best.priorityClass)) return;
      }
      this.#lookAlong(worker, lane, rule, priority);
    }
  }

  /** The first bucket of a lane that the worker may take from is the lane's best. */
  #lookAlong(worker: WorkerEntry, lane: Lane, rule: number, priority: number): void {
    for (let leaf = lane.buckets.firstLeaf; leaf !== null; leaf = leaf.next) {
      const { items } = leaf;
      for (let i = 0; i < items.length; i++) {
        const bucket = items[i] as Bucket;
        if (rule !== 0 && ((bucket.overflow | bucket.queue.overflowing) & rule) === 0) continue;
        if (!this.#mayTake(worker, bucket)) continue;
        this.#consider(bucket, priority);
        return;
      }
    }
  }

  #consider(bucket: Bucket, priority: number): void {
    const score = bucket.slope * this.#now - bucket.headOffset;
    const best = this.#best;
    if (best !== null && !this.#isBetter(bucket, score, priority, best)) return;
    this.#best = bucket;
    this.#bestPriority = priority;
    this.#bestScore = score;
  }

  #isBetter(bucket: Bucket, score: number, priority: number, best: Bucket): boolean {
    if (priority !== this.#bestPriority) return priority < this.#bestPriority;
    if (bucket.side !== best.side) return bucket.side < best.side;
    if (bucket.priorityClass !== best.priorityClass) return bucket.priorityClass < best.priorityClass;
    if (score !== this.#bestScore) return score > this.#bestScore;
    return byArrival(bucket.head as TaskEntry, best.head as TaskEntry) < 0;
  }

  /** All conditions but the queue. */
  #mayTake(worker: WorkerEntry, bucket: Bucket): boolean {
    return (
      (worker.room & bucket.channelBit) !== 0 &&
      (bucket.gateMs < 0 || this.#now - worker.withoutCallSince >= bucket.gateMs) &&
      worker.has(bucket.signature) &&
      (bucket.excluded.length === 0 || !bucket.excluded.includes(worker.id))
    );
  }

  /** The free worker whose turn it is for a bucket's first, or null. */
  #bestOf(bucket: Bucket): WorkerEntry | null {
    if (bucket.heldFor !== null) return bucket.heldFor.stage === 'free' && this.#mayTake(bucket.heldFor, bucket) ? bucket.heldFor : null;
    const { queue } = bucket;
    let best = this.#firstFree(queue, bucket);
    const rules = bucket.overflow | queue.overflowing;
    if (rules === 0) return best === null ? null : best.worker;
    for (let i = 0; i < queue.targets.length; i++) {
      if ((rules & (1 << i)) === 0) continue;
      const other = this.#firstFree(queue.targets[i] as Queue, bucket);
      if (other !== null && (best === null || other.priority < best.priority)) best = other;
    }
    return best === null ? null : best.worker;
  }

  #firstFree(queue: Queue, bucket: Bucket): Membership | null {
    for (let leaf = queue.free.firstLeaf; leaf !== null; leaf = leaf.next) {
      const { items } = leaf;
      for (let i = 0; i < items.length; i++) {
        const membership = items[i] as Membership;
        if (this.#mayTake(membership.worker, bucket)) return membership;
      }
    }
    return null;
  }
}

const inOrderOfArrival = (a: Assignment, b: Assignment): number =>
  a.arrivedAt - b.arrivedAt || a.serial - b.serial || (a.taskId < b.taskId ? -1 : 1);
