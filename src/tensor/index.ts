/** @file Symbolic tensors: what problems, blocks and losses are written in. */

export * from "./interpret.js";
export * from "./primitives/broadcast.js";
export * from "./primitives/conv.js";
export * from "./primitives/cumsum.js";
export * from "./primitives/custom-vjp.js";
export * from "./primitives/elementwise.js";
export * from "./primitives/fixed-point.js";
export * from "./primitives/gather.js";
export * from "./primitives/layout.js";
export * from "./primitives/leaf.js";
export * from "./primitives/matmul.js";
export * from "./primitives/maximum.js";
export * from "./primitives/sort.js";
export * from "./primitives/sparse.js";
export type { DType, Shape, Tensor, Value } from "./tensor.js";
export * from "./tree.js";
export * from "./vjp.js";
