/** What processes use of the machine, by Linux's /proc. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

/** CPU time of a process alone so far, in ms. */
export const cpuMs = (pid: number): number => (ticksOf(pid, [11, 12]) * 1000) / TICKS_PER_SECOND;

/** The same with all its children's, also of those that have ended. */
export const familyCpuMs = (pid: number): number =>
  childrenOf(pid).reduce((sum, child) => sum + cpuMs(child), (ticksOf(pid, [11, 12, 13, 14]) * 1000) / TICKS_PER_SECOND);

const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

function childrenOf(pid: number): number[] {
  try {
    const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}

/** See proc(5), /proc/pid/stat, here counted from its third: 11 and 12 are user and system time, 13 and 14 those of children that have ended. */
function ticksOf(pid: number, fieldsWanted: readonly number[]): number {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return fieldsWanted.reduce((sum, at) => sum + Number(fields[at] ?? 0), 0);
  } catch {
    return 0; // it has ended
  }
}

/** Memory that a process holds, in bytes. */
export function rssBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** What all cores together have worked so far, in ms; see proc(5), /proc/stat. */
export function machineBusyMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu +(.*)$/m.exec(fs.readFileSync('/proc/stat', 'utf8'))?.[1] ?? '')
    .split(' ')
    .map(Number);
  return ((user + nice + system + irq + softirq) * 1000) / TICKS_PER_SECOND;
}
