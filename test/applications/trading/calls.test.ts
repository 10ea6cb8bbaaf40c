/** @file Plans as calls of the Uniswap v2 router, encoded and decoded by viem. */

import { decodeFunctionData, encodeFunctionData } from "viem";
import { describe, expect, it } from "vitest";
import type { Token } from "../../../src/applications/trading/market.js";
import { uniswapV2 } from "../../../src/applications/trading/markets/uniswap-v2.js";
import { routerCalls, uniswapV2Mainnet } from "../../../src/applications/trading/router/calls.js";
import { route } from "../../../src/applications/trading/router/route.js";

const USDC: Token = { address: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", symbol: "USDC", decimals: 6 };
const DAI: Token = { address: "0x6B175474E89094C44Da98b954EedeAC495271d0F", symbol: "DAI", decimals: 18 };
const WETH: Token = { address: "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", symbol: "WETH", decimals: 18 };
const E18 = 10n ** 18n;
/** Addresses of the deployed pairs. */
const pools = [
  uniswapV2({
    address: "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc",
    tokens: [USDC, WETH],
    reserves: [2_000_000n * 10n ** 6n, 1000n * E18],
  }),
  uniswapV2({
    address: "0xAE461cA67B15dc8dc81CE7615e0320dA1A9aB8D5",
    tokens: [DAI, USDC],
    reserves: [3_000_000n * E18, 3_000_000n * 10n ** 6n],
  }),
  uniswapV2({
    address: "0xA478c2975Ab1Ea89e8196811F51A7B7Ade33eB11",
    tokens: [DAI, WETH],
    reserves: [1_000_000n * E18, 505n * E18],
  }),
];
const sell = { token: USDC.address, amount: 50_000n * 10n ** 6n };
const { steps } = route(pools, { sell, buy: WETH.address, slippageBps: 50 });
const options = {
  deployment: uniswapV2Mainnet,
  to: "0x000000000000000000000000000000000000dEaD",
  deadline: 1_800_000_000n,
} as const;

describe("router calls", () => {
  it("are the plan's swaps in order, each with its own minOut and the deadline, as the router decodes them", () => {
    const calls = routerCalls(steps, options);
    expect(calls).toHaveLength(steps.length);
    expect(steps.length).toBe(3);
    calls.forEach((call, k) => {
      expect([call.chainId, call.address]).toEqual([1, uniswapV2Mainnet.router]);
      const data = encodeFunctionData(call);
      // The selector of swapExactTokensForTokens(uint256,uint256,address[],address,uint256).
      expect(data.slice(0, 10)).toBe("0x38ed1739");
      const { functionName, args } = decodeFunctionData({ abi: call.abi, data });
      const { amountIn, minOut, tokenIn, tokenOut } = steps[k]!;
      expect(functionName).toBe("swapExactTokensForTokens");
      expect(args).toEqual([amountIn, minOut, [tokenIn, tokenOut], options.to, options.deadline]);
      expect(minOut).toBeGreaterThan(0n);
    });
  });

  const [first] = steps;
  it.each([
    [
      "another pool of the same tokens",
      [{ ...first!, pool: options.to }],
      {},
      /step 0, pool 0x0{36}dEaD: expected the pair 0x/,
    ],
    ["another protocol", [{ ...first!, protocol: "balancer" }], {}, /step 0, pool .*got a pool of balancer/],
    ["another deployment", steps, { deployment: { ...uniswapV2Mainnet, factory: options.to } }, /step 0, pool/],
    ["no receiver", steps, { to: "0x1" }, /routerCalls: to: expected 0x and 40 hex digits, got "0x1"/],
    [
      "a deadline in milliseconds",
      steps,
      { deadline: 1_800_000_000_000n },
      /routerCalls: deadline: expected a bigint of seconds/,
    ],
    ["no deadline", steps, { deadline: undefined }, /routerCalls: deadline: expected a bigint of seconds/],
  ])("%s is refused", (_, given, change, message) => {
    expect(() => routerCalls(given, { ...options, ...change } as never)).toThrow(message);
  });
});
