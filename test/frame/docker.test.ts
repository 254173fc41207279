import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Loaded, loadConfig } from '../../src/config.ts';

const folder = path.resolve(import.meta.dirname, '../../docker');
const read = (file: string) => fs.readFileSync(path.join(folder, file), 'utf8');

/** `.env` as someone fills it in. */
const filledIn: Record<string, string> = {
  ...Object.fromEntries(
    read('.env.example')
      .split('\n')
      .filter((line) => /^[A-Z_]+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  ),
  POSTGRES_PASSWORD: '0123456789abcdef',
  ARI_PASSWORD: 'fedcba9876543210',
};

/** What compose does with `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. */
function compose(env: Record<string, string>): {
  services: Record<string, { environment?: Record<string, string>; build?: { target: string } }>;
} {
  const text = read('compose.yaml').replace(/\$\{(\w+)(?:(:[-?])([^}]*))?\}/g, (_, name: string, kind?: string, rest?: string) => {
    const value = env[name] ?? '';
    if (value === '' && kind === ':?') throw new Error(`${name}: ${rest}`);
    return value === '' && kind === ':-' ? (rest ?? '') : value;
  });
  return parse(text, { merge: true });
}

/** As a settings file, so that a name which is no setting is refused. */
const load = (environment: Record<string, string> = {}): Loaded => loadConfig({}, ['--config', 'compose'], () => stringify(environment));

test('the compose file gives server and Asterisk settings that exist and are right, and both the same switch', () => {
  const { services } = compose(filledIn);
  const [server, asterisk] = [services['server'], services['asterisk']].map((service) => load(service?.environment));
  if (server?.kind !== 'config' || asterisk?.kind !== 'config') throw new Error(JSON.stringify([server, asterisk]));
  expect(server.config.database.url).toContain('@127.0.0.1:5433/madoguchi');
  expect(server.config.http).toMatchObject({ host: '127.0.0.1', port: 8080, publicUrl: 'https://cti.example.jp' });
  expect(server.config.telephony.sipWebSocketUrl).toBe('wss://cti.example.jp/sip');
  expect(asterisk.config.telephony.ari).toEqual(server.config.telephony.ari);
  expect(asterisk.config.telephony.trunks).toEqual(server.config.telephony.trunks);
  expect(asterisk.config.dataDir).toBe(server.config.dataDir);
});

test.each(['POSTGRES_PASSWORD', 'ARI_PASSWORD', 'SITE', 'TRUSTED_TRUNKS'])(
  'without %s it does not start: there is no default for it',
  (name) => {
    expect(() => compose({ ...filledIn, [name]: '' })).toThrow(name);
  },
);

test('the images that compose builds are in the Dockerfile, and what they start is there', () => {
  const dockerfile = read('Dockerfile');
  for (const { build } of Object.values(compose(filledIn).services)) {
    if (build) expect(dockerfile).toMatch(new RegExp(`^FROM house AS ${build.target}$`, 'm'));
  }
  const programs = [...dockerfile.matchAll(/^CMD \["node", "([^"]+)"\]$/gm)].map(([, file]) => file ?? '');
  expect(programs).toEqual(['src/main.ts', 'docker/asterisk.ts']);
  for (const file of programs) expect(fs.existsSync(path.join(folder, '..', file))).toBe(true);
});
