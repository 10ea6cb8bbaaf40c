/** @file Reading the graph of an .onnx file made elsewhere: nodes and float initializers as plain records. */

import { VouchError } from "../errors.js";
import { FLOAT, INT64, proto } from "./onnx.js";

/** An initializer or constant, as numbers. */
export interface OnnxArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface OnnxNode {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Numbers and lists of numbers; an attribute of text has none. */
  readonly attributes: Readonly<Record<string, readonly number[]>>;
  /** Attributes of text. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly arrays: Readonly<Record<string, OnnxArray>>;
  /** Those that are no initializers; a symbolic or unknown dimension is −1. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly outputs: readonly string[];
}

/**
 * Read the bytes of an .onnx file.
 *
 * @throws format if they are not a model, or an array is neither float32, float64 nor int64 or lies outside the file
 */
export function readOnnx(bytes: Uint8Array): OnnxGraph {
  const graph = decode(bytes);
  const arrays: Record<string, OnnxArray> = {};
  for (const tensor of graph.initializer ?? []) arrays[tensor.name ?? ""] = arrayOf(tensor);
  const nodes: OnnxNode[] = [];
  for (const node of graph.node ?? []) {
    const constant = node.opType === "Constant" ? node.attribute?.find(({ name }) => name === "value")?.t : undefined;
    if (constant) {
      arrays[node.output![0]!] = arrayOf(constant);
      continue;
    }
    const attributes: Record<string, readonly number[]> = {};
    const texts: Record<string, string> = {};
    for (const { name, type, f, i, s, floats, ints } of node.attribute ?? []) {
      if (type === 1) attributes[name!] = [f!];
      if (type === 2) attributes[name!] = [Number(i)];
      if (type === 3) texts[name!] = new TextDecoder().decode(s!);
      if (type === 6) attributes[name!] = [...floats!];
      if (type === 7) attributes[name!] = ints!.map(Number);
    }
    const { opType, name, input, output } = node;
    nodes.push({ op: opType ?? "", name: name ?? "", inputs: input ?? [], outputs: output ?? [], attributes, texts });
  }
  const inputs = (graph.input ?? []).flatMap(({ name, type }) => {
    const dims = type?.tensorType?.shape?.dim ?? [];
    return name! in arrays ? [] : [{ name: name!, shape: dims.map(({ dimValue }) => Number(dimValue ?? 0) || -1) }];
  });
  return { nodes, arrays, inputs, outputs: (graph.output ?? []).map(({ name }) => name!) };
}

type Graph = NonNullable<InstanceType<typeof proto.ModelProto>["graph"]>;

function decode(bytes: Uint8Array): Graph {
  let graph: Graph | null | undefined;
  try {
    graph = proto.ModelProto.decode(bytes).graph;
  } catch (error) {
    throw unreadable("an .onnx file", error instanceof Error ? error.message : String(error));
  }
  if (graph?.node?.length) return graph;
  throw unreadable("an .onnx file with a graph of nodes", `${bytes.length} bytes without one`);
}

function arrayOf({
  name,
  dims,
  dataType,
  rawData,
  floatData,
  doubleData,
  int64Data,
}: NonNullable<Graph["initializer"]>[number]): OnnxArray {
  const shape = (dims ?? []).map(Number);
  const size = shape.reduce((product, n) => product * n, 1);
  const listed = floatData?.length ? floatData : doubleData?.length ? doubleData : (int64Data ?? []).map(Number);
  const data = rawData?.length ? fromRaw(name ?? "", dataType ?? 0, rawData) : Float64Array.from(listed);
  if (data.length === size) return { shape, data };
  throw unreadable(`${size} numbers of ${name} in the file`, `${data.length}`);
}

/** Element type of float64. @source ONNX, TensorProto.DataType */
const DOUBLE = 11;

function fromRaw(name: string, type: number, raw: Uint8Array): Float64Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (type === FLOAT) return Float64Array.from({ length: raw.length >> 2 }, (_, i) => view.getFloat32(4 * i, true));
  if (type === DOUBLE) return Float64Array.from({ length: raw.length >> 3 }, (_, i) => view.getFloat64(8 * i, true));
  if (type === INT64)
    return Float64Array.from({ length: raw.length >> 3 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
  throw unreadable(`float32, float64 or int64 for ${name}`, `ONNX type ${type}`);
}

function unreadable(expected: string, got: string): VouchError {
  return new VouchError("format", {
    name: "readOnnx",
    expected,
    got,
    remedy: "Export the network again, weights inside.",
  });
}
