/** @file Laws of the learned CT models: hypotheses checked, KKT at the answer, gradients, proofs that tell good answers from bad. */

import { describe, expect, it } from "vitest";
import { simulate } from "../../src/applications/ct/examples.js";
import { fbp, hann } from "../../src/applications/ct/fbp.js";
import { adaptiveConvex } from "../../src/applications/ct/methods/adaptive.js";
import { adaptiveMethod } from "../../src/applications/ct/methods/adaptive-method.js";
import { starts } from "../../src/applications/ct/methods/external.js";
import { LEARNED } from "../../src/applications/ct/methods/index.js";
import { logSum } from "../../src/applications/ct/methods/log-sum.js";
import { learnedProxCt, type ProxOptions } from "../../src/applications/ct/methods/prox.js";
import { released } from "../../src/applications/ct/methods/released.js";
import { filteredAdjoint, unrolledNetwork } from "../../src/applications/ct/methods/unrolled-network.js";
import { stationarity, weaklyConvex } from "../../src/applications/ct/methods/weak.js";
import { weakMethod } from "../../src/applications/ct/methods/weak-method.js";
import { weightedConvex } from "../../src/applications/ct/methods/weighted.js";
import { solverData } from "../../src/applications/ct/methods.js";
import { learnedConvex } from "../../src/applications/ct/models.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { feasibility } from "../../src/applications/ct/score.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { prove } from "../../src/certificates/certify.js";
import { checkModel } from "../../src/checks/check-model.js";
import { csrApply } from "../../src/linear/csr.js";
import { compileModel, type Weights } from "../../src/model.js";
import { random } from "../../src/random.js";
import { relaxed } from "../../src/solvers/relaxed.js";
import { gather } from "../../src/solvers/rows.js";
import { interpret } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { mapTensors } from "../../src/tensor/tree.js";
import { gradient } from "../../src/tensor/vjp.js";
import { checkDescent } from "../../src/training/check-descent.js";
import { initialArrays, networkInputs, networkSize } from "../../src/training/network.js";

const ct = tomography({ size: 8, angles: 5 });
const images = [0, 1].map((i) => ellipses({ size: 8, random: random(11).fork(i) }));
const measurements = images.map((image, i) => simulate(ct, image, 11, `image ${i}`));
const data = solverData(measurements);
const one = solverData(measurements.slice(0, 1));
const target = { shape: [1, 1, 8, 8], data: images[0]! };
const prox: ProxOptions = { channels: 3, hidden: 4, rho: 0.8, seed: 1 };
const weakOptions = { count: 3, size: 3, rho: 0.8, knee: 4 };
const exactly = { tolerance: 1e-5, maxSteps: 40_000, strict: false } as const;

const models = [["l2o_prox", learnedProxCt(ct, prox)]] as const;

it("l2o_weak meets what its guarantees rest on", () => {
  const model = weaklyConvex(ct, weakOptions);
  const { checks } = checkModel(model, model.initialWeights(), one);
  expect(checks.length).toBeGreaterThan(3);
  expect(checks.filter(({ holds }) => !holds)).toEqual([]);
});

describe.each(models)("%s", (_, model) => {
  // γ is the ratio of the steps too, of which this small geometry needs another.
  const weights = { ...model.initialWeights(), gamma: { shape: [1], data: Float32Array.of(Math.log(10)) } };

  it("meets what its guarantees rest on", () => {
    const { checks } = checkModel(model, weights, one);
    expect(checks.length).toBeGreaterThan(3);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
  });

  it("converges: KKT residuals of every term vanish, and the answer is feasible", async () => {
    await using compiled = await compileModel(model, weights, { solver: relaxed(1.9), threads: 1 });
    const { status, residual, x } = await compiled.solve(data, exactly);
    expect(status).toEqual(["converged", "converged"]);
    for (const named of residual) {
      for (const value of Object.values(named)) expect(value).toBeLessThan(1e-5);
    }
    measurements.forEach((measurement, n) => {
      const { box, fidelity } = feasibility(ct, x.data.slice(64 * n, 64 * n + 64), measurement);
      expect(box).toBe(0);
      expect(fidelity).toBeLessThan(0.801);
    });
  });
});

