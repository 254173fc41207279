/** Drawings are made beside the work on calls, and none for ever. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { unwrap } from '#src/base/checked-yaml.ts';
import { parseScenarios, type Scenario } from '#src/ivr/parse.ts';
import { Drawings, TooTangled } from '#src/scenario-drawings.ts';

const text = readFileSync(new URL('../../scenarios/identify.yaml', import.meta.url), 'utf8');
const read = (file: string, written: string): Scenario => {
  const scenario = unwrap(parseScenarios([{ file, text: written }]))
    .scenarios.values()
    .next().value;
  if (!scenario) throw new Error('there is no scenario');
  return scenario;
};
const identify = read('identify.yaml', text);

/** As many ways as there can be between so many steps. */
function tangled(count: number): string {
  const ways = (from: number): string =>
    Array.from({ length: 9 }, (_, key) => `'${key + 1}': s${(from * (key + 2) + key) % count}`).join(', ');
  const steps = Array.from(
    { length: count },
    (_, i) => `  s${i}: { menu: { prompt: { en: words }, choices: { ${ways(i)} } }, failed: s${i + 1} }`,
  );
  return `name: tangled\nlanguages: [en]\nstart: s0\nsteps:\n${steps.join('\n')}\n  s${count}: { hangUp: true }\n`;
}

it('one is made once for a release, in each language', async () => {
  const drawings = new Drawings();
  const first = drawings.draw('v1', identify, 'ja');
  expect(drawings.draw('v1', identify, 'ja')).toBe(first);
  expect(await first).toMatch(/^<svg [\s\S]*id="step-askCode"/);
  expect(await drawings.draw('v1', identify, 'en')).toContain('Thank you for calling.');
  expect(drawings.draw('v2', identify, 'ja')).not.toBe(first);
  expect(await drawings.draw('v2', identify, 'ja')).toBe(await first);
});

it('one that nobody could follow is given up, once; nobody else waits for it, and the next one is drawn', async () => {
  const drawings = new Drawings(5_000);
  const order = read('tangled.yaml', tangled(120));
  let turns = 0;
  const others = setInterval(() => {
    turns += 1;
  }, 5);
  const given = drawings.draw('v1', order, 'en');
  await expect(given).rejects.toThrow(TooTangled);
  clearInterval(others);
  // Drawn in this thread, it would have left no turn to anybody.
  expect(turns).toBeGreaterThan(10);
  expect(drawings.draw('v1', order, 'en')).toBe(given);
  expect(await drawings.draw('v1', identify, 'en')).toContain('<svg');
});
