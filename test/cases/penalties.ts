/** @file The table of penalties of training. */

import { columnNorms } from "../../src/applications/implicit/penalties/column-norms.js";
import { oneBall } from "../../src/applications/implicit/penalties/one-ball.js";
import { oneNorm } from "../../src/applications/implicit/penalties/one-norm.js";
import { type Penalty, sumOfPenalties } from "../../src/applications/implicit/penalties/penalty.js";
import { sparseFeedForward } from "../../src/applications/implicit/penalties/sparse-feed-forward.js";
import { sparseWellPosed } from "../../src/applications/implicit/penalties/sparse-well-posed.js";
import { stateNormBall } from "../../src/applications/implicit/penalties/state-norm-ball.js";

export interface PenaltyCase {
  readonly factory: string;
  readonly title: string;
  readonly penalty: Penalty;
  /** Value at A = ½I of order 2, B = 1 [2, 3], C = −1 [1, 2], D = 2 [1, 3], computed by hand. */
  readonly byHand: number;
}

export const penaltyCases: readonly PenaltyCase[] = [
  { factory: "oneNorm", title: "of B and D", penalty: oneNorm(["B", "D"], 0.7), byHand: 0.7 * (6 + 6) },
  { factory: "oneNorm", title: "of A", penalty: oneNorm(["A"], 2), byHand: 2 },
  { factory: "oneBall", title: "of C and D, outside", penalty: oneBall(["C", "D"], 7.9), byHand: Infinity },
  { factory: "oneBall", title: "of B", penalty: oneBall(["B"], 6), byHand: 0 },
  { factory: "stateNormBall", title: "κ = 0.8", penalty: stateNormBall(0.8), byHand: 0 },
  { factory: "stateNormBall", title: "κ = 0.4", penalty: stateNormBall(0.4), byHand: Infinity },
  { factory: "sparseWellPosed", title: "(5)", penalty: sparseWellPosed(0.6, 0.3), byHand: 0.3 * (6 + 2 + 6) },
  { factory: "sparseFeedForward", title: "(6)", penalty: sparseFeedForward(2, 1.5), byHand: Infinity },
  { factory: "columnNorms", title: "(19), α = 2", penalty: columnNorms(0.9, 2), byHand: 0.9 * 3 * Math.sqrt(6) },
  {
    factory: "columnNorms",
    title: "(19), α = 1.3",
    penalty: columnNorms(0.9, 1.3),
    byHand: 0.9 * 3 * (2 + 2 ** 1.3) ** (1 / 1.3),
  },
  { factory: "columnNorms", title: "(19), α = 4", penalty: columnNorms(0.9, 4), byHand: 0.9 * 3 * 18 ** 0.25 },
  {
    factory: "sumOfPenalties",
    title: "(19) with ‖A‖_∞ and ‖C‖₁",
    penalty: sumOfPenalties([stateNormBall(0.6), columnNorms(0.5, 2), oneNorm(["C"], 0.2)]),
    byHand: 0.5 * 3 * Math.sqrt(6) + 0.4,
  },
];
