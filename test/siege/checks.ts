/**
 * What must be true, by name. The tables are held against what the switch and the people saw, and against the database's own
 * notes of who wrote. Each check says whom it found wanting.
 */
import type { Pool } from 'pg';
import type { SeenLeg } from '#src/cti/memory/switch.ts';
import type { LiveBridge } from '#src/cti/port.ts';
import type { Note } from './noted-store.ts';
import type { Entry } from './record.ts';
import { CALLBACK_ATTEMPTS } from './world.ts';

type Row = Readonly<Record<string, string | number | null>>;
/** A column as text; empty for null. */
const text = (row: Row | undefined, column: string): string => String(row?.[column] ?? '');

export interface Evidence {
  /** Of the switch and the people, in order. */
  readonly seen: readonly Entry[];
  readonly contacts: readonly Row[];
  readonly legs: readonly Row[];
  readonly offers: readonly Row[];
  readonly agents: readonly Row[];
  readonly outbox: readonly Row[];
  /** In the order of the log. */
  readonly events: readonly Row[];
  /** Who changed number or fence of the domain, by the database. */
  readonly audit: readonly Row[];
  /** What nodes wrote down of themselves. */
  readonly notes: readonly Note[];
  /** What lives in the switch now. */
  readonly live: { readonly legs: readonly SeenLeg[]; readonly bridges: readonly LiveBridge[] };
}

type Check = (evidence: Evidence) => Iterable<string>;
type Kind = Entry['what'];
type Of<What extends Kind> = Extract<Entry, { readonly what: What }>;

const seen = <What extends Kind>({ seen: all }: Evidence, what: What): Of<What>[] =>
  all.filter((entry): entry is Of<What> => entry.what === what);
const count = (list: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
};
const index = (rows: readonly Row[]): Map<string, Row> => new Map(rows.map((row) => [text(row, 'id'), row]));

/** One machine's clock, but Node's is cut off at the millisecond. */
const CLOCKS_DIFFER_MS = 2;

/** An order that was given in time may be carried out a little later, on a busy machine. */
const ON_ITS_WAY_MS = 500;

/** Ids of legs that the floor makes: the agent's for an offer, the party's for a callback. */
const AGENT_LEG = /^(?<offer>(?<contact>.+-\d+)\.o\d+)\.a\d+$/;
const CALLBACK_LEG = /^(?<contact>.+-\d+)\.c\d+$/;

/** True at any moment. */
export const ALWAYS: Readonly<Record<string, Check>> = {
  'who writes has the fence: each commit is by the process that claimed the domain last, and one more than the commit before': ({
    audit,
  }) => fencing(audit),

  'who was replaced orders nothing any more': (e) => {
    const claims = e.audit.filter((row) => row['what'] === 'claimed');
    const replacedAt = new Map(claims.map((row, i) => [text(row, 'app'), Number(claims[i + 1]?.['at'] ?? Number.POSITIVE_INFINITY)]));
    return seen(e, 'order')
      .filter(({ node, at }) => at > (replacedAt.get(node) ?? 0) + ON_ITS_WAY_MS)
      .map(({ node, at, method, args }) => `${method} ${args[0]} by ${node}, ${Math.round(at - (replacedAt.get(node) ?? 0))} ms late`);
  },

  'events tell a sensible story of each contact and agent, in order of time': ({ events }) => stories(events),

  'a contact and an agent have one live offer at most': ({ offers }) => {
    const live = offers.filter((offer) => offer['state'] !== 'ended');
    const of = (column: string): [string, number][] => [...count(live.map((offer) => text(offer, column)))];
    return [...of('contact_id'), ...of('agent_id')].filter(([, n]) => n > 1).map(([id, n]) => `${id}: ${n}`);
  },

  'a phone rings once for each leg, and each leg ends once': (e) => {
    const rang = count(seen(e, 'ringing').map(({ leg }) => leg));
    const ended = count(seen(e, 'ended').map(({ leg }) => leg));
    return [...rang, ...ended].filter(([, n]) => n > 1).map(([leg, n]) => `${leg}: ${n} times`);
  },

  'an agent is rung once for an offer: by one leg, or by another when the first was gone unanswered': (e) => oneAfterAnother(e, AGENT_LEG),

  'a callback dials its party once for each attempt, one attempt after another, and not too often': (e) => [
    ...oneAfterAnother(e, CALLBACK_LEG),
    ...[...count(seen(e, 'dialled').flatMap(({ leg }) => CALLBACK_LEG.exec(leg)?.groups?.['contact'] ?? []))]
      .filter(([, n]) => n > CALLBACK_ATTEMPTS)
      .map(([contact, n]) => `${contact}: ${n} attempts`),
  ],

  'who is joined belongs together: a party and an agent of one contact': (e) => {
    const contactOf = new Map(e.legs.map((leg) => [text(leg, 'id'), text(leg, 'contact_id')]));
    return seen(e, 'joined')
      .filter(({ legs }) => {
        const [party, agent] = legs;
        const roles = legs.map((leg) => AGENT_LEG.test(leg)).sort();
        return legs.length !== 2 || roles[0] || !roles[1] || contactOf.get(party ?? '') !== contactOf.get(agent ?? '');
      })
      .map(({ legs }) => legs.join(' with '));
  },

  'nobody who talks hears music': ({ live }) => live.legs.filter((leg) => leg.bridge !== null && leg.music).map(({ leg }) => leg),
};

