/** `npm run simulate -- --seed N --contacts M`: a whole centre with faults, in virtual time, every invariant checked on the way. */
import { parseArgs } from 'node:util';
import { ALL_FAULTS, Broken, Centre, NO_FAULTS } from './centre.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    contacts: { type: 'string', default: '1000000' },
    agents: { type: 'string', default: '60' },
    'no-faults': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  process.stdout.write(
    'npm run simulate -- [--seed N] [--contacts M] [--agents A] [--no-faults]\n\n' +
      'Plays M contacts through the real floor: callers who give up, agents who do not answer, panels that vanish, events that come\n' +
      'twice or never, a controller that is killed. Ends with 1, and how to play it back, when an invariant is broken.\n',
  );
} else {
  const [seed, contacts, agents] = [values.seed, values.contacts, values.agents].map(Number) as [number, number, number];
  const startedAt = performance.now();
  try {
    const faults = values['no-faults'] ? NO_FAULTS : ALL_FAULTS;
    const result = new Centre({ seed, contacts, agents, arrivalEveryMs: 240_000 / agents, faults, checkEvery: 1_000 }).run();
    const seconds = (performance.now() - startedAt) / 1_000;
    const hours = result.virtualMs / 3_600_000;
    process.stdout.write(
      `${result.contacts} contacts in ${hours.toFixed(1)} hours of theirs and ${seconds.toFixed(1)} s of ours: ${Math.round(result.steps / seconds)} steps/s, ` +
        `${result.restarts} controllers killed, no invariant broken\n`,
    );
    for (const [cause, n] of Object.entries(result.endedBy).sort(([, a], [, b]) => b - a)) {
      process.stdout.write(`  ${cause.padEnd(24)} ${String(n).padStart(9)}  ${((100 * n) / result.contacts).toFixed(2)} %\n`);
    }
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
