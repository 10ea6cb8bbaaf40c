/** @file States of a batch by Newton's method, sample by sample, and their adjoints by the same factors. */

import { VouchError } from "../../../errors.js";
import { applyPhi, type Placed, placed, pullbackPhi } from "../activations/phi.js";
import { applyRows, dense, times } from "../dense.js";
import { type ImplicitModel, sizesOf } from "../model.js";
import { outputs } from "../predict.js";
import { denseA } from "../state-matrix.js";
import { gradientsOf, type StateSolver } from "./adjoint.js";

/** Newton or Picard steps of a sample: one and a half are usual for ReLU. */
const MOST = 2000;

/**
 * x ← x + d with (I − φ′(z)A)d = φ(z) − x, z = Ax + b, or the Picard step x ← φ(z) where d does not lower ‖φ(z) − x‖_∞.
 *
 * States with φ′ = 0 drop out of the system, half of them for ReLU: a step on n states costs about (n/2)³/3 products, as much as n/24
 * Picard steps, and ReLU states are exact once their signs are right. Elimination does without pivots under ‖A‖_∞ < 1 and slopes up to 1,
 * where the system is diagonally dominant.
 *
 * @param tolerance  ‖φ(z) − x‖_∞ relative to ‖x‖_∞
 * @throws parameter for maps of more than one state; convergence where a pivot is not positive or steps do not end
 * @source Qi & Sun 1993, A nonsmooth version of Newton's method
 */
export function newtonStates(tolerance = 1e-12): StateSolver {
  return {
    equilibrium(model, U, start) {
      const { n } = sizesOf(model);
      const parts = componentwise(model);
      const A = denseA(model.A).data;
      const drive = applyRows(U, model.B).data;
      const X = dense(U.rows, n, start?.data.slice());
      const Z = dense(U.rows, n);
      const system = systemOf(n);
      for (let s = 0; s < U.rows; s++) {
        const [x, z, b] = [X.data, Z.data, drive].map((data) => data.subarray(s * n, (s + 1) * n)) as Three;
        for (let i = 0; i < n; i++) b[i]! += model.stateBias[i]!;
        solveSample(system, parts, A, x, z, b, tolerance);
      }
      return { X, Z, Y: outputs(model, X, U) };
    },
    gradients(model, U, { X, Z }, L) {
      const { n } = sizesOf(model);
      const parts = componentwise(model);
      const A = denseA(model.A).data;
      const V = times(L, model.C);
      const system = systemOf(n);
      for (let s = 0; s < U.rows; s++) {
        const [v, z] = [V.data.subarray(s * n, (s + 1) * n), Z.data.subarray(s * n, (s + 1) * n)];
        factor(system, parts, A, z);
        solveAdjoint(system, v);
      }
      return gradientsOf(model, U, X, V, L);
    },
  };
}

type Three = [Float64Array, Float64Array, Float64Array];

/** Factors of I − φ′A on the k states with φ′ ≠ 0, and room to work in. */
interface System {
  readonly n: number;
  k: number;
  readonly active: Int32Array;
  readonly slopes: Float64Array;
  readonly lu: Float64Array;
  readonly right: Float64Array;
  readonly trial: Float64Array;
  readonly image: Float64Array;
}

function systemOf(n: number): System {
  const room = () => new Float64Array(n);
  const arrays = { slopes: room(), lu: new Float64Array(n * n), right: room(), trial: room(), image: room() };
  return { n, k: 0, active: new Int32Array(n), ...arrays };
}

function componentwise({ phi }: ImplicitModel): readonly Placed[] {
  const parts = placed(phi);
  const other = parts.find(({ activation }) => !activation.componentwise);
  if (other === undefined) return parts;
  throw new VouchError("parameter", {
    name: "newtonStates",
    expected: "maps of single states",
    got: other.block.map,
    remedy: "Use `picardStates`.",
  });
}

