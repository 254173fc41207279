/** The house as its operator knows it: started, watched, asked, stopped; beside another one, and with mistakes in its settings and files. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_EXAMPLES } from '#src/db/demo.ts';
import type { FarSide } from '#test/support/far-side.ts';
import { TestHouse, until } from './house.ts';

const ROOT = join(import.meta.dirname, '../..');
const { customer, customerByCode } = DEMO_EXAMPLES;

let one: TestHouse;
let other: TestHouse;
let farOne: FarSide;
let farOther: FarSide;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mg-operations-'));
  [one, other] = await Promise.all([TestHouse.start(), TestHouse.start()]);
  [farOne, farOther] = await Promise.all([one.farSide(), other.farSide()]);
}, 180_000);
afterAll(async () => {
  await Promise.all([farOne?.stop(), farOther?.stop()]);
  await Promise.all([one?.remove(), other?.remove()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs one of the programs to its end. `interruptAt`: gives it SIGINT as soon as it has said this. */
function run(file: string, args: readonly string[], env: Record<string, string>, interruptAt?: string): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, file), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let interrupted = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (interruptAt === undefined || interrupted || !output.includes(interruptAt)) return;
      interrupted = true;
      child.kill('SIGINT');
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** Processes whose command line names this folder: pid and command. */
function processesOf(dataDir: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (command.includes(dataDir)) found.set(Number(name), command.trim());
    } catch {
      // ended meanwhile
    }
  }
  return found;
}

/** A caller who waits in the queue, and the contact. */
async function waitingCaller(house: TestHouse, far: FarSide, from: string) {
  const { made: party, id } = await house.arrival(() => far.call({ from, to: '1000' }));
  await house.waitForState(id, 'queued');
  return { party, id };
}

async function metric(house: TestHouse, line: string): Promise<number> {
  const response = await fetch(`${house.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const found = (await response.text()).split('\n').find((text) => text.startsWith(`${line} `));
  return Number(found?.split(' ').at(-1) ?? 0);
}

describe('two houses on one machine', () => {
  it('both take a call, each its own', async () => {
    const [mine, theirs] = await Promise.all([
      waitingCaller(one, farOne, customer.number),
      waitingCaller(other, farOther, DEMO_EXAMPLES.dealer.number),
    ]);
    expect((await one.contact(mine.id)).deskId).toBe(customer.desk);
    expect((await other.contact(theirs.id)).deskId).toBe(DEMO_EXAMPLES.dealer.desk);
    for (const house of [one, other]) {
      const { rows } = await house.db.query('select count(*)::int as n from contact');
      expect(rows).toEqual([{ n: 1 }]);
    }
    await Promise.all([mine.party.hangUp(), theirs.party.hangUp()]);
    await Promise.all([one.waitForState(mine.id, 'ended'), other.waitForState(theirs.id, 'ended')]);
  });
});

describe('whoever watches the house', () => {
  it('hears that it lives and is ready, part by part', async () => {
    expect(await (await fetch(`${one.url}/healthz`)).json()).toEqual({ ok: true });
    const ready = await fetch(`${one.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ ready: true, parts: { floor: 'ok', switch: 'ok' } });
  });

  it('sees in the figures that somebody waits, and that the call is over', async () => {
    const abandoned = 'madoguchi_contacts_ended_total{cause="abandonedInQueue"}';
    const before = await metric(one, abandoned);
    const { party, id } = await waitingCaller(one, farOne, customer.number);
    expect(await metric(one, `madoguchi_waiting{desk="${customer.desk}"}`)).toBe(1);
    await party.hangUp();
    await one.waitForState(id, 'ended');
    expect(await metric(one, `madoguchi_waiting{desk="${customer.desk}"}`)).toBe(0);
    expect(await metric(one, abandoned)).toBe(before + 1);
  });

  it('finds neither callers’ numbers and names nor their digits in the log, at its most talkative', async () => {
    const before = await one.newestContact();
    const party = await farOne.call({ from: '+81312399871', fromName: 'Hanako Anonyma', to: '1000', withheld: true });
    const id = await until('the call is a contact', async () => {
      const newest = await one.newestContact();
      return newest !== before && newest;
    });
    await one.waitForState(id, 'scenario');
    await party.sendDigits('77316#');
    await one.waitForEvent(id, 'partyNotFound(customerCode)');
    await party.sendDigits(`${customerByCode.code}#`);
    await one.waitForState(id, 'queued');
    await party.hangUp();
    await one.waitForState(id, 'ended');

    const written = [one.log, ...logsBelow(one.dataDir)].join('\n');
    expect(written.length).toBeGreaterThan(1_000);
    expect(one.env['LOG_LEVEL']).toBe('debug');
    for (const secret of ['312399871', '312345678', 'Anonyma', customer.name, '77316']) expect(written).not.toContain(secret);
    expect(written).not.toMatch(new RegExp(`\\b${customerByCode.code}\\b`));
  });
});

