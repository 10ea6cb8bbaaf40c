/** @file Laws of splittings: nonexpansive in their metric, residuals, optimality of fixed points, agreement. */

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { VouchError } from "../../src/errors.js";
import { indicator } from "../../src/functions/indicator.js";
import { quadratic as libraryQuadratic } from "../../src/functions/quadratic.js";
import { l1 } from "../../src/functions/weighted-l1.js";
import { identity } from "../../src/linear/identity.js";
import { compileModel, define, violatedConditions } from "../../src/model.js";
import type { Problem } from "../../src/problem.js";
import { box } from "../../src/sets/box.js";
import { davisYin } from "../../src/splitting/davis-yin.js";
import { douglasRachford } from "../../src/splitting/douglas-rachford.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { proximalGradient } from "../../src/splitting/proximal-gradient.js";
import { split } from "../../src/splitting/split.js";
import { interpret } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { type Array64, minus, norm, rows, times, timesTransposed } from "../arrays.js";
import { leastSquares, quadratic, type SplittingCase, splittingCases } from "../cases/splittings.js";
import { apart, jacobianNorm, type Point, running, squares } from "../points.js";

const seeds = fc.integer({ min: 1, max: 2 ** 20 });
const runs = { numRuns: 25, seed: 7 };

const runningOf = (row: SplittingCase) => running(row.build().operator, row.feeds, row.batch);
const kept = new Map<SplittingCase, Point>();
/** The fixed point of a row, found once. */
function fixedPoint(row: SplittingCase): Point {
  const known = kept.get(row);
  if (known) return known;
  const run = runningOf(row);
  const found = run.apply(run.zeros(), row.steps);
  kept.set(row, found);
  return found;
}

describe.each(splittingCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const { operator: T } = row.build();
  const run = running(T, row.feeds, row.batch);
  let fixed: Point;
  beforeAll(() => {
    fixed = fixedPoint(row);
  });
  const samples = Array.from({ length: row.batch }, (_, n) => n);

  it("states conditions that its default steps meet", () => {
    const sides = T.conditions().map(({ text, left, right }) => {
      expect(text).not.toBe("");
      return interpret([left, right], row.feeds).map(({ data }) => data[0]!);
    });
    expect(sides.length).toBeGreaterThan(0);
    for (const [left, right] of sides) expect(left!).toBeLessThanOrEqual(right!);
  });

  it("‖Tz − Ty‖² + (1 − θ)/θ ‖(I − T)z − (I − T)y‖² ≤ ‖z − y‖² in its metric", () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(0.1, 1, 10), (seed, scale) => {
        const [z, y] = [run.draw(seed, scale), run.draw(seed + 1, scale)];
        const [given, after] = [apart(z, y), apart(run.apply(z), run.apply(y))];
        const [before, now, rest] = [run.metric(given), run.metric(after), run.metric(apart(given, after))];
        const factor = (1 - T.averagedness) / T.averagedness;
        samples.forEach((n) => {
          expect(before[n]!).toBeGreaterThan(0);
          expect(now[n]! + factor * rest[n]!).toBeLessThanOrEqual(before[n]! * (1 + 1e-10));
        });
      }),
      runs,
    );
  });

  it(row.expands ? "moves some pair apart in the Euclidean norm" : "is nonexpansive in the Euclidean norm too", () => {
    const most = Math.max(...[0.01, 0.3, 1].map((scale) => jacobianNorm(run, run.draw(3, scale))));
    if (row.expands) expect(most).toBeGreaterThan(1.05);
    else expect(most).toBeLessThanOrEqual(1 + 1e-6);
  });

  it("residuals are 0 at the fixed point and not elsewhere", () => {
    const still = squares(apart(run.apply(fixed), fixed));
    const at = run.residual(fixed);
    const start = run.residual(run.zeros());
    samples.forEach((n) => {
      expect(Math.sqrt(still[n]!)).toBeLessThan(1e-9);
      expect(at[n]!).toBeLessThan(1e-8);
      expect(start[n]!).toBeGreaterThan(1e-3);
    });
    fc.assert(
      fc.property(seeds, (seed) => {
        run.residual(run.draw(seed)).forEach((value) => {
          expect(value).toBeGreaterThan(1e-5);
        });
      }),
      runs,
    );
  });

  it("the fixed point satisfies the optimality conditions of the problem", () => {
    const x = rows(run.read(fixed));
    samples.forEach((n) => {
      const z = Object.fromEntries(Object.entries(fixed).map(([path, leaf]) => [path, rows(leaf)[n]!]));
      expect(row.kkt({ x: x[n]!, z }, n)).toBeLessThan(1e-6);
      expect(norm(x[n]!)).toBeGreaterThan(0.01);
    });
  });

  it.runIf(row.golden !== undefined)("the fixed point is the solution found by other means", () => {
    rows(run.read(fixed)).forEach((x, n) => {
      expect(norm(minus(x, row.golden!(n)))).toBeLessThan(1e-6);
    });
  });

  it("the fixed point does not depend on the start, and each sample ends where it ends alone", () => {
    const elsewhere = run.apply(run.draw(5), row.steps);
    const [x, other] = [rows(run.read(fixed)), rows(run.read(elsewhere))];
    const alone = Object.fromEntries(
      Object.entries(row.feeds).map(([name, value]) => {
        const batched = value.shape.length > 0 && ["d", "radius"].includes(name);
        if (!batched) return [name, value];
        const size = value.data.length / value.shape[0]!;
        return [name, { shape: [1, ...value.shape.slice(1)], data: Array.from(value.data).slice(0, size) }];
      }),
    );
    const single = running(T, alone, 1);
    const first = single.read(single.apply(single.zeros(), row.steps)).data;
    expect(norm(minus(first, x[0]!))).toBeLessThan(1e-12);
    samples.forEach((n) => {
      expect(norm(minus(x[n]!, other[n]!))).toBeLessThan(1e-6);
    });
  });
});