/** True when all has been served and nobody is there any more. */
export const AT_THE_END: Readonly<Record<string, Check>> = {
  'nothing is lost: every call that the switch saw is a contact': (e) => {
    const legs = index(e.legs);
    const contacts = index(e.contacts);
    return seen(e, 'arrived')
      .filter(({ leg }) => !contacts.has(text(legs.get(leg), 'contact_id')))
      .map(({ leg }) => leg);
  },

  'every callback that a visitor was promised is one contact; one whose promise was lost on the way is one at most': (e) => {
    const contacts = count(e.contacts.map((contact) => text(contact, 'call_me_token')));
    return seen(e, 'callMe')
      .filter(({ token, acknowledged }) => (contacts.get(token) ?? 0) > 1 || (acknowledged && !contacts.has(token)))
      .map(({ token }) => `${token}: ${contacts.get(token) ?? 0} contacts`);
  },

  'every contact has arrived once and ended once, with a cause': (e) => {
    const named = (name: string): Map<string, number> =>
      count(e.events.filter((event) => event['name'] === name).map((event) => text(event, 'contact_id')));
    const [arrived, ended] = [named('contactArrived'), named('contactEnded')];
    return e.contacts
      .map((c) => ({ ...c, arrivals: arrived.get(text(c, 'id')) ?? 0, ends: ended.get(text(c, 'id')) ?? 0 }))
      .filter((c: Row) => c['state'] !== 'ended' || c['cause'] === null || c['arrivals'] !== 1 || c['ends'] !== 1)
      .map((c: Row) => `${c['id']} (${c['state']}, ${c['cause']}, arrived ${c['arrivals']} and ended ${c['ends']} times)`);
  },

  'no phone was dialled for what nobody committed': (e) => {
    const legs = index(e.legs);
    return seen(e, 'dialled').flatMap(({ leg, node }) => {
      const contact = (AGENT_LEG.exec(leg) ?? CALLBACK_LEG.exec(leg))?.groups?.['contact'];
      return contact !== undefined && text(legs.get(leg), 'contact_id') === contact ? [] : [`${leg} by ${node}`];
    });
  },

  'nothing is done in the switch before the commit that decides it': (e) => {
    const committedAt = new Map(e.audit.filter((row) => row['what'] === 'committed').map((row) => [row['seq'], Number(row['at'])]));
    /** When the commit of an event about a leg was under way. */
    const decided = (name: string): Map<string, number> =>
      new Map(
        e.events
          .filter((event) => event['name'] === name && event['leg_id'] !== null)
          .map((event) => [text(event, 'leg_id'), committedAt.get(event['seq'] ?? '') ?? 0]),
      );
    const [arrived, originated, established] = [decided('contactArrived'), decided('originated'), decided('established')];
    const early = (leg: string | undefined, at: number, decision: ReadonlyMap<string, number>): boolean =>
      at < (decision.get(leg ?? '') ?? Number.POSITIVE_INFINITY) - CLOCKS_DIFFER_MS;
    return [
      ...seen(e, 'dialled').filter(({ leg, at }) => early(leg, at, originated)),
      ...seen(e, 'order').filter(
        ({ method, args, outcome, at }) => method === 'answer' && outcome === 'done' && early(String(args[0]), at, arrived),
      ),
      ...seen(e, 'joined').filter(({ legs, at }) =>
        early(
          legs.find((leg) => AGENT_LEG.test(leg)),
          at,
          established,
        ),
      ),
    ].map((entry) => JSON.stringify(entry));
  },

  'every committed dialling was dialled, or taken back': (e) => {
    const dialled = new Set(seen(e, 'dialled').map(({ leg }) => leg));
    // Taken back before it was given: nobody answered it, and it did not end by the switch.
    return e.legs
      .filter((leg) => leg['state'] !== 'ended' || leg['answered_at'] !== null)
      .map((leg) => text(leg, 'id'))
      .filter((leg) => (AGENT_LEG.test(leg) || CALLBACK_LEG.test(leg)) && !dialled.has(leg));
  },

  'tables and switch agree who talked with whom': (e) => {
    const joined = new Set(seen(e, 'joined').flatMap(({ legs }) => legs.flatMap((leg) => AGENT_LEG.exec(leg)?.groups?.['contact'] ?? [])));
    return e.contacts
      .filter((c) => joined.has(text(c, 'id')) && c['connected_at'] === null)
      .map((c) => `${c['id']} was joined, and is not connected`);
  },

  'no leg or bridge is left in the switch, no live leg or offer in the tables': (e) => [
    ...e.live.legs.map(({ leg }) => `${leg} in the switch`),
    ...e.live.bridges.map(({ bridge }) => `${bridge} in the switch`),
    ...[...e.legs, ...e.offers].filter((row) => row['state'] !== 'ended').map((row) => `${row['id']} is ${row['state']}`),
  ],

  'no order is left to be given': ({ outbox }) => outbox.map((order) => `${order['id']} ${order['type']}`),

  'no agent is stuck: all are ready, with nothing in hand': ({ agents }) =>
    agents.filter((a) => a['state'] !== 'ready' || a['offer_id'] !== null).map((a) => `${a['agent_id']} is ${a['state']} (${a['reason']})`),

  'tables hold what events tell': ({ events, contacts, agents }) => {
    const { contactStates, agentStates } = told(events);
    return [
      ...contacts.filter((c) => contactStates.get(text(c, 'id')) !== c['state']).map((c) => `${c['id']} is ${c['state']}`),
      ...agents.filter((a) => agentStates.get(text(a, 'agent_id')) !== a['state']).map((a) => `${a['agent_id']} is ${a['state']}`),
    ];
  },
};

