/** @file Does a backward rule point downhill? Its gradient against the exact one, and the hypotheses of JFB's theorem. */

import { Matrix, pseudoInverse, SingularValueDecomposition } from "ml-matrix";
import { linearise } from "../backward/jacobian.js";
import { jfb } from "../backward/jfb.js";
import type { BackwardRule } from "../backward/rule.js";
import { VouchError } from "../errors.js";
import { feedData, feedParams, type Model, requireWeights, type Trace, type Weights } from "../model.js";
import { random } from "../random.js";
import { balanceFeed } from "../solvers/balance.js";
import { gather } from "../solvers/rows.js";
import { type Feeds, interpret, prepare } from "../tensor/interpret.js";
import { sum } from "../tensor/primitives/broadcast.js";
import { input } from "../tensor/primitives/leaf.js";
import { concrete, type Tensor } from "../tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves } from "../tensor/tree.js";
import { gradient, vjp } from "../tensor/vjp.js";
import type { Examples } from "./dataset.js";
import { type Loss, squaredError } from "./squared-error.js";

export interface DescentOptions {
  /** The rule to check. Default jfb. */
  readonly backward?: BackwardRule;
  /** Default squaredError. */
  readonly loss?: Loss;
  /** Worst KKT residual of what counts as a fixed point. Default 1e-10. */
  readonly tolerance?: number;
  /** Most applications of T. Default 20,000. */
  readonly maxSteps?: number;
}

/** A hypothesis left ≤ right, with numbers. */
export interface CheckedCondition {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly holds: boolean;
}

export interface Descent {
  /** Between the rule's gradient and the exact one; above 0, a small step along the first lowers the loss. NaN if either is 0. */
  readonly cosine: number;
  /** γ̂ = ‖∂T/∂z‖₂ at z*, where a contraction factor of T is at least this. */
  readonly gamma: number;
  /** κ(NNᵀ), N = ∂T/∂Θ [state, parameters]; Infinity where its rows are dependent. */
  readonly kappa: number;
  /** What JFB's theorem asks for; all of them hold for few models, and descent does not need them. */
  readonly conditions: readonly CheckedCondition[];
}

/** State sizes whose Jacobian is formed. */
const LARGEST = 1_000;
/** Below this times the largest, singular values of I − J count as 0: operators hold float32 numbers. */
const SINGULAR = 1e-6;

/**
 * Compare a backward rule with the exact gradient of the fixed point, example by example, in float64 and without the engine.
 *
 *     exact = Nᵀv + ∂ℓ/∂Θ,    v = ((I − J)ᵀ)⁺ g,    J = ∂T/∂z,  N = ∂T/∂Θ at z*
 *
 * For small models: J and N are formed. JFB descends if T is a γ-contraction in the Euclidean norm, N has full row rank and
 * κ(NNᵀ) ≤ 1/γ; the conditions are these with γ̂, which is local, so that they are necessary for the hypotheses and no proof.
 *
 * @throws convergence if T does not reach its fixed point; parameter if the state has more than 1,000 numbers
 * @source Wu Fung et al. 2022, JFB, main theorem; deviates: rows, where the slides ask for full column rank of ∂T/∂Θ, because
 * with N [state, parameters] and fewer parameters than states the cosine can then be −1
 */
export function checkDescent(
  model: Model,
  weights: Weights,
  examples: Examples,
  options: DescentOptions = {},
): Descent[] {
  requireWeights("checkDescent", model, weights);
  const traced = model.trace();
  const graphs = trace(traced, options);
  const fed = feedData(model, examples.data);
  return Array.from({ length: examples.target.shape[0]! }, (_, n) => {
    const one = Object.entries(fed).map(([name, array]) => [name, array.shape.length > 0 ? gather(array, [n]) : array]);
    const feeds: Feeds = {
      ...Object.fromEntries(one),
      ...feedParams(weights),
      ...balanceFeed(traced.operator.balance, Float32Array.of(1)),
      target: gather(examples.target, [n]),
    };
    return descentAt(graphs, { ...feeds, ...fixedPoint(graphs, feeds, options) });
  });
}

/** Graphs over the point `z.PATH` and the vector `v.PATH`. */
interface Graphs {
  readonly paths: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  readonly z: readonly Tensor[];
  readonly v: readonly Tensor[];
  readonly next: readonly Tensor[];
  readonly residuals: readonly Tensor[];
  /** ∂ℓ/∂z, then ∂ℓ/∂Θ with z held. */
  readonly direct: readonly Tensor[];
  /** Jᵀv, then Nᵀv. */
  readonly rows: readonly Tensor[];
  /** JᵀJv */
  readonly gram: readonly Tensor[];
  /** The rule's gradient. */
  readonly rule: readonly Tensor[];
}

function trace({ operator: T, params }: Trace, { backward = jfb, loss = squaredError }: DescentOptions): Graphs {
  const named = (prefix: string) => mapTensors(T.init(), (leaf, path) => input(`${prefix}.${path}`, leaf.shape));
  const [z, v, theta] = [named("z"), named("v"), Object.values(params)];
  const next = T.apply(z);
  const lossOf = (point: Tree) => {
    const x = T.read(point);
    return sum(loss(x, input("target", x.shape)));
  };
  const { jacobian } = linearise(T, z);
  return {
    paths: tensorLeaves(z).map(([path]) => path),
    shapes: leavesOf(z).map(({ shape }) => concrete(shape, 1)),
    z: leavesOf(z),
    v: leavesOf(v),
    next: leavesOf(next),
    residuals: Object.values(T.residuals(z, next)),
    direct: gradient(lossOf(z), [...leavesOf(z), ...theta]),
    rows: vjp(leavesOf(next), leavesOf(v), [...leavesOf(z), ...theta]),
    gram: leavesOf(jacobian.transpose(jacobian.apply(v))),
    rule: gradient(lossOf(backward(T, z)), theta),
  };
}

