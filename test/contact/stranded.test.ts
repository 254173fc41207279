/** Callers whom a scenario could leave standing: nobody hears nothing for ever, is asked for twice, or is kept on a recording that is nobody's. */
import { describe, expect, it } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import { dialoguePlayId } from '#src/contact/legs.ts';
import type { OrderBody } from '#src/contact/model.ts';
import { parseScenarios } from '#src/ivr/parse.ts';
import { startDialogue, stepDialogue } from '#src/ivr/step.ts';
import type { DeskRules } from '#src/routing/desk-rules.ts';
import { CONTEXT, customer, DIRECTORY, RULES, World } from './world.ts';

const setOf = (steps: string, more = '', start = 'first') => {
  const text = `name: own\ncallers: everybody\nlanguages: [ja, en]\n${more}\nstart: ${start}\nsteps:\n${steps}`;
  return unwrap(parseScenarios([{ file: 'own.yaml', text }]));
};

/** A centre whose callers, called ones and asked ones all come to a scenario of these steps. */
function house(steps: string, about: { more?: string; rules?: Partial<DeskRules>; speech?: boolean } = {}) {
  const w = new World();
  const own = { set: setOf(steps, about.more) };
  const rules: DeskRules = { ...RULES, ...about.rules };
  w.context = {
    ...CONTEXT,
    speech: about.speech ?? false,
    rulesOf: () => rules,
    directory: { ...DIRECTORY, entries: DIRECTORY.entries.map((e) => ({ ...e, scenario: 'own' })) },
    greetsEverybody: () => true,
    startDialogue: (_name, options, facts) => startDialogue(own.set, 'own', options, facts),
    stepDialogue: (dialogue, input, facts) => stepDialogue(own.set, dialogue, input, facts),
  };
  const legOf = (id: string): string => w.contact(id).legId ?? 'none';
  return {
    w,
    own,
    /** Somebody calls, and hears the first step. */
    call: (from: string | null = '+81312345678'): { id: string; leg: string } => {
      const { leg, contactId: id } = w.call(from);
      if (from !== null) w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customer('sales') });
      return { id, leg };
    },
    /** Somebody is told a notice, and has answered. */
    told: (): { id: string; leg: string } => {
      const { contacts } = w.give({
        type: 'noticeTask',
        noticeId: 'n1',
        recipientId: '1',
        deskId: 'sales',
        language: 'ja',
        number: { kind: 'valid', e164: '+819012345601', country: 'JP' },
        name: 'Abe',
        text: 'closed on Monday',
        scenario: 'own',
      });
      const id = [...contacts.keys()][0] as string;
      w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: null });
      const leg = legOf(id);
      w.give({ type: 'legRinging', leg });
      w.give({ type: 'legAnswered', leg });
      return { id, leg };
    },
    press: (id: string, keys: string): void => {
      for (const digit of keys) w.give({ type: 'digit', leg: legOf(id), digit });
    },
    heard: (id: string): void => {
      w.give({ type: 'playFinished', leg: legOf(id), play: dialoguePlayId(w.contact(id), w.contact(id).dialogue?.play ?? 0) });
    },
    /** All that was said, in order. */
    said: (): string[] => w.orders.flatMap((o) => (o.type === 'play' ? o.prompts.map((p) => p.text) : [])),
    recorded: (id: string, recording: string, durationMs: number): void => {
      w.give({ type: 'recordFinished', leg: legOf(id), recording, durationMs, outcome: 'completed' });
    },
    following: (id: string, origin: string) => [...w.contacts.values()].filter((c) => c.continues === id && c.origin === origin),
  };
}
const types = (orders: readonly OrderBody[]): string[] => orders.map((o) => o.type);
const dropped = (w: World): string[] => w.orders.flatMap((o) => (o.type === 'dropRecording' ? [o.recording] : []));

describe('who finds nobody at a desk and is sent to another', () => {
  const steps = `
  first: { queue: { desk: support, announce: { nobody: { ja: nobody, en: nobody } } }, nobody: other }
  other: { route: sales }`;

  it('is given to whoever is free there, at once', () => {
    const { w, call } = house(steps);
    w.ready('bob');
    const { id } = call();
    expect(w.contact(id)).toMatchObject({ state: 'offered', deskId: 'sales', agentId: 'bob' });
  });

  it('is told how it stands there, where everybody is busy', () => {
    const { w, call, said } = house(steps);
    w.ready('bob');
    call();
    w.clearOrders();
    const { id } = call('+81312345679');
    expect(w.contact(id)).toMatchObject({ state: 'queued', deskId: 'sales' });
    expect(said()[0]).toContain('queue.next');
  });

  it('is led round no more often than a dialogue asks', () => {
    const { w, call } = house(`
  first: { queue: { desk: support, announce: { nobody: { ja: nobody, en: nobody } } }, nobody: other }
  other: { queue: { desk: reception, announce: { nobody: { ja: nobody, en: nobody } } }, nobody: first }`);
    const { id } = call();
    expect(w.contact(id).state).toBe('queued');
    expect(w.contact(id).timers.announce).toBeDefined();
  });
});

