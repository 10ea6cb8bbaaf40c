/** @file The table of splittings: small problems, their optimality conditions and solutions by hand. */

import type { Proximable, Smooth } from "../../src/functions/function.js";
import { groupL21 } from "../../src/functions/group-l21.js";
import { indicator } from "../../src/functions/indicator.js";
import { linear } from "../../src/functions/linear.js";
import { quadratic as quadraticOf } from "../../src/functions/quadratic.js";
import { l1, weightedL1 } from "../../src/functions/weighted-l1.js";
import { differences } from "../../src/linear/differences.js";
import { identity } from "../../src/linear/identity.js";
import { incidenceMatrix } from "../../src/linear/incidence.js";
import { matrix } from "../../src/linear/matrix.js";
import type { Operator } from "../../src/operator.js";
import type { Problem } from "../../src/problem.js";
import { affine } from "../../src/sets/affine.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { nonNegative } from "../../src/sets/non-negative.js";
import { point } from "../../src/sets/point.js";
import { type ConvexSet, inner } from "../../src/sets/set.js";
import { simplex } from "../../src/sets/simplex.js";
import { davisYin } from "../../src/splitting/davis-yin.js";
import { douglasRachford } from "../../src/splitting/douglas-rachford.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { proximalGradient } from "../../src/splitting/proximal-gradient.js";
import { split } from "../../src/splitting/split.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { add, div, mul, sub } from "../../src/tensor/primitives/elementwise.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { type Array64, minus, norm, normal, rows, scalar, times, timesTransposed, uniform } from "../arrays.js";
import { meetingAll, onSimplex, total } from "../projections.js";
import { grid } from "./linear.js";

type Vector = Float64Array;

/** The fixed point of one sample: x, and the leaves of z by path. */
export interface Fixed {
  readonly x: Vector;
  readonly z: Readonly<Record<string, Vector>>;
}

export interface SplittingCase {
  readonly factory: string;
  readonly title: string;
  readonly build: () => { readonly problem: Problem; readonly operator: Operator };
  readonly feeds: Feeds;
  readonly batch: number;
  /** Applications of T that reach the fixed point to 1e-9. */
  readonly steps: number;
  /** How far the fixed point of sample n is from the optimality conditions, written by hand. */
  readonly kkt: (fixed: Fixed, n: number) => number;
  /** The solution of sample n by other means. */
  readonly golden?: (n: number) => Vector;
  /** T moves some pair apart in the Euclidean norm. */
  readonly expands: boolean;
}

/** f(v) = ½‖v − d‖², proximable. */
export function quadratic(d: Tensor): Proximable {
  const value = (v: Tensor) => mul(0.5, inner(sub(v, d), sub(v, d)));
  return {
    name: "quadratic",
    prox: (v, lambda) => div(add(v, mul(lambda, d)), add(1, lambda)),
    value,
    property: { kind: "value", measure: value },
  };
}

/** f(v) = ½‖v − d‖², smooth. */
export function leastSquares(d: Tensor): Smooth {
  return {
    name: "leastSquares",
    value: (v) => mul(0.5, inner(sub(v, d), sub(v, d))),
    grad: (v) => sub(v, d),
    lipschitz: () => constant(1),
  };
}

/** Distance of g to τ∂|·|(x), coordinate by coordinate. */
function fromSubgradient(g: Vector, x: Vector, tau: (i: number) => number): number {
  return Math.max(
    ...g.map((gi, i) =>
      Math.abs(x[i]!) > 1e-7 ? Math.abs(gi - tau(i) * Math.sign(x[i]!)) : Math.max(0, Math.abs(gi) - tau(i)),
    ),
  );
}

/** Distance of g to the normal cone of [low, high] at x, and of x to the box. */
function fromBoxNormal(g: Vector, x: Vector, low: number, high: number): number {
  return Math.max(
    ...g.map((gi, i) => {
      const outside = Math.max(low - x[i]!, x[i]! - high, 0);
      const normal = x[i]! < low + 1e-7 ? Math.max(0, gi) : x[i]! > high - 1e-7 ? Math.max(0, -gi) : Math.abs(gi);
      return Math.max(outside, normal);
    }),
  );
}

