/** How many wait at a desk is told to everybody who works there, also to those whom nothing else has happened to. */
import { expect, test, vi } from 'vitest';
import { type BackendParts, createBackend } from '#src/backend.ts';
import type { AgentId } from '#src/base/ids.ts';
import type { FloorEvent } from '#src/contact/model.ts';

test('a caller who begins to wait is told to the agents on shift at that desk, and to nobody else', async () => {
  const queues = new Map<string, number>();
  type Listener = (committed: { agents: ReadonlySet<AgentId>; events: readonly FloorEvent[] }) => void;
  const commits = new Set<Listener>();
  const agents = ['busy', 'elsewhere', 'atHome'].map((id) => ({ id, state: id === 'atHome' ? 'loggedOff' : 'busy' }));
  const desks: Record<string, string[]> = { busy: ['tokyo'], elsewhere: ['osaka'], atHome: ['tokyo'] };
  const floor = {
    agents: new Map(agents.map((a) => [a.id, a])),
    contacts: new Map<string, object>(),
    waitingCount: (desk: string) => queues.get(desk) ?? 0,
  };
  const parts = {
    controller: {
      floor,
      onCommitted(listener: Listener) {
        commits.add(listener);
        return () => commits.delete(listener);
      },
    },
    directory: () => ({
      desks: new Map([
        ['tokyo', {}],
        ['osaka', {}],
      ]),
      agents: new Map(Object.entries(desks).map(([id, deskIds]) => [id, { deskIds }])),
    }),
    clock: Date.now,
    onReachable: () => () => undefined,
  };
  const told: string[][] = [];
  const stop = createBackend(parts as unknown as BackendParts).onChange((who) => told.push([...who]));
  const commit = (): void => {
    for (const listener of commits) listener({ agents: new Set(), events: [] });
  };

  queues.set('tokyo', 1);
  commit();
  await vi.waitFor(() => expect(told).toEqual([[], ['busy']]));

  // One is taken and another comes: as many as before, and another one has waited longest.
  floor.contacts.set('c', { state: 'queued', channel: 'voice', deskId: 'tokyo', arrivedAt: 5 });
  commit();
  await vi.waitFor(() => expect(told).toEqual([[], ['busy'], [], ['busy']]));
  told.length = 2;
  floor.contacts.clear();

  queues.delete('tokyo'); // the caller has hung up
  commit();
  await vi.waitFor(() => expect(told).toEqual([[], ['busy'], [], ['busy']]));

  queues.set('tokyo', 1);
  commit();
  stop();
  commit();
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(told).toHaveLength(5);
});
