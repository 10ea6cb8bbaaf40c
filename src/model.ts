/** @file A model: named parameters, a problem made of them and the data, and the operator that solves it. */

import type { DualOptions } from "./dual.js";
import type { Device } from "./engine/device.js";
import { lifetime } from "./engine/lifetime.js";
import { compile, type EngineOptions, type Float32 } from "./engine/session.js";
import { specialiser } from "./engine/specialise.js";
import { VouchError } from "./errors.js";
import type { Operator } from "./operator.js";
import type { Problem } from "./problem.js";
import { perSample } from "./sets/set.js";
import { stepBalance } from "./solvers/balance.js";
import { type Chunk, type ChunkShape, chunk } from "./solvers/chunk.js";
import { defaultSolver } from "./solvers/default.js";
import { gather } from "./solvers/rows.js";
import { type ProveSample, runChunks, type Solution, type SolveOptions } from "./solvers/solve.js";
import type { Solver } from "./solvers/solver.js";
import { split as deriveSplitting } from "./splitting/split.js";
import { graphInputs, requireSamplewise } from "./tensor/graph.js";
import { interpret } from "./tensor/interpret.js";
import { less, select } from "./tensor/primitives/elementwise.js";
import { input } from "./tensor/primitives/leaf.js";
import { type Shape, showShape, type Tensor } from "./tensor/tensor.js";
import { tensorLeaves } from "./tensor/tree.js";
import type { Bounds } from "./verify/bounds.js";
import { type Proof, type Provable, type Prover, prover } from "./witness.js";

/** A learned array: how it starts and how the model reads it. */
export interface Param {
  readonly shape: readonly number[];
  init(): Float32Array;
  /** What the problem sees of the stored array; the array itself by default. */
  readonly read?: (raw: Tensor) => Tensor;
  /** Where training puts the stored array after each step, as on a set that a guarantee rests on; where the step left it by default. */
  readonly project?: (raw: Tensor) => Tensor;
}

type Params = Readonly<Record<string, Param>>;
type Read<P extends Params> = { readonly [K in keyof P]: Tensor };
type Data<D extends Readonly<Record<string, Shape>>> = { readonly [K in keyof D]: Tensor };

export interface Definition<P extends Params, D extends Readonly<Record<string, Shape>>> {
  readonly name: string;
  readonly params: P;
  /** Shapes of the data of one inference, sample axis first. */
  readonly data: D;
  problem(params: Read<P>, data: Data<D>): Problem;
  /** Prior bound and slacks of a proof of optimality, see `dualBounds`. */
  readonly dual?: DualOptions;
  /**
   * The splitting, or an operator made by hand from the same tensors; derived from the problem by default, and then a solve
   * rebalances its steps between chunks.
   */
  split?(problem: Problem, params: Read<P>, data: Data<D>): Operator;
}

/** Named arrays: parameters by path. */
export type Weights = Readonly<Record<string, Float32>>;

export interface Model {
  readonly name: string;
  readonly params: Params;
  readonly data: Readonly<Record<string, Shape>>;
  /** Number of learned numbers. */
  readonly size: number;
  initialWeights(): Weights;
  /** The problem and its operator as graphs over `params.NAME` and `data.NAME`. */
  trace(): Trace;
  /** What a proof of optimality may assume or widen; part of what it proves. */
  readonly dual?: DualOptions;
}

export interface Trace {
  /** Stored parameters, and what the problem reads of them. */
  readonly params: Readonly<Record<string, Tensor>>;
  readonly read: Readonly<Record<string, Tensor>>;
  readonly data: Readonly<Record<string, Tensor>>;
  readonly problem: Problem;
  readonly operator: Operator;
}

