/**
 * `node bench/ari.ts`: the two ARI transports side by side against one real Asterisk, in turns, so that the machine's moods
 * hit both. Figures vary by a third from run to run; the ratio is what to look at.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AriTransport } from '../src/cti/asterisk/ari.ts';
import { AriClientTransport } from '../src/cti/asterisk/ari-client.ts';
import { AriWebSocket } from '../src/cti/asterisk/ari-ws.ts';
import { startAsterisk } from '../src/cti/asterisk/server/server.ts';
import { freePort, freeRtpPorts } from '../src/tools/far-side/free-ports.ts';

const ROUNDS = 5;
const SEQUENTIAL = 400;
const AT_ONCE = 2000;

/** Requests per second. A bridge's creation and removal would measure Asterisk; asking for none measures the line. */
async function sequential(ari: AriTransport): Promise<number> {
  const began = performance.now();
  for (let at = 0; at < SEQUENTIAL; at += 1) await ari.request('GET', 'bridges');
  return (SEQUENTIAL * 1000) / (performance.now() - began);
}

async function pipelined(ari: AriTransport): Promise<number> {
  const began = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, () => ari.request('GET', 'bridges')));
  return (AT_ONCE * 1000) / (performance.now() - began);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const runDir = mkdtempSync(join(tmpdir(), 'bench-ari-'));
const server = await startAsterisk({
  runDir,
  sipHost: '127.0.0.1',
  sipPort: await freePort(),
  httpPort: await freePort(),
  rtpPorts: await freeRtpPorts(20),
  ariUser: 'bench',
  ariPassword: 'bench',
  appName: 'bench',
  trunks: [],
  log: quiet,
});
try {
  const options = { url: server.ariUrl, user: 'bench', password: 'bench', timeoutMs: 30_000 };
  const rivals = [new AriWebSocket({ ...options, app: 'one' }), new AriClientTransport({ ...options, app: 'two' })];
  const figures = rivals.map((ari) => ({ ari, sequential: [] as number[], pipelined: [] as number[] }));
  for (const { ari } of figures) {
    await ari.connect({ connected: () => {}, event: () => {}, disconnected: () => {} });
    await sequential(ari); // warm
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const figure of figures) {
      figure.sequential.push(await sequential(figure.ari));
      figure.pipelined.push(await pipelined(figure.ari));
    }
  }
  process.stdout.write(`${server.version}, requests per second, median of ${ROUNDS} rounds\n`);
  process.stdout.write(`${'transport'.padEnd(12)}${'one by one'.padStart(14)}${'2000 at once'.padStart(14)}\n`);
  for (const { ari, sequential: one, pipelined: many } of figures) {
    const [a, b] = [median(one).toFixed(0), median(many).toFixed(0)];
    process.stdout.write(`${ari.name.padEnd(12)}${a.padStart(14)}${b.padStart(14)}\n`);
  }
  const [ws, client] = figures;
  if (ws !== undefined && client !== undefined) {
    const ratio = (a: readonly number[], b: readonly number[]): string => (median(a) / median(b)).toFixed(1);
    const [a, b] = [ratio(ws.sequential, client.sequential), ratio(ws.pipelined, client.pipelined)];
    process.stdout.write(`${'ratio'.padEnd(12)}${a.padStart(14)}${b.padStart(14)}\n`);
  }
  for (const { ari } of figures) await ari.close();
} finally {
  await server.stop();
  rmSync(runDir, { recursive: true, force: true });
}
