/** @file How often do labels see what is wrong with a CT scan, and what do they not see? */

import { readCollection } from "../cli/images.js";
import { dataFile } from "../cli/paths.js";
import type { Measurement } from "../src/applications/ct/examples.js";
import { type Reconstructor, solverData, tvMethod } from "../src/applications/ct/methods.js";
import { type Slice, stratify } from "../src/applications/ct/select.js";
import { heldOutRays, usedPart, withholdViews } from "../src/applications/ct/self-consistency.js";
import { type Tomography, tomography } from "../src/applications/ct/tomography.js";
import { jointTest } from "../src/certificates/joint.js";
import { conformalLabel } from "../src/certificates/labels.js";
import { measureProperties } from "../src/certificates/measure.js";
import { random } from "../src/random.js";
import type { Bench } from "./main.js";
import { lesion, withoutSeen } from "./null-space.js";
import { type Scan, scanned, scans } from "./power-scans.js";
import { POWER } from "./thresholds.js";

const BATCH = 8;
/** Twice what honest slices take; a scan that no image explains would go on for ever. */
const MAX_STEPS = 600;
const HELD = "heldOutRays";

export const power: Bench = async (log) => {
  const figures = await measurePower(POWER.calibration, POWER.slices, log);
  return { figures, env: {} };
};

/** Property values of one inference by name. */
type Values = Readonly<Record<string, number>>;

export async function measurePower(calibration: number, slices: number, log: (line: string) => void) {
  const ct = tomography();
  const { held, test, other } = await collections(ct);
  const whole = tvMethod(ct);
  const withheld = withholdViews(ct, POWER.held, random(POWER.seed).fork("views"));
  const [solver, partial] = [await whole.open(), await tvMethod(withheld.scan).open()];
  const valuesOf = async (
    list: readonly Slice[],
    scan: Scan,
    label: string,
  ): Promise<{ values: Values[]; answers: Answer[] }> => {
    const stream = random(POWER.seed).fork(label);
    const measured = list.map(({ image }, i) => scanned(ct, scan, image, stream.fork(i)));
    const values: Values[] = [];
    const answers: Answer[] = [];
    for (let first = 0; first < measured.length; first += BATCH) {
      const batch = measured.slice(first, first + BATCH);
      const x = await imagesOf(solver, batch);
      const own = await imagesOf(
        partial,
        batch.map((one) => usedPart(withheld, one)),
      );
      batch.forEach((measurement, row) => {
        values.push({
          ...termValues(solver, measurement, x[row]!),
          [HELD]: heldOutRays(withheld, own[row]!, measurement).value,
        });
        answers.push({ measurement, x: x[row]! });
      });
    }
    log(`${label}: ${values.length} slices`);
    return { values, answers };
  };

  const all = scans(ct);
  const stated = all["false_alarms"]!;
  const trusted = (await valuesOf(stratify(held, calibration, POWER.seed), stated, "calibration")).values;
  const columns = Object.fromEntries(Object.keys(trusted[0]!).map((name) => [name, trusted.map((row) => row[name]!)]));
  const names = Object.keys(columns);
  const detected = (values: readonly Values[]) =>
    share(values, (row) => fails(jointTest(columns, row, { fail: POWER.alpha })));
  const by = (name: string, values: readonly Values[]) =>
    share(values, (row) => conformalLabel(columns[name]!, row[name]!, { fail: POWER.alpha }).label === "fail");
  const figures: Record<string, number> = { calibration: trusted.length, slices };
  const chosen = stratify(test, slices, POWER.seed);
  let honest: Answer[] = [];
  for (const [key, scan] of Object.entries(all)) {
    const { values, answers } = await valuesOf(chosen, scan, key);
    if (key === "false_alarms") honest = answers;
    figures[key] = detected(values);
    log(`${key}: ${figures[key]}; alone ${names.map((name) => `${name} ${by(name, values)}`).join(", ")}`);
    for (const name of names) figures[`${key}_by_${name}`] = by(name, values);
  }
  for (const [key, list] of Object.entries(other)) {
    const { values } = await valuesOf(stratify(list, slices, POWER.seed), stated, key);
    figures[key] = detected(values);
    log(`${key}: ${figures[key]}`);
  }
  Object.assign(figures, nullSpaceFigures(ct, solver, honest, columns));
  await Promise.all([solver.dispose(), partial.dispose()]);
  return figures;
}

interface Answer {
  readonly measurement: Measurement;
  readonly x: Float32Array;
}

/** Answers with a lesion that no ray sees: does fidelity see it? */
function nullSpaceFigures(
  ct: Tomography,
  solver: Reconstructor,
  answers: readonly Answer[],
  columns: Readonly<Record<string, readonly number[]>>,
) {
  const unseen = withoutSeen(ct, lesion(ct.size));
  const changed = answers.map(({ measurement, x }) => {
    const wrong = x.map((v, i) => Math.min(1, Math.max(0, v + unseen[i]!)));
    return { before: termValues(solver, measurement, x), after: termValues(solver, measurement, wrong) };
  });
  const seen = (name: string) =>
    share(changed, ({ after }) => conformalLabel(columns[name]!, after[name]!, { fail: POWER.alpha }).label === "fail");
  const already = share(
    changed,
    ({ before }) => conformalLabel(columns["fidelity"]!, before["fidelity"]!, { fail: POWER.alpha }).label === "fail",
  );
  return {
    null_space_seen_by_fidelity: seen("fidelity"),
    null_space_fidelity_before: already,
    null_space_seen_by_regularization: seen("regularization"),
    null_space_contrast: unseen.reduce((a, b) => Math.max(a, b), 0),
  };
}

async function imagesOf(solver: Reconstructor, batch: readonly Measurement[]): Promise<Float32Array[]> {
  const { x } = await solver.reconstruct(batch, { maxSteps: MAX_STEPS });
  const size = x.data.length / batch.length;
  return batch.map((_, row) => x.data.slice(row * size, (row + 1) * size));
}

function termValues({ method }: Reconstructor, measurement: Measurement, x: Float32Array): Values {
  const side = Math.sqrt(x.length);
  const shaped = { shape: [1, 1, side, side], data: x };
  const [measured] = measureProperties(method.model, method.weights, solverData([measurement]), shaped);
  return Object.fromEntries(Object.entries(measured!).map(([name, { value }]) => [name, value]));
}

async function collections(ct: Tomography) {
  const read = (file: string) => readCollection("bench power", dataFile("ct", file), { size: ct.size });
  const { slices, split } = await read("chest_tcia.npy");
  const of = (patients: readonly string[] | undefined) => slices.filter(({ patient }) => patients?.includes(patient));
  const other = {
    ood_headneck: (await read("ood_headneck_openkbp.npy")).slices,
    ood_limbs: (await read("ood_limbs_ibsi.npy")).slices,
  };
  return { held: of(split?.calibration), test: of(split?.test), other };
}

function fails(joint: ReturnType<typeof jointTest>): boolean {
  if (joint.verdict === "REFUSED") throw new Error(joint.because);
  return joint.label === "fail";
}

function share<T>(list: readonly T[], holds: (one: T) => boolean): number {
  return list.filter(holds).length / list.length;
}
