/** @file From float trades to whole numbers: swaps in an order in which each can be paid, to the last unit. */

import type { Address } from "viem";
import { dyadic } from "../integers.js";
import { gammaOf, type Market } from "../market.js";
import type { Network } from "./network.js";

/** One swap; amounts in base units. */
export interface Step {
  readonly pool: Address;
  readonly protocol: string;
  readonly tokenIn: Address;
  readonly tokenOut: Address;
  readonly amountIn: bigint;
  /** What the contract pays at these reserves, after the steps before. */
  readonly amountOut: bigint;
  /** Below this the swap must not be made. */
  readonly minOut: bigint;
}

/** Swaps by the network's numbers, with the balances they leave. */
export interface Repaired {
  readonly swaps: readonly {
    readonly edge: number;
    readonly tokenIn: number;
    readonly tokenOut: number;
    readonly amountIn: bigint;
    readonly amountOut: bigint;
  }[];
  /** Held at the end, each ≥ 0 with nothing borrowed. */
  readonly balances: readonly bigint[];
  /** What must be on hand at the start beyond what is held, and is there again at the end: borrowed for the transaction. */
  readonly funding: readonly bigint[];
}

interface Leg {
  readonly edge: number;
  readonly i: number;
  readonly j: number;
  readonly from: number;
  readonly to: number;
  /** What a further unit of `from` brings in, in units of `to`. */
  readonly rate: number;
}

/** Runs of the whole-number swaps, each after correcting what the one before left. */
const ROUNDS = 40;
/** Share of what a token passes on that is left over by intention around cycles, so that rounding takes from it; grows by round. */
const MARGIN = 1e-13;
/** A base unit worth less than this share of all that is tendered is given where less than a unit was planned. */
const NEGLIGIBLE = 1e-9;

/**
 * Whole-number swaps close to the float flows, each amount out the contract's own.
 *
 * Float flows balance only nearly. What is over or short of a token after a run of the swaps is made up on a spanning tree of the
 * largest flows, from its leaves to the wanted token: there the difference ends as a little more or less received. Tokens come in
 * order of trade; around a cycle a token gives before it receives, which is what `funding` counts.
 *
 * @param prices  worth of a base unit of each token
 * @returns undefined if no round leaves every balance ≥ 0
 */
export function repair(
  network: Network,
  flows: readonly (Float64Array | undefined)[],
  {
    held,
    wanted,
    prices,
  }: { readonly held: readonly bigint[]; readonly wanted: number; readonly prices: Float64Array },
): Repaired | undefined {
  const every = flows.flatMap((flow, edge) => (flow ? legsOf(network, edge, flow) : []));
  const total = every.reduce((sum, { leg, planned }) => sum + prices[leg.from]! * planned, 0);
  const legs = every.map(({ leg }) => leg);
  const least = Float64Array.from(legs, ({ from }) => (prices[from]! <= NEGLIGIBLE * total ? 1 : 0));
  const planned = Float64Array.from(every, (k, n) => Math.max(k.planned, least[n]!));
  const tree = spanningTree(network.tokens.length, legs, planned, prices, wanted);
  const turns = orderOf(network.tokens.length, legs, planned, held, wanted, tree);
  for (let round = 0; round < ROUNDS; round++) {
    const tried = swapAll(network, legs, planned, turns, held);
    if (tried.balances.every((balance) => balance >= 0n) && round >= 2) return tried;
    correct(legs, planned, least, tree, tried, MARGIN * 2 ** round);
  }
  return undefined;
}

/** A pool's net flow as swaps of pairs: each input shared among the outputs by their worth. */
function legsOf({ edges }: Network, edge: number, flow: Float64Array): { leg: Leg; planned: number }[] {
  const { market, tokens } = edges[edge]!;
  const keys = [...flow.keys()];
  const outputs = keys.filter((k) => flow[k]! > 0);
  const marginal = market.marginal(flow);
  const total = outputs.reduce((sum, k) => sum + flow[k]! * marginal[k]!, 0);
  return keys
    .filter((k) => flow[k]! < 0)
    .flatMap((i) =>
      outputs.map((j) => ({
        leg: {
          edge,
          i,
          j,
          from: tokens[i]!,
          to: tokens[j]!,
          rate: (gammaOf(market.fee) * marginal[i]!) / marginal[j]!,
        },
        planned: -flow[i]! * ((flow[j]! * marginal[j]!) / total),
      })),
    );
}

interface Branch {
  readonly token: number;
  /** The leg between the token and its parent, and the parent. */
  readonly leg: number;
  readonly parent: number;
}

/** Branches of a spanning forest of largest worth, each before its parent's; trees without the wanted token have a root of their own. */
function spanningTree(
  count: number,
  legs: readonly Leg[],
  planned: Float64Array,
  prices: Float64Array,
  wanted: number,
): Branch[] {
  const group = Int32Array.from({ length: count }, (_, token) => token);
  const find = (token: number): number => {
    let root = token;
    while (group[root] !== root) root = group[root]!;
    group[token] = root;
    return root;
  };
  const near: { leg: number; other: number }[][] = Array.from({ length: count }, () => []);
  const worth = legs.map(({ from }, k) => prices[from]! * planned[k]!);
  for (const leg of [...legs.keys()].sort((a, b) => worth[b]! - worth[a]!)) {
    const { from, to } = legs[leg]!;
    if (find(from) === find(to)) continue;
    group[find(from)] = find(to);
    near[from]!.push({ leg, other: to });
    near[to]!.push({ leg, other: from });
  }
  const branches: Branch[] = [];
  const seen = new Uint8Array(count);
  for (const root of [wanted, ...near.keys()]) {
    if (seen[root]) continue;
    seen[root] = 1;
    const queue = [root];
    for (const parent of queue) {
      for (const { leg, other } of near[parent]!) {
        if (seen[other]) continue;
        seen[other] = 1;
        branches.push({ token: other, leg, parent });
        queue.push(other);
      }
    }
  }
  return branches.reverse();
}

