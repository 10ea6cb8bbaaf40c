/** @file Curve pools from an exported table (CSV): plain StableSwap pools become markets, others are refused by name. */

import type { Address } from "viem";
import { VouchError } from "../../errors.js";
import { badPool, type Market } from "./market.js";
import { stableSwap } from "./markets/stable-swap.js";
import type { Refusal } from "./router/network.js";

/** Columns that are read; lists are in brackets, separated by blanks. */
const COLUMNS = [
  ...["pool_address", "n_coins", "is_meta", "a", "gamma", "fee", "offpeg_fee_multiplier"],
  ...["reserves", "normalized_reserves", "token_symbols_by_index", "token_addresses_by_index"],
] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;

/**
 * Markets of a table of Curve pools, one a row, under a line of column names: pool_address, n_coins, is_meta, a, gamma, fee,
 * offpeg_fee_multiplier, reserves, normalized_reserves, token_symbols_by_index, token_addresses_by_index.
 *
 * Decimals are those between `reserves` and `normalized_reserves`. Reserves in exponential notation have 17 digits: plans are as
 * exact as they are. Rates of tokens that accrue are not in such tables; a pool that has them quotes otherwise.
 *
 * @returns also each pool that is no plain StableSwap pool, or cannot be traded with, and the error naming it and the field
 * @throws format if a column is missing
 */
export function readCurvePools(csv: string): { readonly pools: Market[]; readonly refused: readonly Refusal[] } {
  const [head = [], ...lines] = csv
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map(cellsOf);
  const missing = COLUMNS.find((column) => !head.includes(column));
  if (missing !== undefined) {
    const [expected, got] = [`a column ${missing}`, head.slice(0, 8).join(", ") || "nothing"];
    throw new VouchError("format", { name: "readCurvePools", expected, got, remedy: "Export the table again." });
  }
  const pools: Market[] = [];
  const refused: Refusal[] = [];
  for (const cells of lines) {
    const row = Object.fromEntries(COLUMNS.map((column) => [column, cells[head.indexOf(column)] ?? ""])) as Row;
    try {
      pools.push(plainPool(row));
    } catch (error) {
      if (!(error instanceof VouchError)) throw error;
      refused.push({ pool: row.pool_address as Address, error });
    }
  }
  return { pools, refused };
}

function plainPool(row: Row): Market {
  const fail = (field: keyof Row, expected: string, remedy = "Leave the pool out.") =>
    badPool("readCurvePools", row.pool_address, field, expected, `"${row[field]}"`, remedy);
  if (row.gamma !== "") throw fail("gamma", "nothing, as StableSwap has no gamma");
  if (row.is_meta !== "false") throw fail("is_meta", "false: a pool of plain tokens");
  if (row.offpeg_fee_multiplier !== "") throw fail("offpeg_fee_multiplier", "nothing: a fee that does not change");
  const list = (field: keyof Row) =>
    row[field]
      .replace(/^\[|\]$/g, "")
      .split(/\s+/)
      .filter(Boolean);
  const words = (field: keyof Row) => list(field).map((word) => word.replace(/^"|"$/g, ""));
  const count = Number(row.n_coins);
  const [symbols, addresses] = [words("token_symbols_by_index"), words("token_addresses_by_index")];
  const [reserves, shown] = [list("reserves"), list("normalized_reserves")];
  for (const [field, { length }] of [
    ["token_symbols_by_index", symbols],
    ["token_addresses_by_index", addresses],
    ["reserves", reserves],
    ["normalized_reserves", shown],
  ] as const) {
    if (length !== count) throw fail(field, `n_coins = ${row.n_coins} entries`);
  }
  const whole = (field: keyof Row, text: string) => {
    const value = wholeNumber(text);
    if (value === undefined) throw fail(field, "whole numbers ≥ 0");
    return value;
  };
  const tokens = symbols.map((symbol, k) => {
    const digits = Math.log10(Number(reserves[k])) - Math.log10(Number(shown[k]));
    const decimals = Math.round(digits);
    if (!(Math.abs(digits - decimals) < 1e-6)) throw fail("normalized_reserves", "reserves over powers of ten");
    return { address: addresses[k] as Address, symbol, decimals };
  });
  return stableSwap({
    ...{ address: row.pool_address as Address, tokens },
    reserves: reserves.map((text) => whole("reserves", text)),
    amplification: whole("a", row.a),
    fee: whole("fee", row.fee),
  });
}

/** 2.4E25, 1500000.0 or 12 as a whole number; undefined for what is none. */
function wholeNumber(text: string): bigint | undefined {
  const [, units, decimals = "", power = "0"] = /^(\d{1,40})(?:\.(\d{1,40}))?(?:E(\d{1,2}))?$/.exec(text) ?? [];
  if (units === undefined) return undefined;
  const digits = decimals.replace(/0+$/, "");
  const shift = Number(power) - digits.length;
  return shift < 0 ? undefined : BigInt(units + digits) * 10n ** BigInt(shift);
}

/** Cells of one line; a quote within quotes is doubled. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
  );
}
