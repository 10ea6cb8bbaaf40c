/** @file Properties that are lengths: zero below the solver's tolerance, told in sentences as a share of ‖v‖. */

import { VouchError } from "../errors.js";
import { norm } from "../sets/set.js";
import { lessEqual, mul, select, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Property } from "./function.js";

export interface LengthOptions {
  /**
   * Relative, in [0, 1): a length ℓ counts as 0 where ℓ ≤ t(‖v‖ + ℓ), which a solve to the relative KKT residual t attains.
   * Default 1e-4, the solver's own; 0 counts every rounding.
   */
  readonly tolerance?: number;
}

/** A property in the units of v; sentences give it as a share of `size`. */
export interface LengthProperty extends Property {
  /** ‖v‖ of each sample: [N]. */
  size(v: Tensor): Tensor;
}

/**
 * `length` of v, zero below the tolerance.
 *
 * ‖Sx − p‖ ≤ t max(‖Sx‖, ‖p‖) with p in C gives d_C(Sx) ≤ t(‖Sx‖ + ‖Sx − p‖): no converged inference is off its set.
 */
export function lengthProperty(
  caller: string,
  kind: string,
  length: (v: Tensor) => Tensor,
  { tolerance = 1e-4 }: LengthOptions,
): LengthProperty {
  requireTolerance(caller, tolerance);
  return { kind, measure: (v) => zeroBelow(length(v), norm(v), tolerance), size: norm };
}

/** ℓ, or 0 where ℓ ≤ t(size + ℓ). NaN stays NaN, and ∞ stays ∞: the length to a set that is empty, or a size that overflows. */
export function zeroBelow(length: Tensor, size: TensorLike, tolerance: number): Tensor {
  // As a difference, because ∞ ≤ ∞ holds.
  return select(lessEqual(sub(mul(1 - tolerance, length), mul(tolerance, size)), 0), 0, length);
}

/** @throws parameter unless 0 ≤ tolerance < 1 */
export function requireTolerance(caller: string, tolerance: number): void {
  if (!(tolerance >= 0 && tolerance < 1)) {
    throw new VouchError("parameter", {
      name: caller,
      expected: "a tolerance in [0, 1), relative to ‖v‖",
      got: `${tolerance}`,
      remedy: "Give the tolerance of the solve, 1e-4 by default.",
    });
  }
}
