/** @file Uniswap v3: concentrated liquidity, a product curve within each interval of ticks. */

import { sqrtFloor } from "../integers.js";
import { badPool, type Fee, gammaOf, LARGEST, type Market, requirePool, requireSwap } from "../market.js";
import { MAX_RATIO, MAX_TICK, MIN_RATIO, MIN_TICK, mulDivUp, Q96, sqrtRatioAt, tickAt } from "./tick-math.js";
import { FEE_UNIT, swapExactly, type UniswapV3Pool } from "./uniswap-v3-contract.js";

/** An interval of constant liquidity, from the end nearer to the current price, as √price Q64.96. */
interface Segment {
  readonly from: bigint;
  readonly to: bigint;
  readonly liquidity: bigint;
}

/**
 * (r₀ + L/√p_high)(r₁ + L√p_low) = L² in each interval, with the whole numbers of Uniswap v3.
 *
 *     best: √p moves to √(γν₀/ν₁) if that is above it, to √(ν₀/(γν₁)) if that is below, as far as there are ticks
 *
 * @throws data naming the pool and field
 * @source Uniswap v3-core, SwapMath.computeSwapStep, TickBitmap, UniswapV3Pool.swap; Adams et al. 2021, eq. (2.2), (6.13)–(6.16)
 */
export function uniswapV3(pool: UniswapV3Pool): Market {
  const { address, tokens, reserves } = pool;
  const fee: Fee = { numerator: pips(pool.fee), denominator: FEE_UNIT, on: "tendered" };
  requirePool("uniswapV3", { address, tokens, reserves }, fee);
  requireTicks(pool);
  const gamma = gammaOf(fee);
  const price = pool.sqrtPriceX96;
  const sides = [segmentsDown(pool), segmentsUp(pool)] as const;
  const floats = sides.map((side) =>
    side.map(({ from, to, liquidity }) => ({ from: unit(from), to: unit(to), liquidity: Number(liquidity) })),
  );

  /** Flow out of the pool when √p moves to S, exact up to rounding. */
  const flowTo = (S: number) => {
    const flow = new Float64Array(2);
    for (const { from, to, liquidity } of floats[S > unit(price) ? 1 : 0]!) {
      const end = to > from ? Math.min(S, to) : Math.max(S, to);
      if (to > from ? end <= from : end >= from) break;
      flow[0]! += (liquidity * (end - from)) / (end * from);
      flow[1]! += liquidity * (from - end);
    }
    return flow;
  };
  const charged = (flow: Float64Array) => flow.map((value) => (value < 0 ? value / gamma : value));

  const market: Market = {
    protocol: "uniswap-v3",
    ...{ address, tokens, reserves, fee },
    quote(i, _, x) {
      let [rest, out] = [gamma * x, 0];
      for (const { from, to, liquidity } of floats[i]!) {
        const full = i === 0 ? (liquidity * (from - to)) / (from * to) : liquidity * (to - from);
        const end = rest >= full ? to : i === 0 ? from / (1 + (rest * from) / liquidity) : from + rest / liquidity;
        out += i === 0 ? liquidity * (from - end) : (liquidity * (end - from)) / (end * from);
        rest -= full;
        if (rest <= 0) break;
      }
      return out;
    },
    quoteExact: (i, _, x) => (x <= 0n || x > LARGEST ? 0n : (swapExactly(pool, i, x)?.amountOut ?? 0n)),
    limit: () => LARGEST,
    swap(i, j, x) {
      requireSwap(market, i, j, x);
      const done = swapExactly(pool, i, x);
      if (done === undefined) {
        throw badPool(
          "uniswapV3.swap",
          address,
          "swap",
          "liquidity for the amount",
          x,
          "Quote the swap before it is made.",
        );
      }
      const { amountOut, sqrtPriceX96, liquidity, tick } = done;
      const after = reserves.map((v, k) => (k === i ? v + x : v - amountOut));
      return { amountOut, market: uniswapV3({ ...pool, sqrtPriceX96, liquidity, tick, reserves: after }) };
    },
    best(prices) {
      const [up, down] = [Math.sqrt((gamma * prices[0]!) / prices[1]!), Math.sqrt(prices[0]! / (gamma * prices[1]!))];
      if (up > unit(price)) return charged(flowTo(up));
      return down < unit(price) ? charged(flowTo(down)) : new Float64Array(2);
    },
    marginal(flow) {
      const i = flow[0]! < 0 ? 0 : 1;
      let [rest, S] = [-flow[i]! * gamma, unit(price)];
      for (const { from, to, liquidity } of floats[i]!) {
        if (rest <= 0) break;
        const full = i === 0 ? (liquidity * (from - to)) / (from * to) : liquidity * (to - from);
        S = rest >= full ? to : i === 0 ? from / (1 + (rest * from) / liquidity) : from + rest / liquidity;
        rest -= full;
      }
      return Float64Array.of(S, 1 / S);
    },
    support: ([g0, g1]) => sides.flat().reduce((sum, segment) => sum + gain(segment, g0!, g1!), 0n),
    accepts(x, y) {
      const kept = FEE_UNIT - fee.numerator;
      const net = x.map((value, k) => value * kept - y[k]! * FEE_UNIT);
      if (net[0]! < 0n && net[1]! < 0n) return false;
      if (reserves.some((v, k) => v + x[k]! - y[k]! < 0n)) return false;
      if (net[0]! >= 0n && net[1]! >= 0n) return true;
      const i = net[0]! > 0n ? 0 : 1;
      return pays(sides[i]!, i, net[i]!, -net[1 - i]!, FEE_UNIT);
    },
  };
  return market;
}

