/** @file Uniswap v3's prices: √(1.0001^tick) as Q64.96 whole numbers, and the amounts between two of them. */

export const Q96 = 1n << 96n;
export const MIN_TICK = -887272;
export const MAX_TICK = 887272;
const WORD = 1n << 256n;

/** √1.0001^−2^k as Q128.128, k = 0 … 19. */
const POWERS: readonly bigint[] = [
  0xfffcb933bd6fad37aa2d162d1a594001n,
  0xfff97272373d413259a46990580e213an,
  0xfff2e50f5f656932ef12357cf3c7fdccn,
  0xffe5caca7e10e4e61c3624eaa0941cd0n,
  0xffcb9843d60f6159c9db58835c926644n,
  0xff973b41fa98c081472e6896dfb254c0n,
  0xff2ea16466c96a3843ec78b326b52861n,
  0xfe5dee046a99a2a811c461f1969c3053n,
  0xfcbe86c7900a88aedcffc83b479aa3a4n,
  0xf987a7253ac413176f2b074cf7815e54n,
  0xf3392b0822b70005940c7a398e4b70f3n,
  0xe7159475a2c29b7443b29c7fa6e889d9n,
  0xd097f3bdfd2022b8845ad8f792aa5825n,
  0xa9f746462d870fdf8a65dc1f90e061e5n,
  0x70d869a156d2a1b890bb3df62baf32f7n,
  0x31be135f97d08fd981231505542fcfa6n,
  0x9aa508b5b7a84e1c677de54f3e99bc9n,
  0x5d6af8dedb81196699c329225ee604n,
  0x2216e584f5fa1ea926041bedfe98n,
  0x48a170391f7dc42444e8fa2n,
];

/** √(1.0001^tick)·2⁹⁶, rounded up. @source Uniswap v3-core, TickMath.getSqrtRatioAtTick */
export function sqrtRatioAt(tick: number): bigint {
  const size = Math.abs(tick);
  let ratio = 1n << 128n;
  POWERS.forEach((power, k) => {
    if (size & (1 << k)) ratio = (ratio * power) >> 128n;
  });
  if (tick > 0) ratio = (WORD - 1n) / ratio;
  return (ratio + (1n << 32n) - 1n) >> 32n;
}

export const MIN_RATIO = sqrtRatioAt(MIN_TICK);
export const MAX_RATIO = sqrtRatioAt(MAX_TICK);

/** The largest tick whose ratio is not above `ratio`, MIN_RATIO ≤ ratio < MAX_RATIO. */
export function tickAt(ratio: bigint): number {
  let [low, high] = [MIN_TICK, MAX_TICK];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (sqrtRatioAt(middle) <= ratio) low = middle;
    else high = middle;
  }
  return low;
}

export function mulDivUp(a: bigint, b: bigint, c: bigint): bigint {
  return (a * b + c - 1n) / c;
}

/** L (1/√low − 1/√high) of token 0, each of the two divisions rounded. @source SqrtPriceMath.getAmount0Delta */
export function amount0(low: bigint, high: bigint, liquidity: bigint, up: boolean): bigint {
  const product = (liquidity << 96n) * (high - low);
  return up ? mulDivUp(mulDivUp(liquidity << 96n, high - low, high), 1n, low) : product / high / low;
}

/** L (√high − √low) of token 1. @source SqrtPriceMath.getAmount1Delta */
export function amount1(low: bigint, high: bigint, liquidity: bigint, up: boolean): bigint {
  return up ? mulDivUp(liquidity, high - low, Q96) : (liquidity * (high - low)) / Q96;
}

/** √price after `amount` of token 0 came in, rounded up. @source SqrtPriceMath.getNextSqrtPriceFromAmount0RoundingUp */
export function after0(ratio: bigint, liquidity: bigint, amount: bigint): bigint {
  const numerator = liquidity << 96n;
  const product = amount * ratio;
  // The contract falls back to the coarser form where 256 bits overflow.
  if (product < WORD && numerator + product < WORD) return mulDivUp(numerator, ratio, numerator + product);
  return mulDivUp(numerator, 1n, numerator / ratio + amount);
}

/** √price after `amount` of token 1 came in, rounded down. @source SqrtPriceMath.getNextSqrtPriceFromAmount1RoundingDown */
export function after1(ratio: bigint, liquidity: bigint, amount: bigint): bigint {
  return ratio + (amount << 96n) / liquidity;
}
