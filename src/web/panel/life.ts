/** The life of one contact as a drawing: what it went through, by whom, and when, from its events alone. Pure. */

/** As `GET /api/contacts/:id/events` gives it. */
export interface LifeEvent {
  readonly at: number;
  readonly name: string;
  readonly agentId: string | null;
  readonly deskId: string | null;
  readonly offerId: string | null;
  readonly cause: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export type SegmentKind = 'identifying' | 'scenario' | 'waiting' | 'dialling' | 'ringing' | 'talk' | 'outside' | 'wrapUp';
export interface Segment {
  readonly kind: SegmentKind;
  readonly from: number;
  readonly until: number;
  /** It has not ended. */
  readonly open: boolean;
}
export interface Lane {
  /** Null: the party's own. */
  readonly agentId: string | null;
  readonly segments: readonly Segment[];
}
export interface Life {
  readonly from: number;
  readonly until: number;
  /** The party's first, then agents in the order in which they came. */
  readonly lanes: readonly Lane[];
}

interface Growing {
  readonly kind: SegmentKind;
  readonly from: number;
}

/** @param now until when what has not ended is drawn */
export function lifeOf(events: readonly LifeEvent[], now: number): Life {
  const over = events.some(({ name }) => name === 'contactEnded');
  const last = events.at(-1)?.at ?? now;
  const until = over ? last : Math.max(last, now);
  const lanes = new Map<string | null, { segments: Segment[]; current: Growing | null }>([[null, { segments: [], current: null }]]);
  const go = (agentId: string | null, kind: SegmentKind | null, at: number): void => {
    const lane = lanes.get(agentId) ?? { segments: [], current: null };
    lanes.set(agentId, lane);
    if (lane.current?.kind === kind) return;
    if (lane.current !== null && at > lane.current.from) lane.segments.push({ ...lane.current, until: at, open: false });
    lane.current = kind === null ? null : { kind, from: at };
  };
  for (const { name, at, agentId, offerId, data } of events) {
    switch (name) {
      case 'contactArrived':
        go(null, 'identifying', at);
        break;
      case 'scenarioStarted':
      case 'dequeued':
        go(null, 'scenario', at);
        break;
      case 'queued':
        go(null, 'waiting', at);
        break;
      case 'offered':
        if (agentId !== null) go(agentId, 'ringing', at);
        break;
      case 'originated':
        if (data['with'] === 'outside') go(null, 'dialling', at);
        // An attempt to reach the party of a callback.
        else if (typeof data['attempt'] === 'number') go(null, 'dialling', at);
        break;
      case 'established':
        if (data['with'] === 'outside') go(null, 'outside', at);
        else if (offerId !== null && agentId !== null) {
          go(null, 'talk', at);
          go(agentId, 'talk', at);
        } else go(null, 'waiting', at);
        break;
      case 'diverted':
      case 'offerEnded':
        if (agentId !== null) go(agentId, null, at);
        break;
      case 'connectionCleared':
        go(null, null, at);
        if (agentId !== null && offerId !== null) go(agentId, null, at);
        break;
      case 'wrapUpStarted':
        if (agentId !== null) go(agentId, 'wrapUp', at);
        break;
      case 'wrapUpCompleted':
        if (agentId !== null) go(agentId, null, at);
        break;
      case 'contactEnded':
        for (const lane of lanes.keys()) go(lane, null, at);
        break;
    }
  }
  return {
    from: events[0]?.at ?? until,
    until,
    lanes: [...lanes].map(([agentId, { segments, current }]) => ({
      agentId,
      segments: current === null ? segments : [...segments, { ...current, until, open: true }],
    })),
  };
}

/** Places of moments on a line from 0 to 1. Long stretches in which nothing happens (a callback that rests overnight) are cut short. */
export interface Scale {
  readonly place: (at: number) => number;
  /** Stretches that are cut short. */
  readonly cuts: readonly { readonly from: number; readonly until: number }[];
}

/** No stretch is cut that is shorter than this. */
const SHORTEST_CUT_MS = 120_000;

/** @param moments of all that happens, in any order */
export function scaleOf(moments: readonly number[]): Scale {
  const times = [...new Set(moments)].sort((a, b) => a - b);
  const gaps = times.slice(1).map((at, i) => ({ from: times[i] ?? at, until: at, ms: at - (times[i] ?? at) }));
  const total = gaps.reduce((sum, { ms }) => sum + ms, 0);
  // One that is longer than all the others together would press these into a corner.
  const longest = (ms: number): number => Math.max(SHORTEST_CUT_MS, (total - ms) / 2);
  const drawn = gaps.map((gap) => ({ ...gap, drawn: Math.min(gap.ms, longest(gap.ms)) }));
  const whole = drawn.reduce((sum, gap) => sum + gap.drawn, 0);
  return {
    place: (at) => {
      let sum = 0;
      for (const gap of drawn) {
        if (at >= gap.until) sum += gap.drawn;
        else if (at > gap.from) sum += (gap.drawn * (at - gap.from)) / gap.ms;
      }
      return whole === 0 ? 0 : sum / whole;
    },
    cuts: drawn.filter((gap) => gap.drawn < gap.ms).map(({ from, until }) => ({ from, until })),
  };
}
