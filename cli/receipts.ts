/** @file Receipts of a run: one folder an inference, signed, and in a log where there is one. */

import { join } from "node:path";
import { isSolved } from "../src/applications/ct/methods.js";
import { attest, following, payloadOf } from "../src/attest.js";
import type { Calibration } from "../src/certificates/calibration.js";
import { VouchError } from "../src/errors.js";
import { seal } from "../src/receipts/index.js";
import { writeBundle } from "./bundles.js";
import type { BatchSolved, LoadedMethod } from "./ct.js";
import { within } from "./errors.js";
import { readSecretKey } from "./keys.js";
import { appendReceipt } from "./log.js";
import { text } from "./options.js";
import { version } from "./paths.js";

export const receiptOptions = {
  receipts: text("Folder for signed receipts, one a measurement; none by default.", "FOLDER", undefined),
  key: text("Secret key that signs receipts, from `vouch keygen`.", "FILE", undefined),
  log: text("Log to append receipts to.", "FILE", undefined),
};

export interface Receipts {
  /** Write the receipts of a batch. */
  write(solved: BatchSolved): Promise<void>;
  /** Written so far. */
  count(): number;
}

/** Writes receipts as batches are solved; undefined where none are asked for. @throws parameter, file, format */
export async function receiptsOf(
  name: string,
  {
    receipts,
    key,
    log,
  }: { readonly receipts: string | undefined; readonly key: string | undefined; readonly log: string | undefined },
  method: LoadedMethod,
  calibration: Calibration,
): Promise<Receipts | undefined> {
  if (receipts === undefined || key === undefined) {
    if (receipts === key && log === undefined) return undefined;
    throw new VouchError("parameter", {
      name,
      expected: "--receipts and --key together",
      got: `only ${receipts === undefined ? "--key or --log" : "--receipts"}`,
      remedy: "Make a key with `vouch keygen`.",
    });
  }
  const secret = await readSecretKey(`${name}: --key`, key);
  let count = 0;
  const write = async ({ solution, measurements, first, terms }: BatchSolved) => {
    if (!isSolved(solution)) {
      throw new VouchError("parameter", {
        name,
        expected: "a method that solves a model",
        got: method.name,
        remedy: "Leave --receipts out, or choose tv or l2o.",
      });
    }
    const { x, duals, status, steps } = solution;
    for (const row of measurements.keys()) {
      const run = { status: status[row]!, steps: steps[row]! };
      const { statement, content } = attest({ ...terms, x, duals, row, calibration, run, version });
      const sign = (previous: string | null) => seal(payloadOf(following(statement, previous)), secret);
      const envelope = log === undefined ? sign(null) : (await appendReceipt(log, sign)).envelope;
      await writeBundle(join(receipts, `${first + row + 1}`), { envelope, content });
      count++;
    }
  };
  return { write: (solved) => within(`${name}: --receipts`, () => write(solved)), count: () => count };
}
