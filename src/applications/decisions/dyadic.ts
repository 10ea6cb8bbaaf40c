/** @file Floats as whole numbers: sums and comparisons of costs without rounding. */

import { VouchError } from "../../errors.js";

/** units/2^shift, exactly. */
export interface Dyadic {
  readonly units: bigint;
  /** ≥ 0 */
  readonly shift: number;
}

/** Bits of a float64 below its exponent, and the exponent of its last one at exponent field 1. */
const FRACTION = 52n;
const LAST = -1074;

/** Finite floats as multiples of one power of two. @throws data naming the element that is not finite */
export function dyadics(name: string, values: ArrayLike<number>): { units: bigint[]; shift: number } {
  const view = new DataView(new ArrayBuffer(8));
  const parts = Array.from(values, (value, i) => {
    if (!Number.isFinite(value)) {
      const remedy = "Repair the costs.";
      throw new VouchError("data", { name, expected: "finite numbers", got: `${value} at element ${i}`, remedy });
    }
    view.setFloat64(0, value);
    const bits = view.getBigUint64(0);
    const field = Number((bits >> FRACTION) & 0x7ffn);
    let mantissa = (bits & ((1n << FRACTION) - 1n)) | (field === 0 ? 0n : 1n << FRACTION);
    let exponent = LAST + Math.max(1, field) - 1;
    while (mantissa !== 0n && (mantissa & 0xffn) === 0n) {
      mantissa >>= 8n;
      exponent += 8;
    }
    if (mantissa === 0n) exponent = 0;
    return { mantissa: value < 0 ? -mantissa : mantissa, exponent };
  });
  const shift = parts.reduce((most, { exponent }) => Math.max(most, -exponent), 0);
  return { units: parts.map(({ mantissa, exponent }) => mantissa << BigInt(exponent + shift)), shift };
}

/** units/2^shift as the nearest float64, or so: for people and labels. */
export function toNumber({ units, shift }: Dyadic): number {
  const size = units < 0n ? -units : units;
  const surplus = Math.max(0, size.toString(2).length - 60);
  return Number(units >> BigInt(surplus)) * 2 ** (surplus - shift);
}

/** gap/|of| for people and labels; 0 exactly where the gap is 0. */
export function relativeGap(gap: Dyadic, of: Dyadic): number {
  return gap.units === 0n ? 0 : toNumber(gap) / Math.abs(toNumber(of));
}
