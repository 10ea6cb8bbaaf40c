/** @file Random implicit models, and every condition for well-posedness with matrices that meet it and one that must not. */

import type { Phi } from "../../src/applications/implicit/activations/phi.js";
import {
  applyRows,
  type Dense,
  dense,
  denseOf,
  identityDense,
  times,
  transposed,
} from "../../src/applications/implicit/dense.js";
import { type ImplicitModel, implicitModel } from "../../src/applications/implicit/model.js";
import type { StateMatrix } from "../../src/applications/implicit/state-matrix.js";
import { monotoneMatrix } from "../../src/applications/implicit/well-posed/monotone.js";
import type { Random } from "../../src/random.js";

export function randomDense(stream: Random, rows: number, columns: number, scale = 1): Dense {
  return denseOf(rows, columns, () => scale * stream.normal());
}

/** Sizes, scale of A, and the map of all states. */
export function randomModel(
  stream: Random,
  A: StateMatrix,
  phi: Phi,
  { p = 3, q = 2 }: { readonly p?: number; readonly q?: number } = {},
): ImplicitModel {
  const n = phi.reduce((sum, { size }) => sum + size, 0);
  return implicitModel({
    ...{ A, phi },
    B: randomDense(stream, n, p),
    C: randomDense(stream, q, n),
    D: randomDense(stream, q, p),
    stateBias: randomDense(stream, n, 1).data,
    outputBias: randomDense(stream, q, 1).data,
  });
}

/** A of order n with ‖A‖_∞ = norm. */
export function contraction(stream: Random, n: number, norm: number): Dense {
  const A = randomDense(stream, n, n);
  const data = A.data.slice();
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * n, (i + 1) * n);
    const sum = row.reduce((total, value) => total + Math.abs(value), 0);
    for (let j = 0; j < n; j++) row[j] = (norm * row[j]!) / sum;
  }
  return { ...A, data };
}

export interface WellPosedCase {
  /** Name of the condition. */
  readonly condition: string;
  readonly phi: Phi;
  /** A that meets it; where the value is known beforehand, by a few hundredths. */
  meets(stream: Random): StateMatrix;
  /** An A that does not, with ReLU states for which two x or none solve x = φ(Ax + b) at some b. */
  readonly breaks: StateMatrix;
}

const N = 6;
const reluPhi: Phi = [{ map: "relu", size: N }];
/** x = max(x, 0) has every x ≥ 0. */
const identity = identityDense(N);
const scaledTo = (A: Dense, value: number, target = 0.97): Dense => ({
  ...A,
  data: A.data.map((a) => (target * a) / value),
});
const diag = (values: readonly number[]): Dense =>
  denseOf(values.length, values.length, (i, j) => (i === j ? values[i]! : 0));
const badly = (stream: Random, A: Dense): Dense => {
  const s = Array.from({ length: N }, () => Math.exp(2 * stream.normal()));
  return times(times(diag(s), A), diag(s.map((value) => 1 / value)));
};

export const wellPosedCases: readonly WellPosedCase[] = [
  { condition: "infinity-norm", phi: reluPhi, meets: (stream) => contraction(stream, N, 0.97), breaks: identity },
  {
    condition: "two-norm",
    phi: [
      { map: "relu", size: 4 },
      { map: "tanh", size: 2 },
    ],
    // An orthogonal matrix has the 2-norm 1 and rows of l1 norm above it.
    meets: (stream) => scaledTo(rotation(stream), 1),
    breaks: identity,
  },
  {
    condition: "diagonal-scaling",
    phi: reluPhi,
    meets: (stream) => badly(stream, scaledTo(rotation(stream), 1, 0.9)),
    breaks: identity,
  },
  {
    condition: "rank-one",
    phi: reluPhi,
    meets: (stream) => {
      const [p, q] = [randomDense(stream, N, 1, 3), randomDense(stream, N, 1, 3)];
      const value = p.data.reduce((sum, entry, i) => sum + Math.abs(entry * q.data[i]!), 0);
      return scaledTo(applyRows(p, q), value);
    },
    breaks: denseOf(N, N, () => 2 / N),
  },
  {
    condition: "perron-frobenius",
    phi: reluPhi,
    meets: (stream) => badly(stream, contraction(stream, N, 0.97)),
    breaks: identity,
  },
  {
    condition: "block-norms",
    phi: [
      { map: "relu", size: 3 },
      { map: "max-pool", size: 3 },
    ],
    meets: (stream) => contraction(stream, N, 0.5),
    breaks: identity,
  },
  {
    condition: "triangular",
    phi: reluPhi,
    meets: (stream) => {
      const order = stream.permutation(N);
      const T = denseOf(N, N, (i, j) => (j < i ? 3 * stream.normal() : j === i ? 0.97 - 4 * stream.uniform() : 0));
      return denseOf(N, N, (i, j) => T.data[order[i]! * N + order[j]!]!);
    },
    breaks: identity,
  },
  {
    condition: "low-rank",
    phi: reluPhi,
    meets: (stream) => {
      const [L, R] = [randomDense(stream, N, 1, 2), randomDense(stream, N, 1, 2)];
      const value = L.data.reduce((sum, entry, i) => sum + Math.abs(entry * R.data[i]!), 0);
      const second = contraction(stream, N, 0.01);
      const column = denseOf(N, 1, (i) => second.data[i * N]!);
      const pair = (a: Dense, b: Dense) => denseOf(N, 2, (i, j) => (j === 0 ? a : b).data[i]!);
      return { kind: "low-rank", L: pair(scaledTo(L, value, 0.9), column), R: pair(R, column) };
    },
    breaks: {
      kind: "low-rank",
      L: dense(N, 1, new Float64Array(N).fill(1)),
      R: dense(N, 1, new Float64Array(N).fill(2 / N)),
    },
  },
  {
    condition: "monotone",
    phi: [
      { map: "relu", size: 3 },
      { map: "leaky-relu", size: 2, slope: 0.1 },
      { map: "linear", size: 1 },
    ],
    meets: (stream) => monotoneMatrix(randomDense(stream, N, N, 0.5), randomDense(stream, N, N), 0.3),
    breaks: identity,
  },
];

/** A product of plane rotations. */
function rotation(stream: Random): Dense {
  let Q = identityDense(N);
  for (let i = 0; i < N; i++) {
    for (let j = 0; j < i; j++) {
      const angle = stream.uniform() * 2 * Math.PI;
      const G = denseOf(N, N, (r, c) => {
        if (r === c) return r === i || r === j ? Math.cos(angle) : 1;
        return r === i && c === j ? Math.sin(angle) : r === j && c === i ? -Math.sin(angle) : 0;
      });
      Q = times(Q, transposed(G));
    }
  }
  return Q;
}
