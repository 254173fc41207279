/** Scenarios that change while calls stand in them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { type Life, menu, ScenarioStage } from './stage.ts';

let stage: ScenarioStage;
beforeEach(async () => {
  stage = await ScenarioStage.open();
});
afterEach(() => stage.close());

/** A call that stands in the menu. */
async function call(life: Life): Promise<string> {
  const leg = stage.centre.switch.arrive({ calledNumber: '1000', callingNumber: '+81312345678' });
  await until(() => life.hears(leg).length > 0);
  return leg;
}

/** Lets the caller press 1, hear the news to its end, and hear the menu again. */
async function news(life: Life, leg: string): Promise<string[]> {
  stage.centre.switch.digits(leg, '1');
  const heard = await until(() => life.hears(leg).find((text) => text.endsWith('news')) && life.hears(leg));
  for (const { play } of stage.centre.switch.see(leg)?.plays ?? []) stage.centre.switch.finishPlay(play);
  // After a restart it is not known whether the menu was still playing: it is heard to its end beside the answer.
  return [
    ...heard.slice(-1),
    ...(await until(() => !life.hears(leg).some((text) => text.endsWith('news')) && life.hears(leg).length > 0 && life.hears(leg))),
  ];
}

const release = (life: Life): string => life.scenarios.state.release.version;
const stored = async (): Promise<{ version: string; used: boolean }[]> =>
  (await stage.centre.pool.query('select version, retired_at is null as used from scenario_release order by first_used_at')).rows;

describe('a text that is changed while a call stands in the menu', () => {
  it('is heard by the next call; this one goes on with the old one to its end', async () => {
    const life = await stage.live();
    const before = await call(life);
    const old = release(life);
    stage.write('identify.yaml', menu('two'));
    await until(() => release(life) !== old);
    const after = await call(life);
    expect(life.hears(after)).toEqual(['two']);
    expect(await news(life, before)).toEqual(['one news', 'one']);
    expect(await news(life, after)).toEqual(['two news', 'two']);
    expect(await stored()).toEqual([
      { version: old, used: false },
      { version: release(life), used: true },
    ]);
  });

  it('is spoken before anybody can be told it, and nobody begins on it before it is', async () => {
    const life = await stage.live();
    let speak = (): void => undefined;
    const begun = new Promise<void>((told) => {
      stage.beforeReady = () => {
        told();
        return new Promise((spoken) => {
          speak = spoken;
        });
      };
    });
    stage.write('identify.yaml', menu('two'));
    await begun;
    expect(life.hears(await call(life))).toEqual(['one']);
    expect(life.scenarios.state.preparing).toBe(true);
    speak();
    await until(() => stage.ready.includes('two'));
    await until(async () => (await stored()).length === 2);
    expect(life.hears(await call(life))).toEqual(['two']);
  });

  it('takes effect after several changes in between, whose callers all keep theirs', async () => {
    const life = await stage.live();
    const legs: string[] = [await call(life)];
    for (const words of ['two', 'three', 'four', 'five']) {
      const old = release(life);
      stage.write('identify.yaml', menu(words));
      await until(() => release(life) !== old);
      legs.push(await call(life));
    }
    const heard: string[] = [];
    for (const leg of legs) heard.push(...(await news(life, leg)));
    expect(heard).toEqual(['one', 'two', 'three', 'four', 'five'].flatMap((words) => [`${words} news`, words]));
  });

  it('that is changed back leads to the release that it was', async () => {
    const life = await stage.live();
    const first = release(life);
    stage.write('identify.yaml', menu('two'));
    await until(() => release(life) !== first);
    stage.write('identify.yaml', menu('one'));
    await until(() => release(life) === first);
    expect((await stored()).map(({ used }) => used)).toEqual([true, false]);
    expect(life.hears(await call(life))).toEqual(['one']);
  });
});

