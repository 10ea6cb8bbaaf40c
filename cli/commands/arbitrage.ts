/** @file vouch arbitrage: what profit the prices of many pools leave, as an executable plan with a bound. */

import { formatUnits } from "viem";
import { arbitrage } from "../../src/applications/trading/router/route.js";
import { command } from "../command.js";
import { within } from "../errors.js";
import { integer, text } from "../options.js";
import { findToken, gasOf, poolOptions, poolsFor, printPlan, readPoolFile, savePlan } from "../trading.js";
import { planFigures } from "./route.js";

export const arbitrageCommand = command({
  summary:
    "Profit that the prices of a file's pools leave, in one token: an ordered plan, and the bound no trade beats.",
  options: {
    ...poolOptions,
    token: text("What profit is taken in: symbol or address.", "TOKEN", "WETH"),
    slippage: integer("Basis points by which each swap may pay less than its quote.", 0, { min: 0, max: 10_000 }),
  },
  async run(context) {
    const { name, options, out } = context;
    const all = await readPoolFile(context, options);
    const token = findToken(`${name}: --token`, all, options.token, out);
    const pools = poolsFor(context, all, token, options);
    const gas = gasOf(`${name}: --gas`, options.gas, token);
    const started = performance.now();
    const plan = await within(name, () =>
      arbitrage(pools, { token: token.address, slippageBps: options.slippage, gas }),
    );
    const ms = performance.now() - started;
    out.line(`${formatUnits(plan.received, token.decimals)} ${token.symbol} over ${pools.length} pools:`);
    printPlan(plan, pools, token, out);
    if (options.out !== undefined) await savePlan(name, options.out, plan, out);
    return { figures: planFigures(plan, pools.length, token.decimals, ms) };
  },
});
