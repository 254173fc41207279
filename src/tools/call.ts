/**
 * npm run call: a real SIP call from a scripted caller, or, with --answer, the carrier at the other end of a call that the
 * centre makes. One person with one browser can try everything with it.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readWav, type Sound, TELEPHONE_RATE } from '../base/wav.ts';
import { PortTakenError } from '../cti/asterisk/server/port-check.ts';
import { AsteriskMissingError } from '../cti/asterisk/server/prefix.ts';
import { answersSip } from '../cti/asterisk/server/sip-ping.ts';
import { durationMs, isSilent, loudness } from './far-side/audio.ts';
import { type CallEnd, CallEndedError, FarSide, FarSideError, type ScriptedParty } from './far-side.ts';
import { UsageError } from './tool.ts';

const help = `Places a real SIP call from a scripted caller, and keeps what it hears.

  npm run call -- --from +81312345678 --to 1000        call the Japanese entry of the demo centre
  npm run call -- --from +81312345678 --to 1000 --digits 10023#
  npm run call -- --answer +819012345678               be the phone that the centre calls (call-me, callbacks)

  --from NUMBER        the caller's number, as a telephone network would give it: +81312345678
  --name NAME          the caller's name
  --to NUMBER          what is dialled: 1000, 2000, +815011112222, or a name
  --digits DIGITS      keys to press after the answer: 0-9 * # A-D, and w for half a second of waiting
  --digits-after MS    how long after the answer they begin (3000)
  --play WHAT          what the caller says: a WAV file (8 kHz, 16 bit, mono), or tone:1000 for a tone of 1000 Hz
  --seconds N          hang up so long after the answer (20; with --answer 60)
  --withheld           the caller withholds the number
  --public             not by the trusted carrier but straight from the Internet, as anybody may
  --record FILE.wav    where to keep what the caller hears (var/calls/TIME.wav)
  --sip HOST:PORT      where the centre listens for SIP (127.0.0.1:5060, or SIP_PORT)
  --carrier HOST:PORT  the carrier's address, which the centre trusts (127.0.0.2:5070, or the first of TRUSTED_TRUNKS)
  --answer NUMBER      wait at the carrier for calls to this number (* for any), and answer them
  --help               this

Ctrl-C hangs up. Ends with 0 if the call was answered, 1 if not, 2 if something was missing or mistaken.
`;

interface HostPort {
  readonly host: string;
  readonly port: number;
}

interface Task {
  readonly sip: HostPort;
  readonly carrier: HostPort;
  readonly digits: string;
  readonly digitsAfterMs: number;
  readonly play:
    | { readonly kind: 'nothing' }
    | { readonly kind: 'tone'; readonly hz: number }
    | { readonly kind: 'file'; readonly file: string };
  readonly talkMs: number;
  readonly record: string | null;
  readonly what:
    | { readonly kind: 'answer'; readonly number: string }
    | {
        readonly kind: 'call';
        readonly from: string;
        readonly name: string;
        readonly to: string;
        readonly withheld: boolean;
        readonly via: 'trunk' | 'public';
      };
}

/** Reads the command line. Throws `UsageError`; null when only help is wanted. */
function readTask(args: readonly string[], env: NodeJS.ProcessEnv): Task | null {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (values.help || args.length === 0) return null;
  const { from, to, answer } = values;
  const sipPort = env['SIP_PORT'] || '5060';
  const digits = values.digits ?? '';
  if (!/^[0-9*#A-Dw]*$/i.test(digits)) throw new UsageError('--digits takes 0-9 * # A-D and w (half a second of waiting)');
  let what: Task['what'];
  if (answer !== undefined) {
    if (from !== undefined || to !== undefined) throw new UsageError('--answer waits for calls, it goes without --from and --to');
    what = { kind: 'answer', number: answer };
  } else if (from === undefined || to === undefined) {
    throw new UsageError('say who calls and what is dialled: --from +81312345678 --to 1000 (or --answer NUMBER)');
  } else {
    if (!/^[A-Za-z0-9+*#_.-]+$/.test(to)) throw new UsageError(`--to takes a number or a name, not '${to}'`);
    if (!/^[A-Za-z0-9+*#_.-]+$/.test(from)) throw new UsageError(`--from takes a number, not '${from}'`);
    const via = values.public ? 'public' : 'trunk';
    what = { kind: 'call', from, name: values.name ?? '', to, withheld: values.withheld ?? false, via };
  }
  return {
    sip: hostPort('--sip', values.sip ?? `127.0.0.1:${sipPort}`),
    carrier: hostPort('--carrier', values.carrier ?? /[\w.-]+:\d+/.exec(env['TRUSTED_TRUNKS'] ?? '')?.[0] ?? '127.0.0.2:5070'),
    digits,
    digitsAfterMs: number('--digits-after', values['digits-after'] ?? '3000'),
    play: readPlay(values.play),
    talkMs: 1000 * number('--seconds', values.seconds ?? (answer === undefined ? '20' : '60')),
    record: values.record === undefined ? null : resolve(values.record),
    what,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    from: text,
    name: text,
    to: text,
    digits: text,
    'digits-after': text,
    play: text,
    seconds: text,
    withheld: flag,
    public: flag,
    record: text,
    sip: text,
    carrier: text,
    answer: text,
    help: flag,
  };
  return parseArgs({ args: [...args], options, strict: true }).values;
}

function hostPort(name: string, value: string): HostPort {
  const match = /^([\w.-]+):(\d{1,5})$/.exec(value);
  if (!match) throw new UsageError(`${name} takes HOST:PORT, for example 127.0.0.1:5060, not '${value}'`);
  return { host: match[1] ?? '', port: Number(match[2]) };
}

function number(name: string, value: string): number {
  const read = Number(value);
  if (!Number.isFinite(read) || read < 0) throw new UsageError(`${name} takes a number, not '${value}'`);
  return read;
}

function readPlay(value: string | undefined): Task['play'] {
  if (value === undefined) return { kind: 'nothing' };
  const tone = /^tone:(\d+)$/.exec(value);
  if (tone) return { kind: 'tone', hz: number('--play tone:', tone[1] ?? '') };
  const file = resolve(value);
  if (!existsSync(file)) throw new UsageError(`--play: there is no file ${file} (for a tone say tone:1000)`);
  let wav: Sound;
  try {
    wav = readWav(readFileSync(file));
  } catch (cause) {
    throw new UsageError(`--play: ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  if (wav.rate !== TELEPHONE_RATE) throw new UsageError(`--play: ${file} has ${wav.rate} samples a second, a telephone wants 8000`);
  return { kind: 'file', file };
}

const started = Date.now();
function tell(text: string): void {
  console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
}

function endInWords(end: CallEnd): string {
  const words: Record<number, string> = {
    1: 'no such number',
    16: 'hung up',
    17: 'busy',
    18: 'nobody answered',
    19: 'nobody answered',
    20: 'not reachable',
    21: 'rejected',
    27: 'not reachable',
    34: 'all lines are busy',
    38: 'network out of order',
    42: 'all lines are busy',
  };
  return `${words[end.cause] ?? end.text} (cause ${end.cause}, ${end.text})`;
}

/** The answered part of a call: keys, sound, recording. Resolves with its end. */
async function talk(party: ScriptedParty, task: Task, hangUpNow: Promise<void>): Promise<void> {
  await party.startRecording();
  const parts = [speak(party, task), pressKeys(party, task)].map((part) =>
    part.catch((error: unknown) => {
      // The other side may hang up in the middle of it; its end is told below.
      if (!party.hasEnded) throw error;
    }),
  );
  const over = party.ended();
  const outcome = await Promise.race([
    over.then(() => 'ended' as const),
    hangUpNow.then(() => 'wanted' as const),
    sleep(task.talkMs, 'late' as const, { ref: false }),
    // A failure of a part is this call's failure; their going well ends nothing.
    Promise.all(parts).then(() => new Promise<never>(() => {})),
  ]);
  if (outcome !== 'ended') {
    tell(outcome === 'late' ? `${task.talkMs / 1000} seconds are over, hanging up` : 'hanging up');
    await party.hangUp();
  }
  tell(`ended: ${endInWords(await over)}${outcome === 'ended' ? ', by the other side' : ''}`);
  keep(await party.heard(), task);
}

async function pressKeys(party: ScriptedParty, task: Task): Promise<void> {
  if (task.digits === '') return;
  await sleep(task.digitsAfterMs);
  // Split after each run of w: "1w2" is 1, half a second, 2.
  for (const part of task.digits.match(/w+|[^w]+/gi) ?? []) {
    if (party.hasEnded) return;
    if (/^w/i.test(part)) await sleep(500 * part.length);
    else {
      await party.sendDigits(part);
      tell(`pressed ${part}`);
    }
  }
}

async function speak(party: ScriptedParty, task: Task): Promise<void> {
  try {
    await say(party, task);
  } catch (error) {
    // Hung up by the other side in the middle of a word: the end of the call is told by itself.
    if (!(error instanceof FarSideError && error.status === 404)) throw error;
  }
}

async function say(party: ScriptedParty, task: Task): Promise<void> {
  if (task.play.kind === 'file') {
    tell(`says ${relative(process.cwd(), task.play.file)}`);
    await party.playFile(task.play.file);
  } else if (task.play.kind === 'tone') {
    tell(`says a tone of ${task.play.hz} Hz`);
    while (!party.hasEnded) await party.playTone(task.play.hz, 2000);
  }
}

/** Keeps the recording and says how long and loud it is. */
function keep(recording: string, task: Task): void {
  const root = resolve(process.env['DATA_DIR'] || join(import.meta.dirname, '../../var'));
  const file = task.record ?? join(root, 'calls', `${new Date().toISOString().replace(/[:.]/g, '-')}.wav`);
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(recording, file);
  const wav = readWav(readFileSync(file));
  const loud = isSilent(wav) ? 'nothing but silence' : `${(20 * Math.log10(loudness(wav))).toFixed(0)} dB on average`;
  tell(`heard ${(durationMs(wav) / 1000).toFixed(1)} s, ${loud}: ${file}`);
}

async function placeCall(far: FarSide, task: Task, hangUpNow: Promise<void>): Promise<number> {
  if (task.what.kind !== 'call') return 2;
  const { from, name, to, withheld, via } = task.what;
  const call = await far.call({ from, to, via, withheld, ...(name === '' ? {} : { fromName: name }) });
  const who = withheld ? 'a withheld number' : from;
  tell(`calling ${to} from ${who}, ${via === 'trunk' ? 'by the trusted carrier' : 'straight from the Internet'}`);
  let answered = false;
  call.ringing().then(
    () => (answered ? undefined : tell('ringing')),
    () => {}, // told below
  );
  const outcome = await Promise.race([
    call.answered().then(
      () => 'answered' as const,
      () => 'ended' as const,
    ),
    hangUpNow.then(() => 'wanted' as const),
  ]);
  answered = true;
  if (outcome === 'answered') {
    tell('answered');
    await talk(call, task, hangUpNow);
    return 0;
  }
  if (outcome === 'wanted') await call.hangUp();
  tell(`not answered: ${endInWords(await call.ended())}`);
  return 1;
}

async function answerCalls(far: FarSide, task: Task, hangUpNow: Promise<void>): Promise<number> {
  if (task.what.kind !== 'answer') return 2;
  const talks = new Set<Promise<void>>();
  let count = 0;
  tell(`waiting at ${far.carrier.host}:${far.carrier.port} for calls to ${task.what.number}; Ctrl-C ends`);
  far.onIncoming(task.what.number, async (call) => {
    tell(`${call.number} is called by ${call.from.number || 'a withheld number'}${call.from.name ? ` (${call.from.name})` : ''}: ringing`);
    await call.ring();
    await sleep(1500);
    if (call.hasEnded) return tell('given up before it was answered');
    await call.answer();
    tell('answered');
    count += 1;
    const talking = talk(call, task, hangUpNow).catch((error: unknown) => tell(`failed: ${String(error)}`));
    talks.add(talking);
    await talking;
    talks.delete(talking);
  });
  // Keeps the process alive, too: nothing else does while nobody calls.
  const waiting = setInterval(() => {}, 60_000);
  await hangUpNow;
  clearInterval(waiting);
  await Promise.all(talks);
  return count > 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const task = readTask(process.argv.slice(2), process.env);
  if (task === null) {
    console.log(help);
    return 0;
  }
  const waits = task.what.kind === 'answer';
  if (!waits && !(await answersSip(task.sip))) {
    throw new UsageError(
      `nothing answers SIP at ${task.sip.host}:${task.sip.port}. Is the centre running (npm start)? Elsewhere: --sip HOST:PORT or SIP_PORT`,
    );
  }
  const { promise: hangUpNow, resolve: hangUp } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => hangUp());
  // A caller may have any port at the carrier's address, so several can call at once; who waits to be called has the known one.
  const far = await FarSide.start({ sutSip: task.sip, carrier: waits ? task.carrier : { host: task.carrier.host } });
  try {
    return waits ? await answerCalls(far, task, hangUpNow) : await placeCall(far, task, hangUpNow);
  } finally {
    await far.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const expected = [UsageError, AsteriskMissingError, PortTakenError, CallEndedError].some((kind) => error instanceof kind);
  console.error(`call: ${expected && error instanceof Error ? error.message : error instanceof Error ? error.stack : String(error)}`);
  if (error instanceof UsageError) console.error('      npm run call -- --help tells more');
  process.exitCode = 2;
}
