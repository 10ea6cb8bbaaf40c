/** @file Linearized ADMM. */

import { VouchError } from "../errors.js";
import { proxConjugate } from "../functions/function.js";
import { stack } from "../linear/stack.js";
import type { Condition, Operator } from "../operator.js";
import { type Problem, sortTerms, steplessTerm } from "../problem.js";
import { inner, norm, perSample } from "../sets/set.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { add, asTensor, div, max, mul, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";

export interface LinearizedAdmmOptions {
  /** Dual step of each term > 0; default ratio/‖Sᵢ‖², so that Σαᵢβ‖Sᵢ‖² = 1. */
  readonly alpha?: Readonly<Record<string, TensorLike>>;
  /** Primal step > 0; default 1/Σαᵢ‖Sᵢ‖². */
  readonly beta?: TensorLike;
  /** λᵢ with αᵢλᵢ ≤ 1; default 1/αᵢ, with which the copies pᵢ of Sᵢx leave the state. */
  readonly lambda?: Readonly<Record<string, TensorLike>>;
  /** Dual over primal progress, one number for all terms or one a term; default 1. */
  readonly ratio?: number | Readonly<Record<string, number>>;
  /** [N], an input: multiplies the ratio of each sample, so that a solve can rebalance primal and dual progress. Not with λ. */
  readonly balance?: Tensor;
}

type Named = Readonly<Record<string, Tensor>>;

interface Point {
  readonly nu: Named;
  readonly x: Tensor;
  /** Present only where λ is given. */
  readonly p?: Named;
}

/** Denominators of relative residuals never vanish. */
const TINY = 1e-12;

/**
 * minimize h(x) + Σ fᵢ(Sᵢx), all proximable.
 *
 *     pᵢ⁺ = prox_{λᵢfᵢ}(pᵢ + λᵢ(νᵢ + αᵢ(Sᵢx − pᵢ)))
 *     νᵢ⁺ = νᵢ + αᵢ(Sᵢx − pᵢ⁺)
 *     x⁺  = prox_{βh}(x − β Σ Sᵢᵀ(2νᵢ⁺ − νᵢ))
 *
 * Firmly nonexpansive in the metric P (see `metric`) if αᵢλᵢ ≤ 1 and β Σαᵢ‖Sᵢ‖² ≤ 1. If not, it may diverge or cycle.
 * With αᵢλᵢ = 1 the first line reads prox_{λᵢfᵢ}(Sᵢx + λᵢνᵢ), p leaves the state, and νᵢ⁺ = prox_{αᵢfᵢ*}(νᵢ + αᵢSᵢx).
 *
 * @source Heaton & Wu Fung 2023, eq. (15), with one α and λ a term (the paper's is the case of equal ones)
 */
