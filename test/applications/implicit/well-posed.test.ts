/** @file Every condition for well-posedness: what meets it has one solution, its margin is true, what breaks it is refused. */

import { describe, expect, it } from "vitest";
import { applyPhi, placed } from "../../../src/applications/implicit/activations/phi.js";
import {
  applyRows,
  type Dense,
  dense,
  denseOf,
  identityDense,
  transposed,
} from "../../../src/applications/implicit/dense.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { applyA, denseA } from "../../../src/applications/implicit/state-matrix.js";
import { perron, perronScaling } from "../../../src/applications/implicit/well-posed/perron.js";
import {
  conditions,
  evaluate,
  subjectOf,
  wellPosedness,
} from "../../../src/applications/implicit/well-posed/well-posedness.js";
import { random } from "../../../src/random.js";
import { randomDense, randomModel, wellPosedCases } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const conditionOf = (name: string) => conditions.find((condition) => condition.name === name)!;
const leftOf = (name: string, A: Dense) =>
  evaluate(conditionOf(name), subjectOf({ A, phi: [{ map: "relu", size: A.rows }] })).left!;

it("every condition has a case", () => {
  expect(wellPosedCases.map(({ condition }) => condition).sort()).toEqual(conditions.map(({ name }) => name).sort());
});

describe.each(wellPosedCases)("$condition", ({ condition, phi, meets, breaks }) => {
  it.each([1, 2, 3, 4])("holds by its margin and leaves one solution, seed %i", (seed) => {
    const stream = random(seed).fork(condition);
    const A = meets(stream);
    const finding = evaluate(conditionOf(condition), subjectOf({ A, phi }));
    expect(finding.inapplicable).toBeUndefined();
    expect(finding.holds).toBe(true);
    expect(finding.margin).toBeCloseTo(1 - finding.left!, 15);
    const model = randomModel(stream, A, phi);
    const U = randomDense(stream, 4, 3, 3);
    const { X } = predict(model, U);
    const drive = applyRows(U, model.B).data.map((value, e) => value + model.stateBias[e % 6]!);
    const next = (from: Dense) => {
      const made = dense(4, 6);
      applyPhi(
        placed(phi),
        6,
        applyA(A, from).data.map((value, e) => value + drive[e]!),
        made.data,
      );
      return made;
    };
    const gap = (P: Dense, Q: Dense) => Math.max(...P.data.map((value, e) => Math.abs(value - Q.data[e]!)));
    const size = Math.max(...X.data.map(Math.abs));
    expect(gap(next(X), X)).toBeLessThan(1e-10 * size);
    if (conditionOf(condition).iteration !== "picard") return;
    let other = randomDense(stream, 4, 6, 10);
    for (let step = 0; step < 2000; step++) other = next(other);
    expect(gap(other, X)).toBeLessThan(1e-8 * size);
  });

  it("does not hold of what is ill-posed, and nothing else does", () => {
    const relu = [{ map: "relu", size: 6 }] as const;
    expect(evaluate(conditionOf(condition), subjectOf({ A: breaks, phi: relu })).holds).toBe(false);
    expect(wellPosedness({ A: breaks, phi: relu }).filter(({ holds }) => holds)).toEqual([]);
    const model = randomModel(random(1), breaks, relu);
    expect(thrown(() => predict(model, dense(1, 3))).code).toBe("parameter");
  });
});

describe("between conditions", () => {
  it.each([1, 2, 3, 4, 5])(
    "λ_pf is the least ∞-norm of scalings, and the scaled 2-norm lies below the norm and above |λ|, seed %i",
    (seed) => {
      const stream = random(seed);
      const A = randomDense(stream, 5, 5, 0.3);
      const N = denseOf(5, 5, (i, j) => Math.abs(A.data[i * 5 + j]!));
      const { value, vector } = perron(N);
      const scaled = denseOf(5, 5, (i, j) => (A.data[i * 5 + j]! * vector[j]!) / vector[i]!);
      expect(leftOf("infinity-norm", scaled)).toBeCloseTo(value, 10);
      expect(leftOf("infinity-norm", A)).toBeGreaterThanOrEqual(value);
      expect(perron(transposed(N)).value).toBeCloseTo(value, 10);
      const least = leftOf("diagonal-scaling", A);
      expect(least).toBeLessThanOrEqual(leftOf("two-norm", A) + 1e-12);
      expect(least).toBeLessThan(value + 1e-9);
      expect(leftOf("monotone", A)).toBeLessThanOrEqual(leftOf("two-norm", A) + 1e-12);
    },
  );

  it("λ_pf of a reducible and of a periodic matrix is that of their blocks, and a scaling shows it", () => {
    const N = dense(3, 3, [0, 4, 0, 1, 0, 0, 50, 0, 1.5]);
    expect(perron(N).value).toBeCloseTo(2, 10);
    const v = perronScaling(N);
    const scaled = denseOf(3, 3, (i, j) => (N.data[i * 3 + j]! * v[j]!) / v[i]!);
    expect(leftOf("infinity-norm", scaled)).toBeLessThan(2.003);
  });

  it("a contraction factor of φ counts: sigmoid has four times the room of tanh", () => {
    const A = identityDense(3);
    const left = (map: "sigmoid" | "tanh") =>
      evaluate(conditionOf("infinity-norm"), subjectOf({ A, phi: [{ map, size: 3 }] })).left;
    expect(left("tanh")).toBe(1);
    expect(left("sigmoid")).toBe(0.25);
  });

  it("maps of several states are judged by blocks, and a condition on single states says so", () => {
    const A = denseA({ kind: "low-rank", L: randomDense(random(1), 4, 1, 0.2), R: randomDense(random(2), 4, 1, 0.2) });
    const findings = wellPosedness({
      A,
      phi: [
        { map: "softmax", size: 3 },
        { map: "relu", size: 1 },
      ],
    });
    const reason = (name: string) => findings.find(({ condition }) => condition.name === name)!.inapplicable;
    expect(reason("perron-frobenius")).toBe("softmax takes several states at once");
    expect(reason("low-rank")).toBe("A is not given as L Rᵀ");
    expect(reason("block-norms")).toBeUndefined();
  });
});
