/** @file Relaxed training with Fenchel divergences: multipliers of each state, steps over states and proxies, descent of an implicit model. */

import { describe, expect, it } from "vitest";
import { rootMeanSquare, SIZES, samplesOf, sparseWeights } from "../../../bench/fenchel-data.js";
import { type Dense, dense, denseOf } from "../../../src/applications/implicit/dense.js";
import {
  type Divergence,
  reluDivergence,
  tanhDivergence,
} from "../../../src/applications/implicit/fenchel/divergence.js";
import { liftedDescent } from "../../../src/applications/implicit/fenchel/lifted-network.js";
import { conditionalUpdate, proximalUpdate } from "../../../src/applications/implicit/fenchel/model-update.js";
import { proxyRatio, proxyStep, stateStepOfProxy } from "../../../src/applications/implicit/fenchel/proxy-states.js";
import { lifted, relaxedDescent } from "../../../src/applications/implicit/fenchel/relaxed-descent.js";
import { oneBall } from "../../../src/applications/implicit/penalties/one-ball.js";
import { sparseWellPosed } from "../../../src/applications/implicit/penalties/sparse-well-posed.js";
import { stateNormBall } from "../../../src/applications/implicit/penalties/state-norm-ball.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { PARTS, type Parameters, parametersOf } from "../../../src/applications/implicit/train/parameters.js";
import { rowNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { random } from "../../../src/random.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const divergences: [string, Divergence, (v: number) => number][] = [
  ["ReLU", reluDivergence, Math.abs],
  ["tanh", tanhDivergence, Math.tanh],
];

describe.each(divergences)("the divergence of %s", (name, divergence, into) => {
  it("has a prox that no other x beats, 0 steps away from v and φ(z) far from it", () => {
    const stream = random(21).fork(name);
    for (let k = 0; k < 200; k++) {
      const [v, z, alpha] = [2 * stream.normal(), 2 * stream.normal(), Math.exp(2 * stream.normal())];
      const cost = (x: number) => 0.5 * (x - v) ** 2 + alpha * divergence.value(x, z);
      const x = divergence.prox(v, alpha, z);
      expect(divergence.inside(x)).toBe(true);
      for (let other = 0; other < 20; other++) {
        expect(cost(into(stream.normal()))).toBeGreaterThanOrEqual(cost(x) - 1e-12);
        expect(cost(x + 1e-3 * stream.normal())).toBeGreaterThanOrEqual(cost(x) - 1e-12);
      }
      expect(divergence.prox(v, 1e12, z)).toBeCloseTo(divergence.phi(z), 9);
      expect(divergence.prox(into(v), 0, z)).toBeCloseTo(into(v), 12);
    }
  });

  it("gives state and proxy steps that no other states beat", () => {
    const stream = random(22).fork(name);
    const [n, m, q] = [5, 4, 2];
    const [A, C] = [randomDense(stream, n, n), randomDense(stream, q, n)];
    const [drive, R] = [randomDense(stream, m, n), randomDense(stream, m, q)];
    const states = () => ({ ...drive, data: randomDense(stream, m, n).data.map(into) });
    const lambda = Float64Array.from({ length: n }, () => 0.2 + stream.uniform());
    const terms = { divergence, lambda, mu: 0.3 };
    const Z = (X: Dense) =>
      denseOf(m, n, (s, i) =>
        A.data.subarray(i * n, (i + 1) * n).reduce((sum, a, j) => sum + a * X.data[s * n + j]!, drive.data[s * n + i]!),
      );
    const cost = (X: Dense, P: Dense, pre: Dense) =>
      P.data.reduce(
        (sum, p, e) => sum + lambda[e % n]! * divergence.value(p, pre.data[e]!) + 0.15 * (X.data[e]! - p) ** 2,
        0,
      );
    const fit = (P: Dense) =>
      denseOf(m, q, (s, k) =>
        C.data.subarray(k * n, (k + 1) * n).reduce((sum, c, i) => sum + c * P.data[s * n + i]!, -R.data[s * q + k]!),
      ).data.reduce((sum, r) => sum + 0.5 * r * r, 0);
    const P = states();
    const X = stateStepOfProxy(A, drive, P, terms);
    const pre = Z(X);
    const next = proxyStep(C, R, pre, X, P, terms);
    expect(proxyRatio(A, terms)).toBeGreaterThan(1);
    for (let k = 0; k < 100; k++) {
      const near = (to: Dense, by: number) => ({ ...to, data: to.data.map((v) => v + by * stream.normal()) });
      const [x, p] = [near(X, 10 ** -(k % 4)), k % 2 === 0 ? states() : near(next, 1e-3)];
      expect(cost(x, P, Z(x))).toBeGreaterThanOrEqual(cost(X, P, pre) - 1e-10);
      expect(fit(p) + cost(X, p, pre)).toBeGreaterThanOrEqual(fit(next) + cost(X, next, pre) - 1e-10);
    }
  });
});