function solveSample(
  system: System,
  parts: readonly Placed[],
  A: Float64Array,
  x: Float64Array,
  z: Float64Array,
  b: Float64Array,
  tolerance: number,
): void {
  const { n, image, trial } = system;
  /** ‖φ(z) − x‖_∞ at z = Ax + b; leaves φ(z) in `image`. */
  const residual = (at: Float64Array) => {
    for (let i = 0; i < n; i++) {
      let sum = b[i]!;
      for (let j = 0; j < n; j++) sum += A[i * n + j]! * at[j]!;
      z[i] = sum;
    }
    applyPhi(parts, n, z, image);
    let worst = 0;
    for (let i = 0; i < n; i++) worst = Math.max(worst, Math.abs(image[i]! - at[i]!));
    return worst;
  };
  let open = residual(x);
  for (let step = 0; step < MOST; step++) {
    if (open <= tolerance * largest(x)) return;
    factor(system, parts, A, z);
    for (let i = 0; i < n; i++) trial[i] = image[i]! - x[i]!;
    solveForward(system, A, trial);
    for (let i = 0; i < n; i++) trial[i]! += x[i]!;
    const picard = image.slice();
    const next = residual(trial);
    const lower = next < open;
    x.set(lower ? trial : picard);
    open = lower ? next : residual(x);
    if (!Number.isFinite(open)) break;
  }
  throw notSolved(`a residual of ${open}`);
}

/** Gaussian elimination without pivots. @source Golub & Van Loan 2013, Algorithm 3.2.1 */
function factor(system: System, parts: readonly Placed[], A: Float64Array, z: Float64Array): void {
  const { n, active, slopes, lu } = system;
  slopes.fill(1);
  pullbackPhi(parts, n, z, slopes);
  let k = 0;
  for (let i = 0; i < n; i++) if (slopes[i] !== 0) active[k++] = i;
  for (let a = 0; a < k; a++) {
    const [i, slope] = [active[a]!, slopes[active[a]!]!];
    for (let c = 0; c < k; c++) lu[a * k + c] = (a === c ? 1 : 0) - slope * A[i * n + active[c]!]!;
  }
  for (let c = 0; c < k; c++) {
    const pivot = lu[c * k + c]!;
    if (!(pivot > 0)) throw notSolved(`a pivot of ${pivot}`);
    for (let r = c + 1; r < k; r++) {
      const share = lu[r * k + c]! / pivot;
      lu[r * k + c] = share;
      if (share === 0) continue;
      for (let e = c + 1; e < k; e++) lu[r * k + e]! -= share * lu[c * k + e]!;
    }
  }
  system.k = k;
}

/** r ← (I − φ′A)⁻¹r. */
function solveForward({ n, k, active, slopes, lu, right }: System, A: Float64Array, r: Float64Array): void {
  for (let a = 0; a < k; a++) {
    const i = active[a]!;
    let inactive = 0;
    for (let j = 0; j < n; j++) if (slopes[j] === 0) inactive += A[i * n + j]! * r[j]!;
    right[a] = r[i]! + slopes[i]! * inactive;
  }
  for (let a = 0; a < k; a++) {
    for (let c = 0; c < a; c++) right[a]! -= lu[a * k + c]! * right[c]!;
  }
  for (let a = k - 1; a >= 0; a--) {
    for (let c = a + 1; c < k; c++) right[a]! -= lu[a * k + c]! * right[c]!;
    right[a]! /= lu[a * k + a]!;
  }
  for (let a = 0; a < k; a++) r[active[a]!] = right[a]!;
}

/** g ← φ′(I − φ′A)⁻ᵀg. */
function solveAdjoint({ n, k, active, slopes, lu, right }: System, g: Float64Array): void {
  for (let a = 0; a < k; a++) right[a] = g[active[a]!]!;
  for (let a = 0; a < k; a++) {
    for (let c = 0; c < a; c++) right[a]! -= lu[c * k + a]! * right[c]!;
    right[a]! /= lu[a * k + a]!;
  }
  for (let a = k - 1; a >= 0; a--) {
    for (let c = a + 1; c < k; c++) right[a]! -= lu[c * k + a]! * right[c]!;
  }
  for (let i = 0; i < n; i++) if (slopes[i] === 0) g[i] = 0;
  for (let a = 0; a < k; a++) g[active[a]!] = slopes[active[a]!]! * right[a]!;
}

function largest(x: Float64Array): number {
  let size = 0;
  for (const value of x) size = Math.max(size, Math.abs(value));
  return size;
}

function notSolved(got: string): VouchError {
  const remedy = "Project A, `rowsOnL1Ball`, with κ below 1.";
  return new VouchError("convergence", {
    name: "newtonStates",
    expected: `a fixed point within ${MOST} steps`,
    got,
    remedy,
  });
}
