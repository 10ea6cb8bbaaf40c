/** @file Where things are: the package with its models, and the folder of data. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json, from the sources as from dist/. */
const root = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
})();

export const version: string = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

/** A model that comes with the package. */
export function shippedModel(name: string): string {
  return join(root, "models", `${name}.safetensors`);
}

/** A file of the data folder: VOUCH_DATA, else ../shared/data beside the package. */
export function dataFile(...path: string[]): string {
  return join(process.env["VOUCH_DATA"] ?? resolve(root, "..", "shared", "data"), ...path);
}

/** "a/b.safetensors" and "calibration.json" → "a/b.calibration.json". */
export function beside(path: string, ending: string): string {
  return `${path.replace(/(\.(safetensors|npy|npz|png|nii|nii\.gz|dcm|hdf5)|\/+)$/, "")}.${ending}`;
}
