import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildWeb } from '../../src/web/build.ts';

test('the browser code is built once, again only when asked for or when the result is of other sources, and nothing is left behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'madoguchi-build-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const outDir = join(folder, 'deep', 'web');
  const messages: string[] = [];
  const build = (force = false) => buildWeb({ outDir, force, log: { info: (_fields, message) => messages.push(message) } });

  expect(await build()).toBe(true);
  const files = await readdir(outDir);
  expect(files).toEqual(expect.arrayContaining(['index.html', 'assets', 'call-me.js']));
  expect(await readdir(join(outDir, 'assets'))).toEqual(
    expect.arrayContaining([expect.stringMatching(/^index-[\w-]+\.js$/), expect.stringMatching(/^index-[\w-]+\.css$/)]),
  );
  const builtAt = (await stat(join(outDir, 'index.html'))).mtimeMs;

  expect(await build()).toBe(false);
  expect((await stat(join(outDir, 'index.html'))).mtimeMs).toBe(builtAt);
  expect(messages).toEqual(['browser code built']);

  await writeFile(join(outDir, '.stamp'), 'of other sources');
  await writeFile(join(outDir, 'old.js'), '');
  expect(await build()).toBe(true);
  expect(await readdir(outDir)).toEqual(files);
  expect(await build(true)).toBe(true);
  expect(await readdir(join(folder, 'deep'))).toEqual(['web']);
});
