/**
 * Settings, read once at the start from environment variables and at most one YAML file, checked as a whole, frozen, and
 * handed to the rooms in parts. One table says everything about a setting: its default, how it is written, what it means;
 * reading, checking, every message and `--help` come from there.
 *
 * A variable of the environment goes before the file; an empty one counts as not set. There are no default passwords: who
 * needs a secret of its own makes one in DATA_DIR.
 */
import { isIP } from 'node:net';
import path from 'node:path';
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { SourceFile } from './base/checked-yaml.ts';
import type { E164 } from './base/ids.ts';
import { nearest } from './base/nearest.ts';
import type { CallMePolicy } from './channels/call-me.ts';
import type { SpeechSettings } from './channels/speech.ts';
import type { FloorPolicy } from './contact/model.ts';
import { DEFAULT_DESK_RULES, type DeskRules, type RetryRule } from './routing/desk-rules.ts';

export interface Trunk {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Config {
  /** Absolute. */
  readonly dataDir: string;
  readonly scenariosDir: string;
  readonly logLevel: LogLevel;
  /** The routing domain (centre) that this process serves. */
  readonly domain: string;
  readonly leaseTtlMs: number;
  /** How long a leg lives that no controller has renewed. */
  readonly legLeaseMs: number;
  readonly http: {
    readonly host: string;
    /** 0: any free one. */
    readonly port: number;
    /** Without a slash at its end. Null: `http://host:port`. */
    readonly publicUrl: string | null;
    readonly metricsPublic: boolean;
  };
  readonly database: {
    /** Null: a Postgres of our own. */
    readonly url: string | null;
    /** Of our own one. 0: any free one. */
    readonly port: number;
  };
  readonly telephony: {
    /** Null: an Asterisk of our own. */
    readonly ari: { readonly url: string; readonly user: string; readonly password: string } | null;
    readonly transport: 'ws' | 'ari-client';
    readonly httpPort: number;
    readonly sipHost: string;
    readonly sipPort: number;
    readonly rtpPorts: { readonly first: number; readonly last: number };
    /** Null: on a loopback `sipHost` that one, else Asterisk's own choice. */
    readonly mediaAddress: string | null;
    /** The first one is where we dial out. */
    readonly trunks: readonly Trunk[];
    /** How callers’ keys come by them. */
    readonly trunkDtmf: 'auto' | 'rfc4733' | 'inband' | 'info';
    /** Where browsers' phones register. */
    readonly sipWebSocketUrl: string;
    /** Null: the one in the database. */
    readonly outgoingNumber: E164 | null;
  };
  readonly floor: FloorPolicy;
  /** The house's: what holds at desks for which the control logic says nothing else. */
  readonly deskRules: DeskRules;
  /** How long what callers have recorded is kept; 0: for ever. */
  readonly recordingsKeptDays: number;
  readonly voices: {
    /** Null: the service when there is one, else the best program of this machine. */
    readonly engines: { readonly ja: 'open_jtalk' | 'http' | null; readonly en: 'flite' | 'espeak-ng' | 'http' | null };
    readonly service: { readonly url: string; readonly token: string | null; readonly timeoutMs: number } | null;
  };
  /** Who recognises what callers say; null: nobody. */
  readonly speech: SpeechSettings | null;
  readonly callMe: { readonly origins: readonly string[]; readonly policy: Omit<CallMePolicy, 'ownNumbers'> };
}

export interface Mistake {
  /** Name of the setting, or what was given on the command line. */
  readonly setting: string;
  /** `environment`, `command line`, or `FILE:LINE:COLUMN`. */
  readonly where: string;
  readonly problem: string;
  /** What is right. */
  readonly remedy: string;
}

export type Loaded =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly Mistake[]; readonly text: string };

// ---------------------------------------------------------------- how values are written

/** `read` gives undefined for what can't be read at all; what it gives is then checked with `schema`. */
interface Form<S extends TSchema> {
  readonly schema: S;
  /** For people: what is right. */
  readonly form: string;
  readonly read: (text: string) => Static<S> | undefined;
}

