/** @file The trading model as published: its projections, the faults that are kept, and the row of its weights. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { snapshots } from "../../../src/applications/trading/paper/data.js";
import { evaluateTrading } from "../../../src/applications/trading/paper/evaluate.js";
import { MARKETS, OFFSETS, WIDTH } from "../../../src/applications/trading/paper/network.js";
import { publishedModel } from "../../../src/applications/trading/paper/published.js";
import { publishedAcceptable, publishedBalanced } from "../../../src/applications/trading/paper/published-sets.js";
import { tradingSet } from "../../../src/applications/trading/paper/train.js";
import { publishedLoss, trainPublished } from "../../../src/applications/trading/paper/train-published.js";
import { jfb } from "../../../src/backward/jfb.js";
import { parseBundle } from "../../../src/files/bundle.js";
import { compileModel, feedParams } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { sum } from "../../../src/tensor/primitives/broadcast.js";
import { constant, input } from "../../../src/tensor/primitives/leaf.js";
import { mapTensors } from "../../../src/tensor/tree.js";
import { gradient } from "../../../src/tensor/vjp.js";

const N = 8;
const MARGIN = 0.05;
const given = snapshots(N, "test");
const d = { shape: [N, WIDTH], data: Float64Array.from(given.observed) };
const v = input("v", ["N", 4 * WIDTH]);
const delta = constant(new Float32Array(MARKETS.length).fill(MARGIN), [MARKETS.length]);

/** Points with v around 0 and z around ln d, some within the sets and some not. */
function draw(seed: number) {
  const rng = random(seed);
  const data = Float64Array.from({ length: 4 * WIDTH * N }, (_, at) => {
    const [n, k] = [Math.floor(at / (4 * WIDTH)), at % (4 * WIDTH)];
    return k < 3 * WIDTH ? 5 * rng.normal() : Math.log(d.data[n * WIDTH + k - 3 * WIDTH]!) + 0.2 * rng.normal();
  });
  return { shape: [N, 4 * WIDTH], data };
}

describe("published projections", () => {
  it("on R and H meet both, and move along their normals", () => {
    const set = publishedBalanced(input("d", ["N", WIDTH]), delta);
    const from = draw(1);
    const to = interpret([set.project(v)], { v: from, d })[0]!;
    for (let n = 0; n < N; n++) {
      const [p, q] = [from, to].map(({ data }) => data.subarray(4 * WIDTH * n, 4 * WIDTH * (n + 1)));
      MARKETS.forEach(({ kind, weights, gamma }, j) => {
        let logarithm = 0;
        weights.forEach((w, k) => {
          const i = OFFSETS[j]! + k;
          const [x, y, entered, z] = [0, 1, 2, 3].map((part) => q![part * WIDTH + i]!) as [
            number,
            number,
            number,
            number,
          ];
          expect(entered).toBeCloseTo(gamma * x - y, 5);
          const moved = [0, 1, 2].map((part) => q![part * WIDTH + i]! - p![part * WIDTH + i]!);
          expect(moved[0]).toBeCloseTo(-gamma * moved[2]!, 5);
          expect(moved[1]).toBeCloseTo(moved[2]!, 5);
          logarithm += w * (z - Math.log(d.data[n * WIDTH + i]!));
        });
        if (kind === "geometric") expect(logarithm).toBeCloseTo(Math.log1p(MARGIN), 6);
      });
    }
  });

  it("on P solve its optimality condition, and A lifts the sum's value to its margin", () => {
    const set = publishedAcceptable(input("d", ["N", WIDTH]), delta);
    const from = draw(2);
    const to = interpret([set.project(v)], { v: from, d })[0]!;
    let outside = 0;
    for (let n = 0; n < N; n++) {
      const at = (data: ArrayLike<number>, part: number, i: number) => data[4 * WIDTH * n + part * WIDTH + i]!;
      for (let i = 0; i < OFFSETS.at(-1)!; i++) {
        const [before, after] = [from.data, to.data].map((data) => ({ v: at(data, 2, i), z: at(data, 3, i) }));
        const s = after!.v + d.data[n * WIDTH + i]!;
        if (before!.z <= Math.log(before!.v + d.data[n * WIDTH + i]!)) expect(after).toEqual(before);
        else {
          outside++;
          expect(after!.z).toBeCloseTo(Math.log(s), 9);
          expect(s * (after!.v - before!.v) + Math.log(s) - before!.z).toBeCloseTo(0, 8);
        }
        expect(at(to.data, 0, i)).toBe(Math.max(0, at(from.data, 0, i)));
      }
      const worth = (data: ArrayLike<number>) =>
        MARKETS.at(-1)!.weights.reduce((total, w, k) => total + w * data[k]!, 0);
      const lifted = [0, 1].map((k) => at(to.data, 2, OFFSETS.at(-1)! + k));
      const reserves = [0, 1].map((k) => d.data[n * WIDTH + OFFSETS.at(-1)! + k]!);
      expect(worth(lifted)).toBeGreaterThanOrEqual(MARGIN * worth(reserves) - 1e-5);
    }
    expect(outside).toBeGreaterThan(10);
  });
});

