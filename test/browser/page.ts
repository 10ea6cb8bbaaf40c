/** @file What runs in the page: the library, bundled for browsers, and the subjects that devices are compared on. */

import * as gpu from "onnxruntime-web/webgpu";
import type { DeviceName } from "../../src/engine/device.js";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import { loadOnnx } from "../../src/files/onnx-load.js";
import { type CompiledModel, compileModel } from "../../src/model.js";
import { mul } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { breaking } from "../cases/robust.js";
import { subjects } from "../cases/subjects.js";

const column = (values: readonly number[]) => ({ shape: [values.length, 1], data: Float32Array.from(values) });
/** Fixed points 2, 20 and 10; none breaks. */
const data = { d: column([1, 2, 3]), rate: column([0.5, 0.9, 0.7]), last: column([1e6, 1e6, 1e6]) };
const onGpu = () => compileModel(breaking(), {}, { device: "webgpu", chunk: { every: 5, checks: 2 } });
const answer = async (model: CompiledModel, onProgress?: () => void) => {
  const { x } = await model.solve(data, { tolerance: 1e-5, ...(onProgress ? { onProgress } : {}) });
  return Array.from(x.data);
};
const refusal = (error: unknown) => {
  if (error instanceof VouchError) return `${error.code}: ${error.message}`;
  throw error;
};

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
  /** Two models made at once, and two solves of each at once. */
  async together() {
    const models = await Promise.all([onGpu(), onGpu()]);
    const answers = await Promise.all([...models, ...models].map((model) => answer(model)));
    await Promise.all(models.map((model) => model.dispose()));
    return answers;
  },
  /** The GPU is taken away after the first chunk: that solve, the next with the same model, and one with the model made again. */
  async dies() {
    const model = await onGpu();
    const device = (await (gpu.env.webgpu as { device: unknown }).device) as { destroy(): void };
    const first = await answer(model, () => device.destroy()).then(String, refusal);
    const second = await answer(model).then(String, refusal);
    await model.dispose();
    await using again = await onGpu();
    return { first, second, again: await answer(again) };
  },
};

export type Calls = typeof calls;
Object.assign(globalThis, { calls });
