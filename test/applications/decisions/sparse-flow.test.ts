/** @file Flows by conjugate gradients: as those by cosine transforms in layers and gradients, on graphs that Cholesky refuses, bad input. */

import { describe, expect, it } from "vitest";
import { flow } from "../../../src/applications/decisions/flow.js";
import { decisionModel } from "../../../src/applications/decisions/layer.js";
import { twoLayers } from "../../../src/applications/decisions/network.js";
import { cornerSupply, drawPathData } from "../../../src/applications/decisions/paths/data.js";
import { grid, grid8, unitSupply } from "../../../src/applications/decisions/paths/grid.js";
import { pathSet } from "../../../src/applications/decisions/paths/losses.js";
import { sparseFlow } from "../../../src/applications/decisions/sparse-flow.js";
import { implicit } from "../../../src/backward/implicit.js";
import { compile } from "../../../src/engine/session.js";
import { compileModel } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { gridFlow } from "../../../src/sets/grid-flow.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { sum } from "../../../src/tensor/primitives/broadcast.js";
import { mul } from "../../../src/tensor/primitives/elementwise.js";
import { input } from "../../../src/tensor/primitives/leaf.js";
import { gradient } from "../../../src/tensor/vjp.js";
import { checkDescent } from "../../../src/training/check-descent.js";

const K = 4;
const graph = grid(K);
const EDGES = graph.edges.length;
const tight = { tolerance: 1e-13, limit: 200 };
const sets = [gridFlow(K, cornerSupply(K)), sparseFlow(graph, cornerSupply(K), tight)] as const;
const drawn = (count: number, stream: string) => {
  const rng = random(21).fork(stream);
  return Float64Array.from({ length: count }, () => rng.normal());
};
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), a.length === b.length ? 0 : NaN);

describe("as the grid's own projection", () => {
  it("in value, gradient, and gradient of the gradient", () => {
    const v = input("v", ["N", EDGES]);
    const w = input("w", ["N", EDGES]);
    const feeds = {
      v: { shape: [2, EDGES], data: drawn(2 * EDGES, "v") },
      w: { shape: [2, EDGES], data: drawn(2 * EDGES, "w") },
    };
    const [cosine, sparse] = sets.map((set) => {
      const p = set.project(v);
      const [first] = gradient(sum(mul(mul(p, p), w)), [v]);
      const [second] = gradient(sum(mul(first!, mul(first!, w))), [v]);
      return interpret([p, first!, second!, set.distance(v)], feeds).map(({ data }) => data);
    });
    cosine!.forEach((expected, i) => {
      expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1);
      expect(furthest(sparse![i]!, expected)).toBeLessThan(1e-10 * Math.max(1, ...expected.map(Math.abs)));
    });
  });

  it("in a layer: its answer, and the implicit gradient through its fixed point", async () => {
    const data = drawPathData(K, { train: 4, test: 10 });
    const network = twoLayers([5, 4, EDGES], 2);
    const d = { shape: [10, 5], data: data.test.contexts };
    const examples = pathSet(data.train).examples([0, 1, 2, 3], 0);
    const answers = await Promise.all(
      [sets[0], sparseFlow(graph, cornerSupply(K))].map(async (set) => {
        const model = decisionModel("toy", network, set);
        await using compiled = await compileModel(model, model.initialWeights());
        return (await compiled.solve({ d }, { tolerance: 1e-5 })).x.data;
      }),
    );
    expect(furthest(answers[1]!, answers[0]!)).toBeLessThan(1e-3);
    const model = decisionModel("toy", network, sets[1]);
    const checked = checkDescent(model, model.initialWeights(), examples, { backward: implicit() });
    for (const { cosine } of checked) expect(cosine).toBeGreaterThan(1 - 1e-5);
  }, 120_000);
});

it("a graph of 3,600 nodes, which flow refuses: on the set in the engine", async () => {
  const large = grid8(60);
  const supply = unitSupply(3600, 0, 3599);
  expect(() => flow(large, supply)).toThrow(/^flow: expected at most 3000 nodes, got 3600. Use sparseFlow/);
  const set = sparseFlow(large, supply);
  const v = input("v", ["N", large.edges.length]);
  const p = set.project(v);
  await using session = await compile([p, set.excess!(p), set.distance(p)]);
  const data = Float32Array.from(drawn(2 * large.edges.length, "large"));
  const [flows, excess, distance] = await session.run({ v: { shape: [2, large.edges.length], data } });
  for (const value of excess!.data) expect(value).toBeLessThan(1e-4);
  for (const value of distance!.data) expect(value).toBeLessThan(1e-2);
  // v − P(v) = Eᵀπ: there and back it cancels.
  const places = new Map(large.edges.map(([tail, head], e) => [tail * 3600 + head, e]));
  large.edges.forEach(([tail, head], e) => {
    const back = places.get(head * 3600 + tail)!;
    const moved = (at: number) => flows!.data[at]! - data[at]!;
    expect(Math.abs(moved(e) + moved(back))).toBeLessThan(1e-4);
  });
}, 120_000);

it.each([
  [
    "a graph in parts",
    () =>
      sparseFlow(
        {
          nodes: 4,
          edges: [
            [0, 1],
            [2, 3],
          ],
        },
        [-1, 0, 0, 1],
      ),
    /no way from node 0 to node 2/,
  ],
  [
    "supplies that do not sum to 0",
    () => sparseFlow(grid(2), [-1, 0, 0, 2]),
    /^sparseFlow: .*sum to 0, got a sum of 1/,
  ],
  ["too few supplies", () => sparseFlow(grid(2), [-1, 1]), /^sparseFlow: expected 4 supplies, one a node, got 2/],
  ["a tolerance of 0", () => sparseFlow(grid(2), [-1, 0, 0, 1], { tolerance: 0 }), /a tolerance > 0.*got 0 and 2000/],
])("%s is refused", (_, act, message) => {
  expect(act).toThrow(message);
});
