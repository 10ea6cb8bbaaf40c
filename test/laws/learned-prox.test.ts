/** @file The learned prox: what it is refused, what it gives, and why it must be firmly nonexpansive. */

import { describe, expect, it } from "vitest";
import { measureProperties } from "../../src/certificates/measure.js";
import { proximalResidual } from "../../src/certificates/properties/proximal-residual.js";
import { dualBounds } from "../../src/dual.js";
import { VouchError } from "../../src/errors.js";
import type { Proximable } from "../../src/functions/function.js";
import { indicator } from "../../src/functions/indicator.js";
import { quadratic } from "../../src/functions/quadratic.js";
import { leakyRelu, tanh } from "../../src/layers/activation.js";
import { affine } from "../../src/layers/affine.js";
import { complement } from "../../src/layers/complement.js";
import { compose } from "../../src/layers/compose.js";
import { firmlyNonexpansive } from "../../src/layers/firmly-nonexpansive.js";
import type { Layer } from "../../src/layers/layer.js";
import { layerOf } from "../../src/layers/layer-of.js";
import { learnedProx } from "../../src/layers/learned-prox.js";
import { learnedSmooth } from "../../src/layers/learned-smooth.js";
import { maxMin } from "../../src/layers/max-min.js";
import { pointwise } from "../../src/layers/pointwise.js";
import { residualAverage } from "../../src/layers/residual-average.js";
import { ridgeGradient } from "../../src/layers/ridge-gradient.js";
import { identity } from "../../src/linear/identity.js";
import { matrix } from "../../src/linear/matrix.js";
import { spectrallyNormalized } from "../../src/linear/spectrally-normalized.js";
import { compileModel, define, type Param } from "../../src/model.js";
import type { Operator } from "../../src/operator.js";
import type { Problem } from "../../src/problem.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { stepBalance } from "../../src/solvers/balance.js";
import { davisYin } from "../../src/splitting/davis-yin.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { split } from "../../src/splitting/split.js";
import { interpret } from "../../src/tensor/interpret.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import { fit } from "../../src/training/fit.js";
import { unfirm } from "../adversary.js";
import { type Array64, batchOf, minus, norm, normal, rows } from "../arrays.js";
import { leastSquares } from "../cases/splittings.js";
import { running, squares } from "../points.js";

/** Rotation of the plane, 1-Lipschitz by its entries. */
const rotation = (degrees: number): Layer => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return affine(spectrallyNormalized(constant([c, -s, s, c], [2, 2]), matrix));
};

describe("linearizedAdmm with a layer in the place of a prox, its step condition met", () => {
  const STEPS = { alpha: { prior: 1 }, beta: 0.05 } as const;
  const plane = identity(["N", 2]);
  /** As learnedProx would, were it not to refuse. */
  const unchecked = (layer: Layer): Proximable => ({
    name: layer.name,
    prox: (v) => layer.apply(v),
    property: { kind: "none", measure: (v) => v },
  });
  const solve = (prox: Proximable, steps: number) => {
    const T = linearizedAdmm({ prior: { prox, of: plane } }, STEPS);
    const [left, right] = interpret([T.conditions()[0]!.left, T.conditions()[0]!.right], {}).map((v) => v.data[0]!);
    expect(left).toBeLessThanOrEqual(right!);
    const run = running(T, {}, 1);
    const end = run.apply(run.draw(3), steps);
    return { size: squares(end)[0]!, residual: run.residual(end)[0]!, x: run.read(end).data };
  };

  it.each([0, 0.1, 0.3, 0.45])(
    "diverges where it is 1-Lipschitz, and averaged with θ = %s of the identity",
    (theta) => {
      const layer = theta === 0 ? rotation(180) : residualAverage(theta, rotation(180));
      expect(() => learnedProx(layer)).toThrow(
        /^learnedProx: expected .*, got .*normalized matrix 2×2.*, 1-Lipschitz alone/,
      );
      expect(solve(unchecked(layer), 600).size).toBeGreaterThan(1e6);
    },
  );

  it.each([120, 150, 180])("converges where it is half the identity, rotation by %s degrees", (degrees) => {
    const { size, x } = solve(learnedProx(firmlyNonexpansive(rotation(degrees))), 4000);
    expect(size).toBeLessThan(100);
    expect(norm(x)).toBeLessThan(1e-3);
  });
});

/** N(0, scale²) entries from a seed. */
const gaussian = (shape: readonly number[], seed: number, scale: number): Param => ({
  shape,
  init: () => Float32Array.from(normal(shape, seed, scale).data),
});

/** A denoiser of six numbers: sorting network between normalized matrices, averaged with the identity. */
const learned = define({
  name: "learned",
  params: { A: gaussian([6, 6], 601, 1), B: gaussian([6, 6], 602, 1), b: gaussian([6], 603, 0.1) },
  data: { d: ["N", 4], delta: ["N"] },
  problem: ({ A, B, b }, { d, delta }): Problem => ({
    box: { prox: indicator(box(-2, 2)) },
    fidelity: {
      prox: indicator(ball(d, delta)),
      of: matrix(constant(Float32Array.from(normal([4, 6], 604).data), [4, 6])),
    },
    prior: {
      prox: learnedProx(
        firmlyNonexpansive(
          compose([affine(spectrallyNormalized(A, matrix), b), maxMin(), affine(spectrallyNormalized(B, matrix))]),
        ),
      ),
      of: identity(["N", 6]),
    },
  }),
});

