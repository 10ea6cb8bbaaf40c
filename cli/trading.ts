/** @file Pools and plans on the command line. */

import { dirname } from "node:path";
import { type Address, encodeFunctionData, formatUnits, parseUnits, stringify } from "viem";
import { readCurvePools } from "../src/applications/trading/curve-pools.js";
import type { Market, Token } from "../src/applications/trading/market.js";
import { readPools } from "../src/applications/trading/pools.js";
import { routerCalls, uniswapV2Mainnet } from "../src/applications/trading/router/calls.js";
import { connected, network, type Refusal } from "../src/applications/trading/router/network.js";
import type { Plan } from "../src/applications/trading/router/route.js";
import { VouchError } from "../src/errors.js";
import type { Context } from "./command.js";
import { within } from "./errors.js";
import { makeFolder, readFileOrExplain, writeFileAtomic } from "./files.js";
import { flag, type Options, text, type Values } from "./options.js";
import type { Output } from "./output.js";

export const poolOptions = {
  pools: text("Pools with their reserves, JSON, or a table of Curve's (.csv); see docs/trading.md.", "FILE", undefined),
  "skip-invalid": flag("Leave out pools that cannot be traded with, and say how many, instead of refusing the file."),
  gas: text("Cost of one swap, in whole tokens of what is bought or profited in.", "AMOUNT", "0"),
  out: text("Write the plan with its proof here, amounts in base units.", "FILE.json", undefined),
} satisfies Options;

type PoolOptions = Values<typeof poolOptions>;

/** Markets of the file. @throws file, format; data naming the pool and field */
export async function readPoolFile({ name, out }: Context<Options>, options: PoolOptions): Promise<Market[]> {
  const called = `${name}: --pools ${options.pools ?? ""}`.trim();
  if (options.pools === undefined) {
    throw new VouchError("parameter", {
      name: called,
      expected: "a file",
      got: "nothing",
      remedy: "Say --pools FILE.",
    });
  }
  const bytes = await within(called, () => readFileOrExplain(options.pools!, "pools (.json, .csv)"));
  const table = options.pools.endsWith(".csv");
  const { pools, refused } = await within(called, async () =>
    table ? readCurvePools(new TextDecoder().decode(bytes)) : readPools(parseJson(called, bytes)),
  );
  refuse(refused, options, out);
  return pools;
}

/** The pools that trade with a token. @throws data naming the pool, for one that comes twice or is disconnected */
export function poolsFor(
  { out }: Context<Options>,
  all: readonly Market[],
  token: Token,
  options: PoolOptions,
): readonly Market[] {
  const { pools, refused } = connected(all, token.address);
  refuse(refused, options, out);
  return pools;
}

function refuse(refused: readonly Refusal[], options: PoolOptions, out: Output): void {
  const [first] = refused;
  if (first === undefined) return;
  if (!options["skip-invalid"]) {
    const { code, details } = first.error;
    const more = refused.length > 1 ? ` ${refused.length - 1} more are refused.` : "";
    throw new VouchError(code, { ...details, remedy: `${details.remedy}${more} --skip-invalid leaves them out.` });
  }
  out.line(`Left out ${refused.length} pools; the first: ${first.error.message}`);
}

function parseJson(called: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new VouchError("format", { name: called, expected: "JSON", got, remedy: "Write the file again." });
  }
}

/** How many times more pools than all namesakes together a token must be in for its symbol to mean it. */
const KNOWN = 10;

/** The token of a symbol or address. @throws parameter listing the addresses where a symbol may mean several tokens */
export function findToken(called: string, pools: readonly Market[], wanted: string, out: Output): Token {
  const uses = new Map<string, { token: Token; count: number }>();
  for (const { tokens } of pools) {
    for (const token of tokens) {
      const key = token.address.toLowerCase();
      if (token.symbol !== wanted && key !== wanted.toLowerCase()) continue;
      uses.set(key, { token, count: (uses.get(key)?.count ?? 0) + 1 });
    }
  }
  const [first, ...others] = [...uses.values()].sort((a, b) => b.count - a.count);
  const namesakes = others.reduce((sum, { count }) => sum + count, 0);
  if (first === undefined || first.count < KNOWN * namesakes) {
    const list = [...uses.values()].map(({ token, count }) => `${token.address} (${count} pools)`).join(", ");
    const got = list === "" ? wanted : `${wanted}, which is ${list}`;
    throw new VouchError("parameter", {
      name: called,
      expected: "a token of the pools",
      got,
      remedy: "Give its address.",
    });
  }
  if (others.length > 0) {
    out.line(
      `${wanted} is ${first.token.address}, in ${first.count} pools; ${others.length} other tokens use that symbol.`,
    );
  }
  return first.token;
}

