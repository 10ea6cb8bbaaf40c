/** @file Selection of features: what a column-norm penalty leaves, by a path and its one-standard-error rule. */

import { describe, expect, it } from "vitest";
import { f1, recoveryData } from "../../../bench/recovery.js";
import { type Dense, denseOf } from "../../../src/applications/implicit/dense.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { featureNorms } from "../../../src/applications/implicit/sparsity.js";
import { selectFeatures } from "../../../src/applications/implicit/train/select-features.js";
import { rowsOf } from "../../../src/applications/implicit/train/train-projected.js";
import { rowNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { random } from "../../../src/random.js";
import { randomDense } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const [M, P] = [160, 10];

/** Samples of y(u), the last 40 for validation. */
function samplesOf(seed: number, y: (u: Float64Array) => number) {
  const stream = random(seed);
  const U = randomDense(stream, M, P);
  const Y = denseOf(M, 1, (s) => y(U.data.subarray(s * P, (s + 1) * P)) + 0.01 * stream.normal());
  const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
  return { training: rowsOf({ U, Y }, rows(0, 120)), validation: rowsOf({ U, Y }, rows(120, M)) };
}

describe("selectFeatures", () => {
  const bent = samplesOf(1, (u) => 1.5 * Math.abs(u[2]!) - Math.max(u[7]! + u[4]!, 0));
  const selection = selectFeatures({ ...bent, states: 4, kappa: 0.5, steps: 100 });

  it("finds what bends the output, which no linear model sees", () => {
    expect([...selection.chosen.features]).toEqual([2, 4, 7]);
    const linear = selectFeatures({ ...bent, states: 0, kappa: 0.5, steps: 100 });
    expect([...linear.chosen.features]).not.toContain(2);
    expect(linear.chosen.error).toBeGreaterThan(4 * selection.chosen.error);
  });

  it("finds linear features with and without states", () => {
    const straight = samplesOf(2, (u) => u[0]! - 0.8 * u[9]!);
    for (const states of [0, 3]) {
      const { chosen } = selectFeatures({ ...straight, states, kappa: 0.5, steps: 100 });
      expect([...chosen.features]).toEqual([0, 9]);
    }
  });

  it("never takes a feature back, keeps A on its set, and gives a model whose other columns are zero", () => {
    const { path, chosen } = selection;
    path.slice(1).forEach(({ features }, k) => {
      expect([...path[k]!.features]).toEqual(expect.arrayContaining([...features]));
    });
    for (const { model, features } of path) {
      expect(rowNorm(model.A as Dense)).toBeLessThanOrEqual(0.5 + 1e-12);
      expect([...featureNorms(model).keys()].filter((j) => featureNorms(model)[j]! > 0)).toEqual([...features]);
    }
    const made = predict(chosen.model, bent.validation.U).Y;
    const error = made.data.reduce((sum, y, s) => sum + (y - bent.validation.Y.data[s]!) ** 2, 0) / 40;
    expect(error).toBeCloseTo(chosen.error, 8);
  });

  it("takes the largest penalty within one standard error of the least error", () => {
    const { path, chosen } = selection;
    const least = path.reduce((best, level) => (level.error < best.error ? level : best));
    expect(chosen.error).toBeLessThanOrEqual(least.error + least.standardError);
    for (const { penalty, error } of path) {
      if (penalty > chosen.penalty) expect(error).toBeGreaterThan(least.error + least.standardError);
    }
  });

  it("refuses no penalty, and nothing to validate on", () => {
    expect(thrown(() => selectFeatures({ ...bent, states: 4, kappa: 0.5, penalties: [] })).code).toBe("parameter");
    const { training } = bent;
    const validation = rowsOf(training, Int32Array.of(0));
    expect(thrown(() => selectFeatures({ training, validation, states: 4, kappa: 0.5 })).code).toBe("parameter");
  });
});

describe("what the bench of recovery measures", () => {
  it("is 1 for the columns that are there, less for one too few or too many, 0 for others", () => {
    const { columns, samples } = recoveryData(random(3));
    const all = Int32Array.from(columns);
    const other = Int32Array.from({ length: 100 }, (_, j) => j).filter((j) => !columns.has(j));
    expect(f1(all, columns)).toBe(1);
    expect(f1(all.subarray(1), columns)).toBeCloseTo(28 / 29, 12);
    expect(f1(Int32Array.of(...all, other[0]!), columns)).toBeCloseTo(30 / 31, 12);
    expect(f1(other, columns)).toBe(0);
    expect([samples.U.rows, samples.U.columns, columns.size]).toEqual([400, 100, 15]);
  });
});
