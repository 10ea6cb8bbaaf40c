/** @file Layers one after the other. */

import { VouchError } from "../errors.js";
import type { Bound } from "../linear/linear.js";
import { mul } from "../tensor/primitives/elementwise.js";
import type { Layer } from "./layer.js";

/** x ↦ T_k(… T₁(x)): constants multiply. Firm nonexpansiveness is lost, 1-Lipschitz stays. @throws parameter if there is no layer */
export function compose(layers: readonly Layer[]): Layer {
  const [first, ...rest] = layers;
  if (first === undefined) {
    throw new VouchError("parameter", {
      name: "compose",
      expected: "at least one layer",
      got: "none",
      remedy: "Leave an empty composition out.",
    });
  }
  if (rest.length === 0) return first;
  return {
    name: layers.map(({ name }) => name).join(" → "),
    apply: (x) => layers.reduce((value, layer) => layer.apply(value), x),
    lipschitz: rest.map(({ lipschitz }) => lipschitz).reduce(product, first.lipschitz),
  };
}

function product(a: Bound, b: Bound): Bound {
  const value = mul(a.value, b.value);
  const how = `${a.how}, times ${b.how}`;
  return a.atMost === undefined || b.atMost === undefined
    ? { value, how }
    : { value, how, atMost: a.atMost * b.atMost };
}
