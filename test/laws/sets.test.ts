/** @file Laws of convex sets: projection, distance, support. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dualBounds, hasBounds } from "../../src/dual.js";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import { indicator } from "../../src/functions/indicator.js";
import { l1 } from "../../src/functions/weighted-l1.js";
import { identity } from "../../src/linear/identity.js";
import { matrix } from "../../src/linear/matrix.js";
import type { Problem } from "../../src/problem.js";
import { affine } from "../../src/sets/affine.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { gridFlow } from "../../src/sets/grid-flow.js";
import { halfSpace } from "../../src/sets/half-space.js";
import { hyperplane } from "../../src/sets/hyperplane.js";
import { l1Ball } from "../../src/sets/l1-ball.js";
import { point } from "../../src/sets/point.js";
import { product } from "../../src/sets/product.js";
import type { ConvexSet } from "../../src/sets/set.js";
import { simplex } from "../../src/sets/simplex.js";
import { type Feeds, interpret } from "../../src/tensor/interpret.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import { type Array64, batchOf, dot, minus, norm, rows } from "../arrays.js";
import { flowCases } from "../cases/flows.js";
import { SAMPLES, type SetCase, setCases } from "../cases/sets.js";
import { tradingSetCases } from "../cases/trading-sets.js";

const seeds = fc.integer({ min: 1, max: 2 ** 30 });
const cases = [...setCases, ...tradingSetCases, ...flowCases];
const runs = { numRuns: 25, seed: 7 };

/** Points of the set, from any vectors. */
function membersOf(row: SetCase, u: Array64): Array64 {
  return { shape: u.shape, data: Float64Array.from(rows(u).flatMap((a, n) => [...row.member(a, n)])) };
}

function runner(row: SetCase) {
  const v = input("v", row.shape);
  const run = (tensor: typeof v, value: Array64) => interpret([tensor], { ...row.feeds, v: value })[0]!;
  return { set: row.build(), v, run };
}

describe.each(cases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const { set, v, run } = runner(row);
  const draw = (seed: number, scale = 2) => batchOf(row.shape, SAMPLES, seed, scale);
  const project = (value: Array64) => run(set.project(v), value);
  const distance = (value: Array64) => run(set.distance(v), value).data;
  const members = (seed: number) => membersOf(row, draw(seed));

  it("P agrees with the projection by hand, and is idempotent", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const value = draw(seed);
        const p = project(value);
        rows(p).forEach((pn, n) => {
          expect(norm(minus(pn, row.nearest(rows(value)[n]!, n)))).toBeLessThan(1e-13);
        });
        rows(project(p)).forEach((again, n) => {
          expect(norm(minus(again, rows(p)[n]!))).toBeLessThan(1e-14);
        });
      }),
      runs,
    );
  });

  it("⟨v − Pv, u − Pv⟩ ≤ 0 for u in C, where P leaves u alone", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [value, u] = [draw(seed), members(seed + 1)];
        const [p, Pu] = [rows(project(value)), rows(project(u))];
        rows(u).forEach((un, n) => {
          expect(dot(minus(rows(value)[n]!, p[n]!), minus(un, p[n]!))).toBeLessThan(1e-13);
          expect(norm(minus(Pu[n]!, un))).toBeLessThan(1e-13);
        });
      }),
      runs,
    );
  });

  it("‖Pv − Pw‖² ≤ ⟨Pv − Pw, v − w⟩", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [a, b] = [draw(seed), draw(seed + 1)];
        const [Pa, Pb] = [rows(project(a)), rows(project(b))];
        Pa.forEach((pa, n) => {
          const apart = minus(pa, Pb[n]!);
          const given = minus(rows(a)[n]!, rows(b)[n]!);
          expect(dot(apart, apart)).toBeLessThanOrEqual(dot(apart, given) + 1e-13);
        });
      }),
      runs,
    );
  });

  it("distance(v) = ‖v − Pv‖: 0 in C, positive outside", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const value = draw(seed);
        const p = project(value);
        distance(value).forEach((d, n) => {
          const gap = norm(minus(rows(value)[n]!, rows(p)[n]!));
          expect(Math.abs(d - gap)).toBeLessThan(1e-13);
          expect(d > 0).toBe(norm(minus(rows(value)[n]!, row.nearest(rows(value)[n]!, n))) > 0);
        });
        distance(members(seed + 1)).forEach((d) => {
          expect(d).toBeLessThan(1e-14);
        });
      }),
      runs,
    );
  });

  it("engine = interpreter within float32 error", async () => {
    await using session = await compile([set.project(v), set.distance(v)], { threads: 1 });
    const single = ({ shape, data }: Feeds[string]) => ({ shape, data: Float32Array.from(data) });
    const value = single(draw(3));
    const feeds = Object.fromEntries(Object.entries(row.feeds).map(([name, feed]) => [name, single(feed)]));
    const found = await session.run({ ...feeds, v: value });
    const reference = interpret([set.project(v), set.distance(v)], { ...feeds, v: value });
    reference.forEach(({ data }, i) => {
      const scale = Math.max(1, ...data.map(Math.abs));
      data.forEach((expected, k) => {
        expect(Math.abs(found[i]!.data[k]! - expected)).toBeLessThan(2e-5 * scale);
      });
    });
  });

  it(row.noSupport ? `has no support function: ${row.noSupport}` : "has a support function", () => {
    expect(set.support === undefined).toBe(row.noSupport !== undefined);
  });
});

