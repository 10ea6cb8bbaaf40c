/** @file The implicit dictionary as one .onnx file. */

import type { Calibration } from "../../certificates/calibration.js";
import type { Bundle } from "../../files/bundle.js";
import { exportOnnx } from "../../files/onnx-export.js";
import type { Limits } from "../../solvers/whole.js";
import { bundleProblem, DICTIONARY_SOLVE, dictionaryLabel } from "./evaluate.js";
import { implicitDictionary } from "./model.js";

/**
 * The bytes of an .onnx file that recovers and certifies: measurements d = Ax in, signals out.
 *
 * @param stop  where the solve stops; DICTIONARY_SOLVE by default
 * @throws format if the bundle holds another model; as `exportOnnx`
 */
export function exportDictionary(bundle: Bundle, calibration: Calibration, stop: Partial<Limits> = {}): Uint8Array {
  const problem = bundleProblem(bundle);
  return exportOnnx(implicitDictionary(problem), bundle.weights, {
    ...{ calibration, label: dictionaryLabel, ...DICTIONARY_SOLVE, ...stop },
    units: { d: `measurements Ax, A [${problem.m}, ${problem.n}] drawn with seed ${problem.seed}` },
  });
}
