/** @file The constraints of eq. (23) as blocks for a splitting, in amounts relative to the observed reserves. */

import type { ConvexSet } from "../../../sets/set.js";
import { distanceBetween } from "../../../sets/set.js";
import { sum, sumKeep } from "../../../tensor/primitives/broadcast.js";
import {
  add,
  div,
  exp,
  less,
  lessEqual,
  log,
  max,
  min,
  mul,
  neg,
  select,
  sub,
} from "../../../tensor/primitives/elementwise.js";
import { concat, slice } from "../../../tensor/primitives/layout.js";
import { constant, stopGradient } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { MARKETS, OFFSETS, spread, WIDTH } from "./network.js";

/** ξ = (x, y, v, z): what is tendered, received, and enters the pools, and the logarithms of what they then hold; each [N, 11]. */
export interface Point {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly v: Tensor;
  readonly z: Tensor;
}

export function split(xi: Tensor): Point {
  const part = (k: number) => slice(xi, 1, k * WIDTH, (k + 1) * WIDTH);
  return { x: part(0), y: part(1), v: part(2), z: part(3) };
}

export function join({ x, y, v, z }: Point): Tensor {
  return concat([x, y, v, z], 1);
}

/** A set of points ξ that is known by its projection. No dual bound is made of it: its support is infinite. */
export function projected(name: string, project: (point: Point) => Point): ConvexSet {
  const onto = (xi: Tensor) => join(project(split(xi)));
  return {
    name,
    project: onto,
    distance: (xi) => distanceBetween(xi, onto(xi)),
    support: (xi) => add(sum(mul(0, xi), [1]), Number.POSITIVE_INFINITY),
  };
}

/** The market that is a sum, its place among the tokens, and the other tokens. */
const SUM = MARKETS.findIndex(({ kind }) => kind === "sum");
const SUM_AT = OFFSETS[SUM]!;
const GEOMETRIC = MARKETS.map((market, j) => ({ market, j })).filter(({ market }) => market.kind === "geometric");

/**
 * x, y ≥ 0; z ≤ ln(1 + v) for geometric means; for the sum Σ wᵢdᵢvᵢ ≥ 0 and v ≥ −(1 − haircut).
 *
 * deviates: the published projection on the sum's two constraints is one after the other, which is not the projection on both
 *
 * @param observed  d, [N, 11]
 * @param haircut   of the sum's reserves, scalar
 * @source Heaton & Wu Fung 2023, eq. (23) and Appendix E
 */
export function acceptable(observed: Tensor, haircut: Tensor): ConvexSet {
  const weights = constant(MARKETS[SUM]!.weights, [1, 2]);
  const value = mul(slice(observed, 1, SUM_AT, WIDTH), weights);
  return projected("acceptable trades", ({ x, y, v, z }) => {
    const under = belowLogarithm(add(slice(v, 1, 0, SUM_AT), 1), slice(z, 1, 0, SUM_AT));
    const drained = halfspaceAbove(slice(v, 1, SUM_AT, WIDTH), value, max(sub(1, haircut), 0));
    return {
      x: max(x, 0),
      y: max(y, 0),
      v: concat([sub(under.s, 1), drained], 1),
      z: concat([under.z, slice(z, 1, SUM_AT, WIDTH)], 1),
    };
  });
}

/** Newton steps: the start is above the root of a convex increasing function. */
const NEWTON = 6;

/** The projection on { (s, z) : z ≤ ln s }: s̄ = e^u, z̄ = u with e^u (e^u − s) + u = z; points inside stay. */
function belowLogarithm(s: Tensor, z: Tensor): { s: Tensor; z: Tensor } {
  const boundary = log(max(s, 1e-6));
  const above = max(z, boundary);
  const step = (u: Tensor) => {
    const e = exp(u);
    const value = add(mul(e, sub(e, s)), sub(u, above));
    return sub(u, div(value, add(mul(e, sub(mul(2, e), s)), 1)));
  };
  let u = stopGradient(min(above, 3));
  for (let k = 1; k < NEWTON; k++) u = stopGradient(step(u));
  u = step(u);
  const inside = lessEqual(z, boundary);
  return { s: select(inside, s, exp(u)), z: select(inside, z, u) };
}

/** The projection of v [N, 2] on ⟨a, v⟩ ≥ 0, v ≥ −b, a > 0. */
function halfspaceAbove(v: Tensor, a: Tensor, b: Tensor): Tensor {
  const boxed = max(v, neg(b));
  const lift = max(div(neg(sumKeep(mul(a, v), [1])), sumKeep(mul(a, a), [1])), 0);
  const lifted = add(v, mul(lift, a));
  const [v0, v1] = [slice(lifted, 1, 0, 1), slice(lifted, 1, 1, 2)];
  const [a0, a1] = [slice(a, 1, 0, 1), slice(a, 1, 1, 2)];
  const low = neg(b);
  const first = select(less(v1, low), div(mul(a1, b), a0), max(v0, low));
  const second = select(less(v0, low), div(mul(a0, b), a1), max(v1, low));
  return select(less(sumKeep(mul(a, boxed), [1]), 0), concat([first, second], 1), boxed);
}

/**
 * v = γ(1 − haircut) x − y, and Σ wᵢzᵢ ≥ 0 for each geometric mean.
 *
 * deviates: H of Appendix E is ⟨w, z⟩ = ⟨w, ln d⟩ + ln(1 + δ), without no trade for δ > 0; here the margin is a share of what is
 * tendered, so that x = y = 0 is always possible, and each margin gets a gradient
 *
 * @param haircut  of each token's market, [1, 11]
 */
export function balanced(haircut: Tensor): ConvexSet {
  const gamma = mul(
    constant(
      spread(({ gamma: g }) => g),
      [1, WIDTH],
    ),
    sub(1, haircut),
  );
  const size = add(mul(gamma, gamma), 2);
  const rows = constant(
    Float32Array.from(GEOMETRIC.flatMap(({ j }) => [...spread(({ weights }, k, m) => (m === j ? weights[k]! : 0))])),
    [GEOMETRIC.length, WIDTH],
  );
  const columns = constant(
    Float32Array.from(
      Array.from({ length: WIDTH }, (_, i) =>
        GEOMETRIC.map(({ market, j }) => {
          const k = i - OFFSETS[j]!;
          return k >= 0 && k < market.weights.length
            ? market.weights[k]! / market.weights.reduce((t, w) => t + w * w, 0)
            : 0;
        }),
      ).flat(),
    ),
    [WIDTH, GEOMETRIC.length],
  );
  return projected("balanced trades", ({ x, y, v, z }) => {
    const off = div(sub(v, sub(mul(gamma, x), y)), size);
    const missing = max(neg(matmul(z, columns)), 0);
    return { x: add(x, mul(gamma, off)), y: sub(y, off), v: sub(v, off), z: add(z, matmul(missing, rows)) };
  });
}
