/** @file Leaves of a graph: named inputs and constants; and the gradient stop. */

import { VouchError } from "../../errors.js";
import { moved } from "../rounding.js";
import {
  apply,
  type DType,
  elements,
  type Primitive,
  type Shape,
  sameShape,
  shapeError,
  showShape,
  type Tensor,
} from "../tensor.js";

interface InputAttributes {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

export const inputPrimitive: Primitive<InputAttributes> = {
  name: "input",
  exact: true,
  shape: (_, { shape, dtype }) => [{ shape, dtype }],
  vjp: () => [],
  onnx: (_, __, node) => [node.attributes.name],
  eval64: (_, node) => {
    throw new VouchError("data", {
      name: "interpret",
      expected: `a value for the input "${node.attributes.name}"`,
      got: "none",
      remedy: "Pass every input of the graph.",
    });
  },
};

/** A named input of the graph. */
export function input(name: string, shape: Shape, dtype: DType = "float"): Tensor {
  return apply(inputPrimitive, [], { name, shape, dtype });
}

interface ConstantAttributes {
  readonly data: Float32Array;
  /** The numbers that `data` rounds, where the interpreter has them. */
  readonly unrounded?: Float64Array;
  readonly shape: readonly number[];
}

export const constantPrimitive: Primitive<ConstantAttributes> = {
  name: "constant",
  exact: true,
  shape: (_, { data, shape }) => {
    if (elements(shape) !== data.length) {
      throw shapeError("constant", `${data.length} elements`, showShape(shape));
    }
    return [{ shape, dtype: "float" }];
  },
  vjp: () => [],
  onnx: (build, _, { attributes }) => [build.float32(attributes.data, attributes.shape)],
  eval64: (_, { attributes: { shape, data, unrounded } }) => [{ shape, data: Float64Array.from(unrounded ?? data) }],
  enclose: (_, [value]) => [{ value: value!, radius: 0 }],
};

/** A constant array (float32); a number gives a scalar of shape []. */
export function constant(data: number | Float32Array | readonly number[], shape?: readonly number[]): Tensor {
  const array = typeof data === "number" ? Float32Array.of(data) : Float32Array.from(data);
  return apply(constantPrimitive, [], {
    data: array,
    shape: shape ?? (typeof data === "number" ? [] : [array.length]),
  });
}

/** A constant that keeps the caller's array: for operator data of many megabytes, which must not change afterwards. */
export function constantView(data: Float32Array, shape: readonly number[]): Tensor {
  return apply(constantPrimitive, [], { data, shape });
}

/** A constant that the engine rounds to float32 and the interpreter does not: factors computed from a problem's data. */
export function constant64(data: Float64Array, shape: readonly number[]): Tensor {
  return apply(constantPrimitive, [], { data: Float32Array.from(data), unrounded: data, shape });
}

export const stopGradientPrimitive: Primitive<Record<string, never>> = {
  name: "stopGradient",
  exact: true,
  shape: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  vjp: () => [undefined],
  onnx: (_, inputs) => [inputs[0]!],
  eval64: (inputs) => [inputs[0]!],
  enclose: (inputs, [y]) => [moved(inputs, y!)],
};

/** x, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientPrimitive, [x], {});
}

/** Fails unless both tensors have one shape. */
export function requireSameShape(name: string, a: Tensor, b: Tensor): void {
  if (!sameShape(a.shape, b.shape)) throw shapeError(name, showShape(a.shape), showShape(b.shape));
}
