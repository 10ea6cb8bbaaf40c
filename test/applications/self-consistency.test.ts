/** @file Held-out rays: the two parts of a scan are its rows, a perfect answer has no error, and a wrong geometry shows. */

import { describe, expect, it } from "vitest";
import { type Measurement, simulate } from "../../src/applications/ct/examples.js";
import { tvMethod } from "../../src/applications/ct/methods.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { heldOutRays, usedPart, withholdViews } from "../../src/applications/ct/self-consistency.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { csrApply } from "../../src/linear/csr.js";
import { random } from "../../src/random.js";

const ct = tomography({ size: 32, angles: 20 });
const [, detectors] = ct.sinogram;
const withheld = withholdViews(ct, 4, random(3).fork("views"));
const image = (seed: number) => ellipses({ size: ct.size, random: random(seed) });

describe("withholdViews", () => {
  it("cuts the rows in two by view", () => {
    expect([...withheld.used, ...withheld.held].sort((a, b) => a - b)).toEqual([...ct.kept.keys()]);
    const viewOf = (row: number) => Math.floor(ct.kept[row]! / detectors);
    expect([...new Set(Array.from(withheld.held, viewOf))]).toEqual([...withheld.views]);
    expect(Array.from(withheld.used, viewOf).some((view) => withheld.views.includes(view))).toBe(false);
  });

  it("keeps each row as it was", () => {
    const x = Float64Array.from(image(1));
    const all = csrApply(ct.matrix, x);
    expect([...csrApply(withheld.scan.matrix, x)]).toEqual(Array.from(withheld.used, (row) => all[row]!));
    expect([...csrApply(withheld.operator, x)]).toEqual(Array.from(withheld.held, (row) => all[row]!));
    expect(withheld.scan.rays).toBe(16 * detectors);
    expect(Math.max(...withheld.scan.kept)).toBeLessThan(withheld.scan.rays);
  });

  it.each([0, 20, 2.5])("refuses %s of 20 views", (count) => {
    expect(() => withholdViews(ct, count, random(1))).toThrow(/0 < count < 20/);
  });
});

describe("heldOutRays", () => {
  it("is 0 where the rays are met exactly, and 1 for no image at all", () => {
    const x = image(2);
    const d = Float32Array.from(csrApply(ct.matrix, Float64Array.from(x)));
    expect(heldOutRays(withheld, x, { d, radius: 1 }).value).toBeLessThan(1e-6);
    expect(heldOutRays(withheld, new Float32Array(x.length), { d, radius: 1 }).value).toBe(1);
  });

  it("rises where the detector is off by a pixel, which fidelity on all rays need not see", async () => {
    const shifted = ({ d, radius }: Measurement): Measurement => {
      const full = new Float32Array(ct.rays);
      ct.kept.forEach((ray, row) => {
        full[ray] = d[row]!;
      });
      return { d: Float32Array.from(ct.kept, (ray) => (ray % detectors > 0 ? full[ray - 1]! : 0)), radius };
    };
    const honest = Array.from({ length: 4 }, (_, i) => simulate(ct, image(10 + i), 1, `${i}`));
    const all = [...honest, ...honest.map(shifted)];
    const solver = await tvMethod(withheld.scan).open({ threads: 1 });
    const { x } = await solver.reconstruct(
      all.map((one) => usedPart(withheld, one)),
      { maxSteps: 300 },
    );
    await solver.dispose();
    const size = ct.size ** 2;
    const values = all.map((one, i) => heldOutRays(withheld, x.data.subarray(i * size, (i + 1) * size), one).value);
    for (let i = 0; i < 4; i++) expect(values[4 + i]!).toBeGreaterThan(1.2 * values[i]!);
  });
});