// Not of l2o_prox: its exact gradient goes backwards through the norm bound of its layer once for each of hundreds of unit vectors.
it("l2o_weak is trained downhill by JFB", async () => {
  const model = weaklyConvex(ct, weakOptions);
  const [found] = await checkDescent(model, model.initialWeights(), { data: one, target }, { tolerance: 1e-2 });
  expect(found!.cosine).toBeGreaterThan(0);
});

describe("log-sum", () => {
  const [tau, epsilon] = [1.3, 0.7];
  const f = (u: number) => tau * epsilon * Math.log(1 + Math.abs(u) / epsilon);
  const v = input("v", ["N", 1]);
  const lambda = input("lambda", []);
  const function_ = logSum(input("tau", [1]), input("epsilon", [1]));
  const feeds = (value: number, step: number) => ({
    v: { shape: [1, 1], data: Float64Array.of(value) },
    lambda: { shape: [], data: Float64Array.of(step) },
    tau: { shape: [1], data: Float64Array.of(tau) },
    epsilon: { shape: [1], data: Float64Array.of(epsilon) },
  });

  it.each([-2, -0.9, -0.1, 0, 0.3, 0.66, 1.5])("prox of %s is the least of f(u) + (u − v)²/(2λ) on a grid", (value) => {
    for (const step of [0.05, 0.3, 0.5]) {
      const [p] = interpret([function_.prox(v, lambda)], feeds(value, step));
      const objective = (u: number) => f(u) + (u - value) ** 2 / (2 * step);
      const grid = Array.from({ length: 60_001 }, (_, i) => -3 + i / 10_000);
      const least = grid.reduce((best, u) => (objective(u) < objective(best) ? u : best), 0);
      expect(Math.abs(p!.data[0]! - least)).toBeLessThan(2e-4);
    }
  });

  it("has the value by hand and the gradient of central differences", () => {
    expect(interpret([function_.value!(v)], feeds(1.5, 1))[0]!.data[0]).toBeCloseTo(f(1.5), 12);
    const y = sum(function_.prox(v, lambda));
    const wrt = [v, lambda, input("tau", [1])];
    const own = (point: number) => interpret([y], feeds(point, 0.3))[0]!.data[0]!;
    const [slope] = interpret(gradient(y, wrt.slice(0, 1)), feeds(1.5, 0.3));
    expect(Math.abs(slope!.data[0]! - (own(1.5 + 1e-6) - own(1.5 - 1e-6)) / 2e-6)).toBeLessThan(1e-6);
  });
});

it("a weakly convex answer is feasible and proven stationary, and another feasible image is not", async () => {
  const { K, tau, epsilon } = weaklyConvex(ct, weakOptions).initialWeights();
  // Larger weights make no other problem, and few steps here.
  const strong = { shape: tau!.shape, data: tau!.data.map((value) => value + Math.log(100)) };
  const weights = { K: K!, tau: strong, epsilon: epsilon! };
  const method = weakMethod.method(ct, { manifest: { model: "ct-weak", options: weakOptions, card: {} }, weights });
  await using open = await method.open({ threads: 1 });
  const solved = await open.reconstruct(measurements, { tolerance: 1e-5, maxSteps: 20_000 });
  const { x, proofs, duals } = open.prove(measurements, solved);
  const proof = stationarity(ct, weakOptions, weights);
  measurements.forEach((measurement, n) => {
    const { verdict } = proofs[n]!;
    expect(verdict.verdict === "VERIFIED" && verdict.relativeGap).toBeLessThan(0.02);
    expect(feasibility(ct, x.data.slice(64 * n, 64 * n + 64), measurement).fidelity).toBeLessThanOrEqual(1);
    const truth = { shape: [1, 1, 8, 8], data: Float32Array.from(images[n]!) };
    const own = Object.fromEntries(Object.entries(duals).map(([name, array]) => [name, gather(array, [n])]));
    const other = proof(measurement, truth, own).verdict;
    expect(other.verdict === "VERIFIED" && other.relativeGap).toBeGreaterThan(0.05);
  });
});

