/** @file Curve pools from a table: what is read, and what is refused by pool and field. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dataFile } from "../../../cli/paths.js";
import { readCurvePools } from "../../../src/applications/trading/curve-pools.js";

const address = (k: number) => `0x${k.toString(16).padStart(40, "0")}`;
const good = {
  pool_address: address(9),
  pool_name: '"3pool, the ""first"""',
  ...{ n_coins: "3", is_meta: "false", a: "4000.0", gamma: "", fee: "1500000.0", offpeg_fee_multiplier: "" },
  reserves: "[2.4040251587335584E25 2.3837314104871E13 1.16546145000461E14]",
  normalized_reserves: "[2.4040251587335587E7 2.3837314104871E7 1.16546145000461E8]",
  token_symbols_by_index: '"[""DAI"" ""USDC"" ""USDT""]"',
  token_addresses_by_index: `"[""${address(1)}"" ""${address(2)}"" ""${address(3)}""]"`,
};
const table = (...rows: Readonly<Record<string, string>>[]) =>
  [Object.keys(good).join(","), ...rows.map((row) => Object.values(row).join(","))].join("\n");

describe("a table of Curve pools", () => {
  it("becomes markets: whole reserves from exponential notation, decimals from the normalized ones", () => {
    const { pools, refused } = readCurvePools(table(good));
    expect(refused).toEqual([]);
    const [pool] = pools;
    expect(pool!.protocol).toBe("stable-swap");
    expect(pool!.tokens.map(({ symbol, decimals }) => [symbol, decimals])).toEqual([
      ["DAI", 18],
      ["USDC", 6],
      ["USDT", 6],
    ]);
    expect(pool!.reserves).toEqual([24040251587335584000000000n, 23837314104871n, 116546145000461n]);
    expect(pool!.fee.numerator).toBe(1_500_000n);
    const paid = pool!.quoteExact(1, 0, 1_000_000n);
    expect(Math.abs(Number(paid) / 1e18 - 1)).toBeLessThan(1e-3);
  });

  it.each([
    [{ gamma: "1E15" }, "gamma: expected nothing"],
    [{ is_meta: "true" }, "is_meta: expected false"],
    [{ offpeg_fee_multiplier: "5.0E10" }, "offpeg_fee_multiplier: expected nothing"],
    [{ n_coins: "2" }, "token_symbols_by_index: expected n_coins = 2 entries"],
    [{ reserves: "[1E18 2E6]" }, "reserves: expected n_coins = 3 entries"],
    [
      { reserves: "[0.0 2.3837314104871E13 1.16546145000461E14]" },
      "normalized_reserves: expected reserves over powers",
    ],
    [
      { reserves: "[NaN 2.3837314104871E13 1.16546145000461E14]" },
      "normalized_reserves: expected reserves over powers",
    ],
    [
      {
        reserves: "[2.40402515873355845E1 2.3837314104871E13 1.1E14]",
        normalized_reserves: "[24.0402515873355845 2.3837314104871E7 1.1E8]",
      },
      "reserves: expected whole numbers",
    ],
    [
      { reserves: "[2.4E38 2.3837314104871E13 1.1E14]", normalized_reserves: "[2.4E20 2.3837314104871E7 1.1E8]" },
      "reserves[0]: expected a bigint from 1 to 2^112",
    ],
    [
      { normalized_reserves: "[2.4040251587335584E25 2.3837314104871E7 1.16546145000461E8]" },
      "tokens[0].decimals: expected 1 to 18",
    ],
    [{ a: "0.0" }, "amplification: expected a whole number from 1"],
    [{ a: "x" }, "a: expected whole numbers"],
    [{ fee: "1.0E10" }, "fee: expected a fee in [0, 1)"],
    [{ pool_address: "0x12" }, "address: expected 0x and 40 hex digits"],
  ])("with %s has its pool refused by name and field, and the others kept", (change, message) => {
    const { pools, refused } = readCurvePools(table({ ...good, ...change }, { ...good, pool_address: address(8) }));
    expect(pools.map((pool) => pool.address)).toEqual([address(8)]);
    expect(refused).toHaveLength(1);
    expect(refused[0]!.error.message).toContain(
      `pool ${"pool_address" in change ? change.pool_address : address(9)}: `,
    );
    expect(refused[0]!.error.message).toContain(message);
  });

  it("without a column is refused", () => {
    expect(() => readCurvePools("pool_address,n_coins\n")).toThrow("readCurvePools: expected a column is_meta");
    expect(() => readCurvePools("")).toThrow("readCurvePools: expected a column pool_address, got nothing");
  });

  const exported = dataFile("trading", "curve_pools_2026-01-25.csv");
  it.skipIf(!existsSync(exported))("of 325 real pools has 45 plain ones (data: trading/)", () => {
    const { pools, refused } = readCurvePools(readFileSync(exported, "utf8"));
    expect([pools.length, refused.length]).toEqual([45, 280]);
    for (const pool of pools) expect(pool.quoteExact(0, 1, pool.reserves[0]! / 1000n)).toBeGreaterThan(0n);
    for (const { error } of refused) {
      expect(error.message).toMatch(
        /^readCurvePools: pool 0x\w{40}: (gamma|is_meta|offpeg_fee_multiplier|token_symbols_by_index): /,
      );
    }
  });
});
