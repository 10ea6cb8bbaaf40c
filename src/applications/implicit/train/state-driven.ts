/** @file State-driven training: a model fitted to the states of a network that is there already. */

import type { Phi } from "../activations/phi.js";
import { blocks, type Dense, dense, submatrix, times, transposed } from "../dense.js";
import { type ImplicitModel, implicitModel } from "../model.js";
import { rowsOnL1Ball } from "../projections.js";
import { spectralNorm } from "../well-posed/spectral.js";
import { leastSquares } from "./least-squares.js";

/** What a network computed for m inputs: samples in rows. */
export interface NetworkStates {
  /** [m, p] */
  readonly U: Dense;
  /** Before the activations, [m, n]. */
  readonly Z: Dense;
  /** After them, [m, n]. */
  readonly X: Dense;
  /** [m, q] */
  readonly Y: Dense;
}

export interface StateDrivenOptions {
  /** Bound of ‖A‖_∞, below 1. */
  readonly kappa: number;
  /** Weight of ‖(A, B)‖₁/m: larger is sparser. Default 0. */
  readonly sparsity?: number;
  /** Weight of ½‖(C, D)‖²; default 1e-8. */
  readonly ridge?: number;
  /** Steps of the accelerated projected gradient; default 500. */
  readonly steps?: number;
}

/**
 * min ½‖Z − XAᵀ − UBᵀ − 1bᵀ‖²/m + sparsity ‖(A, B)‖₁/m over ‖A‖_∞ ≤ κ, and min ½‖Y − XCᵀ − UDᵀ − 1dᵀ‖² + ½ ridge ‖·‖².
 *
 * Separable by row of (A, B). Accelerated gradient steps; the prox of l1 and ball together is soft thresholding and then projection,
 * since both keep signs and order.
 *
 * @throws parameter
 * @source Tsai et al. 2023, State-driven implicit modeling, eq. (4); Beck & Teboulle 2009, FISTA
 */
export function stateDriven({ U, Z, X, Y }: NetworkStates, phi: Phi, options: StateDrivenOptions): ImplicitModel {
  const { kappa, sparsity = 0, ridge = 1e-8, steps = 500 } = options;
  const [m, n, p] = [U.rows, X.columns, U.columns];
  const F = blocks([m], [n, p, 1], [[X, U, dense(m, 1, new Float64Array(m).fill(1))]]);
  const k = n + p + 1;
  const Ft = transposed(F);
  const gram = scaled(times(Ft, F), 1 / m);
  const target = scaled(times(transposed(Z), F), 1 / m);
  const alpha = 1 / spectralNorm(gram);
  const prox = (W: Dense): Dense => {
    const level = (alpha * sparsity) / m;
    const soft = W.data.map((value, e) =>
      e % k === k - 1 ? value : Math.sign(value) * Math.max(Math.abs(value) - level, 0),
    );
    return withA({ ...W, data: soft }, rowsOnL1Ball(columnsOf({ ...W, data: soft }, 0, n), kappa));
  };
  let W = dense(n, k);
  let moved = W;
  let momentum = 1;
  for (let step = 0; step < steps; step++) {
    const slope = times(moved, gram).data.map((value, e) => value - target.data[e]!);
    const next = prox({ ...moved, data: moved.data.map((value, e) => value - alpha * slope[e]!) });
    const later = (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const share = (momentum - 1) / later;
    moved = { ...next, data: next.data.map((value, e) => value + share * (value - W.data[e]!)) };
    [W, momentum] = [next, later];
  }
  const read = leastSquares(F, Y, ridge);
  return implicitModel({
    A: columnsOf(W, 0, n),
    B: columnsOf(W, n, n + p),
    stateBias: columnsOf(W, n + p, k).data,
    C: columnsOf(read, 0, n),
    D: columnsOf(read, n, n + p),
    outputBias: columnsOf(read, n + p, k).data,
    phi,
  });
}

function columnsOf(W: Dense, from: number, to: number): Dense {
  const rows = Int32Array.from({ length: W.rows }, (_, i) => i);
  return submatrix(
    W,
    rows,
    Int32Array.from({ length: to - from }, (_, j) => from + j),
  );
}

function withA(W: Dense, A: Dense): Dense {
  const data = W.data.slice();
  for (let i = 0; i < W.rows; i++) data.set(A.data.subarray(i * A.columns, (i + 1) * A.columns), i * W.columns);
  return { ...W, data };
}

function scaled(A: Dense, factor: number): Dense {
  return { ...A, data: A.data.map((value) => factor * value) };
}
