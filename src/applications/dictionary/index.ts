/** @file Sparse recovery with a learned dictionary. @source Heaton & Wu Fung 2023, eq. (16), and eq. (5)–(9) */

export * from "./data.js";
export * from "./evaluate.js";
export * from "./export.js";
export * from "./figures.js";
export * from "./least-squares.js";
export * from "./model.js";
export * from "./sparse-recovery.js";
export * from "./train.js";