describe("the convex problem of weights from data", () => {
  const model = weightedConvex(ct, { count: 4, size: 3, rho: 0.95 });
  const rng = random(4);
  const weights = { shape: [2, 4, 8, 8], data: Float32Array.from({ length: 512 }, () => 0.2 + rng.uniform()) };
  const given = { ...data, weights };

  it("is provable: its answers have a gap and meet the constraints", async () => {
    await using compiled = await compileModel(model, model.initialWeights(), { solver: relaxed(1.9), threads: 1 });
    expect(compiled.provable.provable).toBe(true);
    const solution = prove(compiled, given, await compiled.solve(given, exactly));
    solution.proofs.forEach((proof, n) => {
      const { verdict } = proof!;
      expect(verdict.verdict).toBe("VERIFIED");
      expect(verdict.verdict === "VERIFIED" && verdict.relativeGap).toBeLessThan(2e-3);
      const x = solution.x.data.slice(64 * n, 64 * n + 64);
      expect(feasibility(ct, x, measurements[n]!).fidelity).toBeLessThanOrEqual(1);
    });
  });
});

describe("l2o_adaptive", () => {
  const options = { steps: 2, width: 3, memory: 1, ...weakOptions };
  const model = adaptiveConvex(ct, options);
  const own = model.initialWeights();
  const guide = (image: (i: number) => Float32Array) => ({
    shape: [2, 1, 8, 8],
    data: Float32Array.from(images.flatMap((_, i) => [...image(i)])),
  });

  it("meets what its guarantees rest on, and is trained downhill", async () => {
    const data = { ...one, guide: { shape: [1, 1, 8, 8], data: images[1]! } };
    const { checks } = checkModel(model, own, data);
    expect(checks.length).toBeGreaterThan(3);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    const [found] = await checkDescent(model, own, { data, target }, { tolerance: 1e-2 });
    expect(found!.cosine).toBeGreaterThan(0);
  });

  it("weighs every place the same where its guide is empty, and edges of its guide less", async () => {
    await using open = await compileModel(model, own, { solver: relaxed(1.9), threads: 1 });
    const flat = await open.solve({ ...data, guide: guide(() => new Float32Array(64)) }, exactly);
    const tau = { shape: own["tau"]!.shape, data: own["tau"]!.data };
    const plain = learnedConvex(ct, { count: 3, size: 3, rho: 0.8 });
    await using convex = await compileModel(plain, { K: own["K"]!, tau }, { solver: relaxed(1.9), threads: 1 });
    const { x } = await convex.solve(data, exactly);
    expect(Math.max(...x.data.map((value, i) => Math.abs(value - flat.x.data[i]!)))).toBeLessThan(5e-3);
    const told = await open.solve({ ...data, guide: guide((i) => images[i]!) }, exactly);
    const error = (solved: typeof told) =>
      solved.x.data.reduce((sum, value, i) => sum + (value - images[i >> 6]![i & 63]!) ** 2, 0);
    expect(error(told)).toBeLessThan(0.9 * error(flat));
  });

  it("solves its second stage with the image of its network, feasibly and provably", async () => {
    const network = initialArrays(unrolledNetwork(ct, options, 3));
    const bundle = { manifest: { model: "ct-adaptive", options, card: {} }, weights: { ...network, ...own } };
    await using open = await adaptiveMethod.method(ct, bundle).open({ threads: 1 });
    const solved = await open.reconstruct(measurements, { tolerance: 1e-5, maxSteps: 20_000 });
    const { x, proofs } = open.prove(measurements, solved);
    measurements.forEach((measurement, n) => {
      const { verdict } = proofs[n]!;
      expect(verdict.verdict === "VERIFIED" && verdict.relativeGap).toBeLessThan(0.02);
      expect(feasibility(ct, x.data.slice(64 * n, 64 * n + 64), measurement).fidelity).toBeLessThanOrEqual(1);
    });
    const { read, fed } = networkInputs(unrolledNetwork(ct, options, 3));
    const [u] = interpret([unrolledNetwork(ct, options, 3).apply(read, fed).x], {
      ...Object.fromEntries(Object.entries(network).map(([name, array]) => [`params.${name}`, array])),
      "data.d": data.d,
      "data.start": starts(ct, data.d.data),
    });
    const clipped = { shape: [2, 1, 8, 8], data: Float32Array.from(u!.data, (v) => Math.min(1, Math.max(0, v))) };
    await using whole = await compileModel(model, own, { solver: relaxed(1.9), threads: 1 });
    const again = await whole.solve({ ...data, guide: clipped }, exactly);
    expect(Math.max(...solved.x.data.map((value, i) => Math.abs(value - again.x.data[i]!)))).toBeLessThan(5e-3);
  });

  it.each([
    ["l2o_weak", weakMethod, own],
    ["l2o_adaptive", adaptiveMethod, { ...initialArrays(unrolledNetwork(ct, options, 3)), ...own }],
  ] as const)("answers finitely where the data are exact: %s", async (_, method, weights) => {
    const bundle = { manifest: { model: method.manifest, options, card: {} }, weights };
    await using open = await method.method(ct, bundle).open({ threads: 1 });
    const { x } = await open.reconstruct([{ d: measurements[0]!.d, radius: 0 }], { maxSteps: 50 });
    expect(x.data.every(Number.isFinite)).toBe(true);
  });

  it("trains the regularizer alone, with the image of each slice's own measurement", async () => {
    const network = initialArrays(unrolledNetwork(ct, options, 3));
    const asked = { definition: options, phases: 2, passes: 1, slices: 1, batch: 1, learningRate: 0.05, seed: 1 };
    const trained = await adaptiveMethod.train(
      ct,
      { training: images, validation: images },
      { ...asked, vary: false, threads: 1, initial: { ...network, ...own } },
    );
    for (const [name, array] of Object.entries(network)) expect(trained.bundle.weights[name]).toEqual(array);
    expect(trained.bundle.weights["K"]!.data).not.toEqual(own["K"]!.data);
  });

  it("is not trained without a network, or with another's", async () => {
    const asked = { definition: options, ...adaptiveMethod.recipe, seed: 1, vary: false };
    const trained = (initial: Weights) =>
      adaptiveMethod.train(ct, { training: images, validation: images }, { ...asked, initial });
    await expect(trained(own)).rejects.toThrow(/l2o_adaptive: expected a trained network.*--method unrolled/s);
    await expect(trained(initialArrays(unrolledNetwork(ct, { ...options, width: 4 }, 3)))).rejects.toThrow(/W1/);
  });
});

