/** Puts the house together: each part is opened, handed what it needs, and closed in reverse. */
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { type DestinationStream, pino } from 'pino';
import { AgentPhones } from './agent-phones.ts';
import { answersFor } from './answers.ts';
import { createBackend } from './backend.ts';
import { browserEndpoint } from './base/endpoint.ts';
import type { DomainId } from './base/ids.ts';
import type { Logger } from './base/log.ts';
import { houseJobs, startClock } from './clock.ts';
import type { Config } from './config.ts';
import { Controller } from './contact/controller.ts';
import type { FloorContext } from './contact/floor.ts';
import { readCallingNumber } from './contact/identify.ts';
import { AriClientTransport } from './cti/asterisk/ari-client.ts';
import { AriWebSocket } from './cti/asterisk/ari-ws.ts';
import { AsteriskMissingError, defaultPrefix, readPrefix } from './cti/asterisk/server/prefix.ts';
import { startAsterisk } from './cti/asterisk/server/server.ts';
import { AsteriskSwitch } from './cti/asterisk/switch.ts';
import { PromptFiles } from './cti/prompts.ts';
import { findVoices } from './cti/voices.ts';
import { forcedChanges } from './db/audit.ts';
import { administratorOf, createCentre, hasCentre } from './db/centre.ts';
import { contactOfToken, deskOfContact, messageOfContact } from './db/contacts.ts';
import { customerView } from './db/customer-view.ts';
import { loadDemo } from './db/demo.ts';
import { loadDirectory, onDirectoryChanged } from './db/directory.ts';
import { contactEvents, ensureEventPartitions } from './db/events.ts';
import { migrate } from './db/migrate.ts';
import { PgPartyFinder } from './db/party.ts';
import { authenticate, createSession, deleteSession, findSession } from './db/people.ts';
import { createPool } from './db/pool.ts';
import { type Log, startPostgres } from './db/postgres-server.ts';
import { PgRecordingStore } from './db/recordings.ts';
import { checkReports, readReports } from './db/reports.ts';
import { stepCounts } from './db/scenario-counts.ts';
import { PgFloorStore } from './db/store.ts';
import { visibleDesks } from './db/visibility.ts';
import { floorMetrics, scenarioMetrics } from './metrics.ts';
import { feedNotices, type NoticeParts, noticeDesk, tellersOf } from './notices.ts';
import { reportDesk } from './reports.ts';
import type { Directory } from './routing/directory.ts';
import { scenarioDesk } from './scenario-desk.ts';
import { scenarioServices } from './scenario-services.ts';
import { openScenarios } from './scenarios.ts';
import type { WebBackend } from './web/backend.ts';
import { buildWeb } from './web/build.ts';
import { type CallMeOptions, startWeb } from './web/server.ts';

export interface House {
  readonly url: string;
  readonly directory: Directory;
  /** What somebody can log in with: the demo centre's people, or a new centre's first administrator. Null for any other. */
  readonly access: { readonly kind: 'demo' | 'newCentre'; readonly userName: string; readonly password: string } | null;
  readonly switchVersion: string;
  /** Reads the folder of scenarios now. */
  reload(): Promise<void>;
  /** Ends everything that this house started, and only that. */
  stop(): Promise<void>;
}

/** Told what is being done, for whoever waits. */
export type Progress = (what: string) => void;

type Pool = ReturnType<typeof createPool>;

const APP = 'madoguchi';
const SESSION_MS = 12 * 3_600_000;

/**
 * Opens the house: database, switch, floor, web.
 * @param onLost called when this process cannot go on: another one owns the centre, or its records are damaged
 * @param stopped ends a start that is under way, also one that waits for a switch which is not there
 * @throws whatever keeps it from opening, the reason of `stopped` too; what was opened before is closed again
 */
export async function openHouse(
  config: Config,
  log: Logger,
  progress: Progress,
  onLost: (error: Error) => void,
  stopped: AbortSignal,
): Promise<House> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const closer of closers.splice(0).reverse()) await closer().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed properly');
  };
  // What is open already is closed under the hands of what waits for it; what is opened just now, at the next step.
  const closeNow = (): void => void close().catch((closing: unknown) => log.error({ err: closing }, 'closing during the start'));
  stopped.addEventListener('abort', closeNow, { once: true });
  const step: Progress = (what) => {
    stopped.throwIfAborted();
    progress(what);
  };
  try {
    const house = await open({ config, log, progress: step, closers }, onLost, close);
    stopped.throwIfAborted();
    stopped.removeEventListener('abort', closeNow);
    return house;
  } catch (error) {
    await close().catch((closing: unknown) => log.error({ err: closing }, 'closing after a failed start'));
    throw error;
  }
}

