/** @file What runs in the page: the library, bundled for browsers, and the subjects that devices are compared on. */

import type { DeviceName } from "../../src/engine/device.js";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import { loadOnnx } from "../../src/files/onnx-load.js";
import { mul } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { subjects } from "../cases/subjects.js";

/** What the harness calls, by name; everything is plain data on its way to Node. */
const calls = {
  async compute(name: string, device: "auto" | DeviceName) {
    const subject = subjects.find((one) => one.name === name)!;
    const { data, ms, steps } = await subject.compute({ device });
    return { data: Array.from(data), ms, steps };
  },
  /** What an exported file says of data by name. */
  async exported(
    bytes: readonly number[],
    data: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>,
    device: "auto" | DeviceName,
  ) {
    await using file = await loadOnnx(Uint8Array.from(bytes), "model.onnx", { device });
    const arrays = Object.entries(data).map(([name, { shape, data: values }]) => {
      return [name, { shape, data: Float32Array.from(values) }] as const;
    });
    const results = await file.run(Object.fromEntries(arrays));
    return results.map(({ x, ...rest }) => ({ ...rest, x: Array.from(x.data) }));
  },
  /** Device of a small session, or the error's code and sentence. */
  async device(device: "auto" | DeviceName) {
    try {
      await using session = await compile([mul(input("x", ["N"]), 2)], { device });
      const [y] = await session.run({ x: { shape: [2], data: Float32Array.of(1, 2) } });
      return { ...session.device, y: Array.from(y!.data) };
    } catch (error) {
      if (error instanceof VouchError) return { code: error.code, message: error.message };
      throw error;
    }
  },
};

export type Calls = typeof calls;
Object.assign(globalThis, { calls });
