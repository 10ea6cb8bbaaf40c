/** @file Traffic equilibria: Braess exactly, the conditions of Wardrop, zones, TNTP files, bad input. */

import { describe, expect, it } from "vitest";
import { shortestPaths } from "../../../src/applications/decisions/paths/exact.js";
import { equilibrium } from "../../../src/applications/decisions/traffic/equilibrium.js";
import { affineTime, bpr, braess, type RoadNetwork } from "../../../src/applications/decisions/traffic/network.js";
import { readTntp } from "../../../src/applications/decisions/traffic/tntp.js";
import { random } from "../../../src/random.js";

describe("Braess's network", () => {
  it("needs 92 with the bridge, two travellers on each of three ways, and 83 without it", () => {
    const [bridge, none] = [equilibrium(braess(true)), equilibrium(braess(false))];
    expect(bridge.total / 6).toBeCloseTo(92, 7);
    for (const { flow } of bridge.ways[0]!) expect(flow).toBeCloseTo(2, 7);
    expect(bridge.ways[0]!.length).toBe(3);
    expect(none.total / 6).toBeCloseTo(83, 7);
  });
});

/** A ring of 8 nodes with random chords and BPR times, and random demands. */
function drawn(seed: number): RoadNetwork {
  const rng = random(seed).fork("roads");
  const ring = Array.from({ length: 8 }, (_, i) => [
    [i, (i + 1) % 8],
    [(i + 1) % 8, i],
  ]).flat();
  const chords = Array.from({ length: 8 }, (_, i) => [i, (i + 2 + rng.integer(5)) % 8]);
  const links = [...ring, ...chords].map(([tail, head]) => ({
    tail: tail!,
    head: head!,
    of: bpr(1 + rng.uniform(), 5 + 5 * rng.uniform(), 0.15, 4),
  }));
  const demands = Array.from({ length: 10 }, (_, k) => ({
    origin: k % 8,
    destination: (k + 3) % 8,
    amount: 1 + 6 * rng.uniform(),
  }));
  return { nodes: 8, firstThrough: 0, links, demands };
}

describe.each([1, 2, 3])("a drawn network, seed %i", (seed) => {
  const network = drawn(seed);
  const { flows, times, ways, relativeGap, beckmann } = equilibrium(network);

  it("has ways in use that are as quick as any, by another solver", () => {
    const solve = shortestPaths({ nodes: 8, edges: network.links.map(({ tail, head }) => [tail, head]) });
    expect(relativeGap).toBeLessThanOrEqual(1e-10);
    network.demands.forEach(({ origin, destination, amount }, k) => {
      const least = solve(times, origin, destination).cost;
      expect(ways[k]!.reduce((sum, { flow }) => sum + flow, 0)).toBeCloseTo(amount, 9);
      for (const { links, flow } of ways[k]!) {
        const slower = links.reduce((sum, e) => sum + times[e]!, 0) - least;
        expect(slower * flow).toBeLessThan(1e-6);
      }
    });
  });

  it("minimises Beckmann's integral: no mix with another flow has less", () => {
    const solve = shortestPaths({ nodes: 8, edges: network.links.map(({ tail, head }) => [tail, head]) });
    const rng = random(seed).fork("others");
    for (let n = 0; n < 20; n++) {
      const prices = Float64Array.from(network.links, () => rng.uniform());
      const other = new Float64Array(flows.length);
      for (const { origin, destination, amount } of network.demands) {
        for (const e of solve(prices, origin, destination).edges) other[e]! += amount;
      }
      const mixed = flows.map((v, e) => 0.98 * v + 0.02 * other[e]!);
      expect(network.links.reduce((sum, { of }, e) => sum + of.integral(mixed[e]!), 0)).toBeGreaterThan(beckmann);
    }
  });
});

describe("zones", () => {
  it("let no way lead through them", () => {
    const link = (tail: number, head: number, time: number) => ({ tail, head, of: affineTime(time, 0) });
    const links = [link(0, 1, 1), link(1, 2, 1), link(0, 3, 5), link(3, 2, 5)];
    const demands = [{ origin: 0, destination: 2, amount: 1 }];
    const network = { nodes: 4, links, demands };
    expect(equilibrium({ ...network, firstThrough: 0 }).total).toBe(2);
    expect(equilibrium({ ...network, firstThrough: 3 }).total).toBe(10);
  });
});

const net = `<NUMBER OF ZONES> 2
<NUMBER OF NODES> 4
<FIRST THRU NODE> 1
<NUMBER OF LINKS> 5
<END OF METADATA>
~ init term capacity length time b power speed toll type ;
 1 3 1 100 0.00000001 1000000000 1 0 0 1 ;
 1 4 1 100 50 0.02 1 0 0 1 ;
 3 2 1 100 50 0.02 1 0 0 1 ;
 3 4 1 100 10 0.1 1 0 0 1 ;
 4 2 1 100 0.00000001 1000000000 1 0 0 1 ;
`;
const trips = `<NUMBER OF ZONES> 2
<TOTAL OD FLOW> 6.0
<END OF METADATA>

Origin 1
 1 : 0.0; 2 : 6.0;
`;

describe("TNTP files", () => {
  it("are read: Braess's network again", () => {
    expect(equilibrium(readTntp(net, trips)).total / 6).toBeCloseTo(92, 6);
  });

  const wrong: [string, () => unknown, RegExp][] = [
    [
      "an unknown destination",
      () => readTntp(net, trips.replace("2 : 6.0", "9 : 6.0")),
      /node 9 in line 6 of the trips/,
    ],
    ["an unknown origin", () => readTntp(net, trips.replace("Origin 1", "Origin 7")), /node 7 in line 5 of the trips/],
    ["an unknown end", () => readTntp(net.replace(" 1 3 1", " 1 8 1"), trips), /node 8 in line 7 of the network/],
    ["a link missing", () => readTntp(net.replace("LINKS> 5", "LINKS> 6"), trips), /expected 6 links, got 5/],
    ["no number", () => readTntp(net.replace(" 50 ", " fifty "), trips), /line 8 of the network/],
    ["no metadata", () => readTntp("", trips), /<END OF METADATA> in the net file/],
    ["trips without origin", () => readTntp(net, trips.replace("Origin 1", "")), /after an Origin/],
  ];
  it.each(wrong)("are refused with %s", (_, act, message) => {
    expect(act).toThrow(message);
  });
});

describe("bad input is refused by name", () => {
  const good = braess(true);
  const demand = (origin: number, destination: number, amount: number) => ({
    ...good,
    demands: [{ origin, destination, amount }],
  });
  const wrong: [string, () => unknown, RegExp][] = [
    ["a demand to an unknown node", () => equilibrium(demand(0, 9, 1)), /node 9 in demand 0/],
    ["a negative demand", () => equilibrium(demand(0, 1, -1)), /-1 from node 0 to node 1/],
    ["NaN", () => equilibrium(demand(0, 1, Number.NaN)), /NaN from node 0/],
    ["no way back", () => equilibrium(demand(1, 0, 1)), /a way from node 1 to node 0, got none/],
    ["too few passes", () => equilibrium(good, { maxIterations: 1 }), /a relative gap of 1e-10 after 1 passes/],
    ["a negative capacity", () => bpr(1, -1, 0.15, 4), /^bpr: expected/],
    ["a falling time", () => affineTime(1, -1), /^affineTime: expected/],
  ];
  it.each(wrong)("%s", (_, act, message) => {
    expect(act).toThrow(message);
  });
});
