/** @file Sets of well-posed matrices as graphs: where training puts A after each step, and the condition that shows it. */

import { VouchError } from "../../../errors.js";
import { matrix } from "../../../linear/matrix.js";
import type { Condition } from "../../../operator.js";
import { reshape, sum } from "../../../tensor/primitives/broadcast.js";
import { cumsum } from "../../../tensor/primitives/cumsum.js";
import { abs, div, max, min, mul, neg, sub } from "../../../tensor/primitives/elementwise.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { maximum } from "../../../tensor/primitives/maximum.js";
import { sortDescending } from "../../../tensor/primitives/sort.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { type Phi, placed } from "../activations/phi.js";

export interface WellPosedSet {
  readonly name: string;
  /** A [n, n] on the set. */
  project(A: Tensor): Tensor;
  /** Why x = φ(Ax + b) has one solution there. */
  condition(A: Tensor): Condition;
  /** The norm in which maps must not expand; absent where they may. */
  readonly norm?: "infinity" | "two";
  /** Picard steps after which 1 has become `tolerance`, for n states. */
  steps(n: number, tolerance: number): number;
}

/**
 * ‖A‖_∞ ≤ κ; the nearest such matrix: aᵢ ← aᵢ − clip(aᵢ, ±θ), θ = max(0, max_k (Σ_{j ≤ k} |a|₍ⱼ₎ − κ)/k) for each row.
 *
 * @param kappa  in (0, 1)
 * @throws parameter
 * @source Duchi et al. 2008, Figure 1; θ as a maximum over k, as in `simplex`
 */
export function rowsWithin(kappa: number): WellPosedSet {
  requireShare("rowsWithin", kappa);
  return {
    name: `‖A‖_∞ ≤ ${kappa}`,
    norm: "infinity",
    project(A) {
      const [m, n] = A.shape as [number, number];
      const counts = constant(Float32Array.from({ length: n }, (_, k) => k + 1));
      const levels = div(sub(cumsum(sortDescending(abs(A)).values), kappa), counts);
      const theta = max(0, reshape(maximum(levels, [1]), [m, 1]));
      return sub(A, max(min(A, theta), neg(theta)));
    },
    condition: (A) => ({ text: "‖A‖_∞ < 1", left: maximum(sum(abs(A), [1])), right: constant(1) }),
    steps: (_, tolerance) => geometric(kappa, tolerance),
  };
}

/**
 * ‖A‖₂ ≤ κ, by A ← A κ/max(κ, bound), with the bound of `matrix`.
 *
 * deviates: scaled, where the nearest matrix has singular values cut at κ, because a graph has no singular values
 *
 * @param kappa  in (0, 1)
 * @throws parameter
 */
export function twoNormWithin(kappa: number): WellPosedSet {
  requireShare("twoNormWithin", kappa);
  const bound = (A: Tensor) => matrix(A).norm().value;
  return {
    name: `‖A‖₂ ≤ ${kappa}`,
    norm: "two",
    project: (A) => mul(A, div(kappa, max(kappa, bound(A)))),
    condition: (A) => ({ text: "‖A‖₂ < 1", left: bound(A), right: constant(1) }),
    steps: (_, tolerance) => geometric(kappa, tolerance),
  };
}

/**
 * A strictly upper triangular, in blocks of states that one map takes together: a feed-forward network, whose states are there after n
 * steps, whatever the size of A and the slopes of φ.
 */
export function strictlyUpper(phi: Phi): WellPosedSet {
  const unit = placed(phi).flatMap(({ activation, from, to }) =>
    Array.from({ length: to - from }, (_, k) => (activation.componentwise ? from + k : from)),
  );
  return {
    name: "strictly upper triangular",
    project: (A) =>
      mul(
        A,
        mask(A, (i, j) => unit[j]! > unit[i]!),
      ),
    condition: (A) => ({
      text: "A strictly upper triangular",
      left: maximum(
        abs(
          mul(
            A,
            mask(A, (i, j) => unit[j]! <= unit[i]!),
          ),
        ),
      ),
      right: constant(0),
    }),
    steps: (n) => n,
  };
}

function mask({ shape }: Tensor, keep: (i: number, j: number) => boolean): Tensor {
  const [m, n] = shape as [number, number];
  const data = Float32Array.from({ length: m * n }, (_, e) => (keep(Math.floor(e / n), e % n) ? 1 : 0));
  return constant(data, [m, n]);
}

function geometric(rate: number, tolerance: number): number {
  return Math.ceil(Math.log(tolerance) / Math.log(rate));
}

function requireShare(name: string, kappa: number): void {
  if (kappa > 0 && kappa < 1) return;
  throw new VouchError("parameter", {
    name: `${name}: κ`,
    expected: "a number in (0, 1)",
    got: `${kappa}`,
    remedy: "Below 1 the model is well-posed.",
  });
}
