/** @file Markets and the router, without the engine: the subpath vouch/trading. */

export * from "./best-trade.js";
export * from "./curve-pools.js";
export type { Fee, Market, PoolFields, Swapped, Token } from "./market.js";
export * from "./markets/balancer.js";
export * from "./markets/constant-sum.js";
export * from "./markets/stable-swap.js";
export * from "./markets/uniswap-v2.js";
export * from "./markets/uniswap-v3.js";
export type { Tick, UniswapV3Pool } from "./markets/uniswap-v3-contract.js";
export * from "./pools.js";
export * from "./router/bound.js";
export * from "./router/calls.js";
export * from "./router/execute.js";
export * from "./router/network.js";
export type { Step } from "./router/plan.js";
export * from "./router/route.js";
