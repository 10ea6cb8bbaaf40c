/** @file Witnesses meant to fool the checker, each judged against exact arithmetic. */

import { type Random, random } from "../src/random.js";
import { evaluate } from "../src/tensor/interpret.js";
import { input } from "../src/tensor/primitives/leaf.js";
import type { Tensor, Value } from "../src/tensor/tensor.js";
import { check, type Numbers } from "../src/verify/check.js";
import { atMost, exact } from "./exact.js";
import { CODES, exactDual, exactPrimal, type Instance, instance, N, ROWS } from "./witness-family.js";

export interface Soundness {
  readonly witnesses: number;
  /** Verdicts VERIFIED of which P, D or feasibility is false. */
  readonly unsound: number;
  /** The same claims from plain float64, without the rounding terms: P below or D above its true value, or infeasible. */
  readonly unsoundUnrounded: number;
  /** Of those, claims that x is feasible where it is not. */
  readonly infeasibleUnrounded: number;
  /** Witnesses that were verified: a checker that refuses everything is none. */
  readonly verified: number;
}

interface Trial {
  readonly x: Float32Array;
  readonly fidelity: Float64Array;
  readonly sparsity: Float64Array;
}

/** A start near the optimum: a few hundred steps of subgradient ascent are not needed, feasible x and any duals do. */
function draw(rng: Random, scale: number, { delta }: Instance, feasible: Float32Array): Trial {
  const kick = rng.uniform() < 0.5 ? 0 : delta * rng.uniform();
  return {
    x: feasible.map((v) => Math.fround(v + kick * rng.normal())),
    fidelity: Float64Array.from({ length: ROWS }, () => scale * rng.normal()),
    sparsity: Float64Array.from({ length: CODES }, () => scale * rng.normal()),
  };
}

const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, -Infinity, 1e300, -1e300, 1e-310, 2 ** -1074, 0, -0];

/** Witnesses of one problem: random, scaled, poisoned, on the very edge of the ball, and climbed uphill on plain float64 claims. */
export function soundness(count: number, seed: number, log: (line: string) => void): Soundness {
  const totals = { witnesses: 0, unsound: 0, unsoundUnrounded: 0, infeasibleUnrounded: 0, verified: 0 };
  const perProblem = 500;
  for (let p = 0; totals.witnesses < count; p++) {
    const rng = random(seed).fork(p);
    const problem = instance(rng, p % 2 === 0 ? "box" : "prior");
    const judge = judgeOf(problem);
    const feasible = leastSquares(problem);
    let best: Trial = draw(rng, 0.3, problem, feasible);
    let bestClaim = judge(best, totals);
    for (let k = 1; k < perProblem; k++) {
      const kind = k % 5;
      let trial: Trial;
      if (kind === 0) trial = draw(rng, 1, problem, feasible);
      else if (kind === 1) trial = draw(rng, 10 ** (12 * (rng.uniform() - 0.5)), problem, feasible);
      else if (kind === 2) trial = poison(rng, draw(rng, 1, problem, feasible));
      else if (kind === 3) trial = { ...best, x: edge(problem, feasible, rng) };
      else trial = nudge(rng, best, 2 ** -Math.floor(50 * rng.uniform()));
      const claim = judge(trial, totals);
      if (claim > bestClaim) [best, bestClaim] = [trial, claim];
    }
    if (p % 40 === 39) log(`${totals.witnesses} witnesses, ${totals.unsound} unsound`);
  }
  return totals;
}

function poison(rng: Random, trial: Trial): Trial {
  const copy = { x: trial.x.slice(), fidelity: trial.fidelity.slice(), sparsity: trial.sparsity.slice() };
  const where = [copy.x, copy.fidelity, copy.sparsity][Math.floor(3 * rng.uniform())]!;
  where[Math.floor(where.length * rng.uniform())] = SPECIAL[Math.floor(SPECIAL.length * rng.uniform())]!;
  return copy;
}

function nudge(rng: Random, { x, fidelity, sparsity }: Trial, size: number): Trial {
  const move = (v: number) => v + size * rng.normal() * (rng.uniform() < 0.5 ? 1 : Math.abs(v));
  return { x, fidelity: fidelity.map(move), sparsity: sparsity.map(move) };
}

