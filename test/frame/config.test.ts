import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Config, helpText, type Loaded, loadConfig } from '../../src/config.ts';
import { DEFAULT_DESK_RULES } from '../../src/routing/desk-rules.ts';

const noFile = (file: string): string => {
  throw new Error(`ENOENT: no such file, open '${file}'`);
};

function right(loaded: Loaded): Config {
  if (loaded.kind !== 'config') throw new Error(loaded.text);
  return loaded.config;
}
const config = (env: Record<string, string>) => right(loadConfig(env, [], noFile));
const fromFile = (yaml: string, env: Record<string, string> = {}) => loadConfig(env, ['--config', 'm.yaml'], () => yaml);
function wrong(loaded: Loaded): string {
  if (loaded.kind !== 'mistakes') throw new Error(`expected mistakes, got ${loaded.kind}`);
  return loaded.text;
}
const mistakes = (env: Record<string, string>) => wrong(loadConfig(env, [], noFile));

describe('without any setting', () => {
  test('everything is on loopback and of our own, and no password is there', () => {
    const c = config({});
    expect(c.http).toEqual({ host: '127.0.0.1', port: 8080, publicUrl: null, metricsPublic: false });
    expect(c.database).toEqual({ url: null, port: 5433 });
    expect(c.telephony).toEqual({
      ari: null,
      transport: 'ws',
      httpPort: 8088,
      sipHost: '127.0.0.1',
      sipPort: 5060,
      rtpPorts: { first: 10_000, last: 10_999 },
      mediaAddress: null,
      trunks: [{ name: 'carrier', host: '127.0.0.2', port: 5070 }],
      trunkDtmf: 'auto',
      sipWebSocketUrl: 'ws://127.0.0.1:8088/ws',
      outgoingNumber: null,
    });
    expect(c.dataDir).toBe(path.resolve('var'));
    expect(JSON.stringify(c)).not.toMatch(/password|secret/i);
  });

  test('what is read is frozen through and through', () => {
    const c = config({});
    expect(Object.isFrozen(c)).toBe(true);
    expect(Object.isFrozen(c.callMe.policy.sip)).toBe(true);
    expect(Object.isFrozen(c.telephony.trunks[0])).toBe(true);
  });

  test('an empty variable is one that is not set', () => {
    expect(config({ DATABASE_URL: '', HTTP_PORT: ' ' })).toEqual(config({}));
  });
});

describe('values', () => {
  test('false is false, zero is zero', () => {
    const c = config({ CALL_ME_SIP: 'false', WRAP_UP_MS: '0', PANEL_GRACE_MS: '0', CALL_ME_PER_HOUR_PER_NUMBER: '0', HTTP_PORT: '0' });
    expect(c.callMe.policy.sip.allowed).toBe(false);
    expect(c.floor.panelGraceMs).toBe(0);
    expect(c.deskRules.wrapUp.limitMs).toBe(0);
    expect(c.callMe.policy.perTargetPerHour).toBe(0);
    expect(c.http.port).toBe(0);
  });

  test('the house’s rules for desks are the usual ones, but for what is set', () => {
    expect(config({}).deskRules).toEqual(DEFAULT_DESK_RULES);
    const { wrapUp, callbacks, ...others } = config({ WRAP_UP_MS: '7200000', CALLBACK_ATTEMPTS: '5', CALLBACK_RETRY_MS: '1000' }).deskRules;
    const retry = { attempts: 5, pauseMs: 1000 };
    expect(wrapUp).toEqual({ ...DEFAULT_DESK_RULES.wrapUp, limitMs: 7_200_000, mostMs: 7_200_000 });
    expect(callbacks).toEqual({ ...DEFAULT_DESK_RULES.callbacks, attempts: 5, retry: { busy: retry, noAnswer: retry, failed: retry } });
    expect({ ...DEFAULT_DESK_RULES, ...others }).toEqual(DEFAULT_DESK_RULES);
    expect(config({ CALLBACK_ATTEMPTS: '1' }).deskRules.callbacks.retry.busy).toEqual({ attempts: 1, pauseMs: 300_000 });
    expect(config({ WRAP_UP_MS: '1000' }).deskRules.wrapUp).toEqual({ ...DEFAULT_DESK_RULES.wrapUp, limitMs: 1000 });
  });

  test('an Asterisk and a Postgres that are there already', () => {
    const c = config({
      ARI_URL: 'https://cti:p%40ss@pbx.example:8089/',
      DATABASE_URL: 'postgres://u:p@db.example/m',
      ARI_TRANSPORT: 'ari-client',
    });
    expect(c.telephony).toMatchObject({
      ari: { url: 'https://pbx.example:8089', user: 'cti', password: 'p@ss' },
      transport: 'ari-client',
      sipWebSocketUrl: 'wss://pbx.example:8089/ws',
    });
    expect(c.database.url).toBe('postgres://u:p@db.example/m');
  });

  test('trunks, origins, countries and port ranges', () => {
    const c = config({
      TRUSTED_TRUNKS: 'kddi=203.0.113.5, spare=sip.example.jp:5080,six=[2001:db8::1]:5062',
      CALL_ME_ORIGINS: 'https://www.example.jp/,http://localhost:3000',
      CALL_ME_COUNTRIES: 'JP, FR',
      RTP_PORTS: '20000 - 20099',
    });
    expect(c.telephony.trunks).toEqual([
      { name: 'kddi', host: '203.0.113.5', port: 5060 },
      { name: 'spare', host: 'sip.example.jp', port: 5080 },
      { name: 'six', host: '2001:db8::1', port: 5062 },
    ]);
    expect(c.callMe.origins).toEqual(['https://www.example.jp', 'http://localhost:3000']);
    expect(c.callMe.policy.countries).toEqual(['JP', 'FR']);
    expect(c.telephony.rtpPorts).toEqual({ first: 20_000, last: 20_099 });
  });
});

