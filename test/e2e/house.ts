/**
 * The whole house as a user starts it: `src/main.ts` as a process of its own with a folder and ports of its own, the outside
 * world beside it, agents in a real Chromium. Nothing is stood in for.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { parseDocument } from 'yaml';
import { launchChromium } from '#test/support/chromium.ts';
import { FarSide, type ScriptedParty } from '#test/support/far-side.ts';
import { freePort, freeRtpPorts } from '#test/support/ports.ts';
import { toneFile } from './voice.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface EventRow {
  readonly name: string;
  readonly cause: string | null;
  readonly contactId: string | null;
  readonly customerId: string | null;
  readonly deskId: string | null;
  readonly agentId: string | null;
  readonly at: Date;
  readonly data: Record<string, unknown>;
}

export class TestHouse {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly url: string;
  readonly sipPort: number;
  readonly carrierPort: number;
  #child: ChildProcess | null = null;
  #output = '';
  #db: pg.Pool | null = null;

  private constructor(dataDir: string, env: Record<string, string>) {
    this.dataDir = dataDir;
    this.env = env;
    this.url = `http://127.0.0.1:${env['HTTP_PORT']}`;
    this.sipPort = Number(env['SIP_PORT']);
    this.carrierPort = Number(env['TRUSTED_TRUNKS']?.split(':')[1]);
  }

  static async start(settings: Record<string, string> = {}): Promise<TestHouse> {
    const rtp = await freeRtpPorts(200);
    const ports = new Set<number>();
    while (ports.size < 5) ports.add(await freePort());
    const [http, sip, ari, postgres, carrier] = [...ports].map(String) as [string, string, string, string, string];
    const dataDir = mkdtempSync(join(tmpdir(), 'mg-'));
    const house = new TestHouse(dataDir, {
      DATA_DIR: dataDir,
      HTTP_PORT: http,
      SIP_PORT: sip,
      ASTERISK_HTTP_PORT: ari,
      POSTGRES_PORT: postgres,
      RTP_PORTS: `${rtp.first}-${rtp.last}`,
      TRUSTED_TRUNKS: `carrier=127.0.0.2:${carrier}`,
      LOG_LEVEL: 'debug',
      ...settings,
    });
    await house.run();
    return house;
  }

  /** Starts the process (again); resolves when it is ready. */
  async run(): Promise<void> {
    this.#output = '';
    const child = spawn(process.execPath, [join(ROOT, 'src/main.ts')], {
      cwd: ROOT,
      env: { ...process.env, ...this.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    const ended = new Promise<never>((_, reject) =>
      child.once('exit', (code) => reject(new Error(`it ended with ${code}:\n${this.#output}`))),
    );
    ended.catch(() => undefined);
    await Promise.race([ended, until('the house is open', async () => /is open/.test(this.#output) && (await this.isReady()), 120_000)]);
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.url}/readyz`).then(
      (r) => r.ok,
      () => false,
    );
  }

  get output(): string {
    return this.#output;
  }

  get demoPassword(): string {
    return readFileSync(join(this.dataDir, 'secrets/demo-password'), 'utf8').trim();
  }

  get log(): string {
    const file = join(this.dataDir, 'madoguchi.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  get db(): pg.Pool {
    if (!this.#db) {
      const note = JSON.parse(readFileSync(join(this.dataDir, 'house.json'), 'utf8')) as { databaseUrl: string };
      this.#db = new pg.Pool({ connectionString: note.databaseUrl, max: 2 });
      this.#db.on('error', () => undefined); // closed with the house
    }
    return this.#db;
  }

  /** The controller is gone, as by a power cut: no goodbye to anybody. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    this.#child = null;
    await this.#db?.end(); // its Postgres may get another address
    this.#db = null;
  }

  /** As Ctrl-C does. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    await this.#db?.end();
    this.#db = null;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    const code = await Promise.race([gone, sleep(20_000).then(() => 'late' as const)]);
    this.#child = null;
    if (code === 'late') {
      child.kill('SIGKILL');
      throw new Error(`it did not close:\n${this.#output}`);
    }
    return code;
  }

  async remove(): Promise<void> {
    await this.stop();
    if (process.env['KEEP']) return;
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** The outside world of this house. */
  farSide(): Promise<FarSide> {
    return FarSide.start({ sutSip: { host: '127.0.0.1', port: this.sipPort }, carrier: { port: this.carrierPort } });
  }

  async events(contactId?: string): Promise<EventRow[]> {
    const { rows } = await this.db.query<EventRow>(
      `select name, cause, contact_id as "contactId", customer_id as "customerId", desk_id as "deskId", agent_id as "agentId", at, data
       from event where $1::text is null or contact_id = $1 order by seq, n`,
      [contactId ?? null],
    );
    return rows;
  }

  /** Names (and causes) of a contact's events, in order. */
  async story(contactId: string): Promise<string[]> {
    return (await this.events(contactId)).map((e) => (e.cause ? `${e.name}(${e.cause})` : e.name));
  }

  async newestContact(): Promise<string | null> {
    const { rows } = await this.db.query<{ id: string }>(`select id from contact order by arrived_at desc, id desc limit 1`);
    return rows[0]?.id ?? null;
  }

  /** What somebody does who wants something, and the contact that comes of it. */
  async arrival<T>(make: () => Promise<T>): Promise<{ made: T; id: string }> {
    const before = await this.newestContact();
    const made = await make();
    const id = await until('it is a contact', async () => {
      const newest = await this.newestContact();
      return newest !== before && newest;
    });
    return { made, id };
  }

  /** The contact that was made of another one. */
  continuationOf(contactId: string): Promise<string> {
    return until(`${contactId} is continued`, async () => {
      const { rows } = await this.db.query<{ id: string }>('select id from contact where continues_id = $1', [contactId]);
      return rows[0]?.id;
    });
  }

  async agent(id: string): Promise<{ state: string; reason: string | null }> {
    const { rows } = await this.db.query(`select state, doc ->> 'reason' as reason from agent_state where agent_id = $1`, [id]);
    return rows[0] ?? { state: 'loggedOff', reason: null };
  }

  /** Who has what on the screen or in the ear. */
  async liveOffers(): Promise<unknown[]> {
    const { rows } = await this.db.query(`select id, contact_id, agent_id, state, leg_id from offer where state <> 'ended' order by id`);
    return rows;
  }

  /** An agent's desk phone, registered. */
  async deskPhone(far: FarSide, agentId: string): ReturnType<FarSide['registerPhone']> {
    const { rows } = await this.db.query(`select desk_phone as "user", desk_phone_secret as password from app_user where id = $1`, [
      agentId,
    ]);
    return far.registerPhone(rows[0]);
  }

  /** Whoever is on shift logs off by a panel of their own, so that the next test begins with an empty floor. */
  async logEverybodyOff(): Promise<void> {
    const { rows } = await this.db.query<{ id: string }>(`select agent_id as id from agent_state where state <> 'loggedOff'`);
    for (const { id } of rows) await panelRequest(this.url, id, this.demoPassword, { type: 'logOff' });
    await until(
      'everybody is logged off',
      async () => (await this.db.query(`select from agent_state where state <> 'loggedOff'`)).rowCount === 0,
      30_000,
    );
  }

  /** The newest contact, as soon as it is `state`. */
  contactIn(state: string, after: string | null = null): Promise<string> {
    return until(`there is a contact ${state}`, async () => {
      const { rows } = await this.db.query<{ id: string }>(
        `select id from contact where state = $1 and ($2::text is null or arrived_at > (select arrived_at from contact where id = $2))
         order by arrived_at desc limit 1`,
        [state, after],
      );
      return rows[0]?.id;
    });
  }

  async contact(id: string): Promise<{
    state: string;
    cause: string | null;
    deskId: string | null;
    agentId: string | null;
    customerId: string | null;
    disposition: string | null;
    note: string | null;
  }> {
    const { rows } = await this.db.query(
      `select state, cause, desk_id as "deskId", agent_id as "agentId", customer_id as "customerId", disposition, note from contact where id = $1`,
      [id],
    );
    if (!rows[0]) throw new Error(`no contact ${id}`);
    return rows[0];
  }

  waitForState(id: string, state: string, timeoutMs = 15_000): Promise<true> {
    return until(`${id} is ${state}`, async () => (await this.contact(id)).state === state, timeoutMs);
  }

  waitForEvent(contactId: string, name: string, timeoutMs = 15_000): Promise<EventRow> {
    return until(
      `${contactId} has the event ${name}`,
      async () => (await this.events(contactId)).find((e) => e.name === name || `${e.name}(${e.cause})` === name),
      timeoutMs,
    );
  }
}

/** Computers of agents and visitors: one Chromium, a context each. */
export class Office {
  readonly house: TestHouse;
  readonly #browser: Browser;
  readonly #seats: Seat[] = [];
  private constructor(house: TestHouse, browser: Browser) {
    this.house = house;
    this.#browser = browser;
  }

  /** @param voice a WAV file that the microphones hear, over and over; else Chromium's beeps */
  static async open(house: TestHouse, voice?: string): Promise<Office> {
    const browser = await launchChromium(voice);
    return new Office(house, browser);
  }

  /** Logged in to the panel; the shift has not begun. */
  async seat(userName: string): Promise<Seat> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 720 }, locale: 'en-GB', timezoneId: 'Asia/Tokyo' });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(`${this.house.url}/panel`);
    await page.fill('input[name=username]', userName);
    await page.fill('input[name=password]', this.house.demoPassword);
    await page.keyboard.press('Enter');
    const seat = new Seat(userName, context, page, faults);
    this.#seats.push(seat);
    return seat;
  }

  /** On shift with the browser as phone, and ready. */
  async ready(userName: string, phone: 'browser' | 'deskPhone' = 'browser'): Promise<Seat> {
    const seat = await this.seat(userName);
    await seat.startShift(phone);
    await seat.setReady();
    return seat;
  }

  /** Somebody's browser, not logged in. */
  async visitor(path: string): Promise<Page> {
    const context = await this.#browser.newContext({ locale: 'en-GB' });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    await page.goto(`${this.house.url}${path}`);
    return page;
  }

  /** Everybody leaves; nothing may have gone wrong in anybody's panel. */
  async empty(): Promise<void> {
    const seats = this.#seats.splice(0);
    for (const context of this.#browser.contexts()) await context.close();
    expect(seats.flatMap(({ userName, faults }) => faults.map((fault) => `${userName}: ${fault}`))).toEqual([]);
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

export interface SceneOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** Rules of desks, in place of those in the shipped control logic. */
  readonly desks?: Readonly<Record<string, unknown>>;
  /** Files among the shipped scenarios, or in place of them. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Whatever the hour at which the tests run. */
export const CALLBACKS_AT_ANY_HOUR = { callbacks: { hours: '00:00-24:00' } };

/** The house, the world outside, and an office where every microphone hears `AGENT_HZ`. */
export class Scene {
  static readonly AGENT_HZ = 700;
  readonly house: TestHouse;
  readonly far: FarSide;
  readonly office: Office;
  /** The house's own copy. */
  readonly scenariosDir: string;
  readonly #calls: ScriptedParty[] = [];

  private constructor(house: TestHouse, far: FarSide, office: Office, scenariosDir: string) {
    this.house = house;
    this.far = far;
    this.office = office;
    this.scenariosDir = scenariosDir;
  }

  static async open({ settings = {}, desks, files = {} }: SceneOptions = {}): Promise<Scene> {
    const scenariosDir = mkdtempSync(join(tmpdir(), 'mg-scenarios-'));
    cpSync(join(ROOT, 'scenarios'), scenariosDir, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(scenariosDir, name), text);
    if (desks !== undefined) {
      const file = join(scenariosDir, 'control-logic.yaml');
      const logic = parseDocument(readFileSync(file, 'utf8'));
      logic.set('desks', desks);
      writeFileSync(file, logic.toString());
    }
    const house = await TestHouse.start({ SCENARIOS_DIR: scenariosDir, ...settings });
    try {
      return new Scene(house, await house.farSide(), await Office.open(house, toneFile(Scene.AGENT_HZ)), scenariosDir);
    } catch (error) {
      await house.remove();
      throw error;
    }
  }

  /** Somebody calls. */
  async call(options: Parameters<FarSide['call']>[0]): Promise<{ party: ScriptedParty; id: string }> {
    const { made, id } = await this.house.arrival(async () => this.#endsWithTest(await this.far.call(options)));
    return { party: made, id };
  }

  /** The phone of this number, as soon as it rings. To be asked for before anybody can call: until then the carrier knows no such number. */
  async phoneRings(number: string, timeoutMs = 30_000): ReturnType<FarSide['nextCall']> {
    return this.#endsWithTest(await this.far.nextCall(number, timeoutMs));
  }

  #endsWithTest<T extends ScriptedParty>(party: T): T {
    this.#calls.push(party);
    return party;
  }

  /** After a test: nobody calls any more, and nobody is on shift. */
  async clear(): Promise<void> {
    for (const call of this.#calls.splice(0)) await call.hangUp();
    await this.office.empty();
    await this.house.logEverybodyOff();
  }

  async close(): Promise<void> {
    await this.office.close();
    await this.far.stop();
    await this.house.remove();
    rmSync(this.scenariosDir, { recursive: true, force: true });
  }
}

export class Seat {
  readonly userName: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** What went wrong in the page's own code. */
  readonly faults: readonly string[];
  constructor(userName: string, context: BrowserContext, page: Page, faults: readonly string[]) {
    this.userName = userName;
    this.context = context;
    this.page = page;
    this.faults = faults;
  }

  async startShift(phone: 'browser' | 'deskPhone' = 'browser'): Promise<void> {
    // Chosen each time: the panel proposes the phone of the last shift.
    await this.page.getByText(phone === 'deskPhone' ? 'My desk phone' : 'This browser').click();
    await this.page.getByRole('button', { name: 'Start my shift' }).click();
    await this.page.getByRole('heading', { name: 'You get no contacts just now' }).waitFor();
  }

  async setReady(): Promise<void> {
    await this.page.keyboard.press('r');
    // Whoever waits already is offered in the same moment.
    const ready = this.page.getByRole('heading', { name: 'You are ready' });
    await ready.or(this.page.getByTestId('contact')).first().waitFor();
  }

  /** The contact on the screen, as soon as it is in this stage. */
  async contactIn(stage: string): Promise<void> {
    await this.page.locator(`[data-testid=contact][data-stage=${stage}]`).waitFor();
  }

  async answer(): Promise<void> {
    await this.contactIn('ringing');
    const button = this.page.getByRole('button', { name: 'Answer' });
    await until('the phone in the browser rings', () => button.isEnabled());
    await button.click();
  }

  async talk(): Promise<void> {
    await this.answer();
    await this.contactIn('connected');
  }

  async finish(disposition: string | null = null, note = ''): Promise<void> {
    await this.contactIn('wrapUp');
    if (disposition) await this.page.locator('form[data-wrap-up] select').selectOption(disposition);
    if (note) await this.page.locator('form[data-wrap-up] textarea').fill(note);
    await this.page.getByRole('button', { name: 'Finish' }).click();
  }

  /**
   * What this agent hears over the next `ms`, at its best: how much of it is at a pitch, and how loud it is (root mean square);
   * both 0 to 1.
   * @param from the call; or the element that plays something else
   */
  hears(hz: number, ms = 1_500, from = '#remote-audio'): Promise<{ share: number; loudness: number }> {
    return this.page.evaluate(
      async ([pitch, duration, selector]) => {
        const audio = document.querySelector<HTMLAudioElement>(selector);
        if (!audio) throw new Error(`nothing is heard: there is no ${selector}`);
        const stream = audio.srcObject;
        if (!audio.src && !(stream instanceof MediaStream)) throw new Error('nothing is heard: there is no remote stream');
        const context = new AudioContext();
        await context.resume();
        const analyser = context.createAnalyser();
        analyser.fftSize = 8_192;
        analyser.smoothingTimeConstant = 0;
        const source = stream instanceof MediaStream ? context.createMediaStreamSource(stream) : context.createMediaElementSource(audio);
        source.connect(analyser);
        if (!(stream instanceof MediaStream)) source.connect(context.destination);
        const bins = new Float32Array(analyser.frequencyBinCount);
        const samples = new Float32Array(analyser.fftSize);
        const binHz = context.sampleRate / analyser.fftSize;
        let [share, loudness] = [0, 0];
        const end = performance.now() + duration;
        while (performance.now() < end) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          analyser.getFloatFrequencyData(bins);
          let [all, near] = [0, 0];
          bins.forEach((db, i) => {
            const power = Number.isFinite(db) ? 10 ** (db / 10) : 0;
            all += power;
            if (Math.abs(i * binHz - pitch) <= 30) near += power;
          });
          if (all > 1e-9) share = Math.max(share, near / all);
          analyser.getFloatTimeDomainData(samples);
          loudness = Math.max(loudness, Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length));
        }
        await context.close();
        return { share, loudness };
      },
      [hz, ms, from] as const,
    );
  }

  async hearsTone(hz: number, ms?: number): Promise<number> {
    return (await this.hears(hz, ms)).share;
  }

  /** The browser has a line: whatever comes over it is heard. */
  async hasLine(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector<HTMLAudioElement>('#remote-audio')?.srcObject instanceof MediaStream);
  }

  /** Browser gone, as by a crash: no page code runs any more. */
  async crash(): Promise<void> {
    const session = await this.context.newCDPSession(this.page);
    await Promise.race([session.send('Page.crash').catch(() => undefined), sleep(1_000)]);
  }
}

/** One request of an agent's, by the protocol that the panel speaks. */
export async function panelRequest(url: string, userName: string, password: string, request: { type: string }): Promise<void> {
  const answer = await fetch(`${url}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ userName, password }),
  });
  if (!answer.ok) throw new Error(`log-in of ${userName}: ${answer.status} ${await answer.text()}`);
  const cookie = answer.headers
    .getSetCookie()
    .map((c) => c.split(';')[0])
    .join('; ');
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/panel`, { headers: { cookie, origin: url } });
  await new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => {
      socket.send(JSON.stringify({ id: '1', type: 'hello', holdsCall: false }));
      socket.once('message', () => {
        socket.send(JSON.stringify({ id: '2', ...request }));
        socket.once('message', resolve);
      });
    });
  });
  socket.close();
}

/** Waits until something is so; fails with what it was about. */
export async function until<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await sleep(50);
  }
}