describe('without an entry', () => {
  const message = `
  first: { record: { prompt: { ja: speak, en: speak } }, next: leave, failed: end }
  leave: { leaveMessage: {}, next: end }
  end: { hangUp: true }`;

  it('who is told a notice can leave a message: it is for the desk that tells it', () => {
    const { w, told, heard, recorded, following } = house(message);
    const { id } = told();
    heard(id);
    recorded(id, `${id}.r1`, 5_000);
    expect(following(id, 'voicemail')).toMatchObject([{ state: 'queued', deskId: 'sales', message: { recording: `${id}.r1` } }]);
    w.expectEnded(id, 'noticeTold');
  });

  it('a caller whose entry is taken away meanwhile comes to the reception', () => {
    const { w, call, heard } = house(`
  first: { say: { ja: hello, en: hello }, next: back }
  back: { handBack: identified }`);
    const { id } = call();
    w.context = { ...w.context, directory: { ...w.context.directory, entries: [] } };
    w.give({ type: 'directoryChanged' });
    heard(id);
    expect(w.contact(id)).toMatchObject({ state: 'queued', deskId: 'reception' });
  });

  it('so does one who was still being looked up', () => {
    const { w } = house(`  first: { hangUp: true }`);
    const { contactId } = w.call();
    w.context = { ...w.context, directory: { ...w.context.directory, entries: [] } };
    w.give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: null });
    expect(w.contact(contactId)).toMatchObject({ state: 'queued', deskId: 'reception' });
  });
});

describe('what is recorded', () => {
  it('for nobody, is dropped when an agent answers', () => {
    const { w, call, heard, recorded } = house(`
  first: { record: { prompt: { ja: speak, en: speak } }, next: wait, failed: wait }
  wait: { queue: { desk: sales, offers: { '1': leave } } }
  leave: { leaveMessage: {}, next: end }
  end: { hangUp: true }`);
    const { id } = call();
    heard(id);
    recorded(id, `${id}.r1`, 5_000);
    w.ready('bob');
    expect(dropped(w)).toEqual([]);
    w.answer(id);
    expect(w.contact(id).state).toBe('connected');
    expect(dropped(w)).toEqual([`${id}.r1`]);
  });

  it('a second time, is what is left; the first is dropped, but not for nothing', () => {
    const { w, call, heard, press, recorded, following } = house(`
  first: { record: { prompt: { ja: speak, en: speak }, shortest: 1s }, next: sure, failed: sure }
  sure: { menu: { prompt: { ja: sure?, en: sure? }, choices: { '1': leave, '2': first } }, failed: end }
  leave: { leaveMessage: {}, next: end }
  end: { hangUp: true }`);
    const { id } = call();
    heard(id);
    recorded(id, `${id}.r1`, 5_000);
    press(id, '2');
    heard(id);
    recorded(id, `${id}.r2`, 0); // said nothing this time
    expect(dropped(w)).toEqual([`${id}.r2`]);
    press(id, '2');
    heard(id);
    recorded(id, `${id}.r3`, 6_000);
    expect(dropped(w)).toEqual([`${id}.r2`, `${id}.r1`]);
    press(id, '1');
    expect(following(id, 'voicemail')).toMatchObject([{ message: { recording: `${id}.r3` } }]);
    expect(dropped(w)).toEqual([`${id}.r2`, `${id}.r1`]);
  });

  const spoken = `
  first: { menu: { prompt: { ja: which?, en: which? }, speech: true, choices: { '1': back } }, failed: back }
  back: { handBack: identified }`;

  it('of an answer that was pressed after all, is over: nothing is recorded of the talk with the agent', () => {
    const { w, call, heard, press } = house(spoken, { speech: true });
    const { id, leg } = call();
    heard(id);
    press(id, '1');
    w.give({ type: 'recordFinished', leg, recording: `${id}.h1`, durationMs: 300, outcome: 'completed' });
    w.ready('bob');
    w.answer(id);
    w.restart();
    w.clearOrders();
    w.give({
      type: 'resynchronised',
      snapshot: {
        startedAt: null,
        legs: [...w.floor.legs.values()].map((l) => ({ leg: l.id, direction: 'in' as const, state: 'up' as const, arrival: null })),
        bridges: [],
      },
    });
    expect(types(w.orders)).not.toContain('record');
  });

  it('of an answer, is not sent to be recognised when there is nothing in it; the caller may speak yet', () => {
    const { w, call, heard } = house(spoken, { speech: true });
    const { id, leg } = call();
    heard(id);
    w.clearOrders();
    w.give({ type: 'recordFinished', leg, recording: `${id}.h1`, durationMs: 20, outcome: 'completed' }, 1_200);
    expect(types(w.orders)).toEqual(['dropRecording', 'record']);
    w.clearOrders();
    w.give({ type: 'recordFinished', leg, recording: `${id}.h2`, durationMs: 900, outcome: 'completed' }, 2_000);
    expect(types(w.orders)).toEqual(['recognise']);
    w.give({ type: 'heard', contactId: id, request: 2, words: 'one' });
    expect(w.contact(id).state).toBe('queued');
  });

  it('when the switch dies, does not keep its caller from being called back', () => {
    const { w, call, heard, following } = house(`
  first: { record: { prompt: { ja: speak, en: speak } }, next: end, failed: end }
  end: { hangUp: true }`);
    const { id } = call();
    heard(id);
    w.give({ type: 'resynchronised', snapshot: { startedAt: w.at + 1, legs: [], bridges: [] } }, 2);
    w.expectEnded(id, 'replacedByCallback');
    expect(following(id, 'lostCallback')).toHaveLength(1);
  });

  it('over and over, as by a line that plays music, comes to an end', () => {
    const { w, call, heard, recorded } = house(`
  first: { record: { prompt: { ja: speak, en: speak } }, next: leave, failed: end }
  leave: { leaveMessage: {}, next: first }
  end: { hangUp: true }`);
    const { id } = call();
    for (let n = 1; n <= 100 && w.contact(id).state === 'scenario'; n++) {
      heard(id);
      recorded(id, `${id}.r${n}`, 5_000);
    }
    w.expectEnded(id, 'messageLeft');
  });
});

