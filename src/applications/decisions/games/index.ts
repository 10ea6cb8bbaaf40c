/** @file Equilibria of two-player zero-sum games decided from contexts. */

export * from "./certify.js";
export * from "./data.js";
export * from "./evaluate.js";
export * from "./exploitability.js";
export * from "./game.js";
export * from "./model.js";
export * from "./nash.js";
export * from "./payoffs.js";
export * from "./play.js";
export * from "./quantal.js";
export * from "./quantal-gap.js";
export * from "./response.js";
export * from "./train.js";
