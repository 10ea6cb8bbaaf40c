/** @file Networks as implicit models: the largest difference of outputs over random networks of each kind, in float64. */

import { predictor } from "../src/applications/implicit/predict.js";
import { random } from "../src/random.js";
import type { Bench } from "./main.js";
import { difference, networks } from "./networks.js";
import { onnxNetwork } from "./onnx-networks.js";

const COUNT = 100;
const SAMPLES = 10;

export const conversions: Bench = async (log) => {
  const figures: Record<string, number> = {};
  for (const [kind, make] of Object.entries({ ...networks, onnx: onnxNetwork })) {
    let worst = 0;
    let states = 0;
    for (let k = 0; k < COUNT; k++) {
      const stream = random(1).fork(kind).fork(k);
      const network = make(stream);
      const { predict } = predictor(network.model);
      worst = Math.max(
        worst,
        difference(network, (U) => predict(U).Y, stream, SAMPLES),
      );
      states += network.model.B.rows / COUNT;
    }
    figures[`${kind.replace("-", "_")}_worst`] = worst;
    log(
      `${kind}: ${COUNT} networks of ${states.toFixed(0)} states on average, largest difference ${worst.toExponential(1)}`,
    );
  }
  return { figures: { conversion_worst: Math.max(...Object.values(figures)), ...figures }, env: {} };
};
