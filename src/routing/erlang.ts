/**
 * How many agents a number of calls needs, by the three formulas of the trade. All of them suppose arrivals at random
 * (Poisson) at a steady rate, handling times and patience that are exponential, one queue in order of arrival, and any agent
 * for any call; `simulate-queue.ts` shows that they are computed right, and real days differ from the suppositions.
 *
 * - Erlang B: who finds all agents busy is turned away.
 * - Erlang C: who finds all agents busy waits, for ever if need be. Too many agents come out of it where people hang up.
 * - Erlang A: who waits gives up after a while (A for abandonment).
 */

const HOUR_MS = 3_600_000;

export type Formula = 'Erlang C' | 'Erlang A';

/** Calls that come at a steady rate, and those who answer them. */
export interface QueueLoad {
  readonly callsPerHour: number;
  /** Average handling time: talk and wrap-up. */
  readonly ahtMs: number;
  /** Staffed positions, each busy or ready. */
  readonly agents: number;
  /** The time within which a call counts as answered in time. */
  readonly withinMs: number;
}

export interface ImpatientLoad extends QueueLoad {
  /** How long a caller waits on average before giving up, were nobody ever to answer. */
  readonly patienceMs: number;
}

/** What to expect in the long run. Shares are from 0 to 1. */
export interface QueueFigures {
  readonly formula: Formula;
  readonly agents: number;
  /** Calls that would be in progress at a time if all were answered at once. */
  readonly loadErlangs: number;
  /** Share of all calls that are answered within `withinMs`; who gives up was not. */
  readonly serviceLevel: number;
  /** Share of all calls that find no ready agent. */
  readonly waitProbability: number;
  /** Share of all calls that give up. */
  readonly abandonProbability: number;
  /** Average speed of answer: mean wait of the calls that are answered, those answered at once among them. */
  readonly asaMs: number;
  /** Mean wait of all calls, until answered or given up. */
  readonly meanWaitMs: number;
  /** How many wait at a time, on average. */
  readonly meanQueueLength: number;
  /** Busy share of the agents' time. */
  readonly occupancy: number;
}

/** @throws RangeError when an argument is no such quantity */
export function offeredLoadErlangs(callsPerHour: number, ahtMs: number): number {
  notNegative('callsPerHour', callsPerHour);
  positive('ahtMs', ahtMs);
  return (callsPerHour * ahtMs) / HOUR_MS;
}

/**
 * Erlang B: the share of calls that find all agents busy when nobody waits. By the recursion B(n) = aB(n−1) / (n + aB(n−1)),
 * which has no factorials and no differences: right for any number of agents.
 *
 * Source: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
 * exchanges", Elektroteknikeren 13 (1917).
 * @throws RangeError when an argument is no such quantity
 */
export function erlangB(loadErlangs: number, agents: number): number {
  notNegative('loadErlangs', loadErlangs);
  wholeNumber('agents', agents, 0);
  let blocked = 1;
  for (let n = 1; n <= agents; n += 1) blocked = (loadErlangs * blocked) / (n + loadErlangs * blocked);
  return blocked;
}

/**
 * Erlang C (M/M/c): nobody gives up. P(wait) = B / (1 − ρ(1 − B)) with Erlang B's B and ρ = load / agents; a wait, if there is
 * one, is exponential with mean AHT / (agents − load).
 *
 * Source: Erlang 1917, as above; the distribution of waits also in R. B. Cooper, "Introduction to Queueing Theory" (1981), 3.4.
 * @throws RangeError when an argument is no such quantity, or there are no more agents than erlangs: the queue then grows for ever
 */
export function erlangC(load: QueueLoad): QueueFigures {
  check(load);
  const { callsPerHour, ahtMs, agents, withinMs } = load;
  const loadErlangs = offeredLoadErlangs(callsPerHour, ahtMs);
  if (agents <= loadErlangs) {
    const least = Math.floor(loadErlangs) + 1;
    throw new RangeError(
      `agents: ${agents} can't keep up with ${loadErlangs.toFixed(2)} erlangs and the queue grows for ever; right: at least ${least}, ` +
        'or Erlang A, where callers give up',
    );
  }
  const occupancy = loadErlangs / agents;
  const blocked = erlangB(loadErlangs, agents);
  const waitProbability = blocked / (1 - occupancy * (1 - blocked));
  const meanWaitMs = (waitProbability * ahtMs) / (agents - loadErlangs);
  return {
    formula: 'Erlang C',
    agents,
    loadErlangs,
    serviceLevel: 1 - waitProbability * Math.exp((-(agents - loadErlangs) * withinMs) / ahtMs),
    waitProbability,
    abandonProbability: 0,
    asaMs: meanWaitMs,
    meanWaitMs,
    meanQueueLength: (callsPerHour / HOUR_MS) * meanWaitMs,
    occupancy,
  };
}

