/** npm run bench -- NAME [OPTION…]: runs one of the benches; without a name, says which there are. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const folder = import.meta.dirname;
const named = (file: string): boolean => fs.readFileSync(path.join(folder, file), 'utf8').includes(`bench/${file}`);
const [name = '', ...options] = process.argv.slice(2);
const file = `${name}.ts`;
if (fs.existsSync(path.join(folder, file)) && named(file)) {
  process.exitCode = spawnSync(process.execPath, [path.join(folder, file), ...options], { stdio: 'inherit' }).status ?? 1;
} else {
  // A bench says at its top how it is called.
  const names = fs.readdirSync(folder).filter((other) => other.endsWith('.ts') && other !== 'run.ts' && named(other));
  console.log(`npm run bench -- NAME [OPTION…]; NAME is one of ${names.map((other) => other.replace('.ts', '')).join(', ')}`);
  process.exitCode = 1;
}
