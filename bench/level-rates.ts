/** @file False-alarm rates and power of labels over re-splits of simulated scores. */

import { jointRank } from "../src/certificates/joint.js";
import { conformalLabel, conformalRank, ecdfLabel, randomizedLabel } from "../src/certificates/labels.js";
import { clopperPearson } from "../src/certificates/realised-rate.js";
import type { Random } from "../src/random.js";

export interface Rate {
  readonly name: string;
  readonly fails: number;
  readonly rounds: number;
}

/** Scores a pool holds: a re-split takes N + 1 of them. */
const POOL = 4000;

export const scores = {
  continuous: (z: number) => Math.exp(z),
  /** Four in five are 0, the rest small whole numbers: a constraint that is nearly always met. */
  tied: (z: number) => Math.floor(Math.max(0, 2 * (z - 0.34))),
} as const;

/** Whether the rate is above `alpha` beyond chance: the interval of its binomial lies above. */
export function isAbove({ fails, rounds }: Rate, alpha: number, confidence: number): boolean {
  return clopperPearson(fails, rounds, confidence)[0] > alpha;
}

/** One property: the share of re-splits in which the one left out fails. */
export function singleRate(
  stream: Random,
  N: number,
  kind: keyof typeof scores,
  ties: "conservative" | "randomised",
  { rounds, alpha }: { readonly rounds: number; readonly alpha: number },
): Rate {
  const pool = Float64Array.from({ length: POOL }, () => scores[kind](stream.normal()));
  const label =
    ties === "randomised"
      ? randomizedLabel(stream.fork("ties"), { fail: alpha })
      : (values: readonly number[], v: number) => conformalLabel(values, v, { fail: alpha });
  let fails = 0;
  for (let round = 0; round < rounds; round++) {
    shuffle(pool, N + 1, stream);
    if (label(Array.from(pool.subarray(0, N)), pool[N]!).label === "fail") fails++;
  }
  return { name: `single, ${kind}, ${ties} ties, N = ${N}`, fails, rounds };
}

/** Several correlated properties of equal correlation, the first shifted: shares of rejections by the joint test and by Bonferroni. */
export function jointRates(
  stream: Random,
  N: number,
  kind: keyof typeof scores,
  {
    properties,
    correlation,
    shift = 0,
  }: { readonly properties: number; readonly correlation: number; readonly shift?: number },
  { rounds, alpha }: { readonly rounds: number; readonly alpha: number },
): { readonly joint: Rate; readonly bonferroni: Rate } {
  const [common, own] = [Math.sqrt(correlation), Math.sqrt(1 - correlation)];
  const draw = () => {
    const z = stream.normal();
    return Array.from({ length: properties }, () => common * z + own * stream.normal());
  };
  const rows = Array.from({ length: POOL }, draw);
  const columns = Array.from({ length: properties }, (_, j) => Float64Array.from(rows, (row) => scores[kind](row[j]!)));
  const order = Int32Array.from({ length: POOL }, (_, i) => i);
  const [calibration, tested] = [columns.map(() => new Float64Array(N)), new Float64Array(properties)];
  let [joint, bonferroni] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    shuffle(order, N + 1, stream);
    columns.forEach((column, j) => {
      for (let i = 0; i < N; i++) calibration[j]![i] = column[order[i]!]!;
      tested[j] = j === 0 ? scores[kind](rows[order[N]!]![0]! + shift) : column[order[N]!]!;
    });
    const { k, of } = jointRank(calibration, tested);
    if (k / of <= alpha) joint++;
    const least = Math.min(...calibration.map((column, j) => conformalRank(Array.from(column), tested[j]!).k));
    if (least / of <= alpha / properties) bonferroni++;
  }
  const name = `${kind}, N = ${N}, correlation ${correlation}${shift > 0 ? `, shift ${shift}` : ""}`;
  return {
    joint: { name: `joint, ${name}`, fails: joint, rounds },
    bonferroni: { name: `Bonferroni, ${name}`, fails: bonferroni, rounds },
  };
}

/** Residuals of a least-squares fit, calibrated on the very samples it was fitted to. */
export function trainedRate(
  stream: Random,
  { rounds, alpha }: { readonly rounds: number; readonly alpha: number },
): Rate {
  const [n, d] = [200, 50];
  let fails = 0;
  for (let round = 0; round < rounds; round++) {
    const X = Float64Array.from({ length: (n + 1) * d }, () => stream.normal());
    // The true coefficients are 0: the fit is the same for any others.
    const y = Float64Array.from({ length: n + 1 }, () => stream.normal());
    const beta = leastSquares(X, y, n, d);
    const residual = (i: number) => {
      let sum = y[i]!;
      for (let j = 0; j < d; j++) sum -= X[i * d + j]! * beta[j]!;
      return Math.abs(sum);
    };
    const training = Array.from({ length: n }, (_, i) => residual(i));
    if (conformalLabel(training, residual(n), { fail: alpha }).label === "fail") fails++;
  }
  return { name: "calibrated on training inferences (least squares, 50 of 200)", fails, rounds };
}

/** The paper's rule at N = 5, which is to fail 5 %. */
export function ecdfRate(stream: Random, { rounds, alpha }: { readonly rounds: number; readonly alpha: number }): Rate {
  let fails = 0;
  for (let round = 0; round < rounds; round++) {
    const values = Array.from({ length: 5 }, () => stream.normal());
    if (ecdfLabel(values, stream.normal(), { pass: 1 - alpha, warning: 0 }).label === "fail") fails++;
  }
  return { name: "ECDF at N = 5", fails, rounds };
}

/** A uniform draw of `count` without replacement, to the front. */
function shuffle(list: Float64Array | Int32Array, count: number, stream: Random): void {
  for (let i = 0; i < count; i++) {
    const j = i + stream.integer(list.length - i);
    const kept = list[i]!;
    list[i] = list[j]!;
    list[j] = kept;
  }
}

/** (XᵀX)⁻¹Xᵀy of the first n rows, by Cholesky. @source Golub & Van Loan, 4th ed., Algorithm 4.2.1 */
function leastSquares(X: Float64Array, y: Float64Array, n: number, d: number): Float64Array {
  const G = new Float64Array(d * d);
  const b = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) {
      const v = X[i * d + j]!;
      b[j]! += v * y[i]!;
      for (let k = 0; k <= j; k++) G[j * d + k]! += v * X[i * d + k]!;
    }
  }
  for (let j = 0; j < d; j++) {
    for (let k = 0; k <= j; k++) {
      let sum = G[j * d + k]!;
      for (let l = 0; l < k; l++) sum -= G[j * d + l]! * G[k * d + l]!;
      G[j * d + k] = j === k ? Math.sqrt(sum) : sum / G[k * d + k]!;
    }
  }
  for (let j = 0; j < d; j++) {
    for (let l = 0; l < j; l++) b[j]! -= G[j * d + l]! * b[l]!;
    b[j]! /= G[j * d + j]!;
  }
  for (let j = d - 1; j >= 0; j--) {
    for (let l = j + 1; l < d; l++) b[j]! -= G[l * d + j]! * b[l]!;
    b[j]! /= G[j * d + j]!;
  }
  return b;
}