/** Pass what is over or short of each token on to its parent. */
function correct(
  legs: readonly Leg[],
  planned: Float64Array,
  least: Float64Array,
  tree: readonly Branch[],
  { excess, given }: Run,
  margin: number,
): void {
  const over = Float64Array.from(excess, (value, token) => value - margin * given[token]!);
  for (const { token, leg, parent } of tree) {
    const { from, rate } = legs[leg]!;
    const outward = from === token;
    const change = Math.max(outward ? over[token]! : -over[token]! / rate, least[leg]! - planned[leg]!);
    planned[leg]! += change;
    over[parent]! += outward ? change * rate : -change;
  }
}

interface Turn {
  readonly token: number;
  /** Numbers of its legs; the last takes what is left. */
  readonly legs: readonly number[];
  /** All that comes in has come: everything is passed on. */
  readonly complete: boolean;
}

/** Tokens so that each comes after those it receives from; where there is a cycle, the token that lacks the least goes first. */
function orderOf(
  count: number,
  legs: readonly Leg[],
  planned: Float64Array,
  held: readonly bigint[],
  wanted: number,
  tree: readonly Branch[],
): Turn[] {
  const out: number[][] = Array.from({ length: count }, () => []);
  const waiting = new Int32Array(count);
  const coming = Float64Array.from(held, Number);
  const going = new Float64Array(count);
  legs.forEach(({ from, to }, k) => {
    out[from]!.push(k);
    waiting[to]!++;
    going[from]! += planned[k]!;
  });
  const branch = new Set(tree.filter(({ token, leg }) => legs[leg]!.from === token).map(({ leg }) => leg));
  const rank = (k: number) => (branch.has(k) ? Number.POSITIVE_INFINITY : planned[k]!);
  const open = new Set(legs.map(({ from }) => from));
  const ready = [...open].filter((token) => waiting[token] === 0);
  const turns: Turn[] = [];
  const lacking = (t: number) => (t === wanted ? Number.NEGATIVE_INFINITY : 1 - coming[t]! / going[t]!);
  while (open.size > 0) {
    const token = ready.pop() ?? [...open].reduce((best, t) => (lacking(t) < lacking(best) ? t : best));
    if (!open.delete(token)) continue;
    const mine = out[token]!.sort((a, b) => rank(a) - rank(b));
    turns.push({ token, legs: mine, complete: waiting[token] === 0 && token !== wanted });
    for (const k of mine) {
      const { to, rate } = legs[k]!;
      waiting[to]!--;
      coming[to]! += planned[k]! * rate;
      if (waiting[to] === 0 && open.has(to)) ready.push(to);
    }
  }
  return turns;
}

interface Run extends Repaired {
  /** Held beyond what was planned to be passed on, and what was passed on, as floats. */
  readonly excess: Float64Array;
  readonly given: Float64Array;
}

function swapAll(
  { edges }: Network,
  legs: readonly Leg[],
  planned: Float64Array,
  turns: readonly Turn[],
  held: readonly bigint[],
): Run {
  const balances = [...held];
  const funding = held.map(() => 0n);
  const asked = new Float64Array(held.length);
  const unmet = new Float64Array(held.length);
  // A pool's state after its swaps is found when it is needed again.
  const pools = new Map<number, () => Market>();
  const swaps: Repaired["swaps"][number][] = [];
  for (const turn of turns) {
    const { token } = turn;
    turn.legs.forEach((k, position) => {
      const { edge, i, j, to } = legs[k]!;
      asked[token]! += planned[k]!;
      const left = balances[token]! > 0n ? balances[token]! : 0n;
      const wish = whole(planned[k]!);
      const last = position === turn.legs.length - 1;
      const amount = turn.complete ? (last || wish > left ? left : wish) : wish;
      if (turn.complete && last) unmet[token] = Number(left) - planned[k]!;
      for (let rest = amount; rest > 0n; ) {
        const market = pools.get(edge)?.() ?? edges[edge]!.market;
        const x = rest < market.limit(i) ? rest : market.limit(i);
        const y = market.quoteExact(i, j, x);
        if (y === 0n) break;
        pools.set(edge, () => market.swap(i, j, x).market);
        rest -= x;
        balances[token]! -= x;
        balances[to]! += y;
        if (-balances[token]! > funding[token]!) funding[token] = -balances[token]!;
        swaps.push({ edge, tokenIn: token, tokenOut: to, amountIn: x, amountOut: y });
      }
    });
  }
  const complete = new Set(turns.filter((turn) => turn.complete).map(({ token }) => token));
  const excess = Float64Array.from(balances, (value, token) => (complete.has(token) ? unmet[token]! : Number(value)));
  const given = asked.map((value, token) => (complete.has(token) ? 0 : value));
  return { swaps, balances, funding, excess, given };
}

function whole(value: number): bigint {
  const { m, e } = dyadic(value);
  return e >= 0 ? m << BigInt(e) : m >> BigInt(-e);
}