describe("splittings agree", () => {
  const solutionOf = (factory: string, title: string) => {
    const row = splittingCases.find((r) => r.factory === factory && r.title === title)!;
    return runningOf(row).read(fixedPoint(row)).data;
  };
  it("proximalGradient and both forms of linearizedAdmm on the lasso", () => {
    const reference = solutionOf("proximalGradient", "lasso");
    for (const title of ["lasso, αλ = 1", "lasso, αλ = 0.7"]) {
      expect(norm(minus(solutionOf("linearizedAdmm", title), reference))).toBeLessThan(1e-7);
    }
  });
  it("douglasRachford at any step and linearizedAdmm", () => {
    const [far, near] = [solutionOf("split", "projection onto the simplex"), "projection onto the simplex, α = 0.5"];
    expect(norm(minus(solutionOf("douglasRachford", near), far))).toBeLessThan(1e-9);
    const programme = solutionOf("douglasRachford", "linear program");
    expect(norm(minus(solutionOf("linearizedAdmm", "linear program"), programme))).toBeLessThan(1e-6);
  });
  it("both forms of linearizedAdmm on the constrained problem", () => {
    const reduced = solutionOf("split", "constrained");
    const full = solutionOf("linearizedAdmm", "constrained, a step a term, αλ = 0.7");
    expect(norm(minus(reduced, full))).toBeLessThan(1e-6);
  });
});

describe("douglasRachford in the engine", () => {
  it.each([
    ["where the box holds x back", [1.5, -0.25, 0.75, 0.5]],
    ["where neither term pulls at the solution", [0.9, 0.25, 0.75, 0.5]],
  ])("converges to float32 %s", async (_, values) => {
    const model = define({
      name: "nearest",
      params: {},
      data: { d: ["N", 4] },
      problem: (_, data) => ({
        box: { prox: indicator(box(0, 1)) },
        nearness: { prox: libraryQuadratic(data.d) },
      }),
    });
    await using compiled = await compileModel(model, {}, { threads: 1 });
    const { x, status } = await compiled.solve({ d: { shape: [1, 4], data: Float32Array.from(values) } });
    expect(status).toEqual(["converged"]);
    values.forEach((value, i) => {
      expect(Math.abs(x.data[i]! - Math.min(1, Math.max(0, value)))).toBeLessThan(1e-4);
    });
  });
});

