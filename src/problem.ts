/** @file A problem: a record of named terms f(Sx). A term's name is its certificate's name. */

import { VouchError } from "./errors.js";
import type { Property, Proximable, Smooth } from "./functions/function.js";
import type { LinearOperator } from "./linear/linear.js";
import { mul } from "./tensor/primitives/elementwise.js";
import type { Shape, Tensor } from "./tensor/tensor.js";

export interface ProximableTerm {
  readonly prox: Proximable;
  /** S; the identity where absent. */
  readonly of?: LinearOperator;
  /** What is certified of this term; the function's own property by default. */
  readonly property?: Property;
}

export interface SmoothTerm {
  readonly smooth: Smooth;
  readonly of?: LinearOperator;
}

export type Term = ProximableTerm | SmoothTerm;

/** minimize Σ f_i(S_i x) over x, each term by name. @source Heaton & Wu Fung 2023, eq. (1), (2), (14) */
export type Problem = Readonly<Record<string, Term>>;

export function isSmooth(term: Term): term is SmoothTerm {
  return "smooth" in term;
}

/** L‖S‖² ≥ Lipschitz constant of the gradient of f(Sx) in x: a scalar. */
export function lipschitzOf({ smooth, of }: SmoothTerm): Tensor {
  const inside = smooth.lipschitz();
  if (!of) return inside;
  const { value } = of.norm();
  return mul(inside, mul(value, value));
}

export interface Composed {
  readonly prox: Proximable;
  readonly of: LinearOperator;
}

/** A problem sorted by what a splitting asks of its terms. */
export interface SortedTerms {
  readonly smooth: readonly (readonly [name: string, term: SmoothTerm])[];
  /** Proximable terms of x itself. */
  readonly direct: readonly (readonly [name: string, prox: Proximable])[];
  /** Proximable terms of Sx. */
  readonly composed: readonly (readonly [name: string, term: Composed])[];
}

export function sortTerms(problem: Problem): SortedTerms {
  const entries = Object.entries(problem);
  if (entries.length === 0) {
    throw new VouchError("problem", {
      name: "split",
      expected: "at least one term",
      got: "none",
      remedy: "Name a term.",
    });
  }
  const smooth: (readonly [string, SmoothTerm])[] = [];
  const direct: (readonly [string, Proximable])[] = [];
  const composed: (readonly [string, Composed])[] = [];
  for (const [name, term] of entries) {
    if (isSmooth(term)) smooth.push([name, term]);
    else if (term.of === undefined) direct.push([name, term.prox]);
    else composed.push([name, { prox: term.prox, of: term.of }]);
  }
  return { smooth, direct, composed };
}

/**
 * Shape of x, sample axis first: what was given, else the domain of an operator, else what the data of a term of x itself say.
 *
 * @throws problem, as `name`, where nothing says it
 */
export function domainOf(name: string, problem: Problem, given?: Shape): Shape {
  const terms = Object.values(problem);
  const own = terms.map((term) => (term.of ? undefined : isSmooth(term) ? term.smooth.domain : term.prox.domain));
  const found = given ?? terms.find(({ of }) => of)?.of?.domain ?? own.find((shape) => shape);
  if (found) return found;
  throw new VouchError("problem", {
    name,
    expected: "the shape of x",
    got: "no operator, no data of that shape and no domain",
    remedy: "Pass { domain }, or give a term { of: identity(shape) }.",
  });
}

/** A term whose prox ignores its step, where there is one. */
export function steplessTerm(problem: Problem): string | undefined {
  return Object.keys(problem).find((name) => {
    const term = problem[name]!;
    return !isSmooth(term) && term.prox.ignoresStep;
  });
}

/** What is certified of each proximable term at x: a value per sample [N], from x alone or with the solver's copies. */
export function properties(
  problem: Problem,
  x: Tensor,
  copies: Readonly<Record<string, Tensor>> = {},
): Record<string, { readonly kind: string; readonly value: Tensor }> {
  return Object.fromEntries(
    Object.entries(problem).flatMap(([name, term]) => {
      if (isSmooth(term)) return [];
      const property = term.property ?? term.prox.property;
      return [[name, { kind: property.kind, value: property.measure(term.of ? term.of.apply(x) : x, copies[name]) }]];
    }),
  );
}
