/** @file Uniswap v2: two tokens, equal weights. */

import { ceilDiv, sqrtFloor } from "../integers.js";
import { dot, type Fee, gammaOf, LARGEST, type Market, type PoolFields, requirePool, requireSwap } from "../market.js";

export interface UniswapV2Pool extends PoolFields {
  /** Fee on what is tendered, in thousandths; 3 by default. Forks have others. */
  readonly feePerMille?: number;
}

/**
 * φ(r) = √(r₀ r₁), with Uniswap v2's whole numbers.
 *
 *     out = ⌊x·997·rⱼ / (rᵢ·1000 + x·997)⌋
 *     best: rᵢ + γx = √(γ rᵢ rⱼ νⱼ/νᵢ) where that exceeds rᵢ
 *
 * @throws data naming the pool and field
 * @source Uniswap v2-periphery, UniswapV2Library.getAmountOut; Angeris, Kao, Chiang, Noyes & Chitra 2019, An analysis of Uniswap
 * markets, Appendix A
 */
export function uniswapV2(pool: UniswapV2Pool): Market {
  const { address, tokens, reserves, feePerMille = 3 } = pool;
  const fee: Fee = { numerator: perMille(feePerMille), denominator: 1000n, on: "tendered" };
  requirePool("uniswapV2", { address, tokens, reserves }, fee);
  const r = reserves.map(Number);
  const gamma = gammaOf(fee);
  const kept = fee.denominator - fee.numerator;
  const product = reserves[0]! * reserves[1]!;

  const quoteExact = (i: number, j: number, x: bigint) =>
    x <= 0n || x > market.limit(i) ? 0n : (x * kept * reserves[j]!) / (reserves[i]! * fee.denominator + x * kept);
  const market: Market = {
    protocol: "uniswap-v2",
    ...{ address, tokens, reserves, fee },
    quote: (i, j, x) => (gamma * x * r[j]!) / (r[i]! + gamma * x),
    quoteExact,
    limit: (i) => LARGEST - reserves[i]!,
    swap(i, j, x) {
      requireSwap(market, i, j, x);
      const amountOut = quoteExact(i, j, x);
      const after = reserves.map((reserve, k) => (k === i ? reserve + x : reserve - amountOut));
      return { amountOut, market: uniswapV2({ ...pool, reserves: after }) };
    },
    best(prices) {
      const worth = [prices[0]! * r[0]!, prices[1]! * r[1]!] as const;
      const flow = new Float64Array(2);
      const i = worth[1] > worth[0] ? 0 : 1;
      const j = 1 - i;
      if (gamma * worth[j]! <= worth[i]!) return flow;
      const entered = r[i]! * (Math.sqrt((gamma * worth[j]!) / worth[i]!) - 1);
      flow[i] = -entered / gamma;
      flow[j] = (r[j]! * entered) / (r[i]! + entered);
      return flow;
    },
    marginal: (flow) => Float64Array.of(1 / after(0, flow[0]!), 1 / after(1, flow[1]!)),
    support: (g) => dot(g, reserves) - sqrtFloor(4n * g[0]! * g[1]! * product),
    wholeSupport: (nu) => {
      const i = nu[1]! * reserves[1]! > nu[0]! * reserves[0]! ? 0 : 1;
      return wholeGain([nu[i]!, nu[1 - i]!], [reserves[i]!, reserves[1 - i]!], kept, fee.denominator);
    },
    accepts: (x, y) => {
      const s = reserves.map((reserve, k) => (reserve - y[k]!) * fee.denominator + x[k]! * kept);
      return (
        reserves.every((reserve, k) => reserve + x[k]! - y[k]! >= 0n && s[k]! >= 0n) &&
        s[0]! * s[1]! >= product * fee.denominator ** 2n
      );
    },
  };
  const after = (k: number, flow: number) => r[k]! - (flow < 0 ? gamma * flow : flow);
  return market;
}

/** @returns −1n, which no fee may be, for what is not a whole number of thousandths */
function perMille(fee: number): bigint {
  return Number.isInteger(fee) ? BigInt(fee) : -1n;
}

/**
 * ⌈max⌉ over whole x, and over whole y, of what tendering i for j gains, the other amount real: both exceed what whole amounts of
 * both gain, and the smaller is returned. Each gain is concave, so that its whole maximum is beside the real one.
 */
function wholeGain([ni, nj]: [bigint, bigint], [ri, rj]: [bigint, bigint], kept: bigint, full: bigint): bigint {
  const x = (sqrtFloor((nj * rj * ri * full * kept) / ni) - ri * full) / kept;
  const y = rj - sqrtFloor((ni * ri * rj * full) / (kept * nj));
  const byX = largest(x, (v) => ceilDiv(nj * rj * kept * v, ri * full + kept * v) - ni * v);
  const byY = largest(y, (v) => (v < rj ? nj * v - (ni * ri * full * v) / (kept * (rj - v)) : 0n));
  return byX < byY ? byX : byY;
}

/** The largest value at 0 and at the whole numbers ≥ 0 within 2 of `near`. */
function largest(near: bigint, value: (v: bigint) => bigint): bigint {
  return [-2n, -1n, 0n, 1n, 2n].reduce((most, offset) => {
    const v = near + offset;
    const found = v > 0n ? value(v) : 0n;
    return found > most ? found : most;
  }, 0n);
}
