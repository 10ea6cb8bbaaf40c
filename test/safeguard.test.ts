/** @file Solvers on the engine: proposals are tested and taken back, states start the next solve, samples stop on their own. */

import { describe, expect, it } from "vitest";
import type { Float32 } from "../src/engine/session.js";
import { indicator } from "../src/functions/indicator.js";
import { l1 } from "../src/functions/weighted-l1.js";
import { matrix } from "../src/linear/matrix.js";
import { type CompileOptions, compileModel, define, type Model } from "../src/model.js";
import { random } from "../src/random.js";
import { point } from "../src/sets/point.js";
import { perSample } from "../src/sets/set.js";
import { anderson } from "../src/solvers/anderson.js";
import { stepBalance } from "../src/solvers/balance.js";
import { defaultSolver } from "../src/solvers/default.js";
import { newtonGmres } from "../src/solvers/newton-gmres.js";
import { picard } from "../src/solvers/picard.js";
import { relaxed } from "../src/solvers/relaxed.js";
import { restarted } from "../src/solvers/restarted.js";
import { gather } from "../src/solvers/rows.js";
import { type Proposal, safeguarded } from "../src/solvers/safeguarded.js";
import type { SolveOptions } from "../src/solvers/solve.js";
import { linearizedAdmm } from "../src/splitting/linearized-admm.js";
import { proximalGradient } from "../src/splitting/proximal-gradient.js";
import { zeros } from "../src/tensor/primitives/broadcast.js";
import { add, mul } from "../src/tensor/primitives/elementwise.js";
import { constant, input } from "../src/tensor/primitives/leaf.js";
import { mapTensors, type Tree } from "../src/tensor/tree.js";
import { leastSquares } from "./cases/splittings.js";

const [m, n, batch] = [8, 12, 4];
const draw = (shape: readonly number[], seed: number): Float32 => {
  const stream = random(seed);
  const length = shape.reduce((p, k) => p * k, 1);
  return { shape, data: Float32Array.from({ length }, () => stream.normal()) };
};
const A = draw([m, n], 3).data;

/** min ‖x‖₁ s.t. Ax = d */
const pursuit: Model = define({
  name: "pursuit",
  params: {},
  data: { d: ["N", m], good: ["N"] },
  problem: (_, { d }) => ({
    sparsity: { prox: l1() },
    fidelity: { prox: indicator(point(d)), of: matrix(constant(A, [m, n])) },
  }),
  split: (problem) => linearizedAdmm(problem),
});
/** The same from steps far off, which the solve rebalances. */
const unbalanced: Model = {
  ...pursuit,
  trace: () => {
    const traced = pursuit.trace();
    return { ...traced, operator: linearizedAdmm(traced.problem, { ratio: 1000, balance: stepBalance() }) };
  },
};
const data = { d: draw([batch, m], 5), good: { shape: [batch], data: Float32Array.of(1, 0, 1, 0) } };

async function solved(options: CompileOptions, more: SolveOptions = {}, model = pursuit) {
  await using compiled = await compileModel(model, {}, options);
  return await compiled.solve(data, { tolerance: 1e-5, maxSteps: 20_000, ...more });
}
const apart = (a: Float32, b: Float32) => Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!)));

/** Goes to 10 z + 1 where `good` is 0, and to T(z), as it would have gone, where it is 1. */
const reckless: Proposal = {
  name: "reckless",
  memory: () => ({}),
  propose: (_, { Tz }) => {
    const good = input("data.good", ["N"]);
    const far = add(1, mul(-1, good));
    return {
      point: mapTensors(Tz, (leaf) => add(mul(perSample(add(1, mul(9, far)), leaf), leaf), perSample(far, leaf))),
      memory: {},
    };
  },
};
/** Not a number in every sample. */
const broken: Proposal = {
  name: "broken",
  memory: () => ({}),
  propose: (_, { Tz }) => ({ point: mapTensors(Tz, (leaf) => mul(Number.NaN, leaf)), memory: {} }),
};

