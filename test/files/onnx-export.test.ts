/** @file Exported files: what `infer` says, said by ONNX Runtime in Node, in WebAssembly and in Python; and damaged ones refused. */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as web from "onnxruntime-web/wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pythonWith } from "../../bench/python.js";
import { calibrationOf, parseCtCalibrations } from "../../src/applications/ct/calibrations.js";
import { NOISE_LEVEL } from "../../src/applications/ct/examples.js";
import { exportCt } from "../../src/applications/ct/export.js";
import { l2oMethod } from "../../src/applications/ct/methods.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import type { Calibration } from "../../src/certificates/calibration.js";
import { certify, infer, type Result } from "../../src/certificates/certify.js";
import { conformalLabel, ecdfLabel, randomizedLabel } from "../../src/certificates/labels.js";
import { formatStandalone, readMetadata } from "../../src/engine/standalone.js";
import { VouchError } from "../../src/errors.js";
import { parseBundle } from "../../src/files/bundle.js";
import { formatNpy } from "../../src/files/npy.js";
import { exportOnnx } from "../../src/files/onnx-export.js";
import { type ExportedResult, loadOnnx } from "../../src/files/onnx-load.js";
import { checkOnnx, sealed } from "../../src/files/onnx-metadata.js";
import { compileModel } from "../../src/model.js";
import { random } from "../../src/random.js";
import type { Solution } from "../../src/solvers/solve.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { calibrationFor, type ExportedCase, exportedCases } from "../cases/exported.js";
import { thrown } from "../failure.js";