describe("the published model", () => {
  it("has 126 numbers, of which four margins never get a gradient", async () => {
    const model = publishedModel();
    expect(model.size).toBe(126);
    const { operator, params } = model.trace();
    const zStar = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
    const loss = publishedLoss(operator.read(jfb(operator, zStar)), input("target", ["N", 4 * WIDTH]));
    const gradients = gradient(sum(loss), [params["W"]!, params["delta"]!]);
    const { data, target } = tradingSet(given).examples([...Array(N).keys()], 0);
    const weights = model.initialWeights();
    await using compiled = await compileModel(model, weights);
    const { z, violated } = await compiled.solve(data, { tolerance: 1e-30, maxSteps: 1000, strict: false });
    expect(violated.join()).toContain("α L ≤ 1");
    const feeds = { ...feedParams(weights), "data.d": data["d"]!, target, "state.z": z["z"]! };
    const [W, margins] = interpret(gradients, feeds);
    expect([...margins!.data.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    expect(margins!.data[4]).not.toBe(0);
    expect(W!.data.filter((value) => value !== 0).length).toBeGreaterThan(20);
  });

  it("is trained to lower its loss, the four margins left where they begin", async () => {
    const losses: number[] = [];
    const { bundle, result } = await trainPublished({
      ...{ count: 20, batch: 10, epochs: 5 },
      onStep: ({ loss }) => losses.push(loss),
    });
    expect(result.stopped).toBe("finished");
    expect(losses).toHaveLength(10);
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 5);
    expect([...bundle.weights["delta"]!.data.subarray(0, 4)]).toEqual([-3, -3, -3, -3]);
    expect(bundle.weights["delta"]!.data[4]).toBeLessThan(-3);
  });

  it("executes at a loss: its row of Table 4, beside its analytic model's", async () => {
    const read = (name: string) =>
      parseBundle(readFileSync(new URL(`../../../models/${name}.safetensors`, import.meta.url)));
    const asked = { test: 60, calibration: 200, search: 50, published: read("trading-published") };
    const { rows } = await evaluateTrading(read("trading"), asked);
    const row = (name: string) => rows.find(({ method }) => method === name)!;
    expect(row("published").size).toBe(126);
    expect(row("published").fractionAsPublished.mean).toBeGreaterThan(0.9);
    expect(row("published").executed.high).toBeLessThan(0);
    expect(row("published").profitFail).toBe(1);
    expect(row("published_analytic").fraction.mean).toBe(0);
    expect(row("published_analytic").predicted.mean).toBeGreaterThan(row("analytic").predicted.mean);
    const { low, mean, high } = row("published").fraction;
    expect(low).toBeLessThan(mean);
    expect(high).toBeGreaterThanOrEqual(mean);
  });
});
