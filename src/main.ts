/** `npm start`: reads the settings, opens the house, says what is running and what to try, and closes it when told to. */
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { FileProblemsError } from './base/checked-yaml.ts';
import { type Config, loadConfig } from './config.ts';
import { PortTakenError } from './cti/asterisk/server/port-check.ts';
import { SwitchError } from './cti/port.ts';
import { DEMO_EXAMPLES } from './db/demo.ts';
import { createLog, type House, openHouse } from './house.ts';

/** One Ctrl-C may come as several signals, from the terminal and from npm. */
const SAME_WISH_MS = 1_000;

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const complain = (text: string): boolean => process.stderr.write(`${text}\n`);

async function run(config: Config): Promise<void> {
  const logFile = join(config.dataDir, 'madoguchi.log');
  const running = await houseRunningIn(config.dataDir);
  if (running) {
    complain(`Madoguchi is running already: ${running.url}, process ${running.pid}, with everything under ${config.dataDir}.`);
    complain(`Nothing was started. Stop that one first, or give this one a folder and ports of its own: DATA_DIR, ${PORTS}`);
    process.exitCode = 1;
    return;
  }
  try {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o755 });
    closeSync(openSync(logFile, 'a'));
  } catch (error) {
    complain(`The log can't be written: ${(error as Error).message}. Give another folder by DATA_DIR, or make this one yours`);
    process.exitCode = 1;
    return;
  }
  const destination = pino.destination({ dest: logFile, sync: false });
  await once(destination, 'ready'); // before that, nothing can be written at once, as the last words of a failed start must be
  const log = createLog(config.logLevel, destination);
  const startedAt = performance.now();
  const progress = (what: string): void => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    complain(`  ${seconds.padStart(5)} s  ${what} …`);
  };

  let house: House | null = null;
  const stop = new AbortController();
  let closing: Promise<void> | null = null;
  let closingSince = 0;
  /** Once, whoever asks: a signal, a second signal, or the house itself. */
  const close = (why: string, exitCode: number): Promise<void> => {
    closing ??= (async () => {
      closingSince = performance.now();
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
      // As services know it: read the files anew. In a terminal it is the terminal that was closed.
      if (signal === 'SIGHUP' && house && closing === null && !process.stdin.isTTY) {
        log.info('SIGHUP: reading the scenarios anew');
        void house.reload().catch((error: unknown) => log.error({ err: error }, 'the scenarios could not be read'));
      } else if (closing !== null) {
        if (performance.now() - closingSince < SAME_WISH_MS) return;
        complain('Leaving at once. What still runs is taken over by the next start.');
        process.exit(130);
      } else if (house) void close(signal, 0);
      else if (!stop.signal.aborted) {
        complain(`\nClosing (${signal}) …`);
        stop.abort(new Error(signal));
      }
    });
  }
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault that nobody handled');
    complain(`A fault that nobody handled: ${error.stack}`);
    void close('fault', 1);
  });

  complain(`Madoguchi starts; everything of it is under ${config.dataDir}`);
  try {
    const onLost = (error: Error): void => {
      log.fatal({ err: error }, 'this process cannot go on');
      complain(`This process cannot go on: ${error.message}`);
      void close(error.message, 1);
    };
    house = await openHouse(config, log, progress, onLost, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) {
      log.info({ err: error }, 'closed during the start');
      destination.flushSync();
      complain('Closed.');
      process.exit(0);
    }
    log.fatal({ err: error }, 'the start failed');
    destination.flushSync();
    complain(error instanceof FileProblemsError ? `Nothing was started:\n${error.message}` : `The start failed: ${explain(error)}`);
    const remedy = remedyFor(error, config);
    if (remedy) complain(remedy);
    complain(`More in ${logFile}`);
    process.exit(1);
  }
  say(banner(config, house, (performance.now() - startedAt) / 1_000, logFile));
}

function explain(error: unknown): string {
  const parts: string[] = [];
  for (let e = error; e instanceof Error; e = e.cause) parts.push(e.message);
  return parts.join('; because: ') || String(error);
}

const PORTS = 'HTTP_PORT, SIP_PORT, ASTERISK_HTTP_PORT, RTP_PORTS, POSTGRES_PORT';

