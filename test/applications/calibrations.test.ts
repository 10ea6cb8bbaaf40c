import { describe, expect, test } from "vitest";
import { calibrationOf, methodDigest, parseCtCalibrations } from "../../src/applications/ct/calibrations.js";
import { tvMethod } from "../../src/applications/ct/methods.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { calibrate } from "../../src/certificates/calibration.js";

const ct = tomography({ size: 16, angles: 8 });
const tv = tvMethod(ct);
const made = async () => ({
  version: 1,
  scan: { size: 16, angles: 8 },
  noise: 0.015,
  data: "two samples",
  methods: {
    tv: {
      model: await methodDigest(tv),
      calibration: calibrate({
        reference: "inferences",
        samples: [`sha256:${"0".repeat(64)}`, `sha256:${"1".repeat(64)}`],
        values: { box: [0, 0], fidelity: [0, 0], regularization: [1, 2] },
      }),
    },
  },
});

describe("calibrations of CT methods", () => {
  test("survive JSON and answer for what they were made for", async () => {
    const json = await made();
    const calibrations = parseCtCalibrations(JSON.parse(JSON.stringify(json)));
    expect(await calibrationOf(calibrations, tv, ct, 0.015)).toEqual(json.methods.tv.calibration);
  });

  test("refuse another method, scan, noise and other weights", async () => {
    const calibrations = parseCtCalibrations(await made());
    await expect(calibrationOf(calibrations, { ...tv, name: "l2o" }, ct, 0.015)).rejects.toThrow("got those of tv");
    await expect(calibrationOf(calibrations, tv, tomography({ size: 16, angles: 9 }), 0.015)).rejects.toThrow(
      "8 views",
    );
    await expect(calibrationOf(calibrations, tv, ct, 0.02)).rejects.toThrow("noise 0.015");
    await expect(calibrationOf(calibrations, { ...tv, rho: 0.7 }, ct, 0.015)).rejects.toThrow("those of other weights");
    const weights = { K: { shape: [1], data: Float32Array.of(1) } };
    await expect(calibrationOf(calibrations, { ...tv, weights }, ct, 0.015)).rejects.toThrow("those of other weights");
  });

  test("refuse what is no calibration", async () => {
    const json = await made();
    expect(() => parseCtCalibrations({})).toThrow("parseCtCalibrations: expected calibrations of CT methods");
    expect(() => parseCtCalibrations({ ...json, methods: { tv: { model: "x", calibration: {} } } })).toThrow(
      "parseCalibration",
    );
  });
});
