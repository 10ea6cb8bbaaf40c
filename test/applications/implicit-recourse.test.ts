/** @file Affine recourse: exact where all states are active, sound for every choice of slopes, and what the source's own constraints allow. */

import { describe, expect, it } from "vitest";
import { type Dense, dense, denseOf, identityDense } from "../../src/applications/implicit/dense.js";
import { type ImplicitModel, implicitModel } from "../../src/applications/implicit/model.js";
import { predict } from "../../src/applications/implicit/predict.js";
import { attacked, projectedGradient, randomCorners } from "../../src/applications/implicit/robust/attacks.js";
import { inputBox, uniform } from "../../src/applications/implicit/robust/input-set.js";
import { intervalMargins } from "../../src/applications/implicit/robust/margins.js";
import { noRecourse, recourseMargins } from "../../src/applications/implicit/robust/recourse.js";
import { stateBoxes } from "../../src/applications/implicit/robust/state-box.js";
import { random } from "../../src/random.js";
import { contraction, randomDense, randomModel } from "../cases/implicit.js";
import { thrown } from "../failure.js";

const [n, p, q] = [6, 5, 3];
const phi = [{ map: "relu", size: n }] as const;
const drawn = (seed: number, bias = 0): ImplicitModel => {
  const stream = random(seed);
  const model = randomModel(stream, contraction(stream, n, 0.8), phi, { p, q });
  return implicitModel({ ...model, stateBias: model.stateBias.map((value) => value + bias) });
};
const boxOf = (sigma: number) => inputBox(uniform(p, sigma));

/** Y with (I − A)Y = M, by the series. */
function solved(A: Dense, M: Dense): Dense {
  let Y = M;
  for (let k = 0; k < 300; k++) {
    const from = Y;
    Y = denseOf(M.rows, M.columns, (i, j) =>
      A.data
        .subarray(i * n, (i + 1) * n)
        .reduce((sum, a, l) => sum + a * from.data[l * M.columns + j]!, M.data[i * M.columns + j]!),
    );
  }
  return Y;
}

it("with slopes (I − A)⁻¹B is exact where every state is active, and tighter than intervals", () => {
  const model = drawn(51, 60);
  const S = solved(model.A as Dense, model.B);
  const sigma = 0.1;
  const boxes = stateBoxes(model, boxOf(sigma));
  const u = randomDense(random(52), 1, p);
  const box = boxes.of(u.data);
  expect(Math.min(...box.low)).toBeGreaterThan(0);
  const Y = predict(model, u).Y.data;
  const found = recourseMargins(boxes, { R: S, G: S }).of(box, 0);
  const interval = intervalMargins(boxes).of(box, 0);
  for (let k = 1; k < q; k++) {
    const row = Array.from({ length: p }, (_, j) =>
      Array.from({ length: n }, (__, i) => (model.C.data[i]! - model.C.data[k * n + i]!) * S.data[i * p + j]!).reduce(
        (a, b) => a + b,
        model.D.data[j]! - model.D.data[k * p + j]!,
      ),
    );
    const worst = Y[0]! - Y[k]! - sigma * row.reduce((sum, value) => sum + Math.abs(value), 0);
    expect(found[k]!).toBeLessThanOrEqual(worst);
    expect(found[k]!).toBeCloseTo(worst, 8);
    expect(interval[k]!).toBeLessThan(worst - 0.01);
  }
});

/** Attacks of a random model with |δ| ≤ 0.2 that go below what recourse claims for perturbations of `size`; slopes are N(0, scale²). */
function broken(seed: number, scale: number, size: number): number {
  const [m, sigma] = [40, 0.2];
  const model = drawn(60 + seed, 0.3);
  const stream = random(70 + seed);
  const slopes = { R: randomDense(stream, n, p, scale), G: randomDense(stream, n, p, scale) };
  const U = randomDense(stream, m, p);
  const labels = Array.from({ length: m }, (_, s) => s % q);
  const boxes = stateBoxes(model, boxOf(size));
  const claims = recourseMargins(boxes, slopes);
  const bounds = labels.map((y, s) => claims.of(boxes.of(U.data.slice(s * p, (s + 1) * p)), y));
  const target = attacked(model);
  let count = 0;
  for (let round = 0; round < 20; round++) {
    const draws = random(80 + seed).fork(round);
    const moved =
      round % 2 === 0
        ? projectedGradient(target, U, labels, sigma, { steps: 8, random: draws })
        : randomCorners(U, sigma, draws);
    const Y = target.outputs(moved).data;
    labels.forEach((y, s) => {
      bounds[s]!.forEach((bound, k) => {
        if (k !== y && Y[s * q + y]! - Y[s * q + k]! < bound - 1e-10) count++;
      });
    });
  }
  return count;
}

describe.each([0, 0.1, 0.5, 1, 3, 10])("with random slopes of size %d", (scale) => {
  it.each([0, 1, 2])("model %i: no random and no projected-gradient attack goes below", (seed) => {
    expect(broken(seed, scale, 0.2)).toBe(0);
  });
});

// Larger slopes make the bound so loose that a hundredth of it still holds.
it.each([0, 0.1, 0.5, 1])(
  "attacks go below the bound for a hundredth of the perturbation, slopes of size %d",
  (scale) => {
    expect(broken(1, scale, 0.002)).toBeGreaterThan(0);
  },
);

it("the source's constraints hold for an X below the state; ours, with signs apart, for none", () => {
  // x = φ(Ax + b), x₁ = (1 − x₂/2)₊, x₂ = ½.
  const A = dense(2, 2, [0, -0.5, 0, 0]);
  const b = [1, 0.5];
  const model = implicitModel({
    A,
    B: dense(2, 1),
    C: identityDense(2),
    phi: [{ map: "relu", size: 2 }],
    stateBias: Float64Array.from(b),
  });
  const x = predict(model, dense(1, 1)).X.data;
  expect([...x]).toEqual([0.75, 0.5]);
  const X = [0, 10];
  const feasible = X.every(
    (value, i) => value >= 0 && value >= A.data[2 * i]! * X[0]! + A.data[2 * i + 1]! * X[1]! + b[i]!,
  );
  expect(feasible).toBe(true);
  expect(X[0]!).toBeLessThan(x[0]!);
  const boxes = stateBoxes(model, inputBox(Float64Array.of(0.1)));
  const bounds = recourseMargins(boxes, noRecourse(model)).of(boxes.of(Float64Array.of(0)), 0);
  expect(bounds[1]!).toBeLessThanOrEqual(0.25);
  expect(bounds[1]!).toBeCloseTo(0.25, 10);
});

it("refuses slopes of another shape", () => {
  const model = drawn(90);
  const boxes = stateBoxes(model, boxOf(0.1));
  const refused = thrown(() => recourseMargins(boxes, { R: dense(n, p), G: dense(n, p + 1) }));
  expect(refused.code).toBe("shape");
  expect(refused.details.name).toContain("G");
});
