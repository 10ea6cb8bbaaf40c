/** @file Laws of the constants that are tuned. */

import { describe, expect, it } from "vitest";
import { simulate } from "../../src/applications/ct/examples.js";
import { LEARNED } from "../../src/applications/ct/methods/index.js";
import { learnedConvex } from "../../src/applications/ct/models.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { lossSpace, objectiveScale, stepDefault, stepsToGap } from "../../src/applications/ct/tune.js";
import type { Bundle } from "../../src/files/bundle.js";
import { random } from "../../src/random.js";

const ct = tomography({ size: 8, angles: 5 });
const options = { count: 3, size: 3, rho: 0.8 };
const { K, tau } = learnedConvex(ct, options).initialWeights();
/** The objective times `factor`: τ is stored by its logarithm. */
const scaled = (factor: number): Bundle => ({
  manifest: { model: "ct-convex", options, card: {} },
  weights: { K: K!, tau: { shape: tau!.shape, data: tau!.data.map((value) => value + Math.log(factor)) } },
});

describe("step constants", () => {
  it("are in units of the objective's scale: filters of norm 1 under weights 1 have scale 1", () => {
    expect(objectiveScale(ct, scaled(1))).toBeCloseTo(1, 5);
    expect(objectiveScale(ct, scaled(7))).toBeCloseTo(7, 4);
    expect(stepDefault(ct, scaled(7))["fidelity"]).toBeCloseTo(1500 / 7, 2);
  });

  it("take the same steps whatever that scale is", async () => {
    const image = ellipses({ size: 8, random: random(3) });
    const measurements = [simulate(ct, image, 3, "tune")];
    const steps = (factor: number) =>
      stepsToGap(ct, scaled(factor), measurements, { fidelity: 20, regularization: 20, relaxation: 1.5 }, limits);
    const limits = { gap: 0.02, maxSteps: 4000, threads: 1 };
    const one = await steps(1);
    expect(one).toBeGreaterThan(20);
    expect(one).toBeLessThan(4000);
    expect(await steps(8)).toBe(one);
  });
});

it("the loss chooses ρ, and the knee where there is one", () => {
  const of = (name: string) => Object.keys(lossSpace(LEARNED.find((learned) => learned.name === name)!));
  expect([of("l2o_convex"), of("l2o_weak"), of("l2o_adaptive"), of("unet")]).toEqual([
    ["rho"],
    ["rho", "knee"],
    ["rho", "knee"],
    [],
  ]);
});
