/** @file The properties of Table 2. @source Heaton & Wu Fung 2023 */

export * from "./confidence.js";
export * from "./distance-to.js";
export * from "./iterate-residual.js";
export * from "./proximal-residual.js";
export * from "./relative-error.js";
export * from "./sparsity.js";
export * from "./total-variation.js";
