/** @file The public API: one export line per file. */

export * as ct from "./applications/ct/index.js";
export * as decisions from "./applications/decisions/index.js";
export * as dictionary from "./applications/dictionary/index.js";
export * as images from "./applications/images/index.js";
export * as implicit from "./applications/implicit/index.js";
export * as trading from "./applications/trading/index.js";
export * from "./attest.js";
export type { AdjointLimits, AdjointSolver } from "./backward/adjoint.js";
export * from "./backward/adjoint-iteration.js";
export * from "./backward/cgls.js";
export * from "./backward/implicit.js";
export type { Jacobian } from "./backward/jacobian.js";
export * from "./backward/jfb.js";
export * from "./backward/neumann.js";
export * from "./backward/phantom.js";
export * from "./backward/rule.js";
export * from "./backward/unrolled.js";
export * from "./certificates/calibration.js";
export * from "./certificates/certify.js";
export * from "./certificates/drift.js";
export * from "./certificates/explain.js";
export * from "./certificates/joint.js";
export * from "./certificates/labels.js";
export * from "./certificates/measure.js";
export * as properties from "./certificates/properties/index.js";
export * from "./certificates/realised-rate.js";
export type { Check } from "./checks/check.js";
export * from "./checks/check-model.js";
export * from "./dual.js";
export type { Device, DeviceName } from "./engine/device.js";
export { compile, type EngineOptions, type Float32, type Session } from "./engine/session.js";
export * from "./errors.js";
export * from "./files/bundle.js";
export * from "./files/checkpoint.js";
export * from "./files/dicom.js";
export * from "./files/digests.js";
export * from "./files/hdf5.js";
export * from "./files/idx.js";
export * from "./files/nifti.js";
export * from "./files/npy.js";
export * from "./files/npz.js";
export * from "./files/onnx-export.js";
export * from "./files/onnx-load.js";
export { checkOnnx, ONNX_FORMAT, type OnnxMetadata } from "./files/onnx-metadata.js";
export * from "./files/png.js";
export * from "./files/safetensors.js";
export * from "./functions/function.js";
export * from "./functions/group-l21.js";
export * from "./functions/huber.js";
export * from "./functions/indicator.js";
export * from "./functions/linear.js";
export * from "./functions/quadratic.js";
export * from "./functions/shifted.js";
export * from "./functions/weighted-l1.js";
export * from "./functions/zero.js";
export * as layers from "./layers/index.js";
export * from "./linear/conv2d.js";
export * from "./linear/csr.js";
export * from "./linear/differences.js";
export * from "./linear/identity.js";
export * from "./linear/incidence.js";
export * from "./linear/linear.js";
export * from "./linear/matrix.js";
export * from "./linear/sparse.js";
export * from "./linear/spectrally-normalized.js";
export * from "./linear/stack.js";
export { symbolBound, torusBound } from "./linear/symbol.js";
export {
  type CompiledModel,
  type CompileOptions,
  compileModel,
  type Definition,
  define,
  type Model,
  type Param,
  type Trace,
  type Weights,
} from "./model.js";
export * as networks from "./networks/index.js";
export * from "./operator.js";
export * from "./points.js";
export * from "./problem.js";
export * from "./random.js";
export * from "./sets/affine.js";
export * from "./sets/ball.js";
export * from "./sets/box.js";
export type { DenseMatrix } from "./sets/factors.js";
export * from "./sets/grid-flow.js";
export * from "./sets/half-space.js";
export { hyperplane } from "./sets/hyperplane.js";
export * from "./sets/l1-ball.js";
export * from "./sets/non-negative.js";
export * from "./sets/point.js";
export * from "./sets/product.js";
export * from "./sets/set.js";
export { simplex } from "./sets/simplex.js";
export * from "./solvers/anderson.js";
export { stepBalance } from "./solvers/balance.js";
export * from "./solvers/default.js";
export * from "./solvers/newton-gmres.js";
export * from "./solvers/picard.js";
export * from "./solvers/relaxed.js";
export * from "./solvers/restarted.js";
export * from "./solvers/safeguarded.js";
export type { Progress, Solution, SolveOptions, Status } from "./solvers/solve.js";
export * from "./solvers/solver.js";
export * from "./splitting/davis-yin.js";
export * from "./splitting/douglas-rachford.js";
export * from "./splitting/linearized-admm.js";
export * from "./splitting/proximal-gradient.js";
export * from "./splitting/split.js";
export * as tensor from "./tensor/index.js";
export * from "./training/adam.js";
export * from "./training/bayes.js";
export * from "./training/check-descent.js";
export * from "./training/cross-entropy.js";
export * from "./training/dataset.js";
export * from "./training/fit.js";
export {
  initialArrays,
  type Network,
  networkInputs,
  networkSize,
} from "./training/network.js";
export * from "./training/optimizer.js";
export type { LossAt, OutsideLoss } from "./training/outside.js";
export * from "./training/params/filters.js";
export * from "./training/params/positive.js";
export * from "./training/params/weights.js";
export * from "./training/schedule.js";
export * from "./training/sgd.js";
export * from "./training/squared-error.js";
export type { Steps, TrainerOptions } from "./training/trainer.js";
export * from "./verify/bounds.js";
export * from "./verify/check.js";
export * from "./verify/contraction.js";
export * from "./verify/enclose.js";
export * from "./verify/repair.js";
export * from "./witness.js";
