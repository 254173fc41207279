/** The engine in its users' words: one table per discipline and feature. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Matching } from '../../../src/routing/matching/matching.ts';
import type { Task, Worker } from '../../../src/routing/matching/model.ts';
import { MINUTE, policy, SECOND, T0, task, worker } from './build.ts';

let engine: Matching;
beforeEach(() => {
  engine = new Matching();
});

const wait = (...tasks: Task[]): void => {
  for (const t of tasks) engine.add(t);
};
const logOn = (...workers: Worker[]): void => {
  for (const w of workers) engine.setWorker(w);
};
/** "who gets whom", as `task→agent`. */
const decide = (now: number): string[] => engine.decide(now).map((a) => `${a.taskId}→${a.workerId}`);
const order = (now: number, queueId = 'tokyo'): string[] => [...engine.waiting(queueId, now)].map((t) => t.id);
const EMPTY = { voice: 0, chat: 0, mail: 0 };

describe('one queue', () => {
  it('gives calls and callbacks out in the order in which they came, whatever they are', () => {
    wait(
      task('call-2', { arrivedAt: T0 + 2 }),
      task('callback-1', { kind: 'callback', arrivedAt: T0 + 1 }),
      task('call-0', { arrivedAt: T0 }),
      task('callback-3', { kind: 'callback', arrivedAt: T0 + 3 }),
    );
    expect(order(T0 + SECOND)).toEqual(['call-0', 'callback-1', 'call-2', 'callback-3']);
    for (const expected of ['call-0→aoki', 'callback-1→aoki', 'call-2→aoki', 'callback-3→aoki']) {
      logOn(worker('aoki'));
      expect(decide(T0 + SECOND)).toEqual([expected]);
    }
  });

  it('asks the serial number which of two came first in the same millisecond', () => {
    wait(task('c-10', { serial: 10 }), task('c-9', { serial: 9 }));
    expect(order(T0)).toEqual(['c-9', 'c-10']);
  });

  it('puts a better class first, however long the others have waited', () => {
    wait(task('patient', { arrivedAt: T0 - 60 * MINUTE }), task('vip', { priorityClass: 0 }));
    logOn(worker('aoki'));
    expect(decide(T0)).toEqual(['vip→aoki']);
  });

  it('lets calls age faster than mails where the weights say so, until the mail is old enough', () => {
    engine.setPolicy(policy('tokyo', { weights: { call: 4, callback: 2, mail: 1, chat: 4, notice: 0, message: 1 } }));
    wait(task('mail', { kind: 'mail', channel: 'voice', arrivedAt: T0 }), task('call', { arrivedAt: T0 + 90 * SECOND }));
    expect(order(T0 + 100 * SECOND)).toEqual(['mail', 'call']); // 100 points against 40
    expect(order(T0 + 130 * SECOND)).toEqual(['call', 'mail']); // 130 against 160
  });

  it('moves up what was promised for a time, as the time comes', () => {
    engine.setPolicy(policy('tokyo', { promise: { leadMs: MINUTE, weight: 10 } }));
    wait(task('call', { arrivedAt: T0 }), task('promised', { kind: 'callback', arrivedAt: T0 + 2 * MINUTE, promisedAt: T0 + 5 * MINUTE }));
    expect(order(T0 + 4 * MINUTE)).toEqual(['call', 'promised']);
    expect(engine.decide(T0 + 4 * MINUTE)).toEqual([]);
    expect(order(T0 + 5 * MINUTE)).toEqual(['promised', 'call']);
  });

  it('works notices off between calls, by default', () => {
    wait(task('notice', { kind: 'notice', arrivedAt: T0 - 60 * MINUTE }), task('call', { arrivedAt: T0 }));
    expect(order(T0 + 1)).toEqual(['call', 'notice']);
  });
});

