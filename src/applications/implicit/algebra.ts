/** @file The algebra of models: cascade, parallel, sum, concatenation, feedback, affine, multiplicative, each again a model. */

import { inverse } from "ml-matrix";
import { VouchError } from "../../errors.js";
import type { Phi } from "./activations/phi.js";
import { addScaled, blocks, type Dense, dense, fromMatrix, identityDense, times, toMatrix } from "./dense.js";
import { type ImplicitModel, implicitModel, sizesOf } from "./model.js";
import { denseA } from "./state-matrix.js";
import { requireWellPosed } from "./well-posed/well-posedness.js";

type Vector = Float64Array;

/**
 * y₂(y₁(u)).
 *
 *     A = [A₂, B₂C₁; 0, A₁],  B = [B₂D₁; B₁],  C = [C₂, D₂C₁],  D = D₂D₁
 *
 * Well-posed if and only if both are. @throws shape
 * @source El Ghaoui et al., §2.3
 */
export function cascade(second: ImplicitModel, first: ImplicitModel): ImplicitModel {
  const [s1, s2] = [sizesOf(first), sizesOf(second)];
  requireSize("cascade", "inputs of the second", s2.p, s1.q);
  return implicitModel({
    A: blocks(
      [s2.n, s1.n],
      [s2.n, s1.n],
      [
        [denseA(second.A), times(second.B, first.C)],
        [undefined, denseA(first.A)],
      ],
    ),
    B: blocks([s2.n, s1.n], [s1.p], [[times(second.B, first.D)], [first.B]]),
    C: blocks([s2.q], [s2.n, s1.n], [[second.C, times(second.D, first.C)]]),
    D: times(second.D, first.D),
    stateBias: joined(affinely(second.B, first.outputBias, second.stateBias), first.stateBias),
    outputBias: affinely(second.D, first.outputBias, second.outputBias),
    phi: [...second.phi, ...first.phi],
  });
}

/** (y₁(u₁), y₂(u₂)): block-diagonal A, B, C, D. */
export function parallel(first: ImplicitModel, second: ImplicitModel): ImplicitModel {
  const [s1, s2] = [sizesOf(first), sizesOf(second)];
  return implicitModel({
    ...states(first, second),
    B: blocks([s1.n, s2.n], [s1.p, s2.p], [[first.B], [undefined, second.B]]),
    C: blocks([s1.q, s2.q], [s1.n, s2.n], [[first.C], [undefined, second.C]]),
    D: blocks([s1.q, s2.q], [s1.p, s2.p], [[first.D], [undefined, second.D]]),
    outputBias: joined(first.outputBias, second.outputBias),
  });
}

/** y₁(u) + y₂(u): block-diagonal A, B = [B₁; B₂], C = [C₁, C₂], D = D₁ + D₂. @throws shape */
export function sum(first: ImplicitModel, second: ImplicitModel): ImplicitModel {
  const [s1, s2] = [sizesOf(first), sizesOf(second)];
  requireSize("sum", "inputs", s1.p, s2.p);
  requireSize("sum", "outputs", s1.q, s2.q);
  return implicitModel({
    ...states(first, second),
    B: blocks([s1.n, s2.n], [s1.p], [[first.B], [second.B]]),
    C: blocks([s1.q], [s1.n, s2.n], [[first.C, second.C]]),
    D: addScaled(1, first.D, second.D),
    outputBias: first.outputBias.map((value, i) => value + second.outputBias[i]!),
  });
}

/** (y₁(u), y₂(u)). @throws shape */
export function concatenation(first: ImplicitModel, second: ImplicitModel): ImplicitModel {
  const [s1, s2] = [sizesOf(first), sizesOf(second)];
  requireSize("concatenation", "inputs", s1.p, s2.p);
  return implicitModel({
    ...states(first, second),
    B: blocks([s1.n, s2.n], [s1.p], [[first.B], [second.B]]),
    C: blocks([s1.q, s2.q], [s1.n, s2.n], [[first.C], [undefined, second.C]]),
    D: blocks([s1.q, s2.q], [s1.p], [[first.D], [second.D]]),
    outputBias: joined(first.outputBias, second.outputBias),
  });
}

/** Wu + w, a model without states: with `cascade`, an affine map before or after a model. @throws shape */
export function affine(W: Dense, w: Vector = new Float64Array(W.rows)): ImplicitModel {
  return implicitModel({ A: dense(0, 0), B: dense(0, W.columns), C: dense(W.rows, 0), D: W, outputBias: w, phi: [] });
}

