/** @file The splitting a problem asks for. */

import { VouchError } from "../errors.js";
import type { Operator } from "../operator.js";
import { type Problem, sortTerms, steplessTerm } from "../problem.js";
import type { Tensor } from "../tensor/tensor.js";
import { davisYin } from "./davis-yin.js";
import { douglasRachford } from "./douglas-rachford.js";
import { linearizedAdmm } from "./linearized-admm.js";
import { proximalGradient } from "./proximal-gradient.js";

/**
 * Derive the splitting: proximable terms of Sx and at most one of x itself → linearizedAdmm; one smooth term and at most
 * one proximable term of x → proximalGradient; with two → davisYin; two proximable terms of x alone → douglasRachford; anything
 * else is an error that names the term.
 *
 * @param balance  factor of the step ratio by sample, where the solve is to choose it: `stepBalance()`; left out where a prox
 * ignores its step, as the answer would change with it
 */
export function split(problem: Problem, balance?: Tensor): Operator {
  const { smooth, direct, composed } = sortTerms(problem);
  if (smooth.length === 0 && composed.length > 0 && direct.length <= 1) {
    return linearizedAdmm(problem, balance && steplessTerm(problem) === undefined ? { balance } : {});
  }
  if (smooth.length === 1 && composed.length === 0 && direct.length <= 1) return proximalGradient(problem);
  if (smooth.length === 1 && composed.length === 0 && direct.length === 2) return davisYin(problem);
  if (smooth.length === 0 && composed.length === 0 && direct.length === 2) return douglasRachford(problem);
  const odd = smooth[1]?.[0] ?? (smooth.length > 0 ? composed[0]?.[0] : undefined) ?? direct[1]?.[0] ?? direct[0]?.[0];
  throw new VouchError("problem", {
    name: "split",
    expected:
      "proximable terms of Sx with at most one of x, one smooth term with at most two proximable terms of x, or two of those alone",
    got: `the term "${odd}"`,
    remedy:
      "Give all but one proximable term an operator ({ prox, of }), or write the smooth term as a proximable one.",
  });
}
