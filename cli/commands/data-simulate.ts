/** @file vouch data simulate: images and their noisy sinograms, with their scan, in one file. */

import { dirname } from "node:path";
import { NOISE_LEVEL } from "../../src/applications/ct/examples.js";
import { evenAngles, fanGeometry, parallelGeometry } from "../../src/applications/ct/geometry.js";
import { measure } from "../../src/applications/ct/measure.js";
import { stratify } from "../../src/applications/ct/select.js";
import { plainRows, type Tomography, tomographyOf, unitRows } from "../../src/applications/ct/tomography.js";
import { VouchError } from "../../src/errors.js";
import { formatNpz } from "../../src/files/npz.js";
import { random } from "../../src/random.js";
import { command } from "../command.js";
import { scan as papersScan, phantom, scanOptions, seedOption } from "../ct.js";
import { within } from "../errors.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readCollection, requireContent } from "../images.js";
import { choice, integer, number, text, type Values } from "../options.js";
import { describePapers, describeScan, type Scan, type SimulationRecord, scanInWords } from "../scans.js";

const BEAMS = ["papers", "parallel", "fan"] as const;

const geometryOptions = {
  beam: choice("The papers' operator, or rays of their exact lengths.", BEAMS, "papers"),
  rows: choice("Unit norm, as the papers have them, or line integrals in mm.", ["unit", "plain"], "unit"),
  pixel: number("Side of a pixel in mm.", 1, { above: 0 }),
  from: number("First end of the arc of views, in degrees.", 0),
  to: number("Second end; by default half a turn on, of a fan a whole one.", undefined),
  "source-to-axis": number("Of a fan, in mm; by default three times the image.", undefined, { above: 0 }),
  "source-to-detector": number("Of a fan, in mm; by default five times the image.", undefined, { above: 0 }),
};

const options = {
  data: text("Images: generated phantoms, or a file or folder.", "ellipses|PATH", "ellipses"),
  out: text("Images, sinograms and the record of both.", "FILE.npz", "out/data.npz"),
  limit: integer("Images, drawn evenly over patients where they are known.", 100, { min: 1 }),
  noise: number("Standard deviation of the noise over the mean measurement.", NOISE_LEVEL, { min: 0, max: 1 }),
  ...geometryOptions,
  ...scanOptions,
  ...seedOption,
};

export const dataSimulate = command({
  summary: "Measure images with the papers' noise, by any geometry.",
  options,
  async run({ name, options, out }) {
    const { data, limit, noise, seed } = options;
    const { ct, scan: described } = await within(name, () => scanOf(options));
    const slices = await imagesOf(name, data, ct, limit, seed);
    const images = new Float32Array(slices.length * ct.size ** 2);
    const sinograms = new Float32Array(slices.length * ct.rays);
    slices.forEach(({ image }, n) => {
      images.set(image, n * ct.size ** 2);
      const draws = random(seed).fork(`data simulate ${n}`);
      const d = measure(ct.matrix, image, { level: noise, random: draws, totalRows: ct.rays });
      ct.kept.forEach((ray, row) => {
        sinograms[n * ct.rays + ray] = d[row]!;
      });
    });
    const record: SimulationRecord = {
      ...{ version: 1, scan: described, noise: { level: noise, seed }, source: data },
      patients: slices.map(({ patient }) => patient),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(record));
    const file = formatNpz({
      images: { shape: [slices.length, ct.size, ct.size], data: images },
      sinograms: { shape: [slices.length, ...ct.sinogram], data: sinograms },
      record: { shape: [bytes.length], data: bytes },
    });
    await within(`${name}: --out`, () => makeFolder(dirname(options.out)));
    await writeFileAtomic(options.out, file);
    const [views, detectors] = ct.sinogram;
    out.line(`${slices.length} images measured: ${scanInWords(described)}, noise ${100 * noise} %, seed ${seed}.`);
    out.line(`Written to ${options.out}: images, sinograms and record.`);
    return { figures: { images: slices.length, views, detectors, rays: ct.matrix.rows } };
  },
});

/** The scan asked for. @throws parameter */
function scanOf(asked: Values<typeof geometryOptions & typeof scanOptions>): { ct: Tomography; scan: Scan } {
  const { beam, rows, pixel, from, to, "image-size": size, angles: count } = asked;
  const distances = [asked["source-to-axis"], asked["source-to-detector"]];
  const refuse = (expected: string, got: string, remedy: string) =>
    new VouchError("parameter", { name: "data simulate", expected, got, remedy });
  if (beam !== "fan" && distances.some((distance) => distance !== undefined)) {
    throw refuse("a fan", "--source-to-axis or --source-to-detector of another beam", "Say --beam fan.");
  }
  if (beam === "papers") {
    const own = pixel !== 1 || from !== 0 || to !== undefined || rows !== "unit";
    if (own) throw refuse("the papers' beam as it is", "--pixel, --from, --to or --rows", "Say --beam parallel.");
    const ct = papersScan(asked);
    return { ct, scan: describePapers(ct) };
  }
  const angles = evenAngles(count, from, to ?? from + (beam === "fan" ? 360 : 180));
  const scale = rows === "unit" ? unitRows : plainRows;
  if (beam === "parallel") {
    const ct = tomographyOf(parallelGeometry({ size, pixel, angles }), scale);
    return { ct, scan: describeScan(ct.geometry, ct.sinogram, { beam, rows }) };
  }
  const [sourceToAxis = 3 * size * pixel, sourceToDetector = (5 * sourceToAxis) / 3] = distances;
  const ct = tomographyOf(fanGeometry({ size, pixel, angles, sourceToAxis, sourceToDetector }), scale);
  return { ct, scan: describeScan(ct.geometry, ct.sinogram, { beam, rows, sourceToAxis, sourceToDetector }) };
}

async function imagesOf(name: string, data: string, ct: Tomography, limit: number, seed: number) {
  if (data === "ellipses") {
    return Array.from({ length: limit }, (_, i) => ({ image: phantom(ct, seed, "data", i), patient: `phantom ${i}` }));
  }
  const { slices } = await readCollection(`${name}: --data`, data, { size: ct.size });
  const chosen = stratify(slices, limit, seed);
  const images = chosen.map(({ image }) => image);
  requireContent(`${name}: --data ${data}`, images);
  return chosen;
}