/** Solves the square system M s = b by Gaussian elimination; undefined where M is singular. */
function solveSquare(M: number[][], b: number[]): number[] | undefined {
  const n = b.length;
  const rowsOf = M.map((row, i) => [...row, b[i]!]);
  for (let k = 0; k < n; k++) {
    const pivot = rowsOf
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rowsOf[best]![k]!) ? k + i : best), k);
    [rowsOf[k], rowsOf[pivot]] = [rowsOf[pivot]!, rowsOf[k]!];
    if (Math.abs(rowsOf[k]![k]!) < 1e-10) return undefined;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rowsOf[i]![k]! / rowsOf[k]![k]!;
      for (let j = k; j <= n; j++) rowsOf[i]![j]! -= factor * rowsOf[k]![j]!;
    }
  }
  return rowsOf.map((row, i) => row[n]! / row[i]!);
}

/** Every subset of 0 … n − 1 of the given size. */
function subsets(n: number, size: number, from = 0): number[][] {
  if (size === 0) return [[]];
  return Array.from({ length: n - from }, (_, i) => from + i).flatMap((first) =>
    subsets(n, size - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

const BATCH = 3;

// Lasso: minimize ½‖Ax − d‖² + τ‖x‖₁, one solution since A is injective.
const LASSO_TAU = 0.75;
const lassoA = normal([6, 4], 301);
const lassoD = normal([BATCH, 6], 302, 1.5);
const lassoFeeds = { A: lassoA, d: lassoD };
const lassoKkt = ({ x }: Fixed, n: number) => {
  const residual = minus(rows(lassoD)[n]!, times(lassoA.data, x));
  return fromSubgradient(timesTransposed(lassoA.data, residual), x, () => LASSO_TAU);
};
/** The best stationary point over all supports and signs. */
const lassoGolden = (n: number): Vector => {
  const objective = (x: Vector) =>
    norm(minus(times(lassoA.data, x), rows(lassoD)[n]!)) ** 2 / 2 + LASSO_TAU * x.reduce((s, a) => s + Math.abs(a), 0);
  const columns = (i: number) => Float64Array.from({ length: 6 }, (_, r) => lassoA.data[r * 4 + i]!);
  const pair = (a: Vector, b: Vector) => a.reduce((s, v, i) => s + v * b[i]!, 0);
  let best: Vector = new Float64Array(4);
  for (let size = 1; size <= 4; size++) {
    for (const support of subsets(4, size)) {
      for (let signs = 0; signs < 2 ** size; signs++) {
        const gram = support.map((i) => support.map((j) => pair(columns(i), columns(j))));
        const right = support.map(
          (i, k) => pair(columns(i), rows(lassoD)[n]!) - LASSO_TAU * ((signs >> k) & 1 ? 1 : -1),
        );
        const x = new Float64Array(4);
        solveSquare(gram, right)!.forEach((value, k) => {
          x[support[k]!] = value;
        });
        if (objective(x) < objective(best)) best = x;
      }
    }
  }
  return best;
};
const lassoOperator = () => matrix(input("A", [6, 4]));
const d = (m: number) => input("d", ["N", m]);
const lassoComposed = (): Problem => ({
  sparsity: { prox: l1(LASSO_TAU) },
  fidelity: { prox: quadratic(d(6)), of: lassoOperator() },
});

// Orthogonal design: x = Qᵀd shrunk by τ.
const Q = { shape: [2, 2], data: Float64Array.of(0.6, 0.8, -0.8, 0.6) };
const orthogonalD = normal([BATCH, 2], 303);
const positiveD = uniform([BATCH, 2], 320, 0.3, 1.6);

// Linear program: minimize ‖x‖₁ subject to Ax = d, with a solution at a vertex.
const lpA = normal([3, 6], 304);
const lpD = normal([BATCH, 3], 305);
const lpGolden = (n: number): Vector => {
  const candidates = subsets(6, 3).flatMap((support) => {
    const M = [0, 1, 2].map((r) => support.map((c) => lpA.data[r * 6 + c]!));
    const values = solveSquare(M, [...rows(lpD)[n]!]);
    if (values === undefined) return [];
    const x = new Float64Array(6);
    values.forEach((value, k) => {
      x[support[k]!] = value;
    });
    return [x];
  });
  const length = (x: Vector) => x.reduce((s, a) => s + Math.abs(a), 0);
  return candidates.reduce((a, b) => (length(b) < length(a) ? b : a));
};

// The papers' problem: minimize Σ τ|Kx| subject to ‖Ax − d‖ ≤ δ and 0 ≤ x ≤ 1.
const ctA = normal([5, 6], 407, 0.5);
const ctK = normal([7, 6], 507, 0.5);
const ctTau = { shape: [7], data: Float64Array.of(0.5, 1, 0.25, 0.75, 1, 0.5, 1) };
const ctD: Array64 = {
  shape: [BATCH, 5],
  data: Float64Array.from(
    [308, 309, 310].flatMap((seed) => [
      ...times(
        ctA.data,
        normal([6], seed).data.map((a) => Math.min(1, Math.abs(a))),
      ),
    ]),
  ),
};
const ctRadius = { shape: [BATCH], data: Float64Array.of(0.25, 0.5, 0.125) };
const ctFeeds = { A: ctA, K: ctK, tau: ctTau, d: ctD, radius: ctRadius };
const ctProblem = (): Problem => ({
  box: { prox: indicator(box(0, 1)) },
  fidelity: { prox: indicator(ball(d(5), input("radius", ["N"]))), of: matrix(input("A", [5, 6])) },
  regularization: { prox: weightedL1(input("tau", [7])), of: matrix(input("K", [7, 6])) },
});
const ctKkt = ({ x, z }: Fixed, n: number) => {
  const [fidelity, regularization] = [z["nu.fidelity"]!, z["nu.regularization"]!];
  const offset = minus(times(ctA.data, x), rows(ctD)[n]!);
  const delta = ctRadius.data[n]!;
  const outward = offset.map((a) => (a * norm(fidelity)) / delta);
  const slack = norm(offset) < delta - 1e-7 ? norm(fidelity) : norm(minus(fidelity, outward));
  const pull = timesTransposed(ctA.data, fidelity).map((a, i) => -a - timesTransposed(ctK.data, regularization)[i]!);
  return Math.max(
    norm(offset) - delta,
    slack,
    fromSubgradient(regularization, times(ctK.data, x), (i) => ctTau.data[i]!),
    fromBoxNormal(pull, x, 0, 1),
  );
};

// Total variation denoising of 3×4 images: minimize ½‖x − d‖² + τ Σ‖(∇x)_p‖.
const tvD = normal([2, 1, 3, 4], 311);
const TV_TAU = 0.25;
const tvKkt = ({ x, z }: Fixed, n: number) => {
  const nu = z["nu.regularization"]!;
  const at = (image: Vector, r: number, q: number) => image[r * 4 + q]!;
  let worst = 0;
  const divergence = new Float64Array(12);
  for (let r = 0; r < 3; r++) {
    for (let q = 0; q < 4; q++) {
      const down = r < 2 ? at(x, r + 1, q) - at(x, r, q) : 0;
      const right = q < 3 ? at(x, r, q + 1) - at(x, r, q) : 0;
      const [a, b] = [nu[r * 4 + q]!, nu[12 + r * 4 + q]!];
      const length = Math.hypot(down, right);
      worst = Math.max(
        worst,
        Math.hypot(a, b) - TV_TAU,
        length > 1e-7 ? Math.hypot(a - (TV_TAU * down) / length, b - (TV_TAU * right) / length) : 0,
      );
      divergence[r * 4 + q]! -= (r < 2 ? a : 0) + (q < 3 ? b : 0);
      if (r < 2) divergence[(r + 1) * 4 + q]! += a;
      if (q < 3) divergence[r * 4 + q + 1]! += b;
    }
  }
  const image = rows(tvD)[n]!;
  return Math.max(worst, ...divergence.map((a, i) => Math.abs(a + x[i]! - image[i]!)));
};

const with7 = (alpha: Readonly<Record<string, number>>) => ({
  alpha,
  lambda: Object.fromEntries(Object.entries(alpha).map(([name, a]) => [name, 0.7 / a])),
});
const built = (problem: Problem, make: (problem: Problem) => Operator) => ({ problem, operator: make(problem) });

// Projections of d: minimize ½‖x − d‖² over a set.
const projectionD = normal([BATCH, 5], 330);
const projection = (set: ConvexSet): Problem => ({
  set: { prox: indicator(set) },
  nearness: { prox: quadraticOf(d(5)) },
});
/** ⟨d − x, u − x⟩ ≤ 0 at the vertices u of the simplex, and x in it. */
const simplexKkt = ({ x }: Fixed, n: number) => {
  const pull = minus(rows(projectionD)[n]!, x);
  const along = x.reduce((sum, a, i) => sum + a * pull[i]!, 0);
  return Math.max(Math.abs(total(x) - 1), ...x.map((a) => -a), ...pull.map((g) => g - along));
};
const lpEquations = { shape: lpA.shape, data: lpA.data.map(Math.fround) };

// Shortest path from the first to the last corner of a 3×3 grid with arcs to the right and down.
const streets = grid(3);
const costs = uniform([BATCH, streets.edges.length], 331, 0.5, 2);
const fromCornerToCorner = Float64Array.from({ length: 9 }, (_, node) => (node === 8 ? 1 : node === 0 ? -1 : 0));
/** Of all paths the cheapest: 1 on its edges. */
function shortestPath(n: number): Vector {
  const paths = (node: number): number[][] =>
    node === 8
      ? [[]]
      : streets.edges.flatMap(([tail, head], e) => (tail === node ? paths(head).map((rest) => [e, ...rest]) : []));
  const length = (path: number[]) => path.reduce((sum, e) => sum + rows(costs)[n]![e]!, 0);
  const best = paths(0).reduce((a, b) => (length(b) < length(a) ? b : a));
  return Float64Array.from(streets.edges, (_, e) => (best.includes(e) ? 1 : 0));
}

export const splittingCases: readonly SplittingCase[] = [
  {
    factory: "proximalGradient",
    title: "lasso",
    build: () =>
      built(
        { fidelity: { smooth: leastSquares(d(6)), of: lassoOperator() }, sparsity: { prox: l1(LASSO_TAU) } },
        proximalGradient,
      ),
    feeds: lassoFeeds,
    batch: BATCH,
    steps: 400,
    kkt: lassoKkt,
    golden: lassoGolden,
    expands: false,
  },
  {
    factory: "proximalGradient",
    title: "orthogonal design",
    build: () =>
      built(
        { fidelity: { smooth: leastSquares(d(2)), of: matrix(input("A", [2, 2])) }, sparsity: { prox: l1(0.5) } },
        proximalGradient,
      ),
    feeds: { A: Q, d: orthogonalD },
    batch: BATCH,
    steps: 40,
    kkt: ({ x }, n) =>
      fromSubgradient(timesTransposed(Q.data, minus(rows(orthogonalD)[n]!, times(Q.data, x))), x, () => 0.5),
    golden: (n) =>
      timesTransposed(Q.data, rows(orthogonalD)[n]!).map((a) => Math.sign(a) * Math.max(0, Math.abs(a) - 0.5)),
    expands: false,
  },
  {
    factory: "davisYin",
    title: "lasso in a box",
    build: () =>
      built(
        {
          box: { prox: indicator(box(0, 0.5)) },
          sparsity: { prox: l1(LASSO_TAU) },
          fidelity: { smooth: leastSquares(d(6)), of: lassoOperator() },
        },
        davisYin,
      ),
    feeds: lassoFeeds,
    batch: BATCH,
    steps: 2000,
    // In the box x ≥ 0, where τ‖x‖₁ is linear.
    kkt: ({ x }, n) => {
      const residual = minus(rows(lassoD)[n]!, times(lassoA.data, x));
      return fromBoxNormal(
        timesTransposed(lassoA.data, residual).map((a) => a - LASSO_TAU),
        x,
        0,
        0.5,
      );
    },
    expands: false,
  },
  {
    factory: "davisYin",
    title: "denoising in a box",
    build: () =>
      built(
        {
          box: { prox: indicator(box(0, 1)) },
          sparsity: { prox: l1(0.25) },
          fidelity: { smooth: leastSquares(d(2)), of: identity(["N", 2]) },
        },
        davisYin,
      ),
    feeds: { d: positiveD },
    batch: BATCH,
    steps: 200,
    kkt: ({ x }, n) =>
      fromBoxNormal(
        minus(rows(positiveD)[n]!, x).map((a) => a - 0.25),
        x,
        0,
        1,
      ),
    golden: (n) => rows(positiveD)[n]!.map((a) => Math.min(1, Math.max(0, a - 0.25))),
    expands: false,
  },
  {
    factory: "douglasRachford",
    title: "linear program",
    build: () =>
      built({ equations: { prox: indicator(affine(lpEquations, d(3))) }, sparsity: { prox: l1(1) } }, (problem) =>
        douglasRachford(problem, { domain: ["N", 6] }),
      ),
    feeds: { d: lpD },
    batch: BATCH,
    steps: 3000,
    // (x − z)/α is a subgradient of ‖·‖₁ at x, from the range of Aᵀ.
    kkt: ({ x, z }, n) => {
      const g = minus(x, z["z"]!);
      const inRange = meetingAll(lpEquations.data, new Float64Array(3), g);
      const offEquations = norm(minus(times(lpEquations.data, x), rows(lpD)[n]!));
      return Math.max(
        offEquations,
        norm(inRange),
        fromSubgradient(g, x, () => 1),
      );
    },
    golden: lpGolden,
    expands: false,
  },
  {
    factory: "douglasRachford",
    title: "projection onto the simplex, α = 0.5",
    build: () => built(projection(simplex()), (problem) => douglasRachford(problem, { alpha: 0.5 })),
    feeds: { d: projectionD },
    batch: BATCH,
    steps: 400,
    kkt: simplexKkt,
    golden: (n) => onSimplex(rows(projectionD)[n]!, 1),
    expands: false,
  },
  {
    factory: "split",
    title: "projection onto the simplex",
    build: () => built(projection(simplex()), split),
    feeds: { d: projectionD },
    batch: BATCH,
    steps: 400,
    kkt: simplexKkt,
    golden: (n) => onSimplex(rows(projectionD)[n]!, 1),
    expands: false,
  },
  {
    factory: "davisYin",
    title: "shortest path on a grid",
    build: () =>
      built(
        {
          flow: { prox: indicator(nonNegative()) },
          balance: { prox: indicator(affine(incidenceMatrix(streets), constant([...fromCornerToCorner]))) },
          cost: { smooth: linear(d(streets.edges.length), 0.01) },
        },
        (problem) => davisYin(problem, { alpha: 0.5 }),
      ),
    feeds: { d: costs },
    batch: BATCH,
    steps: 3000,
    kkt: ({ x }, n) => {
      const arrived = times(Float64Array.from(incidenceMatrix(streets).data), x);
      const [cost, best] = [x, shortestPath(n)].map((flow) => total(flow.map((a, e) => a * rows(costs)[n]![e]!)));
      return Math.max(norm(minus(arrived, fromCornerToCorner)), ...x.map((a) => -a), Math.abs(cost! - best!));
    },
    // A small quadratic leaves the solution of the linear program where it is.
    golden: (n) => shortestPath(n),
    expands: false,
  },
  {
    factory: "linearizedAdmm",
    title: "lasso, αλ = 1",
    build: () => built(lassoComposed(), linearizedAdmm),
    feeds: lassoFeeds,
    batch: BATCH,
    steps: 1500,
    kkt: lassoKkt,
    golden: lassoGolden,
    expands: true,
  },
  {
    factory: "linearizedAdmm",
    title: "lasso, αλ = 0.7",
    build: () => built(lassoComposed(), (problem) => linearizedAdmm(problem, with7({ fidelity: 0.25 }))),
    feeds: lassoFeeds,
    batch: BATCH,
    steps: 1500,
    kkt: lassoKkt,
    golden: lassoGolden,
    expands: true,
  },
  {
    factory: "linearizedAdmm",
    title: "linear program",
    build: () =>
      built(
        { sparsity: { prox: l1(1) }, equations: { prox: indicator(point(d(3))), of: matrix(input("A", [3, 6])) } },
        linearizedAdmm,
      ),
    feeds: { A: lpA, d: lpD },
    batch: BATCH,
    steps: 1000,
    kkt: ({ x, z }, n) =>
      Math.max(
        norm(minus(times(lpA.data, x), rows(lpD)[n]!)),
        fromSubgradient(
          timesTransposed(lpA.data, z["nu.equations"]!).map((a) => -a),
          x,
          () => 1,
        ),
      ),
    golden: lpGolden,
    expands: true,
  },
  {
    factory: "linearizedAdmm",
    title: "constrained, a step a term, αλ = 0.7",
    build: () =>
      built(ctProblem(), (problem) =>
        linearizedAdmm(problem, { ...with7({ fidelity: 0.5, regularization: 0.125 }), beta: 0.25 }),
      ),
    feeds: ctFeeds,
    batch: BATCH,
    steps: 2000,
    kkt: ctKkt,
    expands: true,
  },
  {
    factory: "split",
    title: "constrained",
    build: () => built(ctProblem(), split),
    feeds: ctFeeds,
    batch: BATCH,
    steps: 2000,
    kkt: ctKkt,
    expands: true,
  },
  {
    factory: "split",
    title: "total variation, no term of x itself",
    build: () =>
      built(
        {
          fidelity: { prox: quadratic(input("d", ["N", 1, 3, 4])), of: identity(["N", 1, 3, 4]) },
          regularization: { prox: groupL21(1, input("tau", [])), of: differences({ height: 3, width: 4 }) },
        },
        split,
      ),
    feeds: { d: tvD, tau: scalar(TV_TAU) },
    batch: 2,
    steps: 500,
    kkt: tvKkt,
    expands: true,
  },
];
