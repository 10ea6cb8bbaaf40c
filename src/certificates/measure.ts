/** @file Property values of inferences, computed in float64 from the returned bytes, never by the engine. */

import type { Float32 } from "../engine/session.js";
import { VouchError } from "../errors.js";
import type { LengthProperty } from "../functions/length.js";
import { feedData, feedParams, type Model, requireWeights, type Trace, type Weights } from "../model.js";
import { isSmooth, properties } from "../problem.js";
import { balanceFeed } from "../solvers/balance.js";
import { picard } from "../solvers/picard.js";
import type { Solver } from "../solvers/solver.js";
import { graphInputs, requireSamplewise } from "../tensor/graph.js";
import { interpret } from "../tensor/interpret.js";
import { input } from "../tensor/primitives/leaf.js";
import { sameShape, showShape, type Tensor } from "../tensor/tensor.js";
import { mapTensors, tensorLeaves } from "../tensor/tree.js";

export interface Measured {
  /** What the value is: "nonzeros", "relative error". */
  readonly kind: string;
  /** ≥ 0; NaN where x is not finite. */
  readonly value: number;
  /** ‖Sx‖, of properties that are lengths. */
  readonly size?: number;
}

export interface MeasureOptions {
  /** The solver that made z; default picard(). */
  readonly solver?: Solver;
}

/** float32 x and its own z agree to this share of max |x| when the interpreter reads z. */
const READ_ROUNDING = 1e-4;

/**
 * The property of each proximable term, sample by sample, in the order of the problem.
 *
 * @param x  inferences [N, …], from a solve or from elsewhere
 * @param z  the point x was read from, by path as in `Solution`: gives sparsity the solver's exact copies
 * @throws shape, data; certificate if x was not read from z; problem if a property is not one value a sample
 */
export function measureProperties(
  model: Model,
  weights: Weights,
  data: Readonly<Record<string, Float32>>,
  x: Float32,
  z?: Readonly<Record<string, Float32>>,
  { solver = picard() }: MeasureOptions = {},
): Record<string, Measured>[] {
  requireWeights("measureProperties", model, weights);
  const fed = feedData(model, data);
  const traced = model.trace();
  const shape = traced.operator.read(traced.operator.init()).shape;
  requireBatch(traced, fed, x, shape);
  const X = input("x", shape);
  const feeds: Record<string, Float32> = { ...feedParams(weights), ...fed, x };
  const made = z && readPoint(traced, solver, z, feeds);
  const { names, kinds, values, sizes } = measures(traced, X, made?.copies);
  const sources = new Set(graphInputs([...values, X]).filter((t) => t.shape[0] === "N"));
  requireSamplewise(`measureProperties: "${model.name}"`, values, sources);

  const numbers = interpret([...values, ...sizes.values(), ...(made ? [made.x] : [])], feeds).map((v) => v.data);
  if (made) requireRead(x, numbers.at(-1)!);
  const batch = x.shape[0]!;
  const width = x.data.length / batch;
  const sized = [...sizes.keys()];
  return Array.from({ length: batch }, (_, n) => {
    const finite = x.data.subarray(n * width, (n + 1) * width).every(Number.isFinite);
    return Object.fromEntries(
      names.map((name, i) => {
        const value = finite ? numbers[i]![n]! : Number.NaN;
        const size = sized.includes(name) ? { size: numbers[names.length + sized.indexOf(name)]![n]! } : {};
        return [name, { kind: kinds[i]!, value, ...size }];
      }),
    );
  });
}

/** Values by term, as `calibrate` takes them, from the measurements of many samples. */
export function valuesByTerm(measured: readonly Readonly<Record<string, Measured>>[]): Record<string, number[]> {
  return Object.fromEntries(
    Object.keys(measured[0] ?? {}).map((term) => [term, measured.map((sample) => sample[term]!.value)]),
  );
}

