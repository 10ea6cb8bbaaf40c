/** @file Laws of properties: Table 2, α ≥ 0, zero where it should be, pure, samples apart. */

import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distanceTo } from "../../src/certificates/properties/distance-to.js";
import { iterateResidual } from "../../src/certificates/properties/iterate-residual.js";
import { proximalResidual } from "../../src/certificates/properties/proximal-residual.js";
import { relativeError } from "../../src/certificates/properties/relative-error.js";
import { sparsity } from "../../src/certificates/properties/sparsity.js";
import type { Property } from "../../src/functions/function.js";
import { l1 } from "../../src/functions/weighted-l1.js";
import { point } from "../../src/sets/point.js";
import { interpret } from "../../src/tensor/interpret.js";
import { mul } from "../../src/tensor/primitives/elementwise.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import { type PropertyCase, propertyCases } from "../cases/properties.js";

const vector = fc.array(fc.float({ min: -1, max: 1, noNaN: true }).map(Math.fround), { minLength: 6, maxLength: 6 });
const datum = vector.filter((d) => Math.hypot(...d) > 0.1);

function evaluate(row: PropertyCase, v: readonly (readonly number[])[], d: readonly (readonly number[])[]): number[] {
  const V = input("v", ["N", ...row.shape]);
  const D = input("d", ["N", 6]);
  const value = row.make(D).measure(V, row.copy ? V : undefined);
  expect(value.shape).toEqual(["N"]);
  const feeds = {
    v: { shape: [v.length, ...row.shape], data: Float32Array.from(v.flat()) },
    d: { shape: [d.length, 6], data: Float32Array.from(d.flat()) },
  };
  const [result] = interpret([value], feeds);
  expect([...feeds.v.data]).toEqual(v.flat());
  return [...result!.data];
}

describe.each(propertyCases.map((row, i) => [`${row.file} (${i})`, row] as const))("%s", (_, row) => {
  it("is the formula of Table 2, at least 0, and the same twice", () => {
    let positive = 0;
    fc.assert(
      fc.property(vector, datum, (v, d) => {
        const [value] = evaluate(row, [v], [d]);
        const expected = row.expected(v, d);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(Math.abs(value! - expected)).toBeLessThanOrEqual(2e-4 * Math.max(1, expected));
        expect(evaluate(row, [v], [d])).toEqual([value]);
        if (value! > 0) positive++;
      }),
      { numRuns: 100, seed: 11 },
    );
    expect(positive).toBeGreaterThan(20);
  });

  it("is 0 where it should be", () => {
    fc.assert(
      fc.property(datum, (d) => {
        const exact = d.map((value) => Math.fround(value));
        expect(evaluate(row, [row.zero(exact).map(Math.fround)], [exact])).toEqual([0]);
      }),
      { numRuns: 20, seed: 12 },
    );
  });

  it("of a batch is that of each sample", () => {
    fc.assert(
      fc.property(vector, vector, datum, datum, (a, b, d, e) => {
        expect(evaluate(row, [a, b], [d, e])).toEqual([...evaluate(row, [a], [d]), ...evaluate(row, [b], [e])]);
      }),
      { numRuns: 20, seed: 13 },
    );
  });
});

it("every file of properties/ has a row", () => {
  const files = readdirSync(new URL("../../src/certificates/properties", import.meta.url)).filter(
    (file) => file !== "index.ts",
  );
  expect(new Set(propertyCases.map(({ file }) => `${file}.ts`))).toEqual(new Set(files));
});

describe("tolerance", () => {
  const at = (property: Property, v: readonly number[]) =>
    interpret([property.measure(input("v", ["N", 2]))], { v: { shape: [1, 2], data: Float32Array.from(v) } })[0]!
      .data[0]!;
  const target = constant(Float32Array.of(1, 0), [1, 2]);

  it("counts as 0 what a solve to that residual leaves, and no more", () => {
    const property = distanceTo(point(target), { tolerance: 0.125 });
    // ‖v‖ = 0.875 is the shortest v that agrees with (1, 0) to 0.125 of the longer of both.
    expect(at(property, [0.875, 0])).toBe(0);
    expect(at(property, [0.87, 0])).toBeCloseTo(0.13, 6);
  });

  it("0 counts every rounding", () => {
    const off = 1 + 2 ** -23;
    expect(at(distanceTo(point(target)), [off, 0])).toBe(0);
    expect(at(distanceTo(point(target), { tolerance: 0 }), [off, 0])).toBe(2 ** -23);
    expect(at(relativeError(target), [off, 0])).toBe(0);
    expect(at(relativeError(target, { tolerance: 0 }), [off, 0])).toBe(2 ** -23);
  });

  it.each([-1e-3, 1, Number.NaN])("%s is refused by every property that has one", (tolerance) => {
    for (const make of [
      () => distanceTo(point(target), { tolerance }),
      () => relativeError(target, { tolerance }),
      () => iterateResidual((v) => mul(0.5, v), { tolerance }),
      () => proximalResidual(l1(), 1, { tolerance }),
      () => sparsity({ threshold: tolerance }),
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: "parameter" }));
    }
  });
});

it("relative error at d = 0 is finite for v = 0 alone", () => {
  const property = relativeError(constant(Float32Array.of(0, 0), [1, 2]));
  const at = (v: readonly number[]) =>
    interpret([property.measure(input("v", ["N", 2]))], { v: { shape: [1, 2], data: Float32Array.from(v) } })[0]!
      .data[0]!;
  expect(at([0, 0])).toBe(0);
  expect(at([1, 0])).toBeGreaterThan(1e20);
});

it("sparsity counts the copy's exact zeros, not what Sx keeps of them", () => {
  const [v, p] = [input("v", ["N", 3]), input("p", ["N", 3])];
  const feeds = {
    v: { shape: [1, 3], data: Float32Array.of(1, 0.01, 0.02) },
    p: { shape: [1, 3], data: Float32Array.of(1, 0, 1e-6) },
  };
  const values = interpret([sparsity().measure(v, p), sparsity().measure(v)], feeds);
  expect(values.map(({ data }) => data[0])).toEqual([2, 3]);
});
