/** @file Penalty (19): few inputs. */

import { VouchError } from "../../../errors.js";
import { type Dense, dense } from "../dense.js";
import type { Parameters } from "../train/parameters.js";
import { type Penalty, requireWeight, zero } from "./penalty.js";

/**
 * weight Σⱼ ‖(B; D) eⱼ‖_α: whole columns become 0, inputs without which the model predicts the same.
 *
 *     prox:  α = 2:  v ← (1 − t/‖v‖)₊ v        else:  |xᵢ| + r|xᵢ|^(α−1) = |vᵢ| with r = t/‖x‖^(α−1), and 0 where ‖v‖_β ≤ t, 1/α + 1/β = 1
 *
 * @param weight  ≥ 0; t = weight · step
 * @param alpha   > 1, finite
 * @throws parameter
 * @source El Ghaoui et al., eq. (19)
 */
export function columnNorms(weight: number, alpha: number): Penalty {
  requireWeight("columnNorms: weight", weight);
  if (!(alpha > 1 && Number.isFinite(alpha))) {
    throw new VouchError("parameter", {
      name: "columnNorms: α",
      expected: "a finite number > 1",
      got: `${alpha}`,
      remedy: "2 is the Euclidean norm; `oneNorm` is the case α = 1, which empties entries instead of columns.",
    });
  }
  const shrink = alpha === 2 ? shrunk : shrunkBy(alpha);
  return {
    name: `Σ‖(B; D)eⱼ‖_${alpha}`,
    parts: ["B", "D"],
    value: (at) => weight * columnsOf(at).reduce((sum, column) => sum + size(column, alpha), 0),
    gradient: (at) =>
      fromColumns(
        zero(at),
        columnsOf(at).map((column) => {
          const norm = size(column, alpha);
          return column.map((v) => (norm === 0 ? 0 : weight * Math.sign(v) * (Math.abs(v) / norm) ** (alpha - 1)));
        }),
      ),
    prox: (at, step) =>
      fromColumns(
        at,
        columnsOf(at).map((column) => shrink(column, step * weight)),
      ),
  };
}

/** ‖v‖_α, of the largest entry's multiple: no power overflows. */
function size(v: Float64Array, alpha: number): number {
  const top = v.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (top === 0) return 0;
  return top * v.reduce((sum, value) => sum + (Math.abs(value) / top) ** alpha, 0) ** (1 / alpha);
}

function shrunk(v: Float64Array, t: number): Float64Array {
  const norm = size(v, 2);
  return norm <= t ? new Float64Array(v.length) : v.map((value) => (1 - t / norm) * value);
}

/** Halvings of an interval: past the last bit. */
const HALVINGS = 60;

/** ‖x‖ by bisection: with r = t/n^(α−1) the solution x of the equations has ‖x‖_α ≥ n exactly up to n = ‖x‖_α. */
function shrunkBy(alpha: number): (v: Float64Array, t: number) => Float64Array {
  const dual = alpha / (alpha - 1);
  return (v, t) => {
    if (t === 0) return v;
    if (size(v, dual) <= t) return new Float64Array(v.length);
    let [low, high] = [0, size(v, alpha)];
    for (let k = 0; k < HALVINGS; k++) {
      const middle = (low + high) / 2;
      if (size(entries(v, t / middle ** (alpha - 1), alpha), alpha) >= middle) low = middle;
      else high = middle;
    }
    return entries(v, t / ((low + high) / 2) ** (alpha - 1), alpha);
  };
}

/** xᵢ of the sign of vᵢ with |xᵢ| + r|xᵢ|^(α−1) = |vᵢ|. */
function entries(v: Float64Array, r: number, alpha: number): Float64Array {
  return v.map((value) => {
    let [low, high] = [0, Math.abs(value)];
    for (let k = 0; k < HALVINGS && low < high; k++) {
      const middle = (low + high) / 2;
      if (middle === low || middle === high) break;
      if (middle + r * middle ** (alpha - 1) < Math.abs(value)) low = middle;
      else high = middle;
    }
    return Math.sign(value) * low;
  });
}

/** (B; D)eⱼ for every input. */
function columnsOf({ B, D }: Parameters): Float64Array[] {
  const column = ({ rows, columns, data }: Dense, j: number) =>
    Array.from({ length: rows }, (_, i) => data[i * columns + j]!);
  return Array.from({ length: B.columns }, (_, j) => Float64Array.from([...column(B, j), ...column(D, j)]));
}

function fromColumns(at: Parameters, columns: readonly Float64Array[]): Parameters {
  const { B, D } = at;
  const part = (rows: number, from: number) => {
    const made = dense(rows, columns.length);
    columns.forEach((column, j) => {
      for (let i = 0; i < rows; i++) made.data[i * columns.length + j] = column[from + i]!;
    });
    return made;
  };
  return { ...at, B: part(B.rows, 0), D: part(D.rows, B.rows) };
}
