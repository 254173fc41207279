/** Makes an Asterisk instance's configuration files of the templates in `conf/` (words between @ are filled in). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AsteriskInstallation } from './prefix.ts';

/** A peer that is trusted to say who is calling and carries our calls out. Known by its address, without port. */
export interface Trunk {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** What an instance is: a running one is adopted only if all of this is the same. */
export interface AsteriskSettings {
  /** Address that SIP listens on (UDP, TCP). */
  readonly sipHost: string;
  readonly sipPort: number;
  /** ARI and SIP over WebSocket, on `httpHost`. */
  readonly httpPort: number;
  readonly httpHost?: string;
  /** Inclusive. Each leg takes two. */
  readonly rtpPorts: { readonly first: number; readonly last: number };
  readonly ariUser: string;
  readonly ariPassword: string;
  /** The Stasis application that calls are given to. */
  readonly appName: string;
  readonly trunks: readonly Trunk[];
  /**
   * How keys come by the trunks. `auto`, unless told otherwise: as RFC 4733 events where the peer offers them in its SDP, else as tones
   * that are listened for. `inband`: tones, for a peer that offers events and sends none. SIP INFO is understood in any case; with `info`
   * nothing else is.
   */
  readonly trunkDtmf?: 'auto' | 'rfc4733' | 'inband' | 'info';
  /** Address in SDP, which RTP binds to, too. On loopback `sipHost`, else Asterisk's own choice. */
  readonly mediaAddress?: string;
  /** More calls than this are refused. 500 unless told otherwise. */
  readonly maxCalls?: number;
  /** How long a call lives that no controller has renewed, in ms. 600 000 unless told otherwise. */
  readonly leaseMs?: number;
  /** How long a caller hears music while there is no controller, in ms. 300 000 unless told otherwise. */
  readonly waitForControllerMs?: number;
  /** Channel variables which every ARI event carries. */
  readonly channelVariables?: readonly string[];
}

export interface InstanceFolders {
  /** Holds etc, log, spool, ... of this instance. */
  readonly runDir: string;
  /** Holds the control socket: see `controlDir` in process.ts. */
  readonly controlDir: string;
  /** Music for who waits. */
  readonly musicDir: string;
}

/** Settings that can't be written into a configuration file. All mistakes at once. */
export class AsteriskSettingsError extends Error {
  constructor(mistakes: readonly string[]) {
    super(`Asterisk's settings are wrong: ${mistakes.join('; ')}`);
    this.name = 'AsteriskSettingsError';
  }
}

const host = /^[A-Za-z0-9.:-]+$/;
const word = /^[A-Za-z][A-Za-z0-9_-]*$/;
// A `;` would start a comment, blanks and `,` separate; the WebSocket's query string wants no escaping either.
const password = /^[A-Za-z0-9._~-]+$/;

function checkSettings(settings: AsteriskSettings): void {
  const mistakes: string[] = [];
  const check = (right: boolean, mistake: string) => {
    if (!right) mistakes.push(mistake);
  };
  const port = (name: string, value: number) =>
    check(Number.isInteger(value) && value > 0 && value < 65_536, `${name} must be a port (1 to 65535), is ${value}`);
  check(host.test(settings.sipHost), `sipHost must be an address, is '${settings.sipHost}'`);
  port('sipPort', settings.sipPort);
  port('httpPort', settings.httpPort);
  port('rtpPorts.first', settings.rtpPorts.first);
  port('rtpPorts.last', settings.rtpPorts.last);
  check(settings.rtpPorts.last - settings.rtpPorts.first >= 3, 'rtpPorts must hold at least four ports');
  check(word.test(settings.ariUser), `ariUser must be letters, digits, _ or -, is '${settings.ariUser}'`);
  check(password.test(settings.ariPassword), 'ariPassword must be made of letters, digits, and . _ ~ -');
  check(word.test(settings.appName), `appName must be letters, digits, _ or -, is '${settings.appName}'`);
  check(settings.mediaAddress === undefined || host.test(settings.mediaAddress), 'mediaAddress must be an address');
  const names = new Set(['anonymous', 'outside']);
  for (const trunk of settings.trunks) {
    check(word.test(trunk.name), `a trunk's name must be letters, digits, _ or -, is '${trunk.name}'`);
    check(!names.has(trunk.name), `the trunk name '${trunk.name}' is taken`);
    check(host.test(trunk.host), `trunk ${trunk.name}: host must be an address, is '${trunk.host}'`);
    port(`trunk ${trunk.name}: port`, trunk.port);
    names.add(trunk.name);
  }
  if (mistakes.length > 0) throw new AsteriskSettingsError(mistakes);
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === 'localhost';
}

/**
 * Fills in templates. Throws when a template has a word that `values` lacks, so that a slip is found here and not in a call.
 */
export function fillIn(template: string, values: ReadonlyMap<string, string>): string {
  return template.replace(/@([A-Z]+)@/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`a configuration template names @${name}@, which is not known`);
    return value;
  });
}

