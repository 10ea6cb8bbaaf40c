/** @file Laws of backward rules: the point is z*, its gradient points where that of the whole solve points. */

import { describe, expect, it } from "vitest";
import { adjointIteration } from "../../src/backward/adjoint-iteration.js";
import { implicit } from "../../src/backward/implicit.js";
import { jfb } from "../../src/backward/jfb.js";
import { neumann } from "../../src/backward/neumann.js";
import { phantom } from "../../src/backward/phantom.js";
import type { AdjointSolve, BackwardRule } from "../../src/backward/rule.js";
import { unrolled } from "../../src/backward/unrolled.js";
import { compile } from "../../src/engine/session.js";
import { graphInputs, topological } from "../../src/tensor/graph.js";
import { type Feeds, interpret } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { mul, sub } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { concrete, type Tensor } from "../../src/tensor/tensor.js";
import { mapTensors, tensorLeaves } from "../../src/tensor/tree.js";
import { gradient } from "../../src/tensor/vjp.js";
import { dot, minus, moved, norm, normal } from "../arrays.js";
import { backwardCases, type FixedPointCase, fixedPointCases } from "../cases/backward.js";
import { running } from "../points.js";

/** ½Σ(x − target)² over the batch. */
const loss = (x: Tensor) => {
  const gap = sub(x, input("target", x.shape));
  return mul(0.5, sum(mul(gap, gap)));
};

const flat = (arrays: readonly { readonly data: ArrayLike<number> }[]) =>
  Float64Array.from(arrays.flatMap(({ data }) => Array.from(data)));

/** A fixed point solved in float64, and gradients there. */
function differentiated({ operator: T, feeds: given, batch, learned, steps }: FixedPointCase) {
  const target = normal(concrete(T.read(T.init()).shape, batch), 403);
  const feeds: Feeds = { ...given, target };
  const solve = (at: Feeds) => {
    const run = running(T, at, batch);
    return { run, zStar: run.apply(run.zeros(), steps) };
  };
  const { run, zStar } = solve(feeds);
  const star = mapTensors(T.init(), (leaf, path) => input(`star.${path}`, leaf.shape));
  const atStar: Feeds = {
    ...feeds,
    ...Object.fromEntries(Object.entries(zStar).map(([path, value]) => [`star.${path}`, value])),
  };
  const inputs = graphInputs(tensorLeaves(T.apply(T.init())).map(([, leaf]) => leaf));
  const params = learned.map((name) => inputs.find((x) => (x.node.attributes as { name: string }).name === name)!);
  const lossOf = (x: Float64Array) => 0.5 * norm(minus(x, target.data)) ** 2;
  const differences = (at: (shifted: Feeds) => number, h: number) =>
    Float64Array.from(
      learned.flatMap((name) =>
        Array.from(given[name]!.data, (_, k) => {
          const [up, down] = [at(moved(feeds, name, k, h)), at(moved(feeds, name, k, -h))];
          return (up - down) / (2 * h);
        }),
      ),
    );
  return {
    run,
    zStar,
    star,
    atStar,
    params,
    slopes: (rule: BackwardRule, report?: (solve: AdjointSolve) => void) =>
      gradient(loss(T.read(rule(T, star, report))), params),
    /** Central differences of the loss of the whole solve, and of one application at z*. */
    whole: () =>
      differences((shifted) => {
        const solved = solve(shifted);
        return lossOf(solved.run.read(solved.zStar).data);
      }, 1e-5),
    partial: () =>
      differences((shifted) => {
        const moving = running(T, shifted, batch);
        return lossOf(moving.read(moving.apply(zStar)).data);
      }, 1e-6),
  };
}

const rulesOf = backwardCases.map((row) => [`${row.factory} ${row.title}`, row] as const);
const nodes = (outputs: readonly Tensor[]) => topological(outputs).length;

