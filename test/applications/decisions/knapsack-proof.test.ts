/** @file Proofs of knapsacks against every subset, their twins, the largest regret, and labels of decisions. */

import { beforeAll, describe, expect, it } from "vitest";
import { mipSolver } from "../../../cli/highs.js";
import { toNumber } from "../../../src/applications/decisions/dyadic.js";
import { calibrateKnapsack, certifyKnapsack } from "../../../src/applications/decisions/knapsack/certify.js";
import { drawKnapsackData } from "../../../src/applications/decisions/knapsack/data.js";
import { evaluateKnapsack } from "../../../src/applications/decisions/knapsack/evaluate.js";
import type { Knapsack, SolveMip } from "../../../src/applications/decisions/knapsack/exact.js";
import { knapsackMultipliers, proveKnapsack } from "../../../src/applications/decisions/knapsack/proof.js";
import { largestKnapsackRegret } from "../../../src/applications/decisions/knapsack/regret.js";
import { trainKnapsack } from "../../../src/applications/decisions/knapsack/train.js";
import { type Random, random } from "../../../src/random.js";

const ITEMS = 9;
let solve: SolveMip;
beforeAll(async () => {
  solve = await mipSolver();
});

function drawn(rng: Random): { knapsack: Knapsack; values: Float32Array } {
  const weights = [0, 1].map(() => Array.from({ length: ITEMS }, () => (300 + rng.integer(500)) / 100));
  return {
    knapsack: { weights, capacities: [20, 22] },
    values: Float32Array.from({ length: ITEMS }, () => 10 * rng.uniform() - 1),
  };
}

const sumOf = (set: readonly number[], of: ArrayLike<number>) => set.reduce((sum, i) => sum + of[i]!, 0);
const all = Array.from({ length: ITEMS }, (_, i) => i);

/** Every set that fits. */
const feasible = ({ weights, capacities }: Knapsack) =>
  Array.from({ length: 2 ** ITEMS }, (_, bits) => all.filter((i) => (bits >> i) & 1)).filter((set) =>
    weights.every((row, r) => sumOf(set, row) <= capacities[r]! * (1 + 1e-9)),
  );

describe("proofs", () => {
  it("of best sets have no gap, and of others one that is not understated, whatever the multipliers", () => {
    const rng = random(12);
    let proven = 0;
    for (let n = 0; n < 40; n++) {
      const { knapsack, values } = drawn(rng.fork(n));
      const sets = feasible(knapsack);
      const worth = (set: readonly number[]) => sumOf(set, values);
      const best = sets.reduce((a, b) => (worth(b) > worth(a) ? b : a));
      const other = sets[rng.integer(sets.length)]!;
      const lambda = knapsackMultipliers(knapsack, values, worth(best));
      const anywhere = Float64Array.from(lambda, (price) => price * 3 * rng.uniform() + rng.uniform());
      for (const multipliers of [lambda, anywhere, new Float64Array(2)]) {
        const honest = proveKnapsack(knapsack, values, { items: best, multipliers });
        expect(honest).toMatchObject({ verdict: "VERIFIED", relativeGap: 0 });
        const proof = proveKnapsack(knapsack, values, { items: other, multipliers });
        if (proof.verdict !== "VERIFIED") throw new Error("a set that fits");
        expect(toNumber(proof.gap)).toBeGreaterThanOrEqual(worth(best) - worth(other) - 1e-9);
        const cut = proveKnapsack(knapsack, values, { items: best, multipliers }, 1);
        if (cut.verdict !== "VERIFIED") throw new Error("a set that fits");
        expect(toNumber(cut.gap)).toBeGreaterThanOrEqual(0);
        if (worth(other) < worth(best)) proven += proof.gap.units > 0n ? 1 : 0;
      }
    }
    expect(proven).toBeGreaterThan(100);
  });

  it("near the least dual bound search fewer sets", () => {
    const { knapsack, values } = drawn(random(13));
    const sets = feasible(knapsack);
    const best = sets.reduce((a, b) => (sumOf(b, values) > sumOf(a, values) ? b : a));
    const searched = [knapsackMultipliers(knapsack, values, sumOf(best, values)), [5, 5]].map((multipliers) => {
      const proof = proveKnapsack(knapsack, values, { items: best, multipliers });
      return proof.verdict === "VERIFIED" ? proof.searched : Number.NaN;
    });
    expect(searched[0]!).toBeLessThan(searched[1]!);
    expect(searched[1]!).toBeLessThanOrEqual(sets.length);
  });

  it("hold in whole numbers: 2⁻⁵⁰ more is seen", () => {
    const knapsack = { weights: [[1, 1]], capacities: [1] };
    const of = (items: readonly number[]) => proveKnapsack(knapsack, [1, 1 + 2 ** -50], { items, multipliers: [1] });
    expect(of([1])).toMatchObject({ relativeGap: 0 });
    const proof = of([0]);
    if (proof.verdict !== "VERIFIED") throw new Error("a set that fits");
    expect(toNumber(proof.gap)).toBeGreaterThanOrEqual(2 ** -50);
  });

  it("refuse sets that do not fit, items that are none, and say nothing without multipliers", () => {
    const { knapsack, values } = drawn(random(14));
    const of = (items: readonly number[], multipliers: readonly number[] = [1, 1]) =>
      proveKnapsack(knapsack, values, { items, multipliers });
    expect(of(all)).toEqual({ verdict: "REFUTED", detail: "the set is too heavy for constraint 0" });
    expect(of([0, 0])).toMatchObject({ verdict: "REFUTED", detail: expect.stringContaining("item 0") });
    expect(of([ITEMS])).toMatchObject({ verdict: "REFUTED" });
    expect(of([], [1])).toEqual({ verdict: "UNVERIFIABLE", detail: "1 multipliers for 2 constraints" });
    expect(of([], [1, -1])).toMatchObject({
      verdict: "UNVERIFIABLE",
      detail: expect.stringContaining("multiplier -1"),
    });
    expect(() => proveKnapsack(knapsack, values.with(2, Number.NaN), { items: [], multipliers: [1, 1] })).toThrow(
      /^proveKnapsack: .*NaN for item 2/,
    );
  });
});

