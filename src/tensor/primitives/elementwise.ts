/** @file Elementwise primitives with NumPy broadcasting. */

import { type Enclosed, largest, UNIT, up } from "../rounding.js";
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
import { broadcastable, broadcastData, broadcastTo, sumTo } from "./broadcast.js";
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
  /** One element; or `loop`, over whole arrays of one length, where a call an element would be felt. */
  readonly f?: (...values: number[]) => number;
  readonly loop?: (out: Float64Array, a: Float64Array, b: Float64Array, c: Float64Array) => void;
  /** Cotangents before summing over what was broadcast. */
  readonly vjp: (g: Tensor, inputs: readonly Tensor[], output: Tensor) => readonly (Tensor | undefined)[];
  /** Of exact ones. */
  readonly enclose?: (inputs: readonly Enclosed[], output: Value) => Omit<Enclosed, "value">;
}

function elementwise(name: string, rule: Rule): Primitive<None> {
  const { enclose } = rule;
  return {
    name,
    ...(enclose ? { enclose: (inputs, [value]) => [{ value: value!, ...enclose(inputs, value!) }] } : {}),
    exact: rule.exact,
    shape: (inputs) => [{ shape: broadcastShape(name, inputs), dtype: rule.dtype ?? "float" }],
    vjp: ({ inputs, outputs }, [g]) =>
      g === undefined
        ? inputs.map(() => undefined)
        : rule.vjp(g, inputs, outputs[0]!).map((cotangent, i) => cotangent && sumTo(cotangent, inputs[i]!.shape)),
    onnx: (build, inputs) => [build.node(rule.onnx, inputs)],
    eval64: (inputs) => [evaluate(rule, inputs)],
  };
}

function evaluate({ f, loop }: Pick<Rule, "f" | "loop">, inputs: readonly Value[]): Value {
  const rank = Math.max(...inputs.map((x) => x.shape.length));
  const shape = Array.from({ length: rank }, (_, axis) => {
    const dims = inputs.map((x) => x.shape[axis - rank + x.shape.length] ?? 1);
    return dims.find((dim) => dim !== 1) ?? 1;
  });
  const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
  const full = inputs.map((x) => expand(x, shape));
  const [a, b, c] = full as [Float64Array, Float64Array, Float64Array];
  if (loop) loop(data, a, b, c);
  else if (f === undefined) throw new TypeError("elementwise: a rule needs f or loop");
  else if (full.length === 1) for (let k = 0; k < data.length; k++) data[k] = f(a[k]!);
  else if (full.length === 2) for (let k = 0; k < data.length; k++) data[k] = f(a[k]!, b[k]!);
  else for (let k = 0; k < data.length; k++) data[k] = f(a[k]!, b[k]!, c[k]!);
  return { shape, data };
}

/** Radii of float64 operations that round once. */
const rounded = (radius: (inputs: readonly Enclosed[], output: Value) => number): NonNullable<Rule["enclose"]> => {
  return (inputs, output) => ({ radius: up(radius(inputs, output) + UNIT * largest(output)) });
};
/** Operations that pick one of their inputs, or change a sign. */
const unrounded: NonNullable<Rule["enclose"]> = (inputs) => ({
  radius: Math.max(...inputs.map((x) => x.radius)),
});

/** min |v|. */
function smallest({ data }: Value): number {
  let least = Number.POSITIVE_INFINITY;
  for (const v of data) least = Math.min(least, Math.abs(v));
  return least;
}

function expand(x: Value, shape: readonly number[]): Float64Array {
  if (x.data.length === shape.reduce((p, n) => p * n, 1)) return x.data;
  return broadcastData(x, shape);
}

const unary = (
  name: string,
  exact: boolean,
  onnx: string,
  f: (x: number) => number,
  d: (x: Tensor, y: Tensor) => TensorLike | undefined,
  enclose?: Rule["enclose"],
) =>
  elementwise(name, {
    exact,
    onnx,
    f,
    ...(enclose ? { enclose } : {}),
    vjp: (g, [x], y) => {
      const slope = d(x!, y);
      return [slope === undefined ? undefined : mul(g, slope)];
    },
  });