/** What the database and the switch of this house have written. */
function logsBelow(dataDir: string): string[] {
  const files = [join(dataDir, 'postgres.log'), join(dataDir, 'switch/log/full'), join(dataDir, 'switch/log/output')];
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
}

describe('the tools, while the house runs', () => {
  it('explain which desk a caller would reach', async () => {
    const { code, output } = await run('src/tools/logic.ts', ['explain', '--from', customer.number, '--to', '1000'], one.env);
    expect(code, output).toBe(0);
    expect(output).toContain(`(${customer.desk})`);
    expect(await one.isReady()).toBe(true);
  });

  it('import customers, who are known when they call next', async () => {
    const csv = join(folder, 'customers.csv');
    writeFileSync(csv, 'code,name,phones,handling_desk\n70001,新田 光,+81312399872,yokohama-desk\n');
    const { code, output } = await run('src/tools/import.ts', ['customers', csv], one.env);
    expect(code, output).toBe(0);
    expect(output).toContain('1 new, 0 changed, 0 unchanged');
    expect(await one.isReady()).toBe(true);
    const { party, id } = await waitingCaller(one, farOne, '+81312399872');
    expect((await one.contact(id)).deskId).toBe('yokohama-desk');
    await party.hangUp();
    await one.waitForState(id, 'ended');
  });

  it('a note of where the database is can be read by its owner alone', () => {
    expect(statSync(join(one.dataDir, 'house.json')).mode & 0o777).toBe(0o600);
  });
});

