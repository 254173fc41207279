/** Passwords as scrypt hashes (RFC 7914), with the parameters beside each, so that they can be raised later. */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** 32 MiB and three passes: OWASP's Password Storage Cheat Sheet gives this as one of its equivalent minimums. */
const CURRENT = { ln: 15, r: 8, p: 3 } as const;
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/;

/** @returns `$scrypt$ln=15,r=8,p=3$SALT$HASH`, salt and hash in base64 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, 32, CURRENT);
  return `$scrypt$ln=${CURRENT.ln},r=${CURRENT.r},p=${CURRENT.p}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** Compares in constant time. With null for the hash it does the same work and says no. */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [, ln, r, p, salt, hash] = (stored === null ? null : FORM.exec(stored)) ?? [];
  if (ln === undefined || r === undefined || p === undefined || salt === undefined || hash === undefined) {
    await derive(password, randomBytes(16), 32, CURRENT);
    return false;
  }
  const expected = Buffer.from(hash, 'base64');
  const actual = await derive(password, Buffer.from(salt, 'base64'), expected.length, { ln: Number(ln), r: Number(r), p: Number(p) });
  return timingSafeEqual(actual, expected);
}

function derive(password: string, salt: Buffer, length: number, cost: { ln: number; r: number; p: number }): Promise<Buffer> {
  const N = 2 ** cost.ln;
  // Node refuses more than 32 MiB unless told; scrypt takes 128·N·r bytes and a little more.
  const options: ScryptOptions = { N, r: cost.r, p: cost.p, maxmem: 128 * N * cost.r + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    // NFKC: a Japanese keyboard gives full-width letters where another gives plain ones.
    scrypt(password.normalize('NFKC'), salt, length, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
