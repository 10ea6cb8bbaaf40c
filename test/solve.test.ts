/** @file Solving on the engine: stopping sample by sample, statuses, options, errors. */

import { describe, expect, it } from "vitest";
import { compile, type Float32, type Session } from "../src/engine/session.js";
import { VouchError } from "../src/errors.js";
import type { Smooth } from "../src/functions/function.js";
import { indicator } from "../src/functions/indicator.js";
import { weightedL1 } from "../src/functions/weighted-l1.js";
import { identity } from "../src/linear/identity.js";
import { matrix } from "../src/linear/matrix.js";
import {
  type CompileOptions,
  chunkOutputs,
  compileModel,
  type Definition,
  define,
  type Model,
  type Param,
  type Weights,
} from "../src/model.js";
import type { Operator } from "../src/operator.js";
import { random } from "../src/random.js";
import { box } from "../src/sets/box.js";
import { inner } from "../src/sets/set.js";
import { chunk } from "../src/solvers/chunk.js";
import { picard } from "../src/solvers/picard.js";
import { gather } from "../src/solvers/rows.js";
import { type Proposal, safeguarded } from "../src/solvers/safeguarded.js";
import { type Progress, runChunks, type SolveOptions } from "../src/solvers/solve.js";
import { linearizedAdmm } from "../src/splitting/linearized-admm.js";
import { proximalGradient } from "../src/splitting/proximal-gradient.js";
import { reshape, sum, zeros } from "../src/tensor/primitives/broadcast.js";
import { abs, add, mul, sqrt, sub } from "../src/tensor/primitives/elementwise.js";
import { constant } from "../src/tensor/primitives/leaf.js";
import { matmulTransposed } from "../src/tensor/primitives/matmul.js";
import { maximum } from "../src/tensor/primitives/maximum.js";
import type { Shape, Tensor } from "../src/tensor/tensor.js";
import { mapTensors } from "../src/tensor/tree.js";
import { quadratic } from "./cases/splittings.js";

const draw = (shape: readonly number[], seed: number, scale = 1): Float32 => {
  const stream = random(seed);
  return {
    shape,
    data: Float32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, () => scale * stream.normal()),
  };
};
const filled = (shape: readonly number[], data: readonly number[]): Float32 => ({
  shape,
  data: Float32Array.from(data),
});
const param = (shape: readonly number[], init: () => Float32): Param => ({ shape, init: () => init().data });
const row = (array: Float32, n: number): Float32 => gather(array, [n]);

/** ½Σ wᵢ(xᵢ − dᵢ)² with 0 < w ≤ 1: the smaller w, the slower. */
function bowl(w: Tensor, d: Tensor): Smooth {
  return {
    name: "bowl",
    value: (v) => mul(0.5, inner(mul(w, sub(v, d)), sub(v, d))),
    grad: (v) => mul(w, sub(v, d)),
    lipschitz: () => constant(1),
  };
}

const bowlModel = (alpha?: number): Model =>
  define({
    name: "bowl",
    params: {},
    data: { w: ["N", 3], d: ["N", 3] },
    problem: (_, { w, d }) => ({ fit: { smooth: bowl(w, d), of: identity(["N", 3]) } }),
    split: (problem) => proximalGradient(problem, alpha === undefined ? {} : { alpha }),
  });
/** Five samples whose slowest factor per step is 0, 0.5, 0.9, 0.98 and 0.5. */
const hardness = [1, 0.5, 0.1, 0.02, 0.5];
const bowlData = {
  w: filled(
    [5, 3],
    hardness.flatMap((w) => [w, 1, 1]),
  ),
  d: draw([5, 3], 21),
};

const lassoDefinition = {
  name: "lasso",
  params: {
    A: param([6, 4], () => draw([6, 4], 31)),
    tau: param([4], () => filled([4], [0.25, 0.5, 0.5, 0.75])),
  },
  data: { d: ["N", 6] as Shape },
  problem: ({ A, tau }: Record<"A" | "tau", Tensor>, { d }: { d: Tensor }) => ({
    sparsity: { prox: weightedL1(tau) },
    fidelity: { prox: quadratic(d), of: matrix(A) },
  }),
} satisfies Definition<Record<"A" | "tau", Param>, { d: Shape }>;
const lasso = define(lassoDefinition);
const lassoData = { d: draw([4, 6], 32, 1.5) };

const FINE: CompileOptions = { threads: 1, chunk: { every: 5, checks: 4 } };

