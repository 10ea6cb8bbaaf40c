/** @file Flows on a square grid that meet given supplies: projection by cosine transforms. */

import { VouchError } from "../errors.js";
import { reshape } from "../tensor/primitives/broadcast.js";
import { abs, add, mul, sub } from "../tensor/primitives/elementwise.js";
import { concat, pad, slice, transpose } from "../tensor/primitives/layout.js";
import { constant64 } from "../tensor/primitives/leaf.js";
import { matmul } from "../tensor/primitives/matmul.js";
import { maximum } from "../tensor/primitives/maximum.js";
import { elements, shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import { type ConvexSet, flat, norm } from "./set.js";

/** Σb over the largest |b| up to which supplies count as balanced. */
const BALANCED = 1e-9;

/**
 * { v : Ev = b } on the k×k grid whose edges lead right and down, E the incidence: what flows into node (i, j) less what flows
 * out is b(i, j).
 *
 *     P(v) = v − Eᵀ L⁺ (Ev − b),    L = EEᵀ = (C⊗C) diag(λᵢ + λⱼ) (C⊗C)ᵀ,  λₘ = 2 − 2cos(πm/k)
 *
 * C is the orthonormal cosine basis (DCT-II), so that a projection is four products with a k×k matrix: 8k³ operations, where
 * the pseudo-inverse would take 8k⁴. Edges come in the order of `grid`: right (i, j) → (i, j+1) row by row, then down
 * (i, j) → (i+1, j) column by column.
 *
 * No support function: as `affine`.
 *
 * @param size    k ≥ 2
 * @param supply  b, k² numbers row by row that sum to 0: −1 at the source and +1 at the target of a path
 * @throws parameter if k is not an integer ≥ 2 or b does not sum to 0; shape if b has other than k² numbers
 * @source Strang 1999, The Discrete Cosine Transform, DCT-2; McKenzie, Heaton & Wu Fung 2024, eq. (7) with P by singular vectors
 */
export function gridFlow(size: number, supply: ArrayLike<number>): ConvexSet {
  const b = requireSupply(size, supply);
  const [k, count] = [size, 2 * size * (size - 1)];
  const { basis, transposed, inverse } = cosines(k);
  const given = constant64(b, [1, k, k]);

  const planes = (v: Tensor) => {
    if (elements(v.shape) === count && v.shape[0] === "N") return reshape(v, ["N", 2, k, k - 1]);
    throw shapeError("gridFlow", `samples of ${count} edges`, showShape(v.shape));
  };
  const surplus = (v: Tensor) => {
    const edges = planes(v);
    const inflow = sub(pad(edges, 3, 1, 0), pad(edges, 3, 0, 1));
    const [right, down] = [0, 1].map((at) => reshape(slice(inflow, 1, at, at + 1), ["N", k, k])) as [Tensor, Tensor];
    return sub(add(right, transpose(down, [0, 2, 1])), given);
  };
  const correction = (v: Tensor) => {
    const inBasis = mul(matmul(transposed, matmul(surplus(v), basis)), inverse);
    const potential = matmul(basis, matmul(inBasis, transposed));
    const both = concat(
      [potential, transpose(potential, [0, 2, 1])].map((plane) => reshape(plane, ["N", 1, k, k])),
      1,
    );
    return reshape(sub(slice(both, 3, 1, k), slice(both, 3, 0, k - 1)), v.shape);
  };
  return {
    name: `flow on the ${k}×${k} grid`,
    domain: ["N", count],
    project: (v) => sub(v, correction(v)),
    distance: (v) => norm(flat(correction(v))),
    excess: (v) => maximum(abs(surplus(v)), [1, 2]),
  };
}

/** C [k, k] with C(i, m) = √((2 − [m=0])/k) cos(πm(i + ½)/k), Cᵀ, and 1/(λᵢ + λⱼ), 0 for the constant vector. */
function cosines(k: number) {
  const data = Float64Array.from({ length: k * k }, (_, at) => {
    const [i, m] = [Math.floor(at / k), at % k];
    return Math.sqrt((m === 0 ? 1 : 2) / k) * Math.cos((Math.PI * m * (i + 0.5)) / k);
  });
  const flipped = data.map((_, at) => data[(at % k) * k + Math.floor(at / k)]!);
  const lambda = Array.from({ length: k }, (_, m) => 2 - 2 * Math.cos((Math.PI * m) / k));
  const inverse = Float64Array.from({ length: k * k }, (_, at) =>
    at === 0 ? 0 : 1 / (lambda[Math.floor(at / k)]! + lambda[at % k]!),
  );
  return {
    basis: constant64(data, [k, k]),
    transposed: constant64(flipped, [k, k]),
    inverse: constant64(inverse, [1, k, k]),
  };
}

function requireSupply(size: number, supply: ArrayLike<number>): Float64Array {
  if (!(Number.isInteger(size) && size >= 2)) {
    const remedy = "Count the nodes of one side.";
    throw new VouchError("parameter", { name: "gridFlow", expected: "a size ≥ 2", got: `${size}`, remedy });
  }
  if (supply.length !== size * size) throw shapeError("gridFlow", `${size * size} supplies`, `${supply.length}`);
  const b = Float64Array.from(supply);
  const sum = b.reduce((total, value) => total + value, 0);
  if (!(Math.abs(sum) <= BALANCED * b.reduce((most, value) => Math.max(most, Math.abs(value)), 0))) {
    throw new VouchError("parameter", {
      name: "gridFlow",
      expected: "supplies that sum to 0",
      got: `a sum of ${sum}`,
      remedy: "What leaves the sources must arrive in the targets.",
    });
  }
  return b;
}
