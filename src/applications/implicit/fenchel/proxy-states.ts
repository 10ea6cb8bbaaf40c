/** @file The two convex steps over states in the relaxed training of an implicit model: X with its proxy P fixed, and P with X fixed. */

import { addScaled, type Dense, denseOf, times, transposed } from "../dense.js";
import { settle } from "../settle.js";
import { spectralNorm } from "../well-posed/spectral.js";
import type { Divergence } from "./divergence.js";

/** Where a step over states ends. */
const LIMITS = { tolerance: 1e-10, most: 10_000, remedy: "Raise μ, or lower the multipliers." } as const;

export interface StateTerms {
  readonly divergence: Divergence;
  /** λ, [n], > 0. */
  readonly lambda: Float64Array;
  /** μ > 0. */
  readonly mu: number;
}

/**
 * ‖diag(λ)^½ A‖₂² / μ: below 1, and in general only there, is X ↦ P − (1/μ)Aᵀdiag(λ)(φ(AX + BU) − P) a contraction.
 *
 * deviates: the source asks for ‖A‖_∞ ≤ √(μ/λ), which does not suffice (a test has a counterexample), and then for μ < λκ², which is the
 * inequality turned round
 *
 * @source El Ghaoui et al., §4.2, "Updates via fixed point iterations"
 */
export function proxyRatio(A: Dense, { lambda, mu }: Pick<StateTerms, "lambda" | "mu">): number {
  return (
    spectralNorm(denseOf(A.rows, A.columns, (i, j) => Math.sqrt(lambda[i]!) * A.data[i * A.columns + j]!)) ** 2 / mu
  );
}

/**
 * argmin_X Σ λᵢF(Pᵢ, (AX + drive)ᵢ) + μ/2 ‖X − P‖², samples in rows, drive = BU + b:
 *
 *     X⁺ = (1 − τ)X + τ(P − (1/μ)Aᵀdiag(λ)(φ(AX + drive) − P)),   τ = 2/(2 + r),  r = `proxyRatio`
 *
 * which contracts by r/(2 + r) whatever A is. τ = 1, the iteration of the source, contracts by r, so that it needs r < 1.
 *
 * @throws convergence
 * @source El Ghaoui et al., eq. (14)
 */
export function stateStepOfProxy(A: Dense, drive: Dense, P: Dense, terms: StateTerms): Dense {
  const { divergence, lambda, mu } = terms;
  const n = P.columns;
  const tau = 2 / (2 + proxyRatio(A, terms));
  const At = transposed(A);
  return settle(
    "stateStepOfProxy",
    P,
    (X) => {
      const Z = addScaled(1, times(X, At), drive);
      const pull = Z.data.map((z, e) => lambda[e % n]! * (divergence.phi(z) - P.data[e]!));
      const back = times({ ...Z, data: pull }, A).data;
      return { ...X, data: X.data.map((x, e) => (1 - tau) * x + tau * (P.data[e]! - back[e]! / mu)) };
    },
    LIMITS,
  );
}

/**
 * argmin_P ½‖R − PCᵀ‖² + Σ λᵢF(Pᵢ, Zᵢ) + μ/2 ‖X − P‖², samples in rows, R = Y − DU − d, by coordinates one after the other, each
 * in closed form.
 *
 * deviates: the source has the closed form of an unconstrained P for the ReLU, whose divergence is finite for P ≥ 0 alone
 *
 * @param start  P to begin with
 * @throws convergence
 * @source El Ghaoui et al., eq. (15); Tseng 2001 for the convergence of descent by coordinates
 */
export function proxyStep(C: Dense, R: Dense, Z: Dense, X: Dense, start: Dense, terms: StateTerms): Dense {
  const { divergence, lambda, mu } = terms;
  const [n, q] = [C.columns, C.rows];
  const squares = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < q; k++) sum += C.data[k * n + i]! ** 2;
    return sum;
  });
  return settle(
    "proxyStep",
    start,
    (from) => {
      const P = { ...from, data: from.data.slice() };
      for (let s = 0; s < P.rows; s++) {
        const p = P.data.subarray(s * n, (s + 1) * n);
        const gap = Float64Array.from({ length: q }, (_, k) => {
          let value = -R.data[s * q + k]!;
          for (let i = 0; i < n; i++) value += C.data[k * n + i]! * p[i]!;
          return value;
        });
        for (let i = 0; i < n; i++) {
          const weight = squares[i]! + mu;
          let slope = 0;
          for (let k = 0; k < q; k++) slope += C.data[k * n + i]! * gap[k]!;
          const free = (squares[i]! * p[i]! - slope + mu * X.data[s * n + i]!) / weight;
          const next = divergence.prox(free, lambda[i]! / weight, Z.data[s * n + i]!);
          for (let k = 0; k < q; k++) gap[k]! += C.data[k * n + i]! * (next - p[i]!);
          p[i] = next;
        }
      }
      return P;
    },
    LIMITS,
  );
}