async function solve(
  model: Model,
  data: Readonly<Record<string, Float32>>,
  options: SolveOptions = {},
  how: CompileOptions = FINE,
  weights: Weights = model.initialWeights(),
) {
  await using compiled = await compileModel(model, weights, how);
  return await compiled.solve(data, options);
}

const failure = async (attempt: Promise<unknown>): Promise<VouchError> => {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VouchError);
  return error as VouchError;
};

describe("each sample stops by itself", () => {
  it("after steps that grow with its difficulty, at its own solution", async () => {
    const { x, steps, status } = await solve(bowlModel(), bowlData, { tolerance: 1e-6 });
    expect(status).toEqual(new Array(5).fill("converged"));
    expect(steps[0]).toBeLessThan(steps[1]!);
    expect(steps[1]).toBeLessThan(steps[2]!);
    expect(steps[2]).toBeLessThan(steps[3]!);
    expect(steps[1]).toBe(steps[4]);
    x.data.forEach((value, k) => {
      expect(Math.abs(value - bowlData.d.data[k]!)).toBeLessThan(2e-4);
    });
  });

  it.each([
    ["bowl", bowlModel(), bowlData],
    ["lasso", lasso, lassoData],
  ] as const)("%s: in a batch as alone", async (_, model, data) => {
    await using compiled = await compileModel(model, model.initialWeights(), FINE);
    const options = { tolerance: 1e-5 };
    const together = await compiled.solve(data, options);
    const batch = together.status.length;
    for (let n = 0; n < batch; n++) {
      const own = Object.fromEntries(Object.entries(data).map(([name, array]) => [name, row(array, n)]));
      const alone = await compiled.solve(own, options);
      expect(alone.steps[0]).toBe(together.steps[n]);
      alone.x.data.forEach((value, k) => {
        expect(Math.abs(value - row(together.x, n).data[k]!)).toBeLessThan(1e-5);
      });
    }
  });

  it("and leaves the batch: later chunks run on the samples that are left", async () => {
    const { operator } = bowlModel().trace();
    const shape = { every: 5, checks: 4 };
    const built = chunk(operator, picard(), shape);
    await using session = await compile(chunkOutputs(built), { threads: 1 });
    const sizes: number[] = [];
    const watched = {
      ...session,
      run: (feeds: Readonly<Record<string, Float32>>) => {
        sizes.push(feeds["data.d"]!.shape[0]!);
        return session.run(feeds);
      },
    };
    const run = {
      session: watched,
      chunk: built,
      shape,
      leafShapes: built.state.map((leaf) => leaf.shape),
      violated: [],
      counts: {},
    };
    const data = { "data.w": bowlData.w, "data.d": bowlData.d };
    const { steps } = await runChunks(run, data, { tolerance: 1e-6 });
    const expected = sizes.map((_, k) => steps.filter((taken) => taken > k * 20).length);
    expect(sizes).toEqual(expected);
    expect(sizes[0]).toBe(5);
    expect(sizes.at(-1)).toBe(1);
  });

  it("proves again after a proof that failed a tenth of the steps later, and at the end", async () => {
    const shape = { every: 10, checks: 2 };
    const built = chunk(lasso.trace().operator, picard(), shape);
    const row = (...values: number[]) => ({ shape: [1, values.length], data: Float32Array.from(values) });
    const state = built.state.map((leaf) => ({ shape: [1, ...leaf.shape.slice(1)], data: new Float32Array(1) }));
    let taken = 0;
    const session = {
      run: async () => {
        taken += 20;
        const named = built.names.map(() => row(1));
        // x, running, steps, history, residuals, motion, and a primal value that the dual bound meets.
        return [...state, row(0), row(1), row(20), row(1, 1), ...named, row(1, 1), row(5), row(5)];
      },
    } as unknown as Session;
    const tried: number[] = [];
    const verdict = { verdict: "UNVERIFIABLE", reason: "infeasible", detail: "", constraints: [] } as const;
    const prove = () => {
      tried.push(taken);
      return { x: row(0), moved: 0, verdict };
    };
    const run = {
      ...{ session, chunk: built, shape, violated: [], counts: {}, dual: { names: [], prove } },
      leafShapes: built.state.map(({ shape: [_, ...rest] }) => [1, ...rest.map(() => 1)]),
    };
    await runChunks(run, { d: row(0) }, { gap: 0.1, maxSteps: 480, strict: false });
    const waits = tried.slice(1, -1).map((steps, k) => (steps - tried[k]!) / tried[k]!);
    expect(tried[0]).toBe(20);
    expect(tried.at(-1)).toBe(480);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0.1);
    // Looks are 20 steps apart, so that none waits longer than a tenth and one more look.
    waits.forEach((wait, k) => {
      expect(wait).toBeLessThanOrEqual(0.1 + 20.001 / tried[k]!);
    });
    expect(tried.length).toBeLessThan(24);
  });

  it("with a residual at each test in its history, the last at or below the tolerance", async () => {
    const tolerance = 1e-5;
    const { steps, history, residual } = await solve(lasso, lassoData, { tolerance });
    history.forEach((tests, n) => {
      expect(tests).toHaveLength(steps[n]! / 5);
      expect(tests.at(-1)).toBeLessThanOrEqual(tolerance);
      for (const before of tests.slice(0, -1)) expect(before).toBeGreaterThan(tolerance);
      expect(Object.keys(residual[n]!).sort()).toEqual(["fidelity", "sparsity"]);
      expect(Math.max(...Object.values(residual[n]!))).toBe(tests.at(-1));
    });
  });
});

