/** @file Prices at which every pool's best trade, found alone, adds up to a trade that holds together: Newton's method on the dual. */

import { laplacian } from "./laplacian.js";
import type { Edge } from "./network.js";

export interface DualProblem {
  readonly edges: readonly Edge[];
  /** Number of tokens. */
  readonly count: number;
  /** Amount held of each token, base units. */
  readonly held: Float64Array;
  /** Token whose amount is maximised: its price is 1. */
  readonly wanted: number;
}

export interface DualSolution {
  /** ν: worth of a base unit of each token in base units of the wanted one; of tokens no edge has that of `start`, or 0. */
  readonly prices: Float64Array;
  /** Best net flow y − x of each edge at these prices. */
  readonly flows: readonly Float64Array[];
  readonly steps: number;
  /** The largest imbalance of a token, as a share of all of it that moves; 0 at the optimum. */
  readonly residual: number;
}

export interface DualOptions {
  /** Residual at which the iteration ends; it ends as well where rounding hides what further steps gain. Default 1e-10. */
  readonly tolerance?: number;
  /** Default 200. */
  readonly maxSteps?: number;
  /** Prices to begin at, of a problem alike; default those of the deepest pools. */
  readonly start?: Float64Array;
}

/** Relative change of a price in the differences that estimate how trades respond. */
const DIFFERENCE = 1e-7;
/** Largest change of a logarithm of a price in a step. */
const REACH = 2;
const HALVINGS = 12;
/** Steps without a visible gain after which the iteration ends. */
const PATIENCE = 4;
/** Rounds of balancing single tokens and descending again, and the steps of each. */
const ROUNDS = 2;
const STEPS_A_ROUND = 12;
/** A token with no more pools than this may be priced alone. */
const FEW = 16;
/** Largest change of the logarithm of a price that is looked for. */
const FAR = 200;
/** At the start: share of what moves beyond which a token is out of balance, first change of a price that is tried, and halvings. */
const COARSE = { lopsided: 0.5, reach: 1e-2, halvings: 14 } as const;
/** Share of D that pricing tokens alone must gain at the start to be kept. */
const GAIN = 0.01;
/** At the end: what little worth hides from D. */
const FINE = { lopsided: 1e-6, reach: 1e-9, halvings: 60 } as const;
/** What rounding leaves of D, relative to the sum of its terms. */
const ROUNDING = 1e-14;

/**
 * minimize D(ν) = ⟨ν, h⟩ + Σⱼ arbⱼ(ν) over ν > 0 with ν_wanted = 1, arbⱼ(ν) = max ⟨ν, yⱼ − xⱼ⟩.
 *
 * In u = ln ν the gradient is the worth of each token's surplus, and νν ∂²arbⱼ a weighted graph Laplacian on the pool's tokens, as
 * arbⱼ is homogeneous and tokens are substitutes. Newton's method with that matrix, damped by λ times the Laplacian of all pools
 * (those that do not trade have none) and by halving; λ falls with each full step. Before and after, tokens far out of balance are
 * priced one by one: a price that is wrong by orders of magnitude, as pools of worthless tokens suggest, would pull those of
 * all its neighbours along in a Newton step.
 *
 * @source Diamandis, Resnick, Chitra & Angeris 2023, An efficient algorithm for optimal routing through constant function market
 * makers, eq. (6)–(9); deviates: Newton's method, where they use L-BFGS-B, because trades must balance closely to be made whole
 */
