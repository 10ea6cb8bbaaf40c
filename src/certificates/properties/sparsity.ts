/** @file Sparsity: how many elements are not zero. */

import { VouchError } from "../../errors.js";
import type { Property } from "../../functions/function.js";
import { reshape, sampleAxes, sum } from "../../tensor/primitives/broadcast.js";
import { abs, lessEqual, mul, select } from "../../tensor/primitives/elementwise.js";
import { maximum } from "../../tensor/primitives/maximum.js";
import type { Tensor } from "../../tensor/tensor.js";

export interface SparsityOptions {
  /** Where there is no solver's copy: |vᵢ| counts above this share of max |v|, in [0, 1). Default 1e-3. */
  readonly threshold?: number;
}

/**
 * ‖p‖₀ = #{ i : pᵢ ≠ 0 }, with p the solver's copy of v = Sx.
 *
 * A shrink makes exact zeros in p; Sx only tends to them. An answer made elsewhere has no p: then it is
 * #{ i : |vᵢ| > threshold · max |v| }, a different number, so calibrate such answers among themselves.
 *
 * @throws parameter if threshold is outside [0, 1)
 * @source Heaton & Wu Fung 2023, Table 2, "Sparsity"
 */
export function sparsity({ threshold = 1e-3 }: SparsityOptions = {}): Property {
  if (!(threshold >= 0 && threshold < 1)) {
    throw new VouchError("parameter", {
      name: "sparsity",
      expected: "a threshold in [0, 1), relative to max |v|",
      got: `${threshold}`,
      remedy: "Leave it out for 1e-3.",
    });
  }
  return {
    kind: "nonzeros",
    measure: (v, p) => (p === undefined ? countAbove(v, threshold) : countAbove(p, 0)),
  };
}

function countAbove(v: Tensor, threshold: number): Tensor {
  const size = abs(v);
  const axes = sampleAxes(v);
  const largest = reshape(
    maximum(size, axes),
    v.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)),
  );
  return sum(select(lessEqual(size, mul(threshold, largest)), 0, 1), axes);
}