describe('calls first', () => {
  const IDLE_FOR = 30 * SECOND;
  beforeEach(() => engine.setPolicy(policy('tokyo', { discipline: { name: 'calls-first', idleForCallbacksMs: IDLE_FOR } })));

  it('gives a call out before an older callback', () => {
    wait(task('callback', { kind: 'callback', arrivedAt: T0 - MINUTE, priorityClass: 0 }), task('call'));
    logOn(worker('aoki', { lastCallAssignedAt: T0 - 60 * MINUTE }));
    expect(decide(T0)).toEqual(['call→aoki']);
  });

  it('keeps an agent free for calls, and gives the callback once no call was assigned for the set time', () => {
    wait(task('callback', { kind: 'callback' }));
    logOn(worker('aoki', { lastCallAssignedAt: T0 - 10 * SECOND }));
    expect(decide(T0)).toEqual([]);
    expect(engine.nextDue(T0)).toBe(T0 + 20 * SECOND);
    expect(decide(T0 + 20 * SECOND - 1)).toEqual([]);
    expect(decide(T0 + 20 * SECOND)).toEqual(['callback→aoki']);
  });

  it('gives a call that comes within that time to the agent who was kept free', () => {
    wait(task('callback', { kind: 'callback' }));
    logOn(worker('aoki', { lastCallAssignedAt: T0 }));
    expect(decide(T0)).toEqual([]);
    wait(task('call', { arrivedAt: T0 + SECOND }));
    expect(decide(T0 + SECOND)).toEqual(['call→aoki']);
  });

  it('counts from when the agent became idle where no call was assigned yet', () => {
    wait(task('callback', { kind: 'callback' }));
    logOn(worker('aoki', { idleSince: T0 }));
    expect(decide(T0)).toEqual([]);
    expect(decide(T0 + IDLE_FOR)).toEqual(['callback→aoki']);
  });
});

describe('whose turn it is', () => {
  const two = [
    worker('aoki', { idleSince: T0 - 5, busyMs: 50, loggedOnMs: 100, assignments: 3 }),
    worker('baba', { idleSince: T0 - 9, busyMs: 60, loggedOnMs: 100, assignments: 4 }),
    worker('chiba', { idleSince: T0 - 1, busyMs: 70, loggedOnMs: 100, assignments: 2 }),
  ];
  it.each([
    ['longestIdle', 'baba'],
    ['leastOccupied', 'aoki'],
    ['roundRobin', 'chiba'],
  ] as const)('by %s it is %s', (tieBreak, expected) => {
    engine.setPolicy(policy('tokyo', { tieBreak }));
    logOn(...two);
    expect(decide(T0)).toEqual([]);
    wait(task('call'));
    expect(decide(T0)).toEqual([`call→${expected}`]);
  });

  it('is first that of the agents whose main queue it is', () => {
    logOn(worker('helper', { idleSince: T0 - MINUTE, queues: [{ queueId: 'tokyo', priority: 2 }] }), worker('regular'));
    wait(task('first'), task('second', { serial: 1 }));
    expect(decide(T0)).toEqual(['first→regular', 'second→helper']);
  });

  it('and an agent of several queues takes from the more important one first', () => {
    wait(task('osaka', { queueId: 'osaka', arrivedAt: T0 - MINUTE }), task('tokyo'));
    const both = {
      queues: [
        { queueId: 'osaka', priority: 2 },
        { queueId: 'tokyo', priority: 1 },
      ],
    };
    logOn(worker('aoki', both));
    expect(decide(T0)).toEqual(['tokyo→aoki']);
    logOn(worker('aoki', both));
    expect(decide(T0)).toEqual(['osaka→aoki']);
  });
});

