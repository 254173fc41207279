/** The life of a contact as it is drawn, from its events. */
import { describe, expect, it } from 'vitest';
import { type LifeEvent, lifeOf, scaleOf } from '../../src/web/panel/life.ts';

const MINUTE = 60_000;
const event = (second: number, name: string, about: Partial<LifeEvent> = {}): LifeEvent => ({
  at: 1000 * second,
  name,
  agentId: null,
  deskId: null,
  offerId: null,
  cause: null,
  data: {},
  ...about,
});
const by = (agentId: string, offerId: string): Partial<LifeEvent> => ({ agentId, offerId });
/** Each lane's parts as `talk 40-130`, in seconds; `…` while it goes on. */
const drawn = (events: LifeEvent[], now = 0) =>
  lifeOf(events, 1000 * now).lanes.map(
    ({ agentId, segments }) =>
      [agentId, segments.map(({ kind, from, until, open }) => `${kind} ${from / 1000}-${until / 1000}${open ? '…' : ''}`)] as const,
  );

describe('what a contact went through', () => {
  it('a call that one agent let ring and another answered: both have a line of their own', () => {
    const events = [
      event(0, 'contactArrived'),
      event(1, 'scenarioStarted'),
      event(12, 'scenarioEnded'),
      event(12, 'queued'),
      event(15, 'offered', by('tanaka', 'o1')),
      event(30, 'diverted', by('tanaka', 'o1')),
      event(30, 'queued'),
      event(30, 'offered', by('sato', 'o2')),
      event(40, 'established', by('sato', 'o2')),
      event(130, 'connectionCleared', by('sato', 'o2')),
      event(130, 'wrapUpStarted', by('sato', 'o2')),
      event(150, 'wrapUpCompleted', { agentId: 'sato' }),
      event(150, 'contactEnded', { agentId: 'sato' }),
    ];
    expect(drawn(events, 9999)).toEqual([
      [null, ['identifying 0-1', 'scenario 1-12', 'waiting 12-40', 'talk 40-130']],
      ['tanaka', ['ringing 15-30']],
      ['sato', ['ringing 30-40', 'talk 40-130', 'wrapUp 130-150']],
    ]);
  });

  it('a talk whose agent went, and that another took up, is two talks with waiting in between', () => {
    const events = [
      event(0, 'contactArrived'),
      event(0, 'queued'),
      event(0, 'offered', by('tanaka', 'o1')),
      event(5, 'established', by('tanaka', 'o1')),
      event(60, 'diverted', by('tanaka', 'o1')),
      event(60, 'queued'),
      event(70, 'offered', by('sato', 'o2')),
      event(80, 'established', by('sato', 'o2')),
    ];
    expect(drawn(events, 100)).toEqual([
      [null, ['waiting 0-5', 'talk 5-60', 'waiting 60-80', 'talk 80-100…']],
      ['tanaka', ['ringing 0-5', 'talk 5-60']],
      ['sato', ['ringing 70-80', 'talk 80-100…']],
    ]);
  });

  it('a callback is dialled, and tried again; who was not reached waits until then', () => {
    const events = [
      event(0, 'contactArrived'),
      event(0, 'queued'),
      event(10, 'offered', by('sato', 'o1')),
      event(10, 'originated', { ...by('sato', 'o1'), data: { attempt: 1 } }),
      event(40, 'failed', by('sato', 'o1')),
      event(40, 'offerEnded', by('sato', 'o1')),
      event(40, 'queued'),
      event(50, 'contactEnded'),
    ];
    expect(drawn(events)).toEqual([
      [null, ['waiting 0-10', 'dialling 10-40', 'waiting 40-50']],
      ['sato', ['ringing 10-40']],
    ]);
  });

  it('a message that is listened to after its end does not live on', () => {
    const events = [
      event(0, 'contactArrived'),
      event(0, 'queued'),
      event(10, 'contactEnded'),
      event(500, 'messageHeard', { agentId: 'sato' }),
    ];
    expect(drawn(events)).toEqual([[null, ['waiting 0-10']]]);
  });
});

describe('where moments are drawn', () => {
  it('in proportion, as long as nothing takes longer than all the rest', () => {
    const { place, cuts } = scaleOf([0, 1 * MINUTE, 4 * MINUTE, 2 * MINUTE]);
    expect([0, 1, 2, 4].map((minute) => place(minute * MINUTE))).toEqual([0, 0.25, 0.5, 1]);
    expect(cuts).toEqual([]);
  });

  it('a night in between is cut short, so that the rest can be seen; order and ends stay', () => {
    const night = 600 * MINUTE;
    const { place, cuts } = scaleOf([0, 4 * MINUTE, night, night + 4 * MINUTE]);
    expect(cuts).toEqual([{ from: 4 * MINUTE, until: night }]);
    expect([0, 4 * MINUTE, night, night + 4 * MINUTE].map(place)).toEqual([0, 1 / 3, 2 / 3, 1]);
  });

  it('one moment alone is at the beginning', () => {
    expect(scaleOf([5]).place(5)).toBe(0);
  });
});