/** Names of the broken ones, with the first of those whom they concern. */
export function broken(checks: Readonly<Record<string, Check>>, evidence: Evidence): string[] {
  return Object.entries(checks).flatMap(([name, check]) => {
    const bad = [...check(evidence)];
    const more = bad.length > 5 ? ` and ${bad.length - 5} more` : '';
    return bad.length > 0 ? [`${name}: ${bad.slice(0, 5).join(', ')}${more}`] : [];
  });
}

function* fencing(audit: readonly Row[]): Iterable<string> {
  let holder: string | null = null;
  let [fence, seq] = [0, 0];
  for (const row of audit) {
    const said = `${row['app']} ${row['what']} ${row['seq']} under fence ${row['fence']}`;
    if (row['what'] === 'committed') {
      if (row['app'] !== holder || Number(row['fence']) !== fence) yield `${said}, when ${holder} had fence ${fence}`;
      if (Number(row['seq']) !== seq + 1) yield `${said}, after commit ${seq}`;
    } else {
      if (Number(row['fence']) <= fence) yield `${said}, after fence ${fence}`;
      if (row['what'] === 'released' && row['app'] !== holder) yield `${said}, which ${holder} had`;
      holder = row['what'] === 'claimed' ? text(row, 'app') : null;
      fence = Number(row['fence']);
    }
    seq = Number(row['seq']);
  }
}

/**
 * Legs of one offer, or of one callback: the next is dialled when the one before has ended without having been answered, as far as
 * anybody could know: who answers and hangs up while nobody listens to the switch was not reached, and is called again.
 */
function* oneAfterAnother(e: Evidence, kind: RegExp): Iterable<string> {
  const last = new Map<string, string>();
  const gone = new Set<string>();
  const answered = new Set(e.legs.filter((leg) => leg['answered_at'] !== null).map((leg) => text(leg, 'id')));
  for (const entry of e.seen) {
    if (entry.what === 'ended') gone.add(entry.leg);
    const found = entry.what === 'dialled' ? kind.exec(entry.leg)?.groups : undefined;
    if (entry.what !== 'dialled' || !found) continue;
    const whose = found['offer'] ?? found['contact'] ?? '';
    const before = last.get(whose);
    if (before && (!gone.has(before) || answered.has(before))) {
      yield `${entry.leg} while ${before} ${gone.has(before) ? 'had been answered' : 'was there'}`;
    }
    last.set(whose, entry.leg);
  }
}