/** The setting that gets us out of it, where it is one. */
function remedyFor(error: unknown, config: Config): string | null {
  const { code, port } = error as { code?: unknown; port?: unknown };
  const { database, http, telephony } = config;
  // https://www.postgresql.org/docs/current/errcodes-appendix.html: 28…: not let in; 3D000: no such database; 42501: no right.
  if (database.url && typeof code === 'string' && /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|28...|3D000|42501)$/.test(code)) {
    return 'This came from the Postgres that DATABASE_URL names: address, name, password, the rights to make tables.';
  }
  if (telephony.ari && error instanceof SwitchError) return 'This came from the Asterisk that ARI_URL names: see docs/existing-asterisk.md';
  const taken = error instanceof PortTakenError || code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
  if (!taken) return null;
  const [portSetting, hostSetting] =
    port === http.port
      ? ['HTTP_PORT', 'HTTP_HOST']
      : port === telephony.sipPort
        ? ['SIP_PORT', 'SIP_HOST']
        : ['ASTERISK_HTTP_PORT', 'ASTERISK_HTTP_PORT'];
  const cause = error instanceof PortTakenError ? (error.cause as { code?: unknown } | undefined)?.code : code;
  if (cause === 'EADDRNOTAVAIL') return `Give an address of this machine by ${hostSetting} (0.0.0.0 for all of them).`;
  return `Choose another port by ${portSetting}. A second house beside the first has all of its own: DATA_DIR, ${PORTS}`;
}

/** Where a house that lives in this folder is, by the note that it left; null when there is none or it answers no more. */
async function houseRunningIn(dataDir: string): Promise<{ url: string; pid: number } | null> {
  try {
    const note = JSON.parse(readFileSync(join(dataDir, 'house.json'), 'utf8')) as { url: string; pid: number };
    const answer = await fetch(`${note.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok ? note : null;
  } catch {
    return null; // no note, or nobody there: it was killed
  }
}

function banner(config: Config, house: House, seconds: number, logFile: string): string {
  const { telephony } = config;
  const sip = `${telephony.sipHost}:${telephony.sipPort}`;
  const lines = [
    '',
    `Madoguchi 窓口 is open (after ${seconds.toFixed(1)} s).`,
    '',
    `  panel       ${house.url}/panel`,
    ...(house.access?.kind === 'demo' ? [`  call-me     ${house.url}/call-me/demo`] : []),
    `  health      ${house.url}/readyz   metrics ${house.url}/metrics   API ${house.url}/api/openapi.json`,
    `  SIP         ${entries(house)
      .map(([number, language]) => `sip:${number}@${sip} (${language})`)
      .join('   ')}`,
    `  switch      ${house.switchVersion}, ARI by ${telephony.transport}`,
    `  log         ${logFile}`,
  ];
  if (house.access?.kind === 'newCentre') {
    lines.push(
      '',
      `The centre ${config.domain} is new. Its administrator: ${house.access.userName}, password ${house.access.password}`,
      '  (kept in DATA_DIR/secrets/administrator-password). Fill it from files:',
      '    npm run import -- organisations FILE.csv     then agents, customers; --help tells the columns, --template writes them',
    );
  }
  if (house.access?.kind === 'demo') {
    const people = [...house.directory.agents.values()].map(
      (a) => `${a.id} (${a.role === 'agent' ? deskNames(house, a.deskIds) : a.role})`,
    );
    const sipFlag =
      sip === '127.0.0.1:5060' ? '' : ` --sip ${telephony.sipHost === '0.0.0.0' ? '127.0.0.1' : telephony.sipHost}:${telephony.sipPort}`;
    const [trunk] = telephony.trunks;
    const carrier = trunk ? `${trunk.host}:${trunk.port}` : '';
    const carrierFlag = carrier === '127.0.0.2:5070' ? '' : ` --carrier ${carrier}`;
    const { customer, entries: entry, logIns } = DEMO_EXAMPLES;
    const call = `npm run call -- --from ${customer.number} --to ${entry.ja}`;
    lines.push(
      '',
      `Demo centre. Password of everybody: ${house.access.password}`,
      ...chunk(people, 3).map((row) => `  ${row.join(', ')}`),
      '',
      'Try, with a second terminal:',
      `  1. Open the panel, log in as ${logIns.agent}, start the shift with this browser as phone, and press Ready.`,
      `  2. A customer calls: the panel shows who it is, then rings.`,
      `       ${call}${sipFlag}`,
      '     The same with the number withheld: a voice asks for the customer code, and gets it.',
      `       ${call} --withheld --digits ${customer.code}#${sipFlag}`,
      `  3. Be a visitor's phone, and ask for a call to 03-1234-5678 on the call-me page.`,
      `       npm run call -- --answer ${customer.number}${carrierFlag}${sipFlag}`,
      `  4. Log in as ${logIns.supervisor} (another browser, or a private window) and watch the floor.`,
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
