/** @file Lowering: a graph of tensors to an ONNX model, its large constants left outside as inputs. */

import onnx from "onnx-proto";
import { graphInputs, topological } from "../tensor/graph.js";
import type { LoopBody, OnnxAttribute, OnnxBuilder } from "../tensor/lowering.js";
import { type DType, type Shape, shapeError, type Tensor } from "../tensor/tensor.js";

export const proto = onnx.onnx;
/** Element types. @source ONNX, TensorProto.DataType */
export const FLOAT = 1;
export const INT32 = 6;
export const INT64 = 7;
const BOOL = 9;

/** ONNX operator set of every model written here. */
export const OPSET = 18;
export const HEADER = { irVersion: 8, opsetImport: [{ domain: "", version: OPSET }], producerName: "vouch" };

/** Above these lengths a constant is fed from outside: it would be copied into every rebuilt session. */
const FLOATS_INSIDE = 65_536;
const INTEGERS_INSIDE = 1_024;

export interface External {
  readonly name: string;
  readonly data: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}

export interface Lowered {
  readonly bytes: Uint8Array;
  /** Named inputs of the graph the caller must feed. */
  readonly inputs: readonly Tensor[];
  readonly external: readonly External[];
  readonly outputs: readonly string[];
}

/** Where an array goes that is too large for a body: makes its name in the outermost graph, once for each array. */
export type Place = (data: Float32Array | Int32Array, shape: readonly number[], root: Builder) => string;

/** What all builders of one model share. */
class Model {
  readonly used = new Set<string>();
  private readonly large = new Map<object, string>();
  private count = 0;
  batch: string | undefined;

  constructor(readonly place: Place) {}

  fresh(prefix: string): string {
    return `${prefix}/${this.count++}`;
  }

  outside(data: Float32Array | Int32Array, make: () => string): string {
    const name = this.large.get(data) ?? make();
    this.large.set(data, name);
    return name;
  }
}

export class Builder implements OnnxBuilder {
  readonly nodes: onnx.onnx.INodeProto[] = [];
  private readonly constants: onnx.onnx.ITensorProto[] = [];
  private readonly produced = new Set<string>();
  private readonly integers = new Map<string, string>();
  private readonly floats = new Map<Float32Array, string>();

  constructor(
    private readonly model: Model,
    private readonly root?: Builder,
  ) {}

  /** A name that nothing else has. */
  fresh(prefix: string): string {
    return this.model.fresh(prefix);
  }

  /** A constant of this graph: its name. */
  initializer(prefix: string, dataType: number, shape: readonly number[], data: ArrayBufferView): string {
    const name = this.fresh(prefix);
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.constants.push({ name, dataType, dims: [...shape], rawData });
    return name;
  }

  /** The constants that nodes take; ask when all nodes are there. */
  initializers(): onnx.onnx.ITensorProto[] {
    return this.constants.filter(({ name }) => this.model.used.has(name!));
  }

