/**
 * The ways between nodes and Postgres, which can be cut: packets vanish, and nobody is told.
 *
 * Where it may be, each node lives in a network namespace of its own, joined by a veth pair to ours, where Postgres listens; the
 * cut sets the link down. Namespaces and links have no names outside and vanish with their processes: there is nothing to clean
 * up. The whole siege runs in one of its own (`siege.ts` sees to it), so that addresses cannot clash with the machine's.
 * Postgres keeps listening on 127.0.0.1 only: `route_localnet` lets that address be reached over the link.
 *
 * Where that is not allowed, a TCP proxy per node stands in between, and the cut is that it passes on nothing in either direction.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

/** Postgres's pg_hba.conf has to let these in. */
export const NODE_NETWORK = '10.99.0.0/16';

/** One node's way to Postgres. */
export interface Way {
  /** Host and port by which the node reaches Postgres. */
  readonly address: string;
  /** The command that starts a program where this way begins. */
  readonly command: (program: string, args: readonly string[]) => [string, string[]];
  /** Called when the program runs, before it connects. */
  readonly attach: (pid: number) => void;
  cut(): void;
  heal(): void;
}

export interface Network {
  /** What is used, and why not the better one. */
  readonly description: string;
  /** @param number from 1; each node has its own */
  way(number: number): Promise<Way>;
  close(): void;
}

/** True in a namespace that `ownNetwork` made; its 127.0.0.1 is brought up then. */
export function inOwnNetwork(): boolean {
  if (process.env['SIEGE_NETWORK'] !== 'own') return false;
  ip('link', 'set', 'lo', 'up');
  return true;
}

/** The command that runs a program in a network namespace of its own, or null where that is not allowed. */
export function ownNetwork(): readonly string[] | null {
  const allowed = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' }).status === 0;
  return allowed ? ['unshare', '--net', '--'] : null;
}

/** @param port where Postgres listens on 127.0.0.1 */
export async function openNetwork(port: number): Promise<Network> {
  if (process.env['SIEGE_NETWORK'] !== 'own') return proxies(port, 'network namespaces are not allowed here');
  const network = namespaces(port);
  try {
    await probe(network, port);
    return network;
  } catch (error) {
    return proxies(port, `a namespace could not reach Postgres: ${(error as Error).message}`);
  }
}

// ── namespaces ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

function namespaces(port: number): Network {
  return {
    description: 'network namespaces, the link set down',
    close: () => undefined,
    way: async (number) => {
      const [link, ours, theirs] = [`siege${number}`, `10.99.${number}.1`, `10.99.${number}.2`];
      return {
        address: `127.0.0.1:${port}`,
        command: (program, args) => ['unshare', ['--net', '--', program, ...args]],
        attach: (pid) => {
          spawnSync('ip', ['link', 'del', link], { stdio: 'ignore' }); // of the node before, whose end may not be through
          ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'there', 'netns', String(pid));
          ip('addr', 'add', `${ours}/30`, 'dev', link);
          ip('link', 'set', link, 'up');
          fs.writeFileSync(`/proc/sys/net/ipv4/conf/${link}/route_localnet`, '1');
          const there = [
            `ip addr add ${theirs}/30 dev there`,
            'ip link set there up',
            'echo 1 > /proc/sys/net/ipv4/conf/there/route_localnet',
            `ip route add 127.0.0.1/32 via ${ours} dev there`,
          ];
          must('nsenter', ['--target', String(pid), '--net', 'sh', '-ec', there.join('\n')]);
        },
        cut: () => ip('link', 'set', link, 'down'),
        heal: () => ip('link', 'set', link, 'up'),
      };
    },
  };
}

const ip = (...args: string[]): void => must('ip', args);

function must(command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`);
}

/** Whether a process in a namespace gets through to Postgres. */
async function probe(network: Network, port: number): Promise<void> {
  const way = await network.way(250);
  const script = `process.stdin.once('data', () => require('net').connect(${port}, '127.0.0.1').on('connect', () => process.exit(0))
    .on('error', () => process.exit(1)).setTimeout(3000, () => process.exit(1))); process.stdout.write('here')`;
  const child = spawn(...way.command(process.execPath, ['-e', script]), { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    way.attach(child.pid ?? 0);
    child.stdin.end('go');
    await ended(child);
    if (child.exitCode !== 0) throw new Error('no connection');
  } finally {
    child.kill('SIGKILL');
    await ended(child);
  }
}

/** Resolves when a process has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

// ── proxies ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function proxies(port: number, why: string): Network {
  const servers: net.Server[] = [];
  return {
    description: `a TCP proxy that stops forwarding (${why})`,
    close: () => {
      for (const server of servers) server.close();
    },
    way: async () => {
      const sockets = new Set<net.Socket>();
      let isCut = false;
      const server = net.createServer((near) => {
        const far = net.connect(port, '127.0.0.1');
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          sockets.add(from);
          from.on('error', () => undefined); // told by `close`
          from.on('data', (data) => to.write(data));
          from.once('close', () => {
            sockets.delete(from);
            to.destroy();
          });
          if (isCut) from.pause();
        }
      });
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return {
        address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
        command: (program, args) => [program, [...args]],
        attach: () => undefined,
        cut: () => {
          isCut = true;
          for (const socket of sockets) socket.pause();
        },
        heal: () => {
          isCut = false;
          for (const socket of sockets) socket.resume();
        },
      };
    },
  };
}
