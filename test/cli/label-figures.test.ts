/** @file Figures of labels: every property has its panel, every term its block, in the colour of its label. */

import { expect, it } from "vitest";
import { rasterise, tones } from "../../cli/figure.js";
import { calibrationFigure } from "../../cli/figures/calibration.js";
import { modelFigure } from "../../cli/figures/model.js";
import { tvMethod } from "../../src/applications/ct/methods.js";
import { calibrate } from "../../src/certificates/calibration.js";
import type { Certificate } from "../../src/certificates/certify.js";
import { jointTest } from "../../src/certificates/joint.js";
import { conformalLabel } from "../../src/certificates/labels.js";
import { tinyCt } from "./tiny.js";

const N = 60;
const values = {
  box: new Array<number>(N).fill(0),
  fidelity: Array.from({ length: N }, (_, i) => i / N),
  regularization: Array.from({ length: N }, (_, i) => 100 + i),
};
const samples = Array.from({ length: N }, (_, i) => `sha256:${i.toString(16).padStart(64, "0")}`);
const calibration = calibrate({ values, reference: "inferences", samples });
const measured = { box: 0, fidelity: 0.93, regularization: 1000 };
const certificates = Object.entries(measured).map(([property, value]): Certificate => {
  const labelled = conformalLabel(values[property as keyof typeof values], value);
  return { property, kind: "value", value, ...labelled, term: property, because: "" };
});
const joint = jointTest(values, measured);

it("the calibration figure has a panel a property, with its label, p and joint result", () => {
  const svg = calibrationFigure(calibration, { certificates, joint }, { title: "Places" });
  expect(svg.match(/<polyline/g)).toHaveLength(3);
  expect(svg.match(/<polygon/g)).toHaveLength(3);
  for (const text of ["box: pass", "fidelity: warning", "regularization: fail", "p = 1/61", "Together: fail"]) {
    expect(svg).toContain(text);
  }
  expect(svg).not.toContain("NaN");
  expect(rasterise(svg).length).toBeGreaterThan(1000);
});

it("the model figure has a block a term, in the colour of its label", () => {
  const { problem } = tvMethod(tinyCt).model.trace();
  const svg = modelFigure(problem, { certificates }, { title: "Model" });
  for (const name of Object.keys(problem)) expect(svg).toContain(`>${name}<`);
  for (const label of ["pass", "warning", "fail"] as const) expect(svg).toContain(`stroke="${tones[label].fill}"`);
  const unlabelled = modelFigure(problem, { certificates: [] }, { title: "Model" });
  expect(unlabelled).not.toContain(tones.fail.fill);
});
