/** @file vouch/verify: receipts and logs checked from their content, without the engine, in Node and in browsers. */

import { type Bundle, type VerifiedReceipt, verifyReceipt as verify } from "../verify/receipt.js";
import { recompute } from "./figures.js";

export { type Hex, sha256Hex } from "../verify/digest.js";
export { keyId, publicKeyOf, seal } from "../verify/dsse.js";
export type { Bundle, Finding, ReceiptVerdict, VerifiedReceipt } from "../verify/receipt.js";
export { type Figures, PREDICATE_TYPE, type Statement, statementSchema } from "../verify/statement.js";
export { type VerifiedLog, verifyLog } from "./log.js";

/**
 * Verify a receipt from its files alone: its signature, every digest and every figure.
 *
 * VERIFIED says that all it states holds, failed labels included; it does not say that the answer is right.
 *
 * @param keys  trusted public keys, 32 bytes each
 */
export function verifyReceipt(bundle: Bundle, keys: readonly Uint8Array[]): VerifiedReceipt {
  return verify(bundle, keys, recompute);
}
