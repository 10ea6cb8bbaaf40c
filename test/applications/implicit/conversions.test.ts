/** @file Networks converted to implicit models have the outputs of the networks; files that cannot be read are refused by node. */

import { describe, expect, it } from "vitest";
import { difference, networks } from "../../../bench/networks.js";
import { onnxBytes, onnxNetwork } from "../../../bench/onnx-networks.js";
import { fromOnnx } from "../../../src/applications/implicit/convert/onnx.js";
import { inputSignal, mapped, modelOf, multiplySignals } from "../../../src/applications/implicit/convert/signal.js";
import { dense } from "../../../src/applications/implicit/dense.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { triangular } from "../../../src/applications/implicit/well-posed/triangular.js";
import { evaluate, subjectOf } from "../../../src/applications/implicit/well-posed/well-posedness.js";
import { openModel } from "../../../src/engine/opened.js";
import { random } from "../../../src/random.js";
import { thrown } from "../../failure.js";

describe.each(Object.entries({ ...networks, onnx: onnxNetwork }))("%s networks", (kind, make) => {
  it("have their outputs as implicit models, which substitution solves", () => {
    for (let k = 0; k < 8; k++) {
      const stream = random(2).fork(kind).fork(k);
      const network = make(stream);
      expect(difference(network, (U) => predict(network.model, U).Y, stream, 4)).toBeLessThan(1e-10);
      expect(evaluate(triangular, subjectOf(network.model))).toMatchObject({ left: 0, holds: true });
    }
  });

  it("would show a weight that is not the network's", () => {
    const stream = random(3).fork(kind);
    const network = make(stream);
    const C = { ...network.model.C, data: network.model.C.data.map((value) => 1.001 * value) };
    expect(difference(network, (U) => predict({ ...network.model, C }, U).Y, stream, 4)).toBeGreaterThan(1e-6);
  });
});

describe("an .onnx file", () => {
  it("gives what ONNX Runtime computes from it, to float32", async () => {
    const network = onnxNetwork(random(4));
    await using opened = await openModel(network.bytes);
    const u = Float32Array.from({ length: 3 * network.inputs }, () => random(5).normal());
    const outputs = Object.values(await opened.run({ u: { shape: [3, network.inputs], data: u } }));
    const { Y } = predict(network.model, dense(3, network.inputs, u));
    expect(Y.data.length).toBe(outputs[0]!.data.length);
    Y.data.forEach((value, i) => {
      expect(Math.abs(value - outputs[0]!.data[i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
    });
  });

  it("is refused where it is no model, or has a node that is not feed-forward", () => {
    expect(thrown(() => fromOnnx(new Uint8Array(0))).code).toBe("format");
    expect(thrown(() => fromOnnx(Uint8Array.of(255, 255, 255))).code).toBe("format");
    const { bytes } = onnxNetwork(random(6));
    const renamed = Uint8Array.from(bytes);
    const at = new TextDecoder("latin1").decode(bytes).indexOf("Gemm");
    renamed.set(new TextEncoder().encode("Gamm"), at);
    expect(thrown(() => fromOnnx(renamed)).message).toMatch(/expected one of Relu, .*got Gamm/);
    expect(thrown(() => fromOnnx(bytes.subarray(0, bytes.length >> 1))).code).toBe("format");
  });

  it("of one layer is an affine model", () => {
    const W = dense(2, 2, [1, 2, 3, 4]);
    const model = fromOnnx(onnxBytes([{ W, w: Float64Array.of(5, 6), activation: { map: "linear" } }]));
    expect(predict(model, dense(1, 2, [1, 1])).Y.data).toEqual(Float64Array.of(8, 13));
  });
});

it("gates multiply states, and the model stays triangular", () => {
  const u = inputSignal(2);
  const gated = multiplySignals(mapped(u, { map: "sigmoid" }), mapped(u, { map: "tanh" }));
  const { Y } = predict(modelOf(gated, u), dense(1, 2, [0.3, -2]));
  [0.3, -2].forEach((v, i) => {
    expect(Y.data[i]).toBeCloseTo(Math.tanh(v) / (1 + Math.exp(-v)), 14);
  });
});