describe("a solve that does not converge says so", () => {
  it("max-steps: at most maxSteps, rounded up to whole tests", async () => {
    const { status, steps } = await solve(bowlModel(), bowlData, { tolerance: 1e-6, maxSteps: 32, strict: false });
    expect(status).toEqual(["converged", "converged", "max-steps", "max-steps", "converged"]);
    expect(steps[2]).toBe(35);
    expect(steps[3]).toBe(35);
  });

  it("not by the residual of a trial that was taken back, be it as small as it may", async () => {
    // Far along a flat valley relative residuals are about its slope, and the motion is large.
    const far: Proposal = {
      name: "far",
      memory: () => ({}),
      propose: (_, { z }) => ({ point: mapTensors(z, (leaf) => add(leaf, 1e3)), memory: {} }),
    };
    const data = { w: filled([1, 3], [1e-3, 1e-3, 1e-3]), d: filled([1, 3], [1, 1, 1]) };
    const options = { tolerance: 5e-3, maxSteps: 20, strict: false };
    const { status, residual, history } = await solve(bowlModel(), data, options, {
      solver: safeguarded(far),
      chunk: { every: 10, checks: 10 },
    });
    expect(history[0]!.at(-1)).toBeLessThan(5e-3);
    expect(residual[0]!["fit"]).toBeGreaterThan(5e-3);
    expect(status).toEqual(["max-steps"]);
  });

  it("non-finite: one sample's NaN leaves the others as they were, and its own x finite", async () => {
    const model = rootModel();
    const data = { d: filled([3, 1], [2, 0.1, 1.5]) };
    const { status, x, steps } = await solve(
      model,
      data,
      { tolerance: 1e-6, strict: false },
      { ...FINE, chunk: { every: 1, checks: 4 } },
    );
    expect(status).toEqual(["converged", "non-finite", "converged"]);
    for (const [n, d] of [
      [0, 2],
      [2, 1.5],
    ] as const) {
      const root = -0.25 + Math.sqrt(0.0625 + d);
      expect(Math.abs(x.data[n]! - root)).toBeLessThan(1e-5);
    }
    expect(x.data.every(Number.isFinite)).toBe(true);
    expect(steps[1]).toBeLessThan(steps[0]!);
  });

  const still = { w: filled([2, 3], [1, 1, 1, 0.5, 0.5, 0.5]), d: filled([2, 3], [1, -2, 0.5, 3, 1, -1]) };
  it.each([20, 40, 200])(
    "diverged: a step too large, with the condition that fails, within %i steps",
    async (maxSteps) => {
      const { status, violated } = await solve(bowlModel(6), still, { strict: false, maxSteps });
      expect(status).toEqual(["diverged", "diverged"]);
      expect(violated).toHaveLength(1);
      expect(violated[0]).toContain("6.000");
    },
  );

  it("diverged: linearizedAdmm with β too large", async () => {
    const broken = define({ ...lassoDefinition, split: (problem) => linearizedAdmm(problem, { beta: 16 }) });
    const { status, violated } = await solve(broken, lassoData, { strict: false, maxSteps: 200 });
    expect(status).toEqual(new Array(4).fill("diverged"));
    expect(violated).toHaveLength(1);
  });

  it("max-steps, not diverged: slow", async () => {
    const { status } = await solve(bowlModel(), bowlData, { tolerance: 1e-7, maxSteps: 10, strict: false });
    expect(new Set(status.slice(2, 4))).toEqual(new Set(["max-steps"]));
  });

  it("and throws by default, with sample, status, residual and remedy", async () => {
    const error = await failure(solve(bowlModel(), bowlData, { tolerance: 1e-6, maxSteps: 20 }));
    expect(error.code).toBe("convergence");
    expect(error.message).toMatch(
      /^solve: expected a fixed point to 1\.0e-6, got max-steps for sample 2 after 20 steps \(residual of fit \d\.\d+e-\d\)\. Raise maxSteps/,
    );
  });

  it("and the sentence names the step condition that fails", async () => {
    const error = await failure(solve(bowlModel(4), bowlData, { maxSteps: 20 }));
    expect(error.message).toContain("The step condition fails: 0 < α L ≤ 1");
  });

  it("violated is empty where the guarantees apply", async () => {
    expect((await solve(lasso, lassoData)).violated).toEqual([]);
  });
});

