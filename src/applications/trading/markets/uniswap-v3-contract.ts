/** @file Uniswap v3's contract: what a pool states, and its swap in whole numbers, tick by tick. */

import type { PoolFields } from "../market.js";
import { after0, after1, amount0, amount1, MAX_TICK, MIN_TICK, mulDivUp, sqrtRatioAt, tickAt } from "./tick-math.js";

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

/** What the fee is a whole number of: 10⁻⁶. */
export const FEE_UNIT = 10n ** 6n;
/** Ticks in a word of the bitmap: a step ends there whether the tick is initialized or not. */
const WORD = 256;

export interface Run {
  readonly amountOut: bigint;
  readonly sqrtPriceX96: bigint;
  readonly liquidity: bigint;
  readonly tick: number;
}

/** The contract's swap of exactly x of token i; undefined where liquidity runs out before x does. */
export function swapExactly(pool: UniswapV3Pool, i: number, x: bigint): Run | undefined {
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
