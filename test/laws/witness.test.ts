/** @file Witnesses: no false proof, honest solves proven, every road to one optimum, and what cannot be proven said so. */

import { describe, expect, it } from "vitest";
import { instance, N, ROWS } from "../../bench/witness-family.js";
import { soundness } from "../../bench/witness-soundness.js";
import { dualBounds, hasBounds } from "../../src/dual.js";
import type { Proximable } from "../../src/functions/function.js";
import { groupL21 } from "../../src/functions/group-l21.js";
import { indicator } from "../../src/functions/indicator.js";
import { l1, weightedL1 } from "../../src/functions/weighted-l1.js";
import { identity } from "../../src/linear/identity.js";
import { matrix } from "../../src/linear/matrix.js";
import { compileModel, define } from "../../src/model.js";
import type { Problem } from "../../src/problem.js";
import { random } from "../../src/random.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { point } from "../../src/sets/point.js";
import { rebalanced, stepBalance } from "../../src/solvers/balance.js";
import { relaxed } from "../../src/solvers/relaxed.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { add, exp, max, min, mul } from "../../src/tensor/primitives/elementwise.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor, Value } from "../../src/tensor/tensor.js";
import { check } from "../../src/verify/check.js";
import { distanceToFixedPoint, schurBound } from "../../src/verify/contraction.js";
import { repair } from "../../src/verify/repair.js";

const kinds = ["box", "prior"] as const;
const row = <T extends Float32Array | Float64Array>(data: T) => ({ shape: [1, data.length], data });

describe("soundness", () => {
  it("no proof of 2,000 random, scaled, poisoned and climbing witnesses is false; without rounding terms many are", () => {
    const { witnesses, unsound, verified, unsoundUnrounded } = soundness(2000, 5, () => undefined);
    expect(witnesses).toBeGreaterThanOrEqual(2000);
    expect(unsound).toBe(0);
    expect(verified).toBeGreaterThan(1000);
    expect(unsoundUnrounded).toBeGreaterThan(100);
  });
});

describe.each(kinds)("family with a %s", (kind) => {
  const roads = [
    (problem: Problem) => linearizedAdmm(problem),
    (problem: Problem) => linearizedAdmm(problem, { ratio: 10 }),
    (problem: Problem) =>
      linearizedAdmm(problem, {
        alpha: { fidelity: 0.05, sparsity: 0.05 },
        lambda: { fidelity: 10, sparsity: 10 },
      }),
  ];

  it("every road and its way stay within each other's proven intervals, and converged solves are closed", async () => {
    for (let p = 0; p < 5; p++) {
      const one = instance(random(11).fork(kind).fork(p), kind);
      const data = { d: row(one.d), delta: { shape: [1], data: Float32Array.of(one.delta) } };
      const intervals: { low: number; high: number }[] = [];
      for (const split of roads) {
        const model = define({
          name: "instance",
          params: {},
          data: { d: ["N", ROWS], delta: ["N"] },
          problem: (_, { d, delta }) => one.problem(d, delta),
          split,
          ...(one.prior === undefined ? {} : { dual: { prior: one.prior, slack: { fidelity: one.delta } } }),
        });
        await using compiled = await compileModel(model, {}, { threads: 1 });
        for (const maxSteps of [30, 20_000]) {
          const solution = await compiled.solve(data, { tolerance: 1e-5, maxSteps, strict: false });
          const [{ verdict }] = compiled.prove(data, solution) as [ReturnType<typeof compiled.prove>[0]];
          if (verdict.verdict === "VERIFIED") intervals.push({ low: verdict.dual, high: verdict.primal });
          if (solution.status[0] !== "converged") continue;
          expect(verdict).toMatchObject({ verdict: "VERIFIED" });
          expect(verdict.verdict === "VERIFIED" && verdict.relativeGap).toBeLessThan(0.05);
        }
      }
      expect(intervals.length).toBeGreaterThanOrEqual(roads.length);
      for (const a of intervals) for (const b of intervals) expect(a.low).toBeLessThanOrEqual(b.high);
    }
  });
});

