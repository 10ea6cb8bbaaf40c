/** @file A grid as SVG: true and predicted costs, predicted and optimal path, and the labels of the decision. */

import type { PathData } from "../../src/applications/decisions/paths/data.js";
import type { PathEvaluation } from "../../src/applications/decisions/paths/evaluate.js";
import { gridOf } from "../../src/applications/decisions/paths/grid.js";
import { costOf } from "../../src/applications/decisions/paths/regret.js";
import type { Graph } from "../../src/linear/incidence.js";
import { drawText, ink, soft, svgDocument, tones } from "../figure.js";

const side = 360;
const space = { left: 30, top: 70, column: 50, line: 20 };
const blue = "#1f5fa8";
const green = "#2c7a2c";

/** The test decision with the largest regret: costs of edges in gray, the flow's width, both paths, and certificates. */
export function pathsFigure(
  { size, neighbours, test }: Pick<PathData, "size" | "neighbours" | "test">,
  { decisions, certificates }: PathEvaluation,
): string {
  const { edges: ends } = gridOf(size, neighbours);
  const edges = test.costs.length / test.count;
  const trueCosts = (n: number) => test.costs.subarray(n * edges, (n + 1) * edges);
  const lost = decisions.map(({ route }, n) => costOf(route.edges, trueCosts(n)) - test.routes[n]!.cost);
  const n = lost.indexOf(Math.max(...lost));
  const { costs, flow, route } = decisions[n]!;
  const optimal = test.routes[n]!;
  const share = `${((100 * lost[n]!) / optimal.cost).toPrecision(2)} %`;
  const right = space.left + side + space.column;
  const lines = certificates[n]!.map(({ property, label, because }, row) => {
    const { fill, mark = "" } = tones[label];
    const text = `${mark} ${property}: ${label}, ${because}`;
    return drawText({ text, size: 12, fill }, space.left, space.top + side + 50 + row * space.line);
  });
  const parts = [
    drawText(
      { text: `Test context ${n}: a path ${share} above the optimum`, size: 17, fill: ink, bold: true },
      space.left,
      32,
    ),
    drawText({ text: "True costs; green: a shortest path", size: 13, fill: ink }, space.left, 58),
    drawText({ text: "Predicted costs; blue: the decision, its width the flow", size: 13, fill: ink }, right, 58),
    panel(size, ends, trueCosts(n), optimal.edges, (e) => (optimal.edges.includes(e) ? 1 : 0), green, space.left),
    panel(size, ends, costs, route.edges, (e) => flow[e]!, blue, right),
    drawText(
      { text: "Gray: cost of an edge, dark is dear, each map from its least to its most.", size: 11, fill: soft },
      space.left,
      space.top + side + 22,
    ),
    ...lines,
  ];
  return svgDocument(right + side + space.left, space.top + side + 60 + certificates[n]!.length * space.line, parts);
}

/** Flows below this are not drawn. */
const SEEN = 0.02;
/** Least drawn width of an edge of the path, as a flow. */
const PATH = 0.3;

/** Edges in the gray of their cost, and over them `flow` in colour: on the path at least a thin line. */
function panel(
  k: number,
  edges: Graph["edges"],
  costs: Float32Array,
  path: readonly number[],
  flow: (e: number) => number,
  color: string,
  left: number,
): string {
  const cell = side / (k - 1);
  const [low, high] = costs.reduce(([a, b], c) => [Math.min(a, c), Math.max(b, c)] as const, [
    Infinity,
    -Infinity,
  ] as const);
  const taken = new Set(path);
  const ends = edges.map((nodes) => nodes.map((node) => [(node % k) * cell, Math.floor(node / k) * cell] as const));
  const gray = ends.map((points, e) => {
    const light = Math.round(235 - (205 * (costs[e]! - low)) / (high - low || 1));
    return stroke(points, `rgb(${light},${light},${light})`, 0.3 * cell);
  });
  const over = ends.map((points, e) => {
    const width = Math.max(flow(e), taken.has(e) ? PATH : 0);
    return width > SEEN ? stroke(points, color, 0.2 * cell * width) : "";
  });
  return `<g transform="translate(${left},${space.top})">${gray.join("")}${over.join("")}</g>`;
}

function stroke([from, to]: readonly (readonly [number, number])[], color: string, width: number): string {
  const [x1, y1, x2, y2] = [...from!, ...to!].map((value) => value.toFixed(1));
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" stroke-width="${width.toFixed(2)}"/>`;
}
