/** Whether the ports that an Asterisk needs are free. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** A port that Asterisk needs is taken. Asterisk itself would start without its SIP and say so only in its log. */
export class PortTakenError extends Error {
  readonly port: number;
  constructor(port: number, what: string, options?: ErrorOptions) {
    const { code } = (options?.cause ?? {}) as { code?: unknown };
    super(
      `${what} ${code === 'EADDRNOTAVAIL' ? 'can’t be had: this machine has no such address' : 'is in use by another program'}`,
      options,
    );
    this.name = 'PortTakenError';
    this.port = port;
  }
}

/** Rejects with `PortTakenError` when something listens on this TCP port. `what`: what it is for. */
export function assertTcpFree(host: string, port: number, what: string): Promise<void> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', (cause) => fail(new PortTakenError(port, `port ${port} on ${host}, for ${what},`, { cause })));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done()));
  });
}

/** The same for UDP. */
export function assertUdpFree(host: string, port: number, what: string): Promise<void> {
  return new Promise((done, fail) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (cause) => {
      socket.close();
      fail(new PortTakenError(port, `port ${port} on ${host}, for ${what},`, { cause }));
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => done()));
  });
}
