/** @file Uniswap v3: concentrated liquidity, a product curve within each interval of ticks. */

import { sqrtFloor } from "../integers.js";
import {
  badPool,
  type Fee,
  gammaOf,
  LARGEST,
  type Market,
  type PoolFields,
  requirePool,
  requireSwap,
} from "../market.js";
import {
  after0,
  after1,
  amount0,
  amount1,
  MAX_RATIO,
  MAX_TICK,
  MIN_RATIO,
  MIN_TICK,
  mulDivUp,
  Q96,
  sqrtRatioAt,
  tickAt,
} from "./tick-math.js";

/** An initialized tick: liquidity changes by `net` when the price rises through it. */
export interface Tick {
  readonly index: number;
  readonly net: bigint;
}

export interface UniswapV3Pool extends PoolFields {
  /** In 10⁻⁶: 500, 3000, 10000. */
  readonly fee: number;
  readonly tickSpacing: number;
  /** √(token 1 per token 0) in base units, Q64.96. */
  readonly sqrtPriceX96: bigint;
  /** In range now. */
  readonly liquidity: bigint;
  /** Initialized ticks, ascending. */
  readonly ticks: readonly Tick[];
  /** slot0.tick; the one of the price where absent. */
  readonly tick?: number;
}

/** An interval of constant liquidity, from the end nearer to the current price, as √price Q64.96. */
interface Segment {
  readonly from: bigint;
  readonly to: bigint;
  readonly liquidity: bigint;
}

const FEE_UNIT = 10n ** 6n;
/** Ticks in a word of the bitmap: a step ends there whether the tick is initialized or not. */
const WORD = 256;

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
    quoteExact: (i, _, x) => (x <= 0n || x > LARGEST ? 0n : (run(pool, i, x)?.amountOut ?? 0n)),
    limit: () => LARGEST,
    swap(i, j, x) {
      requireSwap(market, i, j, x);
      const done = run(pool, i, x);
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

interface Run {
  readonly amountOut: bigint;
  readonly sqrtPriceX96: bigint;
  readonly liquidity: bigint;
  readonly tick: number;
}

/** The contract's swap of exactly x of token i; undefined where liquidity runs out before x does. */
function run(pool: UniswapV3Pool, i: number, x: bigint): Run | undefined {
  const fee = BigInt(pool.fee);
  const nets = new Map(pool.ticks.map(({ index, net }) => [index, net]));
  const down = i === 0;
  let [price, liquidity, tick] = [pool.sqrtPriceX96, pool.liquidity, pool.tick ?? tickAt(pool.sqrtPriceX96)];
  let [rest, out] = [x, 0n];
  const last = pool.ticks[down ? 0 : pool.ticks.length - 1]?.index ?? tick;
  while (rest > 0n) {
    if (liquidity === 0n && (down ? tick < last : tick >= last)) return undefined;
    const next = nextTick(tick, pool.tickSpacing, down, nets);
    const target = sqrtRatioAt(next);
    const step = swapStep(price, target, liquidity, rest, fee, down);
    rest -= step.amountIn + step.feeAmount;
    out += step.amountOut;
    price = step.price;
    if (price === target) {
      const net = nets.get(next) ?? 0n;
      liquidity += down ? -net : net;
      tick = down ? next - 1 : next;
    } else {
      tick = tickAt(price);
    }
    if (rest > 0n && (next === MIN_TICK || next === MAX_TICK)) return undefined;
  }
  return { amountOut: out, sqrtPriceX96: price, liquidity, tick };
}

/** The next initialized tick in the word of the bitmap, or the word's last. @source TickBitmap.nextInitializedTickWithinOneWord */
function nextTick(tick: number, spacing: number, down: boolean, nets: ReadonlyMap<number, bigint>): number {
  const compressed = Math.floor(tick / spacing) + (down ? 0 : 1);
  const word = Math.floor(compressed / WORD) * WORD;
  const end = down ? word : word + WORD - 1;
  let k = compressed;
  while (k !== end && !nets.has(k * spacing)) k += down ? -1 : 1;
  return Math.min(MAX_TICK, Math.max(MIN_TICK, k * spacing));
}

/** One step towards `target`. @source SwapMath.computeSwapStep, exact input */
function swapStep(price: bigint, target: bigint, liquidity: bigint, rest: bigint, fee: bigint, down: boolean) {
  const enters = (to: bigint) => (down ? amount0(to, price, liquidity, true) : amount1(price, to, liquidity, true));
  const usable = (rest * (FEE_UNIT - fee)) / FEE_UNIT;
  const reached = usable >= enters(target);
  const next = reached ? target : down ? after0(price, liquidity, usable) : after1(price, liquidity, usable);
  const amountIn = enters(next);
  return {
    price: next,
    amountIn,
    amountOut: down ? amount1(next, price, liquidity, false) : amount0(price, next, liquidity, false),
    feeAmount: next === target ? mulDivUp(amountIn, fee, FEE_UNIT - fee) : rest - amountIn,
  };
}