describe('skills', () => {
  const english = [{ skill: 'en', level: 3 }];
  it('does not let a contact that nobody present understands hold up the others', () => {
    wait(task('english', { requirements: english }), task('any', { arrivedAt: T0 + 1 }));
    logOn(worker('aoki', { skills: [{ skill: 'en', level: 2 }] }));
    expect(decide(T0 + 1)).toEqual(['any→aoki']);
    expect(order(T0 + 1)).toEqual(['english']);
  });

  it('asks for less, ring by ring, the longer someone waits', () => {
    wait(
      task('english', {
        requirements: english,
        rings: [
          { afterMs: 20 * SECOND, requirements: [{ skill: 'en', level: 2 }] },
          { afterMs: 60 * SECOND, requirements: [] },
        ],
      }),
    );
    logOn(worker('none'));
    expect(decide(T0)).toEqual([]);
    expect(engine.nextDue(T0)).toBe(T0 + 20 * SECOND);
    expect(decide(T0 + 20 * SECOND)).toEqual([]);
    expect(engine.nextDue(T0 + 20 * SECOND)).toBe(T0 + 60 * SECOND);
    expect(decide(T0 + 60 * SECOND)).toEqual(['english→none']);
    expect(engine.nextDue(T0 + 60 * SECOND)).toBeNull();
  });
});

describe('the agent who knows the customer', () => {
  const known = task('known', { preferred: { agentId: 'aoki', until: T0 + MINUTE } });
  const busy = worker('aoki', { load: { voice: 1, chat: 0, mail: 0 } });

  it('is waited for while busy, for the time set, while others pass', () => {
    wait(known, task('next', { arrivedAt: T0 + 1 }));
    logOn(busy, worker('baba'));
    expect(decide(T0 + 1)).toEqual(['next→baba']);
    logOn(worker('baba'));
    expect(decide(T0 + 2)).toEqual([]);
    expect(engine.nextDue(T0 + 2)).toBe(T0 + MINUTE);
    expect(decide(T0 + MINUTE)).toEqual(['known→baba']);
  });

  it('gets the customer when free in time', () => {
    wait(known);
    logOn(busy, worker('baba'));
    expect(decide(T0)).toEqual([]);
    logOn(worker('aoki'));
    expect(decide(T0 + SECOND)).toEqual(['known→aoki']);
  });

  it.each([
    ['is on a break', () => logOn(worker('aoki', { availability: 'away' }))],
    ['is not logged on', () => engine.removeWorker('aoki')],
    ['has left the desk', () => logOn(worker('aoki', { queues: [] }))],
  ])('is not waited for once she %s', (_, leave) => {
    wait(known);
    logOn(busy, worker('baba'));
    expect(decide(T0)).toEqual([]);
    leave();
    expect(decide(T0 + 1)).toEqual(['known→baba']);
  });

  it('is waited for no longer by any of those who waited, once logged off', () => {
    const engine = new Matching();
    engine.setWorker(worker('aoki', { availability: 'finishing' }));
    const preferred = { agentId: 'aoki', until: T0 + MINUTE };
    for (const id of ['first', 'second', 'third']) engine.add(task(id, { preferred }));
    expect(engine.decide(T0)).toEqual([]);
    engine.removeWorker('aoki');
    engine.setWorker(worker('baba'));
    expect(engine.decide(T0 + 1)).toMatchObject([{ taskId: 'first', workerId: 'baba' }]);
  });
});

describe('rests and exclusions', () => {
  it('lets a callback rest until its next attempt, and then gives it its old place', () => {
    wait(task('retry', { kind: 'callback', arrivedAt: T0 - MINUTE, notBefore: T0 + MINUTE }), task('call'));
    expect(engine.position('retry', T0)).toBeNull();
    expect(engine.waitingCount('tokyo')).toBe(1);
    expect(engine.position('retry', T0 + MINUTE)).toBe(1);
    expect(engine.position('call', T0 + MINUTE)).toBe(2);
  });

  it('does not offer to an agent who has let it lapse', () => {
    wait(task('call', { excluded: ['aoki'] }));
    logOn(worker('aoki'));
    expect(decide(T0)).toEqual([]);
    logOn(worker('baba'));
    expect(decide(T0)).toEqual(['call→baba']);
  });
});