/** What every step is handed. What it opens, it adds to `closers` at once. */
interface Opening {
  readonly config: Config;
  readonly log: Logger;
  readonly progress: Progress;
  readonly closers: (() => Promise<unknown>)[];
}

/** What is there only later, or changes: read where it is needed. */
interface Now {
  readonly directory: () => Directory;
  readonly controller: () => Controller;
}

async function open(opening: Opening, onLost: (error: Error) => void, close: () => Promise<void>): Promise<House> {
  const { config, log, progress, closers } = opening;
  mkdirSync(config.dataDir, { recursive: true, mode: 0o755 });
  const database = await openDatabase(opening);
  const { pool } = database;
  progress('centre');
  const access = config.domain === 'demo' ? await demoCentre(config, pool) : await newCentre(config, pool);
  const readDirectory = async (): Promise<Directory> => withOutgoingNumber(await loadDirectory(pool, config.domain), config);
  let directory = await readDirectory();
  const now: Now = { directory: () => directory, controller: () => controller };

  const voices = await openVoices(opening, pool, now);
  const { scenarios, services } = voices;
  progress('browser code');
  const staticDir = join(config.dataDir, 'web');
  await buildWeb({ outDir: staticDir, log });

  const { phoneSwitch, version: switchVersion } = await openSwitch(opening);
  const phones = new AgentPhones(pool, config.domain, phoneSwitch);
  const linkSecret = secret(config, 'callback-links');
  const context = (): FloorContext => ({
    directory,
    policy: config.floor,
    ...scenarios.context(directory),
    readCallingNumber,
    tokenOf: (contactId) => createHmac('sha256', linkSecret).update(contactId).digest('base64url').slice(0, 32),
    speech: config.speech !== null,
  });
  progress(config.telephony.ari ? `floor, and the switch at ${config.telephony.ari.url}` : 'floor');
  const recordings = new PgRecordingStore(pool);
  const controller = new Controller({
    domainId: config.domain,
    owner: `${hostname()}:${secret(config, 'instance')}`,
    store: scenarios.storeOf(new PgFloorStore(pool)),
    switch: phoneSwitch,
    finder: new PgPartyFinder(pool),
    prompts: voices.prompts,
    services: services.floor,
    recordings,
    context,
    clock: { now: Date.now },
    leaseTtlMs: config.leaseTtlMs,
    legLeaseMs: config.legLeaseMs,
    log,
    onReachable: (endpoint, isReachable) => phones.changed(endpoint, isReachable),
    onLost,
  });
  closers.push(() => controller.stop());
  phones.onChanged(tellFloor(config.domain, now, log));
  await controller.start();
  services.start();
  await controller.submit({ type: 'directoryChanged' }); // it may have changed while nobody was there
  await phones.provision();
  await phones.look();

  const refresh = async (): Promise<void> => {
    directory = await readDirectory();
    await phones.provision();
    await controller.submit({ type: 'directoryChanged' });
    await scenarios.reload(); // a desk or a scenario that they name may be gone
  };
  await followDirectory(opening, database.url, refresh);
  const jobs = houseJobs(pool, () => controller.renewLegs(), config.recordingsKeptDays);
  const clock = await startClock(jobs, pool, log);
  closers.push(() => clock.stop());
  const notices: NoticeParts = {
    pool,
    domainId: config.domain,
    directory: () => directory,
    rulesOf: (deskId) => context().rulesOf(deskId),
    countries: config.callMe.policy.countries,
    scenarios: () => tellersOf(scenarios.state.release.set),
    now: Date.now,
    log,
  };
  const feeder = feedNotices(notices, controller);
  closers.push(async () => feeder.stop());

  progress('web');
  const web = await startWeb({
    backend: backendFor(config, {
      pool,
      directory: () => directory,
      context,
      controller,
      phoneSwitch,
      phones,
      recordings,
      scenarios,
      services,
    }),
    host: config.http.host,
    port: config.http.port,
    publicUrl: config.http.publicUrl ?? undefined,
    log,
    staticDir,
    notices: noticeDesk(notices, () => feeder.changed()),
    answers: answersFor(pool, config.domain, () => directory, Date.now),
    reports: reportDesk({ ...database.reports, domainId: config.domain, directory: () => directory }),
    scenarios: scenarioDesk({
      state: () => scenarios.state,
      contacts: () => controller.floor.contacts.values(),
      counts: (from, until) => stepCounts(pool, config.domain, from, until),
      directory: () => directory,
      now: Date.now,
      log,
    }),
    callMe: callMeFor(config, directory),
    sipWebSocketUrls: [config.telephony.sipWebSocketUrl],
    metricsPublic: config.http.metricsPublic,
  });
  closers.push(() => web.close());
  leaveNote(opening, { url: web.url, databaseUrl: database.url });
  return { url: web.url, directory, access, switchVersion, reload: () => scenarios.reload(), stop: close };
}

