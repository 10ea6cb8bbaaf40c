/** @file Traffic equilibria: flows at which no traveller has a quicker way, with the gap that tests it. */

import { VouchError } from "../../../errors.js";
import { shortestPaths } from "../paths/exact.js";
import { type RoadNetwork, requireNetwork } from "./network.js";

export interface Equilibrium {
  /** Travellers on each link. */
  readonly flows: Float64Array;
  /** Time of each link at these flows. */
  readonly times: Float64Array;
  /** Total time of all travellers, Σ v t(v). */
  readonly total: number;
  /** Σ ∫₀ᵛ t: what the equilibrium minimises. */
  readonly beckmann: number;
  /**
   * (Σ v t(v) − Σ demand × quickest time)/Σ v t(v) ≥ 0, 0 at equilibria alone (Wardrop). Its numerator bounds how far
   * `beckmann` is above its minimum.
   */
  readonly relativeGap: number;
  readonly iterations: number;
  /** Ways in use by demand: links and travellers. */
  readonly ways: readonly (readonly Way[])[];
}

export interface Way {
  readonly links: readonly number[];
  readonly flow: number;
}

export interface EquilibriumOptions {
  /** Relative gap at which it stops, > 0. Default 1e-10. */
  readonly gap?: number;
  /** Passes over all demands. Default 1000. */
  readonly maxIterations?: number;
}

interface MutableWay {
  readonly links: readonly number[];
  flow: number;
}

/**
 * The user equilibrium by gradient projection on the flows of ways: demand by demand, a way p gives the quickest way q
 *
 *     Δ = min(flow of p, (t_p − t_q)/Σ t'(v) over the links of one of them alone)
 *
 * @throws data naming the node of a bad demand, or the destination that cannot be reached; convergence if the gap is not met
 * @source Jayakrishnan, Tsai, Prashker & Rajadhyaksha 1994, A faster path-based algorithm for traffic assignment; gap: Boyce,
 * Ralevic-Dekic & Bar-Gera 2004
 */
export function equilibrium(
  network: RoadNetwork,
  { gap = 1e-10, maxIterations = 1000 }: EquilibriumOptions = {},
): Equilibrium {
  requireNetwork(network);
  const { links, demands } = network;
  const quickest = quickestWays(network);
  const flows = new Float64Array(links.length);
  const times = Float64Array.from(links, ({ of }) => of.time(0));
  const ways: MutableWay[][] = demands.map(() => []);
  const add = (way: MutableWay, amount: number) => {
    way.flow += amount;
    for (const e of way.links) {
      flows[e] = Math.max(0, flows[e]! + amount);
      times[e] = links[e]!.of.time(flows[e]!);
    }
  };
  for (let iteration = 1; ; iteration++) {
    for (const [k, { origin, destination, amount }] of demands.entries()) {
      const best = wayOf(ways[k]!, quickest(times, origin, destination));
      if (ways[k]!.length === 1 && best.flow === 0) add(best, amount);
      for (const way of ways[k]!) if (way !== best) shift(network, times, flows, way, best, add);
      ways[k] = ways[k]!.filter((way) => way.flow > 0 || way === best);
    }
    exactFlows(ways, flows, times, network);
    const result = measure(network, flows, times, quickest);
    if (result.relativeGap <= gap) return { ...result, iterations: iteration, ways };
    if (iteration >= maxIterations) {
      throw new VouchError("convergence", {
        name: "equilibrium",
        expected: `a relative gap of ${gap} after ${maxIterations} passes`,
        got: result.relativeGap.toExponential(2),
        remedy: "Raise maxIterations, or loosen gap.",
      });
    }
  }
}

type Quickest = (times: Float64Array, origin: number, destination: number) => readonly number[];

/** Quickest ways that lead through no zone but their ends. */
function quickestWays({ nodes, firstThrough, links, demands }: RoadNetwork): Quickest {
  const prepared = new Map(
    [...new Set(demands.map(({ origin }) => origin))].map((origin) => {
      const open = links.flatMap(({ tail }, e) => (tail >= firstThrough || tail === origin ? [e] : []));
      const edges = open.map((e) => [links[e]!.tail, links[e]!.head] as const);
      return [origin, { open, solve: shortestPaths({ nodes, edges }) }];
    }),
  );
  return (times, origin, destination) => {
    const { open, solve } = prepared.get(origin)!;
    const costs = Float64Array.from(open, (e) => times[e]!);
    return solve(costs, origin, destination).edges.map((e) => open[e]!);
  };
}

function wayOf(ways: MutableWay[], links: readonly number[]): MutableWay {
  const known = ways.find((way) => way.links.length === links.length && way.links.every((e, i) => e === links[i]));
  if (known) return known;
  const way = { links, flow: 0 };
  ways.push(way);
  return way;
}

function shift(
  { links }: RoadNetwork,
  times: Float64Array,
  flows: Float64Array,
  from: MutableWay,
  to: MutableWay,
  add: (way: MutableWay, amount: number) => void,
): void {
  const [left, right] = [new Set(from.links), new Set(to.links)];
  const apart = [...from.links.filter((e) => !right.has(e)), ...to.links.filter((e) => !left.has(e))];
  const slower = timeOf(from.links, times) - timeOf(to.links, times);
  const slope = apart.reduce((sum, e) => sum + links[e]!.of.slope(flows[e]!), 0);
  if (slower <= 0) return;
  const moved = slope > 0 ? Math.min(from.flow, slower / slope) : from.flow;
  const whole = moved === from.flow;
  add(from, -moved);
  add(to, moved);
  if (whole) from.flow = 0;
}

/** Link flows as sums over ways: what increments lost to rounding is put back. */
function exactFlows(
  ways: readonly MutableWay[][],
  flows: Float64Array,
  times: Float64Array,
  network: RoadNetwork,
): void {
  flows.fill(0);
  for (const { links, flow } of ways.flat()) for (const e of links) flows[e]! += flow;
  network.links.forEach(({ of }, e) => {
    times[e] = of.time(flows[e]!);
  });
}

function measure({ links, demands }: RoadNetwork, flows: Float64Array, times: Float64Array, quickest: Quickest) {
  const total = flows.reduce((sum, v, e) => sum + v * times[e]!, 0);
  const least = demands.reduce(
    (sum, { origin, destination, amount }) => sum + amount * timeOf(quickest(times, origin, destination), times),
    0,
  );
  const beckmann = links.reduce((sum, { of }, e) => sum + of.integral(flows[e]!), 0);
  return { flows, times, total, beckmann, relativeGap: Math.max(0, (total - least) / total) };
}

function timeOf(way: readonly number[], times: Float64Array): number {
  return way.reduce((sum, e) => sum + times[e]!, 0);
}
