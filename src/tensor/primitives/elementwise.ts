/** @file Elementwise primitives with NumPy broadcasting. */

import {
  apply,
  type DType,
  type Primitive,
  type Shape,
  shapeError,
  showShape,
  type Tensor,
  type Value,
} from "../tensor.js";
import { broadcastable, broadcastStrides, broadcastTo, forEachOffset, sumTo } from "./broadcast.js";
import { constant } from "./leaf.js";

type None = Record<string, never>;

/** A number stands for a scalar constant. */
export type TensorLike = Tensor | number;

export function asTensor(x: TensorLike): Tensor {
  return typeof x === "number" ? constant(x) : x;
}

function broadcastShape(name: string, inputs: readonly Tensor[]): Shape {
  const rank = Math.max(...inputs.map((x) => x.shape.length));
  const shape = Array.from({ length: rank }, (_, axis) => {
    const dims = inputs
      .map((x) => x.shape[axis - rank + x.shape.length])
      .filter((dim) => dim !== undefined && dim !== 1);
    return dims[0] ?? 1;
  });
  for (const x of inputs) {
    if (!broadcastable(x.shape, shape)) {
      throw shapeError(name, "shapes that broadcast together", inputs.map((t) => showShape(t.shape)).join(" and "));
    }
  }
  return shape;
}

interface Rule {
  readonly exact: boolean;
  readonly dtype?: DType;
  readonly onnx: string;
  readonly f: (...values: number[]) => number;
  /** Cotangents before summing over what was broadcast. */
  readonly vjp: (g: Tensor, inputs: readonly Tensor[], output: Tensor) => readonly (Tensor | undefined)[];
}

function elementwise(name: string, rule: Rule): Primitive<None> {
  return {
    name,
    exact: rule.exact,
    shape: (inputs) => [{ shape: broadcastShape(name, inputs), dtype: rule.dtype ?? "float" }],
    vjp: ({ inputs, outputs }, [g]) =>
      g === undefined
        ? inputs.map(() => undefined)
        : rule.vjp(g, inputs, outputs[0]!).map((cotangent, i) => cotangent && sumTo(cotangent, inputs[i]!.shape)),
    onnx: (build, inputs) => [build.node(rule.onnx, inputs)],
    eval64: (inputs) => [evaluate(rule.f, inputs)],
  };
}

function evaluate(f: (...values: number[]) => number, inputs: readonly Value[]): Value {
  const rank = Math.max(...inputs.map((x) => x.shape.length));
  const shape = Array.from({ length: rank }, (_, axis) => {
    const dims = inputs.map((x) => x.shape[axis - rank + x.shape.length] ?? 1);
    return dims.find((dim) => dim !== 1) ?? 1;
  });
  const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
  const full = inputs.map((x) => (x.data.length === data.length ? x.data : expand(x, shape)));
  const [a, b, c] = full as [Float64Array, Float64Array, Float64Array];
  if (full.length === 1) for (let k = 0; k < data.length; k++) data[k] = f(a[k]!);
  else if (full.length === 2) for (let k = 0; k < data.length; k++) data[k] = f(a[k]!, b[k]!);
  else for (let k = 0; k < data.length; k++) data[k] = f(a[k]!, b[k]!, c[k]!);
  return { shape, data };
}

function expand(x: Value, shape: readonly number[]): Float64Array {
  const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
  forEachOffset(shape, broadcastStrides(x.shape, shape.length), (k, offset) => {
    data[k] = x.data[offset]!;
  });
  return data;
}

const unary = (
  name: string,
  exact: boolean,
  onnx: string,
  f: (x: number) => number,
  d: (x: Tensor, y: Tensor) => TensorLike | undefined,
) =>
  elementwise(name, {
    exact,
    onnx,
    f,
    vjp: (g, [x], y) => {
      const slope = d(x!, y);
      return [slope === undefined ? undefined : mul(g, slope)];
    },
  });

