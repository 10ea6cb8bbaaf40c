/** @file The router: plans that execute to the last unit, and a bound that no trade beats. */

import { Matrix, solve } from "ml-matrix";
import { describe, expect, it } from "vitest";
import type { Market, Token } from "../../../src/applications/trading/market.js";
import { balancer } from "../../../src/applications/trading/markets/balancer.js";
import { constantSum } from "../../../src/applications/trading/markets/constant-sum.js";
import { stableSwap } from "../../../src/applications/trading/markets/stable-swap.js";
import { uniswapV2 } from "../../../src/applications/trading/markets/uniswap-v2.js";
import { parsePools } from "../../../src/applications/trading/pools.js";
import { upperBound, type Witness } from "../../../src/applications/trading/router/bound.js";
import { execute } from "../../../src/applications/trading/router/execute.js";
import { laplacian } from "../../../src/applications/trading/router/laplacian.js";
import { network } from "../../../src/applications/trading/router/network.js";
import { arbitrage, type Plan, route } from "../../../src/applications/trading/router/route.js";
import { VouchError } from "../../../src/errors.js";
import { type Random, random } from "../../../src/random.js";

const address = (k: number) => `0x${k.toString(16).padStart(40, "0")}` as const;
const token = (k: number, decimals = 18): Token => ({ address: address(k), symbol: `T${k}`, decimals });
const E18 = 10n ** 18n;
const [A, B, C] = [token(1), token(2), token(3, 6)];
const pair = (k: number, tokens: readonly [Token, Token], reserves: readonly [bigint, bigint]) =>
  uniswapV2({ address: address(1000 + k), tokens, reserves });

/** Pools of a random network: prices of tokens known up to a few per cent. */
function drawPools(rng: Random, count: number, tokens: number): Market[] {
  const all = Array.from({ length: tokens }, (_, k) => token(k + 1, [18, 6, 8][k % 3]!));
  const price = all.map(() => Math.exp(4 * (rng.uniform() - 0.5)));
  return Array.from({ length: count }, (_, k) => {
    const a = k < tokens - 1 ? k + 1 : rng.integer(tokens);
    const b = k < tokens - 1 ? rng.integer(k + 1) : (a + 1 + rng.integer(tokens - 1)) % tokens;
    const depth = 10 ** (2 + 3 * rng.uniform());
    const amount = (t: number) =>
      BigInt(Math.floor((depth / price[t]!) * Math.exp(0.03 * rng.normal()) * 1e6)) *
      (10n ** BigInt(all[t]!.decimals) / 10n ** 6n);
    return pair(k, [all[a]!, all[b]!], [amount(a), amount(b)]);
  });
}

function mixed(): Market[] {
  const [reserves, fee] = [
    [400_000n * E18, 410_000n * E18, 390_000n * 10n ** 6n],
    { numerator: 1n, denominator: 1000n },
  ];
  return [
    pair(1, [A, B], [100_000n * E18, 103_000n * E18]),
    stableSwap({ address: address(2001), tokens: [A, B, C], reserves, amplification: 100n, fee: 4_000_000n }),
    constantSum({
      address: address(2002),
      tokens: [B, C],
      reserves: [50_000n * E18, 50_000n * 10n ** 6n],
      rates: [1n, 10n ** 12n],
      fee,
    }),
    balancer({
      address: address(2003),
      tokens: [A, C],
      reserves: [200_000n * E18, 50_000n * 10n ** 6n],
      weights: [(8n * E18) / 10n, (2n * E18) / 10n],
      swapFee: E18 / 500n,
    }),
  ];
}

/** Carry a plan out with what is sold and borrowed; what is left beyond the borrowed. */
function leftAfter(
  pools: readonly Market[],
  { steps, funding }: Plan,
  sold: readonly { token: `0x${string}`; amount: bigint }[],
) {
  const funds = [...sold, ...funding.map(({ token: t, amount }) => ({ token: t.address, amount }))];
  const balances = execute(pools, { steps, funds });
  for (const { token: t, amount } of funding) {
    balances.set(t.address.toLowerCase(), balances.get(t.address.toLowerCase())! - amount);
  }
  return balances;
}