describe("a model with a learned prox", () => {
  const truth = normal([3, 6], 611, 0.5);
  const A = normal([4, 6], 604).data;
  const data = {
    d: {
      shape: [3, 4],
      data: Float32Array.from(
        rows(truth).flatMap((x) =>
          Array.from({ length: 4 }, (_, r) => x.reduce((sum, v, c) => sum + A[6 * r + c]! * v, 0)),
        ),
      ),
    },
    delta: { shape: [3], data: Float32Array.of(0.1, 0.1, 0.1) },
  };
  const weights = learned.initialWeights();

  it("is refused a proof of optimality, by name and reason, and its solve converges to feasible answers", async () => {
    await using compiled = await compileModel(learned, weights, { threads: 1 });
    expect(compiled.provable).toMatchObject({ provable: false, reason: "no-objective" });
    expect((compiled.provable as { detail: string }).detail).toMatch(/^prior \(learned prox .*\) has no value/);
    const solution = await compiled.solve(data, { tolerance: 1e-5, maxSteps: 20_000 });
    expect(solution.status).toEqual(["converged", "converged", "converged"]);
    const proofs = compiled.prove(data, solution);
    expect(proofs.map(({ verdict }) => verdict.verdict)).toEqual(["UNVERIFIABLE", "UNVERIFIABLE", "UNVERIFIABLE"]);
    for (const measured of measureProperties(learned, weights, data, solution.x, solution.z)) {
      expect(measured["prior"]).toMatchObject({ kind: "proximal residual" });
      expect(measured["prior"]!.value).toBeGreaterThan(0);
      expect(measured["fidelity"]!.value).toBeLessThan(1e-3);
      expect(measured["box"]!.value).toBe(0);
    }
  });

  it("is solved at fixed steps: no balance is derived, and one given by hand is refused by the term's name", () => {
    expect(learned.trace().operator.balance).toBeUndefined();
    const { problem } = learned.trace();
    expect(split(problem, stepBalance()).balance).toBeUndefined();
    const byHand = () => linearizedAdmm(problem, { balance: stepBalance() });
    expect(byHand).toThrow(VouchError);
    expect(byHand).toThrow(
      'linearizedAdmm: balance: expected terms whose prox is known at every step, got the term "prior"',
    );
    const { prior: _, ...explicit } = problem;
    expect(split(explicit, stepBalance()).balance).toBeDefined();
  });

  it("answers 0 ∈ ∂h(x) + Σ Sᵀν with p = R(p + ν/α): written out, at the solution of the interpreter", () => {
    const R = firmlyNonexpansive(rotation(100));
    const d = input("d", ["N", 2]);
    const T: Operator = linearizedAdmm({
      fidelity: { prox: quadratic(d) },
      prior: { prox: learnedProx(R), of: identity(["N", 2]) },
    });
    const feeds = { d: normal([2, 2], 621) };
    const run = running(T, feeds, 2);
    const star = run.apply(run.zeros(), 2000);
    const x = run.read(star);
    const nu = star["nu.prior"]!;
    // ∇ of ½‖x − d‖² is x − d, and α = 1.
    expect(
      norm(
        minus(
          feeds.d.data,
          x.data.map((v, i) => v + nu.data[i]!),
        ),
      ),
    ).toBeLessThan(1e-9);
    const inside = { shape: x.shape, data: x.data.map((v, i) => v + nu.data[i]!) };
    const p = interpret([R.apply(input("v", ["N", 2]))], { v: inside })[0]!;
    expect(norm(minus(p.data, x.data))).toBeLessThan(1e-9);
  });
});

describe("training by JFB through a learned prox", () => {
  /** Signals along one direction with noise in six: what a denoiser can learn. */
  const denoiser = define({
    name: "denoiser",
    params: { A: gaussian([6, 6], 651, 0.5), B: gaussian([6, 6], 652, 0.5) },
    data: { d: ["N", 6] },
    problem: ({ A, B }, { d }): Problem => ({
      fidelity: { prox: quadratic(d) },
      prior: {
        prox: learnedProx(
          firmlyNonexpansive(
            compose([affine(spectrallyNormalized(A, matrix)), maxMin(), affine(spectrallyNormalized(B, matrix))]),
          ),
        ),
        of: identity(["N", 6]),
      },
    }),
  });
  const direction = normal([6], 653).data;
  const batch = (indices: readonly number[]) => {
    const target = indices.flatMap((i) => [...direction].map((v) => v * (i / 16 - 2)));
    const d = indices.flatMap((i) => [...normal([6], 700 + i, 0.7).data]).map((v, k) => v + target[k]!);
    const shape = [indices.length, 6];
    return {
      data: { d: { shape, data: Float32Array.from(d) } },
      target: { shape, data: Float32Array.from(target) },
    };
  };

  it("lowers the loss below that of the initial weights, and the layer stays firmly nonexpansive", async () => {
    const losses: number[] = [];
    const { weights } = await fit(
      denoiser,
      denoiser.initialWeights(),
      { count: 64, examples: batch },
      {
        batch: 16,
        passes: 15,
        learningRate: 2e-2,
        steps: { warm: 10, cold: 60 },
        threads: 1,
        onStep: ({ loss }) => losses.push(loss),
      },
    );
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(losses.slice(-4))).toBeLessThan(0.75 * mean(losses.slice(0, 4)));
    const { problem } = denoiser.trace();
    const layer = layerOf((problem["prior"] as { prox: Proximable }).prox)!;
    const feeds = Object.fromEntries(Object.entries(weights).map(([name, w]) => [`params.${name}`, w]));
    expect(unfirm(layer, ["N", 6], feeds).value).toBeLessThanOrEqual(1 + 1e-9);
  });
});

