/** @file Attacks on a classification: perturbed inputs that try to break it, or a bound of its margins. */

import { VouchError } from "../../../errors.js";
import type { Random } from "../../../random.js";
import { placed, pullbackPhi } from "../activations/phi.js";
import { applyRows, type Dense, dense, transposed } from "../dense.js";
import { type ImplicitModel, sizesOf } from "../model.js";
import { predictor } from "../predict.js";
import { type SettleLimits, settle } from "../settle.js";
import { denseA } from "../state-matrix.js";

/** Outputs of a model and the gradients of one difference of outputs, for many inputs. */
export interface Attacked {
  /** ŷ, [m, q]. */
  outputs(U: Dense): Dense;
  /** ŷ, and ∂(ŷ_y − ŷ_k)/∂u at each input, [m, p]; k is the largest other output where it is left out. */
  slopes(U: Dense, y: ArrayLike<number>, k?: ArrayLike<number>): { readonly Y: Dense; readonly slopes: Dense };
}

/** Where the adjoint iteration ends: an attack needs directions, not digits. */
const LIMITS: SettleLimits = { tolerance: 1e-6, most: 500, remedy: "Train with a smaller ‖A‖_∞." };

/**
 * The gradient of c x + d u by the adjoint fixed point v = φ′ ∘ (Aᵀv + c): Bᵀv + d.
 *
 * @throws convergence, from `slopes`, if the adjoint does not settle
 * @source El Ghaoui et al., Implicit Deep Learning (SIAM J. Math. Data Sci. 2021), Appendix G
 */
export function attacked(model: ImplicitModel): Attacked {
  const { n, p, q } = sizesOf(model);
  const [At, Bt] = [transposed(denseA(model.A)), transposed(model.B)];
  const parts = placed(model.phi);
  const solve = predictor(model);
  const A = denseA(model.A);
  return {
    outputs: (U) => solve.predict(U).Y,
    slopes(U, y, k) {
      const { X, Y } = solve.predict(U);
      const drive = applyRows(U, model.B);
      const Z = applyRows(X, A);
      for (let e = 0; e < Z.data.length; e++) Z.data[e]! += drive.data[e]! + model.stateBias[e % n]!;
      const [c, slopes] = [dense(U.rows, n), dense(U.rows, p)];
      for (let s = 0; s < U.rows; s++) {
        const from = k?.[s] ?? runnerUp(Y.data.subarray(s * q, (s + 1) * q), y[s]!);
        for (let i = 0; i < n; i++) c.data[s * n + i] = model.C.data[y[s]! * n + i]! - model.C.data[from * n + i]!;
        for (let j = 0; j < p; j++) slopes.data[s * p + j] = model.D.data[y[s]! * p + j]! - model.D.data[from * p + j]!;
      }
      const V = adjoint(At, c, (v) => pullbackPhi(parts, n, Z.data, v));
      const through = applyRows(V, Bt);
      for (let e = 0; e < slopes.data.length; e++) slopes.data[e]! += through.data[e]!;
      return { Y, slopes };
    },
  };
}

function adjoint(At: Dense, c: Dense, pullback: (v: Float64Array) => void): Dense {
  return settle(
    "attacked",
    dense(c.rows, c.columns),
    (V) => {
      const next = applyRows(V, At);
      for (let e = 0; e < next.data.length; e++) next.data[e]! += c.data[e]!;
      pullback(next.data);
      return next;
    },
    LIMITS,
  );
}

/** Largest output other than y's. */
export function runnerUp(outputs: Float64Array, y: number): number {
  return outputs.reduce((best, value, k) => (k !== y && (best < 0 || value > outputs[best]!) ? k : best), -1);
}

/**
 * Projected gradient in the box |δ| ≤ σ: δ⁺ = clip(δ − step · σ · sign ∂(ŷ_y − ŷ_k)/∂u), from a random δ.
 *
 * @param U      [m, p]
 * @param steps  gradients
 * @returns the perturbed inputs, [m, p]
 * @throws parameter if σ is not finite and ≥ 0, NaN included
 * @source Madry et al. 2018, Towards Deep Learning Models Resistant to Adversarial Attacks
 */
export function projectedGradient(
  model: Attacked,
  U: Dense,
  y: ArrayLike<number>,
  sigma: number,
  { steps, random }: { readonly steps: number; readonly random: Random },
): Dense {
  const delta = randomSigns(U, sigma, random, "projectedGradient").data.map((value) => value * random.uniform());
  const moved = { ...U, data: U.data.map((value, e) => inside(value + delta[e]!, value, sigma)) };
  const length = (2.5 * sigma) / steps;
  for (let step = 0; step < steps; step++) {
    const { slopes } = model.slopes(moved, y);
    slopes.data.forEach((slope, e) => {
      delta[e] = Math.min(sigma, Math.max(-sigma, delta[e]! - length * Math.sign(slope)));
      moved.data[e] = inside(U.data[e]! + delta[e]!, U.data[e]!, sigma);
    });
  }
  return moved;
}

/** Corners of the box |δ| ≤ σ, drawn at random. @throws parameter if σ is not finite and ≥ 0 */
export function randomCorners(U: Dense, sigma: number, random: Random): Dense {
  const { data } = randomSigns(U, sigma, random, "randomCorners");
  return { ...U, data: U.data.map((value, e) => inside(value + data[e]!, value, sigma)) };
}

/**
 * Move `count` inputs of each sample to the end of [0, 1] that the gradient of its margin names, those with the largest score.
 *
 * @param score  what an input is worth, sample and input: the sensitivity of the margin, or |its gradient|
 */
export function sparseAttack(
  model: Attacked,
  U: Dense,
  y: ArrayLike<number>,
  count: number,
  score: (sample: number, input: number, slope: number, runnerUp: number) => number,
): Dense {
  const p = U.columns;
  const { Y, slopes } = model.slopes(U, y);
  const moved = { ...U, data: U.data.slice() };
  for (let s = 0; s < U.rows; s++) {
    const other = runnerUp(Y.data.subarray(s * Y.columns, (s + 1) * Y.columns), y[s]!);
    const scores = Float64Array.from({ length: p }, (_, j) => score(s, j, slopes.data[s * p + j]!, other));
    const order = Array.from({ length: p }, (_, j) => j).sort((a, b) => scores[b]! - scores[a]!);
    for (const j of order.slice(0, count)) moved.data[s * p + j] = slopes.data[s * p + j]! > 0 ? 0 : 1;
  }
  return moved;
}

function randomSigns(U: Dense, sigma: number, random: Random, name: string): Dense {
  if (!(sigma >= 0 && Number.isFinite(sigma))) {
    throw new VouchError("parameter", {
      name: `${name}: σ`,
      expected: "a finite number ≥ 0",
      got: `${sigma}`,
      remedy: "Give the attack's budget in units of the inputs.",
    });
  }
  return { ...U, data: U.data.map(() => (random.uniform() < 0.5 ? -sigma : sigma)) };
}

/** `moved`, which rounding may have taken out of [value − σ, value + σ], put back. */
function inside(moved: number, value: number, sigma: number): number {
  let at = moved;
  while (at - value > sigma) at -= Math.abs(at) * 2 ** -52 + 2 ** -1000;
  while (value - at > sigma) at += Math.abs(at) * 2 ** -52 + 2 ** -1000;
  return at;
}
