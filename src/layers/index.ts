/** @file Layers with proved Lipschitz constants, and the learned prox made of them. */

export * from "./activation.js";
export * from "./affine.js";
export * from "./complement.js";
export * from "./compose.js";
export * from "./firmly-nonexpansive.js";
export * from "./layer.js";
export * from "./layer-of.js";
export * from "./learned-prox.js";
export * from "./learned-smooth.js";
export * from "./max-min.js";
export { pointwise } from "./pointwise.js";
export * from "./rescaled.js";
export * from "./residual-average.js";
export * from "./ridge-gradient.js";
