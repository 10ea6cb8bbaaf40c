/** @file Proofs of shortest paths over random costs against an exact solver in whole numbers: none wrong, honest ones certified. */

import { type Dyadic, dyadics } from "../src/applications/decisions/dyadic.js";
import { shortestPaths } from "../src/applications/decisions/paths/exact.js";
import { grid, grid8 } from "../src/applications/decisions/paths/grid.js";
import { type PathWitness, provePath } from "../src/applications/decisions/paths/proof.js";
import type { Graph } from "../src/linear/incidence.js";
import { type Random, random } from "../src/random.js";
import type { Bench } from "./main.js";

const COSTS = 10_000;

/** Graphs the costs are drawn for, and the least cost: edges below 0 only where there is no cycle. */
const families: readonly (readonly [name: string, graph: Graph, low: number])[] = [
  ["5×5 right and down", grid(5), -1],
  ["10×10 right and down", grid(10), 0],
  ["6×6 eight neighbours", grid8(6), 0],
  ["12×12 right and down", grid(12), -1],
];

export const decisions: Bench = async (log) => {
  const rng = random(8).fork("decisions");
  const totals = { honest: 0, certified: 0, attacks: 0, wrong: 0, noticed: 0, largest: 0 };
  for (const [name, graph, low] of families) {
    const solve = shortestPaths(graph);
    const ends = [0, graph.nodes - 1] as const;
    for (let n = 0; n < COSTS / families.length; n++) {
      const costs = Float32Array.from(graph.edges, () => low + (1 - low) * rng.uniform() ** (1 + (n % 3)));
      const route = solve(costs, ...ends);
      const least = exactLeast(graph, costs, ends);
      const proof = provePath(graph, costs, ends, route);
      totals.honest++;
      if (proof.verdict !== "VERIFIED") throw new Error(`an honest path is not verified: ${proof.detail}`);
      if (proof.gap.units === 0n) totals.certified++;
      totals.largest = Math.max(totals.largest, proof.relativeGap);
      for (const witness of [route, ...attacks(graph, route, rng)]) {
        const verdict = provePath(graph, costs, ends, witness);
        if (witness !== route) totals.attacks++;
        if (verdict.verdict !== "VERIFIED") {
          totals.noticed++;
          continue;
        }
        const { units, shift } = dyadics("bench decisions", costs);
        const cost = { units: witness.edges.reduce((sum, e) => sum + units[e]!, 0n), shift };
        if (less(verdict.gap, minus(cost, least))) totals.wrong++;
      }
    }
    log(
      `${name}: ${totals.certified} of ${totals.honest} certified, ${totals.wrong} wrong of ${totals.attacks} attacks`,
    );
  }
  return {
    figures: {
      costs: totals.honest,
      wrong_certificates: totals.wrong,
      certified_fraction: totals.certified / totals.honest,
      honest_gap_most: totals.largest,
      attacks: totals.attacks,
      attacks_refused: totals.noticed,
    },
    env: { seed: "8" },
  };
};

/** A dearer path with honest potentials, the path with wrong potentials, and edges that are no path. */
function attacks({ edges }: Graph, route: PathWitness, rng: Random): PathWitness[] {
  const detour = detourOf(edges, route.edges, rng);
  const shifted = Float64Array.from(route.potentials, (value) => value * (1 + rng.normal()));
  return [
    { edges: detour, potentials: route.potentials },
    { edges: detour, potentials: shifted },
    { edges: route.edges.toSpliced(rng.integer(route.edges.length), 1), potentials: route.potentials },
  ];
}

/** Another path: two edges of the first a → b → c exchanged for a → d → c, where there is such a d. */
function detourOf(edges: Graph["edges"], path: readonly number[], rng: Random): number[] {
  const start = rng.integer(path.length);
  for (let k = 0; k < path.length - 1; k++) {
    const at = (start + k) % (path.length - 1);
    const [a, b, c] = [edges[path[at]!]![0], edges[path[at]!]![1], edges[path[at + 1]!]![1]];
    for (const [first, [tail, middle]] of edges.entries()) {
      if (tail !== a || middle === b || path.some((e) => edges[e]![1] === middle)) continue;
      const second = edges.findIndex(([from, to]) => from === middle && to === c);
      if (second >= 0) return path.toSpliced(at, 2, first, second);
    }
  }
  return [...path];
}

/** The least cost by Bellman and Ford's method in whole numbers: no float is added. */
function exactLeast({ nodes, edges }: Graph, costs: Float32Array, [source, target]: readonly [number, number]): Dyadic {
  const { units, shift } = dyadics("bench decisions", costs);
  const labels: (bigint | undefined)[] = new Array(nodes);
  labels[source] = 0n;
  for (let again = true; again; ) {
    again = false;
    for (const [e, [tail, head]] of edges.entries()) {
      const here = labels[tail];
      if (here === undefined) continue;
      const reached = here + units[e]!;
      const known = labels[head];
      if (known !== undefined && known <= reached) continue;
      labels[head] = reached;
      again = true;
    }
  }
  return { units: labels[target]!, shift };
}

function minus(a: Dyadic, b: Dyadic): Dyadic {
  const shift = Math.max(a.shift, b.shift);
  return { units: (a.units << BigInt(shift - a.shift)) - (b.units << BigInt(shift - b.shift)), shift };
}

function less(a: Dyadic, b: Dyadic): boolean {
  return minus(a, b).units < 0n;
}
