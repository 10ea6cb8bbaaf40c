/** @file The package as a stranger gets it: packed, unpacked, run. */

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "vouch-package-"));
const installed = join(folder, "node_modules", "vouch");

beforeAll(async () => {
  await run("npm", ["run", "build"], { cwd: root });
  await run("npm", ["pack", "--pack-destination", folder], { cwd: root });
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
  await run("mkdir", ["-p", installed]);
  await run("tar", ["-xzf", join(folder, archive), "--strip-components=1", "-C", installed]);
  symlinkSync(join(root, "node_modules"), join(installed, "node_modules"));
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true }));

describe("the packed package", () => {
  it("has a command that helps", async () => {
    const { stdout } = await run(process.execPath, [join(installed, "dist/cli/main.js"), "--help"]);
    for (const command of ["demo", "reconstruct", "evaluate", "train", "calibrate"]) expect(stdout).toContain(command);
  });

  it("has the public API under its name", async () => {
    const script = `import * as vouch from "vouch"; console.log(vouch.define.name, vouch.ct.tomography.name, vouch.properties.sparsity.name)`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder });
    expect(stdout.trim()).toBe("define tomography sparsity");
  });

  it("works without an engine until one is needed, and then names the package to install", async () => {
    const bare = join(folder, "bare");
    const copy = join(bare, "node_modules", "vouch");
    await run("mkdir", ["-p", join(copy, "node_modules")]);
    for (const part of ["dist", "models", "package.json"]) await run("cp", ["-r", join(installed, part), copy]);
    for (const name of readdirSync(join(root, "node_modules")).filter((name) => !name.startsWith("onnxruntime-"))) {
      symlinkSync(join(root, "node_modules", name), join(copy, "node_modules", name));
    }
    const script = `
      import { compile, tensor } from "vouch";
      const y = tensor.add(tensor.input("x", ["N"]), 1);
      const x = { shape: [2], data: Float64Array.of(1, 2) };
      console.log(tensor.interpret([y], { x })[0].data.join());
      await compile([y]).catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: bare });
    const [interpreted, refused] = stdout.split("\n");
    expect(interpreted).toBe("2,3");
    expect(refused).toMatch(/^engine compile: .*'onnxruntime-node'.* npm install onnxruntime-node/);
    const { stdout: help } = await run(process.execPath, [join(copy, "dist/cli/main.js"), "--help"]);
    expect(help).toContain("reconstruct");
  });

  it("has a verifier of its own", async () => {
    const script = `import { verifyReceipt, verifyLog } from "vouch/verify"; console.log(verifyReceipt.name, verifyLog(new Uint8Array(0), []).verdict)`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder });
    expect(stdout.trim()).toBe("verifyReceipt VERIFIED");
  });
});
