/** @file Training of a feed-forward network by block coordinate descent over weights and lifted states. */

import { VouchError } from "../../../errors.js";
import { applyRows, type Dense, dense } from "../dense.js";
import { leastSquares } from "../train/least-squares.js";
import type { Samples } from "../train/train-projected.js";
import type { Divergence } from "./divergence.js";
import { newton, type Smooth } from "./newton.js";

/** W₁, …, W_L of ŷ = W_L φ(W_{L−1} … φ(W₁u)), each [out, in]. */
export type NetworkWeights = readonly Dense[];

/** λ of (11): ε^{L−l} for every state of layer l, or a positive number for each state of each hidden layer, from the first on. */
export type Multipliers = { readonly epsilon: number } | { readonly multipliers: readonly ArrayLike<number>[] };

export type LiftedOptions = Multipliers & {
  readonly divergence: Divergence;
  readonly iterations: number;
  /** Added to the Hessians of the weights, for inputs whose covariance is singular. Default 1e-6. */
  readonly ridge?: number;
  readonly onIteration?: (k: number, weights: NetworkWeights) => void;
};

const STATES = { tolerance: 1e-4, limit: 30 };
const WEIGHTS = { tolerance: 1e-6, limit: 50 };

/**
 * minimise ½‖Y − W_L X_{L−1}‖² + Σ_{l<L} λ_lᵀF(X_l, W_l X_{l−1}) over all W and X, in the order W_L, X_{L−1}, W_{L−1}, …, X₁, W₁.
 *
 * Each block is convex given the others. The rows of W_l are those of the states that λ_l weighs one by one, so that λ moves states alone.
 *
 * deviates: weights of hidden layers by Newton's method row by row, where the source takes gradient steps, because a row has few
 * weights and the block is solved in a handful of steps; at the end W_L once more, at the states of the network instead of the
 * lifted ones, because those are what predictions have
 *
 * @throws parameter unless every multiplier is finite and > 0; shape unless there is one for each state
 * @source El Ghaoui et al., eq. (11), §4.2, §7.1
 */
export function liftedDescent(initial: NetworkWeights, samples: Samples, options: LiftedOptions): NetworkWeights {
  const { U, Y } = samples;
  const { divergence, iterations, ridge = 1e-6, onIteration } = options;
  const weights = [...initial];
  const top = weights.length - 1;
  const lambda = multipliersOf(options, initial.slice(0, top));
  const X: Dense[] = [U];
  for (let l = 0; l < top; l++) X.push(hidden(X[l]!, weights[l]!, divergence));
  for (let k = 0; k < iterations; k++) {
    weights[top] = leastSquares(X[top]!, Y, ridge);
    for (let l = top; l >= 1; l--) {
      const Z = applyRows(X[l - 1]!, weights[l - 1]!);
      const above =
        l === top ? outputTerm(weights[top]!, Y) : divergenceTerm(weights[l]!, X[l + 1]!, lambda[l]!, divergence);
      stateStep(X[l]!, Z, lambda[l - 1]!, divergence, above);
      weights[l - 1] = weightStep(weights[l - 1]!, X[l - 1]!, X[l]!, divergence, ridge);
    }
    onIteration?.(k, refitted(weights, samples, divergence, ridge));
  }
  return refitted(weights, samples, divergence, ridge);
}

/** λ of each hidden layer, from the first on. */
function multipliersOf(options: Multipliers, hiddenWeights: NetworkWeights): readonly Float64Array[] {
  const depth = hiddenWeights.length;
  const lambda =
    "epsilon" in options
      ? hiddenWeights.map(({ rows }, l) => new Float64Array(rows).fill(options.epsilon ** (depth - l)))
      : options.multipliers.map((layer) => Float64Array.from(layer));
  const sizes = lambda.map(({ length }) => length);
  if (sizes.length !== depth || sizes.some((size, l) => size !== hiddenWeights[l]!.rows)) {
    throw new VouchError("shape", {
      name: "liftedDescent: multipliers",
      expected: `[${hiddenWeights.map(({ rows }) => rows)}], one for each state of a hidden layer`,
      got: `[${sizes}]`,
      remedy: "Give an array a layer, from the first on.",
    });
  }
  requirePositive("liftedDescent: multipliers", lambda);
  return lambda;
}

/** @throws parameter unless every multiplier is finite and > 0 */
export function requirePositive(name: string, lambda: readonly Float64Array[]): void {
  const bad = lambda.flatMap((layer) => [...layer]).find((value) => !(value > 0 && Number.isFinite(value)));
  if (bad === undefined) return;
  throw new VouchError("parameter", {
    name,
    expected: "finite numbers > 0",
    got: `${bad}`,
    remedy: "Small ones let states leave φ(Ax + Bu).",
  });
}

/** The weights with W_L refitted at the states that the network itself has. */
function refitted(weights: NetworkWeights, { U, Y }: Samples, divergence: Divergence, ridge: number): NetworkWeights {
  const body = weights.slice(0, -1);
  const X = body.reduce((from, W) => hidden(from, W, divergence), U);
  return [...body, leastSquares(X, Y, ridge)];
}