describe("check", () => {
  const one = instance(random(3), "box");
  const y = { fidelity: row(new Float32Array(ROWS)), sparsity: row(new Float32Array(8)) };
  const inside = repair(one.bounds, one.data, row(new Float32Array(N).fill(0.5))).x;

  it("bounds by zero duals: the objective of a norm is not negative", () => {
    expect(check(one.bounds, one.data, { x: inside, y })).toMatchObject({
      verdict: "VERIFIED",
      relativeGap: expect.closeTo(1),
    });
  });

  it("says what is violated and by how much", () => {
    const far = { x: row(new Float32Array(N).fill(3)), y };
    const verdict = check(one.bounds, one.data, far);
    expect(verdict).toMatchObject({ verdict: "UNVERIFIABLE", reason: "infeasible" });
    expect(verdict.constraints.find(({ name }) => name === "box")!.low).toBeGreaterThan(4);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("proves nothing of an x with %f", (bad) => {
    const x = row(inside.data.map((v, i) => (i === 2 ? bad : v)));
    expect(check(one.bounds, one.data, { x, y }).verdict).toBe("UNVERIFIABLE");
  });

  it("refuses a witness of another shape, by name", () => {
    expect(() => check(one.bounds, one.data, { x: row(new Float32Array(3)), y })).toThrow(
      /check: x: expected \[1, 6\], got \[1, 3\]/,
    );
    expect(() => check(one.bounds, one.data, { x: inside, y: { fidelity: y.fidelity } })).toThrow(
      /check: y.sparsity: .* got nothing/,
    );
  });

  it("proves nothing that needs an inexact primitive", () => {
    const bounds = { ...one.bounds, primal: (x: Tensor) => exp(one.bounds.primal(x)) };
    expect(check(bounds, one.data, { x: inside, y })).toMatchObject({
      verdict: "UNVERIFIABLE",
      reason: "inexact-primitive",
      detail: "the figures need exp",
    });
  });

  it("takes a bound of another family", () => {
    // min 2x over x ≥ d: D(y) = dy for 0 ≤ y ≤ 2.
    const x = ["N", 1] as const;
    const d = input("d", x);
    const bounds = {
      x,
      y: { price: x },
      primal: (v: Tensor) => mul(2, sumOf(v)),
      constraints: (v: Tensor) => ({ demand: sumOf(add(d, mul(-1, v))) }),
      admit: ({ price }: Readonly<Record<string, Tensor>>) => ({ price: min(max(price!, 0), 2) }),
      dual: ({ price }: Readonly<Record<string, Tensor>>) => sumOf(mul(d, price!)),
      given: [],
    };
    const data = new Map<Tensor, Value>([[d, { shape: [1, 1], data: Float64Array.of(3) }]]);
    const scalar = (v: number) => ({ shape: [1, 1], data: Float64Array.of(v) });
    const verdict = check(bounds, data, { x: scalar(3 + 1e-9), y: { price: scalar(5) } });
    expect(verdict).toMatchObject({ verdict: "VERIFIED" });
    expect(verdict.verdict === "VERIFIED" && verdict.relativeGap).toBeLessThan(1e-9);
  });
});

function sumOf(v: Tensor): Tensor {
  return sum(v, [1]);
}

describe("repair", () => {
  const one = instance(random(9), "box");

  it("moves an infeasible x as little as it must, and a feasible one not at all", () => {
    const outside = row(Float32Array.from({ length: N }, (_, i) => i / N));
    const first = repair(one.bounds, one.data, outside);
    expect(first).toMatchObject({ feasible: true });
    expect(first.share).toBeGreaterThan(0);
    expect(repair(one.bounds, one.data, first.x)).toEqual({ x: first.x, share: 0, feasible: true });
  });

  it("leaves x alone where nothing is inside", () => {
    const { inward, ...bounds } = one.bounds;
    const outside = row(new Float32Array(N).fill(9));
    expect(inward).toBeDefined();
    expect(repair(bounds, one.data, outside)).toEqual({ x: outside, share: 0, feasible: false });
    const nan = row(new Float32Array(N).fill(Number.NaN));
    expect(repair(one.bounds, one.data, nan).feasible).toBe(false);
  });
});

describe("dualBounds", () => {
  const d = input("d", ["N", 2]);
  const S = identity(["N", 2]);
  const fidelity = { prox: indicator(ball(d, 0.1)), of: S };
  const unit = { prox: indicator(box(0, 1)) };

  it("needs an objective and a bound on x", () => {
    const blackBox: Proximable = { name: "network", prox: (v) => v, property: { kind: "none", measure: (v) => v } };
    expect(dualBounds({ box: unit, net: { prox: blackBox, of: S } })).toMatchObject({
      reason: "no-objective",
      detail: "net (network) has no value or no conjugate",
    });
    expect(dualBounds({ fidelity, sparsity: { prox: l1(), of: S } })).toMatchObject({ reason: "no-bound" });
    expect(dualBounds({})).toMatchObject({ reason: "no-objective" });
    expect(hasBounds(dualBounds({ box: unit, fidelity }))).toBe(true);
  });

  it("does not believe an operator's adjoint", () => {
    // min |x₁| + |x₂| s.t. ‖x − d‖ ≤ 1/10, x in [0, 1]²: p* ≤ ‖d‖₁.
    const honest: Problem = { box: unit, fidelity, sparsity: { prox: l1(), of: S } };
    const lie = { ...S, adjoint: (y: Tensor) => mul(0, y) };
    const lying: Problem = { box: unit, fidelity: { ...fidelity, of: lie }, sparsity: { prox: l1(), of: lie } };
    const data = new Map<Tensor, Value>([[d, { shape: [1, 2], data: Float64Array.of(0.5, 0.25) }]]);
    const x = row(Float64Array.of(0.5, 0.25));
    const y = { fidelity: row(Float64Array.of(-5, -5)), sparsity: row(Float64Array.of(1, 1)) };
    const [a, b] = [honest, lying].map((problem) => {
      const bounds = dualBounds(problem);
      return hasBounds(bounds) ? check(bounds, data, { x, y }) : undefined;
    });
    expect(a).toMatchObject({ verdict: "VERIFIED" });
    expect(b).toEqual(a);
    expect(b!.verdict === "VERIFIED" && b!.dual).toBeLessThan(0.75);
  });

  it("refuses a prior or slack that makes no sense", () => {
    expect(() => dualBounds({ fidelity }, { prior: 0 })).toThrow(/prior: expected M > 0/);
    expect(() => dualBounds({ fidelity }, { prior: 1, slack: { fidelity: -1 } })).toThrow(/slack of "fidelity"/);
    expect(() => dualBounds({ fidelity }, { prior: 1, slack: { nothing: 1 } })).toThrow(/no such term/);
  });

  it("bounds a direct term that bounds nothing with the prior", async () => {
    // min ‖x‖₁ s.t. ‖x − d‖ ≤ 1/2, d = (2, 0): x* = (3/2, 0).
    const model = define({
      name: "direct",
      params: {},
      data: { d: ["N", 2] },
      problem: (_, { d: centre }) => ({
        sparsity: { prox: l1() },
        fidelity: { prox: indicator(ball(centre, 0.5)), of: S },
      }),
      dual: { prior: 4 },
    });
    await using compiled = await compileModel(model, {}, { threads: 1 });
    const data = { d: { shape: [1, 2], data: Float32Array.of(2, 0) } };
    const { proofs } = await compiled.solve(data, { tolerance: 1e-6, gap: 0.01 });
    const { verdict } = proofs[0]!;
    expect(verdict).toMatchObject({ verdict: "VERIFIED", given: ["‖x‖∞ ≤ 4"] });
    if (verdict.verdict !== "VERIFIED") return;
    expect(verdict.dual).toBeLessThanOrEqual(1.5);
    expect(verdict.primal).toBeGreaterThanOrEqual(1.5);
    expect(verdict.relativeGap).toBeLessThanOrEqual(0.01);
  });

  it("admits any dual vector: isotropic and weighted norms stay inside their domains after rounding", () => {
    const rng = random(2);
    const y = input("y", ["N", 2, 3]);
    const tau = constant(Float32Array.from({ length: 3 }, () => rng.uniform()));
    for (const f of [groupL21(1, 0.3), weightedL1(tau), l1(0.7)]) {
      for (let k = 0; k < 200; k++) {
        const value: Value = {
          shape: [1, 2, 3],
          data: Float64Array.from({ length: 6 }, () => 10 ** (4 * rng.normal()) * rng.normal()),
        };
        const bounds = {
          x: y.shape,
          y: { y: y.shape },
          primal: (v: Tensor) => f.value!(mul(0, v)),
          constraints: () => ({}),
          admit: ({ y: v }: Readonly<Record<string, Tensor>>) => ({ y: f.admit!(v!) }),
          dual: ({ y: v }: Readonly<Record<string, Tensor>>) => mul(-1, f.conjugate!(v!)),
          given: [],
        };
        expect(check(bounds, new Map(), { x: value, y: { y: value } })).toMatchObject({
          verdict: "VERIFIED",
          dual: expect.closeTo(0),
        });
      }
    }
  });
});

describe("solve with a gap", () => {
  const one = instance(random(21), "box");
  const model = define({
    name: "instance",
    params: {},
    data: { d: ["N", ROWS], delta: ["N"] },
    problem: (_, { d, delta }) => one.problem(d, delta),
  });
  const data = { d: row(one.d), delta: { shape: [1], data: Float32Array.of(one.delta) } };

  it("stops once the gap is proven, before the residual is small, and returns the x it is proven of", async () => {
    await using compiled = await compileModel(
      model,
      {},
      { threads: 1, solver: relaxed(1.5), chunk: { every: 5, checks: 2 } },
    );
    const full = await compiled.solve(data, { tolerance: 1e-7, maxSteps: 50_000, strict: false });
    const { x, proofs, status, steps } = await compiled.solve(data, { tolerance: 1e-7, gap: 0.03 });
    expect(status).toEqual(["converged"]);
    expect(steps[0]).toBeLessThan(full.steps[0]!);
    expect(proofs[0]!.verdict).toMatchObject({ verdict: "VERIFIED" });
    expect(x.data).toEqual(proofs[0]!.x.data);
    expect(full.proofs).toEqual([undefined]);
  });

  it("is refused without a bound, or for a gap out of range", async () => {
    await using compiled = await compileModel(model, {}, { threads: 1 });
    await expect(compiled.solve(data, { gap: 0 })).rejects.toThrow(/solve: gap: expected a number in \(0, 1\)/);
    const open = define({
      name: "open",
      params: {},
      data: { d: ["N", 2] },
      problem: (_, { d }) => ({
        sparsity: { prox: l1(), of: identity(["N", 2]) },
        fidelity: { prox: indicator(point(d)), of: identity(["N", 2]) },
      }),
    });
    await using unbounded = await compileModel(open, {}, { threads: 1 });
    expect(unbounded.provable).toMatchObject({ provable: false, reason: "no-bound" });
    await expect(unbounded.solve({ d: { shape: [1, 2], data: Float32Array.of(1, 0) } }, { gap: 0.1 })).rejects.toThrow(
      /expected a model with a dual bound/,
    );
  });
});

describe("rebalanced steps", () => {
  const one = instance(random(33), "box");
  const modelOf = (ratio: number, balanced: boolean) =>
    define({
      name: "instance",
      params: {},
      data: { d: ["N", ROWS], delta: ["N"] },
      problem: (_, { d, delta }) => one.problem(d, delta),
      split: (problem) => linearizedAdmm(problem, { ratio, ...(balanced ? { balance: stepBalance() } : {}) }),
    });
  const data = {
    d: { shape: [2, ROWS], data: Float32Array.from([...one.d, ...one.d]) },
    delta: { shape: [2], data: Float32Array.of(one.delta, 2 * one.delta) },
  };
  const steps = async (ratio: number, balanced: boolean) => {
    await using compiled = await compileModel(modelOf(ratio, balanced), {}, { threads: 1 });
    const solution = await compiled.solve(data, { tolerance: 1e-4, maxSteps: 100_000 });
    return { most: Math.max(...solution.steps), x: solution.x.data };
  };

  it.each([1e-2, 1e4])("from a ratio of %f: a fraction of the steps, and the same answer", async (ratio) => {
    const [fixed, balanced] = [await steps(ratio, false), await steps(ratio, true)];
    expect(balanced.most).toBeLessThan(fixed.most / 2);
    balanced.x.forEach((v, i) => {
      expect(v).toBeCloseTo(fixed.x[i]!, 2);
    });
  });

  it("settle: changes fade, and balanced or meaningless residuals change nothing", () => {
    expect(rebalanced(3, 0, 1, 1.9)).toBe(3);
    expect(rebalanced(3, 0, Number.NaN, 1)).toBe(3);
    expect(rebalanced(3, 0, 1, 0)).toBe(3);
    expect(rebalanced(1, 0, 4, 1)).toBe(4);
    expect(rebalanced(1, 0, 1, 1e9)).toBe(1 / 8);
    let [factor, changes] = [1, 0];
    for (; changes < 200; changes++) factor = rebalanced(factor, changes, 1e9, 1);
    expect(factor).toBeLessThan(8 ** 5 + 1);
  });
});

describe("contraction", () => {
  const x = input("x", ["N", 2]);
  const W = (scale: number) =>
    constant(
      Float32Array.of(0.5, -0.25, 0.25, 0.5).map((v) => scale * v),
      [2, 2],
    );
  const layer = (scale: number) => ({
    x: x.shape,
    map: (v: Tensor) => max(add(matrix(W(scale)).apply(v), constant([1, -1])), 0),
    factor: schurBound(W(scale)),
    because: "ReLU is 1-Lipschitz, ‖W‖₂ ≤ √(‖W‖₁‖W‖∞)",
  });

  it("bounds the distance to the fixed point (2, 0)", () => {
    for (const [a, b] of [
      [2, 0],
      [2.1, 0.05],
      [-3, 8],
    ] as const) {
      const verdict = distanceToFixedPoint(layer(1), new Map(), row(Float64Array.of(a, b)));
      expect(verdict).toMatchObject({ verdict: "VERIFIED", factor: expect.closeTo(0.75) });
      if (verdict.verdict === "VERIFIED") expect(verdict.distance).toBeGreaterThanOrEqual(Math.hypot(a - 2, b));
    }
  });

  it("says nothing where γ is not below 1, or a figure is not exact", () => {
    expect(distanceToFixedPoint(layer(2), new Map(), row(Float64Array.of(0, 0)))).toMatchObject({
      reason: "not-contractive",
    });
    const soft = { ...layer(1), map: (v: Tensor) => exp(mul(-1, v)) };
    expect(distanceToFixedPoint(soft, new Map(), row(Float64Array.of(0, 0)))).toMatchObject({
      reason: "inexact-primitive",
    });
    const bad = row(Float64Array.of(Number.NaN, 0));
    expect(distanceToFixedPoint(layer(1), new Map(), bad)).toMatchObject({ reason: "not-finite" });
  });
});
