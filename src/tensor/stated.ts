/** @file Blocks in writing: what a reader needs to rebuild a set, function or operator without its code. */

import type { Tensor } from "./tensor.js";

/** An array that is not a tensor of the graph, such as the entries of a sparse matrix. */
export interface StatedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Kind and parameters of a block: receipts carry them, and a verifier makes the block anew from them. */
export interface Stated {
  /** Name in the table of kinds: "ball", "conv2d". */
  readonly kind: string;
  /** Rounded to float32, as constants of a graph are. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly tensors?: Readonly<Record<string, Tensor>>;
  readonly arrays?: Readonly<Record<string, StatedArray>>;
}
