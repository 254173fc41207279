/** How many wait at a desk is told to everybody who works there, also to those whom nothing else has happened to. */
import { expect, test, vi } from 'vitest';
import { type BackendParts, createBackend } from '#src/backend.ts';
import type { AgentId } from '#src/base/ids.ts';

test('a caller who begins to wait is told to the agents on shift at that desk, and to nobody else', async () => {
  const queues = new Map<string, unknown[]>();
  const commits = new Set<(committed: { agents: ReadonlySet<AgentId> }) => void>();
  const agents = ['busy', 'elsewhere', 'atHome'].map((id) => ({ id, state: id === 'atHome' ? 'loggedOff' : 'busy' }));
  const desks: Record<string, string[]> = { busy: ['tokyo'], elsewhere: ['osaka'], atHome: ['tokyo'] };
  const floor = {
    agents: new Map(agents.map((a) => [a.id, a])),
    queue: (desk: string) => queues.get(desk) ?? [],
    queuedDesks: queues.keys(),
  };
  const parts = {
    controller: {
      floor,
      onCommitted(listener: (committed: { agents: ReadonlySet<AgentId> }) => void) {
        commits.add(listener);
        return () => commits.delete(listener);
      },
    },
    directory: () => ({ agents: new Map(Object.entries(desks).map(([id, deskIds]) => [id, { deskIds }])) }),
    onReachable: () => () => undefined,
  };
  const told: string[][] = [];
  const stop = createBackend(parts as unknown as BackendParts).onChange((who) => told.push([...who]));
  const commit = (): void => {
    floor.queuedDesks = queues.keys();
    for (const listener of commits) listener({ agents: new Set() });
  };

  queues.set('tokyo', [{}]);
  commit();
  await vi.waitFor(() => expect(told).toEqual([[], ['busy']]));

  queues.delete('tokyo'); // the caller has hung up
  commit();
  await vi.waitFor(() => expect(told).toEqual([[], ['busy'], [], ['busy']]));

  queues.set('tokyo', [{}]);
  commit();
  stop();
  commit();
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(told).toHaveLength(5);
});
