/** The short siege: every fault once, and a pair of them (so with this seed). `npm run siege` is the long one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

const siege = new URL('siege.ts', import.meta.url).pathname;

async function besiege(args: readonly string[], defect = ''): Promise<{ readonly code: number | null; readonly said: string }> {
  const env = { ...process.env, SIEGE_DEFECT: defect };
  const child = spawn(process.execPath, [siege, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await once(child, 'close');
  return { code: child.exitCode, said };
}

describe.concurrent('two nodes on one Postgres, under load', { timeout: 300_000 }, () => {
  it('killed, paused, cut off, without Postgres: nothing is lost, and nothing is done twice', async () => {
    const { code, said } = await besiege(['--rounds', '6', '--seed', '10']);
    expect(said).toContain('6 rounds: nothing lost, nothing twice');
    expect(code).toBe(0);
  });
});

describe.concurrent('a siege of nodes that are broken on purpose sees it', { timeout: 300_000 }, () => {
  it.each([
    // Whether the one who lost the domain still had something to write is chance; that it did not give up is seen in any case.
    ['fenceIgnored', /^- (who writes has the fence|.* was not refused, or did not give up)/m],
    // One who is replaced meanwhile has ordered what was never committed: that is seen as soon as it happens, and ends the siege.
    ['ordersFirst', /^- (nothing is done in the switch before the commit that decides it|who was replaced orders nothing any more)/m],
  ])('%s', async (defect, check) => {
    const { code, said } = await besiege(['--rounds', '1', '--seed', '1'], defect);
    expect(said).toMatch(check);
    expect(said).toContain(`play back: SIEGE_DEFECT=${defect} npm run siege -- --seed 1`);
    expect(code).toBe(1);
  });
});
