/** @file Random feed-forward networks as .onnx files, with their direct computation. */

import onnx from "onnx-proto";
import type { DenseLayer } from "../src/applications/implicit/convert/networks.js";
import { fromOnnx } from "../src/applications/implicit/convert/onnx.js";
import type { Random } from "../src/random.js";
import { layer, type Network, through } from "./networks.js";

const OPS = { relu: "Relu", "leaky-relu": "LeakyRelu", tanh: "Tanh", sigmoid: "Sigmoid", softmax: "Softmax" } as const;

/** A network, and the bytes of its file. */
export function onnxNetwork(stream: Random): Network & { readonly bytes: Uint8Array } {
  const sizes = Array.from({ length: 3 + stream.integer(3) }, () => 1 + stream.integer(12));
  const layers = sizes.slice(1).map((out, k) => layer(stream, out, sizes[k]!, k === sizes.length - 2));
  const bytes = onnxBytes(layers);
  return { bytes, model: fromOnnx(bytes), inputs: sizes[0]!, direct: (u) => layers.reduce(through, u) };
}

/** Layers by turns as Gemm and as MatMul with Add. */
export function onnxBytes(layers: readonly DenseLayer[]): Uint8Array {
  const node: onnx.onnx.INodeProto[] = [];
  const initializer: onnx.onnx.ITensorProto[] = [];
  const array = (name: string, dims: number[], data: ArrayLike<number>) => {
    initializer.push({ name, dims, dataType: 1, floatData: [...Float32Array.from(data)] });
    return name;
  };
  let at = "u";
  layers.forEach(({ W, w, activation }, k) => {
    const z = `z${k}`;
    const bias = array(`w${k}`, [W.rows], w ?? new Float64Array(W.rows));
    if (k % 2 === 0) {
      const weight = array(`W${k}`, [W.rows, W.columns], W.data);
      node.push({
        opType: "Gemm",
        input: [at, weight, bias],
        output: [z],
        attribute: [{ name: "transB", type: 2, i: 1 }],
      });
    } else {
      const turned = Float64Array.from(W.data, (_, e) => W.data[(e % W.rows) * W.columns + Math.floor(e / W.rows)]!);
      const weight = array(`W${k}`, [W.columns, W.rows], turned);
      node.push({ opType: "MatMul", input: [at, weight], output: [`${z}m`] });
      node.push({ opType: "Add", input: [`${z}m`, bias], output: [z] });
    }
    at = z;
    if (activation.map === "linear") return;
    const attribute = activation.map === "leaky-relu" ? [{ name: "alpha", type: 1, f: activation.slope }] : [];
    node.push({ opType: OPS[activation.map], input: [z], output: [`x${k}`], attribute });
    at = `x${k}`;
  });
  const vector = (name: string, length: number) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: "N" }, { dimValue: length }] } } },
  });
  const graph = {
    ...{ name: "network", node, initializer },
    input: [vector("u", layers[0]!.W.columns)],
    output: [vector(at, layers.at(-1)!.W.rows)],
  };
  return onnx.onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ domain: "", version: 18 }], graph }).finish();
}
