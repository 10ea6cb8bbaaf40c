/** @file What devices are compared on: every row of the primitive table, and solves of the applications. */

import { simulate } from "../../src/applications/ct/examples.js";
import { solverData } from "../../src/applications/ct/methods.js";
import { learnedConvex, totalVariation } from "../../src/applications/ct/models.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { dictionaryProblem, signals } from "../../src/applications/dictionary/data.js";
import { implicitDictionary } from "../../src/applications/dictionary/model.js";
import { compile, type EngineOptions, type Float32 } from "../../src/engine/session.js";
import { compileModel, feedData, feedParams, type Model } from "../../src/model.js";
import { random } from "../../src/random.js";
import { chunk } from "../../src/solvers/chunk.js";
import { picard } from "../../src/solvers/picard.js";
import { interpret } from "../../src/tensor/interpret.js";
import { concrete } from "../../src/tensor/tensor.js";
import { setUp } from "./draw.js";
import { primitiveCases } from "./primitives.js";

export interface Computed {
  readonly data: Float32Array | Float64Array;
  /** Milliseconds of a run that is not the first, and its solver steps. */
  readonly ms: number;
  readonly steps: number;
}

export interface Subject {
  readonly name: string;
  readonly kind: "primitive" | "application";
  /** In float64, by the interpreter. */
  reference(): Float64Array;
  compute(engine: EngineOptions): Promise<Computed>;
}

const SIZES = [
  { batch: 2, a: 3, b: 4, c: 3 },
  { batch: 3, a: 4, b: 5, c: 4 },
];

const primitives: Subject[] = primitiveCases.flatMap((row, i) =>
  SIZES.map((sizes, k) => ({
    name: `${row.primitive} (${i}.${k})`,
    kind: "primitive" as const,
    reference: () => {
      const { y, feeds } = setUp(row, sizes, 5 + 12 * k);
      return interpret([y], feeds)[0]!.data;
    },
    compute: async (engine) => {
      const { y, feeds } = setUp(row, sizes, 5 + 12 * k);
      await using session = await compile([y], engine);
      const [first] = await session.run(feeds);
      return { data: first!.data, ms: 0, steps: 0 };
    },
  })),
);

interface Solve {
  readonly model: Model;
  readonly data: Readonly<Record<string, Float32>>;
}

/** A solve from zero of `checks` tests, each after `every` steps, none of which stops it. */
function solve(name: string, { every, checks }: { every: number; checks: number }, prepare: () => Solve): Subject {
  const stop = { tolerance: 1e-20, strict: false };
  return {
    name,
    kind: "application",
    reference() {
      const { model, data } = prepare();
      const { x, state, paths } = chunk(model.trace().operator, picard(), { every, checks });
      const batch = Object.values(data)[0]!.shape[0]!;
      const zeros = paths.map((path, i) => {
        const shape = concrete(state[i]!.shape, batch);
        return [`state.${path}`, { shape, data: new Float64Array(shape.reduce((p, n) => p * n, 1)) }] as const;
      });
      const scalar = (value: number) => ({ shape: [], data: Float64Array.of(value) });
      const feeds = {
        ...feedData(model, data),
        ...feedParams(model.initialWeights()),
        ...Object.fromEntries(zeros),
        tolerance: scalar(stop.tolerance),
        tests: scalar(checks),
      };
      return interpret([x], feeds)[0]!.data;
    },
    async compute(engine) {
      const { model, data } = prepare();
      await using compiled = await compileModel(model, model.initialWeights(), {
        ...engine,
        solver: picard(),
        chunk: { every, checks },
      });
      await compiled.solve(data, { ...stop, maxSteps: every });
      const started = performance.now();
      const { x, steps } = await compiled.solve(data, { ...stop, maxSteps: every * checks });
      return { data: x.data, ms: performance.now() - started, steps: steps[0]! };
    },
  };
}

/** One slice of a generated phantom, measured with noise. */
export function slice(size: number, model: (ct: ReturnType<typeof tomography>) => Model): Solve {
  const ct = tomography({ size });
  const image = ellipses({ size, random: random(11) });
  return { model: model(ct), data: solverData([simulate(ct, image, 5, "devices")]) };
}

const SMALL = { every: 5, checks: 4 };
/** The full slice in few steps: a software adapter takes seconds for each. */
const FULL = { every: 5, checks: 2 };
export const TV_SLICE = "ct tv 128²";

const applications: Subject[] = [
  solve("ct tv 32²", SMALL, () => slice(32, (ct) => totalVariation(ct, 0.8))),
  solve("ct l2o 32²", SMALL, () => slice(32, (ct) => learnedConvex(ct, { count: 8, size: 5, rho: 0.8 }))),
  solve(TV_SLICE, FULL, () => slice(128, (ct) => totalVariation(ct, 0.8))),
  solve("dictionary", { every: 10, checks: 5 }, () => {
    const problem = dictionaryProblem(2021);
    const { d } = signals(problem, 4, "test");
    return { model: implicitDictionary(problem), data: { d: { shape: [4, problem.m], data: d } } };
  }),
];

export const subjects: readonly Subject[] = [...primitives, ...applications];

/** max |a − b| / max |b|; a value that is not finite is infinitely far. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, scale] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!);
    difference = Number.isFinite(apart) ? Math.max(difference, apart) : Number.POSITIVE_INFINITY;
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return a.length === b.length ? difference / Math.max(scale, 1e-30) : Number.POSITIVE_INFINITY;
}
