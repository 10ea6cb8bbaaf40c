/** @file The device asked for or chosen, its reason, and the error where it is missing. */

import { InferenceSession } from "onnxruntime-node";
import { afterEach, describe, expect, it, vi } from "vitest";
import { chooseDevice, type DeviceName } from "../../src/engine/device.js";
import { type Runtime, runtime } from "../../src/engine/runtime.js";
import { compile } from "../../src/engine/session.js";
import { compileModel } from "../../src/model.js";
import { add } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { breaking } from "../cases/robust.js";
import { failure } from "../failure.js";

const y = add(input("x", ["N"]), 1);

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("in Node", () => {
  it("the processor is chosen with a reason, or taken because it was asked for", async () => {
    await using chosen = await compile([y]);
    expect(chosen.device.name).toBe("cpu");
    expect(chosen.device.reason).toMatch(/^auto: /);
    await using asked = await compile([y], { device: "cpu" });
    expect(asked.device).toEqual({ name: "cpu", reason: "asked for" });
    await using model = await compileModel(breaking(), {}, { device: "cpu" });
    expect(model.device).toEqual(asked.device);
  });

  it("a device that is not of this runtime is refused, with those that are", async () => {
    const error = await failure(compile([y], { device: "wasm" }));
    expect(error.code).toBe("engine");
    expect(error.message).toMatch(/^compile: device: expected cpu or .*webgpu, got "wasm" \(in Node the processor/);
  });

  it.each(["webgpu", "cuda"] as const)(
    "%s that refuses is an error with a remedy, and no other takes its place",
    async (device) => {
      const create = vi.spyOn(InferenceSession, "create");
      create.mockRejectedValue(new Error("/src/webgpu.cc:7 Init() adapter was false. No supported adapters.\n at x"));
      const error = await failure(compile([y], { device }));
      expect(create).toHaveBeenCalledTimes(1);
      expect(create.mock.calls[0]![1]).toMatchObject({ executionProviders: [device] });
      expect(error.code).toBe("engine");
      expect(error.message).toMatch(
        new RegExp(`^compile: expected device "${device}" to compute, got No supported adapters\\. .*device:? "cpu"`),
      );
    },
  );
});

describe("in a browser", () => {
  const web = { env: { versions: { web: "1.30.0" }, wasm: {} } } as unknown as Runtime;
  const gpu = (info: object | null) => ({ gpu: { requestAdapter: async () => (info === null ? null : { info }) } });
  const choices: [string, object, DeviceName, RegExp][] = [
    ["no WebGPU", {}, "wasm", /no WebGPU/],
    ["no adapter", gpu(null), "wasm", /no adapter/],
    [
      "a software adapter",
      gpu({ vendor: "google", architecture: "swiftshader" }),
      "wasm",
      /\(google swiftshader\) is software/,
    ],
    [
      "a fallback adapter",
      gpu({ vendor: "a", architecture: "", isFallbackAdapter: true }),
      "wasm",
      /\(a\) is software/,
    ],
    ["a GPU", gpu({ vendor: "nvidia", architecture: "hopper" }), "webgpu", /nvidia hopper/],
  ];
  it.each(choices)("%s", async (_, navigator, name, reason) => {
    vi.stubGlobal("navigator", navigator);
    const device = await chooseDevice(web, "auto");
    expect(device.name).toBe(name);
    expect(device.reason).toMatch(/^auto: /);
    expect(device.reason).toMatch(reason);
  });

  it("what is asked for is taken where it is, else refused", async () => {
    const refused = async (device: DeviceName) => (await failure(chooseDevice(web, device))).message;
    vi.stubGlobal("navigator", {});
    expect(await chooseDevice(web, "wasm")).toEqual({ name: "wasm", reason: "asked for" });
    expect(await refused("webgpu")).toMatch(/expected wasm, got "webgpu" \(there is no WebGPU in this page\)/);
    vi.stubGlobal("navigator", gpu(null));
    expect(await refused("webgpu")).toMatch(/expected wasm, got "webgpu" \(WebGPU has no adapter here\)/);
    vi.stubGlobal("navigator", gpu({ vendor: "google", architecture: "swiftshader" }));
    expect(await chooseDevice(web, "webgpu")).toEqual({ name: "webgpu", reason: "asked for" });
    expect(await refused("cpu")).toMatch(/expected wasm or webgpu, got "cpu"/);
  });
});

it("the engine is loaded once", async () => {
  expect(await runtime()).toBe(await runtime());
});
