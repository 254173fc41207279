/** Node processes as whoever looks after the machines sees them: started, hit, and started again when they have ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GAVE_UP, NOT_STARTED, type NodeOptions, type ToNode } from './messages.ts';
import { ended, type Way } from './network.ts';
import type { Moment } from './noted-store.ts';

export type Strike = 'atOnce' | Moment;

export interface NodeParts {
  readonly name: string;
  readonly way: Way;
  readonly options: Pick<NodeOptions, 'databaseUrl' | 'socket' | 'notes'>;
  readonly folder: string;
  /** Ended, and nobody wished it. */
  readonly onFailure: (what: string) => void;
}

const STRIKE_WITHIN_MS = 3_000;
const START_AGAIN_MS = 500;

export class Node {
  readonly #parts: NodeParts;
  #child: ChildProcess | null = null;
  #lives = 0;
  #over = false;
  #wished = false;
  /** How long its machine takes to start it again. */
  restartAfterMs = 0;
  /** Codes with which its processes ended, by application. */
  readonly exits = new Map<string, number | string>();

  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  get way(): Way {
    return this.#parts.way;
  }

  /** Of the process that runs now. */
  get app(): string {
    return `${this.name}.${this.#lives}`;
  }

  async start(): Promise<void> {
    this.#lives += 1;
    this.#wished = false;
    const { app } = this;
    const log = path.join(this.#parts.folder, `${this.name}.log`);
    const options: NodeOptions = { ...this.#parts.options, name: this.name, app, log };
    const file = path.join(import.meta.dirname, 'node-process.ts');
    const err = fs.openSync(log, 'a');
    const [command, args] = this.way.command(process.execPath, [file, JSON.stringify(options)]);
    const child = spawn(command, args, { stdio: ['ignore', err, err, 'ipc'] });
    fs.closeSync(err);
    this.#child = child;
    child.once('exit', (code, signal) => void this.#onExit(child, app, signal ?? code ?? 0));
    child.on('error', (error) => this.#parts.onFailure(`${app} could not be started: ${error.message}`));
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (this.#child !== child) return;
    this.way.attach(child.pid ?? 0);
    this.#send({ type: 'go' });
  }

  /** Ends as soon as the signal has struck. @param strike at once, or when it commits orders the next time */
  async hit(signal: 'SIGKILL' | 'SIGSTOP', strike: Strike): Promise<void> {
    const child = this.#child;
    if (!child) return;
    if (signal === 'SIGKILL') this.#wished = true;
    if (strike !== 'atOnce') {
      this.#send({ type: 'at', moment: strike, signal });
      for (const until = Date.now() + STRIKE_WITHIN_MS; Date.now() < until && !hasStruck(child); ) await sleep(5);
    }
    if (!hasStruck(child)) child.kill(signal); // nothing was committed all the time
    while (!hasStruck(child)) await sleep(5);
  }

  /** A stopped one goes on. */
  wake(): void {
    this.#child?.kill('SIGCONT');
  }

  /** For good: it has handed over, or is ended. */
  async close(): Promise<void> {
    this.#over = true;
    const child = this.#child;
    if (!child) return;
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await Promise.race([ended(child), sleep(5_000, undefined, { ref: false })]);
    child.kill('SIGKILL');
    await ended(child);
  }

  async #onExit(child: ChildProcess, app: string, how: number | string): Promise<void> {
    this.exits.set(app, how);
    if (this.#child === child) this.#child = null;
    if (this.#over) return;
    const isRight = how === GAVE_UP || (how === 'SIGKILL' && this.#wished) || how === NOT_STARTED;
    if (!isRight) this.#parts.onFailure(`${app} ended by itself: ${how}`);
    await sleep(how === NOT_STARTED ? START_AGAIN_MS : this.restartAfterMs);
    if (!this.#over) await this.start().catch((error: unknown) => this.#parts.onFailure(`${this.name} did not start again: ${error}`));
  }

  #send(message: ToNode): void {
    this.#child?.send(message, () => undefined); // it may have ended just now
  }
}

/** Gone, or stopped. */
function hasStruck(child: ChildProcess): boolean {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  try {
    const stat = fs.readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    return /^[TtZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return true; // gone just now
  }
}
