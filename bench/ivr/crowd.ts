/** The many callers of the bench: SIPp, which presses keys and does not listen. Its digits need a raw socket, that is root. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export interface CrowdOptions {
  readonly callers: number;
  readonly perSecond: number;
  /** How often each presses a key before it hangs up. */
  readonly presses: number;
  readonly pauseMs: { readonly least: number; readonly most: number };
  /** Whose number each has, counted from 0. */
  readonly from: (index: number) => string;
  /** What is dialled. */
  readonly number: string;
  readonly target: { readonly host: string; readonly port: number };
  readonly host: string;
  readonly sipPort: number;
  readonly rtpPort: number;
  /** SIPp's own files go there. */
  readonly folder: string;
}

export interface Crowd {
  readonly pid: number;
  /** Resolves when all have hung up. @throws Error when any of their calls failed */
  readonly over: Promise<void>;
  stop(): void;
}

const command = (): string => process.env['SIPP'] ?? 'sipp';

/** Null when SIPp can be used; else why not, and what helps. */
export function sippMissing(): string | null {
  if (spawnSync(command(), ['-v']).error) return 'there is no SIPp: apt-get install sip-tester, or SIPP=/path/of/sipp';
  return process.getuid?.() === 0 ? null : 'SIPp sends digits by a raw socket: run this as root';
}

export function startCrowd(options: CrowdOptions): Crowd {
  const { callers, perSecond, presses, pauseMs, from, number, target, host, sipPort, rtpPort, folder } = options;
  const template = fs.readFileSync(path.join(import.meta.dirname, 'crowd.xml'), 'utf8');
  const values: Record<string, number> = { LEAST: pauseMs.least, MOST: pauseMs.most, PRESSES: presses };
  const scenario = path.join(folder, 'crowd.xml');
  fs.writeFileSync(
    scenario,
    template.replaceAll(/@([A-Z]+)@/g, (_, name: string) => String(values[name])),
  );
  const numbers = path.join(folder, 'crowd.csv');
  fs.writeFileSync(numbers, ['SEQUENTIAL', ...Array.from({ length: callers }, (_, index) => from(index)), ''].join('\n'));
  const errors = path.join(folder, 'crowd-errors.log');
  fs.rmSync(errors, { force: true });
  // One port takes the sound of all of them: nobody listens to it, and the kernel drops what nobody reads.
  const args = ['-sf', scenario, '-inf', numbers, '-i', host, '-p', `${sipPort}`, '-mi', host, '-mp', `${rtpPort}`, '-s', number];
  args.push('-m', `${callers}`, '-l', `${callers}`, '-r', `${perSecond}`, '-nostdin', '-trace_err', '-error_file', errors);
  const child = spawn(command(), [...args, `${target.host}:${target.port}`], { cwd: folder, stdio: 'ignore' });
  const over = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      const said = fs.existsSync(errors) ? fs.readFileSync(errors, 'utf8').slice(0, 2_000) : '';
      if (code === 0) resolve();
      else reject(new Error(`SIPp ended with ${code}: not all of its calls went well. ${said}`));
    });
  });
  over.catch(() => undefined); // it may end before anybody waits for it
  return { pid: child.pid ?? 0, over, stop: () => void child.kill('SIGKILL') };
}
