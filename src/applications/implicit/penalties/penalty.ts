/** @file What a penalty of training is: a convex function of a model's parts that has a prox. */

import { VouchError } from "../../../errors.js";
import { dense } from "../dense.js";
import { mapParts, type Parameters, type Part } from "../train/parameters.js";

/** P(A, B, C, D), convex and closed; the sum of terms on parts of their own. */
export interface Penalty {
  readonly name: string;
  /** What it speaks of; other parts neither count nor move. */
  readonly parts: readonly Part[];
  /** P; Infinity outside its set. */
  value(at: Parameters): number;
  /** A subgradient in the set: ∇P off the kinks, 0 for what is 0 there and for what is only a set. */
  gradient(at: Parameters): Parameters;
  /** argmin_Q ½‖Q − Θ‖² + step P(Q), step ≥ 0; the projection on the set for step = 0. */
  prox(at: Parameters, step: number): Parameters;
}

/** A penalty that is 0 on a bounded set and ∞ elsewhere. */
export interface BoundedSet extends Penalty {
  /** argmin ⟨G, S⟩ over the set, in the parts it speaks of; 0 in the others. */
  vertex(G: Parameters): Parameters;
}

/**
 * The sum of penalties on different parts, whose prox is theirs side by side.
 *
 * @throws parameter naming two terms that share a part: the prox of their sum is not made of theirs
 */
export function sumOfPenalties(terms: readonly Penalty[]): Penalty {
  const owner = new Map<Part, string>();
  for (const { name, parts } of terms) {
    for (const part of parts) {
      const other = owner.get(part);
      if (other !== undefined) {
        throw new VouchError("parameter", {
          name: "sumOfPenalties",
          expected: "terms on parts of their own",
          got: `${other} and ${name}, both on ${part}`,
          remedy: "Leave one out, or write their sum as a penalty with its own prox.",
        });
      }
      owner.set(part, name);
    }
  }
  const sideBySide = (rest: Parameters, of: (term: Penalty) => Parameters) => {
    const made = new Map(terms.map((term) => [term, of(term)]));
    return mapParts((part) => {
      const term = terms.find(({ parts }) => parts.includes(part));
      return term ? made.get(term)![part] : rest[part];
    });
  };
  return {
    name: terms.map(({ name }) => name).join(" + "),
    parts: [...owner.keys()],
    value: (at) => terms.reduce((sum, term) => sum + term.value(at), 0),
    gradient: (at) => sideBySide(zero(at), (term) => term.gradient(at)),
    prox: (at, step) => sideBySide(at, (term) => term.prox(at, step)),
  };
}

/** Share of a bound by which a projection's own rounding may miss it. */
export const ON_EDGE = 1e-12;

/** 0 in every part. */
export function zero(at: Parameters): Parameters {
  return mapParts((part) => dense(at[part].rows, at[part].columns));
}

/** @throws parameter unless the weight or bound of a penalty is finite and ≥ 0 */
export function requireWeight(name: string, weight: number): void {
  if (weight >= 0 && Number.isFinite(weight)) return;
  throw new VouchError("parameter", {
    name,
    expected: "a finite number ≥ 0",
    got: `${weight}`,
    remedy: "0 leaves the penalty out.",
  });
}
