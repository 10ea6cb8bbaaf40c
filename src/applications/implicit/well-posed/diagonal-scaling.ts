/** @file Well-posed by the 2-norm after a diagonal scaling: S − AᵀSA ≻ 0. */

import type { Placed } from "../activations/phi.js";
import { absolute, type Dense, denseOf, transposed } from "../dense.js";
import { type WellPosedCondition, withConstants } from "./condition.js";
import { perronScaling } from "./perron.js";
import { spectralNorm } from "./spectral.js";

/**
 * σ_max(S^½ A S^−½) < 1 for some diagonal S ≻ 0, which says S − AᵀSA ≻ 0.
 *
 * S is searched for, so that the value is an upper bound of the least one: from S = I and from the Perron vectors v, w of |A| and
 * |Aᵀ|, S = diag(w/v), by steps along the gradient u² − v² of log σ_max with respect to log S^½.
 *
 * @source El Ghaoui et al., §3.2 "Invariance"
 */
export const diagonalScaling: WellPosedCondition = {
  name: "diagonal-scaling",
  text: "S − AᵀSA ≻ 0, S diagonal",
  iteration: "picard",
  left(subject) {
    const A = withConstants(subject, "two");
    const starts = [new Float64Array(A.rows), logarithms(A)];
    return Math.min(...starts.map((start) => descend(A, subject.phi, start)));
  },
};

const STEPS = 60;
const POWER = 30;

function logarithms(A: Dense): Float64Array {
  const N = absolute(A);
  const [right, left] = [perronScaling(N), perronScaling(transposed(N))];
  return right.map((v, i) => 0.5 * (Math.log(left[i]!) - Math.log(v)));
}

/** Least σ_max(D A D⁻¹) on the way down from D = e^logs. */
function descend(A: Dense, phi: readonly Placed[], logs: Float64Array): number {
  let at = constantOnBlocks(logs, phi);
  let best = spectralNorm(scaledBy(A, at));
  let bestAt = at;
  for (let step = 0; step < STEPS; step++) {
    const { u, v, sigma } = topPair(scaledBy(A, at));
    if (sigma < best) [best, bestAt] = [sigma, at];
    const rate = 0.5 / Math.sqrt(step + 1);
    const moved = at.map((value, i) => value - rate * (u[i]! ** 2 - v[i]! ** 2));
    at = constantOnBlocks(moved, phi);
  }
  return Math.min(spectralNorm(scaledBy(A, bestAt)), spectralNorm(scaledBy(A, constantOnBlocks(logs, phi))));
}

/** The norm that scales a block of one map must be a multiple of its own. */
function constantOnBlocks(logs: Float64Array, phi: readonly Placed[]): Float64Array {
  const made = logs.slice();
  for (const { activation, from, to } of phi) {
    if (activation.componentwise) continue;
    const mean = made.subarray(from, to).reduce((a, b) => a + b, 0) / (to - from);
    made.fill(mean, from, to);
  }
  return made;
}

function scaledBy(A: Dense, logs: Float64Array): Dense {
  return denseOf(A.rows, A.columns, (i, j) => A.data[i * A.columns + j]! * Math.exp(logs[i]! - logs[j]!));
}

/** Left and right singular vectors of the largest singular value, by power iteration. */
function topPair({ rows: n, data }: Dense): { u: Float64Array; v: Float64Array; sigma: number } {
  let v = new Float64Array(n).map((_, i) => 1 + 0.1 * Math.sin(i + 1));
  let u = new Float64Array(n);
  let sigma = 0;
  for (let step = 0; step < POWER; step++) {
    u = new Float64Array(n);
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) u[i]! += data[i * n + j]! * v[j]!;
    sigma = Math.hypot(...u);
    if (sigma === 0) return { u, v: u, sigma };
    u = u.map((value) => value / sigma);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) next[j]! += data[i * n + j]! * u[i]!;
    const norm = Math.hypot(...next);
    v = next.map((value) => value / norm);
    sigma = norm;
  }
  return { u, v, sigma };
}
