/** Sell one token for another over three pools of three protocols, with a bound that no trade over them beats. */

import { formatUnits, parseUnits } from "viem";
import { balancer, execute, route, stableSwap, type Token, uniswapV2 } from "../src/applications/trading/exchange.js";

const USDC: Token = { address: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", symbol: "USDC", decimals: 6 };
const DAI: Token = { address: "0x6B175474E89094C44Da98b954EedeAC495271d0F", symbol: "DAI", decimals: 18 };
const WETH: Token = { address: "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", symbol: "WETH", decimals: 18 };
const units = (amount: string, { decimals }: Token) => parseUnits(amount, decimals);
const pools = [
  uniswapV2({
    address: "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc",
    tokens: [USDC, WETH],
    reserves: [units("2000000", USDC), units("1000", WETH)],
  }),
  stableSwap({
    address: "0xbEbc44782C7dB0a1A60Cb6fe97d0b483032FF1C7",
    tokens: [DAI, USDC],
    reserves: [units("900000", DAI), units("1100000", USDC)],
    amplification: 2000n,
    fee: 1_000_000n,
  }),
  balancer({
    address: "0x0b09deA16768f0799065C475bE02919503cB2a35",
    tokens: [DAI, WETH],
    reserves: [units("800000", DAI), units("600", WETH)],
    weights: [units("0.4", WETH), units("0.6", WETH)],
    swapFee: units("0.001", WETH),
  }),
];

const sell = { token: USDC.address, amount: units("50000", USDC) };
const plan = route(pools, { sell, buy: WETH.address, slippageBps: 50 });
for (const { protocol, amountIn, minOut } of plan.steps)
  console.log(`${protocol}: ${amountIn} in, at least ${minOut} out`);
const funds = [sell, ...plan.funding.map(({ token, amount }) => ({ token: token.address, amount }))];
const left = execute(pools, { steps: plan.steps, funds }).get(WETH.address.toLowerCase());
console.log(`executed: ${left === plan.received}, ${formatUnits(plan.received, 18)} WETH`);
console.log(`no trade leaves more than ${formatUnits(plan.bound, 18)} WETH: ${plan.gap} base units above`);