describe("residuals never understate how far an iterate is from optimal", () => {
  const row = splittingCases.find(({ factory, title }) => factory === "proximalGradient" && title === "lasso")!;
  const A = row.feeds["A"]!.data as Float64Array;
  const data = rows(row.feeds["d"] as Array64);
  const TAU = 0.75;
  /** Distance of g to τ∂‖·‖₁(x). */
  const offBy = (g: Float64Array, x: Float64Array) =>
    norm(g.map((gi, i) => (x[i] === 0 ? Math.max(0, Math.abs(gi) - TAU) : gi - TAU * Math.sign(x[i]!))));
  const early = [0, 1, 2, 5, 10, 20, 40];

  it("proximalGradient: ‖∂h(x⁺) + ∇f(x⁺)‖ over ‖∇f(x⁺)‖ + ‖x⁺‖/α", () => {
    const alpha = 0.0625;
    const run = running(proximalGradient(row.build().problem, { alpha }), row.feeds, row.batch);
    for (const steps of early) {
      const z = run.apply(run.zeros(), steps);
      const residual = run.residual(z);
      rows(run.read(run.apply(z))).forEach((x, n) => {
        const g = timesTransposed(A, minus(data[n]!, times(A, x)));
        expect(residual[n]!).toBeGreaterThanOrEqual(offBy(g, x) / (norm(g) + norm(x) / alpha) - 1e-12);
      });
    }
  });

  it("linearizedAdmm: ‖Ax⁺ − p⁺‖ and ‖∂h(x⁺) + Aᵀν⁺‖, each over the larger of its parts", () => {
    const composed = splittingCases.find(({ title }) => title === "lasso, αλ = 1")!;
    const run = running(composed.build().operator, row.feeds, row.batch);
    for (const steps of early) {
      const z = run.apply(run.zeros(), steps);
      const { fidelity, sparsity } = run.residuals(z);
      const next = run.apply(z);
      rows(run.read(next)).forEach((x, n) => {
        const nu = rows(next["nu.fidelity"]!)[n]!;
        const Ax = times(A, x);
        const p = nu.map((a, i) => a + data[n]![i]!);
        const pull = timesTransposed(A, nu);
        const primal = norm(minus(Ax, p)) / Math.max(norm(Ax), norm(p));
        const dual =
          offBy(
            pull.map((a) => -a),
            x,
          ) / norm(pull);
        expect(fidelity![n]!).toBeGreaterThanOrEqual(primal - 1e-12);
        expect(sparsity![n]!).toBeGreaterThanOrEqual(dual - 1e-12);
      });
    }
  });
});

