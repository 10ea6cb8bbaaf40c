/** @file Trading with constant-function market makers. @source Heaton & Wu Fung 2023, eq. (18)–(23) */

export * from "./exchange.js";
export * as paper from "./paper/index.js";
export { type Liquidity, liquidityOf } from "./sets/liquidity.js";
export * from "./sets/liquidity-set.js";
export * from "./sets/stable-swap-set.js";
