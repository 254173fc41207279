import { setTimeout as sleep } from 'node:timers/promises';
import type { LegId } from '../../src/base/ids.ts';
import { tonesToWav } from '../../src/base/tones.ts';
import { MemorySwitch } from '../../src/cti/memory/switch.ts';
import type { LegCause } from '../../src/cti/port.ts';
import { type CalledBehaviour, type CalledParty, type RemoteParty, type SwitchHarness, switchContract } from '../contract/switch.ts';

const FATE: Readonly<Record<CalledBehaviour, 'ring' | LegCause>> = {
  busy: 'busy',
  declines: 'rejected',
  noAnswer: 'ring',
  unknownNumber: 'invalidNumber',
};

switchContract('memory', async (): Promise<SwitchHarness> => {
  const fates = new Map<string, 'ring' | LegCause>();
  // One switch, to which one controller after another connects.
  const memory = new MemorySwitch({
    onDial: (to) => {
      const target = to.kind === 'number' ? to.number : to.kind === 'sip' ? to.uri : '';
      if (/[^+0-9A-Za-z:.@-]/.test(target)) return 'invalidNumber';
      return fates.get(target) ?? 'ring';
    },
    mediumMs: (medium) => (medium === '/sounds/short' ? 100 : null),
  });
  const taken = new Set<LegId>();

  class Party implements CalledParty {
    readonly leg: LegId;
    readonly from = { number: '+81355550100', name: 'Madoguchi' };
    constructor(leg: LegId) {
      this.leg = leg;
    }
    get hasEnded(): boolean {
      return memory.see(this.leg) === undefined;
    }
    answered(): Promise<unknown> {
      return until(() => memory.see(this.leg)?.state === 'up');
    }
    ended(): Promise<unknown> {
      return until(() => this.hasEnded);
    }
    async sendDigits(digits: string): Promise<void> {
      memory.digits(this.leg, digits);
    }
    async hangUp(): Promise<void> {
      memory.hangUpByParty(this.leg);
    }
    async answer(): Promise<void> {
      memory.answerLeg(this.leg);
    }
  }
  const seen = (party: RemoteParty) => (party instanceof Party ? memory.see(party.leg) : undefined);
  const nextCall = (wanted: string): Promise<CalledParty> =>
    until(() => {
      const found = memory.seeAll().find(({ leg, to, state }) => {
        const target = to?.kind === 'number' ? to.number : to?.kind === 'endpoint' ? to.endpoint : null;
        return target === wanted && state === 'ringing' && !taken.has(leg);
      });
      if (found === undefined) return undefined;
      taken.add(found.leg);
      return new Party(found.leg);
    });

  return {
    makeSwitch: () => memory,
    media: { short: '/sounds/short', long: '/sounds/long' },
    callIn: async ({ from, fromName, to, withheld }) =>
      new Party(
        memory.arrive({
          calledNumber: to,
          callingNumber: withheld ? null : from,
          callingName: withheld ? null : (fromName ?? null),
          presentation: withheld ? 'restricted' : 'allowed',
        }),
      ),
    nextCall,
    behave: (number, behaviour) => fates.set(number, FATE[behaviour]),
    registerPhone: async (user) => {
      memory.register(user);
      return { nextCall: () => nextCall(user), unregister: async () => memory.register(user, false) };
    },
    hears: async (to, from) => {
      const bridge = seen(to)?.bridge;
      return bridge != null && bridge === seen(from)?.bridge;
    },
    says: async (party, hz, ms) => {
      if (party instanceof Party) memory.speak(party.leg, tonesToWav([{ hz: [hz], ms, level: 0.5 }]));
    },
    saysNothing: async () => {},
    hearsSound: async (to) => {
      const leg = seen(to);
      return leg !== undefined && (leg.plays.length > 0 || leg.music);
    },
    cutLine: async () => memory.loseConnection(),
    mendLine: async () => memory.restoreConnection(),
    restartSwitch: async () => memory.restart(),
    dispose: async () => {},
  };
});

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 400; tries += 1) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await sleep(5);
  }
  throw new Error('it did not come to that');
}
