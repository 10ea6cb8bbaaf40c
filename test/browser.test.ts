/** @file The same models in headless Chromium as in Node: WASM in one thread, the engine's choice, its errors. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { exportOnnx } from "../src/files/onnx-export.js";
import { type ExportedResult, loadOnnx } from "../src/files/onnx-load.js";
import { type Browser, noBrowser, openBrowser } from "./browser/harness.js";
import { calibrationFor, exportedCases } from "./cases/exported.js";
import { relativeDifference, subjects } from "./cases/subjects.js";

/** Stated tolerance between devices, relative to the largest value. */
const TOLERANCE = 1e-4;
const SHOWN = ["ct tv 32²", "dictionary"];

describe.skipIf(noBrowser !== undefined)(`headless Chromium${noBrowser ? `, left out: ${noBrowser}` : ""}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser({ gpu: false });
  });
  afterAll(() => browser?.close());

  it("chooses WASM with a reason where there is no WebGPU, in a page that is not isolated", async () => {
    expect(await browser.isolated()).toBe(false);
    expect(await browser.call("device", "auto")).toEqual({
      name: "wasm",
      reason: expect.stringMatching(/^auto: .*WebGPU/),
      y: [2, 4],
    });
    expect(await browser.call("device", "wasm")).toMatchObject({ name: "wasm", reason: "asked for" });
    expect(browser.requests.filter((path) => path.endsWith(".wasm"))).toEqual(["/ort-wasm-simd-threaded.wasm"]);
  });

  it.each(["webgpu", "cpu"] as const)("refuses %s, which is not there, by name", async (device) => {
    const refused = await browser.call("device", device);
    expect(refused).toMatchObject({
      code: "engine",
      message: expect.stringContaining(`expected wasm, got "${device}"`),
    });
  });

  it.each(subjects.filter(({ name }) => SHOWN.includes(name)).map((subject) => [subject.name, subject] as const))(
    "%s: WASM = Node = interpreter",
    async (name, subject) => {
      const reference = subject.reference();
      const { data } = await subject.compute({ device: "cpu", threads: 1 });
      const { data: there, steps } = await browser.call("compute", name, "wasm");
      expect(steps).toBeGreaterThan(10);
      expect(relativeDifference(there, reference)).toBeLessThan(TOLERANCE);
      expect(relativeDifference(there, data)).toBeLessThan(TOLERANCE);
    },
  );

  it.each(exportedCases.map((one) => [one.title, one] as const))("an exported file: %s", async (_, one) => {
    const calibration = await calibrationFor(one);
    const bytes = exportOnnx(one.model, one.weights, { calibration, solver: one.solver, ...one.stop });
    await using file = await loadOnnx(bytes, "model.onnx");
    const here = await file.run(one.data);
    const data = Object.entries(one.data).map(([name, { shape, data: values }]) => {
      return [name, { shape: [...shape], data: Array.from(values) }] as const;
    });
    const there = await browser.call("exported", Array.from(bytes), Object.fromEntries(data), "wasm");
    const said = (results: readonly Pick<ExportedResult, "status" | "trustworthy" | "certificates">[]) =>
      results.map(({ status, trustworthy, certificates }) => [
        ...[status, trustworthy],
        ...certificates.map(({ property, label }) => `${property}: ${label}`),
      ]);
    expect(said(there)).toEqual(said(here));
    expect(here.map(({ status, trustworthy }) => [status, trustworthy])).toEqual(one.expected);
    there.forEach(({ status, x }, n) => {
      if (status === "converged") expect(relativeDifference(x, here[n]!.x.data)).toBeLessThan(1e-3);
    });
  });
});

describe.skipIf(noBrowser !== undefined)(
  `its WebGPU on a software adapter${noBrowser ? `, left out: ${noBrowser}` : ""}`,
  () => {
    let browser: Browser;
    let missing: string | undefined;
    beforeAll(async () => {
      browser = await openBrowser({ gpu: true });
      missing = (await browser.call("device", "webgpu")).message;
    });
    afterAll(() => browser?.close());
    beforeEach((context) => {
      if (missing !== undefined) context.skip(missing);
    });

    it("computes where it is asked for, and is not chosen", async () => {
      expect(await browser.call("device", "webgpu")).toEqual({ name: "webgpu", reason: "asked for", y: [2, 4] });
      expect(await browser.call("device", "auto")).toMatchObject({
        name: "wasm",
        reason: expect.stringContaining("is software"),
      });
    });

    const few = ["matmul", "conv2d", "sparseMatmul", "maximum", "fixedPoint"];
    const rows = few.map((primitive) => subjects.find(({ name }) => name.startsWith(`${primitive} (`))!);
    it.each(rows.map((subject) => [subject.name, subject] as const))("%s = interpreter", async (name, subject) => {
      const { data } = await browser.call("compute", name, "webgpu");
      expect(relativeDifference(data, subject.reference())).toBeLessThan(TOLERANCE);
    });

    const solved = [2, 20, 10].map((x) => expect.closeTo(x, 3));
    it("makes and solves two models at once", async () => {
      expect(await browser.call("together")).toEqual([solved, solved, solved, solved]);
    });

    it("that dies in a solve is one error, again for the same model, and the model can be made again", async () => {
      const { first, second, again } = await browser.call("dies");
      expect(first).toMatch(/^engine: run: expected device "webgpu" to compute, got .*[Ll]ost.* make them again/);
      expect(second).toBe(first);
      expect(again).toEqual(solved);
    });
  },
);
