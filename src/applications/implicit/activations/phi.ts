/** @file The activation of a whole state: named maps of its blocks, one after the other. */

import { VouchError } from "../../../errors.js";
import type { Activation } from "./activation.js";
import { maxPool, product, softmax } from "./blockwise.js";
import { leakyRelu, linear, relu, sigmoid, tanh } from "./pointwise.js";

/** A block of states and the name of its map: a softmax, max-pool or product takes the block as one. */
export type PhiBlock =
  | { readonly map: "relu" | "tanh" | "sigmoid" | "linear" | "softmax" | "max-pool" | "product"; readonly size: number }
  | { readonly map: "leaky-relu"; readonly size: number; readonly slope: number };

/** Blocks in the order of the state. */
export type Phi = readonly PhiBlock[];

const maps: Readonly<Record<PhiBlock["map"], (block: PhiBlock) => Activation>> = {
  relu: () => relu,
  "leaky-relu": (block) => leakyRelu((block as { readonly slope: number }).slope),
  tanh: () => tanh,
  sigmoid: () => sigmoid,
  linear: () => linear,
  softmax: () => softmax,
  "max-pool": () => maxPool,
  product: () => product,
};

/** Names of the maps. */
export const MAPS = Object.keys(maps) as readonly PhiBlock["map"][];

export function activationOf(block: PhiBlock): Activation {
  return maps[block.map](block);
}

/** A block with its map and its place in the state. */
export interface Placed {
  readonly block: PhiBlock;
  readonly activation: Activation;
  readonly from: number;
  readonly to: number;
}

export function placed(phi: Phi): Placed[] {
  let from = 0;
  return phi.map((block) => {
    const to = from + block.size;
    const made = { block, activation: activationOf(block), from, to };
    from = to;
    return made;
  });
}

/** x ← φ(z) for every sample, [m, n] each. */
export function applyPhi(parts: readonly Placed[], n: number, z: Float64Array, x: Float64Array): void {
  for (let start = 0; start < z.length; start += n) {
    for (const { activation, from, to } of parts) activation.apply(z, x, start + from, start + to);
  }
}

/** v ← φ′(z)ᵀv for every sample, [m, n] each. */
export function pullbackPhi(parts: readonly Placed[], n: number, z: Float64Array, v: Float64Array): void {
  for (let start = 0; start < z.length; start += n) {
    for (const { activation, from, to } of parts) activation.pullback(z, v, start + from, start + to);
  }
}

/** @throws parameter naming the block, unless every map is known and the sizes add up to n */
export function requirePhi(name: string, phi: Phi, n: number): void {
  phi.forEach((block, k) => {
    const sized = Number.isSafeInteger(block.size) && block.size > 0;
    const paired = block.map !== "product" || block.size % 2 === 0;
    const sloped = block.map !== "leaky-relu" || (block.slope > 0 && block.slope <= 1);
    if (Object.hasOwn(maps, block.map) && sized && sloped && paired) return;
    throw new VouchError("parameter", {
      name: `${name}: phi[${k}]`,
      expected: `one of ${MAPS.join(", ")} of a size > 0, a leaky ReLU with a slope in (0, 1], a product of an even size`,
      got: JSON.stringify(block),
      remedy: "Name the map of each block of states.",
    });
  });
  const total = phi.reduce((sum, { size }) => sum + size, 0);
  if (total === n) return;
  throw new VouchError("shape", {
    name: `${name}: phi`,
    expected: `blocks of ${n} states in all`,
    got: `${total}`,
    remedy: "Give one map for every state.",
  });
}
