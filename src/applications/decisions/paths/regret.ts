/** @file What a path may lose: its cost for the true costs, and a bound where they are known to intervals. */

import { VouchError } from "../../../errors.js";
import type { Graph } from "../../../linear/incidence.js";
import type { PathSamples } from "./data.js";
import { shortestPaths } from "./exact.js";
import { grid } from "./grid.js";

/**
 * Σ (c(x̂) − z*) / Σ |z*| over samples, x̂ the path of least predicted cost from corner to corner.
 *
 * @param predicted  ĉ, [count, edges] in the order of `grid`
 * @source Tang & Khalil 2024, PyEPO, `metric.regret`
 */
export function relativeRegret(k: number, { costs, routes }: PathSamples, predicted: ArrayLike<number>): number {
  const { nodes, edges } = grid(k);
  const solve = shortestPaths({ nodes, edges });
  const row = (all: ArrayLike<number>, n: number) =>
    Float64Array.from({ length: edges.length }, (_, e) => all[n * edges.length + e]!);
  const lost = routes.map(({ cost }, n) => costOf(solve(row(predicted, n), 0, nodes - 1).edges, row(costs, n)) - cost);
  return lost.reduce((a, b) => a + b, 0) / routes.reduce((sum, { cost }) => sum + Math.abs(cost), 0);
}

/** Σ c over a path's edges. */
export function costOf(path: readonly number[], costs: ArrayLike<number>): number {
  return path.reduce((sum, e) => sum + costs[e]!, 0);
}

/**
 * The largest regret of a path over all costs within an error of the predicted ones:
 *
 *     max_{|c − ĉ| ≤ ε} c(path) − min_x c(x) = (ĉ + ε)(path) − min_x c'(x),    c' = ĉ + ε on the path's edges, ĉ − ε elsewhere
 *
 * 0 where the path is a shortest one whatever the error: the bound is attained, not merely valid.
 *
 * @param error  ε ≥ 0 of each edge, units of the costs
 * @throws parameter if an error is negative; as `shortestPaths`
 * @source Karaşan, Pınar & Yaman 2001, The robust shortest path problem with interval data, Proposition 1
 */
export function largestRegret(
  graph: Graph,
  path: readonly number[],
  costs: ArrayLike<number>,
  error: ArrayLike<number>,
  [source, target]: readonly [number, number],
): number {
  const wrong = Array.prototype.findIndex.call(error, (epsilon: number) => !(epsilon >= 0));
  if (wrong >= 0) {
    const got = `${error[wrong]} for edge ${wrong}`;
    throw new VouchError("parameter", { name: "largestRegret", expected: "errors ≥ 0", got, remedy: "Give |c − ĉ|." });
  }
  const taken = new Set(path);
  const worst = Float64Array.from({ length: costs.length }, (_, e) =>
    taken.has(e) ? costs[e]! + error[e]! : costs[e]! - error[e]!,
  );
  return costOf(path, worst) - shortestPaths(graph)(worst, source, target).cost;
}
