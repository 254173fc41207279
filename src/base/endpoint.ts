import type { AgentId, DomainId } from './ids.ts';

/** The name under which an agent's browser registers as a phone. The switch has one name space for all centres, so the centre is in it. */
export const browserEndpoint = (domainId: DomainId, agentId: AgentId): string => `browser-${domainId}-${agentId}`;
