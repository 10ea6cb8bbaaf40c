/** @file The router's peer: the same order over the same pools as a cone program in CVXPY, and both timed. */

import { gammaOf, type Market } from "../src/applications/trading/market.js";
import { connected, network } from "../src/applications/trading/router/network.js";
import type { Plan } from "../src/applications/trading/router/route.js";
import { startPeer } from "./peer.js";
import { pythonWith } from "./python.js";

interface Answer {
  readonly value: number;
  readonly status: string;
  readonly seconds: number;
  readonly solver_seconds: number;
  readonly version: string;
}

/** Runs after one that is not counted; the median is the figure. */
const RUNS = 5;
/**
 * Of the wanted token, whole: pools that hold less of a token are left to neither, as over all of them Clarabel says "unbounded":
 * reserves span 34 powers of ten in worth.
 */
const LEAST = 1e-9;

/**
 * Whole calls against whole calls: `speedup_1000`; and ours, whole numbers and bound included, against the peer's solver alone.
 *
 * The peer is given amounts in worth at the prices that were found, one vectorized second-order cone for all pools: the best we
 * know how to state it.
 */
export async function compareToPeer(
  all: readonly Market[],
  { proof }: Plan,
  routed: (pools: readonly Market[]) => Plan,
): Promise<{ readonly figures: Record<string, number | null>; readonly peer: string }> {
  const python = pythonWith("cvxpy, clarabel");
  if (python === undefined) return { figures: { speedup_1000: null }, peer: "none: no Python has CVXPY and Clarabel" };
  const { held, wanted } = proof.objective;
  const { prices, exponent } = proof.witness;
  const whole = network(all, all[0]!.tokens[0]!.address);
  const unit = 2 ** exponent / 10 ** whole.tokens[wanted]!.decimals;
  const worth = (amount: bigint, address: Market["address"]) => Number(amount * prices[whole.find(address)!]!) * unit;
  const sound = all.filter(({ reserves, tokens }) => tokens.every((t, i) => worth(reserves[i]!, t.address) >= LEAST));
  const { pools } = connected(sound, whole.tokens[wanted]!.address);
  const net = network(pools, whole.tokens[wanted]!.address);
  const sold = whole.tokens[held.findIndex((amount) => amount > 0n)]!.address;
  const given = {
    pools: net.edges.map(({ market, tokens }) => ({
      tokens,
      reserves: market.reserves.map((reserve, i) => worth(reserve, market.tokens[i]!.address)),
    })),
    gamma: gammaOf(pools[0]!.fee),
    count: net.tokens.length,
    sold: [net.find(sold)!, worth(held[whole.find(sold)!]!, sold)],
    wanted: net.find(whole.tokens[wanted]!.address)!,
  };
  const peer = startPeer(python, "router.py", []);
  try {
    const answers: Answer[] = [];
    const times: number[] = [];
    let plan = routed(pools);
    for (let k = 0; k <= RUNS; k++) {
      answers.push(await peer.ask<Answer>("route", given));
      const started = performance.now();
      plan = routed(pools);
      times.push(performance.now() - started);
    }
    const ms = median(times.slice(1));
    const [total, solver] = [
      1000 * median(answers.slice(1).map(({ seconds }) => seconds)),
      1000 * median(answers.slice(1).map(({ solver_seconds }) => solver_seconds)),
    ];
    const { value, status, version } = answers.at(-1)!;
    const received = Number(plan.received) / 10 ** whole.tokens[wanted]!.decimals;
    return {
      figures: {
        ...{ speedup_1000: total / ms, speedup_solver_1000: solver / ms, pools_compared: pools.length },
        ...{ ms_compared: ms, ms_peer: total, ms_peer_solver: solver, peer_received_more: value / received - 1 },
      },
      peer: `${version}, ${status}`,
    };
  } finally {
    await peer.close();
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
