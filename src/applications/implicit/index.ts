/** @file Implicit models. @source El Ghaoui et al., Implicit Deep Learning */

export * from "./activations/phi.js";
export * from "./algebra.js";
export * from "./convert/convolution.js";
export * from "./convert/networks.js";
export * from "./convert/onnx.js";
export * from "./convert/signal.js";
export * from "./dense.js";
export * from "./fenchel/divergence.js";
export {
  type LiftedOptions,
  liftedDescent,
  type Multipliers,
  type NetworkWeights,
  networkOutputs,
} from "./fenchel/lifted-network.js";
export * from "./fenchel/model-update.js";
export * from "./fenchel/proxy-states.js";
export { type RelaxedOptions, relaxedDescent } from "./fenchel/relaxed-descent.js";
export * from "./layer/implicit-layer.js";
export * from "./layer/train-layer.js";
export * from "./layer/well-posed-set.js";
export * from "./model.js";
export * from "./penalties/column-norms.js";
export * from "./penalties/one-ball.js";
export * from "./penalties/one-norm.js";
export { type BoundedSet, type Penalty, sumOfPenalties } from "./penalties/penalty.js";
export { sparseFeedForward } from "./penalties/sparse-feed-forward.js";
export * from "./penalties/sparse-well-posed.js";
export * from "./penalties/state-norm-ball.js";
export * from "./predict.js";
export * from "./projections.js";
export * from "./robust/index.js";
export * from "./sparsity.js";
export * from "./state-matrix.js";
export * from "./train/adjoint.js";
export * from "./train/conditional-gradient.js";
export * from "./train/least-squares.js";
export * from "./train/losses.js";
export * from "./train/newton-states.js";
export { type Parameters, type Part, parametersOf, withParameters } from "./train/parameters.js";
export * from "./train/proximal-descent.js";
export * from "./train/select-features.js";
export * from "./train/state-driven.js";
export * from "./train/train-projected.js";
export * from "./train/train-proximal.js";
export * from "./well-posed/condition.js";
export * from "./well-posed/monotone.js";
export * from "./well-posed/rescale.js";
export * from "./well-posed/well-posedness.js";
