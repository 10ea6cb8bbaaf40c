/** @file Matrix product, with leading axes that broadcast. */

import { type Enclosed, innerProduct, largest } from "../rounding.js";
import { apply, concrete, type Primitive, type Shape, shapeError, showShape, type Tensor } from "../tensor.js";
import { broadcastStrides, forEachOffset, sumTo } from "./broadcast.js";
import { transpose } from "./layout.js";

function lead(name: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length) - 2;
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length - 2] ?? 1;
    const right = b[axis - rank + b.length - 2] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw shapeError(name, "leading axes that broadcast", `${showShape(a)} and ${showShape(b)}`);
    }
    return left === 1 ? right : left;
  });
}

function swapLast(x: Tensor): Tensor {
  const rank = x.shape.length;
  return transpose(
    x,
    x.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis)),
  );
}

export const matmulPrimitive: Primitive<Record<string, never>> = {
  name: "matmul",
  exact: true,
  shape: ([a, b]) => {
    const inner = a!.shape.at(-1);
    if (a!.shape.length < 2 || b!.shape.length < 2 || inner !== b!.shape.at(-2)) {
      throw shapeError("matmul", "[…, m, k] and […, k, n]", `${showShape(a!.shape)} and ${showShape(b!.shape)}`);
    }
    return [{ shape: [...lead("matmul", a!.shape, b!.shape), a!.shape.at(-2)!, b!.shape.at(-1)!], dtype: "float" }];
  },
  vjp: ({ inputs: [a, b] }, [g]) => {
    if (g === undefined) return [undefined, undefined];
    return [contract(g, b!, a!), transposeProduct(a!, g, b!)];
  },
  onnx: (build, [a, b]) => [build.node("MatMul", [a!, b!])],
  eval64: ([a, b], { outputs }, batch) => {
    const shape = concrete(outputs[0]!.shape, batch);
    const [m, k, n] = [a!.shape.at(-2)!, a!.shape.at(-1)!, b!.shape.at(-1)!];
    const outer = shape.slice(0, -2);
    const data = new Float64Array(shape.reduce((p, d) => p * d, 1));
    const leftOf: number[] = [];
    forEachOffset(outer, broadcastStrides(a!.shape.slice(0, -2), outer.length), (i, offset) => {
      leftOf[i] = offset * m * k;
    });
    forEachOffset(outer, broadcastStrides(b!.shape.slice(0, -2), outer.length), (i, offset) => {
      multiply(a!.data, leftOf[i]!, b!.data, offset * k * n, data, i * m * n, m, k, n);
    });
    return [{ shape, data }];
  },
  enclose: ([a, b], [y]) => [{ value: y!, radius: product(a!, b!, a!.value.shape.at(-1)!) }],
};

function product(a: Enclosed, b: Enclosed, terms: number): number {
  return innerProduct(terms, terms * largest(a.value), a, { largest: largest(b.value), radius: b.radius });
}

/** a's cotangent: g bᵀ, summed over what was broadcast. A weight b shared by all samples gives one flat product. */
function contract(g: Tensor, b: Tensor, a: Tensor): Tensor {
  return sumTo(matmul(g, swapLast(b)), a.shape);
}

/** b's cotangent: aᵀ g, summed over what was broadcast. */
function transposeProduct(a: Tensor, g: Tensor, b: Tensor): Tensor {
  if (b.shape.length === 2 && a.shape.length === 2) return matmulTransposed(a, g);
  return sumTo(matmul(swapLast(a), g), b.shape);
}

function multiply(
  a: Float64Array,
  ai: number,
  b: Float64Array,
  bi: number,
  c: Float64Array,
  ci: number,
  m: number,
  k: number,
  n: number,
) {
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const scale = a[ai + i * k + p]!;
      const row = bi + p * n;
      const out = ci + i * n;
      for (let j = 0; j < n; j++) c[out + j]! += scale * b[row + j]!;
    }
  }
}

/** a b for a […, m, k] and b […, k, n]; leading axes broadcast. A [N, k] batch times a [k, n] weight is a row per sample. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return apply(matmulPrimitive, [a, b], {});
}

export const matmulTransposedPrimitive: Primitive<Record<string, never>> = {
  name: "matmulTransposed",
  exact: true,
  shape: ([a, b]) => {
    if (a!.shape.length !== 2 || b!.shape.length !== 2 || a!.shape[0] !== b!.shape[0]) {
      throw shapeError("matmulTransposed", "[r, m] and [r, n]", `${showShape(a!.shape)} and ${showShape(b!.shape)}`);
    }
    return [{ shape: [a!.shape[1]!, b!.shape[1]!], dtype: "float" }];
  },
  vjp: ({ inputs: [a, b] }, [g]) => [g && matmul(b!, transpose(g, [1, 0])), g && matmul(a!, g)],
  onnx: (build, [a, b]) => [build.node("MatMul", [build.node("Transpose", [a!], { perm: [1, 0] }), b!])],
  eval64: ([a, b]) => {
    const [r, m, n] = [a!.shape[0]!, a!.shape[1]!, b!.shape[1]!];
    const data = new Float64Array(m * n);
    for (let s = 0; s < r; s++) {
      for (let i = 0; i < m; i++) {
        const scale = a!.data[s * m + i]!;
        for (let j = 0; j < n; j++) data[i * n + j]! += scale * b!.data[s * n + j]!;
      }
    }
    return [{ shape: [m, n], data }];
  },
  enclose: ([a, b], [y]) => [{ value: y!, radius: product(a!, b!, a!.value.shape[0]!) }],
};

/** aᵀ b for a [r, m] and b [r, n]: sums over the first axis, samples included (the cotangent of a weight). */
export function matmulTransposed(a: Tensor, b: Tensor): Tensor {
  return apply(matmulTransposedPrimitive, [a, b], {});
}