it("‖A‖_∞ ≤ √(μ/λ) is not enough for the source's iteration over X, a ratio below 1 is", () => {
  const n = 4;
  // One column of ones: ‖A‖_∞ = 1, ‖A‖₂ = 2.
  const A = denseOf(n, n, (_, j) => (j === 0 ? 1 : 0));
  const [lambda, mu] = [new Float64Array(n).fill(1), 1];
  expect(rowNorm(A)).toBeLessThanOrEqual(Math.sqrt(mu / lambda[0]!));
  expect(proxyRatio(A, { lambda, mu })).toBeCloseTo(4, 12);
  const P = dense(1, n, new Float64Array(n).fill(1));
  const picard = (scale: number) => {
    let x = new Float64Array(n).fill(1.1);
    for (let k = 0; k < 300; k++) {
      const z = Float64Array.from({ length: n }, (_, i) => scale * A.data[i * n]! * x[0]! + 5);
      const back = z.reduce((sum, value) => sum + scale * (Math.max(value, 0) - 1), 0);
      const next = Float64Array.from({ length: n }, (_, j) => 1 - (j === 0 ? back : 0));
      if (Math.abs(next[0]! - x[0]!) < 1e-12) return true;
      x = next;
    }
    return false;
  };
  expect(picard(1)).toBe(false);
  expect(picard(0.45)).toBe(true);
  const drive = dense(1, n, new Float64Array(n).fill(5));
  const X = stateStepOfProxy(A, drive, P, { divergence: reluDivergence, lambda, mu });
  const pull = (X.data[0]! + 5 - 1) * n;
  expect(X.data[0]).toBeCloseTo(1 - (X.data[0]! + 5 > 0 ? pull : -n), 8);
});

describe("multipliers of each state", () => {
  const stream = random(23);
  const truth = sparseWeights(stream);
  const samples = samplesOf(stream, truth, 80);
  const initial = SIZES.slice(1).map((rows, l) => denseOf(rows, SIZES[l]!, () => 0.1 * stream.normal()));
  const options = { divergence: tanhDivergence, iterations: 1 };
  const [n1, n2] = [SIZES[1]!, SIZES[2]!];

  it("are ε² and ε of a network of two hidden layers, and move it where they differ", () => {
    const plain = liftedDescent(initial, samples, { ...options, epsilon: 1e-2 });
    const named = (first: number) =>
      liftedDescent(initial, samples, {
        ...options,
        multipliers: [
          Float64Array.from({ length: n1 }, (_, i) => (i === 0 ? first : 1e-4)),
          new Float64Array(n2).fill(1e-2),
        ],
      });
    expect(named(1e-4)).toEqual(plain);
    expect(named(1e-2)).not.toEqual(plain);
    expect(rootMeanSquare(named(1e-2), samples)).toBeLessThan(0.5 * rootMeanSquare(initial, samples));
  });

  it.each([
    ["shape", [new Float64Array(n1).fill(1)]],
    ["shape", [new Float64Array(n1).fill(1), new Float64Array(n2 - 1).fill(1)]],
    ["parameter", [new Float64Array(n1).fill(1), new Float64Array(n2)]],
    ["parameter", [new Float64Array(n1).fill(Number.NaN), new Float64Array(n2).fill(1)]],
  ])("are refused: %s", (code, multipliers) => {
    expect(thrown(() => liftedDescent(initial, samples, { ...options, multipliers })).code).toBe(code);
  });
});

