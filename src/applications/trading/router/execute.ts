/** @file A plan carried out on the pools' own whole numbers: what a chain would do with it. */

import type { Address } from "viem";
import { VouchError } from "../../../errors.js";
import type { Market } from "../market.js";
import type { Step } from "./plan.js";

/** A plan to carry out, and what is on hand for it: sold amounts and borrowed ones. */
export interface Execution {
  readonly steps: readonly Step[];
  readonly funds: readonly { readonly token: Address; readonly amount: bigint }[];
}

/**
 * Balances by token (lower-case address) after all steps in order, from the pools' quotes as they change.
 *
 * @throws certificate naming the step that a chain would refuse: not enough of its token on hand, or less out than its minOut
 */
export function execute(pools: readonly Market[], { steps, funds }: Execution): Map<string, bigint> {
  const state = new Map(pools.map((market) => [market.address.toLowerCase(), market]));
  const balances = new Map<string, bigint>();
  const add = (token: Address, amount: bigint) => {
    const known = balances.get(token.toLowerCase()) ?? 0n;
    balances.set(token.toLowerCase(), known + amount);
    return known + amount;
  };
  for (const { token, amount } of funds) add(token, amount);
  steps.forEach((step, k) => {
    const fail = (expected: string, got: string) =>
      new VouchError("certificate", {
        name: `execute: step ${k}, pool ${step.pool}`,
        expected,
        got,
        remedy: "Plan again.",
      });
    const market = state.get(step.pool.toLowerCase());
    const [i, j] = [step.tokenIn, step.tokenOut].map((token) =>
      (market?.tokens ?? []).findIndex(({ address }) => address.toLowerCase() === token.toLowerCase()),
    ) as [number, number];
    if (market === undefined || i < 0 || j < 0) throw fail("a pool of both tokens", "none");
    const left = add(step.tokenIn, -step.amountIn);
    if (left < 0n) throw fail(`${step.amountIn} of ${step.tokenIn} on hand`, `${left + step.amountIn}`);
    const { amountOut, market: after } = market.swap(i, j, step.amountIn);
    if (amountOut < step.minOut) throw fail(`${step.minOut} or more`, `${amountOut}`);
    state.set(step.pool.toLowerCase(), after);
    add(step.tokenOut, amountOut);
  });
  return balances;
}