/** Q64.96 as a float. */
function unit(ratio: bigint): number {
  return Number(ratio) / 2 ** 96;
}

function pips(fee: number): bigint {
  return Number.isInteger(fee) ? BigInt(fee) : -1n;
}

function requireTicks({ address, sqrtPriceX96, liquidity, ticks, tickSpacing }: UniswapV3Pool): void {
  const fail = (field: string, expected: string, got: unknown) =>
    badPool("uniswapV3", address, field, expected, got, "Read the pool again.");
  if (!(Number.isInteger(tickSpacing) && tickSpacing > 0)) throw fail("tickSpacing", "a whole number > 0", tickSpacing);
  if (!(sqrtPriceX96 > MIN_RATIO && sqrtPriceX96 < MAX_RATIO)) {
    throw fail("sqrtPriceX96", "a √price within the ticks, Q64.96", sqrtPriceX96);
  }
  let inRange = 0n;
  ticks.forEach(({ index, net }, k) => {
    const ordered = k === 0 || ticks[k - 1]!.index < index;
    if (!(ordered && index % tickSpacing === 0 && index >= MIN_TICK && index <= MAX_TICK)) {
      throw fail(`ticks[${k}].index`, `ascending multiples of ${tickSpacing}`, index);
    }
    if (sqrtRatioAt(index) <= sqrtPriceX96) inRange += net;
  });
  // At a tick that was just crossed downward the price is on it and its net already out.
  const open = ticks.find(({ index }) => sqrtRatioAt(index) === sqrtPriceX96)?.net ?? 0n;
  if (liquidity < 0n || (liquidity !== inRange && liquidity !== inRange - open)) {
    throw fail("liquidity", `${inRange}, the sum of net over the ticks at or below the price`, liquidity);
  }
}

function segmentsUp({ sqrtPriceX96, liquidity, ticks, tick = tickAt(sqrtPriceX96) }: UniswapV3Pool): Segment[] {
  const segments: Segment[] = [];
  let [from, held] = [sqrtPriceX96, liquidity];
  for (const { index, net } of ticks) {
    if (index <= tick) continue;
    const to = sqrtRatioAt(index);
    if (held > 0n && to > from) segments.push({ from, to, liquidity: held });
    [from, held] = [to, held + net];
  }
  return segments;
}

function segmentsDown({ sqrtPriceX96, liquidity, ticks, tick = tickAt(sqrtPriceX96) }: UniswapV3Pool): Segment[] {
  const segments: Segment[] = [];
  let [from, held] = [sqrtPriceX96, liquidity];
  for (const { index, net } of [...ticks].reverse()) {
    if (index > tick) continue;
    const to = sqrtRatioAt(index);
    if (held > 0n && to < from) segments.push({ from, to, liquidity: held });
    [from, held] = [to, held - net];
  }
  return segments;
}

/** ⌈sup⌉ over S between the ends of g₀ L(1/from − 1/S) + g₁ L(from − S). */
function gain({ from, to, liquidity }: Segment, g0: bigint, g1: bigint): bigint {
  // The optimum is at S² = g₀/g₁.
  const beyond = (S: bigint) => (to > from ? g0 * Q96 ** 2n >= g1 * S ** 2n : g0 * Q96 ** 2n <= g1 * S ** 2n);
  if (!beyond(from)) return 0n;
  if (!beyond(to)) {
    const held = mulDivUp(liquidity * g0, Q96, from) + mulDivUp(liquidity * g1, from, Q96);
    return held - sqrtFloor(4n * liquidity ** 2n * g0 * g1);
  }
  const numerator = liquidity * (to - from) * (g0 * Q96 ** 2n - g1 * from * to);
  return mulDivUp(numerator, 1n, Q96 * from * to);
}

/** Whether `entered` of token i, without fee, pays for `out` of the other, both in units of 1/one, in rational arithmetic. */
function pays(side: readonly Segment[], i: number, entered: bigint, out: bigint, one: bigint): boolean {
  let [rest, due] = [
    { p: entered, q: one },
    { p: out, q: one },
  ];
  for (const { from, to, liquidity } of side) {
    const [low, high] = from < to ? [from, to] : [to, from];
    const zero = { p: liquidity * Q96 * (high - low), q: low * high };
    const unitOne = { p: liquidity * (high - low), q: Q96 };
    const [full, pay] = i === 0 ? [zero, unitOne] : [unitOne, zero];
    if (rest.p * full.q <= full.p * rest.q) {
      // 1/S' = 1/S + rest/L pays L(S − S'); S' = S + rest/L pays L(1/S − 1/S').
      const S = i === 0 ? { p: from, q: Q96 } : { p: Q96, q: from };
      const paid = { p: S.p * S.p * rest.p * liquidity, q: S.q * (liquidity * rest.q * S.q + rest.p * S.p) };
      return due.p * paid.q <= paid.p * due.q;
    }
    rest = { p: rest.p * full.q - full.p * rest.q, q: rest.q * full.q };
    due = { p: due.p * pay.q - pay.p * due.q, q: due.q * pay.q };
    if (due.p <= 0n) return true;
  }
  return due.p <= 0n;
}
