/** @file Merkle trees: one digest that fixes a list, and short proofs that an entry is in it. */

import { hash } from "./digest.js";

/**
 * Root of a list of leaves.
 *
 *     MTH([]) = H()    MTH([d]) = H(0x00 ‖ d)    MTH(D) = H(0x01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n])),  k the largest power of 2 below n
 *
 * @source RFC 6962, §2.1
 */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return hash(new Uint8Array(0));
  if (leaves.length === 1) return hash(joined(LEAF, leaves[0]!));
  const k = below(leaves.length);
  return hash(joined(NODE, merkleRoot(leaves.slice(0, k)), merkleRoot(leaves.slice(k))));
}

/** Digests from leaf `index` to the root, nearest first. @source RFC 6962, §2.1.1 */
export function merklePath(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const k = below(leaves.length);
  return index < k
    ? [...merklePath(leaves.slice(0, k), index), merkleRoot(leaves.slice(k))]
    : [...merklePath(leaves.slice(k), index - k), merkleRoot(leaves.slice(0, k))];
}

/** The root that a leaf and its path come to; it is in the list if this is the list's root. */
export function merkleRootOf(leaf: Uint8Array, index: number, size: number, path: readonly Uint8Array[]): Uint8Array {
  if (size <= 1) return hash(joined(LEAF, leaf));
  const k = below(size);
  const [rest, last] = [path.slice(0, -1), path.at(-1) ?? new Uint8Array(0)];
  return index < k
    ? hash(joined(NODE, merkleRootOf(leaf, index, k, rest), last))
    : hash(joined(NODE, last, merkleRootOf(leaf, index - k, size - k, rest)));
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

function below(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
