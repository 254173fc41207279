/** JSON lines over a Unix socket, in both directions: requests that are answered, and messages that are not. */
import { once } from 'node:events';
import net from 'node:net';

/** What the other side asks and tells. */
export interface Hearing {
  /** What it throws is the answer, too: its `code` and message. */
  readonly asked: (method: string, args: readonly unknown[]) => Promise<unknown>;
  readonly told: (message: unknown) => void;
  readonly closed: () => void;
}

/** The other side refused, failed, or did not answer in time (`code` is then `timeout`). */
export class RemoteError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'RemoteError';
    this.code = code;
  }
}

type Line =
  | { readonly kind: 'ask'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: 'tell'; readonly message: unknown };

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Wire {
  readonly #socket: net.Socket;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;

  constructor(socket: net.Socket, hearing: Hearing) {
    this.#socket = socket;
    let begun = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (begun + text).split('\n');
      begun = lines.pop() ?? '';
      for (const line of lines) this.#hear(JSON.parse(line) as Line, hearing);
    });
    socket.on('error', () => undefined); // told by `close`
    socket.once('close', () => {
      for (const { reject } of this.#asked.values()) reject(new RemoteError('closed', 'the other side is gone'));
      this.#asked.clear();
      hearing.closed();
    });
  }

  static async connect(path: string, hearing: Hearing): Promise<Wire> {
    const socket = net.connect(path);
    await once(socket, 'connect');
    return new Wire(socket, hearing);
  }

  tell(message: unknown): void {
    this.#send({ kind: 'tell', message });
  }

  /** @throws RemoteError */
  ask(method: string, args: readonly unknown[], timeoutMs: number): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new RemoteError('timeout', `no answer to ${method}`))), timeoutMs);
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        how();
      };
      this.#asked.set(id, {
        resolve: (value) => settle(() => resolve(value)),
        reject: (error) => settle(() => reject(error)),
      });
      this.#send({ kind: 'ask', id, method, args });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(line: Line): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(line)}\n`);
  }

  #hear(line: Line, hearing: Hearing): void {
    switch (line.kind) {
      case 'tell':
        return hearing.told(line.message);
      case 'answer':
        return this.#asked.get(line.id)?.resolve(line.value);
      case 'error':
        return this.#asked.get(line.id)?.reject(new RemoteError(line.code, line.message));
      case 'ask':
        hearing.asked(line.method, line.args).then(
          (value) => this.#send({ kind: 'answer', id: line.id, value }),
          (error: unknown) => {
            const code = String((error as { code?: unknown }).code ?? 'failed');
            this.#send({ kind: 'error', id: line.id, code, message: (error as Error).message });
          },
        );
    }
  }
}
