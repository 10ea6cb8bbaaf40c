/** @file Projections as problems: sets that carry a proof prove the optimum found by hand, and no better one. */

import { describe, expect, it } from "vitest";
import type { DualOptions } from "../../src/dual.js";
import { indicator } from "../../src/functions/indicator.js";
import { quadratic } from "../../src/functions/quadratic.js";
import { identity } from "../../src/linear/identity.js";
import { compileModel, define } from "../../src/model.js";
import { box } from "../../src/sets/box.js";
import { l1Ball } from "../../src/sets/l1-ball.js";
import { nonNegative } from "../../src/sets/non-negative.js";
import { product } from "../../src/sets/product.js";
import type { ConvexSet } from "../../src/sets/set.js";
import { simplex } from "../../src/sets/simplex.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";

const d = Float32Array.of(0.75, -0.5, 0.5, 0.125);
const ALL = { shape: ["N", 4] } as const;

interface Row {
  readonly title: string;
  readonly set: ConvexSet;
  readonly dual?: DualOptions;
  /** The point of the set nearest to d, by hand. */
  readonly nearest: readonly number[];
}

const slack = { slack: { set: 1e-5 } };

const cases: readonly Row[] = [
  { title: "nonNegative", set: nonNegative(), dual: { prior: 2 }, nearest: [0.75, 0, 0.5, 0.125] },
  { title: "half a box", set: box(-Infinity, 0.25), dual: { prior: 2 }, nearest: [0.25, -0.5, 0.25, 0.125] },
  // On an edge of more than one number, rounding takes the answer off the set: a slack.
  // θ = 1/8: 5/8 + 3/8 + 0 = 1.
  { title: "simplex", set: simplex(), dual: slack, nearest: [0.625, 0, 0.375, 0] },
  // θ = 1/4: 1/2 + 1/4 + 1/4 = 1.
  { title: "l1Ball", set: l1Ball(1), dual: slack, nearest: [0.5, -0.25, 0.25, 0] },
  {
    title: "product",
    set: product([
      { length: 2, set: box(0, 0.5) },
      { length: 2, set: l1Ball(0.5) },
    ]),
    dual: slack,
    nearest: [0.5, 0, 0.4375, 0.0625],
  },
];

async function proof({ set, dual }: Row) {
  const model = define({
    name: "projection",
    params: {},
    data: { d: ALL.shape },
    problem: (_, data) => ({
      set: { prox: indicator(set) },
      nearness: { prox: quadratic(data.d), of: identity(ALL.shape) },
    }),
    split: (problem) => linearizedAdmm(problem),
    ...(dual ? { dual } : {}),
  });
  const data = { d: { shape: [1, 4], data: d } };
  await using compiled = await compileModel(model, {}, { threads: 1 });
  const solution = await compiled.solve(data, { tolerance: 1e-6, maxSteps: 5000 });
  return { x: [...solution.x.data], verdict: compiled.prove(data, solution)[0]!.verdict };
}

describe.each(cases.map((row) => [row.title, row] as const))("%s", (_, row) => {
  it("the engine's answer is the point found by hand, and its optimum is proven", async () => {
    const { x, verdict } = await proof(row);
    x.forEach((value, i) => {
      expect(Math.abs(value - row.nearest[i]!)).toBeLessThan(1e-4);
    });
    if (verdict.verdict !== "VERIFIED") throw new Error(`${verdict.reason}: ${verdict.detail}`);
    const optimum = row.nearest.reduce((sum, value, i) => sum + (value - d[i]!) ** 2 / 2, 0);
    expect(verdict.dual).toBeLessThanOrEqual(optimum);
    expect(verdict.dual).toBeGreaterThan(0.999 * optimum);
    expect(verdict.relativeGap).toBeLessThan(1e-3);
  });
});

it("without a slack the answer on a simplex is not proven", async () => {
  const { verdict } = await proof({ ...cases[2]!, dual: {} });
  expect(verdict).toMatchObject({ verdict: "UNVERIFIABLE", reason: "infeasible" });
});
