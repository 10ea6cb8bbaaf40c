/** @file The table of solvers. */

import { anderson } from "../../src/solvers/anderson.js";
import { newtonGmres } from "../../src/solvers/newton-gmres.js";
import { picard } from "../../src/solvers/picard.js";
import { relaxed } from "../../src/solvers/relaxed.js";
import { restarted } from "../../src/solvers/restarted.js";
import { type Proposal, safeguarded } from "../../src/solvers/safeguarded.js";
import type { Solver } from "../../src/solvers/solver.js";
import { add, mul } from "../../src/tensor/primitives/elementwise.js";
import { mapTensors } from "../../src/tensor/tree.js";

export interface SolverCase {
  readonly factory: string;
  readonly title: string;
  readonly build: () => Solver;
  /** Applications of T it may need, over those of Picard iteration. */
  readonly cost: number;
}

const doubling: Proposal = {
  name: "doubling",
  memory: () => ({}),
  propose: (_, { Tz }) => ({ point: mapTensors(Tz, (leaf) => add(1, mul(2, leaf))), memory: {} }),
};

export const solverCases: readonly SolverCase[] = [
  { factory: "picard", title: "", build: picard, cost: 1 },
  { factory: "relaxed", title: "over", build: () => relaxed(1.4), cost: 1 },
  { factory: "relaxed", title: "under", build: () => relaxed(0.5), cost: 2.2 },
  { factory: "anderson", title: "", build: () => anderson(), cost: 1 },
  { factory: "anderson", title: "of three", build: () => anderson({ memory: 3, ridge: 1e-10 }), cost: 1 },
  { factory: "restarted", title: "", build: restarted, cost: 4 },
  { factory: "safeguarded", title: "against doubling", build: () => safeguarded(doubling), cost: 2 },
  { factory: "newtonGmres", title: "", build: () => newtonGmres({ krylov: 6 }), cost: 1 },
];
