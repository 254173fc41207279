/** A controller to be killed: `node controller.ts OPTIONS-AS-JSON` starts Asterisk or a far side, says its pid, and lives on. */
import { startAsterisk } from '#src/cti/asterisk/server/server.ts';
import { FarSide } from '#src/tools/far-side.ts';

const { kind, options } = JSON.parse(process.argv[2] ?? '{}');
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const started = kind === 'server' ? await startAsterisk({ ...options, log: silent }) : await FarSide.start(options);
process.stdout.write(`${started.pid}\n`);
setInterval(() => {}, 1000);
