#!/usr/bin/env node
/**
 * node scripts/run.mjs [--watch] FILE [ARGUMENT…]: runs one of this house's programs, having installed what it needs.
 *
 * The program runs in a session of its own and gets each request to end once, from here; this process waits for its clean end
 * and ends with its code. (In the terminal's process group it would get Ctrl-C from the terminal and from npm as well.)
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { checkMachine, ensurePackages, environment, giveUp, Missing, onEndRequest, preflight, root } from './packages.mjs';

async function main() {
  const args = process.argv.slice(2);
  const watch = args[0] === '--watch' ? args.splice(0, 1) : [];
  const [file, ...rest] = args;
  if (file === undefined) throw new Missing('the program to run', 'node scripts/run.mjs [--watch] FILE [ARGUMENT…]');
  checkMachine();
  await ensurePackages();
  const node = preflight();
  const child = spawn(node, [...watch, path.resolve(root, file), ...rest], { stdio: 'inherit', env: environment(), detached: true });
  const requests = onEndRequest((signal) => child.kill(signal));
  child.once('error', giveUp);
  child.once('exit', (code, signal) => {
    // Ended by the very signal that we passed on: somebody wished it so, nothing failed.
    process.exitCode = code ?? (requests.seen !== null && (signal === 'SIGINT' || signal === 'SIGTERM') ? 0 : 1);
    if (code === null && requests.seen === null) process.stderr.write(`${file} was ended by ${signal}\n`);
    requests.off();
  });
}

main().catch(giveUp);
