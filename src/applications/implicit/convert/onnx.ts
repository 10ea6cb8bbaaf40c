/** @file Import of an ONNX feed-forward network as an implicit model of equal outputs. */

import { type OnnxArray, type OnnxGraph, type OnnxNode, readOnnx } from "../../../engine/read-onnx.js";
import { VouchError } from "../../../errors.js";
import { dense, transposed } from "../dense.js";
import type { ImplicitModel } from "../model.js";
import { convolve, type ImageSignal, pool } from "./convolution.js";
import { addSignals, affineSignal, inputSignal, mapped, modelOf, type Signal } from "./signal.js";

/** A value of the graph for one sample: its signal and its shape without the sample axis. */
interface Value {
  readonly signal: Signal;
  readonly shape: readonly number[];
}

interface Context {
  readonly graph: OnnxGraph;
  readonly node: OnnxNode;
  /** The k-th input as a value of the input, or as a constant. */
  value(k: number): Value;
  array(k: number): OnnxArray;
  isArray(k: number): boolean;
}

/**
 * The model of the bytes of an .onnx file: Gemm, MatMul, Add, Sub, Conv, MaxPool, Flatten, Reshape, Identity, Dropout,
 * BatchNormalization, Relu, LeakyRelu, Tanh, Sigmoid and Softmax along the last axis; samples on axis 0, one input, one output.
 *
 * @throws format naming the node that cannot be read
 * @source ONNX operators, opset 18
 */
export function fromOnnx(bytes: Uint8Array): ImplicitModel {
  const graph = readOnnx(bytes);
  const [given, ...others] = graph.inputs;
  if (given === undefined || others.length > 0 || graph.outputs.length !== 1) {
    throw unfit("one input and one output", `${graph.inputs.length} and ${graph.outputs.length}`);
  }
  const shape = given.shape.slice(1);
  if (shape.length === 0 || shape.some((n) => n < 1)) throw unfit("an input of known shape [N, …]", `[${given.shape}]`);
  const u = inputSignal(size(shape));
  const values = new Map<string, Value>([[given.name, { signal: u, shape }]]);
  for (const node of graph.nodes) {
    const read = Object.hasOwn(operators, node.op) ? operators[node.op] : undefined;
    if (read === undefined) throw unfit(`one of ${Object.keys(operators).join(", ")}`, `${node.op} ${node.name}`);
    values.set(node.outputs[0]!, read(contextOf(graph, node, values)));
  }
  const output = values.get(graph.outputs[0]!);
  if (output === undefined) throw unfit("an output that a node computes", graph.outputs[0]!);
  return modelOf(output.signal, u);
}

const unary =
  (map: "relu" | "tanh" | "sigmoid") =>
  ({ value }: Context): Value => ({ ...value(0), signal: mapped(value(0).signal, { map }) });
const same = ({ value }: Context): Value => value(0);

const operators: Readonly<Record<string, (context: Context) => Value>> = {
  Relu: unary("relu"),
  Tanh: unary("tanh"),
  Sigmoid: unary("sigmoid"),
  LeakyRelu: ({ node, value }) => ({
    ...value(0),
    signal: mapped(value(0).signal, { map: "leaky-relu", slope: node.attributes["alpha"]?.[0] ?? 0.01 }),
  }),
  Softmax: ({ node, value }) => {
    const { signal, shape } = value(0);
    const axis = node.attributes["axis"]?.[0] ?? -1;
    if (shape.length !== 1 || (axis !== -1 && axis !== 1))
      throw unfit("a softmax of a vector", `axis ${axis} of [N, ${shape}]`);
    return { shape, signal: mapped(signal, { map: "softmax" }) };
  },
  Identity: same,
  Dropout: same,
  Flatten: ({ node, value }) => {
    const axis = node.attributes["axis"]?.[0] ?? 1;
    if (axis !== 1) throw unfit("a flattening of each sample", `axis ${axis}`);
    return flat(value(0));
  },
  Reshape: ({ value, array }) => reshaped(value(0), array(1)),
  Gemm: (context) => {
    const { node, value, array } = context;
    const [alpha = 1, beta = 1] = [node.attributes["alpha"]?.[0], node.attributes["beta"]?.[0]];
    if (node.attributes["transA"]?.[0]) throw unfit("samples on axis 0", "Gemm with transA");
    const W = matrixOf(array(1), !node.attributes["transB"]?.[0]);
    const scaled = { ...W, data: W.data.map((entry) => alpha * entry) };
    const w = node.inputs[2] ? spread(array(2), W.rows).map((entry) => beta * entry) : new Float64Array(W.rows);
    return { signal: affineSignal(scaled, value(0).signal, w), shape: [W.rows] };
  },
  MatMul: ({ value, array }) => {
    const W = matrixOf(array(1), true);
    if (value(0).shape.length !== 1) throw unfit("a product of vectors with a matrix", `[N, ${value(0).shape}]`);
    return { signal: affineSignal(W, value(0).signal), shape: [W.rows] };
  },
  Add: (context) => sumOf(context, 1),
  Sub: (context) => sumOf(context, -1),
  Conv: ({ node, value, array }) => {
    const { data, shape } = array(1);
    requireWindow(node);
    if (shape.length !== 4 || (node.attributes["group"]?.[0] ?? 1) !== 1)
      throw unfit("a convolution of images in one group", node.name);
    const kernel = { shape: shape as unknown as [number, number, number, number], data };
    const made = convolve(imageOf(value(0)), {
      ...{ kind: "convolution", kernel, activation: { map: "linear" } },
      ...(node.inputs[2] && { w: array(2).data }),
      ...{ stride: node.attributes["strides"]?.[0] ?? 1, padding: node.attributes["pads"]?.[0] ?? 0 },
    });
    return fromImage(made);
  },
  MaxPool: ({ node, value }) => {
    requireWindow(node);
    const [width, tall] = node.attributes["kernel_shape"] ?? [];
    if (width !== tall || node.attributes["pads"]?.some((pad) => pad !== 0) || node.attributes["ceil_mode"]?.[0]) {
      throw unfit("square windows inside the image", `MaxPool ${node.name}`);
    }
    return fromImage(
      pool(imageOf(value(0)), { kind: "max-pooling", size: width!, stride: node.attributes["strides"]?.[0] ?? 1 }),
    );
  },
  BatchNormalization: ({ node, value, array }) => {
    const { signal, shape } = value(0);
    const epsilon = node.attributes["epsilon"]?.[0] ?? 1e-5;
    const [scale, bias, mean, variance] = [1, 2, 3, 4].map((k) => array(k).data) as [Float64Array, ...Float64Array[]];
    const channel = (i: number) => Math.floor(i / (signal.size / shape[0]!));
    const factor = scale.map((entry, c) => entry / Math.sqrt(variance![c]! + epsilon));
    const n = signal.size;
    const W = dense(n, n);
    for (let i = 0; i < n; i++) W.data[i * n + i] = factor[channel(i)]!;
    const w = Float64Array.from({ length: n }, (_, i) => bias![channel(i)]! - factor[channel(i)]! * mean![channel(i)]!);
    return { signal: affineSignal(W, signal, w), shape };
  },
};

