import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ariPath } from '../../src/cti/asterisk/ari.ts';
import { AriClientTransport } from '../../src/cti/asterisk/ari-client.ts';
import { AriWebSocket } from '../../src/cti/asterisk/ari-ws.ts';
import { AsteriskSwitch, LEG_HEADER } from '../../src/cti/asterisk/switch.ts';
import { Heard, switchContract } from '../contract/switch.ts';
import { APP, ARI_PASSWORD, ARI_USER, asteriskHarness, Line, type RealAsterisk, startBothSides } from './asterisk-harness.ts';

describe('a real Asterisk', () => {
  let asterisk: RealAsterisk;
  beforeAll(async () => {
    asterisk = await startBothSides();
  }, 60_000);
  afterAll(async () => {
    await asterisk?.stop();
  }, 30_000);

  it('is called by a SIP address, and the INVITE names our leg, so that a browser can tell which one rings', async () => {
    const ari = new AriWebSocket({ url: asterisk.ariUrl, user: ARI_USER, password: ARI_PASSWORD, app: APP });
    const port = new AsteriskSwitch({ ari, appName: APP, trunk: null, loopbackMedia: true, log: { info: () => {}, warn: () => {} } });
    const heard = new Heard();
    await port.connect(heard.listener);
    try {
      // It calls itself: what goes out comes in as a caller from anywhere.
      await port.originate({
        leg: 'contact-7-leg-1',
        to: { kind: 'sip', uri: `sip:1000@127.0.0.1:${asterisk.sipPort}` },
        from: { number: '+81355550100', name: '窓口' },
        timeoutMs: 10_000,
      });
      const { leg, arrival } = await heard.first('legArrived');
      expect(arrival).toMatchObject({ callingNumber: '+81355550100', callingName: '窓口', calledNumber: '1000', trusted: false });
      const header = ariPath('channels', leg, 'variable');
      expect(await ari.request('GET', header, { query: { variable: `PJSIP_HEADER(read,${LEG_HEADER})` } })).toEqual({
        value: 'contact-7-leg-1',
      });
      await port.answer(leg);
      await heard.first('legAnswered', { leg: 'contact-7-leg-1' });
      await port.hangUp(leg, 'normal');
      expect(await heard.first('legEnded', { leg: 'contact-7-leg-1' })).toMatchObject({ cause: 'normalClearing' });
    } finally {
      await port.close();
    }
  });

  it('refuses a wrong password at once, and is waited for when it is not there', async () => {
    const options = { appName: APP, trunk: null, loopbackMedia: true, log: { info: () => {}, warn: () => {} } };
    const wrong = new AsteriskSwitch({
      ...options,
      ari: new AriWebSocket({ url: asterisk.ariUrl, user: ARI_USER, password: 'wrong', app: APP }),
    });
    await expect(wrong.connect(() => {})).rejects.toMatchObject({ code: 'refused' });

    const line = await Line.to(Number(new URL(asterisk.ariUrl).port));
    await line.cut();
    const patient = new AsteriskSwitch({
      ...options,
      ari: new AriWebSocket({ url: `http://127.0.0.1:${line.port}`, user: ARI_USER, password: ARI_PASSWORD, app: APP }),
    });
    const heard = new Heard();
    const connected = patient.connect(heard.listener);
    await heard.first('disconnected');
    await line.mend();
    await connected;
    expect(heard.events.map((event) => event.type)).toEqual(['disconnected', 'resynchronised']);
    await patient.close();
    await line.cut();
  });

  switchContract('Asterisk by ari-ws', () => asteriskHarness(asterisk, (options) => new AriWebSocket(options)));
  switchContract('Asterisk by ari-client', () => asteriskHarness(asterisk, (options) => new AriClientTransport(options)));
});
