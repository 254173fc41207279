/**
 * Whom to offer to whom, now. Pure: given who waits and who is ready, the pairs. Each waiting one is given, first come
 * first, to the agent of its desk who has been idle longest; nobody is given two.
 */
import type { AgentId, ContactId, DeskId, EpochMs } from '../base/ids.ts';

export interface Waiting {
  readonly contactId: ContactId;
  readonly deskId: DeskId;
}

export interface Ready {
  readonly agentId: AgentId;
  readonly deskIds: readonly DeskId[];
  readonly idleSince: EpochMs;
}

/**
 * @param waiting in order of arrival, over all desks
 * @param ready in any order
 * @returns pairs in the order of `waiting`
 */
export function match(waiting: Iterable<Waiting>, ready: readonly Ready[]): { contactId: ContactId; agentId: AgentId }[] {
  const byDesk = new Map<DeskId, Ready[]>();
  const longestIdleFirst = ready.toSorted((a, b) => a.idleSince - b.idleSince || (a.agentId < b.agentId ? -1 : 1));
  for (const agent of longestIdleFirst) {
    for (const deskId of agent.deskIds) {
      const agents = byDesk.get(deskId);
      if (agents) agents.push(agent);
      else byDesk.set(deskId, [agent]);
    }
  }
  const taken = new Set<AgentId>();
  const pairs: { contactId: ContactId; agentId: AgentId }[] = [];
  for (const { contactId, deskId } of waiting) {
    if (taken.size === ready.length) break;
    const agent = byDesk.get(deskId)?.find((a) => !taken.has(a.agentId));
    if (!agent) continue;
    taken.add(agent.agentId);
    pairs.push({ contactId, agentId: agent.agentId });
  }
  return pairs;
}
