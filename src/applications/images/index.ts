/** @file Classifying images with a fixed-point network. @source Wu Fung et al. 2022, JFB */

export * from "./data.js";
export * from "./evaluate.js";
export * from "./network.js";
export * from "./train.js";
