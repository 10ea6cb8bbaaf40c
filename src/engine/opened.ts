/** @file A model of given bytes on ONNX Runtime, run by the names of its inputs and outputs. */

import type { Device } from "./device.js";
import { type EngineOptions, type Float32, start } from "./session.js";

/** An output: float32, or int32 where the file says whole numbers. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

export interface OpenedModel {
  /** Where it computes, and why there. */
  readonly device: Device;
  /** @throws engine if the device fails, or the inputs are not the file's */
  run(feeds: Readonly<Record<string, Float32>>): Promise<Readonly<Record<string, NamedArray>>>;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Make a session of the bytes of a model. @throws engine if ONNX Runtime or the device is missing, or refuses the bytes */
export async function openModel(bytes: Uint8Array, options: EngineOptions = {}): Promise<OpenedModel> {
  const { engine, device, life, run } = await start(bytes, options);
  return {
    device,
    async run(feeds) {
      life.require("run");
      const given = Object.entries(feeds).map(([name, { data, shape }]) => {
        return [name, new engine.Tensor("float32", data, [...shape])] as const;
      });
      const results = await run(Object.fromEntries(given));
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]) => {
          return [name, { shape: dims, data: data as Float32Array | Int32Array }];
        }),
      );
    },
    dispose: life.dispose,
    [Symbol.asyncDispose]: life.dispose,
  };
}
