/** @file TV of real slices solved to a tolerance, by ours and by plain L-ADMM in PyTorch. */

import { readCollection } from "../cli/images.js";
import { dataFile } from "../cli/paths.js";
import { simulate } from "../src/applications/ct/examples.js";
import { CT_SOLVE, solverData, tvMethod } from "../src/applications/ct/methods.js";
import { stratify } from "../src/applications/ct/select.js";
import { tomography } from "../src/applications/ct/tomography.js";
import type { Float32 } from "../src/engine/session.js";
import { groupL21 } from "../src/functions/group-l21.js";
import { differences } from "../src/linear/differences.js";
import { interpret } from "../src/tensor/interpret.js";
import { input } from "../src/tensor/primitives/leaf.js";
import { interleaveTimed } from "./interleave.js";
import type { Peer } from "./peer.js";
import { SIDE } from "./residual-block.js";

const SLICES = 4;
/** Steps a plain solve may take, and steps between tests: as in ours. */
const TUNED = { most: 20_000, every: 10 };
const UNTUNED = { most: 4_000, every: 10 };
/** Largest relative difference of the objectives of answers at the tolerance. */
const SAME_OBJECTIVE = 5e-3;

interface Solved {
  readonly ms: number;
  readonly steps: readonly number[];
  readonly objective: readonly number[];
  readonly converged: boolean;
}

/** Test slices of chest CT with simulated noise. */
export async function realSlices() {
  const ct = tomography();
  const { slices, split } = await readCollection("bench endtoend", dataFile("ct", "chest_tcia.npy"), { size: ct.size });
  const test = slices.filter(({ patient }) => split?.test.includes(patient));
  const chosen = stratify(test, SLICES, 0);
  const measurements = chosen.map(({ image, index }) => simulate(ct, image, 0, `slice ${index}`));
  const method = tvMethod(ct);
  const { d, delta } = solverData(measurements);
  // The radius the model's operator solves with: ρδ, 0.1 % smaller.
  const radius = { shape: delta.shape, data: delta.data.map((value) => 0.999 * method.rho * value) };
  return { ct, method, measurements, feeds: { d, radius } };
}

/** Dual over primal progress of `totalVariation`, for the peer with the same steps. */
const RATIO = 100;

/**
 * TV to the tolerance of the CT solves: our default against eq. (15) in PyTorch at the better of two step ratios, ours and
 * α = β = 1/‖S‖. The second is so slow that it is run once and may end at `UNTUNED.most` steps: then its ratio is a lower bound.
 */
export async function toTolerance(
  peer: Peer,
  { ct, method, measurements }: Awaited<ReturnType<typeof realSlices>>,
  env: Record<string, string>,
  log: (line: string) => void,
): Promise<Record<string, number>> {
  env["torch_variant_tv"] = (await peer.ask<{ variant: string }>("prepare_tv")).variant;
  await using ours = await method.open();
  const { value: norm } = ct.operator.norm();
  const a = interpret([norm], {})[0]!.data[0]! ** 2;
  const both = Math.sqrt(a + 8);
  const steps = {
    untuned: { alpha: [1 / both, 1 / both], beta: 1 / both, ...UNTUNED },
    tuned: { alpha: [RATIO / a, RATIO / 8], beta: 1 / (2 * RATIO), ...TUNED },
  };
  const answers: Partial<Record<keyof typeof steps, Solved>> = {};
  const theirs = (name: keyof typeof steps) => async () => {
    answers[name] = await peer.ask<Solved>("tv", { ...steps[name], tolerance: CT_SOLVE.tolerance });
    return answers[name].ms;
  };
  let solution: Awaited<ReturnType<typeof ours.reconstruct>> | undefined;
  const mine = async () => {
    const start = performance.now();
    solution = await ours.reconstruct(measurements, { strict: true });
    return performance.now() - start;
  };
  const [ms, tunedMs] = await interleaveTimed([mine, theirs("tuned")], 5);
  log(`TV of ${SLICES} slices: ${ms!.toFixed(0)} ms, plain in PyTorch ${tunedMs!.toFixed(0)} ms; now with α = β`);
  const untunedMs = await theirs("untuned")();
  const { tuned, untuned } = answers as Record<keyof typeof steps, Solved>;
  const objective = objectives(solution!.x);
  const apart = Math.max(...objective.map((value, i) => Math.abs(tuned.objective[i]! / value - 1)));
  if (!tuned.converged || !(apart <= SAME_OBJECTIVE))
    throw new Error(`endtoend: PyTorch's TV did not come to the same objective: ${apart} apart.`);
  const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;
  const best = untuned.converged ? Math.min(tunedMs!, untunedMs) : tunedMs!;
  return {
    speedup_to_tolerance: best / ms!,
    speedup_to_tolerance_untuned: untunedMs / ms!,
    untuned_converged: untuned.converged ? 1 : 0,
    ms_to_tolerance: ms!,
    torch_ms_to_tolerance: tunedMs!,
    torch_ms_to_tolerance_untuned: untunedMs,
    steps_to_tolerance: mean(solution!.steps),
    torch_steps_to_tolerance: mean(tuned.steps),
    torch_steps_to_tolerance_untuned: mean(untuned.steps),
    objective_difference: apart,
  };
}

/** Isotropic total variation of each image. */
function objectives(x: Float32): number[] {
  const image = input("x", ["N", 1, SIDE, SIDE]);
  const value = groupL21(1).value!(differences({ height: SIDE, width: SIDE }).apply(image));
  return Array.from(interpret([value], { x })[0]!.data);
}
