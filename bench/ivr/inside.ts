/**
 * Goes into the house's process before src/main.ts (`node --expose-gc --import`), and changes nothing of it: says how much memory it
 * has when asked, and with BENCH_TRACE=1 notes when what of a key's way happened, at the edges that the process has to the
 * outside: the WebSocket and HTTP to Asterisk, and the commits.
 */
import diagnostics from 'node:diagnostics_channel';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import pg from 'pg';
import { WebSocket } from 'ws';

export interface Weight {
  readonly rssBytes: number;
  /** Of which JavaScript's objects, after they were tidied up. */
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** How late the event loop came to its work since the last time this was asked. */
  readonly lag: { readonly p50Ms: number; readonly p99Ms: number };
}

/** One thing that happened; the clock is the machine's monotonic one. */
export interface Moment {
  readonly atMs: number;
  readonly what: 'digit' | 'request' | 'response' | 'commit' | 'committed' | 'playing';
  /** The channel, the request's number, or the commit's. */
  readonly key: string;
  readonly detail: string;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
/** Looked at so seldom that looking costs nothing. */
const LAG_EVERY_MS = 20;
const lag = monitorEventLoopDelay({ resolution: LAG_EVERY_MS });
lag.enable();
const moments: Moment[] = [];

process.on('message', (wish) => {
  if (wish === 'trace') {
    process.send?.({ moments: moments.splice(0) });
    return;
  }
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const ms = (share: number): number => Math.max(0, lag.percentile(share) / 1e6 - LAG_EVERY_MS);
  const weight: Weight = { rssBytes: rss, heapBytes: heapUsed, externalBytes: external, lag: { p50Ms: ms(50), p99Ms: ms(99) } };
  lag.reset();
  process.send?.({ weight });
});
process.channel?.unref(); // it must not keep the house open
process.once('disconnect', () => process.kill(process.pid, 'SIGINT')); // the bench is gone

if (process.env['BENCH_TRACE'] === '1') trace();

function trace(): void {
  const note = (what: Moment['what'], key: string, detail = ''): void => void moments.push({ atMs: now(), what, key, detail });

  const emit = WebSocket.prototype.emit;
  WebSocket.prototype.emit = function (this: WebSocket, name: string | symbol, ...args: unknown[]): boolean {
    if (name === 'message') hear(String(args[0]));
    return Reflect.apply(emit, this, [name, ...args]) as boolean;
  };
  const hear = (text: string): void => {
    const type = /"type":\s*"(\w+)"/.exec(text)?.[1] ?? '';
    if (type === 'RESTResponse')
      note('response', /"request_id":\s*"(\d+)"/.exec(text)?.[1] ?? '', /"status_code":\s*(\d+)/.exec(text)?.[1]);
    else if (type === 'ChannelDtmfReceived') {
      const channel = (JSON.parse(text) as { channel: { id: string; caller: { number: string } } }).channel;
      note('digit', channel.id, channel.caller.number);
    } else if (type === 'PlaybackStarted') {
      const { id, target_uri: target } = (JSON.parse(text) as { playback: { id: string; target_uri: string } }).playback;
      note('playing', target.replace('channel:', ''), id);
    }
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (this: WebSocket, ...args: Parameters<WebSocket['send']>): void {
    const text = String(args[0]);
    if (text.startsWith('{"type":"RESTRequest"')) {
      const { request_id: id, method, uri } = JSON.parse(text) as { request_id: string; method: string; uri: string };
      note('request', id, `${method} ${uri}`);
    }
    Reflect.apply(send, this, args);
  } as WebSocket['send'];

  diagnostics.subscribe('undici:request:create', (message) => {
    const { request } = message as { request: { method: string; path: string } };
    note('request', `http ${request.path}`, `${request.method} http ${request.path}`);
  });

  let commits = 0;
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]): unknown {
    const [config] = args;
    const told = args.at(-1);
    if (typeof config === 'object' && config !== null && 'name' in config && config.name === 'commit' && typeof told === 'function') {
      commits += 1;
      const key = String(commits);
      note('commit', key);
      args[args.length - 1] = (...answer: unknown[]): unknown => {
        note('committed', key);
        return Reflect.apply(told, undefined, answer);
      };
    }
    return Reflect.apply(query, this, args);
  } as typeof query;
}