describe('capacity', () => {
  const chats = (n: number) => Array.from({ length: n }, (_, i) => task(`chat-${i}`, { kind: 'chat', serial: i }));
  const manyChats = { capacity: { voice: 1, chat: 3, mail: 2 } };

  it('gives chats up to the limit and no call beside them', () => {
    wait(...chats(5));
    logOn(worker('aoki', manyChats));
    expect(decide(T0)).toEqual(['chat-0→aoki', 'chat-1→aoki', 'chat-2→aoki']);
    wait(task('call'));
    expect(decide(T0)).toEqual([]);
    expect(order(T0)).toEqual(['call', 'chat-3', 'chat-4']);
  });

  it('spreads chats over those who have the fewest', () => {
    logOn(worker('aoki', { ...manyChats, idleSince: T0 - MINUTE }), worker('baba', manyChats));
    wait(...chats(4));
    expect(decide(T0)).toEqual(['chat-0→aoki', 'chat-1→baba', 'chat-2→aoki', 'chat-3→baba']);
  });

  it('lets a call interrupt a mail, and no mail a call', () => {
    logOn(worker('aoki'));
    wait(task('mail', { kind: 'mail' }));
    expect(decide(T0)).toEqual(['mail→aoki']);
    wait(task('call', { arrivedAt: T0 + 1 }));
    expect(decide(T0 + 1)).toEqual(['call→aoki']);
    logOn(worker('baba', { load: { ...EMPTY, voice: 1 } }));
    wait(task('mail-2', { kind: 'mail' }));
    expect(decide(T0 + 2)).toEqual([]);
  });

  it('lets chats run beside a call where the house says so', () => {
    engine = new Matching({ beside: { voice: ['chat'], chat: ['voice'], mail: [] } });
    logOn(worker('aoki', { ...manyChats, load: { ...EMPTY, voice: 1 } }));
    wait(...chats(1));
    expect(decide(T0)).toEqual(['chat-0→aoki']);
  });

  it('gives nothing to somebody in wrap-up or on a break', () => {
    wait(task('call'));
    logOn(worker('aoki', { availability: 'finishing' }), worker('baba', { availability: 'away' }));
    expect(decide(T0)).toEqual([]);
  });
});

describe('overflow to the next desk up', () => {
  const upstairs = worker('upstairs', { queues: [{ queueId: 'maker', priority: 1 }] });
  const own = worker('own', { load: { ...EMPTY, voice: 1 } });

  it('comes after the time set, and the own desk may still take it', () => {
    engine.setPolicy(policy('tokyo', { overflow: [{ to: 'maker', when: 'afterMs', afterMs: 90 * SECOND }] }));
    wait(task('call'));
    logOn(upstairs, own);
    expect(decide(T0)).toEqual([]);
    expect(engine.nextDue(T0)).toBe(T0 + 90 * SECOND);
    expect(engine.decide(T0 + 90 * SECOND)).toEqual([
      { taskId: 'call', workerId: 'upstairs', queueId: 'tokyo', viaQueueId: 'maker', arrivedAt: T0, serial: 0 },
    ]);
    wait(task('second'), task('third', { serial: 1 }));
    logOn(worker('own', { idleSince: T0 + 95 * SECOND }), upstairs);
    expect(decide(T0 + 200 * SECOND)).toEqual(['second→own', 'third→upstairs']);
  });

  it('comes at once when nobody is logged on', () => {
    engine.setPolicy(policy('tokyo', { overflow: [{ to: 'maker', when: 'nobody' }] }));
    logOn(upstairs, own);
    wait(task('call'));
    expect(decide(T0)).toEqual([]);
    engine.removeWorker('own');
    expect(decide(T0)).toEqual(['call→upstairs']);
  });

  it('comes while the wait estimated for the last in line is too long', () => {
    engine.setPolicy(policy('tokyo', { overflow: [{ to: 'maker', when: 'estimatedWaitMs', estimatedWaitMs: 5 * MINUTE }] }));
    engine.setCompletionRate('tokyo', 60); // one a minute
    logOn(upstairs, own);
    for (let i = 0; i < 5; i++) wait(task(`c${i}`, { serial: i }));
    expect(decide(T0)).toEqual([]);
    wait(task('c5', { serial: 5 }));
    expect(decide(T0)).toEqual(['c0→upstairs']);
    logOn(upstairs);
    expect(decide(T0)).toEqual([]); // five left: the own desk copes
  });
});

