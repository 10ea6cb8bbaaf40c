/** @file The measures of the CT benches, small. */

import { describe, expect, it } from "vitest";
import { COSTS, costOf, productsOf } from "../bench/ct-cost.js";
import { againstAstra, againstScipy } from "../bench/ct-projector.js";
import { oodRates } from "../bench/ood.js";
import { pythonWith } from "../bench/python.js";
import { tvMethod } from "../src/applications/ct/methods.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { csrApply } from "../src/linear/csr.js";
import { random } from "../src/random.js";

const ct = tomography({ size: 16 });

describe("cost", () => {
  it.each(COSTS)("of %s is of work that was done", async (cost) => {
    const { ms, steps, converged } = await costOf(cost, 16);
    expect(ms).toBeGreaterThan(0);
    if (cost === "operator") expect([steps, converged]).toEqual([undefined, undefined]);
    else {
      expect(converged).toBe(1);
      expect(steps).toBeGreaterThan(10);
    }
  });
});

describe("projector", () => {
  it("is timed on the products of the matrix", async () => {
    const products = await productsOf(ct, { threads: 1 });
    const { Ax } = await products.once();
    await products.dispose();
    const expected = csrApply(ct.matrix, Float64Array.from(products.x.data.subarray(0, 256)));
    expected.forEach((value, row) => {
      expect(Math.abs(Ax.data[row]! - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
    });
  });

  const python = pythonWith("scipy.sparse");
  it.skipIf(python === undefined)("agrees with SciPy's (skipped where no Python has SciPy)", async () => {
    const { figures, env } = await againstScipy(ct, python);
    expect(figures["projector_scipy_difference"]).toBeLessThan(1e-5);
    expect(figures["projector_speedup_scipy_b8"]).toBeGreaterThan(0);
    expect(env["scipy"]).toMatch(/^\d/);
  });

  const withAstra = pythonWith("astra, scipy.sparse");
  it.skipIf(withAstra === undefined)("is timed against ASTRA's (skipped where no Python has ASTRA)", async () => {
    const { figures, env } = await againstAstra(ct, withAstra);
    expect(figures["projector_speedup_astra_b8"]).toBeGreaterThan(0);
    expect(env["astra"]).toMatch(/^\d/);
  });

  it("has no ratio where there is no peer, and says so", async () => {
    const [scipy, astra] = [await againstScipy(ct, undefined), await againstAstra(ct, undefined)];
    expect(scipy.figures["projector_speedup_scipy_b8"]).toBeNull();
    expect(astra.figures["projector_speedup_astra_b8"]).toBeNull();
    expect([scipy.env["scipy"], astra.env["astra"]].join()).toMatch(/no Python with SciPy.*no Python with ASTRA/);
  });
});

describe("other kinds of images", () => {
  const phantoms = (label: string, count: number) =>
    Array.from({ length: count }, (_, i) => ({ image: ellipses({ size: 16, random: random(8).fork(label).fork(i) }) }));
  const noise = (label: string, count: number) =>
    phantoms(label, count).map(({ image }, i) => {
      const draws = random(9).fork(label).fork(i);
      return { image: image.map(() => draws.uniform()) };
    });

  it("are flagged, and others of the same kind at most as often as stated", async () => {
    const sets = {
      calibration: phantoms("calibration", 63),
      chest: phantoms("held out", 16),
      others: { noise: noise("noise", 8), same: phantoms("same", 8) },
    };
    const figures = await oodRates(ct, tvMethod(ct), sets, () => {});
    expect(figures["noise_flagged"]).toBe(1);
    expect(figures["noise_by_regularization"]).toBe(1);
    // P(more than 4 of 16 at a rate of 5 %) is 1e-3.
    expect(figures["ood_false_alarm"]).toBeLessThanOrEqual(0.25);
    expect(figures["same_flagged"]).toBeLessThan(0.5);
    expect(figures["ood_flagged"]).toBeCloseTo((1 + figures["same_flagged"]!) / 2, 12);
  });

  it("are not judged on fewer samples than the level takes", async () => {
    const sets = { calibration: phantoms("calibration", 19), chest: phantoms("held out", 1), others: {} };
    await expect(oodRates(ct, tvMethod(ct), sets, () => {})).rejects.toThrow(/cannot support a level of 0.05/);
  });
});
