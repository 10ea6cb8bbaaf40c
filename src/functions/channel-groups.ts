/** @file Lengths of groups of channels: a learned isotropic norm when composed with filters. */

import { VouchError } from "../errors.js";
import { reshape, sampleAxes, sum, sumKeep } from "../tensor/primitives/broadcast.js";
import {
  asTensor,
  div,
  lessEqual,
  max,
  mul,
  select,
  sqrt,
  sub,
  type TensorLike,
} from "../tensor/primitives/elementwise.js";
import { maximum } from "../tensor/primitives/maximum.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import type { Proximable } from "./function.js";

/** A share of τ that float32 represents and whose rounding stays within τ. */
const INSIDE = 1 - 2 ** -20;

/**
 * f(v) = Σ_g τ_g Σ_i ‖(v_c,i) for the m channels c of group g‖₂, v [N, C, …], groups of m neighbouring channels, i the pixels.
 *
 *     prox_{λf}(v)_g,i = v_g,i − v_g,i / max(1, ‖v_g,i‖/(λτ_g))          f*(y) = 0 if ‖y_g,i‖ ≤ τ_g for all g and i, else ∞
 *
 * With m = 1 the weighted ℓ1 norm; with the two differences of a pixel isotropic total variation.
 *
 * @param m  channels of a group, ≥ 1
 * @param tau  [C/m] weights > 0
 * @throws parameter if m is no whole number ≥ 1; shape if v does not have m times as many channels as there are weights
 * @source Beck 2017, First-Order Methods in Optimization, Example 6.19, group by group
 */
export function channelGroups(m: number, tau: Tensor): Proximable {
  if (!(Number.isInteger(m) && m >= 1)) {
    throw new VouchError("parameter", {
      name: "channelGroups",
      expected: "a whole number of channels ≥ 1",
      got: `${m}`,
      remedy: "Take 1 for groups of their own.",
    });
  }
  const groups = tau.shape[0] as number;
  const split = (v: Tensor) => {
    const [n, channels, ...rest] = v.shape;
    if (tau.shape.length !== 1 || channels !== groups * m) {
      throw shapeError("channelGroups", `[N, ${m} × ${showShape(tau.shape)}, …]`, showShape(v.shape));
    }
    return reshape(v, [n!, groups, m, ...rest]);
  };
  const over = (v: Tensor) => reshape(tau, [groups, ...v.shape.slice(2).map(() => 1)]);
  /** Of a scalar, or a step for each sample in as many axes as v. */
  const perGroup = (lambda: TensorLike) => {
    const [n, ...rest] = asTensor(lambda).shape;
    return n === undefined ? lambda : reshape(asTensor(lambda), [n, 1, ...rest]);
  };
  const square = (v: Tensor) => sumKeep(mul(v, v), [2]);
  const length = (v: Tensor) => sqrt(square(v));
  // max(1, ‖v‖/limit) under the root, whose gradient is finite at v = 0.
  const clip = (v: Tensor, limit: Tensor) => {
    const parts = split(v);
    return reshape(div(parts, sqrt(max(1, div(square(parts), mul(limit, limit))))), v.shape);
  };
  const value = (v: Tensor) => {
    const parts = split(v);
    const lengths = mul(over(parts), length(parts));
    return sum(lengths, sampleAxes(lengths));
  };
  return {
    name: "channelGroups",
    prox: (v, lambda) => sub(v, clip(v, mul(perGroup(lambda), over(split(v))))),
    value,
    conjugate: (y) => {
      const parts = split(y);
      const out = select(lessEqual(length(parts), over(parts)), 0, Number.POSITIVE_INFINITY);
      return maximum(out, sampleAxes(out));
    },
    proxConjugate: (u) => clip(u, over(split(u))),
    admit: (y) => clip(y, mul(over(split(y)), INSIDE)),
    property: { kind: "value", measure: value },
    stated: { kind: "channelGroups", numbers: { m }, tensors: { tau } },
  };
}
