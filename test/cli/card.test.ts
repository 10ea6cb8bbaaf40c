/** @file Model cards: what a shipped model says of itself, and what it may not say. */

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { aboutSchema, BLIND_SPOTS, cardJson, cardMarkdown } from "../../cli/card.js";
import { modelCard } from "../../cli/commands/card.js";
import { beside, shippedModel } from "../../cli/paths.js";
import { parseCtCalibrations } from "../../src/applications/ct/calibrations.js";
import { parseBundle } from "../../src/files/bundle.js";
import { sha256Hex } from "../../src/receipts/index.js";

async function shipped(name: string) {
  const path = shippedModel(name);
  const bytes = new Uint8Array(await readFile(path));
  const json = async (ending: string) => JSON.parse(await readFile(beside(path, ending), "utf8"));
  return {
    digest: sha256Hex(bytes),
    bundle: parseBundle(bytes),
    calibrations: parseCtCalibrations(await json("calibration.json")),
    about: aboutSchema.parse(await json("card.json")),
  };
}

describe.each(["ct-chest", "ct-ellipses"])("the card of %s", (name) => {
  it("has front matter, licences, definitions, calibrations with N, levels and blind spots", async () => {
    const { digest, bundle, calibrations, about } = await shipped(name);
    const card = modelCard(name, digest, bundle, { calibrations, about });
    const text = cardMarkdown(card);
    const [, front] = text.split(/^---$/m);
    expect(front).toContain('license: "mit"');
    expect(front).toContain("model-index:");
    for (const { licence } of about.data) expect(text).toContain(licence);
    for (const { definition } of about.metrics) expect(text).toContain(definition);
    for (const line of BLIND_SPOTS) expect(text).toContain(line);
    expect(text).toContain(`sha256:${digest}`);
    const [tv] = card.calibrations;
    expect(tv!.samples).toBe(99);
    expect(text).toContain(tv!.commitment);
    expect(text).toContain("REFUSED: 299 samples would do");
    expect(tv!.levels.map(({ single, joint }) => [single, joint])).toEqual([
      [true, true],
      [true, true],
      [true, false],
    ]);
    expect(JSON.parse(cardJson(card)).calibrations).toEqual(JSON.parse(JSON.stringify(card.calibrations)));
  });

  it("is refused where a calibration sample was trained on", async () => {
    const { digest, bundle, calibrations, about } = await shipped(name);
    const trainedOn = [calibrations.methods["l2o"]!.calibration.samples[3]!];
    const leaked = { ...bundle, manifest: { ...bundle.manifest, trainedOn } };
    expect(() => modelCard(name, digest, leaked, { calibrations, about })).toThrow(/were not trained on/);
  });
});

it("a card keeps its table and front matter whatever the text", async () => {
  const { digest, bundle } = await shipped("ct-chest");
  const about = aboutSchema.parse({
    licence: 'x"\n---\nlicense: stolen',
    summary: "s",
    data: [{ name: "a|b", use: "u\nv", source: "s", licence: "l" }],
    metrics: [],
  });
  const text = cardMarkdown(modelCard("m", digest, bundle, { calibrations: undefined, about }));
  expect(text.match(/^---$/gm)).toHaveLength(2);
  expect(text).toContain("| a\\|b | u v |");
  expect(text).toContain("None: no label can be given.");
});