describe("safeguarded", () => {
  it("takes a step back that raises a residual, in that sample alone, and counts it", async () => {
    const plain = await solved({ solver: picard() });
    const { x, counts, steps, status } = await solved({ solver: safeguarded(reckless) });
    expect(status).toEqual(new Array(batch).fill("converged"));
    expect(apart(x, plain.x)).toBeLessThan(1e-3);
    expect(counts.rejected!.map((count) => count > 0)).toEqual([false, true, false, true]);
    expect([steps[0], steps[2]]).toEqual([plain.steps[0], plain.steps[2]]);
    expect(steps[1]!).toBeGreaterThan(plain.steps[1]!);
  });

  it("tests every step where every step is looked at", async () => {
    const chunk = { every: 1, checks: 50 };
    const plain = await solved({ solver: picard(), chunk });
    const { x, counts, steps } = await solved({ solver: safeguarded(reckless), chunk });
    expect(apart(x, plain.x)).toBeLessThan(1e-3);
    expect(steps[0]!).toBeLessThan(1.01 * plain.steps[0]!);
    expect(counts.rejected![1]!).toBeGreaterThan(plain.steps[1]! / 4);
  });

  it("never goes where a proposal is not finite", async () => {
    const plain = await solved({ solver: picard() });
    const { steps, status } = await solved({ solver: safeguarded(broken) });
    expect(status).toEqual(new Array(batch).fill("converged"));
    expect(steps).toEqual(plain.steps);
  });

  it("keeps a proposal that helps, and gets away from the same one where it does not", async () => {
    const plain = await solved({ solver: picard() }, { tolerance: 1e-6 });
    const toAnswer: Proposal = {
      name: "oracle",
      memory: () => ({}),
      propose: () => ({ point: row(plain.z, 0), memory: {} }),
    };
    const { x, steps, counts } = await solved({ solver: safeguarded(toAnswer) });
    expect(steps[0]).toBe(20);
    expect(plain.steps[0]).toBeGreaterThan(20);
    expect(counts.rejected![0]).toBe(0);
    expect(Math.min(...counts.rejected!.slice(1))).toBeGreaterThan(0);
    expect(apart(x, plain.x)).toBeLessThan(1e-3);
  });
});

/** Row `n` of the z of a solve as a point {nu, x} of every sample. */
function row(z: Readonly<Record<string, Float32>>, n: number): Tree {
  const leaf = (path: string) => {
    const { data: values } = gather(z[path]!, [n]);
    return add(constant(values, [1, values.length]), zeros(["N", values.length]));
  };
  return { nu: { fidelity: leaf("nu.fidelity") }, x: leaf("x") };
}

const solvers = {
  picard,
  relaxed: () => relaxed(1.9),
  restarted,
  anderson: () => anderson(),
  newtonGmres: () => newtonGmres({ krylov: 8 }),
};
describe.each(Object.entries(solvers))("%s", (_, build) => {
  it("comes to the same answer, each sample in its own time", async () => {
    const plain = await solved({ solver: picard() }, { tolerance: 1e-6 });
    const { x, status, steps } = await solved({ solver: build() });
    expect(status).toEqual(new Array(batch).fill("converged"));
    expect(apart(x, plain.x)).toBeLessThan(2e-3);
    expect(new Set(steps).size).toBeGreaterThan(1);
  });

  it("comes to it while its steps are rebalanced", async () => {
    const plain = await solved({ solver: picard() }, { tolerance: 1e-6 });
    const chunk = { every: 10, checks: 5 };
    const { x, status } = await solved({ solver: build(), chunk }, {}, unbalanced);
    expect(status).toEqual(new Array(batch).fill("converged"));
    expect(apart(x, plain.x)).toBeLessThan(2e-3);
  });

  it("goes on from the state of a solve", async () => {
    const { z, steps, status } = await solved({ solver: build() }, { maxSteps: 100, strict: false });
    const whole = await solved({ solver: build() });
    const again = await solved({ solver: build() }, { start: z });
    expect(status).toContain("max-steps");
    again.steps.forEach((count, i) => {
      if (status[i] === "max-steps") expect(count).toBe(whole.steps[i]! - steps[i]!);
    });
  });
});

describe("defaultSolver", () => {
  it("relaxes what is firmly nonexpansive, and nothing else", () => {
    const least = { fit: { smooth: leastSquares(constant([0, 0])), of: matrix(constant([1, 0, 0, 1], [2, 2])) } };
    expect(defaultSolver(pursuit.trace().operator).name).toBe("relaxed 1.9");
    expect(defaultSolver(proximalGradient(least)).name).toBe("picard");
  });
});

describe("newtonGmres", () => {
  it("ends a smooth problem in two looks that Picard ends in hundreds of steps", async () => {
    const model = define({
      name: "valley",
      params: {},
      data: { d: ["N", 3] },
      problem: (_, { d }) => ({
        fit: { smooth: leastSquares(d), of: matrix(constant([1, 0, 0, 0, 0.2, 0, 0, 0, 0.1], [3, 3])) },
      }),
    });
    const steps = async (options: CompileOptions) => {
      await using compiled = await compileModel(model, {}, options);
      const { steps } = await compiled.solve({ d: draw([batch, 3], 9) }, { tolerance: 1e-4 });
      return Math.max(...steps);
    };
    expect(await steps({ solver: newtonGmres({ krylov: 3 }) })).toBeLessThanOrEqual(30);
    expect(await steps({ solver: anderson() })).toBeLessThan(200);
    expect(await steps({})).toBeGreaterThan(300);
  });

  it("refuses a number of Krylov steps that is none", () => {
    expect(() => newtonGmres({ krylov: 0 })).toThrow(/newtonGmres: krylov: expected an integer ≥ 1/);
    expect(() => anderson({ memory: 0 })).toThrow(/anderson: expected memory an integer ≥ 1/);
  });
});
