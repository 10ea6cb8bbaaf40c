/** @file Whole numbers: division, roots and logarithms with the direction of rounding in the name, and floats without loss. */

/** ⌈a/b⌉, a ≥ 0, b > 0. */
export function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** Binary digits of n > 0; 0 of 0. */
export function bitLength(n: bigint): number {
  const hex = n.toString(16);
  return n === 0n ? 0 : 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
}

/** ⌊√n⌋, n ≥ 0, by Newton's method from just above: the float root of its leading digits, raised by more than it rounds. */
export function sqrtFloor(n: bigint): bigint {
  if (n < 2n) return n;
  const drop = Math.max(0, (bitLength(n) - 100) >> 1);
  const { m, e } = dyadic(Math.sqrt(Number(n >> BigInt(2 * drop)) + 1) * (1 + 1e-15));
  let root = (e < 0 ? (m >> BigInt(-e)) + 1n : m << BigInt(e)) << BigInt(drop);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Fraction bits of `lnFloor`. */
export const LN_BITS = 128n;
/** Extra bits inside: each of the fewer than 2¹⁰ roundings loses less than one unit of them. */
const GUARD = 16n;
const UNIT = 1n << (LN_BITS + GUARD);

/** 2 atanh(p/q) in units of 2^−(LN_BITS + GUARD), 0 ≤ p/q ≤ 1/3, at most 100 units low. */
function twiceArtanh(p: bigint, q: bigint): bigint {
  const t = (p * UNIT) / q;
  const square = (t * t) / UNIT;
  let [power, sum] = [t, 0n];
  for (let k = 1n; power > 0n; k += 2n) {
    sum += power / k;
    power = (power * square) / UNIT;
  }
  return 2n * sum;
}

const LN2 = twiceArtanh(1n, 3n);

/**
 * A whole number ≤ 2¹²⁸ ln(a/b), a, b > 0, at most 2 units low.
 *
 *     ln(a/b) = k ln 2 + 2 artanh((m − 1)/(m + 1)), m = a/(b 2^k) ∈ [1, 2)
 */
export function lnFloor(a: bigint, b: bigint): bigint {
  let k = bitLength(a) - bitLength(b);
  const shifted = (by: number) => (by >= 0 ? [a, b << BigInt(by)] : [a << BigInt(-by), b]) as [bigint, bigint];
  let [top, bottom] = shifted(k);
  if (top < bottom) [top, bottom] = shifted(--k);
  // For k < 0 the 100 units that ln 2 is low count upward, |k| times.
  const low = BigInt(k) * LN2 + twiceArtanh(top - bottom, top + bottom) - (k < 0 ? 100n * BigInt(-k) : 0n);
  return low >> GUARD;
}

/** value = m 2^e exactly, value finite and ≥ 0. */
export function dyadic(value: number): { readonly m: bigint; readonly e: number } {
  if (value === 0) return { m: 0n, e: 0 };
  const e = Math.max(Math.floor(Math.log2(value)) - 53, -1074);
  // Two factors, as 2^−e alone may overflow.
  const half = Math.trunc(e / 2);
  return { m: BigInt(value * 2 ** -half * 2 ** -(e - half)), e };
}

/** Whole numbers in exactly the proportions of floats ≥ 0, and the power of two between: value = number · 2^e. */
export function proportional(values: ArrayLike<number>): { readonly numbers: bigint[]; readonly e: number } {
  const parts = Array.from(values, dyadic);
  const e = Math.min(...parts.map((part) => (part.m === 0n ? Number.POSITIVE_INFINITY : part.e)), 1024);
  return { numbers: parts.map((part) => (part.m === 0n ? 0n : part.m << BigInt(part.e - e))), e };
}
