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
  const decimals = new Map<string, number>();
  const seen = new Set<string>();
  const distinct = pools.filter((market) => {
    const { protocol, address, tokens } = market;
    const fail = (field: string, expected: string, got: unknown) =>
      refused.push({ pool: address, error: badPool(protocol, address, field, expected, got, "Leave the pool out.") });
    if (seen.has(address.toLowerCase())) return fail("address", "each pool once", "a second one") < 0;
    seen.add(address.toLowerCase());
    const other = tokens.findIndex((token) => (decimals.get(key(token)) ?? token.decimals) !== token.decimals);
    if (other >= 0) {
      const token = tokens[other]!;
      const expected = `${decimals.get(key(token))} decimals of ${token.symbol}, as in other pools`;
      return fail(`tokens[${other}].decimals`, expected, token.decimals) < 0;
    }
    for (const token of tokens) decimals.set(key(token), token.decimals);
    return true;
  });
  const reached = reachable(distinct, anchor);
  const kept = distinct.filter(({ protocol, address, tokens }) => {
    if (reached.has(key(tokens[0]!))) return true;
    const got = tokens.map(({ symbol }) => symbol).join(", ");
    const error = badPool(
      protocol,
      address,
      "tokens",
      `a path of pools to ${anchor}`,
      `${got}, disconnected`,
      "Leave the pool out.",
    );
    refused.push({ pool: address, error });
    return false;
  });
  return { made: index(kept), refused };
}

function key({ address }: { readonly address: Address }): string {
  return address.toLowerCase();
}

function reachable(pools: readonly Market[], anchor: Address): Set<string> {
  const at = new Map<string, Market[]>();
  for (const market of pools) {
    for (const token of market.tokens) {
      const known = at.get(key(token));
      if (known) known.push(market);
      else at.set(key(token), [market]);
    }
  }
  const reached = new Set([anchor.toLowerCase()]);
  const queue = [anchor.toLowerCase()];
  for (const token of queue) {
    for (const market of at.get(token) ?? []) {
      for (const next of market.tokens) {
        if (reached.has(key(next))) continue;
        reached.add(key(next));
        queue.push(key(next));
      }
    }
    at.delete(token);
  }
  return reached;
}

function index(pools: readonly Market[]): Network {
  const numbers = new Map<string, number>();
  const tokens: Token[] = [];
  const edges = pools.map((market) => ({
    market,
    tokens: market.tokens.map((token) => {
      const known = numbers.get(key(token));
      if (known !== undefined) return known;
      numbers.set(key(token), tokens.length);
      return tokens.push(token) - 1;
    }),
  }));
  return { tokens, edges, find: (address) => numbers.get(address.toLowerCase()) };
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
