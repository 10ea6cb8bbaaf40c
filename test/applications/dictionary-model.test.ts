import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dictionaryProblem, signals } from "../../src/applications/dictionary/data.js";
import { dictionarySolver, evaluateDictionary } from "../../src/applications/dictionary/evaluate.js";
import { dictionaryFigureData } from "../../src/applications/dictionary/figures.js";
import { leastSquares } from "../../src/applications/dictionary/least-squares.js";
import { implicitDictionary } from "../../src/applications/dictionary/model.js";
import { freeShrinkage, sparseRecovery, tiedW, tiedW2 } from "../../src/applications/dictionary/sparse-recovery.js";
import { trainDictionary } from "../../src/applications/dictionary/train.js";
import { calibrate } from "../../src/certificates/calibration.js";
import { certify } from "../../src/certificates/certify.js";
import { parseBundle } from "../../src/files/bundle.js";
import { formatCheckpoint, parseCheckpoint } from "../../src/files/checkpoint.js";
import { compileModel, define } from "../../src/model.js";
import { random } from "../../src/random.js";
import { proximalGradient } from "../../src/splitting/proximal-gradient.js";
import { interpret } from "../../src/tensor/interpret.js";
import { mul } from "../../src/tensor/primitives/elementwise.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import type { Checkpoint } from "../../src/training/fit.js";

const engine = { threads: 1 };
const problem = dictionaryProblem(3, { m: 24, n: 40, r: 16 });
const recipe = { ...engine, problem, count: 400, validation: 50, batch: 50, passes: 5, phases: 3, learningRate: 5e-3 };
const quick = { ...engine, tolerance: 1e-3, maxSteps: 3000 };
const trained = trainDictionary(recipe);

function relative(x: ArrayLike<number>, truth: ArrayLike<number>): number {
  const squares = (f: (i: number) => number) => Array.from(truth).reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return Math.sqrt(squares((i) => x[i]! - truth[i]!) / squares((i) => truth[i]!));
}

describe("implicitDictionary", () => {
  it("has n² weights, and steps within the guarantee at any of them", async () => {
    const model = implicitDictionary(problem);
    expect(model.size).toBe(1600);
    const { d } = signals(problem, 4, "train");
    for (const scale of [1e-3, 1, 50]) {
      const { K } = model.initialWeights();
      const weights = { K: { shape: K!.shape, data: K!.data.map((value) => scale * value) } };
      await using compiled = await compileModel(model, weights, engine);
      const { violated, status } = await compiled.solve({ d: { shape: [4, 24], data: d } }, { tolerance: 1e-2 });
      expect(violated).toEqual([]);
      expect(new Set(status)).toEqual(new Set(["converged"]));
    }
  });

  it("answers 0 to d = 0", async () => {
    const model = implicitDictionary(problem);
    await using compiled = await compileModel(model, model.initialWeights(), engine);
    const { x, status } = await compiled.solve({ d: { shape: [1, 24], data: new Float32Array(24) } });
    expect(status).toEqual(["converged"]);
    expect(x.data.every((value) => value === 0)).toBe(true);
  });
});

