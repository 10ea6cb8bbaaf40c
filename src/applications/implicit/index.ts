/** @file Implicit models. @source El Ghaoui et al., Implicit Deep Learning */

export * from "./activations/phi.js";
export * from "./algebra.js";
export * from "./convert/convolution.js";
export * from "./convert/networks.js";
export * from "./convert/onnx.js";
export * from "./convert/signal.js";
export * from "./dense.js";
export * from "./fenchel/divergence.js";
export * from "./fenchel/lifted-network.js";
export * from "./model.js";
export * from "./predict.js";
export * from "./projections.js";
export * from "./robust/index.js";
export * from "./sparsity.js";
export * from "./state-matrix.js";
export * from "./train/adjoint.js";
export * from "./train/least-squares.js";
export * from "./train/select-features.js";
export * from "./train/state-driven.js";
export * from "./train/train-projected.js";
export * from "./well-posed/condition.js";
export * from "./well-posed/monotone.js";
export * from "./well-posed/rescale.js";
export * from "./well-posed/well-posedness.js";
