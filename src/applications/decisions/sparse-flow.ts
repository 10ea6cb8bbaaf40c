/** @file Flows on a large graph that meet given supplies: projection by conjugate gradients on its Laplacian. */

import { VouchError } from "../../errors.js";
import { type Graph, incidence } from "../../linear/incidence.js";
import { choose, dot, plus } from "../../points.js";
import { type ConvexSet, norm } from "../../sets/set.js";
import { interpret } from "../../tensor/interpret.js";
import { sumKeep, zeros } from "../../tensor/primitives/broadcast.js";
import { customVjp } from "../../tensor/primitives/custom-vjp.js";
import { abs, add, div, less, max, mul, select, sqrt, sub } from "../../tensor/primitives/elementwise.js";
import { iterate } from "../../tensor/primitives/fixed-point.js";
import { constant64, input, stopGradient } from "../../tensor/primitives/leaf.js";
import { maximum } from "../../tensor/primitives/maximum.js";
import type { Tensor } from "../../tensor/tensor.js";
import { requireSupply } from "./supply.js";

export interface SparseFlowOptions {
  /** ‖E(v − P(v))‖-residual of the Laplacian's system at which a sample stops, relative to ‖v − v₀‖; > 0. Default 1e-6. */
  readonly tolerance?: number;
  /** Most steps of a projection. Default 2000. */
  readonly limit?: number;
}

/** Squares below this count as this in denominators; a float32 number. */
const TINY = 1e-30;
/** Of the least flow v₀, found once in float64. */
const ONCE = 1e-14;

/**
 * { v : Ev = b } on a connected graph of any size, E its incidence:
 *
 *     P(v) = v − Eᵀπ,    EEᵀπ = E(v − v₀),    v₀ = Eᵀ(EEᵀ)⁺b
 *
 * The Laplacian's system is solved anew in every projection, by conjugate gradients with its diagonal as preconditioner: two sparse products a
 * step, as many steps as the graph's diameter or more. v₀ + v − P(v) is linear in v and symmetric, so that gradients are one more solve.
 *
 * No support function: as `affine`.
 *
 * @param supply  b, one number a node, of sum 0: −1 at the source and +1 at the target of a path
 * @throws parameter if the graph is not connected (naming a node), b does not sum to 0, or an option is out of range; shape
 * @source Saad 2003, Iterative Methods for Sparse Linear Systems, Algorithm 9.1; Kaasschieter 1988 (singular and consistent systems)
 */
export function sparseFlow(
  graph: Graph,
  supply: ArrayLike<number>,
  { tolerance = 1e-6, limit = 2000 }: SparseFlowOptions = {},
): ConvexSet {
  if (!(tolerance > 0 && Number.isInteger(limit) && limit > 0)) {
    const got = `${tolerance} and ${limit}`;
    throw new VouchError("parameter", {
      ...{ name: "sparseFlow", expected: "a tolerance > 0 and a limit ≥ 1", got, remedy: "Leave them out." },
    });
  }
  const E = incidence(graph);
  const { nodes, edges } = graph;
  const b = requireSupply("sparseFlow", graph, supply);
  const degrees = new Float64Array(nodes);
  for (const node of edges.flat()) degrees[node]!++;
  const diagonal = constant64(degrees, [1, nodes]);

  /** Without the constant vector, which EEᵀ takes to 0: rounding brings it in, and no step could reduce it. */
  const centred = (r: Tensor) => sub(r, mul(1 / nodes, sumKeep(r, [1])));
  /** π with EEᵀπ = r, as far as ‖rest‖ ≤ enough. */
  const potentials = (surplus: Tensor, enough: Tensor, most: number): Tensor => {
    const r = centred(surplus);
    const z = div(r, diagonal);
    const running = select(less(enough, sqrt(dot(r, r))), 1, 0);
    const [pi] = iterate(
      [zeros(r.shape), r, z, dot(r, z), running],
      ([v, rest, p, square, runs]) => {
        const q = E.apply(E.adjoint(p!));
        const alpha = div(square!, max(dot(p!, q), TINY));
        const left = centred(plus(rest!, mul(-1, alpha), q) as Tensor);
        const scaled = div(left, diagonal);
        const next = dot(left, scaled);
        const ahead = plus(scaled, div(next, max(square!, TINY)), p!) as Tensor;
        const on = less(0.5, runs!);
        const moved = { v: plus(v!, alpha, p!) as Tensor, left, ahead, next };
        const kept = choose(on, moved, { v: v!, left: rest!, ahead: p!, next: square! }) as typeof moved;
        const still = mul(runs!, select(less(enough, sqrt(dot(kept.left, kept.left))), 1, 0));
        return { next: [kept.v, kept.left, kept.ahead, kept.next, still], again: less(0.5, maximum(still)) };
      },
      most,
    );
    return pi!;
  };
  /** Eᵀ(EEᵀ)⁺Eu: linear and symmetric, its own pullback. */
  const range = (u: Tensor): Tensor => {
    const held = stopGradient(u);
    const found = E.adjoint(potentials(E.apply(held), mul(tolerance, norm(held)), limit));
    const [attached] = customVjp([u], ([g]) => [range(g!)]);
    return add(stopGradient(found), sub(attached!, stopGradient(attached!)));
  };
  const given = input("supply", ["N", nodes]);
  const enough = mul(ONCE, sqrt(dot(given, given)));
  const least = E.adjoint(potentials(given, enough, 10 * nodes));
  const [found] = interpret([least], { supply: { shape: [1, nodes], data: b } });
  const start = constant64(Float64Array.from(found!.data), [1, edges.length]);
  const wanted = constant64(b, [1, nodes]);
  const correction = (v: Tensor) => range(sub(v, start));
  return {
    name: `flow on ${nodes} nodes and ${edges.length} edges, by conjugate gradients`,
    domain: ["N", edges.length],
    project: (v) => sub(v, correction(v)),
    distance: (v) => norm(correction(v)),
    excess: (v) => maximum(abs(sub(E.apply(v), wanted)), [1]),
  };
}
