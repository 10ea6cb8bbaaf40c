/** @file vouch export and vouch bundle: from weights to a file that answers, and to refusals that name the file. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Outcome, readCall } from "../../cli/command.js";
import { commands } from "../../cli/commands/index.js";
import { simulate } from "../../src/applications/ct/examples.js";
import { solverData } from "../../src/applications/ct/methods.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { calibrate, digest } from "../../src/certificates/calibration.js";
import { formatBundle } from "../../src/files/bundle.js";
import { loadOnnx } from "../../src/files/onnx-load.js";
import { random } from "../../src/random.js";
import { failure } from "../failure.js";
import { SIZE, tinyBundle, tinyCt, tinyScan } from "./tiny.js";

const folder = mkdtempSync(join(tmpdir(), "vouch-export-cli-"));
const at = (...path: string[]) => join(folder, ...path);
afterAll(() => rmSync(folder, { recursive: true }));

const lines: string[] = [];
function vouch(...words: string[]): Promise<Outcome> {
  const { name, command, options, operand, target } = readCall(words, commands);
  lines.length = 0;
  const out = {
    line: (text = "") => lines.push(text),
    table: (heading: unknown, rows: unknown) => lines.push(JSON.stringify([heading, rows])),
    heading() {},
    label: (label: string) => label,
  };
  const progress = () => ({ update() {}, stop() {} });
  const { signal } = new AbortController();
  return command.run({ name: `vouch ${name}`, options, operand, target, out, progress, signal });
}

/** Change one byte of a file while something is tried. */
async function damaged<T>(file: string, attempt: () => Promise<T>): Promise<T> {
  const bytes = readFileSync(file);
  const flipped = Uint8Array.from(bytes);
  flipped[bytes.length >> 1]! ^= 1;
  writeFileSync(file, flipped);
  try {
    return await attempt();
  } finally {
    writeFileSync(file, bytes);
  }
}

beforeAll(async () => {
  writeFileSync(at("tiny.safetensors"), tinyBundle());
  await vouch("calibrate", "--limit", "19", "--model", at("tiny.safetensors"), ...tinyScan);
});

describe("vouch export", () => {
  it.each(["l2o", "tv"])("writes %s as a file that answers honest scans", async (method) => {
    const { figures, exit } = await vouch(
      ...["export", at("tiny.safetensors"), at("out", `${method}.onnx`), "--method", method, ...tinyScan],
    );
    expect(exit ?? 0).toBe(0);
    expect(figures).toMatchObject({ opset: 18, format: 1, calibration_samples: 19, tolerance: 5e-4, max_steps: 3000 });
    expect(readdirSync(at("out"))).toContain(`${method}.onnx`);
    const bytes = readFileSync(at("out", `${method}.onnx`));
    expect(figures["megabytes"]).toBe(bytes.length / 1e6);
    await using file = await loadOnnx(bytes, `${method}.onnx`);
    const image = ellipses({ size: SIZE, random: random(2) });
    const [result] = await file.run(solverData([simulate(tinyCt, image, 2, "test")]));
    expect([result!.status, result!.x.shape]).toEqual(["converged", [1, SIZE, SIZE]]);
    expect(result!.certificates.find(({ property }) => property === "fidelity")!.label).toBe("pass");
  });

  it("writes a dictionary with a calibration of one's own, and stops where it is told", async () => {
    const options = { seed: 3, m: 8, n: 12, r: 4 };
    const K = { shape: [12, 12], data: Float32Array.from({ length: 144 }, (_, i) => Math.sin(i)) };
    writeFileSync(
      at("d.safetensors"),
      formatBundle({ manifest: { model: "dictionary", options, card: {} }, weights: { K } }),
    );
    const samples = await Promise.all(Array.from({ length: 20 }, (_, i) => digest(Float32Array.of(i))));
    const values = { sparsity: samples.map((_, i) => i), fidelity: samples.map(() => 0) };
    writeFileSync(at("d.json"), JSON.stringify(calibrate({ values, reference: "inferences", samples })));
    const { figures } = await vouch(
      ...["export", at("d.safetensors"), at("d.onnx"), "--calibration", at("d.json"), "--max-steps", "500"],
    );
    expect(figures).toMatchObject({ calibration_samples: 20, max_steps: 500, tolerance: 1e-4 });
  });

  it("writes a model of one's own, with its calibration", async () => {
    const library = new URL("../../src/index.ts", import.meta.url).href;
    writeFileSync(
      at("own.ts"),
      `import * as vouch from "${library}";
      const size = { prox: vouch.l1(1) };
      const fit = { prox: vouch.indicator(vouch.box(0, 1)), of: vouch.identity(["N", 3]) };
      export const model = vouch.define({ name: "own", params: {}, data: { d: ["N", 3] }, problem: () => ({ size, fit }) });
      export const data = { d: { shape: [1, 3], data: new Float32Array(3) } };`,
    );
    const without = await failure(vouch("export", at("own.ts"), at("own.onnx")));
    expect(without.message).toContain("--calibration: expected the calibration of");
    const samples = await Promise.all(Array.from({ length: 20 }, (_, i) => digest(Float32Array.of(i))));
    const values = { size: samples.map(() => 0), fit: samples.map(() => 0) };
    writeFileSync(at("own.json"), JSON.stringify(calibrate({ values, reference: "truth", samples })));
    const { figures } = await vouch("export", at("own.ts"), at("own.onnx"), "--calibration", at("own.json"));
    expect(figures).toMatchObject({ calibration_samples: 20, tolerance: 1e-4, max_steps: 5000 });
  });

  it("names what it cannot export", async () => {
    expect((await failure(vouch("export", "ct-elipses", at("x.onnx")))).message).toContain("Did you mean ct-ellipses?");
    expect((await failure(vouch("export", at("none.safetensors"), at("x.onnx")))).code).toBe("file");
    const manifest = { model: "unknown", options: {}, card: {} };
    writeFileSync(at("other.safetensors"), formatBundle({ manifest, weights: {} }));
    const other = await failure(vouch("export", at("other.safetensors"), at("x.onnx")));
    expect(other.message).toContain("ct-convex or dictionary, got one of unknown");
    expect(() => readCall(["export", "tiny.safetensors"], commands)).toThrow(
      "vouch export: expected file, got nothing",
    );
    expect(() => readCall(["export", "a", "b", "c"], commands)).toThrow('one model and one file, got "c"');
    expect(readdirSync(folder)).not.toContain("x.onnx");
  });
});

