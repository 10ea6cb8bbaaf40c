/** @file A compiled graph on ONNX Runtime: made once, run often, disposed explicitly. */

import * as ort from "#ort";
import { VouchError } from "../errors.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import { lower } from "./onnx.js";

export interface EngineOptions {
  /** ONNX Runtime execution provider. Default "cpu". */
  readonly provider?: string;
  /** Threads within one operator; default: as many as the machine has cores. */
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
  run(feeds: Readonly<Record<string, Float32>>): Promise<Float32[]>;
  /** Frees the runtime's memory; the session cannot run afterwards. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Operator data is wrapped once per array, whatever number of sessions feed it. */
const wrapped = new WeakMap<object, ort.Tensor>();

function external(data: Float32Array | BigInt64Array, shape: readonly number[]): ort.Tensor {
  const known = wrapped.get(data);
  if (known) return known;
  const tensor =
    data instanceof Float32Array
      ? new ort.Tensor("float32", data, [...shape])
      : new ort.Tensor("int64", data, [...shape]);
  wrapped.set(data, tensor);
  return tensor;
}

/** Lower a graph and make a session for it. Booleans come back as 0 and 1. */
export async function compile(outputs: readonly Tensor[], options: EngineOptions = {}): Promise<Session> {
  const lowered = lower(outputs);
  const session = await ort.InferenceSession.create(lowered.bytes, {
    executionProviders: [options.provider ?? "cpu"],
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    logSeverityLevel: 3,
  });
  const fixed = Object.fromEntries(lowered.external.map((e) => [e.name, external(e.data, e.shape)]));
  const declared = lowered.inputs.map((x) => ({ name: (x.node.attributes as { name: string }).name, shape: x.shape }));
  let disposed = false;
  const dispose = async () => {
    if (disposed) return;
    disposed = true;
    await session.release();
  };
  return {
    inputs: declared.map(({ name }) => name),
    async run(feeds) {
      if (disposed) {
        throw new VouchError("parameter", {
          name: "run",
          expected: "a live session",
          got: "a disposed one",
          remedy: "Compile the graph again.",
        });
      }
      const given: Record<string, ort.Tensor> = { ...fixed };
      for (const { name, shape } of declared) {
        const feed = feeds[name];
        if (feed === undefined)
          throw shapeError(`run: input "${name}"`, showShape(shape), "nothing", "Feed every input of the graph.");
        if (feed.shape.length !== shape.length || shape.some((dim, i) => dim !== "N" && dim !== feed.shape[i])) {
          throw shapeError(`run: input "${name}"`, showShape(shape), showShape(feed.shape));
        }
        given[name] = new ort.Tensor("float32", feed.data, [...feed.shape]);
      }
      const results = await session.run(given);
      return lowered.outputs.map((name) => {
        const { data, dims } = results[name]!;
        return { shape: dims, data: data instanceof Float32Array ? data : Float32Array.from(data as Uint8Array) };
      });
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
