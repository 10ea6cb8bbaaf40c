/** @file The average of a layer with the identity. */

import { VouchError } from "../errors.js";
import { inner } from "../sets/set.js";
import { add, mul, sub } from "../tensor/primitives/elementwise.js";
import { requireSameShape } from "../tensor/primitives/leaf.js";
import { gradientLayer, isNonexpansive, type Layer } from "./layer.js";

/**
 * x ↦ θx + (1 − θ)N(x), (θ + (1 − θ)L)-Lipschitz; (1 − θ)-averaged where N is 1-Lipschitz, and so firmly nonexpansive from
 * θ = ½ on, and at any θ where N is firmly nonexpansive.
 *
 * @param theta  θ in [0, 1]
 * @param N      keeps the shape of x
 * @throws parameter if θ is out of range; shape, when applied, if N changes the shape
 * @source Bauschke & Combettes, 2nd ed., Remark 4.34 and Example 4.7 (averaged, firmly nonexpansive)
 */
export function residualAverage(theta: number, N: Layer): Layer {
  if (!(theta >= 0 && theta <= 1)) {
    throw new VouchError("parameter", {
      name: "residualAverage",
      expected: "θ in [0, 1]",
      got: `${theta}`,
      remedy: "θ is the share of the identity.",
    });
  }
  const { value, how, atMost } = N.lipschitz;
  // 1 + (1 − θ)(L − 1), which is exactly 1 at L = 1.
  const layer: Layer = {
    name: `θI + (1 − θ)(${N.name}), θ = ${theta}`,
    apply: (x) => {
      const y = N.apply(x);
      requireSameShape(`residualAverage of ${N.name}`, x, y);
      return add(mul(theta, x), mul(1 - theta, y));
    },
    lipschitz: {
      value: add(1, mul(1 - theta, sub(value, 1))),
      how: `θ + (1 − θ) times ${how}, θ = ${theta}`,
      ...(atMost === undefined ? {} : { atMost: 1 + (1 - theta) * (atMost - 1) }),
    },
  };
  const { potential } = N;
  if (potential) {
    return gradientLayer({
      ...layer,
      potential: (x) => add(mul(theta / 2, inner(x, x)), mul(1 - theta, potential(x))),
    });
  }
  if (N.firmly) return { ...layer, firmly: `an average of the identity and ${N.name}: ${N.firmly}` };
  if (theta >= 0.5 && isNonexpansive(N))
    return { ...layer, firmly: `at least half the identity, the rest ${N.name}, which is 1-Lipschitz` };
  return layer;
}
