/** @file The implicit dictionary model: the sparsest x, as a learned matrix sees it, that explains the data. */

import { relativeError } from "../../certificates/properties/relative-error.js";
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

const RATIO = { sparsity: Number(process.env["R1"] ?? 1), fidelity: Number(process.env["R2"] ?? 1) };

export function implicitDictionary({ seed, m, n, A }: Pick<DictionaryProblem, "seed" | "m" | "n" | "A">): Model {
  const measure = matrix(constant(A, [m, n]));
  return define({
    name: "dictionary",
    params: { K: sparsifier(n, seed) },
    data: { d: ["N", m] },
    problem: ({ K }, { d }) => ({
      sparsity: { prox: l1(), of: matrix(K) },
      fidelity: { prox: indicator(point(d)), of: measure, property: relativeError(d) },
    }),
    split: (problem) => linearizedAdmm(problem, { ratio: RATIO }),
  });
}

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
