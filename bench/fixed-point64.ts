/** @file Fixed points of one example in float64, and the slopes of its loss along directions of the weights by central differences. */

import { Matrix, pseudoInverse } from "ml-matrix";
import { feedData, feedParams, type Model, type Weights } from "../src/model.js";
import type { Operator } from "../src/operator.js";
import { balanceFeed } from "../src/solvers/balance.js";
import { type Feeds, interpret, prepare } from "../src/tensor/interpret.js";
import { sum } from "../src/tensor/primitives/broadcast.js";
import { add, mul, sub } from "../src/tensor/primitives/elementwise.js";
import { input } from "../src/tensor/primitives/leaf.js";
import { concrete, type Tensor } from "../src/tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves } from "../src/tensor/tree.js";
import { vjp } from "../src/tensor/vjp.js";
import type { Examples } from "../src/training/dataset.js";
import { squaredError } from "../src/training/squared-error.js";

/** KKT residual of what counts as a fixed point. */
const TOLERANCE = 1e-11;
/** Step of the differences, in units of the weights. */
const H = 1e-5;
/** Applications of T between two looks at the residual, and in all. */
const EVERY = 250;
const MOST = 100_000;
/** Newton's method is tried on states of at most so many numbers once the residual is this small. */
const DENSE = 200;
const NEAR = 1e-2;

export type Direction = Readonly<Record<string, Float64Array>>;

export interface FixedPoint64 {
  readonly operator: Operator;
  readonly params: Readonly<Record<string, Tensor>>;
  /** The point `state.PATH`, and everything else that graphs over it are fed. */
  readonly state: Tree;
  readonly feeds: Feeds;
  readonly residual: number;
  /** Applications of T. */
  readonly steps: number;
  /** The loss at a point, a scalar. */
  loss(point: Tree): Tensor;
  /** Slope of the loss of the whole solve along a direction of the weights. */
  slope(direction: Direction): number;
}

/**
 * Apply z⁺ = z + ω(T(z) − z) until the KKT residual is at most 1e-11. Between looks, small states are tried with Newton's
 * method on T(z) − z = 0; whatever finds a point, it counts by its residual alone, and no fixed point is an error.
 */
export function fixedPoint64(model: Model, weights: Weights, example: Examples, relaxation: number): FixedPoint64 {
  const { operator, params } = model.trace();
  const graphs = trace(operator, relaxation);
  const loss = (point: Tree) => {
    const x = operator.read(point);
    return sum(squaredError(x, input("target", x.shape)));
  };
  const read = loss(graphs.state);
  const given: Feeds = {
    ...feedData(model, example.data),
    ...feedParams(weights),
    ...balanceFeed(operator.balance, Float32Array.of(1)),
    target: example.target,
  };
  const walk = walker(graphs, given);
  const { at, ...start } = settle(model.name, walk, new Float64Array(walk.size));
  const inverse = walk.size <= DENSE ? walk.inverse(at) : undefined;
  const lossAt = (direction: Direction, by: number) => {
    const moved = Object.entries(direction).map(([name, along]) => {
      const { shape, data } = weights[name]!;
      return [`params.${name}`, { shape, data: along.map((a, k) => data[k]! + by * a) }];
    });
    const near = { ...given, ...Object.fromEntries(moved) };
    const there = walker(graphs, near);
    const found = (inverse && newton(there, at, inverse)) ?? settle(model.name, there, at);
    return interpret([read], { ...near, ...there.point("state", found.at) })[0]!.data[0]!;
  };
  return {
    operator,
    params,
    state: graphs.state,
    feeds: { ...given, ...walk.point("state", at) },
    ...start,
    loss,
    slope: (direction) => (lossAt(direction, H) - lossAt(direction, -H)) / (2 * H),
  };
}

/** Graphs over the point `state.PATH` and the vector `cotangent.PATH`. */
interface Graphs {
  readonly state: Tree;
  /** z + ω(T(z) − z) */
  readonly relaxed: readonly Tensor[];
  /** T(z) − z */
  readonly motion: readonly Tensor[];
  readonly residuals: readonly Tensor[];
  readonly cotangent: readonly Tensor[];
  /** (∂T/∂z)ᵀ cotangent */
  readonly rows: readonly Tensor[];
}