describe("arbitrage", () => {
  it("between two product pools is the closed form, to the base unit's worth of the gap", () => {
    const pools = [pair(1, [A, B], [1000n * E18, 1000n * E18]), pair(2, [A, B], [1000n * E18, 1210n * E18])];
    const plan = arbitrage(pools, { token: A.address, slippageBps: 0 });
    // x of A buys B in the second pool and sells it in the first: profit (√(γ²·k) − √…)², Angeris et al. 2019, with γ = 0.997.
    const [g, a1, b1, a2, b2] = [0.997, 1000, 1000, 1000, 1210];
    const x = (Math.sqrt(g * g * a1 * b1 * a2 * b2) - a2 * b1) / (g * (b1 + g * b2));
    const bought = (b2 * g * x) / (a2 + g * x);
    const profit = (a1 * g * bought) / (b1 + g * bought) - x;
    expect(Number(plan.received) / 1e18).toBeCloseTo(profit, 9);
    expect(plan.gap).toBeGreaterThanOrEqual(0n);
    expect(Number(plan.gap)).toBeLessThan(1e-9 * Number(plan.traded));
    expect(leftAfter(pools, plan, []).get(A.address)).toBe(plan.received);
  });

  it("is nothing where the fee exceeds the difference of prices, and the bound says so", () => {
    const pools = [pair(1, [A, B], [1000n * E18, 1000n * E18]), pair(2, [A, B], [1000n * E18, 1003n * E18])];
    const plan = arbitrage(pools, { token: A.address, slippageBps: 0 });
    expect(plan.steps).toEqual([]);
    expect(plan.bound).toBeLessThanOrEqual(1n);
  });
});

describe("plans of random networks", () => {
  it("execute to the last unit, sell all, and nothing beats their bound", () => {
    let trades = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const rng = random(seed);
      const pools = drawPools(rng, 60, 14);
      const [from, to] = [pools[3]!.tokens[0]!, pools[9]!.tokens[1]!];
      if (from.address === to.address) continue;
      const sell = { token: from.address, amount: 50n * 10n ** BigInt(from.decimals) };
      const plan = route(pools, { sell, buy: to.address, slippageBps: 30 });
      const left = leftAfter(pools, plan, [sell]);
      expect(left.get(to.address)).toBe(plan.received);
      for (const balance of left.values()) expect(balance).toBeGreaterThanOrEqual(0n);
      expect(left.get(from.address) ?? 0n).toBeLessThanOrEqual(sell.amount / 10n ** 6n);
      expect(plan.gap).toBeGreaterThanOrEqual(0n);
      expect(Number(plan.gap)).toBeLessThan(1e-6 * Number(plan.traded));
      for (const step of plan.steps) expect(step.minOut).toBe((step.amountOut * 9970n) / 10_000n);
      expect(plan.minReceived).toBeLessThan(plan.received);
      trades += plan.steps.length;
    }
    expect(trades).toBeGreaterThan(100);
  });

  it("are not thrown off by pools of fabricated reserves, whose prices are wrong by orders of magnitude", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const pools = drawPools(random(seed), 60, 14);
      const [from, to] = [pools[3]!.tokens[0]!, pools[9]!.tokens[1]!];
      const one = ({ decimals }: Token) => 10n ** BigInt(decimals);
      const sell = { token: from.address, amount: 50n * one(from) };
      const fake = token(99);
      const scam = [pair(500, [fake, from], [2000n, one(from)]), pair(501, [fake, to], [10n ** 22n, one(to) / 2n])];
      const honest = route(pools, { sell, buy: to.address, slippageBps: 0 });
      const plan = route([...pools, ...scam], { sell, buy: to.address, slippageBps: 0 });
      expect(plan.received).toBeGreaterThanOrEqual(honest.received);
      expect(Number(plan.gap)).toBeLessThan(1e-8 * Number(plan.traded));
      expect(plan.solver.steps).toBeLessThanOrEqual(honest.solver.steps + 10);
    }
  });

  it("waste nothing on fractions of a unit: where units are few and dear, each swap tenders the least that pays its output", () => {
    const coin = token(50, 2);
    for (let seed = 1; seed <= 6; seed++) {
      const rng = random(seed);
      const coins = () => BigInt(2000 + rng.integer(4000));
      const pools = [A, B, C].flatMap((other, k) =>
        [0, 1].map((n) => pair(10 * k + n, [coin, other], [coins(), 1000n * 10n ** BigInt(other.decimals)])),
      );
      const plan = arbitrage(pools, { token: A.address, slippageBps: 0 });
      expect(leftAfter(pools, plan, []).get(A.address)).toBe(plan.received);
      expect(plan.steps.length).toBeGreaterThan(3);
      for (const { pool, tokenIn, amountIn, amountOut } of plan.steps) {
        const market = pools.find(({ address: at }) => at === pool)!;
        const i = market.tokens.findIndex((t) => t.address === tokenIn);
        expect(market.quoteExact(i, 1 - i, amountIn)).toBe(amountOut);
        expect(market.quoteExact(i, 1 - i, amountIn - 1n)).toBeLessThan(amountOut);
      }
      expect(plan.gap).toBeGreaterThanOrEqual(0n);
      expect(Number(plan.gap)).toBeLessThan(5e-3 * Number(plan.traded));
    }
  });

  it("fill orders over a pool whose best trade jumps from none to all", () => {
    const rng = random(12);
    let filled = 0;
    for (let k = 0; k < 60; k++) {
      const amount = ({ decimals }: Token) => 10n ** BigInt(decimals + 3) + BigInt(rng.integer(10 ** 6)) * 10n ** 5n;
      const fee = { numerator: BigInt(rng.integer(100)), denominator: 10_000n };
      const rates = [1n, 1n, 10n ** 12n];
      const tokens = [A, B, C];
      const pool = constantSum({ address: address(2002), tokens, reserves: tokens.map(amount), rates, fee });
      const sell = { token: A.address, amount: E18 + BigInt(rng.integer(10 ** 9)) };
      const plan = route([pool], { sell, buy: (k % 2 ? B : C).address, slippageBps: 0 });
      if (plan.steps.length > 0 && plan.received === pool.quoteExact(0, 1 + ((k + 1) % 2), sell.amount)) filled++;
    }
    expect(filled).toBeGreaterThanOrEqual(57);
  });

  it("mix protocols: several assets, constant sums and stable curves in one plan", () => {
    const pools = mixed();
    const sell = { token: A.address, amount: 20_000n * E18 };
    const plan = route(pools, { sell, buy: C.address, slippageBps: 0 });
    expect(leftAfter(pools, plan, [sell]).get(C.address)).toBe(plan.received);
    expect(new Set(plan.steps.map(({ protocol }) => protocol)).size).toBeGreaterThanOrEqual(3);
    expect(Number(plan.gap)).toBeGreaterThanOrEqual(0);
    expect(Number(plan.gap)).toBeLessThan(1e-5 * Number(plan.traded));
  });

  it("count gas: no more than without, and no fewer units than the bound less the gap", () => {
    const pools = drawPools(random(5), 60, 14);
    const to = pools[9]!.tokens[1]!;
    const gas = 10n ** BigInt(to.decimals) / 100n;
    const free = arbitrage(pools, { token: to.address, slippageBps: 0 });
    const paid = arbitrage(pools, { token: to.address, slippageBps: 0, gas });
    expect(paid.gas).toBe(gas * BigInt(paid.steps.length));
    expect(paid.steps.length).toBeLessThan(free.steps.length);
    expect(paid.received - paid.gas).toBeGreaterThanOrEqual(free.received - gas * BigInt(free.steps.length));
    expect(paid.bound).toBeLessThanOrEqual(free.bound);
    expect(paid.gap).toBeGreaterThanOrEqual(0n);
  });
});

