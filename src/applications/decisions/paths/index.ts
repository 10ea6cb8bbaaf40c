/** @file Shortest paths decided from contexts. @source Heaton & Wu Fung 2023, eq. (6), (7) */

export * from "./certify.js";
export * from "./data.js";
export * from "./decide.js";
export * from "./evaluate.js";
export * from "./exact.js";
export * from "./grid.js";
export * from "./losses.js";
export * from "./model.js";
export * from "./noisy.js";
export * from "./proof.js";
export * from "./regret.js";
export * from "./train.js";
