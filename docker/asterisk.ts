/**
 * Runs Asterisk by itself, with the product's own configuration, for an installation where the server runs elsewhere (another
 * container or machine). The same settings as the server's; of ARI_URL it takes port, user and password.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../src/config.ts';
import { startAsterisk } from '../src/cti/asterisk/server/server.ts';

const loaded = loadConfig(process.env, process.argv.slice(2), (file) => readFileSync(file, 'utf8'));
if (loaded.kind !== 'config') {
  process.stderr.write(`${loaded.text}\n`);
  process.exit(loaded.kind === 'help' ? 0 : 1);
}
const { dataDir, logLevel, legLeaseMs, telephony } = loaded.config;
if (telephony.ari === null) {
  process.stderr.write('ARI_URL is missing: write http://user:password@127.0.0.1:8088, the same as for the server\n');
  process.exit(1);
}
const log = pino({ level: logLevel });
const server = await startAsterisk({
  runDir: path.join(dataDir, 'switch'),
  httpHost: process.env['ASTERISK_HTTP_HOST'] || '127.0.0.1',
  httpPort: Number(new URL(telephony.ari.url).port || 8088),
  sipHost: telephony.sipHost,
  sipPort: telephony.sipPort,
  rtpPorts: telephony.rtpPorts,
  ...(telephony.mediaAddress === null ? {} : { mediaAddress: telephony.mediaAddress }),
  trunks: telephony.trunks,
  trunkDtmf: telephony.trunkDtmf,
  ariUser: telephony.ari.user,
  ariPassword: telephony.ari.password,
  appName: 'madoguchi',
  leaseMs: legLeaseMs,
  log,
});
log.info({ version: server.version, pid: server.pid }, 'Asterisk runs');
await new Promise<void>((asked) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => asked());
  setInterval(() => undefined, 60_000); // Asterisk is watched by timers that keep no process alive
});
await server.stop();
process.exit(0);
