/** Random histories: whatever happens, in whatever order, told late, twice or never, the invariants hold. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputRefused } from '#src/contact/agents.ts';
import { dialoguePlayId } from '#src/contact/legs.ts';
import type { FloorInput } from '#src/contact/model.ts';
import type { LegCause } from '#src/cti/port.ts';
import { customer, DIRECTORY, SPOKEN, World } from './world.ts';

const AGENTS = [...DIRECTORY.agents.keys()];
const CAUSES: LegCause[] = [
  'normalClearing',
  'busy',
  'noAnswer',
  'rejected',
  'unreachable',
  'invalidNumber',
  'switchLost',
  'unheard',
  'leaseExpired',
  'unknown',
];

/** What may happen next, with numbers that choose among what is there. */
const action = fc.record({
  kind: fc.constantFrom(
    'call',
    'call',
    'callWithheld',
    'callMe',
    'lookedUp',
    'lookedUp',
    'notFound',
    'digit',
    'playFinished',
    'legAnswered',
    'legAnswered',
    'legRinging',
    'legEnded',
    'logOn',
    'logOn',
    'setReady',
    'setReady',
    'setNotReady',
    'logOff',
    'panelOpened',
    'panelOpened',
    'panelClosed',
    'shown',
    'shown',
    'decline',
    'hangUp',
    'wrapUp',
    'cancel',
    'move',
    'notice',
    'noticeStopped',
    'callOutside',
    'callMenu',
    'callMenu',
    'recorded',
    'recorded',
    'answered',
    'onShift',
    'onShift',
    'onShift',
    'customerCall',
    'customerCall',
    'connect',
    'connect',
    'connect',
    'connect',
    'hangUp',
    'key',
    'key',
    'key',
    'leaveMessage',
    'leaveMessage',
    'accept',
    'accept',
    'accept',
    'messageCallBack',
    'force',
    'extend',
    'directory',
    'phone',
    'phone',
    'switchAway',
    'wait',
    'restart',
    'resync',
    'repeat',
  ),
  pick: fc.nat(1_000),
  other: fc.nat(1_000),
  ms: fc.integer({ min: 0, max: 70_000 }),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function perform(w: World, a: Action, last: { input: FloorInput | null }): void {
  const of = <T>(all: Iterable<T>): T | undefined => {
    const list = [...all];
    return list[a.pick % Math.max(1, list.length)];
  };
  const give = (input: FloorInput): void => {
    last.input = input;
    try {
      w.give(input);
    } catch (error) {
      if (!(error instanceof InputRefused)) throw error;
    }
  };
  const agentId = AGENTS[a.pick % AGENTS.length] as string;
  const leg = of(w.floor.legs.values())?.id ?? 'nobody';
  const contact = of(w.floor.contacts.values());
  const offer = of(w.floor.offers.values());
  switch (a.kind) {
    case 'call':
      w.call('+81312345678');
      return;
    case 'callWithheld':
      w.call(null, a.other % 5 === 0 ? '9' : '1000');
      return;
    case 'onShift':
      give({ type: 'panelOpened', agentId, holdsCall: false });
      give({ type: 'agentLogOn', agentId, phone: 'browser' });
      return give({ type: 'agentSetReady', agentId });
    case 'customerCall': {
      const { contactId } = w.call('+81312345678');
      const record = customer(['sales', 'support', 'reception'][a.other % 3] as string, ['Sato', 'Suzuki', 'Ito'][a.pick % 3]);
      return give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record });
    }
    case 'connect': {
      // Both answer at once, which by chance alone hardly ever happens.
      if (!offer) return;
      for (const legId of [w.floor.contacts.get(offer.contactId)?.legId, 'agent']) {
        const now = w.floor.offers.get(offer.id);
        if (now?.state === 'shown') give({ type: 'offerShown', agentId: offer.agentId, offerId: offer.id });
        const answering = legId === 'agent' ? w.floor.offers.get(offer.id)?.legId : legId;
        if (answering && w.floor.legs.get(answering)?.state !== 'up') give({ type: 'legAnswered', leg: answering });
      }
      const { legId, playing } = w.floor.offers.get(offer.id) ?? { legId: null, playing: null };
      return legId && playing ? give({ type: 'playFinished', leg: legId, play: playing }) : undefined;
    }
    case 'callOutside':
      w.call(a.other % 2 ? '+81312345676' : null, '2000');
      return;
    case 'callMenu': {
      const { contactId } = w.call(a.other % 3 ? '+81312345674' : null, '3000');
      return give({ type: 'partyLookedUp', contactId, by: 'callingNumber', record: a.pick % 3 ? null : customer('support', 'Kato') });
    }
    case 'recorded': {
      // The last recording that a dialogue began, or one that it does not wait for any more.
      const order = w.orders.findLast((o) => o.type === 'record');
      if (order?.type !== 'record') return;
      const [durationMs, outcome] = [a.other % 3 ? a.ms : 0, a.other % 7 ? ('completed' as const) : ('failed' as const)];
      return give({ type: 'recordFinished', leg: order.leg, recording: order.recording, durationMs, outcome });
    }
    case 'answered': {
      const order = w.orders.findLast((o) => o.type === 'askService');
      if (order?.type !== 'askService') return;
      const outcome = (['found', 'notFound', 'failed'] as const)[a.other % 3] as 'found';
      return give({ type: 'serviceAnswered', contactId: order.contactId, request: order.request, outcome, values: { status: 'sent' } });
    }
    case 'key': {
      // One that means something, to somebody who is in a dialogue.
      const talking = of([...w.floor.contacts.values()].filter((c) => c.dialogue !== null));
      return talking?.legId ? give({ type: 'digit', leg: talking.legId, digit: '123456789'[a.other % 9] as string }) : undefined;
    }
    case 'callMe':
      return give({
        type: 'callMeRequested',
        entryId: 'ja',
        language: 'ja',
        callMe: { to: { kind: 'number', number: '+819012345678' }, name: '', question: '', pageUrl: '', token: '' },
        number: { kind: 'valid', e164: '+819012345678', country: 'JP' },
      });
    case 'lookedUp':
    case 'notFound': {
      if (!contact) return;
      const by = contact.state === 'scenario' ? 'customerCode' : 'callingNumber';
      const record =
        a.kind === 'notFound'
          ? null
          : {
              ...customer(['sales', 'support', 'reception'][a.other % 3] as string, ['Sato', 'Suzuki', 'Ito'][a.pick % 3] as string),
              lastAgentId: a.other % 4 === 0 ? agentId : null,
            };
      return give({ type: 'partyLookedUp', contactId: contact.id, by, record });
    }
    case 'digit':
      return give({ type: 'digit', leg, digit: '0123456789#*'[a.other % 12] as string });
    case 'playFinished': {
      const c = w.floor.contacts.get(w.floor.legs.get(leg)?.contactId ?? '');
      const play =
        c?.playing ?? (c?.offerId ? (w.floor.offers.get(c.offerId)?.playing ?? '') : c ? dialoguePlayId(c, c.dialogue?.play ?? 0) : '');
      return give({ type: 'playFinished', leg, play: a.other % 10 === 0 ? 'stale' : play });
    }
    case 'legAnswered':
    case 'legRinging':
      return give({ type: a.kind, leg: [...w.floor.legs.values()].find((l) => l.state !== 'up')?.id ?? leg });
    case 'legEnded':
      return give({ type: 'legEnded', leg, cause: CAUSES[a.other % CAUSES.length] as LegCause });
    case 'logOn':
      give({ type: 'panelOpened', agentId, holdsCall: false });
      return give({ type: 'agentLogOn', agentId, phone: a.other % 3 === 0 ? 'deskPhone' : 'browser' });
    case 'setReady':
      return give({ type: 'agentSetReady', agentId });
    case 'setNotReady':
      return give({ type: 'agentSetNotReady', agentId, reason: 'lunch' });
    case 'logOff':
      return give({ type: 'agentLogOff', agentId });
    case 'panelOpened':
      return give({ type: 'panelOpened', agentId, holdsCall: a.other % 2 === 0 });
    case 'panelClosed':
      return give({ type: 'panelClosed', agentId });
    case 'shown':
      return offer ? give({ type: 'offerShown', agentId: offer.agentId, offerId: offer.id }) : undefined;
    case 'decline':
      return offer ? give({ type: 'offerDeclined', agentId: a.other % 4 === 0 ? agentId : offer.agentId, offerId: offer.id }) : undefined;
    case 'hangUp': {
      const talk = of([...w.floor.offers.values()].filter((o) => w.floor.contacts.get(o.contactId)?.state === 'connected'));
      const hangs = a.other % 3 === 0 ? offer : talk;
      if (hangs) give({ type: 'agentHangUp', agentId: hangs.agentId, offerId: hangs.id });
      // Whoever is asked afterwards answers, or waits for a while.
      const asked = of([...w.floor.contacts.values()].filter((c) => c.origin === 'survey' && c.legId));
      return asked?.legId && a.other % 2 ? give({ type: 'digit', leg: asked.legId, digit: '157'[a.pick % 3] as string }) : undefined;
    }
    case 'wrapUp':
      return give({
        type: 'wrapUp',
        agentId,
        contactId: w.floor.agents.get(agentId)?.wrapUpContactId ?? 'none',
        disposition: 'd',
        note: '',
      });
    case 'cancel':
      return contact ? give({ type: 'callMeCancelled', contactId: contact.id }) : undefined;
    case 'move':
      return contact ? give({ type: 'callbackMoved', contactId: contact.id, to: a.other % 2 ? w.at + a.ms : null }) : undefined;
    case 'notice':
      return give({
        type: 'noticeTask',
        noticeId: `n${a.other % 2}`,
        recipientId: `r${a.pick}`,
        deskId: ['sales', 'support', 'reception'][a.other % 3] as string,
        language: 'en',
        number: { kind: 'valid', e164: '+819012345679', country: 'JP' },
        name: '',
        text: 'closed',
        scenario: a.other % 4 < 2 ? 'notice' : null,
      });
    case 'noticeStopped':
      return give({ type: 'noticeStopped', noticeId: `n${a.other % 2}` });
    case 'leaveMessage': {
      // From a caller who is there, or one who calls for nothing else.
      const there = [...w.floor.contacts.values()].find((c) => c.channel === 'voice' && (c.state === 'scenario' || c.state === 'queued'));
      const from = there?.id ?? w.call(a.pick % 2 ? '+81312345677' : null).contactId;
      w.leaveMessage(from, [null, 'sales', 'support', 'gone'][a.other % 4] ?? null);
      return;
    }
    case 'accept': {
      const shown = of([...w.floor.offers.values()].filter((o) => w.floor.contacts.get(o.contactId)?.channel === 'message')) ?? offer;
      return shown ? give({ type: 'offerAccepted', agentId: a.other % 9 ? shown.agentId : agentId, offerId: shown.id }) : undefined;
    }
    case 'messageCallBack': {
      const taken = of([...w.floor.contacts.values()].filter((c) => c.channel === 'message' && c.state === 'connected')) ?? contact;
      const by = a.other % 9 ? taken?.agentId : agentId;
      return taken && by ? give({ type: 'messageCallBack', agentId: by, contactId: taken.id }) : undefined;
    }
    case 'force':
      return give({ type: 'agentForced', agentId, to: (['ready', 'notReady', 'loggedOff'] as const)[a.other % 3] as 'ready', by: 'dee' });
    case 'extend':
      return give({ type: 'wrapUpExtended', agentId });
    case 'directory': {
      // Now and then somebody is taken off the list, or a desk, and comes back later.
      const without = <T>(all: ReadonlyMap<string, T>, id: string): ReadonlyMap<string, T> => new Map([...all].filter(([k]) => k !== id));
      const { directory } = SPOKEN;
      const fewer =
        a.other % 3 === 0
          ? { agents: without(directory.agents, agentId) }
          : a.other % 3 === 1
            ? { desks: without(directory.desks, 'support') }
            : {};
      const decideDesk: typeof SPOKEN.decideDesk = (facts, at) => {
        const decided = SPOKEN.decideDesk(facts, at);
        return w.context.directory.desks.has(decided.deskId) ? decided : { ...decided, deskId: 'reception' };
      };
      w.context = { ...w.context, decideDesk, directory: { ...directory, ...fewer } };
      return give({ type: 'directoryChanged' });
    }
    case 'phone':
      return give({ type: 'phoneReachable', agentId, phone: a.other % 4 ? 'browser' : 'deskPhone', reachable: a.pick % 2 === 0 });
    case 'switchAway':
      w.context = { ...w.context, switchAway: a.other % 3 === 0 };
      return give({ type: 'tick' });
    case 'wait':
      return w.wait(a.ms);
    case 'restart':
      return w.restart();
    case 'resync': {
      const legs = [...w.floor.legs.values()].filter((_, i) => (a.other >> (i % 10)) % 3 !== 0);
      return give({
        type: 'resynchronised',
        snapshot: {
          startedAt: a.other % 4 === 0 ? w.at : 0,
          legs: legs.map((l) => ({ leg: l.id, direction: 'out', state: (a.pick + l.id.length) % 2 ? 'up' : 'ringing', arrival: null })),
          bridges: [],
        },
      });
    }
    case 'repeat':
      return last.input ? give(last.input) : undefined;
  }
}

