/** @file Methods of CT: what solves nothing claims no convergence, and its images are measured by the same terms. */

import { expect, test } from "vitest";
import { simulate } from "../../src/applications/ct/examples.js";
import { fbp, hann, ramLak } from "../../src/applications/ct/fbp.js";
import { fbpMethod, isSolved, solverData, tvMethod } from "../../src/applications/ct/methods.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { feasibility } from "../../src/applications/ct/score.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { calibrate, digest } from "../../src/certificates/calibration.js";
import { certify } from "../../src/certificates/certify.js";
import { measureProperties, valuesByTerm } from "../../src/certificates/measure.js";
import { random } from "../../src/random.js";

const ct = tomography({ size: 16, angles: 8 });
const images = Array.from({ length: 24 }, (_, i) => ellipses({ size: 16, random: random(3).fork(i) }));
const measurements = images.map((image, i) => simulate(ct, image, 3, `image ${i}`));

test("fbp gives the backprojection of each measurement, and claims no solve", async () => {
  await using solver = await fbpMethod(ct).open();
  const made = await solver.reconstruct(measurements);
  expect(made.x.shape).toEqual([24, 1, 16, 16]);
  measurements.forEach(({ d }, i) => {
    expect(made.x.data.slice(256 * i, 256 * (i + 1))).toEqual(fbp(ct, d, hann));
  });
  expect(isSolved(made)).toBe(false);
  expect(solver.prove(measurements, made)).toBe(made);
  await using ramp = await fbpMethod(ct, ramLak).open();
  expect((await ramp.reconstruct(measurements)).x).not.toEqual(made.x);
});

test("its images are certified by the terms of TV, without convergence; the truth passes, fbp's fidelity fails", async () => {
  await using solver = await fbpMethod(ct).open();
  const { x } = await solver.reconstruct(measurements);
  const { model, weights } = fbpMethod(ct);
  const truths = Float32Array.from(images.flatMap((image) => [...image]));
  const truth = { shape: x.shape, data: truths };
  const data = solverData(measurements);
  const values = valuesByTerm(measureProperties(model, weights, data, truth));
  const samples = await Promise.all(images.map((image) => digest(image)));
  const calibration = calibrate({ values, reference: "truth", samples, trainedOn: [] });
  const labels = (certified: typeof x) =>
    certify({ model, weights, data, x: certified, calibration }).map(({ certificates, status }) => ({
      status,
      ...Object.fromEntries(certificates.map(({ property, label }) => [property, label])),
    }));
  for (const label of labels(truth)) expect(label).toMatchObject({ status: "external", box: "pass", fidelity: "pass" });
  for (const label of labels(x)) {
    expect(label).toMatchObject({ status: "external", fidelity: "fail" });
    expect(label).not.toHaveProperty("convergence");
  }
  expect(feasibility(ct, x.data.slice(0, 256), measurements[0]!).fidelity).toBeGreaterThan(1);
});

test("what is solved says so", async () => {
  await using solver = await tvMethod(ct).open({ threads: 1 });
  const made = await solver.reconstruct(measurements.slice(0, 2));
  expect(isSolved(made)).toBe(true);
  expect(made.status).toEqual(["converged", "converged"]);
});