function measures({ problem }: Trace, X: Tensor, copies?: Readonly<Record<string, Tensor>>) {
  const measured = properties(problem, X, copies);
  const names = Object.keys(measured);
  const sizes = new Map<string, Tensor>();
  for (const name of names) {
    const term = problem[name]!;
    if (!sameShape(measured[name]!.value.shape, ["N"])) {
      throw new VouchError("problem", {
        name: `measureProperties: "${name}"`,
        expected: "a property of shape [N]",
        got: showShape(measured[name]!.value.shape),
        remedy: "Reduce over every axis but the sample's.",
      });
    }
    if (isSmooth(term)) continue;
    const { size } = (term.property ?? term.prox.property) as Partial<LengthProperty>;
    if (size) sizes.set(name, size(term.of ? term.of.apply(X) : X));
  }
  const list = Object.values(measured);
  return { names, kinds: list.map(({ kind }) => kind), values: list.map(({ value }) => value), sizes };
}

/** x and the copies read from a point fed by path. */
function readPoint(
  { operator }: Trace,
  solver: Solver,
  z: Readonly<Record<string, Float32>>,
  feeds: Record<string, Float32>,
) {
  const state = mapTensors(solver.init(operator.init()), (leaf, path) => input(`state.${path}`, leaf.shape));
  for (const [path, leaf] of tensorLeaves(state)) {
    const array = z[path];
    if (array === undefined) {
      throw new VouchError("shape", {
        name: `measureProperties: z "${path}"`,
        expected: showShape(leaf.shape),
        got: `nothing (there are ${Object.keys(z).join(", ") || "none"})`,
        remedy: "Pass the z of a Solution of this model and the solver that made it.",
      });
    }
    feeds[`state.${path}`] = array;
  }
  // At a fixed point the copies are Sx for any steps.
  const samples = Object.values(z)[0]?.shape[0] ?? 0;
  Object.assign(feeds, balanceFeed(operator.balance, new Float32Array(samples).fill(1)));
  const point = solver.point(state);
  return { x: operator.read(point), copies: operator.copies?.(point) };
}

function requireRead(x: Float32, read: Float64Array): void {
  const scale = x.data.reduce((largest, value) => Math.max(largest, Number.isFinite(value) ? Math.abs(value) : 0), 0);
  const off = x.data.findIndex(
    (value, i) => Number.isFinite(value) && !(Math.abs(value - read[i]!) <= READ_ROUNDING * scale),
  );
  if (off >= 0) {
    throw new VouchError("certificate", {
      name: "measureProperties",
      expected: "x as read from z",
      got: `${x.data[off]} at element ${off}, where z has ${read[off]!.toPrecision(7)}`,
      remedy: "Pass x and z of one Solution, or x alone: then sparsity counts by threshold.",
    });
  }
}

function requireBatch(
  { data }: Trace,
  fed: Readonly<Record<string, Float32>>,
  x: Float32,
  shape: Tensor["shape"],
): void {
  const batched = Object.entries(data).filter(([, tensor]) => tensor.shape[0] === "N");
  const batch = fed[`data.${batched[0]?.[0]}`]?.shape[0] ?? x.shape[0]!;
  const expected = shape.map((dim) => (dim === "N" ? batch : dim));
  if (!sameShape(expected, x.shape) || x.data.length !== expected.reduce((p, n) => p * n, 1)) {
    throw new VouchError("shape", {
      name: "measureProperties: x",
      expected: showShape(expected),
      got: showShape(x.shape),
      remedy: "One inference for each sample of the data.",
    });
  }
  for (const [name] of batched) {
    const rows = fed[`data.${name}`]!.shape[0]!;
    if (rows !== batch) {
      throw new VouchError("shape", {
        name: `measureProperties: data "${name}"`,
        expected: `${batch} samples`,
        got: `${rows}`,
        remedy: "Axis 0 is the sample in all data.",
      });
    }
  }
}
