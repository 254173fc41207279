/** What supervisors may do with scenarios, and how little it costs whoever answers calls. */
import { readdirSync, readFileSync } from 'node:fs';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import type { Contact } from '#src/contact/model.ts';
import type { StepCount } from '#src/db/scenario-counts.ts';
import type { Directory } from '#src/routing/directory.ts';
import { scenarioDesk } from '#src/scenario-desk.ts';
import { readRelease } from '#src/scenario-release.ts';
import type { Principal } from '#src/web/backend.ts';
import type { TalkDraft } from '#src/web/scenario-messages.ts';
import type { ScenarioDesk } from '#src/web/scenarios.ts';
import { DIRECTORY as CENTRE } from '../contact/world.ts';

const folder = new URL('../../scenarios/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'control-logic.yaml');
const release = unwrap(readRelease(Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')])), ''));

const profile = CENTRE.agents.get('dee')!;
const people = (['supervisor', 'administrator', 'agent'] as const).map((role): Principal => ({ agentId: role, name: role, role }));
const [supervisor, administrator, agent] = people as [Principal, Principal, Principal];
const directory: Directory = {
  ...CENTRE,
  organisations: new Map([['maker', { id: 'maker', kind: 'maker', name: 'Maker', sellsFor: [], regions: [] }]]),
  agents: new Map(people.map(({ agentId, role }) => [agentId, { ...profile, id: agentId, role }])),
};

/** 23:59:30 in Tokyo. */
const LATE = Date.parse('2026-11-20T23:59:30+09:00');
let now: number;
let walks: number;
let counted: [from: string, until: string][];
let answer: (from: number) => Promise<readonly StepCount[]>;
let desk: ScenarioDesk;
beforeEach(() => {
  now = LATE;
  walks = 0;
  counted = [];
  answer = async () => [{ scenario: 'reception', step: 'menu', entered: 10, gaveUp: 2 }];
  desk = scenarioDesk({
    state: () => ({ release, since: LATE, tests: new Map(), problems: [], problemsSince: null, preparing: false }),
    contacts: () => {
      walks += 1;
      return [{ state: 'scenario', dialogue: { scenario: 'reception', step: 'menu', version: release.version } } as unknown as Contact];
    },
    counts: (from, until) => {
      counted.push([new Date(from).toISOString(), new Date(until).toISOString()]);
      return answer(from);
    },
    directory: () => directory,
    now: () => now,
    log: pino({ level: 'silent' }),
  });
});

const menu = () =>
  desk
    .list(supervisor)
    .scenarios.find(({ name }) => name === 'reception')
    ?.steps.find(({ name }) => name === 'menu');
const draft: TalkDraft = {
  scenario: 'reception',
  language: 'en',
  from: null,
  at: null,
  party: 'new',
  known: null,
  staffed: true,
  services: 'found',
  speech: false,
};
const refused = (act: () => unknown): string => {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
};

describe('counting', () => {
  it('walks the floor once a second, however many watch', () => {
    for (let i = 0; i < 50; i++) expect(menu()?.now).toBe(1);
    expect(walks).toBe(1);
    now += 1_000;
    menu();
    expect(walks).toBe(2);
  });

  it('asks the database for today once a minute and for days that are over once, and lets nobody wait', async () => {
    expect(desk.list(supervisor).countedAt).toBeNull();
    await expect.poll(() => desk.list(supervisor).countedAt).toBe(LATE);
    expect(menu()).toMatchObject({ today: { entered: 10, gaveUp: 2 }, week: { entered: 70, gaveUp: 14 } });
    // Today as the reception's clock has it, which is in Tokyo.
    expect(counted[0]).toEqual(['2026-11-19T15:00:00.000Z', '2026-11-20T14:59:30.000Z']);
    expect(counted).toHaveLength(7);
    now += 59_000;
    menu();
    expect(counted).toHaveLength(7);
    now += 1_000; // past midnight: yesterday is over now, and the day a week ago is out
    menu();
    await expect.poll(() => desk.list(supervisor).countedAt).toBe(now);
    expect(counted.slice(7)).toEqual([
      ['2026-11-20T15:00:00.000Z', '2026-11-20T15:00:30.000Z'],
      ['2026-11-19T15:00:00.000Z', '2026-11-20T15:00:00.000Z'],
    ]);
  });

  it('goes on with what it has when the database is away, and tries again', async () => {
    answer = async () => Promise.reject(new Error('away'));
    menu();
    await expect.poll(() => counted.length).toBe(1);
    answer = async () => [];
    now += 60_000;
    await expect.poll(() => desk.list(supervisor).countedAt).toBe(now);
  });
});

describe('a talk', () => {
  it('is for supervisors and administrators, and for nobody but who began it', () => {
    const { id } = desk.begin(supervisor, draft);
    expect(refused(() => desk.begin(agent, draft))).toBe('notAllowed');
    expect(refused(() => desk.act(agent, id, { does: 'silence' }))).toBe('notAllowed');
    expect(refused(() => desk.act(administrator, id, { does: 'silence' }))).toBe('noSuchTalk');
    expect(desk.act(supervisor, id, { does: 'hangUp' }).ends).toBe('abandoned');
    expect(refused(() => desk.begin(supervisor, { ...draft, scenario: '__proto__' }))).toBe('noSuchScenario');
  });

  it('goes when its owner begins a fourth, and when nobody has touched it for a quarter of an hour', () => {
    const first = desk.begin(supervisor, draft).id;
    const second = desk.begin(supervisor, draft).id;
    desk.begin(supervisor, draft);
    desk.begin(administrator, draft);
    desk.act(supervisor, first, { does: 'silence' }); // the second is now the one that was left alone longest
    desk.begin(supervisor, draft);
    expect(refused(() => desk.act(supervisor, second, { does: 'silence' }))).toBe('noSuchTalk');
    expect(refused(() => desk.act(supervisor, first, { does: 'silence' }))).toBe('nothing');
    now += 15 * 60_000 + 1;
    expect(refused(() => desk.act(supervisor, first, { does: 'silence' }))).toBe('noSuchTalk');
  });

  it('of somebody who presses keys for ever comes to an end', () => {
    const { id } = desk.begin(supervisor, draft);
    let acts = 0;
    while (desk.act(supervisor, id, { does: 'key', key: '9' }).ends === null) {
      acts += 1;
      expect(acts).toBeLessThan(1_000);
    }
  });

  it('can be begun with every scenario, whatever the caller does', () => {
    for (const { name } of desk.list(supervisor).scenarios) {
      for (const acts of [['1'], ['2', '1'], ['0', '9', '#']]) {
        const { id } = desk.begin(supervisor, { ...draft, scenario: name, services: 'found', speech: true });
        for (const key of acts) desk.act(supervisor, id, { does: 'key', key });
        desk.act(supervisor, id, { does: 'says', words: 'reception' });
        desk.act(supervisor, id, { does: 'records', seconds: 5 });
        desk.act(supervisor, id, { does: 'agent' });
        expect(desk.act(supervisor, id, { does: 'hangUp' }).ends).not.toBeNull();
      }
    }
  });
});