describe('position and estimated wait', () => {
  it('estimates place by place from the completions of late', () => {
    wait(task('a'), task('b', { serial: 1 }), task('c', { serial: 2 }));
    expect(engine.estimatedWaitMs('c', T0)).toBeNull();
    engine.setCompletionRate('tokyo', 30);
    expect(engine.position('c', T0)).toBe(3);
    expect(engine.estimatedWaitMs('c', T0)).toBe(6 * MINUTE);
    engine.remove('a');
    expect(engine.estimatedWaitMs('c', T0)).toBe(4 * MINUTE);
  });

  it('knows nothing of somebody who is not there', () => {
    expect(engine.position('nobody', T0)).toBeNull();
    expect(engine.estimatedWaitMs('nobody', T0)).toBeNull();
    expect(engine.remove('nobody')).toBe(false);
    expect(engine.update(task('nobody'))).toBe(false);
    expect(engine.removeWorker('nobody')).toBe(false);
    expect([...engine.waiting('nowhere', T0)]).toEqual([]);
  });
});

describe('what it refuses', () => {
  it.each<[string, () => void]>([
    ['a task that waits already', () => wait(task('a'), task('a'))],
    ['a class that is none', () => wait(task('a', { priorityClass: 256 }))],
    ['half a millisecond', () => wait(task('a', { arrivedAt: T0 + 0.5 }))],
    ['rings that do not ascend', () => wait(task('a', { rings: [20, 10].map((afterMs) => ({ afterMs, requirements: [] })) }))],
    ['a level of nothing', () => wait(task('a', { requirements: [{ skill: 'ja', level: 0 }] }))],
    ['a worker with a queue twice', () => logOn(worker('w', { queues: [1, 2].map((priority) => ({ queueId: 'tokyo', priority })) }))],
    ['a load below nothing', () => logOn(worker('w', { load: { ...EMPTY, chat: -1 } }))],
    ['overflow to itself', () => engine.setPolicy(policy('tokyo', { overflow: [{ to: 'tokyo', when: 'nobody' }] }))],
    ['completions that never come', () => engine.setCompletionRate('tokyo', 0)],
  ])('%s', (_, tell) => {
    expect(tell).toThrow(RangeError);
  });

  it('leaves a task as it was when its update is wrong', () => {
    wait(task('a'));
    expect(() => engine.update(task('a', { priorityClass: -1 }))).toThrow(RangeError);
    expect(order(T0)).toEqual(['a']);
  });
});

describe('time', () => {
  it('never goes back: a relaxed ring stays relaxed when the clock is set back', () => {
    wait(task('a', { requirements: [{ skill: 'ja', level: 1 }], rings: [{ afterMs: SECOND, requirements: [] }] }));
    expect(decide(T0 + SECOND)).toEqual([]);
    logOn(worker('aoki'));
    expect(decide(T0)).toEqual(['a→aoki']);
  });

  it('is now again when something was told since the last decision', () => {
    expect(engine.nextDue(T0)).toBeNull();
    wait(task('a'));
    expect(engine.nextDue(T0)).toBe(T0);
    expect(decide(T0)).toEqual([]);
    expect(engine.nextDue(T0)).toBeNull();
  });
});
