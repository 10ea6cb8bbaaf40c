/** @file Sessions end once, refuse by name afterwards, leak nothing when work throws, and can be made again. */

import { InferenceSession } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openAll } from "../../src/engine/open-all.js";
import { compile, type Float32 } from "../../src/engine/session.js";
import { specialiser } from "../../src/engine/specialise.js";
import { weightedL1 } from "../../src/functions/weighted-l1.js";
import { matrix } from "../../src/linear/matrix.js";
import { compileModel, define } from "../../src/model.js";
import { add, mul } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { adam } from "../../src/training/adam.js";
import type { TrainingSet } from "../../src/training/dataset.js";
import { fit } from "../../src/training/fit.js";
import { prepareTrainer } from "../../src/training/trainer.js";
import { quadratic } from "../cases/splittings.js";
import { failure } from "../failure.js";

const wave = (shape: readonly number[], phase = 0): Float32 => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, (_, i) => Math.sin(1 + phase + 2 * i)),
});
const lassoOf = (m: number, n: number) =>
  define({
    name: "lasso",
    params: {
      A: { shape: [m, n], init: () => wave([m, n]).data },
      tau: { shape: [n], init: () => wave([n], 1).data.map(Math.abs) },
    },
    data: { d: ["N", m] },
    problem: ({ A, tau }, { d }) => ({
      sparsity: { prox: weightedL1(tau) },
      fidelity: { prox: quadratic(d), of: matrix(A) },
    }),
  });
const lasso = lassoOf(6, 4);
const weights = lasso.initialWeights();
const data = { d: wave([3, 6], 2) };
const how = { threads: 1, chunk: { every: 5, checks: 2 } };
const trainingOf = (m: number, n: number): TrainingSet => ({
  count: 4,
  examples: (indices) => ({ data: { d: wave([indices.length, m]) }, target: wave([indices.length, n]) }),
});
const training = trainingOf(6, 4);
const steps = { warm: 5, cold: 10 };

/** Sessions of the runtime made, and still alive. */
const made: InferenceSession[] = [];
let live = 0;
/** Set by a test: the session of this number, from 0, fails. */
let refuse = Number.POSITIVE_INFINITY;
const make = InferenceSession.create.bind(InferenceSession);

beforeEach(() => {
  made.length = 0;
  live = 0;
  refuse = Number.POSITIVE_INFINITY;
  vi.spyOn(InferenceSession, "create").mockImplementation(async (...args: unknown[]) => {
    if (made.length === refuse) throw new Error("no memory left");
    const session = await (make as (...args: unknown[]) => Promise<InferenceSession>)(...args);
    const release = session.release.bind(session);
    session.release = () => {
      live--;
      return release();
    };
    made.push(session);
    live++;
    return session;
  });
});
afterEach(() => vi.restoreAllMocks());