describe('who is called back and asks for another time', () => {
  const steps = `
  first: { menu: { prompt: { ja: now?, en: now? }, choices: { '1': back, '2': again } }, failed: end }
  again: { callBack: {}, next: end, failed: end }
  back: { handBack: identified }
  end: { say: { ja: bye, en: bye }, next: over }
  over: { hangUp: true }`;

  function answered(told = steps) {
    const h = house(told, { rules: { callMe: 'own' } });
    h.w.ready('bob');
    const { contacts } = h.w.give({
      type: 'callMeRequested',
      entryId: 'ja',
      language: 'ja',
      callMe: { to: { kind: 'number', number: '+819012345678' }, name: 'Abe', question: '', pageUrl: '', token: 't' },
      number: { kind: 'valid', e164: '+819012345678', country: 'JP' },
    });
    const id = [...contacts.keys()][0] as string;
    h.w.give({ type: 'partyLookedUp', contactId: id, by: 'callingNumber', record: customer('sales', 'Abe') });
    const leg = h.w.contact(id).legId as string;
    h.w.give({ type: 'legRinging', leg });
    h.w.give({ type: 'legAnswered', leg });
    return { ...h, id, leg };
  }

  it('is called once more, not twice, and the agent is free', () => {
    const { w, id, press, heard, following } = answered();
    press(id, '2');
    heard(id);
    w.expectEnded(id, 'callbackPromised');
    expect(following(id, 'queueCallback')).toHaveLength(1);
    expect(w.offers.get(`${id}.o1`)?.state).toBe('ended');
  });

  it('also when hanging up without hearing good-bye', () => {
    const { w, id, leg, press, following } = answered();
    press(id, '2');
    w.endLeg(leg);
    w.expectEnded(id, 'callbackPromised');
    expect(following(id, 'queueCallback')).toHaveLength(1);
  });

  it('and who has a number outside asked for again and again keeps no agent', () => {
    const { w, id, press } = answered(`
  first: { menu: { prompt: { ja: now?, en: now? }, choices: { '1': out } }, failed: over }
  out: { transferOut: { to: '+81312345678' }, failed: first }
  over: { hangUp: true }`);
    for (let n = 0; n < 10; n++) press(id, '1');
    w.endLeg(w.contact(id).legId as string);
    expect(w.contact(id)).toMatchObject({ state: 'queued', legId: null });
    expect(w.agent('bob').state).toBe('ready');
  });

  it('so does one who is told a notice', () => {
    const { w, told, press, following } = house(steps);
    const { id, leg } = told();
    press(id, '2');
    w.endLeg(leg);
    w.expectEnded(id, 'noticeTold');
    expect(following(id, 'queueCallback')).toHaveLength(1);
  });
});

