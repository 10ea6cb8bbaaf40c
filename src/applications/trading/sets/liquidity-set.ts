/** @file The trades a pool of concentrated liquidity accepts, as a block for a splitting. */

import { type ConvexSet, distanceBetween } from "../../../sets/set.js";
import { sumKeep } from "../../../tensor/primitives/broadcast.js";
import {
  abs,
  add,
  div,
  less,
  lessEqual,
  max,
  min,
  mul,
  neg,
  select,
  sqrt,
  sub,
} from "../../../tensor/primitives/elementwise.js";
import { concat, slice } from "../../../tensor/primitives/layout.js";
import { constant64, stopGradient } from "../../../tensor/primitives/leaf.js";
import { shapeError, showShape, type Tensor } from "../../../tensor/tensor.js";
import { type Liquidity, requireLiquidity } from "./liquidity.js";

/** ln of the ratio of √prices up to which Newton's method from the lower end needs no bisection first. */
const NARROW = 0.05;
/** Newton steps: a relative error of 0.05 falls below 1e-14 in five. */
const STEPS = 6;

/**
 * { v : r + v ≥ some point of the curve }, v = γx − y, r the reserves at the current price: one set per sample.
 *
 * The curve is r₀(S) = ∫_S^∞ L/σ² dσ, r₁(S) = ∫_0^S L dσ, in each interval (lo, hi) of ticks, with S = lo(1 + m), the hyperbola
 * r₀ = r₀(hi) + L(hi − S)/(S hi), r₁ = r₁(lo) + L lo m. The nearest point to t = r + v outside has the normal (S², 1):
 *
 *     ψ(S) = (r₁(S) − t₁) − (r₀(S) − t₀)/S² = 0
 *
 * ψ changes its sign once along the curve, so that its signs at the ends of the intervals name the one that holds the point. In it ψ
 * is concave and increasing up to the root, which Newton's method from below does not pass; wide intervals are halved first. An
 * interval without liquidity is a corner of the curve. Beyond the last ticks P(t) = max(t, end). Points of the set stay as they are.
 * No support function: a market's own bounds trades in whole numbers.
 *
 * @param sqrtPrice  √(token 1 per token 0) now, [N, 1] or [1, 1]; clamped to the ticks
 * @throws data if √prices do not ascend or an L is negative, or all are zero; shape if sqrtPrice is not a column
 * @source Adams, Zinsmeister, Salem, Keefer & Robinson 2021, Uniswap v3 Core, eq. (2.2), (6.13)–(6.16)
 */
export function liquiditySet(sqrtPrice: Tensor, liquidity: Liquidity): ConvexSet {
  if (sqrtPrice.shape.length !== 2 || sqrtPrice.shape[1] !== 1) {
    throw shapeError("liquiditySet", "a √price of each sample [N, 1]", showShape(sqrtPrice.shape));
  }
  requireLiquidity(liquidity);
  const intervals = intervalsOf(liquidity);
  const r = reservesAt(intervals, sqrtPrice);
  const project = (v: Tensor) => {
    const t = add(r, v);
    return select(holds(intervals, t), v, sub(max(t, nearest(intervals, t)), r));
  };
  return { name: "trades of concentrated liquidity", project, distance: (v) => distanceBetween(v, project(v)) };
}

const row = (values: readonly number[]) => constant64(Float64Array.from(values), [1, values.length]);

/** The intervals, one number of each: their ends, L, r₀ at the upper end, r₁ at the lower, and what of each they hold when full. */
function intervalsOf({ sqrtPrices, liquidity }: Liquidity) {
  const [low, high] = [sqrtPrices.slice(0, -1), sqrtPrices.slice(1)];
  const full0 = liquidity.map((L, k) => L * (1 / low[k]! - 1 / high[k]!));
  const full1 = liquidity.map((L, k) => L * (high[k]! - low[k]!));
  const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return {
    ...{ low, high, liquidity, full0, full1 },
    r0: low.map((_, k) => total(full0.slice(k + 1))),
    r1: low.map((_, k) => total(full1.slice(0, k))),
    /** Corners have no curve: 1 keeps the steps finite, and L = 0 the answer. */
    steepness: liquidity.map((L) => L || 1),
  };
}
type Intervals = ReturnType<typeof intervalsOf>;

