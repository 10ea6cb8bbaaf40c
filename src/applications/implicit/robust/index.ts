/** @file Robustness of implicit models: sensitivity, certificates of classifications, attacks, robust training. */

export * from "./attacks.js";
export * from "./input-set.js";
export * from "./linear-relaxation.js";
export { majorant } from "./majorant.js";
export * from "./margins.js";
export * from "./recourse.js";
export * from "./sensitivity.js";
export { type StateBox, type StateBoxes, stateBoxes } from "./state-box.js";
export {
  CERTIFIED_RECIPE,
  type CertifiedOptions,
  type CertifiedSizes,
  certifiedClassifier,
  certifiedCrossEntropy,
  implicitOf,
  type LabelledRows,
  type TrainCertifiedOptions,
  trainCertified,
} from "./train.js";
export * from "./train-recourse.js";
