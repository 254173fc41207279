import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether something answers SIP there: an OPTIONS request, as RFC 3261 section 11 has it, asked three times. */
export async function answersSip({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  const socket = createSocket('udp4');
  const answered = new Promise<boolean>((done) => {
    socket.once('message', () => done(true));
    // ICMP says that nobody is there.
    socket.once('error', () => done(false));
  });
  try {
    await new Promise<void>((done) => socket.connect(port, host, () => done()));
    const own = socket.address();
    const branch = randomBytes(8).toString('hex');
    const request = [
      `OPTIONS sip:${host}:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own.address}:${own.port};branch=z9hG4bK${branch};rport`,
      `From: <sip:call@${own.address}>;tag=${branch}`,
      `To: <sip:${host}:${port}>`,
      `Call-ID: ${branch}@${own.address}`,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 1',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    for (let tries = 0; tries < 3; tries += 1) {
      socket.send(request, () => {});
      const result = await Promise.race([answered, sleep(700, null)]);
      if (result !== null) return result;
    }
    return false;
  } finally {
    socket.close();
  }
}
