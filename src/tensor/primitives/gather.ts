/** @file Elements picked along the last axis, and put back: two adjoint primitives. */

import { VouchError } from "../../errors.js";
import { gamma, largest, moved, up } from "../rounding.js";
import { apply, type Primitive, sameShape, shapeError, showShape, type Tensor, type Value } from "../tensor.js";
import { zeros } from "./broadcast.js";

type None = Record<string, never>;

/** ONNX's int64: what its places in a row are. */
const AS_INDICES = { to: 7 };

/** Length of the last axis, which must not be that of samples. */
export function lastLength(name: string, x: Tensor): number {
  const length = x.shape.at(-1);
  if (typeof length === "number" && length > 0) return length;
  throw shapeError(name, "a last axis within each sample", showShape(x.shape));
}

function requireRows(name: string, x: Tensor, index: Tensor): void {
  if (!sameShape(x.shape.slice(0, -1), index.shape.slice(0, -1))) {
    throw shapeError(name, `an index [${[...x.shape.slice(0, -1), "k"].join(", ")}]`, showShape(index.shape));
  }
}

/** Calls `visit(k, at)` for element k of `index` and the offset it names in rows of `length`. */
function forEachPlace(name: string, index: Value, length: number, visit: (k: number, at: number) => void): void {
  const run = index.shape.at(-1)!;
  for (let k = 0; k < index.data.length; k++) {
    const place = index.data[k]!;
    if (!(Number.isInteger(place) && place >= 0 && place < length)) {
      throw new VouchError("data", {
        name,
        expected: `whole places 0 … ${length - 1}`,
        got: `${place}`,
        remedy: "Take them from sort or argmax of a row of this length.",
      });
    }
    visit(k, Math.floor(k / run) * length + place);
  }
}

export const gatherPrimitive: Primitive<None> = {
  name: "gather",
  exact: true,
  shape: ([x, index]) => {
    lastLength("gather", x!);
    lastLength("gather", index!);
    requireRows("gather", x!, index!);
    return [{ shape: index!.shape, dtype: "float" }];
  },
  vjp: ({ inputs: [x, index] }, [g]) => [g && scatterAdd(zeros(x!.shape), index!, g), undefined],
  onnx: (build, [x, index], { inputs }) => [
    build.node("GatherElements", [x!, build.node("Cast", [index!], AS_INDICES)], { axis: inputs[0]!.shape.length - 1 }),
  ],
  eval64: ([x, index]) => {
    const data = new Float64Array(index!.data.length);
    forEachPlace("gather", index!, x!.shape.at(-1)!, (k, at) => {
      data[k] = x!.data[at]!;
    });
    return [{ shape: index!.shape, data }];
  },
  // Where the places are in doubt, any element of the row may be meant.
  enclose: ([x, index], [y]) => [
    index!.radius === 0 ? moved([x!], y!) : { value: y!, radius: up(2 * largest(x!.value) + x!.radius) },
  ],
};

/** y[…, k] = x[…, index[…, k]]: x [N, …, n], index [N, …, k] of whole numbers in 0 … n − 1, through which no gradient flows. */
export function gather(x: Tensor, index: Tensor): Tensor {
  return apply(gatherPrimitive, [x, index], {});
}

export const scatterAddPrimitive: Primitive<None> = {
  name: "scatterAdd",
  exact: true,
  shape: ([base, index, y]) => {
    lastLength("scatterAdd", base!);
    requireRows("scatterAdd", base!, index!);
    if (!sameShape(y!.shape, index!.shape))
      throw shapeError("scatterAdd", showShape(index!.shape), showShape(y!.shape));
    return [{ shape: base!.shape, dtype: "float" }];
  },
  vjp: ({ inputs: [, index] }, [g]) => [g, undefined, g && gather(g, index!)],
  onnx: (build, [base, index, y], { inputs }) => [
    build.node("ScatterElements", [base!, build.node("Cast", [index!], AS_INDICES), y!], {
      axis: inputs[0]!.shape.length - 1,
      reduction: "add",
    }),
  ],
  eval64: ([base, index, y]) => {
    const data = Float64Array.from(base!.data);
    forEachPlace("scatterAdd", index!, base!.shape.at(-1)!, (k, at) => {
      data[at]! += y!.data[k]!;
    });
    return [{ shape: base!.shape, data }];
  },
  // At most a whole row of y is added to one element of the base.
  enclose: ([base, index, y], [out]) => {
    const terms = y!.value.shape.at(-1)!;
    const [kept, added] = [largest(base!.value), largest(y!.value)];
    const carried = base!.radius + terms * y!.radius + gamma(terms) * (kept + terms * added);
    return [{ value: out!, radius: up(carried + (index!.radius === 0 ? 0 : 2 * terms * added)) }];
  },
};

/** x with y[…, k] added at index[…, k] of its last axis, in the order of k: the adjoint of `gather` where x is zero. */
export function scatterAdd(x: Tensor, index: Tensor, y: Tensor): Tensor {
  return apply(scatterAddPrimitive, [x, index, y], {});
}