const sumOfRadii = rounded(([a, b]) => a!.radius + b!.radius);
export const addPrimitive = elementwise("add", {
  exact: true,
  onnx: "Add",
  loop: (out, a, b) => {
    for (let k = 0; k < out.length; k++) out[k] = a[k]! + b[k]!;
  },
  vjp: (g) => [g, g],
  enclose: sumOfRadii,
});
export const subPrimitive = elementwise("sub", {
  exact: true,
  onnx: "Sub",
  loop: (out, a, b) => {
    for (let k = 0; k < out.length; k++) out[k] = a[k]! - b[k]!;
  },
  vjp: (g) => [g, neg(g)],
  enclose: sumOfRadii,
});
export const mulPrimitive = elementwise("mul", {
  exact: true,
  onnx: "Mul",
  loop: (out, a, b) => {
    for (let k = 0; k < out.length; k++) out[k] = a[k]! * b[k]!;
  },
  vjp: (g, [a, b]) => [mul(g, b!), mul(g, a!)],
  // (a + r)(b + s) − ab = rb + as + rs; a factor known exactly to be 0 leaves nothing.
  enclose: rounded(([a, b]) => cross(a!, b!) + cross(b!, a!) + times(a!.radius, b!.radius)),
});
export const divPrimitive = elementwise("div", {
  exact: true,
  onnx: "Div",
  f: (a, b) => a! / b!,
  vjp: (g, [, b], y) => [div(g, b!), neg(div(mul(g, y), b!))],
  // â/b̂ − a/b = ((â − a) − (â/b̂)(b̂ − b))/b
  enclose: rounded(([a, b], y) => {
    const least = smallest(b!.value) - b!.radius;
    return least > 0 ? (a!.radius + times(largest(y), b!.radius)) / (least * (1 - 2 ** -40)) : Number.POSITIVE_INFINITY;
  }),
});
export const maxPrimitive = elementwise("max", {
  exact: true,
  onnx: "Max",
  loop: (out, a, b) => {
    for (let k = 0; k < out.length; k++) out[k] = Math.max(a[k]!, b[k]!);
  },
  vjp: (g, [a, b]) => [select(less(a!, b!), 0, g), select(less(a!, b!), g, 0)],
  enclose: unrounded,
});
export const minPrimitive = elementwise("min", {
  exact: true,
  onnx: "Min",
  loop: (out, a, b) => {
    for (let k = 0; k < out.length; k++) out[k] = Math.min(a[k]!, b[k]!);
  },
  vjp: (g, [a, b]) => [select(less(b!, a!), 0, g), select(less(b!, a!), g, 0)],
  enclose: unrounded,
});
export const negPrimitive = unary(
  "neg",
  true,
  "Neg",
  (x) => -x,
  () => -1,
  unrounded,
);
export const absPrimitive = unary(
  "abs",
  true,
  "Abs",
  (x) => (x < 0 ? -x : x),
  (x) => sign(x),
  unrounded,
);
export const signPrimitive = unary(
  "sign",
  true,
  "Sign",
  (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  () => undefined,
  ([x]) => ({ radius: x!.radius === 0 || smallest(x!.value) > up(x!.radius) ? 0 : 2 }),
);
export const sqrtPrimitive = unary(
  "sqrt",
  true,
  "Sqrt",
  Math.sqrt,
  (_, y) => div(0.5, y),
  // |√a − √b| = |a − b|/(√a + √b) ≤ √|a − b|, for a and b not negative.
  rounded(([x]) => {
    const near = Math.sqrt(x!.radius);
    const least = smallest(x!.value);
    return least > 0 ? Math.min(near, x!.radius / Math.sqrt(least)) : near;
  }),
);
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

/** One with a slope, so that ONNX Runtime fuses it into the convolution before it. */
export const leakyReluPrimitive: Primitive<{ readonly slope: number }> = {
  name: "leakyRelu",
  exact: true,
  shape: ([x]) => [{ shape: x!.shape, dtype: "float" }],
  vjp: ({ inputs: [x], attributes: { slope } }, [g]) => [g && select(less(x!, 0), mul(g, slope), g)],
  onnx: (build, [x], { attributes: { slope } }) => [build.node("LeakyRelu", [x!], { alpha: { float: slope } })],
  eval64: ([x], { attributes: { slope } }) => [
    { shape: x!.shape, data: x!.data.map((value) => (value < 0 ? slope * value : value)) },
  ],
  enclose: ([x], [y], { attributes: { slope } }) => [
    { value: y!, radius: up(x!.radius * Math.max(1, slope) + UNIT * largest(y!)) },
  ],
};

const compare = (name: string, onnx: string, loop: NonNullable<Rule["loop"]>) =>
  elementwise(name, {
    exact: true,
    dtype: "bool",
    onnx,
    loop,
    vjp: () => [undefined, undefined],
    enclose: ([a, b], output) => ({ radius: 0, ...open(a!, b!, output) }),
  });

/** Comparisons that the radii leave open. */
function open(a: Enclosed, b: Enclosed, { shape, data }: Value): { doubt?: Uint8Array } {
  const near = up(a.radius + b.radius);
  if (near === 0) return {};
  const [left, right] = [expand(a.value, shape), expand(b.value, shape)];
  return { doubt: Uint8Array.from(data, (_, k) => (Math.abs(left[k]! - right[k]!) > near ? 0 : 1)) };
}

export const lessPrimitive = compare("less", "Less", (out, a, b) => {
  for (let k = 0; k < out.length; k++) out[k] = a[k]! < b[k]! ? 1 : 0;
});
export const lessEqualPrimitive = compare("lessEqual", "LessOrEqual", (out, a, b) => {
  for (let k = 0; k < out.length; k++) out[k] = a[k]! <= b[k]! ? 1 : 0;
});

export const selectPrimitive: Primitive<None> = {
  ...elementwise("select", {
    exact: true,
    onnx: "Where",
    loop: (out, c, a, b) => {
      for (let k = 0; k < out.length; k++) out[k] = c[k] === 0 ? b[k]! : a[k]!;
    },
    vjp: (g, [c]) => [undefined, select(c!, g, 0), select(c!, 0, g)],
    enclose: ([condition, a, b], output) => ({ radius: chosen(condition!, a!, b!, output) }),
  }),
  shape: (inputs) => {
    if (inputs[0]!.dtype !== "bool") {
      throw shapeError("select", "a bool condition", "a float", "Make the condition with less or lessEqual.");
    }
    return [{ shape: broadcastShape("select", inputs), dtype: "float" }];
  },
};

/** Radius of what was chosen; where the choice is in doubt, what was not chosen is within it. */
function chosen({ value, doubt }: Enclosed, a: Enclosed, b: Enclosed, { shape }: Value): number {
  const [c, left, right] = [expand(value, shape), expand(a.value, shape), expand(b.value, shape)];
  const marks = doubt && expand({ shape: value.shape, data: Float64Array.from(doubt) }, shape);
  let radius = 0;
  for (let k = 0; k < c.length; k++) {
    radius = Math.max(radius, c[k] === 0 ? b.radius : a.radius);
    if (marks === undefined || marks[k] === 0) continue;
    const apart = Math.abs(left[k]! - right[k]!);
    radius = Math.max(radius, up(Math.max(a.radius, b.radius) + (Number.isNaN(apart) ? Infinity : apart)));
  }
  return radius;
}

/** Product of bounds, of which 0 means nothing at all. */
function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

function cross(a: Enclosed, b: Enclosed): number {
  return times(largest(a.value), b.radius);
}

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
/** x where x ≥ 0, else slope · x; slope ≥ 0, rounded to float32; gradient 1 at 0. */
export function leakyRelu(x: TensorLike, slope: number): Tensor {
  return apply(leakyReluPrimitive, [asTensor(x)], { slope: Math.fround(slope) });
}

/** a where the bool `condition` holds, else b. */
export function select(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  return apply(selectPrimitive, [condition, asTensor(a), asTensor(b)], {});
}

/** 1 everywhere, in the shape of x. */
export function onesLike(x: Tensor): Tensor {
  return broadcastTo(constant(1), x.shape);
}