describe("options", () => {
  it("a warm start from z converges at the first test", async () => {
    await using bowls = await compileModel(bowlModel(), {}, FINE);
    const { z, steps } = await bowls.solve(bowlData, { tolerance: 1e-5 });
    expect(Math.max(...steps)).toBeGreaterThan(5);
    expect((await bowls.solve(bowlData, { tolerance: 1e-5, start: z })).steps).toEqual(new Array(5).fill(5));

    await using compiled = await compileModel(lasso, lasso.initialWeights(), FINE);
    const cold = await compiled.solve(lassoData, { tolerance: 1e-5 });
    const warm = await compiled.solve(lassoData, { tolerance: 1e-4, start: cold.z });
    expect(Math.min(...cold.steps)).toBeGreaterThan(5);
    expect(warm.steps).toEqual([5, 5, 5, 5]);
    warm.x.data.forEach((value, k) => {
      expect(Math.abs(value - cold.x.data[k]!)).toBeLessThan(1e-4);
    });
  });

  it("start, data and weights are not written to", async () => {
    const weights = lasso.initialWeights();
    await using compiled = await compileModel(lasso, weights, FINE);
    const { z } = await compiled.solve(lassoData, { strict: false, maxSteps: 20 });
    const given = { z, weights, lassoData };
    const before = structuredClone(given);
    const next = await compiled.solve(lassoData, { start: z, tolerance: 1e-5 });
    expect(given).toEqual(before);
    expect(next.x.data).not.toEqual(z["x"]!.data);
  });

  it("onProgress sees every chunk", async () => {
    const seen: Progress[] = [];
    const { steps } = await solve(bowlModel(), bowlData, { tolerance: 1e-6, onProgress: (p) => seen.push(p) });
    const longest = Math.max(...steps);
    expect(seen).toHaveLength(Math.ceil(longest / 20));
    expect(seen.at(-1)).toMatchObject({ samples: 5, running: 0, steps: longest, residual: 0 });
    seen.slice(0, -1).forEach((p, k) => {
      expect(p.steps).toBe(20 * (k + 1));
      expect(p.running).toBe(steps.filter((taken) => taken > p.steps).length);
      expect(p.residual).toBeGreaterThan(1e-6);
    });
  });

  it("a signal cancels, before the first chunk or between two", async () => {
    expect((await failure(solve(bowlModel(), bowlData, { signal: AbortSignal.abort() }))).code).toBe("cancelled");
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ steps }: Progress) => {
      seen.push(steps);
      if (seen.length === 2) controller.abort();
    };
    const error = await failure(
      solve(bowlModel(), bowlData, { tolerance: 1e-6, signal: controller.signal, onProgress }),
    );
    expect(error.code).toBe("cancelled");
    expect(error.message).toContain("40 steps");
    expect(seen).toEqual([20, 40]);
  });

  it.each([
    ["tolerance", { tolerance: 0 }],
    ["tolerance", { tolerance: Number.NaN }],
    ["maxSteps", { maxSteps: 0 }],
  ])("%s out of range is refused by name", async (name, options) => {
    const error = await failure(solve(lasso, lassoData, options));
    expect(error.code).toBe("parameter");
    expect(error.message).toContain(`solve: ${name}`);
  });

  it("a start of another batch is refused by path", async () => {
    const { z } = await solve(lasso, lassoData);
    const error = await failure(solve(lasso, { d: row(lassoData.d, 0) }, { start: z }));
    expect(error.code).toBe("shape");
    expect(error.message).toContain('start "nu.fidelity"');
  });

  it("a disposed model refuses to solve", async () => {
    const compiled = await compileModel(lasso, lasso.initialWeights(), FINE);
    await compiled.dispose();
    await failure(compiled.solve(lassoData));
  });
});