function contextOf(graph: OnnxGraph, node: OnnxNode, values: ReadonlyMap<string, Value>): Context {
  const missing = (k: number, what: string) =>
    unfit(`${what} as input ${k} of ${node.op}`, node.inputs[k] ?? "nothing");
  return {
    graph,
    node,
    value(k) {
      const found = values.get(node.inputs[k] ?? "");
      if (found === undefined) throw missing(k, "a value that depends on the input");
      return found;
    },
    array(k) {
      const found = graph.arrays[node.inputs[k] ?? ""];
      if (found === undefined) throw missing(k, "a constant of the file");
      return found;
    },
    isArray: (k) => (node.inputs[k] ?? "") in graph.arrays,
  };
}

/** a ± b, one of them perhaps a constant. */
function sumOf({ value, array, isArray }: Context, sign: 1 | -1): Value {
  const times = (s: Signal, factor: number): Signal => ({
    size: s.size,
    terms: new Map([...s.terms].map(([source, M]) => [source, { ...M, data: M.data.map((entry) => factor * entry) }])),
    bias: s.bias.map((entry) => factor * entry),
  });
  const at = isArray(0) ? 1 : 0;
  const { signal, shape } = value(at);
  const own = at === 1 && sign < 0 ? times(signal, -1) : signal;
  if (!isArray(1 - at)) return { shape, signal: addSignals(own, times(value(1).signal, sign)) };
  const constant = spread(array(1 - at), own.size).map((entry) => (at === 0 ? sign * entry : entry));
  return { shape, signal: { ...own, bias: own.bias.map((entry, i) => entry + constant[i]!) } };
}

/** Numbers of a constant, as many as asked for. */
function spread({ data }: OnnxArray, count: number): Float64Array {
  if (data.length === count) return data;
  if (data.length === 1) return new Float64Array(count).fill(data[0]!);
  throw unfit(`a constant of ${count} numbers`, `${data.length}`);
}

function matrixOf({ shape, data }: OnnxArray, turned: boolean) {
  if (shape.length !== 2) throw unfit("a weight matrix", `[${shape}]`);
  const W = dense(shape[0]!, shape[1]!, data);
  return turned ? transposed(W) : W;
}

function reshaped(value: Value, { data }: OnnxArray): Value {
  const asked = [...data].slice(1).map((n, k) => (n === 0 ? value.shape[k]! : n));
  const known = asked.reduce((product, n) => (n > 0 ? product * n : product), 1);
  const shape = asked.map((n) => (n === -1 ? value.signal.size / known : n));
  if (size(shape) !== value.signal.size)
    throw unfit(`a shape [N, …] of ${value.signal.size} numbers`, `[${[...data]}]`);
  return { ...value, shape };
}

function flat(value: Value): Value {
  return { ...value, shape: [value.signal.size] };
}

function imageOf({ signal, shape }: Value): ImageSignal {
  if (shape.length !== 3) throw unfit("images [N, channels, height, width]", `[N, ${shape}]`);
  return { signal, shape: { channels: shape[0]!, height: shape[1]!, width: shape[2]! } };
}

function fromImage({ signal, shape: { channels, height, width } }: ImageSignal): Value {
  return { signal, shape: [channels, height, width] };
}

/** @throws format unless windows move alike on both axes, with equal zeros on all sides and no gaps */
function requireWindow({ op, name, attributes, texts }: OnnxNode): void {
  const alike = ["strides", "pads"].every((key) => new Set(attributes[key] ?? []).size <= 1);
  const dense = (attributes["dilations"] ?? []).every((n) => n === 1);
  if (alike && dense && (texts["auto_pad"] ?? "NOTSET") === "NOTSET") return;
  throw unfit("equal strides and pads, no dilation, no auto_pad", `${op} ${name}`);
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function unfit(expected: string, got: string): VouchError {
  const remedy = "Export a feed-forward network of these operators, in evaluation mode.";
  return new VouchError("format", { name: "fromOnnx", expected, got, remedy });
}
