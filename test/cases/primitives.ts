/** @file The table of primitives: for each, graphs over random inputs that exercise it. */

import * as B from "../../src/tensor/primitives/broadcast.js";
import * as C from "../../src/tensor/primitives/conv.js";
import * as Cum from "../../src/tensor/primitives/cumsum.js";
import { customVjp } from "../../src/tensor/primitives/custom-vjp.js";
import * as E from "../../src/tensor/primitives/elementwise.js";
import * as F from "../../src/tensor/primitives/fixed-point.js";
import * as G from "../../src/tensor/primitives/gather.js";
import * as L from "../../src/tensor/primitives/layout.js";
import * as Leaf from "../../src/tensor/primitives/leaf.js";
import * as M from "../../src/tensor/primitives/matmul.js";
import * as Max from "../../src/tensor/primitives/maximum.js";
import * as Sort from "../../src/tensor/primitives/sort.js";
import * as S from "../../src/tensor/primitives/sparse.js";
import type { Shape, Tensor } from "../../src/tensor/tensor.js";

/** Sizes drawn by the property test: batch, and three small extents. */
export interface Sizes {
  readonly batch: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface Case {
  readonly primitive: string;
  /** Shapes of the inputs x0, x1, …; values are drawn in [low, high]. */
  readonly inputs: (s: Sizes) => readonly Shape[];
  readonly range?: readonly [number, number];
  readonly build: (x: readonly Tensor[], s: Sizes) => Tensor;
  /** Gradient is not asked of it, because … */
  readonly noGradient?: string;
}

const unary = (primitive: string, f: (x: Tensor) => Tensor, range?: readonly [number, number]): Case => ({
  primitive,
  inputs: ({ a, b }) => [["N", a, b]],
  build: ([x]) => f(x!),
  ...(range ? { range } : {}),
});
const binary = (primitive: string, f: (x: Tensor, y: Tensor) => Tensor, range?: readonly [number, number]): Case[] => [
  { primitive, inputs: ({ a, b }) => [["N", a, b], [b]], build: ([x, y]) => f(x!, y!), ...(range ? { range } : {}) },
  {
    primitive,
    inputs: ({ a }) => [
      ["N", a],
      ["N", 1],
    ],
    build: ([x, y]) => f(x!, y!),
    ...(range ? { range } : {}),
  },
];

/** A small sparse matrix whose column blocks differ in how many rows they meet. */
export function smallSparse(rows: number, blocks: number, width: number): S.SparseMatrix {
  const columns = blocks * width;
  const indptr = [0];
  const indices: number[] = [];
  const values: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      if ((r * 7 + c * 3) % 4 === 0 && r % 5 !== 4) {
        indices.push(c);
        values.push(Math.fround(Math.sin(1 + r + 2 * c)));
      }
    }
    indptr.push(indices.length);
  }
  const csr: S.SparseRows = {
    rows,
    columns,
    indptr: Int32Array.from(indptr),
    indices: Int32Array.from(indices),
    values: Float32Array.from(values),
  };
  const groups = Array.from({ length: blocks }, (_, b) => Int32Array.from({ length: width }, (_, i) => b + i * blocks));
  return { rows: csr, tiles: S.tile(csr, groups) };
}

