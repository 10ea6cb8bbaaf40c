/** @file A CT method as one .onnx file. */

import type { Calibration } from "../../certificates/calibration.js";
import { exportOnnx } from "../../files/onnx-export.js";
import type { Limits } from "../../solvers/whole.js";
import { CT_SOLVE, ctSolver, type Method } from "./methods.js";
import type { Tomography } from "./tomography.js";

/**
 * The bytes of an .onnx file that reconstructs and certifies: sinograms of the kept rays in, images out.
 *
 * Its metadata entry "rays" is the JSON list of the kept rays' places in a full sinogram, row by row.
 *
 * @param stop  where the solve stops; CT_SOLVE by default
 * @throws as `exportOnnx`
 */
export function exportCt(
  ct: Tomography,
  method: Method,
  calibration: Calibration,
  stop: Partial<Limits> = {},
): Uint8Array {
  return exportOnnx(method.model, method.weights, {
    ...{ calibration, solver: ctSolver, ...CT_SOLVE, ...stop },
    units: {
      d: `rays that meet the image, of ${ct.sinogram[0]} views and ${ct.sinogram[1]} detectors, each divided by the norm of its weights`,
      delta: "bound on the noise norm of d, in its units",
      x: "attenuation from 0 to 1, where 1 is 81.35858/m as in LoDoPaB-CT",
    },
    notes: { rays: JSON.stringify([...ct.kept]) },
  });
}
