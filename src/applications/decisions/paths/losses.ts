/** @file Losses of shortest paths: through the layer, or of the predicted costs by the exact solver. */

import { sampleAxes, sum } from "../../../tensor/primitives/broadcast.js";
import { mul } from "../../../tensor/primitives/elementwise.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type Loss, squaredError } from "../../../training/squared-error.js";
import type { CostLoss, CostLossName, Oracle } from "../losses.js";
import type { PathSamples } from "./data.js";
import { shortestPaths } from "./exact.js";
import { grid } from "./grid.js";

/**
 * ⟨r, x⟩ per sample, r ≥ 0 the reduced costs c_e + π_tail − π_head of an exact solve.
 *
 * It is the regret ⟨c, x⟩ − z* of every flow x of one unit, and 0 on shortest paths alone.
 *
 * @source Ahuja, Magnanti & Orlin 1993, Network Flows, Property 9.2 (reduced costs of a flow)
 */
export const flowRegret: Loss = (x, reduced) => {
  const lost = mul(x, reduced);
  return sum(lost, sampleAxes(lost));
};

/** Losses of the layer's flow, differentiated through its fixed point. */
export const FLOW_LOSSES = { mse: squaredError, regret: flowRegret } as const;

export type FlowLossName = keyof typeof FLOW_LOSSES;
export type PathLossName = FlowLossName | CostLossName;
export const PATH_LOSSES = [
  "mse",
  "regret",
  "two-stage",
  "spo+",
  "fenchel-young",
  "blackbox",
] as const satisfies PathLossName[];

/** Words for a card; γ plays no part in the training by those after the first two. */
export const LOSS_WORDS: Readonly<Record<PathLossName, string>> = {
  mse: "mean squared error of decisions",
  regret: "regret of the flow for the true costs",
  "two-stage": "mean squared error of costs",
  "spo+": "SPO+ for the true costs",
  "fenchel-young": "perturbed Fenchel–Young loss of decisions",
  blackbox: "interpolated Hamming distance of decisions",
};

/** Shortest paths from corner to corner as 0 and 1. */
export function pathOracle(k: number): Oracle {
  const { nodes, edges } = grid(k);
  const solve = shortestPaths({ nodes, edges });
  return (costs) => {
    const x = new Float64Array(edges.length);
    for (const e of solve(costs, 0, nodes - 1).edges) x[e] = 1;
    return x;
  };
}

/** What an example of a loss holds. */
export type PathTarget = CostLoss["learnsFrom"] | "reduced costs";

/** Contexts d with their targets: paths as 0 and 1, true costs, or reduced costs. */
export function pathSet(
  { count, contexts, costs, routes }: PathSamples,
  target: PathTarget = "decisions",
): TrainingSet {
  const [width, edges] = [contexts.length / count, costs.length / count];
  const ends = target === "reduced costs" ? grid(sideOf(edges)).edges : [];
  const costOf = (n: number, e: number) => {
    if (target === "costs") return costs[n * edges + e]!;
    const { potentials } = routes[n]!;
    const [tail, head] = ends[e]!;
    return costs[n * edges + e]! + potentials[tail]! - potentials[head]!;
  };
  return {
    count,
    examples: (indices) => {
      const d = new Float32Array(indices.length * width);
      const targets = new Float32Array(indices.length * edges);
      indices.forEach((n, row) => {
        d.set(contexts.subarray(n * width, (n + 1) * width), row * width);
        const own = targets.subarray(row * edges, (row + 1) * edges);
        if (target === "decisions") for (const e of routes[n]!.edges) own[e] = 1;
        else for (let e = 0; e < edges; e++) own[e] = costOf(n, e);
      });
      return {
        data: { d: { shape: [indices.length, width], data: d } },
        target: { shape: [indices.length, edges], data: targets },
      };
    },
  };
}

/** k of 2k(k − 1) edges. */
function sideOf(edges: number): number {
  return (1 + Math.sqrt(1 + 2 * edges)) / 2;
}