/** A point where the computed ‖Ax − d‖ is as near δ as float32 allows: half of them are truly outside. */
function edge({ A, d, delta }: Instance, inside: Float32Array, rng: Random): Float32Array {
  const away = Float32Array.from({ length: N }, () => rng.normal());
  const at = (t: number) => inside.map((v, j) => Math.fround(v + t * away[j]!));
  const norm = (x: Float32Array) => {
    let square = 0;
    for (let r = 0; r < ROWS; r++) {
      let v = -d[r]!;
      for (let j = 0; j < N; j++) v += A[r * N + j]! * x[j]!;
      square += v * v;
    }
    return Math.sqrt(square);
  };
  let [low, high] = [0, 1];
  while (norm(at(high)) < delta && high < 1e6) high *= 2;
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (norm(at(middle)) <= delta) low = middle;
    else high = middle;
  }
  return at(rng.uniform() < 0.5 ? low : high);
}

/** A feasible point: projected gradient steps toward Ax = d. */
function leastSquares({ A, d, prior }: Instance): Float32Array {
  const [low, high] = prior === undefined ? [0, 1] : [-prior, prior];
  const x = new Float64Array(N).fill(0.5);
  for (let k = 0; k < 4000; k++) {
    const g = new Float64Array(N);
    for (let r = 0; r < ROWS; r++) {
      let v = -d[r]!;
      for (let j = 0; j < N; j++) v += A[r * N + j]! * x[j]!;
      for (let j = 0; j < N; j++) g[j]! += A[r * N + j]! * v;
    }
    for (let j = 0; j < N; j++) x[j] = Math.min(high, Math.max(low, x[j]! - 0.1 * g[j]!));
  }
  return Float32Array.from(x);
}

/** Check a trial, count what is false, and return the plain float64 claim D. */
function judgeOf(problem: Instance) {
  const { bounds, data } = problem;
  const X = input("x", bounds.x);
  const Y = { fidelity: input("f", ["N", ROWS]), sparsity: input("s", ["N", CODES]) };
  const admitted = bounds.admit(Y);
  const duals = { fidelity: input("df", ["N", ROWS]), sparsity: input("ds", ["N", CODES]) };
  const plain = [bounds.primal(X), bounds.dual(duals), ...Object.values(bounds.constraints(X))];
  const row = (v: ArrayLike<number>): Numbers => ({ shape: [1, v.length], data: v });
  const value = (v: ArrayLike<number>): Value => ({ shape: [1, v.length], data: Float64Array.from(v) });
  return ({ x, fidelity, sparsity }: Trial, totals: { -readonly [K in keyof Soundness]: number }): number => {
    totals.witnesses++;
    const verdict = check(bounds, data, { x: row(x), y: { fidelity: row(fidelity), sparsity: row(sparsity) } });
    const given = new Map<Tensor, Value>([
      ...data,
      [X, value(x)],
      [Y.fidelity, value(fidelity)],
      [Y.sparsity, value(sparsity)],
    ]);
    const [f, s] = evaluate([admitted["fidelity"]!, admitted["sparsity"]!], given, 1);
    given.set(duals.fidelity, f!);
    given.set(duals.sparsity, s!);
    const [P, D, ...excess] = evaluate(plain, given, 1).map(({ data: numbers }) => numbers[0]!);
    const finite = [...x, ...f!.data, ...s!.data].every(Number.isFinite);
    if (!finite) {
      if (verdict.verdict === "VERIFIED") totals.unsound++;
      return Number.NEGATIVE_INFINITY;
    }
    const primal = exactPrimal(problem, x);
    const dual = exactDual(problem, f!.data, s!.data);
    const holds = (p: number, q: number) =>
      Number.isFinite(p) &&
      Number.isFinite(q) &&
      dual !== undefined &&
      atMost(primal.value, exact(p)) &&
      atMost(exact(q), dual);
    if (verdict.verdict === "VERIFIED") {
      totals.verified++;
      if (!primal.feasible || !holds(verdict.primal, verdict.dual)) totals.unsound++;
    }
    const claimed = excess.every((e) => e <= 0) && Number.isFinite(P) && Number.isFinite(D);
    if (claimed && !primal.feasible) totals.infeasibleUnrounded++;
    if (claimed && (!primal.feasible || !holds(P!, D!))) totals.unsoundUnrounded++;
    return Number.isNaN(D!) ? Number.NEGATIVE_INFINITY : D!;
  };
}