describe("what does not fit the model is refused by name", () => {
  const weights = lasso.initialWeights();
  const wrongWeights: [string, Weights, string][] = [
    ["a wrong shape", { ...weights, tau: filled([3], [1, 1, 1]) }, "tau of shape [4], got [3]"],
    ["a missing array", { A: weights["A"]! }, "tau of shape [4], got no tau (there are A)"],
    ["an array too many", { ...weights, K: filled([1], [1]) }, "got also K"],
  ];
  it.each(wrongWeights)("weights: %s", async (_, given, words) => {
    const error = await failure(compileModel(lasso, given, FINE));
    expect(error.code).toBe("shape");
    expect(error.message).toContain('weights of "lasso"');
    expect(error.message).toContain(words);
  });

  const NaNs = draw([2, 6], 5);
  NaNs.data[7] = Number.NaN;
  const infinite = draw([2, 6], 5);
  infinite.data[3] = Number.POSITIVE_INFINITY;
  const wrongData: [string, Readonly<Record<string, Float32>>, string, string][] = [
    ["NaN", { d: NaNs }, "data", "NaN at element 7"],
    ["Infinity", { d: infinite }, "data", "Infinity at element 3"],
    ["a wrong shape", { d: draw([2, 5], 5) }, "shape", "expected [N, 6], got [2, 5]"],
    ["a missing axis", { d: draw([6], 5) }, "shape", "expected [N, 6], got [6]"],
    ["nothing", {}, "shape", "got nothing"],
  ];
  it.each(wrongData)("data: %s", async (_, data, code, words) => {
    const error = await failure(solve(lasso, data));
    expect(error.code).toBe(code);
    expect(error.message).toContain('solve: data "d" of "lasso"');
    expect(error.message).toContain(words);
  });

  it("data: two batch sizes", async () => {
    const error = await failure(solve(bowlModel(), { w: bowlData.w, d: draw([4, 3], 1) }));
    expect(error.code).toBe("shape");
  });

  it("data: no samples", async () => {
    await failure(solve(lasso, { d: filled([0, 6], []) }));
  });
});

describe("an operator that mixes samples is an error while it is written", () => {
  const mixing: [string, (x: Tensor) => Tensor][] = [
    ["sum", (x) => sum(mul(x, x))],
    ["maximum", (x) => maximum(abs(x))],
    ["matmulTransposed", (x) => matmulTransposed(x, x)],
  ];
  it.each(mixing)("%s", (name, mix) => {
    const model = operatorModel("mixing", (x, d) => add(mul(0.5, x), mul(sum(mix(x)), d)));
    expect(() => model.trace()).toThrow(VouchError);
    expect(() => model.trace()).toThrow(new RegExp(`^define "mixing": .*${name}`));
  });
  it.each(mixing)("%s in a residual", (name, mix) => {
    const model = operatorModel(
      "mixing",
      (x, d) => add(mul(0.5, x), d),
      (x, x1) => mul(sum(mix(sub(x1, x))), reshape(abs(sub(x1, x)), ["N"])),
    );
    expect(() => model.trace()).toThrow(new RegExp(`^define "mixing": .*${name}`));
  });
  it("and one that does not is none", () => {
    const model = operatorModel("apart", (x, d) => add(mul(0.5, x), mul(reshape(sum(x, [1]), ["N", 1]), d)));
    expect(() => model.trace()).not.toThrow();
  });
});

/** x⁺ = step(x, d) for x, d of shape [N, 1]; the residual is |x⁺ − x| by default. */
function operatorModel(
  name: string,
  step: (x: Tensor, d: Tensor) => Tensor,
  residual = (x: Tensor, x1: Tensor) => reshape(abs(sub(x1, x)), ["N"]),
): Model {
  const of = (z: unknown) => (z as { x: Tensor }).x;
  let data: Tensor | undefined;
  const operator = (d: Tensor): Operator => ({
    name,
    averagedness: 1 / 2,
    init: () => ({ x: zeros(["N", 1]) }),
    apply: (z) => ({ x: step(of(z), d) }),
    read: of,
    residuals: (z, z1) => ({ motion: residual(of(z), of(z1)) }),
    conditions: () => [],
    metric: (z) => inner(of(z), of(z)),
  });
  return define({
    name,
    params: {},
    data: { d: ["N", 1] },
    problem: (_, { d }) => {
      data = d;
      return { free: { prox: indicator(box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)) } };
    },
    split: () => operator(data!),
  });
}

/** x⁺ = √(d − x/2), whose fixed point is −¼ + √(1/16 + d); from 0 the second step is NaN where d < 1/4. */
function rootModel(): Model {
  return operatorModel("root", (x, d) => sqrt(sub(d, mul(0.5, x))));
}
