/** @file Pools as a network: tokens by number, what cannot be traded with refused by name, and the part that matters. */

import type { Address } from "viem";
import type { VouchError } from "../../../errors.js";
import { badPool, type Market, type Token } from "../market.js";

export interface Edge {
  readonly market: Market;
  /** Number of each of the market's tokens in the network. */
  readonly tokens: readonly number[];
}

export interface Network {
  readonly tokens: readonly Token[];
  readonly edges: readonly Edge[];
  /** Number of the token at an address, in any case of letters; undefined where no pool has it. */
  find(address: Address): number | undefined;
}

/** A pool that was left out, and the error that names it. */
export interface Refusal {
  readonly pool: Address;
  readonly error: VouchError;
}

/**
 * The network of the pools that trade, directly or not, with `anchor`.
 *
 * @throws data naming the pool and field, for one that comes twice, states other decimals of a token than another pool, or has no
 * path to the anchor
 */
export function network(pools: readonly Market[], anchor: Address): Network {
  const { made, refused } = connect(pools, anchor);
  const [first] = refused;
  if (first) throw first.error;
  return made;
}

/** As `network`, leaving out the pools it would refuse and saying which. */
export function connected(pools: readonly Market[], anchor: Address): { pools: Market[]; refused: readonly Refusal[] } {
  const { made, refused } = connect(pools, anchor);
  return { pools: made.edges.map(({ market }) => market), refused };
}

function connect(pools: readonly Market[], anchor: Address): { made: Network; refused: Refusal[] } {
  const refused: Refusal[] = [];
  const seen = new Set<string>();
  const numbers = new Map<string, number>();
  const tokens: Token[] = [];
  const edges: Edge[] = [];
  for (const market of pools) {
    const { protocol, address } = market;
    const fail = (field: string, expected: string, got: unknown) =>
      refused.push({ pool: address, error: badPool(protocol, address, field, expected, got, "Leave the pool out.") });
    const lower = address.toLowerCase();
    const keys = market.tokens.map(key);
    const known = keys.map((name) => tokens[numbers.get(name) ?? -1]);
    const other = known.findIndex((token, k) => token && token.decimals !== market.tokens[k]!.decimals);
    if (seen.has(lower)) fail("address", "each pool once", "a second one");
    else if (other >= 0) {
      const { decimals, symbol } = known[other]!;
      const expected = `${decimals} decimals of ${symbol}, as in other pools`;
      fail(`tokens[${other}].decimals`, expected, market.tokens[other]!.decimals);
    } else edges.push({ market, tokens: keys.map((name, k) => numbered(numbers, tokens, name, market.tokens[k]!)) });
    seen.add(lower);
  }
  const reached = reachable(edges, tokens.length, numbers.get(anchor.toLowerCase()));
  const apart = edges.filter((edge) => !reached[edge.tokens[0]!]);
  for (const { market } of apart) {
    const { protocol, address } = market;
    const got = `${market.tokens.map(({ symbol }) => symbol).join(", ")}, disconnected`;
    const expected = `a path of pools to ${anchor}`;
    refused.push({ pool: address, error: badPool(protocol, address, "tokens", expected, got, "Leave the pool out.") });
  }
  const find = (address: Address) => numbers.get(address.toLowerCase());
  const made = apart.length > 0 ? connect(keptOf(edges, reached), anchor).made : { tokens, edges, find };
  return { made, refused };
}

function keptOf(edges: readonly Edge[], reached: Uint8Array): Market[] {
  return edges.filter(({ tokens }) => reached[tokens[0]!]).map(({ market }) => market);
}

function key({ address }: { readonly address: Address }): string {
  return address.toLowerCase();
}

function numbered(numbers: Map<string, number>, tokens: Token[], name: string, token: Token): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, tokens.length);
  return tokens.push(token) - 1;
}

/** 1 for each token with a path of pools to `start`. */
function reachable(edges: readonly Edge[], count: number, start: number | undefined): Uint8Array {
  const reached = new Uint8Array(count);
  if (start === undefined) return reached;
  const at: Edge[][] = Array.from({ length: count }, () => []);
  for (const edge of edges) for (const token of edge.tokens) at[token]!.push(edge);
  const queue = [start];
  reached[start] = 1;
  for (const token of queue) {
    for (const edge of at[token]!) {
      for (const next of edge.tokens) {
        if (reached[next]) continue;
        reached[next] = 1;
        queue.push(next);
      }
    }
  }
  return reached;
}

/** A token that only one pool of two tokens could still bring in, and that pool. */
export interface Leaf {
  readonly token: number;
  readonly edge: Edge;
}

/**
 * Pools no optimal trade needs: what a token that is neither sold nor bought brings in through its only pool cannot leave again.
 *
 * Leaves come in the order of their removal, so that prices can be given in the reverse order.
 */
export function prune({ tokens, edges }: Network, keep: ReadonlySet<number>): { core: Edge[]; leaves: Leaf[] } {
  const at: Set<Edge>[] = tokens.map(() => new Set());
  for (const edge of edges) for (const token of edge.tokens) at[token]!.add(edge);
  const removed = new Set<Edge>();
  const leaves: Leaf[] = [];
  const queue = tokens.map((_, token) => token);
  for (const token of queue) {
    if (keep.has(token) || at[token]!.size !== 1) continue;
    const [edge] = at[token]!;
    if (edge!.tokens.length !== 2) continue;
    removed.add(edge!);
    leaves.push({ token, edge: edge! });
    for (const end of edge!.tokens) {
      at[end]!.delete(edge!);
      queue.push(end);
    }
  }
  return { core: edges.filter((edge) => !removed.has(edge)), leaves };
}