describe('a controller that is killed', () => {
  it('is followed at once by one that is just having new texts spoken; and whoever closes does not wait for them either', async () => {
    const first = await stage.live();
    const leg = await call(first);
    await first.kill();
    const second = await stage.live({
      beforeStart: async (scenarios) => {
        stage.beforeReady = () => new Promise(() => undefined);
        stage.write('identify.yaml', menu('two'));
        await until(() => scenarios.state.preparing);
      },
    });
    expect(await news(second, leg)).toEqual(['one news', 'one']);
    expect(second.scenarios.state.preparing).toBe(true);
    await second.scenarios.close();
  });

  it('is followed by one in which the dialogues go on by the release that they began with', async () => {
    const first = await stage.live();
    const leg = await call(first);
    await first.kill();
    stage.write('identify.yaml', menu('two')); // while nobody is there
    const second = await stage.live();
    expect(await news(second, leg)).toEqual(['one news', 'one']);
    expect(second.hears(await call(second))).toEqual(['two']);
    await second.kill();
    const third = await stage.live();
    expect(await news(third, leg)).toEqual(['one news', 'one']);
  });

  it('leads to the newest release where the database lost theirs, and to the control logic where the step is gone', async () => {
    const first = await stage.live();
    const [stays, moves] = [await call(first), await call(first)];
    await first.kill();
    await stage.centre.pool.query('delete from scenario_release');
    stage.write('identify.yaml', menu('two'));
    const second = await stage.live();
    expect(await news(second, stays)).toEqual(['two news', 'two']);
    await second.kill();
    await stage.centre.pool.query('delete from scenario_release');
    stage.write('identify.yaml', menu('three').replaceAll('greet', 'welcome'));
    const third = await stage.live();
    stage.centre.switch.digits(moves, '1');
    await until(() => [...third.node.controller.floor.contacts.values()].find(({ legId }) => legId === moves)?.state === 'queued');
  });

  it('had noted the release before the first dialogue began on it', async () => {
    const life = await stage.live();
    expect(await stored()).toEqual([{ version: release(life), used: true }]);
  });
});

