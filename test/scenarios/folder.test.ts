/** The folder of scenarios as it is written to: half a file, many at once, one that goes. */
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Files, readFolder, watchFolder } from '#src/scenario-folder.ts';

let folder: string;
let told: (Files | null | 'away')[];
let answer: 'done' | 'again';
let stop: () => Promise<void>;
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const times = async (count: number): Promise<void> => {
  await expect.poll(() => told.length, { timeout: 5_000, interval: 5 }).toBeGreaterThanOrEqual(count);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'madoguchi-folder-'));
  told = [];
  answer = 'done';
  write('a.yaml', 'one');
  stop = watchFolder({
    folder,
    everyMs: 20,
    async changed() {
      told.push(await readFolder(folder).catch(() => 'away' as const));
      return answer;
    },
  });
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

it('what is there is told once, then each change, with all files', async () => {
  await times(1);
  expect(told).toEqual([{ 'a.yaml': 'one' }]);
  write('b.yaml', 'two');
  await times(2);
  expect(told[1]).toEqual({ 'a.yaml': 'one', 'b.yaml': 'two' });
  rmSync(join(folder, 'a.yaml'));
  await times(3);
  expect(told[2]).toEqual({ 'b.yaml': 'two' });
});

it('a file that is written to bit by bit is told whole in the end', async () => {
  await times(1);
  write('a.yaml', '');
  for (let i = 0; i < 20; i++) {
    appendFileSync(join(folder, 'a.yaml'), `${i},`);
    await new Promise((resolve) => setTimeout(resolve, 10)); // as somebody writes who is slower than the looks
  }
  await expect.poll(() => told.at(-1), { timeout: 5_000 }).toEqual({ 'a.yaml': Array.from({ length: 20 }, (_, i) => `${i},`).join('') });
});

it('an editor that puts another file in its place is noticed, also when length and time are the same', async () => {
  await times(1);
  write('.a.yaml.draft', 'two');
  renameSync(join(folder, '.a.yaml.draft'), join(folder, 'a.yaml'));
  await times(2);
  expect(told.at(-1)).toEqual({ 'a.yaml': 'two' });
});

it('what editors leave beside the files is none of them', async () => {
  await times(1);
  write('.a.yaml.swp', 'x');
  write('.#a.yaml', 'x');
  write('a.yaml~', 'x');
  mkdirSync(join(folder, 'prompts'));
  write('b.yaml', 'two');
  await times(2);
  expect(told).toEqual([{ 'a.yaml': 'one' }, { 'a.yaml': 'one', 'b.yaml': 'two' }]);
});

it('whoever is not done with a change is told again', async () => {
  answer = 'again';
  await times(3);
  answer = 'done';
  write('b.yaml', 'two');
  await expect.poll(() => told.at(-1)).toEqual({ 'a.yaml': 'one', 'b.yaml': 'two' });
});

it('a folder that goes away is told, and its coming back too', async () => {
  await times(1);
  renameSync(folder, `${folder}-away`);
  await expect.poll(() => told.at(-1)).toBe('away');
  renameSync(`${folder}-away`, folder);
  await expect.poll(() => told.at(-1)).toEqual({ 'a.yaml': 'one' });
});

it('a file far longer than anybody writes is refused', async () => {
  write('a.yaml', 'x'.repeat(1024 * 1024 + 1));
  await expect(readFolder(folder)).rejects.toThrow(/a\.yaml is longer than/);
});
