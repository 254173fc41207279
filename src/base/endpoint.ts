import type { AgentId, DomainId } from './ids.ts';

/** The name under which an agent's browser registers as a phone. */
export const browserEndpoint = (domainId: DomainId, agentId: AgentId): string => `browser-${domainId}-${agentId}`;
