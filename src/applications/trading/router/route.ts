/** @file Best execution and arbitrage over many pools, as a plan in base units with the bound that no trade beats. */

import type { Address } from "viem";
import { VouchError } from "../../../errors.js";
import type { Market, Token } from "../market.js";
import { type Objective, upperBound, type Witness, witnessOf } from "./bound.js";
import { giveBack } from "./give-back.js";
import { type Edge, type Leaf, type Network, network, prune } from "./network.js";
import { type Repaired, repair, type Step } from "./plan.js";
import { type DualSolution, dualPrices } from "./prices.js";

export interface PlanOptions {
  /** How much less than its quote each swap may pay, in basis points, 0 to 10,000: there is no default. */
  readonly slippageBps: number;
  /** Cost of one swap in base units of the token that is bought; default 0n. */
  readonly gas?: bigint;
}

export interface RouteOptions extends PlanOptions {
  readonly sell: { readonly token: Address; readonly amount: bigint };
  readonly buy: Address;
}

export interface ArbitrageOptions extends PlanOptions {
  /** The token in which profit is taken. */
  readonly token: Address;
}

export interface Amount {
  readonly token: Token;
  /** Base units. */
  readonly amount: bigint;
}

/** Ordered swaps, what they come to, and how much better any other trade could be. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Base units of the bought token, gas not deducted. */
  readonly received: bigint;
  /** Gas of all steps, base units of the bought token. */
  readonly gas: bigint;
  /** `received` if every step pays its minOut and no more: the least that an execution without a revert leaves. */
  readonly minReceived: bigint;
  /** To be on hand beyond what is sold, and there again at the end: a flash loan's amounts. */
  readonly funding: readonly Amount[];
  /** What else is left at the end: whole-number remainders. */
  readonly leftovers: readonly Amount[];
  /** No trade over these pools at these reserves leaves more than this after gas. */
  readonly bound: bigint;
  /** bound − (received − gas) ≥ 0. */
  readonly gap: bigint;
  /** Worth of all that is tendered to pools, base units of the bought token. */
  readonly traded: bigint;
  /** What the bound rests on: `upperBound(network(pools, buy), objective, witness)` checks it. */
  readonly proof: { readonly objective: Objective; readonly witness: Witness };
  /** Steps of the price iteration, and its residual. */
  readonly solver: { readonly steps: number; readonly residual: number };
}

/**
 * Sell an amount of one token for as much as possible of another, over all pools at once.
 *
 * @throws data naming the pool and field; parameter naming the option; convergence if no whole-number plan balances
 */
export function route(pools: readonly Market[], { sell, buy, ...options }: RouteOptions): Plan {
  const net = network(pools, buy);
  const from = numberOf("route: sell.token", net, sell.token);
  const to = numberOf("route: buy", net, buy);
  if (from === to) throw refused("route: buy", "another token than is sold", buy, "There is nothing to trade.");
  if (typeof sell.amount !== "bigint" || sell.amount <= 0n || sell.amount >= 1n << 112n) {
    throw refused("route: sell.amount", "a bigint from 1 to 2^112 − 1 base units", `${sell.amount}`, "Use parseUnits.");
  }
  const held = net.tokens.map((_, token) => (token === from ? sell.amount : 0n));
  return planOf("route", net, held, to, options);
}

/** Take what profit the pools' prices leave, in one token, with nothing of one's own. @throws as `route` */
export function arbitrage(pools: readonly Market[], { token, ...options }: ArbitrageOptions): Plan {
  const net = network(pools, token);
  const wanted = numberOf("arbitrage: token", net, token);
  const held = net.tokens.map(() => 0n);
  return planOf("arbitrage", net, held, wanted, options);
}

function planOf(name: string, net: Network, held: readonly bigint[], wanted: number, options: PlanOptions): Plan {
  const { slippageBps, gas = 0n } = options;
  if (!(Number.isInteger(slippageBps) && slippageBps >= 0 && slippageBps <= 10_000)) {
    throw refused(`${name}: slippageBps`, "whole basis points from 0 to 10000", `${slippageBps}`, "0.5 % is 50.");
  }
  if (typeof gas !== "bigint" || gas < 0n) throw refused(`${name}: gas`, "a bigint ≥ 0", `${gas}`, "Give base units.");
  const objective: Objective = { held, wanted, gas };
  const keep = new Set(held.flatMap((amount, token) => (amount > 0n ? [token] : [])).concat(wanted));
  const { core, leaves } = prune(net, keep);
  const floats = Float64Array.from(held, Number);
  const solve = (edges: readonly Edge[], start?: Float64Array) =>
    dualPrices({ edges, count: net.tokens.length, held: floats, wanted }, start && { start });

  let best: Candidate | undefined;
  let lowest: Proven | undefined;
  let used: readonly Edge[] = core;
  let solution = solve(used);
  let steps = 0;
  for (let round = 0; round < ROUNDS; round++) {
    steps += solution.steps;
    const witness = witnessOf(net, priceLeaves(solution.prices, leaves), wanted);
    const bound = upperBound(net, objective, witness);
    if (lowest === undefined || bound < lowest.bound) lowest = { witness, bound };
    const losing = costingMore(used, solution, gas);
    const flows = flowsOf(net, used, solution);
    const asked = { held, wanted, prices: solution.prices };
    const balanced = losing.size > 0 ? undefined : repair(net, flows, asked);
    const repaired = balanced && giveBack(net, balanced, asked);
    const found = repaired && {
      repaired,
      solution,
      value: repaired.balances[wanted]! - gas * BigInt(repaired.swaps.length),
    };
    const before = best;
    if (found && (best === undefined || found.value > best.value)) best = found;
    const done = new Set(repaired?.swaps.map(({ edge }) => net.edges[edge]));
    const idle = used.filter((edge, k) => !done.has(edge) && solution.flows[k]!.some((value) => value !== 0));
    const out = losing.size > 0 ? losing : new Set(repaired ? idle : []);
    if (out.size === 0 || (best !== undefined && Number(lowest.bound - best.value) <= CLOSE * tendered(best))) break;
    if (found && before && 10n * (best!.value - before.value) < lowest.bound - best!.value) break;
    used = used.filter((edge) => !out.has(edge));
    solution = solve(used, solution.prices);
  }
  const nothing = { swaps: [], balances: held, funding: held.map(() => 0n) };
  const chosen = best && best.value > held[wanted]! ? best.repaired : nothing;
  return describe(net, chosen, objective, lowest!, { ...solution, steps }, slippageBps);
}

