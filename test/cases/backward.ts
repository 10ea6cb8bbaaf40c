/** @file The table of backward rules, and the fixed points on which their laws are tried. */

import { Matrix, QrDecomposition } from "ml-matrix";
import { implicitLayer } from "../../src/applications/implicit/layer/implicit-layer.js";
import { rowsWithin } from "../../src/applications/implicit/layer/well-posed-set.js";
import { adjointIteration } from "../../src/backward/adjoint-iteration.js";
import { cgls } from "../../src/backward/cgls.js";
import { implicit } from "../../src/backward/implicit.js";
import { jfb } from "../../src/backward/jfb.js";
import { neumann } from "../../src/backward/neumann.js";
import { phantom } from "../../src/backward/phantom.js";
import type { BackwardRule } from "../../src/backward/rule.js";
import { unrolled } from "../../src/backward/unrolled.js";
import { indicator } from "../../src/functions/indicator.js";
import { linear } from "../../src/functions/linear.js";
import { weightedL1 } from "../../src/functions/weighted-l1.js";
import { incidenceMatrix } from "../../src/linear/incidence.js";
import { matrix } from "../../src/linear/matrix.js";
import type { Operator } from "../../src/operator.js";
import { random } from "../../src/random.js";
import { affine } from "../../src/sets/affine.js";
import { nonNegative } from "../../src/sets/non-negative.js";
import { inner, norm } from "../../src/sets/set.js";
import { davisYin } from "../../src/splitting/davis-yin.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { proximalGradient } from "../../src/splitting/proximal-gradient.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { zeros } from "../../src/tensor/primitives/broadcast.js";
import { add, div, max, sub } from "../../src/tensor/primitives/elementwise.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import { matmul } from "../../src/tensor/primitives/matmul.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { type Array64, normal, rows, uniform } from "../arrays.js";
import { randomModel, contraction as stateMatrix } from "./implicit.js";
import { leastSquares, quadratic } from "./splittings.js";

export interface BackwardCase {
  readonly factory: string;
  readonly title: string;
  /** The rule where `steps` applications of T reach z*, its linear system solved to `tolerance`. */
  readonly rule: (at: { readonly steps: number; readonly tolerance: number }) => BackwardRule;
  /** Least cosine with the gradient of the whole solve; 1 where the rule claims that gradient, to 1e-5 of its length. */
  readonly cosine: number;
  /** Its graph, and so its memory, grows with the steps of the solve. */
  readonly grows: boolean;
}

export const backwardCases: readonly BackwardCase[] = [
  { factory: "jfb", title: "", rule: () => jfb, cosine: 0.1, grows: false },
  {
    factory: "implicit",
    title: "cgls",
    rule: ({ steps, tolerance }) => implicit({ tolerance, limit: steps, solver: cgls }),
    cosine: 1,
    grows: false,
  },
  {
    factory: "implicit",
    title: "adjointIteration",
    rule: ({ steps, tolerance }) => implicit({ tolerance, limit: 2 * steps, solver: adjointIteration }),
    cosine: 1,
    grows: false,
  },
  { factory: "neumann", title: "to the end", rule: ({ steps }) => neumann(steps), cosine: 1, grows: false },
  { factory: "neumann", title: "10 terms", rule: () => neumann(10), cosine: 0.1, grows: false },
  { factory: "phantom", title: "5 steps, damped", rule: () => phantom(5, 0.5), cosine: 0.1, grows: false },
  { factory: "unrolled", title: "to the end", rule: ({ steps }) => unrolled(steps), cosine: 1, grows: true },
];

/** A fixed point to differentiate. */
export interface FixedPointCase {
  readonly title: string;
  readonly operator: Operator;
  readonly feeds: Feeds;
  readonly batch: number;
  /** Inputs that are weights. */
  readonly learned: readonly string[];
  /** Applications of T that reach z* to 1e-11. */
  readonly steps: number;
}

const BATCH = 3;

// Steps are numbers, so that T varies with the weights alone.
const d = input("d", ["N", 5]);
const tau = input("tau", [4]);
const A = matrix(input("A", [5, 4]));
const sparse = {
  feeds: {
    A: normal([5, 4], 401),
    tau: { shape: [4], data: Float64Array.of(0.3, 0.6, 0.2, 0.5) },
    d: normal([BATCH, 5], 402, 1.5),
  },
  batch: BATCH,
  learned: ["tau", "A"],
  steps: 700,
};