/** y₁(u) ⊙ y₂(u), by states that multiply and that nothing else reads: well-posed if both are. @throws shape */
export function multiplicative(first: ImplicitModel, second: ImplicitModel): ImplicitModel {
  const both = concatenation(first, second);
  const [s1, s2] = [sizesOf(first), sizesOf(second)];
  requireSize("multiplicative", "outputs", s1.q, s2.q);
  const { n, p } = sizesOf(both);
  const phi: Phi = [{ map: "product", size: 2 * s1.q }, ...both.phi];
  return implicitModel({
    A: blocks(
      [2 * s1.q, n],
      [2 * s1.q, n],
      [
        [undefined, both.C],
        [undefined, denseA(both.A)],
      ],
    ),
    B: blocks([2 * s1.q, n], [p], [[both.D], [both.B]]),
    C: blocks([s1.q], [s1.q, s1.q, n], [[identityDense(s1.q)]]),
    stateBias: joined(both.outputBias, both.stateBias),
    phi,
  });
}

/**
 * y₁ with u₁ = u + y₂ and u₂ = y₁. With M = (I − D₁D₂)⁻¹:
 *
 *     y₁ = M(C₁x₁ + D₁C₂x₂ + D₁u),   A = [A₁, B₁C₂; 0, A₂] + [B₁D₂; B₂] M [C₁, D₁C₂],   B = [B₁; 0] + [B₁D₂; B₂] M D₁
 *
 * A loop may lose well-posedness though both models have it, so that it is checked again.
 *
 * @throws shape; parameter if I − D₁D₂ has no inverse or the loop meets no condition
 * @source El Ghaoui et al. 2021, §2.5; deviates: D₁, D₂ ≠ 0 are allowed
 */
export function feedback(first: ImplicitModel, second: ImplicitModel): ImplicitModel {
  const [s1, s2] = [sizesOf(first), sizesOf(second)];
  requireSize("feedback", "inputs of the second", s2.p, s1.q);
  requireSize("feedback", "outputs of the second", s2.q, s1.p);
  const loop = addScaled(-1, times(first.D, second.D), identityDense(s1.q));
  const M = invert(loop);
  const read = times(M, blocks([s1.q], [s1.n, s2.n], [[first.C, times(first.D, second.C)]]));
  const through = blocks([s1.n, s2.n], [s1.q], [[times(first.B, second.D)], [second.B]]);
  const direct = times(M, first.D);
  const constant = affinely(M, affinely(first.D, second.outputBias, first.outputBias), new Float64Array(s1.q));
  const open = blocks(
    [s1.n, s2.n],
    [s1.n, s2.n],
    [
      [denseA(first.A), times(first.B, second.C)],
      [undefined, denseA(second.A)],
    ],
  );
  const model = implicitModel({
    A: addScaled(1, open, times(through, read)),
    B: addScaled(1, blocks([s1.n, s2.n], [s1.p], [[first.B], [undefined]]), times(through, direct)),
    C: read,
    D: direct,
    stateBias: affinely(
      through,
      constant,
      joined(affinely(first.B, second.outputBias, first.stateBias), second.stateBias),
    ),
    outputBias: constant,
    phi: [...first.phi, ...second.phi],
  });
  requireWellPosed("feedback", model);
  return model;
}

/** A and the constants of two models side by side. */
function states(first: ImplicitModel, second: ImplicitModel) {
  const [n1, n2] = [sizesOf(first).n, sizesOf(second).n];
  return {
    A: blocks([n1, n2], [n1, n2], [[denseA(first.A)], [undefined, denseA(second.A)]]),
    stateBias: joined(first.stateBias, second.stateBias),
    phi: [...first.phi, ...second.phi],
  };
}

function invert(loop: Dense): Dense {
  // Singular to working precision: a pivot of the loop is lost in its rounding.
  const made = loop.rows === 0 ? loop : safeInverse(loop);
  if (made !== undefined) return made;
  throw new VouchError("parameter", {
    name: "feedback",
    expected: "D₁, D₂ with an invertible I − D₁D₂",
    got: "a singular one",
    remedy: "Scale D₁ or D₂.",
  });
}

function safeInverse(loop: Dense): Dense | undefined {
  const M = inverse(toMatrix(loop), true);
  const back = toMatrix(loop)
    .mmul(M)
    .sub(toMatrix(identityDense(loop.rows)));
  return back.norm() < 1e-8 ? fromMatrix(M) : undefined;
}

/** Mv + w. */
function affinely(M: Dense, v: Vector, w: Vector): Vector {
  return addScaled(1, times(M, dense(v.length, 1, v)), dense(w.length, 1, w)).data;
}

function joined(a: Vector, b: Vector): Vector {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function requireSize(name: string, what: string, got: number, expected: number): void {
  if (got === expected) return;
  const remedy = "Put `affine` between the models.";
  throw new VouchError("shape", { name, expected: `${expected} ${what}`, got: `${got}`, remedy });
}