/** Define a model; its problem is traced with symbolic tensors, nothing runs. */
export function define<P extends Params, D extends Readonly<Record<string, Shape>>>(
  definition: Definition<P, D>,
): Model {
  const { name, params, data } = definition;
  return {
    name,
    params,
    data,
    ...(definition.dual ? { dual: definition.dual } : {}),
    size: Object.values(params).reduce((total, { shape }) => total + shape.reduce((p, n) => p * n, 1), 0),
    initialWeights: () =>
      Object.fromEntries(Object.entries(params).map(([key, p]) => [key, { shape: p.shape, data: p.init() }])),
    trace: () => {
      const raw = mapRecord(params, (p, key) => input(`params.${key}`, p.shape));
      const given = mapRecord(data, (shape, key) => input(`data.${key}`, shape));
      const read = mapRecord(params, (p, key) => (p.read ? p.read(raw[key]!) : raw[key]!));
      const problem = definition.problem(read as Read<P>, given as Data<D>);
      const operator =
        definition.split?.(problem, read as Read<P>, given as Data<D>) ?? deriveSplitting(problem, stepBalance());
      const z = operator.init();
      const z1 = operator.apply(z);
      const next = tensorLeaves(z1).map(([, leaf]) => leaf);
      const made = [...next, operator.read(z), operator.metric(z), ...Object.values(operator.residuals(z, z1))];
      const sources = [...tensorLeaves(z).map(([, leaf]) => leaf), ...Object.values(given)];
      requireSamplewise(`define "${name}"`, made, new Set(sources));
      return { params: raw, read, data: given, problem, operator };
    },
  };
}

function mapRecord<V, W>(record: Readonly<Record<string, V>>, f: (value: V, key: string) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]));
}

/** Fails unless `weights` has every parameter of the model in its shape and nothing else. */
export function requireWeights(caller: string, model: Pick<Model, "name" | "params">, weights: Weights): void {
  for (const [name, { shape }] of Object.entries(model.params)) {
    const got = weights[name];
    if (got === undefined || got.shape.length !== shape.length || got.shape.some((dim, i) => dim !== shape[i])) {
      throw new VouchError("shape", {
        name: `${caller}: weights of "${model.name}"`,
        expected: `${name} of shape ${showShape(shape)}`,
        got:
          got === undefined
            ? `no ${name} (there are ${Object.keys(weights).join(", ") || "none"})`
            : showShape(got.shape),
        remedy: "Use weights that were trained for this model.",
      });
    }
  }
  const extra = Object.keys(weights).find((name) => !(name in model.params));
  if (extra !== undefined) {
    throw new VouchError("shape", {
      name: `${caller}: weights of "${model.name}"`,
      expected: Object.keys(model.params).join(", ") || "no weights",
      got: `also ${extra}`,
      remedy: "Use weights that were trained for this model.",
    });
  }
}

export interface CompileOptions extends EngineOptions {
  /** Default: see `defaultSolver`. */
  readonly solver?: Solver;
  /** Steps between residual tests, and tests between looks at progress; default 10 and 10. */
  readonly chunk?: ChunkShape;
}

