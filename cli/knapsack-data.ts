/** @file The knapsack of the data folder, or a file of the user's own. */

import { z } from "zod";
import {
  type KnapsackData,
  type KnapsackSplit,
  readKnapsackData,
} from "../src/applications/decisions/knapsack/data.js";
import { within } from "./errors.js";
import { readJson } from "./images.js";
import { integer, text } from "./options.js";
import { dataFile } from "./paths.js";

export const knapsackOptions = {
  data: {
    ...text("Weights, capacities, contexts and true values.", "FILE.json", undefined),
    shown: "paths/fpo_dys_knapsack2_20.json of the data folder",
  },
  train: integer("Its first contexts, to train on.", 1000, { min: 2 }),
} as const;

/** @throws file, format, data */
export async function knapsackData(
  name: string,
  data: string | undefined,
  split: KnapsackSplit,
): Promise<KnapsackData> {
  const file = data ?? dataFile("paths", "fpo_dys_knapsack2_20.json");
  const json = await readJson(name, file, z.unknown(), "a knapsack with contexts");
  return within(`${name} ${file}`, async () => readKnapsackData(json, split));
}
