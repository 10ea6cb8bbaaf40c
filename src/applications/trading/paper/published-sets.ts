/** @file The constraints of eq. (23) as their published projections compute them, in tokens. */

import type { ConvexSet } from "../../../sets/set.js";
import { sumKeep } from "../../../tensor/primitives/broadcast.js";
import { add, div, exp, less, log, max, min, mul, select, sub } from "../../../tensor/primitives/elementwise.js";
import { concat, slice } from "../../../tensor/primitives/layout.js";
import { constant, stopGradient } from "../../../tensor/primitives/leaf.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { MARKETS, OFFSETS, spread, WIDTH } from "./network.js";
import { projected } from "./sets.js";

const SUM = MARKETS.findIndex(({ kind }) => kind === "sum");
const SUM_AT = OFFSETS[SUM]!;
const square = (weights: readonly number[]) => weights.reduce((total, w) => total + w * w, 0);

/**
 * x, y ≥ 0; then P = { z ≤ ln(v + d) } of all entries, then A = { ⟨w, v⟩ ≥ δ⟨w, d⟩ } of the sum.
 *
 * Faults kept: P is cut out of the gradient; after A the sum's entries may leave P; a reserve of the sum may become negative.
 *
 * @param d      observed reserves, [N, 11]
 * @param delta  margins, [5]
 * @source TypalAcademy/xai-l2o, docs/exp-crypto.ipynb, `prox_P`, `prox_A`, `prox_f_model`
 */
export function publishedAcceptable(d: Tensor, delta: Tensor): ConvexSet {
  const { weights } = MARKETS[SUM]!;
  const w = constant(weights, [1, weights.length]);
  const owed = mul(slice(delta, 0, SUM, SUM + 1), slice(d, 1, SUM_AT, WIDTH));
  return projected("P, then A", ({ x, y, v, z }) => {
    const under = belowLogarithm(v, z, d);
    const last = slice(under.v, 1, SUM_AT, WIDTH);
    const short = div(min(sumKeep(mul(w, sub(last, owed)), [1]), 0), square(weights));
    return {
      x: max(x, 0),
      y: max(y, 0),
      v: concat([slice(under.v, 1, 0, SUM_AT), sub(last, mul(short, w))], 1),
      z: under.z,
    };
  });
}

/** Newton steps; the published code takes 10, of which float32 tells no more than these apart. */
const NEWTON = 4;

/** The projection on z ≤ ln(v + d), by Newton's method in v from max(v, −d/2), never below −(1 − 10⁻⁶)d. */
function belowLogarithm(v: Tensor, z: Tensor, d: Tensor): { v: Tensor; z: Tensor } {
  const outside = less(add(v, d), exp(z));
  const least = mul(-(1 - 1e-6), d);
  let root = max(v, mul(-0.5, d));
  for (let k = 0; k < NEWTON; k++) {
    const s = add(root, d);
    const value = sub(add(mul(s, sub(root, v)), log(s)), z);
    root = max(sub(root, div(value, add(add(root, sub(s, v)), div(1, s)))), least);
  }
  return {
    v: stopGradient(select(outside, root, v)),
    z: stopGradient(select(outside, log(add(root, d)), z)),
  };
}

/**
 * R = { v = γx − y }, and H = { ⟨w, z⟩ = ⟨w, ln d⟩ + ln(1 + δ) } of the geometric means.
 *
 * Faults kept: for δ > 0 no trade is not in H, so that each pool must be given δ of its φ; δ reaches z alone, which one step of
 * the splitting does not pass on to x and y, so that the four margins have no gradient.
 *
 * @param d      observed reserves, [N, 11]
 * @param delta  margins, [5]
 * @source TypalAcademy/xai-l2o, docs/exp-crypto.ipynb, `prox_R`, `prox_H`, `prox_g_model`
 */
export function publishedBalanced(d: Tensor, delta: Tensor): ConvexSet {
  const gamma = constant(
    spread(({ gamma: g }) => g),
    [1, WIDTH],
  );
  const logarithm = log(d);
  const size = add(mul(gamma, gamma), 2);
  return projected("R and H", ({ x, y, v, z }) => {
    const off = div(sub(v, sub(mul(gamma, x), y)), size);
    const planes = MARKETS.map(({ kind, weights }, j) => {
      const part = (tensor: Tensor) => slice(tensor, 1, OFFSETS[j]!, OFFSETS[j]! + weights.length);
      if (kind === "sum") return part(z);
      const w = constant(weights, [1, weights.length]);
      const goal = log(add(1, slice(delta, 0, j, j + 1)));
      const over = sub(sumKeep(mul(w, sub(part(z), part(logarithm))), [1]), goal);
      return sub(part(z), mul(div(over, square(weights)), w));
    });
    return { x: add(x, mul(gamma, off)), y: sub(y, off), v: sub(v, off), z: concat(planes, 1) };
  });
}
