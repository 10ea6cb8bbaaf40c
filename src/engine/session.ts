/** @file A compiled graph on ONNX Runtime: made once, run often, disposed explicitly. */

import type * as ort from "#ort";
import { VouchError } from "../errors.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import { chooseDevice, type Device, type DeviceName, limitThreads } from "./device.js";
import { lifetime } from "./lifetime.js";
import { lower } from "./onnx.js";
import { firstLine, inTurn, type Runtime, runtime } from "./runtime.js";

export interface EngineOptions {
  /** Where to compute; "auto", the default, chooses and says why. A device that is missing is an error, never replaced. */
  readonly device?: "auto" | DeviceName;
  /** Threads within one operator; default: as many as the machine has cores. 1 in a page that is not cross-origin isolated. */
  readonly threads?: number;
}

/** Row-major float32 array with its shape. */
export interface Float32 {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface Session {
  /** Names of the inputs to feed. */
  readonly inputs: readonly string[];
  /** Where it computes, and why there. */
  readonly device: Device;
  /** @throws engine if the device fails; on a GPU the session then refuses with this error, and can only be made again */
  run(feeds: Readonly<Record<string, Float32>>): Promise<Float32[]>;
  /** Frees the runtime's memory; the session cannot run afterwards. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Operator data is wrapped once per array, whatever number of sessions of a runtime feed it. */
const wrapped = new WeakMap<Runtime, WeakMap<object, ort.Tensor>>();

function external(engine: Runtime, data: Float32Array | BigInt64Array, shape: readonly number[]): ort.Tensor {
  const kept = wrapped.get(engine) ?? new WeakMap<object, ort.Tensor>();
  wrapped.set(engine, kept);
  const tensor =
    kept.get(data) ??
    (data instanceof Float32Array
      ? new engine.Tensor("float32", data, [...shape])
      : new engine.Tensor("int64", data, [...shape]));
  kept.set(data, tensor);
  return tensor;
}

/**
 * Lower a graph and make a session for it. Booleans come back as 0 and 1.
 *
 * @throws engine if ONNX Runtime is not installed, or the device is missing or refuses
 */
export async function compile(outputs: readonly Tensor[], options: EngineOptions = {}): Promise<Session> {
  const lowered = lower(outputs);
  const { engine, device, life, run } = await start(lowered.bytes, options);
  const fixed = Object.fromEntries(lowered.external.map((e) => [e.name, external(engine, e.data, e.shape)]));
  const declared = lowered.inputs.map((x) => ({ name: (x.node.attributes as { name: string }).name, shape: x.shape }));
  return {
    inputs: declared.map(({ name }) => name),
    device,
    async run(feeds) {
      life.require("run");
      const given: Record<string, ort.Tensor> = { ...fixed };
      for (const { name, shape } of declared) {
        const feed = feeds[name];
        if (feed === undefined)
          throw shapeError(`run: input "${name}"`, showShape(shape), "nothing", "Feed every input of the graph.");
        if (feed.shape.length !== shape.length || shape.some((dim, i) => dim !== "N" && dim !== feed.shape[i])) {
          throw shapeError(`run: input "${name}"`, showShape(shape), showShape(feed.shape));
        }
        given[name] = new engine.Tensor("float32", feed.data, [...feed.shape]);
      }
      const results = await run(given);
      return lowered.outputs.map((name) => {
        const { data, dims } = results[name]!;
        return { shape: dims, data: data instanceof Float32Array ? data : Float32Array.from(data as Uint8Array) };
      });
    },
    dispose: life.dispose,
    [Symbol.asyncDispose]: life.dispose,
  };
}

/** A session of a model's bytes on the device asked for or chosen, and its run: a failure is named, and final on a GPU. */
export async function start(bytes: Uint8Array, options: EngineOptions) {
  const device = await chooseDevice(await runtime(), options.device ?? "auto");
  const engine = await runtime(device.name === "webgpu" ? "gpu" : "processor");
  const session = await create(engine, bytes, device, options);
  const life = lifetime("session", () => inTurn(engine, () => session.release()));
  let lost: VouchError | undefined;
  const run = (feeds: Readonly<Record<string, ort.Tensor>>) =>
    inTurn(engine, () => {
      if (lost) throw lost;
      return session.run(feeds);
    }).catch((cause: unknown) => {
      if (lost) throw lost;
      const error = failed("run", device, cause, REMAKE);
      // A GPU that was lost can hang when it is asked again; the processor can be.
      if (device.name === "webgpu" || device.name === "cuda") lost = error;
      throw error;
    });
  return { engine, device, life, run };
}

async function create(
  engine: Runtime,
  bytes: Uint8Array,
  device: Device,
  { threads }: EngineOptions,
): Promise<ort.InferenceSession> {
  limitThreads(engine, threads);
  try {
    const options = {
      executionProviders: [device.name],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      logSeverityLevel: 3 as const,
    };
    return await inTurn(engine, () => engine.InferenceSession.create(bytes, options));
  } catch (cause) {
    throw failed("compile", device, cause, REMEDIES[device.name]);
  }
}

const REMEDIES: Readonly<Record<DeviceName, string>> = {
  cpu: "Report the graph: the processor runs every operator.",
  cuda: 'Install CUDA and the CUDA build of onnxruntime-node, or use device: "cpu".',
  wasm: "Serve the .wasm files of onnxruntime-web beside the page's script.",
  webgpu: 'Check the graphics driver (Vulkan on Linux), or use the processor: device "cpu", in a browser "wasm".',
};

const REMAKE = "Dispose of every session on it and make them again; if that fails too, use another device.";

function failed(name: string, { name: device }: Device, cause: unknown, remedy: string): VouchError {
  const details = { name, expected: `device "${device}" to compute`, got: firstLine(cause), remedy };
  return Object.assign(new VouchError("engine", details), { cause });
}
