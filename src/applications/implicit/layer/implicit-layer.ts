/** @file An implicit model over the shared core: solved by its engine, differentiated by any backward rule. */

import { VouchError } from "../../../errors.js";
import { define, type Model, type Param, requireWeights, type Weights } from "../../../model.js";
import { inner, norm } from "../../../sets/set.js";
import { interpret } from "../../../tensor/interpret.js";
import { zeros } from "../../../tensor/primitives/broadcast.js";
import { add, div, max, sub } from "../../../tensor/primitives/elementwise.js";
import { transpose } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import type { Tensor } from "../../../tensor/tensor.js";
import type { Tree } from "../../../tensor/tree.js";
import { type Phi, placed } from "../activations/phi.js";
import { type Dense, dense } from "../dense.js";
import { type ImplicitModel, implicitModel, sizesOf } from "../model.js";
import { denseA } from "../state-matrix.js";
import { phiGraph } from "./phi-graph.js";
import type { WellPosedSet } from "./well-posed-set.js";

/** Below this a state counts as zero in relative residuals. */
const TINY = 1e-12;

/**
 * T(x) = φ(xAᵀ + uBᵀ + b) from x = 0, read as ŷ = xCᵀ + uDᵀ + d; parameters start at those of `initial` in float32, and A is in the
 * set at the start and after each step of training. A low-rank or sparse A is learned with all its entries.
 *
 * @throws parameter if a map of states expands in the set's norm
 * @source El Ghaoui et al., eq. (1)
 */
export function implicitLayer(initial: ImplicitModel, set: WellPosedSet): Model {
  const { n, p } = sizesOf(initial);
  const { B, C, D, stateBias, outputBias, phi } = initial;
  requireMaps(phi, set);
  const stored = ({ rows, columns, data }: Dense): Param => ({
    shape: [rows, columns],
    init: () => Float32Array.from(data),
  });
  const vector = (data: Float64Array): Param => ({ shape: [data.length], init: () => Float32Array.from(data) });
  const start = Float32Array.from(denseA(initial.A).data);
  return define({
    name: "implicit-layer",
    params: {
      A: {
        shape: [n, n],
        init: () => Float32Array.from(interpret([set.project(constant(start, [n, n]))], {})[0]!.data),
        project: set.project,
      },
      ...{ B: stored(B), C: stored(C), D: stored(D) },
      ...{ b: vector(stateBias), d: vector(outputBias) },
    },
    data: { u: ["N", p] },
    problem: () => ({}),
    split: (_, { A, B: into, C: out, D: past, b, d }, { u }) => {
      const At = transpose(A, [1, 0]);
      const drive = add(matmul(u, transpose(into, [1, 0])), b);
      const direct = add(matmul(u, transpose(past, [1, 0])), d);
      const only = (z: Tree) => (z as { readonly x: Tensor }).x;
      return {
        name: "implicit-layer",
        init: () => ({ x: zeros(["N", n]) }),
        apply: (z) => ({ x: phiGraph(phi, add(matmul(only(z), At), drive)) }),
        read: (z) => add(matmul(only(z), transpose(out, [1, 0])), direct),
        residuals: (z, z1) => ({ x: div(norm(sub(only(z1), only(z))), max(norm(only(z1)), TINY)) }),
        conditions: () => [set.condition(A)],
        metric: (z) => inner(only(z), only(z)),
        averagedness: 1,
      };
    },
  });
}

function requireMaps(phi: Phi, { name, norm: of }: WellPosedSet): void {
  const bad = placed(phi).find(({ activation }) => of !== undefined && !(activation.lipschitz[of] <= 1));
  if (bad === undefined) return;
  throw new VouchError("parameter", {
    name: "implicitLayer",
    expected: `maps that do not expand, for ${name}`,
    got: bad.block.map,
    remedy: "`strictlyUpper(phi)` takes any map.",
  });
}

/** The record of trained weights, for float64 predictions, well-posedness and bounds. @throws shape */
export function layerModel(layer: Model, weights: Weights, phi: ImplicitModel["phi"]): ImplicitModel {
  requireWeights("layerModel", layer, weights);
  const part = (name: string) => {
    const { shape, data } = weights[name]!;
    return dense(shape[0]!, shape[1] ?? 1, Float64Array.from(data));
  };
  return implicitModel({
    ...{ A: part("A"), B: part("B"), C: part("C"), D: part("D"), phi },
    ...{ stateBias: part("b").data, outputBias: part("d").data },
  });
}