describe('mistakes', () => {
  test('all are told at once, each with where it is and what is right', () => {
    const text = mistakes({
      HTTP_PORT: '80x',
      RTP_PORTS: '10000',
      CALL_ME_SIP: 'no',
      LOG_LEVEL: 'loud',
      HTTP_HOST: 'localhost',
      WRAP_UP_MS: '-1',
    });
    expect(text).toBe(
      [
        '6 settings are wrong; nothing was started:',
        "  LOG_LEVEL (environment): 'loud' is not right; write one of trace, debug, info, warn, error, fatal",
        "  HTTP_HOST (environment): 'localhost' is not right; write an IP address, as 127.0.0.1 or 0.0.0.0",
        "  HTTP_PORT (environment): '80x' is not right; write a port from 1 to 65535, or 0 for any free one",
        "  RTP_PORTS (environment): '10000' is not right; write first-last, at least 4 ports (each call leg takes 2), as 10000-10999",
        "  CALL_ME_SIP (environment): 'no' is not right; write true or false",
        "  WRAP_UP_MS (environment): '-1' is not right; write a whole number of milliseconds from 0 to 86400000",
        'All settings: npm start -- --help',
      ].join('\n'),
    );
  });

  test.each([
    ['HTTP_PORT', '65536'],
    ['HTTP_PORT', '8080.5'],
    ['HTTP_PORT', '1e3'],
    ['SIP_PORT', '0'],
    ['RTP_PORTS', '10010-10000'],
    ['RTP_PORTS', '65000-70000'],
    ['TRUSTED_TRUNKS', '203.0.113.5'],
    ['TRUNK_DTMF', 'tones'],
    ['TRUSTED_TRUNKS', 'a=203.0.113.5:99999'],
    ['TRUSTED_TRUNKS', 'a=one.example,nonsense'],
    ['CALL_ME_COUNTRIES', 'Japan'],
    ['CALL_ME_ORIGINS', 'https://www.example.jp/page'],
    ['PUBLIC_URL', 'www.example.jp'],
    ['OUTGOING_NUMBER', '0312345678'],
    ['CALLBACK_ATTEMPTS', '0'],
  ])('%s=%s is refused', (name, value) => {
    expect(mistakes({ [name]: value })).toContain(`${name} (environment)`);
  });

  test('a password in a wrong setting is never shown', () => {
    const text = mistakes({ ARI_URL: 'ftp://cti:geheim1@pbx', DATABASE_URL: 'mysql://u:geheim2@db/m' });
    expect(text).toContain('ARI_URL (environment): what was given is not right; write http://user:password@host:port');
    expect(text).not.toContain('geheim');
  });

  test('two servers of ours on one port, or one within the sound ports', () => {
    expect(mistakes({ HTTP_PORT: '8088' })).toContain('ASTERISK_HTTP_PORT (default): 8088 is the port of HTTP_PORT, too');
    expect(mistakes({ SIP_PORT: '10010' })).toContain('SIP_PORT (environment): 10010 is within RTP_PORTS (10000-10999)');
    const elsewhere = { ARI_URL: 'http://a:b@pbx:8088', DATABASE_URL: 'postgres://u:p@db/m' };
    expect(config({ HTTP_PORT: '8088', ...elsewhere }).http.port).toBe(8088);
    expect(config({ HTTP_PORT: '5433', ...elsewhere }).http.port).toBe(5433);
  });

  test('an argument that is not known', () => {
    expect(wrong(loadConfig({}, ['--confg', 'x'], noFile))).toContain('--confg (command line): this is not known; did you mean --config?');
    expect(wrong(loadConfig({}, ['--config'], noFile))).toContain('write --config FILE');
  });
});

