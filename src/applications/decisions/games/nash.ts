/** @file Nash equilibria of zero-sum games: two linear programs by a solver that the caller brings, checked here in whole numbers. */

import { VouchError } from "../../../errors.js";
import type { SolveMip } from "../knapsack/exact.js";
import { proveExploitability } from "./exploitability.js";
import { type Game, requireGame, type Strategies } from "./game.js";

/** Most exploitability of an answer that counts as an equilibrium, as a share of the largest payoff. */
const TOLERANCE = 1e-9;

/**
 * A pair of strategies that neither player can better: minₓ maxⱼ (Bᵀx)ⱼ and maxᵧ minᵢ (By)ᵢ over the simplices.
 *
 * Where there are several equilibria it is one of them. Whatever the solver says, its exploitability is checked.
 *
 * @throws convergence if the solver finds no optimum, or its answer is exploitable by more than 1e-9 of the largest payoff; as
 * `matrixGame`
 * @source Dantzig 1951, A proof of the equivalence of the programming problem and the game problem
 */
export function nashEquilibrium(game: Game, solve: SolveMip): Strategies {
  requireGame("nashEquilibrium", game);
  const { rows, columns, payoffs } = game;
  const payoff = (i: number, j: number) => payoffs[i * columns + j]!;
  const answer = {
    first: guarantee(rows, columns, payoff, ["Minimize", "<="], solve),
    second: guarantee(columns, rows, (j, i) => payoff(i, j), ["Maximize", ">="], solve),
  };
  const proof = proveExploitability(game, answer);
  const most = payoffs.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  if (proof.verdict !== "VERIFIED") throw unsolved("strategies", proof.detail);
  if (!(proof.exploitability <= TOLERANCE * most)) {
    throw unsolved(`an exploitability of at most ${TOLERANCE} of the payoffs`, `${proof.exploitability}`);
  }
  return answer;
}

/** The strategy of `own` actions with the best worst payoff against each of the other's. */
function guarantee(
  own: number,
  other: number,
  payoff: (mine: number, theirs: number) => number,
  [goal, side]: readonly [goal: "Minimize" | "Maximize", side: "<=" | ">="],
  solve: SolveMip,
): Float64Array {
  const each = (f: (k: number) => string) => Array.from({ length: own }, (_, k) => f(k)).join(" ");
  const signed = (value: number) => `${value < 0 ? "-" : "+"} ${Math.abs(value)}`;
  const rows = Array.from(
    { length: other },
    (_, j) => ` c${j}: ${each((i) => `${signed(payoff(i, j))} x${i}`)} - v ${side} 0`,
  );
  const { status, columns } = solve(
    `${goal}\n obj: v\nSubject To\n${rows.join("\n")}\n sum: ${each((i) => `+ 1 x${i}`)} = 1\nBounds\n v free\nEnd\n`,
  );
  if (status !== "Optimal") throw unsolved("an optimum", status);
  const shares = Float64Array.from({ length: own }, (_, i) => Math.max(0, columns[`x${i}`] ?? Number.NaN));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}

function unsolved(expected: string, got: string): VouchError {
  return new VouchError("convergence", { name: "nashEquilibrium", expected, got, remedy: "Use another solver." });
}
