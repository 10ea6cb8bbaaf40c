/** @file npm run -s bench -- ood: does the joint label see that a slice is of another part of the body? */

import { readCollection } from "../cli/images.js";
import { dataFile } from "../cli/paths.js";
import { simulate } from "../src/applications/ct/examples.js";
import { l2oMethod, type Method, solverData } from "../src/applications/ct/methods.js";
import { type Slice, stratify } from "../src/applications/ct/select.js";
import { type Tomography, tomography } from "../src/applications/ct/tomography.js";
import { jointTest } from "../src/certificates/joint.js";
import { conformalLabel } from "../src/certificates/labels.js";
import { measureProperties, valuesByTerm } from "../src/certificates/measure.js";
import { parseBundle } from "../src/files/bundle.js";
import { readModel } from "./chest.js";
import type { Bench } from "./main.js";
import { OOD } from "./thresholds.js";

const BATCH = 8;
/** Where a slice that no image explains is given up. */
const MAX_STEPS = 1500;

/**
 * The learned chest model with its labels calibrated on slices of calibration patients, at a false-alarm rate of 5 %.
 *
 * `ood_flagged`: share of head, neck and limb slices whose joint label of all terms is fail. `ood_false_alarm`: the same share of chest
 * slices of test patients. `SET_flagged` of each set, and `SET_by_TERM` of each term alone.
 */
export const ood: Bench = async (log) => {
  const ct = tomography();
  const read = (file: string) => readCollection("bench ood", dataFile("ct", file), { size: ct.size });
  const { slices, split } = await read("chest_tcia.npy");
  const of = (patients: readonly string[]) => slices.filter(({ patient }) => patients.includes(patient));
  const drawn = (all: readonly Slice[], limit: number) => stratify(all, limit, OOD.seed);
  const figures = await oodRates(
    ct,
    l2oMethod(ct, parseBundle(await readModel("ct-chest"))),
    {
      calibration: drawn(of(split!.calibration), OOD.calibration),
      chest: drawn(of(split!.test), OOD.slices),
      others: {
        headneck: drawn((await read("ood_headneck_openkbp.npy")).slices, OOD.slices),
        limbs: drawn((await read("ood_limbs_ibsi.npy")).slices, OOD.slices),
      },
    },
    log,
  );
  return { figures, env: {} };
};

type Images = readonly Pick<Slice, "image">[];

export interface OodSets {
  readonly calibration: Images;
  /** Held out, of the same kind as those of the calibration. */
  readonly chest: Images;
  /** By name: of other kinds. */
  readonly others: Readonly<Record<string, Images>>;
}

/** @throws Error if the calibration is too small for the level */
export async function oodRates(
  ct: Tomography,
  method: Method,
  { calibration, chest, others }: OodSets,
  log: (line: string) => void,
): Promise<Record<string, number>> {
  await using open = await method.open();
  const valuesOf = async (images: Images, label: string) => {
    const measured: ReturnType<typeof measureProperties> = [];
    for (let first = 0; first < images.length; first += BATCH) {
      const batch = images
        .slice(first, first + BATCH)
        .map(({ image }, i) => simulate(ct, image, OOD.seed, `${label} ${first + i}`));
      const { x } = await open.reconstruct(batch, { maxSteps: MAX_STEPS });
      measured.push(...measureProperties(method.model, method.weights, solverData(batch), x));
    }
    log(`${label}: ${images.length} slices`);
    return valuesByTerm(measured);
  };
  const trusted = await valuesOf(calibration, "calibration");
  const terms = Object.keys(trusted);
  const sets = { chest, ...others };
  const figures: Record<string, number> = { calibration: calibration.length };
  const flagged: Record<string, boolean[]> = {};
  for (const [name, images] of Object.entries(sets)) {
    const values = await valuesOf(images, name);
    flagged[name] = images.map((_, i) => fails(trusted, Object.fromEntries(terms.map((t) => [t, values[t]![i]!]))));
    figures[`${name}_flagged`] = share(flagged[name]);
    for (const term of terms) {
      const label = (value: number) => conformalLabel(trusted[term]!, value, { fail: OOD.alpha }).label;
      figures[`${name}_by_${term}`] = share(values[term]!.map((value) => label(value) === "fail"));
    }
    const alone = terms.map((term) => `${term} ${figures[`${name}_by_${term}`]!.toFixed(2)}`).join(", ");
    log(`${name}: ${figures[`${name}_flagged`]!.toFixed(2)} flagged; alone ${alone}`);
  }
  return {
    ...figures,
    ood_flagged: share(Object.keys(others).flatMap((name) => flagged[name]!)),
    ood_false_alarm: share(flagged["chest"]!),
  };
}

function fails(trusted: Readonly<Record<string, readonly number[]>>, row: Readonly<Record<string, number>>): boolean {
  const joint = jointTest(trusted, row, { fail: OOD.alpha });
  if (joint.verdict === "REFUSED") throw new Error(joint.because);
  return joint.label === "fail";
}

function share(list: readonly boolean[]): number {
  return list.filter(Boolean).length / list.length;
}
