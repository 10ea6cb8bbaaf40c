/** @file Two-player zero-sum games in mixed strategies. */

import { VouchError } from "../../../errors.js";

/** x₁ in the simplex of `rows` actions, x₂ in that of `columns`; the first player pays x₁ᵀBx₂ to the second. */
export interface Game {
  /** Actions of the first player, ≥ 2. */
  readonly rows: number;
  /** Actions of the second player, ≥ 2. */
  readonly columns: number;
  /** B row by row. */
  readonly payoffs: Float64Array;
}

/** A pair of mixed strategies: shares ≥ 0 of each player's actions, of sum 1. */
export interface Strategies {
  readonly first: ArrayLike<number>;
  readonly second: ArrayLike<number>;
}

/** The game of payoffs in rows. @throws parameter if a player has fewer than 2 actions; data naming the payoff that is not finite */
export function matrixGame(payoffs: readonly ArrayLike<number>[]): Game {
  const [rows, columns] = [payoffs.length, payoffs[0]?.length ?? 0];
  const ragged = payoffs.findIndex((row) => row.length !== columns);
  if (ragged >= 0) {
    throw bad("shape", "matrixGame", `${columns} payoffs in row ${ragged}`, `${payoffs[ragged]!.length}`);
  }
  const game = { rows, columns, payoffs: Float64Array.from(payoffs.flatMap((row) => Array.from(row))) };
  requireGame("matrixGame", game);
  return game;
}

/**
 * The symmetric game of n actions whose payoffs above the diagonal are given row by row: B = −Bᵀ, so that its value is 0 and both
 * players have the same equilibrium strategies.
 *
 * @throws as `matrixGame`
 */
export function symmetricGame(n: number, above: ArrayLike<number>): Game {
  const payoffs = new Float64Array(n * n);
  let k = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      payoffs[i * n + j] = above[k]!;
      payoffs[j * n + i] = -above[k]!;
      k++;
    }
  }
  const game = { rows: n, columns: n, payoffs };
  requireGame("symmetricGame", game);
  return game;
}

/** Whether B = −Bᵀ, exactly. */
export function isSymmetric({ rows, columns, payoffs }: Game): boolean {
  return rows === columns && payoffs.every((b, at) => b === -payoffs[(at % rows) * rows + Math.floor(at / rows)]!);
}

/** Bx₂: what each action of the first player costs him. */
export function costs({ rows, columns, payoffs }: Game, second: ArrayLike<number>): Float64Array {
  const out = new Float64Array(rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[i]! += payoffs[i * columns + j]! * second[j]!;
  return out;
}

/** Bᵀx₁: what each action of the second player earns him. */
export function gains({ rows, columns, payoffs }: Game, first: ArrayLike<number>): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j]! += payoffs[i * columns + j]! * first[i]!;
  return out;
}

/** @throws parameter, shape or data, naming the player or payoff that makes no sense */
export function requireGame(name: string, { rows, columns, payoffs }: Game): void {
  const few = Object.entries({ first: rows, second: columns }).find(([, n]) => !(Number.isInteger(n) && n >= 2));
  if (few) throw bad("parameter", name, `2 actions or more of the ${few[0]} player`, `${few[1]}`);
  if (payoffs.length !== rows * columns) {
    throw bad("shape", name, `${rows}×${columns} payoffs`, `${payoffs.length}`);
  }
  const wrong = payoffs.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    const got = `${payoffs[wrong]} in row ${Math.floor(wrong / columns)}, column ${wrong % columns}`;
    throw bad("data", name, "finite payoffs", got);
  }
}

/** @throws shape naming the player whose strategy has another length */
export function requireFit(name: string, { rows, columns }: Game, { first, second }: Strategies): void {
  if (first.length !== rows) throw bad("shape", name, `${rows} shares of the first player`, `${first.length}`);
  if (second.length !== columns) throw bad("shape", name, `${columns} shares of the second player`, `${second.length}`);
}

function bad(code: "parameter" | "shape" | "data", name: string, expected: string, got: string): VouchError {
  return new VouchError(code, { name, expected, got, remedy: "Repair the game." });
}