/** Prices are found again without the pools that whole numbers, or gas, leave idle: so often at most. */
const ROUNDS = 30;
/** Gap, as a share of what is tendered, at which no better plan is looked for. */
const CLOSE = 5e-7;

interface Candidate {
  readonly repaired: Repaired;
  readonly solution: DualSolution;
  /** Received less gas. */
  readonly value: bigint;
}

interface Proven {
  readonly witness: Witness;
  readonly bound: bigint;
}

function tendered({ repaired: { swaps }, solution: { prices } }: Candidate): number {
  return swaps.reduce((sum, { tokenIn, amountIn }) => sum + prices[tokenIn]! * Number(amountIn), 0);
}

function flowsOf({ edges }: Network, used: readonly Edge[], { flows }: DualSolution) {
  const by = new Map(used.map((edge, k) => [edge, flows[k]!]));
  return edges.map((edge) => by.get(edge));
}

/** The worse half of the pools whose best trade is worth less than its gas. */
function costingMore(used: readonly Edge[], { prices, flows }: DualSolution, gas: bigint): Set<Edge> {
  if (gas === 0n) return new Set();
  const losing = used
    .map((edge, k) => ({
      edge,
      trades: flows[k]!.some((value) => value !== 0),
      worth: edge.tokens.reduce((sum, token, i) => sum + prices[token]! * flows[k]![i]!, 0),
    }))
    .filter(({ trades, worth }) => trades && worth < Number(gas))
    .sort((a, b) => a.worth - b.worth);
  return new Set(losing.slice(0, Math.ceil(losing.length / 2)).map(({ edge }) => edge));
}

/** Prices of tokens outside the core at which their only pool does not trade. */
function priceLeaves(prices: Float64Array, leaves: readonly Leaf[]): Float64Array {
  const all = prices.slice();
  for (const { token, edge } of [...leaves].reverse()) {
    const k = edge.tokens.indexOf(token);
    const marginal = edge.market.marginal(new Float64Array(2));
    const known = all[edge.tokens[1 - k]!]!;
    all[token] = (known * marginal[k]!) / marginal[1 - k]!;
  }
  return all;
}

function describe(
  net: Network,
  { swaps, balances, funding }: Repaired,
  objective: Objective,
  { witness, bound }: { readonly witness: Witness; readonly bound: bigint },
  { prices, steps: iterations, residual }: DualSolution,
  slippageBps: number,
): Plan {
  const { wanted, gas } = objective;
  const least = (amount: bigint) => (amount * BigInt(10_000 - slippageBps)) / 10_000n;
  const steps = swaps.map(({ edge, tokenIn, tokenOut, amountIn, amountOut }) => {
    const { market } = net.edges[edge]!;
    return {
      ...{ pool: market.address, protocol: market.protocol },
      tokenIn: net.tokens[tokenIn]!.address,
      tokenOut: net.tokens[tokenOut]!.address,
      ...{ amountIn, amountOut, minOut: least(amountOut) },
    };
  });
  const received = balances[wanted]!;
  const lost = swaps.reduce((sum, s) => (s.tokenOut === wanted ? sum + s.amountOut - least(s.amountOut) : sum), 0n);
  const amounts = (list: readonly bigint[]) =>
    list.flatMap((amount, t) => (amount > 0n ? [{ token: net.tokens[t]!, amount }] : []));
  const spent = gas * BigInt(steps.length);
  const traded = swaps.reduce((sum, s) => sum + prices[s.tokenIn]! * Number(s.amountIn), 0);
  return {
    ...{ steps, received, gas: spent, bound },
    minReceived: received - lost,
    funding: amounts(funding),
    leftovers: amounts(balances.map((balance, t) => (t === wanted ? 0n : balance))),
    gap: bound - (received - spent),
    traded: BigInt(Math.ceil(traded)),
    proof: { objective, witness },
    solver: { steps: iterations, residual },
  };
}

function numberOf(name: string, net: Network, address: Address): number {
  const found = net.find(address);
  if (found !== undefined) return found;
  throw refused(name, "a token of the pools", address, "Check the address, or add a pool that holds it.");
}

function refused(name: string, expected: string, got: string, remedy: string): VouchError {
  return new VouchError("parameter", { name, expected, got, remedy });
}
