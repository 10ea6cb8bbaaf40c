import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { type Panel, renderFigure } from "../../cli/figure.js";

interface Picture {
  width: number;
  height: number;
  pixel(x: number, y: number): number[];
  /** Pixels of [x, x + width) × [y, y + height) that are not white. */
  drawn(x: number, y: number, width: number, height: number): number;
}

function picture(png: Uint8Array): Picture {
  const { width, height, channels, data } = decode(png);
  const pixel = (x: number, y: number) => [
    ...data.subarray((y * width + x) * channels, (y * width + x) * channels + 3),
  ];
  const drawn = (x: number, y: number, w: number, h: number) => {
    let count = 0;
    for (let r = y; r < y + h; r++)
      for (let c = x; c < x + w; c++) if (pixel(c, r).some((value) => value < 250)) count++;
    return count;
  };
  return { width, height, pixel, drawn };
}

const size = 128;
const ramp = Float32Array.from({ length: size * size }, (_, i) => (i % size) / (size - 1));
const panel: Panel = {
  title: "ramp",
  image: { data: ramp, height: size, width: size },
  window: [0, 1],
  colormap: "gray",
};
const margin = 20;
const titleHeight = 18 + 6;
const imageTop = margin + titleHeight;

describe("pixels", () => {
  test("an image of 128² fills 256² figure pixels, each value twice in both directions", () => {
    const { width, pixel } = picture(renderFigure([[panel]]));
    expect(width).toBe(2 * margin + 256);
    for (const [r, c] of [
      [0, 0],
      [0, 127],
      [64, 31],
      [127, 100],
    ] as const) {
      const gray = Math.round((255 * c) / 127);
      for (const [dx, dy] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const) {
        expect(pixel(margin + 2 * c + dx, imageTop + 2 * r + dy)).toEqual([gray, gray, gray]);
      }
    }
  });

  test("scale and zoom multiply", () => {
    const once = picture(renderFigure([[panel]], { scale: 1 }));
    const twice = picture(renderFigure([[panel]], { scale: 1, zoom: 3 }));
    expect(once.width).toBe(2 * margin + 128);
    expect([twice.width, twice.height]).toEqual([3 * once.width, 3 * once.height]);
    expect(twice.pixel(3 * (margin + 127) + 2, 3 * imageTop)).toEqual([255, 255, 255]);
    expect(twice.pixel(3 * margin, 3 * imageTop)).toEqual([0, 0, 0]);
  });

  test("values outside the window are drawn as its ends; errors are blue, white, red", () => {
    const data = Float64Array.of(-9, -1, 0, 1, 9, 0);
    const image = { data, height: 2, width: 3 };
    const { pixel } = picture(
      renderFigure([[{ title: "error", image, window: [-1, 1], colormap: "diverging" }]], { scale: 40 }),
    );
    const at = (r: number, c: number) => pixel(margin + 40 * c + 20, imageTop + 40 * r + 20);
    expect(at(0, 0)).toEqual(at(0, 1));
    expect(at(1, 0)).toEqual(at(1, 1));
    expect(at(0, 2)).toEqual([255, 255, 255]);
    expect(at(0, 0)[2]).toBeGreaterThan(at(0, 0)[0]!);
    expect(at(1, 0)[0]).toBeGreaterThan(at(1, 0)[2]!);
  });
});

describe("text", () => {
  const captionTop = imageTop + 256 + 28 + 8;

  test("every tone draws its mark and its text below the colour bar", () => {
    const bare = picture(renderFigure([[panel]]));
    for (const tone of ["pass", "warning", "fail"] as const) {
      const { height, drawn } = picture(renderFigure([[{ ...panel, caption: [{ text: "fidelity", tone }] }]]));
      expect(height).toBe(bare.height + 8 + 16);
      expect(drawn(margin, captionTop, 15, 16)).toBeGreaterThan(5);
      expect(drawn(margin + 17, captionTop, 60, 16)).toBeGreaterThan(100);
    }
  });

  test("long lines wrap and a long word is cut: nothing is drawn beyond the panel", () => {
    const text = `${"a certificate that needs several lines to say ".repeat(3)}${"x".repeat(80)}`;
    const caption = [{ text, tone: "fail" as const }];
    const { width, height, drawn } = picture(
      renderFigure([[{ ...panel, title: text, caption }]], { title: text, footnote: text }),
    );
    expect(width).toBe(2 * margin + 256);
    expect(drawn(0, 0, margin - 1, height)).toBe(0);
    expect(drawn(width - margin + 1, 0, margin - 1, height)).toBe(0);
    expect(drawn(0, height - margin + 1, width, margin - 1)).toBe(0);
  });

  test("title and footnote add to the height", () => {
    const bare = picture(renderFigure([[panel]]));
    const full = picture(renderFigure([[panel]], { title: "Chest", footnote: "raw units" }));
    expect(full.height).toBeGreaterThan(bare.height + 30);
    expect(full.drawn(margin, margin, 60, 20)).toBeGreaterThan(100);
    expect(full.drawn(margin, full.height - margin - 15, 60, 15)).toBeGreaterThan(50);
  });

  test("text is text, not markup", () => {
    const title = `<script> & "quotes" \u0000 \ud800`;
    const { drawn } = picture(renderFigure([[{ ...panel, title }]]));
    expect(drawn(margin, margin, 200, 18)).toBeGreaterThan(100);
  });
});

test("rows of different length align in columns, and equal input gives equal bytes", () => {
  const panels = [[panel, panel, panel], [panel]];
  const png = renderFigure(panels);
  const { width, pixel } = picture(png);
  expect(width).toBe(2 * margin + 3 * 256 + 2 * 20);
  expect(pixel(margin + 2 * 276 + 255, imageTop)).toEqual([255, 255, 255]);
  expect(pixel(margin + 2 * 276, imageTop)).toEqual([0, 0, 0]);
  expect(renderFigure(panels)).toEqual(png);
});

const image = panel.image;
test.each<[string, () => unknown, string]>([
  ["no panel", () => renderFigure([[]]), "parameter"],
  ["scale 1.5", () => renderFigure([[panel]], { scale: 1.5 }), "parameter"],
  ["an empty window", () => renderFigure([[{ ...panel, window: [1, 1] }]]), "parameter"],
  ["a NaN window", () => renderFigure([[{ ...panel, window: [0, Number.NaN] }]]), "parameter"],
  ["a wrong size", () => renderFigure([[{ ...panel, image: { ...image, width: 127 } }]]), "shape"],
  ["NaN", () => renderFigure([[{ ...panel, image: { ...image, data: ramp.map((v) => v || Number.NaN) } }]]), "data"],
])("%s is refused", (_, call, code) => {
  expect(call).toThrow(expect.objectContaining({ code }));
});
