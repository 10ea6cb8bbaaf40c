/** @file Training with every backward rule, in the engine. */

import { describe, expect, it } from "vitest";
import { implicit } from "../../src/backward/implicit.js";
import type { BackwardRule } from "../../src/backward/rule.js";
import { weightedL1 } from "../../src/functions/weighted-l1.js";
import { matrix } from "../../src/linear/matrix.js";
import { compileModel, define, type Weights } from "../../src/model.js";
import { random } from "../../src/random.js";
import { proximalGradient } from "../../src/splitting/proximal-gradient.js";
import { add } from "../../src/tensor/primitives/elementwise.js";
import { constant } from "../../src/tensor/primitives/leaf.js";
import type { TrainingSet } from "../../src/training/dataset.js";
import { fit, type StepEvent } from "../../src/training/fit.js";
import { positive } from "../../src/training/params/positive.js";
import { backwardCases } from "../cases/backward.js";
import { leastSquares } from "../cases/splittings.js";

const [m, n, count] = [6, 4, 24];
const draw = random(31);
const A = Float32Array.from({ length: m * n }, () => draw.normal() / Math.sqrt(m));

/** Which weights τ and offset b of the data make the lasso answer as it does for τ = (0.05, 0.2, 0.4, 0.1), b = 0? */
const lasso = define({
  name: "lasso",
  params: {
    tau: positive([n], () => 0.1),
    b: { shape: [m], init: () => Float32Array.from({ length: m }, (_, i) => 0.3 * Math.cos(i)) },
  },
  data: { d: ["N", m] },
  problem: ({ tau, b }, { d }) => ({
    fidelity: { smooth: leastSquares(add(d, b)), of: matrix(constant(A, [m, n])) },
    sparsity: { prox: weightedL1(tau) },
  }),
  split: (problem) => proximalGradient(problem, { alpha: 0.4 }),
});

const truth: Weights = {
  tau: { shape: [n], data: Float32Array.of(0.05, 0.2, 0.4, 0.1).map(Math.log) },
  b: { shape: [m], data: new Float32Array(m) },
};
const d = { shape: [count, m], data: Float32Array.from({ length: count * m }, () => draw.normal()) };

async function examples(): Promise<TrainingSet> {
  await using model = await compileModel(lasso, truth, { threads: 1 });
  const { x } = await model.solve({ d }, { tolerance: 1e-6 });
  const rows = (array: typeof d, indices: readonly number[]) => {
    const width = array.data.length / count;
    const data = Float32Array.from(indices.flatMap((i) => [...array.data.subarray(i * width, (i + 1) * width)]));
    return { shape: [indices.length, width], data };
  };
  return { count, examples: (indices) => ({ data: { d: rows(d, indices) }, target: rows(x as typeof d, indices) }) };
}

const set = await examples();

async function trained(backward: BackwardRule, passes = 24) {
  const events: StepEvent[] = [];
  const { weights, validation } = await fit(lasso, lasso.initialWeights(), set, {
    backward,
    threads: 1,
    batch: 8,
    passes,
    phases: 1,
    learningRate: 0.05,
    steps: { warm: 20, cold: 100, every: 10 },
    validation: set,
    onStep: (event) => events.push(event),
  });
  return { weights, validation, events };
}

describe("fit", () => {
  it.each(backwardCases.map((row) => [`${row.factory} ${row.title}`, row] as const))(
    "%s learns τ and b",
    async (_, row) => {
      const { weights, validation, events } = await trained(row.rule({ steps: 100, tolerance: 1e-5 }));
      const first = events.slice(0, 3).reduce((sum, { loss }) => sum + loss / 3, 0);
      expect(validation).toBeLessThan(0.02 * first);
      weights["tau"]!.data.forEach((value, i) => {
        expect(Math.abs(value - truth["tau"]!.data[i]!)).toBeLessThan(0.3);
      });
      const solves = row.factory === "implicit" || row.factory === "neumann";
      for (const { adjoint } of events) {
        if (solves) expect(adjoint!).toBeGreaterThanOrEqual(0);
        else expect(adjoint).toBeUndefined();
        if (row.factory === "implicit") expect(adjoint!).toBeLessThan(1e-4);
      }
    },
  );

  it("a linear system cut short is reported with each step", async () => {
    const { events } = await trained(implicit({ limit: 1 }), 2);
    for (const { adjoint } of events) expect(adjoint!).toBeGreaterThan(1e-2);
  });
});
