/** @file The trades a StableSwap pool accepts, as a block for a splitting. */

import { VouchError } from "../../../errors.js";
import { type ConvexSet, distanceBetween } from "../../../sets/set.js";
import { sumKeep } from "../../../tensor/primitives/broadcast.js";
import {
  abs,
  add,
  div,
  exp,
  less,
  lessEqual,
  log,
  max,
  min,
  mul,
  neg,
  select,
  sqrt,
  sub,
} from "../../../tensor/primitives/elementwise.js";
import { iterate } from "../../../tensor/primitives/fixed-point.js";
import { constant64, stopGradient } from "../../../tensor/primitives/leaf.js";
import { maximum } from "../../../tensor/primitives/maximum.js";
import { shapeError, showShape, type Tensor } from "../../../tensor/tensor.js";

/** Newton steps to D from above: by a factor of at most (n + 1)/n each, then quadratic. */
const INVARIANT_STEPS = 20;
/**
 * Most Newton steps to the multipliers. Of 60,000 draws up to 100 D away, A from 1 to 5,000, all took 21 or fewer with four tokens and 24
 * or fewer with six. With eight, 4 of 66,000 had not settled after 40: what is returned there is not the projection.
 */
const STEPS = 40;
/** Change of the logarithms at which steps end: it leaves its square, and the step with the gradient squares that again. */
const SETTLED = 1e-5;
/** Largest change of a logarithm in one step. */
const STRIDE = 4;
/** ln of the least multiplier: what it moves is below every rounding, and float32 holds it. */
const LEAST = Math.log(1e-30);

/**
 * { v : r + v > 0, φ(r + v) ≥ φ(r) } with φ the D of StableSwap, v = γx − y or x − y/γ; one set per sample.
 *
 * In units of D, with u = r/D, s = u + v/D, a = An and κ(s) = 1/(a nⁿ Πs), the set is Σ(sᵢ − uᵢ) ≥ κ(s) − κ(u): convex, since
 * 1/Πs is. The nearest point to t = u + v/D outside has a multiplier ν > 0 and κ with
 *
 *     sᵢ = (bᵢ + √(bᵢ² + 4νκ))/2,  bᵢ = tᵢ + ν,     Σ(sᵢ − uᵢ) = κ − κ(u),     ln κ + Σ ln sᵢ = ln κ(u) + Σ ln uᵢ
 *
 * two equations, solved by Newton's method in ln ν and ln κ with steps of at most 4, from first order at max(t, u/10). The gradient is
 * that of the last step. Points of the set stay as they are. No support function: a market's own bounds trades in whole numbers.
 *
 * @param reserves       r > 0, [N, n] or [1, n], n ≥ 2: of one value each (whole tokens, say), as v
 * @param amplification  A ≥ 1, as A() of the contract
 * @throws parameter if A < 1; shape if r has fewer than two tokens
 * @source Egorov 2019, StableSwap, the invariant; KKT conditions of the projection: Boyd & Vandenberghe 2004, §5.5.3
 */
export function stableSwapSet(reserves: Tensor, amplification: number): ConvexSet {
  const count = reserves.shape[1];
  if (reserves.shape.length !== 2 || typeof count !== "number" || count < 2) {
    throw shapeError("stableSwapSet", "reserves [N, n] of two tokens or more", showShape(reserves.shape));
  }
  if (!(amplification >= 1 && Number.isFinite(amplification))) {
    throw new VouchError("parameter", {
      name: "stableSwapSet",
      expected: "an amplification ≥ 1",
      got: `${amplification}`,
      remedy: "Give A() of the contract, without the digits of its precision.",
    });
  }
  const D = invariant(reserves, amplification * count, count);
  const curve = curveThrough(div(reserves, D), amplification * count, count);
  const project = (v: Tensor) => {
    const t = add(curve.u, div(v, D));
    const inside = holds(curve, t);
    return select(inside, v, mul(D, sub(nearest(curve, t, inside), curve.u)));
  };
  return { name: "trades of a StableSwap pool", project, distance: (v) => distanceBetween(v, project(v)) };
}

/** D of eq. a Σr + D = aD + D^{n+1}/(nⁿ Πr), [N, 1], by the contract's iteration from Σr. */
function invariant(r: Tensor, a: number, n: number): Tensor {
  const total = sumKeep(r, [1]);
  const logarithms = sumKeep(log(mul(n, r)), [1]);
  const step = (D: Tensor) => {
    const power = mul(D, exp(sub(mul(n, log(D)), logarithms)));
    const above = mul(D, add(mul(a, total), mul(n, power)));
    return div(above, add(mul(a - 1, D), mul(n + 1, power)));
  };
  let D = stopGradient(total);
  for (let k = 1; k < INVARIANT_STEPS; k++) D = stopGradient(step(D));
  return step(D);
}

