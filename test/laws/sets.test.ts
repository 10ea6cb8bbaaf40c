/** @file Laws of convex sets: projection, distance, support. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VouchError } from "../../src/errors.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { interpret } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { type Array64, batchOf, dot, minus, norm, rows } from "../arrays.js";
import { SAMPLES, setCases } from "../cases/sets.js";

const seeds = fc.integer({ min: 1, max: 2 ** 30 });
const runs = { numRuns: 25, seed: 7 };

describe.each(setCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const set = row.build();
  const v = input("v", row.shape);
  const draw = (seed: number, scale = 2) => batchOf(row.shape, SAMPLES, seed, scale);
  const run = (tensor: typeof v, value: Array64) => interpret([tensor], { ...row.feeds, v: value })[0]!;
  const project = (value: Array64) => run(set.project(v), value);
  const distance = (value: Array64) => run(set.distance(v), value).data;
  const support = (value: Array64) => run(set.support(v), value).data;
  const members = (seed: number): Array64 => {
    const u = draw(seed);
    return { shape: u.shape, data: Float64Array.from(rows(u).flatMap((a, n) => [...row.member(a, n)])) };
  };

  it("P agrees with the projection by hand, and is idempotent", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const value = draw(seed);
        const p = project(value);
        rows(p).forEach((pn, n) => {
          expect(norm(minus(pn, row.nearest(rows(value)[n]!, n)))).toBeLessThan(1e-13);
        });
        expect(norm(minus(project(p).data, p.data))).toBeLessThan(1e-14);
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

  it("support(y) = sup over C of ⟨u, y⟩: never below a member, attained far out in direction y", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [y, u] = [draw(seed), members(seed + 1)];
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
  ];
  it.each(wrong)("%s", (name, build) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}: expected`));
  });
});
