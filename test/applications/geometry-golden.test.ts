/** @file Line integrals of the ASTRA Toolbox, see bench/peers/golden_geometry.py: same rays, same lengths. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type BeamGeometry,
  type FanBeamGeometry,
  fanGeometry,
  parallelGeometry,
} from "../../src/applications/ct/geometry.js";
import { projector } from "../../src/applications/ct/projector.js";
import { csrApply } from "../../src/linear/csr.js";

type Case = (BeamGeometry | FanBeamGeometry) & { readonly image: number[]; readonly sinogram: number[] };
const golden: { readonly cases: Record<string, Case> } = JSON.parse(
  readFileSync(new URL("../golden/geometry.json", import.meta.url), "utf8"),
);

test.each(Object.entries(golden.cases))("%s", (_, { image, sinogram, ...scan }) => {
  const geometry = "sourceToAxis" in scan ? fanGeometry(scan) : parallelGeometry(scan);
  const seen = csrApply(projector(geometry), Float64Array.from(image));
  expect(seen.length).toBe(sinogram.length);
  expect(Math.max(...sinogram)).toBeGreaterThan(1);
  seen.forEach((value, ray) => {
    expect(Math.abs(value - sinogram[ray]!), `ray ${ray}`).toBeLessThan(1e-4);
  });
});
