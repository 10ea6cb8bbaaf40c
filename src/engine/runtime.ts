/** @file ONNX Runtime, loaded at first use: who interprets, proves or verifies need not install it. */

import type * as Ort from "#ort";
import { VouchError } from "../errors.js";

export type Runtime = typeof Ort;

/** What is loaded, or being loaded. */
const loading = new Map<"processor" | "gpu", Promise<Runtime>>();

/**
 * The engine of this machine: onnxruntime-node, in a browser onnxruntime-web. A browser has one build for the processor and a
 * slower one that also has WebGPU; in Node both are the same.
 *
 * @throws engine if it is not installed
 */
export function runtime(build: "processor" | "gpu" = "processor"): Promise<Runtime> {
  const known = loading.get(build);
  if (known) return known;
  const load = (build === "gpu" ? import("#ort-gpu") : import("#ort")).catch((cause: unknown) => {
    loading.delete(build);
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
  loading.set(build, load);
  return load;
}

const turns = new WeakMap<Runtime, Promise<unknown>>();

/** One call of a runtime at a time: the browser's build with WebGPU waits inside a call and hangs when it is given another. */
export function inTurn<T>(engine: Runtime, call: () => Promise<T>): Promise<T> {
  const turn = (turns.get(engine) ?? Promise.resolve()).then(call);
  turns.set(engine, Promise.allSettled([turn]));
  return turn;
}

/** What an error of the runtime says, without its stack and the place in the runtime's source. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .split("\n")[0]!
    .replace(/^.* was false\. /, "")
    .replace(/\.$/, "");
}
