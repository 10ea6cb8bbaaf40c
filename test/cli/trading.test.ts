/** @file vouch route and vouch arbitrage as child processes: plans, and bad pools refused by name. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
let folder = "";
const at = (name: string) => join(folder, name);
const address = (k: number) => `0x${k.toString(16).padStart(40, "0")}`;
const side = (k: number, symbol: string, decimal: number) => ({ address: address(k), symbol, decimal });
const [USDC, WETH] = [side(1, "USDC", 6), side(2, "WETH", 18)];
const pair = (k: number, token0: object, token1: object, reserve0: string, reserve1: string) => ({
  ...{ address: address(100 + k), token0, token1, reserve0, reserve1 },
});
const good = [
  pair(1, USDC, WETH, "400000000000", "1000000000000000000000"),
  pair(2, USDC, WETH, "80000000000", "203000000000000000000"),
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-trading-"));
  await writeFile(at("good.json"), JSON.stringify(good));
  const dead = pair(3, side(3, "DEAD", 0), WETH, "5", "5");
  await writeFile(at("bad.json"), JSON.stringify([...good, dead]));
});
afterAll(() => rm(folder, { recursive: true }));

function vouch(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", main, ...words], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

test("route sells 1000 USDC over both pools, with its bound and a plan in base units", async () => {
  const sell = ["--sell", "1000:USDC", "--buy", "WETH", "--slippage", "100"];
  const { code, stdout } = await vouch(
    "route",
    "--pools",
    at("good.json"),
    ...sell,
    "--out",
    at("plan.json"),
    "--json",
  );
  expect(code).toBe(0);
  const { figures } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  expect(figures.received).toBeGreaterThan(2.4);
  expect(figures.received).toBeLessThanOrEqual(figures.bound);
  expect(figures.gap_of_traded).toBeLessThan(1e-9);
  const plan = JSON.parse(await readFile(at("plan.json"), "utf8"));
  expect(plan.steps).toHaveLength(figures.steps);
  for (const step of plan.steps) {
    expect(step.minOut).toBe(String((BigInt(step.amountOut) * 99n) / 100n));
  }
});

test("route over a table of Curve pools, left-out pools said aloud", async () => {
  const head =
    "pool_address,n_coins,is_meta,a,gamma,fee,offpeg_fee_multiplier,reserves,normalized_reserves,token_symbols_by_index,token_addresses_by_index";
  const row = (k: number, gamma: string) =>
    `${address(200 + k)},2,false,200.0,${gamma},4000000.0,,[1.0E12 1.1E24],[1.0E6 1.1E6],"[""USDC"" ""DAI""]","[""${address(1)}"" ""${address(5)}""]"`;
  await writeFile(at("curve.csv"), [head, row(1, ""), row(2, "1.0E15")].join("\n"));
  const words = ["route", "--pools", at("curve.csv"), "--sell", "1000:USDC", "--buy", "DAI"];
  const strict = await vouch(...words);
  expect([strict.code, strict.stdout]).toEqual([64, ""]);
  expect(strict.stderr).toMatch(/readCurvePools: pool 0x0{37}0ca: gamma: expected nothing/);
  const { code, stdout } = await vouch(...words, "--skip-invalid", "--json");
  const { figures } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  expect(code).toBe(0);
  expect(figures.pools).toBe(1);
  expect(Math.abs(figures.received / 1000 - 1)).toBeLessThan(2e-3);
});

test("arbitrage takes the difference of the two prices", async () => {
  const { code, stdout } = await vouch("arbitrage", "--pools", at("good.json"), "--json");
  const { figures } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  expect(code).toBe(0);
  expect(figures.received).toBeGreaterThan(0);
  expect(figures.gap_of_traded).toBeLessThan(1e-6);
});

test("a pool that cannot be traded with is refused by name, and left out on request", async () => {
  const strict = await vouch("route", "--pools", at("bad.json"), "--sell", "1000:USDC", "--buy", "WETH");
  expect(strict.code).toBe(64);
  expect(strict.stdout).toBe("");
  expect(strict.stderr).toMatch(/^error \(data\): uniswapV2: pool 0x0{37}067: tokens\[0\]\.decimals: expected/);
  const lenient = await vouch(
    "route",
    "--pools",
    at("bad.json"),
    "--sell",
    "1000:USDC",
    "--buy",
    "WETH",
    "--skip-invalid",
  );
  expect(lenient.code).toBe(0);
  expect(lenient.stdout).toContain("Left out 1 pools");
});

test.each([
  [["--sell", "1000", "--buy", "WETH"], "--sell AMOUNT:TOKEN"],
  [["--sell", "1000:USDC"], "--sell AMOUNT:TOKEN"],
  [["--sell", "1000:NONE", "--buy", "WETH"], "expected a token of the pools, got NONE"],
  [["--sell", "NaN:USDC", "--buy", "WETH"], "--sell AMOUNT:TOKEN"],
  [["--sell", "1000:USDC", "--buy", "WETH", "--gas", "-1"], "--gas: expected an amount of WETH"],
  [["--sell", "1000:USDC", "--buy", "WETH", "--to", `0x${"1".repeat(40)}`], "--to, --deadline: expected both"],
  [
    [
      "--sell",
      "1000:USDC",
      "--buy",
      "WETH",
      "--to",
      `0x${"1".repeat(40)}`,
      "--deadline",
      "1800000000",
      "--out",
      "plan.json",
    ],
    "routerCalls: step 0, pool 0x",
  ],
])("a bad order %s is refused", async (words, message) => {
  const { code, stderr } = await vouch("route", "--pools", at("good.json"), ...words);
  expect(code).toBe(64);
  expect(stderr).toContain(message);
});
