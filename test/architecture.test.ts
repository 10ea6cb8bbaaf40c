/** @file The arrows of the architecture hold, every block is in its law table, and the library touches no machine. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { describe, expect, it } from "vitest";
import { adjointCases } from "./cases/adjoint.js";
import { backwardCases } from "./cases/backward.js";
import { functionCases } from "./cases/functions.js";
import { layerCases } from "./cases/layers.js";
import { linearCases } from "./cases/linear.js";
import { marketCases } from "./cases/markets.js";
import { penaltyCases } from "./cases/penalties.js";
import { primitiveCases } from "./cases/primitives.js";
import { setCases } from "./cases/sets.js";
import { smoothCases } from "./cases/smooth.js";
import { solverCases } from "./cases/solvers.js";
import { splittingCases } from "./cases/splittings.js";
import { tradingSetCases } from "./cases/trading-sets.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const options = await extractDepcruiseOptions(join(root, ".dependency-cruiser.cjs"));

async function violations(baseDir: string): Promise<string[]> {
  const { output } = await cruise(["src"], { ...options, baseDir });
  return (output as ICruiseResult).summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
}

const exportsOf = (file: string): Promise<Record<string, unknown>> => import(pathToFileURL(join(root, file)).href);
const camel = (kebab: string) => kebab.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

describe("arrows", () => {
  it("hold in src", async () => {
    expect(await violations(root)).toEqual([]);
  });

  it("have a place for every file and folder of src", () => {
    const places = new Set(options.ruleSet!.forbidden!.map(({ name }) => name));
    const parts = readdirSync(join(root, "src")).map((name) => name.replace(/\.ts$/, ""));
    expect(parts.filter((part) => !places.has(`arrow-${part}`))).toEqual([]);
  });

  const broken: [string, Readonly<Record<string, string>>][] = [
    ["arrow-errors", { "src/errors.ts": 'import "./tensor/tensor.js";', "src/tensor/tensor.ts": "" }],
    ["arrow-tensor", { "src/tensor/tensor.ts": 'import "../engine/session.js";', "src/engine/session.ts": "" }],
    ["arrow-sets", { "src/sets/ball.ts": 'import "../linear/matrix.js";', "src/linear/matrix.ts": "" }],
    [
      "arrow-functions",
      {
        "src/functions/l1.ts": 'import type { Problem } from "../problem.js"; export type P = Problem;',
        "src/problem.ts": "export type Problem = number;",
      },
    ],
    ["arrow-layers", { "src/layers/a.ts": 'import "../splitting/b.js";', "src/splitting/b.ts": "" }],
    ["arrow-splitting", { "src/splitting/a.ts": 'import "../engine/session.js";', "src/engine/session.ts": "" }],
    ["arrow-backward", { "src/backward/a.ts": 'import "../solvers/picard.js";', "src/solvers/picard.ts": "" }],
    ["arrow-training", { "src/training/a.ts": 'import "../certificates/b.js";', "src/certificates/b.ts": "" }],
    ["arrow-checks", { "src/checks/a.ts": 'import "../certificates/b.js";', "src/certificates/b.ts": "" }],
    ["arrow-model", { "src/model.ts": 'import "./training/fit.js";', "src/training/fit.ts": "" }],
    ["arrow-files", { "src/files/a.ts": 'import "../applications/b.js";', "src/applications/b.ts": "" }],
    ["arrow-applications", { "src/applications/b.ts": 'import "../index.js";', "src/index.ts": "" }],
    [
      "verify-without-engine",
      {
        "src/verify/witness.ts": 'import "../tensor/a.js";',
        "src/tensor/a.ts": 'import "../engine/session.js";',
        "src/engine/session.ts": "",
      },
    ],
    [
      "receipts-without-engine",
      {
        "src/receipts/a.ts": 'import "../tensor/a.js";',
        "src/tensor/a.ts": 'import "../engine/session.js";',
        "src/engine/session.ts": "",
      },
    ],
    ["arrow-attest", { "src/attest.ts": 'import "./applications/b.js";', "src/applications/b.ts": "" }],
    ["engine-alone-knows-ort", { "src/model.ts": 'import "onnxruntime-node";' }],
    ["library-alone", { "src/index.ts": 'import "../cli/main.js";', "cli/main.ts": "" }],
    ["no-node", { "src/files/a.ts": 'import "node:fs";' }],
    ["no-node", { "src/files/a.ts": 'import "fs";' }],
    ["resolved", { "src/files/a.ts": 'import "./nowhere.js";' }],
    [
      "no-cycles",
      {
        "src/tensor/a.ts": 'import { b } from "./b.js"; export const a = () => b;',
        "src/tensor/b.ts": 'import { a } from "./a.js"; export const b = () => a;',
      },
    ],
  ];
  it.each(broken)("a break of %s is seen", async (rule, files) => {
    const folder = mkdtempSync(join(tmpdir(), "vouch-arrows-"));
    try {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(folder, dirname(path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const found = (await violations(folder)).map((line) => line.split(":")[0]);
      expect(found).toContain(rule);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("law tables", () => {
  it("every primitive has a row", async () => {
    const rows = new Set(primitiveCases.map(({ primitive }) => primitive));
    const missing: string[] = [];
    for (const file of filesOf("src/tensor/primitives")) {
      for (const [name, value] of Object.entries(await exportsOf(file))) {
        if (name.endsWith("Primitive") && !rows.has((value as { name: string }).name)) missing.push(`${file}: ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });

  /** Named after their file, yet no block. */
  const notBlocks = new Set([
    "src/solvers/chunk.ts",
    "src/layers/layer-of.ts",
    "src/layers/learned-prox.ts",
    "src/layers/learned-smooth.ts",
  ]);
  const tables: [string, readonly { readonly factory: string }[]][] = [
    ["linear", linearCases],
    ["sets", setCases],
    ["functions", [...functionCases, ...smoothCases]],
    ["layers", layerCases],
    ["splitting", splittingCases],
    ["backward", [...backwardCases, ...adjointCases]],
    ["solvers", solverCases],
    ["applications/implicit/penalties", penaltyCases],
    ["applications/trading/markets", marketCases],
    ["applications/trading/sets", tradingSetCases],
  ];
  it.each(tables)("every block of src/%s has a row, and every row a factory", async (folder, table) => {
    const rows = new Set(table.map(({ factory }) => factory));
    const all = new Set<string>();
    const missing: string[] = [];
    for (const file of filesOf(`src/${folder}`)) {
      const found = await exportsOf(file);
      const block = camel(file.split("/").at(-1)!.replace(/\.ts$/, ""));
      for (const name of Object.keys(found)) all.add(name);
      if (typeof found[block] === "function" && !notBlocks.has(file) && !rows.has(block)) missing.push(file);
    }
    expect(missing).toEqual([]);
    expect([...rows].filter((name) => !all.has(name))).toEqual([]);
    expect(rows.size).toBeGreaterThan(0);
  });
});

describe("src touches no machine", () => {
  const forbidden: [string, RegExp][] = [
    ["node:", /["']node:/],
    ["Math.random", /\bMath\s*\.\s*random\b/],
    ["Date", /\bDate\s*\.\s*now\b|\bnew\s+Date\b/],
    ["performance", /\bperformance\s*\./],
    ["process", /\bprocess\s*[.[]/],
  ];
  it.each(forbidden)("%s", (_, pattern) => {
    const code = (file: string) => readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/ .*/g, "");
    expect(filesOf("src").filter((file) => pattern.test(code(file)))).toEqual([]);
  });
});
