#!/usr/bin/env node
/**
 * npm test [-- PATTERN…]: sets up what the tests need beyond `npm start` (an Asterisk, a browser, SIP callers), then runs
 * `npm run check` and all tests. With PATTERN only the tests whose file names match, without the check.
 *
 * Its last line is `N passed, N failed, N skipped`; it ends with 0 only when nothing failed. What can't be had is named with the
 * command that provides it, and is a failure: a test that needs it must not be skipped in silence.
 *
 * CHROMIUM, SIPP and ASTERISK_PREFIX name what is there already.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { checkMachine, ensurePackages, environment, giveUp, Missing, preflight, root, run, say, step } from './packages.mjs';

const isRoot = process.getuid?.() === 0;
const patterns = process.argv.slice(2);
const results = path.join(root, 'var', 'test-results.json');

/** First of these that is a program, by path or in PATH. @param {(string | undefined)[]} names @returns {string | null} */
function find(...names) {
  const folders = `${process.env.PATH ?? ''}:/usr/bin:/usr/local/bin`.split(':').filter((folder) => folder !== '');
  for (const name of names.filter((one) => one !== undefined && one !== '')) {
    for (const file of name.includes('/') ? [name] : folders.map((folder) => path.join(folder, name))) {
      try {
        fs.accessSync(file, fs.constants.X_OK);
        return file;
      } catch {
        // not this one
      }
    }
  }
  return null;
}

/** Installs packages of Debian's; tries without the wished ones when all together are not to be had.
 * @param {string} place @param {string} what @param {string[]} packages @param {string[]} [wished] */
async function install(place, what, packages, wished = []) {
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (find('apt-get') === null)
    throw new Missing(`${what} (and this is not a Debian-like system)`, `install ${packages.join(' ')} by this system's own means`);
  if (!isRoot) throw new Missing(what, `sudo sh -c '${command}'`);
  const apt = (...args) =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  await step(place, `${what}: apt-get install ${[...packages, ...wished].join(' ')}`, async () => {
    await apt('update'); // a broken third source need not matter
    const get = (names) => apt('install', '-y', '--no-install-recommends', ...names);
    if (wished.length > 0 && (await get([...packages, ...wished])) === 0) return;
    const code = await get(packages);
    if (code !== 0) throw new Missing(`${what}: apt-get ended with ${code}, see above`, command);
  });
}

async function chromium(place) {
  const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'];
  if (process.env.CHROMIUM && find(process.env.CHROMIUM) === null) {
    throw new Missing(`the browser that CHROMIUM names (${process.env.CHROMIUM})`, 'CHROMIUM=/path/of/chromium npm test');
  }
  if (find(...names) === null) await install(place, 'Chromium', ['chromium'], ['fonts-noto-cjk']);
  const found = find(...names);
  if (found === null) throw new Missing('Chromium', 'CHROMIUM=/path/of/chromium npm test');
  return { CHROMIUM: found };
}

async function sipp(place) {
  const names = [process.env.SIPP, 'sipp'];
  if (find(...names) === null) await install(place, 'SIPp', ['sip-tester']);
  const found = find(...names);
  if (found === null) throw new Missing('SIPp', 'SIPP=/path/of/sipp npm test');
  return { SIPP: found };
}

/** The script tells its own progress, and its last line is the launcher. */
async function asterisk(place) {
  const prefix = path.resolve(root, process.env.ASTERISK_PREFIX || path.join(process.env.DATA_DIR || 'var', 'asterisk'));
  const script = path.join(root, 'scripts', 'install-asterisk.sh');
  const launcher = await step(place, 'Asterisk', async () => {
    const child = spawn('bash', [script, prefix], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    const code = await new Promise((done, fail) => child.once('error', fail).once('close', done));
    if (code !== 0) throw new Missing(`an Asterisk of 20 or later, see above`, `bash scripts/install-asterisk.sh ${prefix}`);
    return out.trim().split('\n').at(-1) ?? '';
  });
  if (spawnSync(launcher, ['-V']).status !== 0)
    throw new Missing(`an Asterisk that starts (${launcher} -V fails)`, `rm -r ${prefix}, then again`);
  return { ASTERISK_PREFIX: prefix };
}

/** Whether any test speaks of it: what nobody uses is not installed. @param {RegExp} word */
function isUsed(word) {
  const files = fs.readdirSync(path.join(root, 'test'), { recursive: true, withFileTypes: true });
  return files.some(
    (file) =>
      file.isFile() &&
      /\.(ts|tsx|mjs)$/.test(file.name) &&
      word.test(fs.readFileSync(path.join(file.parentPath ?? file.path, file.name), 'utf8')),
  );
}

/** Counts, with what failed before a test could begin. @param {number} code */
function count(code) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  try {
    const json = JSON.parse(fs.readFileSync(results, 'utf8'));
    passed = json.numPassedTests;
    failed = json.numFailedTests + json.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
    skipped = json.numPendingTests + json.numTodoTests;
  } catch (error) {
    say(`Vitest left no results (${error.message})`);
  }
  if (code !== 0 && failed === 0) failed = 1; // an error outside of all tests
  return { passed, failed, skipped };
}

async function main() {
  checkMachine();
  await ensurePackages('[1/5]');
  const node = preflight('[1/5]');
  let tools = {};
  const needs = [
    ['[2/5]', asterisk, /asterisk/i],
    ['[3/5]', chromium, /chromium/i],
    ['[4/5]', sipp, /\bsipp\b/i],
  ];
  for (const [place, provide, word] of needs) {
    if (!isUsed(word)) continue;
    try {
      tools = { ...tools, ...(await provide(place)) };
    } catch (error) {
      // Who asks for some tests may not need it; those that do say so themselves.
      if (!(error instanceof Missing) || patterns.length === 0) throw error;
      say(error.message);
    }
  }
  const env = { ...environment(), ...tools };
  const onTerminal = { env, stdio: ['ignore', 'inherit', 'inherit'] };
  let checked = 0;
  if (patterns.length === 0) {
    say('[5/5] check, then all tests');
    checked = await run(node, [path.join(root, 'scripts', 'check.ts')], onTerminal);
  }
  fs.mkdirSync(path.dirname(results), { recursive: true });
  fs.rmSync(results, { force: true });
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const tested = await run(node, [vitest, 'run', ...reporters, ...patterns], onTerminal);
  const { passed, failed, skipped } = count(tested);
  if (checked !== 0) say('npm run check failed, see above: counted as one failed');
  process.stdout.write(`\n${passed} passed, ${failed + (checked === 0 ? 0 : 1)} failed, ${skipped} skipped\n`);
  process.exitCode = tested === 0 && checked === 0 ? 0 : 1;
}

main().catch(giveUp);
