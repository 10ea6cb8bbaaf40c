/** @file vouch route: sell one token for another over many pools, as an executable plan with a bound. */

import { formatUnits, parseUnits } from "viem";
import { route } from "../../src/applications/trading/router/route.js";
import { VouchError } from "../../src/errors.js";
import { command } from "../command.js";
import { within } from "../errors.js";
import { integer, text } from "../options.js";
import {
  callOptions,
  callsOf,
  findToken,
  gasOf,
  poolOptions,
  poolsFor,
  printPlan,
  readPoolFile,
  savePlan,
} from "../trading.js";

export const routeCommand = command({
  summary:
    "Sell a token for another over all pools of a file: an ordered plan in base units, and the bound no trade beats.",
  options: {
    ...poolOptions,
    ...callOptions,
    sell: text("How much of what, in whole tokens.", "AMOUNT:TOKEN", undefined),
    buy: text("Symbol or address.", "TOKEN", undefined),
    slippage: integer("Basis points by which each swap may pay less than its quote.", 50, { min: 0, max: 10_000 }),
  },
  async run(context) {
    const { name, options, out } = context;
    const { sell, buy, slippage, out: file } = options;
    const [amount, symbol, ...rest] = (sell ?? "").split(":");
    if (!/^\d+(\.\d+)?$/.test(amount!) || !symbol || rest.length > 0 || buy === undefined) {
      throw new VouchError("parameter", {
        name: `${name}: --sell, --buy`,
        expected: "--sell AMOUNT:TOKEN and --buy TOKEN",
        got: `--sell ${sell ?? "nothing"} --buy ${buy ?? "nothing"}`,
        remedy: "Say --sell 1000:USDC --buy WETH.",
      });
    }
    const all = await readPoolFile(context, options);
    const from = findToken(`${name}: --sell`, all, symbol, out);
    const to = findToken(`${name}: --buy`, all, buy, out);
    const pools = poolsFor(context, all, to, options);
    const gas = gasOf(`${name}: --gas`, options.gas, to);
    const started = performance.now();
    const plan = await within(name, () =>
      route(pools, {
        sell: { token: from.address, amount: parseUnits(amount!, from.decimals) },
        buy: to.address,
        slippageBps: slippage,
        gas,
      }),
    );
    const ms = performance.now() - started;
    out.line(
      `${amount} ${from.symbol} buys ${formatUnits(plan.received, to.decimals)} ${to.symbol} over ${pools.length} pools:`,
    );
    printPlan(plan, pools, to, out);
    const calls = callsOf(name, plan, options);
    if (file !== undefined) await savePlan(name, file, { ...plan, ...(calls && { calls }) }, out);
    return { figures: planFigures(plan, pools.length, to.decimals, ms) };
  },
});

/** Amounts as floats of whole tokens; the exact ones are in the plan's file. */
export function planFigures(
  { received, minReceived, bound, gap, gas, traded, steps }: ReturnType<typeof route>,
  pools: number,
  decimals: number,
  ms: number,
): Record<string, number> {
  const whole = (amount: bigint) => Number(formatUnits(amount, decimals));
  return {
    ...{ received: whole(received), min_received: whole(minReceived), bound: whole(bound), gas: whole(gas) },
    ...{ gap: whole(gap), gap_of_traded: traded > 0n ? Number(gap) / Number(traded) : 0, traded: whole(traded) },
    ...{ steps: steps.length, pools, ms },
  };
}
