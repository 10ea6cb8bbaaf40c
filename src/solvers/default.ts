/** @file The solver an operator gets when none is asked for. */

import type { Operator } from "../operator.js";
import { picard } from "./picard.js";
import { relaxed } from "./relaxed.js";
import type { Solver } from "./solver.js";

/** Over-relaxation of firmly nonexpansive operators: the best of {1, 1.5, 1.8, 1.9, 1.95} in steps of the CT models. */
const OMEGA = 1.9;

/** `relaxed(1.9)` where T is firmly nonexpansive (linearized ADMM, Douglas–Rachford), `picard()` elsewhere. */
export function defaultSolver(T: Operator): Solver {
  return T.averagedness <= 1 / 2 ? relaxed(OMEGA) : picard();
}