/** Whatever was left to be listened to is listened to by agents who do nothing else. */
function listenToAll(w: World): void {
  const messages = [...w.floor.contacts.values()].filter((c) => c.channel === 'message');
  for (let tries = 10 + 20 * messages.length; tries > 0 && messages.some((c) => w.floor.contacts.has(c.id)); tries--) {
    for (const { id, agentId, contactId } of [...w.floor.offers.values()]) {
      w.give({ type: 'offerAccepted', agentId, offerId: id });
      w.give({ type: 'agentHangUp', agentId, offerId: id });
      w.give({ type: 'wrapUp', agentId, contactId, disposition: 'd', note: '' });
    }
    for (const agentId of AGENTS) w.give({ type: 'agentSetReady', agentId });
    w.wait(5_000);
  }
}

const HISTORIES = Number(process.env['HISTORIES'] ?? 500);

describe('whatever happens', () => {
  it(
    'no invariant is broken, and in the end everybody is served or gone',
    () => {
      const causes = new Set<string | null>();
      fc.assert(
        fc.property(fc.array(action, { minLength: 1, maxLength: 120, size: 'max' }), (actions) => {
          const w = new World();
          w.context = SPOKEN;
          const last = { input: null as FloorInput | null };
          for (const a of actions) perform(w, a, last);
          // The day ends: what was broken is there again, every line is hung up, and time passes.
          w.context = SPOKEN;
          w.give({ type: 'directoryChanged' });
          for (let round = 0; round < 6; round++) {
            for (const leg of [...w.floor.legs.values()]) w.give({ type: 'legEnded', leg: leg.id, cause: 'noAnswer' });
            for (const agentId of AGENTS) {
              w.give({ type: 'panelOpened', agentId, holdsCall: false });
              try {
                w.give({ type: 'agentLogOn', agentId, phone: 'browser' });
              } catch (error) {
                expect(error).toBeInstanceOf(InputRefused);
              }
              w.give({ type: 'agentSetReady', agentId });
            }
            w.wait(200_000);
          }
          // Whoever was to be called by an agent who never picks up is still to be called.
          for (const noticeId of ['n0', 'n1']) w.give({ type: 'noticeStopped', noticeId });
          for (const c of [...w.floor.contacts.values()]) {
            if (c.channel === 'callback') w.give({ type: 'callMeCancelled', contactId: c.id });
          }
          for (const leg of [...w.floor.legs.values()]) w.give({ type: 'legEnded', leg: leg.id, cause: 'cancelled' });
          listenToAll(w);
          expect([...w.floor.contacts.values()].map((c) => `${c.id} ${c.state} ${c.channel}`)).toEqual([]);
          expect(w.floor.offers.size + w.floor.legs.size).toBe(0);
          for (const { cause } of w.contacts.values()) causes.add(cause);
        }),
        { numRuns: HISTORIES },
      );
      // They come to what is rare, too.
      expect([...causes]).toEqual(
        expect.arrayContaining([
          'transferredOut',
          'surveyDone',
          'noticeTold',
          'callbackFailed',
          'switchLost',
          'callbackPromised',
          'messageLeft',
          'hungUpByScenario',
        ]),
      );
    },
    30_000 + 100 * HISTORIES,
  );

  it('the same history gives the same events and orders', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: 'max' }), (actions) => {
        const [a, b] = [new World(), new World()];
        for (const w of [a, b]) {
          w.context = SPOKEN;
          const last = { input: null as FloorInput | null };
          for (const act of actions) perform(w, act, last);
        }
        expect(b.events).toEqual(a.events);
        expect(b.orders).toEqual(a.orders);
      }),
      { numRuns: 100 },
    );
  });
});
