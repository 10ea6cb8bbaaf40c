/** @file NumPy's legacy stream of random numbers, so that recipes published in NumPy give their own data. */

import { mersenne } from "pure-rand/generator/mersenne";
import { VouchError } from "../../errors.js";

export interface RandomState {
  /** U[0, 1): `random_sample`. */
  uniform(): number;
  /** N(0, 1): `standard_normal`, whose last bit is that of the platform's logarithm. */
  normal(): number;
  /** Uniform on {0, …, n − 1}: `randint(n)`. */
  below(n: number): number;
}

/**
 * The draws of `numpy.random.RandomState(seed)`: Mersenne Twister, 53 bits a float, Marsaglia's polar method, masked rejection.
 *
 * @param seed  an integer in 0 … 2³² − 1
 * @throws parameter if it is not
 * @source Matsumoto & Nishimura 1998 (MT19937); NumPy, Legacy random generation (frozen by NEP 19)
 */
export function randomState(seed: number): RandomState {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    const expected = "an integer in 0 … 2^32 - 1";
    throw new VouchError("parameter", { name: "randomState", expected, got: `${seed}`, remedy: `Pass ${expected}.` });
  }
  const generator = mersenne(seed);
  const bits = () => generator.next() >>> 0;
  const uniform = () => {
    const high = bits() >>> 5;
    return (high * 2 ** 26 + (bits() >>> 6)) / 2 ** 53;
  };
  let spare: number | undefined;
  return {
    uniform,
    normal: () => {
      if (spare !== undefined) {
        const kept = spare;
        spare = undefined;
        return kept;
      }
      for (;;) {
        const [u, v] = [2 * uniform() - 1, 2 * uniform() - 1];
        const s = u * u + v * v;
        if (s >= 1 || s === 0) continue;
        const scale = Math.sqrt((-2 * Math.log(s)) / s);
        spare = scale * u;
        return scale * v;
      }
    },
    below: (n) => {
      const mask = 2 ** Math.ceil(Math.log2(n)) - 1;
      for (;;) {
        const value = (bits() & mask) >>> 0;
        if (value < n) return value;
      }
    },
  };
}