async function openDatabase({ config, log, progress, closers }: Opening) {
  progress('database');
  const plainLog = plain(log);
  const postgres = config.database.url
    ? null
    : await startPostgres({ dataDir: join(config.dataDir, 'postgres'), port: config.database.port, log: plainLog });
  if (postgres) closers.push(() => postgres.stop());
  const url = config.database.url ?? (postgres as NonNullable<typeof postgres>).url;
  await migrate(url, plainLog);
  const pool = createPool(url, { log: plainLog });
  closers.push(() => pool.end());
  await ensureEventPartitions(pool);
  // Reports may take longer, and two at a time at most: calls come first.
  const reports = readReports();
  const reportPool = createPool(url, { log: plainLog, name: 'madoguchi reports', max: 2, statementTimeoutMs: 20_000 });
  closers.push(() => reportPool.end());
  await checkReports(reportPool, reports);
  return { url, pool, reports: { pool: reportPool, reports } };
}

/** What is said, by whom it is said, and what is asked outside meanwhile. */
async function openVoices({ config, log, progress, closers }: Opening, pool: Pool, now: Now) {
  progress('voice prompts');
  const prompts = await PromptFiles.open({
    cacheDir: join(config.dataDir, 'prompts'),
    recordingsDir: join(config.scenariosDir, 'prompts'),
    voices: await findVoices(process.env['PATH'] ?? '', config.voices),
    log,
  });
  closers.push(() => prompts.stop());
  const scenarios = await openScenarios(
    {
      folder: config.scenariosDir,
      domainId: config.domain,
      db: pool,
      directory: now.directory,
      house: config.deskRules,
      prompts,
      contacts: () => now.controller().floor.contacts.values(),
      logicChanged: () => now.controller().submit({ type: 'directoryChanged' }),
      now: Date.now,
      log,
    },
    (what) => progress(`voice prompts ${what}`),
  );
  closers.push(() => scenarios.close());
  const services = scenarioServices({
    db: pool,
    domainId: config.domain,
    services: () => scenarios.services,
    servicesOf: (version) => scenarios.servicesOf(version),
    speech: config.speech,
    env: process.env,
    log,
  });
  closers.push(() => services.stop());
  return { prompts, scenarios, services };
}

/** Our own Asterisk, or the one that the settings name. */
async function openSwitch({ config, log, progress, closers }: Opening) {
  progress('switch');
  const telephony = config.telephony;
  const ariPassword = telephony.ari?.password ?? secret(config, 'ari-password');
  const loopbackMedia = (telephony.mediaAddress ?? telephony.sipHost).startsWith('127.');
  const asterisk = telephony.ari ? null : await ownAsterisk(config, ariPassword, log, progress);
  if (asterisk) closers.push(() => asterisk.stop());
  const ariOptions = {
    url: telephony.ari?.url ?? (asterisk as NonNullable<typeof asterisk>).ariUrl,
    user: telephony.ari?.user ?? APP,
    password: ariPassword,
    app: APP,
    onTrouble: (what: string, error: unknown) => log.warn({ err: error }, what),
  };
  const phoneSwitch = new AsteriskSwitch({
    ari: telephony.transport === 'ws' ? new AriWebSocket(ariOptions) : new AriClientTransport(ariOptions),
    appName: APP,
    trunk: telephony.trunks[0]?.name ?? null,
    loopbackMedia,
    log,
  });
  return { phoneSwitch, version: asterisk?.version ?? telephony.ari?.url ?? '' };
}