export function dualPrices(
  problem: DualProblem,
  { tolerance = 1e-10, maxSteps = 200, start }: DualOptions = {},
): DualSolution {
  const { edges, count, wanted } = problem;
  const pairs = edges.flatMap(({ tokens }) =>
    tokens.flatMap((a, i) => tokens.slice(i + 1).map((b) => [a, b] as const)),
  );
  // Nodes in use, without the wanted token, which is the ground.
  const used = [...new Set(edges.flatMap(({ tokens }) => tokens))].filter((token) => token !== wanted);
  const node = new Int32Array(count).fill(-1);
  used.forEach((token, k) => {
    node[token] = k;
  });
  const inner = pairs.map(([a, b]) => {
    const [p, q] = [node[a]!, node[b]!];
    return p < 0 ? ([q, q] as const) : q < 0 ? ([p, p] as const) : ([p, q] as const);
  });
  const factor = laplacian(used.length, inner);
  const depth = new Float64Array(pairs.length);

  const descend = (from: Float64Array, budget: number) => {
    let u = from;
    let here = evaluate(problem, u);
    let damping = 1e-2;
    let [steps, still] = [0, 0];
    for (; steps < budget && still < PATIENCE && unbalanced(here, used) > tolerance; steps++) {
      const weights = responses(problem, u, here, depth);
      for (let e = 0; e < weights.length; e++) weights[e]! += damping * depth[e]!;
      const ground = new Float64Array(used.length);
      inner.forEach(([p, q], e) => {
        if (p === q) ground[p]! += weights[e]!;
      });
      const newton = factor.solve(
        weights,
        ground,
        Float64Array.from(used, (token) => -here.surplus[token]!),
      );
      const direction = newton.map((value) => Math.max(-REACH, Math.min(REACH, value)));
      const slope = direction.reduce((sum, value, k) => sum + value * here.surplus[used[k]!]!, 0);
      // Half of −slope is what the step gains: where rounding hides it, only the surplus can tell, and only the whole step is tried.
      const tries = -slope > ROUNDING * here.scale ? HALVINGS : 1;
      let [length, moved] = [1, false];
      for (let halving = 0; halving < tries && !moved; halving++, length /= 2) {
        const next = u.slice();
        direction.forEach((value, k) => {
          next[used[k]!]! += length * value;
        });
        const there = evaluate(problem, next);
        const visible = here.value - there.value > ROUNDING * here.scale;
        if (!(there.value <= here.value + 1e-4 * length * slope + ROUNDING * here.scale)) continue;
        // Where D no longer tells points apart, the surplus does.
        if (!visible && unbalanced(there, used) >= unbalanced(here, used)) continue;
        damping = halving === 0 ? Math.max(damping / 8, 1e-10) : Math.min(damping * 2 ** halving, 1);
        still = visible ? 0 : still + 1;
        [u, here, moved] = [next, there, true];
      }
      if (!moved) {
        still = tries === 1 ? PATIENCE : still + 1;
        damping = Math.min(damping * 100, 1);
      }
    }
    return { u, here, steps };
  };

  const at = incident(problem);
  const begin = start ? start.map((price) => Math.log(price)) : spanningPrices(problem);
  const first = evaluate(problem, begin);
  const balanced = balanceEach(problem, at, begin, first, used, COARSE);
  const better = evaluate(problem, balanced).value < (1 - GAIN) * first.value;
  let { u, here, steps } = descend(better ? balanced : begin, maxSteps);
  for (let round = 0; round < ROUNDS && unbalanced(here, used) > tolerance; round++) {
    const more = descend(balanceEach(problem, at, u, here, used, FINE), Math.min(maxSteps - steps, STEPS_A_ROUND));
    [u, here, steps] = [more.u, more.here, steps + more.steps];
  }
  const prices = start?.slice() ?? new Float64Array(count);
  for (const token of [...used, wanted]) prices[token] = Math.exp(u[token]!);
  return { prices, flows: here.flows, steps, residual: unbalanced(here, used) };
}

interface Evaluation {
  readonly flows: readonly Float64Array[];
  /** νₜ(hₜ + net flow) by token. */
  readonly surplus: Float64Array;
  /** Σ of what comes in and goes out by token, in worth. */
  readonly moved: Float64Array;
  readonly value: number;
  /** Σ of the magnitudes that were added up. */
  readonly scale: number;
}

function evaluate({ edges, held }: DualProblem, u: Float64Array): Evaluation {
  const nu = u.map(Math.exp);
  const surplus = nu.map((price, token) => price * held[token]!);
  let value = surplus.reduce((a, b) => a + b, 0);
  const moved = surplus.slice();
  let scale = value;
  const flows = edges.map(({ market, tokens }) => {
    const flow = market.best(tokens.map((token) => nu[token]!));
    tokens.forEach((token, i) => {
      const worth = nu[token]! * flow[i]!;
      surplus[token]! += worth;
      value += worth;
      scale += Math.abs(worth);
      moved[token]! += Math.abs(worth);
    });
    return flow;
  });
  return { flows, surplus, moved, value, scale };
}

/** The largest |surplus| of a token as a share of all of it that moves. */
function unbalanced({ surplus, moved }: Evaluation, used: readonly number[]): number {
  return used.reduce((most, t) => Math.max(most, surplus[t] === 0 ? 0 : Math.abs(surplus[t]!) / moved[t]!), 0);
}

/** Edges of each token, and its place among their tokens. */
function incident({ edges, count }: DualProblem): { edge: Edge; i: number }[][] {
  const at: { edge: Edge; i: number }[][] = Array.from({ length: count }, () => []);
  for (const edge of edges) for (const [i, token] of edge.tokens.entries()) at[token]!.push({ edge, i });
  return at;
}

