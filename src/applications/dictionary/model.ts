/** @file The implicit dictionary model: of all x that explain the data, the one a learned matrix finds sparsest. */

import { relativeError } from "../../certificates/properties/relative-error.js";
import type { Property } from "../../functions/function.js";
import { indicator } from "../../functions/indicator.js";
import { l1 } from "../../functions/weighted-l1.js";
import { matrix } from "../../linear/matrix.js";
import { define, type Model, type Param } from "../../model.js";
import { random } from "../../random.js";
import { point } from "../../sets/point.js";
import { linearizedAdmm } from "../../splitting/linearized-admm.js";
import { sum } from "../../tensor/primitives/broadcast.js";
import { div, mul, sqrt } from "../../tensor/primitives/elementwise.js";
import { constant } from "../../tensor/primitives/leaf.js";
import type { DictionaryProblem } from "./data.js";

/**
 * Dual over primal progress, tuned on training signals: of {1, 3, 10, 30, 100} the least median of steps to a residual of
 * 1e-4 with a learned K (4,250 steps; 6,930 at 3 and above 10,000 at 1), and training from warm starts reaches a relative
 * error of 2e-2 in 1,000 optimizer steps, where a ratio of 1 does not in 2,000.
 */
const RATIO = { sparsity: 40, fidelity: 20 };

/**
 * min ‖Kx‖₁ s.t. Ax = d, with K [n, n] learned and A [m, n] known.
 *
 * Certified by ‖Kx‖₁ and ‖Ax − d‖/‖d‖. An orthogonal transform of d or another scale of K have the same minimisers; K is read
 * with ‖K‖_F² = n, so that ‖Kx‖₁ and the step sizes mean the same for all weights.
 *
 * @source Heaton & Wu Fung 2023, eq. (16); deviates: steps from ‖K‖² and ‖A‖², where TypalAcademy/xai-l2o has ‖A‖, beyond the
 * guarantee
 */
export function implicitDictionary({ seed, m, n, A }: Pick<DictionaryProblem, "seed" | "m" | "n" | "A">): Model {
  const measure = matrix(constant(A, [m, n]));
  return define({
    name: "dictionary",
    params: { K: sparsifier(n, seed) },
    data: { d: ["N", m] },
    problem: ({ K }, { d }) => ({
      sparsity: { prox: l1(), of: matrix(K), property: lengthOfCode },
      fidelity: { prox: indicator(point(d)), of: measure, property: relativeError(d) },
    }),
    split: (problem) => linearizedAdmm(problem, { ratio: RATIO }),
  });
}

/** ‖Kx‖₁: no exact zeros are needed, so that it holds for answers from anywhere. */
const lengthOfCode: Property = { kind: "‖Kx‖₁", measure: l1().property.measure };

/**
 * K = √n W/‖W‖_F, with W started as in the paper: N(0, 1) entries, here N(0, 1/n) for Adam to see the scale of K.
 *
 * A Gaussian K sees nothing of the signals: what K knows of them it learned.
 */
function sparsifier(n: number, seed: number): Param {
  return {
    shape: [n, n],
    init: () => {
      const stream = random(seed).fork("K");
      return Float32Array.from({ length: n * n }, () => stream.normal() / Math.sqrt(n));
    },
    read: (raw) => mul(raw, div(Math.sqrt(n), sqrt(sum(mul(raw, raw))))),
  };
}
