/** @file Matrix games: exact equilibria by their conditions, exploitability in whole numbers, learned games, gradients, bad input. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { gamesFigure } from "../../../cli/figures/games.js";
import { mipSolver } from "../../../cli/highs.js";
import { judgeStrategies } from "../../../src/applications/decisions/games/certify.js";
import { drawGames, readGames } from "../../../src/applications/decisions/games/data.js";
import { evaluateGames } from "../../../src/applications/decisions/games/evaluate.js";
import { proveExploitability } from "../../../src/applications/decisions/games/exploitability.js";
import {
  type Game,
  matrixGame,
  type Strategies,
  symmetricGame,
} from "../../../src/applications/decisions/games/game.js";
import { gameModel } from "../../../src/applications/decisions/games/model.js";
import { nashEquilibrium } from "../../../src/applications/decisions/games/nash.js";
import { payoffLoss } from "../../../src/applications/decisions/games/payoffs.js";
import { playGames } from "../../../src/applications/decisions/games/play.js";
import { quantalEquilibrium } from "../../../src/applications/decisions/games/quantal.js";
import { quantalGap, responseDistance } from "../../../src/applications/decisions/games/quantal-gap.js";
import { RESPONSES, type ResponseName } from "../../../src/applications/decisions/games/response.js";
import { gameSet, trainGames } from "../../../src/applications/decisions/games/train.js";
import type { SolveMip } from "../../../src/applications/decisions/knapsack/exact.js";
import { implicit } from "../../../src/backward/implicit.js";
import { compileModel } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { input } from "../../../src/tensor/primitives/leaf.js";
import { checkDescent } from "../../../src/training/check-descent.js";

const drawn = (rows: number, columns: number, scale: number, seed: number): Game => {
  const rng = random(seed).fork("game");
  const row = () => Array.from({ length: columns }, () => scale * (2 * rng.uniform() - 1));
  return matrixGame(Array.from({ length: rows }, row));
};
const strategy = (n: number, seed: number) => {
  const rng = random(seed).fork("strategy");
  const weights = Array.from({ length: n }, () => -Math.log1p(-rng.uniform()));
  const sum = weights.reduce((a, b) => a + b, 0);
  return Float64Array.from(weights, (w) => w / sum);
};
const squares = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
const exploitability = (game: Game, strategies: Strategies): number => {
  const proof = proveExploitability(game, strategies);
  if (proof.verdict !== "VERIFIED") throw new Error(proof.detail);
  return proof.exploitability;
};

let highs: SolveMip;
beforeAll(async () => {
  highs = await mipSolver();
});

describe("quantal response equilibria", () => {
  it.each([2, 3, 7, 30])(
    "of symmetric games of %i actions meet F's conditions to 1e-12, one strategy for both",
    (n) => {
      for (const scale of [1, 30, 300]) {
        const rng = random(n * scale);
        const game = symmetricGame(
          n,
          Array.from({ length: (n * (n - 1)) / 2 }, () => scale * (2 * rng.uniform() - 1)),
        );
        const { first: x, second } = quantalEquilibrium(game);
        expect(second).toEqual(x);
        expect(Math.abs(Array.from(x).reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-12);
        // Bx + log x + 1 is the same for all actions, up to what rounding of x does to log x.
        const F = Array.from(x, (share, i) => {
          const paid = Array.from(x).reduce((sum, other, j) => sum + game.payoffs[i * n + j]! * other, 0);
          return paid + Math.log(share) + 1;
        });
        expect(Math.max(...F) - Math.min(...F)).toBeLessThan(1e-11 * scale);
        expect(responseDistance(game, { first: x, second })).toBeLessThan(1e-12);
        expect(quantalGap(game, { first: x, second })).toBeLessThan(1e-11);
      }
    },
  );

  it.each([
    [2, 5, 0.5],
    [6, 3, 1],
    [4, 4, 2],
  ])("of %i×%i games at temperature %d answer each other", (rows, columns, temperature) => {
    const game = drawn(rows, columns, 8, rows);
    const x = quantalEquilibrium(game, temperature);
    expect(x.first.length).toBe(rows);
    expect(responseDistance(game, x, temperature)).toBeLessThan(1e-12);
  });

  it("agree with the iteration x ← (x + softmax(−Bx))/2 where that contracts", () => {
    const game = symmetricGame(3, [0.5, -0.8, 0.3]);
    let x = new Float64Array(3).fill(1 / 3);
    for (let k = 0; k < 200; k++) {
      const powers = x.map((_, i) => Math.exp(-x.reduce((sum, other, j) => sum + game.payoffs[3 * i + j]! * other, 0)));
      const sum = powers.reduce((a, b) => a + b, 0);
      x = x.map((share, i) => (share + powers[i]! / sum) / 2);
    }
    expect(Math.sqrt(squares(quantalEquilibrium(game).first, x))).toBeLessThan(1e-14);
  });

  it("are no further from any strategies than the gap says", () => {
    for (let seed = 0; seed < 50; seed++) {
      const [game, temperature] = [drawn(4, 3, 6, seed), 0.5 + (seed % 3)];
      const best = quantalEquilibrium(game, temperature);
      const share = seed % 2 === 0 ? 1 : 1e-3;
      const near = (of: ArrayLike<number>, n: number, s: number): Float64Array =>
        strategy(n, s).map((value, i) => share * value + (1 - share) * of[i]!);
      const own = { first: near(best.first, 4, seed), second: near(best.second, 3, seed + 99) };
      const l1 = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a).reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0);
      const apart = l1(own.first, best.first) ** 2 + l1(own.second, best.second) ** 2;
      const gap = quantalGap(game, own, temperature);
      expect(gap).toBeGreaterThan(0);
      expect(apart).toBeLessThanOrEqual((2 * gap) / temperature);
    }
  });
});

interface Golden {
  readonly games: readonly (Record<"rows" | "columns" | "phase" | "scale" | "temperature" | "value", number> &
    Record<"first" | "second", readonly number[]>)[];
}
const golden: Golden = JSON.parse(readFileSync(new URL("../../golden/games.json", import.meta.url), "utf8"));

describe.each(golden.games)("scipy's $rows×$columns game", ({ rows, columns, phase, scale, temperature, ...known }) => {
  const wave = (at: number) => scale * Math.sin(0.7 * at + phase);
  const game = matrixGame(
    Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => wave(i * columns + j))),
  );

  it("has its quantal response equilibrium", () => {
    const own = quantalEquilibrium(game, temperature);
    expect(Math.sqrt(squares(own.first, known.first))).toBeLessThan(1e-11);
    expect(Math.sqrt(squares(own.second, known.second))).toBeLessThan(1e-11);
  });

  it("has its value at Nash equilibria", () => {
    const { first, second } = nashEquilibrium(game, highs);
    let paid = 0;
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) paid += first[i]! * wave(i * columns + j) * second[j]!;
    expect(paid).toBeCloseTo(known.value, 9);
  });
});

describe("exploitability", () => {
  it("is ≥ 0 whatever the strategies, and the best answers' gain in float64", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 2, max: 6 }),
        fc.nat(1e6),
        (rows, columns, seed) => {
          const game = drawn(rows, columns, 10, seed);
          const [x, y] = [strategy(rows, seed), strategy(columns, seed + 1)];
          const paid = Array.from({ length: rows }, (_, i) =>
            y.reduce((sum, share, j) => sum + share * game.payoffs[i * columns + j]!, 0),
          );
          const earned = Array.from({ length: columns }, (_, j) =>
            x.reduce((sum, share, i) => sum + share * game.payoffs[i * columns + j]!, 0),
          );
          const value = exploitability(game, { first: x, second: y });
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeCloseTo(Math.max(...earned) - Math.min(...paid), 11);
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });

  it("is exactly 0 at rock–paper–scissors' uniform strategies, whose floats do not add up to 1, and seen one ulp away", () => {
    const rps = symmetricGame(3, [1, -1, 1]);
    const third = new Float32Array(3).fill(1 / 3);
    expect(Array.from(third).reduce((a, b) => a + b, 0)).not.toBe(1);
    expect(proveExploitability(rps, { first: third, second: third })).toMatchObject({
      verdict: "VERIFIED",
      gap: { numerator: 0n },
      exploitability: 0,
    });
    const off = Float32Array.of(third[0]!, third[1]!, third[2]! + 2 ** -26);
    const value = exploitability(rps, { first: off, second: third });
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1e-7);
  });

  it("is 0 at a pure equilibrium, and the whole payoff where a player is beaten", () => {
    const game = matrixGame([
      [2, 1],
      [0, -1],
    ]);
    expect(exploitability(game, { first: [0, 1], second: [1, 0] })).toBe(0);
    expect(exploitability(game, { first: [1, 0], second: [1, 0] })).toBe(2);
  });

  it("refutes negative shares and empty strategies, and says nothing of NaN", () => {
    const rps = symmetricGame(3, [1, -1, 1]);
    const of = (first: number[]) => proveExploitability(rps, { first, second: [1, 0, 0] });
    expect(of([0.5, -1e-9, 0.5])).toEqual({ verdict: "REFUTED", detail: "share -1e-9 of the first player's action 1" });
    expect(of([0, 0, 0])).toEqual({ verdict: "REFUTED", detail: "the first player has no action" });
    expect(of([0, Number.NaN, 1])).toMatchObject({
      verdict: "UNVERIFIABLE",
      detail: expect.stringContaining("action 1"),
    });
    expect(of([0.2, 0.3, 0.5]).verdict).toBe("VERIFIED");
  });
});

describe("Nash equilibria", () => {
  it("of rock–paper–scissors with stakes a, b, c play b, c and a shares of the opposite stakes", () => {
    // Rock loses a to paper, paper b to scissors, scissors c to rock.
    const [a, c, b] = [2, 5, 3];
    const { first, second } = nashEquilibrium(symmetricGame(3, [a, -c, b]), highs);
    const golden = [b / 10, c / 10, a / 10];
    expect(Math.sqrt(squares(first, golden))).toBeLessThan(1e-9);
    expect(Math.sqrt(squares(second, golden))).toBeLessThan(1e-9);
  });

  it.each([
    [2, 2],
    [3, 7],
    [10, 10],
  ])("of drawn %i×%i games leave nothing to gain, quantal ones tend to them", (rows, columns) => {
    const game = drawn(rows, columns, 10, 40 + rows);
    const nash = nashEquilibrium(game, highs);
    expect(exploitability(game, nash)).toBeLessThan(1e-8);
    const cooler = [1, 0.1].map((temperature) => exploitability(game, quantalEquilibrium(game, temperature)));
    expect(cooler[1]).toBeLessThan(0.5 * cooler[0]!);
    // Entropy is worth at most log n to each player.
    expect(cooler[0]).toBeLessThan(Math.log(rows) + Math.log(columns));
  });

  it("are refused where the solver's answer is exploitable, whatever it calls it", () => {
    const lying: SolveMip = () => ({ status: "Optimal", columns: { x0: 1, x1: 0, x2: 0 } });
    expect(() => nashEquilibrium(symmetricGame(3, [1, -1, 1]), lying)).toThrow(/exploitability of at most 1e-9.*got 2/);
    expect(() => nashEquilibrium(symmetricGame(3, [1, -1, 1]), () => ({ status: "Infeasible", columns: {} }))).toThrow(
      /an optimum, got Infeasible/,
    );
  });
});

describe("drawn games", () => {
  it.each([3, 4, 9])("of %i actions have none that beats all others, whatever the context", (n) => {
    const { test } = drawGames(n, { train: 0, test: 50, calibration: 0 });
    for (let k = 0; k < test.count; k++) {
      const { payoffs } = test.game(k);
      for (let i = 0; i < n; i++) expect(Math.max(...payoffs.subarray(i * n, (i + 1) * n))).toBeGreaterThan(0);
    }
  });

  it("with a + everywhere have one: the last", () => {
    const { test } = drawGames(6, { train: 0, test: 20, calibration: 0, sign: () => 1 });
    for (let k = 0; k < test.count; k++) {
      const last = Float64Array.of(0, 0, 0, 0, 0, 1);
      expect(exploitability(test.game(k), { first: last, second: last })).toBe(0);
    }
  });

  it("keep labels of steps from 5e-5, halved every 100, near their start and far from equilibria", () => {
    const n = 5;
    const { test } = drawGames(n, { train: 0, test: 3, calibration: 0, sign: () => 1 });
    const project = (v: Float64Array) => {
      const sorted = v.toSorted().reverse();
      let [sum, level] = [0, Number.NEGATIVE_INFINITY];
      sorted.forEach((value, k) => {
        sum += value;
        level = Math.max(level, (sum - 1) / (k + 1));
      });
      return v.map((value) => Math.max(0, value - level));
    };
    for (let k = 0; k < test.count; k++) {
      const { payoffs } = test.game(k);
      let [x, step] = [new Float64Array(n).fill(1 / (2 * n)), 5e-5];
      for (let t = 1; t <= 2000; t++) {
        const F = x.map(
          (share, i) => x.reduce((u, other, j) => u + payoffs[i * n + j]! * other, 0) + Math.log(share) + 1,
        );
        x = project(x.map((share, i) => share - step * F[i]!));
        if (t % 100 === 0) step /= 2;
      }
      const best = test.equilibria[k]!;
      expect(exploitability(test.game(k), { first: x, second: x })).toBeGreaterThan(
        10 * exploitability(test.game(k), best),
      );
      expect(squares(x, best.first)).toBeGreaterThan(5 * squares(x, new Float64Array(n).fill(1 / n)));
    }
  });

  it("are the same for the same seed, and hold contexts of different parts apart", () => {
    const [a, b] = [drawGames(3, { train: 5, test: 5 }), drawGames(3, { train: 9, test: 5 })];
    expect(a.test.contexts).toEqual(b.test.contexts);
    expect(a.test.equilibria).toEqual(b.test.equilibria);
    expect(new Set([...a.train.contexts, ...a.test.contexts, ...a.calibration.contexts]).size).toBe(15 + 15 + 900);
  });
});

describe.each(Object.keys(RESPONSES) as ResponseName[])("the learned game with a %s response", (name) => {
  const response = RESPONSES[name];
  const model = gameModel(3, 4, { hidden: 5, response, seed: 3 });
  const contexts = { shape: [20, 3], data: Float32Array.from({ length: 60 }, (_, i) => ((i * 7) % 11) / 10) };

  it("responds as its definition: optimal on the simplex, and Lipschitz", () => {
    const u = input("u", ["N", 5]);
    const rng = random(4);
    const data = Float64Array.from({ length: 100 }, () => 3 * rng.normal());
    const [x] = interpret([response.to(u)], { u: { shape: [20, 5], data } });
    const row = (array: ArrayLike<number>, n: number) => Array.from(array).slice(5 * n, 5 * n + 5);
    const h = (shares: readonly number[]) =>
      name === "softmax"
        ? shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0)
        : shares.reduce((sum, share) => sum + (share * share) / 2, 0);
    const value = (n: number, shares: readonly number[]) =>
      shares.reduce((sum, share, i) => sum + share * row(data, n)[i]!, 0) - h(shares);
    for (let n = 0; n < 20; n++) {
      const own = row(x!.data, n);
      expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      expect(Math.min(...own)).toBeGreaterThanOrEqual(0);
      for (let s = 0; s < 20; s++) expect(value(n, own)).toBeGreaterThan(value(n, Array.from(strategy(5, s))) - 1e-12);
      const other = (n + 1) % 20;
      const [apart, inputs] = [squares(own, row(x!.data, other)), squares(row(data, n), row(data, other))];
      expect(Math.sqrt(apart)).toBeLessThanOrEqual(response.lipschitz * Math.sqrt(inputs) + 1e-12);
    }
  });

  it("converges for any weights, to strategies in the simplices", async () => {
    const weights = Object.fromEntries(
      Object.entries(model.initialWeights()).map(([key, { shape, data }]) => [
        key,
        { shape, data: data.map((w) => 5 * w) },
      ]),
    );
    await using compiled = await compileModel(model, weights);
    const { x, status, violated } = await compiled.solve({ d: contexts }, { tolerance: 1e-5, maxSteps: 500 });
    expect(new Set(status)).toEqual(new Set(["converged"]));
    expect(violated).toEqual([]);
    for (let n = 0; n < 20; n++) {
      for (const [from, to] of [
        [0, 3],
        [3, 7],
      ] as const) {
        const shares = Array.from(x.data.subarray(7 * n + from, 7 * n + to));
        expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it("is descended by JFB, and has the implicit gradient", () => {
    const weights = model.initialWeights();
    const target = {
      shape: [6, 7],
      data: Float32Array.from([...Array(6).keys()].flatMap((s) => [...strategy(3, s), ...strategy(4, s)])),
    };
    const data = { d: { shape: [6, 3], data: contexts.data.slice(0, 18) } };
    for (const { cosine, gamma } of checkDescent(model, weights, { data, target })) {
      expect(cosine).toBeGreaterThan(0.5);
      expect(gamma).toBeLessThanOrEqual(0.9 * response.lipschitz + 1e-9);
    }
    for (const { cosine } of checkDescent(model, weights, { data, target }, { backward: implicit() })) {
      expect(cosine).toBeGreaterThan(1 - 1e-6);
    }
  });
});

describe("the payoff network's loss", () => {
  it.each([2, 3, 6])("has the gradient of central differences, %i actions", (n) => {
    const rng = random(n);
    const above = Float64Array.from({ length: (n * (n - 1)) / 2 }, () => 4 * rng.normal());
    const target = { first: strategy(n, 1), second: strategy(n, 2) };
    for (const temperature of [0.5, 1, 3]) {
      const { gradient, value } = payoffLoss(n, above, target, temperature);
      expect(value).toBeGreaterThan(0);
      const step = 1e-5;
      above.forEach((b, k) => {
        const [up, down] = [b + step, b - step].map(
          (moved) => payoffLoss(n, above.with(k, moved), target, temperature).value,
        );
        expect(gradient[k]).toBeCloseTo((up! - down!) / (2 * step), 8);
      });
    }
  });

  it("is 0, with its gradient, at the true payoffs", () => {
    const above = [3, -2, 5];
    const { value, gradient } = payoffLoss(3, above, quantalEquilibrium(symmetricGame(3, above)));
    expect(value).toBeLessThan(1e-30);
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-14);
  });
});

describe("trained models", () => {
  const data = drawGames(5, { train: 450, test: 60, calibration: 200 });
  const recipe = { phases: 1, batch: 100, validation: 50, hidden: 20, threads: 1 } as const;

  it.each(["softmax", "payoffs"] as const)(
    "by %s predict far better than one answer for all, and wrong answers are flagged",
    async (kind) => {
      const learningRate = kind === "payoffs" ? 0.1 : 0.05;
      const { bundle } = await trainGames(data, { ...recipe, kind, passes: 40, learningRate });
      const result = await evaluateGames(bundle, data, { threads: 1 });
      expect(result.mse).toBeLessThan(0.1 * result.mseBlind);
      expect(result.unconverged).toBe(0);
      expect(result.flagged).toBeLessThan(0.2);
      expect(result.swappedFlagged).toBeGreaterThan(0.5);
      expect(result.judged.every(({ proof }) => proof.verdict === "VERIFIED")).toBe(true);
      // What the gap says of the unknown error, float32 shares apart.
      result.decisions.forEach(({ strategies }, n) => {
        const { first, second } = data.test.equilibria[n]!;
        const error = squares(strategies.first, first) + squares(strategies.second, second);
        expect(error).toBeLessThanOrEqual(2 * result.judged[n]!.values.response + 1e-9);
      });
      expect(gamesFigure(data.test, result)).toMatch(/^<svg .*Shares of actions.*exploitability: /s);
    },
    90_000,
  );

  it("refuse other bundles, games, contexts and too few calibration values", async () => {
    const { bundle } = await trainGames(data, { ...recipe, passes: 1 });
    const other = { ...bundle, manifest: { ...bundle.manifest, model: "paths" } };
    await expect(playGames(other, data.test.contexts)).rejects.toThrow(
      /^gameOptions: expected a model of games, got p/,
    );
    await expect(playGames(bundle, data.test.contexts.slice(1))).rejects.toThrow(/contexts of 3 numbers.*179 numbers/);
    const broken = data.test.contexts.with(4, Number.NaN);
    await expect(playGames(bundle, broken)).rejects.toThrow(/finite values, got NaN at element 4/);
    const four = drawGames(4, { train: 2, test: 2, calibration: 2 });
    await expect(evaluateGames(bundle, four)).rejects.toThrow(/5×5 games and contexts of 3, got 4×4/);
    const few = { ...data, calibration: { ...data.test, count: 5, contexts: data.test.contexts.slice(0, 15) } };
    await expect(evaluateGames(bundle, few)).rejects.toThrow(/certificate|calibration/);
    await expect(trainGames(data, { validation: 450 })).rejects.toThrow(/fewer than 450 contexts for validation/);
    expect(gameSet(data.test).count).toBe(60);
  }, 60_000);
});

describe("bad input is refused by name", () => {
  const rps = symmetricGame(3, [1, -1, 1]);
  const file = {
    contexts: [[1], [2]],
    payoffs: [rps, rps].map(() => [
      [1, 2],
      [3, 4],
    ]),
  };
  const read = (change: object) => () => readGames({ ...file, ...change }, { train: 2, test: 0, calibration: 0 });
  const wrong: [string, () => unknown, RegExp][] = [
    [
      "a NaN payoff",
      () =>
        matrixGame([
          [1, 2],
          [Number.NaN, 0],
        ]),
      /finite payoffs, got NaN in row 1, column 0/,
    ],
    ["an infinite payoff", () => symmetricGame(3, [1, Infinity, 0]), /Infinity in row 0, column 2/],
    ["one action", () => matrixGame([[1, 2]]), /2 actions or more of the first player, got 1/],
    ["one action of the other", () => matrixGame([[1], [2]]), /of the second player, got 1/],
    ["ragged payoffs", () => matrixGame([[1, 2], [3]]), /2 payoffs in row 1, got 1/],
    ["too few payoffs", () => symmetricGame(3, [1, 2]), /finite payoffs, got NaN in row 1, column 2/],
    [
      "another length",
      () => proveExploitability(rps, { first: [1, 0], second: [1, 0, 0] }),
      /3 shares of the first player, got 2/,
    ],
    ["no temperature", () => quantalEquilibrium(rps, 0), /a temperature > 0, got 0\. A game without entropy/],
    ["payoffs beyond float64", () => quantalEquilibrium(symmetricGame(2, [1e6])), /an equilibrium to 1e-12/],
    [
      "negative shares to judge",
      () => judgeStrategies(rps, { first: [1, -1, 1], second: [1, 0, 0] }),
      /shares ≥ 0, got share -1/,
    ],
    ["a drawn game of one action", () => drawGames(1), /drawGames: expected 2 actions or more, got 1/],
    ["a model of one action", () => gameModel(1, 3), /2 actions or more and γ in \[0, 1\), got 1 and 3/],
    ["γ = 1", () => gameModel(3, 3, { gamma: 1 }), /γ = 1/],
    ["another file", () => readGames({}), /^readGames: expected contexts and payoffs/],
    ["too few games", () => readGames(file), /2500 contexts or more, with a game each, got 2 and 2/],
    [
      "games of two sizes",
      read({
        payoffs: [
          file.payoffs[0],
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
        ],
      }),
      /2×2 payoffs in game 1, got 2×3/,
    ],
    ["contexts of two lengths", read({ contexts: [[1], [2, 3]] }), /1 numbers in context 1, got 2/],
    [
      "an infinite number in a file",
      read({ payoffs: [file.payoffs[0], [[1, 2], [3]]] }),
      /2 payoffs in row 1 in game 1, got 1/,
    ],
  ];
  it.each(wrong)("%s", (_, act, message) => {
    expect(act).toThrow(message);
  });
});