it("the filtered adjoint is filtered backprojection", () => {
  const full = tomography({ size: 64, angles: 30 });
  const image = ellipses({ size: 64, random: random(2) });
  const d = Float32Array.from(csrApply(full.matrix, Float64Array.from(image)));
  const r = input("r", ["N", full.matrix.rows]);
  const [made] = interpret([filteredAdjoint(full)(r)], { r: { shape: [1, d.length], data: Float64Array.from(d) } });
  const expected = fbp(full, d, hann);
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((s, v, i) => s + v * b[i]!, 0);
  expect(dot(made!.data, expected) / dot(expected, expected)).toBeCloseTo(1, 1);
  const apart = Array.from(made!.data, (value, i) => value - expected[i]!);
  expect(Math.sqrt(dot(apart, apart) / dot(expected, expected))).toBeLessThan(0.1);
});

it("the released iteration is the released code's L-ADMM with its dual variables set to 0", () => {
  const step = 0.0169;
  const model = released(ct, { channels: 2, step, seed: 6 });
  const { operator, read, data: given } = model.trace();
  const z = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
  const weights = Object.fromEntries(
    Object.entries(model.initialWeights()).map(([name, { shape, data: values }]) => [
      `params.${name}`,
      { shape, data: Float64Array.from(values) },
    ]),
  );
  const feeds = {
    ...weights,
    "data.d": { shape: one.d.shape, data: Float64Array.from(one.d.data) },
    "state.x": { shape: [1, 1, 8, 8], data: Float64Array.from(images[1]!) },
  };
  const [next] = interpret([operator.read(operator.apply(z))], feeds);
  expect(Object.keys(read).length).toBe(8);
  expect(given["d"]!.shape).toEqual(["N", ct.matrix.rows]);
  // By loops: p = R(Kx), w = P(Ax), ν₁ = α(Kx − p), ν₂ = α(Ax − w), x − β(Kᵀ2ν₁ + Aᵀ2ν₂).
  const alpha = 0.1;
  const beta = step / alpha;
  const x = Float64Array.from(images[1]!);
  const w = (name: string) => weights[`params.${name}`]!.data;
  const correlate = (inputs: Float64Array[], filters: Float64Array, side: number, outs: number, transpose = false) =>
    Array.from({ length: outs }, (_, o) =>
      Float64Array.from({ length: 64 }, (_, p) => {
        const [r, q] = [Math.floor(p / 8), p % 8];
        const half = (side - 1) / 2;
        let total = 0;
        inputs.forEach((channel, c) => {
          for (let i = 0; i < side; i++)
            for (let j = 0; j < side; j++) {
              const [y, s] = transpose ? [r - i + half, q - j + half] : [r + i - half, q + j - half];
              if (y < 0 || y > 7 || s < 0 || s > 7) continue;
              const tap = transpose ? (c * outs + o) * side * side : (o * inputs.length + c) * side * side;
              total += filters[tap + i * side + j]! * channel[8 * y + s]!;
            }
        });
        return total;
      }),
    );
  const Kx = correlate([x], w("K"), 3, 2);
  let p = Kx;
  for (const name of ["R.0", "R.1", "R.2"]) {
    const bias = w(`${name}.bias`);
    p = correlate(p, w(`${name}.weight`), 5, 2).map((channel, c) =>
      channel.map((value, i) => p[c]![i]! + (value + bias[c]! < 0 ? 0.1 : 1) * (value + bias[c]!)),
    );
  }
  const Ax = csrApply(ct.matrix, x);
  const off = Ax.map((value, i) => value - one.d.data[i]!);
  const norm = (v: ArrayLike<number>) => Math.hypot(...Array.from(v));
  const radius = Math.exp(w("delta")[0]!) * norm(one.d.data);
  const nu2 = off.map((value) => alpha * value * (1 - Math.min(1, radius / norm(off))));
  const nu1 = Kx.map((channel, c) => channel.map((value, i) => alpha * (value - p[c]![i]!)));
  const back = correlate(nu1, w("K"), 3, 1, true)[0]!;
  const A = Array.from({ length: 64 }, (_, pixel) => {
    let total = 0;
    for (let row = 0; row < ct.matrix.rows; row++)
      for (let k = ct.matrix.indptr[row]!; k < ct.matrix.indptr[row + 1]!; k++)
        if (ct.matrix.indices[k] === pixel) total += ct.matrix.values[k]! * nu2[row]!;
    return total;
  });
  x.forEach((value, i) => {
    const expected = Math.min(1, Math.max(0, value - beta * 2 * (back[i]! + A[i]!)));
    expect(Math.abs(next!.data[i]! - expected)).toBeLessThan(1e-6);
  });
});

it("no learned model has more than 19,536 numbers by default", () => {
  const full = tomography({ size: 16, angles: 8 });
  const of = (name: string) => LEARNED.find((learned) => learned.name === name)!.definition as never;
  expect(learnedProxCt(full, { ...(of("l2o_prox") as ProxOptions), seed: 0 }).size + 1).toBeLessThanOrEqual(19_536);
  expect(weaklyConvex(full, of("l2o_weak")).size + 1).toBeLessThanOrEqual(19_536);
  const two = networkSize(unrolledNetwork(full, of("l2o_adaptive"), 0)) + adaptiveConvex(full, of("l2o_adaptive")).size;
  expect(two + 1).toBeLessThanOrEqual(19_536);
});
