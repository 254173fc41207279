/** A folder of scenarios that a test writes to, and nodes of one centre that go by it: real files, a real Postgres, a switch in memory. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Contact } from '#src/contact/model.ts';
import type { Prompt } from '#src/ivr/scenario.ts';
import { DEFAULT_DESK_RULES } from '#src/routing/desk-rules.ts';
import type { Directory } from '#src/routing/directory.ts';
import { openScenarios, type Scenarios, type ScenariosOptions } from '#src/scenarios.ts';
import { Centre, type Node } from '../contact/centre.ts';
import { DIRECTORY } from '../contact/world.ts';

const SHIPPED = new URL('../../scenarios/', import.meta.url);

/** Greets everybody with a menu; `words` is what the menu says. */
export const menu = (words: string, more = ''): string => `name: identify
callers: everybody
languages: [ja, en]
start: greet
steps:
  greet:
    menu:
      prompt: { ja: "${words}", en: "${words}" }
      choices: { '1': news, '2': toSales }
      firstDigit: 60s
    failed: toSales
  news:
    say: { ja: "${words} news", en: "${words} news" }
    next: greet
  toSales: { route: sales }
${more}`;

const LOGIC = `timeZone: Asia/Tokyo
rules:
  - { name: everybody, to: reception }
`;

/** One life of a house's node: its controller, and its own look at the folder. */
export interface Life {
  readonly node: Node;
  readonly scenarios: Scenarios;
  /** What is played on a leg at the moment, in words. */
  hears(leg: string): string[];
  /** As SIGKILL. */
  kill(): Promise<void>;
}

export class ScenarioStage {
  readonly folder = mkdtempSync(join(tmpdir(), 'madoguchi-scenarios-'));
  readonly centre: Centre;
  directory: Directory = DIRECTORY;
  /** Prompts that were made ready, in order. */
  readonly ready: string[] = [];
  /** Called before prompts are made ready; may wait. */
  beforeReady: () => Promise<void> = async () => undefined;
  readonly logged: { readonly msg: string; readonly problems?: string[] }[] = [];
  readonly #open: Scenarios[] = [];

  private constructor(centre: Centre) {
    this.centre = centre;
    for (const name of ['prompts.yaml']) this.write(name, readFileSync(new URL(name, SHIPPED), 'utf8'));
    this.write('control-logic.yaml', LOGIC);
    this.write('identify.yaml', menu('one'));
  }

  static async open(): Promise<ScenarioStage> {
    return new ScenarioStage(await Centre.open());
  }

  /** As a good editor does: all at once. */
  write(name: string, text: string): void {
    writeFileSync(join(this.folder, `.${name}.draft`), text);
    renameSync(join(this.folder, `.${name}.draft`), join(this.folder, name));
  }

  async scenarios(options: Partial<ScenariosOptions> = {}): Promise<Scenarios> {
    const log = pino({ level: 'debug' }, { write: (line: string) => void this.logged.push(JSON.parse(line)) });
    const scenarios = await openScenarios({
      folder: this.folder,
      domainId: 'test',
      db: this.centre.pool,
      directory: () => this.directory,
      house: DEFAULT_DESK_RULES,
      prompts: {
        renderAll: async (prompts) => {
          await this.beforeReady();
          this.ready.push(...prompts.map(({ text }) => text));
          return { recorded: 0, rendered: prompts.length, toRender: 0, tones: 0 };
        },
      },
      contacts: () => [],
      logicChanged: async () => undefined,
      now: Date.now,
      log,
      lookEveryMs: 20,
      ...options,
    });
    this.#open.push(scenarios);
    return scenarios;
  }

  /** A node that owns the centre, and takes its calls. */
  async live({ beforeStart = async () => undefined }: { beforeStart?: (scenarios: Scenarios) => Promise<void> } = {}): Promise<Life> {
    const { centre } = this;
    const owner = 'node';
    const contacts: { of: () => Iterable<Contact> } = { of: () => [] };
    const scenarios = await this.scenarios({
      contacts: () => contacts.of(),
      logicChanged: () => node.controller.submit({ type: 'directoryChanged' }),
    });
    const node: Node = centre.node(owner, {
      store: scenarios.storeOf(centre.node(owner).store),
      context: () => ({ ...centre.context, directory: this.directory, ...scenarios.context(this.directory) }),
      prompts: { media: async (prompts: readonly Prompt[]) => prompts.map(({ text }) => `/${text}`) },
    });
    contacts.of = () => node.controller.floor.contacts.values();
    await beforeStart(scenarios);
    await node.controller.start();
    return {
      node,
      scenarios,
      hears: (leg) => (centre.switch.see(leg)?.plays ?? []).flatMap(({ media }) => media.map((file) => file.slice(1))),
      kill: async () => {
        await node.kill();
        await scenarios.close();
      },
    };
  }

  async close(): Promise<void> {
    for (const scenarios of this.#open) await scenarios.close();
    await this.centre.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
