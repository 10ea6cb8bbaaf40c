/** @file WebGPU in Node computes what the interpreter computes: every primitive, a solve, and a NaN in the middle of one. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/engine/session.js";
import { exportOnnx } from "../../src/files/onnx-export.js";
import { loadOnnx } from "../../src/files/onnx-load.js";
import { compileModel } from "../../src/model.js";
import { add } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { useSoftwareAdapter } from "../adapter.js";
import { calibrationFor, exportedCases } from "../cases/exported.js";
import { breaking } from "../cases/robust.js";
import { relativeDifference, subjects } from "../cases/subjects.js";

const missing = useSoftwareAdapter();
const engine = { device: "webgpu" } as const;

describe.skipIf(missing !== undefined)(`WebGPU in Node${missing ? `, left out: ${missing}` : ""}`, () => {
  it("is the device of a session that asked for it", async () => {
    await using session = await compile([add(input("x", ["N"]), 1)], engine);
    expect(session.device).toEqual({ name: "webgpu", reason: "asked for" });
  });

  const once = subjects.filter(({ kind, name }) => kind === "primitive" && name.endsWith(".1)"));
  it.each(once.map((subject) => [subject.name, subject] as const))("%s", async (_, subject) => {
    const { data } = await subject.compute(engine);
    expect(relativeDifference(data, subject.reference())).toBeLessThan(2e-5);
  });

  it("dictionary", async () => {
    const subject = subjects.find(({ name }) => name === "dictionary")!;
    const { data, steps } = await subject.compute(engine);
    expect(steps).toBe(50);
    expect(relativeDifference(data, subject.reference())).toBeLessThan(1e-4);
  });

  it("an exported file", async () => {
    const one = exportedCases.find(({ title }) => title.startsWith("denoising"))!;
    const bytes = exportOnnx(one.model, one.weights, {
      calibration: await calibrationFor(one),
      solver: one.solver,
      ...one.stop,
    });
    await using file = await loadOnnx(bytes, "model.onnx", engine);
    const results = await file.run(one.data);
    expect(results.map(({ status, trustworthy }) => [status, trustworthy])).toEqual(one.expected);
  });

  it("a NaN in the middle of a solve stops its sample and no other", async () => {
    const column = (values: readonly number[]) => ({ shape: [values.length, 1], data: Float32Array.from(values) });
    const data = { d: column([1, 2, 3]), rate: column([0.5, 0.9, 0.7]), last: column([1e6, 12, 1e6]) };
    await using compiled = await compileModel(breaking(), {}, { ...engine, chunk: { every: 5, checks: 4 } });
    const { status, steps, x } = await compiled.solve(data, { tolerance: 1e-5, strict: false });
    expect(status).toEqual(["converged", "non-finite", "converged"]);
    expect(steps[1]).toBe(15);
    expect(Math.abs(x.data[0]! - 2)).toBeLessThan(1e-3);
    expect(Math.abs(x.data[2]! - 10)).toBeLessThan(1e-3);
  });
});
