/** @file Shortest paths: exact solves against every path, proofs and their twins, the layer, its training, bad input. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pathsFigure } from "../../../cli/figures/paths.js";
import { dataFile } from "../../../cli/paths.js";
import { toNumber } from "../../../src/applications/decisions/dyadic.js";
import { flow } from "../../../src/applications/decisions/flow.js";
import { decisionModel } from "../../../src/applications/decisions/layer.js";
import { twoLayers } from "../../../src/applications/decisions/network.js";
import { cornerSupply, drawPathData, readPathData } from "../../../src/applications/decisions/paths/data.js";
import { decidePaths } from "../../../src/applications/decisions/paths/decide.js";
import { evaluatePaths } from "../../../src/applications/decisions/paths/evaluate.js";
import { shortestPaths } from "../../../src/applications/decisions/paths/exact.js";
import { grid, grid8, unitSupply } from "../../../src/applications/decisions/paths/grid.js";
import { gridModel } from "../../../src/applications/decisions/paths/model.js";
import { provePath } from "../../../src/applications/decisions/paths/proof.js";
import { costOf, largestRegret } from "../../../src/applications/decisions/paths/regret.js";
import { trainPaths } from "../../../src/applications/decisions/paths/train.js";
import type { Graph } from "../../../src/linear/incidence.js";
import { compileModel } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { gridFlow } from "../../../src/sets/grid-flow.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { input } from "../../../src/tensor/primitives/leaf.js";

/** Every path without a cycle, by depth-first search. */
function everyPath({ edges }: Graph, source: number, target: number): number[][] {
  const found: number[][] = [];
  const walk = (node: number, path: readonly number[], seen: ReadonlySet<number>) => {
    if (node === target) {
      found.push([...path]);
      return;
    }
    edges.forEach(([tail, head], e) => {
      if (tail === node && !seen.has(head)) walk(head, [...path, e], new Set([...seen, head]));
    });
  };
  walk(source, [], new Set([source]));
  return found;
}

const draw = (count: number, stream: string, low: number, high: number) => {
  const rng = random(8).fork(stream);
  return Float64Array.from({ length: count }, () => Math.fround(low + (high - low) * rng.uniform()));
};

describe.each([
  ["right and down", grid(4), -1],
  ["eight neighbours", grid8(3), 0],
] as const)("shortest paths, %s", (name, graph, low) => {
  const ends = [0, graph.nodes - 1] as const;
  const paths = everyPath(graph, ...ends);
  const solve = shortestPaths(graph);

  it("are the least of every path, and proven without a gap", () => {
    for (let n = 0; n < 20; n++) {
      const costs = draw(graph.edges.length, `${name} ${n}`, low, 1);
      const route = solve(costs, ...ends);
      expect(route.cost).toBeCloseTo(Math.min(...paths.map((path) => costOf(path, costs))), 12);
      const proof = provePath(graph, costs, ends, route);
      expect(proof).toMatchObject({ verdict: "VERIFIED", relativeGap: 0 });
    }
  });

  it("have a largest regret equal to the worst of all corners' costs", () => {
    const costs = draw(graph.edges.length, `${name} regret`, 0.5, 1);
    const error = draw(graph.edges.length, `${name} error`, 0, 0.2);
    const { edges: path } = solve(costs, ...ends);
    const taken = new Set(path);
    const worst = paths.map((other) => {
      const rival = new Set(other);
      return costs.reduce((sum, c, e) => {
        const mine = taken.has(e) ? 1 : 0;
        const theirs = rival.has(e) ? 1 : 0;
        return sum + c * (mine - theirs) + error[e]! * Math.abs(mine - theirs);
      }, 0);
    });
    expect(largestRegret(graph, path, costs, error, ends)).toBeCloseTo(Math.max(...worst), 12);
    expect(largestRegret(graph, path, costs, new Float64Array(error.length), ends)).toBeCloseTo(0, 14);
  });
});

