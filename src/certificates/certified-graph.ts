/** @file `infer` as one graph: a whole solve, the property of every term, and their labels, in float32. */

import { VouchError } from "../errors.js";
import type { Trace } from "../model.js";
import { properties } from "../problem.js";
import { balancedBy } from "../solvers/balance.js";
import type { ChunkShape } from "../solvers/chunk.js";
import type { Solver } from "../solvers/solver.js";
import { type Limits, type Whole, wholeSolve } from "../solvers/whole.js";
import { broadcastTo, sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { abs, less, mul, select } from "../tensor/primitives/elementwise.js";
import { constant } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Calibration } from "./calibration.js";
import type { Levels } from "./joint.js";
import type { Labeller } from "./labels.js";
import { jointLabel, labels, rankLabel } from "./ranks.js";

export interface CertifiedGraphOptions extends Limits {
  readonly calibration: Calibration;
  /** A rule of ranks, see `rankLabel`. */
  readonly label: Labeller;
  readonly levels: Partial<Levels>;
  readonly solver: Solver;
  readonly chunk: ChunkShape;
}

/** A certificate as tensors, [N] each: labels are places in `labels`. */
export interface CertifiedTerm {
  readonly term: string;
  readonly kind: string;
  /** Not a number where x is not finite. */
  readonly value: Tensor;
  readonly label: Tensor;
  readonly p?: Tensor;
}

export interface CertifiedGraph extends Whole {
  /** One for each proximable term, in the problem's order. */
  readonly terms: readonly CertifiedTerm[];
  readonly convergence: Tensor;
  /** Absent where it is REFUSED. */
  readonly joint?: { readonly label: Tensor; readonly p: Tensor };
  /** 1 where the labels of all terms and of convergence are pass, else 0. */
  readonly trustworthy: Tensor;
}

/**
 * The graph over `params.NAME` and `data.NAME` of a traced model.
 *
 * @throws certificate if a term has no calibration, or too few for the levels; parameter if the labeller is not one of ranks
 */
export function certifiedGraph({ operator, problem }: Trace, options: CertifiedGraphOptions): CertifiedGraph {
  const { calibration, solver, chunk, label, levels } = options;
  const solved = wholeSolve(operator, solver, chunk, options);
  const finite = less(sum(select(less(abs(solved.x), Number.POSITIVE_INFINITY), 0, 1), sampleAxes(solved.x)), 0.5);
  const measured = Object.entries(properties(problem, solved.x, operator.copies?.(solver.point(solved.state))));
  // At a fixed point the copies are Sx for any steps.
  const steps = broadcastTo(constant(1), ["N"]);
  const values = balancedBy(
    operator.balance,
    steps,
    measured.map(([, { value }]) => value),
  );
  const terms = measured.map(([term, { kind }], i) => {
    const value = select(finite, values[i]!, Number.NaN);
    return { term, kind, value, ...rankLabel(calibrated(calibration, term), label, value) };
  });
  const joint = jointLabel(
    calibration.values,
    Object.fromEntries(terms.map(({ term, value }) => [term, value])),
    levels,
  );
  const convergence = select(less(solved.status, 0.5), labels.indexOf("pass"), labels.indexOf("fail"));
  const passes = [convergence, ...terms.map((one) => one.label)].map((code) => select(less(code, 0.5), 1, 0));
  const trustworthy = passes.reduce((a, b) => mul(a, b));
  return { ...solved, terms, convergence, trustworthy, ...(joint ? { joint } : {}) };
}

function calibrated({ values }: Calibration, term: string): readonly number[] {
  const list = Object.hasOwn(values, term) ? values[term] : undefined;
  if (list) return list;
  throw new VouchError("certificate", {
    name: "exportOnnx",
    expected: `calibration values of "${term}"`,
    got: Object.keys(values).join(", ") || "none",
    remedy: "Calibrate with this model's terms.",
  });
}
