/** @file Predictions of an implicit model in float64: substitution where A is triangular, fixed points of its diagonal blocks elsewhere. */

import { VouchError } from "../../errors.js";
import { applyPhi, type Placed, placed } from "./activations/phi.js";
import { blockTriangular, type Component } from "./components.js";
import { addScaled, applyRows, type Dense, dense, identityDense, submatrix, times, transposed } from "./dense.js";
import { type ImplicitModel, sizesOf } from "./model.js";
import { denseA, type LowRank, type Sparse } from "./state-matrix.js";
import { largestEigenvalue, spectralNorm, symmetricPart } from "./well-posed/spectral.js";
import { local, requireCondition } from "./well-posed/well-posedness.js";

export interface Predictions {
  /** ŷ, [m, q]. */
  readonly Y: Dense;
  /** x, [m, n]. */
  readonly X: Dense;
  /** Largest number of iterations of a sample and block; 1 where there was nothing to iterate. */
  readonly steps: number;
}

export interface Predictor {
  /** Predictions for inputs [m, p]. @throws shape, data; convergence, never an x that is not the fixed point */
  predict(U: Dense): Predictions;
}

/** ‖x⁺ − x‖_∞ relative to ‖x‖_∞ at which an iteration ends. */
const TOLERANCE = 1e-13;
const MOST = 100_000;

/** A diagonal block: solves for its states in x, those it depends on being there. Returns the iterations. */
type BlockSolver = (x: Float64Array, b: Float64Array) => number;

/** `predictor(model).predict(U)`. */
export function predict(model: ImplicitModel, U: Dense): Predictions {
  return predictor(model).predict(U);
}

/**
 * Make ready to predict: find the triangular form of A and for each diagonal block a condition under which its equation has one
 * solution, and the iteration that finds it.
 *
 * @throws parameter if a block meets no condition
 * @source El Ghaoui et al., §3, Theorem 1; low rank: §6.3
 */
export function predictor(model: ImplicitModel): Predictor {
  const { n, p } = sizesOf(model);
  const parts = placed(model.phi);
  const solve = model.A.kind === "low-rank" ? [inFactors(model.A, parts)] : solvers(model, parts);
  return {
    predict(U) {
      requireInputs(U, p);
      const drive = applyRows(U, model.B);
      const X = dense(U.rows, n);
      let steps = 1;
      for (let s = 0; s < U.rows; s++) {
        const x = X.data.subarray(s * n, (s + 1) * n);
        const b = drive.data.subarray(s * n, (s + 1) * n);
        for (let i = 0; i < n; i++) b[i]! += model.stateBias[i]!;
        for (const block of solve) steps = Math.max(steps, block(x, b));
      }
      return { X, Y: outputs(model, X, U), steps };
    },
  };
}

/** CX + DU + d, samples in rows. */
export function outputs({ C, D, outputBias }: ImplicitModel, X: Dense, U: Dense): Dense {
  const Y = addScaled(1, applyRows(X, C), applyRows(U, D));
  const q = outputBias.length;
  for (let e = 0; e < Y.data.length; e++) Y.data[e]! += outputBias[e % q]!;
  return Y;
}

function solvers({ A }: ImplicitModel, parts: readonly Placed[]): BlockSolver[] {
  const { rows, components } = blockTriangular(A, parts);
  return components.map((component) => {
    const { units, states, explicit } = component;
    if (explicit) return explicitly(rows, component);
    const own = submatrix(denseA(A), states, states);
    if (units.length === 1 && units[0]!.activation.componentwise) return alone(rows, component, own.data[0]!);
    const { iteration } = requireCondition("predictor", { A: own, phi: local(units) });
    return iteration === "forward-backward" ? forwardBackward(rows, component, own) : picard(rows, component);
  });
}

function explicitly(rows: Sparse, { units: [unit], states }: Component): BlockSolver {
  const z = new Float64Array(rows.n);
  return (x, b) => {
    for (const i of states) z[i] = rowTimes(rows, i, x) + b[i]!;
    unit!.activation.apply(z, x, unit!.from, unit!.to);
    return 1;
  };
}

/** x = φ(ax + b): prox_{f/(1−a)}(b/(1−a)) where φ = prox_f, and the zero of an increasing function elsewhere. */
function alone(rows: Sparse, { units: [unit], states: [i] }: Component, a: number): BlockSolver {
  const { activation } = unit!;
  if (!(a * activation.lipschitz.infinity < 1)) {
    requireCondition("predictor", {
      A: { rows: 1, columns: 1, data: Float64Array.of(a) },
      phi: [{ ...unit!, from: 0, to: 1 }],
    });
  }
  const [z, y] = [new Float64Array(1), new Float64Array(1)];
  const phi = (value: number) => {
    z[0] = value;
    activation.apply(z, y, 0, 1);
    return y[0]!;
  };
  return (x, b) => {
    x[i!] = 0;
    const rest = rowTimes(rows, i!, x) + b[i!]!;
    const { resolvent } = activation;
    x[i!] = resolvent
      ? resolvent(rest / (1 - a), 1 / (1 - a))
      : increasingZero((value) => value - phi(a * value + rest));
    return 1;
  };
}