interface Held {
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
const [x, w] = [input("x", ["N", 3]), input("w", [3])];
/** What holds sessions: how it is made, one use of it, and the name that a refusal bears. */
const holders: [string, () => Promise<Held & { use(): Promise<unknown> }>, string][] = [
  [
    "Session",
    async () => {
      const session = await compile([add(x, 1)], how);
      return { ...session, use: () => session.run({ x: wave([2, 3]) }) };
    },
    "run: expected a live session",
  ],
  [
    "Specialiser",
    async () => {
      const special = await specialiser([mul(x, mul(w, w))], [x], how);
      return { ...special, use: () => special.with({ w: wave([3]) }) };
    },
    "with: expected a live specialiser",
  ],
  [
    "CompiledModel",
    async () => {
      const compiled = await compileModel(lasso, weights, how);
      return { ...compiled, use: () => compiled.solve(data) };
    },
    'solve: expected a live model "lasso"',
  ],
  [
    "Trainer",
    async () => {
      const trainer = await prepareTrainer(lasso, adam(), { ...how, steps });
      const solve = () => trainer.solve(weights, training.examples([0, 1], 0), [0, 1], new Map());
      return { ...trainer, use: solve };
    },
    "fit: expected a live trainer",
  ],
];

describe.each(holders)("%s", (_, hold, refusal) => {
  it("works, then refuses by name, and is released once however often it is disposed", async () => {
    const held = await hold();
    await held.use();
    expect(live).toBeGreaterThan(0);
    await held.dispose();
    expect(live).toBe(0);
    await held.dispose();
    expect(live).toBe(0);
    const error = await failure(held.use());
    expect(error.message).toContain(refusal);
    expect(error.message).toContain("a disposed one");
  });

  it("is released at the end of `await using`, also when the block throws", async () => {
    const block = async () => {
      await using held = await hold();
      await held.use();
      throw new RangeError("of the block");
    };
    await expect(block()).rejects.toThrow("of the block");
    expect(made.length).toBeGreaterThan(0);
    expect(live).toBe(0);
  });
});

describe("nothing leaks when work throws midway", () => {
  it.each([0, 1, 2])("openAll, at session %i, and those after it are not begun", async (number) => {
    refuse = number;
    const opening = () => compile([add(x, 1)], how);
    const error = await failure(openAll([opening, opening, opening]));
    expect([error.code, made.length, live]).toEqual(["engine", number, 0]);
  });

  it.each([0, 1])("compileModel, at session %i", async (number) => {
    refuse = number;
    const error = await failure(compileModel(lasso, weights, how));
    expect([error.code, live]).toEqual(["engine", 0]);
  });

  it.each([0, 1])("fit, at session %i", async (number) => {
    refuse = number;
    const error = await failure(fit(lasso, weights, training, { ...how, steps }));
    expect([error.code, live]).toEqual(["engine", 0]);
  });

  it.each([0, 1, 2])("fit with weights so large that they become constants, at session %i", async (number) => {
    refuse = number;
    const large = lassoOf(130, 128);
    const error = await failure(fit(large, large.initialWeights(), trainingOf(130, 128), { ...how, steps }));
    expect([error.code, live]).toEqual(["engine", 0]);
  });

  it("fit, in the examples, the update and the validation", async () => {
    const broken = { count: 4, examples: () => ({ data: { d: wave([2, 5]) }, target: wave([2, 4]) }) };
    expect((await failure(fit(lasso, weights, broken, { ...how, steps }))).code).toBe("shape");
    expect(live).toBe(0);
    expect(
      (await failure(fit(lasso, weights, training, { ...how, steps, learningRate: Number.NaN, passes: 9 }))).code,
    ).toBe("convergence");
    expect(live).toBe(0);
    expect((await failure(fit(lasso, weights, training, { ...how, steps, validation: broken }))).code).toBe("shape");
    expect(live).toBe(0);
  });

  it("solve: the model stays, and solves the next", async () => {
    await using compiled = await compileModel(lasso, weights, how);
    expect((await failure(compiled.solve({ d: wave([3, 5]) }))).code).toBe("shape");
    expect((await failure(compiled.solve(data, { maxSteps: 5, tolerance: 1e-7 }))).code).toBe("convergence");
    expect((await failure(compiled.solve(data, { signal: AbortSignal.abort() }))).code).toBe("cancelled");
    expect(live).toBe(1);
    expect((await compiled.solve(data)).status).toEqual(["converged", "converged", "converged"]);
  });

  it("and a fit that ends well holds nothing", async () => {
    await fit(lasso, weights, training, { ...how, steps, validation: training });
    expect(made.length).toBeGreaterThan(2);
    expect(live).toBe(0);
  });
});

describe("a device that dies in a run", () => {
  const dies: [string, (session: InferenceSession) => Promise<void>, RegExp][] = [
    [
      "by an error of its own",
      async (session) => {
        session.run = () => Promise.reject(new Error("device lost\n at somewhere"));
      },
      /got device lost\./,
    ],
    ["released behind our back", (session) => session.release(), /got .*disposed/],
  ];
  it.each(dies)(
    "%s: one error with a remedy, and a model made again solves to the same bytes",
    async (_, kill, words) => {
      const tight = { tolerance: 1e-6 };
      const model = await compileModel(lasso, weights, how);
      const before = await model.solve(data, tight);
      const solver = made.at(-1)!;
      let chunks = 0;
      const error = await failure(
        model.solve(data, {
          ...tight,
          onProgress: () => {
            if (++chunks === 1) void kill(solver);
          },
        }),
      );
      expect(chunks).toBe(1);
      expect(error.code).toBe("engine");
      expect(error.message).toMatch(/^run: expected device "cpu" to compute, got /);
      expect(error.message).toMatch(words);
      expect(error.message).toContain("make them again");
      expect(error.cause).toBeInstanceOf(Error);
      await using again = await compileModel(lasso, weights, how);
      expect((await again.solve(data, tight)).x.data).toEqual(before.x.data);
    },
  );
});

describe("a run that fails", () => {
  it.each([
    ["cpu", "can be run again"],
    ["webgpu", "is final: a GPU that was lost hangs when it is asked again"],
  ] as const)("on %s it %s", async (device, _outcome) => {
    const create = vi.mocked(InferenceSession.create);
    const runs = [() => Promise.reject(new Error("lost")), () => Promise.resolve({})];
    create.mockResolvedValue({ run: () => runs.shift()!(), release: async () => {} } as unknown as InferenceSession);
    await using session = await compile([], { device });
    const first = await failure(session.run({}));
    expect(first.code).toBe("engine");
    if (device === "cpu") expect(await session.run({})).toEqual([]);
    else expect(await failure(session.run({}))).toBe(first);
  });
});