describe('a settings file', () => {
  test('has the same names, numbers and lists as they are; the environment goes before it', () => {
    const c = right(
      fromFile('HTTP_PORT: 9000\nCALL_ME_SIP: false\nCALL_ME_COUNTRIES: [JP, DE]\nSIP_PORT: 5061\nRTP_PORTS: 20000-20999\n', {
        SIP_PORT: '5062',
      }),
    );
    expect(c.http.port).toBe(9000);
    expect(c.callMe.policy).toMatchObject({ countries: ['JP', 'DE'], sip: { allowed: false } });
    expect(c.telephony).toMatchObject({ sipPort: 5062, rtpPorts: { first: 20_000, last: 20_999 } });
  });

  test('may be named by MADOGUCHI_CONFIG, and may hold nothing', () => {
    expect(right(loadConfig({ MADOGUCHI_CONFIG: 'm.yaml' }, [], () => '# later\n\n'))).toEqual(config({}));
  });

  test('an unknown name does not hide what else is wrong', () => {
    const text = wrong(fromFile('HTTP_PROT: 9000\nRING_MS: soon\n'));
    expect(text).toContain('2 settings are wrong');
    expect(text).toMatch(/RING_MS \(m\.yaml:2:\d+\): 'soon' is not right/);
  });

  test('an unknown name is refused with its place and what was probably meant', () => {
    const text = wrong(fromFile('LOG_LEVEL: info\nHTTP_PROT: 9000\nhttp_host: 127.0.0.1\n'));
    expect(text).toMatch(/m\.yaml:2:1: .*HTTP_PROT.*; did you mean 'HTTP_PORT'\?/);
    expect(text).toMatch(/m\.yaml:3:1: .*http_host.*; did you mean 'HTTP_HOST'\?/);
  });

  test('a wrong value is told with line and column', () => {
    expect(wrong(fromFile('LOG_LEVEL: info\nHTTP_PORT: many\n'))).toContain("HTTP_PORT (m.yaml:2:12): 'many' is not right; write a port");
    expect(wrong(fromFile('HTTP_PORT: {a: 1}\n'))).toContain('HTTP_PORT (m.yaml:1:12)');
  });

  test('broken YAML and a missing file are told', () => {
    expect(wrong(fromFile('HTTP_PORT: [1\n'))).toMatch(/m\.yaml:\d+:\d+/);
    expect(wrong(loadConfig({}, ['--config=gone.yaml'], noFile))).toContain("gone.yaml (command line): can't be read");
  });
});

describe('--help', () => {
  test('tells every setting with default, meaning and form', () => {
    const loaded = loadConfig({ HTTP_PORT: 'wrong' }, ['--help'], noFile);
    expect(loaded).toEqual({ kind: 'help', text: helpText() });
    expect(helpText()).toMatch(/^ {2}HTTP_PORT +Its port\. Default: 8080\n +a port from 1 to 65535/m);
    for (const name of ['SIP_PORT', 'RTP_PORTS', 'DATA_DIR', 'DATABASE_URL', 'ARI_URL', 'LOG_LEVEL', 'DOMAIN', 'LEASE_TTL_MS']) {
      expect(helpText()).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
  });
});
