/** @file Flows on a graph that meet given supplies: projection by a factorised Laplacian. */

import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { VouchError } from "../../errors.js";
import { type Graph, incidence } from "../../linear/incidence.js";
import { type ConvexSet, norm } from "../../sets/set.js";
import { abs, sub } from "../../tensor/primitives/elementwise.js";
import { constant64 } from "../../tensor/primitives/leaf.js";
import { matmul } from "../../tensor/primitives/matmul.js";
import { maximum } from "../../tensor/primitives/maximum.js";
import type { Tensor } from "../../tensor/tensor.js";
import { requireSupply } from "./supply.js";

/** Nodes up to which the inverse is formed: 9 million numbers. */
const LARGEST = 3_000;

/**
 * { v : Ev = b } on a connected graph, E its incidence: what flows into each node less what flows out is b.
 *
 *     P(v) = v − Eᵀ G (Ev − b),    G = (EEᵀ without node 0)⁻¹, 0 in the row and column of node 0
 *
 * The Laplacian EEᵀ loses rank 1 on a connected graph; with one node grounded it is positive definite and is inverted once, in
 * float64, by Cholesky. Grids whose edges lead right and down have `gridFlow`, larger graphs `sparseFlow`.
 *
 * No support function: as `affine`.
 *
 * @param supply  b, one number a node, of sum 0: −1 at the source and +1 at the target of a path
 * @throws parameter if the graph is not connected (naming a node), has more than 3,000 nodes, or b does not sum to 0; shape
 * @source Godsil & Royle 2001, Algebraic Graph Theory, Lemma 13.1.1 and §13.2 (the reduced Laplacian)
 */
export function flow(graph: Graph, supply: ArrayLike<number>): ConvexSet {
  const E = incidence(graph);
  const { nodes, edges } = graph;
  const b = requireSupply("flow", graph, supply);
  if (nodes > LARGEST) {
    const remedy = "Use sparseFlow, or gridFlow for a grid.";
    throw new VouchError("parameter", { name: "flow", expected: `at most ${LARGEST} nodes`, got: `${nodes}`, remedy });
  }
  const given = constant64(b, [1, nodes]);
  const inverse = constant64(groundedInverse(graph), [nodes, nodes]);
  const surplus = (v: Tensor) => sub(E.apply(v), given);
  const correction = (v: Tensor) => E.adjoint(matmul(surplus(v), inverse));
  return {
    name: `flow on ${nodes} nodes and ${edges.length} edges`,
    domain: ["N", edges.length],
    project: (v) => sub(v, correction(v)),
    distance: (v) => norm(correction(v)),
    excess: (v) => maximum(abs(surplus(v)), [1]),
  };
}

function groundedInverse({ nodes, edges }: Graph): Float64Array {
  const reduced = Matrix.zeros(nodes - 1, nodes - 1);
  const addTo = (i: number, j: number, value: number) => {
    if (i > 0 && j > 0) reduced.set(i - 1, j - 1, reduced.get(i - 1, j - 1) + value);
  };
  for (const [tail, head] of edges) {
    addTo(tail, tail, 1);
    addTo(head, head, 1);
    addTo(tail, head, -1);
    addTo(head, tail, -1);
  }
  const inverse = new CholeskyDecomposition(reduced).solve(Matrix.eye(nodes - 1));
  const data = new Float64Array(nodes * nodes);
  for (let i = 1; i < nodes; i++) for (let j = 1; j < nodes; j++) data[i * nodes + j] = inverse.get(i - 1, j - 1);
  return data;
}
