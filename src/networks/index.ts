/** @file Blocks of feed-forward networks: compositions of primitives, without a guarantee. */

export * from "./batch-norm.js";
export * from "./convolution.js";
export * from "./max-pool.js";
export * from "./softmax.js";
export * from "./up-convolution.js";
