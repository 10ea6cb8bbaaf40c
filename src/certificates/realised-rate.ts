/** @file What is known of a false-alarm rate: of this calibration set before use, and from counts after. */

import { VouchError } from "../errors.js";
import { supporting } from "./labels.js";

export interface RealisedRate {
  /** With this confidence … */
  readonly confidence: number;
  /** … the share of honest inferences that this calibration set fails is at most this. */
  readonly atMost: number;
  /** Mean over calibration sets, ≤ the level. */
  readonly mean: number;
  readonly sentence: string;
}

/**
 * The false-alarm rate of one calibration set, a random number of which the level bounds only the mean.
 *
 *     rate ~ Beta(k, N + 1 − k), k = ⌊level (N + 1)⌋, for independent continuous values; with ties it is smaller
 *
 * @throws parameter if a share is out of (0, 1); certificate if N cannot support the level
 * @source Vovk 2012, Conditional validity of inductive conformal predictors, Proposition 2a; Clopper & Pearson 1934
 */
export function realisedRate(N: number, level: number, confidence = 0.95): RealisedRate {
  requireShare("realisedRate: level", level);
  requireShare("realisedRate: confidence", confidence);
  // level (N + 1) is rounded; k counts p = k/(N + 1) ≤ level.
  let k = Math.floor(level * (N + 1));
  while ((k + 1) / (N + 1) <= level) k++;
  while (k > 0 && k / (N + 1) > level) k--;
  if (k < 1) {
    throw new VouchError("certificate", {
      name: "realisedRate",
      expected: `at least ${supporting(level)} calibration values for a level of ${level}`,
      got: `${N}`,
      remedy: "Calibrate on more held-out samples.",
    });
  }
  // P(Beta(k, N + 1 − k) ≤ x) = P(Bin(N, x) ≥ k)
  const atMost = bisect((x) => binomialTail(k, N, x) < confidence);
  const mean = k / (N + 1);
  const sentence = `with ${percent(confidence)} confidence at most ${percent(atMost)} of honest inferences fail against these ${N} calibration samples, ${percent(mean)} on average over calibration sets`;
  return { confidence, atMost, mean, sentence };
}

/**
 * Interval of a share from `count` of `total` independent trials.
 *
 * @throws parameter unless 0 ≤ count ≤ total, whole numbers, total > 0, and confidence is in (0, 1)
 * @source Clopper & Pearson 1934, Biometrika 26(4)
 */
export function clopperPearson(count: number, total: number, confidence = 0.95): readonly [low: number, high: number] {
  requireShare("clopperPearson: confidence", confidence);
  if (!(Number.isInteger(count) && Number.isInteger(total) && total > 0 && count >= 0 && count <= total)) {
    throw new VouchError("parameter", {
      name: "clopperPearson",
      expected: "whole numbers 0 ≤ count ≤ total, total > 0",
      got: `${count} of ${total}`,
      remedy: "Count the trials.",
    });
  }
  const tail = (1 - confidence) / 2;
  const low = count === 0 ? 0 : bisect((x) => binomialTail(count, total, x) < tail);
  const high = count === total ? 1 : bisect((x) => 1 - binomialTail(count + 1, total, x) > tail);
  return [low, high];
}

/**
 * Half-width of the band that holds a whole CDF: |CDF_N − CDF| ≤ √(ln(2/(1 − confidence))/(2N)) everywhere with that confidence.
 *
 * For pictures: at N = 500 it is 6 %, too wide to set a 5 % level.
 *
 * @source Massart 1990, Annals of Probability 18(3): the Dvoretzky–Kiefer–Wolfowitz inequality with its best constant
 */
export function dkwBand(N: number, confidence = 0.95): number {
  requireShare("dkwBand: confidence", confidence);
  return Math.sqrt(Math.log(2 / (1 - confidence)) / (2 * N));
}

/** P(Bin(n, x) ≥ k), summed from the smaller side outward from its largest term. */
export function binomialTail(k: number, n: number, x: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const upper = k > n * x;
  const from = upper ? k : k - 1;
  let term = Math.exp(logChoose(n, from) + from * Math.log(x) + (n - from) * Math.log1p(-x));
  let sum = 0;
  for (let i = from; term > 0 && i >= 0 && i <= n; ) {
    sum += term;
    term *= upper ? ((n - i) / (i + 1)) * (x / (1 - x)) : (i / (n - i + 1)) * ((1 - x) / x);
    i += upper ? 1 : -1;
    if (term < sum * 1e-18) break;
  }
  return Math.min(1, upper ? sum : 1 - sum);
}

function logChoose(n: number, k: number): number {
  let log = 0;
  for (let i = 1; i <= Math.min(k, n - k); i++) log += Math.log((n - Math.min(k, n - k) + i) / i);
  return log;
}

/** Where a condition that holds at 0 and not at 1 ceases to hold. */
function bisect(below: (x: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (below(middle)) low = middle;
    else high = middle;
  }
  return high;
}

function requireShare(name: string, share: number): void {
  if (share > 0 && share < 1) return;
  throw new VouchError("parameter", { name, expected: "a number in (0, 1)", got: `${share}`, remedy: "0.95 is 95 %." });
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