describe('who is promised a callback and waits all the same', () => {
  const steps = `
  first: { callBack: {}, next: wait, failed: wait }
  wait: { route: sales }`;

  it('is not called any more after talking with an agent', () => {
    const { w, call, following } = house(steps);
    const { id } = call();
    w.ready('bob');
    w.answer(id);
    expect(following(id, 'queueCallback')).toMatchObject([{ state: 'ended', cause: 'calledAgain' }]);
  });

  it('is called once after giving up', () => {
    const { w, call, following } = house(steps, { rules: { callbacks: { ...RULES.callbacks, afterAbandonMs: 0 } } });
    const { id, leg } = call();
    w.wait(60_000);
    w.endLeg(leg);
    w.expectEnded(id, 'abandonedInQueue');
    expect([...following(id, 'queueCallback'), ...following(id, 'abandonedCallback')]).toHaveLength(1);
  });
});

describe('a callback to a number that the caller dials', () => {
  const promised = (digits: string): number => {
    const { call, press, following } = house(`
  first: { ask: { prompt: { ja: which?, en: which? }, digits: { min: 3, max: 15 }, end: '#', saveAs: number, as: phone }, next: promise, failed: end }
  promise: { callBack: { number: number }, next: end, failed: end }
  end: { hangUp: true }`);
    const { id } = call();
    press(id, `${digits}#`);
    return following(id, 'queueCallback').length;
  };

  it.each([
    ['an ordinary one', '0312345678', 1],
    ['one abroad', '00442079460000', 0],
    ['one that costs more than others', '0990123456', 0],
    ['one for which the caller pays', '0570012345', 0],
    ['one of our own, which would answer itself', '0312340000', 0],
  ])('%s: %s', (_, digits, count) => {
    expect(promised(digits)).toBe(count);
  });
});

describe('who is called a second time', () => {
  it('hears what is said then, is recorded and sent what is to be sent: nothing of it passes for the first time’s', () => {
    const { w, told, heard, recorded } = house(`
  first: { record: { prompt: { ja: speak, en: speak } }, next: sent, failed: again }
  sent: { send: { hook: sms }, next: asked }
  asked: { menu: { prompt: { ja: well?, en: well? }, choices: { '1': leave }, tries: 1 }, failed: again }
  leave: { leaveMessage: {}, next: again }
  again: { hangUp: notReached }`);
    const { id, leg } = told();
    const ids = (): string[] =>
      w.orders.flatMap((o) => (o.type === 'play' ? o.play : o.type === 'record' ? o.recording : o.type === 'sendHook' ? o.key : []));
    heard(id);
    const first = w.orders.findLast((o) => o.type === 'record');
    recorded(id, first?.type === 'record' ? first.recording : '', 5_000);
    const before = ids();
    expect(before).toHaveLength(4);
    w.endLeg(leg);
    w.clearOrders();
    w.wait(RULES.callbacks.retry.noAnswer.pauseMs + 1);
    const next = w.contact(id).legId as string;
    w.give({ type: 'legAnswered', leg: next });
    const play = w.orders.findLast((o) => o.type === 'play');
    w.give({ type: 'playFinished', leg: next, play: before[0] as string }); // late, of the first time
    expect(w.contact(id).dialogue?.playing).toBe(true);
    w.give({ type: 'playFinished', leg: next, play: play?.type === 'play' ? play.play : '' });
    const second = w.orders.findLast((o) => o.type === 'record');
    recorded(id, second?.type === 'record' ? second.recording : '', 5_000);
    expect(ids()).toHaveLength(4);
    expect(new Set([...before, ...ids()]).size).toBe(8);
  });
});

