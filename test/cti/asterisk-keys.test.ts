/** Callers' keys, by each of the ways that they come by, through the configuration that we ship. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LegId } from '../../src/base/ids.ts';
import { AriWebSocket } from '../../src/cti/asterisk/ari-ws.ts';
import { AsteriskSwitch } from '../../src/cti/asterisk/switch.ts';
import { Heard } from '../contract/switch.ts';
import { SipCaller, type SipCallerOptions } from '../support/sip-caller.ts';
import { APP, ARI_PASSWORD, ARI_USER, type RealAsterisk, startBothSides } from './asterisk-harness.ts';

const ALL = '0123456789*#ABCD';
const FROM = '+81312345678';

/** A controller that answers everybody, and the keys of whoever called last. */
class Answering {
  readonly heard = new Heard();
  readonly switch: AsteriskSwitch;

  constructor(asterisk: RealAsterisk) {
    const ari = new AriWebSocket({ url: asterisk.ariUrl, user: ARI_USER, password: ARI_PASSWORD, app: APP });
    const log = { info: () => {}, warn: () => {} };
    this.switch = new AsteriskSwitch({ ari, appName: APP, trunk: asterisk.trunk, loopbackMedia: true, log });
  }

  connect(): Promise<void> {
    return this.switch.connect((event) => {
      this.heard.listener(event);
      if (event.type === 'legArrived') void this.switch.answer(event.leg);
    });
  }

  get leg(): LegId {
    return this.heard.of('legArrived').at(-1)?.leg ?? '';
  }

  get keys(): string {
    return this.heard
      .of('digit', { leg: this.leg })
      .map(({ digit }) => digit)
      .join('');
  }

  /** What came, when it is as long as what was sent, and nothing more did for as long as a key takes. */
  async hears(sent: string): Promise<string> {
    await this.heard.until(() => (this.keys.length >= sent.length ? true : undefined), `${sent.length} keys, not ${this.keys}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
    return this.keys;
  }
}

describe('keys', { timeout: 30_000 }, () => {
  let asterisk: RealAsterisk;
  let answering: Answering;
  const calls: { hangUp(): Promise<unknown> }[] = [];
  beforeAll(async () => {
    asterisk = await startBothSides();
  }, 60_000);
  afterAll(() => asterisk?.stop(), 30_000);
  beforeEach(async () => {
    answering = new Answering(asterisk);
    await answering.connect();
  });
  afterEach(async () => {
    for (const call of calls.splice(0)) await call.hangUp();
    await answering.switch.close();
  });
  async function byHand(options: Partial<SipCallerOptions> = {}): Promise<SipCaller> {
    const call = await SipCaller.call({ sut: { host: '127.0.0.1', port: asterisk.sipPort }, from: FROM, to: '1000', ...options });
    calls.push(call);
    return call;
  }

  it.each(['rfc4733', 'inband', 'info'] as const)('of a telephone arrive once each: %s', async (keys) => {
    const call = await asterisk.far.call({ from: FROM, to: '1000', keys });
    calls.push(call);
    await call.answered();
    await call.sendDigits(ALL);
    expect(await answering.hears(ALL)).toBe(ALL);
  });

  it.each(['inband', 'info'] as const)('are heard while a prompt plays: %s', async (keys) => {
    const call = await asterisk.far.call({ from: FROM, to: '1000', keys });
    calls.push(call);
    await call.answered();
    await answering.switch.play(answering.leg, 'prompt', [asterisk.media.long]);
    await call.sendDigits('1');
    expect(await answering.hears('1')).toBe('1');
    await answering.switch.stopPlay('prompt');
    await answering.heard.first('playFinished', { play: 'prompt', outcome: 'stopped' });
    await call.sendDigits('0023#');
    expect(await answering.hears('10023#')).toBe('10023#');
  });

  it.each(['application/dtmf-relay', 'application/dtmf'] as const)('come by INFO of type %s', async (contentType) => {
    const call = await byHand();
    await call.sendDigits('159#', { by: 'info', contentType });
    expect(await answering.hears('159#')).toBe('159#');
  });

  it.each([1, 2])('as events arrive once each though one packet of twenty is lost (seed %i)', async (seed) => {
    const call = await byHand({ loss: { percent: 5, seed } });
    const digits = '1123345567789900##**12131415';
    await call.sendDigits(digits);
    expect(await answering.hears(digits)).toBe(digits);
    expect(call.packets.lost).toBeGreaterThan(5);
  });

  it('as tones are not listened for where the peer offers events; TRUNK_DTMF=inband is for such a one', async () => {
    const call = await byHand({ offersEvents: true });
    await call.sendDigits('123', { by: 'inband' });
    await call.sendDigits('4', { by: 'rfc4733' });
    expect(await answering.hears('4')).toBe('4');
  });
});

describe.each([
  ['inband', ['inband', 'info']],
  ['info', ['info']],
] as const)('keys on a trunk with TRUNK_DTMF=%s', { timeout: 30_000 }, (trunkDtmf, heard) => {
  let asterisk: RealAsterisk;
  let answering: Answering;
  beforeAll(async () => {
    asterisk = await startBothSides({ trunkDtmf });
    answering = new Answering(asterisk);
    await answering.connect();
  }, 60_000);
  afterAll(async () => {
    await answering?.switch.close();
    await asterisk?.stop();
  }, 30_000);

  it(`arrive by ${heard.join(' and by ')}, though the peer offers events`, async () => {
    const call = await SipCaller.call({ sut: { host: '127.0.0.1', port: asterisk.sipPort }, from: FROM, to: '1000' });
    let sent = '';
    for (const by of ['inband', 'info'] as const) {
      await call.sendDigits(ALL, { by });
      if (!heard.some((way) => way === by)) continue;
      sent += ALL;
      expect(await answering.hears(sent)).toBe(sent);
    }
    await call.hangUp();
  });
});
