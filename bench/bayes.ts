/** @file npm run -s bench -- bayes: steps of the learned CT model to a proven gap, tuned against default, and reused on phantoms. */

import { simulate } from "../src/applications/ct/examples.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { objectiveScale, STEP_SPACE, stepDefault, stepsToGap } from "../src/applications/ct/tune.js";
import { type Bundle, parseBundle } from "../src/files/bundle.js";
import { random } from "../src/random.js";
import { minimize, type Point } from "../src/training/bayes.js";
import { readModel, readNpy } from "./chest.js";
import type { Bench } from "./main.js";

const TRIALS = 30;
const TUNED_ON = 4;
const JUDGED_ON = 8;
const LIMITS = { gap: 0.01, maxSteps: 3000 } as const;

/**
 * Constants are tuned on training slices and judged on others of them, never on test patients.
 *
 * `bo_steps_over_default`: mean steps to a proven gap of 1 % with tuned constants over those as shipped, which are of a grid over chest slices;
 * `bo_steps_over_untuned`: over those of ratio 1 and no over-relaxation, where a slice that comes to no gap counts with the limit.
 * `reuse_steps_ratio`: mean steps on Ellipses with the constants of chest slices over those with constants tuned on Ellipses.
 */
export const bayes: Bench = async (log) => {
  const ct = tomography();
  const bundles = {
    chest: parseBundle(await readModel("ct-chest")),
    ellipses: parseBundle(await readModel("ct-ellipses")),
  };
  const slices = await readNpy("chest_iqothnccd.npy");
  const spread = (i: number) => slices[Math.floor(((i + 0.5) * slices.length) / (TUNED_ON + JUDGED_ON))]!;
  const phantom = (i: number) => ellipses({ size: ct.size, random: random(7).fork("bayes").fork(i) });
  const measured = (image: (i: number) => Float32Array, from: number, count: number) =>
    Array.from({ length: count }, (_, i) => simulate(ct, image(from + i), 7, `bayes ${from + i}`));
  const sets = {
    chest: { tune: measured(spread, 0, TUNED_ON), judge: measured(spread, TUNED_ON, JUDGED_ON) },
    ellipses: { tune: measured(phantom, 0, TUNED_ON), judge: measured(phantom, TUNED_ON, JUDGED_ON) },
  };
  const steps = (of: keyof typeof sets, part: "tune" | "judge", point: Point) =>
    stepsToGap(ct, bundles[of], sets[of][part], point, LIMITS);
  const untuned = (bundle: Bundle) => {
    const ratio = 1 / objectiveScale(ct, bundle);
    return { fidelity: ratio, regularization: ratio, relaxation: 1 };
  };
  const tuned = async (of: keyof typeof sets) => {
    const { best } = await minimize((point) => steps(of, "tune", point), {
      ...{ space: STEP_SPACE, seed: 1, trials: TRIALS },
      onTrial: ({ value }, all) => log(`${of} ${all.length} of ${TRIALS}: ${value.toFixed(0)} steps`),
    });
    return best.point;
  };
  const chest = await tuned("chest");
  const own = await tuned("ellipses");
  const [before, after] = [
    await steps("chest", "judge", stepDefault(ct, bundles.chest)),
    await steps("chest", "judge", chest),
  ];
  const plain = await steps("chest", "judge", untuned(bundles.chest));
  const [reused, best] = [await steps("ellipses", "judge", chest), await steps("ellipses", "judge", own)];
  const figures = {
    bo_trials: TRIALS,
    bo_steps_default: before,
    bo_steps_tuned: after,
    bo_steps_over_default: after / before,
    bo_steps_untuned: plain,
    bo_steps_over_untuned: after / plain,
    reuse_steps: reused,
    reuse_steps_own: best,
    reuse_steps_ratio: reused / best,
    ...Object.fromEntries(Object.entries(chest).map(([name, value]) => [`bo_${name}`, value])),
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`own_${name}`, value])),
  };
  return { figures, env: {} };
};