describe("proofs", () => {
  const graph = grid(4);
  const ends = [0, 15] as const;
  const paths = everyPath(graph, ...ends);

  it("never understate what a path is above the best, whatever the potentials", () => {
    const rng = random(9);
    for (let n = 0; n < 200; n++) {
      const costs = draw(graph.edges.length, `proof ${n}`, 0, 1);
      const best = Math.min(...paths.map((path) => costOf(path, costs)));
      const path = paths[rng.integer(paths.length)]!;
      const exact = shortestPaths(graph)(costs, ...ends).potentials;
      const potentials = exact.map((value) => value + (n % 2) * 0.3 * rng.normal());
      const proof = provePath(graph, costs, ends, { edges: path, potentials });
      if (proof.verdict !== "VERIFIED") throw new Error("an honest path is verified");
      expect(toNumber(proof.gap)).toBeGreaterThanOrEqual(costOf(path, costs) - best - 1e-12);
      if (n % 2 === 0) expect(toNumber(proof.gap)).toBeCloseTo(costOf(path, costs) - best, 12);
    }
  });

  it("hold in whole numbers where float sums tie: 2⁻⁶⁰ more is seen", () => {
    const two: Graph = {
      nodes: 3,
      edges: [
        [0, 1],
        [1, 2],
        [0, 2],
      ],
    };
    const costs = [1, 2 ** -60, 1];
    const witness = { edges: [0, 1], potentials: [0, 1, 1] };
    const proof = provePath(two, costs, [0, 2], witness);
    if (proof.verdict !== "VERIFIED") throw new Error("a path");
    expect(proof.gap.units << 60n).toBe(1n << BigInt(proof.gap.shift));
    expect(provePath(two, costs, [0, 2], { ...witness, edges: [2] })).toMatchObject({ relativeGap: 0 });
  });

  it("refuse what is no path, and say nothing without potentials", () => {
    const costs = new Float64Array(graph.edges.length).fill(1);
    const { edges, potentials } = shortestPaths(graph)(costs, ...ends);
    const of = (path: readonly number[], pi: ArrayLike<number> = potentials) =>
      provePath(graph, costs, ends, { edges: path, potentials: pi });
    expect(of(edges.slice(0, -1))).toMatchObject({
      verdict: "REFUTED",
      detail: expect.stringContaining("ends in node"),
    });
    expect(of(edges.slice(1))).toMatchObject({ verdict: "REFUTED" });
    expect(of([99])).toMatchObject({ verdict: "REFUTED" });
    expect(of(edges, [0])).toMatchObject({ verdict: "UNVERIFIABLE" });
    expect(
      of(
        edges,
        potentials.map((value, node) => (node === 3 ? Number.NaN : value)),
      ),
    ).toMatchObject({
      verdict: "UNVERIFIABLE",
      detail: "potential NaN of node 3",
    });
    expect(() => provePath(graph, costs.with(2, Number.NaN), ends, { edges, potentials })).toThrow(/NaN at element 2/);
  });
});

describe("the layer", () => {
  const data = drawPathData(3, { train: 120, test: 40, seed: 5 });

  it("solves the regularised program on a general graph as on the grid", async () => {
    const graph = grid(3);
    const network = twoLayers([5, 4, graph.edges.length], 2);
    const d = { shape: [40, 5], data: data.test.contexts };
    const answers = await Promise.all(
      [gridFlow(3, cornerSupply(3)), flow(graph, cornerSupply(3))].map(async (set) => {
        const model = decisionModel("toy", network, set);
        await using compiled = await compileModel(model, model.initialWeights());
        return (await compiled.solve({ d }, { tolerance: 1e-5 })).x.data;
      }),
    );
    expect(Math.max(...answers[0]!.map((value, i) => Math.abs(value - answers[1]![i]!)))).toBeLessThan(1e-3);
  });

  it("projects on flows of a graph: on the set, and normal to it", () => {
    const graph = grid8(3);
    const v = input("v", ["N", graph.edges.length]);
    const set = flow(graph, unitSupply(9, 4, 0));
    const point = { shape: [1, graph.edges.length], data: draw(graph.edges.length, "v", -1, 1) };
    const [p, twice, off, excess] = interpret(
      [set.project(v), set.project(set.project(v)), set.distance(v), set.excess!(set.project(v))],
      { v: point },
    );
    expect(excess!.data[0]).toBeLessThan(1e-12);
    expect(Math.hypot(...p!.data.map((value, e) => value - twice!.data[e]!))).toBeLessThan(1e-12);
    expect(Math.hypot(...p!.data.map((value, e) => value - point.data[e]!))).toBeCloseTo(off!.data[0]!, 12);
    // v − P(v) = Eᵀπ: around every cycle 0 → 1 → 0 it cancels.
    const moved = p!.data.map((value, e) => value - point.data[e]!);
    graph.edges.forEach(([tail, head], e) => {
      const back = graph.edges.findIndex(([a, b]) => a === head && b === tail);
      expect(moved[e]! + moved[back]!).toBeCloseTo(0, 12);
    });
  });

  it("learns from paths, decides with proofs, and labels", async () => {
    const untrained = await trainPaths(data, { phases: 1, passes: 1, batch: 50, validation: 20, learningRate: 1e-9 });
    const { bundle } = await trainPaths(data, { phases: 1, passes: 30, batch: 20, validation: 20, learningRate: 0.03 });
    const [before, after] = [
      await evaluatePaths(untrained.bundle, data, { calibration: 100 }),
      await evaluatePaths(bundle, data, { calibration: 100 }),
    ];
    expect(after.regret).toBeLessThan(0.3 * before.regret);
    expect(after.proven).toBe(1);
    expect(after.unconverged).toBe(0);
    expect(after.certificates[0]!.map(({ property }) => property)).toEqual([
      ...["conservation", "nonnegativity", "integrality", "gap"],
    ]);
    expect(pathsFigure(data, after)).toMatch(/^<svg .*a shortest path.*conservation: /s);
  }, 60_000);

  it("refuses contexts that are not finite, and other models", async () => {
    const { bundle } = await trainPaths(data, { phases: 1, passes: 1, validation: 20 });
    const contexts = data.test.contexts.slice(0, 10);
    contexts[7] = Number.NaN;
    await expect(decidePaths(bundle, contexts)).rejects.toThrow(/data "d".*finite values, got NaN at element 7/);
    const other = { ...bundle, manifest: { ...bundle.manifest, model: "trading" } };
    await expect(decidePaths(other, data.test.contexts)).rejects.toThrow(/^pathOptions: expected a model of shortest/);
    await expect(evaluatePaths(bundle, drawPathData(4, { train: 1, test: 1 }))).rejects.toThrow(/3×3 grid, got 4×4/);
  });
});

