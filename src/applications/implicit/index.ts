/** @file Implicit models. @source El Ghaoui et al., Implicit Deep Learning */

export * from "./activations/phi.js";
export * from "./dense.js";
export * from "./model.js";
export * from "./predict.js";
export * from "./state-matrix.js";
export * from "./well-posed/condition.js";
export * from "./well-posed/monotone.js";
export * from "./well-posed/well-posedness.js";
