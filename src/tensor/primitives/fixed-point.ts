/** @file The loop: apply a step to a state until it says stop or a limit is reached. */

import { VouchError } from "../../errors.js";
import { frontier } from "../graph.js";
import { evaluate } from "../interpret.js";
import { applyAll, type Primitive, sameShape, shapeError, showShape, type Tensor } from "../tensor.js";
import { constantPrimitive, input } from "./leaf.js";

interface Loop {
  readonly limit: number;
  readonly state: readonly Tensor[];
  /** Tensors of the surrounding graph used by the body; the node's inputs after the state, in this order. */
  readonly captured: readonly Tensor[];
  readonly next: readonly Tensor[];
  /** bool scalar */
  readonly again: Tensor;
}

export const fixedPointPrimitive: Primitive<Loop> = {
  name: "fixedPoint",
  exact: false,
  shape: (_, { state }) => state.map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: () => {
    throw new VouchError("problem", {
      name: "gradient",
      expected: "a graph without an open fixed-point loop",
      got: "a gradient through fixedPoint",
      remedy: "Choose a backward rule: jfb detaches the fixed point and attaches one application.",
    });
  },
  onnx: (build, inputs, { inputs: tensors, attributes: { limit, state, captured, next, again } }) => {
    const count = state.length;
    return build.loop(limit, inputs.slice(0, count), {
      types: state,
      emit: (body, names) => {
        const bind = new Map<Tensor, string>(state.map((placeholder, i) => [placeholder, names[i]!]));
        captured.forEach((tensor, j) => {
          const actual = tensors[count + j]!;
          if (actual.node.primitive === (constantPrimitive as Primitive<unknown>)) {
            // Weights of a convolution run at full speed only as initializers of the body graph itself.
            const { data, shape } = actual.node.attributes as { data: Float32Array; shape: readonly number[] };
            bind.set(tensor, body.float32(data, shape));
          } else bind.set(tensor, inputs[count + j]!);
        });
        const [condition, ...following] = body.graph([again, ...next], bind);
        return { again: condition!, next: following };
      },
    });
  },
  eval64: (inputs, { attributes: { limit, state, captured, next, again } }, batch) => {
    let now = inputs.slice(0, state.length);
    const fixed = captured.map((tensor, j) => [tensor, inputs[state.length + j]!] as const);
    for (let k = 0; k < limit; k++) {
      const given = new Map([...fixed, ...state.map((placeholder, i) => [placeholder, now[i]!] as const)]);
      const [go, ...following] = evaluate([again, ...next], given, batch);
      now = following;
      if (go!.data[0] === 0) break;
    }
    return now;
  },
};

/** Apply `step` to a list of tensors until `again` (a bool scalar) is false, at most `limit` times. */
export function iterate(
  initial: readonly Tensor[],
  step: (state: readonly Tensor[]) => { readonly next: readonly Tensor[]; readonly again: Tensor },
  limit: number,
): readonly Tensor[] {
  const state = initial.map((z, i) => input(`state.${i}`, z.shape, z.dtype));
  const { next, again } = step(state);
  next.forEach((z, i) => {
    const expected = initial[i]!;
    if (!sameShape(z.shape, expected.shape) || z.dtype !== expected.dtype) {
      throw shapeError(
        "fixedPoint",
        `a state of ${showShape(expected.shape)}`,
        showShape(z.shape),
        "The step must keep the state's shapes.",
      );
    }
  });
  const captured = frontier([again, ...next], new Set(state));
  return applyAll(fixedPointPrimitive, [...initial, ...captured], { limit, state, captured, next, again });
}
