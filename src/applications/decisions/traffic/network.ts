/** @file Road networks: links whose time grows with their flow, and demands between nodes. */

import { VouchError } from "../../../errors.js";

/** Time of one traveller on a link, increasing in its flow v ≥ 0. */
export interface LinkTime {
  time(v: number): number;
  /** dt/dv */
  slope(v: number): number;
  /** ∫₀ᵛ t */
  integral(v: number): number;
}

export interface Link {
  readonly tail: number;
  readonly head: number;
  readonly of: LinkTime;
}

export interface Demand {
  readonly origin: number;
  readonly destination: number;
  /** Travellers, > 0. */
  readonly amount: number;
}

export interface RoadNetwork {
  readonly nodes: number;
  /** Nodes below this are zones that no way leads through. 0 where there are none. */
  readonly firstThrough: number;
  readonly links: readonly Link[];
  readonly demands: readonly Demand[];
}

/**
 * t(v) = t₀ (1 + b (v/c)ᵖ).
 *
 * @param t0  free-flow time ≥ 0
 * @param c   capacity > 0, in travellers
 * @source Bureau of Public Roads 1964, Traffic Assignment Manual
 */
export function bpr(t0: number, c: number, b: number, power: number): LinkTime {
  if (!(t0 >= 0 && c > 0 && b >= 0 && power >= 0)) {
    const got = `t₀ ${t0}, c ${c}, b ${b}, power ${power}`;
    throw refuse("bpr", "t₀ ≥ 0, c > 0, b ≥ 0, power ≥ 0", got, "Check the link's row.");
  }
  return {
    time: (v) => t0 * (1 + b * (v / c) ** power),
    slope: (v) => (power === 0 ? 0 : (t0 * b * power * (v / c) ** (power - 1)) / c),
    integral: (v) => t0 * v * (1 + (b * (v / c) ** power) / (power + 1)),
  };
}

/** t(v) = a + bv, a, b ≥ 0. */
export function affineTime(a: number, b: number): LinkTime {
  if (!(a >= 0 && b >= 0)) throw refuse("affineTime", "a, b ≥ 0", `${a}, ${b}`, "Times grow with flow.");
  return { time: (v) => a + b * v, slope: () => b, integral: (v) => a * v + (b * v * v) / 2 };
}

/**
 * Braess's network, nodes 0 to 3 and a demand of 6 from 0 to 1: with the bridge from 2 to 3 everyone needs 92, without it 83.
 *
 * @source Braess 1968, Über ein Paradoxon aus der Verkehrsplanung
 */
export function braess(bridge: boolean): RoadNetwork {
  const link = (tail: number, head: number, a: number, b: number) => ({ tail, head, of: affineTime(a, b) });
  const links = [link(0, 2, 0, 10), link(0, 3, 50, 1), link(2, 1, 50, 1), link(3, 1, 0, 10)];
  const demands = [{ origin: 0, destination: 1, amount: 6 }];
  return { nodes: 4, firstThrough: 0, links: bridge ? [...links, link(2, 3, 10, 1)] : links, demands };
}

/** Fails unless ends and demands are of the network. @throws data naming the link or demand, and the node */
export function requireNetwork({ nodes, links, demands }: RoadNetwork): void {
  const stray = (ends: readonly number[]) =>
    ends.find((node) => !(Number.isInteger(node) && node >= 0 && node < nodes));
  const name = "equilibrium";
  links.forEach(({ tail, head }, e) => {
    const node = stray([tail, head]);
    if (node === undefined) return;
    throw refuse(name, `links between nodes 0 … ${nodes - 1}`, `node ${node} at link ${e}`, "Add the node.");
  });
  demands.forEach(({ origin, destination, amount }, k) => {
    const node = stray([origin, destination]);
    if (node !== undefined) {
      throw refuse(name, `demands between nodes 0 … ${nodes - 1}`, `node ${node} in demand ${k}`, "Add the node.");
    }
    if (!(amount > 0 && Number.isFinite(amount)) || origin === destination) {
      const got = `${amount} from node ${origin} to node ${destination}`;
      throw refuse(name, "demands > 0 between two nodes", got, "Leave out what does not travel.");
    }
  });
}

function refuse(name: string, expected: string, got: string, remedy: string): VouchError {
  return new VouchError("data", { name, expected, got, remedy });
}
