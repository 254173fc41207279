/**
 * npm run check [-- --fix]: types, lint and format, boundaries of the rooms, dead code. All at once, each with a verdict.
 * `--fix` lets Biome write what it can put right by itself.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const bin = (name: string) => fs.realpathSync(path.join(root, 'node_modules/.bin', name));

interface Verdict {
  readonly right: boolean;
  /** What to put right; shown when wrong. */
  readonly details: string;
}

interface Check {
  readonly name: string;
  readonly run: () => Promise<Verdict>;
}

/** Runs a program of node_modules: JavaScript by this Node, a binary as it is. */
function execute(name: string, args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const file = bin(name);
  const isScript = /\.[cm]?js$/.test(file) || fs.readFileSync(file, { encoding: 'latin1' }).startsWith('#!');
  return new Promise((done, fail) => {
    const [command, first] = isScript ? [process.execPath, [file]] : [file, []];
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.once('error', fail);
    child.once('close', (code) => done({ code: code ?? 1, out, err }));
  });
}

const tool = async (name: string, ...args: string[]): Promise<Verdict> => {
  const { code, out, err } = await execute(name, args);
  return { right: code === 0, details: `${out}${err}`.trim() };
};

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly rule: { readonly name: string; readonly severity: string };
      readonly from: string;
      readonly to: string;
      readonly comment?: string;
      readonly cycle?: readonly { readonly name: string }[];
    }[];
    readonly ruleSetUsed?: { readonly forbidden?: readonly { readonly name: string; readonly comment?: string }[] };
  };
}

async function boundaries(): Promise<Verdict> {
  const folders = ['src', 'test', 'scripts', 'bench', 'docker'].filter((folder) => sources(folder).length > 0);
  const { out, err } = await execute('depcruise', ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', ...folders]);
  let cruise: Cruise;
  try {
    cruise = JSON.parse(out) as Cruise; // the tool's own format, version pinned
  } catch {
    return { right: false, details: `dependency-cruiser gave no result:\n${err}${out}`.trim() };
  }
  const seen = new Set(cruise.modules.map(({ source }) => source));
  // A parser that can't read TypeScript sees no imports, hence no violations: no verdict without having seen every file.
  const unseen = folders.flatMap(sources).filter((file) => !seen.has(file));
  const comments = new Map(cruise.summary.ruleSetUsed?.forbidden?.map(({ name, comment }) => [name, comment]));
  const lines = cruise.summary.violations.map(({ rule, from, to, cycle }) => {
    const way = cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ');
    return `${from} → ${way}\n    ${rule.name}: ${comments.get(rule.name) ?? ''}`;
  });
  if (unseen.length > 0) lines.push(`not seen by dependency-cruiser: ${unseen.join(', ')}`);
  return { right: lines.length === 0, details: lines.join('\n') };
}

function sources(folder: string): string[] {
  if (!fs.existsSync(path.join(root, folder))) return [];
  const entries = fs.readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(tsx?|mjs)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

const fix = process.argv.includes('--fix');
const checks: readonly Check[] = [
  { name: 'types', run: () => tool('tsc', '--noEmit', '-p', '.', '--pretty', 'false') },
  {
    name: 'lint and format',
    run: () => tool('biome', 'check', '--error-on-warnings', '--max-diagnostics=50', '--colors=off', ...(fix ? ['--write'] : [])),
  },
  { name: 'boundaries', run: boundaries },
  { name: 'dead code', run: () => tool('knip', '--no-progress', '--no-config-hints') },
];

const begun = performance.now();
const verdicts = await Promise.all(
  checks.map(async ({ name, run }) => {
    const verdict = await run();
    console.log(`${verdict.right ? 'ok   ' : 'WRONG'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    return { name, ...verdict };
  }),
);
const wrong = verdicts.filter(({ right }) => !right);
for (const { name, details } of wrong) console.log(`\n---- ${name}\n${details}`);
if (wrong.length > 0) {
  const hint = wrong.some(({ name }) => name === 'lint and format') && !fix ? '; "npm run check -- --fix" puts right what it can' : '';
  console.log(`\ncheck: ${wrong.map(({ name }) => name).join(', ')} failed${hint}`);
  process.exitCode = 1;
} else {
  console.log('check: all right');
}
