/** @file Values with a reverse rule of the caller's. */

import { moved } from "../rounding.js";
import { applyAll, type Primitive, type Tensor } from "../tensor.js";
import { zeros } from "./broadcast.js";

interface Custom {
  readonly pull: (cotangents: readonly Tensor[]) => readonly Tensor[];
}

export const customVjpPrimitive: Primitive<Custom> = {
  name: "customVjp",
  exact: true,
  shape: (inputs) => inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: ({ outputs, attributes: { pull } }, cotangents) => pull(outputs.map((y, i) => cotangents[i] ?? zeros(y.shape))),
  onnx: (_, inputs) => [...inputs],
  eval64: (inputs) => [...inputs],
  enclose: (inputs, outputs) => outputs.map((y, i) => moved([inputs[i]!], y)),
};

/**
 * The tensors themselves, whose cotangents g go on as pull(g), one for each tensor and in its shape.
 *
 * What `pull` builds may use tensors of the surrounding graph: take gradients before substituting in it.
 */
export function customVjp(
  tensors: readonly Tensor[],
  pull: (cotangents: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  return applyAll(customVjpPrimitive, tensors, { pull });
}
