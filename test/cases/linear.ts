/** @file The table of linear operators: how each is built, and how loose its norm bound may be. */

import { conv2d } from "../../src/linear/conv2d.js";
import { differences } from "../../src/linear/differences.js";
import { identity } from "../../src/linear/identity.js";
import { type Graph, incidence } from "../../src/linear/incidence.js";
import type { LinearOperator } from "../../src/linear/linear.js";
import { matrix } from "../../src/linear/matrix.js";
import { sparse } from "../../src/linear/sparse.js";
import { spectrallyNormalized } from "../../src/linear/spectrally-normalized.js";
import { stack } from "../../src/linear/stack.js";
import { symbolBound, torusBound } from "../../src/linear/symbol.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { concat, slice } from "../../src/tensor/primitives/layout.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import type { SparseRows } from "../../src/tensor/primitives/sparse.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { type Array64, normal } from "../arrays.js";

export interface LinearCase {
  readonly factory: string;
  readonly title: string;
  readonly build: () => LinearOperator;
  /** Values of the learned arrays inside. */
  readonly feeds: Feeds;
  /** Largest bound/‖S‖ the row allows, and why it is not 1. */
  readonly slack: number;
  readonly because: string;
}

const learned = (name: string, shape: readonly number[], seed: number): { tensor: Tensor; feeds: Feeds } => {
  const value: Array64 = normal(shape, seed);
  return { tensor: input(name, shape), feeds: { [name]: value } };
};

const matrixCase = (m: number, n: number): LinearCase => {
  const A = learned("A", [m, n], 31 * m + n);
  return {
    factory: "matrix",
    title: `${m}×${n}`,
    build: () => matrix(A.tensor),
    feeds: A.feeds,
    slack: 1.07,
    because: "the Schatten-64 norm is at most min(m, n)^(1/64) above ‖A‖",
  };
};

const convCase = (
  [out, channels, k]: readonly [number, number, number],
  [height, width]: readonly [number, number],
  slack: number,
  bound: typeof symbolBound | typeof torusBound = symbolBound,
): LinearCase => {
  const K = learned("K", [out, channels, k, k], 7 * out + channels + k);
  return {
    factory: "conv2d",
    title: `${out}×${channels}×${k}×${k} on ${height}×${width}, ${bound.name}`,
    build: () => conv2d(K.tensor, { height, width }, bound),
    feeds: K.feeds,
    slack,
    because: "a Schatten-16 norm over channels stands for the spectral one, and a small image stays below the plane",
  };
};

const normalizedCase = (title: string, scale: number): LinearCase => {
  const K = { tensor: input("K", [3, 2, 3, 3]), feeds: { K: normal([3, 2, 3, 3], 41, scale) } };
  return {
    factory: "spectrallyNormalized",
    title,
    build: () => spectrallyNormalized(K.tensor, (W) => conv2d(W, { height: 7, width: 6 })),
    feeds: K.feeds,
    slack: 1.35,
    because: "the bound of the convolution divides it",
  };
};

/** Entries where `keep` holds, by `value`. */
function csr(
  count: number,
  columns: number,
  keep: (r: number, c: number) => boolean,
  value: (r: number, c: number) => number,
): SparseRows {
  const indptr = [0];
  const indices: number[] = [];
  const values: number[] = [];
  for (let r = 0; r < count; r++) {
    for (let c = 0; c < columns; c++) {
      if (!keep(r, c)) continue;
      indices.push(c);
      values.push(value(r, c));
    }
    indptr.push(indices.length);
  }
  return {
    rows: count,
    columns,
    indptr: Int32Array.from(indptr),
    indices: Int32Array.from(indices),
    values: Float32Array.from(values),
  };
}

/** A stack as one operator: its records side by side in one vector. */
function sideBySide(parts: Readonly<Record<string, LinearOperator>>): LinearOperator {
  const S = stack(parts);
  const widths = Object.values(S.parts).map((part) => part.range[1] as number);
  const starts = widths.map((_, i) => widths.slice(0, i).reduce((a, b) => a + b, 0));
  return {
    name: "stack",
    domain: S.domain,
    range: ["N", widths.reduce((a, b) => a + b, 0)],
    apply: (x) => concat(Object.values(S.apply(x)), 1),
    adjoint: (y) =>
      S.adjoint(
        Object.fromEntries(
          Object.keys(S.parts).map((name, i) => [name, slice(y, 1, starts[i]!, starts[i]! + widths[i]!)]),
        ),
      ),
    norm: () => S.norm(),
  };
}

const A = learned("A", [4, 6], 3);
const B = learned("B", [7, 6], 4);
const none: Feeds = {};