const integer = (minimum: number, maximum: number, unit = '') => ({
  schema: Type.Integer({ minimum, maximum }),
  form: `a whole number${unit} from ${minimum} to ${maximum}`,
  read: (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
});
const port = integer(1, 65_535);
const portOrAny = { ...integer(0, 65_535), form: 'a port from 1 to 65535, or 0 for any free one' };
const minute = 60_000;
const timeMs = (minimum: number, maximum = 24 * 60 * minute) => integer(minimum, maximum, ' of milliseconds');

const flag = {
  schema: Type.Boolean(),
  form: 'true or false',
  read: (text: string) => ({ true: true, false: false })[text.toLowerCase()],
};
const text = { schema: Type.String({ minLength: 1 }), form: 'a text', read: (value: string) => value };
const word = { schema: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,62}$' }), form: 'letters, digits, _ and -', read: text.read };
const oneOf = <const T extends string>(...words: readonly T[]) => ({
  schema: Type.Unsafe<T>(Type.Enum([...words])),
  form: `one of ${words.join(', ')}`,
  read: (value: string) => words.find((one) => one === value.toLowerCase()),
});
const address = {
  schema: Type.String(),
  form: 'an IP address, as 127.0.0.1 or 0.0.0.0',
  read: (value: string) => (isIP(value) > 0 ? value : undefined),
};
const url = (...protocols: string[]) => ({
  schema: Type.String(),
  form: `an address that begins with ${protocols.map((one) => `${one}//`).join(' or ')}`,
  read: (value: string) => (protocols.includes(URL.parse(value)?.protocol ?? '') ? value.replace(/\/+$/, '') : undefined),
});
/** Written with commas, in a YAML file as a list, too. */
function list<S extends TSchema>(
  of: string,
  item: S,
  form: string,
  read: (text: string) => Static<S> | undefined,
): Form<ReturnType<typeof Type.Array<S>>> {
  return {
    schema: Type.Array(item),
    form: `${of} with commas between them: ${form}`,
    read: (value) => {
      const items = value
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== '')
        .map(read);
      return items.every((one) => one !== undefined) ? (items as Static<ReturnType<typeof Type.Array<S>>>) : undefined;
    },
  };
}

