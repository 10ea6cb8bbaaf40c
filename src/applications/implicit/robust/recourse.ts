/** @file Margins by states that are bounded by affine functions of the perturbation. */

import { VouchError } from "../../../errors.js";
import { gamma, up } from "../../../tensor/rounding.js";
import { type Dense, dense } from "../dense.js";
import { sizesOf } from "../model.js";
import type { InputSet } from "./input-set.js";
import { majorant } from "./majorant.js";
import { differences, evaluated, type MarginBounds, others } from "./margins.js";
import { driven, type StateBox, type StateBoxes } from "./state-box.js";

/** Slopes of l + Gδ ≤ x(u⁰ + δ) ≤ h + Rδ, both [n, p]; every choice is sound. */
export interface Recourse {
  readonly R: Dense;
  readonly G: Dense;
}

/** R = G = 0: bounds of the states that no perturbation moves. @source El Ghaoui et al., §5.3 */
export function noRecourse({ B }: { readonly B: Dense }): Recourse {
  return { R: dense(B.rows, B.columns), G: dense(B.rows, B.columns) };
}

/**
 * ŷ_y − ŷ_k ≥ c₊l − c₋h + d u⁰ + e − ρ(c₊G − c₋R + d), for h and l with
 *
 *     h ≥ ρ(R),   h ≥ A₊h − A₋l + Bu⁰ + b + ρ(A₊R − A₋G − R + B)
 *     l ≤ −ρ(G)  or  l ≤ A₊l − A₋h + Bu⁰ + b − ρ(A₊G − A₋R − G + B),   state by state
 *
 * ρ the most that each row can move by over the set, |row|σ for a box. h and l come of an iteration, and are checked with bounded rounding.
 *
 * deviates: the source has X + RU ≥ 0 and X + RU ≥ A(X + RU) + BU, of which an X far above the state in one entry may be far below it in
 * another (a test has one); signs of A apart and a bound from below make it a bound: with e = (h + Rδ − x, x − l − Gδ) and M of the blocks A₊, A₋, e ≥
 * −M max(−e, 0), and λ_pf(M) = λ_pf(|A|) < 1 leaves only e ≥ 0
 *
 * @throws shape; parameter if λ_pf(|A|) < 1 cannot be shown
 * @source El Ghaoui et al., §5.4
 */
export function recourseMargins(boxes: StateBoxes, recourse: Recourse): MarginBounds {
  const { model, A, set } = boxes;
  const { n, p } = sizesOf(model);
  for (const [name, { rows, columns }] of Object.entries(recourse)) requireSlopes(name, [rows, columns], [n, p]);
  const moves = movesOf(boxes, recourse);
  const unit = majorant(A, new Float64Array(n).fill(1));
  const pair = differences(boxes);
  const radii = new Map<string, number>();
  const radiusOf = (y: number, k: number) => {
    const found = radii.get(`${y},${k}`);
    if (found !== undefined) return found;
    const { c, d } = pair(y, k);
    const radius = radiusOfSum(set, d, [
      [c.map((value) => Math.max(value, 0)), recourse.G],
      [c.map((value) => Math.min(value, 0)), recourse.R],
    ]);
    radii.set(`${y},${k}`, radius);
    return radius;
  };
  return {
    name: "recourse",
    of(box, y) {
      const { h, l } = offsets(boxes, box, moves, unit);
      return others(boxes, y, (k) => {
        const { c, d, e } = pair(y, k);
        const x = c.map((value, i) => (value > 0 ? l[i]! : h[i]!));
        return evaluated({ c, d, e }, x, box.u) - radiusOf(y, k);
      });
    },
  };
}

/** The four ρ of each state, from above. */
interface Moves {
  readonly R: Float64Array;
  readonly G: Float64Array;
  readonly above: Float64Array;
  readonly below: Float64Array;
}

function movesOf({ model, A, set }: StateBoxes, { R, G }: Recourse): Moves {
  const { n, p } = sizesOf(model);
  const row = ({ data }: Dense, i: number, width = p) => data.subarray(i * width, (i + 1) * width);
  const of = (own: Dense, other: Dense) =>
    Float64Array.from({ length: n }, (_, i) => {
      const a = row(A, i, n);
      const weights = a.map((value, j) => Math.max(value, 0) - (i === j ? 1 : 0));
      const rest = a.map((value) => Math.min(value, 0));
      return radiusOfSum(set, row(model.B, i), [
        [weights, own],
        [rest, other],
      ]);
    });
  const own = (M: Dense) => Float64Array.from({ length: n }, (_, i) => set.radius(row(M, i)));
  return { R: own(R), G: own(G), above: of(R, G), below: of(G, R) };
}

