/** @file The proof that a path is a shortest one: its dual bound, checked in whole numbers. */

import type { Graph } from "../../../linear/incidence.js";
import { type Dyadic, dyadics, relativeGap } from "../dyadic.js";

/** What is to be proven: edges from source to target, and dual vectors from anywhere. */
export interface PathWitness {
  readonly edges: readonly number[];
  /** π, one a node; those of an exact solve prove a shortest path, any others a bound. */
  readonly potentials: ArrayLike<number>;
}

export type PathVerdict =
  | {
      readonly verdict: "VERIFIED";
      /** c(path) − D(π) ≥ 0 in real arithmetic: no path without a cycle is cheaper by more. */
      readonly gap: Dyadic;
      /** gap/|c(path)|; 0 exactly where the path is proven to be a shortest one. */
      readonly relativeGap: number;
    }
  | { readonly verdict: "REFUTED" | "UNVERIFIABLE"; readonly detail: string };

/**
 * Check that the edges are a path, and bound how much cheaper any other can be. For every π, over the paths without a cycle,
 *
 *     c(path) ≥ D(π) = π_target − π_source − (n − 1) max(0, maxₑ π_head − π_tail − cₑ)
 *
 * Costs and potentials are floats, so multiples of a power of two: sums and comparisons are of whole numbers. Costs are as given:
 * widen float32 ones.
 *
 * @throws data if a cost is not finite, naming the edge
 * @source Ahuja, Magnanti & Orlin 1993, Network Flows, §9.4 (reduced cost optimality); the last term: a path has at most n − 1 edges
 */
export function provePath(
  { nodes, edges }: Graph,
  costs: ArrayLike<number>,
  [source, target]: readonly [number, number],
  witness: PathWitness,
): PathVerdict {
  const broken = notAPath(edges, [source, target], witness.edges);
  if (broken !== undefined) return { verdict: "REFUTED", detail: broken };
  if (witness.potentials.length !== nodes) {
    return { verdict: "UNVERIFIABLE", detail: `${witness.potentials.length} potentials for ${nodes} nodes` };
  }
  const unreached = (node: number) => witness.potentials[node] === Number.POSITIVE_INFINITY;
  const pi = Float64Array.from(witness.potentials, (value) => (value === Number.POSITIVE_INFINITY ? 0 : value));
  const bad = pi.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) return { verdict: "UNVERIFIABLE", detail: `potential ${pi[bad]} of node ${bad}` };
  const { units, shift } = dyadics("provePath", [...Array.from(costs), ...pi]);
  const potential = (node: number) => units[edges.length + node]!;
  let violation = 0n;
  for (const [e, [tail, head]] of edges.entries()) {
    if (unreached(tail)) continue;
    if (unreached(head)) return { verdict: "UNVERIFIABLE", detail: `edge ${e} leads to node ${head}, without a label` };
    const over = potential(head) - potential(tail) - units[e]!;
    if (over > violation) violation = over;
  }
  if (unreached(source)) return { verdict: "UNVERIFIABLE", detail: `the source, node ${source}, has no label` };
  const cost = witness.edges.reduce((sum, e) => sum + units[e]!, 0n);
  const gap = { units: cost - (potential(target) - potential(source) - BigInt(nodes - 1) * violation), shift };
  return { verdict: "VERIFIED", gap, relativeGap: relativeGap(gap, { units: cost, shift }) };
}

/** Where the edges fail to lead from source to target without a cycle, in words. */
function notAPath(
  edges: Graph["edges"],
  [source, target]: readonly [number, number],
  path: readonly number[],
): string | undefined {
  const visited = new Set([source]);
  let node = source;
  for (const [step, e] of path.entries()) {
    const ends = edges[e];
    if (ends === undefined) return `edge ${e} of step ${step} is not in the graph`;
    if (ends[0] !== node) return `edge ${e} of step ${step} leaves node ${ends[0]}, not node ${node}`;
    node = ends[1];
    if (visited.has(node)) return `node ${node} comes twice`;
    visited.add(node);
  }
  return node === target ? undefined : `the path ends in node ${node}, not node ${target}`;
}
