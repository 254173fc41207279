/** The centre that is besieged: eight agents at three desks, and times short enough for a round of seconds. */
import type { FloorContext } from '#src/contact/floor.ts';
import type { DeskRules } from '#src/routing/desk-rules.ts';
import type { AgentProfile } from '#src/routing/directory.ts';
import { CONTEXT, DIRECTORY, POLICY, RULES } from '../contact/world.ts';

export const DOMAIN = DIRECTORY.domainId;
export const LEASE_TTL_MS = 2_000;
/** A leg that no owner wants dies after this. */
export const LEG_LEASE_MS = 45_000;
export const RENEW_LEGS_EVERY_MS = 4_000;
export const RING_MS = 2_500;
export const CALLBACK_ATTEMPTS = 2;
export const DESKS = [...DIRECTORY.desks.keys()];

const second = (profile: AgentProfile): AgentProfile => ({ ...profile, id: `${profile.id}2`, name: `${profile.name}2`, deskPhone: null });
const agents = [...DIRECTORY.agents.values()].flatMap((profile) => [profile, second(profile)]);
export const AGENTS = agents.map((profile) => profile.id);

const { wrapUp, callbacks } = RULES;
const retry = { attempts: CALLBACK_ATTEMPTS, pauseMs: 1_500 };
const rules: DeskRules = {
  ...RULES,
  wrapUp: { ...wrapUp, limitMs: 2_000 },
  callbacks: { ...callbacks, attempts: CALLBACK_ATTEMPTS, retry: { busy: retry, noAnswer: retry, failed: retry } },
};

export const SIEGE: FloorContext = {
  ...CONTEXT,
  directory: { ...DIRECTORY, agents: new Map(agents.map((profile) => [profile.id, profile])) },
  rulesOf: () => rules,
  policy: { ...POLICY, popMs: 500, ringMs: RING_MS, dialMs: 3_000, panelGraceMs: 4_000, announceEveryMs: 2_000, lookUpMs: 3_000 },
};