describe.each(fixedPointCases.map((fixed) => [fixed.title, fixed] as const))("at the fixed point of %s", (_, fixed) => {
  const T = fixed.operator;
  const { run, zStar, star, atStar, params, slopes, whole, partial } = differentiated(fixed);
  const reference = whole();

  it("z* is one, and no weight is at a kink of the solve", () => {
    expect(Math.max(...run.residual(zStar))).toBeLessThan(1e-10);
    expect(norm(reference)).toBeGreaterThan(0.1);
  });

  it.each(rulesOf)("%s: the point is z*, its gradient points with that of the whole solve", (__, row) => {
    const rule = row.rule({ steps: fixed.steps, tolerance: 1e-12 });
    interpret(
      tensorLeaves(rule(T, star)).map(([, leaf]) => leaf),
      atStar,
    ).forEach(({ data }, i) => {
      const expected = Object.values(zStar)[i]!.data;
      expect(norm(minus(data, expected))).toBeLessThan(1e-9 * (1 + norm(expected)));
    });
    const found = interpret(slopes(rule), atStar);
    for (const { data } of found) expect(norm(data)).toBeGreaterThan(0);
    const g = flat(found);
    if (row.cosine === 1) expect(norm(minus(g, reference)) / norm(reference)).toBeLessThan(1e-5);
    else expect(dot(g, reference) / (norm(g) * norm(reference))).toBeGreaterThan(row.cosine);
  });

  it.each(rulesOf)("%s: none flows to z*", (__, row) => {
    const x = T.read(row.rule({ steps: 20, tolerance: 1e-6 })(T, star));
    const through = gradient(
      loss(x),
      tensorLeaves(star).map(([, leaf]) => leaf),
    );
    for (const { data } of interpret([x, ...through], atStar).slice(1)) expect(norm(data)).toBe(0);
  });

  it.each(rulesOf)("%s: the engine computes the interpreter's gradient", async (__, row) => {
    const graphs = slopes(row.rule({ steps: 40, tolerance: 1e-6 }));
    const feeds = Object.fromEntries(
      Object.entries(atStar).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
    );
    await using session = await compile(graphs, { threads: 1 });
    const [engine, exact] = [flat(await session.run(feeds)), flat(interpret(graphs, feeds))];
    expect(norm(minus(engine, exact)) / norm(exact)).toBeLessThan(1e-3);
  });

  it.each(rulesOf)("%s: its graph grows with the solve only where it says so", (__, row) => {
    const at = (steps: number) => nodes(slopes(row.rule({ steps, tolerance: 1e-6 })));
    if (row.grows) expect(at(200)).toBeGreaterThan(5 * at(20));
    else expect(at(200)).toBe(at(20));
  });

  it("jfb: its gradient is ∂T/∂Θ at z*", () => {
    const found = flat(interpret(slopes(jfb), atStar));
    const expected = partial();
    found.forEach((slope, k) => {
      expect(Math.abs(slope - expected[k]!)).toBeLessThan(1e-7 * (1 + norm(found)));
    });
  });

  const same: [string, BackwardRule, BackwardRule][] = [
    ["neumann(0) = jfb", neumann(0), jfb],
    ["phantom(1) = jfb", phantom(1), jfb],
    ["phantom(4) = neumann(3)", phantom(4), neumann(3)],
    [
      "adjointIteration of 4 steps = neumann(3)",
      implicit({ limit: 4, tolerance: 0, solver: adjointIteration }),
      neumann(3),
    ],
  ];
  it.each(same)("%s", (__, a, b) => {
    const [left, right] = [flat(interpret(slopes(a), atStar)), flat(interpret(slopes(b), atStar))];
    expect(norm(minus(left, right))).toBeLessThan(1e-9 * norm(right));
  });

  it("phantom(3, τ) = τ(1 + (1 − τ) + (1 − τ)²) jfb + τ²(1 + 2(1 − τ))(neumann(1) − jfb) + τ³(neumann(2) − neumann(1))", () => {
    const tau = 0.25;
    const of = (rule: BackwardRule) => flat(interpret(slopes(rule), atStar));
    const [n0, n1, n2] = [of(jfb), of(neumann(1)), of(neumann(2))];
    const rest = 1 - tau;
    const expected = n0.map(
      (a, k) =>
        tau * (1 + rest + rest ** 2) * a + tau ** 2 * (1 + 2 * rest) * (n1[k]! - a) + tau ** 3 * (n2[k]! - n1[k]!),
    );
    expect(norm(minus(of(phantom(3, tau)), expected))).toBeLessThan(1e-9 * norm(expected));
  });

  it("implicit reports how far each sample's system was solved", () => {
    const reports: AdjointSolve[] = [];
    const rule = (limit: number) => implicit({ tolerance: 1e-8, limit, solver: adjointIteration });
    const graphs = [fixed.steps, 2].flatMap((limit) => {
      reports.length = 0;
      slopes(rule(limit), (solve) => reports.push(solve));
      expect(reports).toHaveLength(1);
      return [reports[0]!.residual, reports[0]!.steps, reports[0]!.products];
    });
    const [solved, taken, products, cut, two] = interpret(graphs, atStar).map(({ data }) => data);
    solved!.forEach((residual, n) => {
      expect(residual).toBeLessThan(1e-8);
      expect(taken![n]!).toBeLessThan(fixed.steps);
      expect(products![n]!).toBe(taken![n]!);
      expect(cut![n]!).toBeGreaterThan(1e-3);
      expect(two![n]!).toBe(2);
    });
    expect(params.length).toBeGreaterThan(0);
  });
});

describe("unrolled(k) is the gradient of k steps, converged or not", () => {
  it.each(fixedPointCases.map((fixed) => [fixed.title, fixed] as const))("%s", (_, fixed) => {
    const few = { ...fixed, steps: 7 };
    const { slopes, whole, atStar } = differentiated(few);
    const [g, reference] = [flat(interpret(slopes(unrolled(7)), atStar)), whole()];
    expect(norm(minus(g, reference)) / norm(reference)).toBeLessThan(1e-6);
  });
});

describe("arguments out of range are refused by name", () => {
  const wrong: [string, () => unknown, string][] = [
    ["no limit", () => implicit({ limit: 0 }), "implicit: expected"],
    ["a tolerance that is not a number", () => implicit({ tolerance: Number.NaN }), "implicit: expected"],
    ["a negative number of terms", () => neumann(-1), "neumann: k: expected an integer ≥ 0, got -1"],
    ["half a step", () => phantom(0.5), "phantom: k: expected an integer ≥ 1, got 0.5"],
    ["no damping factor", () => phantom(2, 0), "phantom: tau: expected a number in (0, 1], got 0"],
    ["no step", () => unrolled(0), "unrolled: k: expected an integer ≥ 1, got 0"],
  ];
  it.each(wrong)("%s", (_, make, message) => {
    expect(make).toThrow(message);
  });
});
