/** @file Fixed points of one example in float64, and the slopes of its loss along directions of the weights by central differences. */

import { Matrix, pseudoInverse } from "ml-matrix";
import { feedData, feedParams, type Model, type Weights } from "../src/model.js";
import type { Operator } from "../src/operator.js";
import { balanceFeed } from "../src/solvers/balance.js";
import { type Feeds, interpret } from "../src/tensor/interpret.js";
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
  const state = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
  const walk = walker(operator, state, relaxation);
  const loss = (point: Tree) => {
    const x = operator.read(point);
    return sum(squaredError(x, input("target", x.shape)));
  };
  const read = loss(state);
  const given: Feeds = {
    ...feedData(model, example.data),
    ...feedParams(weights),
    ...balanceFeed(operator.balance, Float32Array.of(1)),
    target: example.target,
  };
  const start = settle(model.name, walk, { ...given, ...walk.point("state", new Float64Array(walk.size)) });
  const inverse = walk.size <= DENSE ? walk.inverse(start.feeds) : undefined;
  const lossAt = (direction: Direction, by: number) => {
    const moved = Object.entries(direction).map(([name, along]) => {
      const { shape, data } = weights[name]!;
      return [`params.${name}`, { shape, data: along.map((a, k) => data[k]! + by * a) }];
    });
    const near = { ...start.feeds, ...Object.fromEntries(moved) };
    const { feeds } = (inverse && newton(walk, near, inverse)) ?? settle(model.name, walk, near);
    return interpret([read], feeds)[0]!.data[0]!;
  };
  return {
    operator,
    params,
    state,
    ...start,
    loss,
    slope: (direction) => (lossAt(direction, H) - lossAt(direction, -H)) / (2 * H),
  };
}

interface Solved {
  readonly feeds: Feeds;
  readonly residual: number;
  readonly steps: number;
}

/** What there is to compute at a point of T. */
interface Walker {
  readonly size: number;
  point(prefix: string, vector: ArrayLike<number>): Feeds;
  /** z + ω(T(z) − z) */
  next(feeds: Feeds): number[];
  /** z, and T(z) */
  pair(feeds: Feeds): readonly [number[], number[]];
  residual(feeds: Feeds): number;
  /** (I − ∂T/∂z)⁺ */
  inverse(feeds: Feeds): Matrix;
}

function walker(T: Operator, state: Tree, relaxation: number): Walker {
  const next = T.apply(state);
  const [z, Tz] = [leavesOf(state), leavesOf(next)];
  const paths = tensorLeaves(state).map(([path]) => path);
  const shapes = z.map(({ shape }) => concrete(shape, 1));
  const relaxed = z.map((leaf, i) => add(leaf, mul(relaxation, sub(Tz[i]!, leaf))));
  const residuals = Object.values(T.residuals(state, next));
  const rows = vjp(
    Tz,
    z.map(({ shape }, i) => input(`cotangent.${paths[i]}`, shape)),
    z,
  );
  const numbers = (outputs: readonly Tensor[], feeds: Feeds) =>
    interpret(outputs, feeds).flatMap(({ data }) => [...data]);
  const size = shapes.reduce((total, shape) => total + shape.reduce((p, n) => p * n, 1), 0);
  const point: Walker["point"] = (prefix, vector) => {
    let at = 0;
    const entries = paths.map((path, i) => {
      const length = shapes[i]!.reduce((p, n) => p * n, 1);
      const data = Float64Array.from({ length }, () => vector[at++]!);
      return [`${prefix}.${path}`, { shape: shapes[i]!, data }];
    });
    return Object.fromEntries(entries);
  };
  return {
    size,
    point,
    next: (feeds) => numbers(relaxed, feeds),
    pair: (feeds) => [numbers(z, feeds), numbers(Tz, feeds)],
    residual: (feeds) => Math.max(...numbers(residuals, feeds)),
    inverse: (feeds) => {
      const J = Array.from({ length: size }, (_, i) => {
        const unit = Float64Array.from({ length: size }, (__, j) => (i === j ? 1 : 0));
        return numbers(rows, { ...feeds, ...point("cotangent", unit) });
      });
      return pseudoInverse(Matrix.eye(size).sub(new Matrix(J)), 1e-9 / size);
    },
  };
}

function settle(name: string, walk: Walker, start: Feeds): Solved {
  let feeds = start;
  for (let steps = EVERY; steps <= MOST; steps += EVERY) {
    for (let k = 0; k < EVERY; k++) feeds = { ...feeds, ...walk.point("state", walk.next(feeds)) };
    const residual = walk.residual(feeds);
    if (residual <= TOLERANCE) return { feeds, residual, steps };
    if (walk.size > DENSE || residual > NEAR) continue;
    const found = newton(walk, feeds, walk.inverse(feeds));
    if (found) return { ...found, steps };
  }
  throw new Error(`${name}: residual ${walk.residual(feeds)} after ${MOST} steps, above ${TOLERANCE}`);
}

/** A few steps of Newton's method with one inverse; undefined where they do not arrive. */
function newton(walk: Walker, start: Feeds, inverse: Matrix): Solved | undefined {
  let feeds = start;
  for (let k = 0; k < 8; k++) {
    const [z, Tz] = walk.pair(feeds);
    const step = inverse.mmul(Matrix.columnVector(Tz.map((value, i) => value - z[i]!)));
    feeds = {
      ...feeds,
      ...walk.point(
        "state",
        z.map((value, i) => value + step.get(i, 0)),
      ),
    };
    const residual = walk.residual(feeds);
    if (residual <= TOLERANCE) return { feeds, residual, steps: 0 };
  }
  return undefined;
}

function leavesOf(tree: Tree): Tensor[] {
  return tensorLeaves(tree).map(([, leaf]) => leaf);
}