describe("the largest regret", () => {
  it("is that of the worst corner, and 0 without an error", () => {
    const rng = random(15);
    const { knapsack, values } = drawn(rng);
    const error = Float64Array.from(values, () => rng.uniform());
    const sets = feasible(knapsack);
    const best = sets.reduce((a, b) => (sumOf(b, values) > sumOf(a, values) ? b : a));
    const mine = new Set(best);
    const worst = sets.map((rival) => {
      const theirs = new Set(rival);
      return all.reduce((sum, i) => {
        const apart = (theirs.has(i) ? 1 : 0) - (mine.has(i) ? 1 : 0);
        return sum + apart * values[i]! + Math.abs(apart) * error[i]!;
      }, 0);
    });
    expect(largestKnapsackRegret(knapsack, best, values, error, solve)).toBeCloseTo(Math.max(...worst), 6);
    expect(largestKnapsackRegret(knapsack, best, values, new Float64Array(ITEMS), solve)).toBeCloseTo(0, 6);
    expect(() => largestKnapsackRegret(knapsack, best, values, error.with(3, -1), solve)).toThrow(/-1 for item 3/);
  });
});

describe("certificates", () => {
  it("label decisions by those on contexts kept apart; a set that does not fit is seen", async () => {
    const data = drawKnapsackData(6, { train: 60, test: 20, calibration: 80, capacities: [15, 15] });
    const { bundle } = await trainKnapsack(data, solve, { phases: 1, passes: 3, batch: 10, validation: 20 });
    const { certificates, proven, decisions } = await evaluateKnapsack(bundle, data, solve);
    expect(proven).toBe(1);
    expect(certificates).toHaveLength(20);
    expect(certificates[0]!.map(({ property }) => property)).toEqual(["capacity", "integrality", "gap"]);
    expect(certificates.filter((list) => list.every(({ label }) => label === "pass")).length).toBeGreaterThan(10);
    const heavy = proveKnapsack(data.knapsack, decisions[0]!.predicted, {
      items: [0, 1, 2, 3, 4, 5],
      multipliers: [1, 1],
    });
    const values = { ...decisions[0]!.values, gap: 1 };
    const usual = await calibrateKnapsack(
      Array.from({ length: 80 }, (_, n) => ({ ...decisions[0]!, context: Float32Array.of(n) })),
    );
    const labels = (decision: (typeof decisions)[0]) => certifyKnapsack(decision!, usual).map(({ label }) => label);
    expect(labels({ ...decisions[0]!, values, proof: heavy })[2]).toBe("fail");
    expect(labels(decisions[0]!)[2]).toBe("pass");
  }, 60_000);
});