function fixedPoint(graphs: Graphs, feeds: Feeds, { tolerance = 1e-10, maxSteps = 20_000 }: DescentOptions): Feeds {
  const { paths, shapes, next, residuals } = graphs;
  const size = shapes.reduce((total, shape) => total + count(shape), 0);
  if (size > LARGEST) {
    throw new VouchError("parameter", {
      name: "checkDescent",
      expected: `a state of at most ${LARGEST} numbers`,
      got: `${size}`,
      remedy: "Check a smaller instance of the model.",
    });
  }
  const run = prepare([...next, ...residuals], graphs.z, feeds);
  let z = point("z", graphs, new Float64Array(size));
  let worst = Number.POSITIVE_INFINITY;
  for (let k = 0; k < maxSteps; k++) {
    const values = run(z);
    worst = Math.max(...values.slice(next.length).map(({ data }) => data[0]!));
    if (worst <= tolerance) return z;
    z = Object.fromEntries(paths.map((path, i) => [`z.${path}`, values[i]!]));
  }
  throw new VouchError("convergence", {
    name: "checkDescent",
    expected: `a residual of at most ${tolerance} after ${maxSteps} steps`,
    got: worst.toExponential(2),
    remedy: "Raise maxSteps, loosen tolerance, or check the step sizes.",
  });
}

function descentAt(graphs: Graphs, feeds: Feeds): Descent {
  const size = graphs.shapes.reduce((total, shape) => total + count(shape), 0);
  const leaves = graphs.shapes.length;
  const row = prepare(graphs.rows, graphs.v, feeds);
  const rows = Array.from({ length: size }, (_, i) => {
    const unit = Float64Array.from({ length: size }, (__, j) => (i === j ? 1 : 0));
    const values = row(point("v", graphs, unit));
    return { J: flat(values.slice(0, leaves)), N: flat(values.slice(leaves)) };
  });
  const [J, N] = [new Matrix(rows.map((row) => row.J)), new Matrix(rows.map((row) => row.N))];
  const direct = interpret(graphs.direct, feeds);
  const g = Matrix.columnVector(flat(direct.slice(0, leaves)));
  const v = pseudoInverse(Matrix.eye(size).sub(J).transpose(), SINGULAR / size).mmul(g);
  const exact = N.transpose()
    .mmul(v)
    .add(Matrix.columnVector(flat(direct.slice(leaves))))
    .to1DArray();
  const rule = flat(interpret(graphs.rule, feeds));
  const gamma = contractionFactor(graphs, feeds, size);
  const { kappa, rank } = conditioning(N);
  const conditions = [
    { text: "‖∂T/∂z‖ < 1: T contracts at z*", left: gamma, right: 1, holds: gamma < 1 },
    { text: "dim z ≤ rank ∂T/∂Θ: its rows are independent", left: size, right: rank, holds: size <= rank },
    { text: "κ(NNᵀ) ≤ 1/γ, N = ∂T/∂Θ", left: kappa, right: 1 / gamma, holds: kappa <= 1 / gamma },
  ];
  return { cosine: dot(rule, exact) / Math.sqrt(dot(rule, rule) * dot(exact, exact)), gamma, kappa, conditions };
}

/** κ(NNᵀ) = (σ₁/σₙ)² over the rows of N. */
function conditioning(N: Matrix): { kappa: number; rank: number } {
  const { diagonal, rank } = new SingularValueDecomposition(N.transpose(), {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  });
  const kappa = rank < N.rows ? Number.POSITIVE_INFINITY : (diagonal[0]! / diagonal[N.rows - 1]!) ** 2;
  return { kappa, rank };
}

/** Products of a power iteration, and the change of ‖J‖ from one to the next at which it ends. */
const PRODUCTS = 1_000;
const SETTLED = 1e-12;

/** ‖J‖₂ by power iteration on JᵀJ. */
function contractionFactor(graphs: Graphs, feeds: Feeds, size: number): number {
  const draws = random(1).fork("power iteration");
  const product = prepare(graphs.gram, graphs.v, feeds);
  let v = Float64Array.from({ length: size }, () => draws.normal());
  let gamma = 0;
  for (let k = 0; k < PRODUCTS; k++) {
    const length = Math.sqrt(dot(v, v));
    if (length === 0) return 0;
    const unit = v.map((value) => value / length);
    const next = flat(product(point("v", graphs, unit)));
    const before = gamma;
    gamma = Math.sqrt(Math.max(0, dot(unit, next)));
    if (Math.abs(gamma - before) <= SETTLED * gamma) break;
    v = Float64Array.from(next);
  }
  return gamma;
}

/** A vector cut into the leaves of the state, with one sample. */
function point(prefix: string, { paths, shapes }: Graphs, vector: Float64Array): Feeds {
  let at = 0;
  return Object.fromEntries(
    paths.map((path, i) => {
      const shape = shapes[i]!;
      const data = vector.subarray(at, at + count(shape));
      at += data.length;
      return [`${prefix}.${path}`, { shape, data }];
    }),
  );
}

function leavesOf(tree: Tree): Tensor[] {
  return tensorLeaves(tree).map(([, leaf]) => leaf);
}

function flat(values: readonly { readonly data: Float64Array }[]): number[] {
  return values.flatMap(({ data }) => Array.from(data));
}

function count(shape: readonly number[]): number {
  return shape.reduce((p, n) => p * n, 1);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let k = 0; k < a.length; k++) total += a[k]! * b[k]!;
  return total;
}
