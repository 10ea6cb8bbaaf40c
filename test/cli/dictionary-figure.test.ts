import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { dictionaryAnswersFigure, dictionaryCodeFigure } from "../../cli/figures/dictionary.js";
import type { DictionaryAnswer, DictionaryFigureData } from "../../src/applications/dictionary/figures.js";
import type { Certificate } from "../../src/certificates/certify.js";

const wave = (phase: number) => Float64Array.from({ length: 60 }, (_, i) => Math.cos(phase + i * i));
const certificate = (property: string, value: number, label: Certificate["label"]): Certificate => ({
  ...{ property, value, label },
  ...{ kind: "relative error", term: property, because: "" },
});
const answer = (name: DictionaryAnswer["name"], phase: number, label: Certificate["label"]): DictionaryAnswer => ({
  name,
  x: Float32Array.from(wave(phase)),
  code: wave(phase).map((value, i) => (i % 7 === 0 ? value : 0)),
  certificates: [certificate("sparsity", 14.8, label), certificate("fidelity", 0, "pass")],
});
const data: DictionaryFigureData = {
  sample: 0,
  answers: [
    answer("true", 0, "pass"),
    answer("wrong", 1, "pass"),
    answer("least squares", 2, "fail"),
    answer("inference", 3, "pass"),
  ],
  error: 1e-3,
  nonzeros: 9,
};

/** Pixels of the blue of signals, the orange of codes, the green of pass and the red of fail. */
function inks(png: Uint8Array): number[] {
  const { data: pixels, channels } = decode(png);
  const colors = ["1f5fa8", "b35900", "116329", "b3141d"].map((hex) => Number.parseInt(hex, 16));
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < pixels.length; i += channels) {
    const found = colors.indexOf(65536 * pixels[i]! + 256 * pixels[i + 1]! + pixels[i + 2]!);
    if (found >= 0) counts[found]!++;
  }
  return counts;
}

describe("dictionary figures", () => {
  it("draw four answers with their codes and labels", () => {
    const png = dictionaryAnswersFigure(data, { zoom: 1 });
    const { width, height } = decode(png);
    expect([width, height]).toEqual([1174, 446]);
    for (const count of inks(png)) expect(count).toBeGreaterThan(10);
    expect(dictionaryAnswersFigure(data, { zoom: 1 })).toEqual(png);
  });

  it("draw a signal and its sparse code", () => {
    const [blue, orange, green, red] = inks(dictionaryCodeFigure(data, { zoom: 1 }));
    expect(blue).toBeGreaterThan(2 * orange!);
    expect(orange).toBeGreaterThan(10);
    expect([green, red]).toEqual([0, 0]);
  });
});
