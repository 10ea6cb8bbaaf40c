/** @file A browser verifies the same receipts to the same bits, and carries no engine for it. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { benchKey, receipts } from "../bench/receipt-instances.js";
import { payloadOf } from "../src/attest.js";
import { recompute } from "../src/receipts/figures.js";
import { publicKeyOf, seal, verifyReceipt } from "../src/receipts/index.js";
import { toBase64 } from "../src/verify/json.js";

const CHROMIUM = "/usr/bin/chromium";
const entry = fileURLToPath(new URL("../src/receipts/index.ts", import.meta.url));
const figures = fileURLToPath(new URL("../src/receipts/figures.ts", import.meta.url));

async function bundle() {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `export * from ${JSON.stringify(entry)}; export { recompute } from ${JSON.stringify(figures)};`,
      resolveDir: ".",
    },
    bundle: true,
    write: false,
    metafile: true,
    format: "iife",
    globalName: "vouch",
    platform: "browser",
    target: "es2023",
  });
  return { script: outputFiles[0]!.text, inputs: Object.keys(metafile.inputs) };
}

/** What is passed into the page and comes back. */
interface Sent {
  readonly envelope: string;
  readonly key: string;
  readonly content: readonly (readonly [string, string])[];
}

describe("vouch/verify", () => {
  it("needs neither engine, nor model, nor Node", async () => {
    const { inputs, script } = await bundle();
    expect(inputs.filter((path) => /onnx|src\/engine|src\/model|src\/solvers|node:/.test(path))).toEqual([]);
    expect(inputs.some((path) => path.endsWith("src/verify/check.ts"))).toBe(true);
    expect(script.length).toBeGreaterThan(10_000);
  });

  it.skipIf(!existsSync(CHROMIUM))(
    `gives the bits of Node in Chromium (${existsSync(CHROMIUM) ? "found" : "skipped: no chromium at /usr/bin"})`,
    async () => {
      const { script } = await bundle();
      const made = await receipts(3, 8);
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--headless=new"] });
      try {
        const page = await browser.newPage();
        await page.addScriptTag({ content: script });
        for (const { statement, content } of made) {
          for (const changed of [false, true]) {
            const stated = structuredClone(statement);
            if (changed) stated.predicate.figures.labels["variation"]!.value = "0.25";
            const bundled = { envelope: seal(payloadOf(stated), benchKey), content };
            const sent: Sent = {
              envelope: toBase64(bundled.envelope),
              key: toBase64(publicKeyOf(benchKey)),
              content: [...content].map(([digest, bytes]) => [digest, toBase64(bytes)]),
            };
            // As text: the page knows nothing of this module.
            const seen = (await page.evaluate(`(${inPage})(${JSON.stringify(sent)})`)) as {
              receipt: unknown;
              figures: unknown;
            };
            const own = verifyReceipt(bundled, [publicKeyOf(benchKey)]);
            expect(seen.receipt).toEqual(JSON.parse(JSON.stringify(own)));
            expect(seen.figures).toEqual(recompute(stated, (digest) => content.get(digest)!));
            expect(own.verdict).toBe(changed ? "REFUTED" : "VERIFIED");
          }
        }
      } finally {
        await browser.close();
      }
    },
  );
});

const inPage = `({ envelope, key, content }) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const files = new Map(content.map(([digest, text]) => [digest, bytes(text)]));
  const receipt = vouch.verifyReceipt({ envelope: bytes(envelope), content: files }, [bytes(key)]);
  return { receipt, figures: vouch.recompute(receipt.statement, (digest) => files.get(digest)) };
}`;
