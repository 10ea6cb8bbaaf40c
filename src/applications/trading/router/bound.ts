/** @file The bound nobody can beat: weak duality, checked in whole numbers with every rounding outward. */

import { VouchError } from "../../../errors.js";
import { ceilDiv, dyadic, proportional } from "../integers.js";
import type { Market } from "../market.js";
import type { Network } from "./network.js";

/** What is held, what is wanted, and what one swap costs, in base units. */
export interface Objective {
  /** By number of the network's tokens. */
  readonly held: readonly bigint[];
  readonly wanted: number;
  /** Cost of a pool that is used, base units of the wanted token. */
  readonly gas: bigint;
}

/** Worth of a base unit of each token, and for each pool the same within its fee; as whole numbers of 2^exponent. */
export interface Witness {
  /** 2^exponent base units of the wanted token. */
  readonly exponent: number;
  readonly prices: readonly bigint[];
  /** For each edge of the network in order, for each of its tokens. */
  readonly pools: readonly (readonly bigint[])[];
}

/**
 * A number of base units of the wanted token that no trade over these pools exceeds, for any witness.
 *
 *     received − held_wanted ≤ Σ_{t ≠ wanted} νₜ hₜ + (ν_wanted − 1) h_wanted + Σⱼ max(0, supportⱼ(gⱼ) − gas), with wholeSupportⱼ(ν) where that is less
 *
 * @throws certificate unless ν ≥ 0, ν_wanted ≥ 1 and each gⱼ is within the fee of the prices, as `Market.support` asks
 * @source weak duality; Diamandis et al. 2023, eq. (6); the fee as a box of dual variables because −νx ≤ −gγx and νy ≤ gy
 */
export function upperBound(network: Network, objective: Objective, witness: Witness): bigint {
  const { prices, pools, exponent } = witness;
  const { held, wanted, gas } = objective;
  requireNumbers(network, objective, witness);
  const one = exponent <= 0 ? 1n << BigInt(-exponent) : undefined;
  if (one === undefined || prices[wanted]! < one)
    throw unproven("a price of the wanted token ≥ 1", `${prices[wanted]}`);
  let total = held.reduce((sum, amount, t) => sum + amount * (t === wanted ? prices[t]! - one : prices[t]!), 0n);
  network.edges.forEach(({ market, tokens }, j) => {
    const g = pools[j]!;
    const nu = tokens.map((token) => prices[token]!);
    requireWithinFee(market, nu, g);
    const real = market.support(g);
    const whole = real > 0n ? (market.wholeSupport?.(nu) ?? real) : real;
    const gain = (whole < real ? whole : real) - gas * one;
    if (gain > 0n) total += gain;
  });
  return ceilDiv(total, one);
}

function requireNumbers({ tokens, edges }: Network, { held }: Objective, { prices, pools }: Witness): void {
  if (prices.length !== tokens.length || held.length !== tokens.length || pools.length !== edges.length) {
    throw unproven("a price for each token and numbers for each pool", `${prices.length} and ${pools.length}`);
  }
  if (prices.some((price) => price < 0n)) throw unproven("prices ≥ 0", "a negative one");
}

function requireWithinFee({ address, fee }: Market, nu: readonly bigint[], g: readonly bigint[]): void {
  const [full, kept] = [fee.denominator, fee.denominator - fee.numerator];
  const within = nu.every((price, i) =>
    fee.on === "tendered"
      ? price <= g[i]! && g[i]! * kept <= price * full
      : g[i]! <= price && price * kept <= g[i]! * full,
  );
  if (g.length !== nu.length || !within) throw unproven(`prices within the fee of pool ${address}`, g.join(", "));
}

function unproven(expected: string, got: string): VouchError {
  const remedy = "Make the witness of these pools with `witnessOf`.";
  return new VouchError("certificate", { name: "upperBound", expected, got, remedy });
}

/** Digits of the whole numbers beyond what the least price needs. */
const EXTRA = 16;

/** A witness from float prices: exact, so that only how tight the bound is depends on them. */
export function witnessOf(network: Network, prices: Float64Array, wanted: number): Witness {
  const { numbers, e } = proportional(prices);
  const exponent = Math.min(e, 0) - EXTRA;
  const shift = BigInt(e - exponent);
  const whole = numbers.map((n, t) => (t === wanted ? 1n << BigInt(-exponent) : n << shift));
  const pools = network.edges.map(({ market, tokens }) =>
    withinFee(
      market,
      tokens.map((token) => prices[token]!),
      tokens.map((token) => whole[token]!),
    ),
  );
  return { exponent, prices: whole, pools };
}

/** The dual variables of a pool: an end of the fee's interval for what trades, the marginal price for what does not. */
function withinFee(market: Market, prices: readonly number[], nu: readonly bigint[]): bigint[] {
  const { fee } = market;
  const [full, kept] = [fee.denominator, fee.denominator - fee.numerator];
  const flow = market.best(prices);
  const marginal = market.marginal(flow);
  const box = nu.map((price) =>
    fee.on === "tendered"
      ? { low: price, high: (price * full) / kept }
      : { low: ceilDiv(price * kept, full), high: price },
  );
  const ratios = box.map(({ low, high }, i) => ({
    low: Number(low) / marginal[i]!,
    high: Number(high) / marginal[i]!,
  }));
  // The common factor of the marginal prices: in the middle of all intervals, which have no middle only by rounding.
  const [least, most] = [Math.max(...ratios.map(({ low }) => low)), Math.min(...ratios.map(({ high }) => high))];
  const traded = flow.findIndex((value) => value !== 0);
  const factor =
    traded < 0 ? Math.sqrt(least) * Math.sqrt(most) : flow[traded]! < 0 ? ratios[traded]!.high : ratios[traded]!.low;
  return box.map(({ low, high }, i) => {
    if (flow[i]! < 0) return high;
    if (flow[i]! > 0) return low;
    const { m, e } = dyadic(factor * marginal[i]!);
    const middle = e >= 0 ? m << BigInt(e) : m >> BigInt(-e);
    return middle < low ? low : middle > high ? high : middle;
  });
}