describe("a broken step condition", () => {
  const row = splittingCases.find(({ title }) => title === "lasso, αλ = 1")!;
  const { problem } = row.build();
  const weights = Object.fromEntries(
    Object.entries(row.feeds).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
  const broken = (problemOf: Problem, options: Parameters<typeof linearizedAdmm>[1]) => {
    const T = linearizedAdmm(problemOf, options);
    return T.conditions().flatMap(({ text, left, right }) => {
      const [l, r] = interpret([left, right], weights).map(({ data }) => data[0]!);
      return l! <= r! ? [] : [text];
    });
  };

  it("is told apart from one that holds, by the term", () => {
    expect(broken(problem, {})).toEqual([]);
    expect(broken(problem, { alpha: { fidelity: 0.5 }, beta: 10 })).toEqual(["β Σ αᵢ‖Sᵢ‖² ≤ 1"]);
    expect(broken(problem, { alpha: { fidelity: 0.5 }, lambda: { fidelity: 2.5 } })).toEqual(["α λ ≤ 1 for fidelity"]);
  });

  it("is reported with both sides", () => {
    const x = identity(["N", 3]);
    const direct: Problem = { a: { prox: l1(1) }, b: { prox: quadratic(input("d", ["N", 3])), of: x } };
    expect(violatedConditions(linearizedAdmm(direct), {})).toEqual([]);
    expect(violatedConditions(linearizedAdmm(direct, { alpha: { b: 2 }, beta: 4 }), {})).toEqual([
      "β Σ αᵢ‖Sᵢ‖² ≤ 1 (8.000 against 1.000)",
    ]);
    const smooth: Problem = { f: { smooth: leastSquares(input("d", ["N", 3])), of: x } };
    expect(violatedConditions(proximalGradient(smooth), {})).toEqual([]);
    expect(violatedConditions(proximalGradient(smooth, { alpha: 3 }), {})).toHaveLength(1);
  });

  it("costs the guarantee: the same problem then diverges", () => {
    const run = running(linearizedAdmm(problem, { beta: 16 }), row.feeds, row.batch);
    squares(run.apply(run.zeros(), 100)).forEach((size) => {
      expect(size).toBeGreaterThan(1e6);
    });
  });
});

describe("a problem no splitting fits is an error that names the term", () => {
  const x = identity(["N", 3]);
  const d = input("d", ["N", 3]);
  const [prox, composed, smooth] = [
    { prox: indicator(box(0, 1)) },
    { prox: quadratic(d), of: x },
    { smooth: leastSquares(d), of: x },
  ];
  const wrong: [string, string, (problem: Problem) => unknown, Problem][] = [
    ["two proximable terms of x", "second", split, { first: prox, second: prox, third: composed }],
    ["a smooth term among composed ones", "data", split, { loss: smooth, data: composed }],
    ["two smooth terms", "other", split, { loss: smooth, other: smooth }],
    ["three proximable terms of x", "second", split, { only: prox, second: prox, third: prox }],
    ["three proximable terms of x", "third", douglasRachford, { only: prox, second: prox, third: prox }],
    ["a smooth term", "loss", douglasRachford, { loss: smooth, first: prox, second: prox }],
    ["a composed term", "data", douglasRachford, { data: composed, first: prox, second: prox }],
    ["one proximable term alone", "only", split, { only: prox }],
    ["a smooth and three proximable terms", "second", split, { loss: smooth, first: prox, second: prox, third: prox }],
    [
      "a smooth and three proximable terms",
      "third",
      davisYin,
      { loss: smooth, first: prox, second: prox, third: prox },
    ],
    ["a composed term", "data", davisYin, { loss: smooth, first: prox, data: composed }],
    ["a smooth term", "loss", linearizedAdmm, { loss: smooth, data: composed }],
    ["two proximable terms of x", "second", linearizedAdmm, { first: prox, second: prox, data: composed }],
    ["a composed term", "data", proximalGradient, { loss: smooth, data: composed }],
    ["two proximable terms", "second", proximalGradient, { loss: smooth, first: prox, second: prox }],
    ["a second smooth term", "other", proximalGradient, { loss: smooth, other: smooth }],
  ];
  it.each(wrong)("%s: %s", (_, term, derive, problem) => {
    expect(() => derive(problem)).toThrow(VouchError);
    expect(() => derive(problem)).toThrow(`got the term "${term}"`);
    expect(() => derive(problem)).toThrow(new RegExp(`^${derive.name}: expected`));
  });

  const empty: [string, (problem: Problem) => unknown, Problem, string][] = [
    ["no term", split, {}, "at least one term"],
    ["no term of Sx", linearizedAdmm, { box: prox }, "no term of Sx"],
    ["no smooth term", proximalGradient, { box: prox }, "one smooth term"],
    ["too few proximable terms", davisYin, { loss: smooth, box: prox }, "1 smooth and 1 proximable"],
    ["one proximable term", douglasRachford, { box: prox }, "got 1"],
    ["no shape of x", douglasRachford, { box: prox, other: prox }, "the shape of x"],
    ["no shape of x", split, { box: prox, other: prox }, "the shape of x"],
    ["no shape of x", davisYin, { loss: { smooth: leastSquares(d) }, a: prox, b: prox }, "the shape of x"],
    ["no shape of x", proximalGradient, { loss: { smooth: leastSquares(d) } }, "the shape of x"],
  ];
  it.each(empty)("%s", (_, derive, problem, words) => {
    expect(() => derive(problem)).toThrow(VouchError);
    expect(() => derive(problem)).toThrow(words);
  });

  it("a problem that fits is split by what its terms are", () => {
    expect(split({ box: prox, data: composed }).name).toBe("linearizedAdmm");
    expect(split({ data: composed, other: composed }).name).toBe("linearizedAdmm");
    expect(split({ box: prox, loss: smooth }).name).toBe("proximalGradient");
    expect(split({ loss: smooth }).name).toBe("proximalGradient");
    expect(split({ box: prox, other: prox, loss: smooth }).name).toBe("davisYin");
    expect(split({ box: prox, nearness: { prox: libraryQuadratic(d) } }).name).toBe("douglasRachford");
  });
});