/** Each token in turn that is out of balance priced so that it balances alone. */
function balanceEach(
  { held }: DualProblem,
  at: ReturnType<typeof incident>,
  from: Float64Array,
  { surplus, moved }: Evaluation,
  used: readonly number[],
  { lopsided, reach: first, halvings }: typeof COARSE | typeof FINE,
): Float64Array {
  const u = from.slice();
  for (const token of used) {
    if (at[token]!.length > FEW || Math.abs(surplus[token]!) <= lopsided * moved[token]!) continue;
    const pools = at[token]!.map(({ edge, i }) => ({
      ...{ i, market: edge.market },
      prices: Float64Array.from(edge.tokens, (t) => Math.exp(u[t]!)),
    }));
    const net = (value: number) => {
      const price = Math.exp(value);
      return pools.reduce((sum, { market, prices, i }) => {
        prices[i] = price;
        return sum + market.best(prices)[i]!;
      }, held[token]!);
    };
    // The net flow of a token rises with its price.
    const up = net(u[token]!) < 0;
    let [inside, outside, reach] = [u[token]!, u[token]!, first as number];
    for (; reach < FAR; reach *= 4) {
      outside = u[token]! + (up ? reach : -reach);
      if (net(outside) >= 0 === up) break;
      inside = outside;
    }
    if (reach >= FAR) continue;
    for (let halving = 0; halving < halvings; halving++) {
      const middle = (inside + outside) / 2;
      if (middle === inside || middle === outside) break;
      if (net(middle) >= 0 === up) outside = middle;
      else inside = middle;
    }
    // Where the trade jumps, as with a sum, what is held is rather asked for too much than not at all: the plan takes what there is.
    u[token] = up && held[token]! > 0 ? inside : outside;
  }
  return u;
}

/** Weights −νₐν_b ∂²arb/∂νₐ∂ν_b ≥ 0 of each pair of an edge's tokens, from differences; `depth` becomes the worth of the reserves. */
function responses({ edges }: DualProblem, u: Float64Array, here: Evaluation, depth: Float64Array): Float64Array {
  const weights = new Float64Array(depth.length);
  let e = 0;
  edges.forEach(({ market, tokens }, j) => {
    const flow = here.flows[j]!;
    const nu = tokens.map((token) => Math.exp(u[token]!));
    const still = flow.every((value) => value === 0);
    for (let b = 1; b < tokens.length; b++) {
      const up = still ? flow : market.best(nu.map((price, i) => (i === b ? price * (1 + DIFFERENCE) : price)));
      for (let a = 0; a < b; a++) {
        // Pairs come in the order (0,1), (0,2), …, (1,2), …
        const pair = e + (a * (2 * tokens.length - a - 1)) / 2 + (b - a - 1);
        depth[pair] = Math.min(nu[a]! * Number(market.reserves[a]!), nu[b]! * Number(market.reserves[b]!));
        weights[pair] = Math.max(0, (nu[a]! * (flow[a]! - up[a]!)) / DIFFERENCE);
      }
    }
    e += (tokens.length * (tokens.length - 1)) / 2;
  });
  return weights;
}

/** Logarithms of prices from the wanted token outward, each from the pool that is deepest in what is already priced. */
function spanningPrices({ edges, count, wanted }: DualProblem): Float64Array {
  const u = new Float64Array(count);
  const at: Edge[][] = Array.from({ length: count }, () => []);
  for (const edge of edges) for (const token of edge.tokens) at[token]!.push(edge);
  const known = new Uint8Array(count);
  const queue: { worth: number; edge: Edge; from: number }[] = [];
  const reach = (token: number) => {
    known[token] = 1;
    for (const edge of at[token]!) {
      if (edge.tokens.every((t) => known[t])) continue;
      const from = edge.tokens.indexOf(token);
      push(queue, { worth: Math.exp(u[token]!) * Number(edge.market.reserves[from]!), edge, from });
    }
  };
  reach(wanted);
  for (let next = pop(queue); next; next = pop(queue)) {
    const { edge, from } = next;
    const marginal = edge.market.marginal(new Float64Array(edge.tokens.length));
    const base = u[edge.tokens[from]!]! - Math.log(marginal[from]!);
    edge.tokens.forEach((token, i) => {
      if (known[token]) return;
      u[token] = base + Math.log(marginal[i]!);
      reach(token);
    });
  }
  return u;
}

/** A binary heap with the largest worth on top. */
function push<T extends { worth: number }>(heap: T[], item: T): void {
  let k = heap.push(item) - 1;
  for (let parent = (k - 1) >> 1; k > 0 && heap[parent]!.worth < item.worth; parent = (k - 1) >> 1) {
    heap[k] = heap[parent]!;
    k = parent;
  }
  heap[k] = item;
}

function pop<T extends { worth: number }>(heap: T[]): T | undefined {
  const top = heap[0];
  const item = heap.pop();
  if (top === undefined || item === undefined || heap.length === 0) return top;
  let k = 0;
  for (;;) {
    let child = 2 * k + 1;
    if (child + 1 < heap.length && heap[child + 1]!.worth > heap[child]!.worth) child++;
    if (child >= heap.length || heap[child]!.worth <= item.worth) break;
    heap[k] = heap[child]!;
    k = child;
  }
  heap[k] = item;
  return top;
}