describe("trainDictionary", () => {
  it("learns what least squares and an untrained K do not see", async () => {
    const { bundle, result } = await trained;
    expect([result.stopped, result.phases]).toEqual(["finished", 3]);
    const figures = await evaluateDictionary(bundle, { ...quick, test: 60, calibration: 60 });
    const { x, d } = signals(problem, 60, "test");
    expect(figures.test_relative_error).toBeLessThan(0.5);
    expect(figures.test_relative_error).toBeLessThan(0.8 * relative(leastSquares(problem, d), x));
    expect(figures.size).toBe(1600);
    expect(figures.true_pass).toBeGreaterThan(0.8);
    expect(figures.inference_pass).toBeGreaterThan(0.8);
    expect(figures.wrong_fidelity_fail).toBeGreaterThan(0.98);
    expect(figures.least_squares_sparsity_fail).toBeGreaterThan(0.1);
  });

  it("resumes from a checkpoint file to the same numbers, and stops when asked to", async () => {
    const few = { ...recipe, count: 100, passes: 2 };
    const checkpoints: Checkpoint[] = [];
    const { bundle } = await trainDictionary({ ...few, onPhase: (checkpoint) => void checkpoints.push(checkpoint) });
    const bytes = formatCheckpoint({ checkpoint: checkpoints[1]!, options: {} });
    const again = await trainDictionary({ ...few, resume: parseCheckpoint(bytes).checkpoint });
    expect(again.bundle).toEqual(bundle);

    const controller = new AbortController();
    const stopped = await trainDictionary({ ...few, signal: controller.signal, onPhase: () => controller.abort() });
    expect([stopped.result.stopped, stopped.result.phases]).toEqual(["cancelled", 1]);
    expect(stopped.bundle.weights).toEqual(checkpoints[0]!.weights);
  });
});

