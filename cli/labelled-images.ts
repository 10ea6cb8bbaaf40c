/** @file Labelled images from disk: Fashion-MNIST's idx files and the digits' CSV, packed with gzip or not. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { digitImages, idxImages, type LabelledImages, split } from "../src/applications/images/data.js";
import { VouchError } from "../src/errors.js";
import { parseIdx } from "../src/files/idx.js";
import { within } from "./errors.js";
import { readFileOrExplain } from "./files.js";
import { choice, text } from "./options.js";
import { dataFile } from "./paths.js";

/** Images to learn from, and those to score on. */
export interface ImageSet {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

/** Where each set is looked for, first to last, and where it comes from. */
const SETS = {
  fashion: {
    folders: ["/usr/share/datasets/fashion-mnist"],
    data: "fashion-mnist",
    first: "train-images-idx3-ubyte.gz",
    remedy: "Install the Debian package dataset-fashion-mnist, or name the folder of its four .gz files with --images.",
  },
  digits: {
    folders: ["/usr/lib/python3/dist-packages/sklearn/datasets/data"],
    data: "digits",
    first: "digits.csv.gz",
    remedy: "Install the Debian package python3-sklearn, or name the folder of digits.csv.gz with --images.",
  },
} as const;

export type ImageSetName = keyof typeof SETS;

export const imageOptions = {
  data: choice("Which images.", ["fashion", "digits"], "fashion"),
  images: {
    ...text("Folder of their files.", "FOLDER", undefined),
    shown: "where Debian's packages put them, or VOUCH_DATA",
  },
};

/** Digits come in one file: these many of it are for tests, in an order of its own. */
const TEST_DIGITS = 360;

/** The folder of a set that is on this machine; undefined where there is none. */
export function imagesFolder(name: ImageSetName): string | undefined {
  const { folders, data, first } = SETS[name];
  return [...folders, dataFile(data)].find((folder) => existsSync(join(folder, first)));
}

/** How a set that is not there can be had. */
export function imagesRemedy(name: ImageSetName): string {
  return SETS[name].remedy;
}

/**
 * Read a set of images.
 *
 * @param called  command and option, for errors
 * @throws file if it is nowhere; format if a file is truncated or not what its name says
 */
export async function readImageSet(called: string, name: ImageSetName, given: string | undefined): Promise<ImageSet> {
  const folder = given ?? imagesFolder(name);
  if (folder === undefined) {
    const { folders, data, first, remedy } = SETS[name];
    const expected = `${first} in ${[...folders, dataFile(data)].join(" or ")}`;
    throw new VouchError("file", { name: called, expected, got: "none", remedy });
  }
  const bytes = (file: string) => within(`${called} ${file}`, () => readUnpacked(join(folder, file)));
  if (name === "digits") {
    const text = new TextDecoder().decode(await bytes("digits.csv.gz"));
    const { test, rest } = split(digitImages(text), { test: TEST_DIGITS }, 0);
    return { train: rest, test };
  }
  const set = async (part: "train" | "t10k") => {
    const array = async (file: string) => {
      const unpacked = await bytes(file);
      return within(`${called} ${file}`, async () => parseIdx(unpacked));
    };
    const [images, labels] = [await array(`${part}-images-idx3-ubyte.gz`), await array(`${part}-labels-idx1-ubyte.gz`)];
    return within(`${called} ${part}`, async () => idxImages(images, labels));
  };
  return { train: await set("train"), test: await set("t10k") };
}

/** @throws format if the gzip is truncated or damaged */
async function readUnpacked(path: string): Promise<Uint8Array> {
  const packed = await readFileOrExplain(path, "images (.gz)");
  try {
    return gunzipSync(packed);
  } catch (error) {
    throw new VouchError("format", {
      name: "readImageSet",
      expected: "a whole gzip file",
      got: error instanceof Error ? error.message : String(error),
      remedy: "The file is truncated or damaged; copy it again.",
    });
  }
}