describe('who is told a notice and put through to a number outside', () => {
  const steps = `
  first: { menu: { prompt: { ja: notice, en: notice }, choices: { '1': out, '2': over } }, failed: over }
  out: { transferOut: { to: '+81312345678' }, failed: first }
  over: { hangUp: true }`;
  function put() {
    const h = house(steps);
    const { id, leg } = h.told();
    h.press(id, '1');
    return { ...h, id, leg, outside: `${id}.x1` };
  }

  it('has been reached when they have talked, and the other one is not left on the line', () => {
    const { w, id, leg, outside } = put();
    w.give({ type: 'legAnswered', leg: outside });
    w.endLeg(leg);
    w.expectEnded(id, 'noticeTold');
    expect(w.unwanted.has(outside)).toBe(true);
  });

  it('is called again after hanging up while it rings, which it does no more; and keys count then', () => {
    const { w, id, leg, outside, press } = put();
    w.endLeg(leg);
    expect(w.unwanted.has(outside)).toBe(true);
    w.wait(RULES.callbacks.retry.noAnswer.pauseMs + 1);
    const again = w.contact(id).legId as string;
    w.give({ type: 'legAnswered', leg: again });
    press(id, '2');
    w.expectEnded(id, 'noticeTold');
  });
});

describe('a caller who is led out of the queue', () => {
  it('does not hear the house and the scenario at once', () => {
    const { w, call, press } = house(`
  first: { queue: { desk: sales, offers: { '2': ask } } }
  ask: { menu: { prompt: { ja: sure?, en: sure? }, choices: { '1': first } }, failed: first2 }
  first2: { route: sales }`);
    const { id, leg } = call();
    const { playing } = w.contact(id);
    expect(playing).not.toBeNull();
    w.clearOrders();
    press(id, '2');
    expect(w.orders).toContainEqual({ type: 'stopPlay', leg, play: playing, contactId: id });
    expect(w.contact(id)).toMatchObject({ state: 'scenario', playing: null });
  });

  it('whose announcement never ends, by what the switch says, is told again all the same', () => {
    const { w, call, said } = house(`
  first: { queue: { desk: sales, announce: { every: 30s, nobody: { ja: nobody, en: nobody } } } }`);
    call();
    expect(said()).toEqual(['nobody']);
    w.wait(120_000);
    expect(said().length).toBeGreaterThan(2);
  });
});

describe('a scenario of another release, in which the step is gone', () => {
  const waiting = `
  first: { queue: { desk: sales, announce: { every: 30s, nobody: { ja: nobody, en: nobody } } } }`;
  const renamed = setOf(`  back: { handBack: identified }`, '', 'back');

  it('leaves who waits in the queue, at its place, to the house', () => {
    const { w, own, call, said } = house(waiting);
    const { id } = call();
    own.set = renamed;
    w.clearOrders();
    w.wait(35_000);
    expect(w.contact(id)).toMatchObject({ state: 'queued', dialogue: null, deskId: 'sales' });
    expect(said().join()).toContain('queue.');
  });

  it('does not take a call from the agent whose phone rings for it', () => {
    const { w, own, call, heard } = house(waiting);
    const { id } = call();
    w.ready('bob');
    own.set = renamed;
    heard(id);
    expect(w.contact(id)).toMatchObject({ state: 'offered', dialogue: null });
    w.answer(id);
    expect(w.contact(id).state).toBe('connected');
  });
});

describe('a callback at a time', () => {
  const steps = `
  first: { ask: { prompt: { ja: when?, en: when? }, digits: { min: 4, max: 4 }, saveAs: time, as: time }, next: promise, failed: end }
  promise: { callBack: { at: time }, next: end, failed: cannot }
  cannot: { say: { ja: cannot, en: cannot }, next: end }
  end: { hangUp: true }`;
  const rules = { callbacks: { ...RULES.callbacks, hours: { from: '09:00', to: '18:00' } } };

  it('is not promised for the middle of the night', () => {
    const { call, press, said, following } = house(steps, { rules });
    const { id } = call();
    press(id, '0300');
    expect(said()).toContain('cannot');
    expect(following(id, 'queueCallback')).toEqual([]);
  });

  it('is promised for an hour at which people may be called', () => {
    const { call, press, following } = house(steps, { rules });
    const { id } = call();
    press(id, '1000');
    expect(following(id, 'queueCallback')).toMatchObject([{ state: 'queued' }]);
  });

  it('is not promised for next year', () => {
    const { call, said, following } = house(
      `
  first: { set: { day: '"1970-12-24T10:00"' }, next: promise }
  promise: { callBack: { at: day }, next: end, failed: cannot }
  cannot: { say: { ja: cannot, en: cannot }, next: end }
  end: { hangUp: true }`,
      { more: 'variables: { day: string }' },
    );
    const { id } = call();
    expect(said()).toContain('cannot');
    expect(following(id, 'queueCallback')).toEqual([]);
  });
});
