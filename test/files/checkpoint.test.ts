import { describe, expect, test } from "vitest";
import { formatCheckpoint, parseCheckpoint } from "../../src/files/checkpoint.js";
import { formatSafetensors } from "../../src/files/safetensors.js";

const array = (...values: number[]) => ({ shape: [values.length], data: Float32Array.from(values) });
const checkpoint = {
  phase: 2,
  t: 17,
  weights: { K: array(1, -0, 3), tau: array(0.1) },
  slots: { "m.K": array(4, 5, 6), "v.K": array(7, 8, 9), "m.tau": array(1e-40), "v.tau": array(2) },
  best: { weights: { K: array(9, 8, 7), tau: array(-1) }, validation: 0.1 + 0.2, phase: 1 },
};
const options = { lr: "0.003", seed: "1" };

describe("a checkpoint file", () => {
  test("holds every bit", () => {
    expect(parseCheckpoint(formatCheckpoint({ checkpoint, options }))).toEqual({ checkpoint, options });
  });

  test("holds a validation loss that was never measured", () => {
    const none = { ...checkpoint, best: { ...checkpoint.best, validation: Number.NaN } };
    expect(parseCheckpoint(formatCheckpoint({ checkpoint: none, options })).checkpoint.best.validation).toBeNaN();
  });

  test("equal content gives equal bytes, whatever the order of options", () => {
    const turned = Object.fromEntries(Object.entries(options).reverse());
    expect(formatCheckpoint({ checkpoint, options: turned })).toEqual(formatCheckpoint({ checkpoint, options }));
  });

  test("other safetensors, damaged ones and weights that lack a part are refused", () => {
    const bytes = formatCheckpoint({ checkpoint, options });
    expect(() => parseCheckpoint(formatSafetensors(checkpoint.weights, {}))).toThrow(
      "parseCheckpoint: expected a checkpoint",
    );
    expect(() => parseCheckpoint(bytes.subarray(0, bytes.length - 4))).toThrow("truncated");
    const partial = { ...checkpoint, best: { ...checkpoint.best, weights: { K: array(1) } } };
    expect(() => parseCheckpoint(formatCheckpoint({ checkpoint: partial, options }))).toThrow("do not fit together");
  });
});
