/** @file Choosing images: by patient, stratified, seeded. */

import { VouchError } from "../../errors.js";
import { random } from "../../random.js";

export interface Slice {
  readonly image: Float32Array;
  readonly patient: string;
  /** Row of the file it came from. */
  readonly index: number;
}

/** At most `limit` slices, as even over patients as their numbers allow, drawn with a seed; in file order. */
export function stratify(slices: readonly Slice[], limit: number, seed: number): Slice[] {
  if (!(Number.isInteger(limit) && limit > 0)) {
    throw new VouchError("parameter", {
      name: "stratify: limit",
      expected: "an integer > 0",
      got: `${limit}`,
      remedy: "Leave it out for all slices.",
    });
  }
  const byPatient = new Map<string, Slice[]>();
  for (const slice of slices) byPatient.set(slice.patient, [...(byPatient.get(slice.patient) ?? []), slice]);
  const queues = [...byPatient].map(([patient, own]) => {
    const order = random(seed).fork(patient).permutation(own.length);
    return Array.from(order, (i) => own[i]!);
  });
  const chosen: Slice[] = [];
  while (chosen.length < limit && queues.some((queue) => queue.length > 0)) {
    for (const queue of queues) {
      const next = queue.pop();
      if (next && chosen.length < limit) chosen.push(next);
    }
  }
  return chosen.sort((a, b) => a.index - b.index);
}

/**
 * Slices cut in two, each patient whole on one side: patients in their order until the first side has its share.
 *
 * @param share  of the first side, in (0, 1); one patient is left to the second
 * @throws data if there are fewer than two patients
 */
export function splitByPatient(slices: readonly Slice[], share: number): [readonly Slice[], readonly Slice[]] {
  const counts = new Map<string, number>();
  for (const { patient } of slices) counts.set(patient, (counts.get(patient) ?? 0) + 1);
  const patients = [...counts.keys()];
  if (patients.length < 2) {
    const got = `${slices.length} of ${patients.length}`;
    const remedy = "Add patients: slices of one body are near copies.";
    throw new VouchError("data", { name: "splitByPatient", expected: "slices of at least two patients", got, remedy });
  }
  const first = new Set<string>();
  let taken = 0;
  for (const patient of patients.slice(0, -1)) {
    if (taken >= Math.floor(share * slices.length)) break;
    first.add(patient);
    taken += counts.get(patient)!;
  }
  const side = (of: boolean) => slices.filter(({ patient }) => first.has(patient) === of);
  return [side(true), side(false)];
}

/** Mean over patients of the mean over each patient's slices. */
export function meanOverPatients(rows: readonly { readonly patient: string; readonly value: number }[]): number {
  const sums = new Map<string, { total: number; count: number }>();
  for (const { patient, value } of rows) {
    const sum = sums.get(patient) ?? { total: 0, count: 0 };
    sums.set(patient, { total: sum.total + value, count: sum.count + 1 });
  }
  const means = [...sums.values()].map(({ total, count }) => total / count);
  return means.reduce((a, b) => a + b, 0) / means.length;
}
