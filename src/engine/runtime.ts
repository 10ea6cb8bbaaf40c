/** @file ONNX Runtime, loaded at first use: who interprets, proves or verifies need not install it. */

import type * as Ort from "#ort";
import { VouchError } from "../errors.js";

export type Runtime = typeof Ort;

let loading: Promise<Runtime> | undefined;

/** The engine of this machine: onnxruntime-node, in a browser onnxruntime-web. @throws engine if it is not installed */
export function runtime(): Promise<Runtime> {
  loading ??= import("#ort").catch((cause: unknown) => {
    loading = undefined;
    throw Object.assign(
      new VouchError("engine", {
        name: "compile",
        expected: "ONNX Runtime, an optional peer of this package",
        got: firstLine(cause),
        remedy: "npm install onnxruntime-node, for browsers onnxruntime-web.",
      }),
      { cause },
    );
  });
  return loading;
}

/** What an error of the runtime says, without its stack and the place in the runtime's source. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .split("\n")[0]!
    .replace(/^.* was false\. /, "")
    .replace(/\.$/, "");
}
