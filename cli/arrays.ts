/** @file Arrays of files: .npy, a grey PNG, or a folder of them. */

import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { VouchError } from "../src/errors.js";
import { type NpyArray, parseNpy } from "../src/files/npy.js";
import { isPng, parsePng } from "../src/files/png.js";
import { within } from "./errors.js";
import { readFileOrExplain } from "./files.js";

/**
 * The array of a .npy file; of a grey PNG [height, width], white as 65535; or of a folder of such [n, height, width], in the order
 * of their names.
 *
 * @param name  what the user called, for errors
 * @param what  what the file should hold, in the user's words
 * @throws file, format, data, and shape where images of a folder differ in size
 */
export async function readArray(name: string, path: string, what: string): Promise<NpyArray> {
  if (existsSync(path) && statSync(path).isDirectory()) return readFolder(name, path);
  return within(`${name} ${path}`, async () => {
    const bytes = await readFileOrExplain(path, what);
    return isPng(bytes) ? parsePng(bytes) : parseNpy(bytes);
  });
}

async function readFolder(name: string, folder: string): Promise<NpyArray> {
  const files = (await readdir(folder)).filter((file) => file.toLowerCase().endsWith(".png")).sort();
  const paths = files.map((file) => join(folder, file));
  const images = await Promise.all(
    paths.map((path) => within(`${name} ${path}`, async () => parsePng(await readFileOrExplain(path, "a grey image")))),
  );
  const [first] = images;
  if (first === undefined) {
    const remedy = "Name a file, or a folder of grey PNGs.";
    throw new VouchError("file", { name, expected: `images (.png) in ${folder}`, got: "none", remedy });
  }
  const size = first.data.length;
  const data = new Uint16Array(images.length * size);
  images.forEach((image, i) => {
    if (image.shape.join() !== first.shape.join()) {
      throw new VouchError("shape", {
        name: `${name} ${paths[i]}`,
        expected: `[${first.shape.join(", ")}], as ${files[0]}`,
        got: `[${image.shape.join(", ")}]`,
        remedy: "Images of one folder are of one size.",
      });
    }
    data.set(image.data, i * size);
  });
  return { shape: [images.length, ...first.shape], data };
}
