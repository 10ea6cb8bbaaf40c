/** @file The algebra of models, by properties over random models: outputs compose, well-posedness is kept or checked. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Phi } from "../../../src/applications/implicit/activations/phi.js";
import {
  affine,
  cascade,
  concatenation,
  feedback,
  multiplicative,
  parallel,
  sum,
} from "../../../src/applications/implicit/algebra.js";
import {
  applyRows,
  blocks,
  type Dense,
  dense,
  denseOf,
  identityDense,
} from "../../../src/applications/implicit/dense.js";
import { type ImplicitModel, implicitModel, sizesOf } from "../../../src/applications/implicit/model.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { denseA } from "../../../src/applications/implicit/state-matrix.js";
import { infinityNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { rescaled } from "../../../src/applications/implicit/well-posed/rescale.js";
import { subjectOf, wellPosedness } from "../../../src/applications/implicit/well-posed/well-posedness.js";
import { type Random, random } from "../../../src/random.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const maps = ["relu", "tanh", "sigmoid", "softmax", "max-pool", "linear"] as const;
const sizes = fc.record({
  seed: fc.nat(1e6),
  n1: fc.integer({ min: 1, max: 6 }),
  n2: fc.integer({ min: 1, max: 6 }),
  map: fc.constantFrom(...maps),
});

function modelOf(stream: Random, n: number, p: number, q: number, phi: Phi, norm = 0.8): ImplicitModel {
  return randomModel(stream, contraction(stream, n, norm), phi, { p, q });
}
const pair = (
  { seed, n1, n2, map }: { seed: number; n1: number; n2: number; map: (typeof maps)[number] },
  sameIn: boolean,
  q2: number,
) => {
  const stream = random(seed);
  const first = modelOf(stream, n1, 2, 3, [{ map, size: n1 }]);
  const second = modelOf(stream, n2, sameIn ? 2 : 3, q2, [{ map: "tanh", size: n2 }]);
  return { stream, first, second };
};
const outputs = (model: ImplicitModel, U: Dense) => predict(model, U).Y;
const beside = (A: Dense, B: Dense) => blocks([A.rows], [A.columns, B.columns], [[A, B]]);
function close(A: Dense, B: Dense): void {
  expect([A.rows, A.columns]).toEqual([B.rows, B.columns]);
  const scale = Math.max(1, ...B.data.map(Math.abs));
  A.data.forEach((value, i) => {
    expect(Math.abs(value - B.data[i]!) / scale).toBeLessThan(1e-10);
  });
}
const each = (law: (shape: Parameters<typeof pair>[0]) => void) =>
  fc.assert(fc.property(sizes, law), { numRuns: 60, seed: 1 });

describe("outputs", () => {
  it("of a cascade are those of the second at those of the first", () =>
    each((shape) => {
      const { stream, first, second } = pair(shape, false, 2);
      const U = randomDense(stream, 3, 2);
      close(outputs(cascade(second, first), U), outputs(second, outputs(first, U)));
    }));

  it("of parallel models are both, each of its own inputs", () =>
    each((shape) => {
      const { stream, first, second } = pair(shape, false, 2);
      const [U1, U2] = [randomDense(stream, 3, 2), randomDense(stream, 3, 3)];
      close(outputs(parallel(first, second), beside(U1, U2)), beside(outputs(first, U1), outputs(second, U2)));
    }));

  it("of a sum, a concatenation and a product of models are that of theirs", () =>
    each((shape) => {
      const { stream, first, second } = pair(shape, true, 3);
      const U = randomDense(stream, 3, 2);
      const [Y1, Y2] = [outputs(first, U), outputs(second, U)];
      close(outputs(sum(first, second), U), { ...Y1, data: Y1.data.map((value, i) => value + Y2.data[i]!) });
      close(outputs(multiplicative(first, second), U), { ...Y1, data: Y1.data.map((value, i) => value * Y2.data[i]!) });
      close(outputs(concatenation(first, second), U), beside(Y1, Y2));
    }));

  it("after and before an affine map are the map's", () =>
    each((shape) => {
      const { stream, first } = pair(shape, true, 3);
      const U = randomDense(stream, 3, 2);
      const [W, V] = [randomDense(stream, 4, 3), randomDense(stream, 2, 2)];
      const w = randomDense(stream, 4, 1).data;
      const WY = applyRows(outputs(first, U), W);
      close(outputs(cascade(affine(W, w), first), U), { ...WY, data: WY.data.map((value, i) => value + w[i % 4]!) });
      close(outputs(cascade(first, affine(V)), U), outputs(first, applyRows(U, V)));
    }));

  it("of a cascade do not depend on how three models are bracketed", () =>
    each((shape) => {
      const { stream, first, second } = pair(shape, false, 2);
      const U = randomDense(stream, 3, 2);
      close(outputs(cascade(first, cascade(second, first)), U), outputs(cascade(cascade(first, second), first), U));
    }));

  it("of a feedback loop satisfy u₁ = u + y₂, u₂ = y₁, with direct terms", () =>
    each((shape) => {
      const stream = random(shape.seed);
      const small = (model: ImplicitModel): ImplicitModel => {
        const scaled = (M: Dense) => ({ ...M, data: M.data.map((value) => 0.05 * value) });
        return { ...model, B: scaled(model.B), C: scaled(model.C), D: scaled(model.D) };
      };
      const first = small(modelOf(stream, shape.n1, 2, 3, [{ map: shape.map, size: shape.n1 }], 0.5));
      const second = small(modelOf(stream, shape.n2, 3, 2, [{ map: "relu", size: shape.n2 }], 0.5));
      const U = randomDense(stream, 3, 2);
      const y1 = outputs(feedback(first, second), U);
      const y2 = outputs(second, y1);
      close(y1, outputs(first, { ...U, data: U.data.map((value, i) => value + y2.data[i]!) }));
      expect(Math.max(...y2.data.map(Math.abs))).toBeGreaterThan(0);
    }));

  it("of a rescaled model are the same, with ‖A‖_∞ at λ_pf(|A|)", () =>
    each(({ seed, n1 }) => {
      const stream = random(seed);
      const model = modelOf(stream, n1 + 1, 2, 3, [{ map: "leaky-relu", size: n1 + 1, slope: 0.3 }], 0.95);
      const better = rescaled(model);
      const U = randomDense(stream, 3, 2);
      close(outputs(better, U), outputs(model, U));
      const pf = wellPosedness(model).find(({ condition }) => condition.name === "perron-frobenius")!.left!;
      expect(infinityNorm.left(subjectOf(better))).toBeCloseTo(pf, 8);
    }));
});

describe("a loop or a model that does not fit", () => {
  const one = (a: number, b: number) =>
    implicitModel({ A: dense(1, 1, [a]), B: dense(1, 1, [b]), C: identityDense(1), phi: [{ map: "relu", size: 1 }] });

  it("is refused where feedback loses what both models had", () => {
    expect(sizesOf(feedback(one(0.5, 0.5), one(0.5, 0.4))).n).toBe(2);
    const error = thrown(() => feedback(one(0.5, 1), one(0.5, 1)));
    expect(error.message).toMatch(/^feedback: expected an A for which x = φ\(Ax \+ b\) has one solution/);
  });

  it("is refused where the direct terms of a loop cancel the identity", () => {
    expect(thrown(() => feedback(affine(identityDense(2)), affine(identityDense(2)))).message).toContain(
      "invertible I − D₁D₂",
    );
    const loop = feedback(affine(identityDense(2)), affine(denseOf(2, 2, () => 0.25)));
    close(outputs(loop, dense(1, 2, [1, 0])), dense(1, 2, [1.5, 0.5]));
  });

  it("is refused where sizes differ, with the remedy", () => {
    const wide = affine(dense(3, 2));
    expect(thrown(() => cascade(wide, wide)).message).toBe(
      "cascade: expected 3 inputs of the second, got 2. Put `affine` between the models.",
    );
    expect(thrown(() => sum(wide, affine(dense(2, 2)))).code).toBe("shape");
    expect(thrown(() => rescaled(modelOf(random(1), 2, 1, 1, [{ map: "tanh", size: 2 }]))).message).toContain(
      "got tanh",
    );
  });

  it("keeps A whatever its structure: a cascade of low-rank models", () => {
    const stream = random(3);
    const phi: Phi = [{ map: "relu", size: 5 }];
    const low = () =>
      ({ kind: "low-rank", L: randomDense(stream, 5, 1, 0.3), R: randomDense(stream, 5, 1, 0.3) }) as const;
    const [first, second] = [
      randomModel(stream, low(), phi, { p: 2, q: 2 }),
      randomModel(stream, low(), phi, { p: 2, q: 2 }),
    ];
    const U = randomDense(stream, 3, 2);
    close(outputs(cascade(second, first), U), outputs(second, outputs(first, U)));
    expect(denseA(cascade(second, first).A).rows).toBe(10);
  });
});
