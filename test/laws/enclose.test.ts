/** @file Laws of enclosures: whatever the inputs are within their radii, the outputs are within theirs. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { random } from "../../src/random.js";
import { topological } from "../../src/tensor/graph.js";
import { evaluate } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { add, exp, mul, sqrt } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { concrete, type Tensor, type Value } from "../../src/tensor/tensor.js";
import { enclose, inexactPrimitive, interval } from "../../src/verify/enclose.js";
import { primitiveCases } from "../cases/primitives.js";

const sizes = { batch: 2, a: 2, b: 3, c: 2 };
const runs = { numRuns: 40, seed: 7 };
const seeds = fc.integer({ min: 1, max: 2 ** 30 });

const enclosed = primitiveCases.filter((row) => {
  const y = row.build(
    row.inputs(sizes).map((shape, i) => input(`x${i}`, shape)),
    sizes,
  );
  return topological([y]).every(({ primitive }) => primitive.exact);
});

describe.each(enclosed.map((row, i) => [`${row.primitive} (${i})`, row] as const))("%s", (_, row) => {
  it("holds for every input within its radius", () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(1e-2, 1e-6, 1e-12), (seed, radius) => {
        const rng = random(seed);
        const shapes = row.inputs(sizes);
        const exact = shapes.map((shape, i) => input(`x${i}`, shape));
        const errors = shapes.map((shape, i) => input(`e${i}`, shape));
        const [low, high] = row.range ?? [-1.5, 1.5];
        const draw = (shape: Tensor["shape"], make: () => number): Value => {
          const at = concrete(shape, sizes.batch);
          return { shape: at, data: Float64Array.from({ length: at.reduce((p, n) => p * n, 1) }, make) };
        };
        const x = shapes.map((shape) => draw(shape, () => low + (high - low) * rng.uniform()));
        const y = row.build(
          exact.map((t, i) => add(t, errors[i]!)),
          sizes,
        );
        const given = new Map<Tensor, Value>(exact.map((t, i) => [t, x[i]!]));
        const center = evaluate(
          [y],
          new Map([...given, ...errors.map((t) => [t, draw(t.shape, () => 0)] as const)]),
          2,
        )[0]!;
        const [found] = encloseWith(y, given, errors, radius);
        for (let k = 0; k < 5; k++) {
          const off = errors.map((t) => [t, draw(t.shape, () => radius * (2 * rng.uniform() - 1))] as const);
          const [moved] = evaluate([y], new Map([...given, ...off]), 2);
          moved!.data.forEach((value, i) => {
            if (y.dtype === "bool") expect(found!.doubt?.[i] === 1 || value === center.data[i]).toBe(true);
            else expect(Math.abs(value - center.data[i]!)).toBeLessThanOrEqual(found!.radius * (1 + 1e-9) + 1e-13);
          });
        }
      }),
      runs,
    );
  });
});

/** Enclose with inputs that carry a radius. */
function encloseWith(y: Tensor, given: ReadonlyMap<Tensor, Value>, uncertain: readonly Tensor[], radius: number) {
  const zero = (t: Tensor): Value => {
    const at = concrete(t.shape, sizes.batch);
    return { shape: at, data: new Float64Array(at.reduce((p, n) => p * n, 1)) };
  };
  const known = new Map(uncertain.map((t) => [t, { value: zero(t), radius }]));
  return enclose([y], given, sizes.batch, known);
}

describe("enclose", () => {
  const x = input("x", ["N", 2]);
  const value = (...data: number[]): Value => ({ shape: [1, 2], data: Float64Array.from(data) });

  it("every exact primitive of the table has a rule, and no other", () => {
    const nodes = primitiveCases.flatMap((row) => {
      const inputs = row.inputs(sizes).map((shape, i) => input(`x${i}`, shape));
      return topological([row.build(inputs, sizes)]);
    });
    for (const { primitive } of nodes) {
      if (primitive.name === "input") continue;
      expect([primitive.name, primitive.enclose !== undefined]).toEqual([primitive.name, primitive.exact]);
    }
  });

  it("bounds the rounding of a sum from both sides, and is exact where nothing rounds", () => {
    const { low, high } = interval(enclose([sum(x, [1])], new Map([[x, value(1, 2 ** -60)]]), 1)[0]!);
    expect(low).toBeLessThanOrEqual(1);
    expect(high).toBeGreaterThan(1);
    expect(high - low).toBeLessThan(1e-14);
    expect(interval({ value: { shape: [1], data: Float64Array.of(3) }, radius: 0 })).toEqual({ low: 3, high: 3 });
  });

  it("knows nothing of what is not finite", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e308]) {
      const found = interval(enclose([sum(mul(x, x), [1])], new Map([[x, value(bad, 1)]]), 1)[0]!);
      expect(found).toEqual({ low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY });
    }
  });

  it("bounds a root at 0 by the root of the radius", () => {
    const [found] = enclose([sqrt(sum(mul(x, x), [1]))], new Map([[x, value(0, 0)]]), 1);
    expect(found!.radius).toBeLessThan(1e-100);
  });

  it("refuses what is not exact", () => {
    expect(inexactPrimitive([exp(x)], new Map([[x, value(0, 0)]]))).toBe("exp");
    expect(() => enclose([exp(x)], new Map([[x, value(0, 0)]]), 1)).toThrow(/expected exact primitives .* got exp/);
  });
});