describe("a bundle on the disk", () => {
  const use = () => vouch("export", at("tiny.safetensors"), at("again.onnx"), ...tinyScan);

  it("was sealed by calibrate, and is checked as it is used", async () => {
    expect(readdirSync(folder)).toContain("tiny.digests.json");
    await use();
    for (const file of ["tiny.safetensors", "tiny.calibration.json"]) {
      const { code, message } = await damaged(at(file), () => failure(use()));
      expect(code).toBe("format");
      expect(message).toContain(file);
      expect(message.match(/sha256:[0-9a-f]{64}/g)).toHaveLength(2);
    }
    await use();
  });

  it("is checked whole, sealed again with what was added, and refused without a file that it names", async () => {
    writeFileSync(at("tiny.md"), "# tiny\n");
    await vouch("export", at("tiny.safetensors"), at("tiny.onnx"), ...tinyScan);
    expect((await vouch("bundle", "check", at("tiny.safetensors"))).figures["files"]).toBe(2);
    expect((await vouch("bundle", "seal", at("tiny.safetensors"))).figures["files"]).toBe(4);
    expect((await vouch("bundle", "check", at("tiny.safetensors"))).figures["files"]).toBe(4);
    for (const file of ["tiny.safetensors", "tiny.calibration.json", "tiny.md", "tiny.onnx", "tiny.digests.json"]) {
      const { code } = await damaged(at(file), () => failure(vouch("bundle", "check", at("tiny.safetensors"))));
      expect([file, code]).toEqual([file, "format"]);
    }
    rmSync(at("tiny.md"));
    const missing = await failure(vouch("bundle", "check", at("tiny.safetensors")));
    expect([missing.code, missing.message.includes("tiny.md")]).toEqual(["file", true]);
  });

  it("has an export that is checked by itself", async () => {
    await use();
    expect((await vouch("bundle", "check", at("again.onnx"))).figures["files"]).toBe(1);
    const { code, message } = await damaged(at("again.onnx"), () =>
      failure(vouch("bundle", "check", at("again.onnx"))),
    );
    expect(code).toBe("format");
    expect(message).toContain("again.onnx");
  });
});
