/** @file Costs that are a polynomial of the context, times noise: the synthetic data of predict-then-optimize. */

import { VouchError } from "../../errors.js";
import type { RandomState } from "./random-state.js";

export interface PolynomialOptions {
  /** Numbers p of a context. Default 5. */
  readonly context?: number;
  /** Degree of the polynomial, a whole number ≥ 1. Default 4. */
  readonly degree?: number;
  /** Half-width w of the noise, in [0, 1]. Default 0.5. */
  readonly noise?: number;
  /** Costs are multiplied with it before the noise. Default 1. */
  readonly scale?: number;
}

export interface PolynomialCosts {
  /** d, [count, p]. */
  readonly contexts: Float64Array;
  /** E(c | d), [count, columns]: what the best predictor of costs says. */
  readonly means: Float64Array;
  /** c, [count, columns]. */
  readonly costs: Float64Array;
}

/** Seed of PyEPO's recipes. */
export const PYEPO_SEED = 135;

/**
 * d ~ N(0, I), and a column's costs
 *
 *     c = ε scale ((bᵀd/√p + 3)^degree + 1)/3.5^degree,    b ~ Bernoulli(½)ᵖ once a column,  ε ~ U[1 − w, 1 + w] once a cost
 *
 * Draws come from the stream in PyEPO's order, so that with NumPy's the numbers are PyEPO's, to the last bits of sums.
 *
 * @throws parameter if an option is out of range
 * @source Elmachtoub & Grigas 2022, Smart "Predict, then Optimize", §6.1; Tang & Khalil 2024, PyEPO, `data.shortestpath.genData`
 */
export function polynomialCosts(
  stream: RandomState,
  count: number,
  columns: number,
  { context = 5, degree = 4, noise = 0.5, scale = 1 }: PolynomialOptions = {},
): PolynomialCosts {
  if (!(Number.isInteger(degree) && degree >= 1 && noise >= 0 && noise <= 1 && context >= 1)) {
    const [expected, got] = ["a context, degree ≥ 1, 0 ≤ noise ≤ 1", `${context}, ${degree}, ${noise}`];
    throw new VouchError("parameter", {
      ...{ name: "polynomialCosts", expected, got, remedy: "Leave them out for the defaults." },
    });
  }
  const taken = Uint8Array.from({ length: columns * context }, () => (stream.uniform() > 0.5 ? 1 : 0));
  const contexts = Float64Array.from({ length: count * context }, () => stream.normal());
  const means = Float64Array.from({ length: count * columns }, (_, at) => {
    const [n, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < context; i++) sum += taken[column * context + i]! * contexts[n * context + i]!;
    return (scale * ((sum / Math.sqrt(context) + 3) ** degree + 1)) / 3.5 ** degree;
  });
  const costs = means.map((mean) => mean * (1 - noise + 2 * noise * stream.uniform()));
  return { contexts, means, costs };
}
