/** @file Certificates of a classification: lower bounds of its margins while the input moves. */

import { VouchError } from "../../../errors.js";
import { gamma, up } from "../../../tensor/rounding.js";
import { sizesOf } from "../model.js";
import { sensitivityRow } from "./sensitivity.js";
import type { StateBox, StateBoxes } from "./state-box.js";

/** The output ŷ_y − ŷ_k as c x + d u + e. */
export interface Difference {
  readonly c: Float64Array;
  readonly d: Float64Array;
  readonly e: number;
}

/** ŷ_y − ŷ_k ≥ bound for every k ≠ y and every input of the set; Infinity at y. Certified where all are > 0. */
export interface MarginBounds {
  readonly name: string;
  of(box: StateBox, y: number): Float64Array;
}

/** Whether no input of the set can make another class win. */
export function certified(bounds: Float64Array): boolean {
  return bounds.every((bound) => bound > 0);
}

/** Row y of (C, D, d) less row k; its entries are rounded once. */
export function difference({ model }: StateBoxes, y: number, k: number): Difference {
  const { n, p, q } = sizesOf(model);
  if (!(Number.isInteger(y) && y >= 0 && y < q)) {
    throw new VouchError("parameter", {
      name: "margins: y",
      expected: `a class 0 … ${q - 1}`,
      got: `${y}`,
      remedy: "y is the class whose margins are bounded.",
    });
  }
  const minus = (data: Float64Array, width: number) =>
    Float64Array.from({ length: width }, (_, i) => data[y * width + i]! - data[k * width + i]!);
  return {
    c: minus(model.C.data, n),
    d: minus(model.D.data, p),
    e: model.outputBias[y]! - model.outputBias[k]!,
  };
}

/**
 * By the box of states alone: min over the box of c x, less the most that d u can move.
 *
 * @source Gowal et al. 2018, interval bound propagation with the last layer elided; El Ghaoui et al. 2021, Theorem 4.1
 */
export function intervalMargins(boxes: StateBoxes): MarginBounds {
  const pair = differences(boxes);
  return {
    name: "interval",
    of: (box, y) =>
      others(boxes, y, (k) => {
        const { c, d, e } = pair(y, k);
        const x = c.map((value, i) => (value > 0 ? box.low[i]! : box.high[i]!));
        return evaluated({ c, d, e }, x, box.u) - boxes.set.radius(d);
      }),
  };
}

/**
 * By the sensitivity of the difference: its value at u⁰ less the most that (|c|(I − |A|)⁻¹|B| + |d|)|δ| can be.
 *
 * @source El Ghaoui et al., Implicit Deep Learning (SIAM J. Math. Data Sci. 2021), Theorem 4.3
 */
export function sensitivityMargins(boxes: StateBoxes): MarginBounds {
  const pair = differences(boxes);
  const kept = new Map<string, number>();
  const moves = (y: number, k: number) => {
    const key = [Math.min(y, k), Math.max(y, k)].join();
    const { c, d } = pair(y, k);
    const radius = kept.get(key) ?? boxes.set.radius(sensitivityRow(boxes.model, c, d));
    kept.set(key, radius);
    return radius;
  };
  return {
    name: "sensitivity",
    of: (box, y) =>
      others(boxes, y, (k) => {
        const { c, d, e } = pair(y, k);
        const unsure = c.reduce((total, value, i) => total + Math.abs(value) * box.error[i]!, 0);
        return evaluated({ c, d, e }, box.x, box.u) - up(moves(y, k) + up(unsure * (1 + gamma(c.length + 2))));
      }),
  };
}

/** c x + d u + e, computed and then lowered below its real value. */
export function evaluated({ c, d, e }: Difference, x: Float64Array, u: Float64Array): number {
  let [value, size] = [e, Math.abs(e)];
  const add = (term: number) => {
    value += term;
    size += Math.abs(term);
  };
  for (let i = 0; i < c.length; i++) add(c[i]! * x[i]!);
  for (let j = 0; j < d.length; j++) add(d[j]! * u[j]!);
  // Terms, their sum, the rounding of the differences, and the subtractions that callers make of it.
  return value - up(gamma(c.length + d.length + 8) * size);
}

/** Differences of rows, each made once. */
export function differences(boxes: StateBoxes): (y: number, k: number) => Difference {
  const made = new Map<string, Difference>();
  return (y, k) => {
    const found = made.get(`${y},${k}`) ?? difference(boxes, y, k);
    made.set(`${y},${k}`, found);
    return found;
  };
}

/** A bound for every class but y. */
export function others(boxes: StateBoxes, y: number, bound: (k: number) => number): Float64Array {
  const { q } = sizesOf(boxes.model);
  return Float64Array.from({ length: q }, (_, k) => (k === y ? Number.POSITIVE_INFINITY : lowered(bound(k))));
}

/** Below the real value of a difference that was rounded. */
function lowered(value: number): number {
  return value - up(Math.abs(value) * 2 ** -50);
}
