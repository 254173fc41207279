import { afterAll, beforeAll, describe } from 'vitest';
import { AriClientTransport } from '../../src/cti/asterisk/ari-client.ts';
import { AriWebSocket } from '../../src/cti/asterisk/ari-ws.ts';
import { switchContract } from '../contract/switch.ts';
import { asteriskHarness, type RealAsterisk, startBothSides } from './asterisk-harness.ts';

describe('a real Asterisk', () => {
  let asterisk: RealAsterisk;
  beforeAll(async () => {
    asterisk = await startBothSides();
  }, 60_000);
  afterAll(async () => {
    await asterisk?.stop();
  }, 30_000);

  switchContract('Asterisk by ari-ws', () => asteriskHarness(asterisk, (options) => new AriWebSocket(options)));
  switchContract('Asterisk by ari-client', () => asteriskHarness(asterisk, (options) => new AriClientTransport(options)));
});