export const primitiveCases: readonly Case[] = [
  { primitive: "input", inputs: ({ a }) => [["N", a]], build: ([x]) => x! },
  {
    primitive: "constant",
    inputs: ({ a }) => [["N", a]],
    build: ([x], { a }) => E.mul(x!, Leaf.constant(Float32Array.from({ length: a }, (_, i) => i - 1))),
  },
  {
    primitive: "stopGradient",
    inputs: ({ a }) => [["N", a]],
    build: ([x]) => E.mul(x!, Leaf.stopGradient(E.mul(x!, 2))),
    noGradient: "it stops the gradient",
  },
  {
    primitive: "customVjp",
    inputs: ({ a }) => [["N", a], [a]],
    // The first cotangent is taken apart and put together again; the second reaches y through z alone.
    build: ([x, y]) => {
      const [u, v] = customVjp([E.mul(x!, y!), E.exp(y!)], ([g, h]) => [E.sub(E.mul(3, g!), E.mul(2, g!)), h!]);
      return E.mul(u!, v!);
    },
  },
  { primitive: "reshape", inputs: ({ a, b }) => [["N", a, b]], build: ([x], { a, b }) => B.reshape(x!, ["N", b * a]) },
  { primitive: "sum", inputs: ({ a, b }) => [["N", a, b]], build: ([x]) => B.sum(x!, [1]) },
  { primitive: "sum", inputs: ({ a, b }) => [["N", a, b]], build: ([x]) => B.sum(E.mul(x!, x!)) },
  { primitive: "broadcastTo", inputs: ({ a }) => [[a, 1]], build: ([x], { a, b }) => B.broadcastTo(x!, [a, b]) },
  {
    primitive: "broadcastTo",
    inputs: ({ a }) => [[a], ["N", a]],
    build: ([x, y]) => E.mul(B.broadcastTo(x!, y!.shape), y!),
  },
  ...binary("add", E.add),
  ...binary("sub", E.sub),
  ...binary("mul", E.mul),
  ...binary("div", E.div, [0.5, 2]),
  ...binary("max", E.max),
  ...binary("min", E.min),
  unary("neg", E.neg),
  unary("abs", E.abs),
  unary("sign", (x) => E.mul(x, E.sign(x))),
  unary("sqrt", E.sqrt, [0.5, 3]),
  unary("exp", E.exp),
  unary("log", E.log, [0.5, 3]),
  unary("tanh", E.tanh),
  unary("sigmoid", E.sigmoid),
  unary("leakyRelu", (x) => E.leakyRelu(x, 0.1)),
  unary("less", (x) => E.select(E.less(x, 0.1), x, E.mul(2, x))),
  unary("lessEqual", (x) => E.select(E.lessEqual(0.1, x), x, E.mul(x, x))),
  {
    primitive: "select",
    inputs: ({ a }) => [["N", a], [a], ["N", 1]],
    build: ([x, y, z]) => E.select(E.less(x!, z!), E.mul(x!, y!), z!),
  },
  { primitive: "transpose", inputs: ({ a, b, c }) => [["N", a, b, c]], build: ([x]) => L.transpose(x!, [0, 3, 1, 2]) },
  { primitive: "slice", inputs: ({ a, b }) => [["N", a + 2, b]], build: ([x], { a }) => L.slice(x!, 1, 1, a + 1) },
  { primitive: "pad", inputs: ({ a, b }) => [["N", a, b]], build: ([x]) => L.pad(x!, 2, 1, 2) },
  {
    primitive: "concat",
    inputs: ({ a, b }) => [
      ["N", a, b],
      ["N", 2, b],
    ],
    build: ([x, y]) => L.concat([x!, y!, x!], 1),
  },
  { primitive: "maximum", inputs: ({ a, b }) => [["N", a, b]], build: ([x]) => Max.maximum(x!, [1, 2]) },
  { primitive: "argmax", inputs: ({ a, b }) => [["N", a, b + 1]], build: ([x]) => E.add(Max.argmax(x!), x!) },
  {
    primitive: "argmax",
    inputs: ({ a }) => [["N", a]],
    build: ([x]) => E.add(G.gather(x!, Max.argmax(x!)), x!),
  },
  unary("sort", (x) => Sort.sort(x).values),
  unary("sort", (x) => Sort.sortDescending(x).values),
  unary("sort", (x) => E.add(Sort.sort(x).order, x)),
  unary("sort", (x) => E.mul(Sort.sortDescending(x).order, x)),
  { primitive: "sort", inputs: ({ a, b }) => [[a, b]], build: ([x]) => Sort.sort(x!).values },
  // Half of the elements are equal.
  unary("sort", (x) => E.add(Sort.sortDescending(E.max(x, 0)).order, x)),
  unary("cumsum", Cum.cumsum),
  { primitive: "cumsum", inputs: ({ b }) => [[b]], build: ([x]) => Cum.cumsum(E.mul(x!, x!)) },
  {
    primitive: "gather",
    inputs: ({ a, b }) => [
      ["N", a, b],
      ["N", a, b],
    ],
    build: ([x, y]) => G.gather(x!, Sort.sort(y!).order),
  },
  {
    primitive: "scatterAdd",
    inputs: ({ a, b }) => [
      ["N", a, b],
      ["N", a, b],
      ["N", a, b],
    ],
    build: ([x, y, z]) => G.scatterAdd(x!, Sort.sort(y!).order, z!),
  },
  {
    primitive: "scatterAdd",
    inputs: ({ a, b }) => [
      ["N", a, 3],
      ["N", a, b],
    ],
    // Every element of y falls on one place, the 0th.
    build: ([x, y]) => G.scatterAdd(x!, B.zeros(y!.shape), y!),
  },
  {
    primitive: "matmul",
    inputs: ({ a, b }) => [
      ["N", a],
      [a, b],
    ],
    build: ([x, y]) => M.matmul(x!, y!),
  },
  {
    primitive: "matmul",
    inputs: ({ a, b, c }) => [
      ["N", a, b],
      ["N", b, c],
    ],
    build: ([x, y]) => M.matmul(x!, y!),
  },
  {
    primitive: "matmul",
    inputs: ({ a, b, c }) => [
      [a, b],
      ["N", b, c],
    ],
    build: ([x, y]) => M.matmul(x!, y!),
  },
  {
    primitive: "matmulTransposed",
    inputs: ({ a, b }) => [
      ["N", a],
      ["N", b],
    ],
    build: ([x, y]) => M.matmulTransposed(x!, y!),
  },
  {
    primitive: "conv2d",
    inputs: ({ a, b, c }) => [
      ["N", a, b + 2, c + 3],
      [2, a, 3, 3],
    ],
    build: ([x, w]) => C.conv2d(x!, w!, 1),
  },
  {
    primitive: "conv2d",
    inputs: ({ a, b, c }) => [
      ["N", a, b + 2, c + 3],
      [2, a, 3, 3],
    ],
    build: ([x, w]) => C.conv2d(x!, w!, 0),
  },
  {
    primitive: "conv2dAdjoint",
    inputs: ({ a, b, c }) => [
      ["N", 3, b + 2, c + 3],
      [3, a, 3, 3],
    ],
    build: ([y, w]) => C.conv2dAdjoint(y!, w!, 1),
  },
  {
    primitive: "conv2dAdjoint",
    inputs: ({ a, b, c }) => [
      ["N", 2, b, c],
      [2, a, 3, 3],
    ],
    build: ([y, w]) => C.conv2dAdjoint(y!, w!, 0),
  },
  {
    primitive: "conv2d",
    inputs: ({ b, c }) => [
      ["N", 2, b + 2, c + 3],
      [2, 9, 3, 3],
    ],
    build: ([y, w]) => C.conv2dAdjoint(y!, w!, 1),
  },
  { primitive: "flipFilter", inputs: ({ a, b }) => [[a, b, 3, 3]], build: ([w]) => C.flipFilter(w!) },
  {
    primitive: "conv2dFilter",
    inputs: ({ a, b, c }) => [
      ["N", a, b + 2, c + 2],
      ["N", 2, b + 2, c + 2],
    ],
    build: ([x, g]) => C.conv2dFilter(x!, g!, 1),
  },
  {
    primitive: "conv2dFilter",
    inputs: ({ a, b, c }) => [
      ["N", a, b + 2, c + 2],
      ["N", 2, b, c],
    ],
    build: ([x, g]) => C.conv2dFilter(x!, g!, 0),
  },
  {
    primitive: "conv2dFilter",
    inputs: ({ b, c }) => [
      ["N", 4, b + 4, c + 4],
      ["N", 3, b + 4, c + 4],
    ],
    build: ([x, g]) => C.conv2dFilter(x!, g!, 2),
  },
  {
    primitive: "conv2dFilter",
    inputs: ({ b, c }) => [
      ["N", 4, b + 2, c + 2],
      ["N", 2, b + 5, c + 5],
    ],
    build: ([x, g]) => C.conv2dFilter(x!, g!, 2),
  },
  {
    primitive: "conv2dFilter",
    inputs: ({ b, c }) => [
      ["N", 4, b + 4, c + 4],
      ["N", 2, b + 2, c + 2],
    ],
    build: ([x, g]) => C.conv2dFilter(x!, g!, 0),
  },
  {
    primitive: "sparseMatmul",
    inputs: () => [["N", 12]],
    build: ([x], { a }) => S.sparseMatmul(x!, smallSparse(4 + a, 3, 4)),
  },
  {
    primitive: "sparseMatmul",
    inputs: ({ a }) => [["N", 4 + a]],
    build: ([x], { a }) => S.sparseMatmul(x!, smallSparse(4 + a, 3, 4), true),
  },
  {
    primitive: "fixedPoint",
    inputs: ({ a }) => [["N", a], [a]],
    build: ([x, y]) =>
      F.iterate(
        [x!, B.zeros(["N"])],
        ([z, k]) => ({ next: [E.add(E.mul(0.5, z!), y!), E.add(k!, 1)], again: E.less(Max.maximum(k!), 3) }),
        10,
      )[0]!,
    noGradient: "a backward rule attaches it",
  },
];