/**
 * Erlang A (M/M/c+M): who waits gives up after an exponential time with mean `patienceMs`. Any load is possible, also more
 * erlangs than agents.
 *
 * With λ calls and cμ ends of calls per time when all agents are busy, θ = 1 / patience, and H(x) = (1 − e^(−θx)) / θ: the wait V
 * that a caller of endless patience would meet has the density v(x) = λ e^(λH(x) − cμx) / (E + λJ) for x > 0, where J is the
 * integral of e^(λH(x) − cμx) and E = 1 / B(c − 1). Every figure is an integral of v over what a caller does at wait x. All
 * integrands are positive and smooth and their logarithm is bent one way only, so they are integrated numerically, measured
 * from their peak: nothing overflows, and no small figure is a difference of large ones.
 *
 * Sources: C. Palm, "Research on telephone traffic carried by full availability groups", Tele 1 (1957, from 1946); O. Garnett,
 * A. Mandelbaum, M. Reiman, "Designing a call center with impatient customers", M&SOM 4 (2002); the integrals: A. Mandelbaum,
 * S. Zeltyn, "Service engineering in action: the Palm/Erlang-A queue, with applications to call centers" (2007).
 * @throws RangeError when an argument is no such quantity
 */
export function erlangA(load: ImpatientLoad): QueueFigures {
  check(load);
  const { callsPerHour, ahtMs, agents, withinMs, patienceMs } = load;
  positive('patienceMs', patienceMs);
  const loadErlangs = offeredLoadErlangs(callsPerHour, ahtMs);
  const lambda = callsPerHour / HOUR_MS;
  const drain = agents / ahtMs;

  const givenUp = (x: number): number => -Math.expm1(-x / patienceMs);
  const exponent = (x: number): number => lambda * patienceMs * givenUp(x) - drain * x;
  const peakAt = lambda > drain ? patienceMs * Math.log(lambda / drain) : 0;
  const peak = exponent(peakAt);
  const relative = (x: number): number => Math.exp(exponent(x) - peak);
  const [from, to] = support((x) => peak - exponent(x), peakAt, ahtMs / agents);
  const integrate = (f: (x: number) => number, end = to): number =>
    integral((x) => f(x) * relative(x), from, Math.min(end, to), patienceMs);

  const waiting = lambda * integrate(() => 1);
  const ready = Math.exp(-peak) / erlangB(loadErlangs, agents - 1);
  // With many idle agents `ready` is infinite in a computer, and nobody waits.
  const readyShare = 1 / (1 + waiting / ready);
  const scale = lambda / (ready + waiting);
  const abandonProbability = scale * integrate(givenUp);
  const served = 1 - abandonProbability;
  const meanWaitMs = abandonProbability * patienceMs; // θ E[queue] = λ P(abandon), and Little's law
  return {
    formula: 'Erlang A',
    agents,
    loadErlangs,
    serviceLevel: Math.min(1, readyShare + scale * integrate((x) => 1 - givenUp(x), withinMs)),
    waitProbability: waiting / (ready + waiting),
    abandonProbability,
    asaMs: (scale * integrate((x) => x * (1 - givenUp(x)))) / served,
    meanWaitMs,
    meanQueueLength: lambda * meanWaitMs,
    occupancy: (loadErlangs * served) / agents,
  };
}

export interface StaffingQuestion {
  /** May be a fraction: it is an expectation. */
  readonly callsPerInterval: number;
  readonly intervalMs: number;
  readonly ahtMs: number;
  /** 80/20 is `{ share: 0.8, withinMs: 20_000 }`. */
  readonly target: { readonly share: number; readonly withinMs: number };
  /** With it Erlang A is used, without it Erlang C. */
  readonly patienceMs?: number;
  /** Agents may not be busy for more than this share of their time. */
  readonly maxOccupancy?: number;
  /** Share of paid time in which agents are not at their places: breaks, training, illness. */
  readonly shrinkage?: number;
}

export interface Staffing extends QueueFigures {
  /** Agents to put on the roster so that `agents` are at their places: agents / (1 − shrinkage), rounded up. */
  readonly scheduled: number;
}

/**
 * The fewest agents with whom the target is met, and what is then to be expected. Without calls: none, and every figure as if
 * nobody ever waited.
 * @throws RangeError when an argument is no such quantity
 */