/** A model with its weights, ready to solve batch after batch. */
export interface CompiledModel {
  /** Where it solves, and why there. */
  readonly device: Device;
  /** Solve for data by name, each [N, …]. */
  solve(data: Readonly<Record<string, Float32>>, options?: SolveOptions): Promise<Solution>;
  /** Whether optimality can be proven, or why not. */
  readonly provable: Provable;
  /** Repair feasibility and prove the gap of each sample of a solution to these data, in float64 without the engine. */
  prove(data: Readonly<Record<string, Float32>>, solution: Pick<Solution, "x" | "duals">): Proof[];
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const DEFAULT_CHUNK: ChunkShape = { every: 10, checks: 10 };

/** The chunk of a traced model as a flat list of outputs, in the order `runChunks` reads them. */
export function chunkOutputs(c: Chunk): Tensor[] {
  return [...c.state, c.x, c.running, c.steps, c.history, ...c.residuals, c.motion];
}

/**
 * The dual vectors with the larger bound, of the mean over the chunk and the last; P and D in the engine's float32 say when a
 * proof is worth trying.
 */
function dualOutputs(c: Chunk, bounds: Bounds): Tensor[] {
  const [mean, last] = [c.duals.mean, c.duals.last].map((y) => ({ y, D: bounds.dual(bounds.admit(y)) }));
  const better = less(last!.D, mean!.D);
  const best = Object.keys(mean!.y).map((name) => {
    const v = mean!.y[name]!;
    return select(perSample(better, v), v, last!.y[name]!);
  });
  return [...best, bounds.primal(c.x), select(better, mean!.D, last!.D)];
}

function proveRow(proving: Prover, names: readonly string[]): ProveSample {
  return (data, x, duals, n) => {
    const row = (array: Float32) => gather(array, [n]);
    const sample = Object.fromEntries(
      Object.entries(data).map(([name, array]) => [
        name.slice("data.".length),
        array.shape.length > 0 ? row(array) : array,
      ]),
    );
    const y = Object.fromEntries(names.flatMap((name) => (duals[name] ? [[name, row(duals[name])]] : [])));
    return proving.prove(sample, { x: row(x), y });
  };
}

export async function compileModel(
  model: Model,
  weights: Weights,
  options: CompileOptions = {},
): Promise<CompiledModel> {
  requireWeights("compileModel", model, weights);
  const traced = model.trace();
  const { operator } = traced;
  const shape = options.chunk ?? DEFAULT_CHUNK;
  const proving = prover(traced, weights, model.dual);
  const names = proving.bounds && operator.duals ? Object.keys(proving.bounds.y) : [];
  const solver = options.solver ?? defaultSolver(operator);
  const built = chunk(operator, solver, shape, names);
  const outputs = [...chunkOutputs(built), ...(names.length > 0 ? dualOutputs(built, proving.bounds!) : [])];
  const variable = variableInputs(outputs, traced);
  const violated = violatedConditions(operator, weights);
  await using special = await specialiser(outputs, variable, options);
  const session = await compile(await special.with(feedParams(weights)), options);
  const life = lifetime(`model "${model.name}"`, () => session.dispose());
  const run = {
    session,
    chunk: built,
    shape,
    leafShapes: built.state.map((leaf) => leaf.shape),
    violated,
    counts: solver.counts ?? {},
    ...(operator.balance ? { balance: operator.balance } : {}),
    ...(names.length > 0 ? { dual: { names, prove: proveRow(proving, names) } } : {}),
  };
  return {
    device: session.device,
    async solve(data, solveOptions = {}) {
      life.require("solve");
      return runChunks(run, feedData(model, data), solveOptions);
    },
    provable: proving.provable,
    prove: (data, { x, duals }) => {
      const fed = feedData(model, data);
      return Array.from({ length: x.shape[0]! }, (_, n) => proveRow(proving, names)(fed, x, duals, n));
    },
    dispose: life.dispose,
    [Symbol.asyncDispose]: life.dispose,
  };
}

/** Inputs of a traced graph that are not parameters. */
export function variableInputs(outputs: readonly Tensor[], traced: Trace): Tensor[] {
  const params = new Set(Object.values(traced.params));
  return graphInputs(outputs).filter((x) => !params.has(x));
}

export function feedParams(weights: Weights): Record<string, Float32> {
  return Object.fromEntries(Object.entries(weights).map(([name, array]) => [`params.${name}`, array]));
}

/** Data by `data.NAME`, checked against the model's shapes and for finite values. */
export function feedData(
  model: Pick<Model, "name" | "data">,
  data: Readonly<Record<string, Float32>>,
): Record<string, Float32> {
  let batch: number | undefined;
  return Object.fromEntries(
    Object.entries(model.data).map(([name, shape]) => {
      const array = data[name];
      if (array !== undefined && shape[0] === "N") batch ??= array.shape[0];
      const expected = shape.map((dim) => (dim === "N" ? (batch ?? dim) : dim));
      if (
        array === undefined ||
        array.shape.length !== shape.length ||
        expected.some((dim, i) => dim !== array.shape[i])
      ) {
        throw new VouchError("shape", {
          name: `solve: data "${name}" of "${model.name}"`,
          expected: showShape(shape),
          got: array === undefined ? "nothing" : showShape(array.shape),
          remedy: "Axis 0 is the sample; the others are the model's.",
        });
      }
      const bad = array.data.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new VouchError("data", {
          name: `solve: data "${name}" of "${model.name}"`,
          expected: "finite values",
          got: `${array.data[bad]} at element ${bad}`,
          remedy: "Remove or repair the measurement.",
        });
      }
      return [`data.${name}`, array];
    }),
  );
}

/** Conditions of the operator that fail at these weights, in words with both sides. */
export function violatedConditions(operator: Operator, weights: Weights): string[] {
  const conditions = operator.conditions();
  const sides = interpret(
    conditions.flatMap(({ left, right }) => [left, right]),
    feedParams(weights),
  );
  return conditions.flatMap(({ text }, i) => {
    const [left, right] = [sides[2 * i]!.data[0]!, sides[2 * i + 1]!.data[0]!];
    return left <= right ? [] : [`${text} (${left.toPrecision(4)} against ${right.toPrecision(4)})`];
  });
}
