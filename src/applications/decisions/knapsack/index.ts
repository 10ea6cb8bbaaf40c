/** @file Knapsacks of several constraints decided from contexts. */

export * from "./certify.js";
export * from "./data.js";
export * from "./decide.js";
export * from "./evaluate.js";
export * from "./exact.js";
export * from "./model.js";
export * from "./proof.js";
export * from "./regret.js";
export * from "./train.js";
