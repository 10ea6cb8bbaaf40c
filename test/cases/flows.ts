/** @file Flows on a graph with cycles and edges both ways, its incidence written out edge by edge. */

import { flow } from "../../src/applications/decisions/flow.js";
import { sparseFlow } from "../../src/applications/decisions/sparse-flow.js";
import type { Graph } from "../../src/linear/incidence.js";
import { meetingAll } from "../projections.js";
import type { SetCase } from "./sets.js";

const graph: Graph = {
  nodes: 6,
  edges: [
    [0, 1],
    [1, 0],
    [1, 2],
    [2, 3],
    [3, 0],
    [2, 4],
    [4, 5],
    [5, 2],
    [0, 5],
    [3, 4],
  ],
};
const supply = Float64Array.of(-1, 0, -0.5, 0, 0.25, 1.25);
const E = new Float64Array(graph.nodes * graph.edges.length);
for (const [e, [tail, head]] of graph.edges.entries()) {
  E[tail * graph.edges.length + e] = -1;
  E[head * graph.edges.length + e] = 1;
}
const nearest = (v: Float64Array) => meetingAll(E, supply, v);

const row = (factory: string, build: SetCase["build"]): SetCase => ({
  ...{ factory, title: "6 nodes", shape: ["N", graph.edges.length], build, feeds: {} },
  ...{ member: nearest, nearest, centre: () => nearest(new Float64Array(graph.edges.length)) },
  bounded: new Float64Array(graph.edges.length),
  noSupport: "its support is finite on one line or subspace alone, which no rounded y meets",
  thin: true,
});

export const flowCases: readonly SetCase[] = [
  row("flow", () => flow(graph, supply)),
  row("sparseFlow", () => sparseFlow(graph, supply, { tolerance: 1e-14, limit: 100 })),
];
