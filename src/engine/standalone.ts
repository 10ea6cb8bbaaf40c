/** @file A graph as one self-contained .onnx file: its constants inside, its outputs by name, its metadata readable. */

import type { Shape, Tensor } from "../tensor/tensor.js";
import { attribute, type Builder, FLOAT, HEADER, INT32, INT64, lowerGraph, proto, valueInfo } from "./onnx.js";

export interface StandaloneInput {
  /** A named input of the graph. */
  readonly tensor: Tensor;
  /** For people. */
  readonly doc: string;
}

export interface StandaloneOutput extends StandaloneInput {
  readonly name: string;
  /** Whole numbers, given as int32; else float32. */
  readonly whole?: boolean;
}

export interface Standalone {
  readonly inputs: readonly StandaloneInput[];
  readonly outputs: readonly StandaloneOutput[];
  readonly producerVersion: string;
  readonly docString: string;
  /** In the order given. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The bytes of a model that needs nothing but itself: equal graphs give equal bytes. */
export function formatStandalone({ inputs, outputs, metadata, ...about }: Standalone): Uint8Array {
  const { root, results } = lowerGraph(
    inputs.map(({ tensor }) => tensor),
    outputs.map(({ tensor }) => tensor),
    inside,
  );
  outputs.forEach(({ name, whole }, i) => {
    if (whole) root.emit("Cast", [results[i]!], [name], [attribute(["to", INT32])]);
    else root.emit("Identity", [results[i]!], [name], []);
  });
  const nameOf = ({ node }: Tensor) => (node.attributes as { name: string }).name;
  return proto.ModelProto.encode({
    ...HEADER,
    ...about,
    graph: {
      name: "vouch",
      node: root.nodes,
      initializer: root.initializers(),
      input: inputs.map(({ tensor, doc }) => valueInfo(nameOf(tensor), tensor.shape, FLOAT, doc)),
      output: outputs.map(({ name, tensor, doc, whole }) => valueInfo(name, tensor.shape, whole ? INT32 : FLOAT, doc)),
    },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }).finish();
}

/** Metadata of the bytes of a model; undefined where they are not one. */
export function readMetadata(bytes: Uint8Array): Record<string, string> | undefined {
  try {
    const { metadataProps, graph } = proto.ModelProto.decode(bytes);
    return graph ? Object.fromEntries(metadataProps.map(({ key, value }) => [key ?? "", value ?? ""])) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An array in the file: whole numbers as int32; an array of mostly zeros as its nonzeros and their places, which the
 * runtime spreads out when it loads.
 */
function inside(data: Float32Array | Int32Array, shape: Shape, root: Builder): string {
  const dims = shape as readonly number[];
  if (data instanceof Int32Array) {
    return root.node("Cast", [root.initializer("whole", INT32, dims, data)], { to: INT64 });
  }
  const places = nonzeros(data);
  if (2 * places.length >= data.length) return root.initializer("float", FLOAT, dims, data);
  const zeros = root.node("ConstantOfShape", [root.int64([data.length])]);
  const flat = root.node(
    "ScatterElements",
    [
      zeros,
      root.initializer("places", INT32, [places.length], places),
      root.initializer(
        "nonzeros",
        FLOAT,
        [places.length],
        Float32Array.from(places, (k) => data[k]!),
      ),
    ],
    { axis: 0 },
  );
  return root.node("Reshape", [flat, root.int64(dims)]);
}

function nonzeros(data: Float32Array): Int32Array {
  let count = 0;
  for (const value of data) if (value !== 0) count++;
  const places = new Int32Array(count);
  let next = 0;
  data.forEach((value, k) => {
    if (value !== 0) places[next++] = k;
  });
  return places;
}