describe("the bound", () => {
  const pools = drawPools(random(2), 30, 8);
  const to = pools[9]!.tokens[1]!;
  const plan = arbitrage(pools, { token: to.address, slippageBps: 0 });
  const net = network(pools, to.address);
  const { objective, witness } = plan.proof;
  const scaled = (by: (price: bigint, t: number) => bigint, also: (g: bigint, t: number) => bigint): Witness => ({
    ...witness,
    prices: witness.prices.map(by),
    pools: witness.pools.map((g, j) => g.map((value, i) => also(value, net.edges[j]!.tokens[i]!))),
  });

  it("is what its witness proves, and holds for any other witness", () => {
    expect(upperBound(net, objective, witness)).toBe(plan.bound);
    const rng = random(3);
    for (let k = 0; k < 50; k++) {
      const by = net.tokens.map((_, t) => BigInt(t === objective.wanted ? 1000 : 500 + rng.integer(1000)));
      const other = scaled(
        (price, t) => price * by[t]!,
        (g, t) => g * by[t]!,
      );
      expect(upperBound(net, objective, { ...other, exponent: witness.exponent })).toBeGreaterThanOrEqual(
        plan.received,
      );
    }
  });

  it("refuses a witness that proves nothing", () => {
    const wrong = [
      scaled(
        (price, t) => (t === objective.wanted ? price - 1n : price),
        (g) => g,
      ),
      scaled(
        (price) => price,
        (g) => g - g / 100n,
      ),
      scaled(
        (price) => price,
        (g) => g + g / 100n,
      ),
      { ...witness, prices: witness.prices.slice(1) },
      { ...witness, pools: witness.pools.slice(1) },
      { ...witness, prices: witness.prices.map((price) => -price) },
    ];
    for (const bad of wrong) expect(() => upperBound(net, objective, bad)).toThrow(/^upperBound: expected/);
  });
});