/** Tells the floor of an agent's phone that can be rung, or no longer. */
function tellFloor(domainId: DomainId, now: Now, log: Logger) {
  return (endpoint: string, reachable: boolean): void => {
    for (const { id: agentId, deskPhone } of now.directory().agents.values()) {
      const phone = endpoint === deskPhone ? 'deskPhone' : endpoint === browserEndpoint(domainId, agentId) ? 'browser' : null;
      if (phone === null) continue;
      now
        .controller()
        .submit({ type: 'phoneReachable', agentId, phone, reachable })
        .catch((error: unknown) => log.warn({ err: error, agentId }, 'the floor could not be told of a phone'));
    }
  };
}

/** Has everything read anew whenever the directory changes in the database. */
async function followDirectory({ config, log, closers }: Opening, databaseUrl: string, refresh: () => Promise<void>): Promise<void> {
  const changed = (): void =>
    void refresh().catch((error: unknown) => log.error({ err: error }, 'the changed directory could not be read'));
  closers.push(await onDirectoryChanged(databaseUrl, config.domain, changed, plain(log)));
}

/** The opened parts, as panels and visitors are served by them. */
interface Parts {
  readonly pool: Pool;
  readonly directory: () => Directory;
  readonly context: () => FloorContext;
  readonly controller: Controller;
  readonly phoneSwitch: AsteriskSwitch;
  readonly phones: AgentPhones;
  readonly recordings: PgRecordingStore;
  readonly scenarios: Awaited<ReturnType<typeof openVoices>>['scenarios'];
  readonly services: Awaited<ReturnType<typeof openVoices>>['services'];
}

function backendFor({ domain: domainId, telephony }: Config, parts: Parts): WebBackend {
  const { pool, directory, context, controller, phoneSwitch, phones, recordings, scenarios, services } = parts;
  const registry = floorMetrics(controller, directory);
  for (const metric of [...services.metrics, ...scenarioMetrics(() => scenarios.state)]) registry.registerMetric(metric);
  return createBackend({
    controller,
    directory,
    rulesOf: (deskId) => context().rulesOf(deskId),
    clock: Date.now,
    sip: {
      webSocketUrl: telephony.sipWebSocketUrl,
      domain: telephony.sipHost,
      password: (agentId) => phones.browserPassword(agentId),
    },
    isReachable: (endpoint) => phones.isReachable(endpoint),
    onReachable: (listener) => phones.onChanged(listener),
    async logIn(userName, password) {
      const person = await authenticate(pool, userName, password);
      if (!person || person.domainId !== domainId) return null;
      const expiresAt = Date.now() + SESSION_MS;
      const session = await createSession(pool, person, Date.now(), expiresAt);
      return { principal: person, session, expiresAt };
    },
    async principalOf(session) {
      const person = await findSession(pool, session, Date.now());
      return person?.domainId === domainId ? person : null;
    },
    logOut: (session) => deleteSession(pool, session),
    customerView: async (contact, agentId) => {
      const record = contact.party.record;
      const profile = directory().agents.get(agentId);
      if (!record || !profile) return null;
      return customerView(pool, {
        domainId,
        customerId: record.customerId,
        organisationId: record.organisationId,
        kind: contact.party.kind,
        visibleDesks: new Set([...visibleDesks(directory(), profile.organisationId), ...profile.deskIds]),
        exceptContactId: contact.id,
      });
    },
    decideDesk: (facts, at) => context().decideDesk(facts, at),
    contactOfToken: (token) => contactOfToken(pool, domainId, token),
    storedMessage: (contactId) => messageOfContact(pool, domainId, contactId),
    recording: async (id) => (await recordings.read(domainId, id))?.wav ?? null,
    contactEvents: async (contactId) => {
      const found = await deskOfContact(pool, domainId, contactId);
      return found && { deskId: found.deskId, events: (await contactEvents(pool, domainId, contactId)).map((event) => ({ ...event })) };
    },
    forcedChanges: (desks) => forcedChanges(pool, domainId, desks),
    parts: () => ({ floor: controller.trouble ?? 'ok', switch: phoneSwitch.connected ? 'ok' : 'not connected' }),
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  });
}

function callMeFor({ callMe, domain }: Config, { entries }: Directory): CallMeOptions {
  return {
    origins: callMe.origins,
    policy: { ...callMe.policy, ownNumbers: entries.flatMap((e) => e.numbers).filter((n) => n.startsWith('+')) },
    demo: domain === 'demo' ? entries.map((e) => ({ id: e.id, language: e.language, country: e.country, number: e.numbers[0] ?? '' })) : [],
  };
}