describe.each(["relu", "tanh"] as const)("relaxed descent of %s states", (map) => {
  const stream = random(24).fork(map);
  const phi = [{ map, size: 4 }] as const;
  const teacher = randomModel(stream, contraction(stream, 4, 0.5), phi);
  const samples = { U: randomDense(stream, 60, 3), Y: dense(0, 0) };
  samples.Y = predict(teacher, samples.U).Y;
  const start = randomModel(stream, contraction(stream, 4, 0.5), phi);
  const error = (model: typeof start) =>
    predict(model, samples.U).Y.data.reduce((sum, y, e) => sum + (y - samples.Y.data[e]!) ** 2, 0);
  const options = { lambda: new Float64Array(4).fill(1), mu: 1, iterations: 30 };

  it("never raises (10), keeps A on its set, and learns", () => {
    const objectives: number[] = [];
    const penalty = sparseWellPosed(0.6, 1e-3);
    const model = relaxedDescent(start, samples, {
      ...options,
      update: proximalUpdate(penalty),
      onIteration: (_, objective) => objectives.push(objective),
    });
    objectives.slice(1).forEach((value, k) => {
      expect(value).toBeLessThanOrEqual(objectives[k]! * (1 + 1e-9));
    });
    expect(objectives).toHaveLength(30);
    expect(penalty.value(parametersOf(model))).toBeLessThan(Infinity);
    expect(error(model)).toBeLessThan(0.2 * error(start));
  }, 30_000);

  it("by conditional gradients of (12), (13) does so too", () => {
    const objectives: number[] = [];
    const update = conditionalUpdate([[oneBall(["C", "D"], 12)], [stateNormBall(0.6), oneBall(["B"], 15)]]);
    const model = relaxedDescent(start, samples, {
      ...options,
      update,
      iterations: 15,
      onIteration: (_, objective) => objectives.push(objective),
    });
    objectives.slice(1).forEach((value, k) => {
      expect(value).toBeLessThanOrEqual(objectives[k]! * (1 + 1e-9));
    });
    expect(objectives.at(-1)).toBeLessThan(0.7 * objectives[0]!);
    expect(update.penalty.value(parametersOf(model))).toBe(0);
    expect(model.stateBias).toEqual(start.stateBias);
  }, 30_000);

  it("descends the gradient of (10) in the model", () => {
    const states = predict(start, samples.U).X;
    const P = { ...states, data: states.data.map((x) => 0.9 * x) };
    const divergence = map === "relu" ? reluDivergence : tanhDivergence;
    const f = lifted(samples, states, P, { divergence, lambda: Float64Array.of(1, 2, 3, 0.5), mu: 1 });
    const at = parametersOf(start);
    const found = f.gradient(at);
    for (const part of PARTS) {
      at[part].data.forEach((_, e) => {
        const moved = (by: number): Parameters => ({
          ...at,
          [part]: { ...at[part], data: at[part].data.map((v, i) => (i === e ? v + by : v)) },
        });
        const slope = (f.value(moved(1e-6)) - f.value(moved(-1e-6))) / 2e-6;
        expect(Math.abs(found[part].data[e]! - slope)).toBeLessThan(1e-5 * (1 + Math.abs(slope)));
      });
    }
  });

  it("refuses multipliers and maps that it cannot take", () => {
    const of = (change: object) =>
      thrown(() =>
        relaxedDescent(start, samples, { ...options, update: proximalUpdate(stateNormBall(0.5)), ...change }),
      ).code;
    expect(of({ lambda: Float64Array.of(1, 0, 1, 1) })).toBe("parameter");
    expect(of({ lambda: new Float64Array(3).fill(1) })).toBe("shape");
    expect(of({ mu: Number.NaN })).toBe("parameter");
    const soft = randomModel(stream, contraction(stream, 4, 0.5), [{ map: "softmax", size: 4 }]);
    const refused = thrown(() =>
      relaxedDescent(soft, samples, { ...options, update: proximalUpdate(stateNormBall(0.5)) }),
    );
    expect(refused.code).toBe("parameter");
  });
});