/** Ŷ of a network. */
export function networkOutputs(weights: NetworkWeights, U: Dense, { phi }: Divergence): Dense {
  const last = weights.length - 1;
  return weights.reduce((X, W, l) => {
    const Z = applyRows(X, W);
    return l === last ? Z : { ...Z, data: Z.data.map(phi) };
  }, U);
}

function hidden(X: Dense, W: Dense, { phi }: Divergence): Dense {
  const Z = applyRows(X, W);
  // States that a saturated activation puts on the edge start just inside.
  return { ...Z, data: Z.data.map((z) => clamp(phi(z))) };
}

const EDGE = 1 - 1e-9;
const clamp = (x: number) => Math.max(-EDGE, Math.min(EDGE, x));

/** A term of one sample's states x, for sample s. */
type Term = (s: number) => Smooth;

/** ½‖y − Wx‖². */
function outputTerm(W: Dense, Y: Dense): Term {
  const [q, k] = [W.rows, W.columns];
  return (s) => (x, g, H) => {
    let value = 0;
    for (let i = 0; i < q; i++) {
      let r = -Y.data[s * q + i]!;
      for (let j = 0; j < k; j++) r += W.data[i * k + j]! * x[j]!;
      value += 0.5 * r * r;
      if (g && H) rankOne(W.data, i * k, k, r, 1, g, H);
    }
    return value;
  };
}

/** Σᵢ λᵢF(x⁺ᵢ, (Wx)ᵢ). */
function divergenceTerm(W: Dense, next: Dense, lambda: Float64Array, { value: F, inZ }: Divergence): Term {
  const [q, k] = [W.rows, W.columns];
  return (s) => (x, g, H) => {
    let value = 0;
    for (let i = 0; i < q; i++) {
      let z = 0;
      for (let j = 0; j < k; j++) z += W.data[i * k + j]! * x[j]!;
      const target = next.data[s * q + i]!;
      value += lambda[i]! * F(target, z);
      if (!g || !H) continue;
      const { slope, curvature } = inZ(target, z);
      rankOne(W.data, i * k, k, lambda[i]! * slope, lambda[i]! * curvature, g, H);
    }
    return value;
  };
}

/** g += slope w, H += curvature wwᵀ, with w a row of a matrix. */
function rankOne(
  data: Float64Array,
  from: number,
  k: number,
  slope: number,
  curvature: number,
  g: Float64Array,
  H: Float64Array,
): void {
  for (let a = 0; a < k; a++) {
    const w = data[from + a]!;
    g[a]! += slope * w;
    for (let b = 0; b <= a; b++) H[a * k + b]! += curvature * w * data[from + b]!;
  }
}

/** min_x above(x) + Σ λⱼF(xⱼ, zⱼ), sample by sample, in place. */
function stateStep(X: Dense, Z: Dense, lambda: Float64Array, { value: F, inX }: Divergence, above: Term): void {
  const k = X.columns;
  const tolerance = STATES.tolerance * Math.min(...lambda);
  for (let s = 0; s < X.rows; s++) {
    const rest = above(s);
    const f: Smooth = (x, g, H) => {
      g?.fill(0);
      H?.fill(0);
      let value = 0;
      for (let j = 0; j < k; j++) value += lambda[j]! * F(x[j]!, Z.data[s * k + j]!);
      if (value === Infinity) return value;
      value += rest(x, g, H);
      if (!g || !H) return value;
      for (let j = 0; j < k; j++) {
        const { slope, curvature } = inX(x[j]!, Z.data[s * k + j]!);
        g[j]! += lambda[j]! * slope;
        H[j * k + j]! += lambda[j]! * curvature;
      }
      return value;
    };
    newton(f, X.data.subarray(s * k, (s + 1) * k), { ...STATES, tolerance });
  }
}

/** min_W Σ_s F(x⁺_s, Wx_s) + ½ ridge ‖W‖², row by row. */
function weightStep(W: Dense, X: Dense, next: Dense, { value: F, inZ }: Divergence, ridge: number): Dense {
  const [q, k] = [W.rows, W.columns];
  const made = dense(q, k, W.data.slice());
  for (let i = 0; i < q; i++) {
    const f: Smooth = (w, g, H) => {
      g?.fill(0);
      H?.fill(0);
      let value = 0;
      for (let j = 0; j < k; j++) {
        value += 0.5 * ridge * w[j]! ** 2;
        if (!g || !H) continue;
        g[j] = ridge * w[j]!;
        H[j * k + j] = ridge;
      }
      for (let s = 0; s < X.rows; s++) {
        let z = 0;
        for (let j = 0; j < k; j++) z += w[j]! * X.data[s * k + j]!;
        const target = next.data[s * q + i]!;
        value += F(target, z);
        if (!g || !H) continue;
        const { slope, curvature } = inZ(target, z);
        rankOne(X.data, s * k, k, slope, curvature, g, H);
      }
      return value;
    };
    newton(f, made.data.subarray(i * k, (i + 1) * k), WEIGHTS);
  }
  return made;
}
