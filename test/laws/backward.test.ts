/** @file Laws of backward rules: the point is z*, its gradient points where that of the whole solve points. */

import { describe, expect, it } from "vitest";
import { jfb } from "../../src/backward/jfb.js";
import { weightedL1 } from "../../src/functions/weighted-l1.js";
import { matrix } from "../../src/linear/matrix.js";
import type { Operator } from "../../src/operator.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { proximalGradient } from "../../src/splitting/proximal-gradient.js";
import { graphInputs } from "../../src/tensor/graph.js";
import { type Feeds, interpret } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { mul, sub } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { mapTensors, tensorLeaves } from "../../src/tensor/tree.js";
import { gradient } from "../../src/tensor/vjp.js";
import { dot, minus, moved, norm, normal } from "../arrays.js";
import { backwardCases } from "../cases/backward.js";
import { leastSquares, quadratic } from "../cases/splittings.js";
import { running } from "../points.js";

const BATCH = 3;
const d = input("d", ["N", 5]);
const tau = input("tau", [4]);
const A = matrix(input("A", [5, 4]));
const values = {
  A: normal([5, 4], 401),
  tau: { shape: [4], data: Float64Array.of(0.3, 0.6, 0.2, 0.5) },
  d: normal([BATCH, 5], 402, 1.5),
};
const target = normal([BATCH, 4], 403);
const learned = ["tau", "A"] as const;

/** ½Σ(x − target)² over the batch. */
const loss = (x: Tensor) => {
  const gap = sub(x, input("target", x.shape));
  return mul(0.5, sum(mul(gap, gap)));
};
const feeds: Feeds = { ...values, target };

/** Steps are numbers, so that T varies with the weights alone. */
const toys: [string, Operator][] = [
  [
    "proximalGradient",
    proximalGradient(
      { fidelity: { smooth: leastSquares(d), of: A }, sparsity: { prox: weightedL1(tau) } },
      { alpha: 0.0625 },
    ),
  ],
  [
    "linearizedAdmm",
    linearizedAdmm(
      { sparsity: { prox: weightedL1(tau) }, fidelity: { prox: quadratic(d), of: A } },
      { alpha: { fidelity: 0.5 }, beta: 0.125 },
    ),
  ],
];

describe.each(toys)("of %s", (_, T) => {
  const solve = (given: Feeds) => {
    const run = running(T, given, BATCH);
    return { run, zStar: run.apply(run.zeros(), 700) };
  };
  const { run, zStar } = solve(feeds);
  const star = mapTensors(T.init(), (leaf, path) => input(`star.${path}`, leaf.shape));
  const atStar: Feeds = {
    ...feeds,
    ...Object.fromEntries(Object.entries(zStar).map(([path, value]) => [`star.${path}`, value])),
  };
  const params = learned.map((name) => graphParam(T, name));
  const differences = (at: (given: Feeds) => number, h: number) =>
    Float64Array.from(
      learned.flatMap((name) =>
        Array.from(values[name].data, (__, k) => {
          const [up, down] = [at(moved(feeds, name, k, h)), at(moved(feeds, name, k, -h))];
          return (up - down) / (2 * h);
        }),
      ),
    );
  const lossOf = (x: Float64Array) => 0.5 * norm(minus(x, target.data)) ** 2;
  const whole = differences((given) => {
    const solved = solve(given);
    return lossOf(solved.run.read(solved.zStar).data);
  }, 1e-5);

  it("z* is a fixed point, and no weight is at a kink of the solve", () => {
    expect(Math.max(...run.residual(zStar))).toBeLessThan(1e-10);
    expect(norm(whole)).toBeGreaterThan(0.1);
  });

  it.each(backwardCases.map((row) => [row.factory, row] as const))(
    "%s: the point is z*, its gradient points with that of the whole solve",
    (__, row) => {
      const point = row.rule(T, star);
      interpret(
        tensorLeaves(point).map(([, leaf]) => leaf),
        atStar,
      ).forEach(({ data }, i) => {
        expect(norm(minus(data, Object.values(zStar)[i]!.data))).toBeLessThan(1e-9);
      });
      const slopes = interpret(gradient(loss(T.read(point)), params), atStar);
      const rule = Float64Array.from(slopes.flatMap(({ data }) => [...data]));
      expect(dot(rule, whole) / (norm(rule) * norm(whole))).toBeGreaterThan(row.cosine);
      if (row.length) {
        expect(norm(rule) / norm(whole)).toBeGreaterThan(row.length[0]);
        expect(norm(rule) / norm(whole)).toBeLessThan(row.length[1]);
      }
      for (const { data } of slopes) expect(norm(data)).toBeGreaterThan(0);
    },
  );

  it("jfb: its gradient is ∂T/∂Θ at z*, and none flows to z*", () => {
    const x = T.read(jfb(T, star));
    const slopes = interpret(gradient(loss(x), params), atStar).flatMap(({ data }) => [...data]);
    const partial = differences((given) => {
      const moving = running(T, given, BATCH);
      return lossOf(moving.read(moving.apply(zStar)).data);
    }, 1e-6);
    slopes.forEach((slope, k) => {
      expect(Math.abs(slope - partial[k]!)).toBeLessThan(1e-7 * (1 + Math.abs(slope)));
    });
    const through = gradient(
      loss(x),
      tensorLeaves(star).map(([, leaf]) => leaf),
    );
    for (const { data } of interpret([x, ...through], atStar).slice(1)) expect(norm(data)).toBe(0);
  });
});

function graphParam(T: Operator, name: string): Tensor {
  const all = tensorLeaves(T.apply(T.init())).map(([, leaf]) => leaf);
  return graphInputs(all).find((x) => (x.node.attributes as { name: string }).name === name)!;
}