describe("davisYin with a learned prox", () => {
  it("converges, to a fixed point whose x is feasible", () => {
    const d = input("d", ["N", 6]);
    const T = davisYin({
      data: { smooth: leastSquares(d), of: identity(["N", 6]) },
      box: { prox: indicator(box(0, 0.5)) },
      prior: { prox: learnedProx(complement(ridgeGradient(spectrallyNormalized(input("W", [8, 6]), matrix), tanh))) },
    });
    const run = running(T, { d: normal([2, 6], 631), W: normal([8, 6], 632) }, 2);
    const star = run.apply(run.zeros(), 500);
    expect(Math.max(...run.residual(star))).toBeLessThan(1e-9);
    expect([...run.read(star).data].every((v) => v >= 0 && v <= 0.5)).toBe(true);
  });
});

describe("learnedSmooth", () => {
  const W = { W: normal([8, 6], 661, 2), b: normal([8], 662), d: normal([2, 6], 663) };
  const ridges = ridgeGradient(matrix(input("W", [8, 6])), tanh, input("b", [8]));
  const d = input("d", ["N", 6]);

  it("is a smooth term whose derived step meets its condition: d − x = ∇φ(x) at the solution", () => {
    const problem: Problem = {
      prior: { smooth: learnedSmooth(ridges), of: identity(["N", 6]) },
      fidelity: { prox: quadratic(d) },
    };
    const T = split(problem);
    const [condition] = T.conditions();
    const [left, right] = interpret([condition!.left, condition!.right], W).map((side) => side.data[0]!);
    expect(left).toBeLessThanOrEqual(right!);
    const run = running(T, W, 2);
    const x = run.read(run.apply(run.zeros(), 1500));
    const [slope] = interpret([ridges.apply(input("v", ["N", 6]))], { ...W, v: x });
    expect(norm(slope!.data)).toBeGreaterThan(0.1);
    expect(norm(minus(minus(W.d.data, x.data), slope!.data))).toBeLessThan(1e-9);
    expect(dualBounds(problem)).toMatchObject({ reason: "no-objective", detail: "prior has no conjugate" });
  });

  it("refuses a layer that is no gradient, by its name", () => {
    expect(() => learnedSmooth(maxMin())).toThrow(/^learnedSmooth: expected a layer that is the gradient.*got maxMin/);
    expect(layerOf(learnedSmooth(ridges))).toBe(ridges);
  });
});

describe("learnedProx", () => {
  const v = input("v", ["N", 4]);
  const R = firmlyNonexpansive(
    compose([affine(spectrallyNormalized(input("A", [4, 4]), matrix)), pointwise(leakyRelu(0.1))]),
  );
  const f = learnedProx(R);
  const feeds = { A: normal([4, 4], 641) };

  it("has a property that is the proximal residual: 0 at fixed points of R alone", () => {
    const at = batchOf(["N", 4], 3, 642);
    const [own, table] = interpret([f.property.measure(v), proximalResidual(f).measure(v)], { ...feeds, v: at });
    expect(own!.data).toEqual(table!.data);
    expect(own!.data.every((value) => value > 0)).toBe(true);
    let fixed: Array64 = at;
    for (let k = 0; k < 3000; k++) fixed = interpret([R.apply(v)], { ...feeds, v: fixed })[0]!;
    expect([...interpret([f.property.measure(v)], { ...feeds, v: fixed })[0]!.data]).toEqual([0, 0, 0]);
  });

  it("says which layer it is made of, at every step the same, and that there is no objective", () => {
    expect(layerOf(f)).toBe(R);
    expect(layerOf(indicator(box(0, 1)))).toBeUndefined();
    const at = batchOf(["N", 4], 2, 643);
    const [one, two] = interpret([f.prox(v, constant(1)), f.prox(v, constant(7))], { ...feeds, v: at });
    expect(one!.data).toEqual(two!.data);
    expect([f.value, f.conjugate, f.ignoresStep]).toEqual([undefined, undefined, true]);
    const bounds = dualBounds({ prior: { prox: f, of: identity(["N", 4]) } });
    expect(bounds).toMatchObject({ reason: "no-objective" });
  });
});
