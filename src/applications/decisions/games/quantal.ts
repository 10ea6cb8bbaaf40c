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
 * @source McKelvey & Palfrey 1995, Quantal response equilibria for normal form games: the logit equilibrium; F with τ = 1: Heaton, McKenzie, Li, Wu
 * Fung, Osher & Yin 2021, Learning to predict equilibria via fixed point networks (arXiv 2106.00906), §5.1
 */
export function quantalEquilibrium(game: Game, temperature = 1): Strategies {
  requireGame("quantalEquilibrium", game);
  requireTemperature("quantalEquilibrium", temperature);
  const x = solveEntropic(equationsOf(game, temperature));
  const answer = { first: x.subarray(0, game.rows), second: isSymmetric(game) ? x : x.subarray(game.rows) };
  const off = responseDistance(game, answer, temperature);
  if (!(off <= EXACT)) {
    throw new VouchError("convergence", {
      name: "quantalEquilibrium",
      expected: `an equilibrium to ${EXACT}`,
      got: `${off.toExponential(1)}, payoffs up to ${largest(game.payoffs) / temperature} times the temperature`,
      remedy: "Raise the temperature, or take nashEquilibrium.",
    });
  }
  return answer;
}

/**
 * λ of the equilibrium strategy x of a game with B = −Bᵀ and the gradient g of a loss in x, with which
 *
 *     dℓ = −λᵀ dB x/τ,    Jᵀ(λ, μ) = (x ∘ g, 0),    J = [I + MX, 1; xᵀ, 0]
 *
 * J the Jacobian of the equations of `quantalEquilibrium` in (log x, ν).
 */
export function symmetricAdjoint(
  game: Game,
  temperature: number,
  x: ArrayLike<number>,
  g: ArrayLike<number>,
): Float64Array {
  const right = [...Array.from(x, (share, i) => share * g[i]!), 0];
  const J = jacobian(equationsOf(game, temperature), Float64Array.from(x));
  const solved = new LuDecomposition(J.transpose()).solve(Matrix.columnVector(right)).to1DArray();
  return Float64Array.from(solved.slice(0, -1));
}

/** u + M eᵘ + ν = 0, Σ eᵘ = 1 in each group of u: one player where B = −Bᵀ, else two. */
interface Equations {
  readonly M: Matrix;
  /** Actions in each group. */
  readonly groups: readonly number[];
}

function equationsOf(game: Game, temperature: number): Equations {
  const { rows, columns, payoffs } = game;
  const B = Matrix.from1DArray(rows, columns, Array.from(payoffs)).div(temperature);
  if (isSymmetric(game)) return { M: B, groups: [rows] };
  const M = Matrix.zeros(rows + columns, rows + columns);
  M.setSubMatrix(B, 0, rows).setSubMatrix(B.transpose().neg(), rows, 0);
  return { M, groups: [rows, columns] };
}

/** A point (u, ν) with x = eᵘ and the values of the equations there. */
interface Point {
  readonly v: Float64Array;
  readonly x: Float64Array;
  readonly values: Float64Array;
  readonly size: number;
}

/** x of the equations, by Newton's method from the uniform strategies. */
function solveEntropic(equations: Equations): Float64Array {
  const { groups } = equations;
  const uniform = groups.flatMap((n) => new Array<number>(n).fill(-Math.log(n)));
  let now = valuesAt(equations, Float64Array.from([...uniform, ...groups.map(() => 0)]));
  for (let step = 0; step < LIMITS.steps; step++) {
    const next = newtonStep(equations, now);
    // No step is longer than rounding: this point is the best there is.
    if (!(next.size < now.size)) break;
    now = next;
  }
  let from = 0;
  return Float64Array.from(
    groups.flatMap((n) => {
      const shares = Array.from(now.x.subarray(from, from + n));
      from += n;
      const sum = shares.reduce((total, share) => total + share, 0);
      return shares.map((share) => share / sum);
    }),
  );
}

/** Where Newton's step leads, halved until the equations are nearer to 0; the last trial where none is. */
function newtonStep(equations: Equations, { v, x, values, size }: Point): Point {
  const direction = new LuDecomposition(jacobian(equations, x)).solve(Matrix.columnVector(values)).to1DArray();
  const trial = (t: number) =>
    valuesAt(
      equations,
      v.map((value, i) => value - t * direction[i]!),
    );
  let t = 1;
  let next = trial(t);
  while (!(next.size <= (1 - ARMIJO * t) * size) && t > LIMITS.shortest) {
    t /= 2;
    next = trial(t);
  }
  return next;
}

function valuesAt({ M, groups }: Equations, v: Float64Array): Point {
  const x = v.slice(0, M.rows).map(Math.exp);
  const pull = M.mmul(Matrix.columnVector(x)).to1DArray();
  const values = new Float64Array(v.length);
  let i = 0;
  groups.forEach((n, g) => {
    const sum = M.rows + g;
    values[sum] = -1;
    for (const end = i + n; i < end; i++) {
      values[i] = v[i]! + pull[i]! + v[sum]!;
      values[sum]! += x[i]!;
    }
  });
  return { v, x, values, size: Math.hypot(...values) };
}

/** In (u, ν): [I + MX, E; EᵀX, 0], E which group a row is of. */
function jacobian({ M, groups }: Equations, x: Float64Array): Matrix {
  const size = M.rows;
  const J = Matrix.zeros(size + groups.length, size + groups.length);
  let i = 0;
  groups.forEach((n, g) => {
    for (const end = i + n; i < end; i++) {
      for (let j = 0; j < size; j++) J.set(i, j, M.get(i, j) * x[j]! + (i === j ? 1 : 0));
      J.set(i, size + g, 1);
      J.set(size + g, i, x[i]!);
    }
  });
  return J;
}

function largest(payoffs: Float64Array): number {
  return payoffs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
