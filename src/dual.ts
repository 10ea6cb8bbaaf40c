/** @file The Fenchel–Rockafellar dual of a problem in named terms: what makes its optima checkable. */

import { VouchError } from "./errors.js";
import type { Proximable } from "./functions/function.js";
import { indicator } from "./functions/indicator.js";
import type { LinearOperator } from "./linear/linear.js";
import { type Problem, sortTerms } from "./problem.js";
import { box } from "./sets/box.js";
import { inner, perSample } from "./sets/set.js";
import { zeros } from "./tensor/primitives/broadcast.js";
import { add, div, max, mul, neg, sub } from "./tensor/primitives/elementwise.js";
import { input } from "./tensor/primitives/leaf.js";
import type { Tensor } from "./tensor/tensor.js";
import { vjp } from "./tensor/vjp.js";
import type { Bounds, Named } from "./verify/bounds.js";

/** Denominators of steps never vanish; representable in float32. */
const TINY = 1e-30;

export interface DualOptions {
  /** M > 0 with ‖x‖∞ ≤ M for every x that counts, where the problem has no box of its own: it becomes part of what is proven. */
  readonly prior?: number;
  /** ε ≥ 0 by term, in the term's units: the proof is of the problem with that set widened by ε. A point needs one. */
  readonly slack?: Readonly<Record<string, number>>;
}

/** Why a problem has no dual bound. */
export interface NoBounds {
  readonly reason: "no-objective" | "no-bound";
  readonly detail: string;
}

interface Part {
  readonly name: string;
  readonly f: Proximable;
  readonly S?: LinearOperator;
}

/**
 * minimize h(x) + Σ fᵢ(Sᵢx) in terms of its dual.
 *
 *     D(ν) = −Σ fᵢ*(νᵢ) − h*(−Σ Sᵢᵀνᵢ) ≤ h(x) + Σ fᵢ(Sᵢx) for all ν and x
 *
 * With h the indicator of a bounded box, D is finite for every ν in the domains of the fᵢ*: no dual equation is to be met.
 * Another h, or none, is bounded with the prior ‖x‖∞ ≤ M, which adds −M‖a + Σ Sᵢᵀνᵢ‖₁ − h*(a), a near −Σ Sᵢᵀνᵢ in dom h*.
 *
 * @throws parameter if M or a slack is out of range, or a slack names no set
 * @source Rockafellar 1970, Convex Analysis, Theorem 31.2; Chambolle & Pock 2011, eq. (4)
 */
export function dualBounds(problem: Problem, { prior, slack = {} }: DualOptions = {}): Bounds | NoBounds {
  requireOptions(problem, prior, slack);
  if (Object.keys(problem).length === 0) return { reason: "no-objective", detail: "the model states no terms" };
  const { smooth, direct, composed } = sortTerms(problem);
  if (smooth[0]) return { reason: "no-objective", detail: `${smooth[0][0]} has no conjugate` };
  const parts: Part[] = [
    ...composed.map(([name, { prox, of }]) => ({ name, f: prox, S: of })),
    ...direct.map(([name, f]) => ({ name, f })),
  ].map((part) => ({ ...part, f: widened(part.f, slack[part.name]) }));
  const blind = parts.find(({ f }) => !(f.value && f.conjugate));
  if (blind) return { reason: "no-objective", detail: `${blind.name} (${blind.f.name}) has no value or no conjugate` };
  const domain = composed[0]?.[1].of.domain;
  if (domain === undefined) return { reason: "no-bound", detail: "there is no term of Sx" };

  const onX = parts.filter(({ S }) => S === undefined);
  const bounded = onX.find(({ f }) => f.set?.bounded);
  const h = bounded?.f ?? (prior === undefined ? undefined : indicator(box(-prior, prior)));
  if (h === undefined) return { reason: "no-bound", detail: "no term bounds x, and no prior bound was given" };
  const rest = parts.filter((part) => part !== bounded);
  // Terms of x itself that do not bound it have no dual vector in a splitting's state: the best one near is made here.
  const made = rest.filter(({ S }) => S === undefined);
  const carried = rest.filter(({ S }) => S !== undefined);
  const pull = (y: Named) => carried.map(({ name, S }) => S!.adjoint(y[name]!)).reduce((a, b) => add(a, b));
  const complete = (y: Named): Named => {
    let r = pull(y);
    const all: Record<string, Tensor> = { ...y };
    for (const { name, f } of made) {
      all[name] = admitted(f, neg(r));
      r = add(r, all[name]);
    }
    return all;
  };
  const inward = inwardOf(bounded || h === undefined ? parts : [...parts, { name: "prior", f: h }]);
  return {
    x: domain,
    y: Object.fromEntries(carried.map(({ name, S }) => [name, S!.range])),
    primal: (x) =>
      parts
        .filter(({ f }) => f.set === undefined)
        .map(({ f, S }) => f.value!(S ? S.apply(x) : x))
        .reduce((a, b) => add(a, b), zeros(["N"])),
    constraints: (x) => ({
      ...Object.fromEntries(
        parts.flatMap(({ name, f, S }) => {
          if (f.set === undefined) return [];
          const v = S ? S.apply(x) : x;
          return [[name, f.set.excess?.(v) ?? f.set.distance(v)]];
        }),
      ),
      ...(bounded || prior === undefined ? {} : { prior: box(-prior, prior).distance(x) }),
    }),
    admit: (y) => {
      const near = Object.fromEntries(carried.map(({ name, f }) => [name, admitted(f, y[name]!)]));
      return complete(near);
    },
    dual: (y) => {
      const r = rest.map(({ name, S }) => (S ? transposed(S, y[name]!) : y[name]!)).reduce((a, b) => add(a, b));
      return neg(
        [h.conjugate!(neg(r)), ...rest.map(({ name, f }) => f.conjugate!(y[name]!))].reduce((a, b) => add(a, b)),
      );
    },
    ...(inward ? { inward } : {}),
    given: [
      ...(bounded || prior === undefined ? [] : [`‖x‖∞ ≤ ${prior}`]),
      ...Object.entries(slack).map(([name, epsilon]) => `${name} widened by ${epsilon}`),
    ],
  };
}