export function linearizedAdmm(problem: Problem, options: LinearizedAdmmOptions = {}): Operator {
  const { smooth, direct, composed } = sortTerms(problem);
  const odd = smooth[0]?.[0] ?? direct[1]?.[0];
  if (odd !== undefined || composed.length === 0) {
    throw new VouchError("problem", {
      name: "linearizedAdmm",
      expected: "proximable terms of Sx and at most one of x itself",
      got: odd === undefined ? "no term of Sx" : `the term "${odd}"`,
      remedy:
        odd === undefined
          ? "Use the prox of the term directly."
          : "Give one of them an operator: { prox, of: identity(…) }.",
    });
  }
  const [hName, h] = direct[0] ?? ["x", undefined];
  const S = stack(Object.fromEntries(composed.map(([name, term]) => [name, term.of])));
  const f = Object.fromEntries(composed.map(([name, term]) => [name, term.prox]));
  const names = composed.map(([name]) => name);
  const byName = (make: (name: string) => Tensor): Named => Object.fromEntries(names.map((name) => [name, make(name)]));

  const square = byName((name) => {
    const { value } = S.parts[name]!.norm();
    return stopGradient(mul(value, value));
  });
  const ratioOf = (name: string) => (typeof options.ratio === "number" ? options.ratio : (options.ratio?.[name] ?? 1));
  const { balance } = options;
  const alpha0 = byName((name) => stopGradient(given(options.alpha, name) ?? div(ratioOf(name), square[name]!)));
  const weight = names.map((name) => mul(alpha0[name]!, square[name]!)).reduce((a, b) => add(a, b));
  const beta0 = stopGradient(options.beta === undefined ? div(1, weight) : asTensor(options.beta));
  const alpha = byName((name) => (balance ? mul(alpha0[name]!, balance) : alpha0[name]!));
  const beta = balance ? div(beta0, balance) : beta0;
  const alphaOn = (name: string, v: Tensor) => perSample(alpha[name]!, v);
  const lambda = options.lambda && byName((name) => stopGradient(given(options.lambda, name) ?? div(1, alpha[name]!)));

  if (balance && lambda) {
    throw new VouchError("parameter", {
      name: "linearizedAdmm: balance",
      expected: "the default λ = 1/α",
      got: "λ of the caller's",
      remedy: "Leave out one of them.",
    });
  }

  const stepless = steplessTerm(problem);
  if (balance && stepless !== undefined) {
    throw new VouchError("parameter", {
      name: "linearizedAdmm: balance",
      expected: "terms whose prox is known at every step",
      got: `the term "${stepless}", whose prox ignores its step`,
      remedy: "Leave the balance out: the answer would change with it.",
    });
  }

  const proxPrimal = (v: Tensor) => (h ? h.prox(v, perSample(beta, v)) : v);
  const primal = (x: Tensor, nu: Named, nu1: Named) =>
    proxPrimal(sub(x, mul(perSample(beta, x), S.adjoint(byName((name) => sub(mul(2, nu1[name]!), nu[name]!))))));

  const reduced = ({ nu, x }: Point): Point => {
    const Sx = S.apply(x);
    const nu1 = byName((name) => {
      const step = alphaOn(name, Sx[name]!);
      return proxConjugate(f[name]!, add(nu[name]!, mul(step, Sx[name]!)), step);
    });
    return { nu: nu1, x: primal(x, nu, nu1) };
  };
  const full = ({ p, nu, x }: Point, lambdas: Named): Point => {
    const Sx = S.apply(x);
    const p1 = byName((name) => {
      const ahead = add(nu[name]!, mul(alpha[name]!, sub(Sx[name]!, p![name]!)));
      return f[name]!.prox(add(p![name]!, mul(lambdas[name]!, ahead)), lambdas[name]!);
    });
    const nu1 = byName((name) => add(nu[name]!, mul(alpha[name]!, sub(Sx[name]!, p1[name]!))));
    return { p: p1, nu: nu1, x: primal(x, nu, nu1) };
  };

  return {
    name: "linearizedAdmm",
    averagedness: 1 / 2,
    ...(balance ? { balance: { factor: balance, primal: names } } : {}),
    init: () => {
      const zero = byName((name) => zeros(S.parts[name]!.range));
      const point = { nu: zero, x: zeros(S.domain) };
      return lambda ? { p: zero, ...point } : point;
    },
    apply: (z) => {
      const point = z as unknown as Point;
      return (lambda ? full(point, lambda) : reduced(point)) as unknown as Tree;
    },
    read: (z) => (z as unknown as Point).x,
    duals: (z) => ({ ...(z as unknown as Point).nu }),
    copies: (z) => {
      const { p, nu, x } = z as unknown as Point;
      if (p) return { ...p };
      const Sx = S.apply(x);
      return byName((name) => {
        const step = alphaOn(name, Sx[name]!);
        return f[name]!.prox(add(Sx[name]!, div(nu[name]!, step)), div(1, step));
      });
    },
    // pᵢ⁺ = Sᵢx − (νᵢ⁺ − νᵢ)/αᵢ, so νᵢ⁺ ∈ ∂fᵢ(pᵢ⁺) up to p's own motion; and
    // 0 ∈ ∂h(x⁺) + Σ Sᵢᵀνᵢ⁺ up to (x − x⁺)/β − Σ Sᵢᵀ(νᵢ⁺ − νᵢ).
    residuals: (z, z1) => {
      const [a, b] = [z as unknown as Point, z1 as unknown as Point];
      const Sx1 = S.apply(b.x);
      const primalGap = (name: string) => {
        const Sx = Sx1[name]!;
        const p1 = b.p?.[name] ?? sub(S.parts[name]!.apply(a.x), div(sub(b.nu[name]!, a.nu[name]!), alphaOn(name, Sx)));
        return div(norm(sub(Sx, p1)), max(max(norm(Sx), norm(p1)), TINY));
      };
      const motion = byName((name) => sub(b.nu[name]!, a.nu[name]!));
      const dual = sub(div(sub(a.x, b.x), perSample(beta, a.x)), S.adjoint(motion));
      const pulls = names.map((name) => norm(S.parts[name]!.adjoint(b.nu[name]!)));
      const scale = pulls.reduce((u, v) => max(u, v));
      const named = byName(primalGap);
      // With λ < 1/α the copies lag: νᵢ⁺ + (1/λ − α)(pᵢ − pᵢ⁺) is the subgradient, so that motion counts too.
      const lag = lambda
        ? names.map((name) => {
            const slack = sub(div(1, lambda[name]!), alpha[name]!);
            return div(mul(slack, norm(sub(a.p![name]!, b.p![name]!))), max(norm(b.nu[name]!), TINY));
          })
        : [];
      return { ...named, [hName]: lag.reduce((u, v) => max(u, v), div(norm(dual), max(scale, TINY))) };
    },
    conditions: () => {
      const list: Condition[] = [{ text: "β Σ αᵢ‖Sᵢ‖² ≤ 1", left: mul(beta0, weight), right: asTensor(1 + 1e-5) }];
      if (lambda) {
        for (const name of names) {
          list.push({
            text: `α λ ≤ 1 for ${name}`,
            left: mul(alpha0[name]!, lambda[name]!),
            right: asTensor(1 + 1e-5),
          });
        }
      }
      return list;
    },
    // ‖z‖²_P = Σ (1/λᵢ − αᵢ)‖pᵢ‖² + Σ ‖νᵢ‖²/αᵢ + 2⟨Σ Sᵢᵀνᵢ, x⟩ + ‖x‖²/β
    metric: (z) => {
      const { p, nu, x } = z as unknown as Point;
      const parts = names.map((name) => div(inner(nu[name]!, nu[name]!), alpha[name]!));
      if (p && lambda) {
        for (const name of names) {
          parts.push(mul(sub(div(1, lambda[name]!), alpha[name]!), inner(p[name]!, p[name]!)));
        }
      }
      parts.push(mul(2, inner(S.adjoint(nu), x)), div(inner(x, x), beta));
      return parts.reduce((a, b) => add(a, b));
    },
  };
}

function given(options: Readonly<Record<string, TensorLike>> | undefined, name: string): Tensor | undefined {
  const value = options?.[name];
  return value === undefined ? undefined : asTensor(value);
}