/** The set in units of D: u on its boundary, κ(u) and its logarithm, and ln κ(s) + Σ ln sᵢ of any s. */
interface Curve {
  readonly u: Tensor;
  readonly held: Tensor;
  readonly logHeld: Tensor;
  readonly level: Tensor;
}

function curveThrough(u: Tensor, a: number, n: number): Curve {
  const level = constant64(Float64Array.of(-n * Math.log(n) - Math.log(a)), [1, 1]);
  const logHeld = logKappa(level, u);
  return { u, held: exp(logHeld), logHeld, level };
}

function logKappa(level: Tensor, s: Tensor): Tensor {
  return sub(level, sumKeep(log(s), [1]));
}

/** κ − κ(u) − Σ(sᵢ − uᵢ): what s lacks, [N, 1]. */
function lacking({ u, held }: Curve, s: Tensor, kappa: Tensor): Tensor {
  return sub(sub(kappa, held), sumKeep(sub(s, u), [1]));
}

/** Whether t is in the set, [N, 1]. */
function holds(curve: Curve, t: Tensor): Tensor {
  const drained = lessEqual(t, 0);
  const kappa = exp(logKappa(curve.level, select(drained, curve.u, t)));
  return lessEqual(max(lacking(curve, t, kappa), sumKeep(select(drained, 1, 0), [1])), 0);
}

/** The point of the set that is nearest to t outside; where t is `inside` it is not waited for. */
function nearest(curve: Curve, t: Tensor, inside: Tensor): Tensor {
  const base = max(t, mul(0.1, curve.u));
  const logarithm = logKappa(curve.level, base);
  const normal = add(1, div(exp(logarithm), base));
  const short = max(lacking(curve, t, exp(logarithm)), 1e-16);
  const start = [log(div(short, sumKeep(mul(normal, normal), [1]))), logarithm];
  const still = stopGradient(t);
  const found = iterate(
    start.map(stopGradient),
    ([p, l]) => {
      const next = newtonStep(curve, still, p!, l!);
      const change = max(abs(sub(next[0], p!)), abs(sub(next[1], l!)));
      return { next, again: less(SETTLED, maximum(select(inside, 0, change))) };
    },
    STEPS,
  );
  const [p, l] = newtonStep(curve, t, stopGradient(found[0]!), stopGradient(found[1]!));
  return balances(t, exp(p), exp(l)).s;
}

/** s(ν, κ), the root in it, and νκ. */
function balances(t: Tensor, nu: Tensor, kappa: Tensor) {
  const b = add(t, nu);
  const c = mul(nu, kappa);
  const root = sqrt(add(mul(b, b), mul(4, c)));
  const size = add(root, abs(b));
  return { root, c, s: select(less(0, b), div(size, 2), div(mul(2, c), size)) };
}

/** One step of Newton's method in p = ln ν, l = ln κ. */
function newtonStep(curve: Curve, t: Tensor, p: Tensor, l: Tensor): readonly [Tensor, Tensor] {
  const [nu, kappa] = [exp(p), exp(l)];
  const { root, c, s } = balances(t, nu, kappa);
  const short = neg(lacking(curve, s, kappa));
  const off = add(sub(l, curve.logHeld), sumKeep(log(div(s, curve.u)), [1]));
  // ∂s/∂ν = (s + κ)/root, ∂s/∂ ln κ = νκ/root.
  const [byNu, byL] = [div(add(s, kappa), root), div(c, root)];
  const [a11, a12] = [sumKeep(byNu, [1]), sub(sumKeep(byL, [1]), kappa)];
  const [a21, a22] = [sumKeep(div(byNu, s), [1]), add(1, sumKeep(div(byL, s), [1]))];
  const determinant = sub(mul(a11, a22), mul(a12, a21));
  const deltaNu = div(sub(mul(off, a12), mul(short, a22)), determinant);
  const deltaL = div(sub(mul(short, a21), mul(off, a11)), determinant);
  const within = (delta: Tensor) => min(max(delta, -STRIDE), STRIDE);
  return [max(add(p, within(div(deltaNu, nu))), LEAST), add(l, within(deltaL))];
}