/** (r₀, r₁) at √price S. */
function reservesAt({ low, high, liquidity }: Intervals, S: Tensor): Tensor {
  const [lo, hi, L] = [row(low), row(high), row(liquidity)];
  const at = min(max(S, lo), hi);
  const r0 = sumKeep(div(mul(L, sub(hi, at)), mul(at, hi)), [1]);
  return concat([r0, sumKeep(mul(L, sub(at, lo)), [1])], 1);
}

/** Whether t₁ is no less than the r₁ that goes with r₀ = t₀ ≥ 0: L(hi − lo) − hi² r₀/(1 + hi r₀/L) of an interval that holds r₀. */
function holds({ high, r0, full0, full1, steepness }: Intervals, t: Tensor): Tensor {
  const [t0, t1] = halves(t);
  const hi = row(high);
  const inside = min(max(sub(t0, row(r0)), 0), row(full0));
  const traded = div(mul(mul(hi, hi), inside), add(1, div(mul(hi, inside), row(steepness))));
  const owed = sumKeep(max(sub(row(full1), traded), 0), [1]);
  return lessEqual(max(sub(owed, t1), neg(t0)), 0);
}

/** The point of the curve that is nearest to t below it. */
function nearest(intervals: Intervals, t: Tensor): Tensor {
  const [t0, t1] = halves(t);
  const { low, high, liquidity } = intervals;
  const here = placeOf(intervals, t0, t1);
  const of = (values: readonly number[]) => sumKeep(select(here, row(values), 0), [1]);
  const [lo, hi, L, steep] = [of(low), of(high), of(liquidity), of(intervals.steepness)];
  const [end0, start1, widest] = [of(intervals.r0), of(intervals.r1), of(high.map((S, k) => S / low[k]! - 1))];
  const point = (m: Tensor) => {
    const [S, scale] = [mul(lo, add(1, m)), mul(L, lo)];
    return { S, r0: add(end0, div(mul(scale, sub(widest, m)), mul(S, hi))), r1: add(start1, mul(scale, m)) };
  };
  const normal = (m: Tensor) => {
    const { S, r0, r1 } = point(m);
    return { S, above: sub(r0, t0), psi: sub(sub(r1, t1), div(sub(r0, t0), mul(S, S))) };
  };
  const step = (m: Tensor) => {
    const { S, above, psi } = normal(m);
    // dψ/dS = L + (L/S + 2(r₀ − t₀))/S³.
    const slope = add(steep, div(add(div(steep, S), mul(2, max(above, 0))), mul(S, mul(S, S))));
    return min(max(sub(m, div(psi, mul(slope, lo))), 0), widest);
  };
  let [m, beyond] = [mul(0, widest), widest];
  for (let j = halvingsOf(intervals); j > 0; j--) {
    const middle = sub(sqrt(mul(add(1, m), add(1, beyond))), 1);
    const short = less(normal(middle).psi, 0);
    [m, beyond] = [stopGradient(select(short, middle, m)), stopGradient(select(short, beyond, middle))];
  }
  for (let j = 1; j < STEPS; j++) m = stopGradient(step(m));
  const { r0, r1 } = point(step(m));
  return concat([r0, r1], 1);
}

/** Marks the interval that holds the nearest point, [N, intervals]: as many as there are inner ends with ψ < 0 come before it. */
function placeOf({ low, high, r0, r1 }: Intervals, t0: Tensor, t1: Tensor): Tensor {
  const places = row(low.map((_, k) => k));
  if (low.length === 1) return lessEqual(mul(0, t0), places);
  const S = row(high.slice(0, -1));
  const psi = sub(sub(row(r1.slice(1)), t1), div(sub(row(r0.slice(0, -1)), t0), mul(S, S)));
  const before = sumKeep(select(less(psi, 0), 1, 0), [1]);
  return less(abs(sub(stopGradient(before), places)), 0.5);
}

/** Halvings, of the interval of logarithms, after which the widest one is narrow. */
function halvingsOf({ low, high, liquidity }: Intervals): number {
  const widths = low.map((S, k) => (liquidity[k]! > 0 ? Math.log(high[k]! / S) : 0));
  return Math.max(0, Math.ceil(Math.log2(Math.max(...widths) / NARROW)));
}

function halves(t: Tensor): readonly [Tensor, Tensor] {
  return [slice(t, 1, 0, 1), slice(t, 1, 1, 2)];
}
