/** @file Conditional gradients: the optimum of projected gradient, a gap that bounds the distance to it, vertices that no point beats. */

import { describe, expect, it } from "vitest";
import type { Dense } from "../../../src/applications/implicit/dense.js";
import { reluDivergence } from "../../../src/applications/implicit/fenchel/divergence.js";
import { lifted } from "../../../src/applications/implicit/fenchel/relaxed-descent.js";
import { oneBall } from "../../../src/applications/implicit/penalties/one-ball.js";
import { type BoundedSet, sumOfPenalties } from "../../../src/applications/implicit/penalties/penalty.js";
import { stateNormBall } from "../../../src/applications/implicit/penalties/state-norm-ball.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { conditionalGradient } from "../../../src/applications/implicit/train/conditional-gradient.js";
import { inner, PARTS, type Parameters, parametersOf } from "../../../src/applications/implicit/train/parameters.js";
import { proximalDescent } from "../../../src/applications/implicit/train/proximal-descent.js";
import { random } from "../../../src/random.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const stream = random(31);
const teacher = randomModel(stream, contraction(stream, 5, 0.6), [{ map: "relu", size: 5 }]);
const U = randomDense(stream, 40, 3);
const { X, Y } = predict(teacher, U);
const P: Dense = { ...X, data: X.data.map((x) => Math.max(0, x + 0.3 * stream.normal())) };
const f = lifted({ U, Y }, X, P, { divergence: reluDivergence, lambda: new Float64Array(5).fill(1), mu: 1 });
const start = parametersOf(randomModel(stream, contraction(stream, 5, 0.2), [{ map: "relu", size: 5 }]));

const problems: [string, readonly BoundedSet[], readonly (keyof Parameters)[]][] = [
  ["(12)", [oneBall(["C", "D"], 3)], ["C", "D"]],
  ["(13)", [stateNormBall(0.4), oneBall(["B"], 4)], ["A", "B"]],
];

describe.each(problems)("%s", (_, sets, parts) => {
  // Parts without a set stay, as they do for conditional gradients.
  const held = {
    name: "held",
    parts: PARTS.filter((part) => !parts.includes(part)),
    value: () => 0,
    gradient: (at: Parameters) => at,
    prox: () => start,
  };
  const projected = proximalDescent(f, sumOfPenalties([...sets, held]), start, { steps: 3000, tolerance: 1e-9 });

  it("is solved to the optimum of projected gradient, within the gap that is stated", () => {
    const { at, objective, gap, status } = conditionalGradient(f, sets, start, {
      steps: 20_000,
      gap: 1e-3 * projected.objective,
    });
    expect(status).toBe("converged");
    expect(objective).toBeCloseTo(f.value(at), 9);
    expect(objective - projected.objective).toBeLessThanOrEqual(gap);
    expect(objective - projected.objective).toBeGreaterThan(-1e-6 * projected.objective);
    expect(sumOfPenalties(sets).value(at)).toBe(0);
    for (const part of PARTS) if (!parts.includes(part)) expect(at[part]).toEqual(start[part]);
  });

  it("never rises, and its gap bounds what is left at every step", () => {
    let before = Infinity;
    for (const steps of [0, 1, 3, 10, 100]) {
      const { objective, gap, status, steps: taken } = conditionalGradient(f, sets, start, { steps, gap: 0 });
      expect(objective).toBeLessThanOrEqual(before);
      expect(gap).toBeGreaterThanOrEqual(objective - projected.objective - 1e-6);
      expect([status, taken]).toEqual(["max-steps", steps]);
      before = objective;
    }
    expect(before).toBeLessThan(f.value(sumOfPenalties(sets).prox(start, 0)));
  });

  it("has vertices in its sets that no point of them beats", () => {
    const slope = f.gradient(start);
    for (const set of sets) {
      const vertex = set.vertex(slope);
      const own = (at: Parameters) =>
        inner(
          {
            ...slope,
            ...Object.fromEntries(
              PARTS.filter((part) => !set.parts.includes(part)).map((part) => [
                part,
                { ...at[part], data: at[part].data.map(() => 0) },
              ]),
            ),
          },
          at,
        );
      expect(set.value(vertex)).toBe(0);
      for (let k = 0; k < 50; k++) {
        const other = set.prox(
          parametersOf(randomModel(stream, randomDense(stream, 5, 5), [{ map: "relu", size: 5 }])),
          0,
        );
        expect(own(other)).toBeGreaterThanOrEqual(own(vertex) - 1e-12);
      }
    }
  });
});

it("refuses sets that share a part, and a function that is no number", () => {
  const shared = [oneBall(["B"], 1), oneBall(["B", "D"], 1)];
  expect(thrown(() => conditionalGradient(f, shared, start, { steps: 1, gap: 0 })).code).toBe("parameter");
  const broken = { ...f, value: () => Number.NaN };
  const limits = { steps: 1, gap: 0 };
  expect(thrown(() => conditionalGradient(broken, [oneBall(["B"], 1)], start, limits)).code).toBe("convergence");
});
