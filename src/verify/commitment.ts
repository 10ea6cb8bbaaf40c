/** @file The commitment of a calibration: what was measured on which samples, fixed before it is used. */

import { canonicalBytes } from "./canonical.js";
import { fromHex, type Hex, toHex } from "./digest.js";
import { merkleRoot } from "./merkle.js";

export interface Committed {
  readonly reference: string;
  /** "sha256:" and 64 hex digits each. */
  readonly samples: readonly string[];
  /** One value a sample. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  readonly groups?: readonly string[] | undefined;
}

/**
 * Merkle root of a heading and one leaf a sample, in the order of `samples`.
 *
 *     heading  UTF-8 of the canonical JSON {"grouped": …, "properties": […], "reference": …}, properties by name
 *     leaf     32 bytes of the sample's digest ‖ its values as little-endian float64, in the heading's order ‖ UTF-8 of its group
 *
 * @source RFC 6962, §2.1; RFC 8785 (canonical JSON)
 */
export function commitment({ reference, samples, values, groups }: Committed): Hex {
  const properties = Object.keys(values).sort();
  const heading = canonicalBytes({ grouped: groups !== undefined, properties, reference });
  const leaves = samples.map((sample, i) => {
    const group = new TextEncoder().encode(groups?.[i] ?? "");
    const leaf = new Uint8Array(32 + 8 * properties.length + group.length);
    leaf.set(fromHex(sample.slice("sha256:".length))!);
    const view = new DataView(leaf.buffer);
    for (const [j, property] of properties.entries()) view.setFloat64(32 + 8 * j, values[property]![i]!, true);
    leaf.set(group, 32 + 8 * properties.length);
    return leaf;
  });
  return toHex(merkleRoot([heading, ...leaves]));
}
