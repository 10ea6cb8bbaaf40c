/** @file Knapsacks of several constraints decided from contexts. */

export * from "./data.js";
export * from "./evaluate.js";
export * from "./exact.js";
export * from "./model.js";
export * from "./train.js";