/** The state that an event leads to, and from which it may come. */
const CONTACT: Readonly<Record<string, { readonly to: string; readonly from: readonly string[] }>> = {
  contactArrived: { to: 'identifying', from: ['none'] },
  scenarioStarted: { to: 'scenario', from: ['identifying'] },
  queued: { to: 'queued', from: ['identifying', 'scenario', 'queued', 'offered', 'connected'] },
  offered: { to: 'offered', from: ['queued'] },
  established: { to: 'connected', from: ['offered'] },
  wrapUpStarted: { to: 'wrapUp', from: ['connected'] },
  contactEnded: { to: 'ended', from: ['identifying', 'scenario', 'queued', 'offered', 'wrapUp'] },
};
const AGENT: Readonly<Record<string, string>> = {
  agentLoggedOff: 'loggedOff',
  agentNotReady: 'notReady',
  agentReady: 'ready',
  agentBusy: 'busy',
  agentWorkingAfterCall: 'workingAfterCall',
};

function told(events: readonly Row[]) {
  const contactStates = new Map<string, string>();
  const agentStates = new Map<string, string>();
  const wrong: string[] = [];
  let at = 0;
  for (const event of events) {
    const where = `${event['name']} in commit ${event['seq']}`;
    if (Number(event['at']) < at) wrong.push(`${where} is ${at - Number(event['at'])} ms before the event before it`);
    at = Number(event['at']);
    const [name, contactId, agentId] = [text(event, 'name'), text(event, 'contact_id'), text(event, 'agent_id')];
    if (contactId) {
      const before = contactStates.get(contactId) ?? 'none';
      const move = name === 'established' && event['offer_id'] === null ? undefined : CONTACT[name];
      if (before === 'none' && !move) wrong.push(`${where} of ${contactId}, which has not arrived`);
      if (before === 'ended') wrong.push(`${where} of ${contactId}, which has ended`);
      if (move && !move.from.includes(before)) wrong.push(`${where} of ${contactId}, which is ${before}`);
      if (move) contactStates.set(contactId, move.to);
    }
    const agentState = AGENT[name];
    if (agentId && agentState) {
      const before = agentStates.get(agentId) ?? 'loggedOff';
      if (event['from'] !== before) wrong.push(`${where}: ${agentId} from ${event['from']}, but was ${before}`);
      agentStates.set(agentId, agentState);
    }
  }
  return { contactStates, agentStates, wrong };
}

const stories = (events: readonly Row[]): string[] => told(events).wrong;

const rows = (columns: string, from: string, order: string): string =>
  `(select coalesce(jsonb_agg(to_jsonb(t) order by ${order}), '[]') from (select ${columns} from ${from}) t) as ${from.split(' ')[0]}`;
/** One statement sees one moment. */
const TABLES = `select
  ${rows('id, state, cause, origin, call_me_token, connected_at', 'contact', 'id')},
  ${rows('id, contact_id, role, state, answered_at', 'leg', 'id')},
  ${rows('id, contact_id, agent_id, state', 'offer', 'id')},
  ${rows('agent_id, state, reason, offer_id', 'agent_state', 'agent_id')},
  ${rows('id, type', 'outbox', 'id')},
  ${rows('n, extract(epoch from at) * 1000 as at, app, what, fence, seq', 'siege_audit', 'n')},
  ${rows(
    `seq, n, round(extract(epoch from at) * 1000) as at, name, contact_id, agent_id, offer_id, leg_id, data->>'from' as "from"`,
    'event',
    'seq, n',
  )}`;

/** Everything in the tables, as of one moment. */
export async function readTables(
  pool: Pool,
): Promise<Pick<Evidence, 'contacts' | 'legs' | 'offers' | 'agents' | 'outbox' | 'events' | 'audit'>> {
  const { rows: found } = await pool.query<Record<string, Row[]>>(TABLES);
  const table = (name: string): Row[] => found[0]?.[name] ?? [];
  return {
    contacts: table('contact'),
    legs: table('leg'),
    offers: table('offer'),
    agents: table('agent_state'),
    outbox: table('outbox'),
    audit: table('siege_audit'),
    events: table('event'),
  };
}
