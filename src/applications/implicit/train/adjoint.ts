/** @file States of a batch and the gradient of a loss through them, in closed form. */

import { applyPhi, type Placed, placed, pullbackPhi } from "../activations/phi.js";
import { addScaled, applyRows, type Dense, dense, times, transposed } from "../dense.js";
import { type ImplicitModel, sizesOf } from "../model.js";
import { outputs } from "../predict.js";
import { type SettleLimits, settle } from "../settle.js";
import { denseA } from "../state-matrix.js";

/** Gradients by the names of a model's parts, and of the inputs [m, p]. */
export interface Gradients {
  readonly A: Dense;
  readonly B: Dense;
  readonly C: Dense;
  readonly D: Dense;
  readonly stateBias: Float64Array;
  readonly outputBias: Float64Array;
  readonly U: Dense;
}

/** A batch at its fixed point: x, z = Ax + Bu + b and ŷ, samples in rows. */
export interface Equilibrium {
  readonly X: Dense;
  readonly Z: Dense;
  readonly Y: Dense;
}

/** How a training finds states and gradients: `picardStates`, or `newtonStates` for maps of single states. */
export interface StateSolver {
  /** @param start  X to begin with; zeros by default */
  equilibrium(model: ImplicitModel, U: Dense, start?: Dense): Equilibrium;
  gradients(model: ImplicitModel, U: Dense, at: Equilibrium, L: Dense): Gradients;
}

/** `equilibrium` and `gradients` below, to a relative step of `tolerance`. */
export function picardStates(tolerance?: number): StateSolver {
  return {
    equilibrium: (model, U, start) => equilibrium(model, U, start, tolerance),
    gradients: (model, U, at, L) => gradients(model, U, at, L, tolerance),
  };
}

/** ‖step‖_∞ relative to ‖iterate‖_∞ at which Picard iterations of a batch end, where the caller says nothing. */
const TOLERANCE = 1e-10;
const limits = (tolerance: number): SettleLimits => ({
  tolerance,
  most: 2000,
  remedy: "Project A, `rowsOnL1Ball`, with a smaller κ.",
});

/**
 * X = φ(XAᵀ + UBᵀ + b) by Picard iteration on the whole batch.
 *
 * The condition ‖A‖_∞ < 1, or another for Picard iteration, is the caller's, who projects A; where it is broken the iteration ends in
 * an error, not in an X.
 *
 * @param start  X to begin with; zeros by default
 * @throws convergence
 */
export function equilibrium(model: ImplicitModel, U: Dense, start?: Dense, tolerance = TOLERANCE): Equilibrium {
  const { n } = sizesOf(model);
  const parts = placed(model.phi);
  const At = transposed(denseA(model.A));
  const drive = applyRows(U, model.B);
  for (let e = 0; e < drive.data.length; e++) drive.data[e]! += model.stateBias[e % n]!;
  const state: { Z: Dense } = { Z: drive };
  const X = settle(
    "equilibrium",
    start ?? dense(U.rows, n),
    (from) => {
      state.Z = addScaled(1, times(from, At), drive);
      const next = dense(U.rows, n);
      applyPhi(parts, n, state.Z.data, next.data);
      return next;
    },
    limits(tolerance),
  );
  return { X, Z: state.Z, Y: outputs(model, X, U) };
}

/**
 * Gradients of a loss from its own L = ∂ℓ/∂Ŷ:
 *
 *     V = φ′(Z)ᵀ(VA + LC) by Picard iteration,   ∇A = VᵀX,  ∇B = VᵀU,  ∇C = LᵀX,  ∇D = LᵀU,  ∇u = VB + LD
 *
 * @throws convergence
 * @source El Ghaoui et al. 2021, Appendix G
 */
export function gradients(
  model: ImplicitModel,
  U: Dense,
  { X, Z }: Equilibrium,
  L: Dense,
  tolerance = TOLERANCE,
): Gradients {
  const { n } = sizesOf(model);
  const parts: readonly Placed[] = placed(model.phi);
  const A = denseA(model.A);
  const LC = times(L, model.C);
  const V = settle(
    "gradients",
    dense(U.rows, n),
    (from) => {
      const next = addScaled(1, times(from, A), LC);
      pullbackPhi(parts, n, Z.data, next.data);
      return next;
    },
    limits(tolerance),
  );
  return gradientsOf(model, U, X, V, L);
}

/** ∇ of every part from V and L. */
export function gradientsOf(model: ImplicitModel, U: Dense, X: Dense, V: Dense, L: Dense): Gradients {
  const [Vt, Lt] = [transposed(V), transposed(L)];
  return {
    A: times(Vt, X),
    B: times(Vt, U),
    C: times(Lt, X),
    D: times(Lt, U),
    stateBias: rowSums(Vt),
    outputBias: rowSums(Lt),
    U: addScaled(1, times(V, model.B), times(L, model.D)),
  };
}

function rowSums({ rows, columns, data }: Dense): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) =>
    data.subarray(i * columns, (i + 1) * columns).reduce((a, b) => a + b, 0),
  );
}