  private outside(data: Float32Array | Int32Array, shape: readonly number[]): string {
    return this.model.outside(data, () => this.model.place(data, shape, this.root ?? this));
  }

  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, OnnxAttribute>> = {}): string {
    return this.multiple(op, 1, inputs, attributes)[0]!;
  }

  multiple(
    op: string,
    count: number,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.model.fresh(op));
    this.emit(op, inputs, outputs, Object.entries(attributes).map(attribute));
    return outputs;
  }

  /** Emit a node with outputs of given names. */
  emit(op: string, inputs: readonly string[], outputs: string[], attributes: onnx.onnx.IAttributeProto[]) {
    this.nodes.push({ opType: op, input: [...inputs], output: outputs, attribute: attributes });
    for (const input of inputs) this.model.used.add(input);
    for (const output of outputs) this.produced.add(output);
  }

  int64(data: readonly number[] | Int32Array, shape: readonly number[] = [data.length]): string {
    if (data instanceof Int32Array && data.length > INTEGERS_INSIDE) return this.outside(data, shape);
    const key = `${shape}:${Array.from(data)}`;
    const known = this.integers.get(key);
    if (known) return known;
    const name = this.initializer("int64", INT64, shape, BigInt64Array.from(data as readonly number[], BigInt));
    this.integers.set(key, name);
    return name;
  }

  float32(data: Float32Array, shape: readonly number[]): string {
    if (data.length > FLOATS_INSIDE) return this.outside(data, shape);
    const known = this.floats.get(data);
    if (known) return known;
    const name = this.initializer("float", FLOAT, shape, data);
    this.floats.set(data, name);
    return name;
  }

  batch(): string {
    if (this.model.batch === undefined) {
      throw shapeError(
        "compile",
        "a batched input that fixes N",
        "none",
        "Feed at least one input with a sample axis.",
      );
    }
    return this.model.batch;
  }

  graph(outputs: readonly Tensor[], bind: ReadonlyMap<Tensor, string>): string[] {
    const names = new Map<Tensor, string>(bind);
    for (const node of topological(outputs, names)) {
      const emitted = node.primitive.onnx(
        this,
        node.inputs.map((x) => names.get(x)!),
        node,
      );
      node.outputs.forEach((y, i) => {
        if (!names.has(y)) names.set(y, emitted[i]!);
      });
    }
    return outputs.map((output) => names.get(output)!);
  }

  loop(limit: number, initial: readonly string[], { types, emit }: LoopBody): readonly string[] {
    const body = new Builder(this.model, this.root ?? this);
    const [step, go] = [this.model.fresh("step"), this.model.fresh("go")];
    const state = types.map((_, i) => this.model.fresh(`z${i}`));
    const { again, next } = emit(body, state);
    const results = body.distinct([again, ...next]);
    const graph: onnx.onnx.IGraphProto = {
      name: this.model.fresh("body"),
      node: body.nodes,
      initializer: body.initializers(),
      input: [
        valueInfo(step, [], INT64),
        valueInfo(go, [], BOOL),
        ...types.map((t, i) => typed(state[i]!, t.shape, t.dtype)),
      ],
      output: [valueInfo(results[0]!, [], BOOL), ...types.map((t, i) => typed(results[i + 1]!, t.shape, t.dtype))],
    };
    const outputs = types.map(() => this.model.fresh("fixed"));
    const condition = this.initializer("true", BOOL, [], Uint8Array.of(1));
    this.emit("Loop", [this.int64([limit], []), condition, ...initial], outputs, [
      { name: "body", type: proto.AttributeProto.AttributeType.GRAPH, g: graph },
    ]);
    return outputs;
  }

  /** Output names must be produced here, each once; anything else passes through Identity. */
  distinct(names: readonly string[]): string[] {
    const used = new Set<string>();
    return names.map((name) => {
      const own = this.produced.has(name) && !used.has(name);
      used.add(name);
      return own ? name : this.node("Identity", [name]);
    });
  }
}

export function attribute([name, value]: [string, OnnxAttribute]): onnx.onnx.IAttributeProto {
  const { AttributeType } = proto.AttributeProto;
  if (typeof value === "number") return { name, type: AttributeType.INT, i: value };
  if (typeof value === "string") return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: [...(value as readonly number[])] };
}

export function valueInfo(name: string, shape: Shape, elemType: number, docString = ""): onnx.onnx.IValueInfoProto {
  const dim = shape.map((d) => (d === "N" ? { dimParam: "N" } : { dimValue: d }));
  return { name, docString, type: { tensorType: { elemType, shape: { dim } } } };
}

function typed(name: string, shape: Shape, dtype: DType) {
  return valueInfo(name, shape, dtype === "bool" ? BOOL : FLOAT);
}

/** Lower `outputs` to an ONNX model with the graph's named inputs and one output per tensor, in order. */
export function lower(outputs: readonly Tensor[]): Lowered {
  const external: External[] = [];
  const inputs = graphInputs(outputs);
  const graph = lowerGraph(inputs, outputs, (data, shape, root) => {
    const name = root.fresh("external");
    external.push({ name, data: data instanceof Float32Array ? data : BigInt64Array.from(data, BigInt), shape });
    return name;
  });
  const fed = external.map((e) => valueInfo(e.name, e.shape, e.data instanceof Float32Array ? FLOAT : INT64));
  const bytes = proto.ModelProto.encode({
    ...HEADER,
    graph: {
      name: "vouch",
      node: graph.root.nodes,
      initializer: graph.root.initializers(),
      input: [...graph.inputs, ...fed],
      output: outputs.map((x, i) => typed(graph.results[i]!, x.shape, x.dtype)),
    },
  }).finish();
  return { bytes, inputs, external, outputs: graph.results };
}

/** `outputs` as nodes of a graph fed with `inputs`; each result has a name of its own. */
export function lowerGraph(inputs: readonly Tensor[], outputs: readonly Tensor[], place: Place) {
  const model = new Model(place);
  const root = new Builder(model);
  const names = inputs.map((x) => (x.node.attributes as { name: string }).name);
  const batched = inputs.findIndex((x) => x.shape[0] === "N");
  if (batched >= 0) model.batch = root.node("Shape", [names[batched]!], { start: 0, end: 1 });
  const results = root.distinct(root.graph(outputs, new Map(inputs.map((x, i) => [x, names[i]!]))));
  return { root, results, inputs: inputs.map((x, i) => typed(names[i]!, x.shape, x.dtype)) };
}
