/** @file What runs in the page: the library, bundled for browsers, and the subjects that devices are compared on. */

import type { DeviceName } from "../../src/engine/device.js";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
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