const incidenceCase = (title: string, graph: Graph): LinearCase => ({
  factory: "incidence",
  title,
  build: () => incidence(graph),
  feeds: none,
  slack: 1,
  because: "it is the largest eigenvalue of the Laplacian",
});

/** Arcs to the right and down on a k×k grid. */
export function grid(k: number): Graph {
  const at = (i: number, j: number) => i * k + j;
  const edges = Array.from({ length: k * k }, (_, node) => [Math.floor(node / k), node % k] as const).flatMap(
    ([i, j]): [number, number][] => [
      ...(j + 1 < k ? [[at(i, j), at(i, j + 1)] as [number, number]] : []),
      ...(i + 1 < k ? [[at(i, j), at(i + 1, j)] as [number, number]] : []),
    ],
  );
  return { nodes: k * k, edges };
}
const ring = (nodes: number): Graph => ({
  nodes,
  edges: Array.from({ length: nodes }, (_, node) => [node, (node + 1) % nodes]),
});

export const linearCases: readonly LinearCase[] = [
  matrixCase(5, 8),
  matrixCase(9, 4),
  matrixCase(1, 6),
  {
    factory: "sparse",
    title: "nonnegative, an empty row and an empty column",
    build: () =>
      sparse(
        "nonnegative",
        csr(
          11,
          13,
          (r, c) => (r * 5 + c * 3) % 4 === 0 && r !== 6 && c !== 5,
          (r, c) => 0.2 + Math.abs(Math.sin(r + 3 * c)),
        ),
      ),
    feeds: none,
    slack: 1.05,
    because: "|A| = A, so Collatz–Wielandt closes in on ‖A‖ as the power steps go on",
  },
  {
    factory: "sparse",
    title: "signed, on an image in tiles",
    build: () =>
      sparse(
        "signed",
        csr(
          9,
          20,
          (r, c) => (r * 7 + c * 3) % 5 < 2,
          (r, c) => Math.sin(1 + r + 2 * c),
        ),
        {
          domain: ["N", 1, 4, 5],
          groups: Array.from({ length: 5 }, (_, b) => Int32Array.from({ length: 4 }, (_, i) => b + 5 * i)),
        },
      ),
    feeds: none,
    slack: 2,
    because: "‖|A|‖ bounds ‖A‖ and ignores the cancellation of signs",
  },
  convCase([1, 1, 3], [9, 7], 1.25),
  convCase([6, 1, 5], [8, 11], 1.25),
  convCase([1, 3, 3], [6, 10], 1.25),
  convCase([4, 2, 3], [7, 5], 1.25),
  convCase([2, 2, 1], [3, 4], 1.06),
  convCase([5, 6, 3], [9, 8], 1.25),
  convCase([3, 1, 7], [4, 5], 2),
  convCase([1, 1, 3], [9, 7], 1.2, torusBound),
  convCase([4, 2, 3], [7, 5], 1.2, torusBound),
  convCase([5, 6, 3], [7, 7], 1.2, torusBound),
  convCase([3, 4, 5], [3, 4], 2, torusBound),
  normalizedCase("of large weights", 2),
  normalizedCase("of small weights", 0.02),
  {
    factory: "differences",
    title: "7×10",
    build: () => differences({ height: 7, width: 10 }),
    feeds: none,
    slack: 1.05,
    because: "‖∇‖² = 4cos²(π/2H) + 4cos²(π/2W) on an H×W image",
  },
  {
    factory: "differences",
    title: "12×3",
    build: () => differences({ height: 12, width: 3 }),
    feeds: none,
    slack: 1.1,
    because: "‖∇‖² = 4cos²(π/2H) + 4cos²(π/2W) on an H×W image",
  },
  {
    factory: "differences",
    title: "1×6",
    build: () => differences({ height: 1, width: 6 }),
    feeds: none,
    slack: 1.5,
    because: "one of the two directions is empty",
  },
  {
    factory: "identity",
    title: "image",
    build: () => identity(["N", 2, 3, 4]),
    feeds: none,
    slack: 1,
    because: "it is an isometry",
  },
  incidenceCase("grid", grid(4)),
  incidenceCase("triangle with parallel and opposite edges", {
    nodes: 4,
    edges: [
      [0, 1],
      [1, 2],
      [2, 0],
      [2, 0],
      [0, 2],
      [3, 1],
    ],
  }),
  {
    ...incidenceCase("ring of 602 nodes", ring(602)),
    because: "the Collatz–Wielandt bound is exact where no cycle is odd",
  },
  {
    factory: "stack",
    title: "of two matrices",
    build: () => sideBySide({ first: matrix(A.tensor), second: matrix(B.tensor) }),
    feeds: { ...A.feeds, ...B.feeds },
    slack: Math.SQRT2 * 1.07,
    because: "√Σ‖Sᵢ‖² is at most √count above the norm of the stack",
  },
];