export const addPrimitive = elementwise("add", { exact: true, onnx: "Add", f: (a, b) => a! + b!, vjp: (g) => [g, g] });
export const subPrimitive = elementwise("sub", {
  exact: true,
  onnx: "Sub",
  f: (a, b) => a! - b!,
  vjp: (g) => [g, neg(g)],
});
export const mulPrimitive = elementwise("mul", {
  exact: true,
  onnx: "Mul",
  f: (a, b) => a! * b!,
  vjp: (g, [a, b]) => [mul(g, b!), mul(g, a!)],
});
export const divPrimitive = elementwise("div", {
  exact: true,
  onnx: "Div",
  f: (a, b) => a! / b!,
  vjp: (g, [, b], y) => [div(g, b!), neg(div(mul(g, y), b!))],
});
export const maxPrimitive = elementwise("max", {
  exact: true,
  onnx: "Max",
  f: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a! > b! ? a! : b!),
  vjp: (g, [a, b]) => [select(less(a!, b!), 0, g), select(less(a!, b!), g, 0)],
});
export const minPrimitive = elementwise("min", {
  exact: true,
  onnx: "Min",
  f: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a! < b! ? a! : b!),
  vjp: (g, [a, b]) => [select(less(b!, a!), 0, g), select(less(b!, a!), g, 0)],
});
export const negPrimitive = unary(
  "neg",
  true,
  "Neg",
  (x) => -x,
  () => -1,
);
export const absPrimitive = unary(
  "abs",
  true,
  "Abs",
  (x) => (x < 0 ? -x : x),
  (x) => sign(x),
);
export const signPrimitive = unary(
  "sign",
  true,
  "Sign",
  (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  () => undefined,
);
export const sqrtPrimitive = unary("sqrt", true, "Sqrt", Math.sqrt, (_, y) => div(0.5, y));
export const expPrimitive = unary("exp", false, "Exp", Math.exp, (_, y) => y);
export const logPrimitive = unary("log", false, "Log", Math.log, (x) => div(1, x));
export const tanhPrimitive = unary("tanh", false, "Tanh", Math.tanh, (_, y) => sub(1, mul(y, y)));
export const sigmoidPrimitive = unary(
  "sigmoid",
  false,
  "Sigmoid",
  (x) => 1 / (1 + Math.exp(-x)),
  (_, y) => mul(y, sub(1, y)),
);

const compare = (name: string, onnx: string, f: (a: number, b: number) => boolean) =>
  elementwise(name, {
    exact: true,
    dtype: "bool",
    onnx,
    f: (a, b) => (f(a!, b!) ? 1 : 0),
    vjp: () => [undefined, undefined],
  });

export const lessPrimitive = compare("less", "Less", (a, b) => a < b);
export const lessEqualPrimitive = compare("lessEqual", "LessOrEqual", (a, b) => a <= b);

export const selectPrimitive: Primitive<None> = {
  ...elementwise("select", {
    exact: true,
    onnx: "Where",
    f: (c, a, b) => (c! !== 0 ? a! : b!),
    vjp: (g, [c]) => [undefined, select(c!, g, 0), select(c!, 0, g)],
  }),
  shape: (inputs) => {
    if (inputs[0]!.dtype !== "bool") {
      throw shapeError("select", "a bool condition", "a float", "Make the condition with less or lessEqual.");
    }
    return [{ shape: broadcastShape("select", inputs), dtype: "float" }];
  },
};

const binary = (primitive: Primitive<None>) => (a: TensorLike, b: TensorLike) =>
  apply(primitive, [asTensor(a), asTensor(b)], {});
const single = (primitive: Primitive<None>) => (x: TensorLike) => apply(primitive, [asTensor(x)], {});

export const add = binary(addPrimitive);
export const sub = binary(subPrimitive);
export const mul = binary(mulPrimitive);
export const div = binary(divPrimitive);
/** max(a, b); where equal, the gradient goes to a. NaN where either is NaN. */
export const max = binary(maxPrimitive);
/** min(a, b); where equal, the gradient goes to a. NaN where either is NaN. */
export const min = binary(minPrimitive);
export const less = binary(lessPrimitive);
export const lessEqual = binary(lessEqualPrimitive);
export const neg = single(negPrimitive);
/** |x|, with gradient 0 at 0. */
export const abs = single(absPrimitive);
export const sign = single(signPrimitive);
export const sqrt = single(sqrtPrimitive);
export const exp = single(expPrimitive);
export const log = single(logPrimitive);
export const tanh = single(tanhPrimitive);
export const sigmoid = single(sigmoidPrimitive);

/** a where the bool `condition` holds, else b. */
export function select(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  return apply(selectPrimitive, [condition, asTensor(a), asTensor(b)], {});
}

/** 1 everywhere, in the shape of x. */
export function onesLike(x: Tensor): Tensor {
  return broadcastTo(constant(1), x.shape);
}
