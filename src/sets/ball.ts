/** @file The Euclidean ball. */

import { VouchError } from "../errors.js";
import { add, asTensor, div, max, min, mul, sqrt, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ConvexSet, domainOfData, inner, norm, perSample } from "./set.js";

/** Least ‖v − c‖² divided by: value and gradient stay finite at the centre; far below the square of any radius in use. */
const TINY = 1e-30;

/**
 * B(c, δ) = { v : ‖v − c‖₂ ≤ δ }, one ball per sample.
 *
 *     P(v) = c + min(1, δ/‖v − c‖)(v − c)
 *
 * @param centre  [N, m], data units
 * @param radius  δ ≥ 0, a number or [N], data units; absolute, not relative to ‖c‖
 * @throws parameter if a numeric radius is negative or NaN
 * @source Heaton & Wu Fung 2023, eq. (15b)
 */
export function ball(centre: Tensor, radius: TensorLike): ConvexSet {
  if (typeof radius === "number" && !(radius >= 0)) {
    throw new VouchError("parameter", {
      name: "ball",
      expected: "a radius ≥ 0",
      got: `${radius}`,
      remedy: "Give δ in data units.",
    });
  }
  const delta = asTensor(radius);
  return {
    name: "ball",
    ...domainOfData(centre),
    project: (v) => {
      const offset = sub(v, centre);
      const scale = min(1, div(delta, sqrt(max(inner(offset, offset), TINY))));
      return add(centre, mul(perSample(scale, v), offset));
    },
    distance: (v) => max(sub(norm(sub(v, centre)), delta), 0),
    support: (y) => add(inner(centre, y), mul(delta, norm(y))),
    excess: (v) => sub(norm(sub(v, centre)), delta),
    centre,
    bounded: true,
    stated: { kind: "ball", tensors: { centre, radius: delta } },
    widen: (epsilon) => ball(centre, add(delta, epsilon)),
  };
}
