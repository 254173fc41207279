/** Where an Asterisk is installed: what `scripts/install-asterisk.sh` left in its prefix. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AsteriskInstallation {
  /** Runs Asterisk with the arguments given. Absolute. */
  readonly launcher: string;
  readonly moduleDir: string;
  /** Holds `sounds/`, `moh/`, `documentation/`, `rest-api/`. */
  readonly dataDir: string;
  /** As `asterisk -V` says it, e.g. `Asterisk 22.10.1`. */
  readonly version: string;
}

/** No Asterisk where one was expected. The message says what provides it. */
export class AsteriskMissingError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AsteriskMissingError';
  }
}

/** The prefix that `scripts/install-asterisk.sh` uses when it is told nothing: `$ASTERISK_PREFIX`, else `var/asterisk`. */
export function defaultPrefix(env: NodeJS.ProcessEnv = process.env): string {
  return env['ASTERISK_PREFIX'] || join(import.meta.dirname, '../../../../var/asterisk');
}

/** Reads `PREFIX/paths.env`. Throws `AsteriskMissingError` when it is not there or not whole. */
export function readPrefix(prefix: string): AsteriskInstallation {
  const file = join(prefix, 'paths.env');
  const cure = `run scripts/install-asterisk.sh ${prefix}, or npm start, which does it`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AsteriskMissingError(`no Asterisk under ${prefix}: ${cure}`, { cause });
  }
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    // Written by bash's printf %q: backslashes before what is special to a shell, and nothing else for paths.
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1).replace(/\\(.)/g, '$1'));
  }
  const value = (name: string): string => {
    const found = values.get(name);
    if (!found) throw new AsteriskMissingError(`${file} has no ${name}: ${cure}`);
    return found;
  };
  return {
    launcher: value('AST_BIN'),
    moduleDir: value('AST_MODDIR'),
    dataDir: value('AST_DATADIR'),
    version: value('AST_VERSION'),
  };
}
