/** @file Activations of states as graphs. */

import { reshape, sumKeep, zeros } from "../../../tensor/primitives/broadcast.js";
import { div, exp, leakyRelu, max, mul, sigmoid, sub, tanh } from "../../../tensor/primitives/elementwise.js";
import { concat, slice } from "../../../tensor/primitives/layout.js";
import { stopGradient } from "../../../tensor/primitives/leaf.js";
import { maximum } from "../../../tensor/primitives/maximum.js";
import type { Tensor } from "../../../tensor/tensor.js";
import type { Phi, PhiBlock } from "../activations/phi.js";

/** φ(z), [N, n], equal to `applyPhi`. */
export function phiGraph(phi: Phi, z: Tensor): Tensor {
  let from = 0;
  const parts = phi.map((block) => {
    from += block.size;
    return maps[block.map](slice(z, 1, from - block.size, from), block);
  });
  return parts.length === 1 ? parts[0]! : concat(parts, 1);
}

const maps: Readonly<Record<PhiBlock["map"], (z: Tensor, block: PhiBlock) => Tensor>> = {
  relu: (z) => max(z, 0),
  "leaky-relu": (z, block) => leakyRelu(z, (block as { readonly slope: number }).slope),
  tanh,
  sigmoid,
  linear: (z) => z,
  softmax: (z) => {
    const powers = exp(sub(z, stopGradient(top(z))));
    return div(powers, sumKeep(powers, [1]));
  },
  "max-pool": (z, { size }) => (size === 1 ? z : concat([top(z), zeros(["N", size - 1])], 1)),
  product: (z, { size }) => {
    const half = size / 2;
    return concat([mul(slice(z, 1, 0, half), slice(z, 1, half, size)), zeros(["N", half])], 1);
  },
};

function top(z: Tensor): Tensor {
  return reshape(maximum(z, [1]), ["N", 1]);
}
