/** @file Bayesian optimization of a few constants: a Gaussian process and expected improvement. */

import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { VouchError } from "../errors.js";
import { random } from "../random.js";

/** A constant to tune: its interval, walked linearly or by its logarithm. */
export interface Range {
  readonly low: number;
  readonly high: number;
  readonly scale: "linear" | "log";
}

export type Point = Readonly<Record<string, number>>;

/** A point and what it cost; a cost that is not finite is a failed trial, kept and never asked again. */
export interface Trial {
  readonly point: Point;
  readonly value: number;
}

export interface BayesOptions {
  readonly space: Readonly<Record<string, Range>>;
  /** Whether a point may be tried; no point that may not is ever asked for. Default: all. */
  readonly allowed?: (point: Point) => boolean;
  readonly seed: number;
  /** Trials drawn at random before the model is asked. Default 2 · constants + 1. */
  readonly first?: number;
}

/** Candidates that expected improvement is compared at, half of them near the best trial. */
const CANDIDATES = 1024;
const NEAR = 0.1;
/** Draws of a random allowed point before giving up. */
const ATTEMPTS = 10_000;
/** Noise variance of standardized values, and the length scales whose likelihoods are compared. */
const NOISE = 1e-4;
const LENGTHS = [0.1, 0.2, 0.35, 0.6, 1, 1.8];

/**
 * The next point to try, from the trials so far: a function of them and the seed alone, so that a search resumes anywhere.
 *
 *     maximize EI(x) = (f* − μ)Φ(z) + sφ(z),  z = (f* − μ(x))/s(x),  f* the least value so far
 *
 * μ and s are those of a Gaussian process with a Matérn 5/2 kernel on the unit cube, its length scale of largest marginal likelihood, on
 * standardized values; the maximum is over seeded random points that are allowed. Values are minimized.
 *
 * @throws parameter if a range is empty, or no allowed point is found
 * @source Jones, Schonlau & Welch 1998, eq. (15) (expected improvement); Rasmussen & Williams 2006, Algorithm 2.1 and eq. (4.17)
 */
export function suggest(options: BayesOptions, trials: readonly Trial[]): Point {
  const { space, seed, first = 2 * Object.keys(space).length + 1 } = options;
  requireSpace(space);
  const rng = random(seed).fork(`trial ${trials.length}`);
  const uniform = () => draw(options, () => rng.uniform());
  const finite = trials.filter(({ value }) => Number.isFinite(value));
  if (trials.length < first || finite.length < 2) return uniform();
  const best = finite.reduce((a, b) => (b.value < a.value ? b : a));
  // A failed trial counts as the worst, so that its neighbourhood is left.
  const worst = Math.max(...finite.map(({ value }) => value));
  const values = trials.map(({ value }) => (Number.isFinite(value) ? value : worst));
  const inputs = trials.map(({ point }) => toUnit(space, point));
  const model = fitProcess(inputs, values);
  const centre = toUnit(space, best.point);
  const near = () => {
    const at = fromUnit(
      space,
      centre.map((u) => Math.min(1, Math.max(0, u + NEAR * rng.normal()))),
    );
    return (options.allowed?.(at) ?? true) ? at : uniform();
  };
  let chosen = { point: best.point, improvement: Number.NEGATIVE_INFINITY };
  for (let k = 0; k < CANDIDATES; k++) {
    const point = k % 2 === 0 ? uniform() : near();
    const improvement = model.expectedImprovement(toUnit(space, point));
    if (improvement > chosen.improvement) chosen = { point, improvement };
  }
  return chosen.point;
}

export interface SearchOptions extends BayesOptions {
  /** Trials in all, those of a resumed search included. */
  readonly trials: number;
  /** Trials of an earlier search with the same options. */
  readonly resume?: readonly Trial[];
  readonly onTrial?: (trial: Trial, trials: readonly Trial[]) => void | Promise<void>;
}

