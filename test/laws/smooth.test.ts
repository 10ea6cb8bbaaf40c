/** @file Laws of smooth functions: value, gradient, its Lipschitz constant. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VouchError } from "../../src/errors.js";
import { linear } from "../../src/functions/linear.js";
import { interpret } from "../../src/tensor/interpret.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { type Array64, batchOf, dot, minus, norm, rows } from "../arrays.js";
import { SAMPLES } from "../cases/sets.js";
import { smoothCases } from "../cases/smooth.js";

const seeds = fc.integer({ min: 1, max: 2 ** 30 });
const runs = { numRuns: 25, seed: 7 };

describe.each(smoothCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const f = row.build();
  const v = input("v", row.shape);
  const draw = (seed: number) => batchOf(row.shape, SAMPLES, seed, 1.5);
  const run = (tensor: Tensor, value: Array64) => interpret([tensor], { ...row.feeds, v: value })[0]!;
  const grad = (value: Array64) => run(f.grad(v), value);
  const L = interpret([f.lipschitz()], row.feeds)[0]!;

  it("value = f by hand", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const value = run(f.value(v), draw(seed));
        expect(value.shape).toEqual([SAMPLES]);
        rows(draw(seed)).forEach((u, n) => {
          expect(Math.abs(value.data[n]! - row.value(u, n))).toBeLessThan(1e-12);
        });
      }),
      runs,
    );
  });

  it("grad = central difference of f by hand", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const value = draw(seed);
        expect(grad(value).shape).toEqual(value.shape);
        rows(grad(value)).forEach((g, n) => {
          const u = rows(value)[n]!;
          g.forEach((slope, k) => {
            const at = (h: number) =>
              row.value(
                u.map((a, i) => (i === k ? a + h : a)),
                n,
              );
            expect(Math.abs(slope - (at(1e-5) - at(-1e-5)) / 2e-5)).toBeLessThan(1e-9);
          });
        });
      }),
      runs,
    );
  });

  it("‖∇f(a) − ∇f(b)‖² ≤ L⟨∇f(a) − ∇f(b), a − b⟩, and L is attained", () => {
    expect(L.shape).toEqual([]);
    const bound = L.data[0]!;
    let most = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const [a, b] = [draw(seed), draw(seed + 1)];
        const [Ga, Gb] = [rows(grad(a)), rows(grad(b))];
        Ga.forEach((ga, n) => {
          const [slopes, apart] = [minus(ga, Gb[n]!), minus(rows(a)[n]!, rows(b)[n]!)];
          expect(dot(slopes, slopes)).toBeLessThanOrEqual(bound * dot(slopes, apart) + 1e-12);
          most = Math.max(most, norm(slopes) / norm(apart));
        });
      }),
      runs,
    );
    expect(Math.abs(most - bound)).toBeLessThan(1e-12);
  });
});

it.each([-1, Number.NaN])("linear refuses a quadratic of %s, by name", (gamma) => {
  const build = () => linear(constant([1]), gamma);
  expect(build).toThrow(VouchError);
  expect(build).toThrow(/^linear: expected/);
});
