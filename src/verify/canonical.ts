/** @file Canonical JSON: equal values have equal bytes. */

import module from "canonicalize";

// The package's types describe an ES module; what Node and bundlers load is the function itself.
const canonicalize = module as unknown as (value: unknown) => string | undefined;

/** UTF-8 of the canonical JSON of a value made of records, arrays, strings, finite numbers, booleans and null. @source RFC 8785 */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalize(value));
}