describe("what is refused, by name", () => {
  const good = pair(1, [A, B], [1000n * E18, 1000n * E18]);
  const sell = { token: A.address, amount: E18 };
  const ask =
    (change: object, pools: readonly Market[] = [good]) =>
    () =>
      route(pools, { sell, buy: B.address, slippageBps: 50, ...change });
  const cases: [string, () => unknown, string][] = [
    ["a pool twice", ask({}, [good, good]), `pool ${good.address}: address: expected each pool once`],
    [
      "a disconnected pool",
      ask({}, [good, pair(2, [C, token(4)], [10n, 10n])]),
      `pool ${address(1002)}: tokens: expected a path of pools`,
    ],
    [
      "other decimals",
      ask({}, [good, pair(2, [token(1, 6), B], [10n, 10n])]),
      `pool ${address(1002)}: tokens[0].decimals`,
    ],
    ["an unknown token", ask({ buy: C.address }, [good]), "pool"],
    ["the same token", ask({ buy: A.address }), "route: buy: expected another token"],
    ["nothing sold", ask({ sell: { ...sell, amount: 0n } }), "route: sell.amount: expected"],
    ["an amount of 2^112", ask({ sell: { ...sell, amount: 1n << 112n } }), "route: sell.amount: expected"],
    ["a float amount", ask({ sell: { ...sell, amount: 1.5 } }), "route: sell.amount: expected"],
    ["no slippage", ask({ slippageBps: undefined }), "route: slippageBps: expected whole basis points"],
    ["slippage as a share", ask({ slippageBps: 0.005 }), "route: slippageBps: expected whole basis points"],
    ["negative gas", ask({ gas: -1n }), "route: gas: expected a bigint"],
  ];
  it.each(cases)("%s", (_, attempt, message) => {
    expect(attempt).toThrow(VouchError);
    expect(attempt).toThrow(message);
  });

  it("and the honest ones pass", () => {
    expect(ask({})().steps).toHaveLength(1);
  });

  it("an execution short of funds, or below its minOut", () => {
    const plan = ask({})();
    const funds = [{ token: A.address, amount: E18 }];
    expect(execute([good], { steps: plan.steps, funds }).get(B.address)).toBe(plan.received);
    expect(() => execute([good], { steps: plan.steps, funds: [] })).toThrow(/^execute: step 0, pool/);
    const greedy = plan.steps.map((step) => ({ ...step, minOut: step.amountOut + 1n }));
    expect(() => execute([good], { steps: greedy, funds })).toThrow(/^execute: step 0, pool/);
  });
});

describe("pools in JSON", () => {
  const tokens = [A, C];
  const common = { address: address(7), tokens, reserves: ["1000000000000000000", "1000000"] };
  const rows = [
    { protocol: "uniswap-v2", ...common },
    {
      protocol: "balancer",
      ...common,
      weights: ["500000000000000000", "500000000000000000"],
      swapFee: "3000000000000000",
    },
    {
      protocol: "constant-sum",
      ...common,
      rates: ["1", "1000000000000"],
      fee: { numerator: "1", denominator: "1000" },
    },
    { protocol: "stable-swap", ...common, amplification: "100", fee: "4000000" },
    {
      ...{ protocol: "uniswap-v3", ...common, fee: 3000, tickSpacing: 60, liquidity: "1000" },
      ...{
        sqrtPriceX96: "79228162514264337593543950336",
        ticks: [
          { index: -60, net: "1000" },
          { index: 60, net: "-1000" },
        ],
      },
    },
  ];
  it.each(rows.map((pool) => [pool.protocol, pool] as const))("%s", (protocol, pool) => {
    expect(parsePools([pool])[0]!.protocol).toBe(protocol);
    expect(() => parsePools([{ ...pool, reserves: [1, 2] }])).toThrow(
      `parsePools: pool ${address(7)}: reserves.0: expected`,
    );
    expect(() => parsePools({ pools: [{ ...pool, reserves: ["0", "1"] }] })).toThrow(
      `pool ${address(7)}: reserves[0]: expected`,
    );
  });
  it("no list, or another protocol", () => {
    expect(() => parsePools({})).toThrow("parsePools: expected an array of pools");
    expect(() => parsePools([{ ...common, protocol: "uniswap-v9" }])).toThrow("protocol: expected one of");
  });
});

describe("laplacian", () => {
  it("solves as a dense factorization does", () => {
    const rng = random(9);
    const n = 25;
    const edges = Array.from({ length: 60 }, () => [rng.integer(n), rng.integer(n)] as const);
    const weights = Float64Array.from(edges, () => rng.uniform());
    const diagonal = Float64Array.from({ length: n }, () => 0.1 + rng.uniform());
    const b = Float64Array.from({ length: n }, () => rng.normal());
    const dense = Matrix.diag([...diagonal]);
    edges.forEach(([p, q], e) => {
      if (p === q) return;
      for (const [i, j, sign] of [
        [p, p, 1],
        [q, q, 1],
        [p, q, -1],
        [q, p, -1],
      ] as const) {
        dense.set(i, j, dense.get(i, j) + sign * weights[e]!);
      }
    });
    const expected = solve(dense, Matrix.columnVector([...b])).to1DArray();
    laplacian(n, edges)
      .solve(weights, diagonal, b)
      .forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-10);
      });
  });
});
