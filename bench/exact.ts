/** @file Exact arithmetic on float64 numbers: sums and products without rounding, square roots from both sides. */

/** m · 2^e. */
export interface Dyadic {
  readonly m: bigint;
  readonly e: number;
}

const bits = new DataView(new ArrayBuffer(8));

/** The number itself. @throws RangeError unless finite */
export function exact(value: number): Dyadic {
  if (!Number.isFinite(value)) throw new RangeError(`exact: expected a finite number, got ${value}`);
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const exponent = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const m = exponent === 0 ? fraction : fraction | 0x10000000000000n;
  return { m: word >> 63n ? -m : m, e: (exponent === 0 ? 1 : exponent) - 1075 };
}

export const ZERO: Dyadic = { m: 0n, e: 0 };

export function plus(a: Dyadic, b: Dyadic): Dyadic {
  const e = Math.min(a.e, b.e);
  return { m: (a.m << BigInt(a.e - e)) + (b.m << BigInt(b.e - e)), e };
}

export function times(a: Dyadic, b: Dyadic): Dyadic {
  return { m: a.m * b.m, e: a.e + b.e };
}

export function minus(a: Dyadic): Dyadic {
  return { m: -a.m, e: a.e };
}

export function magnitude(a: Dyadic): Dyadic {
  return a.m < 0n ? minus(a) : a;
}

/** a ≤ b. */
export function atMost(a: Dyadic, b: Dyadic): boolean {
  return plus(b, minus(a)).m >= 0n;
}

export function larger(a: Dyadic, b: Dyadic): Dyadic {
  return atMost(a, b) ? b : a;
}

/** Bits of a square root. */
const PRECISION = 160n;

/** Dyadic numbers below and above √a, a ≥ 0, within 2⁻¹⁵⁰ of it, relative. */
export function root(a: Dyadic): { readonly low: Dyadic; readonly high: Dyadic } {
  if (a.m === 0n) return { low: ZERO, high: ZERO };
  const length = BigInt(a.m.toString(2).length);
  let shift = 2n * PRECISION > length ? 2n * PRECISION - length : 0n;
  if ((BigInt(a.e) - shift) % 2n !== 0n) shift += 1n;
  const scaled = a.m << shift;
  const e = Number((BigInt(a.e) - shift) / 2n);
  let guess = 1n << ((BigInt(scaled.toString(2).length) + 1n) / 2n);
  for (;;) {
    const next = (guess + scaled / guess) >> 1n;
    if (next >= guess) break;
    guess = next;
  }
  return { low: { m: guess, e }, high: { m: guess + 1n, e } };
}

/** Σ aᵢbᵢ. */
export function dot(a: readonly Dyadic[], b: readonly Dyadic[]): Dyadic {
  return a.reduce((total, value, i) => plus(total, times(value, b[i]!)), ZERO);
}
