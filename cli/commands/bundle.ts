/** @file vouch bundle seal and vouch bundle check: the files of a model as one, byte for byte. */

import { basename } from "node:path";
import { checkOnnx } from "../../src/files/onnx-metadata.js";
import { command } from "../command.js";
import { within } from "../errors.js";
import { readFileOrExplain } from "../files.js";
import { readAllListed, readList, sealBundle } from "../model-bundle.js";
import { weightsFile } from "../models.js";

const operand = { name: "model", summary: "a shipped model (ct-ellipses, ct-chest, dictionary) or FILE.safetensors" };

export const bundleSeal = command({
  summary: "Write the digest list of a model: weights, calibration, card and export, as they are now.",
  operand,
  options: {},
  async run({ name, operand: model, out }) {
    const path = weightsFile(name, model);
    await within(`${name} ${model}`, () => readFileOrExplain(path, "weights (.safetensors)"));
    const list = await sealBundle(path);
    const { files } = await readList(list);
    out.table(["file", "digest"], Object.entries(files));
    out.line(`Written to ${list}.`);
    return { figures: { files: Object.keys(files).length } };
  },
});

export const bundleCheck = command({
  summary: "Check every file of a model against its digest list, or one exported .onnx file against itself.",
  operand: { ...operand, summary: `${operand.summary}; or an .onnx file` },
  options: {},
  async run({ name, operand: model, out }) {
    const called = `${name} ${model}`;
    const files = model.endsWith(".onnx")
      ? { [basename(model)]: await within(called, () => readFileOrExplain(model, "an exported model (.onnx)")) }
      : await within(called, () => readAllListed(weightsFile(name, model)));
    for (const [file, bytes] of Object.entries(files)) if (file.endsWith(".onnx")) checkOnnx(bytes, file);
    const sizes = Object.values(files).map((bytes) => bytes.length);
    out.table(
      ["file", "bytes"],
      Object.keys(files).map((file, i) => [file, sizes[i]!]),
    );
    out.line("Every file is as it was written.");
    return { figures: { files: sizes.length, bytes: sizes.reduce((a, b) => a + b, 0) } };
  },
});
