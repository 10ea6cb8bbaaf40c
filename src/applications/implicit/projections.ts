/** @file Projections that keep a model well-posed while it is trained. */

import { SingularValueDecomposition } from "ml-matrix";
import { VouchError } from "../../errors.js";
import { type Dense, fromMatrix, toMatrix } from "./dense.js";

/**
 * The nearest matrix with ‖A‖_∞ ≤ κ: each row on the l1 ball, aᵢ ← sign(aᵢ)(|aᵢ| − θ)₊, θ from the row sorted downward.
 *
 * @param kappa  ≥ 0; below 1 for well-posedness
 * @throws parameter
 * @source Duchi, Shalev-Shwartz, Singer & Chandra 2008, Figure 1; the update of the bisection in El Ghaoui et al. 2021, App. H, is
 * printed reversed
 */
export function rowsOnL1Ball(A: Dense, kappa: number): Dense {
  requireBound("rowsOnL1Ball", kappa);
  const data = A.data.slice();
  for (let i = 0; i < A.rows; i++) {
    const row = data.subarray(i * A.columns, (i + 1) * A.columns);
    const theta = threshold(row, kappa);
    if (theta > 0)
      for (let j = 0; j < row.length; j++) row[j] = Math.sign(row[j]!) * Math.max(Math.abs(row[j]!) - theta, 0);
  }
  return { ...A, data };
}

/** θ ≥ 0 with Σ(|aᵢ| − θ)₊ = κ; 0 inside the ball. */
function threshold(row: Float64Array, kappa: number): number {
  const sorted = row.map(Math.abs).sort().reverse();
  let [total, theta] = [0, 0];
  for (let k = 0; k < sorted.length; k++) {
    total += sorted[k]!;
    theta = Math.max(theta, (total - kappa) / (k + 1));
  }
  return theta;
}

/** The nearest matrix with ‖A‖₂ ≤ κ: singular values cut at κ. @throws parameter */
export function onSpectralBall(A: Dense, kappa: number): Dense {
  requireBound("onSpectralBall", kappa);
  const svd = new SingularValueDecomposition(toMatrix(A), { autoTranspose: true });
  const cut = svd.diagonal.map((sigma) => Math.min(sigma, kappa));
  return fromMatrix(svd.leftSingularVectors.clone().mulRowVector(cut).mmul(svd.rightSingularVectors.transpose()));
}

/** The nearest strictly upper triangular matrix. */
export function onStrictlyUpper(A: Dense): Dense {
  return { ...A, data: A.data.map((value, e) => (e % A.columns > Math.floor(e / A.columns) ? value : 0)) };
}

/**
 * argmin_S ⟨G, S⟩ over ‖S‖_∞ ≤ κ: −κ sign at the largest entry of each row of G, the step of the conditional gradient.
 *
 * @source El Ghaoui et al., eq. (12), (13)
 */
export function l1BallVertex(G: Dense, kappa: number): Dense {
  requireBound("l1BallVertex", kappa);
  const data = new Float64Array(G.data.length);
  for (let i = 0; i < G.rows; i++) {
    const from = i * G.columns;
    let best = from;
    for (let e = from; e < from + G.columns; e++) if (Math.abs(G.data[e]!) > Math.abs(G.data[best]!)) best = e;
    if (G.columns > 0) data[best] = -kappa * Math.sign(G.data[best]!);
  }
  return { ...G, data };
}

function requireBound(name: string, kappa: number): void {
  if (kappa >= 0 && Number.isFinite(kappa)) return;
  const remedy = "Below 1 the model is well-posed.";
  throw new VouchError("parameter", { name, expected: "a bound κ ≥ 0", got: `${kappa}`, remedy });
}
