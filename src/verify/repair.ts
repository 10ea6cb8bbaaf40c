/** @file Feasibility repair: the least pull toward an inner point that provably meets the constraints. */

import { evaluate } from "../tensor/interpret.js";
import { input } from "../tensor/primitives/leaf.js";
import type { Tensor, Value } from "../tensor/tensor.js";
import type { Bounds } from "./bounds.js";
import type { Numbers } from "./check.js";
import { enclose, interval } from "./enclose.js";

export interface Repaired {
  /** float32 numbers: (1 − t)x + t x₀, rounded; x itself where it was feasible. */
  readonly x: { readonly shape: readonly number[]; readonly data: Float32Array };
  /** t in [0, 1]; 0 where nothing was moved. */
  readonly share: number;
  /** Every constraint provably holds at x. */
  readonly feasible: boolean;
}

/** Doublings of the pull beyond what convexity asks, against the rounding of x to float32. */
const ATTEMPTS = 24;

/**
 * Pull an infeasible x toward x₀ = bounds.inward(x).
 *
 *     x ← (1 − t)x + t x₀,  t = max e(x)/(e(x) − e(x₀)) over constraints with excess e(x) > 0
 *
 * Excesses are convex, so this t suffices in real arithmetic; it is enlarged until the float32 result provably meets every
 * constraint. Where x₀ is not strictly feasible, or there is none, x is returned as it was.
 *
 * @param data  values of the tensors the bounds were built on
 * @source convexity of the constraints; Boyd & Vandenberghe 2004, Convex Optimization, §3.1
 */
export function repair(bounds: Bounds, data: ReadonlyMap<Tensor, Value>, given: Numbers): Repaired {
  const x = input("repair.x", bounds.x);
  const asked = bounds.constraints(x);
  const names = Object.keys(asked);
  const excess = (value: Value) =>
    enclose(
      names.map((name) => asked[name]!),
      new Map([...data, [x, value]]),
      1,
    ).map((e) => interval(e).high);
  const start: Value = { shape: given.shape, data: Float64Array.from(given.data) };
  const same = { shape: given.shape, data: Float32Array.from(given.data) };
  const before = excess(start);
  if (before.every((e) => e <= 0)) return { x: same, share: 0, feasible: true };
  const failed: Repaired = { x: same, share: 0, feasible: false };
  if (!bounds.inward || !start.data.every(Number.isFinite)) return failed;
  const [inner] = evaluate([bounds.inward(x)], new Map([...data, [x, start]]), 1);
  const after = excess(inner!);
  if (!inner!.data.every(Number.isFinite) || after.some((e, i) => !(e < 0 || (e <= 0 && before[i]! <= 0))))
    return failed;
  const least = before.reduce((t, e, i) => (e > 0 ? Math.max(t, e / (e - after[i]!)) : t), 0);
  for (let attempt = 0, extra = 2 ** -20; attempt < ATTEMPTS; attempt++, extra *= 2) {
    const share = Math.min(1, least * (1 + 2 ** -10) + extra);
    const moved = Float32Array.from(start.data, (value, i) => (1 - share) * value + share * inner!.data[i]!);
    if (excess({ shape: given.shape, data: Float64Array.from(moved) }).every((e) => e <= 0)) {
      return { x: { shape: given.shape, data: moved }, share, feasible: true };
    }
    if (share === 1) break;
  }
  return failed;
}
