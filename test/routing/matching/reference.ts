/**
 * What the engine has to answer, straight from the definitions in src/routing/matching/model.ts: all pairs, the first one, again.
 * Slow on purpose; nothing is kept between questions but what was told.
 */
import {
  type Assignment,
  type Beside,
  CHANNELS,
  type Channel,
  DEFAULT_BESIDE,
  DEFAULT_POLICY,
  type OverflowRule,
  type QueuePolicy,
  type Requirement,
  type Task,
  type Worker,
} from '../../../src/routing/matching/model.ts';

type Key = readonly (number | string)[];

export function compareKeys(a: Key, b: Key): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] as number | string;
    if (x < y) return -1;
    if (x > y) return 1;
  }
  return 0;
}

interface Pair {
  readonly task: Task;
  readonly worker: Worker;
  readonly viaQueueId: string;
  readonly key: Key;
}

export class Reference {
  readonly tasks = new Map<string, Task>();
  readonly workers = new Map<string, Worker>();
  readonly policies = new Map<string, QueuePolicy>();
  readonly rates = new Map<string, number>();
  readonly beside: Beside;

  constructor(beside: Beside = DEFAULT_BESIDE) {
    this.beside = beside;
  }

  copy(): Reference {
    const copy = new Reference(this.beside);
    for (const [id, task] of this.tasks) copy.tasks.set(id, task);
    for (const [id, worker] of this.workers) copy.workers.set(id, worker);
    for (const [id, policy] of this.policies) copy.policies.set(id, policy);
    for (const [id, rate] of this.rates) copy.rates.set(id, rate);
    return copy;
  }

  policy(queueId: string): QueuePolicy {
    return this.policies.get(queueId) ?? { ...DEFAULT_POLICY, queueId };
  }

  waiting(queueId: string, now: number): Task[] {
    return [...this.tasks.values()]
      .filter((task) => task.queueId === queueId && !rests(task, now))
      .sort((a, b) => compareKeys(this.turn(a, now), this.turn(b, now)));
  }

  position(taskId: string, now: number): number | null {
    const task = this.tasks.get(taskId);
    if (!task || rests(task, now)) return null;
    return this.waiting(task.queueId, now).indexOf(task) + 1;
  }

  /** The rules of a queue that look at the queue as a whole and are in force. */
  rulesInForce(now: number): ReadonlySet<OverflowRule> {
    const inForce = new Set<OverflowRule>();
    for (const policy of this.policies.values()) {
      const rate = this.rates.get(policy.queueId);
      const staffed = [...this.workers.values()].some((w) => w.queues.some((q) => q.queueId === policy.queueId));
      for (const rule of policy.overflow) {
        if (rule.when === 'nobody' && !staffed) inForce.add(rule);
        if (rule.when === 'estimatedWaitMs' && rate !== undefined) {
          if ((this.waiting(policy.queueId, now).length * 3_600_000) / rate > rule.estimatedWaitMs) inForce.add(rule);
        }
      }
    }
    return inForce;
  }

  /** Side, class, score, arrival. */
  turn(task: Task, now: number): Key {
    const { weights, promise } = this.policy(task.queueId);
    const late = task.promisedAt === null ? 0 : Math.max(0, now - Math.max(0, task.promisedAt - promise.leadMs));
    const score = weights[task.kind] * (now - task.arrivedAt) + promise.weight * late;
    return [this.isLater(task) ? 1 : 0, task.priorityClass, -score, task.arrivedAt, task.serial, task.id];
  }

  isLater(task: Task): boolean {
    return this.policy(task.queueId).discipline.name === 'calls-first' && ['callback', 'mail', 'notice', 'message'].includes(task.kind);
  }

  requirements(task: Task, now: number): readonly Requirement[] {
    return task.rings.findLast((ring) => task.queuedAt + ring.afterMs <= now)?.requirements ?? task.requirements;
  }

  hasSkills(worker: Worker, requirements: readonly Requirement[]): boolean {
    return requirements.every((r) => worker.skills.some((s) => s.skill === r.skill && s.level >= r.level));
  }