/** For tools on this machine, as long as the house runs. */
function leaveNote({ config, closers }: Opening, where: { url: string; databaseUrl: string }): void {
  const note = join(config.dataDir, 'house.json');
  writeFileSync(note, JSON.stringify({ pid: process.pid, ...where, sipPort: config.telephony.sipPort }), { mode: 0o600 });
  closers.push(async () => rmSync(note, { force: true }));
}

const plain =
  (log: Logger): Log =>
  (message, fields = {}) =>
    log.info(fields, message);

/** A secret of this installation, made at the first start. */
function secret(config: Config, name: string, bytes = 24): string {
  const folder = join(config.dataDir, 'secrets');
  const file = join(folder, name);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(bytes).toString('base64url'), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8').trim();
}

/** Loads the demo centre on the first start; its people share one password, made for this installation. */
async function demoCentre(config: Config, pool: Pool): Promise<House['access']> {
  const password = secret(config, 'demo-password', 9);
  await loadDemo(pool, { domainId: 'demo', password });
  return { kind: 'demo', userName: 'tanaka', password };
}

/** A centre that the database does not know is made, as small as it can be. @throws Error when its number is not given */
async function newCentre(config: Config, pool: Pool): Promise<House['access']> {
  const { domain: domainId } = config;
  if (await hasCentre(pool, domainId)) return null;
  const number = config.telephony.outgoingNumber;
  const country = number && parsePhoneNumberFromString(number)?.country;
  if (!number || !country) {
    throw new Error(
      `there is no centre '${domainId}' yet: to make it, set OUTGOING_NUMBER to the number that leads to it, as +81312345678`,
    );
  }
  const password = secret(config, 'administrator-password', 9);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  await createCentre(pool, { domainId, number, country, language: country === 'JP' ? 'ja' : 'en', timeZone, password });
  return { kind: 'newCentre', userName: administratorOf(domainId), password };
}

const withOutgoingNumber = (directory: Directory, config: Config): Directory =>
  config.telephony.outgoingNumber ? { ...directory, outgoingNumber: config.telephony.outgoingNumber } : directory;

async function ownAsterisk(config: Config, ariPassword: string, log: Logger, progress: Progress): ReturnType<typeof startAsterisk> {
  const prefix = process.env['ASTERISK_PREFIX'] ?? defaultPrefix();
  try {
    readPrefix(prefix);
  } catch (error) {
    if (!(error instanceof AsteriskMissingError)) throw error;
    progress('Asterisk (the first time it is fetched from Debian, some 110 MB)');
    await installAsterisk(prefix);
  }
  const { sipHost, sipPort, httpPort, rtpPorts, trunks, trunkDtmf, mediaAddress } = config.telephony;
  return startAsterisk({
    runDir: join(config.dataDir, 'switch'),
    prefix,
    sipHost,
    sipPort,
    httpPort,
    rtpPorts,
    trunks,
    trunkDtmf,
    ...(mediaAddress ? { mediaAddress } : {}),
    ariUser: APP,
    ariPassword,
    appName: APP,
    leaseMs: config.legLeaseMs,
    log,
  });
}

/** Runs the installer; what it says goes to the terminal. @throws Error with what it said last */
function installAsterisk(prefix: string): Promise<void> {
  const script = join(import.meta.dirname, '../scripts/install-asterisk.sh');
  return new Promise((resolve, reject) => {
    const child = spawn(script, [prefix], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0
        ? resolve()
        : reject(
            new Error(
              'Asterisk could not be installed (see above). One that runs already can be used: ARI_URL=http://user:password@host:8088',
            ),
          ),
    );
  });
}

/** The house's log: JSON lines, callers' data left out. */
export function createLog(level: string, destination: DestinationStream): Logger {
  const redact = ['*.number', '*.callingNumber', '*.calledNumber', '*.e164', '*.digits', '*.password', '*.prompts', 'err.cause.body'];
  return pino({ level, redact, serializers: { err: plainError } }, destination);
}

/** An error as far as it may be logged: not the connections, requests and answers that libraries hang on to it. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === 'string' ? { code } : {}),
    ...(cause === undefined ? {} : { cause: plainError(cause) }),
  };
}
