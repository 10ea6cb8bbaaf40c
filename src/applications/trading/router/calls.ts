/** @file A plan's swaps as calls of the Uniswap v2 router, in the form viem takes: nothing is encoded, signed or sent here. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { Address, Hex } from "viem";
import { VouchError } from "../../../errors.js";
import type { Step } from "./plan.js";

/** The one function of the router that is called. @source Uniswap v2-periphery, IUniswapV2Router01 */
export const swapExactTokensForTokensAbi = [
  {
    type: "function",
    name: "swapExactTokensForTokens",
    stateMutability: "nonpayable",
    inputs: [
      { name: "amountIn", type: "uint256" },
      { name: "amountOutMin", type: "uint256" },
      { name: "path", type: "address[]" },
      { name: "to", type: "address" },
      { name: "deadline", type: "uint256" },
    ],
    outputs: [{ name: "amounts", type: "uint256[]" }],
  },
] as const;

/** Where an exchange of Uniswap v2's kind is deployed. */
export interface Deployment {
  readonly chainId: number;
  readonly router: Address;
  readonly factory: Address;
  /** keccak-256 of the code that makes a pair. */
  readonly initCodeHash: Hex;
}

/** @source Uniswap v2, deployment addresses; v2-periphery, UniswapV2Library.pairFor */
export const uniswapV2Mainnet: Deployment = {
  chainId: 1,
  router: "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D",
  factory: "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f",
  initCodeHash: "0x96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f",
};

export interface CallOptions {
  readonly deployment: Deployment;
  /** Who receives what each swap pays: whoever sends the calls, so that the next can tender it. */
  readonly to: Address;
  /** Seconds since 1970 after which the router refuses. */
  readonly deadline: bigint;
}

/** As `encodeFunctionData`, `simulateContract` and `writeContract` of viem take it. */
export interface RouterCall {
  readonly chainId: number;
  readonly address: Address;
  readonly abi: typeof swapExactTokensForTokensAbi;
  readonly functionName: "swapExactTokensForTokens";
  readonly args: readonly [
    amountIn: bigint,
    amountOutMin: bigint,
    path: readonly [Address, Address],
    to: Address,
    deadline: bigint,
  ];
}

/** A deadline beyond the year 5000 is in milliseconds. */
const LATEST = 10n ** 11n;

/**
 * One call a step, in order, each with the step's own minOut; the router must be allowed to spend `tokenIn` before.
 *
 * @throws data naming the step and pool, unless it is the deployment's pair of its two tokens; parameter naming the option
 */
export function routerCalls(steps: readonly Step[], { deployment, to, deadline }: CallOptions): RouterCall[] {
  const fail = (option: string, expected: string, got: string) =>
    new VouchError("parameter", { name: `routerCalls: ${option}`, expected, got, remedy: `Pass ${expected}.` });
  if (!/^0x[0-9a-fA-F]{40}$/.test(to)) throw fail("to", "0x and 40 hex digits", `"${to}"`);
  if (typeof deadline !== "bigint" || deadline <= 0n || deadline >= LATEST) {
    throw fail("deadline", "a bigint of seconds since 1970", `${deadline}`);
  }
  return steps.map(({ pool, protocol, tokenIn, tokenOut, amountIn, minOut }, k) => {
    const pair = pairOf(deployment, tokenIn, tokenOut);
    if (protocol !== "uniswap-v2" || pair !== pool.toLowerCase()) {
      throw new VouchError("data", {
        name: `routerCalls: step ${k}, pool ${pool}`,
        expected: `the pair ${pair} of router ${deployment.router}`,
        got: protocol === "uniswap-v2" ? "another pool of these tokens" : `a pool of ${protocol}`,
        remedy: "Route over the pairs of one deployment, or call the pool by its own ABI.",
      });
    }
    return {
      ...{ chainId: deployment.chainId, address: deployment.router },
      abi: swapExactTokensForTokensAbi,
      functionName: "swapExactTokensForTokens",
      args: [amountIn, minOut, [tokenIn, tokenOut], to, deadline],
    };
  });
}

/** The last 20 bytes of keccak-256(0xff, factory, keccak-256(lower token, higher token), initCodeHash), in lower case. */
function pairOf({ factory, initCodeHash }: Deployment, a: Address, b: Address): string {
  const [low, high] = [a.toLowerCase(), b.toLowerCase()].sort();
  const salt = keccak_256(bytesOf(low! + high!.slice(2)));
  const made = keccak_256(bytesOf(`0xff${factory.slice(2)}${bytesToHex(salt)}${initCodeHash.slice(2)}`));
  return `0x${bytesToHex(made.slice(12))}`;
}

function bytesOf(hex: string): Uint8Array {
  return hexToBytes(hex.slice(2));
}