/** Rows whose set has a member that not all have. */
const having = (member: keyof ConvexSet) =>
  cases.filter((row) => row.build()[member]).map((row) => [`${row.factory} ${row.title}`, row] as const);

describe.each(having("support"))("support: %s", (_, row) => {
  const { set, v, run } = runner(row);
  const draw = (seed: number) => batchOf(row.shape, SAMPLES, seed, 2);
  const project = (value: Array64) => run(set.project(v), value);
  const support = (value: Array64) => run(set.support!(v), value).data;

  it("support(y) = sup over C of ⟨u, y⟩: never below a member, attained far out in direction y", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [y, u] = [draw(seed), membersOf(row, draw(seed + 1))];
        const far = project({ shape: y.shape, data: y.data.map((a) => 1e8 * a) });
        support(y).forEach((s, n) => {
          const yn = rows(y)[n]!;
          expect(s).toBeGreaterThanOrEqual(dot(rows(u)[n]!, yn) - 1e-13);
          const attained = dot(rows(far)[n]!, yn);
          if (s === Number.POSITIVE_INFINITY) expect(attained).toBeGreaterThan(1e6);
          else expect(Math.abs(attained - s)).toBeLessThan(1e-6);
        });
      }),
      runs,
    );
  });

  it("support(0) = 0, and at a far point v the support of v − Pv is attained at Pv", () => {
    const zero = { shape: draw(1).shape, data: new Float64Array(draw(1).data.length) };
    expect([...support(zero)]).toEqual(new Array(SAMPLES).fill(0));
    fc.assert(
      fc.property(seeds, (seed) => {
        const value = draw(seed);
        const p = project(value);
        const normalCone = { shape: value.shape, data: minus(value.data, p.data) };
        support(normalCone).forEach((s, n) => {
          expect(Math.abs(s - dot(rows(p)[n]!, rows(normalCone)[n]!))).toBeLessThan(1e-12);
        });
      }),
      runs,
    );
  });

  it("admit(y) is a y of finite support, and any such y itself", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const y = draw(seed);
        const admitted = set.admit ? run(set.admit(v), y) : y;
        expect(support(admitted).every(Number.isFinite)).toBe(true);
        expect(support(y).every(Number.isFinite)).toBe(norm(minus(y.data, admitted.data)) === 0);
        if (set.admit) expect(run(set.admit(v), admitted)).toEqual(admitted);
      }),
      runs,
    );
  });
});

describe.each(having("excess"))("excess: %s", (_, row) => {
  const { set, v, run } = runner(row);
  it("excess(v) ≤ 0 in C, and > 0 outside", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const value = batchOf(row.shape, SAMPLES, seed, 2);
        const apart = run(set.distance(v), value).data;
        run(set.excess!(v), membersOf(row, value)).data.forEach((excess) => {
          expect(excess).toBeLessThan(1e-14);
        });
        run(set.excess!(v), value).data.forEach((excess, n) => {
          if (apart[n]! > 1e-12) expect(excess).toBeGreaterThan(0);
          else expect(excess).toBeLessThan(1e-12);
        });
      }),
      runs,
    );
  });
});

describe.each(having("bounded"))("bounded: %s", (_, row) => {
  const { set, v, run } = runner(row);
  it("no point is further out than 10", () => {
    const far = run(set.project(v), batchOf(row.shape, SAMPLES, 5, 1e6));
    expect(Math.max(...far.data.map(Math.abs))).toBeLessThan(10);
  });
});

