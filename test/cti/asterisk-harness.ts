/** A real Asterisk, a far side that calls it and is called, and a line to ARI that can be cut. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tonesToWav } from '../../src/base/tones.ts';
import type { AriOptions, AriTransport } from '../../src/cti/asterisk/ari.ts';
import type { AsteriskSettings } from '../../src/cti/asterisk/server/configuration.ts';
import { type AsteriskServer, startAsterisk } from '../../src/cti/asterisk/server/server.ts';
import { AsteriskSwitch } from '../../src/cti/asterisk/switch.ts';
import { isSilent, toneStrength } from '../../src/tools/far-side/audio.ts';
import { behaviours, FarSide, type IncomingCall, type ScriptedParty } from '../../src/tools/far-side.ts';
import type { RemoteParty, SwitchHarness } from '../contract/switch.ts';
import { freePort, freeRtpPorts } from '../support/ports.ts';

export const APP = 'madoguchi';
export const ARI_USER = 'madoguchi';
export const ARI_PASSWORD = 'not-a-real-one';

const silent = { info: () => {}, warn: () => {}, error: () => {} };

export interface RealAsterisk {
  readonly ariUrl: string;
  readonly sipPort: number;
  readonly trunk: string;
  readonly far: FarSide;
  /** Ends it and starts it again on the same ports. */
  restart(): Promise<void>;
  rx(command: string): Promise<string>;
  stop(): Promise<void>;
  readonly media: { readonly short: string; readonly long: string };
  /** Where its recordings are. */
  readonly recordingDir: string;
}

/** Starts both sides on free ports and in temporary folders. */
export async function startBothSides(more: Partial<AsteriskSettings> = {}): Promise<RealAsterisk> {
  const dir = mkdtempSync(join(tmpdir(), 'switch-test-'));
  const [sipPort, httpPort, carrierPort] = [await freePort(), await freePort(), await freePort('127.0.0.2')];
  const options = {
    runDir: dir,
    sipHost: '127.0.0.1',
    sipPort,
    httpPort,
    rtpPorts: await freeRtpPorts(200),
    ariUser: ARI_USER,
    ariPassword: ARI_PASSWORD,
    appName: APP,
    trunks: [{ name: 'carrier', host: '127.0.0.2', port: carrierPort }],
    log: silent,
    ...more,
  };
  let server: AsteriskServer = await startAsterisk(options);
  const far = await FarSide.start({ sutSip: { host: '127.0.0.1', port: sipPort }, carrier: { host: '127.0.0.2', port: carrierPort } });
  writeFileSync(join(dir, 'short.wav'), tonesToWav([{ hz: [440], ms: 700, level: 0.5 }]));
  writeFileSync(join(dir, 'long.wav'), tonesToWav([{ hz: [440], ms: 12_000, level: 0.5 }]));
  return {
    ariUrl: server.ariUrl,
    sipPort,
    trunk: 'carrier',
    far,
    media: { short: join(dir, 'short'), long: join(dir, 'long') },
    recordingDir: server.recordingDir,
    rx: (command) => server.rx(command),
    restart: async () => {
      await server.stop();
      server = await startAsterisk(options);
    },
    stop: async () => {
      await far.stop();
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A TCP line to a port that can be cut: its connections end, and new ones are refused until it is mended. */
export class Line {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  #frozen = false;

  static async to(targetPort: number): Promise<Line> {
    const server = createServer();
    const line = new Line(server, await freePort());
    server.on('connection', (client) => line.#accept(client, targetPort));
    await line.#listen();
    return line;
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  async cut(): Promise<void> {
    if (this.#cut) return;
    this.#cut = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    this.#frozen = false;
    if (!this.#cut) return;
    this.#cut = false;
    await this.#listen();
  }

  /** Half open: nothing passes any more, and nobody is told. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  #accept(client: Socket, targetPort: number): void {
    if (this.#frozen) client.pause();
    const target = connect(targetPort, '127.0.0.1');
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('data', (chunk) => {
        if (!this.#frozen) other.write(chunk);
      });
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}

/** The contract's outside world, on a real Asterisk that is there already. */
export async function asteriskHarness(
  asterisk: RealAsterisk,
  makeTransport: (options: AriOptions) => AriTransport,
): Promise<SwitchHarness> {
  const { far } = asterisk;
  const line = await Line.to(Number(new URL(asterisk.ariUrl).port));
  // A call may be here before it is asked for.
  const ringing: IncomingCall[] = [];
  far.onIncoming('*', async (call) => {
    await call.ring();
    ringing.push(call);
  });
  // The contract's parties are this far side's: nothing else is handed out.
  const scripted = (party: RemoteParty): ScriptedParty => party as unknown as ScriptedParty;
  const record = async (party: RemoteParty, during: () => Promise<unknown>): Promise<string> => {
    await scripted(party).startRecording();
    await during();
    return scripted(party).heard();
  };
  return {
    makeSwitch: () =>
      new AsteriskSwitch({
        ari: makeTransport({
          url: `http://127.0.0.1:${line.port}`,
          user: ARI_USER,
          password: ARI_PASSWORD,
          app: APP,
          reconnect: { firstMs: 50, mostMs: 400 },
        }),
        appName: APP,
        trunk: asterisk.trunk,
        loopbackMedia: true,
        log: silent,
      }),
    media: asterisk.media,
    callIn: (call) => far.call(call),
    nextCall: async (number) => {
      for (let tries = 0; tries < 750; tries += 1) {
        const at = ringing.findIndex((call) => call.number === number && !call.hasEnded);
        const [call] = at < 0 ? [] : ringing.splice(at, 1);
        if (call !== undefined) return call;
        await sleep(20);
      }
      throw new Error('nobody called within 15 s');
    },
    behave: (number, behaviour) => far.onIncoming(number, behaviours[behaviour]()),
    registerPhone: async (user, password) => {
      const phone = await far.registerPhone({ user, password });
      return { nextCall: () => phone.nextCall(), unregister: () => phone.unregister() };
    },
    hears: async (to, from) => {
      const file = await record(to, () => scripted(from).playTone(1000, 800));
      return toneStrength(file, 1000) > 0.5;
    },
    says: async (party, hz, ms) => {
      await scripted(party).sendSilence(false);
      await scripted(party).playTone(hz, ms);
      await scripted(party).sendSilence(true);
    },
    saysNothing: (party) => scripted(party).sendSilence(false),
    hearsSound: async (to) => !isSilent(await record(to, () => sleep(400))),
    cutLine: () => line.cut(),
    mendLine: () => line.mend(),
    restartSwitch: () => asterisk.restart(),
    dispose: async () => {
      await line.cut();
    },
  };
}
