/** @file Knapsacks: the exact oracle against every subset, and bad instances. */

import highsLoader from "highs";
import { describe, expect, it } from "vitest";
import { packKnapsack, type SolveMip } from "../../../src/applications/decisions/knapsack/exact.js";
import { random } from "../../../src/random.js";

// Its types are those of CommonJS, where the loader is the default of the default.
const highs = await (highsLoader as unknown as (typeof highsLoader)["default"])();
const solve: SolveMip = (lp) => {
  const { Status, Columns } = highs.solve(lp);
  const columns = Object.entries(Columns).map(([name, column]) => [name, (column as { Primal: number }).Primal]);
  return { status: Status, columns: Object.fromEntries(columns) };
};
const good = {
  weights: [
    [3, 4, 5],
    [2, 1, 4],
  ],
  capacities: [8, 5],
};

describe("the exact oracle", () => {
  it("is as good as the best of all subsets, and negative values are left behind", () => {
    const rng = random(3).fork("knapsack");
    for (let n = 0; n < 10; n++) {
      const weights = [0, 1].map(() => Array.from({ length: 8 }, () => 1 + rng.integer(9)));
      const capacities = [15, 18];
      const values = Float32Array.from({ length: 8 }, () => 10 * rng.uniform() - 2);
      let best = 0;
      for (let set = 0; set < 256; set++) {
        const taken = Array.from({ length: 8 }, (_, i) => (set >> i) & 1);
        const total = (of: ArrayLike<number>) => taken.reduce((sum, t, i) => sum + t * of[i]!, 0);
        if (weights.every((row, r) => total(row) <= capacities[r]!)) best = Math.max(best, total(values));
      }
      const packed = packKnapsack({ weights, capacities }, values, solve);
      expect(packed.value).toBeCloseTo(best, 5);
      expect(packed.items.every((i) => values[i]! > 0)).toBe(true);
    }
  });
  it("is not believed: an answer that is too heavy, or none, is an error", () => {
    const heavy: SolveMip = () => ({ status: "Optimal", columns: { x0: 1, x1: 1, x2: 1 } });
    expect(() => packKnapsack(good, [1, 1, 1], heavy)).toThrow(/at most 8 in constraint 0, got 12/);
    expect(() => packKnapsack(good, [1, 1, 1], () => ({ status: "Time limit", columns: {} }))).toThrow(
      /got Time limit/,
    );
    expect(packKnapsack(good, [1, 1, 1], solve).value).toBe(2);
  });
});

describe("bad input is refused by name", () => {
  const wrong: [string, () => unknown, RegExp][] = [
    [
      "infeasible",
      () => packKnapsack({ ...good, capacities: [8, -1] }, [1, 1, 1], solve),
      /-1 for constraint 1.*empty/,
    ],
    ["NaN", () => packKnapsack(good, [1, Number.NaN, 1], solve), /NaN for item 1/],
    [
      "a short row",
      () => packKnapsack({ ...good, weights: [[1, 2, 3], [1]] }, [1, 1, 1], solve),
      /constraint 1, got 1/,
    ],
    [
      "a negative weight",
      () =>
        packKnapsack(
          {
            ...good,
            weights: [
              [1, -2, 3],
              [1, 1, 1],
            ],
          },
          [1, 1, 1],
          solve,
        ),
      /-2 for item 1 in constraint 0/,
    ],
    ["too few capacities", () => packKnapsack({ ...good, capacities: [8] }, [1, 1, 1], solve), /2 capacities/],
  ];
  it.each(wrong)("%s", (_, act, message) => {
    expect(act).toThrow(message);
  });
});