/** T(z) = Wz + b + d, ‖W‖ = γ: rotations of three planes by 0.05, 1 and 2.5, shrunk by γ, 0.9γ and 0.7γ, seen at an angle. */
function contraction(gamma: number): FixedPointCase {
  const size = 6;
  const [W, b, given] = [input("W", [size, size]), input("b", [size]), input("d", ["N", size])];
  const only = (z: unknown) => (z as { z: Tensor }).z;
  const turn = Matrix.zeros(size, size);
  for (const [plane, [shrink, angle]] of [[1, 0.05] as const, [0.9, 1] as const, [0.7, 2.5] as const].entries()) {
    const [cos, sin] = [gamma * shrink * Math.cos(angle), gamma * shrink * Math.sin(angle)];
    turn.setSubMatrix(
      [
        [cos, -sin],
        [sin, cos],
      ],
      2 * plane,
      2 * plane,
    );
  }
  const basis = new QrDecomposition(new Matrix([...rows(normal([size, size], 411))])).orthogonalMatrix;
  return {
    title: `contraction, γ = ${gamma}`,
    operator: {
      name: "contraction",
      averagedness: (1 + gamma) / 2,
      init: () => ({ z: zeros(["N", size]) }),
      apply: (z) => ({ z: add(matmul(only(z), W), add(b, given)) }),
      read: only,
      residuals: (z, z1) => ({ z: div(norm(sub(only(z), only(z1))), max(norm(only(z1)), 1e-12)) }),
      conditions: () => [],
      metric: (z) => inner(only(z), only(z)),
    },
    feeds: {
      W: flat(basis.mmul(turn).mmul(basis.transpose())),
      b: normal([size], 412),
      d: normal([BATCH, size], 413),
    },
    batch: BATCH,
    learned: ["W", "b"],
    steps: Math.ceil(Math.log(1e-13) / Math.log(gamma)),
  };
}

function flat(m: Matrix, shape: readonly number[] = [m.rows, m.columns]): Array64 {
  return { shape, data: Float64Array.from(m.to1DArray()) };
}

/**
 * Flows from corner to corner of a directed grid of side² nodes that minimise ⟨w, x⟩ + ½γ‖x‖², x ≥ 0, with costs w = cW. Nodes
 * without flow leave directions that T keeps: ∂T/∂z has the eigenvalue 1.
 */
function flow(side: number, gamma: number): FixedPointCase {
  const nodes = side * side;
  const edges = Array.from({ length: nodes }, (_, v) => [
    ...(v % side < side - 1 ? [[v, v + 1] as const] : []),
    ...(v < nodes - side ? [[v, v + side] as const] : []),
  ]).flat();
  const demand = Float32Array.from({ length: nodes }, (_, v) => (v === 0 ? -1 : v === nodes - 1 ? 1 : 0));
  const w = matmul(input("context", ["N", 3]), input("W", [3, edges.length]));
  return {
    title: `Davis–Yin on the flows of a ${side} × ${side} grid`,
    operator: davisYin(
      {
        positive: { prox: indicator(nonNegative()) },
        flows: { prox: indicator(affine(incidenceMatrix({ nodes, edges }), constant(demand))) },
        cost: { smooth: linear(w, gamma) },
      },
      { alpha: 1, domain: ["N", edges.length] },
    ),
    feeds: { context: uniform([BATCH, 3], 421, 0, 1), W: uniform([3, edges.length], 422, 0, 4) },
    batch: BATCH,
    learned: ["W"],
    steps: 150,
  };
}

/** x = φ(Ax + Bu + b) with ReLU, tanh and softmax states, ‖A‖_∞ = 0.8. */
function implicitStates(): FixedPointCase {
  const phi = [
    { map: "relu", size: 3 },
    { map: "tanh", size: 2 },
    { map: "softmax", size: 2 },
  ] as const;
  const model = randomModel(random(431), stateMatrix(random(432), 7, 0.8), phi);
  const layer = implicitLayer(model, rowsWithin(0.9));
  const weights = layer.initialWeights();
  return {
    title: "states of an implicit model",
    operator: layer.trace().operator,
    feeds: {
      ...Object.fromEntries(
        Object.entries(weights).map(([name, { shape, data }]) => [
          `params.${name}`,
          { shape, data: Float64Array.from(data) },
        ]),
      ),
      "data.u": normal([BATCH, 3], 433),
    },
    batch: BATCH,
    learned: ["params.A", "params.B", "params.b"],
    steps: Math.ceil(Math.log(1e-13) / Math.log(0.8)),
  };
}

export const fixedPointCases: readonly FixedPointCase[] = [
  {
    title: "proximalGradient",
    operator: proximalGradient(
      { fidelity: { smooth: leastSquares(d), of: A }, sparsity: { prox: weightedL1(tau) } },
      { alpha: 0.0625 },
    ),
    ...sparse,
  },
  {
    title: "linearizedAdmm",
    operator: linearizedAdmm(
      { sparsity: { prox: weightedL1(tau) }, fidelity: { prox: quadratic(d), of: A } },
      { alpha: { fidelity: 0.5 }, beta: 0.125 },
    ),
    ...sparse,
  },
  contraction(0.5),
  contraction(0.9),
  contraction(0.99),
  flow(3, 0.5),
  implicitStates(),
];
