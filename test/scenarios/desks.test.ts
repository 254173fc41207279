/** Desks' rules name scenarios: the files are checked together. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { formatProblem } from '#src/base/checked-yaml.ts';
import { checkFiles } from '#src/scenario-release.ts';
import { DIRECTORY } from '../contact/world.ts';

const SHIPPED = new URL('../../scenarios/', import.meta.url);
const files = Object.fromEntries(
  readdirSync(SHIPPED)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [name, readFileSync(new URL(name, SHIPPED), 'utf8')]),
);

it('a desk that asks by a scenario which is not there is told its place, and what may be meant', () => {
  const logic =
    'rules:\n  - { name: all, to: reception }\ndesks:\n  default: { survey: identifi, callMe: none }\n  sales: { callMe: identify }\n';
  const checked = checkFiles({ ...files, 'control-logic.yaml': logic }, 's/', DIRECTORY);
  expect(Array.isArray(checked) && checked.map(formatProblem)).toEqual([
    "s/control-logic.yaml:4:22: no file has the scenario 'identifi'; did you mean 'identify'?",
  ]);
});