describe('a file that is wrong', () => {
  it('changes nothing; it is told with its place, until it is put right', async () => {
    const life = await stage.live();
    const old = release(life);
    stage.write('identify.yaml', menu('two').replace('next: greet', 'next: gret'));
    const problems = await until(() => life.scenarios.state.problems.length > 0 && life.scenarios.state.problems);
    expect(problems).toEqual([
      expect.objectContaining({ file: expect.stringMatching(/identify\.yaml$/), line: 14, column: 11, problem: "there is no step 'gret'" }),
    ]);
    expect(stage.logged.filter(({ problems: told }) => told).map(({ problems: told }) => told)).toEqual([
      [expect.stringContaining("identify.yaml:14:11: there is no step 'gret'; did you mean 'greet'?")],
    ]);
    expect(release(life)).toBe(old);
    expect(life.hears(await call(life))).toEqual(['one']);
    stage.write('identify.yaml', menu('two'));
    await until(() => release(life) !== old);
    expect(life.scenarios.state).toMatchObject({ problems: [], problemsSince: null });
    expect(life.hears(await call(life))).toEqual(['two']);
  });

  it('keeps the good ones beside it back, too: a release is whole', async () => {
    const life = await stage.live();
    stage.write('other.yaml', 'name: other\nlanguages: [ja');
    stage.write('identify.yaml', menu('two'));
    await until(() => life.scenarios.state.problems.some(({ file }) => file.endsWith('other.yaml')));
    await life.scenarios.reload();
    expect(life.hears(await call(life))).toEqual(['one']);
    rmSync(join(stage.folder, 'other.yaml'));
    await until(() => life.scenarios.state.problems.length === 0);
    expect(life.hears(await call(life))).toEqual(['two']);
  });

  it('is told alone: those that it would call are not wrong for that', async () => {
    const life = await stage.live();
    stage.write('other.yaml', 'name: other\nlanguages: [ja, en]\nstart: end\nsteps:\n  end: { handBack: sold }\n');
    const calling = menu('two').replace('toSales: { route: sales }', 'toSales: { call: other, then: { sold: greet } }');
    stage.write('identify.yaml', calling.replace('start: greet', 'start: gret'));
    const problems = await until(() => life.scenarios.state.problems.length > 0 && life.scenarios.state.problems);
    expect(problems.map(({ problem }) => problem)).toEqual(["there is no step 'gret'"]);
    stage.write('identify.yaml', menu('two'));
    await until(() =>
      life.scenarios.state.problems.some(({ problem }) => problem === "no scenario calls this one, so nobody knows 'sold'"),
    );
  });

  it('is one whose own test fails', async () => {
    const life = await stage.live();
    const tests = (words: string): string =>
      `tests:\n  - { name: sales, language: ja, caller: ['2'], hears: [${words}], ends: route sales }\n  - { name: news, language: en, caller: ['1', '2'], ends: route sales }\n`;
    stage.write('identify.yaml', menu('two', tests('one')));
    const problems = await until(() => life.scenarios.state.problems.length > 0 && life.scenarios.state.problems);
    expect(problems).toEqual([
      expect.objectContaining({ line: 17, problem: expect.stringMatching(/^the test 'sales' fails: .*'one' was not said/) }),
    ]);
    stage.write('identify.yaml', menu('two', tests('two')));
    await until(() => life.scenarios.state.problems.length === 0);
    expect(life.hears(await call(life))).toEqual(['two']);
    expect(life.scenarios.state.tests.get('identify')?.map(({ failures }) => failures)).toEqual([[], []]);
  });

  it('is one whose desk the centre has not, and one that an entry needs and that is gone', async () => {
    const life = await stage.live();
    stage.write('identify.yaml', menu('two').replace('route: sales', 'route: sale'));
    await until(() => life.scenarios.state.problems.some(({ remedy }) => remedy.includes("did you mean 'sales'")));
    stage.write('reception.yaml', menu('two').replace('name: identify', 'name: reception'));
    rmSync(join(stage.folder, 'identify.yaml'));
    await until(() => life.scenarios.state.problems.some(({ problem }) => problem.includes("wants the scenario 'identify'")));
    expect(life.hears(await call(life))).toEqual(['one']);
  });

  it('is told when a desk that it names goes, though nobody touched it; callers who are sent there are not lost', async () => {
    const life = await stage.live();
    stage.directory = { ...stage.directory, desks: new Map([...stage.directory.desks].filter(([id]) => id !== 'sales')) };
    await life.scenarios.reload();
    expect(life.scenarios.state.problems).toEqual([expect.objectContaining({ problem: "there is no desk 'sales'" })]);
    const leg = await call(life);
    stage.centre.switch.digits(leg, '2');
    await until(() => [...life.node.controller.floor.contacts.values()].find(({ legId }) => legId === leg)?.state === 'queued');
  });

  it('keeps a house from its start', async () => {
    stage.write('identify.yaml', 'name: identify');
    await expect(stage.scenarios()).rejects.toThrow(/identify\.yaml:1:1: the field 'languages' is missing/);
  });
});

describe('control logic', () => {
  it('that is changed holds from the next decision on, without a release of its own', async () => {
    const life = await stage.live();
    const old = release(life);
    stage.write(
      'control-logic.yaml',
      'timeZone: Asia/Tokyo\nrules:\n  - { name: everybody, to: { desk: support } }\n  - { name: rest, to: reception }\n',
    );
    stage.write('identify.yaml', menu('one').replace('route: sales', 'handBack: notIdentified'));
    await until(() => release(life) !== old);
    const leg = await call(life);
    stage.centre.switch.digits(leg, '2');
    const contact = await until(() =>
      [...life.node.controller.floor.contacts.values()].find((c) => c.legId === leg && c.state === 'queued'),
    );
    expect(contact.deskId).toBe('support');
  });
});

describe('a database that is away', () => {
  it('keeps a new release back until it is noted there', async () => {
    const life = await stage.live();
    const old = release(life);
    await stage.centre.pool.query('alter table scenario_release rename to away');
    stage.write('identify.yaml', menu('two'));
    await until(() => stage.logged.some(({ msg }) => msg.includes('noted in the database')));
    expect(release(life)).toBe(old);
    await stage.centre.pool.query('alter table away rename to scenario_release');
    await until(() => release(life) !== old);
    expect((await stored()).map(({ used }) => used)).toEqual([false, true]);
  });
});
