/** Somebody else's HTTP server: answers as told, and remembers what it was asked. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Which connection it came by: the same port is the same connection. */
  readonly port: number | undefined;
}

export class FarServer {
  readonly asked: Asked[] = [];
  /** Connections that were opened. */
  connections = 0;
  answer: (response: ServerResponse, asked: Asked) => void = (response) => response.end('{}');
  /** Without a slash at its end. */
  url = '';
  readonly #server;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
  }

  static async start(): Promise<FarServer> {
    const listener: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers, socket } = request;
        const asked = { method, url, headers, body: Buffer.concat(chunks).toString('latin1'), port: socket.remotePort };
        far.asked.push(asked);
        far.answer(response, asked);
      });
    };
    const far = new FarServer(createServer(listener));
    far.#server.on('connection', () => {
      far.connections += 1;
    });
    await new Promise<void>((resolve) => far.#server.listen(0, '127.0.0.1', resolve));
    far.url = `http://127.0.0.1:${(far.#server.address() as AddressInfo).port}`;
    return far;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};
