/** @file Checking a witness of optimality: feasibility and a duality gap that hold in real arithmetic. */

import { VouchError } from "../errors.js";
import { evaluate } from "../tensor/interpret.js";
import { input } from "../tensor/primitives/leaf.js";
import { concrete, sameShape, showShape, type Tensor, type Value } from "../tensor/tensor.js";
import type { Bounds } from "./bounds.js";
import { enclose, inexactPrimitive, interval } from "./enclose.js";

/** Numbers row-major, as they lie in memory: their float64 widening is what is certified. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What a solver hands over for one sample (N = 1): an answer and dual vectors, from anywhere. */
export interface Witness {
  readonly x: Numbers;
  readonly y: Readonly<Record<string, Numbers>>;
}

export interface ConstraintCheck {
  readonly name: string;
  /** Least and most the excess can be in real arithmetic; feasible where `high` ≤ 0. */
  readonly low: number;
  readonly high: number;
}

/** Why nothing is said of optimality. */
export type Unverifiable =
  /** A term has no objective, or none with a conjugate. */
  | "no-objective"
  /** No bound on x is known, so that the dual bound is −∞. */
  | "no-bound"
  /** x is infeasible, or within rounding of it: a gap would mean nothing. */
  | "infeasible"
  /** A figure needs a primitive whose rounding is not known. */
  | "inexact-primitive"
  /** x or the bounds are not finite. */
  | "not-finite";

/** What is proven of one sample. */
export type Verdict =
  | {
      readonly verdict: "VERIFIED";
      /** P(x), rounded up, and D(y), rounded down: D(y) ≤ p* ≤ P(x). */
      readonly primal: number;
      readonly dual: number;
      /** primal − dual, rounded up. */
      readonly gap: number;
      /** gap/|primal|, rounded up; Infinity where the primal value is 0 and the gap is not. */
      readonly relativeGap: number;
      readonly constraints: readonly ConstraintCheck[];
      readonly given: readonly string[];
    }
  | {
      readonly verdict: "UNVERIFIABLE";
      readonly reason: Unverifiable;
      readonly detail: string;
      readonly constraints: readonly ConstraintCheck[];
    };

/**
 * Evaluate P, D and the constraints of a witness in float64 with proven rounding.
 *
 *     D(y) ≤ p* ≤ P(x) for every y, and every x that meets the constraints
 *
 * The dual vectors are moved into the domain of D first; whatever they are, the bound holds, it is only worse for bad ones.
 *
 * @param data  values of the tensors the bounds were built on, samples (N = 1) and weights, as float32 or float64 numbers
 * @throws shape if x or a dual vector has another shape than the family's
 * @source Rockafellar 1970, Convex Analysis, Corollary 31.2.1 (weak duality); McConnell, Mehlhorn, Näher & Schweitzer 2011
 * (certifying algorithms); Neumaier & Shcherbina 2004 and Jansson 2004 (safe bounds for linear and convex programs)
 */
export function check(bounds: Bounds, data: ReadonlyMap<Tensor, Value>, witness: Witness): Verdict {
  const x = input("witness.x", bounds.x);
  const y = Object.fromEntries(
    Object.entries(bounds.y).map(([name, shape]) => [name, input(`witness.y.${name}`, shape)]),
  );
  const given = new Map(data);
  given.set(x, widened("x", bounds.x, witness.x));
  for (const [name, tensor] of Object.entries(y))
    given.set(tensor, widened(`y.${name}`, tensor.shape, witness.y[name]));

  const admitted = bounds.admit(y);
  const names = Object.keys(admitted);
  // Whatever float64 makes of the dual vectors is a dual vector: from here on they are exact.
  const chosen = evaluate(
    names.map((name) => admitted[name]!),
    given,
    1,
  );
  const duals = Object.fromEntries(names.map((name) => [name, input(`dual.${name}`, admitted[name]!.shape)]));
  for (const [i, name] of names.entries()) given.set(duals[name]!, chosen[i]!);

  const constraints = bounds.constraints(x);
  const outputs = [bounds.primal(x), bounds.dual(duals), ...Object.values(constraints)];
  const inexact = inexactPrimitive(outputs, given);
  if (inexact !== undefined) {
    return {
      verdict: "UNVERIFIABLE",
      reason: "inexact-primitive",
      detail: `the figures need ${inexact}`,
      constraints: [],
    };
  }
  const [primal, dual, ...excesses] = enclose(outputs, given, 1).map(interval);
  const checks = Object.keys(constraints).map((name, i) => ({ name, ...excesses[i]! }));
  return judge(primal!.high, dual!.low, checks, bounds.given);
}

function judge(
  primal: number,
  dual: number,
  constraints: readonly ConstraintCheck[],
  given: readonly string[],
): Verdict {
  const off = constraints.find(({ high }) => !(high <= 0));
  if (off) {
    const detail = `${off.name} is violated by ${off.low > 0 ? "" : "up to "}${(off.low > 0 ? off.low : off.high).toPrecision(3)}`;
    return { verdict: "UNVERIFIABLE", reason: "infeasible", detail, constraints };
  }
  if (!(Number.isFinite(primal) && Number.isFinite(dual))) {
    const detail = `the primal value is ${primal}, the dual bound ${dual}`;
    return { verdict: "UNVERIFIABLE", reason: "not-finite", detail, constraints };
  }
  const gap = above(primal - dual);
  const relativeGap = gap <= 0 ? 0 : above(gap / Math.abs(primal));
  return { verdict: "VERIFIED", primal, dual, gap, relativeGap, constraints, given };
}

/** A float64 above every real that rounds to v. */
function above(v: number): number {
  return v + Math.abs(v) * 2 ** -52 + 2 ** -1000;
}

function widened(name: string, shape: Tensor["shape"], numbers: Numbers | undefined): Value {
  const expected = concrete(shape, 1);
  if (
    numbers === undefined ||
    !sameShape(expected, numbers.shape) ||
    numbers.data.length !== expected.reduce((p, n) => p * n, 1)
  ) {
    throw new VouchError("shape", {
      name: `check: ${name}`,
      expected: showShape(expected),
      got: numbers === undefined ? "nothing" : `${showShape(numbers.shape)} with ${numbers.data.length} elements`,
      remedy: "Pass the witness of one sample.",
    });
  }
  return { shape: numbers.shape, data: Float64Array.from(numbers.data) };
}