export function agentsFor(question: StaffingQuestion): Staffing {
  const { callsPerInterval, intervalMs, ahtMs, target, patienceMs, maxOccupancy = 1, shrinkage = 0 } = question;
  notNegative('callsPerInterval', callsPerInterval);
  positive('intervalMs', intervalMs);
  positive('ahtMs', ahtMs);
  if (!(target.share > 0 && target.share < 1)) {
    throw new RangeError(`target.share: ${target.share}; right: more than 0 and less than 1, as 0.8`);
  }
  notNegative('target.withinMs', target.withinMs);
  if (!(maxOccupancy > 0 && maxOccupancy <= 1)) throw new RangeError(`maxOccupancy: ${maxOccupancy}; right: more than 0, at most 1`);
  if (!(shrinkage >= 0 && shrinkage < 1)) throw new RangeError(`shrinkage: ${shrinkage}; right: from 0 to less than 1, as 0.3`);
  if (patienceMs !== undefined) positive('patienceMs', patienceMs);

  const callsPerHour = (callsPerInterval * HOUR_MS) / intervalMs;
  const figures = (agents: number): QueueFigures => {
    const load = { callsPerHour, ahtMs, agents, withinMs: target.withinMs };
    return patienceMs === undefined ? erlangC(load) : erlangA({ ...load, patienceMs });
  };
  const loadErlangs = offeredLoadErlangs(callsPerHour, ahtMs);
  if (callsPerInterval === 0) return { ...figures(1), agents: 0, scheduled: 0 };
  const fewest = patienceMs === undefined ? Math.floor(loadErlangs) + 1 : 1;
  const enough = (agents: number): boolean => {
    const { serviceLevel, occupancy } = figures(agents);
    return serviceLevel >= target.share && occupancy <= maxOccupancy;
  };
  const agents = first(enough, fewest, Math.max(fewest, Math.ceil(loadErlangs)));
  // 21 / 0.7 is a little more than 30 in a computer.
  return { ...figures(agents), scheduled: Math.ceil(agents / (1 - shrinkage) - 1e-9) };
}

/** The least whole number from `least` on of which `holds`, where it holds of all larger ones too. */
function first(holds: (n: number) => boolean, least: number, guess: number): number {
  let [no, yes] = [least - 1, guess];
  for (let step = 1; !holds(yes); step *= 2) [no, yes] = [yes, yes + step];
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2);
    if (holds(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

// ---------------------------------------------------------------- integrals

/** e^−60 of the peak adds nothing to fifteen digits. */
const NEGLIGIBLE = 60;

/**
 * Where e^(−depth) counts: the interval around the peak in which `depth`, zero at the peak and growing to both sides, is small.
 * @param step any positive length, to begin the search with
 */
function support(depth: (x: number) => number, peakAt: number, step: number): readonly [number, number] {
  let reach = step;
  while (depth(peakAt + reach) < NEGLIGIBLE) reach *= 2;
  const to = bisect((x) => depth(x) >= NEGLIGIBLE, peakAt, peakAt + reach);
  const from = peakAt === 0 || depth(0) < NEGLIGIBLE ? 0 : bisect((x) => depth(x) < NEGLIGIBLE, 0, peakAt);
  return [from, to];
}

/** Between `no` and `yes`, roughly where `holds` begins to hold: a limit of integration need not be exact. */
function bisect(holds: (x: number) => boolean, no: number, yes: number): number {
  let [low, high] = [no, yes];
  for (let i = 0; i < 12; i += 1) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Gauss–Legendre with ten points: where on (0, 1], and with which weight; each stands for its mirror image too. */
const GAUSS: readonly (readonly [number, number])[] = [
  [0.1488743389816312, 0.2955242247147529],
  [0.4333953941292472, 0.2692667193099963],
  [0.6794095682990244, 0.219086362515982],
  [0.8650633666889845, 0.1494513491505806],
  [0.9739065285171717, 0.0666713443086881],
];
/** Over one of so many pieces an exponent changes by a few at most: the rule is exact to rounding there. */
const PIECES = 24;
/** So many times the patience lasts nobody. */
const PATIENCES = 40;

/** @param patience the other scale of f, near 0: there the pieces are at most twice as long */
function integral(f: (x: number) => number, from: number, to: number, patience: number): number {
  if (to <= from) return 0;
  const long = (to - from) / PIECES;
  const early = Math.min(to, PATIENCES * patience);
  if (from >= early || 2 * patience >= long) return pieces(f, from, to, PIECES);
  const short = Math.ceil((early - from) / (2 * patience));
  return pieces(f, from, early, short) + (early < to ? pieces(f, early, to, PIECES) : 0);
}

function pieces(f: (x: number) => number, from: number, to: number, count: number): number {
  const half = (to - from) / count / 2;
  let sum = 0;
  for (let piece = 0; piece < count; piece += 1) {
    const middle = from + (2 * piece + 1) * half;
    for (const [x, weight] of GAUSS) sum += weight * (f(middle - x * half) + f(middle + x * half));
  }
  return sum * half;
}

// ---------------------------------------------------------------- arguments

function check({ callsPerHour, ahtMs, agents, withinMs }: QueueLoad): void {
  notNegative('callsPerHour', callsPerHour);
  positive('ahtMs', ahtMs);
  wholeNumber('agents', agents, 1);
  notNegative('withinMs', withinMs);
}

function notNegative(name: string, value: number): void {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name}: ${value}; right: a number, 0 or more`);
}

function positive(name: string, value: number): void {
  if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${name}: ${value}; right: a number greater than 0`);
}

function wholeNumber(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`${name}: ${value}; right: a whole number, ${least} or more`);
}
