/** @file The paper's trading experiment, corrected. @source Heaton & Wu Fung 2023, eq. (18)–(23), Table 4, Figures 7 and 8 */

export * from "./data.js";
export * from "./evaluate.js";
export * from "./exact.js";
export * from "./margins.js";
export * from "./model.js";
export * from "./network.js";
export * from "./published.js";
export * from "./published-sets.js";
export * from "./risk.js";
export * from "./sets.js";
export * from "./trade.js";
export * from "./train.js";
export * from "./train-published.js";