describe("a set without a support function", () => {
  const x = input("x", ["N", 3]);
  const b = input("b", ["N", 2]);
  const A = { shape: [2, 3], data: Float32Array.of(1, 1, 0, 0, 1, 1) };
  const sumOf = (term: Problem[string]) =>
    dualBounds({ box: { prox: indicator(box(0, 1)) }, sum: term, data: { prox: l1(1), of: identity(x.shape) } });

  it("has no proof, and says which", () => {
    expect(sumOf({ prox: indicator(affine(A, b)) })).toEqual({
      reason: "no-objective",
      detail: "sum (indicator of affine 2×3) has no value or no conjugate",
    });
  });
  it("has one as a point of Sx", () => {
    const S = matrix(constant(A.data, A.shape));
    expect(hasBounds(sumOf({ prox: indicator(point(b)), of: S }))).toBe(true);
  });
});

describe("equations", () => {
  const A = { shape: [3, 2], data: [1, 0, 0, 1, 1, 1] };
  const v = input("v", ["N", 2]);
  const distance = (b: readonly number[]) =>
    interpret([affine(A, input("b", ["N", 3])).distance(v)], {
      v: { shape: [1, 2], data: [4, 5] },
      b: { shape: [1, 3], data: b },
    })[0]!.data[0]!;

  it("that contradict each other leave no point: at any distance, which is never called zero", () => {
    expect(distance([1, 1, 2.5])).toBe(Number.POSITIVE_INFINITY);
    expect(Math.abs(distance([1, 1, 2]) - 5)).toBeLessThan(1e-14);
    const property = indicator(affine(A, input("b", ["N", 3]))).property.measure(v);
    const feeds = { v: { shape: [1, 2], data: [4, 5] }, b: { shape: [1, 3], data: [1, 1, 2.5] } };
    expect(interpret([property], feeds)[0]!.data[0]).toBe(Number.POSITIVE_INFINITY);
  });
  it("that contradict each other are refused where they are constant, and others are not", () => {
    expect(() => affine(A, constant([1, 1, 2.5]))).toThrow(/^affine: expected a right-hand side in the range of A/);
    expect(affine(A, constant([1, 1, 2])).name).toBe("affine 3×2");
  });
});

describe("a degenerate ball", () => {
  const at = (radius: number, v: readonly number[]) => {
    const set = ball(input("c", ["N", 2]), radius);
    const feeds = { c: { shape: [1, 2], data: [0.5, -1] }, v: { shape: [1, 2], data: v } };
    const [p, d] = interpret([set.project(input("v", ["N", 2])), set.distance(input("v", ["N", 2]))], feeds);
    return { p: [...p!.data], d: d!.data[0]! };
  };
  it("keeps its centre", () => {
    expect(at(2, [0.5, -1])).toEqual({ p: [0.5, -1], d: 0 });
    expect(at(0, [0.5, -1])).toEqual({ p: [0.5, -1], d: 0 });
  });
  it("of radius 0 is its centre", () => {
    expect(at(0, [3.5, 3])).toEqual({ p: [0.5, -1], d: 5 });
  });
});

describe("parameters out of range are refused by name", () => {
  const c = input("c", ["N", 2]);
  const wrong: [string, () => unknown][] = [
    ["box", () => box(1, 0)],
    ["box", () => box(Number.NaN, 1)],
    ["box", () => box(0, Number.NaN)],
    ["ball", () => ball(c, -1)],
    ["ball", () => ball(c, Number.NaN)],
    ["simplex", () => simplex(-1)],
    ["simplex", () => simplex(Number.NaN)],
    ["l1Ball", () => l1Ball(-1)],
    ["l1Ball", () => l1Ball(Number.NaN)],
    ["hyperplane", () => hyperplane(constant([1, 2, 3]), 0).project(c)],
    ["halfSpace", () => halfSpace(constant([1]), 0).project(c)],
    ["product", () => product([])],
    ["product", () => product([{ length: 0, set: box(0, 1) }])],
    ["product", () => product([{ length: 1, set: box(0, 1) }]).project(c)],
    ["gridFlow", () => gridFlow(1, [0])],
    ["gridFlow", () => gridFlow(2, [0, 0, 0])],
    ["gridFlow", () => gridFlow(2, [-1, 0, 0, 2])],
    ["gridFlow", () => gridFlow(2, [-1, 0, 0, Number.NaN])],
    ["gridFlow", () => gridFlow(2, [-1, 0, 0, 1]).project(c)],
    ["affine", () => affine({ shape: [1, 2], data: [0, 0] }, constant([0]))],
    ["affine", () => affine({ shape: [1, 2], data: [1, Number.NaN] }, constant([0]))],
    ["affine", () => affine({ shape: [1, 2], data: [1] }, constant([0]))],
    ["affine", () => affine({ shape: [1, 2], data: [1, 2] }, constant([0, 1]))],
    ["affine", () => affine({ shape: [1, 3], data: [1, 2, 3] }, constant([0])).project(c)],
  ];
  it.each(wrong)("%s", (name, build) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}: expected`));
  });
});