export function gasOf(called: string, amount: string, { decimals, symbol }: Token): bigint {
  if (/^\d+(\.\d+)?$/.test(amount)) return parseUnits(amount, decimals);
  throw new VouchError("parameter", {
    name: called,
    expected: `an amount of ${symbol}`,
    got: `"${amount}"`,
    remedy: "Say --gas 0.01.",
  });
}

const SHOWN = 12;

export function printPlan(plan: Plan, pools: readonly Market[], token: Token, out: Output): void {
  const net = network(pools, token.address);
  const known = (address: Token["address"]) => net.tokens[net.find(address)!]!;
  const amount = (value: bigint, { decimals, symbol }: Token) =>
    `${Number(formatUnits(value, decimals)).toPrecision(6)} ${symbol}`;
  out.table(
    ["", "pool", "gives", "gets", "at least"],
    plan.steps.slice(0, SHOWN).map((step, k) => {
      const [from, to] = [known(step.tokenIn), known(step.tokenOut)];
      return [k + 1, step.pool, amount(step.amountIn, from), amount(step.amountOut, to), amount(step.minOut, to)];
    }),
  );
  if (plan.steps.length > SHOWN) out.line(`… and ${plan.steps.length - SHOWN} more; --out writes all.`);
  for (const { token: borrowed, amount: value } of plan.funding) {
    out.line(`On hand at the start, and again at the end: ${amount(value, borrowed)}.`);
  }
  if (plan.gas > 0n) out.line(`Gas ${amount(plan.gas, token)}.`);
  out.line(`If every swap pays its least: ${amount(plan.minReceived, token)}.`);
  out.line(
    `No trade over these pools at these reserves leaves more than ${formatUnits(plan.bound, token.decimals)} ${token.symbol}: ` +
      `${plan.gap} base units above this plan.`,
  );
}

/** What --out is to hold besides the plan. */
export const callOptions = {
  to: text(
    "Who sends the swaps and receives what they pay: adds calls of Uniswap v2's router to --out.",
    "ADDRESS",
    undefined,
  ),
  deadline: text("When the router is to refuse, with --to.", "SECONDS", undefined),
} satisfies Options;

/** Encoded calls of the plan, unsigned; undefined where none are asked for. @throws parameter; data naming the step and pool */
export function callsOf(
  name: string,
  { steps }: Plan,
  { to, deadline, out }: Values<typeof callOptions> & { readonly out: string | undefined },
) {
  if (to === undefined && deadline === undefined) return undefined;
  if (to === undefined || out === undefined || !/^\d{1,20}$/.test(deadline ?? "")) {
    throw new VouchError("parameter", {
      name: `${name}: --to, --deadline`,
      expected: "both, a deadline in seconds since 1970, and --out",
      got: `--to ${to ?? "nothing"} --deadline ${deadline ?? "nothing"} --out ${out ?? "nothing"}`,
      remedy: "Say --to 0x… --deadline 1800000000 --out plan.json.",
    });
  }
  const calls = routerCalls(steps, {
    ...{ deployment: uniswapV2Mainnet, to: to as Address },
    deadline: BigInt(deadline!),
  });
  return calls.map((call) => ({ chainId: call.chainId, to: call.address, data: encodeFunctionData(call) }));
}

/** @throws file */
export async function savePlan(name: string, path: string, plan: object, out: Output): Promise<void> {
  await within(`${name}: --out`, async () => {
    await makeFolder(dirname(path));
    await writeFileAtomic(path, new TextEncoder().encode(`${stringify(plan, null, 1)}\n`));
  });
  out.line(`Plan written to ${path}.`);
}
