/** `npm start`: reads the settings, opens the house, says what is running and what to try, and closes it when told to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { FileProblemsError } from './base/checked-yaml.ts';
import { type Config, loadConfig } from './config.ts';
import { createLog, type House, openHouse } from './house.ts';

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const complain = (text: string): boolean => process.stderr.write(`${text}\n`);

async function run(config: Config): Promise<void> {
  const logFile = join(config.dataDir, 'madoguchi.log');
  const destination = pino.destination({ dest: logFile, mkdir: true, sync: false });
  const log = createLog(config.logLevel, destination);
  const startedAt = performance.now();
  const progress = (what: string): void => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    complain(`  ${seconds.padStart(5)} s  ${what} …`);
  };

  let house: House | null = null;
  let closing: Promise<void> | null = null;
  /** Once, whoever asks: a signal, a second signal, or the house itself. */
  const close = (why: string, exitCode: number): Promise<void> => {
    closing ??= (async () => {
      complain(`\nClosing (${why}) …`);
      log.info({ why }, 'closing');
      process.exitCode = exitCode;
      try {
        await house?.stop();
        complain('Closed.');
      } catch (error) {
        process.exitCode = 1;
        log.error({ err: error }, 'closing');
        complain(`Not everything could be closed properly: ${(error as Error).message}; see ${logFile}`);
      }
      destination.flushSync();
      process.exit();
    })();
    return closing;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (house) void close(signal, 0);
      else stoppedEarly = signal;
    });
  }
  let stoppedEarly: string | null = null;
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault that nobody handled');
    complain(`A fault that nobody handled: ${error.stack}`);
    void close('fault', 1);
  });

  complain(`Madoguchi starts; everything of it is under ${config.dataDir}`);
  try {
    house = await openHouse(config, log, progress, (error) => {
      log.fatal({ err: error }, 'this process cannot go on');
      complain(`This process cannot go on: ${error.message}`);
      void close(error.message, 1);
    });
  } catch (error) {
    log.fatal({ err: error }, 'the start failed');
    destination.flushSync();
    complain(error instanceof FileProblemsError ? `Nothing was started:\n${error.message}` : `The start failed: ${explain(error)}`);
    complain(`More in ${logFile}`);
    process.exit(1);
  }
  if (stoppedEarly) return close(stoppedEarly, 0);
  say(banner(config, house, (performance.now() - startedAt) / 1_000, logFile));
}

function explain(error: unknown): string {
  const parts: string[] = [];
  for (let e = error; e instanceof Error; e = e.cause) parts.push(e.message);
  return parts.join('; because: ') || String(error);
}

function banner(config: Config, house: House, seconds: number, logFile: string): string {
  const { telephony } = config;
  const sip = `${telephony.sipHost}:${telephony.sipPort}`;
  const lines = [
    '',
    `Madoguchi 窓口 is open (after ${seconds.toFixed(1)} s).`,
    '',
    `  panel       ${house.url}/panel`,
    `  call-me     ${house.url}/call-me/demo`,
    `  health      ${house.url}/readyz   metrics ${house.url}/metrics   API ${house.url}/api/openapi.json`,
    `  SIP         ${entries(house).map(([number, language]) => `sip:${number}@${sip} (${language})`).join('   ')}`,
    `  switch      ${house.switchVersion}, ARI by ${telephony.transport}`,
    `  log         ${logFile}`,
  ];
  if (house.demoPassword) {
    const people = [...house.directory.agents.values()].map(
      (a) => `${a.id} (${a.role === 'agent' ? deskNames(house, a.deskIds) : a.role})`,
    );
    lines.push(
      '',
      `Demo centre. Password of everybody: ${house.demoPassword}`,
      ...chunk(people, 3).map((row) => `  ${row.join(', ')}`),
      '',
      'Try:',
      `  1. open the panel, log in, choose this browser as phone, press Ready`,
      `  2. npm run call -- --from +81312345678 --to 1000          a customer: the panel shows who it is, then rings`,
      `     npm run call -- --from +81312345678 --to 1000 --withheld --digits 10023#     number withheld: the IVR asks for the code`,
      `  3. open the call-me page and leave a number; answer it with: npm run call -- --answer +819012345678`,
    );
  }
  lines.push('', 'Ctrl-C stops everything that was started here.', '');
  return lines.join('\n');
}

/** What to dial, the shortest form of each entry, in their order. */
const entries = (house: House): [string, string][] =>
  house.directory.entries
    .map((e): [string, string] => [e.numbers.toSorted((a, b) => a.length - b.length)[0] ?? e.id, e.language])
    .sort(([a], [b]) => (a < b ? -1 : 1));

const deskNames = (house: House, ids: readonly string[]): string => ids.map((id) => house.directory.desks.get(id)?.name ?? id).join(', ');

function chunk<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

const loaded = loadConfig(process.env, process.argv.slice(2), (file) => readFileSync(file, 'utf8'));
switch (loaded.kind) {
  case 'help':
    say(loaded.text);
    break;
  case 'mistakes':
    complain(loaded.text);
    process.exitCode = 2;
    break;
  case 'config':
    await run(loaded.config);
}
