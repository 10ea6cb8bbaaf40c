/** @file The table of solvers of adjoint systems. */

import type { AdjointSolver } from "../../src/backward/adjoint.js";
import { adjointIteration } from "../../src/backward/adjoint-iteration.js";
import { cgls } from "../../src/backward/cgls.js";

export interface AdjointCase {
  readonly factory: string;
  readonly solver: AdjointSolver;
  /** Needs J to have a spectral radius below 1. */
  readonly contractive: boolean;
}

export const adjointCases: readonly AdjointCase[] = [
  { factory: "adjointIteration", solver: adjointIteration, contractive: true },
  { factory: "cgls", solver: cgls, contractive: false },
];
