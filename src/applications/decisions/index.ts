/** @file Decisions through optimization layers: costs are predicted, a linear program decides. */

export * from "./certificates.js";
export * from "./dyadic.js";
export * from "./flow.js";
export * from "./games/index.js";
export * from "./knapsack/index.js";
export * from "./layer.js";
export * from "./losses.js";
export * from "./network.js";
export * from "./paths/index.js";
export * from "./polynomial.js";
export * from "./random-state.js";
export * from "./sparse-flow.js";
export * from "./traffic/index.js";
export * from "./training.js";
