/** @file Which conditions for well-posedness a model meets, and by how much. */

import { VouchError } from "../../../errors.js";
import { type Placed, placed } from "../activations/phi.js";
import { blockTriangular } from "../components.js";
import { submatrix } from "../dense.js";
import type { ImplicitModel } from "../model.js";
import { denseA } from "../state-matrix.js";
import { blockNorms } from "./block-norms.js";
import { LIMIT, ROUNDING, type Subject, type WellPosedCondition } from "./condition.js";
import { diagonalScaling } from "./diagonal-scaling.js";
import { infinityNorm } from "./infinity-norm.js";
import { lowRank } from "./low-rank.js";
import { monotone } from "./monotone.js";
import { perronFrobenius } from "./perron-frobenius.js";
import { rankOne } from "./rank-one.js";
import { triangular } from "./triangular.js";
import { twoNorm } from "./two-norm.js";

/** Every condition, in the order in which a prediction tries them. */
export const conditions: readonly WellPosedCondition[] = [
  triangular,
  infinityNorm,
  lowRank,
  rankOne,
  perronFrobenius,
  blockNorms,
  twoNorm,
  diagonalScaling,
  monotone,
];

/** A condition evaluated: left < 1 by the margin 1 − left, or why it says nothing. */
export interface Finding {
  readonly condition: WellPosedCondition;
  readonly left?: number;
  readonly margin?: number;
  readonly holds: boolean;
  readonly inapplicable?: string;
}

export function evaluate(condition: WellPosedCondition, subject: Subject): Finding {
  const unbounded = subject.phi.find(({ activation }) => activation.lipschitz.infinity === Infinity);
  const left =
    unbounded && condition.iteration !== "substitution"
      ? { inapplicable: `${unbounded.block.map} is not Lipschitz` }
      : condition.left(subject);
  if (typeof left !== "number") return { condition, holds: false, inapplicable: left.inapplicable };
  return { condition, left, margin: LIMIT - left, holds: LIMIT - left > ROUNDING };
}

/** All conditions of a model. One that holds makes it well-posed; none says nothing. */
export function wellPosedness(model: Pick<ImplicitModel, "A" | "phi">): Finding[] {
  const subject = subjectOf(model);
  return conditions.map((condition) => evaluate(condition, subject));
}

export function subjectOf({ A, phi }: Pick<ImplicitModel, "A" | "phi">): Subject {
  return { A: denseA(A), phi: placed(phi), ...(A.kind === "low-rank" ? { factors: A } : {}) };
}

/**
 * Each diagonal block of the triangular form of A with a condition that it meets; blocks without an equation are left out.
 *
 * @throws parameter in the name of the caller if one meets none
 * @source El Ghaoui et al., Theorem 1
 */
export function requireWellPosed(name: string, { A, phi }: Pick<ImplicitModel, "A" | "phi">): void {
  const whole = denseA(A);
  for (const { units, states, explicit } of blockTriangular(A, placed(phi)).components) {
    if (!explicit) requireCondition(name, { A: submatrix(whole, states, states), phi: local(units) });
  }
}

/** Units moved together, from state 0 on. */
export function local(units: readonly Placed[]): Placed[] {
  let from = 0;
  return units.map((unit) => {
    const moved = { ...unit, from, to: from + unit.to - unit.from };
    from = moved.to;
    return moved;
  });
}

/** The first condition that holds. @throws parameter with the left sides if there is none */
export function requireCondition(name: string, subject: Subject): WellPosedCondition {
  const findings: Finding[] = [];
  for (const condition of conditions) {
    const finding = evaluate(condition, subject);
    if (finding.holds) return condition;
    findings.push(finding);
  }
  const got = findings.flatMap(({ condition, left }) =>
    left === undefined ? [] : [`${condition.text}: ${left.toPrecision(4)}`],
  );
  throw new VouchError("parameter", {
    name,
    expected: "an A for which x = φ(Ax + b) has one solution, by one of the conditions",
    got: got.join("; "),
    remedy: "Project A, `rowsOnL1Ball`, or parametrise it, `monotoneMatrix`.",
  });
}
