/** @file Laws of the primitive table: engine = interpreter, vjp = central differences. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import { interpret } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { cumsum } from "../../src/tensor/primitives/cumsum.js";
import { mul } from "../../src/tensor/primitives/elementwise.js";
import { gather, scatterAdd } from "../../src/tensor/primitives/gather.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import { argmax } from "../../src/tensor/primitives/maximum.js";
import { sort } from "../../src/tensor/primitives/sort.js";
import { concrete, type Tensor } from "../../src/tensor/tensor.js";
import { gradient } from "../../src/tensor/vjp.js";
import { draw, setUp } from "../cases/draw.js";
import { primitiveCases } from "../cases/primitives.js";

const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  a: fc.integer({ min: 1, max: 4 }),
  b: fc.integer({ min: 1, max: 5 }),
  c: fc.integer({ min: 1, max: 4 }),
});
const seeds = fc.integer({ min: 1, max: 2 ** 30 });

describe.each(primitiveCases.map((row, i) => [`${row.primitive} (${i})`, row] as const))("%s", (_, row) => {
  it("engine = interpreter within float32 error", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, seeds, async (s, seed) => {
        const { feeds, y } = setUp(row, s, seed);
        const [reference] = interpret([y], feeds);
        await using session = await compile([y], { threads: 1 });
        const [result] = await session.run(feeds);
        expect(result!.shape).toEqual(reference!.shape);
        const scale = Math.max(1, ...reference!.data.map(Math.abs));
        reference!.data.forEach((value, k) => {
          expect(Math.abs(result!.data[k]! - value)).toBeLessThan(2e-5 * scale);
        });
      }),
      { numRuns: 12, seed: 7 },
    );
  });

  it.runIf(row.noGradient === undefined)("vjp = central differences in float64", () => {
    fc.assert(
      fc.property(sizes, seeds, (s, seed) => {
        const { inputs, feeds, y } = setUp(row, s, seed);
        const weights = draw(4096, seed + 99, [-1, 1]);
        const loss = weigh(y, weights, s.batch);
        const gradients = interpret(gradient(loss, inputs), feeds);
        inputs.forEach((_, i) => {
          const { shape, data } = feeds[`x${i}`]!;
          for (const k of [0, data.length - 1, data.length >> 1]) {
            const at = (h: number) => {
              const moved = Float64Array.from(data);
              moved[k]! += h;
              return interpret([loss], { ...feeds, [`x${i}`]: { shape, data: moved } })[0]!.data[0]!;
            };
            const h = 1e-5;
            const difference = (at(h) - at(-h)) / (2 * h);
            expect(Math.abs(gradients[i]!.data[k]! - difference)).toBeLessThan(1e-6 * (1 + Math.abs(difference)));
          }
        });
      }),
      { numRuns: 12, seed: 7 },
    );
  });
});

describe("rows of the last axis", () => {
  const [samples, x, y] = [input("s", ["N"]), input("x", ["N", 3]), input("y", ["N", 2, 3])];
  const wrong: [string, () => unknown][] = [
    ["sort", () => sort(samples)],
    ["cumsum", () => cumsum(samples)],
    ["argmax", () => argmax(samples)],
    ["gather", () => gather(samples, samples)],
    ["gather", () => gather(y, x)],
    ["scatterAdd", () => scatterAdd(x, x, y)],
    ["scatterAdd", () => scatterAdd(y, x, x)],
  ];
  it.each(wrong)("%s refuses to mix samples or rows, by name", (name, build) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}: expected`));
  });

  it.each([-1, 3, 0.5, Number.NaN])("a place %s that is none of a row is refused, and one that is taken", (place) => {
    const at = (index: number) =>
      interpret([gather(x, input("i", ["N", 1]))], {
        x: { shape: [1, 3], data: [5, 6, 7] },
        i: { shape: [1, 1], data: [index] },
      })[0]!.data;
    expect(() => at(place)).toThrow(/^gather: expected whole places 0 … 2/);
    expect([...at(2)]).toEqual([7]);
  });
});

/** Σ w∘y with fixed weights, so that every element of y counts differently. */
function weigh(y: Tensor, weights: Float32Array, batch: number): Tensor {
  const sample = concrete(y.shape, 1);
  const count = sample.reduce((p, n) => p * n, 1);
  if (y.shape[0] !== "N" || batch === 0) return sum(mul(y, constant(weights.slice(0, count), sample)));
  return sum(mul(mul(y, y), constant(weights.slice(0, count), sample)));
}
