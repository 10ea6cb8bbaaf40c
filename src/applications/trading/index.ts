/** @file Trading with constant-function market makers. @source Heaton & Wu Fung 2023, eq. (18)–(23) */

export * from "./exchange.js";
export * as paper from "./paper/index.js";