describe("bad input is refused by name", () => {
  const parts: Graph = {
    nodes: 4,
    edges: [
      [0, 1],
      [2, 3],
    ],
  };
  const loop: Graph = {
    nodes: 4,
    edges: [
      [0, 1],
      [1, 2],
      [2, 1],
      [2, 3],
    ],
  };
  const costs = new Float64Array(12).fill(1);
  const wrong: [string, () => unknown, RegExp][] = [
    ["a graph in parts", () => shortestPaths(parts)([1, 1], 0, 3), /a way from node 0 to node 3, got none: node 3/],
    ["a flow on parts", () => flow(parts, [-1, 0, 0, 1]), /no way from node 0 to node 2/],
    ["a negative cycle", () => shortestPaths(loop)([1, -2, 1, 1], 0, 3), /negative cycle, got one through node [12]/],
    ["a NaN cost", () => shortestPaths(grid(3))(costs.with(5, Number.NaN), 0, 8), /NaN for edge 5 from 7 to 8/],
    ["too few costs", () => shortestPaths(grid(3))([1], 0, 8), /12 costs, one an edge, got 1/],
    ["an unknown source", () => shortestPaths(grid(3))(costs, 9, 8), /a source among nodes 0 … 8, got node 9/],
    ["an unknown end", () => shortestPaths({ nodes: 2, edges: [[0, 2]] }), /node 2 in edge 0/],
    ["an unknown target", () => unitSupply(9, 0, 12), /a target among nodes 0 … 8, got node 12/],
    ["a path to itself", () => unitSupply(9, 3, 3), /two nodes, got node 3 twice/],
    ["a negative error", () => largestRegret(grid(2), [0, 3], [1, 1, 1, 1], [0, -1, 0, 0], [0, 3]), /-1 for edge 1/],
    ["γ = 0", () => gridModel(3, { gamma: 0 }), /γ > 0 and 0 < α ≤ 1\/γ/],
    ["a step too long", () => gridModel(3, { gamma: 0.5, alpha: 3 }), /got γ = 0.5, α = 3/],
    ["a grid of one node", () => grid(1), /a size ≥ 2, got 1/],
    ["another file", () => readPathData({}), /^readPathData: expected grid, edges/],
  ];
  it.each(wrong)("%s", (_, act, message) => {
    expect(act).toThrow(message);
  });
});

const file = dataFile("paths", "fpo_dys_grid5.json");
describe.skipIf(!existsSync(file))("the 5×5 grid of the data folder", () => {
  const json = () => JSON.parse(readFileSync(file, "utf8"));
  it("has labels that are shortest paths", () => {
    const { train, test } = readPathData(json());
    expect([train.count, test.count]).toEqual([1000, 200]);
  });
  it("is refused with a label that is not", () => {
    const broken = json();
    broken.test.pathEdges[3] = broken.test.pathEdges[3].slice(1);
    expect(() => readPathData(broken)).toThrow(/test context 3/);
  });
});

describe("a grid of 8 neighbours", () => {
  const data = drawPathData(5, { train: 160, test: 60, seed: 6, neighbours: 8 });

  it("learns from paths, decides with proofs, and both are of 8 neighbours", async () => {
    const asked = { validation: 20, batch: 20, phases: 1, threads: 1 };
    const before = await evaluatePaths(
      (await trainPaths(data, { ...asked, passes: 1, learningRate: 1e-6 })).bundle,
      data,
      {
        calibration: 80,
      },
    );
    const { bundle } = await trainPaths(data, { ...asked, passes: 15 });
    const after = await evaluatePaths(bundle, data, { calibration: 80 });
    expect(after.regret).toBeLessThan(before.regret / 4);
    expect(after.proven).toBe(1);
    expect(after.unconverged).toBe(0);
    expect(after.decisions[0]!.costs).toHaveLength(4 * 4 * 9);
    expect(Math.min(...after.decisions.flatMap(({ costs }) => [...costs]))).toBeGreaterThan(0);
    expect(after.decisions.some(({ route }) => route.edges.length < 8)).toBe(true);
    await expect(evaluatePaths(bundle, { ...data, neighbours: 4 })).rejects.toThrow(
      /expected data of a 5×5 grid of 8 neighbours, got 5×5/,
    );
    expect(pathsFigure(data, after)).toMatch(/^<svg /);
  }, 60_000);

  it("is learned by no loss that asks for paths at costs below 0", async () => {
    await expect(trainPaths(data, { loss: "spo+" })).rejects.toThrow(/mse or two-stage .*got spo\+/);
  });
});