  hasRoom(worker: Worker, channel: Channel): boolean {
    if (worker.availability !== 'ready' || worker.load[channel] >= worker.capacity[channel]) return false;
    return CHANNELS.every((running) => running === channel || worker.load[running] === 0 || this.beside[running].includes(channel));
  }

  waitsFor(task: Task, now: number): string | null {
    if (task.preferred === null || task.preferred.until <= now) return null;
    const worker = this.workers.get(task.preferred.agentId);
    if (!worker || worker.availability === 'away' || task.excluded.includes(worker.id)) return null;
    if (!worker.queues.some((q) => q.queueId === task.queueId)) return null;
    return this.hasSkills(worker, this.requirements(task, now)) ? worker.id : null;
  }

  pairs(now: number, inForce: ReadonlySet<OverflowRule>): Pair[] {
    const pairs: Pair[] = [];
    for (const task of this.tasks.values()) {
      if (rests(task, now)) continue;
      const policy = this.policy(task.queueId);
      const waitsFor = this.waitsFor(task, now);
      for (const worker of this.workers.values()) {
        if (!this.hasRoom(worker, task.channel)) continue;
        if (!this.hasSkills(worker, this.requirements(task, now))) continue;
        if (task.excluded.includes(worker.id)) continue;
        if (waitsFor !== null && waitsFor !== worker.id) continue;
        if (policy.discipline.name === 'calls-first' && this.isLater(task)) {
          if (now - (worker.lastCallAssignedAt ?? worker.idleSince) < policy.discipline.idleForCallbacksMs) continue;
        }
        const ways: { queueId: string; hops: number }[] = [{ queueId: task.queueId, hops: 0 }];
        if (waitsFor === null) {
          for (const [i, rule] of policy.overflow.entries()) {
            const isOn = rule.when === 'afterMs' ? task.queuedAt + rule.afterMs <= now : inForce.has(rule);
            if (isOn) ways.push({ queueId: rule.to, hops: i + 1 });
          }
        }
        for (const { queueId, hops } of ways) {
          const priority = worker.queues.find((q) => q.queueId === queueId)?.priority;
          if (priority === undefined) continue;
          const { tieBreak } = this.policy(queueId);
          const measure =
            tieBreak === 'longestIdle'
              ? worker.idleSince
              : tieBreak === 'roundRobin'
                ? worker.assignments
                : worker.loggedOnMs > 0
                  ? worker.busyMs / worker.loggedOnMs
                  : 0;
          const load = worker.load.voice + worker.load.chat + worker.load.mail;
          pairs.push({
            task,
            worker,
            viaQueueId: queueId,
            key: [priority, ...this.turn(task, now), hops, load, measure, worker.idleSince, worker.id],
          });
        }
      }
    }
    return pairs;
  }

  decide(now: number): Assignment[] {
    const inForce = this.rulesInForce(now);
    const made: Assignment[] = [];
    for (;;) {
      const [first] = this.pairs(now, inForce).sort((a, b) => compareKeys(a.key, b.key));
      if (!first) break;
      const { task, worker, viaQueueId } = first;
      this.tasks.delete(task.id);
      this.workers.set(worker.id, {
        ...worker,
        load: { ...worker.load, [task.channel]: worker.load[task.channel] + 1 },
        assignments: worker.assignments + 1,
        lastCallAssignedAt: task.kind === 'call' ? Math.max(now, worker.lastCallAssignedAt ?? worker.idleSince) : worker.lastCallAssignedAt,
      });
      made.push({
        taskId: task.id,
        workerId: worker.id,
        queueId: task.queueId,
        viaQueueId,
        arrivedAt: task.arrivedAt,
        serial: task.serial,
      });
    }
    return made.sort((a, b) => compareKeys([a.arrivedAt, a.serial, a.taskId], [b.arrivedAt, b.serial, b.taskId]));
  }
}

const rests = (task: Task, now: number): boolean => task.notBefore !== null && task.notBefore > now;
