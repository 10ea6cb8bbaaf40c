/** @file Perturbations of an input: boxes, and boxes in which few inputs move. */

import { VouchError } from "../../../errors.js";
import { gamma, up } from "../../../tensor/rounding.js";

/** A symmetric convex set of perturbations δ of p inputs. */
export interface InputSet {
  readonly name: string;
  /** |δⱼ| ≤ σⱼ, [p]; the units of the inputs. */
  readonly sigma: Float64Array;
  /** Σ |δⱼ|/σⱼ ≤ this as well; absent where every input may move by its σⱼ. */
  readonly most?: number;
  /** max over δ of Σ |rⱼ||δⱼ|, rounded up. */
  radius(row: Float64Array): number;
}

/**
 * { δ : |δⱼ| ≤ σⱼ }.
 *
 * @param sigma  finite and ≥ 0
 * @throws parameter otherwise, NaN included
 * @source El Ghaoui et al., Implicit Deep Learning, eq. (16)
 */
export function inputBox(sigma: Float64Array): InputSet {
  requireBudget("inputBox", sigma);
  return {
    name: "box",
    sigma,
    radius: (row) => roundedUp(row.length, products(row, sigma).reduce(sum, 0)),
  };
}

/**
 * { δ : |δⱼ| ≤ σⱼ, Σ |δⱼ|/σⱼ ≤ k }: whatever k inputs may move by their σⱼ, and the convex hull of these.
 *
 *     radius(r) = the sum of the k largest |rⱼ|σⱼ, the next one by the fraction of k
 *
 * @param k  > 0
 * @throws parameter if k or a σⱼ is out of range, NaN included
 * @source El Ghaoui et al., Implicit Deep Learning (SIAM J. Math. Data Sci. 2021), §4: cardinality constraints
 */
export function sparseInputs(sigma: Float64Array, k: number): InputSet {
  requireBudget("sparseInputs", sigma);
  if (!(k > 0 && Number.isFinite(k))) throw refused("sparseInputs: k", "a number of inputs > 0", k);
  return {
    name: `at most ${k} inputs`,
    sigma,
    most: k,
    radius: (row) => {
      const largest = products(row, sigma).sort((a, b) => b - a);
      const whole = Math.min(Math.floor(k), largest.length);
      const rest = whole < largest.length ? (k - whole) * largest[whole]! : 0;
      return roundedUp(row.length, largest.subarray(0, whole).reduce(sum, rest));
    },
  };
}

/** σ the same for each of p inputs. */
export function uniform(p: number, sigma: number): Float64Array {
  return new Float64Array(p).fill(sigma);
}

function products(row: Float64Array, sigma: Float64Array): Float64Array {
  return row.map((value, j) => Math.abs(value) * sigma[j]!);
}

function sum(a: number, b: number): number {
  return a + b;
}

/** A computed sum of n nonnegative products, above the real one. */
function roundedUp(n: number, computed: number): number {
  return up(computed * (1 + gamma(n + 1)));
}

function requireBudget(name: string, sigma: Float64Array): void {
  const bad = sigma.findIndex((value) => !(value >= 0 && Number.isFinite(value)));
  if (bad >= 0) throw refused(`${name}: σ`, "finite numbers ≥ 0", sigma[bad]!);
}

function refused(name: string, expected: string, got: number): VouchError {
  return new VouchError("parameter", {
    name,
    expected,
    got: `${got}`,
    remedy: "Give the budget in units of the inputs.",
  });
}
