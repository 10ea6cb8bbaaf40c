/** @file vouch check on implicit models: which conditions hold and by how much, exit 1 where none does. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commands } from "../../cli/commands/index.js";
import { findImplicit, reportWellPosedness } from "../../cli/implicit.js";
import { dense, denseOf } from "../../src/applications/implicit/dense.js";
import { formatImplicit, implicitModel } from "../../src/applications/implicit/model.js";

let folder = "";
const file = (name: string) => join(folder, `${name}.safetensors`);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-implicit-"));
  const ones = { B: denseOf(2, 1, () => 1), C: denseOf(1, 2, () => 1), phi: [{ map: "relu", size: 2 }] } as const;
  // λ_pf of the first is 0.5, of the second 2; the third is triangular with rows that no norm allows.
  const models = { good: [0, 2, 0.125, 0], bad: [0, 2, 2, 0], triangular: [0.5, 9, 0, -3] };
  for (const [name, A] of Object.entries(models)) {
    await writeFile(file(name), formatImplicit({ model: implicitModel({ ...ones, A: dense(2, 2, A) }), card: {} }));
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function check(name: string) {
  const lines: string[] = [];
  const out = {
    heading: (text: string) => lines.push(text),
    line: (text = "") => lines.push(text),
    label: (text: string) => text,
    table: (_: readonly string[], rows: readonly (readonly string[])[]) =>
      lines.push(...rows.map((row) => row.join(" "))),
  };
  const { figures, exit } = reportWellPosedness((await findImplicit(file(name)))!, out as never);
  return { figures, exit, text: lines.join("\n") };
}

it("says which conditions hold and by how much", async () => {
  const { figures, exit, text } = await check("good");
  expect(exit).toBe(0);
  expect(figures).toMatchObject({ infinity_norm: 2, infinity_norm_margin: -1, well_posed: 1 });
  expect(figures["perron_frobenius"]).toBeCloseTo(0.5, 10);
  expect(figures["perron_frobenius_margin"]).toBeCloseTo(0.5, 10);
  expect(text).toMatch(/infinity-norm 2\.00000 -1\.00 fail ‖A‖_∞ < 1/);
  expect(text).toMatch(/perron-frobenius 0\.500000 0\.500 pass λ_pf/);
  expect(text).toMatch(/triangular {3}none 2 states depend on each other/);
  expect(text).toMatch(/Well-posed by perron-frobenius, diagonal-scaling\.$/);
});

it("ends with 1 where none does, and with 0 for a triangular A of any size", async () => {
  const bad = await check("bad");
  expect(bad.exit).toBe(1);
  expect(bad.figures["well_posed"]).toBe(0);
  expect(bad.text).toMatch(/Not shown to be well-posed: ‖A‖_∞ < 1: 2\.000/);
  const triangular = await check("triangular");
  expect(triangular.exit).toBe(0);
  expect(triangular.text).toContain("Well-posed by triangular");
});

it("is what vouch check does with such a file, and with no other", async () => {
  expect(await findImplicit("ct-ellipses")).toBeUndefined();
  expect(commands["check"]!.summary).toContain("well-posedness");
  await writeFile(file("broken"), new Uint8Array(9));
  await expect(findImplicit(file("broken"))).rejects.toMatchObject({ code: "format" });
});