const folder = mkdtempSync(join(tmpdir(), "vouch-export-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly calibration: Calibration;
  readonly bytes: Uint8Array;
  readonly file: readonly ExportedResult[];
  readonly solution: Solution;
  /** As `infer`, but of the answers as they were solved: the file repairs none. */
  readonly results: readonly Result[];
}

const runs = new Map<ExportedCase, Run>();
beforeAll(async () => {
  for (const one of exportedCases) {
    const { model, weights, solver, stop, data } = one;
    const calibration = await calibrationFor(one);
    const bytes = exportOnnx(model, weights, { calibration, solver, ...stop });
    await using opened = await loadOnnx(bytes, "model.onnx");
    await using compiled = await compileModel(model, weights, { solver });
    const solution = await compiled.solve(data, { ...stop, strict: false });
    const results = certify({ model, weights, data, solution, solver, calibration });
    runs.set(one, { calibration, bytes, file: await opened.run(data), solution, results });
    const inferred = await infer(compiled, model, weights, data, { calibration, solver, ...stop });
    expect(inferred.map(({ trustworthy }) => trustworthy)).toEqual(results.map(({ trustworthy }) => trustworthy));
  }
});

const worst = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
/** Relative; what is beyond the squares of float32 may be infinite there, or not a number. */
const near = (a: number | undefined, b: number, tolerance: number) =>
  a !== undefined && (Math.abs(a - b) <= tolerance * Math.abs(b) || (!Number.isFinite(a) && !(Math.abs(b) < 1e19)));
/** Another order of float32 sums may move the test at which a sample stops by one. */
const EVERY = 10;

describe.each(exportedCases.map((one) => [one.title, one] as const))("%s", (_, one) => {
  const { expected, stop } = one;
  const each = (check: (file: ExportedResult, result: Result, n: number, run: Run) => void) => () => {
    const run = runs.get(one)!;
    expect(run.file).toHaveLength(expected.length);
    run.file.forEach((file, n) => {
      check(file, run.results[n]!, n, run);
    });
  };

  it(
    "ends as it should, honest samples trusted and others not",
    each(({ status, trustworthy }, _result, n) => expect([status, trustworthy]).toEqual(expected[n])),
  );

  it(
    "answers as solve does",
    each(({ x }, _result, n, { solution }) => {
      const size = x.data.length;
      const own = solution.x.data.subarray(n * size, (n + 1) * size);
      expect(x.shape).toEqual(solution.x.shape.slice(1));
      expect(worst(x.data.map((value, i) => value - own[i]!))).toBeLessThanOrEqual(1e-3 * worst(own));
    }),
  );

  it(
    "has its status, steps and residuals",
    each(({ status, steps, residual }, _result, n, { solution }) => {
      expect(status).toBe(solution.status[n]);
      expect(Math.abs(steps - solution.steps[n]!)).toBeLessThanOrEqual(EVERY);
      expect(Object.keys(residual)).toEqual(Object.keys(solution.residual[n]!));
      for (const [name, value] of Object.entries(solution.residual[n]!)) {
        expect(near(residual[name], value, 0.05), `${name}: ${residual[name]} and ${value}`).toBe(true);
      }
      if (status === "converged") expect(Math.max(...Object.values(residual))).toBeLessThanOrEqual(stop.tolerance);
    }),
  );

  it(
    "has the values, p-values and labels of certify",
    each(({ certificates, trustworthy }, result) => {
      expect(trustworthy).toBe(result.trustworthy);
      for (const { property, value, p, label } of result.certificates) {
        const found = certificates.find((certificate) => certificate.property === property)!;
        expect([property, found.label]).toEqual([property, label]);
        if (property === "convergence") continue;
        expect(near(found.value, value, 1e-3), `${property}: ${found.value} and ${value}`).toBe(true);
        expect(found.p).toBeCloseTo(p!, 6);
      }
      const joint = certificates.find(({ property }) => property === "joint");
      if (result.joint.verdict === "REFUSED") expect(joint).toBeUndefined();
      else {
        expect(joint!.label).toBe(result.joint.label);
        expect(joint!.p).toBeCloseTo(result.joint.p, 6);
      }
    }),
  );

  it("is the same bytes again", () => {
    const { calibration, bytes } = runs.get(one)!;
    const again = exportOnnx(one.model, one.weights, { calibration, solver: one.solver, ...stop });
    expect(Buffer.compare(again, bytes)).toBe(0);
  });

  it("says the same in WebAssembly", async () => {
    const { bytes, file } = runs.get(one)!;
    web.env.wasm.numThreads = 1;
    const session = await web.InferenceSession.create(bytes);
    const feeds = Object.entries(one.data).map(([name, { data, shape }]) => [
      name,
      new web.Tensor("float32", data, [...shape]),
    ]);
    const outputs = await session.run(Object.fromEntries(feeds));
    const { labels, statuses } = checkOnnx(bytes, "model.onnx");
    file.forEach(({ status, certificates, trustworthy }, n) => {
      const code = (name: string) => Number(outputs[name]!.data[n]);
      expect(statuses[code("status")]).toBe(status);
      expect(code("trustworthy") === 1).toBe(trustworthy);
      for (const { property, label } of certificates) expect(labels[code(`label.${property}`)]).toBe(label);
    });
    await session.release();
  });
});

describe("the ten lines of Python", () => {
  const python = pythonWith("numpy, onnxruntime");
  const docs = readFileSync(fileURLToPath(new URL("../../docs/export.md", import.meta.url)), "utf8");
  const block = /```python\n([\s\S]*?)```/.exec(docs)![1]!;

  it("are ten at most", () => {
    expect(block.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(10);
  });

  it.skipIf(python === undefined)("say the same (skipped where no Python imports onnxruntime)", async () => {
    for (const one of exportedCases) {
      const { bytes, file } = runs.get(one)!;
      writeFileSync(join(folder, "model.onnx"), bytes);
      for (const [name, array] of Object.entries(one.data)) {
        writeFileSync(join(folder, `${name}.npy`), formatNpy({ ...array, shape: [...array.shape] }));
      }
      const { stdout } = await promisify(execFile)(python!, ["-c", block], { cwd: folder });
      const said = file.map(({ status, trustworthy, certificates }) => {
        const labels = certificates.map(({ property, label }) => `'${property}': '${label}'`);
        return `${status} ${trustworthy ? "trustworthy" : "not to be trusted"} {${labels.join(", ")}}`;
      });
      expect(stdout.trim().split(/\r?\n/)).toEqual(said);
    }
  });
});

describe("a file that is not as it was written", () => {
  const bytes = () => runs.get(exportedCases[0]!)!.bytes;
  const refusal = (damaged: Uint8Array) => {
    const error = thrown(() => checkOnnx(damaged, "model.onnx"));
    expect(error.code).toBe("format");
    expect(error.details.name).toContain("model.onnx");
    return error;
  };

  it("is refused wherever a byte is flipped, and the honest one is not", () => {
    const about = checkOnnx(bytes(), "model.onnx");
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect([about.model, about.version]).toEqual(["sparse recovery", version]);
    const { length } = bytes();
    const stream = random(11);
    const places = Array.from({ length: 400 }, (_, k) =>
      k < 200 ? length - 1 - k : Math.floor(stream.uniform() * length),
    );
    for (const place of places) {
      const damaged = Uint8Array.from(bytes());
      damaged[place]! ^= 1 << Math.floor(stream.uniform() * 8);
      refusal(damaged);
    }
  });

  it("is refused with both digests where content or digest was tampered with", () => {
    const stated = readMetadata(bytes())!["vouch.digest"]!;
    const middle = Uint8Array.from(bytes());
    middle[Math.floor(middle.length / 2)]! ^= 1;
    const { message } = refusal(middle);
    expect(message).toContain(stated);
    expect(message.match(/sha256:[0-9a-f]{64}/g)).toHaveLength(2);
  });

  it("is refused cut short, empty, of another writer, and of another format version by its number", () => {
    for (const end of [0, 1, 100, bytes().length - 1]) refusal(bytes().subarray(0, end));
    const x = input("d", ["N", 2]);
    const file = (metadata: Record<string, string>) =>
      formatStandalone({
        ...{ inputs: [{ tensor: x, doc: "" }], outputs: [{ name: "x", tensor: x, doc: "" }] },
        ...{ producerVersion: "", docString: "", metadata },
      });
    expect(refusal(file({})).message).toContain("another writer");
    const metadata = readMetadata(bytes())!;
    const open = `sha256:${"0".repeat(64)}`;
    const other = sealed(file({ ...metadata, "vouch.format": "2", "vouch.digest": open }));
    expect(refusal(other).message).toContain("expected format version 1, got version 2");
    expect(checkOnnx(sealed(file({ ...metadata, "vouch.digest": open })), "model.onnx").model).toBe("sparse recovery");
  });

  it("is not run", async () => {
    const damaged = Uint8Array.from(bytes());
    damaged[1000]! ^= 4;
    await expect(loadOnnx(damaged, "model.onnx")).rejects.toBeInstanceOf(VouchError);
  });
});

describe("exportOnnx", () => {
  it("takes labellers of ranks alone, and tells what is missing", async () => {
    const [one] = exportedCases;
    const { model, weights, stop } = one!;
    const calibration = await calibrationFor(one!, 19);
    const refused = (options: object) => thrown(() => exportOnnx(model, weights, { calibration, ...stop, ...options }));
    const { solve } = checkOnnx(exportOnnx(model, weights, { calibration, label: ecdfLabel }), "model.onnx");
    expect(solve).toMatchObject({ solver: "relaxed 1.9", tolerance: 1e-4, maxSteps: 5000, every: 10, checks: 10 });
    expect(refused({ label: randomizedLabel(random(1)) })).toMatchObject({ code: "parameter" });
    const strict = (values: readonly number[], alpha: number) => conformalLabel(values, alpha, { fail: 0.01 });
    expect(refused({ label: strict })).toMatchObject({ code: "certificate" });
    expect(refused({ tolerance: 0 }).message).toContain("exportOnnx: tolerance");
    const values = { sparsity: calibration.values["sparsity"]! };
    expect(refused({ calibration: { ...calibration, values } }).message).toContain('calibration values of "fidelity"');
  });

  it("is within 60 MB for the papers' CT, its operator inside", async () => {
    const at = (name: string) => readFileSync(fileURLToPath(new URL(`../../models/${name}`, import.meta.url)));
    const scan = tomography();
    const method = l2oMethod(scan, parseBundle(at("ct-ellipses.safetensors")));
    const calibrations = parseCtCalibrations(JSON.parse(at("ct-ellipses.calibration.json").toString()));
    const calibration = await calibrationOf(calibrations, method, scan, NOISE_LEVEL);
    const bytes = exportCt(scan, method, calibration);
    expect(bytes.length).toBeLessThan(60e6);
    const { solve, data } = checkOnnx(bytes, "ct.onnx");
    expect(solve).toMatchObject({ splitting: "linearizedAdmm", tolerance: 5e-4, maxSteps: 3000 });
    expect(data).toEqual({ d: ["N", scan.matrix.rows], delta: ["N"] });
    expect(JSON.parse(readMetadata(bytes)!["rays"]!)).toEqual([...scan.kept]);
  });
});