function trace(T: Operator, relaxation: number): Graphs {
  const named = (prefix: string) => mapTensors(T.init(), (leaf, path) => input(`${prefix}.${path}`, leaf.shape));
  const state = named("state");
  const next = T.apply(state);
  const [z, Tz, cotangent] = [leavesOf(state), leavesOf(next), leavesOf(named("cotangent"))];
  const motion = z.map((leaf, i) => sub(Tz[i]!, leaf));
  return {
    state,
    relaxed: z.map((leaf, i) => add(leaf, mul(relaxation, motion[i]!))),
    motion,
    residuals: Object.values(T.residuals(state, next)),
    cotangent,
    rows: vjp(Tz, cotangent, z),
  };
}

/** What there is to compute at points of T with one set of weights and data; points are vectors. */
interface Walker {
  readonly size: number;
  point(prefix: string, vector: ArrayLike<number>): Feeds;
  relaxed(z: ArrayLike<number>): number[];
  motion(z: ArrayLike<number>): number[];
  residual(z: ArrayLike<number>): number;
  /** (I − ∂T/∂z)⁺ */
  inverse(z: ArrayLike<number>): Matrix;
}

function walker({ state, relaxed, motion, residuals, cotangent, rows }: Graphs, given: Feeds): Walker {
  const leaves = tensorLeaves(state).map(([path, { shape }]) => ({ path, shape: concrete(shape, 1) }));
  const lengthOf = (shape: readonly number[]) => shape.reduce((p, n) => p * n, 1);
  const size = leaves.reduce((total, { shape }) => total + lengthOf(shape), 0);
  const point: Walker["point"] = (prefix, vector) => {
    let at = 0;
    const entries = leaves.map(({ path, shape }) => {
      const data = Float64Array.from({ length: lengthOf(shape) }, () => vector[at++]!);
      return [`${prefix}.${path}`, { shape, data }];
    });
    return Object.fromEntries(entries);
  };
  const over = (outputs: readonly Tensor[]) => {
    const run = prepare(outputs, leavesOf(state), given);
    return (z: ArrayLike<number>) => run(point("state", z)).flatMap(({ data }) => [...data]);
  };
  const residual = over(residuals);
  return {
    size,
    point,
    relaxed: over(relaxed),
    motion: over(motion),
    residual: (z) => Math.max(...residual(z)),
    inverse: (z) => {
      const run = prepare(rows, cotangent, { ...given, ...point("state", z) });
      const J = Array.from({ length: size }, (_, i) => {
        const unit = Float64Array.from({ length: size }, (__, j) => (i === j ? 1 : 0));
        return run(point("cotangent", unit)).flatMap(({ data }) => [...data]);
      });
      return pseudoInverse(Matrix.eye(size).sub(new Matrix(J)), 1e-9 / size);
    },
  };
}

interface Settled {
  readonly at: ArrayLike<number>;
  readonly residual: number;
  readonly steps: number;
}

function settle(name: string, walk: Walker, start: ArrayLike<number>): Settled {
  let at = start;
  for (let steps = EVERY; steps <= MOST; steps += EVERY) {
    for (let k = 0; k < EVERY; k++) at = walk.relaxed(at);
    const residual = walk.residual(at);
    if (residual <= TOLERANCE) return { at, residual, steps };
    if (walk.size > DENSE || residual > NEAR) continue;
    const found = newton(walk, at, walk.inverse(at));
    if (found) return { ...found, steps };
  }
  throw new Error(`${name}: residual ${walk.residual(at)} after ${MOST} steps, above ${TOLERANCE}`);
}

/** A few steps of Newton's method with one inverse; undefined where they do not arrive. */
function newton(walk: Walker, start: ArrayLike<number>, inverse: Matrix): Settled | undefined {
  let at = start;
  for (let k = 0; k < 8; k++) {
    const step = inverse.mmul(Matrix.columnVector(walk.motion(at)));
    at = Array.from(at, (value, i) => value + step.get(i, 0));
    const residual = walk.residual(at);
    if (residual <= TOLERANCE) return { at, residual, steps: 0 };
  }
  return undefined;
}

function leavesOf(tree: Tree): Tensor[] {
  return tensorLeaves(tree).map(([, leaf]) => leaf);
}
