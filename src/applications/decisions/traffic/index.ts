/** @file Traffic equilibria with a test of their labels. */

export * from "./equilibrium.js";
export * from "./network.js";
export * from "./tntp.js";
