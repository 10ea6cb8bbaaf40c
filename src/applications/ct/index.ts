/** @file Computed tomography from few views. @source Heaton & Wu Fung 2023, eq. (17) */

export * from "./attenuation.js";
export * from "./calibrations.js";
export * from "./chi-square.js";
export * from "./examples.js";
export * from "./export.js";
export * from "./fbp.js";
export * from "./geometry.js";
export * from "./lodopab.js";
export * from "./measure.js";
export * from "./methods/index.js";
export * from "./methods.js";
export * from "./metrics.js";
export * from "./models.js";
export * from "./phantom.js";
export * from "./projector.js";
export * from "./radon.js";
export * from "./score.js";
export * from "./select.js";
export * from "./self-consistency.js";
export * from "./tomography.js";
export * from "./tune.js";
export * from "./vary.js";