describe('before anything is started', () => {
  it('--help documents every setting', async () => {
    const { code, output } = await run('src/main.ts', ['--help'], {});
    expect(code).toBe(0);
    for (const name of ['HTTP_PORT', 'SIP_PORT', 'RTP_PORTS', 'DATA_DIR', 'DATABASE_URL', 'ARI_URL', 'LOG_LEVEL'])
      expect(output).toContain(name);
  });

  it('every wrong setting is listed with the right form, and nothing is started', async () => {
    const dataDir = join(folder, 'never');
    const settings = join(folder, 'settings.yaml');
    writeFileSync(settings, 'RING_MS: soon\nHTTP_PROT: 8080\n');
    const { code, output } = await run('src/main.ts', ['--config', settings], {
      DATA_DIR: dataDir,
      SIP_PORT: 'sixty',
      LOG_LEVEL: 'loud',
      RTP_PORTS: '10000',
    });
    expect(code).toBe(2);
    expect(output).toContain('5 settings are wrong; nothing was started');
    expect(output).toMatch(/SIP_PORT \(environment\): 'sixty' is not right; write a whole number from 1 to 65535/);
    expect(output).toMatch(/LOG_LEVEL \(environment\).*one of trace, debug/);
    expect(output).toMatch(/RTP_PORTS \(environment\).*first-last/);
    expect(output).toMatch(/RING_MS \(.*settings\.yaml:1:\d+\)/);
    expect(output).toMatch(/settings\.yaml:2:1.*HTTP_PORT/);
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe('Ctrl-C', () => {
  it('ends everything that was started, and only that', async () => {
    const { party } = await waitingCaller(one, farOne, customer.number); // even with a caller on the line
    const mine = processesOf(one.dataDir);
    const theirs = processesOf(other.dataDir);
    for (const processes of [mine, theirs]) {
      const commands = [...processes.values()].join('\n');
      expect(commands).toMatch(/postgres/);
      expect(commands).toMatch(/asterisk/);
    }
    expect(await one.stop()).toBe(0);
    await party.ended();
    expect([...processesOf(one.dataDir).values()]).toEqual([]);
    expect(existsSync(join(one.dataDir, 'house.json'))).toBe(false);
    expect(processesOf(other.dataDir)).toEqual(theirs);
    const { party: caller, id } = await waitingCaller(other, farOther, customer.number);
    await caller.hangUp();
    await other.waitForState(id, 'ended');
  });

  it('while it still starts ends what was started so far', async () => {
    const { code, output } = await run('src/main.ts', [], one.env, 'switch …');
    expect(code, output).toBe(0);
    expect([...processesOf(one.dataDir).values()]).toEqual([]);
  });
});

describe('a start that goes wrong', () => {
  it('for a mistake in the control logic names file, line, column and what is right, and leaves nothing running', async () => {
    const scenarios = join(folder, 'scenarios');
    cpSync(join(ROOT, 'scenarios'), scenarios, { recursive: true, filter: (source) => !source.endsWith('.wav') });
    const file = join(scenarios, 'control-logic.yaml');
    const text = readFileSync(file, 'utf8')
      .replace('to: handlingDesk', 'to: handlingDeks')
      .replace('otherwise: [makerDesk]', 'otherwise: [ghost-desk]');
    writeFileSync(file, text);
    const lines = text.split('\n');
    const line = lines.findIndex((one) => one.includes('handlingDeks')) + 1;
    const column = (lines[line - 1]?.indexOf('handlingDeks') ?? 0) + 1;
    const second = lines.findIndex((one) => one.includes('ghost-desk')) + 1;

    const { code, output } = await run('src/main.ts', [], { ...one.env, SCENARIOS_DIR: scenarios });
    expect(code).toBe(1);
    expect(output).toContain('Nothing was started');
    expect(output).toContain(`${relative(ROOT, file)}:${line}:${column}`);
    expect(output).toMatch(/handlingDesk\b/);
    expect(output).toContain(`${relative(ROOT, file)}:${second}:`);
    expect([...processesOf(one.dataDir).values()]).toEqual([]);
  });

  it('for a port that another program has says which, and leaves nothing running', async () => {
    const { code, output } = await run('src/main.ts', [], { ...one.env, HTTP_PORT: other.env['HTTP_PORT'] ?? '' });
    expect(code).toBe(1);
    expect(output).toContain(other.env['HTTP_PORT']);
    expect(output).toContain('HTTP_PORT');
    expect([...processesOf(one.dataDir).values()]).toEqual([]);
  });

  it('for a folder that another house works in says so, and does not touch it', async () => {
    const ports = { ...one.env, DATA_DIR: other.dataDir };
    const { code, output } = await run('src/main.ts', [], ports);
    expect(code).toBe(1);
    expect(output).toMatch(/is running already: .*process \d+/);
    expect(await other.isReady()).toBe(true);
    expect(existsSync(join(other.dataDir, 'house.json'))).toBe(true);
  });
});

describe('a warm start', () => {
  it('makes and installs nothing anew, and finds everything as it was', async () => {
    const made = ['postgres/PG_VERSION', 'secrets/demo-password', 'secrets/ari-password', 'web/index.html'].map((name) =>
      join(one.dataDir, name),
    );
    const times = () => made.map((file) => statSync(file).mtimeMs);
    const before = times();
    await one.run();
    expect(times()).toEqual(before);
    expect(one.output).not.toMatch(/Asterisk \(the first time/);
    expect(one.log.match(/making a database cluster/g)).toHaveLength(1);
    const { rows } = await one.db.query(`select name from customer where code = '70001'`);
    expect(rows).toEqual([{ name: '新田 光' }]);
    const { party, id } = await waitingCaller(one, farOne, '+81312399872');
    await party.hangUp();
    await one.waitForState(id, 'ended');
  });
});
