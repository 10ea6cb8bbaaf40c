/** @file Labelled images from disk: whole files, truncated ones, and none. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imagesFolder, readImageSet } from "../../cli/labelled-images.js";

/** An idx file of bytes 0, 1, 2, …, modulo `modulo`. */
function idx(shape: readonly number[], modulo: number): Uint8Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, 0x0800 + shape.length, false);
  shape.forEach((n, axis) => {
    header.setUint32(4 + 4 * axis, n, false);
  });
  return Uint8Array.of(...new Uint8Array(header.buffer), ...Array.from({ length: size }, (_, i) => i % modulo));
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-images-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(change: (name: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes): Promise<void> {
  for (const [part, count] of [
    ["train", 5],
    ["t10k", 3],
  ] as const) {
    for (const [kind, bytes] of [
      ["images-idx3", idx([count, 4, 4], 256)],
      ["labels-idx1", idx([count], 10)],
    ] as const) {
      const name = `${part}-${kind}-ubyte.gz`;
      await writeFile(join(folder, name), change(name, gzipSync(bytes)));
    }
  }
}

const read = () => readImageSet("vouch train images: --data fashion", "fashion", folder);

describe("readImageSet", () => {
  it("reads the four files", async () => {
    await write();
    const { train, test } = await read();
    expect([train.count, test.count, train.side]).toEqual([5, 3, 4]);
    expect([...test.labels]).toEqual([0, 1, 2]);
    expect(train.pixels[17]).toBeCloseTo(17 / 255, 6);
  });

  it.each([
    ["a truncated gzip", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 9), "truncated"],
    ["a whole gzip of a truncated idx", () => gzipSync(idx([3, 4, 4], 256).subarray(0, 40)), "truncated"],
    ["a gzip of something else", () => gzipSync(new TextEncoder().encode("not idx")), "two zeros"],
  ])("%s is refused with the file's name", async (_, damage, word) => {
    await write((name, bytes) => (name.startsWith("t10k-images") ? damage(bytes) : bytes));
    await expect(read()).rejects.toMatchObject({ code: "format" });
    await expect(read()).rejects.toThrow("t10k-images-idx3-ubyte.gz");
    await expect(read()).rejects.toThrow(word);
  });

  it("labels of other images are refused", async () => {
    await write((name, bytes) => (name.startsWith("train-labels") ? gzipSync(idx([4], 10)) : bytes));
    await expect(read()).rejects.toThrow("one an image");
  });

  it("an empty folder says where to look", async () => {
    await expect(readImageSet("vouch train images", "fashion", join(folder, "none"))).rejects.toMatchObject({
      code: "file",
    });
  });
});

it.skipIf(imagesFolder("fashion") === undefined)(
  "Fashion-MNIST as published: 60,000 and 10,000 images, each class alike often (skipped where dataset-fashion-mnist is not installed)",
  async () => {
    const { train, test } = await readImageSet("test", "fashion", undefined);
    const counts = (labels: Uint8Array) => Array.from({ length: 10 }, (_, k) => labels.filter((l) => l === k).length);
    expect([train.side, train.count, test.count]).toEqual([28, 60_000, 10_000]);
    expect(counts(train.labels)).toEqual(new Array(10).fill(6000));
    expect(counts(test.labels)).toEqual(new Array(10).fill(1000));
  },
);