/** Try points until there are `trials` of them; all of them, and the best. @throws parameter; convergence if every trial failed */
export async function minimize(
  objective: (point: Point) => number | Promise<number>,
  options: SearchOptions,
): Promise<{ best: Trial; trials: readonly Trial[] }> {
  const trials = [...(options.resume ?? [])];
  while (trials.length < options.trials) {
    const point = suggest(options, trials);
    const trial = { point, value: await objective(point) };
    trials.push(trial);
    await options.onTrial?.(trial, trials);
  }
  const finite = trials.filter(({ value }) => Number.isFinite(value));
  if (finite.length === 0) {
    throw new VouchError("convergence", {
      name: "minimize",
      expected: "a finite value in some trial",
      got: `none in ${trials.length}`,
      remedy: "Narrow the ranges, or check the objective.",
    });
  }
  return { best: finite.reduce((a, b) => (b.value < a.value ? b : a)), trials };
}

function requireSpace(space: BayesOptions["space"]): void {
  for (const [name, { low, high, scale }] of Object.entries(space)) {
    if (low < high && Number.isFinite(low) && Number.isFinite(high) && (scale === "linear" || low > 0)) continue;
    throw new VouchError("parameter", {
      name: `suggest: range of ${name}`,
      expected: scale === "log" ? "0 < low < high, finite" : "low < high, finite",
      got: `${low} to ${high}`,
      remedy: "Widen it, or leave the constant out.",
    });
  }
}

function toUnit(space: BayesOptions["space"], point: Point): number[] {
  return Object.entries(space).map(([name, { low, high, scale }]) => {
    const value = point[name]!;
    return scale === "log" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  });
}

function fromUnit(space: BayesOptions["space"], unit: readonly number[]): Point {
  return Object.fromEntries(
    Object.entries(space).map(([name, { low, high, scale }], i) => {
      const u = unit[i]!;
      return [name, scale === "log" ? low * (high / low) ** u : low + u * (high - low)];
    }),
  );
}

function draw({ space, allowed }: BayesOptions, uniform: () => number): Point {
  for (let k = 0; k < ATTEMPTS; k++) {
    const point = fromUnit(
      space,
      Object.keys(space).map(() => uniform()),
    );
    if (allowed?.(point) ?? true) return point;
  }
  throw new VouchError("parameter", {
    name: "suggest: allowed",
    expected: "a point of the space that is allowed",
    got: `none in ${ATTEMPTS} draws`,
    remedy: "Widen the ranges, or the constraint.",
  });
}

/** Matérn 5/2 at distance r in lengths. @source Rasmussen & Williams 2006, eq. (4.17) */
function matern(r: number): number {
  const s = Math.sqrt(5) * r;
  return (1 + s + (s * s) / 3) * Math.exp(-s);
}

function fitProcess(inputs: readonly number[][], values: readonly number[]) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) || 1;
  const y = Matrix.columnVector(values.map((v) => (v - mean) / spread));
  const apart = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((u, i) => u - b[i]!));
  const fits = LENGTHS.map((length) => {
    const K = new Matrix(
      inputs.map((a, i) => inputs.map((b, j) => matern(apart(a, b) / length) + (i === j ? NOISE : 0))),
    );
    const factor = new CholeskyDecomposition(K);
    const alpha = factor.solve(y);
    const logDeterminant = factor.lowerTriangularMatrix.diagonal().reduce((sum, d) => sum + Math.log(d), 0);
    const likelihood = -0.5 * y.transpose().mmul(alpha).get(0, 0) - logDeterminant;
    return { length, factor, alpha, likelihood };
  });
  const { length, factor, alpha } = fits.reduce((a, b) => (b.likelihood > a.likelihood ? b : a));
  const least = Math.min(...y.to1DArray());
  return {
    expectedImprovement(x: readonly number[]): number {
      const k = Matrix.columnVector(inputs.map((a) => matern(apart(a, x) / length)));
      const mu = k.transpose().mmul(alpha).get(0, 0);
      const variance = 1 - k.transpose().mmul(factor.solve(k)).get(0, 0);
      const s = Math.sqrt(Math.max(variance, 1e-12));
      const z = (least - mu) / s;
      return (least - mu) * normalCdf(z) + s * (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI));
    },
  };
}

/** Φ(z), to 7.5e-8. @source Abramowitz & Stegun 1964, 26.2.17 */
function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}
