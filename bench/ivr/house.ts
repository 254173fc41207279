/** A house for the bench: `src/main.ts` as a process of its own, with a folder, a database, an Asterisk and ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { defaultPrefix, readPrefix } from '../../src/cti/asterisk/server/prefix.ts';
import { instancePaths, remoteCommand } from '../../src/cti/asterisk/server/process.ts';
import { freePort, freeRtpPorts } from '../../src/tools/far-side/free-ports.ts';
import type { Moment, Weight } from './inside.ts';

/** Whose calls are believed: where the bench's callers are. */
export const CARRIER_HOST = '127.0.0.2';
const ROOT = path.join(import.meta.dirname, '../..');

export interface BenchHouseOptions {
  /** Makes the folder of scenarios, which is not there yet. */
  readonly scenarios: (folder: string) => void;
  /** Of legs at once. */
  readonly legs: number;
  readonly trace: boolean;
}

export interface BenchHouse {
  readonly folder: string;
  readonly sip: { readonly host: string; readonly port: number };
  readonly db: pg.Pool;
  /** Process ids of who does the work. */
  readonly pids: { readonly controller: number; readonly postgres: number; readonly asterisk: number };
  /** A command of the console of its Asterisk. */
  rx(command: string): Promise<string>;
  weigh(): Promise<Weight>;
  trace(): Promise<readonly Moment[]>;
  stop(): Promise<void>;
}

export async function startHouse({ scenarios, legs, trace }: BenchHouseOptions): Promise<BenchHouse> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mg-bench-'));
  const scenariosDir = path.join(folder, 'scenarios');
  scenarios(scenariosDir);
  const ports = new Set<number>();
  while (ports.size < 5) ports.add(await freePort());
  const [http, sip, ari, postgres, carrier] = [...ports] as [number, number, number, number, number];
  const rtp = await freeRtpPorts(Math.max(200, 4 * legs));
  const env: Record<string, string> = {
    DATA_DIR: folder,
    SCENARIOS_DIR: scenariosDir,
    HTTP_PORT: `${http}`,
    SIP_PORT: `${sip}`,
    ASTERISK_HTTP_PORT: `${ari}`,
    POSTGRES_PORT: `${postgres}`,
    RTP_PORTS: `${rtp.first}-${rtp.last}`,
    TRUSTED_TRUNKS: `carrier=${CARRIER_HOST}:${carrier}`,
  };
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--import', pathToFileURL(path.join(import.meta.dirname, 'inside.ts')).href, path.join(ROOT, 'src/main.ts')],
    {
      cwd: ROOT,
      env: { ...process.env, ...env, NODE_OPTIONS: '', BENCH_TRACE: trace ? '1' : '' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${http}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  while (!(/is open/.test(said) && (await isReady()))) {
    if (child.exitCode !== null) throw new Error(`the house ended with ${child.exitCode}:\n${said}`);
    await sleep(200);
  }

  const note = JSON.parse(fs.readFileSync(path.join(folder, 'house.json'), 'utf8')) as { databaseUrl: string };
  const db = new pg.Pool({ connectionString: note.databaseUrl, max: 2 });
  const asterisk = JSON.parse(fs.readFileSync(path.join(folder, 'switch', 'asterisk.pid'), 'utf8')) as { pid: number };
  const postmaster = fs.readFileSync(path.join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0];
  const { launcher } = readPrefix(defaultPrefix());
  const ask = async (wish: string): Promise<{ weight?: Weight; moments?: Moment[] }> => {
    child.send(wish);
    const [answer] = (await once(child, 'message')) as [{ weight?: Weight; moments?: Moment[] }];
    return answer;
  };
  return {
    folder,
    sip: { host: '127.0.0.1', port: sip },
    db,
    pids: { controller: child.pid ?? 0, postgres: Number(postmaster), asterisk: asterisk.pid },
    rx: (command) => remoteCommand(launcher, instancePaths(path.join(folder, 'switch')), command),
    weigh: async () => (await ask('weigh')).weight as Weight,
    trace: async () => (await ask('trace')).moments ?? [],
    async stop() {
      await db.end();
      await close(child);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As Ctrl-C does. */
async function close(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGINT');
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await once(child, 'exit');
  clearTimeout(late);
}