const ariUrl = {
  schema: Type.Object({ url: Type.String(), user: Type.String({ minLength: 1 }), password: Type.String({ minLength: 1 }) }),
  form: 'http://user:password@host:port (https works, too)',
  read: (value: string) => {
    const parsed = URL.parse(value);
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) return undefined;
    const [user, password] = [parsed.username, parsed.password].map(decode);
    if (user === undefined || password === undefined) return undefined;
    return { url: `${parsed.origin}${parsed.pathname}`.replace(/(\/ari)?\/*$/, ''), user, password };
  },
};
function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined; // a lone %: reported as a wrong form by the caller
  }
}

const portRange = {
  schema: Type.Object({ first: port.schema, last: port.schema }),
  form: 'first-last, at least 4 ports (each call leg takes 2), as 10000-10999',
  read: (value: string) => {
    const [, first, last] = /^(\d{1,5})\s*-\s*(\d{1,5})$/.exec(value) ?? [];
    if (first === undefined || last === undefined || Number(last) - Number(first) < 3) return undefined;
    return { first: Number(first), last: Number(last) };
  },
};

const trunks = list(
  'trunks',
  Type.Object({ name: word.schema, host: Type.String({ minLength: 1 }), port: port.schema }),
  'name=address or name=address:port (5060 unless told), as carrier=203.0.113.5:5060',
  (value) => {
    const [, name, host, number] = /^([^=\s]+)=([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?$/.exec(value) ?? [];
    if (name === undefined || host === undefined) return undefined;
    return { name, host: host.replace(/^\[|\]$/g, ''), port: Number(number ?? 5060) };
  },
);

// ---------------------------------------------------------------- the table

type Entry<S extends TSchema = TSchema> = Form<S> & {
  /** As it would be written; empty: not set. */
  readonly default: string;
  readonly meaning: string;
  /** Its value is never shown. */
  readonly secret?: true;
};

function setting<S extends TSchema>(form: Form<S>, standard: string, meaning: string): Entry<S> & { readonly optional: false } {
  return { ...form, default: standard, meaning, optional: false };
}
/** Null when it is not set. `unset` says what that means. */
function optional<S extends TSchema>(form: Form<S>, unset: string, meaning: string, secret?: true) {
  return { ...form, default: '', meaning: `${meaning} Not set: ${unset}.`, optional: true, ...(secret && { secret }) } as const;
}

const groups = {
  General: {
    DATA_DIR: setting(text, 'var', 'Folder of all that is kept or run here: database, Asterisk, recordings, secrets.'),
    SCENARIOS_DIR: setting(text, 'scenarios', 'Folder of dialogues and control logic.'),
    LOG_LEVEL: setting(oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'), 'info', 'What is logged: this and worse.'),
    DOMAIN: setting(word, 'demo', 'The centre (routing domain) that is served.'),
    LEG_LEASE_MS: setting(timeMs(minute), '600000', 'How long a call goes on without any server; renewed while one lives.'),
    LEASE_TTL_MS: setting(
      timeMs(1000, 10 * minute),
      '5000',
      'How long a server that went silent still owns its centre; then another takes over.',
    ),
  },
  'Web and panels': {
    HTTP_HOST: setting(address, '127.0.0.1', 'Address that panels and pages are served on; 0.0.0.0 for all.'),
    HTTP_PORT: setting(portOrAny, '8080', 'Its port.'),
    PUBLIC_URL: optional(url('http:', 'https:'), 'http://HTTP_HOST:HTTP_PORT', 'How browsers reach us, when a proxy is in front.'),
    METRICS_PUBLIC: setting(flag, 'false', 'Whether /metrics answers to others than this machine and private networks.'),
  },
  Database: {
    DATABASE_URL: optional(
      url('postgres:', 'postgresql:'),
      'a Postgres of our own in DATA_DIR',
      'A Postgres of 15 or later, as postgres://user:password@host:5432/database.',
      true,
    ),
    POSTGRES_PORT: setting(portOrAny, '5433', 'Port of our own Postgres, on 127.0.0.1.'),
  },
  Telephony: {
    SIP_HOST: setting(address, '127.0.0.1', 'Address that our own Asterisk takes SIP calls on; 0.0.0.0 for all.'),
    SIP_PORT: setting(port, '5060', 'Its port, UDP and TCP.'),
    RTP_PORTS: setting(portRange, '10000-10999', 'Ports for sound.'),
    MEDIA_ADDRESS: optional(
      address,
      'SIP_HOST when that is a loopback address, else what Asterisk finds',
      'Address for sound, told to the other side.',
    ),
    ASTERISK_HTTP_PORT: setting(port, '8088', 'Port of our own Asterisk’s ARI and of browsers’ phones, on 127.0.0.1.'),
    ARI_URL: optional(ariUrl, 'an Asterisk of our own', 'An Asterisk of 20 or later that runs already.', true),
    ARI_TRANSPORT: setting(
      oneOf('ws', 'ari-client'),
      'ws',
      'ws: all over one WebSocket (Asterisk 22.5 or later); ari-client: over HTTP, for older ones.',
    ),
    SIP_WS_URL: optional(
      url('ws:', 'wss:'),
      'ws://HOST:PORT/ws of Asterisk’s HTTP port',
      'Where browsers’ phones connect, when a proxy is in front.',
    ),
    TRUSTED_TRUNKS: setting(
      trunks,
      'carrier=127.0.0.2:5070',
      'Peers that are believed who is calling. The first one is where we dial out.',
    ),
    TRUNK_DTMF: setting(
      oneOf('auto', 'rfc4733', 'inband', 'info'),
      'auto',
      'How keys come by them. auto: as RFC 4733 events where the peer offers them, else as tones; inband: as tones though events are offered; ' +
        'rfc4733; info: only as SIP INFO, which the others understand, too.',
    ),
    OUTGOING_NUMBER: optional(
      { schema: Type.String({ pattern: '^\\+[1-9]\\d{5,14}$' }), form: 'a number with + and country, as +81312345678', read: text.read },
      'the centre’s own, from the database',
      'The number that we show when we call.',
    ),
  },
  Voices: {
    VOICE_JA: optional(
      oneOf('open_jtalk', 'http'),
      'the service when SPEECH_SYNTHESIS_URL is set, else what this machine has',
      'Who speaks Japanese where there is no recording. It must be there, then.',
    ),
    VOICE_EN: optional(oneOf('flite', 'espeak-ng', 'http'), 'as for Japanese', 'Who speaks English where there is no recording.'),
    SPEECH_SYNTHESIS_URL: optional(
      url('http:', 'https:'),
      'none',
      'A speech service: it gets {language, text} as JSON by POST, and answers audio/wav.',
    ),
    SPEECH_SYNTHESIS_TOKEN: optional(text, 'none', 'What is sent to it as Authorization: Bearer.', true),
    SPEECH_SYNTHESIS_MS: setting(
      timeMs(100, 2 * minute),
      '10000',
      'How long it may take for one text, with all tries while it is busy (503).',
    ),
  },
  'Call-me button': {
    CALL_ME_ORIGINS: setting(
      list('origins', Type.String(), 'https://www.example.jp', (value) => {
        const parsed = URL.parse(value);
        return parsed !== null && ['http:', 'https:'].includes(parsed.protocol) && parsed.origin === value.replace(/\/$/, '')
          ? parsed.origin
          : undefined;
      }),
      '',
      'Sites whose pages may carry the button, besides our own.',
    ),
    CALL_ME_COUNTRIES: setting(
      list('countries', Type.String({ pattern: '^[A-Z]{2}$' }), 'two capital letters each, as JP,GB', (value) => value),
      'JP,GB,US',
      'Countries whose numbers we call.',
    ),
    CALL_ME_PER_HOUR_PER_NUMBER: setting(integer(0, 1000), '3', 'Requests for one number in an hour.'),
    CALL_ME_PER_HOUR_PER_ADDRESS: setting(integer(0, 100_000), '10', 'Requests from one network address in an hour.'),
    CALL_ME_SIP: setting(flag, 'true', 'Whether SIP addresses may be given, too.'),
    CALL_ME_SIP_DOMAINS: setting(
      list('domains', Type.String({ pattern: '^[A-Za-z0-9.-]+$' }), 'as example.jp', (value) => value.toLowerCase()),
      '',
      'SIP domains, with all beneath them, that may be called; none: any.',
    ),
    CALL_ME_PRIVATE_HOSTS: setting(flag, 'false', 'Whether SIP addresses in private networks may be called. For laboratories.'),
  },
  'Calls that scenarios make': {
    OUTSIDE_COUNTRIES: optional(
      list('countries', Type.String({ pattern: '^[A-Z]{2}$' }), 'two capital letters each, as JP,GB', (value) => value),
      'the country of the number that was called',
      'Countries to whose numbers scenarios may put callers through.',
    ),
    OUTSIDE_AT_ONCE: setting(integer(0, 10_000), '10', 'How many callers may be put through to numbers outside at once.'),
    OUTSIDE_LONGEST_MS: setting(timeMs(minute), '14400000', 'How long they may talk there.'),
    NOTICE_LINES: setting(
      integer(1, 10_000),
      '10',
      'How many may be told notices by scenarios at once, those who are being rung included.',
    ),
    ANNOUNCEMENT_MS: setting(
      timeMs(10_000, 10 * minute),
      '60000',
      'How long a scenario may speak with who is called back before the agent is rung; then the agent is free again.',
    ),
  },
  'What is kept': {
    RECORDINGS_KEPT_DAYS: setting(integer(0, 36_500), '0', 'After how many days what callers have recorded is deleted; 0: never.'),
  },
  'Speech recognition': {
    SPEECH_RECOGNITION_URL: optional(
      url('https:', 'http:', 'wss:', 'ws:'),
      'callers press keys',
      'Who recognises what callers say, where a scenario lets them speak; docs/services.md has its form.',
    ),
    SPEECH_RECOGNITION_TOKEN: optional(text, 'none is sent', 'Sent to it as a bearer token.', true),
    SPEECH_RECOGNITION_MS: setting(timeMs(100, 5_000), '3000', 'How long it may take; then the caller is asked again.'),
    SPEECH_CONFIDENCE: setting(integer(0, 100, ' of per cent'), '50', 'What it is less sure of counts as not understood.'),
  },
  'Times and tries': {
    POP_MS: setting(timeMs(0, minute), '1500', 'How long a panel may take to show the customer before the phone rings all the same.'),
    RING_MS: setting(timeMs(1000, 10 * minute), '20000', 'How long an agent’s phone rings before the offer moves on.'),
    DIAL_MS: setting(timeMs(1000, 10 * minute), '45000', 'How long somebody whom we call back is rung.'),
    WRAP_UP_MS: optional(
      timeMs(0),
      'three minutes',
      'How long an agent may work after a call, where the control logic says nothing else. 0: not at all.',
    ),
    PANEL_GRACE_MS: setting(timeMs(0, 10 * minute), '8000', 'How long a panel may be lost before its call is taken from the agent.'),
    ANNOUNCE_EVERY_MS: setting(timeMs(5000), '45000', 'How often who waits hears the place in the queue.'),
    LOOK_UP_MS: setting(
      timeMs(100, minute),
      '3000',
      'How long the database may take to say who is calling; then it goes on as if nobody was found.',
    ),
    CALLBACK_ATTEMPTS: optional(integer(1, 20), 'three times', 'How often a callback is tried, where the control logic says nothing else.'),
    CALLBACK_RETRY_MS: optional(
      timeMs(0),
      'five minutes when busy, thirty when nobody answered, else ten',
      'How long after a failed try the next one is due, where the control logic says nothing else.',
    ),
  },
} as const;

type Groups = typeof groups;
type UnionOfGroups = Groups[keyof Groups];
type Keys<T> = T extends unknown ? keyof T : never;
type Name = Keys<UnionOfGroups>;
type EntryOf<N extends Name> = Extract<UnionOfGroups, Record<N, unknown>>[N];
type Value<E> = E extends { readonly schema: infer S extends TSchema; readonly optional: infer O }
  ? O extends true
    ? Static<S> | null
    : Static<S>
  : never;
type Values = { readonly [N in Name]: Value<EntryOf<N>> };

const table: ReadonlyMap<string, Entry> = new Map(
  Object.values(groups).flatMap((group): [string, Entry][] => Object.entries(group as unknown as Record<string, Entry>)),
);

/** What a settings file may hold; values are then read as if they came from the environment. */
const FileSchema = Type.Object(
  Object.fromEntries([...table].map(([name, entry]) => [name, Type.Optional(Type.Unknown({ description: entry.form }))])),
  { additionalProperties: false },
);

const AnyFields = Type.Record(Type.String(), Type.Unknown());

// ---------------------------------------------------------------- reading

/**
 * All settings, or all mistakes, or the text of `--help`.
 * @param env usually `process.env`
 * @param argv usually `process.argv.slice(2)`
 * @param readFile gives a file's text; throws when there is none
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
  readFile: (file: string) => string,
): Loaded {
  const mistakes: Mistake[] = [];
  const command = readCommandLine(argv, mistakes);
  if (command.help) return { kind: 'help', text: helpText() };
  const file = command.file ?? nonEmpty(env['MADOGUCHI_CONFIG']);
  const written = new Map<string, { readonly text: string; readonly where: string }>();
  if (file !== undefined) readSettingsFile(file, readFile, written, mistakes);
  for (const name of table.keys()) {
    const value = nonEmpty(env[name]);
    if (value !== undefined) written.set(name, { text: value, where: 'environment' });
  }
  const values: Record<string, unknown> = {};
  for (const [name, entry] of table) {
    const given = written.get(name);
    const source = given?.text ?? entry.default;
    const value = source === '' && 'optional' in entry && entry.optional === true ? null : entry.read(source);
    if (value === null || (value !== undefined && Check(entry.schema, value))) values[name] = value;
    else {
      const shown = entry.secret ? 'what was given' : `'${source}'`;
      mistakes.push({ setting: name, where: given?.where ?? 'default', problem: `${shown} is not right`, remedy: `write ${entry.form}` });
    }
  }
  const whole = mistakes.length === 0 ? (values as Values) : null;
  if (whole !== null) {
    const whereOf = (name: Name): string => written.get(name)?.where ?? 'default';
    mistakes.push(...portConflicts(whole, whereOf), ...voicesWithoutService(whole, whereOf));
  }
  if (whole === null || mistakes.length > 0) return { kind: 'mistakes', mistakes, text: mistakesText(mistakes) };
  return { kind: 'config', config: deepFreeze(toConfig(whole)) };
}

const nonEmpty = (value: string | undefined) => (value === undefined || value.trim() === '' ? undefined : value.trim());

function readCommandLine(argv: readonly string[], mistakes: Mistake[]): { help: boolean; file: string | undefined } {
  let file: string | undefined;
  let help = false;
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [option, inline] = argument.split(/=(.*)/s);
    if (option === '--help' || option === '-h') help = true;
    else if (option === '--config') {
      file = nonEmpty(inline ?? rest.shift());
      if (file === undefined)
        mistakes.push({ setting: '--config', where: 'command line', problem: 'its file is missing', remedy: 'write --config FILE' });
    } else {
      const meant = nearest(option ?? '', ['--config', '--help']);
      const remedy = meant ? `did you mean ${meant}?` : 'settings are environment variables: see npm start -- --help';
      mistakes.push({ setting: argument, where: 'command line', problem: 'this is not known', remedy });
    }
  }
  return { help, file };
}

function readSettingsFile(
  file: string,
  readFile: (file: string) => string,
  written: Map<string, { text: string; where: string }>,
  mistakes: Mistake[],
): void {
  let content: string;
  try {
    content = readFile(file);
  } catch (error) {
    const problem = `can't be read (${error instanceof Error ? error.message : String(error)})`;
    mistakes.push({ setting: file, where: 'command line', problem, remedy: 'give a YAML file by --config or MADOGUCHI_CONFIG' });
    return;
  }
  if (/^(\s*(#.*)?\n?)*$/.test(content)) return; // nothing is set
  const source = new SourceFile(content, file);
  const found = source.check(FileSchema);
  for (const problem of source.problems) {
    const where = `${problem.file}:${problem.line}:${problem.column}`;
    mistakes.push({ setting: '', where, problem: problem.problem, remedy: problem.remedy });
  }
  // An unknown name must not keep the others from being checked.
  const values = found ?? new SourceFile(content, file).check(AnyFields) ?? {};
  for (const [name, value] of Object.entries(values)) {
    if (!table.has(name)) continue;
    const place = new SourceFile(content, file);
    place.add([name], '', '');
    const [at] = place.problems;
    const where = `${file}:${at?.line ?? 1}:${at?.column ?? 1}`;
    const items = Array.isArray(value) ? value : [value];
    if (items.every((item) => ['string', 'number', 'boolean'].includes(typeof item))) written.set(name, { text: items.join(','), where });
    else if (value !== null)
      mistakes.push({ setting: name, where, problem: 'this is a group of fields', remedy: `write ${table.get(name)?.form}` });
  }
}

/** Two of our own servers can't have the same port. */
function portConflicts(values: Values, whereOf: (name: Name) => string): Mistake[] {
  const used: [Name, number][] = [['HTTP_PORT', values.HTTP_PORT]];
  if (values.DATABASE_URL === null) used.push(['POSTGRES_PORT', values.POSTGRES_PORT]);
  if (values.ARI_URL === null) used.push(['SIP_PORT', values.SIP_PORT], ['ASTERISK_HTTP_PORT', values.ASTERISK_HTTP_PORT]);
  const mistakes: Mistake[] = [];
  const { first, last } = values.RTP_PORTS;
  for (const [index, [name, number]] of used.entries()) {
    if (number === 0) continue;
    for (const [other] of used.slice(0, index).filter(([, taken]) => taken === number)) {
      mistakes.push({
        setting: name,
        where: whereOf(name),
        problem: `${number} is the port of ${other}, too`,
        remedy: `give ${name} or ${other} another port`,
      });
    }
    if (values.ARI_URL === null && number >= first && number <= last) {
      const problem = `${number} is within RTP_PORTS (${first}-${last})`;
      mistakes.push({ setting: name, where: whereOf(name), problem, remedy: `give ${name} another port, or RTP_PORTS another range` });
    }
  }
  return mistakes;
}

function voicesWithoutService(values: Values, whereOf: (name: Name) => string): Mistake[] {
  if (values.SPEECH_SYNTHESIS_URL !== null) return [];
  return (['VOICE_JA', 'VOICE_EN'] as const)
    .filter((name) => values[name] === 'http')
    .map((name) => ({
      setting: name,
      where: whereOf(name),
      problem: "'http' needs a speech service",
      remedy: 'set SPEECH_SYNTHESIS_URL',
    }));
}

function toConfig(v: Values): Config {
  const ownSipWebSocketUrl = () => {
    const base = new URL(v.ARI_URL?.url ?? `http://127.0.0.1:${v.ASTERISK_HTTP_PORT}`);
    return `${base.protocol === 'https:' ? 'wss' : 'ws'}://${base.host}/ws`;
  };
  return {
    dataDir: path.resolve(v.DATA_DIR),
    scenariosDir: path.resolve(v.SCENARIOS_DIR),
    logLevel: v.LOG_LEVEL,
    domain: v.DOMAIN,
    leaseTtlMs: v.LEASE_TTL_MS,
    legLeaseMs: v.LEG_LEASE_MS,
    http: { host: v.HTTP_HOST, port: v.HTTP_PORT, publicUrl: v.PUBLIC_URL, metricsPublic: v.METRICS_PUBLIC },
    database: { url: v.DATABASE_URL, port: v.POSTGRES_PORT },
    telephony: {
      ari: v.ARI_URL,
      transport: v.ARI_TRANSPORT,
      httpPort: v.ASTERISK_HTTP_PORT,
      sipHost: v.SIP_HOST,
      sipPort: v.SIP_PORT,
      rtpPorts: v.RTP_PORTS,
      mediaAddress: v.MEDIA_ADDRESS,
      trunks: v.TRUSTED_TRUNKS,
      trunkDtmf: v.TRUNK_DTMF,
      sipWebSocketUrl: v.SIP_WS_URL ?? ownSipWebSocketUrl(),
      outgoingNumber: v.OUTGOING_NUMBER,
    },
    floor: {
      popMs: v.POP_MS,
      ringMs: v.RING_MS,
      dialMs: v.DIAL_MS,
      panelGraceMs: v.PANEL_GRACE_MS,
      announceEveryMs: v.ANNOUNCE_EVERY_MS,
      lookUpMs: v.LOOK_UP_MS,
      outbound: {
        countries: v.OUTSIDE_COUNTRIES,
        outsideAtOnce: v.OUTSIDE_AT_ONCE,
        outsideMs: v.OUTSIDE_LONGEST_MS,
        noticeLines: v.NOTICE_LINES,
        announcementMs: v.ANNOUNCEMENT_MS,
      },
    },
    deskRules: deskRules(v),
    recordingsKeptDays: v.RECORDINGS_KEPT_DAYS,
    speech:
      v.SPEECH_RECOGNITION_URL === null
        ? null
        : {
            url: v.SPEECH_RECOGNITION_URL,
            token: v.SPEECH_RECOGNITION_TOKEN,
            confidence: v.SPEECH_CONFIDENCE / 100,
            timeoutMs: v.SPEECH_RECOGNITION_MS,
          },
    voices: {
      engines: { ja: v.VOICE_JA, en: v.VOICE_EN },
      service:
        v.SPEECH_SYNTHESIS_URL === null
          ? null
          : { url: v.SPEECH_SYNTHESIS_URL, token: v.SPEECH_SYNTHESIS_TOKEN, timeoutMs: v.SPEECH_SYNTHESIS_MS },
    },
    callMe: {
      origins: v.CALL_ME_ORIGINS,
      policy: {
        countries: v.CALL_ME_COUNTRIES,
        sip: {
          allowed: v.CALL_ME_SIP,
          domains: v.CALL_ME_SIP_DOMAINS.length === 0 ? null : v.CALL_ME_SIP_DOMAINS,
          privateHosts: v.CALL_ME_PRIVATE_HOSTS,
        },
        perTargetPerHour: v.CALL_ME_PER_HOUR_PER_NUMBER,
        perAddressPerHour: v.CALL_ME_PER_HOUR_PER_ADDRESS,
      },
    },
  };
}

function deskRules(v: Values): DeskRules {
  const { wrapUp, callbacks } = DEFAULT_DESK_RULES;
  const limitMs = v.WRAP_UP_MS ?? wrapUp.limitMs;
  const retry = ({ attempts, pauseMs }: RetryRule): RetryRule => ({
    attempts: v.CALLBACK_ATTEMPTS ?? attempts,
    pauseMs: v.CALLBACK_RETRY_MS ?? pauseMs,
  });
  const { busy, noAnswer, failed } = callbacks.retry;
  return {
    ...DEFAULT_DESK_RULES,
    wrapUp: { ...wrapUp, limitMs, mostMs: Math.max(limitMs, wrapUp.mostMs) },
    callbacks: {
      ...callbacks,
      attempts: v.CALLBACK_ATTEMPTS ?? callbacks.attempts,
      retry: { busy: retry(busy), noAnswer: retry(noAnswer), failed: retry(failed) },
    },
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

// ---------------------------------------------------------------- words

const mistakesText = (mistakes: readonly Mistake[]) =>
  [
    `${mistakes.length === 1 ? 'One setting is' : `${mistakes.length} settings are`} wrong; nothing was started:`,
    ...mistakes.map(
      ({ setting: name, where, problem, remedy }) => `  ${name === '' ? where : `${name} (${where})`}: ${problem}; ${remedy}`,
    ),
    'All settings: npm start -- --help',
  ].join('\n');

/** Documentation of every setting, for a terminal. */
export function helpText(): string {
  const width = Math.max(...[...table.keys()].map((name) => name.length));
  const lines = [
    'npm start [-- --config FILE.yaml]',
    '',
    'Starts Madoguchi and all that it needs. Settings are environment variables, or lines "NAME: value" of one YAML file,',
    'given by --config FILE or MADOGUCHI_CONFIG; a variable goes before the file.',
  ];
  for (const [group, entries] of Object.entries(groups)) {
    lines.push('', group);
    for (const [name, entry] of Object.entries(entries as unknown as Record<string, Entry>)) {
      const standard = entry.default === '' ? '' : ` Default: ${entry.default}`;
      lines.push(`  ${name.padEnd(width)}  ${entry.meaning}${standard}`, `  ${' '.repeat(width)}    ${entry.form}`);
    }
  }
  return lines.join('\n');
}