describe("evaluateDictionary", () => {
  it("calibrates on truths, reports progress, and can be cancelled", async () => {
    const { bundle } = await trained;
    const seen: number[] = [];
    const options = { ...quick, test: 120, calibration: 60, reference: "truth" as const };
    const onProgress = ({ solved, total }: { solved: number; total: number }) => void seen.push(solved / total);
    const figures = await evaluateDictionary(bundle, { ...options, onProgress });
    expect(figures.true_pass).toBeGreaterThan(0.8);
    expect(seen.at(-1)).toBe(1);
    await expect(evaluateDictionary(bundle, { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "cancelled",
    });
  });

  it("refuses another model's file", async () => {
    const other = { manifest: { model: "ct-convex", options: {}, card: {} }, weights: {} };
    await expect(evaluateDictionary(other)).rejects.toThrow(/expected a dictionary model .* got ct-convex/);
  });
});

describe("dictionaryFigureData", () => {
  it("has four answers whose labels blame the right term", async () => {
    const { bundle } = await trained;
    const { answers, error } = await dictionaryFigureData(bundle, { ...quick, sample: 2, calibration: 60 });
    const labels = Object.fromEntries(
      answers.map(({ name, certificates }) => [
        name,
        certificates.map(({ property, label }) => `${property} ${label}`),
      ]),
    );
    expect(labels["true"]).toEqual(["sparsity pass", "fidelity pass"]);
    expect(labels["wrong"]).toContain("fidelity fail");
    expect(labels["least squares"]).toContain("fidelity pass");
    expect(labels["inference"]).toContain("fidelity pass");
    expect(error).toBeLessThan(1);
    const { code, certificates } = answers[0]!;
    expect(code.reduce((sum, value) => sum + Math.abs(value), 0)).toBeCloseTo(certificates[0]!.value, 10);
  });
});

const file = "models/dictionary.safetensors";

describe.skipIf(!existsSync(file))("models/dictionary.safetensors", () => {
  it("recovers 50 test signals to 2e-2, solved to convergence", async () => {
    const bundle = parseBundle(readFileSync(file));
    await using solver = await dictionarySolver(bundle, engine, 50);
    const { x, d } = signals(solver.problem, 50, "test");
    const solved = await solver.solve(d);
    expect(relative(solved.x.data, x)).toBeLessThanOrEqual(2e-2);
    expect(solved.status.filter((status) => status !== "converged")).toEqual([]);
  });
});

describe("sparse recovery", () => {
  const [m, n, k] = [20, 24, 5];
  const draw = (label: string, rows: number, columns: number) => {
    const stream = random(5).fork(label);
    const data = Float32Array.from({ length: rows * columns }, () => stream.normal() / Math.sqrt(columns));
    return constant(data, [rows, columns]);
  };
  const [A, W1] = [draw("A", m, n), draw("W1", k, m)];
  const tau = 0.2;
  const d = { shape: [3, m], data: Float32Array.from({ length: 3 * m }, (_, i) => Math.cos(3 * i)) };
  const solve = { tolerance: 1e-6, maxSteps: 20_000 };
  const objective = define({
    name: "sparse-recovery",
    params: {},
    data: { d: ["N", m] },
    problem: (_, data) => sparseRecovery({ A, W1, W2: tiedW2(A, W1), tau }, data.d),
    split: (stated) => proximalGradient(stated, { domain: ["N", n] }),
  });
  const operatorOnly = (W: Tensor, theta: number) =>
    define({
      name: "free-shrinkage",
      params: {},
      data: { d: ["N", m] },
      problem: () => ({}),
      split: (_, __, data) => freeShrinkage({ A, W, theta }, data.d),
    });

  it("eq. (5) with W₂ = −2AᵀW₁ᵀW₁ and eq. (6) have the same fixed point, where KKT holds", async () => {
    await using compiled = await compileModel(objective, {}, engine);
    const { x, violated } = await compiled.solve({ d }, solve);
    expect(violated).toEqual([]);
    // −∇ ∈ τ∂‖x‖₁ in float64.
    const X = input("x", ["N", n]);
    const D = input("d", ["N", m]);
    const data = sparseRecovery({ A, W1, W2: tiedW2(A, W1), tau }, D)["data"]!;
    const grad = interpret([("smooth" in data && data.smooth.grad(X)) as typeof X], { x, d })[0]!.data;
    x.data.forEach((value, i) => {
      if (value === 0) expect(Math.abs(grad[i]!)).toBeLessThanOrEqual(tau * 1.01);
      else expect(Math.abs(grad[i]! + tau * Math.sign(value))).toBeLessThanOrEqual(0.01 * tau);
    });
    expect(x.data.some((value) => value === 0) && x.data.some((value) => value !== 0)).toBe(true);
    // Eq. (6) is eq. (8) with W and θ = λτ scaled by a step λ.
    const lambda = 0.05;
    await using other = await compileModel(operatorOnly(mul(lambda, tiedW(A, W1)), lambda * tau), {}, engine);
    const stepped = await other.solve({ d }, solve);
    expect(stepped.violated).toEqual([]);
    expect(relative(stepped.x.data, x.data)).toBeLessThan(1e-3);
  });

  it("another W₂ has another fixed point", async () => {
    const untied = define({
      name: "sparse-recovery",
      params: {},
      data: { d: ["N", m] },
      problem: (_, data) => sparseRecovery({ A, W1, W2: constant(new Float32Array(n * m), [n, m]), tau }, data.d),
      split: (stated) => proximalGradient(stated, { domain: ["N", n] }),
    });
    await using tied = await compileModel(objective, {}, engine);
    await using free = await compileModel(untied, {}, engine);
    const [a, b] = [await tied.solve({ d }, solve), await free.solve({ d }, solve)];
    expect(relative(b.x.data, a.x.data)).toBeGreaterThan(1e-2);
  });

  it("eq. (8) has no objective, and its certificates say so", async () => {
    const model = operatorOnly(mul(0.05, tiedW(A, W1)), 0.01);
    await using compiled = await compileModel(model, {}, engine);
    const solution = await compiled.solve({ d }, solve);
    const calibration = calibrate({ values: {}, reference: "truth", samples: [] });
    const [first] = certify({ model, weights: {}, data: { d }, solution, calibration });
    expect(first!.objective).toBe("none");
    expect(first!.optimality).toMatchObject({ verdict: "UNVERIFIABLE", reason: "no-objective" });
    expect(first!.certificates.map(({ property }) => property)).toEqual(["convergence"]);
  });

  it("eq. (8) with a W that expands says which condition fails", async () => {
    await using compiled = await compileModel(operatorOnly(mul(-1, tiedW(A, W1)), 0.01), {}, engine);
    const { violated } = await compiled.solve({ d }, { strict: false, maxSteps: 100 });
    expect(violated.join()).toMatch(/I − 2WA/);
  });
});