/** The zero of an increasing function with slope bounded below, by bisection to the last bit. */
function increasingZero(f: (x: number) => number): number {
  let [low, high] = [-1, 1];
  while (f(low) > 0) low *= 2;
  while (f(high) < 0) high *= 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return Math.abs(f(low)) < Math.abs(f(high)) ? low : high;
    if (f(middle) > 0) high = middle;
    else low = middle;
  }
}

function picard(rows: Sparse, { units, states }: Component): BlockSolver {
  const [z, next] = [new Float64Array(rows.n), new Float64Array(rows.n)];
  const ranges = merged(units);
  return (x, b) => {
    for (const i of states) x[i] = 0;
    return iterate(x, next, states, () => {
      for (const i of states) z[i] = rowTimes(rows, i, x) + b[i]!;
      for (const { activation, from, to } of ranges) activation.apply(z, next, from, to);
    });
  };
}

/**
 * x⁺ = prox_{αf}(x − α((I − A)x − b)), α = μ/‖I − A‖₂², of rate √(1 − (μ/‖I − A‖₂)²) with μ = λ_min of the symmetric part.
 *
 * @source Winston & Kolter 2020, Appendix (forward–backward)
 */
function forwardBackward(rows: Sparse, { units, states }: Component, own: Dense): BlockSolver {
  const strength = 1 - largestEigenvalue(symmetricPart(own));
  const alpha = strength / spectralNorm(addScaled(-1, own, identityDense(own.rows))) ** 2;
  const next = new Float64Array(rows.n);
  return (x, b) => {
    for (const i of states) x[i] = 0;
    return iterate(x, next, states, () => {
      for (const { activation, from } of units) {
        const moved = x[from]! - alpha * (x[from]! - rowTimes(rows, from, x) - b[from]!);
        next[from] = activation.resolvent!(moved, alpha);
      }
    });
  };
}

/** z = Rᵀφ(Lz + b), of order k. */
function inFactors(A: LowRank, phi: readonly Placed[]): BlockSolver {
  const { iteration } = requireCondition("predictor", { A: denseA(A), phi, factors: A });
  if (iteration === "forward-backward") {
    throw new VouchError("parameter", {
      name: "predictor",
      expected: "A = L Rᵀ that is well-posed by a contraction",
      got: "one that is monotone alone",
      remedy: "Give A as a dense matrix.",
    });
  }
  const { L, R } = A;
  const [n, k] = [L.rows, L.columns];
  const Rt = transposed(R);
  const all = Int32Array.from({ length: k }, (_, i) => i);
  return (x, b) => {
    const [z, next] = [dense(1, k), new Float64Array(k)];
    const pre = new Float64Array(n);
    const state = () => {
      pre.set(applyRows(z, L).data);
      for (let i = 0; i < n; i++) pre[i]! += b[i]!;
      applyPhi(phi, n, pre, x);
    };
    const steps = iterate(z.data, next, all, () => {
      state();
      next.set(times(Rt, dense(n, 1, x)).data);
    });
    state();
    return steps;
  };
}

/** x ← next at `places` until it stands still. */
function iterate(x: Float64Array, next: Float64Array, places: Int32Array, step: () => void): number {
  let change = Infinity;
  for (let count = 1; count <= MOST; count++) {
    step();
    let size = 0;
    change = 0;
    for (const i of places) {
      change = Math.max(change, Math.abs(next[i]! - x[i]!));
      size = Math.max(size, Math.abs(next[i]!));
      x[i] = next[i]!;
    }
    if (change <= TOLERANCE * size) return count;
    if (!Number.isFinite(change)) break;
  }
  throw new VouchError("convergence", {
    name: "predict",
    expected: `a fixed point within ${MOST} steps`,
    got: `a step of ${change}`,
    remedy: "Give A a larger margin: `vouch check` says how large it is.",
  });
}

/** Neighbouring states of one map as one range. */
function merged(units: readonly Placed[]): Placed[] {
  const ranges: Placed[] = [];
  for (const unit of units) {
    const last = ranges.at(-1);
    if (last?.block === unit.block && last.to === unit.from) ranges[ranges.length - 1] = { ...last, to: unit.to };
    else ranges.push(unit);
  }
  return ranges;
}

function rowTimes({ indptr, indices, values }: Sparse, i: number, x: Float64Array): number {
  let sum = 0;
  for (let e = indptr[i]!; e < indptr[i + 1]!; e++) sum += values[e]! * x[indices[e]!]!;
  return sum;
}

function requireInputs(U: Dense, p: number): void {
  if (U.columns !== p) {
    const remedy = "Give one row a sample; constants are in the model.";
    throw new VouchError("shape", {
      name: "predict",
      expected: `inputs [m, ${p}]`,
      got: `[${U.rows}, ${U.columns}]`,
      remedy,
    });
  }
  const bad = U.data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new VouchError("data", {
    name: "predict",
    expected: "finite inputs",
    got: `${U.data[bad]} in sample ${Math.floor(bad / p)}`,
    remedy: "Remove or repair the sample.",
  });
}
