/** @file The table of solvers. */

import { picard } from "../../src/solvers/picard.js";
import { relaxed } from "../../src/solvers/relaxed.js";
import type { Solver } from "../../src/solvers/solver.js";

export interface SolverCase {
  readonly factory: string;
  readonly title: string;
  readonly build: () => Solver;
  /** Applications of T it may need, over those of Picard iteration. */
  readonly cost: number;
}

export const solverCases: readonly SolverCase[] = [
  { factory: "picard", title: "", build: picard, cost: 1 },
  { factory: "relaxed", title: "over", build: () => relaxed(1.4), cost: 1 },
  { factory: "relaxed", title: "under", build: () => relaxed(0.5), cost: 2.2 },
];
