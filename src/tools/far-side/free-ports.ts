/** Free ports, for what is started beside other things: scripted far sides and tests. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * A port that is free for TCP and UDP on this address. Random, below the range that the system gives out by itself
 * (32768 on Linux), so that nobody's outgoing connection takes it before its server is up.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = randomInt(10_000, 19_000);
    if ((await tcpFree(host, port)) && (await udpFree(host, port))) return port;
  }
  throw new Error(`no free port found on ${host}`);
}

/**
 * A block of UDP ports for RTP, random, so that two runs hardly ever share one; of a block in use, some port is likely to be
 * taken, so the first, middle and last are tried. Starts at an even port, as RTP wants.
 */
export async function freeRtpPorts(size = 200, host = '127.0.0.1'): Promise<{ first: number; last: number }> {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = 20_000 + 2 * randomInt(0, (12_000 - size) / 2);
    const last = first + size - 1;
    const samples = [first, first + 2, first + 2 * Math.floor(size / 4), last - 1];
    const free = await Promise.all(samples.map((port) => udpFree(host, port)));
    if (free.every(Boolean)) return { first, last };
  }
  throw new Error(`no free block of ${size} UDP ports found on ${host}`);
}

function tcpFree(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(true)));
  });
}

function udpFree(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      done(false);
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => done(true)));
  });
}