/** ρ(row + Σ w M), from above: weights w and the rows of M that they weigh. */
function radiusOfSum(set: InputSet, row: Float64Array, terms: readonly (readonly [Float64Array, Dense])[]): number {
  const [total, size] = [row.slice(), row.map(Math.abs)];
  let count = 2;
  for (const [weights, { columns: p, data }] of terms) {
    weights.forEach((weight, i) => {
      if (weight === 0) return;
      count += 2;
      for (let j = 0; j < p; j++) {
        const term = weight * data[i * p + j]!;
        total[j]! += term;
        size[j]! += Math.abs(term);
      }
    });
  }
  return up(set.radius(total) + gamma(count) * set.radius(size));
}

/** Most iterations for h and l, and factors by which they are moved apart until they pass the check. */
const MOST = 500;
const SETTLED = 1e-13;
const RAISES = [1, 4, 16, 256, 65536];

/** h and l of an input, checked. */
function offsets(boxes: StateBoxes, box: StateBox, moves: Moves, unit: Float64Array) {
  const base = driven(boxes.model, box.u);
  let [h, l] = [Float64Array.from(box.high), Float64Array.from(box.low)];
  for (let k = 0; k < MOST; k++) {
    const next = sides(boxes.A, base, { h, l }, moves);
    const moved = h.reduce((m, value, i) => Math.max(m, Math.abs(value - next.h[i]!), Math.abs(l[i]! - next.l[i]!)), 0);
    const size = next.h.reduce((m, value, i) => Math.max(m, Math.abs(value), Math.abs(next.l[i]!)), 0);
    [h, l] = [next.h, next.l];
    if (!(moved > SETTLED * size)) break;
  }
  const { h: least, l: most } = sides(boxes.A, base, { h, l }, moves);
  const lacking = h.reduce((worst, value, i) => Math.max(worst, least[i]! - value, l[i]! - most[i]!), 2 ** -900);
  for (const raise of RAISES) {
    const apart = {
      h: h.map((value, i) => value + up(raise * lacking * unit[i]!)),
      l: l.map((value, i) => value - up(raise * lacking * unit[i]!)),
    };
    const need = sides(boxes.A, base, apart, moves);
    if (need.h.every((value, i) => value <= apart.h[i]!) && need.l.every((value, i) => value >= apart.l[i]!))
      return apart;
  }
  throw new VouchError("convergence", {
    name: "recourseMargins",
    expected: "bounds of states that pass their inequalities",
    got: `a gap of ${lacking}`,
    remedy: "Train or project A to a smaller ‖A‖_∞.",
  });
}

/** Right sides of the inequalities, that of h from above and that of l from below. */
function sides(
  { rows: n, data }: Dense,
  base: ReturnType<typeof driven>,
  { h, l }: { h: Float64Array; l: Float64Array },
  moves: Moves,
) {
  const made = { h: new Float64Array(n), l: new Float64Array(n) };
  const rounding = gamma(n + base.terms + 4);
  for (let i = 0; i < n; i++) {
    let [top, bottom, size] = [base.value[i]!, base.value[i]!, base.size[i]!];
    for (let j = 0; j < n; j++) {
      const a = data[i * n + j]!;
      const [high, low] = a > 0 ? [h[j]!, l[j]!] : [l[j]!, h[j]!];
      top += a * high;
      bottom += a * low;
      size += Math.abs(a) * (Math.abs(high) + Math.abs(low));
    }
    // The sums, and the two subtractions that follow.
    const slack = up(up(rounding * size) + 2 ** -50 * (size + moves.above[i]! + moves.below[i]!));
    made.h[i] = Math.max(moves.R[i]!, top + moves.above[i]! + slack);
    made.l[i] = Math.max(-moves.G[i]!, bottom - moves.below[i]! - slack);
  }
  return made;
}

function requireSlopes(name: string, got: readonly number[], expected: readonly number[]): void {
  if (got[0] === expected[0] && got[1] === expected[1]) return;
  throw new VouchError("shape", {
    name: `recourseMargins: ${name}`,
    expected: `[${expected}], one row a state and one column an input`,
    got: `[${got}]`,
    remedy: "`noRecourse(model)` is the choice of zeros.",
  });
}
