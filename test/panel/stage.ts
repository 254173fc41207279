/** What the browser tests stand on: the built browser code, the real web edge, a house in memory, a real Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { DEFAULT_CALL_ME_POLICY } from '../../src/channels/call-me.ts';
import { buildWeb } from '../../src/web/build.ts';
import { type RunningWeb, startWeb, type WebOptions } from '../../src/web/server.ts';
import { launchChromium } from '../support/chromium.ts';
import { createFakeBackend, FAKE_PASSWORD, type FakeBackend } from '../support/fake-backend.ts';

export { FAKE_PASSWORD };

export interface Stage {
  readonly browser: Browser;
  readonly staticDir: string;
  /** A house with its web edge; each test has its own. */
  open(options?: { readonly backend?: FakeBackend; readonly port?: number; readonly change?: Partial<WebOptions> }): Promise<House>;
  close(): Promise<void>;
}

export interface House {
  readonly backend: FakeBackend;
  readonly web: RunningWeb;
  /** A browser of its own, as another person at another computer. */
  visitor(options?: BrowserContextOptions): Promise<{ readonly context: BrowserContext; readonly page: Page }>;
  /** The panel of this agent, logged in. */
  panel(userName: string, options?: BrowserContextOptions & { readonly path?: string }): Promise<Page>;
  close(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const staticDir = await mkdtemp(join(tmpdir(), 'madoguchi-browser-'));
  await buildWeb({ outDir: staticDir, log: { info: () => undefined } });
  const browser = await launchChromium();

  return {
    browser,
    staticDir,
    async open({ backend = createFakeBackend(), port = 0, change = {} } = {}) {
      const web = await startWeb({
        backend,
        host: '127.0.0.1',
        port,
        log: pino({ level: 'silent' }),
        staticDir,
        callMe: {
          origins: [],
          policy: { ...DEFAULT_CALL_ME_POLICY, countries: ['JP', 'GB'] },
          demo: [
            { id: '1000', language: 'ja', country: 'JP', number: '1000' },
            { id: '2000', language: 'en', country: 'GB', number: '2000' },
          ],
        },
        ...change,
      });
      const contexts: BrowserContext[] = [];
      const visitor: House['visitor'] = async (options = {}) => {
        const context = await browser.newContext({
          viewport: { width: 1280, height: 720 },
          locale: 'en-GB',
          timezoneId: 'Asia/Tokyo',
          ...options,
        });
        context.setDefaultTimeout(8_000);
        contexts.push(context);
        return { context, page: await context.newPage() };
      };
      return {
        backend,
        web,
        visitor,
        async panel(userName, { path = '/panel', ...options } = {}) {
          const { page } = await visitor(options);
          await page.goto(`${web.url}${path}`);
          await logIn(page, userName);
          return page;
        },
        async close() {
          for (const context of contexts) await context.close();
          await web.close();
        },
      };
    },
    async close() {
      await browser.close();
      await rm(staticDir, { recursive: true });
    },
  };
}

export async function logIn(page: Page, userName: string, password = FAKE_PASSWORD): Promise<void> {
  await page.fill('input[name=username]', userName);
  await page.fill('input[name=password]', password);
  await page.keyboard.press('Enter');
}

/** Starts the shift with the phone in this browser, and gets ready. */
export async function getReady(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start my shift' }).click();
  await page.getByRole('heading', { name: 'You get no contacts just now' }).waitFor();
  await page.keyboard.press('r');
  await page.getByRole('heading', { name: 'You are ready' }).waitFor();
}

/** Waits until something is so; fails with what it was about. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 8_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