export function hasBounds(bounds: Bounds | NoBounds): bounds is Bounds {
  return !("reason" in bounds);
}

/** Rounds of a few steps of CGLS toward the centres, each followed by a projection: they reach inside a noise ball and change x little. */
const ROUNDS = 30;
const STEPS = 4;

/** x + e with Σ‖Sᵢ(x + e) − cᵢ‖² small, back in the sets of x itself. @source Björck 1996, Algorithm 7.4.1 (CGLS) */
function inwardOf(parts: readonly Part[]): Bounds["inward"] {
  const pulled = parts.flatMap(({ f, S }) => (S && f.set?.centre ? [{ S, centre: f.set.centre }] : []));
  const own = parts.flatMap(({ f, S }) => (S === undefined && f.set ? [f.set] : []));
  const stuck = parts.some(({ f, S }) => S && f.set && !f.set.centre);
  if (pulled.length === 0 || stuck || own.length > 1) return undefined;
  const squares = (v: readonly Tensor[]) => v.map((u) => inner(u, u)).reduce((a, b) => add(a, b));
  const back = (v: readonly Tensor[]) => pulled.map(({ S }, i) => S.adjoint(v[i]!)).reduce((a, b) => add(a, b));
  const project = (x: Tensor) => own[0]?.project(x) ?? x;
  const approach = (x: Tensor) => {
    let y = x;
    let r = pulled.map(({ S, centre }) => sub(centre, S.apply(x)));
    let s = back(r);
    let p = s;
    let square = inner(s, s);
    for (let k = 0; k < STEPS; k++) {
      const q = pulled.map(({ S }) => S.apply(p));
      const step = div(square, max(squares(q), TINY));
      y = add(y, mul(perSample(step, p), p));
      r = r.map((v, i) => sub(v, mul(perSample(step, q[i]!), q[i]!)));
      s = back(r);
      const next = inner(s, s);
      p = add(s, mul(perSample(div(next, max(square, TINY)), p), p));
      square = next;
    }
    return project(y);
  };
  return (x) => {
    let y = x;
    for (let round = 0; round < ROUNDS; round++) y = approach(y);
    return y;
  };
}

/** Sᵀy as the derivative of ⟨Sx, y⟩: an `adjoint` that is wrong makes a solver fail, never a proof false. */
function transposed(S: LinearOperator, y: Tensor): Tensor {
  const x = input("dual.x", S.domain);
  return vjp([S.apply(x)], [y], [x])[0]!;
}

function admitted(f: Proximable, y: Tensor): Tensor {
  return f.admit?.(y) ?? y;
}

function widened(f: Proximable, epsilon: number | undefined): Proximable {
  return epsilon === undefined ? f : indicator(f.set!.widen!(epsilon));
}

function requireOptions(problem: Problem, prior: number | undefined, slack: Readonly<Record<string, number>>): void {
  if (prior !== undefined && !(prior > 0 && Number.isFinite(prior))) {
    throw new VouchError("parameter", {
      name: "dualBounds: prior",
      expected: "M > 0, finite, in the units of x",
      got: `${prior}`,
      remedy: "Give a bound on |x| that you know to hold.",
    });
  }
  for (const [name, epsilon] of Object.entries(slack)) {
    const term = problem[name];
    const set = term && "prox" in term ? term.prox.set : undefined;
    if (!set?.widen || !(epsilon >= 0 && Number.isFinite(epsilon))) {
      throw new VouchError("parameter", {
        name: `dualBounds: slack of "${name}"`,
        expected: "ε ≥ 0 for a term whose set can be widened",
        got: set?.widen ? `${epsilon}` : term ? "a term without such a set" : "no such term",
        remedy: "Name an equality or ball constraint.",
      });
    }
  }
}
