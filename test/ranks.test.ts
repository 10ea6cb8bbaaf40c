/** @file Labels inside a graph are those outside it, tie for tie; and the balance of steps likewise. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jointTest } from "../src/certificates/joint.js";
import { conformalLabel, conformalShares, ecdfLabel, type Labeller } from "../src/certificates/labels.js";
import { jointLabel, labels, rankLabel } from "../src/certificates/ranks.js";
import { compile } from "../src/engine/session.js";
import { rebalance, rebalanced } from "../src/solvers/balance.js";
import { interpret } from "../src/tensor/interpret.js";
import { input } from "../src/tensor/primitives/leaf.js";

/** Few values, so that ties are many; all of them are float32. */
const value = fc.integer({ min: 0, max: 12 }).map((k) => k / 4);
const odd = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY);
const batch = (data: readonly number[]) => ({ shape: [data.length], data: Float32Array.from(data) });
const alpha = input("alpha", ["N"]);

const labellers: readonly (readonly [string, Labeller])[] = [
  ["conformalLabel", conformalLabel],
  ["conformalLabel at 0.2", (values, a) => conformalLabel(values, a, { fail: 0.2, warning: 0.4 })],
  ["conformalShares", conformalShares({ pass: 0.8, warning: 0.1, fail: 0.1 })],
  ["ecdfLabel", ecdfLabel],
];

describe.each(labellers)("%s as a graph", (_, labeller) => {
  it("says what the rule says of any value, tied, infinite or none", () => {
    const seen = new Set<string>();
    const lists = fc.array(value, { minLength: 19, maxLength: 60 });
    const tested = fc.array(fc.oneof({ weight: 9, arbitrary: value }, odd), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lists, tested, (values, list) => {
        const { label, p } = rankLabel(values, labeller, alpha);
        const [codes, shares] = interpret(p ? [label, p] : [label], { alpha: batch(list) });
        list.forEach((a, n) => {
          const said = labeller(values, a);
          seen.add(said.label);
          expect(labels[codes!.data[n]!]).toBe(said.label);
          if (said.p === undefined) expect(shares).toBeUndefined();
          else expect(shares!.data[n]).toBeCloseTo(said.p, 7);
        });
      }),
      { numRuns: 200, seed: 5 },
    );
    expect(seen).toEqual(new Set(labels));
  });
});

describe("the joint test as a graph", () => {
  const names = ["a", "b", "c"];
  const graph = Object.fromEntries(names.map((name) => [name, input(name, ["N"])]));

  it("is jointTest", () => {
    const seen = new Set<string>();
    const column = fc.array(value, { minLength: 60, maxLength: 60 });
    const row = fc.tuple(value, value, fc.oneof({ weight: 6, arbitrary: value }, odd));
    fc.assert(
      fc.property(fc.tuple(column, column, column), fc.array(row, { minLength: 1, maxLength: 6 }), (columns, rows) => {
        const calibration = Object.fromEntries(names.map((name, j) => [name, columns[j]!]));
        const { label, p } = jointLabel(calibration, graph, { fail: 0.1, warning: 0.5 })!;
        const feeds = Object.fromEntries(names.map((name, j) => [name, batch(rows.map((one) => one[j]!))]));
        const [codes, shares] = interpret([label, p], feeds);
        rows.forEach((one, n) => {
          const inference = Object.fromEntries(names.map((name, j) => [name, one[j]!]));
          const said = jointTest(calibration, inference, { fail: 0.1, warning: 0.5 });
          if (said.verdict === "REFUSED") throw new Error(said.because);
          seen.add(said.label);
          expect(labels[codes!.data[n]!]).toBe(said.label);
          expect(shares!.data[n]).toBeCloseTo(said.p, 7);
        });
      }),
      { numRuns: 200, seed: 6 },
    );
    expect(seen).toEqual(new Set(labels));
  });

  it("is absent where jointTest refuses, and there at the least N that supports the level", () => {
    const calibration = (N: number) => Object.fromEntries(names.map((name) => [name, new Array<number>(N).fill(0)]));
    const inference = { a: 0, b: 0, c: 0 };
    for (const N of [58, 59]) {
      const { verdict } = jointTest(calibration(N), inference);
      expect([N, verdict, jointLabel(calibration(N), graph) === undefined]).toEqual([
        N,
        N < 59 ? "REFUSED" : "TESTED",
        N < 59,
      ]);
    }
    expect(jointLabel({}, {})).toBeUndefined();
  });
});

describe("rebalance", () => {
  it("is rebalanced, on the engine as well, and keeps what it cannot judge", async () => {
    const names = ["factor", "fade", "primal", "dual"] as const;
    const given = names.map((name) => input(name, ["N"]));
    const [factor, fade, primal, dual] = given as [typeof alpha, typeof alpha, typeof alpha, typeof alpha];
    const next = rebalance(factor, fade, primal, dual);
    const residuals = [0, 1e-9, 0.4, 0.5, 0.9, 1, 2, 2.1, 100, Number.POSITIVE_INFINITY, Number.NaN];
    const rows = residuals.flatMap((p) => residuals.flatMap((d) => [0, 3].map((k) => ({ f: 1 + k, k, p, d }))));
    const feeds = {
      factor: batch(rows.map(({ f }) => f)),
      fade: batch(rows.map(({ k }) => 0.8 ** k)),
      primal: batch(rows.map(({ p }) => p)),
      dual: batch(rows.map(({ d }) => d)),
    };
    await using session = await compile([next.factor, next.fade]);
    const results = [interpret([next.factor, next.fade], feeds), await session.run(feeds)];
    for (const [factors, fades] of results) {
      rows.forEach(({ f, k, p, d }, n) => {
        const [fp, fd] = [Math.fround(p), Math.fround(d)];
        const expected = rebalanced(f, k, fp, fd);
        expect(factors!.data[n]! / expected, `${p} and ${d}`).toBeCloseTo(1, 5);
        expect(fades!.data[n]).toBeCloseTo(0.8 ** (expected === f ? k : k + 1), 6);
      });
    }
    expect(rows.some(({ f, k, p, d }) => rebalanced(f, k, p, d) !== f)).toBe(true);
  });
});
