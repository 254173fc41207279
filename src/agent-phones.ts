/** The agents' phones, as the switch has them: made known to it, and which of them can be rung just now. */
import { browserEndpoint } from './base/endpoint.ts';
import type { AgentId, DomainId } from './base/ids.ts';
import type { SwitchPort } from './cti/port.ts';
import { agentEndpoints } from './db/people.ts';
import type { Queryable } from './db/pool.ts';

type Reachable = (endpoint: string, isReachable: boolean) => void;

export class AgentPhones {
  readonly #db: Queryable;
  readonly #domainId: DomainId;
  readonly #switch: SwitchPort;
  #passwords: ReadonlyMap<string, string> = new Map();
  readonly #reachable = new Map<string, boolean>();
  readonly #listeners = new Set<Reachable>();

  constructor(db: Queryable, domainId: DomainId, phoneSwitch: SwitchPort) {
    this.#db = db;
    this.#domainId = domainId;
    this.#switch = phoneSwitch;
  }

  /** Tells the switch of everybody's phones as they are in the database now. */
  async provision(): Promise<void> {
    const endpoints = await agentEndpoints(this.#db, this.#domainId);
    this.#passwords = new Map(endpoints.map(({ name, password }) => [name, password]));
    await this.#switch.provision(endpoints);
  }

  /** Asks the switch for each; from then on it tells. */
  async look(): Promise<void> {
    for (const name of this.#passwords.keys()) this.#reachable.set(name, await this.#switch.isReachable(name));
  }

  /** The switch tells. */
  changed(endpoint: string, isReachable: boolean): void {
    this.#reachable.set(endpoint, isReachable);
    for (const listener of this.#listeners) listener(endpoint, isReachable);
  }

  /** @returns the way to listen no longer */
  onChanged(listener: Reachable): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  isReachable(endpoint: string): boolean {
    return this.#reachable.get(endpoint) ?? false;
  }

  /** Of the agent's phone in the browser; empty when there is none. */
  browserPassword(agentId: AgentId): string {
    return this.#passwords.get(browserEndpoint(this.#domainId, agentId)) ?? '';
  }
}
