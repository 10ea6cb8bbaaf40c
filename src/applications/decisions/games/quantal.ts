/** @file Quantal response equilibria, exact in float64 by Newton's method. */

import { LuDecomposition, Matrix } from "ml-matrix";
import { VouchError } from "../../../errors.js";
import { type Game, isSymmetric, requireGame, type Strategies } from "./game.js";
import { requireTemperature, responseDistance } from "./quantal-gap.js";

/** ‖x − response(x)‖∞ that an equilibrium is checked to. */
const EXACT = 1e-12;
const LIMITS = { steps: 200, shortest: 1e-12 };
/** Share of the predicted decrease that a step must bring. */
const ARMIJO = 1e-4;

/**
 * The one pair (x₁, x₂) with x₁ = softmax(−Bx₂/τ) and x₂ = softmax(Bᵀx₁/τ): on the product of simplices the zero of
 *
 *     F(x) = [Bx₂ + τ(log x₁ + 1); −Bᵀx₁ + τ(log x₂ + 1)],    monotone
 *
 * by Newton's method with backtracking on u + M eᵘ + ν = 0, Σ eᵘ = 1 in u = log x, M = [0, B; −Bᵀ, 0]/τ; where B = −Bᵀ both players
 * have one strategy, with M = B/τ. The answer is checked to ‖x − softmax(…)‖∞ ≤ 1e-12.
 *
 * @param temperature  τ > 0, units of the payoffs
 * @throws parameter if τ is not > 0; convergence where float64 does not come to 1e-12, as for payoffs of thousands of τ; as `matrixGame`
 * @source McKelvey & Palfrey 1995, Quantal response equilibria for normal form games, §3.1; F with τ = 1: Heaton, McKenzie, Li, Wu
 * Fung, Osher & Yin 2021, Learn to predict equilibria via fixed point networks, §5.1
 */
export function quantalEquilibrium(game: Game, temperature = 1): Strategies {
  requireGame("quantalEquilibrium", game);
  requireTemperature("quantalEquilibrium", temperature);
  const { rows, columns, payoffs } = game;
  const symmetric = isSymmetric(game);
  const groups = symmetric ? [rows] : [rows, columns];
  const M = Matrix.zeros(symmetric ? rows : rows + columns, symmetric ? rows : rows + columns);
  payoffs.forEach((b, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    if (symmetric) M.set(i, j, b / temperature);
    else {
      M.set(i, rows + j, b / temperature);
      M.set(rows + j, i, -b / temperature);
    }
  });
  const x = solveEntropic(M, groups);
  const answer = { first: x.subarray(0, rows), second: symmetric ? x : x.subarray(rows) };
  const off = responseDistance(game, answer, temperature);
  if (!(off <= EXACT)) {
    throw new VouchError("convergence", {
      name: "quantalEquilibrium",
      expected: `an equilibrium to ${EXACT}`,
      got: `${off.toExponential(1)}, payoffs up to ${largest(payoffs) / temperature} times the temperature`,
      remedy: "Raise the temperature, or take nashEquilibrium.",
    });
  }
  return answer;
}

/**
 * (I + (MX)ᵀ, …)λ for gradients: g with respect to x at the equilibrium x of M to λ, dℓ = −λᵀ dM x.
 *
 * λ solves Jᵀ(λ, μ) = (x ∘ g, 0), J = [I + MX, 1; xᵀ, 0] the Jacobian of the equations in (log x, ν).
 */
export function symmetricAdjoint(
  { rows, payoffs }: Game,
  temperature: number,
  x: ArrayLike<number>,
  g: ArrayLike<number>,
): Float64Array {
  const M = new Matrix(rows, rows);
  payoffs.forEach((b, at) => {
    M.set(Math.floor(at / rows), at % rows, b / temperature);
  });
  const right = Matrix.zeros(rows + 1, 1);
  for (let i = 0; i < rows; i++) right.set(i, 0, x[i]! * g[i]!);
  const solved = new LuDecomposition(jacobian(M, [rows], Float64Array.from(x)).transpose()).solve(right);
  return Float64Array.from({ length: rows }, (_, i) => solved.get(i, 0));
}

/** x = eᵘ with u + M eᵘ + ν = 0 and Σ eᵘ = 1 in each group. */
function solveEntropic(M: Matrix, groups: readonly number[]): Float64Array {
  const size = M.rows;
  const groupOf = groups.flatMap((n, g) => new Array<number>(n).fill(g));
  const at = (v: Float64Array) => {
    const x = v.slice(0, size).map(Math.exp);
    const equation = new Float64Array(v.length);
    for (let i = 0; i < size; i++) {
      let sum = v[i]! + v[size + groupOf[i]!]!;
      for (let j = 0; j < size; j++) sum += M.get(i, j) * x[j]!;
      equation[i] = sum;
      equation[size + groupOf[i]!]! += x[i]!;
    }
    for (let g = 0; g < groups.length; g++) equation[size + g]! -= 1;
    return { v, x, equation, size: Math.hypot(...equation) };
  };
  // The uniform strategies, with ν that makes the mean of each group's equations 0.
  const start = new Float64Array(size + groups.length);
  for (let i = 0; i < size; i++) start[i] = -Math.log(groups[groupOf[i]!]!);
  let now = at(start);
  for (let i = 0; i < size; i++) start[size + groupOf[i]!]! -= now.equation[i]! / groups[groupOf[i]!]!;
  now = at(start);
  for (let step = 0; step < LIMITS.steps && now.size > 0; step++) {
    const J = jacobian(M, groups, now.x);
    const direction = new LuDecomposition(J).solve(Matrix.columnVector(now.equation)).to1DArray();
    let t = 1;
    let next = at(now.v.map((value, i) => value - t * direction[i]!));
    while (!(next.size <= (1 - ARMIJO * t) * now.size) && t > LIMITS.shortest) {
      t /= 2;
      next = at(now.v.map((value, i) => value - t * direction[i]!));
    }
    // No step is shorter than rounding: the last one was the best.
    if (!(next.size < now.size)) break;
    now = next;
  }
  const sums = groups.map(() => 0);
  now.x.forEach((value, i) => {
    sums[groupOf[i]!]! += value;
  });
  return now.x.map((value, i) => value / sums[groupOf[i]!]!);
}

/** Of the equations in (u, ν): [I + MX, E; EᵀX, 0], E which group a row is of. */
function jacobian(M: Matrix, groups: readonly number[], x: Float64Array): Matrix {
  const size = M.rows;
  const J = Matrix.zeros(size + groups.length, size + groups.length);
  let start = 0;
  groups.forEach((n, g) => {
    for (let i = start; i < start + n; i++) {
      for (let j = 0; j < size; j++) J.set(i, j, M.get(i, j) * x[j]! + (i === j ? 1 : 0));
      J.set(i, size + g, 1);
      J.set(size + g, i, x[i]!);
    }
    start += n;
  });
  return J;
}

function largest(payoffs: Float64Array): number {
  return payoffs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