/** Reads every `*.conf` of a folder, filled in: file name to text. Modules this build lacks are left out if optional. */
export function fillInFolder(folder: string, values: ReadonlyMap<string, string>, installation: AsteriskInstallation): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.conf')) continue;
    files.set(name, fillIn(readFileSync(join(folder, name), 'utf8'), values));
  }
  const modules = files.get('modules.conf');
  if (modules !== undefined) files.set('modules.conf', onlyPresentModules(modules, installation));
  return files;
}

function onlyPresentModules(modules: string, installation: AsteriskInstallation): string {
  const missing: string[] = [];
  const lines = modules.split('\n').filter((line) => {
    const match = /^load = (\S+\.so)(.*)$/.exec(line);
    if (!match || existsSync(join(installation.moduleDir, match[1] ?? ''))) return true;
    if (!(match[2] ?? '').includes('optional')) missing.push(match[1] ?? '');
    return false;
  });
  if (missing.length > 0) {
    throw new AsteriskSettingsError([`${installation.version} in ${installation.moduleDir} lacks the modules ${missing.join(', ')}`]);
  }
  return lines.join('\n');
}

/**
 * Lines for the end of rtp.conf's [general]. Asterisk never offers 127.0.0.1 to a browser by itself (it skips 127/8 and ::1),
 * so where everything is on loopback each of the machine's own addresses is offered as 127.0.0.1.
 */
export function iceLines(onLoopback: boolean, ownAddresses: readonly string[]): string {
  if (!onLoopback) return '';
  return ['ice_deny = ::/0', '', '[ice_host_candidates]', ...ownAddresses.map((address) => `${address} => 127.0.0.1`)].join('\n');
}

/** The product's own configuration: file name to text. Throws `AsteriskSettingsError`. */
export function renderConfiguration(
  settings: AsteriskSettings,
  installation: AsteriskInstallation,
  folders: InstanceFolders,
  ownAddresses: readonly string[],
): Map<string, string> {
  checkSettings(settings);
  const templates = join(import.meta.dirname, 'conf');
  const onLoopback = isLoopback(settings.sipHost);
  const media = settings.mediaAddress ?? (onLoopback ? settings.sipHost : undefined);
  const trunkTemplate = readFileSync(join(templates, 'parts', 'pjsip-trunk.conf'), 'utf8');
  const trunks = settings.trunks.map((trunk) =>
    fillIn(
      trunkTemplate,
      new Map([
        ['TRUNK', trunk.name],
        ['TRUNKHOST', trunk.host],
        ['TRUNKPORT', String(trunk.port)],
        ['TRUNKDTMF', settings.trunkDtmf ?? 'auto'],
      ]),
    ),
  );
  const variables = settings.channelVariables ?? [];
  const values = new Map([
    ['RUN', folders.runDir],
    ['CONTROL', folders.controlDir],
    ['MUSIC', folders.musicDir],
    ['MODULES', installation.moduleDir],
    ['DATA', installation.dataDir],
    ['NAME', `${settings.appName}-${settings.sipPort}`],
    ['MAXCALLS', String(settings.maxCalls ?? 500)],
    ['SIPHOST', settings.sipHost],
    ['SIPPORT', String(settings.sipPort)],
    ['HTTPHOST', settings.httpHost ?? '127.0.0.1'],
    ['HTTPPORT', String(settings.httpPort)],
    ['RTPFIRST', String(settings.rtpPorts.first)],
    ['RTPLAST', String(settings.rtpPorts.last)],
    ['ICE', iceLines(onLoopback, ownAddresses)],
    ['ARIUSER', settings.ariUser],
    ['ARIPASSWORD', settings.ariPassword],
    ['CHANNELVARS', variables.length > 0 ? `channelvars = ${variables.join(',')}` : ''],
    ['APP', settings.appName],
    ['LEASE', String(Math.ceil((settings.leaseMs ?? 600_000) / 1000))],
    // Asked again every 2 s.
    ['TRIES', String(Math.ceil((settings.waitForControllerMs ?? 300_000) / 2000))],
    ['MEDIA', media === undefined ? '' : `media_address = ${media}\nbind_rtp_to_media_address = yes`],
    ['TRUNKS', trunks.join('\n')],
  ]);
  return fillInFolder(templates, values, installation);
}
