/** @file vouch calibrate: what the properties of trusted inferences look like. */

import { dirname } from "node:path";
import { stratify } from "../../src/applications/ct/select.js";
import { VouchError } from "../../src/errors.js";
import { command } from "../command.js";
import {
  calibrateMethods,
  engineOf,
  engineOptions,
  loadMethods,
  METHODS,
  modelOption,
  PLAIN,
  phantom,
  scan,
  scanOptions,
  seedOption,
} from "../ct.js";
import { within } from "../errors.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readCollection, requireContent } from "../images.js";
import { sealBundle } from "../model-bundle.js";
import { integer, list, text } from "../options.js";
import { beside } from "../paths.js";

export const calibrateCommand = command({
  summary: "Measure what certificates compare with: properties of inferences on held-out images.",
  options: {
    data: text(
      "Held-out images: generated phantoms, or a file (.npy, .npz, .png, DICOM, NIfTI, LoDoPaB) or folder.",
      "ellipses|PATH",
      "ellipses",
    ),
    ...modelOption("ct-ellipses"),
    out: text("Where to write; beside the weights by default.", "FILE.json", undefined),
    limit: integer("Images, drawn evenly over patients where they are known.", 199, { min: 1 }),
    methods: list("Methods to calibrate; learned ones from weights beside --model.", METHODS, PLAIN),
    ...scanOptions,
    ...engineOptions,
    ...seedOption,
  },
  async run(context) {
    const { name, options, out } = context;
    const { data, model, limit, seed, methods: names } = options;
    const target = options.out ?? beside(model, "calibration.json");
    const ct = scan(options);
    const methods = await loadMethods(context, ct, names, model);
    const { images, patients, what } =
      data === "ellipses"
        ? {
            images: Array.from({ length: limit }, (_, i) => phantom(ct, seed, "calibration", i)),
            patients: limit,
            what: `${limit} generated Ellipses phantoms`,
          }
        : await heldOut(name, data, ct.size, limit, seed);
    await within(`${name}: --out`, () => makeFolder(dirname(target)));
    out.line(`Calibrating ${names.join(" and ")} on ${what}, ${ct.size} × ${ct.size}, ${ct.sinogram[0]} views.`);
    const { calibrations, left } = await calibrateMethods(context, ct, methods, images, {
      seed,
      data: what,
      engine: engineOf(options),
    });
    await writeFileAtomic(target, new TextEncoder().encode(`${JSON.stringify(calibrations)}\n`));
    if (target === beside(model, "calibration.json")) await sealBundle(model);

    const rows = Object.entries(calibrations.methods).flatMap(([method, { calibration }]) =>
      Object.entries(calibration.values).map(([term, list]) => {
        const values = list.toSorted((a, b) => a - b);
        const at = (share: number) => values[Math.min(values.length - 1, Math.floor(share * values.length))]!;
        return [method, term, values.length, ...[0.5, 0.95, 1].map((share) => Number(at(share).toPrecision(4)))];
      }),
    );
    out.table(["method", "property", "N", "median", "95 %", "largest"], rows);
    for (const [method, count] of Object.entries(left)) {
      if (count > 0) out.line(`${count} inferences of ${method} did not converge and were left out.`);
    }
    out.line(`Written to ${target}.`);
    const counts = Object.entries(left).map(([method, count]) => [`${method}_unconverged`, count / images.length]);
    return { figures: { samples: images.length, patients, ...Object.fromEntries(counts) } };
  },
});

/** Images to calibrate on: those of calibration patients, where a split says so. */
async function heldOut(name: string, path: string, size: number, limit: number, seed: number) {
  const { slices, known, split } = await readCollection(name, path, { size, use: "calibration" });
  const chosen = split ? slices.filter(({ patient }) => split.calibration.includes(patient)) : slices;
  if (chosen.length === 0) {
    throw new VouchError("data", {
      name: `${name} ${path}`,
      expected: "slices of calibration patients",
      got: "none",
      remedy: "Check the split file and the ids.",
    });
  }
  const drawn = stratify(chosen, limit, seed);
  const patients = new Set(drawn.map(({ patient }) => patient)).size;
  const whose = known ? ` of ${patients} ${split ? "calibration " : ""}patients` : "";
  const images = drawn.map(({ image }) => image);
  requireContent(`${name} ${path}`, images);
  return { images, patients, what: `${drawn.length} images${whose}` };
}
